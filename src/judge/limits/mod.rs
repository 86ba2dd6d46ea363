//! Absolute limits of a run (docs/METHODOLOGY.md#limits): each BREACHED, MET or OPEN, with its
//! interval. No baseline is needed.
//!
//! The claim is about this build, this plan and this machine. Not here: joining with a comparison
//! (`judge::join`).

mod attainment;
mod failures;
mod location;
mod start;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Bound, Limit};
use crate::judge::PastRun;
use crate::judge::reason::{LimitGap, LimitReason, LimitValue, Obstacle};
use crate::measure::collect::Values;
use crate::measure::stats::{lag1_autocorrelation, mean};
use crate::measure::summary::Shape;
use crate::measure::{Round, SloMs};
use crate::metric::{Metric, Timing};

/// Everything that limits are judged on.
#[derive(Clone, Copy, Debug)]
pub struct LimitInput<'a> {
    /// The candidate's rounds, of all starts that were used; rows in send order.
    pub rounds: &'a [Round],
    pub limits: &'a [Limit],
    pub slo: SloMs,
    pub shape: Shape,
    /// Earlier runs of comparable fingerprint, oldest first, for the variance; may be empty.
    pub history: &'a [PastRun],
    /// Of each server start, how long it took to be ready; milliseconds. Empty where the gate did
    /// not start the server.
    pub ready_ms: &'a [f64],
    /// Of each start, the metrics of the GPUs over its rounds.
    pub gpu: &'a [Values],
    /// Judge by the measured value alone.
    pub strict: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LimitState {
    /// A repetition of the same plan on a fresh start would be beyond the limit too.
    Breached,
    /// Proven within.
    Met,
    /// The interval holds the limit, or the rounds disagree.
    Open,
    /// No value: open, and never met.
    NotMeasured,
}

/// One limit, judged. Value and interval in display units.
#[derive(Clone, Debug, PartialEq)]
pub struct LimitFinding {
    pub metric: Metric,
    pub bound: Bound,
    pub value: Option<f64>,
    pub interval: Option<(f64, f64)>,
    pub state: LimitState,
    /// Whether the measured value is on the right side of the limit.
    pub side_ok: Option<bool>,
    pub reason: LimitReason,
}

/// What a metric's own rule found, before `strict` and words.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Judged {
    value: f64,
    interval: (f64, f64),
    breached: bool,
    met: bool,
    /// Met by the measured value, failures included: what `strict` asks.
    met_by_value: bool,
}

/// A rule's outcome: judged, or why there is nothing to judge.
type Ruling = Result<Judged, LimitGap>;

impl LimitState {
    /// As in `report.json`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Breached => "breached",
            Self::Met => "met",
            Self::Open => "open",
            Self::NotMeasured => "not_measured",
        }
    }
}

impl LimitFinding {
    /// Met by its measured value, although that is not proven.
    pub fn meet(&mut self) {
        self.state = LimitState::Met;
        self.reason = reason(self);
    }

    /// Neither breached nor met.
    pub fn is_open(&self) -> bool {
        matches!(self.state, LimitState::Open | LimitState::NotMeasured)
    }
}

/// One finding per limit, in the limits' order.
pub fn judge(input: &LimitInput<'_>) -> Vec<LimitFinding> {
    input.limits.iter().map(|limit| finding(input, limit)).collect()
}

/// Whether a value is beyond a bound.
fn beyond(bound: Bound, value: f64) -> bool {
    match bound {
        Bound::Max(max) => value > max,
        Bound::Min(min) => value < min,
    }
}

fn finding(input: &LimitInput<'_>, limit: &Limit) -> LimitFinding {
    let Limit { metric, bound } = *limit;
    let mut finding = LimitFinding {
        metric,
        bound,
        value: None,
        interval: None,
        state: LimitState::NotMeasured,
        side_ok: None,
        reason: LimitReason::LimitNotMeasured { metric, why: LimitGap::NoRequests },
    };
    match ruling(input, metric, bound) {
        Err(why) => finding.reason = LimitReason::LimitNotMeasured { metric, why },
        Ok(judged) => {
            finding.value = Some(judged.value);
            finding.interval = Some(judged.interval);
            finding.side_ok = Some(!beyond(bound, judged.value));
            finding.state = state(&judged, beyond(bound, judged.value), input.strict);
            finding.reason = reason(&finding);
        }
    }
    finding
}

