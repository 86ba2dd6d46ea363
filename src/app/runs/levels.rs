//! Where the level of a series moved, found once for each series: looking is slow, and the same
//! series is shown again and again. Not here: how it is found (`measure::change_points`).

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::measure::change_points::{ChangePoint, change_points};
use crate::report::history::scaled;

/// Series that are remembered: those of many workloads, and bounded.
const MOST: usize = 1024;

/// What was found, by the bits of the values.
#[derive(Debug, Default)]
pub struct Levels(Mutex<BTreeMap<Vec<u64>, Vec<ChangePoint>>>);

impl Levels {
    /// The change points of a series, in order.
    pub fn moved(&self, values: &[f64]) -> Vec<ChangePoint> {
        let key: Vec<u64> = values.iter().map(|value| value.to_bits()).collect();
        // A cache that a panic has left is as good as before.
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known().get(&key) {
            return found.clone();
        }
        let found = change_points(&scaled(values));
        let mut all = known();
        if all.len() >= MOST {
            all.clear();
        }
        all.insert(key, found.clone());
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_is_looked_at_once_and_the_memory_is_bounded() {
        let levels = Levels::default();
        let series: Vec<f64> =
            (0..16).map(|i| if i < 8 { 10.0 } else { 15.0 } + f64::from(i % 3) / 10.0).collect();
        let found = levels.moved(&series);
        assert_eq!(found.iter().map(|change| change.at).collect::<Vec<_>>(), [8]);
        assert_eq!(levels.moved(&series), found);
        for i in 0..=MOST {
            levels.moved(&[i as f64]);
        }
        assert!(levels.0.lock().expect("sound").len() <= MOST);
    }
}
