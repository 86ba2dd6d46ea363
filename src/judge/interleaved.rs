//! Both builds in one job, start by start (METHOD section 3): looks at 1, 2, 3 and, extended once, 6 starts per side.
//!
//! Not here: measuring another start; the caller does so while the decision is INCONCLUSIVE and looks are left.

use crate::judge::errors::{self, Counts};
use crate::judge::estimate::{Estimate, Finding, Levels, Sides, conclude};
use crate::judge::fitness::{Fit, prepare};
use crate::judge::history::{Variation, values_of, variation};
use crate::judge::{Comparison, Decision, Mode, PastRun, Policy, Thresholds, dist};
use crate::measure::stats::mean;
use crate::measure::summary::{Shape, StartSummary};
use crate::measure::{Round, SloMs};
use crate::metric::{Class, Metric, Stat, Timing};

/// Everything that an interleaved comparison looks at.
#[derive(Clone, Copy, Debug)]
pub struct Interleaved<'a> {
    pub baseline: &'a [Round],
    pub candidate: &'a [Round],
    /// Earlier finished runs of comparable fingerprint, oldest first.
    pub history: &'a [PastRun],
    pub slo: SloMs,
    pub shape: Shape,
    /// Fingerprint fields that must match and do not.
    pub differing: &'a [String],
    /// Starts per side to judge at most: 3, or 6 for the one extension.
    pub most_starts: usize,
    pub policy: &'a Policy,
}

/// One look's starts, summarised side by side.
struct Look {
    number: usize,
    baseline: Vec<StartSummary>,
    candidate: Vec<StartSummary>,
}

/// How a metric's noise was reckoned.
struct Noise {
    variance: f64,
    df: f64,
    noisier: bool,
}

/// Plays the looks in order and stops where METHOD stops.
pub fn judge(input: &Interleaved<'_>) -> Comparison {
    let sessions = input.history.len();
    let fit = match prepare(input) {
        Ok(fit) => fit,
        Err(reason) => return Comparison::undecided(Mode::Interleaved, sessions, reason),
    };
    let available = fit.starts.len().min(input.most_starts);
    let mut last = Comparison::undecided(Mode::Interleaved, sessions, "no start was measured on both sides".to_owned());
    for starts in [1, 2, 3, 6].into_iter().filter(|&l| l <= available) {
        let look = look_at(&fit, starts, &input.slo);
        last = conclude(Mode::Interleaved, findings(input, &look), starts, sessions);
        if last.decision != Decision::Inconclusive {
            break;
        }
    }
    last.warnings.splice(0..0, fit.warnings);
    last
}

fn look_at(fit: &Fit<'_>, starts: usize, slo: &SloMs) -> Look {
    let taken = &fit.starts[..starts.min(fit.starts.len())];
    let summary = |rounds: &[&Round]| StartSummary::of(rounds.iter().copied(), slo);
    Look {
        number: starts,
        baseline: taken.iter().map(|pair| summary(&pair.baseline)).collect(),
        candidate: taken.iter().map(|pair| summary(&pair.candidate)).collect(),
    }
}

fn findings(input: &Interleaved<'_>, look: &Look) -> Vec<Finding> {
    let row = |metric| input.policy.thresholds(metric, Mode::Interleaved);
    let defined = input.shape.defined().into_iter().filter_map(row);
    let mut findings: Vec<Finding> = defined
        .map(|t| if t.metric == Metric::ErrorRate { error_finding(&t, input, look) } else { finding(&t, input, look) })
        .collect();
    findings.extend(input.policy.unjudged().into_iter().map(Finding::unjudged));
    findings
}

fn error_finding(t: &Thresholds, input: &Interleaved<'_>, look: &Look) -> Finding {
    // Only baselines' sides: a candidate of the past may have been the one that failed.
    let past = Counts::of(input.history.iter().filter_map(|run| run.sides.first()).flatten());
    errors::judge(t, Counts::of(&look.baseline).plus(past), Counts::of(&look.candidate), look.number, input.policy)
}

fn finding(t: &Thresholds, input: &Interleaved<'_>, look: &Look) -> Finding {
    let pairs = look.baseline.iter().zip(&look.candidate);
    let both: Vec<(Option<f64>, Option<f64>)> =
        pairs.map(|(b, c)| (b.values.get(&t.metric).copied(), c.values.get(&t.metric).copied())).collect();
    let (base, cand): (Vec<f64>, Vec<f64>) = both.iter().filter_map(|&(b, c)| b.zip(c)).unzip();
    let gap = both.iter().any(|(b, c)| b.is_some() != c.is_some());
    if base.is_empty() {
        let sides = Sides {
            baseline: mean(&values_of(&look.baseline, t.metric)),
            candidate: mean(&values_of(&look.candidate, t.metric)),
        };
        return Finding::missing(t, sides);
    }
    let tested = test(t, input, look.number, &base, &cand);
    if gap { tested.with_gap() } else { tested }
}

