//! The server under test, and those that `targets` derive from it: which one a run is of. Not here:
//! what a target's keys mean (`target`, `server`).

use std::collections::BTreeMap;

use crate::config::check::Checker;
use crate::config::error::{Issue, Place, did_you_mean};
use crate::config::server::ServerFile;
use crate::config::target::{SideFile, Target, TargetFile};

/// What the file says of the server under test, for it and for what `targets` derive from it.
pub struct Sides {
    pub target: Option<TargetFile>,
    pub server: Option<ServerFile>,
    pub defaults: (TargetFile, ServerFile),
}

type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Sides {
    /// `target` itself, or the one of `targets` that `--target` names.
    pub fn chosen(
        &self,
        named: &BTreeMap<String, SideFile>,
        chosen: Option<&str>,
        flags: TargetFile,
        check: &mut Checker,
        env: Env<'_>,
    ) -> Option<Target> {
        let Some(chosen) = chosen else { return self.main(flags, check, env) };
        let Some(side) = named.get(chosen) else {
            let all: Vec<&str> = named.keys().map(String::as_str).collect();
            let place = Place::Flag(format!("--target {chosen}"));
            check.issues.push(Issue {
                place,
                ..Issue::new("", "no target of that name", did_you_mean(chosen, &all))
            });
            return None;
        };
        let over = SideFile {
            target: Some(flags.over(side.target.clone().unwrap_or_default())),
            ..side.clone()
        };
        self.named(chosen, &over, check, env)
    }

    pub fn main(&self, flags: TargetFile, check: &mut Checker, env: Env<'_>) -> Option<Target> {
        let (mut said, mut server) = (self.target.clone(), self.server.clone());
        // A URL on the command line is a server that runs already.
        if flags.base_url.is_some() {
            if let Some(target) = &mut said {
                target.sim = None;
                target.metrics = None;
            }
            server = None;
        }
        if said.is_none() && server.is_none() && flags.base_url.is_none() {
            let hint = "add `target: {base_url: http://HOST:PORT/v1}` or `target: {sim: {}}`";
            check.issues.push(Issue::new("", "`target` is missing", hint));
            return None;
        }
        self.checked("", flags.over(said.unwrap_or_default()), server, check, env)
    }

    /// Those of `targets` that are without fault, by name.
    pub fn all_named(
        &self,
        named: &BTreeMap<String, SideFile>,
        check: &mut Checker,
        env: Env<'_>,
    ) -> BTreeMap<String, Target> {
        named
            .iter()
            .filter_map(|(name, side)| Some((name.clone(), self.named(name, side, check, env)?)))
            .collect()
    }

    /// A named target says what differs; where it says an endpoint of another kind, the main one's
    /// does not hold.
    pub fn named(
        &self,
        name: &str,
        side: &SideFile,
        check: &mut Checker,
        env: Env<'_>,
    ) -> Option<Target> {
        let mut base = self.target.clone().unwrap_or_default();
        let over = side.target.clone().unwrap_or_default();
        let another = over.base_url.is_some() || over.sim.is_some();
        let server = match (&side.server, &self.server) {
            (Some(over), Some(base)) => Some(over.clone().over(base.clone())),
            (Some(over), None) => Some(over.clone()),
            (None, base) => base.clone().filter(|_| !another),
        };
        if over.base_url.is_some() || side.server.is_some() {
            base.sim = None;
        }
        if over.sim.is_some() {
            base.base_url = None;
        }
        if another {
            base.metrics = None;
        }
        self.checked(&format!("targets.{name}."), over.over(base), server, check, env)
    }

    fn checked(
        &self,
        at: &str,
        mut target: TargetFile,
        server: Option<ServerFile>,
        check: &mut Checker,
        env: Env<'_>,
    ) -> Option<Target> {
        let server = server.map(|mut server| {
            check.recipe(at, &mut server, &mut target, env);
            server.over(self.defaults.1.clone())
        });
        check.target(at, target.over(self.defaults.0.clone()), server, env)
    }
}
