//! Synthetic prompts: sentences of an embedded corpus, drawn by seeded shuffle and cut to an exact number of characters.
//!
//! Not here: request bodies (`protocol`), or any server's tokenizer. The length in tokens is nominal: a fixed number of characters per
//! token and corpus, never adapted to the server, so that the same plan is the same load everywhere. What the server counts is in its
//! `usage` and is reported.
//!
//! Without a shared prefix a prompt is `[SALT-MARKER]`, newline, sentences. With one it is `[SALT]`, newline, shared sentences,
//! newline, `[MARKER]`, newline, the request's own sentences. The salt and the marker lead, so that prefix caches, which match whole
//! leading blocks, find nothing that was not meant to be found.

use rand_chacha::ChaCha8Rng;

use super::{SALT_CHARS, seed};
use crate::config::{Corpus, Prompts};

/// English prose: about 4 characters per token, spaces included, is the usual rule of thumb for byte-pair tokenizers. Those with large
/// vocabularies reach 4.5, so that the real count is rather below the nominal one.
const EN_TENTHS_PER_TOKEN: u64 = 40;

/// Korean prose, spaces included: an assumption for vocabularies of 100,000 and more, which hold common syllables and short words as
/// one token each. Older ones need two or three tokens per syllable and count more than the nominal number.
const KO_TENTHS_PER_TOKEN: u64 = 17;

/// Which prompts: a marker of its own keeps a warm-up prompt from ever equalling a measured one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Warmup,
    Round(u32),
}

/// Writes the prompts of one workload.
pub struct Writer<'a> {
    prompts: &'a Prompts,
    salt: &'a str,
    sentences: Sentences,
    /// What all requests have in common, at least as long as the longest of them needs.
    shared: String,
}

impl<'a> Writer<'a> {
    /// `seed` is the workload's: the shared text is the same in all rounds and the warm-up. `longest` is the largest number of nominal
    /// tokens that will be asked for.
    pub fn new(prompts: &'a Prompts, salt: &'a str, seed: u64, longest: u32) -> Self {
        let mut sentences = Sentences::new(prompts.corpus);
        let mut shared = String::new();
        if prompts.shared_prefix > 0.0 {
            sentences.write(&mut seed::stream(seed, "shared", &[]), chars(prompts.corpus, longest), &mut shared);
        }
        Self { prompts, salt, sentences, shared }
    }

