//! How often each chunk gap occurred, in whole microseconds: exact, so that the percentile over
//! several machines is that of all gaps together. Gaps are of some ten thousand different lengths
//! at most, however many there are.
//!
//! Not here: the histogram that is stored of every round (`histogram`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Ascending lengths, and how many gaps are so long.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GapCounts {
    /// Microseconds.
    pub us: Vec<u64>,
    pub count: Vec<u64>,
}

impl GapCounts {
    /// Ascending, each length once, and as many counts as lengths. One from outside may lie.
    pub fn is_sound(&self) -> bool {
        self.us.len() == self.count.len() && self.us.is_sorted_by(|a, b| a < b)
    }

    pub fn len(&self) -> u64 {
        self.count.iter().fold(0, |sum, n| sum.saturating_add(*n))
    }

    /// Of all of them together.
    pub fn sum<'a>(all: impl IntoIterator<Item = &'a Self>) -> Self {
        let each = |gaps: &'a Self| gaps.us.iter().copied().zip(gaps.count.iter().copied());
        let mut all: Vec<(u64, u64)> = all.into_iter().flat_map(each).collect();
        all.sort_unstable();
        let mut sum = Self::default();
        for run in all.chunk_by(|a, b| a.0 == b.0) {
            sum.us.push(run[0].0);
            sum.count.push(run.iter().fold(0, |n, (_, more)| n.saturating_add(*more)));
        }
        sum
    }

    /// As `stats::percentile`, milliseconds; `q` from 0 to 1. None where there is no gap.
    pub fn percentile_ms(&self, q: f64) -> Option<f64> {
        let last = self.len().checked_sub(1)?;
        let h = last as f64 * q.clamp(0.0, 1.0);
        // Both are in range: `h` is at most `last`.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank")]
        let below = h.floor() as u64;
        let (low, high) = (self.at(below)?, self.at((below + 1).min(last))?);
        Some(low + (h - below as f64) * (high - low))
    }

    /// The gap of this rank, milliseconds.
    fn at(&self, rank: u64) -> Option<f64> {
        let mut before = 0_u64;
        self.us.iter().zip(&self.count).find_map(|(us, n)| {
            before += n;
            (rank < before).then_some(*us as f64 / 1e3)
        })
    }
}

impl FromIterator<u64> for GapCounts {
    /// Of gaps in microseconds.
    fn from_iter<I: IntoIterator<Item = u64>>(gaps: I) -> Self {
        let mut all: Vec<u64> = gaps.into_iter().collect();
        all.sort_unstable();
        let mut counts = Self::default();
        for run in all.chunk_by(|a, b| a == b) {
            counts.us.push(run[0]);
            counts.count.push(run.len() as u64);
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::measure::stats;

    proptest! {
        #[test]
        fn a_percentile_over_parts_is_that_of_all_together(
            parts in proptest::collection::vec(proptest::collection::vec(0_u64..5_000, 0..80), 1..5),
            q in 0.0..1.0_f64,
        ) {
            let each: Vec<GapCounts> =
                parts.iter().map(|gaps| gaps.iter().copied().collect()).collect();
            let sum = GapCounts::sum(&each);
            prop_assert!(sum.is_sound());
            let all: Vec<f64> = parts.iter().flatten().map(|us| *us as f64 / 1e3).collect();
            prop_assert_eq!(sum.len(), all.len() as u64);
            prop_assert_eq!(sum.percentile_ms(q), stats::percentile(&all, q));
        }
    }
}
