//! Several servers or configs side by side: each one's value with its interval, who is proven
//! better than whom, and whether a statement about two of them holds. Server starts are the
//! evidence, as everywhere (docs/METHODOLOGY.md#measurement).
//!
//! Not here: whether a change made something worse (`interleaved`, `other_day`), or whether two
//! records are of the same work.

use crate::judge::dist::t_upper_quantile;
use crate::measure::stats::{mean, squared_deviations};
use crate::measure::summary::{scale, sign, to_display};
use crate::metric::{Metric, Scale, Stat, Timing};

/// Degrees of freedom below which a prior stands in.
const ENOUGH_DF: f64 = 4.0;
/// Standard deviation of a start that is assumed then, a fraction.
const PRIOR_SD: f64 = 0.025;

/// Chance that any pair of a metric is ranked though the two are equal; and of a statement to be
/// confirmed or refuted by accident.
pub const ALPHA: f64 = 0.05;

/// One metric over all entrants, in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking {
    pub metric: Metric,
    pub places: Vec<Place>,
    /// Why nobody has a rank, where the noise is not known.
    pub unproven: Option<&'static str>,
}

/// Values in display units (ms, per second, share).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Place {
    /// Mean over the starts, on the scale that the metric is judged on.
    pub value: Option<f64>,
    /// Two-sided, 95 %.
    pub interval: Option<(f64, f64)>,
    /// Best and worst rank that the evidence allows: 1 + how many are proven better, and all but
    /// those that are proven worse.
    pub rank: Option<(usize, usize)>,
}

/// What became of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Confirmed,
    Refuted,
    Undecided,
    Unmeasured,
}

/// `left > factor * right`, or `<`: two entrants, or an entrant and a number.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement<'a> {
    pub metric: Metric,
    /// Oriented values of the starts.
    pub left: &'a [f64],
    pub right: Right<'a>,
    pub greater: bool,
    /// Statements that are tested together; the level is divided by it. At least 1.
    pub among: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Right<'a> {
    /// Above 0.
    Times(f64, &'a [f64]),
    /// In display units.
    Number(f64),
}

/// A statement with its numbers, in display units.
#[derive(Clone, Debug, PartialEq)]
pub struct Tested {
    pub outcome: Outcome,
    pub left: Option<f64>,
    /// With its factor.
    pub right: Option<f64>,
    /// Left against right: relative for times and rates (0.05 = 5 % more), in shares for shares;
    /// two-sided at the level of the test.
    pub difference: Option<(f64, f64)>,
}

/// What starts vary by. Of every entrant's own mean, taken together: one noise for all, since
/// single entrants have few starts.
#[derive(Clone, Copy, Debug)]
struct Noise {
    variance: f64,
    df: f64,
}

/// `starts`: per entrant the oriented values of its starts; none where it lacks the metric.
pub fn rank(metric: Metric, starts: &[&[f64]]) -> Ranking {
    let noise = noise(metric, starts);
    let means: Vec<Option<f64>> = starts.iter().map(|s| mean(s)).collect();
    let known = means.iter().flatten().count();
    let pairs = (known * known.saturating_sub(1) / 2).max(1) as f64;
    // Each pair both ways.
    let tail = ALPHA / (2.0 * pairs);
    let better = |a: usize, b: usize| {
        let (Some(x), Some(y), Some(noise)) = (means[a], means[b], noise) else { return false };
        let spread = noise.se(&[starts[a].len(), starts[b].len()]);
        t_upper_quantile(tail, noise.df).is_some_and(|t| y - x > t * spread)
    };
    let others = |me: usize| (0..means.len()).filter(move |&other| other != me);
    let place = |me: usize| {
        let value = means[me]?;
        let interval = noise
            .and_then(|n| n.around(value, &[starts[me].len()], ALPHA / 2.0))
            .map(|ends| shown(metric, ends));
        let ahead = others(me).filter(|&other| better(other, me)).count();
        let behind = others(me).filter(|&other| better(me, other)).count();
        let rank = noise.filter(|_| known > 1).map(|_| (1 + ahead, known - behind));
        Some(Place { value: Some(to_display(metric, value)), interval, rank })
    };
    let places = (0..means.len()).map(|me| place(me).unwrap_or_default()).collect();
    Ranking { metric, places, unproven: (noise.is_none() && known > 0).then_some(TOO_FEW) }
}

