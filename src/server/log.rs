//! The last lines of a server's log, made harmless to show. Not here: what in them is secret (the
//! caller knows).

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use super::rolling::predecessor;
use crate::redact::{Secrets, redact};
use crate::visible::{Colour, clean};

/// More than any traceback; a log may be gigabytes.
const READ: u64 = 64 * 1024;
/// Characters of one line that are shown.
const WIDTH: usize = 500;

/// At most `count` lines, without the secrets; none where the log cannot be read.
pub fn tail(path: &Path, count: usize, secrets: &Secrets) -> Vec<String> {
    let mut lines =
        last_bytes(path).map(|(bytes, whole)| lines(&bytes, whole, secrets)).unwrap_or_default();
    lines.split_off(lines.len().saturating_sub(count))
}

/// The end of the log, and whether that is all of it. What it was before it began anew comes first.
fn last_bytes(path: &Path) -> io::Result<(Vec<u8>, bool)> {
    let (now, whole) = end_of(path, READ)?;
    let before =
        if whole { end_of(&predecessor(path), READ - now.len() as u64).ok() } else { None };
    let (mut bytes, whole) = before.unwrap_or((Vec::new(), whole));
    bytes.extend(now);
    Ok((bytes, whole))
}

fn end_of(path: &Path, most: u64) -> io::Result<(Vec<u8>, bool)> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(most)))?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok((bytes, size <= most))
}

/// Whole lines as they may be shown; `whole`: the first is one.
pub fn lines(bytes: &[u8], whole: bool, secrets: &Secrets) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    // The first line of a part has lost its beginning.
    let text = if whole { &*text } else { text.split_once('\n').map_or(&*text, |(_, rest)| rest) };
    // Before lines are cut: half a key is a key's half.
    let text = redact(text.to_owned(), secrets);
    text.split('\n').map(|line| harmless(shown(line))).filter(|line| !line.is_empty()).collect()
}

/// What a terminal would show of a progress line that returned to its beginning again and again.
fn shown(line: &str) -> &str {
    line.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default()
}

/// Without colours and other terminal sequences, without control characters and what turns the
/// direction of text, at most [`WIDTH`] long.
fn harmless(line: &str) -> String {
    let text = clean(line, Colour::Removed).replace('\t', " ");
    let text = text.trim_end();
    match text.char_indices().nth(WIDTH) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(text: &str) -> Vec<String> {
        lines(text.as_bytes(), true, &Secrets::default())
    }

    #[test]
    fn colours_and_controls_are_taken_out() {
        assert_eq!(cleaned("\u{1b}[1;32mINFO\u{1b}[0m ready\u{7}\tnow\n"), ["INFO ready now"]);
        assert_eq!(cleaned("a\u{1b}]0;title\u{7}b \u{202e}c"), ["ab c"]);
        assert_eq!(cleaned("cut \u{1b}[3"), ["cut"]);
    }

    #[test]
    fn of_a_progress_line_the_last_state_stays() {
        assert_eq!(
            cleaned("loading 1%\rloading 50%\rloading 99%\r\nready\r\n"),
            ["loading 99%", "ready"]
        );
    }

    #[test]
    fn a_long_line_is_cut() {
        let line = &cleaned(&"é".repeat(WIDTH + 1))[0];
        assert_eq!((line.chars().count(), line.chars().last()), (WIDTH + 1, Some('…')));
        assert_eq!(cleaned(&"é".repeat(WIDTH))[0].chars().count(), WIDTH);
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_such() {
        assert_eq!(lines(b"a\xffb\n", true, &Secrets::default()), ["a\u{fffd}b"]);
    }

    #[test]
    fn only_the_end_of_a_large_log_is_read_and_no_half_line_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let text: Vec<String> = (0..20_000).map(|i| format!("line {i:05}\n")).collect();
        std::fs::write(&path, text.concat()).unwrap();
        assert_eq!(tail(&path, 2, &Secrets::default()), ["line 19998", "line 19999"]);
        let all = tail(&path, usize::MAX, &Secrets::default());
        assert!(
            all.len() < 20_000 && all.iter().all(|l| l.len() == "line 00000".len()),
            "{} lines",
            all.len()
        );
        assert!(tail(&folder.path().join("none"), 3, &Secrets::default()).is_empty());
        std::fs::rename(&path, predecessor(&path)).unwrap();
        std::fs::write(&path, "line after\n").unwrap();
        assert_eq!(tail(&path, 2, &Secrets::default()), ["line 19999", "line after"]);
    }
}
