//! Starts of unchanged code to what this machine can tell: noise by its sources, smallest visible
//! change, false alarms, cost.
//!
//! Pure. Rounds in, numbers out. Not here: measuring (the verb), or sessions of other days, which
//! carry more noise than one evening.

mod splits;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::judge::history::MOST_OF_A_SIDE;
use crate::judge::limits::mean_lag;
use crate::judge::seeds::SeedMeans;
use crate::judge::{PastRun, Policy, limits, plan};
use crate::measure::stats::{mean, sd, squared_deviations};
use crate::measure::summary::{Shape, StartSummary, oriented, summaries};
use crate::measure::{Round, SloMs};
use crate::metric::{Metric, Stat, Timing};

pub use splits::FalseAlarms;

const TTFT: Metric = Metric::Timing(Timing::Ttft, Stat::Geomean);
const TPOT: Metric = Metric::Timing(Timing::Tpot, Stat::Geomean);
/// TTFT that varies by more than this many times TPOT, from start to start, is a queue's work.
const QUEUE_RATIO: f64 = 3.0;
/// Rounds per start that are advised at most: beyond, the estimate of the optimum is mostly noise.
const MOST_ROUNDS: f64 = 10.0;

/// A calibration run: starts of the same build, whose rounds share their seeds
/// (docs/METHODOLOGY.md#measurement, common random numbers).
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    pub rounds: &'a [Round],
    pub slo: SloMs,
    pub shape: Shape,
    pub costs: Costs,
    pub policy: &'a Policy,
}

/// Measured wall time, seconds, above 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Costs {
    /// Server start and warm-up.
    pub start_s: f64,
    pub round_s: f64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    pub starts: usize,
    /// Most rounds that a start has.
    pub rounds_per_start: usize,
    /// In METHOD's order; what could not be measured has no numbers.
    pub metrics: Vec<MetricNoise>,
    /// For TPOT and TTFT, where the workload defines them.
    pub best_rounds: Vec<BestRounds>,
    pub minutes: Minutes,
    pub knee: Knee,
    /// None below two starts.
    pub false_alarms: Option<FalseAlarms>,
}

/// Standard deviations as fractions (0.01 = 1 % or 1 point).
#[derive(Clone, Debug, PartialEq)]
pub struct MetricNoise {
    pub metric: Metric,
    /// Of the seed-centred start values: what every verdict rests on (docs/METHODOLOGY.md#measurement).
    pub start_sd: Option<f64>,
    /// The part of it that a restart adds, were each start's rounds endless.
    pub between_starts: Option<f64>,
    /// Of one round about its start, the plan's own effect taken out.
    pub between_rounds: Option<f64>,
    /// The unbiased estimate of the starts' part was negative and stands at 0: the starts differ
    /// less than their rounds explain.
    pub clamped: bool,
    /// What three start pairs find in 95 %.
    pub visible: Option<f64>,
}

/// Rounds per start that make the most of the time: sqrt(start cost / round cost * `var_round` /
/// `var_start`) (docs/ARITHMETIC.md#calibration).
#[derive(Clone, Debug, PartialEq)]
pub struct BestRounds {
    pub metric: Metric,
    /// 1 to 10.
    pub rounds: u32,
    pub words: String,
}

/// GPU time of a verdict of an interleaved comparison, from the measured costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Minutes {
    pub first_look: f64,
    pub third_look: f64,
}

/// Whether the load sits where a small change of speed is a large change of TTFT.
#[derive(Clone, Debug, PartialEq)]
pub struct Knee {
    /// Open loop, and the mean over rounds of the lag-1 autocorrelation of log TTFT is above 0.70
    /// (docs/ARITHMETIC.md#limit-rules).
    pub near: bool,
    /// None in a closed loop, and where no round has 30 requests.
    pub autocorrelation: Option<f64>,
    /// Start-to-start sd of TTFT over that of TPOT; a hint above 3.
    pub ttft_over_tpot: Option<f64>,
    pub words: String,
}

/// Components of variance of one metric.
struct Components {
    start: Option<f64>,
    round: Option<f64>,
    clamped: bool,
}

/// Everything that the starts tell.
pub fn calibrate(input: &Input<'_>) -> Calibration {
    let plain: Vec<StartSummary> = summaries(input.rounds, &input.slo).into_values().collect();
    let means = SeedMeans::over(&plain);
    let starts: Vec<StartSummary> = plain.iter().map(|start| means.centred(start)).collect();
    let cells = cells(input);
    let metrics = noise(input, &starts, &cells);
    let of = |metric| metrics.iter().find(|m| m.metric == metric);
    let best =
        [TPOT, TTFT].into_iter().filter_map(of).filter_map(|noise| best_rounds(noise, input.costs));
    let rounds_per_start = rounds_per_start(input.rounds);
    Calibration {
        starts: starts.len(),
        rounds_per_start,
        best_rounds: best.collect(),
        minutes: minutes(input.costs, rounds_per_start),
        knee: knee(input.rounds, of(TTFT), of(TPOT)),
        false_alarms: splits::false_alarms(&plain, input.shape, input.policy),
        metrics,
    }
}

fn rounds_per_start(rounds: &[Round]) -> usize {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for round in rounds {
        *counts.entry(round.start).or_default() += 1;
    }
    counts.into_values().max().unwrap_or(0)
}

/// By metric, start and plan (the seed).
type Cells = BTreeMap<Metric, BTreeMap<u32, BTreeMap<u64, f64>>>;

