//! From what was typed to a validated config: finds the file, reads it, layers flags over it.
//! Nothing is sent before this succeeds.
//!
//! Not here: whose policy counts (`theirs`), what a config means (`config`).
#![expect(
    clippy::disallowed_methods,
    reason = "rim: the environment, which configs name variables of"
)]

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::app::workspace::Workspace;
use crate::app::workspace::place::{NAMES, Refused, find, searched};
use crate::config::{self, Config, ConfigError, Flags, Lang, Source};
use crate::print::say;
use crate::read;

/// What somebody typed of a config.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// `--config`.
    pub file: Option<PathBuf>,
    /// `--set`, in order.
    pub set: Vec<String>,
    pub flags: Flags,
}

impl Given {
    /// The config of this file, with nothing over it; of this folder where it is none.
    pub fn file(file: Option<PathBuf>) -> Self {
        Self { file, ..Self::default() }
    }
}

/// The config that is meant.
pub fn config(here: &Workspace, given: &Given) -> anyhow::Result<Config> {
    let cwd = here.cwd()?;
    let path = path(here, given)?;
    if let Some(passed) = find(cwd).ok().flatten().filter(|_| path.is_none()) {
        let name = shown(&passed, cwd);
        say(&format!(
            "note: {name} is not read: beside --base-url the flags alone say what is sent; `--config {name}` reads it, too"
        ));
    }
    let text = path.as_ref().map(|p| read_config(p)).transpose()?;
    let name = path.as_ref().map(|p| shown(p, cwd));
    let source = name.as_deref().zip(text.as_deref()).map(|(name, text)| Source { name, text });
    let env = |name: &str| std::env::var(name).ok();
    config::load(source, &given.set, &given.flags, &env).map_err(|e| match e {
        ConfigError::NoTarget => no_target(cwd),
        invalid @ ConfigError::Invalid(_) => anyhow::Error::new(invalid),
    })
}

/// The flag or the environment, else what the config says.
pub fn lang(chosen: Option<Lang>, config: &Config) -> Lang {
    chosen.unwrap_or(config.lang)
}

/// The same where no config is needed: that of the file, or of this folder, where there is one that
/// can be read.
pub fn lang_here(here: &Workspace, chosen: Option<Lang>, file: Option<&Path>) -> Lang {
    let configured = || {
        let path = file.map(Path::to_owned).or_else(|| find(here.cwd().ok()?).ok()?)?;
        config::lang_of(&read_config(&path).ok()?)
    };
    chosen.or_else(configured).unwrap_or_default()
}

/// With a base URL the command line says all; a file is used only when it is named. Errors: the one
/// that is there is not to be believed.
pub fn path(here: &Workspace, given: &Given) -> anyhow::Result<Option<PathBuf>> {
    let cwd = here.cwd()?;
    match (&given.file, &given.flags.base_url) {
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

/// The config of a file that another config names, with nothing over it.
pub fn named(here: &Workspace, file: &Path) -> anyhow::Result<Config> {
    config(here, &Given::file(Some(file.to_owned())))
        .with_context(|| format!("gate.baseline.config: {}", file.display()))
}

pub fn read_config(path: &Path) -> anyhow::Result<String> {
    read::text(path, read::WRITTEN)
        .with_context(|| format!("cannot read the config {}", path.display()))
}

pub fn shown(path: &Path, cwd: &Path) -> String {
    path.strip_prefix(cwd).unwrap_or(path).display().to_string()
}

fn no_target(cwd: &Path) -> anyhow::Error {
    let names = NAMES.join(" or ");
    anyhow::anyhow!(
        "nothing to measure: no config found; looked for {names} in {}\nhint: name one with --config FILE, or a server with --base-url URL; \
         `goodput-gate init` looks for servers and writes a config; `goodput-gate check --demo` shows a gate without either",
        searched(cwd)
    )
}
