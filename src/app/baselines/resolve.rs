//! Which sessions a check would use, and how they were found; what is accepted; the anchor.
//! Measures nothing.
//!
//! What is comparable is known after measuring only: sessions are shown by fingerprint.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::accept::KnownAcceptance;
use crate::app::sessions::Found;
use crate::app::sessions::placed::{distance, on_lineage};
use crate::app::sessions::reviewed::Reviewed;
use crate::app::workspace::Workspace;
use crate::compare::{History, Selection, Why};
use crate::config::Config;
use crate::record::session::Session;
use crate::report::text;

/// The walk, as `--json` prints it.
#[derive(Debug, Serialize)]
pub struct Walk {
    head: String,
    base: String,
    base_commit: String,
    merge_base: String,
    /// Where the walk began.
    start: String,
    on_base: bool,
    /// The commit whose tree the sessions are from.
    read_from: String,
    read_from_words: String,
    /// Commits looked at, from `start` along first parents.
    commits: usize,
    notices: Vec<String>,
    /// Nearest first.
    sessions: Vec<Step>,
    accepted: Vec<AcceptedStep>,
    anchor: Option<AnchorStep>,
    /// Of each kind of session, which segment counts, and what was left out of it for its level.
    segments: Vec<String>,
}

#[derive(Debug, Serialize)]
struct AcceptedStep {
    workload: String,
    fingerprint: String,
    metric: String,
    /// `counts`, `expired`, `in_baseline`.
    state: &'static str,
    /// First-parent steps from `start` to the commit with which the accepted change came in; none
    /// where it is not on the way.
    landed_commits: Option<u32>,
    until: String,
    reason: String,
    by: Option<String>,
}

#[derive(Debug, Serialize)]
struct AnchorStep {
    name: String,
    commit: Option<String>,
    distance_commits: Option<u32>,
    sessions: usize,
    missing: Option<String>,
}

#[derive(Debug, Serialize)]
struct Step {
    workload: String,
    fingerprint: String,
    commit: String,
    commit_date: String,
    session: String,
    path: String,
    /// First-parent steps from `start`; none where it is not on the way.
    distance_commits: Option<u32>,
    /// Why a check of its kind would not use it; none where it would.
    left_out: Option<String>,
}

/// `named`: the base.
pub fn walk(here: &Workspace, config: &Config, named: Option<&str>) -> anyhow::Result<Walk> {
    let repo = here.repo(config)?;
    let wanted = here.wanted(named);
    let found = Found::at(&repo, config, &wanted)?;
    let reviewed = Reviewed::read(&repo, config, &wanted, &found.links);
    let head = repo.head()?.link.commit;
    let under_test = &config.gate.under_test;
    let placed = on_lineage(found.files.values().cloned().collect(), &found.links);
    let history = History { sessions: &placed, accepted: &reviewed.accepted };
    let kinds: BTreeMap<(String, String), Selection<'_>> = placed
        .iter()
        .map(|(_, s)| {
            (
                (s.workload.clone(), s.fingerprint.key(under_test)),
                history.select_like(s, under_test),
            )
        })
        .collect();
    let left_out = |s: &Session| {
        let kind = kinds.get(&(s.workload.clone(), s.fingerprint.key(under_test)))?;
        let why = kind
            .left_out
            .iter()
            .find(|((_, other), why)| other == s && *why != Why::Copy)
            .map(|(_, why)| why.to_string());
        why.filter(|_| kind.sessions().all(|used| used != s))
    };
    let mut sessions: Vec<Step> = found
        .files
        .iter()
        .map(|(path, s)| Step {
            workload: s.workload.clone(),
            fingerprint: s.fingerprint.key(under_test),
            commit: s.commit.clone(),
            commit_date: s.commit_date.clone(),
            session: s.session.clone(),
            path: config.baselines_dir.join(path).display().to_string(),
            distance_commits: distance(&found.links, s),
            left_out: left_out(s),
        })
        .collect();
    sessions.sort_by_cached_key(|s| {
        (s.distance_commits.is_none(), s.distance_commits, s.session.clone())
    });
    Ok(Walk {
        start: found.base.start(&head).to_owned(),
        head,
        base: found.base.name,
        base_commit: found.base.tip,
        merge_base: found.base.merge_base,
        on_base: found.base.on_base,
        read_from: found.read_from.0,
        read_from_words: found.read_from.1,
        commits: found.links.len(),
        notices: found.notices.into_iter().chain(reviewed.notices).collect(),
        accepted: reviewed
            .accepted
            .known
            .iter()
            .map(|k| accepted(k, &reviewed.accepted.on))
            .collect(),
        anchor: reviewed.anchor.map(|a| AnchorStep {
            name: a.name,
            commit: a.commit,
            distance_commits: a.distance,
            sessions: a.sessions.len(),
            missing: a.missing,
        }),
        segments: kinds
            .iter()
            .flat_map(|((name, key), kind)| {
                let lines = std::iter::once(kind.segment()).chain(kind.levels());
                lines.map(move |line| format!("{name} {key}: {line}")).collect::<Vec<_>>()
            })
            .collect(),
        sessions,
    })
}

