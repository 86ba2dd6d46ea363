//! Limits on times and rates: the value of a run with its interval
//! (docs/ARITHMETIC.md#limit-intervals) and the decision (docs/ARITHMETIC.md#limit-rules).
//!
//! Not here: shares (`attainment`, `failures`).

use std::collections::BTreeMap;
use std::f64::consts::LN_2;

use crate::config::Bound;
use crate::judge::history::Variation;
use crate::judge::limits::{Judged, LimitInput, Ruling, beyond, near_saturation};
use crate::judge::reason::LimitGap;
use crate::judge::{PastRun, dist, history};
use crate::measure::stats::{SHORTEST_MS, mean, median, percentile, tail_autocorrelation_time};
use crate::measure::{Round, output_token_rate, request_rate};
use crate::metric::{Metric, Stat, Timing};

/// Largest half width in logs: a value over twice the limit is beyond it whatever the noise.
const WIDEST: f64 = 0.70;

/// A value in logs, with the half width of its interval.
#[derive(Clone, Debug, PartialEq)]
pub struct Location {
    pub centre: f64,
    pub half_width: f64,
    /// Log value of each start that has one.
    starts: Vec<f64>,
}

/// Natural log, of times clamped at 1 us.
pub fn log(value: f64) -> f64 {
    value.max(SHORTEST_MS).ln()
}

/// Whether METHOD has constants for this metric.
pub const fn covers(metric: Metric) -> bool {
    constants(metric).is_some()
}

/// METHOD's decision for a time or rate.
pub fn judge(input: &LimitInput<'_>, metric: Metric, bound: Bound) -> Ruling {
    if let Some(fewest) = too_few(input.rounds, metric) {
        return lower_percentile(input, metric, bound).ok_or(fewest);
    }
    let own: Vec<Option<f64>> = input.rounds.iter().map(|r| own_value(r, metric)).collect();
    let starts = by_start(input.rounds).len();
    let Some(at) = locate(input.rounds, metric, input.history) else {
        return Err(LimitGap::NoSuccess);
    };
    // Mirrored for a lower limit, so that beyond is always upwards.
    let (sign, limit) = match bound {
        Bound::Max(max) => (1.0, log(max)),
        Bound::Min(min) => (-1.0, -log(min)),
    };
    let centre = sign * at.centre;
    let near = matches!(metric, Metric::Timing(Timing::Ttft, _)) && near_saturation(input.rounds);
    let far = if near { at.half_width.max(LN_2) } else { at.half_width };
    let rounds_beyond = own.iter().flatten().filter(|&&v| beyond(bound, v)).count();
    let agree = rounds_beyond * 2 > own.len()
        || (starts >= 2 && at.starts.len() == starts && at.starts.iter().all(|v| sign * v > limit))
        || centre - at.half_width - LN_2 > limit;
    let complete = own.iter().all(Option::is_some) && failures_allow(input.rounds, metric, bound);
    let value = at.centre.exp();
    Ok(Judged {
        value,
        interval: ((at.centre - at.half_width).exp(), (at.centre + at.half_width).exp()),
        breached: centre - at.half_width > limit && agree,
        met: centre + far <= limit && complete,
        met_by_value: !beyond(bound, value) && complete,
    })
}

/// Value and interval of a metric over all starts; none where no start has a value.
pub fn locate(rounds: &[Round], metric: Metric, past: &[PastRun]) -> Option<Location> {
    let measured: Vec<(Vec<&Round>, f64)> = by_start(rounds)
        .into_values()
        .filter_map(|rounds| start_value(&rounds, metric).map(|v| (rounds, log(v))))
        .collect();
    let starts: Vec<f64> = measured.iter().map(|(_, v)| *v).collect();
    let centre = mean(&starts)?;
    let fewest = measured.iter().map(|(rounds, _)| requests(rounds, metric)).min()?;
    let tau = match metric {
        Metric::Timing(Timing::Ttft, _) => {
            let of = |rounds: &[&Round]| {
                tail_autocorrelation_time(
                    &rounds.iter().map(|r| r.times(Timing::Ttft)).collect::<Vec<_>>(),
                )
            };
            measured.iter().map(|(rounds, _)| of(rounds)).fold(1.0, f64::max)
        }
        _ => 1.0,
    };
    let prior = prior(metric, past, tau / fewest.max(1) as f64)?;
    let half_width = half_width(prior, Variation::within(&starts), starts.len())?;
    Some(Location { centre, half_width, starts })
}

