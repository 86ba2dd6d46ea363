//! One look at start pairs, for each metric (docs/METHODOLOGY.md#interleaved-test).
//!
//! Not here: in which order looks are played and when they end (`interleaved`).

use crate::judge::errors::{self, Counts, Enough};
use crate::judge::estimate::{Estimate, Finding, Levels, Sides, Tested};
use crate::judge::history::{Variation, variation};
use crate::judge::level::{Line, Rule, pass_tail};
use crate::judge::{
    Check, LookPoint, LookSeen, MetricReason, Mode, PastRun, Policy, Thresholds, Working, all_hold,
    dist, gross,
};
use crate::measure::stats::mean;
use crate::measure::summary::{Shape, StartSummary};
use crate::metric::{Class, Metric};

/// Degrees of freedom below which a metric stays open.
const KNOWN: f64 = 2.0;
/// And those that a conviction needs.
const ENOUGH: f64 = 4.0;
const FEWEST_PAIRS: usize = 2;
/// F beyond which this run's own variance counts alone.
const NOISIER: f64 = 0.90;

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
    /// K.
    pub planned: usize,
    /// beta is divided by it: 1, or the number of attempts where earlier ones are not found.
    pub unseen_share: f64,
    /// A start that nobody makes again: the gross rule stands in for the second pair.
    pub only_pair: bool,
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

/// The numbers of one metric at one look.
#[derive(Clone, Debug, PartialEq)]
pub struct PairsTest {
    /// L, of all attempts.
    pub look: usize,
    /// Start values, oriented and seed-centred within their attempt, of the pairs that have both.
    pub baseline: Vec<f64>,
    pub candidate: Vec<f64>,
    pub differences: Vec<f64>,
    pub now: Variation,
    pub history: Variation,
    /// None below two degrees of freedom.
    pub noise: Option<Noise>,
    pub tested: Option<Tested>,
    pub checks: Vec<Check>,
    /// The gross rule, for one pair of servers that the gate did not start.
    pub gross: Option<gross::GrossTest>,
    pub hit: bool,
}

/// One metric over the pairs of all attempts that have it on both sides.
#[derive(Clone, Debug, Default)]
struct Values {
    baseline: Vec<f64>,
    candidate: Vec<f64>,
    now: Variation,
    /// Some start lacks it, on one side only.
    gap: bool,
    /// Means of each side over all its starts, where no pair has both.
    alone: (Option<f64>, Option<f64>),
}

/// All metrics after so many pairs. `attempts`: the pairs of each, seed-centred within it; `shown`:
/// the plain ones, for people.
pub fn findings(basis: &Basis<'_>, attempts: &[Vec<Pair>], shown: &[&Pair]) -> Vec<Finding> {
    let row = |metric| basis.policy.thresholds(metric, Mode::Interleaved);
    let defined = basis.shape.defined().into_iter().filter_map(row);
    let mut findings: Vec<Finding> = defined
        .map(|t| {
            if t.metric == Metric::ErrorRate {
                error_finding(&t, basis, attempts)
            } else {
                finding(&t, basis, attempts, shown)
            }
        })
        .collect();
    findings.extend(basis.policy.unjudged().into_iter().map(Finding::unjudged));
    findings
}

/// Of the primary metrics, for the picture.
pub fn seen(findings: &[Finding], pairs: usize) -> LookSeen {
    let point = |finding: &Finding| {
        let Working::Pairs(test) = &finding.row.working else { return None };
        let tested = test.tested.as_ref()?;
        let Estimate { difference, se, df } = tested.estimate;
        let point = LookPoint {
            t: difference / se,
            line: dist::t_upper_quantile(tested.levels.level, df)?,
            least: tested.thresholds.d_min / se,
            fine: tested.thresholds.margin? / se
                - dist::t_upper_quantile(tested.levels.pass_tail, df)?,
            df,
        };
        Some((finding.row.metric, point))
    };
    let primary = findings.iter().filter(|f| f.row.class == Class::Primary);
    LookSeen { pairs, metrics: primary.filter_map(point).collect() }
}

fn error_finding(t: &Thresholds, basis: &Basis<'_>, attempts: &[Vec<Pair>]) -> Finding {
    // Only baselines' sides: a candidate of the past may have been the one that failed.
    let past = Counts::sum(basis.history.iter().filter_map(|run| run.sides.first()).flatten());
    let pairs = || attempts.iter().flatten();
    let baseline = Counts::sum(pairs().map(|p| &p.baseline)).plus(past);
    let candidate = Counts::sum(pairs().map(|p| &p.candidate));
    let pairs = pairs().count();
    let enough = if basis.only_pair { Enough::Starts(pairs) } else { Enough::Pairs(pairs) };
    errors::judge(t, baseline, candidate, enough, basis.policy)
}

