//! A guard in one job (METHOD-2 section 7): when it convicts without a second one, and in words why it does not.
//!
//! "Every start" keeps one disturbed start from looking like a bad tail: without it false alarms rise by 1.6 points on noisy machines.

use std::fmt;

use crate::judge::estimate::Tested;
use crate::judge::{Check, all_hold, text};
use crate::metric::Metric;

/// Phi(-4.0).
pub const ALPHA: f64 = 3.167_124_183_312e-5;
/// The estimate must be this many times the minimum relevant change.
pub const TIMES: f64 = 2.0;
/// A job of fewer starts cannot convict by a guard.
pub const FEWEST_STARTS: usize = 2;

/// Why a guard that looks worse does not convict.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unconvicted {
    /// The job has one start.
    OneStart,
    /// Below what one job convicts by; a fraction.
    Small { metric: Metric, least: f64 },
    /// Some start is not worse by this fraction.
    Uneven { metric: Metric, least: f64 },
    /// Within what the sessions differ by.
    Unsure,
}

/// `starts`: each start of the job less the sessions' mean.
pub fn checks(tested: &Tested, starts: &[f64]) -> Vec<Check> {
    let t = &tested.thresholds;
    vec![
        Check { formula: "a guard alone: two starts or more in the job", holds: starts.len() >= FEWEST_STARTS },
        Check { formula: "p <= alpha", holds: tested.significant() },
        Check { formula: "a guard alone: D >= 2 D_min", holds: tested.estimate.difference >= TIMES * t.d_min },
        Check { formula: "a guard alone: each start - mean h >= D_min", holds: starts.iter().all(|d| *d >= t.d_min) },
    ]
}

/// None where it convicts.
pub fn unconvicted(tested: &Tested, starts: &[f64]) -> Option<Unconvicted> {
    let checks = checks(tested, starts);
    let t = &tested.thresholds;
    let fails = |at: usize| checks.get(at).is_some_and(|c| !c.holds);
    match () {
        () if all_hold(&checks) => None,
        () if fails(0) => Some(Unconvicted::OneStart),
        () if fails(2) => Some(Unconvicted::Small { metric: t.metric, least: TIMES * t.d_min }),
        () if fails(3) => Some(Unconvicted::Uneven { metric: t.metric, least: t.d_min }),
        () => Some(Unconvicted::Unsure),
    }
}

impl fmt::Display for Unconvicted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OneStart => f.write_str(
                "looks worse, not proven: a job of one start cannot convict by this metric; measure two starts or more (gate.starts)",
            ),
            Self::Small { metric, least } => write!(
                f,
                "looks worse, not proven: one job convicts by this metric from {} on; measure a second job (--with)",
                text::size(*metric, *least)
            ),
            Self::Uneven { metric, least } => write!(
                f,
                "looks worse, not proven: not every start is worse by {}; measure a second job (--with)",
                text::size(*metric, *least)
            ),
            Self::Unsure => f.write_str(
                "looks worse, not proven: the baseline's sessions differ too much for one job to convict by this metric; measure a second job (--with)",
            ),
        }
    }
}
