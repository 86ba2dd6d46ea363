//! Starts that are slow only sometimes (docs/METHODOLOGY.md#slow-starts): a build can be slow in a share of its
//! starts, and no mean of a few of them shows that.
//!
//! Not here: when check starts are made (`interleaved`), or what the words mean for the exit code.

use serde::{Deserialize, Serialize};

use crate::judge::history::variation;
use crate::judge::{Mode, PastRun, Policy, dist};
use crate::measure::stats::percentile;
use crate::measure::summary::{Shape, StartSummary};
use crate::metric::{Class, Metric, Stat, Timing};

/// Any of these shows a slow start.
const METRICS: [Metric; 3] = [
    Metric::Timing(Timing::Tpot, Stat::Geomean),
    Metric::Timing(Timing::E2e, Stat::Geomean),
    Metric::OutputTokenRate,
];
/// A start is slow from this on beyond the faster ones (log), or from so many standard deviations.
const LEAST: f64 = 0.10;
const SDS: f64 = 5.0;
/// The faster ones: so many are at or below it.
const FASTER: f64 = 0.25;
const KNOWN: f64 = 4.0;
const HIT: f64 = 0.001;
const FEWEST_HITS: u64 = 2;
const WORRY: f64 = 0.5;
const ROUNDING: f64 = 1e-9;

/// Slow starts of candidate and baseline, and what they say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlowStarts {
    pub candidate: Tally,
    /// Of this run, and of the history's runs.
    pub baseline: Tally,
    /// P(Binomial(`x_b` + `x_c`, `n_c` / (`n_c` + `n_b`)) >= `x_c`).
    pub p: Option<f64>,
    /// Least and most that the candidate's slow starts are beyond the faster ones (logs).
    pub slower: Option<(f64, f64)>,
    /// Starts of the history that were left out: they know nothing of the baseline's slow starts.
    pub left_out: u64,
    /// The build does it.
    pub hit: bool,
    /// It looks so: no PASS.
    pub worry: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub slow: u64,
    pub starts: u64,
}

/// The starts of one attempt, seed-centred within it; the candidate's with its check starts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Starts {
    pub baseline: Vec<StartSummary>,
    pub candidate: Vec<StartSummary>,
}

/// Whose faster ones a start is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Against {
    /// Of all starts, or of the baseline's where those are lower: a build that is slow in most of
    /// its starts is no measure of itself.
    Fastest,
    /// Of the baseline's: a build that is mostly faster does not make the baseline look slow.
    Baseline,
}

/// How far beyond the faster ones a start is slow, by metric.
#[derive(Clone, Debug)]
pub struct Bars(Vec<(Metric, f64)>);

impl Tally {
    fn plus(self, other: Self) -> Self {
        Self { slow: self.slow + other.slow, starts: self.starts + other.starts }
    }

    fn count(found: &[Option<f64>]) -> Self {
        Self { slow: found.iter().flatten().count() as u64, starts: found.len() as u64 }
    }
}

impl Bars {
    /// T = max(0.10, 5 s). Metrics that a team only wants shown are not asked.
    pub fn new(history: &[PastRun], shape: Shape, policy: &Policy) -> Self {
        let asked = |metric: &Metric| {
            let class = policy.thresholds(*metric, Mode::Interleaved).map(|t| t.class);
            shape.defines(*metric) && class.is_some_and(|class| class != Class::Info)
        };
        let bar = |metric: Metric| {
            let known = variation(history, metric);
            let sd = known.mean_square().filter(|_| known.df >= KNOWN).map_or(0.0, f64::sqrt);
            (metric, LEAST.max(SDS * sd))
        };
        Self(METRICS.into_iter().filter(asked).map(bar).collect())
    }

    /// For each start of one session by how much it is beyond the faster ones; none where it is not
    /// slow. The first `baseline` of them are the baseline's.
    fn beyond(
        &self,
        against: Against,
        starts: &[&StartSummary],
        baseline: usize,
    ) -> Vec<Option<f64>> {
        let mut found = vec![None; starts.len()];
        for (metric, bar) in &self.0 {
            let value = |start: &&StartSummary| start.values.get(metric).copied();
            let faster_of = |starts: &[&StartSummary]| {
                percentile(&starts.iter().filter_map(value).collect::<Vec<f64>>(), FASTER)
            };
            let Some(faster) = faster_of(starts) else { continue };
            let faster = match (faster_of(&starts[..baseline]), against) {
                (Some(own), Against::Baseline) => own,
                (own, _) => own.map_or(faster, |own| own.min(faster)),
            };
            for (start, found) in starts.iter().zip(&mut found) {
                if let Some(excess) = value(start).map(|v| v - faster).filter(|e| e > bar) {
                    *found = Some(found.map_or(excess, |known: f64| known.max(excess)));
                }
            }
        }
        found
    }

