//! From what was typed to a validated config: finds the file, reads it, layers flags over it. Nothing is sent before this succeeds.
#![expect(clippy::disallowed_methods, reason = "rim: reads the config file and the environment")]

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::{base, output};
use crate::baseline::base::Base;
use crate::baseline::lineage::Repo;
use crate::cli::{CheckArgs, ConfigArgs, LangArgs, Language, WorkloadArgs};
use crate::config::{self, Config, ConfigError, Flags, Lang, Source, Target, Under};
use crate::read;
use crate::redact::secrets;

mod place;
mod theirs;

pub use place::{NAMES, inside};
use place::{Refused, find};
use theirs::{Asked, Beside, Policy, Whose};

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
    let path = path(file, workload, &cwd)?;
    if let Some(passed) = find(&cwd).ok().flatten().filter(|_| path.is_none()) {
        let name = shown(&passed, &cwd);
        output::say(&format!(
            "note: {name} is not read: beside --base-url the flags alone say what is sent; `--config {name}` reads it, too"
        ));
    }
    let text = path.as_ref().map(|p| read_config(p)).transpose()?;
    let name = path.as_ref().map(|p| shown(p, &cwd));
    let source = name.as_deref().zip(text.as_deref()).map(|(name, text)| Source { name, text });
    let env = |name: &str| std::env::var(name).ok();
    config::load(source, &file.set, flags, &env).map_err(|e| match e {
        ConfigError::NoTarget => no_target(&cwd),
        invalid @ ConfigError::Invalid(_) => anyhow::Error::new(invalid),
    })
}

/// The flag or the environment, else what the config says.
pub fn lang(args: LangArgs, config: &Config) -> Lang {
    args.lang.map_or(config.lang, chosen)
}

/// The same where no config is needed: that of the file, or of this folder, where there is one that can be read.
pub fn lang_here(args: LangArgs, file: Option<&Path>) -> Lang {
    let here = || {
        let path = file.map(Path::to_owned).or_else(|| find(&std::env::current_dir().ok()?).ok()?)?;
        config::lang_of(&read_config(&path).ok()?)
    };
    args.lang.map(chosen).or_else(here).unwrap_or_default()
}

const fn chosen(language: Language) -> Lang {
    match language {
        Language::En => Lang::En,
        Language::Ko => Lang::Ko,
    }
}

/// With a base URL the command line says all; a file is used only when it is named. Errors: the one that is there is not to be believed.
pub fn path(file: &ConfigArgs, workload: &WorkloadArgs, cwd: &Path) -> anyhow::Result<Option<PathBuf>> {
    match (&file.config, &workload.base_url) {
        (Some(path), _) => Ok(Some(path.clone())),
        (None, Some(_)) => Ok(None),
        (None, None) => find(cwd).map_err(|refused| unasked(&refused, cwd)),
    }
}

fn unasked(refused: &Refused, cwd: &Path) -> anyhow::Error {
    let name = shown(Path::new(&refused.file), cwd);
    anyhow::anyhow!(
        "{refused}\nhint: look at it, then name it with `--config {name}`; or make it and its folder yours alone (chown, chmod o-w), or \
         tell git that this repository is safe (`git config --global --add safe.directory DIR`)"
    )
}

/// What a check is to do.
pub struct Gate {
    pub config: Config,
    /// What the baseline's side of an interleaved run is started as, where that is not the config's to say.
    pub beside: Option<Target>,
    /// What a reader should know before the verdict.
    pub notices: Vec<String>,
}

/// The config of a check, whose own flags speak of the gate.
///
/// In CI, and where `--base` names a branch, the policy is the base's: a change must not loosen the gate that judges it, nor choose what it
/// is compared with.
pub fn gate(args: &CheckArgs) -> anyhow::Result<Gate> {
    let mut flags = flags(&args.workload);
    flags.interleaved = args.interleaved;
    flags.baseline_url.clone_from(&args.baseline_url);
    if args.demo {
        return demo(&args.config.set, &flags);
    }
    let own = loaded(&args.config, &args.workload, &flags)?;
    let cwd = std::env::current_dir().context("cannot tell the working folder")?;
    let path = path(&args.config, &args.workload, &cwd)?;
    let wanted = base::wanted(args.base.as_deref());
    let asked = path.as_ref().map(|_| args.config.config.as_deref().map_or(Asked::Here, Asked::Typed));
    let trusted = asked.zip(path.as_deref()).filter(|_| wanted.base_counts());
    let whose = trusted.map(|(asked, file)| theirs::policy(asked, file, &wanted)).transpose()?;
    let (policy, mut notices) = match whose {
        None => (None, Vec::new()),
        Some(Whose::Base(policy)) => (Some(policy), Vec::new()),
        Some(Whose::Own(why)) => (None, why.into_iter().collect()),
    };
    let config = match path.as_ref().zip(policy.as_ref()) {
        Some((path, policy)) => under(path, policy, &args.config.set, &flags, &mut notices)?,
        None => own,
    };
    let typed = theirs::Typed { set: &args.config.set, flags: &flags, base: args.base.as_deref() };
    let Beside { target: beside, notice } = theirs::beside(&config, asked, policy.as_ref(), typed)?;
    notices.extend(notice);
    Ok(Gate { config, beside, notices })
}

