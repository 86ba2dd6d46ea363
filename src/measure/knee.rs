//! Where a curve of what a server delivers, against what is asked of it, bends. Not here: which
//! curve, or what to say of it (`report::sweep`).
//!
//! Kneedle: V. Satopaa, J. Albrecht, D. Irwin, B. Raghavan, "Finding a 'Kneedle' in a Haystack:
//! Detecting Knee Points in System Behavior", ICDCS Workshops 2011, for concave curves, without
//! smoothing, since each point is a mean over whole rounds already.

/// The paper's S for curves that are known whole: how far the curve must fall behind the straight
/// line after its knee, in mean steps.
const SENSITIVITY: f64 = 1.0;

/// A bend needs points before and behind it, and with fewer the mean step is so wide that only
/// noise would show.
pub const LEAST_POINTS: usize = 4;

/// Index of the first knee of points with ascending x; `None` where the curve has none (it is
/// straight, or bends the other way), where there are fewer than [`LEAST_POINTS`], or where either
/// coordinate does not vary.
pub fn knee(points: &[(f64, f64)]) -> Option<usize> {
    if points.len() < LEAST_POINTS {
        return None;
    }
    let (xs, ys) = (unit(points.iter().map(|p| p.0))?, unit(points.iter().map(|p| p.1))?);
    // How far the curve is above the diagonal.
    let above: Vec<f64> = xs.iter().zip(&ys).map(|(x, y)| y - x).collect();
    let step = 1.0 / (points.len() - 1) as f64;
    let peaks: Vec<usize> = (1..above.len() - 1)
        .filter(|&i| above[i] > 0.0 && above[i] >= above[i - 1] && above[i] > above[i + 1])
        .collect();
    peaks.iter().enumerate().find_map(|(n, &peak)| {
        let next = peaks.get(n + 1).copied().unwrap_or(above.len());
        let threshold = above[peak] - SENSITIVITY * step;
        above[peak + 1..next].iter().any(|&d| d < threshold).then_some(peak)
    })
}

/// Scaled to 0 to 1; `None` where a value is no number, or all are the same.
fn unit(values: impl Iterator<Item = f64> + Clone) -> Option<Vec<f64>> {
    if !values.clone().all(f64::is_finite) {
        return None;
    }
    let (low, high) = (values.clone().reduce(f64::min)?, values.clone().reduce(f64::max)?);
    let span = high - low;
    (span > 0.0).then(|| values.map(|v| (v - low) / span).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A server that does `capacity` at most, and `each` per request in flight.
    fn saturating(levels: &[f64], capacity: f64, each: f64) -> Vec<(f64, f64)> {
        levels.iter().map(|&n| (n, (n * each).min(capacity))).collect()
    }

    const DOUBLING: [f64; 7] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

    #[test]
    fn a_server_that_saturates_has_its_knee_where_it_does() {
        assert_eq!(knee(&saturating(&DOUBLING, 800.0, 100.0)), Some(3));
        let rates: Vec<f64> = (1..=10).map(f64::from).collect();
        assert_eq!(knee(&saturating(&rates, 5.0, 1.0)), Some(4));
    }

    #[test]
    fn goodput_that_collapses_has_its_knee_at_its_best() {
        let curve = [(1.0, 1.0), (2.0, 2.0), (4.0, 4.0), (8.0, 7.6), (12.0, 2.0), (16.0, 0.0)];
        assert_eq!(knee(&curve), Some(3));
    }

    /// The paper's own example, y = -1 / x + 5 at ten points, whose knee it finds at x = 0.22 of
    /// the unit square.
    #[test]
    fn the_papers_curve_has_the_papers_knee() {
        let curve: Vec<(f64, f64)> =
            (0..10).map(|i| f64::from(i) / 9.0).map(|x| (x, -1.0 / (x + 0.1) + 5.0)).collect();
        assert_eq!(knee(&curve), Some(2));
    }

    #[test]
    fn what_does_not_bend_has_no_knee() {
        assert_eq!(knee(&saturating(&DOUBLING, f64::MAX, 100.0)), None);
        let convex: Vec<(f64, f64)> = DOUBLING.iter().map(|&x| (x, x * x)).collect();
        assert_eq!(knee(&convex), None);
        assert_eq!(knee(&DOUBLING.map(|x| (x, 5.0))), None, "flat");
        assert_eq!(knee(&saturating(&DOUBLING[..3], 200.0, 100.0)), None, "too few");
        assert_eq!(knee(&[(1.0, f64::NAN), (2.0, 1.0), (3.0, 2.0), (4.0, 2.0)]), None);
        assert_eq!(knee(&[]), None);
    }

    proptest! {
        #[test]
        fn units_do_not_matter(capacity in 3.0..40.0_f64, kx in 0.1..1000.0_f64, ky in 0.1..1000.0_f64) {
            let curve = saturating(&DOUBLING, capacity, 1.0);
            let scaled: Vec<(f64, f64)> = curve.iter().map(|(x, y)| (x * kx, y * ky)).collect();
            prop_assert_eq!(knee(&scaled), knee(&curve));
        }

        #[test]
        fn a_knee_is_never_an_end(ys in prop::collection::vec(0.0..1e6_f64, 0..12)) {
            let points: Vec<(f64, f64)> = (0_u32..).map(f64::from).zip(ys).collect();
            if let Some(i) = knee(&points) {
                prop_assert!(i > 0 && i + 1 < points.len());
            }
        }
    }
}
