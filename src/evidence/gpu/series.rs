//! Samples in lanes of one second, for a page that shows a round over time. Not here: sums over the
//! round (`summary`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Sample, Window};
use crate::measure::stats::mean;

/// Means over each second of the round, from its begin; absent where a second has no value. Empty
/// where the whole round has none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Series {
    pub utilisation_ratio: Vec<Option<f64>>,
    pub power_w: Vec<Option<f64>>,
    pub sm_clock_mhz: Vec<Option<f64>>,
    /// Older records do not have it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub memory_clock_mhz: Vec<Option<f64>>,
    pub temperature_c: Vec<Option<f64>>,
    pub memory_bytes: Vec<Option<f64>>,
}

const SECOND_NS: u64 = 1_000_000_000;
/// A day: a window longer than this is a clock gone wrong.
const MOST_SECONDS: u64 = 24 * 3600;

pub fn by_second(samples: &[&Sample], window: Window) -> Series {
    let lane = |value: fn(&Sample) -> Option<f64>| lane(samples, window, value);
    Series {
        utilisation_ratio: lane(|s| s.utilisation),
        power_w: lane(|s| s.power_w),
        sm_clock_mhz: lane(|s| s.sm_clock_mhz.map(f64::from)),
        memory_clock_mhz: lane(|s| s.memory_clock_mhz.map(f64::from)),
        temperature_c: lane(|s| s.temperature_c.map(f64::from)),
        memory_bytes: lane(|s| s.memory_used_bytes.map(|b| b as f64)),
    }
}

fn lane(
    samples: &[&Sample],
    window: Window,
    value: fn(&Sample) -> Option<f64>,
) -> Vec<Option<f64>> {
    if samples.iter().all(|s| value(s).is_none()) {
        return Vec::new();
    }
    let seconds =
        window.end_ns.saturating_sub(window.begin_ns).div_ceil(SECOND_NS).min(MOST_SECONDS);
    let within = |second: u64| {
        let mine = samples
            .iter()
            .filter(move |s| s.at_ns.saturating_sub(window.begin_ns) / SECOND_NS == second);
        mean(&mine.filter_map(|s| value(s)).collect::<Vec<f64>>())
    };
    (0..seconds).map(|second| within(second).map(rounded)).collect()
}

/// Six significant digits are more than any sensor has, and keep a record small.
fn rounded(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}
