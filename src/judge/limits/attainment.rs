//! Limits on SLO attainment and goodput: the dual of percentile limits
//! (docs/ARITHMETIC.md#limit-rules).
//!
//! How many requests would be good if all latencies were worse, or better, by what a repetition may
//! differ? Not here: what is good (`measure::Row::meets`).

use std::f64::consts::LN_2;

use crate::judge::limits::failures::Failures;
use crate::judge::limits::location::{by_start, locate};
use crate::judge::limits::{Judged, LimitInput, Ruling, near_saturation};
use crate::judge::reason::LimitGap;
use crate::measure::stats::mean;
use crate::measure::{Factors, Good, Round, SloMs};
use crate::metric::{Metric, Stat, Timing};

/// Half widths in logs of the latencies' p95, and of the request rate.
#[derive(Clone, Copy, Debug)]
struct Widths {
    ttft: f64,
    tpot: f64,
    e2e: f64,
    rate: f64,
}

/// Nothing completed: as wide as intervals get; no width makes such a run good.
const UNKNOWN: f64 = 0.70;

pub fn judge(input: &LimitInput<'_>, metric: Metric, min: f64) -> Ruling {
    if !input.shape.streaming && (input.slo.ttft.is_some() || input.slo.tpot.is_some()) {
        return Err(LimitGap::NotStreaming);
    }
    if input.shape.output_tokens < 2
        && input.slo == (SloMs { tpot: input.slo.tpot, ..SloMs::default() })
    {
        return Err(LimitGap::OneToken);
    }
    let g = |factors: Factors| value(input.rounds, metric, &input.slo, factors);
    let widths = Widths::measure(input);
    let Some(measured) = g(Factors::ONE) else { return Err(LimitGap::NoTime) };
    let rate = if metric == Metric::Goodput { widths.rate.exp() } else { 1.0 };
    let worse = g(widths.factors(1.0, 0.0)).map_or(0.0, |v| v / rate);
    let better = g(widths.factors(-1.0, 0.0)).map_or(f64::INFINITY, |v| v * rate);
    let halved = g(widths.factors(-1.0, -LN_2)).map_or(f64::INFINITY, |v| v * rate);
    let floor = if near_saturation(input.rounds) { LN_2 } else { 0.0 };
    let far = g(widths.at_least(floor).factors(1.0, 0.0)).map_or(0.0, |v| v / rate);
    let every_round = input.rounds.iter().all(|r| own_value(r, metric, &input.slo).is_some());
    let failed = metric == Metric::SloAttainment
        && Failures::count(input.rounds).interval().is_some_and(|(low, _)| low > 1.0 - min);
    let breached = (better < min && (rounds_agree(input, metric, min) || halved < min)) || failed;
    let met_by_value = measured >= min && every_round;
    Ok(Judged {
        value: measured,
        interval: (worse, better),
        breached,
        met: far >= min && every_round,
        met_by_value,
    })
}

impl Widths {
    fn measure(input: &LimitInput<'_>) -> Self {
        let width = |metric| {
            locate(input.rounds, metric, input.history).map_or(UNKNOWN, |at| at.half_width)
        };
        Self {
            ttft: width(Metric::Timing(Timing::Ttft, Stat::P95)),
            tpot: width(Metric::Timing(Timing::Tpot, Stat::P95)),
            e2e: width(Metric::Timing(Timing::E2e, Stat::P95)),
            rate: width(Metric::RequestRate),
        }
    }

    /// Latencies times exp(k h + shift).
    fn factors(&self, k: f64, shift: f64) -> Factors {
        let factor = |h: f64| (k * h + shift).exp();
        Factors { ttft: factor(self.ttft), tpot: factor(self.tpot), e2e: factor(self.e2e) }
    }

    fn at_least(self, floor: f64) -> Self {
        Self {
            ttft: self.ttft.max(floor),
            tpot: self.tpot.max(floor),
            e2e: self.e2e.max(floor),
            rate: self.rate,
        }
    }
}

/// More than half of all rounds under the limit on their own, or every one of at least two starts.
fn rounds_agree(input: &LimitInput<'_>, metric: Metric, min: f64) -> bool {
    let under = |value: Option<f64>| value.is_some_and(|v| v < min);
    let rounds = input.rounds.iter().filter(|r| under(own_value(r, metric, &input.slo))).count();
    let starts = by_start(input.rounds);
    let every_start = starts.len() >= 2
        && starts.values().all(|r| under(start_value(r, metric, &input.slo, Factors::ONE)));
    rounds * 2 > input.rounds.len() || every_start
}

/// Mean over the starts.
fn value(rounds: &[Round], metric: Metric, slo: &SloMs, factors: Factors) -> Option<f64> {
    let starts: Vec<f64> =
        by_start(rounds).values().filter_map(|r| start_value(r, metric, slo, factors)).collect();
    mean(&starts)
}

fn own_value(round: &Round, metric: Metric, slo: &SloMs) -> Option<f64> {
    start_value(&[round], metric, slo, Factors::ONE)
}

/// As a share of the requests after the ramp, or per second.
fn start_value(rounds: &[&Round], metric: Metric, slo: &SloMs, factors: Factors) -> Option<f64> {
    let good = Good::over(rounds.iter().copied(), |row| row.meets_if(slo, factors));
    let seconds = rounds.iter().map(|r| r.seconds).sum::<f64>();
    if metric == Metric::Goodput { good.per_second(seconds) } else { good.share() }
}