fn finding(t: &Thresholds, basis: &Basis<'_>, attempts: &[Vec<Pair>], shown: &[&Pair]) -> Finding {
    let values = Values::new(t.metric, attempts);
    if values.baseline.is_empty() {
        let of = |side: fn(&Pair) -> &StartSummary| over(shown, side, t.metric);
        let measured = |side: Option<f64>, plain| side.and(plain);
        let sides = Sides {
            baseline: measured(values.alone.0, of(|p| &p.baseline)),
            candidate: measured(values.alone.1, of(|p| &p.candidate)),
        };
        return Finding::missing(t, sides);
    }
    let sides = Sides {
        baseline: over(shown, |p| &p.baseline, t.metric),
        candidate: over(shown, |p| &p.candidate, t.metric),
    };
    let gap = values.gap;
    let tested = test(t, basis, attempts.iter().map(Vec::len).sum(), values, sides);
    if gap { tested.with_gap() } else { tested }
}

fn over(pairs: &[&Pair], side: fn(&Pair) -> &StartSummary, metric: Metric) -> Option<f64> {
    let values: Vec<f64> =
        pairs.iter().filter_map(|p| side(p).values.get(&metric).copied()).collect();
    mean(&values)
}

impl Values {
    fn new(metric: Metric, attempts: &[Vec<Pair>]) -> Self {
        let value = |start: &StartSummary| start.values.get(&metric).copied();
        let mut all = Self::default();
        let (mut of_baseline, mut of_candidate) = (Vec::new(), Vec::new());
        for pairs in attempts {
            let sides = pairs.iter().map(|p| (value(&p.baseline), value(&p.candidate)));
            let sides: Vec<(Option<f64>, Option<f64>)> = sides.collect();
            all.gap |= sides.iter().any(|(b, c)| b.is_some() != c.is_some());
            of_baseline.extend(sides.iter().filter_map(|(b, _)| *b));
            of_candidate.extend(sides.iter().filter_map(|(_, c)| *c));
            let (base, cand): (Vec<f64>, Vec<f64>) =
                sides.iter().filter_map(|&(b, c)| b.zip(c)).unzip();
            all.now = all.now.plus(Variation::within(&base)).plus(Variation::within(&cand));
            all.baseline.extend(base);
            all.candidate.extend(cand);
        }
        all.alone = (mean(&of_baseline), mean(&of_candidate));
        all
    }
}

fn test(t: &Thresholds, basis: &Basis<'_>, look: usize, values: Values, sides: Sides) -> Finding {
    let Values { baseline, candidate, now, .. } = values;
    let differences: Vec<f64> = candidate.iter().zip(&baseline).map(|(c, b)| c - b).collect();
    let difference = differences.iter().sum::<f64>() / differences.len() as f64;
    let history = variation(basis.history, t.metric);
    let noise = noise(history, now);
    let gross = basis
        .only_pair
        .then(|| gross::test(t, &baseline, &candidate, &candidate, basis.policy))
        .flatten()
        .filter(|_| t.is_primary());
    let mut working = PairsTest {
        look,
        baseline,
        candidate,
        differences,
        now,
        history,
        noise,
        tested: None,
        checks: Vec::new(),
        gross,
        hit: false,
    };
    let is_gross = working.gross.as_ref().is_some_and(|found| found.hit);
    let mut found = match noise {
        None if is_gross => gross_alone(t, sides, &working),
        None => Finding::open(t, sides, difference, MetricReason::StartNoiseUnknown),
        Some(noise) => with_noise(t, basis, sides, difference, noise, &mut working),
    };
    if is_gross && !found.hit {
        found = gross_alone(t, sides, &working);
    }
    working.hit = found.hit;
    found.worked(Working::Pairs(Box::new(working)))
}

fn with_noise(
    t: &Thresholds,
    basis: &Basis<'_>,
    sides: Sides,
    difference: f64,
    noise: Noise,
    working: &mut PairsTest,
) -> Finding {
    let se = standard_error(t, noise.variance, working.differences.len() as f64);
    let estimate = Estimate { difference, se, df: noise.df };
    let line = Line::new(Rule::for_class(t.class), basis.planned, basis.policy.workloads);
    let tail = pass_tail(basis.planned) / basis.unseen_share;
    let tested = Tested::test(t, &estimate, Levels::at(line, working.look, tail));
    working.checks = checks(&tested, working.differences.len());
    working.tested = Some(tested);
    let mut found = Finding::tested(sides, &tested, all_hold(&working.checks));
    if found.worry && !found.hit && tested.significant() {
        found.row.reason = Some(MetricReason::TooFewStarts);
    }
    found.row.noise = Some(noise.variance.sqrt());
    found.row.noisier_than_usual = noise.noisier;
    found
}

/// Nothing is proven against an assumed noise: no bound has a tail of 0.
fn gross_alone(t: &Thresholds, sides: Sides, working: &PairsTest) -> Finding {
    let Some(gross) = &working.gross else { return Finding::missing(t, sides) };
    let levels = Levels { level: gross::ALPHA, last: gross::ALPHA, pass_tail: 0.0 };
    Finding::tested(sides, &Tested::test(t, &gross.estimate, levels), true)
}

/// Of the mean difference of so many start pairs.
pub fn standard_error(t: &Thresholds, variance: f64, pairs: f64) -> f64 {
    (2.0 * (variance + t.floor().powi(2)) / pairs).sqrt()
}