fn state(judged: &Judged, wrong_side: bool, strict: bool) -> LimitState {
    match () {
        () if judged.breached || (strict && wrong_side) => LimitState::Breached,
        () if judged.met || (strict && judged.met_by_value) => LimitState::Met,
        () => LimitState::Open,
    }
}

fn ruling(input: &LimitInput<'_>, metric: Metric, bound: Bound) -> Ruling {
    if input.rounds.iter().all(|r| r.rows.is_empty()) {
        return Err(LimitGap::NoRequests);
    }
    if !input.shape.defines(metric) {
        return Err(LimitGap::NotDefined);
    }
    match (metric, bound) {
        _ if location::covers(metric) => location::judge(input, metric, bound),
        _ if start::covers(metric) => start::judge(input, metric, bound),
        (Metric::SloAttainment | Metric::Goodput, Bound::Min(min)) => {
            attainment::judge(input, metric, min)
        }
        (Metric::ErrorRate, Bound::Max(max)) => failures::judge(input, max),
        (Metric::SuccessRate, Bound::Min(min)) => {
            failures::judge(input, 1.0 - min).map(|judged| mirrored(&judged))
        }
        (Metric::SloAttainment | Metric::Goodput | Metric::SuccessRate, Bound::Max(_))
        | (Metric::ErrorRate, Bound::Min(_)) => Err(LimitGap::GoodSide),
        _ => Err(LimitGap::LimitNotJudged),
    }
}

/// From a share to its complement.
fn mirrored(judged: &Judged) -> Judged {
    let (low, high) = judged.interval;
    Judged { value: 1.0 - judged.value, interval: (1.0 - high, 1.0 - low), ..*judged }
}

/// Near saturation a queue carries from request to request and tails do not repeat: open loop, and
/// the lag-1 autocorrelation of log TTFT above 0.70 on average over rounds of 30 requests or more
/// (docs/ARITHMETIC.md#limit-rules).
pub fn near_saturation(rounds: &[Round]) -> bool {
    mean_lag(rounds).is_some_and(|lag| lag > 0.70)
}

/// Mean over the open-loop rounds of 30 requests or more of the lag-1 autocorrelation of log TTFT;
/// none without such a round.
pub fn mean_lag(rounds: &[Round]) -> Option<f64> {
    let series = rounds
        .iter()
        .filter(|r| r.open_loop)
        .map(|r| r.times(Timing::Ttft))
        .filter(|t| t.len() >= 30);
    let lags: Vec<f64> = series
        .filter_map(|t| {
            lag1_autocorrelation(&t.iter().map(|ms| location::log(*ms)).collect::<Vec<_>>())
        })
        .collect();
    mean(&lags)
}

fn reason(finding: &LimitFinding) -> LimitReason {
    let LimitFinding { metric, bound, value, interval, .. } = *finding;
    let measured = LimitValue { metric, bound, value, interval, obstacle: obstacle(finding) };
    match (finding.state, finding.side_ok) {
        (LimitState::Breached, _) => LimitReason::LimitBreached(measured),
        (LimitState::Met, _) => LimitReason::LimitMet(measured),
        (_, Some(true)) => LimitReason::LimitMetUnproven(measured),
        _ => LimitReason::LimitBreachedUnproven(measured),
    }
}

/// Why a limit is open although its whole interval is on one side.
fn obstacle(finding: &LimitFinding) -> Option<Obstacle> {
    let (low, high) = finding.interval.filter(|_| finding.state == LimitState::Open)?;
    match (beyond(finding.bound, low), beyond(finding.bound, high)) {
        (one, two) if one == two && start::covers(finding.metric) => Some(Obstacle::OneStart),
        (false, false) => Some(Obstacle::Disturbed),
        (true, true) => Some(Obstacle::RoundsDisagree),
        _ => None,
    }
}