/// Of no repository and no change, so that nothing of a base counts.
fn demo(set: &[String], flags: &Flags) -> anyhow::Result<Gate> {
    let config = config::load(Some(config::DEMO), set, flags, &|name| std::env::var(name).ok())?;
    let notices =
        vec!["this is a demo: both sides are the simulated server, which is an instrument and predicts no real engine".into()];
    Ok(Gate { config, beside: None, notices })
}

/// The change's config under the base's policy. Errors: either of them, or both together, cannot be used.
fn under(path: &Path, policy: &Policy, set: &[String], flags: &Flags, notices: &mut Vec<String>) -> anyhow::Result<Config> {
    let cwd = std::env::current_dir().context("cannot tell the working folder")?;
    let (name, text, shown) = (format!("{}:{}", policy.base, policy.path.display()), read_config(path)?, shown(path, &cwd));
    let env = |name: &str| std::env::var(name).ok();
    let (head, base) = (Source { name: &shown, text: &text }, Source { name: &name, text: &policy.text });
    if policy.moved {
        notices.push(format!("this change's config is {shown}: what {name} says is what counts here"));
    }
    match config::load_under(head, base, set, flags, &env) {
        Ok(Under { config, changed }) => {
            if !changed.is_empty() {
                let what = changed.join(" and ");
                notices.push(format!("this change alters {what} in {shown}: what {} says is what counts here", policy.base));
            }
            Ok(config)
        }
        Err(Ok(broken)) => bail!(
            "the policy of the base cannot be used, and a change is not judged by its own: {broken}\nhint: mend it on the base \
             branch (a person who may merges over this), or name a commit whose config is sound with --base REF"
        ),
        Err(Err(wrong)) => Err(anyhow::Error::new(wrong)),
    }
}

/// As [`config`], of a base that is not checked out, with what it is called. None where it has none. Errors: it cannot be read or used.
pub fn config_of(repo: &Repo, base: &Base, file: &ConfigArgs) -> anyhow::Result<Option<Config>> {
    let asked = file.config.as_deref().map_or(Asked::Here, Asked::Typed);
    let Some((name, text)) = theirs::config_of(repo, base, asked)? else { return Ok(None) };
    let env = |name: &str| std::env::var(name).ok();
    let found = config::load(Some(Source { name: &name, text: &text }), &file.set, &Flags::default(), &env);
    found.map(Some).map_err(|why| anyhow::anyhow!("the config of the pull request's base cannot be used: {why}"))
}

/// The config of a file that another config names, with nothing over it.
pub fn named(file: &Path) -> anyhow::Result<Config> {
    let args = ConfigArgs { config: Some(file.to_owned()), ..ConfigArgs::default() };
    config(&args, &WorkloadArgs::default()).with_context(|| format!("gate.baseline.config: {}", file.display()))
}

fn read_config(path: &Path) -> anyhow::Result<String> {
    read::text(path, read::WRITTEN).with_context(|| format!("cannot read the config {}", path.display()))
}

pub fn shown(path: &Path, cwd: &Path) -> String {
    path.strip_prefix(cwd).unwrap_or(path).display().to_string()
}

fn no_target(cwd: &Path) -> anyhow::Error {
    let names = NAMES.join(" or ");
    anyhow::anyhow!(
        "nothing to measure: no config found; looked for {names} in {}\nhint: name one with --config FILE, or a server with --base-url URL; \
         `goodput-gate init` looks for servers and writes a config; `goodput-gate check --demo` shows a gate without either",
        place::searched(cwd)
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
        extra_body: a.extra_body,
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
        Some(key) => {
            // Also of a key that is in .env, where no config can see it.
            let address = match &target.endpoint {
                config::Endpoint::Http(url) => url,
                config::Endpoint::Started(server) => &server.base_url,
                config::Endpoint::Sim(_) => "",
            };
            if let Some(what) = config::credential(address, &secrets(Some(&key), &target.headers)) {
                bail!("target.base_url {what}\nhint: {}", config::CREDENTIAL_HINT);
            }
            Ok(Some(key))
        }
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
    if let Some(why) = place::trouble(Path::new("."), path) {
        bail!(
            "{name} is not read from .env, since {why}\nhint: export {name}=..., or make the file yours alone (chown, chmod 600)"
        );
    }
    let unread = || {
        anyhow::anyhow!(
            "cannot read .env, where {name} was looked for\nhint: one NAME=value per line, values with spaces or $ in '...'"
        )
    };
    let text = read::bytes(path, read::WRITTEN).map_err(|_| unread())?;
    for line in dotenvy::from_read_iter(&*text) {
        // The crate's own message quotes the line.
        let (key, value) = line.map_err(|_| unread())?;
        if key == name {
            return Ok(usable(&value));
        }
    }
    Ok(None)
}