/// Pools history and this run. Where this run varies clearly more than history (F test at 0.90), it
/// counts alone.
pub fn noise(history: Variation, now: Variation) -> Option<Noise> {
    let pooled = history.plus(now);
    if pooled.df < KNOWN {
        return None;
    }
    let mut noise =
        Noise { variance: pooled.mean_square()?, df: pooled.df, noisier: false, ratio: None };
    if let (true, Some(ms_now), Some(ms_past)) =
        (now.df >= KNOWN && history.df >= KNOWN, now.mean_square(), history.mean_square())
    {
        let cdf = dist::f_cdf(ms_now / ms_past, now.df, history.df);
        noise.noisier = ms_now > ms_past && cdf.is_none_or(|p| p > NOISIER);
        noise.variance = if noise.noisier { noise.variance.max(ms_now) } else { noise.variance };
        // None where neither varies at all: a share that is always 1.
        noise.ratio = Some((ms_now / ms_past, cdf)).filter(|(ratio, _)| !ratio.is_nan());
    }
    Some(noise)
}

/// Significant on the line, and relevant; never from one pair.
fn checks(tested: &Tested, pairs: usize) -> Vec<Check> {
    vec![
        Check {
            formula: "L >= 2 start pairs with the metric on both sides",
            holds: pairs >= FEWEST_PAIRS,
        },
        Check { formula: "df >= 4", holds: tested.estimate.df >= ENOUGH },
        Check { formula: "p <= Phi(-C (K/L)^(1/4))", holds: tested.significant() },
        Check { formula: "D >= D_min", holds: tested.relevant() },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Bearing;
    use crate::metric::{Stat, Timing};

    const TPOT: Metric = Metric::Timing(Timing::Tpot, Stat::Geomean);

    fn start(value: f64) -> StartSummary {
        StartSummary { values: [(TPOT, value)].into(), n: 300, ..StartSummary::default() }
    }

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

    /// L 3, K 4, `SSh` 0.0012, `dfh` 12.
    #[test]
    fn methods_look() {
        let h = 0.0012 / 12.0;
        // 13 starts with a sum of squares of 0.0012: 12 degrees of freedom.
        let half = (h / 2.0_f64).sqrt();
        let run = || PastRun { sides: vec![vec![start(half), start(-half)]], passed: true };
        let history: Vec<PastRun> = (0..12).map(|_| run()).collect();
        let known = variation(&history, TPOT);
        assert!((known.ss - 0.0012).abs() < 1e-15 && (known.df - 12.0).abs() < 1e-12);
        let pair = |b, c| Pair { baseline: start(b), candidate: start(c) };
        let pairs = vec![pair(0.0, 0.050), pair(0.008, 0.058), pair(-0.004, 0.046)];
        let basis = Basis {
            history: &history,
            shape: Shape { streaming: true, output_tokens: 8, has_slo: false },
            policy: &Policy::default(),
            planned: 4,
            unseen_share: 1.0,
            only_pair: false,
        };
        let shown: Vec<&Pair> = pairs.iter().collect();
        let found = findings(&basis, std::slice::from_ref(&pairs), &shown);
        let row = found.iter().find(|f| f.row.metric == TPOT).expect("judged");
        let Working::Pairs(test) = &row.row.working else { panic!("{row:?}") };
        let (noise, tested) = (test.noise.expect("known"), test.tested.expect("tested"));
        let near = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 2e-5, "{a} is not {b}");
        near(tested.estimate.difference, 0.05);
        near(test.now.ss, 1.493_33e-4);
        near(noise.variance, 8.433_33e-5);
        near(noise.ratio.and_then(|(_, cdf)| cdf).expect("known"), 0.176_746_56);
        near(tested.estimate.se, 0.007_673_91);
        near(tested.estimate.difference / tested.estimate.se, 6.515_58);
        near(tested.p.expect("defined"), 3.559_00e-6);
        near(tested.levels.level, 6.327_08e-4);
        near(tested.upper.expect("primary"), 0.068_976_65);
        assert!(row.hit);
    }

    /// No verdict rests on one start: whatever the size, look 1 convicts of nothing.
    #[test]
    fn one_pair_convicts_of_nothing() {
        let pair = Pair { baseline: start(0.0), candidate: start(3.0) };
        let run =
            PastRun { sides: vec![vec![start(0.0), start(0.01), start(0.02)]; 4], passed: true };
        let history = vec![run];
        let policy = Policy::default();
        let row = |only_pair| {
            let basis = Basis {
                history: &history,
                shape: Shape { streaming: true, output_tokens: 8, has_slo: false },
                policy: &policy,
                planned: 3,
                unseen_share: 1.0,
                only_pair,
            };
            let found = findings(&basis, &[vec![pair.clone()]], &[&pair]);
            found.into_iter().find(|f| f.row.metric == TPOT).expect("judged")
        };
        assert!(!row(false).hit && row(false).worry);
        assert_eq!(row(false).row.reason, Some(MetricReason::TooFewStarts));
        assert!(row(true).hit, "where no second pair can come, what is gross convicts");
        assert_eq!(row(true).row.bearing, Bearing::Free);
    }
}