/// METHOD section 3's look, for one metric over the starts that have it on both sides.
fn test(t: &Thresholds, input: &Interleaved<'_>, look: usize, base: &[f64], cand: &[f64]) -> Finding {
    let differences: Vec<f64> = cand.iter().zip(base).map(|(c, b)| c - b).collect();
    let difference = differences.iter().sum::<f64>() / differences.len() as f64;
    let sides = Sides { baseline: mean(base), candidate: mean(cand) };
    let noise = noise(variation(input.history, t.metric), Variation::within(base).plus(Variation::within(cand)));
    let Some(noise) = noise else {
        return Finding::open(t, sides, difference, "start-to-start noise unknown: needs another start or a history");
    };
    let starts = differences.len() as f64;
    let se = (2.0 * noise.variance / starts + 2.0 * t.floor().powi(2) / starts).sqrt();
    let estimate = Estimate { difference, se, df: noise.df };
    let alpha = input.policy.level(if t.class == Class::Primary { 0.0015 } else { 0.0005 });
    let hit = is_hit(t, &estimate, &differences, alpha) || (look == 1 && is_obvious(t, &estimate, input.policy));
    let mut found = Finding::tested(t, sides, &estimate, Levels { alpha, pass_tail: 0.02 }, hit);
    found.row.noise = Some(noise.variance.sqrt());
    found.row.noisier_than_usual = noise.noisier;
    found
}

/// Pools history and this run. Where this run varies clearly more than history (F test at 0.90), it counts alone.
fn noise(history: Variation, now: Variation) -> Option<Noise> {
    let pooled = history.plus(now);
    if pooled.df < 2.0 {
        return None;
    }
    let mut variance = pooled.mean_square()?;
    let mut noisier = false;
    if let (true, Some(ms_now), Some(ms_past)) = (now.df >= 2.0 && history.df >= 2.0, now.mean_square(), history.mean_square()) {
        noisier = ms_now > ms_past && dist::f_cdf(ms_now / ms_past, now.df, history.df).is_none_or(|p| p > 0.90);
        variance = if noisier { variance.max(ms_now) } else { variance };
    }
    Some(Noise { variance, df: pooled.df, noisier })
}

/// Significant, relevant, and every one of at least two starts agrees.
fn is_hit(t: &Thresholds, estimate: &Estimate, differences: &[f64], alpha: f64) -> bool {
    differences.len() >= 2
        && estimate.df >= 4.0
        && estimate.p_beyond(t.d_neg).is_some_and(|p| p <= alpha)
        && estimate.difference >= t.d_min
        && differences.iter().all(|&d| d > t.d_neg)
}

/// So large that one start is enough.
fn is_obvious(t: &Thresholds, estimate: &Estimate, policy: &Policy) -> bool {
    estimate.df >= 4.0 && far_beyond_noise(t, estimate, policy)
}

/// METHOD's first-look rule: TPOT, E2E or throughput, p <= 1e-4 and a difference of 0.15 (log) or more.
pub(super) fn far_beyond_noise(t: &Thresholds, estimate: &Estimate, policy: &Policy) -> bool {
    speaks_of_the_whole_engine(t.metric)
        && estimate.p_beyond(t.d_neg).is_some_and(|p| p <= policy.level(1e-4))
        && estimate.difference >= t.d_min.max(0.15)
}

pub(super) const fn speaks_of_the_whole_engine(metric: Metric) -> bool {
    matches!(metric, Metric::OutputTokenRate | Metric::Timing(Timing::Tpot | Timing::E2e, Stat::Geomean))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_needs_two_degrees_of_freedom_and_listens_to_a_noisy_run() {
        let quiet = Variation { ss: 12e-4, df: 12.0 };
        let loud = Variation { ss: 40e-4, df: 4.0 };
        assert!(noise(Variation::default(), Variation { ss: 1.0, df: 1.0 }).is_none());
        let pooled = noise(quiet, Variation { ss: 4e-4, df: 4.0 }).expect("known");
        assert!(!pooled.noisier && (pooled.variance - 1e-4).abs() < 1e-12 && (pooled.df - 16.0).abs() < 1e-12);
        let noisy = noise(quiet, loud).expect("known");
        assert!(noisy.noisier && (noisy.variance - 10e-4).abs() < 1e-12);
    }
}
