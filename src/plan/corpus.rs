//! The corpora of the synthetic prompts: embedded sentences, drawn by seeded shuffle and cut to an
//! exact number of characters.
//!
//! A corpus is a list of templates. Those of `en` and `ko` are sentences as they stand; those of
//! `zh`, `ja` and `code` have slots that are filled with words drawn from lists, so that a few
//! kilobytes make text that hardly repeats a sentence. Not here: what leads and ends a prompt
//! (`prompts`), or any server's tokenizer: tokens are nominal.

use rand_chacha::ChaCha8Rng;

use super::seed;
use crate::config::Corpus;

#[cfg(test)]
mod tests;

/// What is known of a corpus beside its text.
struct Facts {
    text: &'static str,
    /// Asks for a long answer, at a prompt's end.
    instruction: &'static str,
    /// Between two templates of the file.
    cut: &'static str,
    /// Between two sentences of a prompt.
    gap: &'static str,
    /// Characters per nominal token, in tenths, spaces included. docs/WORKLOADS.md has what real
    /// tokenizers count.
    tenths: u64,
}

const fn facts(corpus: Corpus) -> Facts {
    const EN: &str = "\n\nContinue this text at length.";
    match corpus {
        // The usual rule of thumb for byte-pair tokenizers. Those with large vocabularies reach 5,
        // so that the real count is below the nominal one.
        Corpus::En => Facts {
            text: include_str!("corpus/en.txt"),
            instruction: EN,
            cut: "\n",
            gap: " ",
            tenths: 40,
        },
        // An assumption for vocabularies of 100,000 and more, which hold common syllables and short
        // words as one token each. Older ones need two or three tokens per syllable and count more
        // than the nominal number.
        Corpus::Ko => Facts {
            text: include_str!("corpus/ko.txt"),
            instruction: "\n\n이 글을 길게 이어서 써 주세요.",
            cut: "\n",
            gap: " ",
            tenths: 17,
        },
        // Zh, Ja and Code: as the o200k vocabulary (200,000) counts them, a little below for code,
        // which small vocabularies split more.
        Corpus::Zh => Facts {
            text: include_str!("corpus/zh.txt"),
            instruction: "\n\n请把这段文字继续写下去，写得长一些。",
            cut: "\n",
            gap: "",
            tenths: 12,
        },
        Corpus::Ja => Facts {
            text: include_str!("corpus/ja.txt"),
            instruction: "\n\nこの文章の続きを長く書いてください。",
            cut: "\n",
            gap: "",
            tenths: 11,
        },
        Corpus::Code => Facts {
            text: include_str!("corpus/code.txt"),
            instruction: "\n\nContinue this code at length.",
            cut: "\n\n",
            gap: "\n\n",
            tenths: 38,
        },
    }
}

/// Characters of a prompt of so many nominal tokens.
pub fn chars(corpus: Corpus, tokens: u32) -> usize {
    usize::try_from((u64::from(tokens) * facts(corpus).tenths).div_ceil(10)).unwrap_or(usize::MAX)
}

/// Nominal tokens of a text that somebody else wrote.
pub fn nominal_tokens(corpus: Corpus, text: &str) -> u32 {
    u32::try_from((text.chars().count() as u64 * 10).div_ceil(facts(corpus).tenths))
        .unwrap_or(u32::MAX)
}

