//! What other commits' configs say of a gate: the policy of the base, and what the baseline's side of an interleaved run is started as.
//! A change must choose neither.
//!
//! Not here: what the change's own config says (`setup`), finding the base (`baseline::base`).
#![expect(clippy::disallowed_methods, reason = "rim: the working folder and the environment, which configs name variables of")]

use std::path::{Component, Path, PathBuf};

use super::{NAMES, named};
use crate::baseline::base::Wanted;
use crate::baseline::lineage::{GitError, Repo};
use crate::command::{baseline, side};
use crate::config::{self, Config, Counterpart, Endpoint, Flags, GateMode, Source, Target};

/// The base's config file.
pub struct Policy {
    pub base: String,
    /// Of the base.
    tip: String,
    /// Relative to the root.
    pub path: PathBuf,
    pub text: String,
    /// The change has its config elsewhere.
    pub moved: bool,
}

/// Which config of a commit is meant.
#[derive(Clone, Copy)]
pub enum Asked<'a> {
    /// `--config`.
    Typed(&'a Path),
    /// What a run in the working folder of that commit would have found: what the checkout has is the change's.
    Here,
}

/// `file`: the change's config. None where the checkout is the base's own, or no repository's. Errors, in words: there is none to be had.
pub fn policy(asked: Asked<'_>, file: &Path, wanted: &Wanted) -> Result<Option<Policy>, String> {
    let cwd = std::env::current_dir().map_err(|e| e.to_string())?;
    let own = |why: &str| format!("{why}: this checkout's own policy counts");
    let Ok(repo) = Repo::discover(&cwd, Path::new("baselines")) else { return Ok(None) };
    let base = match repo.base(wanted) {
        Ok(base) => base,
        Err(GitError::Unborn) => return Ok(None),
        Err(why) => return Err(own(&format!("the policy of the base cannot be read ({why})"))),
    };
    let Some(root) = repo.root().filter(|_| !base.on_base) else { return Ok(None) };
    let paths = places(root, asked).ok_or_else(|| own("the config lies outside this repository, so the base has none of it"))?;
    let short = short(&base.tip);
    let name = if base.tip.starts_with(&base.name) { format!("the base {short}") } else { format!("{} ({short})", base.name) };
    match config_at(&repo, &base.tip, &paths).map_err(|e| own(&e.to_string()))? {
        Some((path, text)) => {
            let moved = worded(root, file).as_ref() != Some(&path);
            Ok(Some(Policy { base: name, tip: base.tip, path, text, moved }))
        }
        None => Err(own(&format!("{name} has no config"))),
    }
}

/// Where the config of a commit may be, relative to the root. Where a typed one was may have changed: then that which a run in the same folder
/// of that commit would have found. None outside the repository.
fn places(root: &Path, asked: Asked<'_>) -> Option<Vec<PathBuf>> {
    let (typed, folder) = match asked {
        Asked::Typed(file) => {
            let path = worded(root, file).or_else(|| below(root, file))?;
            let folder = path.parent().unwrap_or(Path::new("")).to_owned();
            (Some(path), folder)
        }
        Asked::Here => {
            let cwd = std::env::current_dir().ok()?.canonicalize().ok()?;
            (None, cwd.strip_prefix(root.canonicalize().ok()?).ok()?.to_owned())
        }
    };
    let found = folder.ancestors().flat_map(|dir| NAMES.iter().map(move |n| dir.join(n)));
    Some(typed.into_iter().chain(found).collect())
}

fn config_at(repo: &Repo, commit: &str, paths: &[PathBuf]) -> Result<Option<(PathBuf, String)>, GitError> {
    for path in paths {
        if let Some(text) = repo.file_at(commit, path)? {
            return Ok(Some((path.clone(), text)));
        }
    }
    Ok(None)
}

fn short(commit: &str) -> String {
    commit.chars().take(12).collect()
}

/// A file's path below a folder, through links above it.
fn below(root: &Path, file: &Path) -> Option<PathBuf> {
    let folder = std::path::absolute(file).ok()?.parent()?.canonicalize().ok()?;
    Some(folder.strip_prefix(root.canonicalize().ok()?).ok()?.join(file.file_name()?))
}

/// The same by its words alone, since a link in this checkout is the change's.
fn worded(root: &Path, file: &Path) -> Option<PathBuf> {
    let root = root.canonicalize().ok()?;
    let cwd = std::env::current_dir().ok()?.canonicalize().ok()?;
    let mut path = PathBuf::new();
    for part in cwd.join(file).components() {
        match part {
            Component::ParentDir => drop(path.pop()),
            Component::CurDir => {}
            part => path.push(part),
        }
    }
    Some(path.strip_prefix(root).ok()?.to_owned())
}

