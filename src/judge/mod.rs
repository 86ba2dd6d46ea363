//! Measurements to judgements: METHOD's formulas, deterministic, no randomness.
//!
//! `interleaved` and `other_day` compare with a baseline, `limits` needs none, `join` makes one
//! decision of both. Not here: what a decision means for the exit code (policy), or where the
//! numbers came from.

pub mod bisect;
pub mod calibrate;
pub mod detectable;
pub mod dist;
mod blind;
mod errors;
pub mod estimate;
pub mod explain;
mod far_beyond;
mod fitness;
pub mod gross;
pub mod history;
pub mod interleaved;
#[allow(dead_code, reason = "the second version of the method, which is not joined yet")]
pub mod level;
pub mod limits;
pub mod lone_guard;
pub mod other_day;
pub mod ranking;
pub mod reason;
#[allow(dead_code, reason = "the second version of the method, which is not joined yet")]
pub mod seeds;
pub mod shift;
#[cfg(test)]
mod tests;
pub mod text;
pub mod work;
#[cfg(test)]
mod worse;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::measure::summary::{Shape, StartSummary};
use crate::metric::{Class, METHOD, MethodRow, Metric, Scale};

pub use blind::Blind;
use limits::{LimitFinding, LimitState};
pub use reason::{MetricReason, Reason};

/// What a team may set about comparisons. METHOD's values where it says nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Minimum relevant change by metric, where METHOD's is not wanted: fraction (0.05 = 5 % or 5
    /// points).
    pub minimum_changes: BTreeMap<Metric, f64>,
    /// What a PASS proves of a primary metric, where METHOD's margin is not wanted: fraction.
    pub margins: BTreeMap<Metric, f64>,
    /// What a metric may do to the verdict, where METHOD's class is not wanted. An error rate is
    /// never primary, since counts prove no margin: it stays a guard.
    pub classes: BTreeMap<Metric, Class>,
    /// Gating workloads of the run; every significance level is divided by it. At least 1.
    pub workloads: u32,
    /// What a PASS against earlier sessions proves of primary metrics (docs/METHODOLOGY.md#metrics,
    /// `M_od`), as a fraction.
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

/// An earlier finished run, for the start-to-start variance: first the baseline's starts, then the
/// candidate's, if it had both.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PastRun {
    pub sides: Vec<Vec<StartSummary>>,
}

/// Per metric, with nothing of the team's policy in it but the minimum relevant change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    Improved,
    /// Primary metrics: proven below the margin. Others: no change seen; the smallest visible one
    /// is beside it.
    Unchanged,
    Regressed,
    Inconclusive,
    Unmeasured,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Pass,
    Regression,
    /// Of noise: more of the same evidence may decide.
    Inconclusive,
    /// Evidence is missing or contradicts itself.
    Incomplete,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Both builds in one job, start by start.
    Interleaved,
    /// Against sessions of other days.
    #[serde(rename = "baseline")]
    OtherDay,
}

/// One metric, both sides. Values in display units (ms, per second, share); changes relative for
/// times and rates, in shares for shares, in the metric's own direction (+0.05 of a TTFT is 5 %
/// slower, of a rate 5 % faster).
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
    /// Smallest change that would have been found in 95 % of such runs (METHOD's MDE95), a
    /// fraction.
    pub mde: Option<f64>,
    /// What this run could have seen at its last planned look, where it is primary
    /// (docs/METHODOLOGY.md#blind): a fraction. Beyond twice the margin the run was blind.
    pub detectable: Option<f64>,
    /// Standard deviation of one start (interleaved) or session (other day) that was reckoned with,
    /// a fraction.
    pub noise: Option<f64>,
    /// The starts of this run vary more than the history says.
    pub noisier_than_usual: bool,
    /// Some starts of one side lack it.
    pub gaps: bool,
    pub judgement: Judgement,
    pub bearing: Bearing,
    /// Why, where the judgement needs words.
    pub reason: Option<MetricReason>,
    /// The numbers on the way, for `explain`.
    pub working: Working,
}

/// What a metric does to the decision of the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearing {
    /// Proven worse.
    Convicts,
    /// No PASS, and not for noise: it is missing, or nothing judges it.
    Lacks,
    /// Looks worse, unproven: no PASS.
    Worries,
    /// Not proven fine: no PASS.
    Blocks,
    /// Nothing is in the way of a PASS.
    Free,
}

