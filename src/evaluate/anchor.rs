//! A second comparison, with the sessions of a pinned point of the past: slow drift that no single change shows. Pure.
//!
//! Not here: which point that is and where its sessions are (`app::sessions`).

use super::work::{Earlier, Tokens};
use super::{Baseline, Part, compare, incomparable, method};
use crate::compare::Placed;
use crate::judge::{self, Comparison, Judgement, MetricComparison, text};
use crate::metric::Class;
use crate::record::{Record, WorkloadRecord, differ};
use crate::report::build::word;
use crate::report::{AnchorMetricReport, AnchorReport};
use crate::verdict::Drift;

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
        workloads: u32,
    ) -> anyhow::Result<()> {
        let Some(anchor) = anchor.filter(|_| self.evidence.invalid.is_empty()) else { return Ok(()) };
        let (sessions, compared) = match history(record, workload, anchor) {
            Err(why) => (0, Err(why)),
            Ok(history) => (history.len(), Ok(compare(record, first, workload, &history, workloads)?)),
        };
        let (drift, report) = told(anchor, sessions, compared);
        (self.evidence.drift, self.anchor) = (Some(drift), Some(report));
        Ok(())
    }
}

/// The sessions that count. Errors, in words: there are none, or the work was another.
fn history(record: &Record, workload: &WorkloadRecord, anchor: &Anchor) -> Result<Vec<judge::Session>, String> {
    if let Some(why) = &anchor.missing {
        return Err(why.clone());
    }
    let baseline = Baseline { sessions: anchor.sessions.clone(), ..Baseline::default() };
    let under_test = &record.policy.under_test;
    let selection = baseline.select(workload, under_test, Some(&record.session));
    if selection.used.is_empty() {
        let Some(other) = incomparable(&selection) else { return Err("it has no session of this workload".into()) };
        let differ: Vec<String> = differ::conflicts(other, workload, under_test).iter().map(ToString::to_string).collect();
        return Err(format!("its sessions are of something else: {}", differ.join("; ")));
    }
    let sessions: Vec<_> = selection.sessions().collect();
    let (now, then) = (Tokens::of(workload), Earlier::of(&sessions));
    let untold = || now.untold(!then.input.is_empty(), !then.output.is_empty());
    let history = || sessions.iter().map(|s| method(s, workload)).collect();
    now.drifted(&then).into_iter().next().or_else(untold).map_or_else(|| Ok(history()), Err)
}

fn told(anchor: &Anchor, sessions: usize, compared: Result<Comparison, String>) -> (Drift, AnchorReport) {
    let at = place(anchor);
    let (state, words, metrics) = match compared {
        Err(why) => ("not_compared", format!("not compared with the anchor {at}: {why}"), Vec::new()),
        Ok(comparison) => {
            let (state, changes) = summary(&comparison);
            (state, format!("since the anchor {at}: {changes}"), comparison.metrics.iter().map(row).collect())
        }
    };
    let drift = match state {
        "worse" => Drift::Worse(words.clone()),
        "not_compared" => Drift::NotCompared(words.clone()),
        _ => Drift::None,
    };
    let report = AnchorReport {
        name: anchor.name.clone(),
        commit: anchor.commit.clone(),
        distance_commits: anchor.distance,
        sessions: u32::try_from(sessions).unwrap_or(u32::MAX),
        state: state.into(),
        words,
        metrics,
    };
    (drift, report)
}

/// `v1.2 (120 commits ago)`.
fn place(anchor: &Anchor) -> String {
    let ago = |n: u32| if n == 1 { "1 commit ago".to_owned() } else { format!("{n} commits ago") };
    anchor.distance.map_or_else(|| anchor.name.clone(), |n| format!("{} ({})", anchor.name, ago(n)))
}

/// What is proven worse; else where the primary metrics stand.
fn summary(comparison: &Comparison) -> (&'static str, String) {
    let list = |rows: &[&MetricComparison]| rows.iter().filter_map(|m| change(m)).collect::<Vec<_>>().join(", ");
    let worse: Vec<&MetricComparison> = comparison.metrics.iter().filter(|m| m.judgement == Judgement::Regressed).collect();
    if !worse.is_empty() {
        return ("worse", list(&worse));
    }
    let primary: Vec<&MetricComparison> = comparison.metrics.iter().filter(|m| m.class == Class::Primary).collect();
    let needed =
        comparison.sessions_needed.filter(|n| *n > 0).map(|n| format!(" ({n} more of its sessions are needed to judge)"));
    match comparison.decision {
        judge::Decision::Pass => ("unchanged", format!("not worse; {}", list(&primary))),
        _ => ("open", format!("neither proven worse nor proven fine{}; {}", needed.unwrap_or_default(), list(&primary))),
    }
}

/// `tpot_geomean +6.1 % (+4.0 % to +8.2 %)`.
fn change(m: &MetricComparison) -> Option<String> {
    let of = |change| text::change(m.metric, change);
    let range = m.interval.map(|(low, high)| format!(" ({} to {})", of(low), of(high)));
    Some(format!("{} {}{}", m.metric, of(m.change?), range.unwrap_or_default()))
}

fn row(m: &MetricComparison) -> AnchorMetricReport {
    AnchorMetricReport {
        metric: m.metric.name(),
        unit: m.metric.unit().suffix().into(),
        change_ratio: m.change,
        interval_low_ratio: m.interval.map(|i| i.0),
        interval_high_ratio: m.interval.map(|i| i.1),
        judgement: word(m.judgement).into(),
    }
}
