//! Standard output of the verbs: a report in colour, lines, whole files. Files are written before
//! (`app::artefacts`).
#![expect(clippy::disallowed_methods, reason = "rim: looks at the terminal")]

use std::io::IsTerminal as _;
use std::path::Path;

use anyhow::Context as _;

use crate::app::error_text::error_text;
use crate::app::{artefacts, sentence};
use crate::cli::ViewArgs;
use crate::config::Lang;
use crate::lang::Text;
use crate::print;
use crate::report::Report;
use crate::report::page::charts::Charts;
use crate::report::terminal::{self, brief};

const UNPRINTED: &str = "cannot write to standard output";

/// The reports as files and on the terminal. What cannot be written is said, there too, and changes
/// nothing else.
pub fn deliver(folder: &Path, report: &mut Report, charts: &[Charts], lang: Lang, view: ViewArgs) {
    let unwritten = artefacts::save_reports(folder, report, charts, lang);
    let page = folder.join("report.html").display().to_string();
    let page = unwritten.is_empty().then_some(&*page);
    for unwritten in &unwritten {
        print::note(&sentence::notice(unwritten));
    }
    report.last_notices(&unwritten);
    told(show(report, page, lang, view));
}

/// Of what has been done already: that it cannot be shown is said, and is no failure.
pub fn told(shown: anyhow::Result<()>) {
    if let Err(e) = shown {
        print::note(&error_text(&e, print::language()).into());
    }
}

/// As [`print`], of a verb that has done something already.
pub fn tell(text: &Text) {
    told(print_text(text));
}

/// As [`print`], in the reader's language.
pub fn print_text(text: &Text) -> anyhow::Result<()> {
    print(text.in_language(print::language()))
}

/// The report on standard output, in colour where a person looks at it. `page`: where it lies as
/// HTML.
pub fn show(report: &Report, page: Option<&str>, lang: Lang, view: ViewArgs) -> anyhow::Result<()> {
    let colour = std::io::stdout().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let text = if view.verbose {
        terminal::render(report, width(), colour, lang)
    } else {
        brief::render(report, page, width(), colour, lang)
    };
    print::print_coloured(&text).context(UNPRINTED)
}

/// The terminal's, or `COLUMNS`; wide enough for every table elsewhere.
pub fn width() -> u16 {
    let asked = rustix::termios::tcgetwinsize(std::io::stdout())
        .ok()
        .map(|size| size.ws_col)
        .filter(|columns| *columns > 0);
    asked.or_else(|| std::env::var("COLUMNS").ok()?.parse().ok()).unwrap_or(120)
}

/// Lines on standard output.
pub fn print(text: &str) -> anyhow::Result<()> {
    print::print(text).context(UNPRINTED)
}

/// A whole file on standard output. Errors: it is not text and standard output is a terminal.
pub fn print_bytes(bytes: &[u8]) -> anyhow::Result<()> {
    print::print_file(bytes).context(UNPRINTED)
}