fn cells(input: &Input<'_>) -> Cells {
    let mut cells = Cells::new();
    for round in input.rounds {
        for (metric, value) in oriented(round, &input.slo) {
            cells
                .entry(metric)
                .or_default()
                .entry(round.start)
                .or_default()
                .insert(round.seed, value);
        }
    }
    cells
}

fn noise(input: &Input<'_>, starts: &[StartSummary], cells: &Cells) -> Vec<MetricNoise> {
    let side = starts[starts.len().saturating_sub(MOST_OF_A_SIDE)..].to_vec();
    let history = [PastRun { sides: vec![side], passed: true }];
    let visible = plan::reach(&history, 3, input.shape, input.policy);
    let of = |metric: Metric| {
        let values: Vec<f64> =
            starts.iter().filter_map(|s| s.values.get(&metric).copied()).collect();
        let parts = cells
            .get(&metric)
            .map_or(Components { start: None, round: None, clamped: false }, components);
        MetricNoise {
            metric,
            start_sd: sd(&values),
            between_starts: parts.start.map(f64::sqrt),
            between_rounds: parts.round.map(f64::sqrt),
            clamped: parts.clamped,
            visible: visible.iter().find(|(m, _)| *m == metric).map(|(_, d)| *d),
        }
    };
    input.shape.defined().into_iter().map(of).collect()
}

/// Two-way layout without repetition, x = mean + start + plan + rest, over the plans that every
/// start has. Unbiased: the mean square of starts is `var_round` + R `var_start`, that of the rest
/// is `var_round`; each plan's mean is taken out.
fn components(by_start: &BTreeMap<u32, BTreeMap<u64, f64>>) -> Components {
    let plans: BTreeSet<u64> =
        by_start.values().flat_map(|rounds| rounds.keys().copied()).collect();
    let shared: Vec<u64> =
        plans.into_iter().filter(|plan| by_start.values().all(|r| r.contains_key(plan))).collect();
    let table: Vec<Vec<f64>> =
        by_start.values().map(|rounds| shared.iter().map(|plan| rounds[plan]).collect()).collect();
    let (starts, rounds) = (table.len() as f64, shared.len() as f64);
    let start_means: Vec<f64> = table.iter().filter_map(|row| mean(row)).collect();
    let known = squared_deviations(&start_means).filter(|_| table.len() >= 2 && shared.len() >= 2);
    let (Some(of_starts), Some(grand)) = (known, mean(&start_means)) else {
        return Components { start: None, round: None, clamped: false };
    };
    let plan_mean = |i: usize| table.iter().map(|row| row[i]).sum::<f64>() / starts;
    let plan_means: Vec<f64> = (0..shared.len()).map(plan_mean).collect();
    let rest = |(row, own): (&Vec<f64>, &f64)| {
        row.iter().zip(&plan_means).map(|(x, plan)| (x - own - plan + grand).powi(2)).sum::<f64>()
    };
    let of_rest: f64 = table.iter().zip(&start_means).map(rest).sum();
    let round = of_rest / ((starts - 1.0) * (rounds - 1.0));
    let start = of_starts / (starts - 1.0) - round / rounds;
    Components { start: Some(start.max(0.0)), round: Some(round), clamped: start < 0.0 }
}

fn best_rounds(noise: &MetricNoise, costs: Costs) -> Option<BestRounds> {
    let (start, round) = (noise.between_starts?, noise.between_rounds?);
    let metric = noise.metric;
    let found = |rounds, words: String| Some(BestRounds { metric, rounds, words });
    if start <= 0.0 {
        let words = "the starts differ by no more than their rounds explain: more rounds help as much as more starts".to_owned();
        return found(10, words);
    }
    let raw = (costs.start_s / costs.round_s).sqrt() * round / start;
    match raw {
        _ if !raw.is_finite() => None,
        _ if raw > MOST_ROUNDS => found(
            10,
            format!("the formula says {raw:.1}; beyond 10 its own error is larger than the gain"),
        ),
        _ if raw < 1.0 => found(
            1,
            format!("the formula says {raw:.1}: rounds agree so well that only more starts help"),
        ),
        _ => found(
            whole(raw),
            format!("sqrt(start cost / round cost) x sd of rounds / sd of starts = {raw:.1}"),
        ),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 10, rounded")]
fn whole(raw: f64) -> u32 {
    raw.round() as u32
}

/// Each look is a start with its rounds on both sides.
fn minutes(costs: Costs, rounds: usize) -> Minutes {
    let look = 2.0 * (costs.start_s + rounds as f64 * costs.round_s) / 60.0;
    Minutes { first_look: look, third_look: 3.0 * look }
}

fn knee(rounds: &[Round], ttft: Option<&MetricNoise>, tpot: Option<&MetricNoise>) -> Knee {
    let autocorrelation = mean_lag(rounds);
    let near = limits::near_saturation(rounds);
    let sd = |noise: Option<&MetricNoise>| noise.and_then(|n| n.start_sd);
    let ratio =
        sd(ttft).zip(sd(tpot)).map(|(ttft, tpot)| ttft / tpot).filter(|ratio| ratio.is_finite());
    let hint = ratio.is_some_and(|ratio| ratio > QUEUE_RATIO);
    let words = match (near, hint) {
        (true, _) => {
            "the load sits at the saturation knee: a queue carries from request to request, so TTFT hardly repeats; lower the rate"
        }
        (false, true) => {
            "TTFT varies from start to start far more than TPOT: the load may be close to the knee; try a lower rate"
        }
        (false, false) => "no sign of saturation",
    };
    Knee { near, autocorrelation, ttft_over_tpot: ratio, words: words.to_owned() }
}