/// t(0.025) sqrt((var + 0.002^2) / S), var pooled from what was expected and what is seen, at most
/// 0.70.
pub fn half_width(prior: Variation, now: Variation, starts: usize) -> Option<f64> {
    let pooled = prior.plus(now);
    let mut variance = pooled.mean_square()?;
    if let (true, Some(seen), Some(expected)) =
        (now.df >= 2.0, now.mean_square(), prior.mean_square())
        && seen > expected
        && dist::f_cdf(seen / expected, now.df, prior.df).is_none_or(|p| p > 0.90)
    {
        variance = variance.max(seen);
    }
    let t = dist::t_upper_quantile(0.025, pooled.df)?;
    Some((t * ((variance + 0.002f64.powi(2)) / starts as f64).sqrt()).min(WIDEST))
}

/// What is expected of starts: history of the metric or its relative from 4 degrees of freedom on,
/// else the prior sd min(0.25, sqrt(a^2 + b^2 tau / N)) with 4; `sampling` is tau / N.
fn prior(metric: Metric, past: &[PastRun], sampling: f64) -> Option<Variation> {
    let (a, b, relative) = constants(metric)?;
    let known = relative.map(|r| history::variation(past, r)).filter(|v| v.df >= 4.0);
    Some(known.unwrap_or_else(|| Variation {
        ss: 4.0 * (a * a + b * b * sampling).min(0.25f64.powi(2)),
        df: 4.0,
    }))
}

/// The table behind docs/ARITHMETIC.md#limit-intervals: a, b, and the metric whose history speaks
/// for this one.
const fn constants(metric: Metric) -> Option<(f64, f64, Option<Metric>)> {
    use Stat::{Geomean, Mean, P50, P90, P95, P99};
    use Timing::{ChunkGap, E2e, Tpot, Ttft};
    let (a, b, relative) = match metric {
        Metric::Timing(Ttft, Mean) => (0.02, 0.4, Metric::Timing(Ttft, Geomean)),
        Metric::Timing(Ttft, P50) => (0.02, 0.4, metric),
        Metric::Timing(Ttft, P90 | P95) => (0.025, 0.7, Metric::Timing(Ttft, P95)),
        Metric::Timing(Ttft, P99) => (0.025, 0.7, metric),
        Metric::Timing(t @ (Tpot | E2e), Mean | P50) => (0.025, 0.35, Metric::Timing(t, Geomean)),
        Metric::Timing(t @ (Tpot | E2e), P90 | P95 | P99) => (0.025, 0.4, Metric::Timing(t, P95)),
        Metric::Timing(ChunkGap, P99) => (0.025, 1.0, metric),
        Metric::OutputTokenRate => (0.01, 0.1, metric),
        Metric::RequestRate => return Some((0.01, 0.1, None)),
        _ => return None,
    };
    Some((a, b, Some(relative)))
}

pub fn by_start(rounds: &[Round]) -> BTreeMap<u32, Vec<&Round>> {
    let mut starts: BTreeMap<u32, Vec<&Round>> = BTreeMap::new();
    for round in rounds {
        starts.entry(round.start).or_default().push(round);
    }
    starts
}

