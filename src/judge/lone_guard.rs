//! A guard in one job (docs/METHODOLOGY.md#guard-alone): when it convicts without a second one, and
//! why it does not.
//!
//! "Every start" keeps one disturbed start from looking like a bad tail: without it false alarms
//! rise by 1.6 points on noisy machines.

use crate::judge::estimate::Tested;
use crate::judge::{Check, MetricReason, all_hold};

/// The estimate must be this many times the minimum relevant change.
pub const TIMES: f64 = 2.0;
/// A job of fewer starts cannot convict by a guard.
pub const FEWEST_STARTS: usize = 2;

/// `starts`: each start of the job less the sessions' mean.
pub fn checks(tested: &Tested, starts: &[f64]) -> Vec<Check> {
    let t = &tested.thresholds;
    vec![
        Check {
            formula: "a guard alone: two starts or more in the job",
            holds: starts.len() >= FEWEST_STARTS,
        },
        Check { formula: "a guard alone: p <= Phi(-4.0)", holds: tested.significant() },
        Check {
            formula: "a guard alone: D >= 2 D_min",
            holds: tested.estimate.difference >= TIMES * t.alone,
        },
        Check {
            formula: "a guard alone: each start - mean h >= D_min",
            holds: starts.iter().all(|d| *d >= t.alone),
        },
    ]
}

/// Why a guard that looks worse does not convict; none where it does.
pub fn unconvicted(tested: &Tested, starts: &[f64]) -> Option<MetricReason> {
    let checks = checks(tested, starts);
    let t = &tested.thresholds;
    let fails = |at: usize| checks.get(at).is_some_and(|c| !c.holds);
    match () {
        () if all_hold(&checks) => None,
        () if fails(0) => Some(MetricReason::OneStart),
        () if fails(2) => {
            Some(MetricReason::BelowOneJob { metric: t.metric, least: TIMES * t.alone })
        }
        () if fails(3) => Some(MetricReason::NotInEveryStart { metric: t.metric, least: t.alone }),
        () => Some(MetricReason::SessionsDifferTooMuch),
    }
}
