//! Foreign text to Markdown that shows it literally: no markup, no HTML, no table cell more, no
//! link, no mention.
//!
//! Entities and not backslashes: renderers disagree about a backslash before a pipe inside a table.

use crate::report::text;

/// After `@` or `#`, so that GitHub neither links nor notifies: its filters look at the text after
/// entities are resolved.
const BREAK: &str = "&#8203;";

/// One line of literal text, for a paragraph, a list item or a table cell.
pub fn escape(foreign: &str) -> String {
    let line = text::plain(foreign);
    let mut out = String::with_capacity(line.len());
    let mut before = None;
    for (at, c) in line.char_indices() {
        let rest = &line[at + c.len_utf8()..];
        match c {
            '@' | '#' => {
                out.push(c);
                out += BREAK;
            }
            '_' if within_word(before, rest) => out.push(c),
            '&' | '<' | '>' | '\\' | '`' | '|' | '*' | '_' | '~' | '[' | ']' | '$' => {
                entity(&mut out, c);
            }
            // What begins a list, a heading's underline, or an alignment row.
            '-' | '+' | '=' | ':' | '0'..='9' if before.is_none() && begins_block(c, rest) => {
                entity(&mut out, c);
            }
            ':' if rest.starts_with("//") => {
                out.push(c);
                out += BREAK;
            }
            '.' if ends_with_ignoring_case(&line[..at], "www") => {
                out += BREAK;
                out.push(c);
            }
            '-' if ends_with_ignoring_case(&line[..at], "gh")
                && rest.starts_with(|c: char| c.is_ascii_digit()) =>
            {
                out += BREAK;
                out.push(c);
            }
            _ => out.push(c),
        }
        before = Some(c);
    }
    out
}

/// A name, set as code. GitHub looks for neither mentions nor references in it.
pub fn code(foreign: &str) -> String {
    format!("<code>{}</code>", escape(foreign))
}

/// A sentence of ours, in which commands and keys stand between backticks: those are set as code.
/// So is foreign text within it that has backticks, escaped like all else.
pub fn sentence(ours: &str) -> String {
    let line = text::plain(ours);
    let parts: Vec<&str> = line.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return escape(ours);
    }
    let each = parts.iter().enumerate();
    each.map(|(i, part)| if i % 2 == 1 { code(part) } else { between(part) }).collect()
}

/// Escaped, with the spaces at its ends.
fn between(part: &str) -> String {
    let words = part.trim();
    if words.is_empty() { part.to_owned() } else { part.replace(words, &escape(words)) }
}

fn entity(out: &mut String, c: char) {
    match c {
        '&' => *out += "&amp;",
        '<' => *out += "&lt;",
        '>' => *out += "&gt;",
        other => out.extend(["&#", &u32::from(other).to_string(), ";"]),
    }
}

/// `ttft_p95` is no emphasis.
fn within_word(before: Option<char>, rest: &str) -> bool {
    before.is_some_and(char::is_alphanumeric) && rest.starts_with(char::is_alphanumeric)
}

fn begins_block(c: char, rest: &str) -> bool {
    match c {
        '-' | '+' | ':' | '=' => rest.is_empty() || rest.starts_with([' ', '-', '=', ':', '+']),
        _ => {
            rest.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(['.', ')'])
                && !decimal(rest)
        }
    }
}

/// `5.02 ms` begins no list: only a space after the dot does.
fn decimal(rest: &str) -> bool {
    rest.trim_start_matches(|c: char| c.is_ascii_digit())
        .get(1..)
        .is_some_and(|after| after.starts_with(|c: char| c.is_ascii_digit()))
}

fn ends_with_ignoring_case(text: &str, end: &str) -> bool {
    let from = text.len().saturating_sub(end.len());
    text.get(from..).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}
