//! Both builds in one job, start by start (docs/METHODOLOGY.md#interleaved): looks at 1, 2, 3 and,
//! extended once, 6 starts per side.
//!
//! Not here: measuring another start; the caller does so while the decision is INCONCLUSIVE and
//! looks are left.

use crate::judge::errors::{self, Counts};
use crate::judge::estimate::{Estimate, Finding, Levels, Sides, Tested, conclude};
use crate::judge::far_beyond::{self, PriorTest};
use crate::judge::fitness::{StartPair, prepare, usable};
use crate::judge::history::{Variation, variation};
use crate::judge::{
    Check, Comparison, MetricReason, Mode, PastRun, Policy, Reason, Thresholds, Working,
};
use crate::judge::{all_hold, detectable, dist};
use crate::measure::stats::mean;
use crate::measure::summary::{Shape, StartSummary};
use crate::measure::{Round, SloMs, mean_length};
use crate::metric::{Class, Metric};

/// Looks that METHOD has, in starts per side; the last is the one extension.
const LOOKS: [usize; 4] = [1, 2, 3, 6];
/// Significance of one metric at each look from the second on: half of what it may spend over looks
/// 2 and 3.
const ALPHA_PRIMARY: f64 = 0.003 / 2.0;
const ALPHA_GUARD: f64 = 0.001 / 2.0;

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
    pub sampling: Sampling,
    pub policy: &'a Policy,
}

/// Whether the measurement restarted the servers: only then does it hold the start-to-start
/// variance that everything rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// Every start is a fresh one.
    Starts,
    /// Both servers ran already, so that each side is one start, whatever it was asked: only the
    /// first look is played.
    RunningServers,
}

/// Both summaries of one start pair.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    pub baseline: StartSummary,
    pub candidate: StartSummary,
}

/// What every look shares.
#[derive(Clone, Copy, Debug)]
pub struct Basis<'a> {
    pub history: &'a [PastRun],
    pub shape: Shape,
    pub policy: &'a Policy,
}

/// How a metric's noise was reckoned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    pub variance: f64,
    pub df: f64,
    /// The F test says that this run varies more than the history: it counts alone.
    pub noisier: bool,
    /// Of this run's variance over the history's, and where it lies in the F distribution; none
    /// where either is not known.
    pub ratio: Option<(f64, Option<f64>)>,
}

/// The numbers of one metric at one look (docs/METHODOLOGY.md#interleaved-test).
#[derive(Clone, Debug, PartialEq)]
pub struct PairsTest {
    pub look: usize,
    /// Start summaries, oriented, of the pairs that have both.
    pub baseline: Vec<f64>,
    pub candidate: Vec<f64>,
    pub differences: Vec<f64>,
    pub now: Variation,
    pub history: Variation,
    /// None below two degrees of freedom.
    pub noise: Option<Noise>,
    pub tested: Option<Tested>,
    /// The rule of the later looks, from the second on; of the obvious, at the first.
    pub checks: Vec<Check>,
    /// What stood in for the noise at the first look.
    pub prior: Option<PriorTest>,
    pub hit: bool,
}

/// Plays the looks in order and stops where METHOD stops.
///
/// A look sees nothing of later starts: judging a whole run gives what judging it after each start
/// gave, up to the first decision.
pub fn judge(input: &Interleaved<'_>) -> Comparison {
    let basis = Basis { history: input.history, shape: input.shape, policy: input.policy };
    let most = if input.sampling == Sampling::Starts { input.most_starts } else { 1 };
    let undecided = |reason| basis.undecided(most, vec![reason]);
    let usable = usable(input);
    let mut pairs: Vec<Pair> = Vec::new();
    let mut last = undecided(Reason::NoStartOnBothSides).incomplete();
    for look in LOOKS.into_iter().filter(|&look| look <= most && look <= usable.len()) {
        last = match prepare(input, usable[look - 1]) {
            Err(reason) => undecided(Reason::Pairing(reason)).incomplete(),
            Ok(fit) => {
                pairs.extend(
                    fit.starts[pairs.len()..].iter().map(|starts| Pair::new(starts, &input.slo)),
                );
                let mut found = look_at(&basis, &pairs, most);
                found.warnings.splice(0..0, fit.warnings.into_iter().map(Reason::Pairing));
                found
            }
        };
        if !last.decision.is_open() {
            break;
        }
    }
    // Starts with nothing to pair come after the last look, too: what is wrong with them is the
    // better reason.
    let end = usable.get(most).map_or(u32::MAX, |next| next.saturating_sub(1));
    if let (true, Err(reason)) = (last.decision.is_open(), prepare(input, end)) {
        last = undecided(Reason::Pairing(reason)).incomplete();
    }
    if input.sampling == Sampling::RunningServers {
        last.warnings.insert(0, Reason::StartsNotSampled);
    }
    last
}