pub const TOO_FEW: &str =
    "the noise of so few server starts is not known: at least 3 of each are needed";

/// Whether the statement holds, by the interval of the difference. `starts`: of all entrants, as
/// for [`rank`], for their common noise.
pub fn test(statement: &Statement<'_>, starts: &[&[f64]]) -> Tested {
    let Statement { metric, left, right, greater, among } = statement;
    let natural = |oriented: f64| oriented * sign(*metric);
    let (a, b, counts) = match right {
        Right::Times(factor, right) => (
            mean(left),
            mean(right).map(|r| times(*metric, natural(r), *factor)),
            vec![left.len(), right.len()],
        ),
        Right::Number(number) => (mean(left), on_scale(*metric, *number), vec![left.len()]),
    };
    let (a, weights) = (a.map(natural), weights(*metric, right));
    let back = |x: f64| to_display(*metric, x * sign(*metric));
    let mut tested = Tested {
        outcome: Outcome::Unmeasured,
        left: a.map(back),
        right: b.map(back),
        difference: None,
    };
    let (Some(a), Some(b)) = (a, b) else { return tested };
    tested.outcome = Outcome::Undecided;
    let Some(noise) = noise(*metric, starts) else { return tested };
    let tail = ALPHA / (2.0 * (*among).max(1) as f64);
    let se = (noise.variance * counts.iter().zip(weights).map(|(n, w)| w / *n as f64).sum::<f64>())
        .sqrt();
    let Some(t) = t_upper_quantile(tail, noise.df) else { return tested };
    let (low, high) = (a - b - t * se, a - b + t * se);
    tested.outcome = match (greater, low > 0.0, high < 0.0) {
        (true, true, _) | (false, _, true) => Outcome::Confirmed,
        (true, _, true) | (false, true, _) => Outcome::Refuted,
        _ => Outcome::Undecided,
    };
    let change = |x: f64| if scale(*metric) == Scale::Log { x.exp_m1() } else { x };
    tested.difference = Some((change(low), change(high)));
    tested
}

fn times(metric: Metric, natural: f64, factor: f64) -> f64 {
    match scale(metric) {
        Scale::Log => natural + factor.ln(),
        Scale::Absolute => natural * factor,
    }
}

/// A number in display units on the scale that the metric is judged on; none where it has no place
/// there.
fn on_scale(metric: Metric, number: f64) -> Option<f64> {
    let x = if scale(metric) == Scale::Log { number.ln() } else { number };
    Some(x).filter(|x| x.is_finite())
}

/// How much the variance of each side counts: a share that is multiplied varies more.
fn weights(metric: Metric, right: &Right<'_>) -> [f64; 2] {
    match right {
        Right::Times(factor, _) if scale(metric) == Scale::Absolute => [1.0, factor * factor],
        _ => [1.0, 1.0],
    }
}

/// Pooled within entrants. From four degrees of freedom on it is what it is, with METHOD's floor;
/// below, a prior of 2.5 % of a start (or what was seen, where that is more) stands in for the
/// metrics that speak of the whole engine, and the others stay unproven.
fn noise(metric: Metric, starts: &[&[f64]]) -> Option<Noise> {
    let squares: f64 = starts.iter().filter_map(|s| squared_deviations(s)).sum();
    let df: f64 = starts.iter().map(|s| s.len().saturating_sub(1) as f64).sum();
    if df >= ENOUGH_DF {
        let floor: f64 = if scale(metric) == Scale::Log { 0.002 } else { 0.003 };
        return Some(Noise { variance: squares / df + floor * floor, df });
    }
    let known = (df > 0.0).then(|| squares / df);
    let sd = known.map_or(PRIOR_SD, |variance| variance.sqrt().max(PRIOR_SD));
    speaks_of_the_whole_engine(metric).then_some(Noise { variance: sd * sd, df: ENOUGH_DF })
}

