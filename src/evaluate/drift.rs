//! The latest sessions of main against those at an anchor (docs/ARITHMETIC.md#drift): small steps
//! that no single change shows. Pure.
//!
//! Not here: which point the anchor is and where sessions lie (`app::baselines::drift`), the rule
//! (`judge::drift`).

use std::collections::BTreeSet;

use super::other_day::{Like, incomparable};
use super::status_policy;
use super::work::{Earlier, Tokens};
use crate::accept::{self, AcceptedKind, KnownAcceptance, NotCovered, Uncovered};
use crate::compare::reason::{AnchorGap, RunReason, SinceAnchor};
use crate::compare::{self, Accepted, History, Placed, Selection, Sought};
use crate::exit::ExitStatus;
use crate::fingerprint::Fingerprint;
use crate::judge::drift::{Drift, LATEST, judge};
use crate::judge::reason::Measured;
use crate::judge::{self, Bearing, Comparison, Decision, MetricComparison};
use crate::metric::Class;
use crate::record::RecordedPolicy;
use crate::record::session::Session;
use crate::report::drift::{AnchorFound, AnchorPoint, Compared, DriftWorkload};
use crate::report::text;
use crate::verdict::{Against, Evidence, Reason, Ruling, Verdict, overall, rule};

/// A point of the past, and the sessions that a check of it would have used.
#[derive(Clone, Debug, PartialEq)]
pub struct Anchor {
    pub point: AnchorPoint,
    /// Of all workloads, oldest first, each with its distance from the anchor.
    pub sessions: Vec<Placed>,
    /// Why there are none, where nothing could be read.
    pub missing: Option<String>,
}

/// What is accepted on the way to the anchor: where it came in is reckoned from main, not from there.
static NOTHING: Accepted = Accepted { known: Vec::new(), on: String::new() };

/// What is asked of one workload.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    pub workload: &'a str,
    pub anchor: &'a Anchor,
    /// Of main, oldest first, each with its distance from where main is now.
    pub main: &'a [Placed],
    pub accepted: &'a Accepted,
    pub policy: &'a RecordedPolicy,
    /// What the config says of the workload's metrics.
    pub judging: &'a judge::Policy,
}

/// The sessions of both sides, oldest first.
struct Sides<'a> {
    anchor: Selection<'a>,
    /// The newest five that are comparable with the newest.
    latest: Vec<&'a Session>,
    /// Newer than the anchor, and of another level by somebody's word.
    shifts: Vec<&'a Session>,
}

