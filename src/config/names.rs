//! What people call the entries of `targets` and of the workloads, and the short names of models
//! among them. Not here: what they are.

use std::collections::BTreeMap;

use super::target::{SideFile, TargetFile};

/// The names of a config that a person chooses from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Those of `targets` that say a model and nothing else: `--model NAME` sends the name that
    /// stands here.
    pub models: BTreeMap<String, String>,
    /// What is said of one of `targets`.
    pub targets: BTreeMap<String, String>,
    /// What is said of a workload, by its own name.
    pub workloads: BTreeMap<String, String>,
}

impl Names {
    pub fn from_sides(sides: &BTreeMap<String, SideFile>) -> Self {
        let models = sides
            .iter()
            .filter_map(|(name, side)| Some((name.clone(), only_model(side)?.to_owned())));
        let said =
            sides.iter().filter_map(|(name, side)| Some((name.clone(), side.description.clone()?)));
        Self { models: models.collect(), targets: said.collect(), workloads: BTreeMap::new() }
    }
}

/// The model that is sent for what `--model` says: of an entry that says a model and nothing else,
/// that one.
pub fn full_model(said: Option<String>, sides: &BTreeMap<String, SideFile>) -> Option<String> {
    said.map(|name| sides.get(&name).and_then(only_model).map_or(name, str::to_owned))
}

fn only_model(side: &SideFile) -> Option<&str> {
    let SideFile { target: Some(target), server: None, .. } = side else { return None };
    let only = TargetFile { model: target.model.clone(), ..TargetFile::default() };
    target.model.as_deref().filter(|name| *target == only && *name != "auto")
}