/// What the baseline's side is started as, where that is not for the checkout to say, and what a reader should know of it.
#[derive(Default)]
pub struct Beside {
    pub target: Option<Target>,
    pub notice: Option<String>,
}

impl Beside {
    fn said(notice: String) -> Self {
        Self { target: None, notice: Some(notice) }
    }
}

/// What was typed beside the file.
#[derive(Clone, Copy)]
pub struct Typed<'a> {
    pub set: &'a [String],
    pub flags: &'a Flags,
    /// `--base`.
    pub base: Option<&'a str>,
}

/// Of an interleaved gate. `asked` is the config here; `policy` is where the base's counts.
pub fn beside(config: &Config, asked: Option<Asked<'_>>, policy: Option<&Policy>, typed: Typed<'_>) -> Beside {
    match (&config.gate.baseline, asked, policy) {
        _ if config.gate.mode != GateMode::Interleaved => Beside::default(),
        (Counterpart::MergeBase | Counterpart::Ref(_), Some(asked), _) => of_commit(config, asked, typed),
        (Counterpart::Config(named), _, Some(policy)) => of_base(config, named, policy),
        _ => Beside::default(),
    }
}

/// Each commit is built and started as it says itself. Where there is none to compare with, `Pair::open` says so.
fn of_commit(config: &Config, asked: Asked<'_>, typed: Typed<'_>) -> Beside {
    let Ok(repo) = baseline::repo(config) else { return Beside::default() };
    let Ok((commit, _)) = side::found(&repo, config, typed.base) else { return Beside::default() };
    let short = short(&commit);
    let found = match repo.root().and_then(|root| places(root, asked)) {
        Some(paths) => config_at(&repo, &commit, &paths).map_err(|e| e.to_string()),
        None => Ok(None),
    };
    let theirs = match found {
        Ok(Some((path, text))) => {
            let name = format!("{short}:{}", path.display());
            target_of(&name, &text, typed.set, typed.flags).map_err(|why| format!("{name} cannot be used ({why})"))
        }
        Ok(None) => Err(format!("{short} has no config")),
        Err(why) => Err(format!("the config of {short} cannot be read ({why})")),
    };
    match theirs {
        Ok(target) => {
            let differ = target.differences(&config.target);
            let notice = (!differ.is_empty()).then(|| {
                format!(
                    "each side is built and started as its own config says, and they differ in {}: what that makes slower or faster is in \
                     the comparison",
                    differ.join(", ")
                )
            });
            Beside { target: Some(target), notice }
        }
        Err(why) => Beside::said(format!(
            "{why}, so both sides are built and started as this checkout says: what that makes slower or faster is not in the comparison"
        )),
    }
}

fn target_of(name: &str, text: &str, set: &[String], flags: &Flags) -> Result<Target, String> {
    let env = |name: &str| std::env::var(name).ok();
    let target = config::load_target(Source { name, text }, set, flags, &env).map_err(|e| e.to_string())?;
    if matches!(target.endpoint, Endpoint::Started(_)) {
        return Ok(target);
    }
    Err("it does not say how a server is started".into())
}

/// The file that `gate.baseline.config` names, as the base has it.
fn of_base(config: &Config, file: &Path, policy: &Policy) -> Beside {
    let shown = file.display();
    let Ok(repo) = baseline::repo(config) else { return Beside::default() };
    let Some(path) = repo.root().and_then(|root| worded(root, file).or_else(|| below(root, file))) else {
        return Beside::said(format!("{shown} (gate.baseline.config) lies outside this repository: it counts as it is there"));
    };
    let own = |why: &str| Beside::said(format!("{why}, so this checkout's own {shown} (gate.baseline.config) counts"));
    let text = match repo.file_at(&policy.tip, &path) {
        Ok(Some(text)) => text,
        Ok(None) => return own(&format!("{} has no {}", policy.base, path.display())),
        Err(why) => return own(&why.to_string()),
    };
    let name = format!("{}:{}", policy.base, path.display());
    let env = |name: &str| std::env::var(name).ok();
    match config::load(Some(Source { name: &name, text: &text }), &[], &Flags::default(), &env) {
        Ok(theirs) => {
            let altered = named(file).map_or(true, |own| own.target != theirs.target);
            let notice =
                format!("this change alters {shown} (gate.baseline.config): what {} says is what counts here", policy.base);
            Beside { target: Some(theirs.target), notice: altered.then_some(notice) }
        }
        Err(why) => own(&format!("{name} cannot be used ({why})")),
    }
}
