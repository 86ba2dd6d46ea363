//! Energy of a window from samples: the GPU's counter, else power integrated by trapezoids; both
//! interpolated at the window's ends.
//!
//! Absent where the samples do not reach over the window: never a part taken for the whole.

use super::{EnergySource, Sample, Window};

/// Samples farther apart than this do not say what lies between them.
const LONGEST_GAP_NS: u64 = 2_000_000_000;

/// Joules, and where they come from.
pub fn joules(samples: &[Sample], window: Window) -> Option<(f64, EnergySource)> {
    let power =
        || integrated(&points(samples, |s| s.power_w), window).map(|j| (j, EnergySource::Power));
    counted(&points(samples, |s| s.energy_j), window)
        .map(|j| (j, EnergySource::Counter))
        .or_else(power)
}

fn points(samples: &[Sample], of: fn(&Sample) -> Option<f64>) -> Vec<(u64, f64)> {
    samples.iter().filter_map(|s| Some((s.at_ns, of(s)?))).collect()
}

/// None where the counter went back: the driver was loaded anew, or another GPU answers.
fn counted(points: &[(u64, f64)], window: Window) -> Option<f64> {
    if points.windows(2).any(|pair| pair[1].1 < pair[0].1) {
        return None;
    }
    Some(at(points, window.end_ns)? - at(points, window.begin_ns)?)
}

/// The trapezoidal rule over the samples inside and the interpolated values at both ends.
fn integrated(points: &[(u64, f64)], window: Window) -> Option<f64> {
    let inside = points.iter().copied().filter(|(t, _)| window.begin_ns < *t && *t < window.end_ns);
    let first = (window.begin_ns, at(points, window.begin_ns)?);
    let last = (window.end_ns, at(points, window.end_ns)?);
    let all: Vec<(u64, f64)> = std::iter::once(first).chain(inside).chain([last]).collect();
    if all.windows(2).any(|pair| pair[1].0 - pair[0].0 > LONGEST_GAP_NS) {
        return None;
    }
    Some(
        all.windows(2)
            .map(|p| (p[1].0 - p[0].0) as f64 / 1e9 * f64::midpoint(p[0].1, p[1].1))
            .sum(),
    )
}

/// The value at an instant, on the line between its neighbours; none outside of what was sampled.
fn at(points: &[(u64, f64)], t: u64) -> Option<f64> {
    let after = points.iter().position(|(at, _)| *at >= t)?;
    let (t1, v1) = points[after];
    if t1 == t {
        return Some(v1);
    }
    let (t0, v0) = *points.get(after.checked_sub(1)?)?;
    (t1 - t0 <= LONGEST_GAP_NS).then(|| v0 + (v1 - v0) * (t - t0) as f64 / (t1 - t0) as f64)
}