/// How a metric was judged: every number that the judgement used, once.
#[derive(Clone, Debug, PartialEq)]
pub enum Working {
    /// There was nothing to reckon with.
    Nothing,
    Pairs(Box<interleaved::PairsTest>),
    Sessions(Box<other_day::SessionsTest>),
    Errors(errors::ErrorsTest),
}

/// A condition of METHOD, by its formula, and whether it held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    pub formula: &'static str,
    pub holds: bool,
}

/// A candidate against its baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    pub mode: Mode,
    /// In METHOD's order; empty where the two can not be compared at all.
    pub metrics: Vec<MetricComparison>,
    pub decision: Decision,
    /// Why the decision is what it is; the most telling first.
    pub reasons: Vec<Reason>,
    /// What does not change the decision and should be known.
    pub warnings: Vec<Reason>,
    /// Start pairs (interleaved) or jobs (other day) that the decision used.
    pub looks: usize,
    /// Earlier runs or sessions that were reckoned with.
    pub sessions: usize,
    /// Sessions still missing for a full judgement.
    pub sessions_needed: Option<usize>,
    /// What a PASS proves; `None` for anything else.
    pub proves: Option<Reason>,
    /// Chance of a false alarm that the significance levels add up to (Bonferroni), over the
    /// metrics that can convict and the looks or jobs planned, with the workload's share of it; a
    /// fraction. The true rate is lower (docs/METHODOLOGY.md#error-budget).
    pub budget: f64,
}

/// The one decision over comparison and limits.
#[derive(Clone, Debug, PartialEq)]
pub struct Joined {
    pub decision: Decision,
    pub reasons: Vec<Reason>,
    pub warnings: Vec<Reason>,
}

/// A metric's row of the method (docs/METHODOLOGY.md#metrics), under the team's policy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    pub metric: Metric,
    pub class: Class,
    pub scale: Scale,
    pub d_min: f64,
    pub d_neg: f64,
    pub margin: Option<f64>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            minimum_changes: BTreeMap::new(),
            margins: BTreeMap::new(),
            classes: BTreeMap::new(),
            workloads: 1,
            other_day_margin: 0.10,
        }
    }
}

impl Policy {
    /// Sum of the levels of the metrics that can convict, each by its class, divided among the
    /// gating workloads; `primary` and `guard` are what one metric spends over all looks or jobs.
    fn budget(&self, shape: Shape, primary: f64, guard: f64, first_look: f64) -> f64 {
        let first =
            |metric| if far_beyond::speaks_of_the_whole_engine(metric) { first_look } else { 0.0 };
        let of = |metric: Metric| match self.thresholds(metric, Mode::Interleaved).map(|t| t.class)
        {
            Some(Class::Primary | Class::Guard) if metric == Metric::ErrorRate => errors::ALPHA,
            Some(Class::Primary) => primary + first(metric),
            Some(Class::Guard) => guard + first(metric),
            _ => 0.0,
        };
        self.level(shape.defined().into_iter().map(of).sum())
    }

    /// Divides a significance level among the gating workloads.
    fn level(&self, alpha: f64) -> f64 {
        alpha / f64::from(self.workloads.max(1))
    }

    fn thresholds(&self, metric: Metric, mode: Mode) -> Option<Thresholds> {
        let row = metric.method()?;
        let d_min = self.minimum_changes.get(&metric).copied().unwrap_or(row.d_min);
        let class = match self.classes.get(&metric) {
            Some(Class::Primary) if metric == Metric::ErrorRate => Class::Guard,
            Some(&class) => class,
            None => row.class,
        };
        let margin =
            || self.margins.get(&metric).copied().unwrap_or_else(|| self.margin(row, d_min, mode));
        // A team that calls 10 % irrelevant is not asked for proof of 5 %.
        let margin = (class == Class::Primary).then(|| margin().max(d_min));
        Some(Thresholds { metric, class, scale: row.scale, d_min, d_neg: row.d_neg, margin })
    }

    /// What a PASS proves of a primary metric that nobody gave a margin: METHOD's. A guard that the
    /// team made primary has none in METHOD; it gets 1.5 times its minimum relevant change
    /// (METHOD's own are 1.7 to 2.5 times), of times and rates no less than METHOD asks of E2E in
    /// this mode.
    fn margin(&self, row: MethodRow, d_min: f64, mode: Mode) -> f64 {
        const PROMOTED: f64 = 1.5;
        const E2E: f64 = 0.05;
        match (row.margin, row.scale, mode) {
            (Some(_), _, Mode::OtherDay) => self.other_day_margin,
            (Some(margin), _, Mode::Interleaved) => margin,
            (None, Scale::Absolute, _) => d_min * PROMOTED,
            (None, Scale::Log, Mode::OtherDay) => self.other_day_margin.max(d_min * PROMOTED),
            (None, Scale::Log, Mode::Interleaved) => E2E.max(d_min * PROMOTED),
        }
    }

