//! Measurements to judgements: METHOD's rules, deterministic, no randomness.
//!
//! `plan` says beforehand how many start pairs it may take. `interleaved` plays the looks of one
//! commit, over all its attempts, and says what to measure next; `other_day` compares with sessions
//! of other days and `drift` the latest of them with an anchor, by one rule (`sessions`). `limits`
//! needs no baseline, `join` makes one decision of both. Not here: what a decision means for the
//! exit code (policy), or where the numbers came from.

pub mod bisect;
mod blind;
pub mod calibrate;
pub mod capacity;
pub mod decide;
pub mod dist;
pub mod drift;
mod errors;
pub mod estimate;
pub mod explain;
mod fitness;
pub mod gross;
pub mod history;
pub mod interleaved;
pub mod level;
pub mod limits;
pub mod lone_guard;
pub mod look;
pub mod other_day;
pub mod plan;
pub mod ranking;
pub mod reason;
pub mod seeds;
pub mod sessions;
pub mod shift;
pub mod slow;
#[cfg(test)]
mod tests;
pub mod text;
mod thresholds;
pub mod work;
#[cfg(test)]
mod worse;

use std::cmp::Ordering;
use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::measure::summary::StartSummary;
use crate::metric::{Class, Metric};

pub use blind::Blind;
use limits::{LimitFinding, LimitState};
pub use reason::{MetricReason, Reason};
pub use thresholds::{Policy, Thresholds};

/// An earlier run of unchanged code, or the run under test, on one machine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Session {
    pub id: String,
    /// The machine; `None` where it is not known.
    pub runner: Option<String>,
    /// One summary per server start.
    pub starts: Vec<StartSummary>,
}

/// An earlier finished run, for the start-to-start variance and for slow starts: first the
/// baseline's starts, then the candidate's, if it had both. Values are seed-centred within it
/// (`history::centred`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PastRun {
    pub sides: Vec<Vec<StartSummary>>,
    /// Whether both sides are unchanged code, as far as is known: the run was a PASS.
    pub passed: bool,
}

/// Per metric, with nothing of the team's policy in it but what must be found.
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
    /// The latest sessions against those at an anchor.
    Drift,
}

/// What would have to be measured for the decision that is not made yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    /// A fresh start of both sides.
    Pair,
    /// A fresh start of the candidate, with the round of the first seed.
    CheckStart,
    /// The round of the second seed on the check start that was just made, since it looks slow.
    SecondRound,
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
    /// Two-sided, at the level at which this metric is tested at this look.
    pub interval: Option<(f64, f64)>,
    /// Probability of a change as bad as this one, were there none.
    pub p: Option<f64>,
    /// Minimum relevant change, a fraction.
    pub d_min: f64,
    /// What a PASS proves the change to be below; primary metrics only.
    pub margin: Option<f64>,
    /// Smallest change that would have been found in 95 % of such runs at the last planned look
    /// (docs/METHODOLOGY.md#blind): a fraction. Beyond twice the margin of a primary metric the run
    /// was blind.
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

impl MetricComparison {
    /// The order in which regressions are told: primary metrics first, and of them the one that is
    /// furthest over its minimum relevant change.
    pub fn before(&self, other: &Self) -> Ordering {
        let times_over = |m: &Self| m.change.unwrap_or(0.0).abs() / m.d_min;
        let by_size = || times_over(other).total_cmp(&times_over(self));
        let is_guard = |m: &Self| m.class != Class::Primary;
        is_guard(self).cmp(&is_guard(other)).then_with(by_size)
    }
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
    Pairs(Box<look::PairsTest>),
    Sessions(Box<sessions::SessionsTest>),
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
    /// Start pairs (interleaved) or units (sessions) that the decision used, of all attempts.
    pub looks: usize,
    /// Of them, start pairs of earlier attempts.
    pub pairs_before: usize,
    /// K: how many were planned.
    pub planned: usize,
    /// Earlier runs or sessions that were reckoned with.
    pub sessions: usize,
    /// Sessions still missing for a full judgement.
    pub sessions_needed: Option<usize>,
    /// What a PASS proves; `None` for anything else.
    pub proves: Option<Reason>,
    /// Starts of the candidate that were seen and those that a PASS needs.
    pub starts: StartsSeen,
    /// Whether some starts are slow; none where that is not asked.
    pub slow: Option<slow::SlowStarts>,
    /// An earlier attempt was a REGRESSION, and nothing has lifted it yet.
    pub standing: Option<Standing>,
    /// What to measure next; none where the decision is final.
    pub wants: Option<Wants>,
    /// The line of the primary metrics, for the picture; none where nothing is played in pairs.
    pub line: Option<level::Line>,
    /// Each look on the way: t of the primary metrics against the line, for the picture.
    pub course: Vec<LookSeen>,
}

