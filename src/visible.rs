//! Foreign text made harmless to show: no terminal controls, no hidden characters, no command to a
//! CI runner. What is shown stays on its line.
//!
//! Not here: secrets (`redact`), the escaping of a format (`report`), the writing itself (`print`).

use std::iter::Peekable;
use std::str::Chars;

/// What becomes of escape sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    Removed,
    /// Colours and weights stay; every other sequence goes.
    Kept,
}

/// Characters that a runner's command may have between `##` and `[`.
const LONGEST_COMMAND: usize = 32;

/// Text of several lines, without anything that acts on a terminal. Line breaks and tabs stay.
pub fn clean(text: &str, colour: Colour) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' | '\u{80}'..='\u{9f}' => {
                let sequence = sequence(c, &mut chars);
                if colour == Colour::Kept && is_colour(&sequence) {
                    out.push_str(&sequence);
                }
            }
            '\n' | '\t' => out.push(c),
            c if c.is_control() || misleads(c) => {}
            c => out.push(c),
        }
    }
    out
}

/// As [`clean`], on one line: each line break is shown as `\n`.
pub fn one_line(text: &str) -> String {
    let breaks =
        |c: char| matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let text = text.replace("\r\n", "\n");
    let lines: Vec<String> =
        text.split(breaks).map(|line| clean(line, Colour::Removed).replace('\t', " ")).collect();
    lines.join("\\n")
}

/// The text with every command that a CI runner would obey made plain text: `::error::` and the
/// like at the start of a line, `##[`, `##vso[` and `##teamcity[` anywhere. GitHub and Azure look
/// for `##` within a line, too.
pub fn neutral(text: &str) -> String {
    spaced(text, "# ")
}

/// As [`neutral`], where a string of JSON has to keep its meaning.
pub fn neutral_json(text: &str) -> String {
    spaced(text, "\\u0023")
}

/// `hash` is written for the first sign of `##`.
fn spaced(text: &str, hash: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut starts_line = true;
    for (at, c) in text.char_indices() {
        let rest = &text[at..];
        match c {
            ':' if starts_line && seen(rest).nth(1) == Some(':') => out.push_str(": "),
            '#' if is_command(rest) => out.push_str(hash),
            c => out.push(c),
        }
        starts_line = matches!(c, '\u{2028}' | '\u{2029}')
            || starts_line && is_blank(c)
            || c.is_control() && c != '\t';
    }
    out
}

/// The characters that a runner compares: some skip what cannot be seen.
fn seen(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| !misleads(*c))
}

fn is_blank(c: char) -> bool {
    c.is_whitespace() || c.is_control() || misleads(c)
}

/// `##`, perhaps a word, then `[`.
fn is_command(text: &str) -> bool {
    let mut chars = seen(text);
    chars.next() == Some('#')
        && chars.next() == Some('#')
        && chars.take(LONGEST_COMMAND).find(|c| !c.is_alphanumeric() && !"-_.".contains(*c))
            == Some('[')
}

/// Removes escape sequences whole, so that no `[31m` is left behind.
pub fn without_sequences(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' || matches!(c, '\u{90}' | '\u{98}' | '\u{9b}' | '\u{9d}'..='\u{9f}') {
            sequence(c, &mut chars);
        } else {
            out.push(c);
        }
    }
    out
}

/// Takes the sequence that begins with `first` (ECMA-48, section 5) and gives it back; `first`
/// alone where it begins none.
fn sequence(first: char, chars: &mut Peekable<Chars<'_>>) -> String {
    let mut out = String::from(first);
    let kind = match first {
        '\u{1b}' => chars.next_if(|c| matches!(c, '[' | ']' | 'P' | 'X' | '^' | '_')),
        '\u{9b}' => Some('['),
        '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => Some(']'),
        _ => None,
    };
    match kind {
        Some('[') => {
            if first == '\u{1b}' {
                out.push('[');
            }
            // Parameters and intermediates, then one final byte.
            while let Some(c) = chars.next_if(|c| matches!(c, ' '..='?')) {
                out.push(c);
            }
            out.extend(chars.next_if(|c| matches!(c, '@'..='~')));
        }
        Some(_) => {
            while chars.next_if(|c| !matches!(c, '\u{7}' | '\u{1b}' | '\u{9c}' | '\n')).is_some() {}
            if chars.next_if_eq(&'\u{1b}').is_some() {
                chars.next_if_eq(&'\\');
            }
        }
        None => {}
    }
    out
}

