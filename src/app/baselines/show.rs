//! What the baseline files of one session, or of one commit, hold. Not here: judging it.

use anyhow::bail;

use crate::app::sessions::placed::{distance, on_lineage};
use crate::app::sessions::reviewed::Reviewed;
use crate::app::workspace::{Workspace, baselines_folder};
use crate::baseline::lineage::Link;
use crate::baseline::store;
use crate::compare::{History, Selection};
use crate::config::Config;
use crate::record::session::Session;
use crate::report::text;

/// Fewer characters of a hash name too much.
const SHORTEST: usize = 4;

/// `what`: a session, or anything that names a commit; both may be cut short. Two paragraphs of
/// each file.
pub fn show(here: &Workspace, config: &Config, what: &str) -> anyhow::Result<Vec<String>> {
    let repo = here.repo(config)?;
    let links = repo.lineage()?;
    // A branch or tag is its commit.
    let commit = repo.link_of(what).ok().map(|link| link.commit);
    let named = |s: &Session| {
        let starts = |text: &str| what.len() >= SHORTEST && text.starts_with(what);
        starts(&s.session) || starts(&s.commit) || commit.as_ref() == Some(&s.commit)
    };
    let files = store::read_files(&baselines_folder(&repo, config)?)?;
    let all: Vec<Session> = files.iter().map(|(_, s)| s.clone()).collect();
    let found: Vec<_> = files.into_iter().filter(|(_, s)| named(s)).collect();
    if found.is_empty() {
        bail!(
            "no session or commit of the baseline is called {what:?}\nhint: `goodput-gate baseline list` shows both; at least {SHORTEST} characters of a hash are needed"
        );
    }
    let root = repo.root().map(std::path::Path::to_owned).unwrap_or_default();
    let placed = on_lineage(all, &links);
    let reviewed = Reviewed::read(&repo, config, &here.wanted(None), &links);
    let history = History { sessions: &placed, accepted: &reviewed.accepted };
    let paragraphs = found.iter().flat_map(|(path, session)| {
        let path = path.strip_prefix(&root).unwrap_or(path).display().to_string();
        let under_test = &config.gate.under_test;
        [
            facts(&path, session, &links, under_test),
            level(session, &history.select_like(session, under_test)),
        ]
    });
    Ok(paragraphs.collect())
}

/// Whether a check of its kind counts it, and why it may be of another level.
fn level(session: &Session, selection: &Selection<'_>) -> String {
    let counts = selection.sessions().any(|used| used == session);
    let why = || {
        selection.left_out.iter().find(|((_, s), _)| s == session).map(|(_, why)| why.to_string())
    };
    let so = match (counts, why()) {
        (true, _) => "counts".to_owned(),
        (false, Some(why)) => format!("left out: {why}"),
        (false, None) => "left out: not on this lineage".to_owned(),
    };
    let mut lines =
        vec![format!("  segment      {so}; {}", text::plain(&selection.segment().to_string()))];
    lines.extend(
        session.level_shift.iter().map(|why| format!("  level shift  {}", text::plain(why))),
    );
    lines.join("\n")
}

fn facts(path: &str, s: &Session, links: &[Link], under_test: &[String]) -> String {
    let place = distance(links, s).map_or_else(
        || "not on this lineage".to_owned(),
        |steps| {
            if steps == 0 {
                "this commit".into()
            } else {
                format!("{} back", text::count(u64::from(steps), "commit", "commits"))
            }
        },
    );
    let (requests, failed) =
        s.starts.iter().fold((0, 0), |(n, bad), start| (n + start.requests, bad + start.failed));
    let mut out = vec![
        text::plain(path),
        format!("  workload     {}", text::plain(&s.workload)),
        format!(
            "  session      {} on {}",
            text::plain(&s.session),
            text::plain(s.runner.as_deref().unwrap_or("an unknown runner"))
        ),
        format!(
            "  commit       {} of {} ({place})",
            text::short(&s.commit),
            text::plain(&s.commit_date)
        ),
        format!("  tree         {} (without the baselines)", text::short(&s.tree)),
        format!("  fingerprint  {}", s.fingerprint.key(under_test)),
        format!(
            "  measured     {}, {}, {failed} failed",
            text::count(s.starts.len() as u64, "start", "starts"),
            text::count(requests, "request", "requests")
        ),
    ];
    out.extend(s.pooled.iter().map(|(name, value)| format!("  {name:<32} {value:.4}")));
    out.join("\n")
}