/// Each workload with what was found, and the whole. Without workloads it proves nothing.
pub fn drifts(questions: &[Question<'_>]) -> (Vec<DriftWorkload>, Verdict, ExitStatus) {
    let found: Vec<(DriftWorkload, Ruling)> = questions.iter().map(answer).collect();
    let (workloads, rulings): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    let (verdict, exit) = overall(&rulings);
    (workloads, verdict, exit)
}

fn answer(asked: &Question<'_>) -> (DriftWorkload, Ruling) {
    let sides = Sides::find(asked);
    let evidence = evidence(asked, &sides);
    let ruling = rule(status_policy(asked.policy), &evidence);
    let decisive = evidence.decisive().filter(|c| !c.metrics.is_empty());
    let headline = decisive.map_or_else(
        || ruling.reasons.first().cloned(),
        |c| Some(since_anchor(asked.anchor, summary(&c))),
    );
    let anchor: Vec<&Session> = sides.anchor.sessions().collect();
    let compared = Compared { anchor: &anchor, latest: &sides.latest };
    let found = DriftWorkload::new(
        asked.workload,
        &asked.anchor.point,
        compared,
        headline.as_ref(),
        (&evidence, &ruling),
    );
    (found, ruling)
}

impl<'a> Sides<'a> {
    fn find(asked: &Question<'a>) -> Self {
        let under_test = &asked.policy.under_test;
        let there: BTreeSet<&str> =
            asked.anchor.sessions.iter().map(|(_, s)| s.session.as_str()).collect();
        let mut seen = BTreeSet::new();
        let is_after = |distance: Option<u32>| {
            asked.anchor.point.distance_commits.zip(distance).is_none_or(|(anchor, d)| d < anchor)
        };
        let mut latest: Vec<&Session> = asked
            .main
            .iter()
            .filter(|(d, s)| s.workload == asked.workload && is_after(*d))
            .map(|(_, s)| s)
            .filter(|s| !there.contains(s.session.as_str()) && seen.insert(s.session.as_str()))
            .collect();
        let history = History { sessions: &asked.anchor.sessions, accepted: &NOTHING };
        let Some(&newest) = latest.last() else {
            let anchor = history.select_newest(asked.workload, under_test).unwrap_or_default();
            return Self { anchor, latest, shifts: Vec::new() };
        };
        latest.retain(|s| {
            Fingerprint::conflicts(&s.fingerprint, &newest.fingerprint, under_test).is_empty()
        });
        let shifts = latest.iter().copied().filter(|s| s.level_shift.is_some()).collect();
        latest.drain(..latest.len().saturating_sub(LATEST));
        let sought = Sought {
            workload: asked.workload,
            fingerprint: &newest.fingerprint,
            under_test,
            run: None,
        };
        Self { anchor: history.select(&sought), latest, shifts }
    }
}

fn evidence(asked: &Question<'_>, sides: &Sides<'_>) -> Evidence {
    let mut evidence = Evidence {
        invalid: Vec::new(),
        against: against(asked, sides),
        limits: Vec::new(),
        excused: Vec::new(),
        incomplete: Vec::new(),
        warnings: Vec::new(),
    };
    let Against::Compared(comparison) = &evidence.against else { return evidence };
    let (excused, uncovered) = excuse(asked, sides, &comparison.metrics);
    let is_regression = comparison.decision == Decision::Regression;
    let shifts = sides.shifts.iter().filter(|_| is_regression).map(|s| {
        let why = s.level_shift.clone().unwrap_or_default();
        compare::Reason::LevelShiftSinceAnchor { at: s.place(), why }.into()
    });
    evidence.warnings = uncovered.into_iter().chain(shifts).collect();
    evidence.excused = excused;
    if !comparison.metrics.is_empty() {
        let anchor: Vec<&Session> = sides.anchor.sessions().collect();
        let (now, then) = (Tokens::together(&sides.latest), Earlier::from_sessions(&anchor));
        let untold: Option<RunReason> = now.untold(!then.input.is_empty(), !then.output.is_empty());
        evidence.invalid = now.drifted(&then).into_iter().map(Reason::from).collect();
        evidence.incomplete = untold.into_iter().map(Reason::from).collect();
    }
    evidence
}

fn against(asked: &Question<'_>, sides: &Sides<'_>) -> Against {
    let AnchorPoint { found, commit, .. } = &asked.anchor.point;
    if *found == AnchorFound::Release && commit.is_none() {
        return Against::Missing(compare::Reason::NoAnchor.into());
    }
    let gap = |why| Against::Missing(since_anchor(asked.anchor, SinceAnchor::NotCompared(why)));
    if let Some(why) = &asked.anchor.missing {
        return gap(AnchorGap::Other(why.clone()));
    }
    let Some(newest) = sides.latest.last().copied().or_else(|| sides.anchor.sessions().last())
    else {
        return gap(AnchorGap::NoSession);
    };
    if sides.anchor.used.is_empty() {
        return incomparable(&sides.anchor).map_or_else(
            || gap(AnchorGap::NoSession),
            |other| {
                let (then, now) = (&other.fingerprint, &newest.fingerprint);
                Against::Incomparable(Fingerprint::conflicts(then, now, &asked.policy.under_test))
            },
        );
    }
    Against::Compared(Box::new(compare(asked, sides, newest)))
}

fn compare(asked: &Question<'_>, sides: &Sides<'_>, newest: &Session) -> Comparison {
    let seeds = newest.starts.iter().map(|start| &start.seeds).max_by_key(|seeds| seeds.len());
    let load = newest.load.as_ref();
    let length = Tokens::together(&sides.latest).output.map(|count| count.mean);
    let like = Like {
        seeds: seeds.map_or(&[], |seeds| seeds),
        slo: newest.slo,
        length: length.filter(|_| load.is_some_and(|load| load.open_loop)),
    };
    let method = |s: &Session| like.method(s);
    judge(&Drift {
        anchor: &sides.anchor.sessions().map(method).collect::<Vec<_>>(),
        recent: &sides.latest.iter().copied().map(method).collect::<Vec<_>>(),
        shape: newest.shape(),
        policy: asked.judging,
    })
}

/// What is accepted of the changes since the anchor, and what should be said of acceptances that do
/// not cover them.
fn excuse(
    asked: &Question<'_>,
    sides: &Sides<'_>,
    rows: &[MetricComparison],
) -> (Vec<accept::Excused>, Vec<Reason>) {
    let Some(newest) = sides.latest.last() else { return (Vec::new(), Vec::new()) };
    let is_other = |k: &KnownAcceptance| {
        let at = asked.anchor.point.distance_commits;
        match k.landed {
            Some(landed) if at.is_none_or(|at| landed >= at) => Some(NotCovered::InBaseline),
            None if !k.contained && k.acceptance.commit.is_some() => {
                let commit = k.acceptance.commit.as_deref().map(text::short).unwrap_or_default();
                Some(NotCovered::NotContained { commit })
            }
            _ => None,
        }
    };
    let mine: Vec<&KnownAcceptance> = asked
        .accepted
        .of_kind(asked.workload, &newest.fingerprint, &asked.policy.under_test)
        .into_iter()
        .filter(|k| k.acceptance.of == AcceptedKind::Regression)
        .collect();
    let (excused, uncovered) = accept::excuse(&mine, &asked.accepted.on, is_other, rows, &[]);
    let said = |Uncovered { metric, terms, why }| {
        compare::Reason::AcceptanceDoesNotCount { metric, terms, why }.into()
    };
    (excused, uncovered.into_iter().map(said).collect())
}

fn since_anchor(anchor: &Anchor, found: SinceAnchor) -> Reason {
    let AnchorPoint { name, distance_commits: commits, .. } = anchor.point.clone();
    compare::Reason::Anchor { name, commits, found }.into()
}

/// What is proven worse; else where the primary metrics stand.
fn summary(comparison: &Comparison) -> SinceAnchor {
    let list = |wanted: fn(&MetricComparison) -> bool| {
        let changed = comparison.metrics.iter().filter(|m| wanted(m) && m.change.is_some());
        changed
            .map(|m| Measured { metric: m.metric, change: m.change, interval: m.interval, p: None })
            .collect::<Vec<_>>()
    };
    let primary = |m: &MetricComparison| m.class == Class::Primary;
    match comparison.decision {
        Decision::Regression => SinceAnchor::Worse(list(|m| m.bearing == Bearing::Convicts)),
        Decision::Pass => SinceAnchor::NotWorse(list(primary)),
        _ => SinceAnchor::Open { sessions_needed: None, changes: list(primary) },
    }
}
