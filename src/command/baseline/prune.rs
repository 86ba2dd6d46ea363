//! `baseline prune`: removes sessions that no check on this lineage looks at any more. Files of the working tree only; git keeps the rest.
#![expect(clippy::disallowed_methods, reason = "rim: removes baseline files")]

use std::collections::BTreeMap;

use anyhow::Context as _;

use super::{distance, folder, output, repo, setup};
use crate::baseline::store;
use crate::cli::{BaselinePruneArgs, WorkloadArgs};
use crate::exit::ExitStatus;

pub fn run(args: &BaselinePruneArgs) -> anyhow::Result<ExitStatus> {
    let config = setup::config(&args.config, &WorkloadArgs::default())?;
    let repo = repo(&config)?;
    let links = repo.lineage()?;
    let (mut kinds, mut elsewhere) = (BTreeMap::new(), 0_u64);
    for (path, session) in store::read_files(&folder(&repo, &config)?)? {
        match distance(&links, &session) {
            Some(steps) => {
                let kind = (session.workload.clone(), session.fingerprint.key(&config.gate.under_test));
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
        for (_, _, path) in sessions.iter().skip(args.keep) {
            removed += 1;
            let verb = if args.dry_run { "would remove" } else { "removed" };
            if !args.dry_run {
                std::fs::remove_file(path).with_context(|| format!("cannot remove {}", path.display()))?;
            }
            output::tell(&format!("{verb} {}", path.display()));
        }
    }
    if removed == 0 {
        output::print(&format!("nothing to remove: no kind of session has more than {} on this lineage", args.keep))?;
    }
    if elsewhere > 0 {
        output::say(&format!("note: {elsewhere} not on this lineage left alone (`goodput-gate baseline list` shows them)"));
    }
    if removed > 0 && !args.dry_run {
        output::say("hint: commit the removal");
    }
    Ok(ExitStatus::Pass)
}
