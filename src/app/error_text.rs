//! An error in words, its foreign parts on one line each. Not here: who says it, or which exit
//! status it has (`exit`).

use crate::config::ConfigError;
use crate::visible::one_line;

/// How our own lines begin that follow the first of an error.
const OWN_LINES: [&str; 3] = ["hint: ", "note: ", "  "];

/// An error in words. A line break within a foreign name is shown and begins no line.
pub fn error_text(error: &anyhow::Error) -> String {
    let all = format!("{error:#}");
    // It has a line for each of its issues, and has seen to their foreign parts itself.
    if error.downcast_ref::<ConfigError>().is_some() { all } else { own_lines(&all) }
}

fn own_lines(text: &str) -> String {
    let mut lines = text.split('\n');
    let mut out = one_line(lines.next().unwrap_or_default());
    for line in lines {
        out.push_str(if OWN_LINES.iter().any(|own| line.starts_with(own)) { "\n" } else { "\\n" });
        out.push_str(&one_line(line));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_line_break_begins_no_line() {
        let error = anyhow::anyhow!(
            "unknown key `x\n::error::y\r::warning::z`\nhint: remove it\n  or this"
        )
        .context("bad.json");
        assert_eq!(
            error_text(&error),
            "bad.json: unknown key `x\\n::error::y\\n::warning::z`\nhint: remove it\n  or this"
        );
    }
}
