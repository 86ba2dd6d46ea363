//! Which sessions a check would use, and how they were found; what is accepted; the anchor.
//! Measures nothing.
//!
//! What is comparable is known after measuring only: sessions are shown by fingerprint.

use std::collections::BTreeMap;

use serde::Serialize;

use super::show::commits_back;
use crate::accept::KnownAcceptance;
use crate::app::sentence::{self, left_out as left_out_words, plain_sentence};
use crate::app::sessions::Found;
use crate::app::sessions::placed::{distance, on_lineage};
use crate::app::sessions::reviewed::Reviewed;
use crate::app::workspace::Workspace;
use crate::compare::{History, Selection, Why};
use crate::config::Config;
use crate::lang::{Text, bilingual};
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
    #[serde(serialize_with = "english")]
    notices: Vec<Text>,
    /// Nearest first.
    sessions: Vec<Step>,
    accepted: Vec<AcceptedStep>,
    anchor: Option<AnchorStep>,
    /// Of each kind of session, which segment counts, and what was left out of it for its level.
    #[serde(serialize_with = "english")]
    segments: Vec<Text>,
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
    #[serde(skip)]
    why: Option<Text>,
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
    let kinds: Kinds<'_> = placed
        .iter()
        .map(|(_, s)| {
            (
                (s.workload.clone(), s.fingerprint.key(under_test)),
                history.select_like(s, under_test),
            )
        })
        .collect();
    Ok(Walk {
        sessions: steps(&found, config, &kinds),
        segments: segments(&kinds),
        start: found.base.start(&head).to_owned(),
        head,
        base: found.base.name,
        base_commit: found.base.tip,
        merge_base: found.base.merge_base,
        on_base: found.base.on_base,
        read_from: found.read_from.0,
        read_from_words: found.read_from.1,
        commits: found.links.len(),
        notices: found.notices.iter().chain(&reviewed.notices).map(sentence::notice).collect(),
        accepted: reviewed
            .accepted
            .known
            .iter()
            .map(|k| accepted(k, &reviewed.accepted.on))
            .collect(),
        anchor: reviewed.anchor.map(|a| AnchorStep {
            name: a.point.name,
            commit: a.point.commit,
            distance_commits: a.point.distance_commits,
            sessions: a.sessions.len(),
            missing: a.missing,
        }),
    })
}

/// The sessions of each workload and fingerprint key, and which of them a check would use.
type Kinds<'a> = BTreeMap<(String, String), Selection<'a>>;

/// Every session, the nearest commit first; those off the way last.
fn steps(found: &Found, config: &Config, kinds: &Kinds<'_>) -> Vec<Step> {
    let under_test = &config.gate.under_test;
    let mut sessions: Vec<Step> = found
        .files
        .iter()
        .map(|(path, s)| {
            let fingerprint = s.fingerprint.key(under_test);
            let kind = kinds.get(&(s.workload.clone(), fingerprint.clone()));
            let why = kind.and_then(|kind| why_left_out(kind, s));
            Step {
                workload: s.workload.clone(),
                fingerprint,
                commit: s.commit.clone(),
                commit_date: s.commit_date.clone(),
                session: s.session.clone(),
                path: config.baselines_dir.join(path).display().to_string(),
                distance_commits: distance(&found.links, s),
                left_out: why.as_ref().map(ToString::to_string),
                why,
            }
        })
        .collect();
    sessions.sort_by_cached_key(|s| {
        (s.distance_commits.is_none(), s.distance_commits, s.session.clone())
    });
    sessions
}

/// None where a check uses the session, or a copy of it.
fn why_left_out(kind: &Selection<'_>, session: &Session) -> Option<Text> {
    let (_, why) =
        kind.left_out.iter().find(|((_, other), why)| other == session && *why != Why::Copy)?;
    kind.sessions().all(|used| used != session).then(|| left_out_words(*why))
}

