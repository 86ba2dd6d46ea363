//! Measurements to judgements: METHOD's formulas, deterministic, no randomness.
//!
//! `interleaved` and `other_day` compare with a baseline, `limits` needs none, `join` makes one decision of both.
//! Not here: what a decision means for the exit code (policy), or where the numbers came from.

pub mod dist;
mod errors;
mod estimate;
mod fitness;
mod history;
pub mod interleaved;
pub mod limits;
pub mod other_day;
#[cfg(test)]
mod tests;
pub mod text;
#[cfg(test)]
mod worse;

use std::collections::BTreeMap;

use crate::measure::summary::StartSummary;
use crate::metric::{Class, METHOD, Metric, Scale};

use limits::{LimitFinding, LimitState};

/// What a team may set about comparisons. METHOD's values where it says nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Minimum relevant change by metric, where METHOD's is not wanted: fraction (0.05 = 5 % or 5 points).
    pub minimum_changes: BTreeMap<Metric, f64>,
    /// Gating workloads of the run; every significance level is divided by it. At least 1.
    pub workloads: u32,
    /// What a PASS against earlier sessions proves of primary metrics (METHOD section 4, `M_od`), as a fraction.
    pub other_day_margin: f64,
}

/// An earlier run of unchanged code, or the run under test, on one machine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Session {
    pub id: String,
    /// The machine; `None` where it is not known.
    pub runner: Option<String>,
    /// One summary per server start.
    pub starts: Vec<StartSummary>,
}

/// An earlier finished run, for the start-to-start variance: first the baseline's starts, then the candidate's, if it had both.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PastRun {
    pub sides: Vec<Vec<StartSummary>>,
}

/// Per metric, with nothing of the team's policy in it but the minimum relevant change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    Improved,
    /// Primary metrics: proven below the margin. Others: no change seen; the smallest visible one is beside it.
    Unchanged,
    Regressed,
    Inconclusive,
    Unmeasured,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Pass,
    Regression,
    Inconclusive,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Both builds in one job, start by start.
    Interleaved,
    /// Against sessions of other days.
    OtherDay,
}

/// One metric, both sides. Values in display units (ms, per second, share); changes relative for times and rates, in shares for
/// shares, in the metric's own direction (+0.05 of a TTFT is 5 % slower, of a rate 5 % faster).
#[derive(Clone, Debug, PartialEq)]
pub struct MetricComparison {
    pub metric: Metric,
    pub class: Class,
    pub baseline: Option<f64>,
    pub candidate: Option<f64>,
    pub change: Option<f64>,
    /// Two-sided, at the level at which this metric is tested.
    pub interval: Option<(f64, f64)>,
    /// Probability of a change as bad as this one, were there none beyond METHOD's allowance.
    pub p: Option<f64>,
    /// Minimum relevant change, a fraction.
    pub d_min: f64,
    /// What a PASS proves the change to be below; primary metrics only.
    pub margin: Option<f64>,
    /// Smallest change that would have been found in 95 % of such runs (METHOD's MDE95), a fraction.
    pub mde: Option<f64>,
    /// Standard deviation of one start (interleaved) or session (other day) that was reckoned with, a fraction.
    pub noise: Option<f64>,
    /// The starts of this run vary more than the history says.
    pub noisier_than_usual: bool,
    pub judgement: Judgement,
    /// Why, where the judgement needs words.
    pub reason: Option<String>,
}

/// A candidate against its baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    pub mode: Mode,
    /// In METHOD's order; empty where the two can not be compared at all.
    pub metrics: Vec<MetricComparison>,
    pub decision: Decision,
    /// Why the decision is what it is; the most telling first.
    pub reasons: Vec<String>,
    /// What does not change the decision and should be known.
    pub warnings: Vec<String>,
    /// Start pairs (interleaved) or jobs (other day) that the decision used.
    pub looks: usize,
    /// Earlier runs or sessions that were reckoned with.
    pub sessions: usize,
    /// Sessions still missing for a full judgement.
    pub sessions_needed: Option<usize>,
    /// What a PASS proves; `None` for anything else.
    pub proves: Option<String>,
}

/// The one decision over comparison and limits.
#[derive(Clone, Debug, PartialEq)]
pub struct Joined {
    pub decision: Decision,
    pub reasons: Vec<String>,
    pub warnings: Vec<String>,
}

