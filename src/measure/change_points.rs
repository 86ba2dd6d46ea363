//! Where the level of a series moved: E-divisive (Matteson and James 2014, "A Nonparametric
//! Approach for Multiple Change Point Analysis of Multivariate Data", JASA 109:334-345; for
//! benchmarks: Daly et al. 2020, ICPE), with a permutation test that is the same every time.
//!
//! For looking back only: no verdict comes from here (`judge`).

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// A level that begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChangePoint {
    /// Index of the first value of the new level.
    pub at: usize,
    /// Of the permutation test: share of shuffled series that split as well as this one.
    pub p: f64,
}

/// Fewer values are no level.
const SHORTEST: usize = 3;
/// The smallest p that they allow is 1/500.
const PERMUTATIONS: u32 = 499;
const LEVEL: f64 = 0.01;
/// Any will do, as long as it stays.
const SEED: u64 = 2014;

/// Change points of a series, in order. Finite values; of a series that is not, none is found.
pub fn change_points(series: &[f64]) -> Vec<ChangePoint> {
    let mut found: Vec<ChangePoint> = Vec::new();
    if series.iter().any(|x| !x.is_finite()) {
        return found;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    loop {
        let segments = segments(series.len(), &found);
        let Some((at, strength)) = best(series, &segments) else { return found };
        let mut shuffled = series.to_vec();
        let mut as_good = 0_u32;
        for _ in 0..PERMUTATIONS {
            for &(from, to) in &segments {
                shuffle(&mut shuffled[from..to], &mut rng);
            }
            as_good +=
                u32::from(best(&shuffled, &segments).is_some_and(|(_, other)| other >= strength));
        }
        let p = f64::from(as_good + 1) / f64::from(PERMUTATIONS + 1);
        if p > LEVEL {
            return found;
        }
        found.push(ChangePoint { at, p });
        found.sort_by_key(|c| c.at);
    }
}

/// From and to of each level.
fn segments(length: usize, found: &[ChangePoint]) -> Vec<(usize, usize)> {
    let inner = found.iter().map(|c| c.at);
    let starts = std::iter::once(0).chain(inner.clone());
    starts.zip(inner.chain([length])).collect()
}

/// The best split over all segments, and its strength. Every end of the second part is tried, as
/// the paper does: a level that goes up and comes back would hide in the rest of its segment.
fn best(series: &[f64], segments: &[(usize, usize)]) -> Option<(usize, f64)> {
    let ends = segments.iter().flat_map(|&(from, to)| (from + 1..=to).map(move |end| (from, end)));
    let each = ends.filter_map(|(from, end)| {
        let (at, strength) = split(&series[from..end])?;
        Some((from + at, strength))
    });
    each.max_by(|a, b| a.1.total_cmp(&b.1))
}

/// The split of a stretch with the largest scaled energy distance between its parts. Steps through
/// the splits, moving one value at a time, so that it is quadratic and not cubic.
fn split(values: &[f64]) -> Option<(usize, f64)> {
    let n = values.len();
    if n < 2 * SHORTEST {
        return None;
    }
    let to = |x: f64, others: &[f64]| others.iter().map(|y| (x - y).abs()).sum::<f64>();
    let total: f64 = values.iter().enumerate().map(|(i, x)| to(*x, &values[..i])).sum();
    let (mut left, mut right) = (0.0, total);
    let mut best = None;
    for (i, x) in values.iter().enumerate().take(n - SHORTEST) {
        left += to(*x, &values[..i]);
        right -= to(*x, &values[i + 1..]);
        let (m, k) = ((i + 1) as f64, (n - i - 1) as f64);
        if i + 1 < SHORTEST {
            continue;
        }
        let within = |sum: f64, count: f64| sum / (count * (count - 1.0) / 2.0);
        let distance = 2.0 * (total - left - right) / (m * k) - within(left, m) - within(right, k);
        let strength = m * k / (m + k) * distance;
        if strength > 0.0 && best.is_none_or(|(_, so_far)| strength > so_far) {
            best = Some((i + 1, strength));
        }
    }
    best
}

/// Fisher and Yates. The remainder's bias is below 2^-50 for series of this length.
fn shuffle(values: &mut [f64], rng: &mut ChaCha8Rng) {
    for last in (1..values.len()).rev() {
        let other = rng.next_u64() % (last as u64 + 1);
        values.swap(last, usize::try_from(other).unwrap_or(last));
    }
}

#[cfg(test)]
mod tests {
    use super::{change_points, split};

    /// A wobble that repeats with no period that matters, within 1.
    fn noise(i: usize) -> f64 {
        let x = (i as f64 * 12.9898).sin() * 43_758.547;
        x - x.floor()
    }

    #[test]
    fn a_level_that_moves_is_found_where_it_moves() {
        let series: Vec<f64> =
            (0..30).map(|i| noise(i) + if i >= 18 { 5.0 } else { 0.0 }).collect();
        let found = change_points(&series);
        assert_eq!(found.iter().map(|c| c.at).collect::<Vec<_>>(), [18]);
        assert!(found[0].p <= 0.01);
        assert_eq!(change_points(&series), found, "the same every time");
    }

    #[test]
    fn two_moves_are_two_and_none_is_none() {
        let level = |i: usize| if (10..22).contains(&i) { 4.0 } else { 0.0 };
        let series: Vec<f64> = (0..34).map(|i| noise(i) + level(i)).collect();
        assert_eq!(change_points(&series).iter().map(|c| c.at).collect::<Vec<_>>(), [10, 22]);
        let still: Vec<f64> = (0..40).map(noise).collect();
        assert_eq!(change_points(&still), []);
        assert_eq!(change_points(&[1.0; 30]), []);
    }

    #[test]
    fn too_few_or_odd_values_say_nothing() {
        assert_eq!(change_points(&[]), []);
        assert_eq!(change_points(&[1.0, 1.0, 9.0, 9.0, 9.0]), []);
        assert_eq!(change_points(&[1.0, f64::NAN, 9.0, 9.0, 9.0, 9.0, 9.0]), []);
    }

    /// By hand: parts {0,0,0} and {3,3,3}: between 2*3, within 0, times 9/6.
    #[test]
    fn the_strength_is_the_papers() {
        assert_eq!(split(&[0.0, 0.0, 0.0, 3.0, 3.0, 3.0]), Some((3, 9.0)));
    }
}