fn accepted(k: &KnownAcceptance, on: &str) -> AcceptedStep {
    let a = k.acceptance.clone();
    let state = match k.landed {
        Some(_) => "in_baseline",
        None if a.counts_on(on) => "counts",
        None => "expired",
    };
    AcceptedStep {
        workload: a.workload,
        fingerprint: a.fingerprint,
        metric: a.metric,
        state,
        landed_commits: k.landed,
        until: a.until,
        reason: a.reason,
        by: k.by.clone(),
    }
}

/// The walk in words.
pub fn in_words(walk: &Walk) -> String {
    let mut lines = vec![
        format!("HEAD         {}", text::short(&walk.head)),
        format!("base         {} ({})", text::plain(&walk.base), text::short(&walk.base_commit)),
        format!(
            "merge base   {}{}",
            text::short(&walk.merge_base),
            if walk.on_base { " (HEAD is on the base branch)" } else { "" }
        ),
        format!("sessions of  the tree of {}", text::plain(&walk.read_from_words)),
        format!(
            "walk         {} and its first parents: {}",
            text::short(&walk.start),
            text::count(walk.commits as u64, "commit", "commits")
        ),
    ];
    lines.extend(walk.notices.iter().map(|n| format!("note: {}", text::plain(n))));
    let on = walk.sessions.iter().filter_map(|s| Some((s.distance_commits?, s)));
    lines.extend(on.map(|(steps, s)| {
        let back = if steps == 0 {
            "there".into()
        } else {
            format!("{} back", text::count(u64::from(steps), "commit", "commits"))
        };
        format!(
            "  {:<14} {} {back:<16} {} {}{}",
            text::plain(&s.workload),
            text::short(&s.commit),
            s.fingerprint,
            text::plain(&s.session),
            s.left_out.as_ref().map(|why| format!(" left out: {why}")).unwrap_or_default()
        )
    }));
    lines.extend(walk.segments.iter().map(|line| format!("segment      {}", text::plain(line))));
    let off = walk.sessions.iter().filter(|s| s.distance_commits.is_none());
    lines.extend(off.map(|s| {
        format!(
            "  {:<14} {} left out: neither its commit nor its tree is on this lineage",
            text::plain(&s.workload),
            text::short(&s.commit)
        )
    }));
    lines.extend(walk.accepted.iter().map(|a| {
        let state = match (a.state, a.landed_commits) {
            ("expired", _) => format!("expired on {}", a.until),
            (_, Some(back)) => {
                format!(
                    "in the history since {} back, until {}",
                    text::count(u64::from(back), "commit", "commits"),
                    a.until
                )
            }
            _ => format!("until {}", a.until),
        };
        let by =
            a.by.as_deref()
                .map_or("not committed yet".into(), |by| format!("by {}", text::plain(by)));
        let (workload, reason) = (text::plain(&a.workload), text::plain(&a.reason));
        format!(
            "accepted     {} of {workload} on {}, {state}: {reason} ({by})",
            a.metric,
            text::plain(&a.fingerprint)
        )
    }));
    lines.extend(walk.anchor.iter().map(|a| match &a.missing {
        Some(why) => format!("anchor       {}: {}", text::plain(&a.name), text::plain(why)),
        None => format!(
            "anchor       {}: {}",
            text::plain(&a.name),
            text::count(a.sessions as u64, "session", "sessions")
        ),
    }));
    if walk.sessions.is_empty() {
        lines.push(
            "no session there: `goodput-gate baseline update` on the base branch adds one".into(),
        );
    }
    lines.join("\n")
}
