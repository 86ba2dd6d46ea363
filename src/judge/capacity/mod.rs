//! The highest load that meets the SLOs: which level to measure next, when it is known, and how well.
//!
//! A level is a rate or a number in flight; a round there has so many requests, of which so many are
//! good. Deterministic. Not here: measuring, or what a round's requests must meet
//! (`measure::SloMs`).

mod fit;
pub mod fleet;
mod search;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use fit::fit;
pub use search::{Asked, Refusal, Step, next};

/// Standard deviation of the log of the limit between starts of a typical machine
/// (docs/METHODOLOGY.md#measured), which few rounds cannot tell.
pub const START_SD: f64 = 0.012;

/// One round at one load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    pub start: u32,
    /// What was asked for: requests per second, or in flight.
    pub load: f64,
    /// What the plan came to: its arrivals over its time; in closed loop `load`.
    pub offered: f64,
    /// Requests within every SLO, of those scheduled after the ramp. What was not sent is scheduled.
    pub met: u64,
    pub scheduled: u64,
    /// Requests completed per second, where that bounds what the server can do.
    pub reached: Option<f64>,
}

/// The highest load that meets the goal, with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    pub at: f64,
    pub low: f64,
    pub high: f64,
}

impl Trial {
    pub fn share(&self) -> f64 {
        if self.scheduled == 0 { 0.0 } else { self.met as f64 / self.scheduled as f64 }
    }
}

impl Limit {
    /// The farther end of the interval, as a share of the limit.
    pub fn error(&self) -> f64 {
        (self.high / self.at - 1.0).max(1.0 - self.low / self.at)
    }
}

/// Share of good requests by load, which never rises with the load: pool adjacent violators (Ayer
/// et al. 1955), each round weighing as its requests. Ascending; rounds of one load are one point.
pub fn monotone(trials: &[Trial]) -> Vec<(f64, f64)> {
    let mut sorted: Vec<&Trial> = trials.iter().filter(|t| t.scheduled > 0).collect();
    sorted.sort_by(|a, b| a.load.total_cmp(&b.load));
    // Good requests, all requests, loads.
    let mut pools: Vec<(f64, f64, Vec<f64>)> = Vec::new();
    for trial in sorted {
        let (met, all) = (trial.met as f64, trial.scheduled as f64);
        match pools.last_mut().filter(|(_, _, loads)| loads.last() == Some(&trial.load)) {
            Some(pool) => (pool.0, pool.1) = (pool.0 + met, pool.1 + all),
            None => pools.push((met, all, vec![trial.load])),
        }
    }
    let mut fitted: Vec<(f64, f64, Vec<f64>)> = Vec::new();
    for mut pool in pools {
        while let Some(last) = fitted.pop_if(|last| last.0 / last.1 < pool.0 / pool.1) {
            let loads = last.2.into_iter().chain(pool.2).collect();
            pool = (last.0 + pool.0, last.1 + pool.1, loads);
        }
        fitted.push(pool);
    }
    let points = fitted
        .into_iter()
        .flat_map(|(met, all, loads)| loads.into_iter().map(move |load| (load, met / all)));
    points.collect()
}

/// 0 and above.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "not negative, and the cast saturates"
)]
fn floor(x: f64) -> usize {
    x as usize
}
