//! The one line of levels (docs/METHODOLOGY.md#interleaved-test): how unlikely a difference must be at each look.
//!
//! C (K/L)^(1/4) is the boundary of Wang and Tsiatis (1987) with Delta = 1/4. The exact C for a
//! fixed total grows by only 0.1 from 3 to 12 looks, so one constant serves all K. Not here: what
//! else a hit needs (`estimate`).

use crate::judge::dist;
use crate::metric::Class;

/// C of a primary metric: Phi(-3.0) is 0.00135.
const PRIMARY: f64 = 3.0;
/// C of a guard: Phi(-3.5) is 0.00023.
const GUARD: f64 = 3.5;
/// C of a guard that convicts alone, in one job (docs/METHODOLOGY.md#guard-alone): Phi(-4.0) is 0.000032.
const LONE_GUARD: f64 = 4.0;
/// What a PASS may be wrong by over all its looks, before they share it.
const PASS: f64 = 0.05;
/// Looks that share it at most: further ones come only where the earlier ones were close.
const MOST_SHARES: usize = 4;

/// Which line a metric is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    Primary,
    Guard,
    LoneGuard,
}

/// The line of one metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    c: f64,
    planned: usize,
}

impl Rule {
    /// What is only shown is held against the line of a guard, and decides nothing.
    pub const fn for_class(class: Class) -> Self {
        match class {
            Class::Primary => Self::Primary,
            Class::Guard | Class::Info => Self::Guard,
        }
    }
}

impl Line {
    /// `workloads`: so many share the run's false alarms, so that C becomes Phi^-1(1 - Phi(-C)/n).
    pub fn new(rule: Rule, planned: usize, workloads: u32) -> Self {
        let c = match rule {
            Rule::Primary => PRIMARY,
            Rule::Guard => GUARD,
            Rule::LoneGuard => LONE_GUARD,
        };
        let shared =
            || dist::normal_upper_quantile(dist::normal_upper_tail(c) / f64::from(workloads));
        let c = if workloads > 1 { shared().unwrap_or(c) } else { c };
        Self { c, planned: planned.max(1) }
    }

    /// The standard normal score from which a look after so many pairs convicts.
    pub fn score(self, pairs: usize) -> f64 {
        // Two square roots: correctly rounded on every platform, which a power is not.
        let r = (self.planned as f64 / pairs.max(1) as f64).max(1.0);
        self.c * r.sqrt().sqrt()
    }

    /// The p value at or below which a look after so many pairs convicts.
    pub fn level(self, pairs: usize) -> f64 {
        dist::normal_upper_tail(self.score(pairs))
    }

    /// At the last planned look and at every later one.
    pub fn last(self) -> f64 {
        self.level(self.planned)
    }
}

/// The tail of the bound that a PASS needs, at each look.
pub fn pass_tail(planned: usize) -> f64 {
    PASS / planned.clamp(1, MOST_SHARES) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(value: f64, expected: f64) {
        assert!((value / expected - 1.0).abs() < 1e-6, "{value:e} is not {expected:e}");
    }

    /// Of the method.
    #[test]
    fn methods_test_vectors() {
        let primary = |pairs, planned| Line::new(Rule::Primary, planned, 1).level(pairs);
        let guard = |pairs, planned| Line::new(Rule::Guard, planned, 1).level(pairs);
        near(dist::normal_upper_tail(3.0), 1.349_898e-3);
        near(primary(2, 4), 1.801_183e-4);
        near(guard(2, 4), 1.575_809e-5);
        near(guard(3, 3), 2.326_291e-4);
        near(primary(6, 4), 1.349_898e-3);
    }

    #[test]
    fn later_looks_ask_for_less_and_more_workloads_for_more() {
        for planned in 2..=12 {
            let line = Line::new(Rule::Primary, planned, 1);
            assert!((1..planned).all(|l| line.level(l) < line.level(l + 1)));
            assert!((line.last() - line.level(planned + 3)).abs() < 1e-18);
            let shared = Line::new(Rule::Primary, planned, 3);
            near(shared.last(), line.last() / 3.0);
            assert!((1..planned).all(|l| shared.level(l) < line.level(l)));
        }
    }

    #[test]
    fn a_pass_shares_five_per_cent_among_at_most_four_looks() {
        for (planned, tail) in [(0, 0.05), (1, 0.05), (2, 0.025), (4, 0.0125), (12, 0.0125)] {
            assert!((pass_tail(planned) - tail).abs() < 1e-15);
        }
    }
}
