//! Synthetic prompts: sentences of an embedded corpus, drawn by seeded shuffle and cut to an exact
//! number of characters.
//!
//! Not here: request bodies (`protocol`), or any server's tokenizer. The length in tokens is
//! nominal: a fixed number of characters per token and corpus, never adapted to the server, so that
//! the same plan is the same load everywhere. What the server counts is in its `usage` and is
//! reported.
//!
//! Without a shared prefix a prompt is `[SALT-MARKER]`, newline, sentences. With one it is
//! `[SALT]`, newline, shared sentences, newline, `[MARKER]`, newline, the request's own sentences.
//! The salt and the marker lead, so that prefix caches, which match whole leading blocks, find
//! nothing that was not meant to be found.

use super::corpus::{self, Sentences, chars};
use super::{SALT_CHARS, seed};
use crate::config::Prompts;

/// Which prompts: a marker of its own keeps a warm-up prompt from ever equalling a measured one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Warmup,
    /// The short warm-up of a server that waited, right before the round of this number.
    Refresh(u32),
    Round(u32),
}

/// Writes the prompts of one workload.
pub struct Writer<'a> {
    prompts: &'a Prompts,
    salt: &'a str,
    /// The workload's.
    seed: u64,
    sentences: Sentences,
    /// What all requests have in common, at least as long as the longest of them needs.
    shared: String,
}

impl<'a> Writer<'a> {
    /// `seed` is the workload's: the shared text is the same in all rounds and the warm-up.
    /// `longest` is the largest number of nominal tokens that will be asked for.
    pub fn new(prompts: &'a Prompts, salt: &'a str, seed: u64, longest: u32) -> Self {
        let mut sentences = Sentences::new(prompts.corpus);
        let mut shared = String::new();
        if prompts.shared_prefix > 0.0 {
            sentences.write(
                &mut seed::stream(seed, "shared", &[]),
                chars(prompts.corpus, longest),
                &mut shared,
            );
        }
        Self { prompts, salt, seed, sentences, shared }
    }

    /// Replaces `out` by the prompt of request `index`: `chars(corpus, tokens)` characters, or
    /// where these do not hold the salt and the marker (a dozen tokens), as many as those need. It
    /// depends on the arguments, the salt and the workload's `prompts` only.
    pub fn write(
        &mut self,
        round_seed: u64,
        part: Part,
        index: u32,
        tokens: u32,
        out: &mut String,
    ) {
        let wanted = chars(self.prompts.corpus, tokens);
        let marker = part.marker(index);
        out.clear();
        out.push('[');
        out.push_str(self.salt);
        if self.prompts.shared_prefix > 0.0 {
            out.push_str("]\n");
            let room = wanted.saturating_sub(out.len() + marker.len() + "\n[]\n".len());
            let common =
                share_of(wanted, self.prompts.shared_prefix).saturating_sub(out.len()).min(room);
            out.push_str(corpus::prefix(&self.shared, common));
            for piece in ["\n[", &marker, "]\n"] {
                out.push_str(piece);
            }
            let used = self.lead_chars() + common + marker.len() + "\n[]\n".len();
            self.tail(round_seed, index, wanted.saturating_sub(used), out);
        } else {
            for piece in ["-", &marker, "]\n"] {
                out.push_str(piece);
            }
            self.tail(round_seed, index, wanted.saturating_sub(out.len()), out);
        }
    }

    /// Replaces `out` by a prompt that a trace brought along. Its salt is the round's: what the
    /// trace's prompts have in common stays common within a round, and none is known from the round
    /// before.
    pub fn given(&self, part: Part, prompt: &str, out: &mut String) {
        out.clear();
        for piece in ["[", self.salt, "-", &part.name(), "]\n", prompt] {
            out.push_str(piece);
        }
    }

    /// Replaces `out` by a prompt whose text is told by ids, one per block of `size` tokens from
    /// the start: what two lists of ids have in common at their start, the prompts have in common.
    /// As with `given`, within a round. The request's own marker comes last, so that no prompt is
    /// sent twice.
    pub fn blocks(
        &mut self,
        (round_seed, part, index): (u64, Part, u32),
        (ids, size): (&[u64], u32),
        tokens: u32,
        out: &mut String,
    ) {
        let wanted = chars(self.prompts.corpus, tokens);
        let marker = part.marker(index);
        let own = marker.len() + "\n[]\n".len();
        self.given(part, "", out);
        let mut length = out.len();
        for id in ids {
            let here = wanted.saturating_sub(own + length).min(chars(self.prompts.corpus, size));
            self.sentences.write(&mut seed::stream(self.seed, "block", &[*id]), here, out);
            length += here;
        }
        for piece in ["\n[", &marker, "]\n"] {
            out.push_str(piece);
        }
        self.tail(round_seed, index, wanted.saturating_sub(length + own), out);
    }

    /// Replaces `out` by what a user says in a later turn: the history before it is unique already.
    pub fn turn(&mut self, round_seed: u64, index: u32, tokens: u32, out: &mut String) {
        out.clear();
        self.tail(round_seed, index, chars(self.prompts.corpus, tokens), out);
    }

    /// What stands in the history for the answer to request `index`: text of the length that was
    /// asked for.
    pub fn answer(&mut self, round_seed: u64, index: u32, tokens: u32) -> String {
        let mut out = String::new();
        let mut rng = seed::stream(round_seed, "answer", &[u64::from(index)]);
        self.sentences.write(&mut rng, chars(self.prompts.corpus, tokens), &mut out);
        out
    }

    /// Bytes of a prompt of so many nominal tokens, about: for bounds.
    pub fn bytes(&self, tokens: u32) -> u64 {
        (chars(self.prompts.corpus, tokens) as u64 * self.sentences.bytes)
            .div_ceil(self.sentences.chars.max(1))
    }

    fn lead_chars(&self) -> usize {
        self.salt.len() + "[]\n".len()
    }

    /// The request's own sentences, and the instruction at the end where there is room for it.
    fn tail(&mut self, round_seed: u64, index: u32, room: usize, out: &mut String) {
        let (instruction, length) = self.sentences.instruction;
        let mut rng = seed::stream(round_seed, "prompt", &[u64::from(index)]);
        match room.checked_sub(length) {
            Some(rest) => {
                self.sentences.write(&mut rng, rest, out);
                out.push_str(instruction);
            }
            None => self.sentences.write(&mut rng, room, out),
        }
    }
}

impl Part {
    pub const fn is_measured(self) -> bool {
        matches!(self, Self::Round(_))
    }

    /// ASCII, and of the same length for all requests of a round.
    fn marker(self, index: u32) -> String {
        format!("{}-{index:06}", self.name())
    }

    /// `w` of the warm-up, `w2` of a refresh, `2` of a round.
    pub fn name(self) -> String {
        match self {
            Self::Warmup => "w".into(),
            Self::Refresh(round) => format!("w{round}"),
            Self::Round(round) => round.to_string(),
        }
    }
}

/// How many numbers of [`SALT_CHARS`] digits there are.
const SALTS: u64 = 1_000_000_000_000;

/// A salt from any random number, another one for the next number: always [`SALT_CHARS`] decimal
/// digits, since common tokenizers split digits by their number and not by their value, so that
/// every session's prompts have the same number of tokens.
pub fn salt(random: u64) -> String {
    format!("{:0SALT_CHARS$}", random % SALTS)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share, 0 to 1, of a number that fits"
)]
fn share_of(whole: usize, share: f64) -> usize {
    (whole as f64 * share.clamp(0.0, 1.0)).round() as usize
}

#[cfg(test)]
mod tests;
