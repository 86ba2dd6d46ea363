//! A second comparison, with the sessions of a pinned point of the past: slow drift that no single
//! change shows. Pure.
//!
//! Not here: which point that is and where its sessions are (`app::sessions`).

use super::other_day::{compare, incomparable, method};
use super::work::{Earlier, Tokens};
use super::{Baseline, Part};
use crate::compare::reason::{AnchorGap, SinceAnchor};
use crate::compare::{Placed, Reason as Said};
use crate::judge::reason::Measured;
use crate::judge::{self, Comparison, Judgement, MetricComparison};
use crate::metric::Class;
use crate::record::{Record, WorkloadRecord, differ};
use crate::report::{AnchorMetricReport, AnchorReport, AnchorState};
use crate::verdict::{Drift, Reason};

/// A pinned point of the past, and the sessions that a check of it would have used.
#[derive(Clone, Debug, PartialEq)]
pub struct Anchor {
    /// As it was named.
    pub name: String,
    pub commit: Option<String>,
    /// First-parent steps from where the walk to the baselines begins.
    pub distance: Option<u32>,
    /// Of all workloads, oldest first, each with its distance from the anchor.
    pub sessions: Vec<Placed>,
    /// Why there are none, where nothing could be read.
    pub missing: Option<String>,
}

impl Part {
    /// What is not fit to be judged is not compared with the past either.
    pub(super) fn against_anchor(
        &mut self,
        record: &Record,
        first: Option<&Record>,
        workload: &WorkloadRecord,
        anchor: Option<&Anchor>,
    ) -> anyhow::Result<()> {
        let Some(anchor) = anchor.filter(|_| self.evidence.invalid.is_empty()) else {
            return Ok(());
        };
        let (sessions, compared) = match history(record, workload, anchor) {
            Err(why) => (0, Err(why)),
            Ok(history) => (history.len(), Ok(compare(record, first, workload, &history)?)),
        };
        let (drift, report, reason) = told(anchor, sessions, compared);
        (self.evidence.drift, self.anchor) = (Some(drift), Some((report, reason)));
        Ok(())
    }
}

/// The sessions that count. Errors: there are none, or the work was another.
fn history(
    record: &Record,
    workload: &WorkloadRecord,
    anchor: &Anchor,
) -> Result<Vec<judge::Session>, AnchorGap> {
    if let Some(why) = &anchor.missing {
        return Err(AnchorGap::Other(why.clone()));
    }
    let baseline = Baseline { sessions: anchor.sessions.clone(), ..Baseline::default() };
    let under_test = &record.policy.under_test;
    let selection = baseline.select(workload, under_test, Some(&record.session));
    if selection.used.is_empty() {
        let Some(other) = incomparable(&selection) else { return Err(AnchorGap::NoSession) };
        return Err(AnchorGap::OtherThings(differ::conflicts(other, workload, under_test)));
    }
    let sessions: Vec<_> = selection.sessions().collect();
    let (now, then) = (Tokens::count(workload), Earlier::from_sessions(&sessions));
    let untold = || now.untold(!then.input.is_empty(), !then.output.is_empty());
    let history = || sessions.iter().map(|s| method(s, workload)).collect();
    let other = now.drifted(&then).into_iter().next().or_else(untold);
    other.map_or_else(|| Ok(history()), |work| Err(AnchorGap::Work(Box::new(work))))
}

fn told(
    anchor: &Anchor,
    sessions: usize,
    compared: Result<Comparison, AnchorGap>,
) -> (Drift, AnchorReport, Reason) {
    let (found, metrics) = match compared {
        Err(why) => (SinceAnchor::NotCompared(why), Vec::new()),
        Ok(comparison) => (summary(&comparison), comparison.metrics.iter().map(row).collect()),
    };
    let state = match found {
        SinceAnchor::Worse(_) => AnchorState::Worse,
        SinceAnchor::NotWorse(_) => AnchorState::Unchanged,
        SinceAnchor::Open { .. } => AnchorState::Open,
        SinceAnchor::NotCompared(_) => AnchorState::NotCompared,
    };
    let reason: Reason =
        Said::Anchor { name: anchor.name.clone(), commits: anchor.distance, found }.into();
    let drift = match state {
        AnchorState::Worse => Drift::Worse(reason.clone()),
        AnchorState::NotCompared => Drift::NotCompared(reason.clone()),
        AnchorState::Unchanged | AnchorState::Open => Drift::None,
    };
    let report = AnchorReport {
        name: anchor.name.clone(),
        commit: anchor.commit.clone(),
        distance_commits: anchor.distance,
        sessions: u32::try_from(sessions).unwrap_or(u32::MAX),
        state,
        words: reason.to_string(),
        metrics,
    };
    (drift, report, reason)
}

/// What is proven worse; else where the primary metrics stand.
fn summary(comparison: &Comparison) -> SinceAnchor {
    let list = |wanted: fn(&MetricComparison) -> bool| {
        let changed = comparison.metrics.iter().filter(|m| wanted(m) && m.change.is_some());
        changed
            .map(|m| Measured { metric: m.metric, change: m.change, interval: m.interval, p: None })
            .collect::<Vec<_>>()
    };
    let worse = list(|m| m.judgement == Judgement::Regressed);
    if comparison.metrics.iter().any(|m| m.judgement == Judgement::Regressed) {
        return SinceAnchor::Worse(worse);
    }
    let changes = list(|m| m.class == Class::Primary);
    let sessions_needed = comparison.sessions_needed.filter(|n| *n > 0).map(|n| n as u64);
    match comparison.decision {
        judge::Decision::Pass => SinceAnchor::NotWorse(changes),
        _ => SinceAnchor::Open { sessions_needed, changes },
    }
}

fn row(m: &MetricComparison) -> AnchorMetricReport {
    AnchorMetricReport {
        metric: m.metric.name(),
        unit: m.metric.unit().suffix().into(),
        change_ratio: m.change,
        interval_low_ratio: m.interval.map(|i| i.0),
        interval_high_ratio: m.interval.map(|i| i.1),
        judgement: m.judgement,
    }
}