    /// Whether the last of the candidate's starts is slow: then it deserves a second round.
    pub fn last_is_slow(&self, starts: &Starts) -> bool {
        let (_, candidate) = self.sides(Against::Fastest, starts);
        candidate.last().is_some_and(Option::is_some)
    }

    fn sides(&self, against: Against, starts: &Starts) -> (Vec<Option<f64>>, Vec<Option<f64>>) {
        let all: Vec<&StartSummary> = starts.baseline.iter().chain(&starts.candidate).collect();
        let mut baseline = self.beyond(against, &all, starts.baseline.len());
        let candidate = baseline.split_off(starts.baseline.len());
        (baseline, candidate)
    }

    /// Of the runs before: both sides where both are unchanged code, else the baseline's.
    fn past(&self, against: Against, history: &[PastRun]) -> Tally {
        let of = |run: &PastRun| {
            let all: Vec<&StartSummary> = run.sides.iter().flatten().collect();
            let first = run.sides.first().map_or(0, Vec::len);
            let counted = if run.passed { all.len() } else { first };
            Tally::count(&self.beyond(against, &all, first)[..counted])
        };
        history.iter().map(of).fold(Tally::default(), Tally::plus)
    }
}

/// Over all attempts, each with its own level. Whichever of both measures says the worse.
pub fn test(bars: &Bars, attempts: &[Starts], history: &[PastRun]) -> SlowStarts {
    let [fastest, own] = [Against::Fastest, Against::Baseline]
        .map(|against| tested(bars, against, attempts, history));
    let gravity = |found: &SlowStarts| (found.hit, found.worry);
    if gravity(&own) > gravity(&fastest) { own } else { fastest }
}

fn tested(bars: &Bars, against: Against, attempts: &[Starts], history: &[PastRun]) -> SlowStarts {
    let (mut now, mut candidate) = (Tally::default(), Tally::default());
    let mut excess: Vec<f64> = Vec::new();
    for starts in attempts {
        let (baseline, of_candidate) = bars.sides(against, starts);
        now = now.plus(Tally::count(&baseline));
        candidate = candidate.plus(Tally::count(&of_candidate));
        excess.extend(of_candidate.into_iter().flatten());
    }
    let past = bars.past(against, history);
    let outdated = now.slow > 0 && past.slow == 0;
    let baseline = if outdated { now } else { now.plus(past) };
    let left_out = if outdated { past.starts } else { 0 };
    SlowStarts { left_out, slower: range(&excess), ..judge(candidate, baseline) }
}

/// The test itself: x slow of n starts on each side.
pub fn judge(candidate: Tally, baseline: Tally) -> SlowStarts {
    let all = candidate.starts + baseline.starts;
    let share = candidate.starts as f64 / all.max(1) as f64;
    let p = dist::binomial_upper_tail(candidate.slow, candidate.slow + baseline.slow, share)
        .filter(|_| candidate.starts > 0);
    // A tail of 1/2 is 1/2 on every platform, whatever its last bit.
    let below = |level: f64| p.is_some_and(|p| p <= level * (1.0 + ROUNDING));
    SlowStarts {
        candidate,
        baseline,
        p,
        slower: None,
        left_out: 0,
        hit: candidate.slow >= FEWEST_HITS && below(HIT),
        worry: candidate.slow >= 1 && below(WORRY),
    }
}

