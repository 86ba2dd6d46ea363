//! What the runner reads: workflow commands in the log, `$GITHUB_OUTPUT`, `$GITHUB_STEP_SUMMARY`.
//! Not here: which texts go there.
#![expect(
    clippy::disallowed_methods,
    reason = "rim: looks at the runner's files and draws delimiters"
)]

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use crate::print::WorkflowCommand;

/// How loud an annotation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Error,
    Warning,
    Notice,
}

/// GitHub drops the whole summary of a step whose file is larger.
const SUMMARY_LIMIT: usize = 1024 * 1024;
/// Room left for what a later part of the same step may append.
const SUMMARY_RESERVE: usize = 16 * 1024;
/// An annotation longer than this is cut by GitHub.
const LONGEST_MESSAGE: usize = 4000;

/// A workflow command. The message may have any characters: none of them ends it or begins another.
pub fn command(level: Level, title: &str, message: &str) -> WorkflowCommand {
    let word = match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Notice => "notice",
    };
    let message = match message.char_indices().nth(LONGEST_MESSAGE) {
        Some((end, _)) => &message[..end],
        None => message,
    };
    WorkflowCommand::new(&format!("::{word} title={}::", property(title)), &data(message))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Lines for `$GITHUB_OUTPUT`. `delimiter` must be nobody's guess: whoever knew it could add
/// outputs of his own.
pub fn outputs(values: &[(&str, String)], delimiter: &str) -> String {
    let mut out = String::new();
    for (name, value) in values {
        let _ = write!(out, "{name}<<{delimiter}\n{value}\n{delimiter}\n");
    }
    out
}

/// Errors: the system gives no random numbers.
pub fn delimiter() -> io::Result<String> {
    let draw = || getrandom::u64().map_err(|e| io::Error::other(e.to_string()));
    Ok(format!("goodput_gate_{:016x}{:016x}", draw()?, draw()?))
}

/// Appends; what others have written stays.
pub fn append(path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().append(true).create(true).open(path)?;
    file.write_all(text.as_bytes())
}

/// Bytes that the step's summary may still grow by. A file that cannot be looked at is as good as
/// empty: appending will say why.
pub fn summary_room(path: &Path) -> usize {
    let taken = fs::metadata(path).map_or(0, |m| usize::try_from(m.len()).unwrap_or(usize::MAX));
    SUMMARY_LIMIT.saturating_sub(SUMMARY_RESERVE).saturating_sub(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_message_ends_its_command_or_begins_another() {
        let command =
            |title: &str, message: &str| command(Level::Error, title, message).line().to_owned();
        let line = command("a: b, c", "50 % slower\r\n::set-output name=x::y");
        assert_eq!(line, "::error title=a%3A b%2C c::50 %25 slower%0D%0A::set-output name=x::y");
        assert_eq!(line.lines().count(), 1);
        assert!(command("t", &"é".repeat(9000)).chars().count() < 4100);
        assert_eq!(command("t\u{1b}[1m", "##vso[x]\u{1b}]0;y\u{7}"), "::error title=t::# #vso[x]");
    }

    #[test]
    fn no_value_adds_an_output() {
        let text = outputs(
            &[("verdict", "failed".into()), ("headline", "x\nEOF\nverdict=passed".into())],
            "d1",
        );
        assert_eq!(text, "verdict<<d1\nfailed\nd1\nheadline<<d1\nx\nEOF\nverdict=passed\nd1\n");
        assert_ne!(delimiter().expect("random"), delimiter().expect("random"));
    }

    #[test]
    fn what_others_appended_is_counted_and_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("summary");
        let empty = summary_room(&path);
        append(&path, "theirs\n").expect("written");
        append(&path, "ours\n").expect("written");
        assert_eq!(fs::read_to_string(&path).expect("there"), "theirs\nours\n");
        assert_eq!(summary_room(&path), empty - 12);
        fs::write(&path, vec![b' '; SUMMARY_LIMIT]).expect("written");
        assert_eq!(summary_room(&path), 0);
    }
}
