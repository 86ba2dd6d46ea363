//! Sessions beyond the last ones of their kind are removed from the baseline. Not here: which
//! sessions count (`compare`).
#![expect(clippy::disallowed_methods, reason = "rim: removes files")]

use std::collections::BTreeMap;
use std::path::Path;

use crate::app::artefacts::unremovable;
use crate::app::sessions::placed::distance;
use crate::app::workspace::{Workspace, baselines_folder};
use crate::baseline::store;
use crate::config::Config;
use crate::lang::Explained as _;

/// How many files.
pub struct Pruned {
    pub removed: u64,
    /// They are not on this lineage, and stay.
    pub elsewhere: u64,
}

/// Keeps `keep` of each kind, the nearest first. `each` takes every file that goes, or with
/// `dry_run` would.
pub fn prune(
    here: &Workspace,
    config: &Config,
    keep: usize,
    dry_run: bool,
    mut each: impl FnMut(&Path),
) -> anyhow::Result<Pruned> {
    let repo = here.repo(config)?;
    let links = repo.lineage()?;
    let (mut kinds, mut elsewhere) = (BTreeMap::new(), 0_u64);
    for (path, session) in store::read_files(&baselines_folder(&repo, config)?)? {
        match distance(&links, &session) {
            Some(steps) => {
                let kind =
                    (session.workload.clone(), session.fingerprint.key(&config.gate.under_test));
                let place = (steps, std::cmp::Reverse(session.measured));
                kinds.entry(kind).or_insert_with(Vec::new).push((place, session.session, path));
            }
            // A release branch may still look at them.
            None => elsewhere += 1,
        }
    }
    let mut removed = 0_u64;
    for sessions in kinds.values_mut() {
        sessions.sort();
        for (_, _, path) in sessions.iter().skip(keep) {
            removed += 1;
            if !dry_run {
                std::fs::remove_file(path).explained(|| unremovable(path))?;
            }
            each(path);
        }
    }
    Ok(Pruned { removed, elsewhere })
}