    /// Metrics that the team wants judged and METHOD does not judge: they forbid a PASS, since
    /// nothing looks at them. A config can not say that; a record from elsewhere can.
    fn unjudged(&self) -> Vec<Metric> {
        let said =
            self.minimum_changes.keys().chain(self.margins.keys()).chain(self.classes.keys());
        said.copied().filter(|m| !METHOD.contains(m)).collect::<BTreeSet<_>>().into_iter().collect()
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

impl Judgement {
    /// As in `report.json`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Improved => "improved",
            Self::Unchanged => "unchanged",
            Self::Regressed => "regressed",
            Self::Inconclusive => "inconclusive",
            Self::Unmeasured => "unmeasured",
        }
    }
}

impl Decision {
    /// Neither proven fine nor proven worse, for whatever reason.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Inconclusive | Self::Incomplete)
    }
}

impl From<&Session> for PastRun {
    /// A session of one build has one side.
    fn from(session: &Session) -> Self {
        Self { sides: vec![session.starts.clone()] }
    }
}

impl Comparison {
    /// Decided again with these metrics out of the way, whose change somebody has accepted: nothing
    /// is proven of them, and all others count as they did.
    pub fn without(&self, accepted: &BTreeSet<Metric>) -> Self {
        let mut rest = self.clone();
        for row in rest.metrics.iter_mut().filter(|row| accepted.contains(&row.metric)) {
            *row =
                MetricComparison { bearing: Bearing::Free, margin: None, mde: None, ..row.clone() };
        }
        if rest.metrics != self.metrics {
            estimate::decide(&mut rest);
        }
        rest
    }

    /// Where there is nothing to compare, or it contradicts itself.
    fn incomplete(self) -> Self {
        Self { decision: Decision::Incomplete, ..self }
    }

    /// `reasons`: none where they are found later.
    fn undecided(mode: Mode, sessions: usize, budget: f64, reasons: Vec<Reason>) -> Self {
        Self {
            mode,
            metrics: Vec::new(),
            decision: Decision::Inconclusive,
            reasons,
            warnings: Vec::new(),
            looks: 0,
            sessions,
            sessions_needed: None,
            proves: None,
            budget,
        }
    }
}

/// Comparison and limits to one decision (docs/METHODOLOGY.md#limits): a breach wins over
/// everything, then a limit that is not measured; one whose measured value is on the wrong side
/// turns a PASS to INCONCLUSIVE. Without a comparison only all limits MET is a PASS.
pub fn join(comparison: Option<&Comparison>, limits: &[LimitFinding]) -> Joined {
    let breached = reasons_of(limits, |l| l.state == LimitState::Breached);
    let open_wrong = reasons_of(limits, |l| l.is_open() && l.side_ok != Some(true));
    let open_right = reasons_of(limits, |l| l.is_open() && l.side_ok == Some(true));
    let (base, mut reasons, mut warnings) = match comparison {
        Some(c) => (c.decision, c.reasons.clone(), c.warnings.clone()),
        None if limits.is_empty() => (Decision::Incomplete, vec![Reason::NothingToJudge], vec![]),
        None if open_right.is_empty() => (Decision::Pass, vec![], vec![]),
        None => (Decision::Inconclusive, open_right.clone(), vec![]),
    };
    if comparison.is_some() {
        warnings.extend(open_right);
    }
    let decision = match base {
        _ if !breached.is_empty() => Decision::Regression,
        Decision::Pass | Decision::Inconclusive
            if limits.iter().any(|l| l.state == LimitState::NotMeasured) =>
        {
            Decision::Incomplete
        }
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

fn all_hold(checks: &[Check]) -> bool {
    checks.iter().all(|c| c.holds)
}

fn reasons_of(limits: &[LimitFinding], wanted: impl Fn(&LimitFinding) -> bool) -> Vec<Reason> {
    limits.iter().filter(|l| wanted(l)).map(|l| Reason::Limit(l.reason.clone())).collect()
}
