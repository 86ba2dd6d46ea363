//! How many replicas a load needs, from the limit of one: arithmetic only. It assumes that a fair
//! balancer stands before them, and that no two share a prefix cache. Not here: whether the limit
//! is of that traffic (`app::recommend`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Limit;

/// What must be held.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Demand {
    /// Per second, or in flight, as the limit.
    pub peak: f64,
    /// Share on top of the peak.
    pub headroom: f64,
    /// Replicas that may be away.
    pub spare: u32,
}

/// How many are needed: at the limit itself, and at the ends of its interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Replicas {
    /// Where the limit is as high as it may be.
    pub least: u32,
    pub expected: u32,
    /// Where it is as low as it may be: what is safe.
    pub most: u32,
}

/// More than anybody has is a slip of the keyboard, and no count.
const MOST: f64 = 1e6;

impl Demand {
    /// Peak with headroom.
    pub fn load(&self) -> f64 {
        self.peak * (1.0 + self.headroom)
    }

    /// None where the load is no finite number above 0, or needs more than a million.
    pub fn replicas(&self, limit: &Limit) -> Option<Replicas> {
        let count = |each: f64| {
            // A load that is a whole multiple of the limit is held by as many.
            let needed = (self.load() / each - 1e-9).ceil().max(1.0);
            let fits = needed.is_finite() && needed <= MOST && each > 0.0 && self.peak > 0.0;
            fits.then(|| super::floor(needed))
                .and_then(|n| u32::try_from(n).ok())
                .and_then(|n| n.checked_add(self.spare))
        };
        Some(Replicas {
            least: count(limit.high)?,
            expected: count(limit.at)?,
            most: count(limit.low)?,
        })
    }

    /// The peak from which on so many replicas, the spare ones among them, are too few.
    pub fn add_one_at(&self, replicas: u32, limit: &Limit) -> f64 {
        f64::from(replicas.saturating_sub(self.spare)) * limit.low / (1.0 + self.headroom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit { at: 12.4, low: 11.9, high: 12.8 };

    #[test]
    fn replicas_are_a_range_from_the_limits_interval() {
        let demand = Demand { peak: 40.0, headroom: 0.2, spare: 0 };
        // 48 / 12.8 = 3.75, 48 / 12.4 = 3.87, 48 / 11.9 = 4.03.
        let needed = demand.replicas(&LIMIT).expect("a load");
        assert_eq!(needed, Replicas { least: 4, expected: 4, most: 5 });
        let spare = Demand { spare: 1, ..demand }.replicas(&LIMIT).expect("a load");
        assert_eq!(spare, Replicas { least: 5, expected: 5, most: 6 });
        assert!((demand.add_one_at(5, &LIMIT) - 5.0 * 11.9 / 1.2).abs() < 1e-9);
    }

    #[test]
    fn what_is_no_load_needs_no_count() {
        for peak in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e12] {
            assert_eq!(Demand { peak, headroom: 0.0, spare: 0 }.replicas(&LIMIT), None);
        }
        let whole = Limit { at: 100.0, low: 100.0, high: 100.0 };
        let five = Demand { peak: 500.0, headroom: 0.0, spare: 0 }.replicas(&whole);
        assert_eq!(five.map(|n| n.expected), Some(5), "a whole multiple");
    }
}
