//! Prompts as tokens and blocks, and the cache of their prefixes. Pure. Not here: a tokenizer;
//! tokens are a documented estimate.

use std::collections::{BTreeMap, VecDeque};

use crate::config::sim::{self, EngineParams};

/// Characters per block of the prefix cache: 16 tokens of Latin text, vLLM's block size.
const BLOCK_CHARS: usize = 64;
const BLOCK_TOKENS: u32 = 16;

/// One block of a prompt: the hash of all text up to its end, and the tokens up to there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    pub chain: u64,
    pub tokens: u32,
}

/// Tokens of a text: a quarter per character, two thirds per Hangul character, one per other wide
/// character; rounded up.
pub fn count_tokens(text: &str) -> u32 {
    twelfths_to_tokens(text.chars().map(twelfths).sum())
}

/// The full blocks of a prompt, in order.
pub fn blocks(text: &str) -> Vec<Block> {
    let (mut chain, mut weight, mut in_block) = (FNV_OFFSET, 0, 0);
    let mut blocks = Vec::new();
    for c in text.chars() {
        chain = (chain ^ u64::from(c)).wrapping_mul(FNV_PRIME);
        weight += twelfths(c);
        in_block += 1;
        if in_block == BLOCK_CHARS {
            in_block = 0;
            blocks.push(Block { chain, tokens: twelfths_to_tokens(weight) });
        }
    }
    blocks
}

/// Which block chains were computed lately; the longest unused go first.
#[derive(Debug)]
pub struct PrefixCache {
    /// Share of a hit that counts.
    share: f64,
    capacity: usize,
    tick: u64,
    last_use: BTreeMap<u64, u64>,
    /// Uses in order; those that are not a chain's last are stale.
    uses: VecDeque<(u64, u64)>,
}

// FNV-1a, 64 bits (Fowler, Noll, Vo), over characters instead of bytes: a hash that is the same on
// every platform.
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

impl PrefixCache {
    pub fn new(mode: sim::PrefixCache, params: &EngineParams) -> Self {
        let share = match mode {
            sim::PrefixCache::On => params.prefix_hit,
            sim::PrefixCache::Half => params.prefix_hit / 2.0,
            sim::PrefixCache::Off => 0.0,
        };
        let capacity = (params.kv_cap / BLOCK_TOKENS) as usize;
        Self { share, capacity, tick: 0, last_use: BTreeMap::new(), uses: VecDeque::new() }
    }

    /// Tokens of the longest known prefix that need not be computed.
    pub fn hit(&mut self, blocks: &[Block]) -> u32 {
        let known = blocks.iter().take_while(|b| self.last_use.contains_key(&b.chain)).count();
        self.touch(&blocks[..known]);
        blocks[..known].last().map_or(0, |b| share_of(b.tokens, self.share))
    }

    pub fn insert(&mut self, blocks: &[Block]) {
        if self.share > 0.0 {
            self.touch(blocks);
        }
    }

    fn touch(&mut self, blocks: &[Block]) {
        // From the end, so that the beginning, which others share, is dropped last.
        for block in blocks.iter().rev() {
            self.tick += 1;
            self.last_use.insert(block.chain, self.tick);
            self.uses.push_back((block.chain, self.tick));
        }
        while self.last_use.len() > self.capacity {
            let Some((chain, tick)) = self.uses.pop_front() else { break };
            if self.last_use.get(&chain) == Some(&tick) {
                self.last_use.remove(&chain);
            }
        }
        if self.uses.len() > 2 * self.last_use.len() + BLOCK_CHARS {
            let last_use = &self.last_use;
            self.uses.retain(|(chain, tick)| last_use.get(chain) == Some(tick));
        }
    }
}

/// Twelfths of a token, so that sums are exact.
const fn twelfths(c: char) -> u64 {
    match c {
        // Hangul syllables and letters.
        '\u{ac00}'..='\u{d7a3}' | '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}' => 8,
        // Kana, Han and other wide characters, emoji.
        '\u{2e80}'.. => 12,
        _ => 3,
    }
}

fn twelfths_to_tokens(twelfths: u64) -> u32 {
    u32::try_from(twelfths.div_ceil(12)).unwrap_or(u32::MAX)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a u32 is a u32"
)]
fn share_of(tokens: u32, share: f64) -> u32 {
    (f64::from(tokens) * share) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::sim::Knobs;

    fn cache(kv_cap: u32) -> PrefixCache {
        PrefixCache::new(
            sim::PrefixCache::On,
            &EngineParams { kv_cap, prefix_hit: 1.0, ..Knobs::default().engine() },
        )
    }

    #[test]
    fn tokens_by_script() {
        for (text, tokens) in [
            ("", 0),
            ("a", 1),
            ("four", 1),
            ("fours", 2),
            ("안녕하", 2),
            ("안녕하세", 3),
            ("漢字", 2),
            ("ab안", 2),
        ] {
            assert_eq!(count_tokens(text), tokens, "{text}");
        }
    }

    #[test]
    fn only_what_is_the_same_from_the_beginning_hits() {
        let shared = "x".repeat(640);
        let mut cache = cache(16_000);
        cache.insert(&blocks(&format!("{shared}{}", "a".repeat(128))));
        assert_eq!(cache.hit(&blocks(&format!("{shared}{}", "b".repeat(128)))), 160);
        assert_eq!(cache.hit(&blocks(&format!("y{shared}"))), 0);
    }

    #[test]
    fn the_longest_unused_goes_first_and_memory_is_bounded() {
        // Room for ten blocks.
        let mut cache = cache(160);
        let prompt = |c: char| blocks(&c.to_string().repeat(64 * 4));
        cache.insert(&prompt('a'));
        cache.insert(&prompt('b'));
        for _ in 0..1000 {
            assert_eq!(cache.hit(&prompt('a')), 64);
        }
        cache.insert(&prompt('c'));
        assert_eq!((cache.hit(&prompt('a')), cache.hit(&prompt('c'))), (64, 64));
        assert!(cache.hit(&prompt('b')) < 64);
        assert!(cache.last_use.len() <= 10 && cache.uses.len() <= 2 * 10 + BLOCK_CHARS);
    }
}