/// Candidate starts, pairs and checks of all attempts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StartsSeen {
    pub seen: usize,
    /// `min_starts`.
    pub needed: usize,
}

/// What an earlier attempt leaves behind (docs/METHODOLOGY.md#attempts).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A REGRESSION that only a complete new attempt may lift.
    Regression { complete: bool },
}

/// One look, for the picture of a gate.
#[derive(Clone, Debug, PartialEq)]
pub struct LookSeen {
    /// Start pairs so far.
    pub pairs: usize,
    pub metrics: Vec<(Metric, LookPoint)>,
}

/// A score that nobody reaches by chance: p of 1e-23.
const FARTHEST: f64 = 10.0;

/// t of one primary metric at one look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LookPoint {
    /// D / se.
    pub t: f64,
    /// From here on it is proven worse: the quantile of t at the level of this look.
    pub line: f64,
    /// A smaller one is not worth failing for: `D_min` / se.
    pub least: f64,
    /// Below here it is proven fine: (M - U's own half) / se.
    pub fine: f64,
    pub df: f64,
}

impl LookPoint {
    /// A t of this look as the standard normal score of the same p: on that scale the line is the
    /// same for all metrics, however few starts tell their noise. Beyond `FARTHEST` it is that.
    pub fn score(&self, t: f64) -> f64 {
        let tail = dist::t_upper_tail(t.abs(), self.df);
        let score = tail.and_then(dist::normal_upper_quantile).unwrap_or(FARTHEST);
        score.min(FARTHEST).copysign(t)
    }
}

/// The one decision over comparison and limits.
#[derive(Clone, Debug, PartialEq)]
pub struct Joined {
    pub decision: Decision,
    pub reasons: Vec<Reason>,
    pub warnings: Vec<Reason>,
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

impl StartsSeen {
    pub const fn missing(self) -> usize {
        self.needed.saturating_sub(self.seen)
    }

    /// X: a slowdown in less than this share of the starts could have gone unseen
    /// (docs/METHODOLOGY.md#slow-starts). None where no start was seen.
    pub fn unseen_share(self) -> Option<f64> {
        (self.seen > 0).then(|| 1.0 - 0.05f64.powf(1.0 / self.seen as f64))
    }
}

impl From<&Session> for PastRun {
    /// A session of one build has one side.
    fn from(session: &Session) -> Self {
        Self { sides: vec![session.starts.clone()], passed: true }
    }
}

impl Comparison {
    /// Decided again with these metrics out of the way, whose change somebody has accepted: nothing
    /// is proven of them, and all others count as they did.
    pub fn without(&self, accepted: &BTreeSet<Metric>) -> Self {
        let mut rest = self.clone();
        for row in rest.metrics.iter_mut().filter(|row| accepted.contains(&row.metric)) {
            *row = MetricComparison {
                bearing: Bearing::Free,
                margin: None,
                detectable: None,
                ..row.clone()
            };
        }
        if rest.metrics != self.metrics {
            decide::decide(&mut rest);
        }
        rest
    }

    /// Starts look slow only sometimes, and nothing proves that the build does it.
    pub fn is_unstable(&self) -> bool {
        self.decision.is_open() && self.slow.as_ref().is_some_and(|slow| slow.worry && !slow.hit)
    }

    /// Where there is nothing to compare, or it contradicts itself.
    fn incomplete(self) -> Self {
        Self { decision: Decision::Incomplete, ..self }
    }

    /// `reasons`: none where they are found later.
    pub fn undecided(mode: Mode, sessions: usize, planned: usize, reasons: Vec<Reason>) -> Self {
        Self {
            mode,
            metrics: Vec::new(),
            decision: Decision::Inconclusive,
            reasons,
            warnings: Vec::new(),
            looks: 0,
            pairs_before: 0,
            planned,
            sessions,
            sessions_needed: None,
            proves: None,
            starts: StartsSeen::default(),
            slow: None,
            standing: None,
            wants: None,
            line: None,
            course: Vec::new(),
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
