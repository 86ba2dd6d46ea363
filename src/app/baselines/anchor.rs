//! The anchor's file: pins the point of the past that drift is judged from, shows it, removes it.
//!
//! Not here: the comparison (`drift`), reading it for that (`sessions::reviewed`).
#![expect(clippy::disallowed_methods, reason = "rim: writes the anchor's file")]

use std::path::PathBuf;

use anyhow::bail;

use crate::app::artefacts;
use crate::app::sessions::placed::on_lineage;
use crate::app::workspace::{Workspace, baselines_folder};
use crate::baseline::lineage::Repo;
use crate::baseline::reviewed::ANCHOR;
use crate::baseline::store;
use crate::config::Config;
use crate::judge::sessions::FEWEST_SESSIONS;
use crate::lang::{Explained as _, Text, bilingual};
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
    std::fs::remove_file(&path).explained(|| artefacts::unremovable(&path))?;
    Ok(path)
}

/// What its file says; none where there is none that can be read.
pub fn shown(here: &Workspace, config: &Config) -> anyhow::Result<Option<String>> {
    Ok(read::text(&file(here, config)?, read::WRITTEN).ok().map(|text| text::plain(&text)))
}

/// Pins a commit, a tag or a session, and says what is there. Errors: nothing could be compared
/// with it.
pub fn pin(here: &Workspace, config: &Config, what: &str) -> anyhow::Result<Text> {
    let repo = here.repo(config)?;
    let folder = baselines_folder(&repo, config)?;
    let all = store::read_all(&folder)?;
    let commit = commit(&repo, what, &all)?;
    let found = on_lineage(all, &repo.lineage_from(&commit)?);
    if found.is_empty() {
        bail!(bilingual!(
            "no baseline session at {what} or before it: nothing could be compared with this anchor\nhint: `git checkout {what}`, `goodput-gate baseline update --sessions 6`, commit the files on the base branch; or pin a commit that has sessions (`goodput-gate baseline list`)",
            "{what} 또는 그 이전에 기준선 세션 없음: 이 앵커와 비교할 수 있는 것이 없음\n힌트: `git checkout {what}`, `goodput-gate baseline update --sessions 6` 뒤에 파일을 base 브랜치에 커밋하십시오. 또는 세션이 있는 커밋을 고정하십시오 (`goodput-gate baseline list`)"
        ));
    }
    artefacts::write_atomic(&folder.join(ANCHOR), format!("{commit} {what}\n").as_bytes())?;
    let (commit, what) = (text::short(&commit), text::plain(what));
    Ok(bilingual!("anchored at {commit} ({what}): ", "앵커 고정: {commit} ({what}): ")
        .then(&per_workload(config, &found)))
}

/// Errors: neither a commit nor a session is called so.
pub(super) fn commit(repo: &Repo, what: &str, all: &[Session]) -> anyhow::Result<String> {
    // A session first: its eight hex digits may be the beginning of some hash too.
    match all.iter().find(|s| s.session == what) {
        Some(session) => Ok(repo.resolve(&session.commit)?.0),
        None => Ok(repo.resolve(what)?.0),
    }
}

fn per_workload(config: &Config, found: &[(Option<u32>, Session)]) -> Text {
    let count = |name: &str| found.iter().filter(|(_, s)| s.workload == name).count();
    let each = config.workloads.iter().map(|w| {
        let n = count(&w.name);
        let few = if n < FEWEST_SESSIONS {
            bilingual!(
                " ({FEWEST_SESSIONS} are needed to judge)",
                " (판정하려면 {FEWEST_SESSIONS}개 필요)"
            )
        } else {
            Text::default()
        };
        let (name, sessions) = (text::plain(&w.name), text::count(n as u64, "session", "sessions"));
        Text { en: format!("{name} has {sessions}"), ko: format!("{name} 세션 {n}개") }.then(&few)
    });
    Text::joined(&each.collect::<Vec<_>>(), ", ")
}
