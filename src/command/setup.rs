//! From what was typed to a validated config: finds the file, reads it, layers flags over it. Nothing is sent before this succeeds.
#![expect(clippy::disallowed_methods, reason = "rim: reads the config file and the environment")]

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::{base, output};
use crate::baseline::base::Wanted;
use crate::baseline::lineage::{GitError, Repo};
use crate::cli::{CheckArgs, ConfigArgs, LangArgs, Language, WorkloadArgs};
use crate::config::{self, Config, ConfigError, Flags, Lang, Source, Target, Under};

/// Where a config is looked for, in each folder upwards.
pub const NAMES: [&str; 2] = [".github/goodput-gate.yaml", "goodput-gate.yaml"];

/// The config that the arguments mean.
pub fn config(file: &ConfigArgs, workload: &WorkloadArgs) -> anyhow::Result<Config> {
    loaded(file, workload, &flags(workload))
}

/// The same, of all `targets`, with one workload per level where that is asked for.
pub fn each(file: &ConfigArgs, workload: &WorkloadArgs, sweep: Option<String>) -> anyhow::Result<Config> {
    loaded(file, workload, &Flags { each: true, sweep, ..flags(workload) })
}

/// As [`config`], with one workload per level.
pub fn swept(file: &ConfigArgs, workload: &WorkloadArgs, sweep: Option<String>) -> anyhow::Result<Config> {
    loaded(file, workload, &Flags { sweep, ..flags(workload) })
}

fn loaded(file: &ConfigArgs, workload: &WorkloadArgs, flags: &Flags) -> anyhow::Result<Config> {
    let cwd = std::env::current_dir().context("cannot tell the working folder")?;
    let path = path(file, workload, &cwd);
    if let Some(passed) = find(&cwd).filter(|_| path.is_none()) {
        let name = shown(&passed, &cwd);
        output::say(&format!(
            "note: {name} is not read: beside --base-url the flags alone say what is sent; `--config {name}` reads it, too"
        ));
    }
    let text = path.as_ref().map(|p| read(p)).transpose()?;
    let name = path.as_ref().map(|p| shown(p, &cwd));
    let source = name.as_deref().zip(text.as_deref()).map(|(name, text)| Source { name, text });
    let env = |name: &str| std::env::var(name).ok();
    config::load(source, &file.set, flags, &env).map_err(|e| match e {
        ConfigError::NoTarget => no_target(&cwd),
        invalid @ ConfigError::Invalid(_) => anyhow::Error::msg(invalid.to_string()),
    })
}

/// The flag or the environment, else what the config says.
pub fn lang(args: LangArgs, config: &Config) -> Lang {
    args.lang.map_or(config.lang, chosen)
}

/// The same where no config is needed: that of the file, or of this folder, where there is one that can be read.
pub fn lang_here(args: LangArgs, file: Option<&Path>) -> Lang {
    let here = || {
        let path = file.map(Path::to_owned).or_else(|| find(&std::env::current_dir().ok()?))?;
        config::lang_of(&read(&path).ok()?)
    };
    args.lang.map(chosen).or_else(here).unwrap_or_default()
}

const fn chosen(language: Language) -> Lang {
    match language {
        Language::En => Lang::En,
        Language::Ko => Lang::Ko,
    }
}

/// With a base URL the command line says all; a file is used only when it is named.
pub fn path(file: &ConfigArgs, workload: &WorkloadArgs, cwd: &Path) -> Option<PathBuf> {
    match (&file.config, &workload.base_url) {
        (Some(path), _) => Some(path.clone()),
        (None, Some(_)) => None,
        (None, None) => find(cwd),
    }
}

/// The config of a check, whose own flags speak of the gate, and what a reader should know of it before the verdict.
///
/// In CI, and where `--base` names a branch, the policy is the base's: a change must not loosen the gate that judges it.
pub fn gate(args: &CheckArgs) -> anyhow::Result<(Config, Vec<String>)> {
    let mut flags = flags(&args.workload);
    flags.interleaved = args.interleaved;
    flags.baseline_url.clone_from(&args.baseline_url);
    let own = loaded(&args.config, &args.workload, &flags)?;
    let cwd = std::env::current_dir().context("cannot tell the working folder")?;
    let found = || if args.workload.base_url.is_none() { find(&cwd) } else { None };
    let Some(path) = args.config.config.clone().or_else(found) else { return Ok((own, Vec::new())) };
    let wanted = base::wanted(args.base.as_deref());
    if !(wanted.ci || wanted.named.is_some()) {
        return Ok((own, Vec::new()));
    }
    let policy = match policy(&path, &wanted) {
        Ok(Some(policy)) => policy,
        Ok(None) => return Ok((own, Vec::new())),
        Err(why) => return Ok((own, vec![why])),
    };
    let (name, text, shown) = (format!("{}:{}", policy.base, policy.path.display()), read(&path)?, shown(&path, &cwd));
    let env = |name: &str| std::env::var(name).ok();
    let (head, base) = (Source { name: &shown, text: &text }, Source { name: &name, text: &policy.text });
    match config::load_under(head, base, &args.config.set, &flags, &env) {
        Ok(Under { config, changed, starts_both }) => {
            let loosened =
                format!("this change alters {} in {shown}: what {} says is what counts here", changed.join(" and "), policy.base);
            let both = format!(
                "this change alters server in {shown}, and both sides are built and started as it says: what that makes slower or faster is \
                 not in the comparison"
            );
            let notices = [(!changed.is_empty()).then_some(loosened), starts_both.then_some(both)];
            Ok((config, notices.into_iter().flatten().collect()))
        }
        Err(Ok(broken)) => Ok((own, vec![format!("{name} cannot be used, so this change's own policy counts: {broken}")])),
        Err(Err(wrong)) => Err(anyhow::Error::msg(wrong.to_string())),
    }
}

