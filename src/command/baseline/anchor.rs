//! `baseline anchor [COMMIT|TAG|SESSION]`: pins the point of the past that every check also compares with, or shows it.
//!
//! Not here: the comparison (`evaluate`), reading it for a check (`reviewed`).
#![expect(clippy::disallowed_methods, reason = "rim: writes the anchor's file")]

use anyhow::{Context as _, bail};

use super::{folder, on_lineage, output, repo, setup};
use crate::baseline::lineage::Repo;
use crate::baseline::reviewed::ANCHOR;
use crate::baseline::store;
use crate::cli::{BaselineAnchorArgs, WorkloadArgs};
use crate::config::Config;
use crate::exit::ExitStatus;
use crate::judge::other_day::FEWEST_SESSIONS;
use crate::read;
use crate::record::session::Session;
use crate::report::text;

pub fn run(args: &BaselineAnchorArgs) -> anyhow::Result<ExitStatus> {
    let config = setup::config(&args.config, &WorkloadArgs::default())?;
    let repo = repo(&config)?;
    let path = folder(&repo, &config)?.join(ANCHOR);
    if args.remove {
        std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        output::tell(&format!("removed {}", path.display()));
        return Ok(ExitStatus::Pass);
    }
    let Some(what) = &args.what else {
        let said = read::text(&path, read::WRITTEN).ok();
        let shown =
            said.map_or("no anchor: `goodput-gate baseline anchor COMMIT|TAG|SESSION` pins one".into(), |t| text::plain(&t));
        output::print(&shown)?;
        return Ok(ExitStatus::Pass);
    };
    let all = store::read_all(&folder(&repo, &config)?)?;
    let commit = commit(&repo, what, &all)?;
    let found = on_lineage(all, &repo.lineage_from(&commit)?);
    if found.is_empty() {
        bail!(
            "no baseline session at {what} or before it: nothing could be compared with this anchor\nhint: `git checkout {what}`, `goodput-gate baseline update --sessions 6`, commit the files on the base branch; or pin a commit that has sessions (`goodput-gate baseline list`)"
        );
    }
    output::write_atomic(&path, format!("{commit} {what}\n").as_bytes())?;
    output::tell(&format!("anchored at {} ({}): {}", text::short(&commit), text::plain(what), per_workload(&config, &found)));
    output::say(&format!("hint: commit {}; in CI the base branch's counts", config.baselines_dir.join(ANCHOR).display()));
    Ok(ExitStatus::Pass)
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
    let said = config.workloads.iter().map(|w| {
        let n = count(&w.name);
        let few = if n < FEWEST_SESSIONS { format!(" ({FEWEST_SESSIONS} are needed to judge)") } else { String::new() };
        format!("{} has {}{few}", text::plain(&w.name), text::count(n as u64, "session", "sessions"))
    });
    said.collect::<Vec<_>>().join(", ")
}
