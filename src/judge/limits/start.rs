//! Limits on what has one value per start and no model of how it varies: how long the server takes
//! to be ready, and what the GPUs did.
//!
//! METHOD has no rule for them, so the plainest one holds: two starts or more, all on one side of
//! the limit. Not here: measuring them.

use crate::config::Bound;
use crate::judge::limits::{Judged, LimitInput, Ruling, beyond};
use crate::judge::reason::LimitGap;
use crate::measure::stats::median;
use crate::metric::Metric;

/// Whether this rule is the metric's.
pub fn covers(metric: Metric) -> bool {
    metric == Metric::ServerStart || Metric::GPU.contains(&metric)
}

pub fn judge(input: &LimitInput<'_>, metric: Metric, bound: Bound) -> Ruling {
    if metric == Metric::ServerStart {
        return by_start(input.ready_ms, bound).ok_or(LimitGap::NotStartedHere);
    }
    let of_all: Option<Vec<f64>> =
        input.gpu.iter().map(|start| start.get(&metric).copied()).collect();
    let judged = of_all.and_then(|starts| by_start(&starts, bound));
    judged.ok_or(LimitGap::NoGpu)
}

/// The median of the starts; the interval is from the least of them to the largest.
fn by_start(starts: &[f64], bound: Bound) -> Option<Judged> {
    let value = median(starts)?;
    let interval =
        starts.iter().fold((f64::INFINITY, 0.0_f64), |(low, high), x| (low.min(*x), high.max(*x)));
    let over = starts.iter().filter(|x| beyond(bound, **x)).count();
    let several = starts.len() >= 2;
    Some(Judged {
        value,
        interval,
        breached: several && over == starts.len(),
        met: several && over == 0,
        met_by_value: over == 0,
    })
}
