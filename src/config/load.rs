//! Text, `--set` and flags in; a validated `Config` out, or every problem at once.
//!
//! Not here: finding and reading the file, the real environment (`command/`).

use serde_saphyr::Error as YamlError;

use super::check::Checker;
use super::error::{ConfigError, Issue, Place, describe, did_you_mean};
use super::file::{Defaults, File, GateFile, TargetFile};
use super::layers::{self, Flags};
use super::position::Origins;
use super::{Config, Endpoint, overrides};

/// A config file, read by the caller.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// As messages name it.
    pub name: &'a str,
    pub text: &'a str,
}

const DEFAULTS: &str = include_str!("default.yaml");

/// The config of a file (if any), with `--set` overrides and flags over it, checked to the end.
///
/// `env` answers for `${NAME}` in the base URL and in header values. Without a file the flags alone make a config with one workload,
/// `adhoc` or the preset's.
pub fn load(
    source: Option<Source<'_>>,
    set: &[String],
    flags: &Flags,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Config, ConfigError> {
    if source.is_none() && flags.base_url.is_none() && !set.iter().any(|s| s.starts_with("target.")) {
        return Err(ConfigError::NoTarget);
    }
    let (mut file, mut origins) = source.map_or_else(|| Ok((adhoc(), Origins::default())), parse)?;
    if source.is_none() || flags.preset.is_some() {
        file.workloads = Some(layers::workloads_of_flags(flags));
        origins.override_by("workloads", if flags.preset.is_some() { "--preset" } else { "flags" });
    }
    let file = overrides::apply(file, set, &mut origins)?;
    layers::note_flags(flags, file.workloads.as_ref().map_or(0, Vec::len), &mut origins);
    let located = |issues: Vec<Issue>| ConfigError::Invalid(issues.into_iter().map(|issue| origins.locate(issue)).collect());
    match assemble(file, flags, env) {
        (Some(config), issues) if issues.is_empty() => Ok(config),
        (None, issues) if issues.is_empty() => Err(Issue::new("", "the config is incomplete", "report this as a bug").into()),
        (_, issues) => Err(located(issues)),
    }
}

fn adhoc() -> File {
    File { version: Some(1), ..File::default() }
}

/// The defaults of every key that has one.
pub fn defaults() -> Defaults {
    serde_saphyr::from_str(DEFAULTS).expect("the embedded default.yaml is read by a test")
}

fn parse(source: Source<'_>) -> Result<(File, Origins), ConfigError> {
    let (origins, unread) = Origins::of_text(source.name, source.text);
    // The typed error first: it knows what was meant, and the other is only syntax that both stumble over.
    match (serde_saphyr::from_str::<Option<File>>(source.text), unread) {
        (Ok(file), None) => Ok((file.unwrap_or_default(), origins)),
        (Err(error), _) | (Ok(_), Some(error)) => Err(yaml_issue(&error, &origins).into()),
    }
}

fn yaml_issue(error: &YamlError, origins: &Origins) -> Issue {
    let location = error.location();
    let path = location.map(|at| origins.path_at(at)).unwrap_or_default();
    let (what, hint) = describe(error, &path);
    let place = location.map_or(Place::Unknown, |at| origins.place_at(at));
    origins.locate(Issue { path, what, hint, place, on_key: false })
}

fn assemble(file: File, flags: &Flags, env: &dyn Fn(&str) -> Option<String>) -> (Option<Config>, Vec<Issue>) {
    let defaults = defaults();
    let mut check = Checker::default();
    check.version(file.version);
    let (target_flags, workload_flags) = layers::of_flags(flags, &mut check.issues);
    let layered = layers::expand(&file, &defaults.workload, flags, &workload_flags, &mut check.issues);
    let target = target_of(file.target, target_flags, defaults.target, &mut check, env);
    let gate = GateFile { starts: flags.starts, rounds: flags.rounds, ..GateFile::default() };
    let gate = gate.over(file.gate.unwrap_or_default()).over(defaults.gate);
    let gate = check.gate(gate, target.as_ref().map(|t| matches!(t.endpoint, Endpoint::Http(_))), flags.starts);
    let workloads = check.workloads(&layered, file.workloads.is_some());
    let workloads = select(workloads, flags, &mut check.issues);
    let dir = file.baselines.and_then(|b| b.dir).or(defaults.baselines.dir);
    let baselines_dir = check.baselines_dir(dir);
    let config = target.zip(gate).zip(baselines_dir).map(|((target, gate), baselines_dir)| Config {
        target,
        workloads: workloads.into_iter().map(|(_, workload)| workload).collect(),
        gate,
        baselines_dir,
    });
    (config, check.issues)
}

fn target_of(
    file: Option<TargetFile>,
    flags: TargetFile,
    defaults: TargetFile,
    check: &mut Checker,
    env: &dyn Fn(&str) -> Option<String>,
) -> Option<super::Target> {
    let mut said = file;
    if let Some(target) = said.as_mut().filter(|_| flags.base_url.is_some()) {
        target.sim = None;
    }
    if said.is_none() && flags.base_url.is_none() {
        check.issues.push(Issue::new(
            "",
            "`target` is missing",
            "add `target: {base_url: http://HOST:PORT/v1}` or `target: {sim: {}}`",
        ));
        return None;
    }
    check.target(flags.over(said.unwrap_or_default()).over(defaults), env)
}

/// What `--workload` names, by a workload's own name or by that of the levels it stands for.
fn select(all: Vec<(String, super::Workload)>, flags: &Flags, issues: &mut Vec<Issue>) -> Vec<(String, super::Workload)> {
    if flags.workloads.is_empty() || all.is_empty() {
        return all;
    }
    for wanted in &flags.workloads {
        if !all.iter().any(|(family, workload)| family == wanted || workload.name == *wanted) {
            let names: Vec<&str> = all.iter().map(|(_, workload)| workload.name.as_str()).collect();
            let place = Place::Flag(format!("--workload {wanted}"));
            issues.push(Issue { place, ..Issue::new("", "no workload of that name", did_you_mean(wanted, &names)) });
        }
    }
    all.into_iter().filter(|(family, w)| flags.workloads.iter().any(|wanted| wanted == family || *wanted == w.name)).collect()
}