    /// Replaces `out` by the prompt of request `index`: `chars(corpus, tokens)` characters, or where these do not hold the salt and the
    /// marker (a dozen tokens), as many as those need. It depends on the arguments, the salt and the workload's `prompts` only.
    pub fn write(&mut self, round_seed: u64, part: Part, index: u32, tokens: u32, out: &mut String) {
        let wanted = chars(self.prompts.corpus, tokens);
        let marker = part.marker(index);
        out.clear();
        out.push('[');
        out.push_str(self.salt);
        if self.prompts.shared_prefix > 0.0 {
            out.push_str("]\n");
            let room = wanted.saturating_sub(out.len() + marker.len() + "\n[]\n".len());
            let common = share_of(wanted, self.prompts.shared_prefix).saturating_sub(out.len()).min(room);
            out.push_str(self.sentences.prefix(&self.shared, common));
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

    /// Replaces `out` by a prompt that a trace brought along. Its salt is the round's: what the trace's prompts have in common stays
    /// common within a round, and none is known from the round before.
    pub fn given(&self, part: Part, prompt: &str, out: &mut String) {
        out.clear();
        for piece in ["[", self.salt, "-", &part.name(), "]\n", prompt] {
            out.push_str(piece);
        }
    }

    /// Bytes of a prompt of so many nominal tokens, about: for bounds.
    pub fn bytes(&self, tokens: u32) -> u64 {
        (chars(self.prompts.corpus, tokens) as u64 * self.sentences.bytes).div_ceil(self.sentences.chars.max(1))
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
    /// ASCII, and of the same length for all requests of a round.
    fn marker(self, index: u32) -> String {
        format!("{}-{index:06}", self.name())
    }

    fn name(self) -> String {
        match self {
            Self::Warmup => "w".into(),
            Self::Round(round) => round.to_string(),
        }
    }
}

/// A salt from any random number: always [`SALT_CHARS`] decimal digits, since common tokenizers split digits by their number and not by
/// their value, so that every session's prompts have the same number of tokens.
pub fn salt(random: u64) -> String {
    format!("{:0SALT_CHARS$}", random % 10_u64.pow(SALT_CHARS as u32))
}

/// Characters of a prompt of so many nominal tokens.
pub fn chars(corpus: Corpus, tokens: u32) -> usize {
    usize::try_from((u64::from(tokens) * tenths(corpus)).div_ceil(10)).unwrap_or(usize::MAX)
}

/// Nominal tokens of a text that somebody else wrote.
pub fn nominal_tokens(corpus: Corpus, text: &str) -> u32 {
    u32::try_from((text.chars().count() as u64 * 10).div_ceil(tenths(corpus))).unwrap_or(u32::MAX)
}

const fn tenths(corpus: Corpus) -> u64 {
    match corpus {
        Corpus::En => EN_TENTHS_PER_TOKEN,
        Corpus::Ko => KO_TENTHS_PER_TOKEN,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share, 0 to 1, of a number that fits")]
fn share_of(whole: usize, share: f64) -> usize {
    (whole as f64 * share.clamp(0.0, 1.0)).round() as usize
}

/// A corpus, cut into sentences once.
struct Sentences {
    /// With the length of each in characters.
    all: Vec<(&'static str, usize)>,
    /// Order of the shuffle in progress; reset before each use.
    order: Vec<u32>,
    instruction: (&'static str, usize),
    chars: u64,
    bytes: u64,
}

impl Sentences {
    fn new(corpus: Corpus) -> Self {
        let (text, instruction) = match corpus {
            Corpus::En => (include_str!("corpus/en.txt"), "\n\nContinue this text at length."),
            Corpus::Ko => (include_str!("corpus/ko.txt"), "\n\n이 글을 길게 이어서 써 주세요."),
        };
        let all: Vec<_> = text.lines().filter(|line| !line.is_empty()).map(|line| (line, line.chars().count())).collect();
        Self {
            order: Vec::with_capacity(all.len()),
            all,
            instruction: (instruction, instruction.chars().count()),
            chars: text.chars().count() as u64,
            bytes: text.len() as u64,
        }
    }

    /// Appends exactly `chars` characters of sentences, each followed by a space, in an order that `rng` shuffles again whenever all
    /// have been used (Fisher and Yates's shuffle, done only as far as it is needed).
    fn write(&mut self, rng: &mut ChaCha8Rng, chars: usize, out: &mut String) {
        let count = u32::try_from(self.all.len()).expect("a corpus has a few hundred sentences");
        self.order.clear();
        self.order.extend(0..count);
        let mut left = chars;
        for place in (0..count).cycle() {
            if left == 0 {
                return;
            }
            let chosen = place + seed::below(rng, count - place);
            self.order.swap(place as usize, chosen as usize);
            let (sentence, length) = self.all[self.order[place as usize] as usize];
            if length >= left {
                out.push_str(self.prefix(sentence, left));
                return;
            }
            out.push_str(sentence);
            out.push(' ');
            left -= length + 1;
        }
    }

    /// The first `chars` characters.
    fn prefix<'t>(&self, text: &'t str, chars: usize) -> &'t str {
        let end = if self.chars == self.bytes {
            chars.min(text.len())
        } else {
            text.char_indices().nth(chars).map_or(text.len(), |(at, _)| at)
        };
        &text[..end]
    }
}

#[cfg(test)]
mod tests;