/// The base's config file.
struct Policy {
    base: String,
    /// Relative to the root.
    path: PathBuf,
    text: String,
}

/// None where the checkout is the base's own, or no repository's. Errors, in words: there is none to be had.
fn policy(file: &Path, wanted: &Wanted) -> Result<Option<Policy>, String> {
    let cwd = std::env::current_dir().map_err(|e| e.to_string())?;
    let own = |why: &str| format!("{why}: this checkout's own policy counts");
    let Ok(repo) = Repo::discover(&cwd, Path::new("baselines")) else { return Ok(None) };
    let base = match repo.base(wanted) {
        Ok(base) => base,
        Err(GitError::Unborn) => return Ok(None),
        Err(why) => return Err(own(&format!("the policy of the base cannot be read ({why})"))),
    };
    let Some(root) = repo.root().filter(|_| !base.on_base) else { return Ok(None) };
    // Also where a link leads out of the repository: then no commit of the base holds it.
    let path = below(root, file).ok_or_else(|| own("the config lies outside this repository, so the base has none of it"))?;
    let short: String = base.tip.chars().take(12).collect();
    let name = if base.tip.starts_with(&base.name) { format!("the base {short}") } else { format!("{} ({short})", base.name) };
    // Where it was may have changed: then that which a run in the same folder would have found.
    let folders = path.parent().unwrap_or(Path::new("")).ancestors();
    let others = folders.flat_map(|dir| NAMES.iter().map(move |n| dir.join(n)));
    for path in std::iter::once(path.clone()).chain(others) {
        if let Some(text) = repo.file_at(&base.tip, &path).map_err(|e| own(&e.to_string()))? {
            return Ok(Some(Policy { base: name, path, text }));
        }
    }
    Err(own(&format!("{name} has no config")))
}

/// A file's path below a folder, through links above it.
fn below(root: &Path, file: &Path) -> Option<PathBuf> {
    let folder = std::path::absolute(file).ok()?.parent()?.canonicalize().ok()?;
    Some(folder.strip_prefix(root.canonicalize().ok()?).ok()?.join(file.file_name()?))
}

/// The config of a file that another config names, with nothing over it.
pub fn named(file: &Path) -> anyhow::Result<Config> {
    let args = ConfigArgs { config: Some(file.to_owned()), ..ConfigArgs::default() };
    config(&args, &WorkloadArgs::default()).with_context(|| format!("gate.baseline.config: {}", file.display()))
}

/// The nearest config file at or above the folder.
pub fn find(folder: &Path) -> Option<PathBuf> {
    folder.ancestors().flat_map(|dir| NAMES.iter().map(move |n| dir.join(n))).find(|p| p.is_file())
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read the config {}", path.display()))
}

pub fn shown(path: &Path, cwd: &Path) -> String {
    path.strip_prefix(cwd).unwrap_or(path).display().to_string()
}

fn no_target(cwd: &Path) -> anyhow::Error {
    let names = NAMES.join(" or ");
    anyhow::anyhow!(
        "nothing to measure: no config found\nlooked for {names} in {} and above\nhint: name one with --config FILE, or a server with --base-url URL",
        cwd.display()
    )
}

fn flags(args: &WorkloadArgs) -> Flags {
    let a = args.clone();
    Flags {
        base_url: a.base_url,
        model: a.model,
        protocol: a.protocol,
        api_key_env: a.api_key_env,
        concurrency: a.concurrency,
        rate: a.rate,
        arrival: a.arrival,
        requests: a.requests,
        duration: a.duration,
        max_in_flight: a.max_in_flight,
        input_tokens: a.input_tokens,
        output_tokens: a.output_tokens,
        shared_prefix: a.shared_prefix,
        corpus: a.corpus,
        warmup: a.warmup,
        rounds: a.rounds,
        starts: a.starts,
        seed: a.seed,
        timeout: a.timeout,
        no_stream: a.no_stream,
        temperature: a.temperature,
        preset: a.preset,
        slo: a.slo,
        target: a.target,
        each: false,
        baseline_url: None,
        interleaved: false,
        workloads: a.workload,
        sweep: None,
    }
}

/// The API key, where the target names a variable for it.
pub fn api_key(target: &Target) -> anyhow::Result<Option<String>> {
    let Some(name) = &target.api_key_env else { return Ok(None) };
    match secret(name)? {
        Some(key) => Ok(Some(key)),
        None => bail!(
            "the variable {name} (target.api_key_env) is not set or empty\nhint: export {name}=..., write it into .env here, or remove api_key_env"
        ),
    }
}

/// The key in this variable: of the environment, and only where that does not have the variable at all, of `.env` in the working folder.
/// Never put into the environment, so that no server that the gate starts sees it. Errors: `.env` cannot be read; without its text.
pub fn secret(name: &str) -> anyhow::Result<Option<String>> {
    let usable = |key: &str| Some(key.trim().to_owned()).filter(|k| !k.is_empty());
    if let Some(value) = std::env::var_os(name) {
        return Ok(value.to_str().and_then(usable));
    }
    let path = Path::new(".env");
    if !path.is_file() {
        return Ok(None);
    }
    let unread = || {
        anyhow::anyhow!(
            "cannot read .env, where {name} was looked for\nhint: one NAME=value per line, values with spaces or $ in '...'"
        )
    };
    for line in dotenvy::from_path_iter(path).map_err(|_| unread())? {
        // The crate's own message quotes the line.
        let (key, value) = line.map_err(|_| unread())?;
        if key == name {
            return Ok(usable(&value));
        }
    }
    Ok(None)
}