/// The looks over pairs that are known to be fit.
pub fn play(basis: &Basis<'_>, pairs: &[Pair]) -> Comparison {
    let most = pairs.len();
    let mut last = basis.undecided(most, vec![Reason::NoStartOnBothSides]);
    for look in LOOKS.into_iter().filter(|&look| look <= most) {
        last = look_at(basis, &pairs[..look], most);
        if !last.decision.is_open() {
            break;
        }
    }
    last
}

/// One look over all the pairs given, of a comparison of at most `most` starts per side.
fn look_at(basis: &Basis<'_>, pairs: &[Pair], most: usize) -> Comparison {
    conclude(&basis.undecided(most, Vec::new()), findings(basis, pairs), pairs.len())
}

impl Basis<'_> {
    fn undecided(&self, most: usize, reasons: Vec<Reason>) -> Comparison {
        // Looks from the second on spend a level each, the first one that of the obvious.
        let looks = LOOKS.into_iter().filter(|&look| look >= 2 && look <= most).count() as f64;
        let budget = self.policy.budget(
            self.shape,
            looks * ALPHA_PRIMARY,
            looks * ALPHA_GUARD,
            far_beyond::ALPHA,
        );
        Comparison::undecided(Mode::Interleaved, self.history.len(), budget, reasons)
    }
}

impl Pair {
    fn new(starts: &StartPair<'_>, slo: &SloMs) -> Self {
        let summary = |rounds: &[&Round]| StartSummary::over(rounds.iter().copied(), slo);
        let mut pair =
            Self { baseline: summary(&starts.baseline), candidate: summary(&starts.candidate) };
        let open_loop = starts.baseline.iter().all(|r| r.open_loop);
        if let (true, Some(rate)) =
            (open_loop, pair.baseline.values.get_mut(&Metric::OutputTokenRate))
        {
            // The rate follows the lengths where arrivals are fixed: the baseline's as it would be
            // at the candidate's lengths. Oriented: minus the log.
            *rate -= log_of_lengths(starts).unwrap_or(0.0);
        }
        pair
    }
}

/// Log of the candidate's mean output length over the baseline's.
fn log_of_lengths(starts: &StartPair<'_>) -> Option<f64> {
    let (now, then) = (mean_length(&starts.candidate)?, mean_length(&starts.baseline)?);
    Some((now / then).ln()).filter(|log| log.is_finite())
}

fn findings(basis: &Basis<'_>, pairs: &[Pair]) -> Vec<Finding> {
    let row = |metric| basis.policy.thresholds(metric, Mode::Interleaved);
    let defined = basis.shape.defined().into_iter().filter_map(row);
    let mut findings: Vec<Finding> = defined
        .map(|t| {
            if t.metric == Metric::ErrorRate {
                error_finding(&t, basis, pairs)
            } else {
                finding(&t, basis, pairs)
            }
        })
        .collect();
    findings.extend(basis.policy.unjudged().into_iter().map(Finding::unjudged));
    findings
}

