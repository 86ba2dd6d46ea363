//! Limits on how long the server takes to be ready: one value per start, and no model of how they vary.
//!
//! METHOD has no rule for it, so the plainest one holds: two starts or more, all on one side of the limit. Not here: measuring it.

use crate::config::Bound;
use crate::judge::limits::{Judged, LimitInput, Ruling, beyond};
use crate::measure::stats::median;

/// The interval is from the quickest start to the slowest.
pub fn judge(input: &LimitInput<'_>, bound: Bound) -> Ruling {
    let starts = input.ready_ms;
    let Some(value) = median(starts) else { return Err("the gate did not start the server".into()) };
    let interval = starts.iter().fold((f64::INFINITY, 0.0_f64), |(low, high), x| (low.min(*x), high.max(*x)));
    let late = starts.iter().filter(|x| beyond(bound, **x)).count();
    let several = starts.len() >= 2;
    Ok(Judged { value, interval, breached: several && late == starts.len(), met: several && late == 0, met_by_value: late == 0 })
}
