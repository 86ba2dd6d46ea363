//! Foreign text made harmless: one line, nothing hidden, of bounded length. Not here: a format's own
//! escaping.

use crate::visible;

/// Longest name or reason that a report repeats, in characters.
const LONGEST: usize = 1000;
/// Longest piece of what a server said: it may answer with a whole web page.
const LONGEST_EXCERPT: usize = 200;

/// A commit hash as people write it.
pub fn short(commit: &str) -> String {
    plain(commit).chars().take(12).collect()
}

/// `2026-11-30 12:50` of an instant in RFC 3339, UTC.
pub fn minute(rfc3339: &str) -> String {
    plain(rfc3339).chars().take(16).collect::<String>().replace('T', " ")
}

/// Foreign text on one line: no terminal sequences, no control or direction-changing characters, of
/// bounded length.
pub fn plain(text: &str) -> String {
    one_line(text, LONGEST)
}

/// As `plain`, shorter: for what servers say.
pub fn excerpt(text: &str) -> String {
    one_line(text, LONGEST_EXCERPT)
}

fn one_line(text: &str, longest: usize) -> String {
    let clean = visible::without_sequences(text);
    let visible = clean
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control() && !visible::misleads(*c));
    let mut line = String::new();
    for c in visible {
        if !(c == ' ' && (line.is_empty() || line.ends_with(' '))) {
            line.push(c);
        }
    }
    let line = line.trim_end();
    match line.char_indices().nth(longest) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line.to_owned(),
    }
}
