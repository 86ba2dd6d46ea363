//! How many start pairs it may take, said before anything is measured (docs/METHODOLOGY.md#plan).
//!
//! K is fixed before the first pair and never changed by the data. Not here: judging.

use crate::judge::estimate::Estimate;
use crate::judge::history::{Variation, variation};
use crate::judge::level::pass_tail;
use crate::judge::look::standard_error;
use crate::judge::{Mode, PastRun, Policy, Thresholds, errors};
use crate::measure::summary::Shape;
use crate::metric::{Class, Metric};

/// Fewer pairs say too little of their own noise.
const FEWEST_PAIRS: usize = 3;
/// The noise is an estimate: without this about 3 points of power are lost.
const ALLOWANCE: f64 = 1.15;
/// Standard deviation of a start where the history does not tell it.
const PRIOR_SD: f64 = 0.012;
const KNOWN: f64 = 4.0;

/// What a gate promises, before it measures.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// K: start pairs at most.
    pub pairs: usize,
    /// Of them, those after which an unchanged build passes in half of the cases.
    pub usual: usize,
    /// What must be found, and what so many pairs find in 95 %: fractions.
    pub detect: f64,
    pub reach: f64,
    /// Of each primary metric, by the history or assumed.
    pub noise: Vec<PlannedNoise>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlannedNoise {
    pub metric: Metric,
    /// Standard deviation of one start.
    pub sd: f64,
    /// The history does not tell it.
    pub assumed: bool,
    /// What the planned pairs find of this metric in 95 %.
    pub reach: f64,
}

/// Measured wall time, seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Costs {
    /// Server start and warm-up.
    pub start_s: f64,
    pub round_s: f64,
    pub rounds: usize,
}

/// GPU time of a gate, minutes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Minutes {
    pub most: f64,
    pub usual: f64,
}

impl Plan {
    /// For one workload.
    pub fn new(history: &[PastRun], shape: Shape, policy: &Policy) -> Self {
        let primary = primary(history, shape, policy);
        let most = policy.max_pairs.max(1);
        let fewest = FEWEST_PAIRS.min(most);
        let need = |pairs| primary.iter().map(|m| m.need(pairs, policy)).fold(0.0, f64::max);
        let pairs = (fewest..most).find(|&pairs| need(pairs) <= 1.0).unwrap_or(most);
        let usual =
            (1..pairs).find(|&look| primary.iter().all(|m| m.passes(look, pairs))).unwrap_or(pairs);
        let noise = |m: &PrimaryNoise| PlannedNoise {
            metric: m.thresholds.metric,
            sd: m.variance.sqrt(),
            assumed: m.df <= 0.0,
            reach: m.margin * m.need(pairs, policy),
        };
        Self {
            pairs,
            usual,
            detect: policy.detect,
            reach: policy.detect * need(pairs),
            noise: primary.iter().map(noise).collect(),
        }
    }

    /// Workloads share their starts: as many as the one that needs most.
    pub fn together(plans: impl IntoIterator<Item = Self>) -> Option<Self> {
        plans.into_iter().reduce(|a, b| Self {
            pairs: a.pairs.max(b.pairs),
            usual: a.usual.max(b.usual),
            detect: a.detect,
            reach: a.reach.max(b.reach),
            noise: [a.noise, b.noise].concat(),
        })
    }

    /// What must be found is found in 95 %; else only `reach` is.
    pub fn is_promised(&self) -> bool {
        self.reach <= self.detect
    }

    /// The primary metric that varies most: "one start varies by 1.2 %".
    pub fn noisiest(&self) -> Option<PlannedNoise> {
        self.noise.iter().copied().max_by(|a, b| a.reach.total_cmp(&b.reach))
    }

    /// Check starts come on top where a PASS needs more starts than pairs.
    pub fn minutes(&self, costs: &Costs, min_starts: usize) -> Minutes {
        let start = costs.start_s + costs.rounds as f64 * costs.round_s;
        let check = costs.start_s + costs.round_s;
        let of = |pairs: usize| {
            let checks = min_starts.saturating_sub(pairs) as f64;
            (2.0 * pairs as f64 * start + checks * check) / 60.0
        };
        Minutes { most: of(self.pairs), usual: of(self.usual) }
    }
}

/// What is known of one primary metric's noise.
struct PrimaryNoise {
    thresholds: Thresholds,
    margin: f64,
    variance: f64,
    df: f64,
}

fn primary(history: &[PastRun], shape: Shape, policy: &Policy) -> Vec<PrimaryNoise> {
    let thresholds = |metric| policy.thresholds(metric, Mode::Interleaved);
    let known = |t: Thresholds| {
        let margin = t.margin?;
        let past = variation(history, t.metric);
        let (variance, df) = enough(past).unwrap_or((PRIOR_SD * PRIOR_SD, 0.0));
        Some(PrimaryNoise { thresholds: t, margin, variance, df })
    };
    shape.defined().into_iter().filter_map(thresholds).filter_map(known).collect()
}

fn enough(past: Variation) -> Option<(f64, f64)> {
    Some((past.mean_square()?, past.df)).filter(|(_, df)| *df >= KNOWN)
}

