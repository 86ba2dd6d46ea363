//! Text, `--set` and flags in; a validated `Config` out, or every problem at once.
//!
//! Not here: finding and reading the file, the real environment (`command/`).

mod sides;

use std::collections::BTreeMap;

use serde_saphyr::Error as YamlError;

use super::check::Checker;
use super::error::{ConfigError, Issue, Place, describe, did_you_mean};
use super::file::{Defaults, File};
use super::find::{Find, FindFile};
use super::flags::Flags;
use super::gate::{Counterpart, GateMode};
use super::hypothesis::HypothesisFile;
use super::names::{self, Names};
use super::position::Origins;
use super::target::{Endpoint, Target};
use super::workload::{Layered, Workload, is_workload_name};
use super::{Config, family, layers, overrides};
use crate::lang::Lang;
use sides::Sides;

/// A config file, read by the caller.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// As messages name it.
    pub name: &'a str,
    pub text: &'a str,
}

const DEFAULTS: &str = include_str!("default.yaml");
/// The config of `check --demo`.
pub const DEMO: Source<'static> =
    Source { name: "the demo's config", text: include_str!("demo.yaml") };

/// The config of a file (if any), with `--set` overrides and flags over it, checked to the end.
///
/// `env` answers for `${NAME}` in the base URL and in header values. Without a file the flags alone
/// make a config with one workload, `adhoc` or the presets'.
pub fn load(
    source: Option<Source<'_>>,
    set: &[String],
    flags: &Flags,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Config, ConfigError> {
    if source.is_none() && flags.base_url.is_none() && !set.iter().any(|s| s.starts_with("target."))
    {
        return Err(ConfigError::NoTarget);
    }
    let (file, origins) = source.map_or_else(|| Ok((adhoc(), Origins::default())), parse)?;
    finished(file, origins, source.is_none(), set, flags, env)
}

/// A change's own config under the policy of its base.
#[derive(Clone, Debug, PartialEq)]
pub struct Under {
    pub config: Config,
    /// Sections that the change says otherwise, and that do not count.
    pub changed: Vec<&'static str>,
}

/// What a change says of the thing under test.
const OWN: [&str; 4] = ["target", "server", "targets", "lang"];

/// As [`load`], of two files: `target`, `server`, `targets` and `lang` are the change's, all else
/// is the base's, and so is the one of `targets` that the candidate is compared with: a change must
/// not slow that down.
///
/// Errors: as [`load`]; `Err(Ok(_))` is the base's file, which nobody who changes something else
/// can mend.
pub fn load_under(
    source: Source<'_>,
    base: Source<'_>,
    set: &[String],
    flags: &Flags,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Under, Result<ConfigError, ConfigError>> {
    let (file, origins) = parse(source).map_err(Err)?;
    let (policy, at) = parse(base).map_err(Ok)?;
    let sections = [
        ("workloads", file.workloads != policy.workloads),
        ("gate", file.gate != policy.gate),
        ("find", file.find != policy.find),
        ("gpu", file.gpu != policy.gpu),
        ("baselines", file.baselines != policy.baselines),
    ];
    let (theirs, theirs_at) = (policy.clone(), at.clone());
    let merged = File {
        target: file.target,
        server: file.server,
        targets: file.targets,
        lang: file.lang,
        ..policy
    };
    let mut config =
        finished(merged, at.beside(origins, &OWN), false, set, flags, env).map_err(Err)?;
    let mut changed: Vec<&str> =
        sections.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect();
    let baseline =
        Some(&config.gate.baseline).filter(|_| config.gate.mode == GateMode::Interleaved);
    if let Some(Counterpart::Target(name)) = baseline
        && let Some(theirs) = one_of(theirs, theirs_at, set, name, env).map_err(Err)?
        && config.targets.insert(name.clone(), theirs.clone()).is_some_and(|own| own != theirs)
    {
        changed.push("targets");
    }
    Ok(Under { config, changed })
}

/// The target alone of a config that another commit has, whose other sections may be older than
/// this program. Of `set` and the flags only what is said of the target counts.
pub fn load_target(
    source: Source<'_>,
    set: &[String],
    flags: &Flags,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Target, ConfigError> {
    let (file, mut origins) = parse(source)?;
    let own =
        |said: &&String| OWN.iter().any(|section| said.split(['.', '=']).next() == Some(section));
    let set: Vec<String> = set.iter().filter(own).cloned().collect();
    let (file, defaults, mut check) =
        (overrides::apply(file, &set, &mut origins)?, defaults(), Checker::default());
    let mut over = flags.target_file(&mut check.issues);
    let sides = Sides {
        target: file.target,
        server: file.server,
        defaults: (defaults.target, defaults.server),
    };
    let named = file.targets.unwrap_or_default();
    over.model = names::full_model(over.model, &named);
    let target = sides.chosen(&named, flags.target.as_deref(), over, &mut check, env);
    match target {
        Some(target) if check.issues.is_empty() => Ok(target),
        _ => Err(ConfigError::Invalid(
            check.issues.into_iter().map(|issue| origins.locate(issue)).collect(),
        )),
    }
}

/// One of a file's `targets`.
fn one_of(
    file: File,
    mut origins: Origins,
    set: &[String],
    name: &str,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<Target>, ConfigError> {
    let (file, defaults, mut check) =
        (overrides::apply(file, set, &mut origins)?, defaults(), Checker::default());
    let sides = Sides {
        target: file.target,
        server: file.server,
        defaults: (defaults.target, defaults.server),
    };
    let target = file
        .targets
        .unwrap_or_default()
        .get(name)
        .and_then(|side| sides.named(name, side, &mut check, env));
    if check.issues.is_empty() {
        return Ok(target);
    }
    Err(ConfigError::Invalid(check.issues.into_iter().map(|issue| origins.locate(issue)).collect()))
}

fn finished(
    mut file: File,
    mut origins: Origins,
    adhoc: bool,
    set: &[String],
    flags: &Flags,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Config, ConfigError> {
    if adhoc || !flags.preset.is_empty() {
        file.workloads = Some(flags.workload_files());
        origins
            .override_by("workloads", if flags.preset.is_empty() { "flags" } else { "--preset" });
    }
    let file = overrides::apply(file, set, &mut origins)?;
    flags.note(file.workloads.as_ref().map_or(0, Vec::len), &mut origins);
    let located = |issues: Vec<Issue>| {
        ConfigError::Invalid(issues.into_iter().map(|issue| origins.locate(issue)).collect())
    };
    match assemble(file, flags, env) {
        (Some(config), issues) if issues.is_empty() => Ok(config),
        (None, issues) if issues.is_empty() => {
            Err(Issue::new("", "the config is incomplete", "report this as a bug").into())
        }
        (_, issues) => Err(located(issues)),
    }
}

/// The language that `--set` or a config file asks for, also where all else in the file is wrong:
/// that is said in it.
pub fn lang(text: Option<&str>, set: &[String]) -> Option<Lang> {
    #[derive(serde::Deserialize)]
    struct OnlyLang {
        lang: Option<Lang>,
    }
    match set.iter().rev().find_map(|said| said.strip_prefix("lang=")) {
        Some(said) => serde_saphyr::from_str(said).ok(),
        None => serde_saphyr::from_str::<Option<OnlyLang>>(text?).ok()??.lang,
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
    // The typed error first: it knows what was meant, and the other is only syntax that both
    // stumble over.
    match (serde_saphyr::from_str::<Option<File>>(source.text), unread) {
        (Ok(file), None) => Ok((file.unwrap_or_default(), origins)),
        (Err(error), _) | (Ok(_), Some(error)) => Err(yaml_issue(&error, &origins).into()),
    }
}

fn yaml_issue(error: &YamlError, origins: &Origins) -> Issue {
    let location = error.location();
    let path = location.map(|at| origins.path_at(at)).unwrap_or_default();
    let (what, hint) = describe(error, &path);
    let hint = Some(hint);
    let place = location.map_or(Place::Unknown, |at| origins.place_at(at));
    origins.locate(Issue { path, what, hint, place, on_key: false })
}

fn assemble(
    file: File,
    flags: &Flags,
    env: &dyn Fn(&str) -> Option<String>,
) -> (Option<Config>, Vec<Issue>) {
    let defaults = defaults();
    let mut check = Checker::default();
    check.version(file.version);
    let mut target_flags = flags.target_file(&mut check.issues);
    let workload_flags = flags.workload_file(&mut check.issues);
    let layered =
        layers::expand(&file, &defaults.workload, flags, &workload_flags, &mut check.issues);
    let sides = Sides {
        target: file.target,
        server: file.server,
        defaults: (defaults.target, defaults.server),
    };
    let named = file.targets.unwrap_or_default();
    target_flags.model = names::full_model(target_flags.model, &named);
    let targets = sides.all_named(&named, &mut check, env);
    let target = match &flags.target {
        None if flags.each => first_of(&targets, &mut check),
        chosen => sides.chosen(&named, chosen.as_deref(), target_flags, &mut check, env),
    };
    let gate = flags.gate_file().over(file.gate.unwrap_or_default()).over(defaults.gate);
    let mut gate = check.gate(
        gate,
        target.as_ref().map(|t| matches!(t.endpoint, Endpoint::Http(_))),
        flags.starts,
    );
    if let Some((target, gate)) = target.as_ref().zip(gate.as_mut()).filter(|_| !flags.each) {
        check.sides(target, &targets, gate, env);
    }
    let loads: Vec<&str> = layered.iter().filter_map(|one| one.file.name.as_deref()).collect();
    let known: Vec<&str> = named.keys().map(String::as_str).collect();
    let called = Names { workloads: descriptions(&layered), ..Names::from_sides(&named) };
    let hypotheses = check.hypotheses(claims(file.hypotheses, flags), &known, &loads);
    let mut workloads = check.workloads(&layered, file.workloads.is_some());
    check.extra_bodies(&layered, &target.iter().chain(targets.values()).collect::<Vec<_>>());
    // Before some of them are selected: one level alone is still a level.
    family::mark(&mut workloads.iter_mut().map(|(_, workload)| workload).collect::<Vec<_>>());
    let workloads = select(workloads, flags, &mut check.issues);
    let find = file.find.unwrap_or_default().over(defaults.find);
    let find = searched(find, flags, &workloads, &mut check);
    let sim = target.as_ref().is_some_and(|t| matches!(t.endpoint, Endpoint::Sim(_)));
    let gpu = check.gpu(file.gpu.unwrap_or_default().over(defaults.gpu), sim);
    let baselines = check.baselines(file.baselines.unwrap_or_default(), defaults.baselines);
    let config =
        target.zip(gate).zip(gpu).zip(baselines).map(|(((target, gate), gpu), baselines)| Config {
            target,
            targets,
            names: called,
            workloads: workloads.into_iter().map(|(_, workload)| workload).collect(),
            hypotheses,
            gate,
            find,
            gpu,
            baselines_dir: baselines.dir,
            baselines_ref: baselines.branch,
            baselines_max_walk: baselines.max_walk,
        });
    (config, check.issues)
}

/// None where no search is asked for.
fn searched<T>(
    find: FindFile,
    flags: &Flags,
    workloads: &[(T, Workload)],
    check: &mut Checker,
) -> Option<Find> {
    let over = Some(flags.find?);
    let mine: Vec<&Workload> = workloads.iter().map(|(_, workload)| workload).collect();
    check.find(&FindFile { over, ..find }, &mine)
}

/// They are of the file's workloads: where presets stand in for those, only `--each` asks for them.
fn claims(all: Option<Vec<HypothesisFile>>, flags: &Flags) -> Vec<HypothesisFile> {
    all.filter(|_| flags.each || flags.preset.is_empty()).unwrap_or_default()
}

/// Of the workloads that have one, by their names.
fn descriptions(layered: &[Layered]) -> BTreeMap<String, String> {
    layered
        .iter()
        .filter_map(|one| Some((one.file.name.clone()?, one.file.description.clone()?)))
        .collect()
}

/// All of `targets` are measured, and `target` itself need not be there. Errors: there are not two
/// of them, or a name is no folder's.
fn first_of(targets: &BTreeMap<String, Target>, check: &mut Checker) -> Option<Target> {
    if targets.len() < 2 && check.issues.is_empty() {
        check.bad(
            "targets",
            "there are not two of them to compare",
            "name each server in `targets`; `target` says what they share",
        );
    }
    for name in targets.keys().filter(|name| !is_workload_name(&name.to_ascii_lowercase())) {
        check.bad(
            &format!("targets.{name}"),
            "is no name for a folder",
            "letters, digits, `.`, `_`, `-`",
        );
    }
    targets.values().next().cloned()
}

/// What `--workload` names, by a workload's own name or by that of the levels it stands for.
fn select(
    all: Vec<(String, Workload)>,
    flags: &Flags,
    issues: &mut Vec<Issue>,
) -> Vec<(String, Workload)> {
    if flags.workload.is_empty() || all.is_empty() {
        return all;
    }
    for wanted in &flags.workload {
        if !all.iter().any(|(family, workload)| family == wanted || workload.name == *wanted) {
            let names: Vec<&str> = all.iter().map(|(_, workload)| workload.name.as_str()).collect();
            let place = Place::Flag(format!("--workload {wanted}"));
            issues.push(Issue {
                place,
                ..Issue::new("", "no workload of that name", did_you_mean(wanted, &names))
            });
        }
    }
    all.into_iter()
        .filter(|(family, w)| {
            flags.workload.iter().any(|wanted| wanted == family || *wanted == w.name)
        })
        .collect()
}
