//! The error rate of two sides: a binomial test on counts (docs/METHODOLOGY.md#error-rate).
//!
//! Not here: error limits (`limits`), or what counts as a failure (`measure::summary`).

use crate::judge::estimate::{Block, Finding, Sides};
use crate::judge::{
    Check, Judgement, MetricComparison, MetricReason, Policy, Thresholds, Working, all_hold, dist,
};
use crate::measure::summary::StartSummary;

/// Significance of the error rate's test, in both modes.
pub const ALPHA: f64 = 0.0005;
const FEWEST_STARTS: usize = 2;
const MANY: u64 = 10;

/// Requests scheduled and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub n: u64,
    pub bad: u64,
}

/// The numbers of the error rate (docs/METHODOLOGY.md#error-rate).
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorsTest {
    pub baseline: Counts,
    pub candidate: Counts,
    /// P(Binomial(`x_b` + `x_c`, `n_c` / (`n_c` + `n_b`)) >= `x_c`).
    pub p: f64,
    pub alpha: f64,
    /// Excess share.
    pub excess: f64,
    pub d_min: f64,
    pub checks: Vec<Check>,
    pub worry: bool,
}

impl Counts {
    pub fn sum<'a>(starts: impl IntoIterator<Item = &'a StartSummary>) -> Self {
        starts.into_iter().fold(Self::default(), |sum, s| sum.plus(Self { n: s.n, bad: s.bad }))
    }

    pub fn plus(self, other: Self) -> Self {
        Self { n: self.n + other.n, bad: self.bad + other.bad }
    }

    pub fn share(self) -> Option<f64> {
        (self.n > 0).then(|| self.bad as f64 / self.n as f64)
    }
}

/// What of the evidence must be there before errors convict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enough {
    /// Interleaved: so many start pairs; no conviction rests on one.
    Pairs(usize),
    /// A job of so many starts; ten failures stand for a second one.
    Starts(usize),
}

impl Enough {
    fn check(self, candidate: Counts) -> Check {
        match self {
            Self::Pairs(pairs) => {
                Check { formula: "L >= 2 start pairs", holds: pairs >= FEWEST_STARTS }
            }
            Self::Starts(starts) => Check {
                formula: "two candidate starts, or ten failures",
                holds: starts >= FEWEST_STARTS || candidate.bad >= MANY,
            },
        }
    }
}

/// P(Binomial(`x_b` + `x_c`, `n_c` / (`n_c` + `n_b`)) >= `x_c`) <= 0.0005, an excess of 0.2 points,
/// and enough starts are a hit; p < 0.01 with a rate above 0.2 % is a worry. Missing counts on
/// either side forbid a PASS.
pub fn judge(
    t: &Thresholds,
    baseline: Counts,
    candidate: Counts,
    enough: Enough,
    policy: &Policy,
) -> Finding {
    let alpha = policy.level(ALPHA);
    let sides = Sides { baseline: baseline.share(), candidate: candidate.share() };
    let (Some(base), Some(rate), Some(p)) =
        (sides.baseline, sides.candidate, p_of(baseline, candidate))
    else {
        return Finding { blocks: Some(Block::Missing), ..Finding::missing(t, sides) };
    };
    let checks = vec![
        Check { formula: "pe <= 0.0005 / workloads", holds: p <= alpha },
        Check { formula: "excess share >= D_min", holds: rate - base >= t.d_min },
        enough.check(candidate),
    ];
    let hit = all_hold(&checks);
    let worry = p < 0.01 && rate > t.d_min;
    let (judgement, reason) = match () {
        () if hit => (Judgement::Regressed, None),
        () if worry => (Judgement::Inconclusive, Some(MetricReason::MoreFailures)),
        () => (Judgement::Unchanged, None),
    };
    let mut row = MetricComparison::unmeasured(t, sides, None);
    row.change = Some(rate - base);
    row.p = Some(p);
    row.detectable = smallest_hit(t, baseline, candidate.n, policy);
    row.judgement = judgement;
    row.reason = reason;
    let working = ErrorsTest {
        baseline,
        candidate,
        p,
        alpha,
        excess: rate - base,
        d_min: t.d_min,
        checks,
        worry,
    };
    Finding { row, hit, worry, blocks: None }.worked(Working::Errors(working))
}

fn p_of(baseline: Counts, candidate: Counts) -> Option<f64> {
    if baseline.n == 0 || candidate.n == 0 {
        return None;
    }
    let share = candidate.n as f64 / (candidate.n + baseline.n) as f64;
    dist::binomial_upper_tail(candidate.bad, baseline.bad + candidate.bad, share)
}

/// The smallest excess share that is a hit for `n` requests, given what the baseline did. The tail
/// falls with every further failure, so halving finds it.
pub fn smallest_hit(t: &Thresholds, baseline: Counts, n: u64, policy: &Policy) -> Option<f64> {
    let alpha = policy.level(ALPHA);
    let hits = |bad: u64| p_of(baseline, Counts { n, bad }).is_some_and(|p| p <= alpha);
    if !hits(n) {
        return None;
    }
    let (mut below, mut at) = (0, n);
    while at - below > 1 {
        let middle = u64::midpoint(below, at);
        if hits(middle) { at = middle } else { below = middle }
    }
    Some((at as f64 / n as f64 - baseline.share()?).max(t.d_min))
}

/// The smallest excess that `starts` starts would show, where each sends as many requests as the
/// known ones did.
pub fn reach<'a>(
    t: &Thresholds,
    known: impl IntoIterator<Item = &'a StartSummary> + Clone,
    starts: usize,
    policy: &Policy,
) -> Option<f64> {
    let (count, past) = (known.clone().into_iter().count() as u64, Counts::sum(known));
    let n = (past.n * starts as u64).checked_div(count)?;
    smallest_hit(t, past, n, policy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Mode;
    use crate::metric::Metric;

    fn finding(base: (u64, u64), cand: (u64, u64), starts: usize) -> Finding {
        let policy = Policy::default();
        let t = policy
            .thresholds(Metric::ErrorRate, Mode::Interleaved)
            .expect("a metric of the method");
        judge(
            &t,
            Counts { n: base.0, bad: base.1 },
            Counts { n: cand.0, bad: cand.1 },
            Enough::Starts(starts),
            &policy,
        )
    }

    #[test]
    fn errors_that_only_the_candidate_has_are_a_hit() {
        let found = finding((3000, 0), (300, 12), 1);
        assert!(found.hit && found.row.judgement == Judgement::Regressed);
        assert!(finding((3000, 0), (300, 6), 2).hit);
        assert!(!finding((3000, 0), (300, 6), 1).hit, "one start needs ten failures");
        assert!(finding((3000, 0), (300, 6), 1).worry);
    }

    #[test]
    fn equal_rates_are_unchanged_and_no_requests_are_no_pass() {
        assert_eq!(finding((1000, 10), (1000, 10), 3).row.judgement, Judgement::Unchanged);
        assert!(finding((0, 0), (100, 0), 3).blocks.is_some());
        assert!(finding((100, 0), (0, 0), 3).blocks.is_some());
    }

    #[test]
    fn the_smallest_hit_is_one() {
        let mde = finding((1000, 2), (1000, 2), 3).row.detectable.expect("visible");
        let smallest =
            (3..1000).find(|&bad| finding((1000, 2), (1000, bad), 3).hit).expect("visible");
        assert!((mde - (smallest as f64 - 2.0) / 1000.0).abs() < 1e-12);
    }
}