impl PrimaryNoise {
    /// What so many pairs find in 95 %, in margins.
    fn need(&self, pairs: usize, policy: &Policy) -> f64 {
        let precision = self.precision(ALLOWANCE * ALLOWANCE * self.variance, pairs);
        let last = policy.line(Class::Primary, pairs).last();
        let found = precision.detectable(last, self.thresholds.d_min);
        found.map_or(f64::INFINITY, |found| found / self.margin)
    }

    /// An unchanged build, whose difference is 0 in the middle.
    fn passes(&self, look: usize, pairs: usize) -> bool {
        let precision = self.precision(self.variance, look);
        precision.upper(pass_tail(pairs)).is_some_and(|upper| upper < self.margin)
    }

    fn precision(&self, variance: f64, pairs: usize) -> Estimate {
        let se = standard_error(&self.thresholds, variance, pairs as f64);
        Estimate::unknown(se, self.df + 2.0 * (pairs - 1) as f64)
    }
}

/// What so many pairs find of each metric, as the plan reckons it. A metric whose noise nobody knows
/// is absent.
pub fn reach(
    history: &[PastRun],
    pairs: usize,
    shape: Shape,
    policy: &Policy,
) -> Vec<(Metric, f64)> {
    let starts = history.iter().filter_map(|run| run.sides.first()).flatten();
    let found = |t: Thresholds| {
        if t.metric == Metric::ErrorRate {
            return Some((t.metric, errors::reach(&t, starts.clone(), pairs, policy)?));
        }
        let (variance, df) = enough(variation(history, t.metric))?;
        let df = df + 2.0 * pairs.saturating_sub(1) as f64;
        let se = standard_error(&t, ALLOWANCE * ALLOWANCE * variance, pairs.max(1) as f64);
        let last = policy.line(t.class, pairs).last();
        Some((t.metric, Estimate::unknown(se, df).detectable(last, t.d_min)?))
    };
    let metrics = shape.defined().into_iter();
    metrics.filter_map(|m| found(policy.thresholds(m, Mode::Interleaved)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::summary::StartSummary;
    use crate::metric::METHOD;

    const SHAPE: Shape = Shape { streaming: true, output_tokens: 8, has_slo: false };

    /// Runs of two starts each, `sd` apart: one degree of freedom each.
    fn history(sd: f64, df: usize) -> Vec<PastRun> {
        let half = sd / 2f64.sqrt();
        let start = |v: f64| StartSummary {
            values: METHOD.map(|m| (m, v)).into(),
            n: 300,
            ..StartSummary::default()
        };
        (0..df)
            .map(|_| PastRun { sides: vec![vec![start(half), start(-half)]], passed: true })
            .collect()
    }

    fn planned(sd: f64, df: usize, detect: f64) -> (usize, f64) {
        let policy = Policy { detect, max_pairs: 12, ..Policy::default() };
        let plan = Plan::new(&history(sd, df), SHAPE, &policy);
        (plan.pairs, plan.reach)
    }

    /// Of the method.
    #[test]
    fn methods_test_vectors() {
        for (sd, df, detect, pairs, reach) in [
            (0.003, 12, 0.05, 3, 0.035_68),
            (0.006, 12, 0.03, 4, 0.026_81),
            (0.010, 12, 0.05, 4, 0.044_31),
            (0.010, 12, 0.03, 8, 0.029_31),
            (0.012, 12, 0.03, 11, 0.029_41),
            (0.015, 12, 0.05, 7, 0.046_93),
            (0.015, 12, 0.03, 12, 0.034_93),
            (0.030, 12, 0.05, 12, 0.069_51),
            (0.0, 0, 0.05, 6, 0.046_45),
            (0.0, 0, 0.03, 12, 0.029_01),
            (0.010, 4, 0.05, 4, 0.047_62),
        ] {
            let found = planned(sd, df, detect);
            assert_eq!(found.0, pairs, "sd {sd}, df {df}, detect {detect}: {found:?}");
            assert!((found.1 - reach).abs() < 6e-6, "sd {sd}, detect {detect}: {found:?}");
        }
    }

    #[test]
    fn more_workloads_need_more_pairs_and_the_plan_is_never_above_what_is_allowed() {
        let of = |workloads, max_pairs| {
            let policy = Policy { workloads, max_pairs, ..Policy::default() };
            Plan::new(&history(0.012, 12), SHAPE, &policy).pairs
        };
        assert!(of(1, 12) <= of(4, 12) && of(1, 12) < 12);
        assert_eq!((of(1, 2), of(1, 1), of(1, 3)), (2, 1, 3));
    }

    #[test]
    fn what_is_said_beforehand() {
        let plan = Plan::new(&history(0.012, 12), SHAPE, &Policy::default());
        let costs = Costs { start_s: 72.0, round_s: 22.0, rounds: 3 };
        let minutes = plan.minutes(&costs, 2);
        assert_eq!((plan.pairs, plan.usual, plan.is_promised()), (5, 1, true));
        assert!((minutes.most - 23.0).abs() < 0.1 && (minutes.usual - 6.2).abs() < 0.1);
        let noise = plan.noisiest().expect("primary metrics");
        assert!((noise.sd - 0.012).abs() < 1e-12 && !noise.assumed);
        let loud = Plan::new(&history(0.03, 12), SHAPE, &Policy::default());
        assert!(!loud.is_promised() && loud.pairs == 6);
        let both = Plan::together([plan, loud.clone()]).expect("two");
        assert_eq!((both.pairs, both.reach), (6, loud.reach));
    }
}
