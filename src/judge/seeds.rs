//! Start values with the plan's own part taken off (docs/METHODOLOGY.md#start-values): what a seed does to a
//! round is not what a build does, and a round that is lost or disturbed then moves nothing.
//!
//! `m[q]` is the mean over the baseline's starts of the rounds with seed q; a start is the median
//! over its rounds of (round - m[q]). Shares stay the plain mean of their rounds, errors stay
//! counts. Not here: which starts are the baseline's.

use std::collections::BTreeMap;

use crate::measure::stats::mean;
use crate::measure::summary::{RoundSummary, StartSummary, over_rounds, scale};
use crate::metric::{Metric, Scale};

/// What the baseline does with each plan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeedMeans(BTreeMap<(u64, Metric), f64>);

impl SeedMeans {
    /// Over the baseline's starts, of the rounds that have the metric.
    pub fn over<'a>(baseline: impl IntoIterator<Item = &'a StartSummary>) -> Self {
        let mut values: BTreeMap<(u64, Metric), Vec<f64>> = BTreeMap::new();
        for round in baseline.into_iter().flat_map(|start| &start.rounds) {
            for (metric, value) in &round.values {
                values.entry((round.seed, *metric)).or_default().push(*value);
            }
        }
        Self(values.into_iter().filter_map(|(key, v)| Some((key, mean(&v)?))).collect())
    }

    /// The start with the plan's part taken off. A round whose seed the baseline never had tells
    /// nothing; a metric that no round tells is absent.
    pub fn centred(&self, start: &StartSummary) -> StartSummary {
        self.reduced(start, over_rounds)
    }

    /// A check start: the better of its rounds counts, metric by metric, since a passing
    /// disturbance is no slow start (docs/METHODOLOGY.md#slow-starts).
    pub fn best(&self, start: &StartSummary) -> StartSummary {
        self.reduced(start, |_, values| values.iter().copied().reduce(f64::min))
    }

    fn reduced(
        &self,
        start: &StartSummary,
        reduce: impl Fn(Metric, &[f64]) -> Option<f64>,
    ) -> StartSummary {
        // A value that comes without rounds (a simulation's) has no plan in it.
        if !has_rounds(start) {
            return start.clone();
        }
        let mut values: BTreeMap<Metric, Vec<f64>> = BTreeMap::new();
        for round in &start.rounds {
            for (metric, value) in &round.values {
                let plan = match scale(*metric) {
                    Scale::Log => self.0.get(&(round.seed, *metric)).copied(),
                    Scale::Absolute => Some(0.0),
                };
                if let Some(plan) = plan {
                    values.entry(*metric).or_default().push(value - plan);
                }
            }
        }
        let values = values.into_iter().filter_map(|(m, v)| Some((m, reduce(m, &v)?)));
        StartSummary { values: values.collect(), ..start.clone() }
    }
}

/// The output token rate of each round at one output token per request, where arrivals are fixed
/// on both sides and every length is known (docs/METHODOLOGY.md#measurement, lengths are no speed):
/// then it follows the lengths and not the server.
pub fn at_equal_lengths(starts: &mut [&mut StartSummary]) {
    let rated = |round: &RoundSummary| round.values.contains_key(&Metric::OutputTokenRate);
    let known = |round: &RoundSummary| round.log_length.is_some() || !rated(round);
    if !starts.iter().all(|start| start.rounds.iter().all(known)) {
        return;
    }
    for round in starts.iter_mut().flat_map(|start| &mut start.rounds) {
        let length = round.log_length.unwrap_or(0.0);
        // Oriented: minus the log of tokens per second.
        if let Some(rate) = round.values.get_mut(&Metric::OutputTokenRate) {
            *rate += length;
        }
    }
}

/// Every round of it is known by its seed, so that it can be centred.
pub fn has_rounds(start: &StartSummary) -> bool {
    !start.rounds.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::{Stat, Timing};

    const TPOT: Metric = Metric::Timing(Timing::Tpot, Stat::Geomean);

    fn start(values: &[(u64, f64)]) -> StartSummary {
        let round = |(seed, value): &(u64, f64)| RoundSummary {
            seed: *seed,
            values: [(TPOT, *value)].into(),
            n: 100,
            ..RoundSummary::default()
        };
        StartSummary::from_rounds(values.iter().map(round).collect())
    }

    fn close(a: Option<&f64>, b: f64) -> bool {
        a.is_some_and(|a| (a - b).abs() < 1e-12)
    }

    #[test]
    fn a_disturbed_round_drops_out_and_moves_the_start_to_no_other_plan() {
        let baseline = start(&[(1, 0.0), (2, 0.5), (3, 1.0)]);
        // 1 % slower, one round 30 % slower.
        let candidate = start(&[(1, 0.01), (2, 0.81), (3, 1.01)]);
        let means = SeedMeans::over([&baseline]);
        assert!(close(means.centred(&candidate).values.get(&TPOT), 0.01));
        assert!(close(means.centred(&baseline).values.get(&TPOT), 0.0));
        // Plainly, its median would have moved to the third plan.
        assert!(close(candidate.values.get(&TPOT), 0.81));
    }

    #[test]
    fn a_lost_round_is_no_change_and_an_unknown_seed_tells_nothing() {
        let baseline = start(&[(1, 0.0), (2, 0.5), (3, 1.0)]);
        let means = SeedMeans::over([&baseline]);
        assert!(close(means.centred(&start(&[(3, 1.0)])).values.get(&TPOT), 0.0));
        assert!(means.centred(&start(&[(9, 1.0)])).values.is_empty());
        let check = means.best(&start(&[(1, 0.4), (2, 0.52)]));
        assert!(close(check.values.get(&TPOT), 0.02), "{check:?}");
    }

    #[test]
    fn shares_are_plain_means() {
        let round = |seed, share| RoundSummary {
            seed,
            values: [(Metric::SloAttainment, share)].into(),
            ..RoundSummary::default()
        };
        let of = |shares: [f64; 2]| {
            StartSummary::from_rounds(vec![round(1, shares[0]), round(2, shares[1])])
        };
        let means = SeedMeans::over([&of([-1.0, -0.9])]);
        let value = means.centred(&of([-0.8, -0.6])).values[&Metric::SloAttainment];
        assert!((value + 0.7).abs() < 1e-12);
    }
}
