//! An improvement that is too good: cached or cut answers are fast, and no better server. Pure. Not
//! here: whether a change is proven.

use crate::compare::Reason;
use crate::judge::{Comparison, MetricComparison};
use crate::metric::{Class, Orientation};

/// From here on a change for the better is hardly one of the server.
const PLAUSIBLE: f64 = 3.0;

/// The primary metric that improved most, where that is beyond what is plausible.
pub fn too_good(workload: &str, comparison: &Comparison) -> Option<Reason> {
    let primary = comparison.metrics.iter().filter(|m| m.class == Class::Primary);
    let best = primary
        .filter_map(|m| Some((m.metric, times_as_good(m)?)))
        .max_by(|a, b| a.1.total_cmp(&b.1))?;
    (best.1 > PLAUSIBLE).then(|| Reason::TooGood {
        workload: workload.to_owned(),
        metric: best.0,
        times: best.1,
    })
}

fn times_as_good(m: &MetricComparison) -> Option<f64> {
    let ratio = match m.metric.orientation() {
        Orientation::LowerIsBetter => m.baseline? / m.candidate?,
        Orientation::HigherIsBetter => m.candidate? / m.baseline?,
    };
    ratio.is_finite().then_some(ratio)
}