fn error_finding(t: &Thresholds, basis: &Basis<'_>, pairs: &[Pair]) -> Finding {
    // Only baselines' sides: a candidate of the past may have been the one that failed.
    let past = Counts::sum(basis.history.iter().filter_map(|run| run.sides.first()).flatten());
    let baseline = Counts::sum(pairs.iter().map(|p| &p.baseline)).plus(past);
    errors::judge(
        t,
        baseline,
        Counts::sum(pairs.iter().map(|p| &p.candidate)),
        pairs.len(),
        basis.policy,
    )
}

fn finding(t: &Thresholds, basis: &Basis<'_>, pairs: &[Pair]) -> Finding {
    let value = |start: &StartSummary| start.values.get(&t.metric).copied();
    let both: Vec<(Option<f64>, Option<f64>)> =
        pairs.iter().map(|p| (value(&p.baseline), value(&p.candidate))).collect();
    let (base, cand): (Vec<f64>, Vec<f64>) = both.iter().filter_map(|&(b, c)| b.zip(c)).unzip();
    let gap = both.iter().any(|(b, c)| b.is_some() != c.is_some());
    if base.is_empty() {
        let of = |side: fn(&Pair) -> &StartSummary| {
            mean(&pairs.iter().filter_map(|p| value(side(p))).collect::<Vec<_>>())
        };
        return Finding::missing(
            t,
            Sides { baseline: of(|p| &p.baseline), candidate: of(|p| &p.candidate) },
        );
    }
    let tested = test(t, basis, pairs.len(), &base, &cand);
    if gap { tested.with_gap() } else { tested }
}

/// A look (docs/METHODOLOGY.md#interleaved-test), for one metric over the starts that have it on
/// both sides.
fn test(t: &Thresholds, basis: &Basis<'_>, look: usize, base: &[f64], cand: &[f64]) -> Finding {
    let differences: Vec<f64> = cand.iter().zip(base).map(|(c, b)| c - b).collect();
    let difference = differences.iter().sum::<f64>() / differences.len() as f64;
    let sides = Sides { baseline: mean(base), candidate: mean(cand) };
    let history = variation(basis.history, t.metric);
    let now = Variation::within(base).plus(Variation::within(cand));
    let mut working = PairsTest {
        look,
        baseline: base.to_vec(),
        candidate: cand.to_vec(),
        differences,
        now,
        history,
        noise: noise(history, now),
        tested: None,
        checks: Vec::new(),
        prior: None,
        hit: false,
    };
    let found = with_prior(t, basis, sides, difference, &mut working)
        .unwrap_or_else(|| with_noise(t, basis.policy, sides, difference, &mut working));
    working.hit = found.hit;
    found.worked(Working::Pairs(Box::new(working)))
}

/// The first look where the noise is known from fewer than four degrees of freedom, if that decides
/// or nothing else could.
fn with_prior(
    t: &Thresholds,
    basis: &Basis<'_>,
    sides: Sides,
    difference: f64,
    working: &mut PairsTest,
) -> Option<Finding> {
    if working.look > 1 || working.noise.is_some_and(|n| n.df >= far_beyond::ENOUGH_DF) {
        return None;
    }
    let known = working.noise.map(|n| n.variance);
    let (found, prior) = far_beyond::judge(
        t,
        sides,
        difference,
        (1.0, 1.0),
        known,
        basis.policy,
        MetricReason::StartNoiseUnknown,
    );
    working.prior = prior;
    let mut found = found;
    found.row.detectable = found.row.mde.filter(|_| t.margin.is_some());
    (found.hit || known.is_none()).then_some(found)
}

