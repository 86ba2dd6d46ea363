//! Named sub-streams of one seed: what is drawn for one purpose never shifts what is drawn for
//! another.
//!
//! Not here: what is drawn. Everything is portable: integers of fixed width in little-endian order,
//! no word-sized draws.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use sha2::{Digest as _, Sha256};

/// Names the derivation, so that a change of it is a change of every plan and never a silent one.
const DOMAIN: &[u8] = b"goodput-gate seed v1";

/// A seed for a narrower use, below 2^53 so that it survives JSON readers that keep numbers as
/// doubles.
pub fn child(seed: u64, purpose: &str, indices: &[u64]) -> u64 {
    let hash = derive(seed, purpose, indices);
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    u64::from_le_bytes(first) >> 11
}

/// The sub-stream of `seed` for `purpose`. `ChaCha8Rng` and not `StdRng`, which may change between
/// releases.
pub fn stream(seed: u64, purpose: &str, indices: &[u64]) -> ChaCha8Rng {
    ChaCha8Rng::from_seed(derive(seed, purpose, indices))
}

/// A number below `n` by multiply and shift (Lemire 2019, without the rejection step: for the few
/// hundred sentences that are drawn here the bias is below one in ten million, and one draw per
/// number keeps the stream's use predictable).
pub fn below(rng: &mut ChaCha8Rng, n: u32) -> u32 {
    let scaled = (u64::from(rng.next_u32()) * u64::from(n)) >> 32;
    u32::try_from(scaled).expect("a product of two 32-bit numbers, shifted by 32, has 32 bits")
}

/// Lengths lead each part, so that no two different inputs are the same bytes.
fn derive(seed: u64, purpose: &str, indices: &[u64]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(DOMAIN);
    hash.update(seed.to_le_bytes());
    hash.update((purpose.len() as u64).to_le_bytes());
    hash.update(purpose.as_bytes());
    hash.update((indices.len() as u64).to_le_bytes());
    for index in indices {
        hash.update(index.to_le_bytes());
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_by_seed_purpose_and_index() {
        let first = |seed, purpose, indices: &[u64]| stream(seed, purpose, indices).next_u64();
        let values = [
            first(1, "a", &[]),
            first(2, "a", &[]),
            first(1, "b", &[]),
            first(1, "a", &[0]),
            first(1, "a", &[1]),
            first(1, "a", &[0, 0]),
        ];
        for (i, a) in values.iter().enumerate() {
            assert!(values[i + 1..].iter().all(|b| a != b));
        }
        assert_eq!(first(1, "a", &[1]), values[4]);
    }

    #[test]
    fn the_derivation_is_pinned() {
        assert_eq!(child(42, "round", &[0]), PINNED_CHILD);
        assert_eq!(stream(42, "prompt", &[7]).next_u32(), PINNED_DRAW);
    }

    const PINNED_CHILD: u64 = 221_948_816_948_338;
    const PINNED_DRAW: u32 = 4_216_902_976;

    #[test]
    fn draws_stay_below_their_bound_and_reach_all_of_it() {
        let mut rng = stream(3, "below", &[]);
        let mut seen = [0u32; 7];
        for _ in 0..7000 {
            seen[below(&mut rng, 7) as usize] += 1;
        }
        assert!(seen.iter().all(|&n| (800..1200).contains(&n)), "{seen:?}");
    }
}
