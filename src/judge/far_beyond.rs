//! What no plausible noise explains: METHOD's first-look rule, and the prior that stands in where a
//! history is too short for it.
//!
//! Shared by both modes. Not here: any rule that needs a known noise (`interleaved`, `other_day`).

use crate::judge::estimate::{Estimate, Finding, Levels, Sides, Tested};
use crate::judge::{Check, MetricReason, Policy, Thresholds, all_hold};
use crate::metric::{Metric, Stat, Timing};

/// Significance of the first-look rule (docs/METHODOLOGY.md#first-look).
pub const ALPHA: f64 = 1e-4;
/// Smallest difference (log) that the rule calls obvious.
pub const SMALLEST: f64 = 0.15;
/// Degrees of freedom below which the rule reckons with the prior.
pub const ENOUGH_DF: f64 = 4.0;
/// Standard deviation of a start that is assumed where it is not known, a fraction.
const PRIOR_SD: f64 = 0.025;
const PRIOR_DF: f64 = 4.0;

/// A test against the prior, or of the first look.
#[derive(Clone, Debug, PartialEq)]
pub struct PriorTest {
    /// Standard deviation of a start that was assumed.
    pub sd: f64,
    /// Starts that were counted: baseline, candidate.
    pub starts: (f64, f64),
    pub tested: Tested,
    pub checks: Vec<Check>,
}

/// METHOD's first-look rule: TPOT, E2E or throughput, p <= 1e-4 and a difference of 0.15 (log) or
/// more.
pub fn checks(t: &Thresholds, estimate: &Estimate, policy: &Policy) -> Vec<Check> {
    let significant = estimate.p_beyond(t.d_neg).is_some_and(|p| p <= policy.level(ALPHA));
    vec![
        Check {
            formula: "metric is tpot_geomean, e2e_geomean or output_token_rate",
            holds: speaks_of_the_whole_engine(t.metric),
        },
        Check { formula: "p <= 1e-4 / workloads", holds: significant },
        Check {
            formula: "D >= max(D_min, 0.15)",
            holds: estimate.difference >= t.d_min.max(SMALLEST),
        },
    ]
}

pub const fn speaks_of_the_whole_engine(metric: Metric) -> bool {
    matches!(
        metric,
        Metric::OutputTokenRate | Metric::Timing(Timing::Tpot | Timing::E2e, Stat::Geomean)
    )
}

/// A difference against the prior; open, with `reason`, where the rule does not convict.
///
/// Prior: sd 2.5 % per start with 4 degrees of freedom, se = 0.025 sqrt(1/c + 1/b) for c and b
/// starts of candidate and baseline (`starts` is baseline, candidate). Where some variance is known
/// (fewer than 4 degrees of freedom) and it is larger, it counts. Starts of one session share
/// machine and day, so the true se is larger, up to a session's own spread; at most three starts
/// per session are counted for that reason, and the t quantile of 4 degrees of freedom (13.0,
/// against 3.7 of a normal) leaves the room. With one start on each side a difference of 0.47 (60 %
/// slower) is a hit, with five sessions of three starts and a job of three 0.21: more than four
/// standard errors even where single sessions spread by 3.6 % (METHOD's noisy machine: 1.9 % per
/// start, 3 % per GPU).
pub fn judge(
    t: &Thresholds,
    sides: Sides,
    difference: f64,
    starts: (f64, f64),
    known: Option<f64>,
    policy: &Policy,
    reason: MetricReason,
) -> (Finding, Option<PriorTest>) {
    let open = Finding::open(t, sides, difference, reason);
    if !speaks_of_the_whole_engine(t.metric) {
        return (open, None);
    }
    let sd = prior_sd(known);
    let estimate = estimate(difference, sd, starts);
    let checks = checks(t, &estimate, policy);
    let hit = all_hold(&checks);
    // Nothing is proven against a prior: no bound has a tail of 0.
    let levels = Levels { alpha: policy.level(ALPHA), pass_tail: 0.0 };
    let tested = Tested::test(&raised(t), &estimate, levels);
    let mut found = Finding::tested(sides, &tested, hit);
    found.row.d_min = t.d_min;
    found.row.noise = Some(sd);
    if !hit {
        found.row.judgement = open.row.judgement;
        found.row.reason = open.row.reason;
        found.worry = false;
    }
    (found, Some(PriorTest { sd, starts, tested, checks }))
}

/// MDE95 of the rule, by an estimate whose noise is known or else by the prior; none of metrics
/// that it does not look at.
pub fn reach(
    t: &Thresholds,
    own: Option<Estimate>,
    starts: (f64, f64),
    known: Option<f64>,
    policy: &Policy,
) -> Option<f64> {
    let estimate = own.unwrap_or_else(|| estimate(0.0, prior_sd(known), starts));
    let speaks = speaks_of_the_whole_engine(t.metric) && estimate.se.is_finite();
    speaks.then(|| estimate.mde(policy.level(ALPHA), raised(t).d_min, t.d_neg)).flatten()
}

pub fn prior_sd(known: Option<f64>) -> f64 {
    known.map_or(PRIOR_SD, |variance| variance.sqrt().max(PRIOR_SD))
}

fn estimate(difference: f64, sd: f64, (baseline, candidate): (f64, f64)) -> Estimate {
    Estimate { difference, se: sd * (1.0 / candidate + 1.0 / baseline).sqrt(), df: PRIOR_DF }
}

/// The rule convicts from 0.15 on, whatever smaller change the team cares about.
fn raised(t: &Thresholds) -> Thresholds {
    Thresholds { d_min: t.d_min.max(SMALLEST), ..*t }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Mode;

    fn hit(difference: f64, starts: (f64, f64), known: Option<f64>) -> bool {
        let policy = Policy::default();
        let t = policy
            .thresholds(Metric::OutputTokenRate, Mode::OtherDay)
            .expect("a metric of the method");
        judge(
            &t,
            Sides { baseline: None, candidate: None },
            difference,
            starts,
            known,
            &policy,
            MetricReason::TooFewSessions,
        )
        .0
        .hit
    }

    /// The figures of the documentation.
    #[test]
    fn one_start_convicts_from_047_and_fifteen_from_021() {
        assert!(!hit(0.46, (1.0, 1.0), None) && hit(0.47, (1.0, 1.0), None));
        assert!(!hit(0.20, (15.0, 3.0), None) && hit(0.22, (15.0, 3.0), None));
    }

    #[test]
    fn a_larger_known_noise_counts_and_a_smaller_one_does_not() {
        assert!(!hit(0.47, (1.0, 1.0), Some(0.01)));
        assert!(hit(0.47, (1.0, 1.0), Some(1e-6)) && !hit(0.46, (1.0, 1.0), Some(1e-6)));
    }
}
