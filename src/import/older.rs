//! The older tools' `targets.yaml`, `models.yaml` and `workloads.yaml` to one config, and what
//! cannot be carried over, with the reason.
//!
//! Read tolerantly: by what a key is called, whatever stands beside it. No API key is carried over,
//! shown, or part of a message. Not here: files (`command/init`).

mod fields;
mod prompts;
mod targets;
#[cfg(test)]
mod tests;
mod workloads;

use serde_json::Value;

use crate::config::starter::Starter;
use fields::Item;
use prompts::Prompts;

/// Texts that stand beside the workloads.
const BESIDE: &str = "prompts";

/// What was found; each is optional but for the targets.
#[derive(Clone, Copy, Debug, Default)]
pub struct Files<'a> {
    pub targets: Option<&'a str>,
    pub models: Option<&'a str>,
    pub workloads: Option<&'a str>,
}

/// A config, and what it does not hold of those files or holds otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Carried {
    pub starter: Starter,
    /// Lines for people: where it stood, and why it is not carried over or what became of it.
    pub notes: Vec<String>,
    /// Files beside it, by name: datasets of what were lists of prompts.
    pub files: Vec<(String, String)>,
}

/// Errors: a file that is no YAML, or no target in them. Never with text of the file, which may be
/// a key.
pub fn carry(files: Files<'_>) -> Result<Carried, String> {
    let mut notes = Vec::new();
    let mut read =
        |name: &'static str, key: &str, text: Option<&str>| -> Result<Vec<Item>, String> {
            text.map_or_else(|| Ok(Vec::new()), |text| items(name, key, text, &mut notes))
        };
    let servers = read("targets.yaml", "targets", files.targets)?;
    let models = read("models.yaml", "models", files.models)?;
    let loads = read("workloads.yaml", "workloads", files.workloads)?;
    let (target, others) = targets::carry(servers, models, &mut notes)?;
    let more = "--target NAME measures another server, --model NAME another model; NAME is one of `targets`.";
    let about = if others.len() > 1 { vec![more.to_owned()] } else { Vec::new() };
    let mut prompts = Prompts::read(beside(files.workloads).as_ref());
    let workloads = workloads::carry(loads, &mut prompts, &mut notes);
    Ok(Carried {
        starter: Starter { about, target, targets: others, workloads },
        notes,
        files: prompts.files,
    })
}

/// Prompts for all workloads, where these have a key of their own.
fn beside(workloads: Option<&str>) -> Option<Value> {
    let all: Value = serde_saphyr::from_str(workloads?).ok()?;
    all.get("workloads").and_then(|_| all.get(BESIDE)).cloned()
}

/// The entries below `key`: a list, or names with what belongs to each; also where the key itself
/// is left out.
fn items(
    file: &'static str,
    key: &str,
    text: &str,
    notes: &mut Vec<String>,
) -> Result<Vec<Item>, String> {
    let all: Value = serde_saphyr::from_str(text).map_err(|e| {
        let at =
            e.location().map_or_else(String::new, |at| format!(":{}:{}", at.line(), at.column()));
        // The reader's own message would quote the line, and there may be a key in it.
        format!("{file}{at} is not valid YAML\nhint: repair it, or leave the file out")
    })?;
    let entries = match &all {
        Value::Object(map) if map.contains_key(key) => {
            notes.extend(
                map.keys()
                    .filter(|k| *k != key && !(key == "workloads" && *k == BESIDE))
                    .map(|k| format!("{file}, {k}: goodput-gate has no such key")),
            );
            &all[key]
        }
        other => other,
    };
    match entries {
        Value::Array(list) => Ok(list
            .iter()
            .enumerate()
            .filter_map(|(i, v)| Item::read(file, i, None, v, notes))
            .collect()),
        Value::Object(map) => Ok(map
            .iter()
            .enumerate()
            .filter_map(|(i, (name, v))| Item::read(file, i, Some(name), v, notes))
            .collect()),
        Value::Null => Ok(Vec::new()),
        _ => Err(format!("{file} has no list `{key}`\nhint: write it as `{key}: [{{name: ...}}]`")),
    }
}