fn with_noise(
    t: &Thresholds,
    policy: &Policy,
    sides: Sides,
    difference: f64,
    working: &mut PairsTest,
) -> Finding {
    let Some(noise) = working.noise else {
        return Finding::open(t, sides, difference, MetricReason::StartNoiseUnknown);
    };
    let se = standard_error(t, noise.variance, working.differences.len() as f64);
    let estimate = Estimate { difference, se, df: noise.df };
    let tested = Tested::test(t, &estimate, Levels { alpha: alpha(t, policy), pass_tail: 0.02 });
    working.checks = if working.look == 1 {
        let enough = Check { formula: "df >= 4", holds: estimate.df >= far_beyond::ENOUGH_DF };
        [vec![enough], far_beyond::checks(t, &estimate, policy)].concat()
    } else {
        checks(&tested, &working.differences)
    };
    working.tested = Some(tested);
    let mut found = Finding::tested(sides, &tested, all_hold(&working.checks));
    found.row.noise = Some(noise.variance.sqrt());
    found.row.detectable = t.margin.and_then(|_| detectable::at_last(t, &estimate, policy));
    found.row.noisier_than_usual = noise.noisier;
    found
}

/// Of the mean difference of so many start pairs.
fn standard_error(t: &Thresholds, variance: f64, starts: f64) -> f64 {
    (2.0 * variance / starts + 2.0 * t.floor().powi(2) / starts).sqrt()
}

/// Of one look from the second on.
fn alpha(t: &Thresholds, policy: &Policy) -> f64 {
    policy.level(if t.class == Class::Primary { ALPHA_PRIMARY } else { ALPHA_GUARD })
}

/// MDE95 of a run of so many starts per side that varies as the history does; none where that is
/// not known.
pub(super) fn reach(
    t: &Thresholds,
    history: Variation,
    starts: usize,
    policy: &Policy,
) -> Option<f64> {
    let known = history.mean_square().filter(|_| history.df >= 2.0);
    if starts < 2 {
        let enough = known.filter(|_| history.df >= far_beyond::ENOUGH_DF);
        let se = enough.map(|variance| standard_error(t, variance, 1.0));
        return far_beyond::reach(
            t,
            se.map(|se| Estimate::unknown(se, history.df)),
            (1.0, 1.0),
            known,
            policy,
        );
    }
    let se = standard_error(t, known?, starts as f64);
    Estimate::unknown(se, history.df + 2.0 * (starts - 1) as f64).mde(
        alpha(t, policy),
        t.d_min,
        t.d_neg,
    )
}

/// Pools history and this run. Where this run varies clearly more than history (F test at 0.90), it
/// counts alone.
fn noise(history: Variation, now: Variation) -> Option<Noise> {
    let pooled = history.plus(now);
    if pooled.df < 2.0 {
        return None;
    }
    let mut noise =
        Noise { variance: pooled.mean_square()?, df: pooled.df, noisier: false, ratio: None };
    if let (true, Some(ms_now), Some(ms_past)) =
        (now.df >= 2.0 && history.df >= 2.0, now.mean_square(), history.mean_square())
    {
        let cdf = dist::f_cdf(ms_now / ms_past, now.df, history.df);
        noise.noisier = ms_now > ms_past && cdf.is_none_or(|p| p > 0.90);
        noise.variance = if noise.noisier { noise.variance.max(ms_now) } else { noise.variance };
        noise.ratio = Some((ms_now / ms_past, cdf));
    }
    Some(noise)
}

/// Significant, relevant, and every one of at least two starts agrees.
fn checks(tested: &Tested, differences: &[f64]) -> Vec<Check> {
    vec![
        Check {
            formula: "L >= 2 start pairs with the metric on both sides",
            holds: differences.len() >= 2,
        },
        Check { formula: "df >= 4", holds: tested.estimate.df >= 4.0 },
        Check { formula: "p <= alpha_L", holds: tested.significant() },
        Check { formula: "D >= D_min", holds: tested.relevant() },
        Check {
            formula: "every D_s > D_neg",
            holds: differences.iter().all(|&d| d > tested.thresholds.d_neg),
        },
    ]
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
        assert!(
            !pooled.noisier
                && (pooled.variance - 1e-4).abs() < 1e-12
                && (pooled.df - 16.0).abs() < 1e-12
        );
        let noisy = noise(quiet, loud).expect("known");
        assert!(noisy.noisier && (noisy.variance - 10e-4).abs() < 1e-12);
    }
}