/// METHOD section 2's row of a metric, under the team's policy.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Thresholds {
    metric: Metric,
    class: Class,
    scale: Scale,
    d_min: f64,
    d_neg: f64,
    margin: Option<f64>,
}

impl Default for Policy {
    fn default() -> Self {
        Self { minimum_changes: BTreeMap::new(), workloads: 1, other_day_margin: 0.10 }
    }
}

impl Policy {
    /// Divides a significance level among the gating workloads.
    fn level(&self, alpha: f64) -> f64 {
        alpha / f64::from(self.workloads.max(1))
    }

    fn thresholds(&self, metric: Metric, mode: Mode) -> Option<Thresholds> {
        let row = metric.method()?;
        let d_min = self.minimum_changes.get(&metric).copied().unwrap_or(row.d_min);
        let margin = row.margin.map(|m| if mode == Mode::OtherDay { self.other_day_margin } else { m });
        // A team that calls 10 % irrelevant is not asked for proof of 5 %.
        let margin = margin.map(|m| m.max(d_min));
        Some(Thresholds { metric, class: row.class, scale: row.scale, d_min, d_neg: row.d_neg, margin })
    }

    /// Metrics that the team wants judged and METHOD does not judge: they forbid a PASS, since nothing looks at them.
    fn unjudged(&self) -> Vec<Metric> {
        self.minimum_changes.keys().copied().filter(|m| !METHOD.contains(m)).collect()
    }
}

impl Thresholds {
    /// METHOD's floor of the noise, so that a silent series proves nothing beyond it.
    fn floor(&self) -> f64 {
        match self.scale {
            Scale::Log => 0.002,
            Scale::Absolute => 0.003,
        }
    }

    fn is_primary(&self) -> bool {
        self.class == Class::Primary
    }
}

impl From<&Session> for PastRun {
    /// A session of one build has one side.
    fn from(session: &Session) -> Self {
        Self { sides: vec![session.starts.clone()] }
    }
}

impl Comparison {
    fn undecided(mode: Mode, sessions: usize, reason: String) -> Self {
        Self {
            mode,
            metrics: Vec::new(),
            decision: Decision::Inconclusive,
            reasons: vec![reason],
            warnings: Vec::new(),
            looks: 0,
            sessions,
            sessions_needed: None,
            proves: None,
        }
    }
}

/// Comparison and limits to one decision (METHOD section 5): a breach wins over everything; a limit that is not measured, or whose
/// measured value is on the wrong side, turns a PASS to INCONCLUSIVE. Without a comparison only all limits MET is a PASS.
pub fn join(comparison: Option<&Comparison>, limits: &[LimitFinding]) -> Joined {
    let breached: Vec<String> = reasons_of(limits, |l| l.state == LimitState::Breached);
    let open_wrong = reasons_of(limits, |l| l.is_open() && l.side_ok != Some(true));
    let open_right = reasons_of(limits, |l| l.is_open() && l.side_ok == Some(true));
    let (base, mut reasons, mut warnings) = match comparison {
        Some(c) => (c.decision, c.reasons.clone(), c.warnings.clone()),
        None if limits.is_empty() => (Decision::Inconclusive, vec!["nothing to judge: no baseline and no limits".into()], vec![]),
        None if open_right.is_empty() => (Decision::Pass, vec![], vec![]),
        None => (Decision::Inconclusive, open_right.clone(), vec![]),
    };
    if comparison.is_some() {
        warnings.extend(open_right);
    }
    let decision = match base {
        _ if !breached.is_empty() => Decision::Regression,
        Decision::Pass if !open_wrong.is_empty() => Decision::Inconclusive,
        other => other,
    };
    if decision != base && base == Decision::Pass {
        reasons.clear();
    }
    if decision == Decision::Pass && comparison.is_none() {
        reasons = reasons_of(limits, |_| true);
    }
    reasons.splice(0..0, breached.into_iter().chain(open_wrong));
    Joined { decision, reasons, warnings }
}

fn reasons_of(limits: &[LimitFinding], wanted: impl Fn(&LimitFinding) -> bool) -> Vec<String> {
    limits.iter().filter(|l| wanted(l)).map(|l| format!("limit: {}", l.reason)).collect()
}
