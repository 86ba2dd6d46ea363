//! Limits on the error rate: a binomial interval that knows that failures come in bursts
//! (docs/ARITHMETIC.md#limit-rules).
//!
//! Not here: comparing two error rates (`judge::errors`).

use crate::judge::dist;
use crate::judge::limits::{Judged, LimitInput, Ruling};
use crate::judge::reason::LimitGap;
use crate::measure::Round;

/// Failures of a run, and how much evidence they are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Failures {
    pub n: u64,
    pub bad: u64,
    /// Mean size of a burst as a failure sees it, 1 to 4: sum of squared run lengths over failures.
    pub clustering: f64,
}

/// A limit on the error rate; 0 speaks about the run itself.
pub fn judge(input: &LimitInput<'_>, max: f64) -> Ruling {
    let failures = Failures::count(input.rounds);
    if failures.n == 0 {
        return Err(LimitGap::NoRequests);
    }
    let (Some(interval), value) = (failures.interval(), failures.bad as f64 / failures.n as f64)
    else {
        return Err(LimitGap::NoInterval);
    };
    // 1 - 0.99 is not 0.01 in binary; a limit that is met exactly is met.
    let max = if max.abs() < 1e-12 { 0.0 } else { max };
    let (breached, met) = if max == 0.0 {
        (failures.bad > 0, failures.bad == 0 && failures.n >= 100)
    } else {
        (interval.0 > max, interval.1 <= max + 1e-12)
    };
    Ok(Judged { value, interval, breached, met, met_by_value: value <= max + 1e-12 })
}

impl Failures {
    pub fn count(rounds: &[Round]) -> Self {
        let (mut n, mut bad, mut squares) = (0, 0, 0);
        for round in rounds {
            let failed: Vec<bool> = round.rows.iter().map(|row| !row.ok).collect();
            n += failed.len() as u64;
            for run in failed.chunk_by(|a, b| a == b).filter(|run| run.first() == Some(&true)) {
                let length = run.len() as u64;
                bad += length;
                squares += length * length;
            }
        }
        let clustering = if bad == 0 { 1.0 } else { (squares as f64 / bad as f64).clamp(1.0, 4.0) };
        Self { n, bad, clustering }
    }

    /// Lower end exceeded with 97.5 %, upper end with 5 %: k = x/d failures of m = n/d.
    /// Clopper-Pearson's beta quantiles.
    pub fn interval(&self) -> Option<(f64, f64)> {
        let (k, m) = (self.bad as f64 / self.clustering, self.n as f64 / self.clustering);
        let low = if self.bad == 0 { 0.0 } else { dist::beta_quantile(0.025, k, m - k + 1.0)? };
        let high =
            if self.bad == self.n { 1.0 } else { dist::beta_quantile(0.95, k + 1.0, m - k)? };
        Some((low, high))
    }
}
