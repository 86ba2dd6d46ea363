//! A first config and its workflow as files: where they go, whether they hold. Not here: what is
//! asked before (`command::init`).
#![expect(
    clippy::disallowed_methods,
    reason = "rim: reads the older configs and the environment, writes files"
)]

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::artefacts::write_atomic;
use super::workspace::place::NAMES;
use crate::config::{self, Flags, Source};
use crate::import::older;
use crate::print::say;
use crate::read;
use crate::visible::one_line;

pub mod workflow;

/// Where the config goes. Errors: one is there already.
pub fn place(dir: &Path, force: bool) -> anyhow::Result<PathBuf> {
    if !dir.is_dir() {
        bail!("{} is no folder\nhint: create it, or name another with --dir", dir.display());
    }
    let there = NAMES.iter().map(|name| dir.join(name)).find(|path| path.exists());
    match there {
        Some(path) if !force => bail!(
            "{} is there already, and nothing was written\nhint: --force replaces it; `goodput-gate doctor` says what works with it",
            path.display()
        ),
        Some(path) => Ok(path),
        None => Ok(dir.join("goodput-gate.yaml")),
    }
}

/// Writes a file, and the folder that it is in.
pub fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
    }
    write_atomic(path, text.as_bytes())
}

/// What the older tools' configs in this folder become; what of it needs a person is said.
pub fn older_configs(folder: &Path) -> anyhow::Result<older::Carried> {
    let read = |name: &str| {
        let path = folder.join(name);
        if !path.exists() {
            return Ok(None);
        }
        read::text(&path, read::WRITTEN)
            .map(Some)
            .with_context(|| format!("cannot read {}", path.display()))
    };
    let (targets, models, workloads) =
        (read("targets.yaml")?, read("models.yaml")?, read("workloads.yaml")?);
    if targets.is_none() {
        bail!(
            "no targets.yaml in {}\nhint: --from names the folder of the older tool's configs, usually configs/",
            folder.display()
        );
    }
    let files = older::Files {
        targets: targets.as_deref(),
        models: models.as_deref(),
        workloads: workloads.as_deref(),
    };
    let carried = older::carry(files).map_err(anyhow::Error::msg)?;
    for note in &carried.notes {
        say(&format!("note: {}", one_line(note)));
    }
    Ok(carried)
}

/// Loads what is about to be written. A variable in a URL need not be set here.
pub fn check(text: &str) -> anyhow::Result<()> {
    let in_address =
        |name: &str| text.contains(&format!("${{{name}}}")).then(|| "127.0.0.1".to_owned());
    let env = |name: &str| std::env::var(name).ok().or_else(|| in_address(name));
    let source = Source { name: "the new config", text };
    match config::load(Some(source), &[], &Flags::default(), &env) {
        Ok(_) => Ok(()),
        Err(e) => bail!("what was found makes no valid config, and nothing was written\n{e}"),
    }
}