fn range(values: &[f64]) -> Option<(f64, f64)> {
    let least = values.iter().copied().reduce(f64::min)?;
    Some((least, values.iter().copied().fold(least, f64::max)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::METHOD;

    const SHAPE: Shape = Shape { streaming: true, output_tokens: 8, has_slo: false };

    fn judged(candidate: (u64, u64), baseline: (u64, u64)) -> SlowStarts {
        let tally = |(slow, starts)| Tally { slow, starts };
        judge(tally(candidate), tally(baseline))
    }

    fn starts(values: &[f64]) -> Vec<StartSummary> {
        let start = |v: &f64| StartSummary {
            values: METHOD.map(|m| (m, *v)).into(),
            n: 300,
            ..StartSummary::default()
        };
        values.iter().map(start).collect()
    }

    /// Of the method.
    #[test]
    fn methods_test_vectors() {
        let near = |found: &SlowStarts, p: f64| {
            assert!(found.p.is_some_and(|own| (own - p).abs() < 5e-9), "{found:?} is not {p}");
        };
        let words = |found: &SlowStarts| (found.hit, found.worry);
        for (candidate, baseline, p, so) in [
            ((2, 3), (0, 63), 0.002_066_12, (false, true)),
            ((4, 10), (0, 34), 0.002_668_02, (false, true)),
            ((5, 10), (0, 34), 0.000_606_37, (true, true)),
            ((1, 2), (5, 62), 0.173_447_79, (false, true)),
        ] {
            let found = judged(candidate, baseline);
            near(&found, p);
            assert_eq!(words(&found), so, "{found:?}");
        }
    }

    /// 2 of 3 against 1 of this session's 3, with a clean history of 60.
    #[test]
    fn a_history_that_knows_no_slow_start_is_left_out_where_the_baseline_has_one() {
        let history = vec![PastRun { sides: vec![starts(&[0.0; 30]); 2], passed: true }];
        let now =
            Starts { baseline: starts(&[0.0, 0.4, 0.0]), candidate: starts(&[0.4, 0.0, 0.4]) };
        let bars = Bars::new(&history, SHAPE, &Policy::default());
        let found = test(&bars, &[now], &history);
        assert_eq!((found.left_out, found.baseline.starts), (60, 3));
        assert!(found.p.is_some_and(|p| (p - 0.5).abs() < 1e-12), "{found:?}");
        assert!(found.worry && !found.hit);
    }

    #[test]
    fn a_build_is_no_measure_of_itself() {
        let history = vec![PastRun { sides: vec![starts(&[0.0; 17]); 2], passed: true }];
        let bars = Bars::new(&history, SHAPE, &Policy::default());
        let tested = |candidate: &[f64]| {
            let now = Starts { baseline: starts(&[0.0]), candidate: starts(candidate) };
            test(&bars, &[now], &history)
        };
        // Slow in most of its starts: their quartile is theirs.
        let found = tested(&[0.0, 0.14, 0.14, 0.14, 0.14, 0.14]);
        assert_eq!((found.candidate.slow, found.hit), (5, true), "{found:?}");
        // Faster in most: beside those the baseline looks slow.
        let found = tested(&[-0.3, -0.3, -0.3, -0.3, -0.3, -0.3, 0.3, 0.3]);
        assert_eq!((found.candidate.slow, found.baseline.slow), (2, 0), "{found:?}");
        assert!(found.worry, "{found:?}");
    }

    #[test]
    fn only_unchanged_sides_of_the_history_count_and_a_noisy_machine_has_a_higher_bar() {
        let bars = Bars::new(&[], SHAPE, &Policy::default());
        let failed = PastRun { sides: vec![starts(&[0.0; 4]), starts(&[0.3; 4])], passed: false };
        let now = Starts { baseline: starts(&[0.0]), candidate: starts(&[0.0, 0.2]) };
        let found = test(&bars, std::slice::from_ref(&now), std::slice::from_ref(&failed));
        assert_eq!(
            (found.candidate, found.baseline),
            (Tally { slow: 1, starts: 2 }, Tally { slow: 0, starts: 5 })
        );
        assert_eq!(found.slower, Some((0.2, 0.2)));
        // Starts that vary by 5 %: the bar is at 25 %.
        let noisy = PastRun { sides: vec![starts(&[0.0, 0.1, 0.0, 0.1, 0.0, 0.1])], passed: true };
        let bars = Bars::new(std::slice::from_ref(&noisy), SHAPE, &Policy::default());
        assert_eq!(test(&bars, &[now], &[noisy]).candidate.slow, 0);
    }

    #[test]
    fn the_words_say_how_many_and_by_how_much() {
        let found = SlowStarts { slower: Some((0.323, 0.345)), ..judged((5, 6), (0, 34)) };
        assert_eq!(
            found.to_string(),
            "unstable starts: 5 of 6 starts of this change are 38 to 41 % slower than the other starts; none of 34 of the baseline"
        );
        let found = SlowStarts { slower: Some((0.2, 0.2)), ..judged((1, 10), (0, 34)) };
        assert_eq!(
            found.to_string(),
            "unstable starts: 1 of 10 starts of this change is 22 % slower than the other starts; none of 34 of the baseline; more starts are needed to say whether the build does it"
        );
    }
}
