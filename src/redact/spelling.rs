//! The spellings of a text: each escape as the character that it stands for, with the place where
//! it was written.

use crate::visible::misleads;

/// A character, and the bytes of the text that spell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sign {
    pub shown: char,
    pub start: usize,
    pub end: usize,
}

/// Escapes within escapes are undone so often.
const MOST_STAGES: usize = 4;
/// Escapes of one letter (JSON, C) that keep their character.
const KEPT: [char; 4] = ['/', '"', '\'', '\\'];
const ENTITIES: [(&str, char); 5] =
    [("amp;", '&'), ("lt;", '<'), ("gt;", '>'), ("quot;", '"'), ("apos;", '\'')];

pub fn signs(text: &str) -> Vec<Sign> {
    text.char_indices()
        .map(|(start, shown)| Sign { shown, start, end: start + shown.len_utf8() })
        .collect()
}

/// The text as it stands, then with its escapes undone, again and again; at last without what may
/// stand between characters.
pub fn stages(text: Vec<Sign>) -> Vec<Vec<Sign>> {
    let mut all = vec![text];
    while all.len() < MOST_STAGES {
        let last = &all[all.len() - 1];
        let next = undone(last);
        if next.len() == last.len() {
            break;
        }
        all.push(next);
    }
    let last = &all[all.len() - 1];
    let close: Vec<Sign> = last.iter().filter(|s| !between(s.shown)).copied().collect();
    if close.len() < last.len() {
        all.push(close);
    }
    all
}

fn between(c: char) -> bool {
    c.is_whitespace() || c.is_control() || misleads(c) || ":,-|".contains(c)
}

fn undone(signs: &[Sign]) -> Vec<Sign> {
    let mut out = Vec::with_capacity(signs.len());
    let mut at = 0;
    while at < signs.len() {
        let (shown, length) = escape(&signs[at..]).unwrap_or((signs[at].shown, 1));
        out.push(Sign { shown, start: signs[at].start, end: signs[at + length - 1].end });
        at += length;
    }
    out
}

/// The character that an escape stands for, and how many signs it has.
fn escape(signs: &[Sign]) -> Option<(char, usize)> {
    let second = signs.get(1)?.shown;
    match (signs[0].shown, second) {
        ('%', _) => number(&signs[1..], 16, 2).map(|c| (c, 3)),
        ('\\', 'u') if signs.get(2)?.shown == '{' => braced(signs),
        ('\\', 'u') => number(&signs[2..], 16, 4).map(|c| (c, 6)),
        ('\\', 'x') => number(&signs[2..], 16, 2).map(|c| (c, 4)),
        ('\\', c) if KEPT.contains(&c) => Some((c, 2)),
        ('&', '#') => entity_number(&signs[2..]).map(|(c, length)| (c, length + 2)),
        ('&', _) => ENTITIES
            .iter()
            .find(|(name, _)| begins(&signs[1..], name))
            .map(|(name, c)| (*c, name.len() + 1)),
        _ => None,
    }
}

fn begins(signs: &[Sign], word: &str) -> bool {
    signs.len() >= word.len() && signs.iter().zip(word.chars()).all(|(s, c)| s.shown == c)
}

/// The character whose number the first `length` signs are.
fn number(signs: &[Sign], radix: u32, length: usize) -> Option<char> {
    let digits = signs.get(..length)?.iter().map(|s| s.shown.to_digit(radix));
    char::from_u32(digits.collect::<Option<Vec<u32>>>()?.into_iter().fold(0, |n, d| n * radix + d))
}

/// `\u{41}`
fn braced(signs: &[Sign]) -> Option<(char, usize)> {
    let length = signs.iter().skip(3).take(7).position(|s| s.shown == '}')?;
    number(&signs[3..], 16, length).map(|c| (c, length + 4))
}

/// `65;` or `x41;`
fn entity_number(signs: &[Sign]) -> Option<(char, usize)> {
    let hex = signs.first()?.shown.eq_ignore_ascii_case(&'x');
    let digits = &signs[usize::from(hex)..];
    let length = digits.iter().take(8).position(|s| s.shown == ';').filter(|n| *n > 0)?;
    number(digits, if hex { 16 } else { 10 }, length).map(|c| (c, length + 1 + usize::from(hex)))
}
