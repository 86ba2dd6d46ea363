//! A plan of a load with what earlier runs of unchanged code have left of it. Not here: how it is
//! made (`scenes`), what is played on it (`gate`, `day`).

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::loads::Load;
use crate::config::sim::{Knobs, Noise};
use crate::judge::{PastRun, Session};

/// A plan with its past.
#[derive(Debug)]
pub struct Scene {
    pub load: Load,
    /// Finished interleaved runs of three starts on each side.
    pub runs: Vec<PastRun>,
    /// Sessions of one side, each of a day and a machine of its own.
    pub sessions: Vec<Session>,
}

/// A machine on a day: what both sides of a gate have in common.
pub fn machine(knobs: &Knobs, noise: Noise, rng: &mut ChaCha8Rng) -> Knobs {
    let (gpu_seed, day_seed) = (Some(rng.random()), Some(rng.random()));
    Knobs { noise, gpu_seed, day_seed, ..knobs.clone() }
}

/// `count` different ones, in the order in which they are there; all where there are fewer.
pub fn drawn<T: Clone>(pool: &[T], count: usize, rng: &mut ChaCha8Rng) -> Vec<T> {
    // Selection sampling (Knuth, TAOCP 2, 3.4.2, algorithm S).
    let mut wanted = count;
    let chosen = pool.iter().enumerate().filter(|(i, _)| {
        let take = rng.random_range(0..pool.len() - i) < wanted;
        wanted -= usize::from(take);
        take
    });
    chosen.map(|(_, item)| item.clone()).collect()
}