/// A corpus, cut into templates once.
pub struct Sentences {
    templates: Vec<Template>,
    /// Words of each slot.
    lists: Vec<List>,
    /// Order of the shuffle in progress; reset before each use.
    order: Vec<u32>,
    /// Room for the sentence at hand.
    sentence: String,
    /// With its length in characters.
    pub instruction: (&'static str, usize),
    gap: &'static str,
    /// Of the file: their ratio is that of a prompt, about.
    pub chars: u64,
    pub bytes: u64,
}

/// A sentence, or a piece of code.
type Template = Vec<Piece>;

enum Piece {
    Text(&'static str),
    /// Filled by a word of the list; equal holes of a template by the same word.
    Hole {
        list: usize,
        name: &'static str,
    },
}

struct List {
    name: &'static str,
    words: Vec<&'static str>,
}

impl Sentences {
    pub fn new(corpus: Corpus) -> Self {
        let Facts { text, instruction, cut, gap, .. } = facts(corpus);
        let (lists, sentences) = lists(text);
        let parts = sentences
            .split(cut)
            .map(|part| part.trim_matches('\n'))
            .filter(|part| !part.is_empty());
        let templates: Vec<Template> = parts.map(|part| template(part, &lists)).collect();
        Self {
            chars: text.chars().count() as u64,
            bytes: text.len() as u64,
            order: Vec::with_capacity(templates.len()),
            sentence: String::new(),
            templates,
            lists,
            instruction: (instruction, instruction.chars().count()),
            gap,
        }
    }

    /// Appends exactly `chars` characters of sentences, in an order that `rng` shuffles again
    /// whenever all templates have been used (Fisher and Yates's shuffle, done only as far as it is
    /// needed).
    pub fn write(&mut self, rng: &mut ChaCha8Rng, chars: usize, out: &mut String) {
        let count =
            u32::try_from(self.templates.len()).expect("a corpus has a few hundred templates");
        self.order.clear();
        self.order.extend(0..count);
        let mut left = chars;
        for place in (0..count).cycle() {
            if left == 0 {
                return;
            }
            let chosen = place + seed::below(rng, count - place);
            self.order.swap(place as usize, chosen as usize);
            self.compose(self.order[place as usize] as usize, rng);
            let length = self.sentence.chars().count();
            if length >= left {
                out.push_str(prefix(&self.sentence, left));
                return;
            }
            out.push_str(&self.sentence);
            left -= length;
            let gap = prefix(self.gap, left);
            out.push_str(gap);
            left -= gap.len();
        }
    }

    /// Fills a template's holes.
    fn compose(&mut self, template: usize, rng: &mut ChaCha8Rng) {
        let mut known: Vec<(&str, &str)> = Vec::new();
        self.sentence.clear();
        for piece in &self.templates[template] {
            match piece {
                Piece::Text(text) => self.sentence.push_str(text),
                Piece::Hole { list, name } => {
                    let word = known.iter().find(|(known, _)| known == name).map(|(_, word)| *word);
                    let word = word.unwrap_or_else(|| draw(&self.lists[*list].words, rng));
                    known.push((name, word));
                    self.sentence.push_str(word);
                }
            }
        }
    }
}

fn draw(words: &[&'static str], rng: &mut ChaCha8Rng) -> &'static str {
    let count = u32::try_from(words.len()).expect("a list has a few dozen words");
    words[seed::below(rng, count) as usize]
}

/// The lists `@name word|word` that lead a file, and what follows them.
fn lists(text: &'static str) -> (Vec<List>, &'static str) {
    let (mut lists, mut rest) = (Vec::new(), text);
    while let Some((line, more)) = rest.strip_prefix('@').and_then(|rest| rest.split_once('\n')) {
        let (name, words) =
            line.split_once(' ').expect("a list has a name and words (a test reads every corpus)");
        lists.push(List { name, words: words.split('|').collect() });
        rest = more;
    }
    (lists, rest)
}

/// Holes are `$name$`, or `$name2$` where a template needs another word of the same list.
fn template(part: &'static str, lists: &[List]) -> Template {
    let pieces = part.split('$').enumerate().filter(|(_, piece)| !piece.is_empty());
    let piece = |(i, piece): (usize, &'static str)| {
        if i % 2 == 0 {
            return Piece::Text(piece);
        }
        let name = piece.trim_end_matches(|c: char| c.is_ascii_digit());
        let list = lists
            .iter()
            .position(|list| list.name == name)
            .expect("every hole has a list (a test reads every corpus)");
        Piece::Hole { list, name: piece }
    };
    pieces.map(piece).collect()
}

/// The first `chars` characters.
pub fn prefix(text: &str, chars: usize) -> &str {
    text.char_indices().nth(chars).map_or(text, |(at, _)| &text[..at])
}