/// Where each kind's segment begins, and its levels, in sentences.
fn segments(kinds: &Kinds<'_>) -> Vec<Text> {
    let mut all = Vec::new();
    for ((name, key), kind) in kinds {
        let about = format!("{} {key}: ", text::plain(name));
        let lines = std::iter::once(kind.segment()).chain(kind.levels());
        all.extend(lines.map(|line| Text::from(&*about).then(&plain_sentence(line))));
    }
    all
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
pub fn in_words(walk: &Walk) -> Text {
    let mut lines = way(walk);
    lines.extend(walk.notices.iter().map(|notice| bilingual!("note: ", "참고: ").then(notice)));
    let on = walk.sessions.iter().filter_map(|s| Some((s.distance_commits?, s)));
    lines.extend(on.map(|(steps, s)| step(steps, s)));
    lines.extend(
        walk.segments.iter().map(|line| bilingual!("segment      ", "구간         ").then(line)),
    );
    let off = walk.sessions.iter().filter(|s| s.distance_commits.is_none());
    lines.extend(off.map(|s| {
        let (workload, commit) = (text::plain(&s.workload), text::short(&s.commit));
        bilingual!(
            "  {workload:<14} {commit} left out: neither its commit nor its tree is on this lineage",
            "  {workload:<14} {commit} 제외: 커밋도 트리도 이 계보에 없음"
        )
    }));
    lines.extend(walk.accepted.iter().map(accepted_in_words));
    lines.extend(walk.anchor.iter().map(anchor_in_words));
    if walk.sessions.is_empty() {
        lines.push(bilingual!(
            "no session there: `goodput-gate baseline update` on the base branch adds one",
            "세션 없음: base 브랜치에서 `goodput-gate baseline update`로 추가합니다"
        ));
    }
    Text::joined(&lines, "\n")
}

/// From where to where it was looked.
fn way(walk: &Walk) -> Vec<Text> {
    let (base, tip) = (text::plain(&walk.base), text::short(&walk.base_commit));
    let merge_base = bilingual!(
        "merge base   {commit}",
        "merge base   {commit}",
        commit = text::short(&walk.merge_base)
    );
    let on_base = if walk.on_base {
        bilingual!(" (HEAD is on the base branch)", " (HEAD가 base 브랜치에 있음)")
    } else {
        Text::default()
    };
    let (start, commits) = (text::short(&walk.start), walk.commits);
    vec![
        format!("HEAD         {}", text::short(&walk.head)).into(),
        format!("base         {base} ({tip})").into(),
        merge_base.then(&on_base),
        bilingual!(
            "sessions of  the tree of {tree}",
            "세션 위치    {tree}의 트리",
            tree = text::plain(&walk.read_from_words)
        ),
        Text {
            en: format!(
                "walk         {start} and its first parents: {}",
                text::count(commits as u64, "commit", "commits")
            ),
            ko: format!("탐색         {start}부터 첫 부모를 따라: 커밋 {commits}개"),
        },
    ]
}

fn step(steps: u32, s: &Step) -> Text {
    let back = if steps == 0 { bilingual!("there", "그 커밋") } else { commits_back(steps) };
    let (workload, commit) = (text::plain(&s.workload), text::short(&s.commit));
    let (key, session) = (&s.fingerprint, text::plain(&s.session));
    let line = Text {
        en: format!("  {workload:<14} {commit} {:<16} {key} {session}", back.en),
        ko: format!("  {workload:<14} {commit} {:<12} {key} {session}", back.ko),
    };
    match &s.why {
        Some(why) => line.then(&bilingual!(" left out: ", " 제외: ")).then(why),
        None => line,
    }
}

fn accepted_in_words(a: &AcceptedStep) -> Text {
    let until = &a.until;
    let state = match (a.state, a.landed_commits) {
        ("expired", _) => bilingual!("expired on {until}", "{until}에 기한 만료"),
        (_, Some(back)) => {
            let back = commits_back(back);
            Text {
                en: format!("in the history since {}, until {until}", back.en),
                ko: format!("{}부터 이력에 있음, 기한 {until}", back.ko),
            }
        }
        _ => bilingual!("until {until}", "기한 {until}"),
    };
    let by = a.by.as_deref().map(text::plain).map_or_else(
        || bilingual!("not committed yet", "아직 커밋 안 됨"),
        |by| bilingual!("by {by}", "{by}"),
    );
    let (metric, workload) = (&a.metric, text::plain(&a.workload));
    let (key, reason) = (text::plain(&a.fingerprint), text::plain(&a.reason));
    Text {
        en: format!(
            "accepted     {metric} of {workload} on {key}, {}: {reason} ({})",
            state.en, by.en
        ),
        ko: format!("수용         {workload} {metric} ({key}), {}: {reason} ({})", state.ko, by.ko),
    }
}

fn anchor_in_words(a: &AnchorStep) -> Text {
    let name = text::plain(&a.name);
    let state = match a.missing.as_deref().map(text::plain) {
        Some(why) => why.into(),
        None => Text {
            en: text::count(a.sessions as u64, "session", "sessions"),
            ko: format!("세션 {}개", a.sessions),
        },
    };
    bilingual!("anchor       {name}: ", "앵커         {name}: ").then(&state)
}

fn english<S: serde::Serializer>(lines: &[Text], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(lines.iter().map(|line| &line.en))
}