const fn speaks_of_the_whole_engine(metric: Metric) -> bool {
    matches!(
        metric,
        Metric::OutputTokenRate | Metric::Timing(Timing::Tpot | Timing::E2e, Stat::Geomean)
    )
}

impl Noise {
    /// Of a mean, or of the difference of two, with so many starts each.
    fn se(&self, counts: &[usize]) -> f64 {
        (self.variance * counts.iter().map(|&n| 1.0 / n as f64).sum::<f64>()).sqrt()
    }

    fn around(&self, value: f64, counts: &[usize], tail: f64) -> Option<(f64, f64)> {
        let half = t_upper_quantile(tail, self.df)? * self.se(counts);
        Some((value - half, value + half))
    }
}

/// Both ends in display units, the lower one first.
fn shown(metric: Metric, (a, b): (f64, f64)) -> (f64, f64) {
    let (a, b) = (to_display(metric, a), to_display(metric, b));
    if a <= b { (a, b) } else { (b, a) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::summary::to_oriented;
    use crate::metric::{Stat, Timing};

    const TPOT: Metric = Metric::Timing(Timing::Tpot, Stat::Geomean);
    const TTFT_P95: Metric = Metric::Timing(Timing::Ttft, Stat::P95);
    const RATE: Metric = Metric::OutputTokenRate;

    fn oriented(metric: Metric, values: &[f64]) -> Vec<f64> {
        values.iter().map(|v| to_oriented(metric, *v).expect("on the scale")).collect()
    }

    fn ranks(metric: Metric, entrants: &[&[f64]]) -> Vec<Option<(usize, usize)>> {
        let values: Vec<Vec<f64>> = entrants.iter().map(|e| oriented(metric, e)).collect();
        let starts: Vec<&[f64]> = values.iter().map(Vec::as_slice).collect();
        rank(metric, &starts).places.into_iter().map(|p| p.rank).collect()
    }

    #[test]
    fn the_better_one_is_first_whichever_way_the_metric_points() {
        let (low, high): (&[f64], &[f64]) = (&[20.0, 20.1, 19.9], &[30.0, 30.2, 29.8]);
        assert_eq!(ranks(TPOT, &[high, low]), [Some((2, 2)), Some((1, 1))]);
        assert_eq!(ranks(RATE, &[high, low]), [Some((1, 1)), Some((2, 2))]);
    }

    #[test]
    fn what_is_not_proven_shares_its_ranks() {
        let near: &[f64] = &[20.0, 20.4, 19.7];
        assert_eq!(
            ranks(TPOT, &[near, &[20.1, 19.8, 20.3], &[30.0, 30.5, 29.9]]),
            [Some((1, 2)), Some((1, 2)), Some((3, 3))]
        );
    }

    #[test]
    fn one_start_each_ranks_by_the_prior_and_only_where_method_trusts_it() {
        assert_eq!(ranks(TPOT, &[&[20.0], &[30.0]]), [Some((1, 1)), Some((2, 2))]);
        assert_eq!(ranks(TPOT, &[&[20.0], &[21.0]]), [Some((1, 2)), Some((1, 2))]);
        assert_eq!(ranks(TTFT_P95, &[&[20.0], &[90.0]]), [None, None]);
    }

    #[test]
    fn who_lacks_the_metric_has_no_place_and_takes_none() {
        let placed = rank(TPOT, &[&oriented(TPOT, &[20.0, 20.1, 19.9, 20.0, 20.1]), &[]]);
        assert_eq!(placed.places[1], Place::default());
        assert_eq!(placed.places[0].rank, None, "there is nobody to compare with");
        assert!(placed.places[0].interval.is_some_and(|(low, high)| low < 20.0 && high > 20.0));
    }

    /// t(0.025; 4) = 2.776, sd 0.1 with METHOD's floor, three starts: the interval by hand.
    #[test]
    fn the_interval_is_that_of_the_pooled_noise() {
        let spread = [0.9, 1.0, 1.1];
        let placed = rank(TPOT, &[&spread, &spread]);
        let half = 2.776_445 * ((0.01_f64 + 0.002_f64.powi(2)) / 3.0).sqrt();
        let (low, high) = placed.places[0].interval.expect("six starts");
        assert!(
            (low.ln() - (1.0 - half)).abs() < 1e-6 && (high.ln() - (1.0 + half)).abs() < 1e-6,
            "{low} {high}"
        );
    }

    fn statement<'a>(metric: Metric, left: &'a [f64], right: Right<'a>, greater: bool) -> Tested {
        let other = if let Right::Times(_, right) = right { right } else { left };
        test(&Statement { metric, left, right, greater, among: 1 }, &[left, other])
    }

    #[test]
    fn a_statement_is_confirmed_refuted_or_undecided() {
        let (fast, slow) =
            (oriented(RATE, &[300.0, 303.0, 297.0]), oriented(RATE, &[200.0, 202.0, 198.0]));
        let outcome = |left, right, greater| statement(RATE, left, right, greater).outcome;
        assert_eq!(outcome(&fast, Right::Times(1.0, &slow), true), Outcome::Confirmed);
        assert_eq!(outcome(&fast, Right::Times(1.0, &slow), false), Outcome::Refuted);
        assert_eq!(outcome(&fast, Right::Times(1.5, &slow), true), Outcome::Undecided);
        assert_eq!(outcome(&fast, Right::Times(1.6, &slow), true), Outcome::Refuted);
        assert_eq!(outcome(&fast, Right::Number(299.0), true), Outcome::Undecided);
        assert_eq!(outcome(&fast, Right::Number(200.0), true), Outcome::Confirmed);
        assert_eq!(outcome(&[], Right::Number(200.0), true), Outcome::Unmeasured);
    }

    #[test]
    fn one_start_confirms_nothing_that_method_has_no_prior_for() {
        let (low, high) = (oriented(TTFT_P95, &[20.0]), oriented(TTFT_P95, &[90.0]));
        assert_eq!(
            statement(TTFT_P95, &low, Right::Times(1.0, &high), false).outcome,
            Outcome::Undecided
        );
    }

    #[test]
    fn statements_that_are_tested_together_share_the_level() {
        let (a, b) =
            (oriented(RATE, &[102.0, 104.5, 103.2]), oriented(RATE, &[100.0, 101.0, 99.5]));
        let among = |among| {
            test(
                &Statement {
                    metric: RATE,
                    left: &a,
                    right: Right::Times(1.0, &b),
                    greater: true,
                    among,
                },
                &[&a, &b],
            )
        };
        assert_eq!((among(1).outcome, among(50).outcome), (Outcome::Confirmed, Outcome::Undecided));
    }

    #[test]
    fn a_statement_says_by_how_much_in_the_metrics_own_direction() {
        let (quick, slow) =
            (oriented(TPOT, &[10.0, 10.1, 9.9]), oriented(TPOT, &[20.0, 20.2, 19.8]));
        let tested = statement(TPOT, &quick, Right::Times(1.0, &slow), false);
        assert_eq!(tested.outcome, Outcome::Confirmed);
        let (low, high) = tested.difference.expect("tested");
        assert!(low < -0.5 && -0.5 < high && high < -0.45, "{low} {high}");
        assert!(
            (tested.left.expect("measured") - 10.0).abs() < 0.1
                && (tested.right.expect("measured") - 20.0).abs() < 0.1
        );
    }

    #[test]
    fn a_share_is_compared_in_points() {
        let shares = |values: &[f64]| oriented(Metric::SloAttainment, values);
        let (good, bad) = (shares(&[0.99, 0.98, 0.99]), shares(&[0.90, 0.91, 0.90]));
        let outcome = |factor| {
            statement(Metric::SloAttainment, &good, Right::Times(factor, &bad), true).outcome
        };
        assert_eq!((outcome(1.0), outcome(1.2)), (Outcome::Confirmed, Outcome::Refuted));
    }
}
