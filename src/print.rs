//! The only way to standard output and standard error: what is foreign in a text acts neither on a
//! terminal nor on a CI runner.
//!
//! Not here: what is said, and who chooses the reader's language (`command::language`). A test
//! (`all_output_goes_one_way`) keeps other modules from writing there.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::OnceLock;

use crate::lang::{Lang, Text, bilingual};
use crate::visible::{Colour, clean, neutral, neutral_json, one_line};

/// Clears the live line, which would stand in front of the text.
const BEGIN_OF_LINE: &str = "\r\u{1b}[K";
/// Clears a terminal and goes to its first place.
const CLEAR: &str = "\u{1b}[2J\u{1b}[H";

/// A command that GitHub's runner is to obey. Only `github::actions` makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkflowCommand(String);

impl WorkflowCommand {
    /// `head` is ours and ends with `::`; `message` is already escaped onto one line.
    pub fn new(head: &str, message: &str) -> Self {
        Self(format!("{}{}", one_line(head), neutral(&one_line(message))))
    }

    pub fn line(&self) -> &str {
        &self.0
    }
}

/// Whoever reads what this process says reads one language.
static LANGUAGE: OnceLock<Lang> = OnceLock::new();

/// From now on the reader is spoken to in this language; only the first call counts.
pub fn set_language(lang: Lang) {
    let _ = LANGUAGE.set(lang);
}

/// In which language the reader is spoken to.
pub fn language() -> Lang {
    LANGUAGE.get().copied().unwrap_or_default()
}

/// A line for people in their language, on standard error.
pub fn speak(text: &Text) {
    say(text.in_language(language()));
}

/// As [`speak`], of something beside the result.
pub fn note(text: &Text) {
    speak(&bilingual!("note: ", "참고: ").then(text));
}

/// A line on standard error that is the same in every language. Who closed it does not want to
/// know.
pub fn say(text: &str) {
    let mut stderr = io::stderr();
    let begin = if stderr.is_terminal() { BEGIN_OF_LINE } else { "" };
    let _ = writeln!(stderr, "{begin}{}", harmless(text));
}

/// As [`say`], in colours of ours where a person looks at it.
pub fn say_coloured(text: &str) {
    let _ = writeln!(io::stderr(), "{}", neutral(&clean(text, Colour::Kept)));
}

/// The beginning of a line, on standard error.
pub fn prompt(text: &str) {
    let mut stderr = io::stderr();
    let _ = write!(stderr, "{}", harmless(text)).and_then(|()| stderr.flush());
}

/// A command to the runner that reads our standard error.
pub fn tell_runner(command: &WorkflowCommand) {
    let _ = writeln!(io::stderr(), "{}", command.line());
}

/// Lines on standard output. A reader that has gone (`| head`) has seen enough. Errors: it cannot
/// be written.
pub fn print(text: &str) -> io::Result<()> {
    written(harmless(text).as_bytes(), b"\n")
}

/// As [`print`], with the colours that are in it.
pub fn print_coloured(text: &str) -> io::Result<()> {
    written(neutral(&clean(text, Colour::Kept)).as_bytes(), b"\n")
}

/// A whole file on standard output. Only a regular file gets it as it is: it is nobody's terminal
/// and no runner's log. Elsewhere JSON keeps its meaning, and other text has a space within what
/// would be a command.
///
/// Errors: it cannot be written, or is no text and standard output is a terminal.
pub fn print_file(bytes: &[u8]) -> io::Result<()> {
    let terminal = io::stdout().is_terminal();
    match std::str::from_utf8(bytes) {
        Ok(text) if terminal => print(text.trim_end()),
        Ok(_) if is_regular() => written(bytes.trim_ascii_end(), b"\n"),
        Ok(text) => written(guarded(text.trim_end()).as_bytes(), b"\n"),
        Err(_) if terminal => Err(io::Error::other(
            "this format is binary and not for a terminal\nhint: write it to a file with -o FILE",
        )),
        Err(_) => written(bytes, b""),
    }
}

/// As a pipe or a device gets it.
pub fn guarded(text: &str) -> String {
    if text.trim_start().starts_with(['{', '[']) { neutral_json(text) } else { neutral(text) }
}

/// Before a picture is drawn anew. Nothing where nobody looks.
pub fn clear_screen() -> io::Result<()> {
    if io::stdout().is_terminal() { written(CLEAR.as_bytes(), b"") } else { Ok(()) }
}

/// Where the live line is drawn by somebody else: a label that is safe there.
pub fn label(text: &str) -> String {
    neutral(&one_line(text))
}

fn harmless(text: &str) -> String {
    neutral(&clean(text, Colour::Removed))
}

fn is_regular() -> bool {
    rustix::fs::fstat(io::stdout())
        .is_ok_and(|s| rustix::fs::FileType::from_raw_mode(s.st_mode).is_file())
}

fn written(bytes: &[u8], end: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.write_all(end)).and_then(|()| out.flush()) {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