fn is_colour(sequence: &str) -> bool {
    let parameters = sequence.strip_prefix("\u{1b}[").and_then(|rest| rest.strip_suffix('m'));
    parameters.is_some_and(|p| p.chars().all(|c| c.is_ascii_digit() || c == ';'))
}

/// What makes text read otherwise than it is stored: direction marks, joiners, fillers, tags, and
/// what is no character at all (XML 1.0 forbids it).
pub const fn misleads(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{fffe}'..='\u{ffff}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_acts_on_a_terminal_is_left() {
        for (text, expected) in [
            ("a\u{1b}[31mred\u{1b}[0m b", "ared b"),
            ("a\u{9b}31mred", "ared"),
            ("a\u{1b}]0;title\u{7}b\u{1b}]8;;http://x\u{1b}\\link", "ablink"),
            ("a\u{9d}0;title\u{9c}b", "ab"),
            ("a\u{1b}Pq#0\u{1b}\\b\u{90}x\u{9c}c", "abc"),
            ("a\u{1b}]0;never ends\nb", "a\nb"),
            ("a\u{7}\u{8}\u{0}\r\u{7f}b\u{1b}", "ab"),
            ("\u{202e}txt\u{2066}.exe\u{200b}", "txt.exe"),
            ("one\n\ttwo\u{2028}", "one\n\ttwo"),
            ("한국어 é 表", "한국어 é 表"),
        ] {
            assert_eq!(clean(text, Colour::Removed), expected, "{text:?}");
        }
        assert_eq!(
            clean("\u{1b}[1;31mred\u{1b}[0m\u{1b}[2J\u{1b}[?25l\u{1b}[6n", Colour::Kept),
            "\u{1b}[1;31mred\u{1b}[0m"
        );
    }

    #[test]
    fn a_line_break_is_seen_and_breaks_nothing() {
        assert_eq!(
            one_line("key\r\n::error::x\ry\u{2028}z\u{1b}[1m\tw"),
            "key\\n::error::x\\ny\\nz w"
        );
    }

    #[test]
    fn no_line_is_a_command() {
        for (text, expected) in [
            ("::error::x", ": :error::x"),
            ("ok\n::stop-commands::t", "ok\n: :stop-commands::t"),
            (" \t\u{a0}\u{3000}::error::x", " \t\u{a0}\u{3000}: :error::x"),
            ("a\r::error::x\u{b}::warning::", "a\r: :error::x\u{b}: :warning::"),
            ("\u{feff}:\u{200b}:error::", "\u{feff}: \u{200b}:error::"),
            (":::add-mask::x", ": ::add-mask::x"),
            (
                "a ##[error]b ##vso[task.x]c ##teamcity[d]",
                "a # #[error]b # #vso[task.x]c # #teamcity[d]",
            ),
            ("###[x] ##VSO[y] #\u{ad}#[z]", "## #[x] # #VSO[y] # \u{ad}#[z]"),
            ("\u{2028}::error::", "\u{2028}: :error::"),
            // What is none stays.
            ("std::fmt, [::1]:80, ## title, ##a b[", "std::fmt, [::1]:80, ## title, ##a b["),
        ] {
            assert_eq!(neutral(text), expected, "{text:?}");
        }
        assert_eq!(neutral_json("{\"a\": \"##[x]\"}"), "{\"a\": \"\\u0023#[x]\"}");
    }
}
