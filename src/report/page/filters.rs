//! What the template does to a text beyond escaping it.
#![expect(clippy::inline_always, clippy::unused_self, reason = "as askama's macro writes it")]

use askama::filters::{Escaper as _, Html, Safe};

/// A sentence of ours, escaped: the commands and keys in it, which stand between backticks, are set
/// as code. So may foreign text within it be, which does no harm.
#[askama::filter_fn]
pub fn prose(sentence: impl ToString, _: &dyn askama::Values) -> askama::Result<Safe<String>> {
    let text = sentence.to_string();
    let parts: Vec<&str> = text.split('`').collect();
    let paired = !parts.len().is_multiple_of(2);
    let is_code = |at: usize| paired && at % 2 == 1 && is_command(parts[at]);
    let mut html = String::new();
    for (at, part) in parts.iter().enumerate() {
        // A backtick that sets no code is shown as it is.
        html += if at == 0 || is_code(at) || is_code(at - 1) { "" } else { "`" };
        html += if is_code(at) { "<code>" } else { "" };
        Html.write_escaped_str(&mut html, part)?;
        html += if is_code(at) { "</code>" } else { "" };
    }
    Ok(Safe(html))
}

fn is_command(text: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || " ._:=/-".contains(c);
    text.starts_with(|c: char| c.is_ascii_lowercase() || c == '-') && text.chars().all(known)
}
