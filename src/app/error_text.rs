//! An error in words, its foreign parts on one line each. Not here: who says it, or which exit
//! status it has (`exit`).

use std::error::Error;
use std::path::Path;

use crate::baseline::lineage::GitError;
use crate::config::ConfigError;
use crate::exit::Failure;
use crate::lang::{Because, Lang, Text, bilingual};
use crate::record::RecordError;
use crate::record::session::ParseError;
use crate::visible::one_line;

/// How our own lines begin that follow the first of an error.
const OWN_LINES: [&str; 5] = ["hint: ", "note: ", "힌트: ", "참고: ", "  "];

/// An error in words. A line break within a foreign name is shown and begins no line.
pub fn error_text(error: &anyhow::Error, lang: Lang) -> String {
    let all = in_language(error, lang);
    // It has a line for each of its issues, and has seen to their foreign parts itself.
    if error.downcast_ref::<ConfigError>().is_some() { all } else { own_lines(&all) }
}

/// Above why a file is not what it should be.
pub fn cannot_use(path: &Path) -> Text {
    bilingual!("cannot use {path}", "{path} 사용 불가", path = path.display())
}

/// The same in every language, its foreign parts as they are.
pub fn text(error: &anyhow::Error) -> Text {
    Text { en: in_language(error, Lang::En), ko: in_language(error, Lang::Ko) }
}

fn in_language(error: &anyhow::Error, lang: Lang) -> String {
    error.chain().map(|cause| cause_in(cause, lang)).collect::<Vec<_>>().join(": ")
}

/// What knows its words in every language; all else is English.
fn cause_in(cause: &(dyn Error + 'static), lang: Lang) -> String {
    let text = cause
        .downcast_ref::<Text>()
        .or_else(|| cause.downcast_ref::<Failure>().map(Failure::message))
        .or_else(|| cause.downcast_ref::<Because>().map(|because| &because.what));
    if let Some(text) = text {
        return text.in_language(lang).to_owned();
    }
    let text = cause
        .downcast_ref::<GitError>()
        .map(GitError::text)
        .or_else(|| cause.downcast_ref::<RecordError>().map(RecordError::text))
        .or_else(|| cause.downcast_ref::<ParseError>().map(ParseError::text));
    if let Some(text) = text {
        return text.in_language(lang).to_owned();
    }
    cause
        .downcast_ref::<ConfigError>()
        .map_or_else(|| cause.to_string(), |config| config.in_language(lang))
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
    use crate::exit::ExitStatus;
    use crate::lang::Explained as _;

    #[test]
    fn a_foreign_line_break_begins_no_line() {
        let error = anyhow::anyhow!(
            "unknown key `x\n::error::y\r::warning::z`\nhint: remove it\n  or this"
        )
        .context("bad.json");
        assert_eq!(
            error_text(&error, Lang::En),
            "bad.json: unknown key `x\\n::error::y\\n::warning::z`\nhint: remove it\n  or this"
        );
    }

    #[test]
    fn each_link_of_the_chain_is_said_in_the_readers_language() {
        let failed: Result<(), _> = Err(Failure::measure(bilingual!("busy", "사용 중")));
        let error = failed
            .explained(|| bilingual!("cannot start\nhint: wait", "시작 실패\n힌트: 대기"))
            .map_err(|e| e.context("target a"))
            .expect_err("it is");
        assert_eq!(error_text(&error, Lang::En), "target a: cannot start\nhint: wait: busy");
        assert_eq!(error_text(&error, Lang::Ko), "target a: 시작 실패\n힌트: 대기: 사용 중");
        assert_eq!(ExitStatus::from_error(&error), ExitStatus::CouldNotMeasure);
    }
}