/// Over all requests of the rounds together; chunk gaps: median over the rounds.
fn start_value(rounds: &[&Round], metric: Metric) -> Option<f64> {
    match metric {
        Metric::Timing(Timing::ChunkGap, _) => {
            median(&rounds.iter().filter_map(|r| r.chunk_gap_p99()).collect::<Vec<_>>())
        }
        Metric::Timing(timing, stat) => {
            let pooled: Vec<f64> = rounds.iter().flat_map(|r| r.times(timing)).collect();
            stat.quantile().map_or_else(|| mean(&pooled), |q| percentile(&pooled, q))
        }
        Metric::OutputTokenRate => output_token_rate(rounds),
        // Where nothing was served there is no rate to take the log of.
        Metric::RequestRate => request_rate(rounds).filter(|rate| *rate > 0.0),
        _ => None,
    }
}

/// A round's value on its own, where it has the requests for it.
fn own_value(round: &Round, metric: Metric) -> Option<f64> {
    enough(round, metric).then(|| start_value(&[round], metric)).flatten()
}

/// Completed requests of a start that have the metric.
fn requests(rounds: &[&Round], metric: Metric) -> usize {
    let timing = match metric {
        Metric::Timing(t @ (Timing::Ttft | Timing::Tpot), _) => t,
        _ => Timing::E2e,
    };
    rounds.iter().map(|r| r.times(timing).len()).sum()
}

fn enough(round: &Round, metric: Metric) -> bool {
    match metric {
        // A p99 of chunk gaps has many gaps per request; the round's own count is `measure`'s
        // business.
        Metric::Timing(timing, stat) if timing != Timing::ChunkGap => {
            round.times(timing).len() >= stat.min_n()
        }
        _ => true,
    }
}

/// Why a percentile has too few requests, in half of the rounds or more.
fn too_few(rounds: &[Round], metric: Metric) -> Option<LimitGap> {
    let Metric::Timing(timing, stat) = metric else { return None };
    let short = rounds.iter().filter(|r| !enough(r, metric)).count();
    if timing == Timing::ChunkGap || short * 2 < rounds.len() {
        return None;
    }
    Some(LimitGap::FewCompleted {
        rounds: short as u64,
        of: rounds.len() as u64,
        least: stat.min_n() as u64,
        timing,
    })
}

/// A lower percentile that has enough requests and is over the limit proves that this one is too.
fn lower_percentile(input: &LimitInput<'_>, metric: Metric, bound: Bound) -> Option<Judged> {
    let (Metric::Timing(timing, stat), Bound::Max(_)) = (metric, bound) else { return None };
    let quantile = stat.quantile()?;
    let lower =
        [Stat::P95, Stat::P90, Stat::P50].into_iter().filter(|s| s.quantile() < Some(quantile));
    let mut measured =
        lower.map(|s| Metric::Timing(timing, s)).filter(|&m| too_few(input.rounds, m).is_none());
    judge(input, measured.next()?, bound).ok().filter(|judged| judged.breached)
}

/// For MET, failed requests count as infinitely slow; where that has no meaning, at most 1 % may
/// fail. Rates count only what completed, so failures are in them already.
fn failures_allow(rounds: &[Round], metric: Metric, bound: Bound) -> bool {
    let few = || {
        let (n, bad) = rounds
            .iter()
            .map(Round::counts)
            .fold((0, 0), |(n, bad), (rn, rbad)| (n + rn, bad + rbad));
        bad * 100 <= n
    };
    match (metric, bound) {
        (Metric::OutputTokenRate | Metric::RequestRate, _) => true,
        (Metric::Timing(timing, stat), Bound::Max(_)) if timing != Timing::ChunkGap => {
            match stat.quantile() {
                Some(q) => {
                    percentile(&with_failures(rounds, timing), q).is_some_and(|v| !beyond(bound, v))
                }
                None => few(),
            }
        }
        _ => few(),
    }
}

fn with_failures(rounds: &[Round], timing: Timing) -> Vec<f64> {
    let mut all = Vec::new();
    for round in rounds {
        all.extend(round.times(timing));
        all.extend(round.after_ramp().iter().filter(|row| !row.ok).map(|_| f64::INFINITY));
    }
    all
}
