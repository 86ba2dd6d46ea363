//! The anchor's file: pins the point of the past that every check also compares with, shows it,
//! removes it.
//!
//! Not here: the comparison (`evaluate`), reading it for a check (`sessions::reviewed`).
#![expect(clippy::disallowed_methods, reason = "rim: writes the anchor's file")]

use std::path::PathBuf;

use anyhow::{Context as _, bail};

use crate::app::artefacts;
use crate::app::sessions::placed::on_lineage;
use crate::app::workspace::{Workspace, baselines_folder};
use crate::baseline::lineage::Repo;
use crate::baseline::reviewed::ANCHOR;
use crate::baseline::store;
use crate::config::Config;
use crate::judge::other_day::FEWEST_SESSIONS;
use crate::read;
use crate::record::session::Session;
use crate::report::text;

/// Where the anchor lies.
fn file(here: &Workspace, config: &Config) -> anyhow::Result<PathBuf> {
    Ok(here.baselines_folder(config)?.join(ANCHOR))
}

/// Removes it. Where it was.
pub fn remove(here: &Workspace, config: &Config) -> anyhow::Result<PathBuf> {
    let path = file(here, config)?;
    std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
    Ok(path)
}

/// What its file says; none where there is none that can be read.
pub fn shown(here: &Workspace, config: &Config) -> anyhow::Result<Option<String>> {
    Ok(read::text(&file(here, config)?, read::WRITTEN).ok().map(|text| text::plain(&text)))
}

/// Pins a commit, a tag or a session, and says what is there. Errors: nothing could be compared
/// with it.
pub fn pin(here: &Workspace, config: &Config, what: &str) -> anyhow::Result<String> {
    let repo = here.repo(config)?;
    let folder = baselines_folder(&repo, config)?;
    let all = store::read_all(&folder)?;
    let commit = commit(&repo, what, &all)?;
    let found = on_lineage(all, &repo.lineage_from(&commit)?);
    if found.is_empty() {
        bail!(
            "no baseline session at {what} or before it: nothing could be compared with this anchor\nhint: `git checkout {what}`, `goodput-gate baseline update --sessions 6`, commit the files on the base branch; or pin a commit that has sessions (`goodput-gate baseline list`)"
        );
    }
    artefacts::write_atomic(&folder.join(ANCHOR), format!("{commit} {what}\n").as_bytes())?;
    Ok(format!(
        "anchored at {} ({}): {}",
        text::short(&commit),
        text::plain(what),
        per_workload(config, &found)
    ))
}

/// Errors: neither a commit nor a session is called so.
fn commit(repo: &Repo, what: &str, all: &[Session]) -> anyhow::Result<String> {
    // A session first: its eight hex digits may be the beginning of some hash too.
    match all.iter().find(|s| s.session == what) {
        Some(session) => Ok(repo.resolve(&session.commit)?.0),
        None => Ok(repo.resolve(what)?.0),
    }
}

fn per_workload(config: &Config, found: &[(Option<u32>, Session)]) -> String {
    let count = |name: &str| found.iter().filter(|(_, s)| s.workload == name).count();
    let each = config.workloads.iter().map(|w| {
        let n = count(&w.name);
        let few = if n < FEWEST_SESSIONS {
            format!(" ({FEWEST_SESSIONS} are needed to judge)")
        } else {
            String::new()
        };
        format!(
            "{} has {}{few}",
            text::plain(&w.name),
            text::count(n as u64, "session", "sessions")
        )
    });
    each.collect::<Vec<_>>().join(", ")
}
