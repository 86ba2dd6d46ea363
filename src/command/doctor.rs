//! `doctor`: what works here, what does not, what to do; `bad` ends with exit 3.

use unicode_width::UnicodeWidthStr as _;

use super::{args, output};
use crate::app::doctor::{Grade, Line, lines};
use crate::app::error_text;
use crate::app::gate::Given;
use crate::app::workspace::Workspace;
use crate::cli::DoctorArgs;
use crate::config::Flags;
use crate::exit::ExitStatus;
use crate::lab::bench::truth::{self, Burst};
use crate::lang::{Lang, Text, bilingual};
use crate::measure::stats::percentile_of_sorted;
use crate::print;

/// The self-test's load: as many streams as a busy gate has, for about a second.
const BURST: Burst = Burst { streams: 50, token_rate: 30.0, tokens: 30 };
/// Beyond this (p99) the client's own error is visible in a TTFT of 100 ms.
const TTFT_ERROR_MS: f64 = 2.0;

pub fn run(args: &DoctorArgs) -> anyhow::Result<ExitStatus> {
    let flags = Flags {
        base_url: args.base_url.clone(),
        model: args.model.clone(),
        api_key_env: args.api_key_env.clone(),
        ..Flags::default()
    };
    let mut lines = lines(&Workspace::here(), &Given { flags, ..args::file(&args.config) });
    lines.push(client());
    for (grade, what, text) in &lines {
        let word = match grade {
            Grade::Ok => bilingual!("ok  ", "정상"),
            Grade::Note => bilingual!("note", "참고"),
            Grade::Bad => bilingual!("bad ", "문제"),
        };
        output::print(&row(&word, what, text, print::language()))?;
    }
    let bad = lines.iter().any(|(grade, ..)| *grade == Grade::Bad);
    Ok(if bad { ExitStatus::CouldNotMeasure } else { ExitStatus::Pass })
}

/// The further lines of a text stand below its first.
fn row(word: &Text, what: &Text, text: &Text, lang: Lang) -> String {
    let (word, what, text) =
        (word.in_language(lang), what.in_language(lang), text.in_language(lang));
    let column = match lang {
        Lang::En => 8,
        Lang::Ko => 10,
    };
    let blank = " ".repeat(column.max(what.width()) - what.width());
    let indent = " ".repeat(word.width() + 2 + column + 1);
    format!("{word}  {what}{blank} {}", text.replace('\n', &format!("\n{indent}")))
}

/// The client against a server that logs when it wrote each token.
fn client() -> Line {
    let what = bilingual!("client", "클라이언트");
    match truth::measure(&BURST) {
        Ok(errors) => {
            let p99 = percentile_of_sorted(&errors.ttft_ms, 0.99);
            let fine = p99.is_some_and(|p| p <= TTFT_ERROR_MS);
            let grade = if fine { Grade::Ok } else { Grade::Note };
            let hint = if fine {
                Text::default()
            } else {
                bilingual!(
                    "\nthe machine is busy: instants are late by this much",
                    "\n머신이 바쁨: 시각이 이만큼 늦게 기록됨"
                )
            };
            let text = bilingual!(
                "error against a server that knows the truth, {streams} streams:\n",
                "참값을 아는 서버와의 오차, 스트림 {streams}개:\n",
                streams = BURST.streams
            );
            (grade, what, text.then(&truth::describe(&errors)).then(&hint))
        }
        Err(e) => (Grade::Bad, what, error_text::text(&e)),
    }
}
