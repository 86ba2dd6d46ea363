//! How a process ends that does not end well: errors, wrong arguments and panics, said and as an
//! exit status.
//!
//! Not here: what errors say (`app::error_text`), or which status they have (`exit`).
#![expect(clippy::disallowed_methods, reason = "rim: asks whether colours are wanted")]

use std::io::IsTerminal as _;
use std::panic::PanicHookInfo;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::language::language_here;
use crate::app::error_text::error_text;
use crate::exit::ExitStatus;
use crate::lang::{Text, bilingual};
use crate::print;
use crate::visible::one_line;

/// Says what failed. Its status.
pub fn failed(error: &anyhow::Error) -> ExitStatus {
    let label = bilingual!("error: ", "오류: ");
    let lang = print::language();
    print::say(&format!("{}{}", label.in_language(lang), error_text(error, lang)));
    ExitStatus::from_error(error)
}

/// What `goodput-gate` alone says: the way from nothing to a gate.
fn overview() -> Text {
    bilingual!(
        "\
goodput-gate keeps LLM serving from getting slower without anyone noticing.

  check --demo      see a gate at work: one minute, no server, no config
  init              find servers here, write a config and a workflow
  run               measure a server, judge nothing
  baseline update   keep a measurement of this commit as what to compare with
  check             the gate: measure, compare, say PASS or FAIL

`goodput-gate help` lists every verb, `goodput-gate VERB --help` its flags.",
        "\
goodput-gate는 LLM 서빙이 아무도 모르게 느려지는 것을 막습니다.

  check --demo      게이트 체험: 1분, 서버와 설정 없이
  init              이 머신의 서버를 찾아 설정과 워크플로를 만듭니다
  run               서버를 측정만 하고 판정하지 않습니다
  baseline update   이 커밋의 측정을 비교 기준(기준선)으로 저장합니다
  check             게이트: 측정하고, 비교하고, PASS 또는 FAIL을 알립니다

명령 전체는 `goodput-gate help`, 각 명령의 플래그는 `goodput-gate VERB --help`로 봅니다."
    )
}

/// What clap has to say: help, the version, or what is wrong with the arguments.
pub fn usage(mut error: clap::Error) -> ExitStatus {
    // The second where a variable stands for a flag.
    let nothing = matches!(
        error.kind(),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand
    );
    if nothing && std::env::args_os().len() <= 1 {
        print::set_language(language_here());
        print::speak(&overview());
        return ExitStatus::Usage;
    }
    let foreign: Vec<(ContextKind, String)> = error
        .context()
        .filter_map(|(kind, value)| match value {
            ContextValue::String(text) if text.contains(char::is_control) => {
                Some((kind, one_line(text)))
            }
            _ => None,
        })
        .collect();
    for (kind, text) in foreign {
        error.insert(kind, ContextValue::String(text));
    }
    let terminal = if error.use_stderr() {
        std::io::stderr().is_terminal()
    } else {
        std::io::stdout().is_terminal()
    };
    let coloured = terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let text =
        if coloured { error.render().ansi().to_string() } else { error.render().to_string() };
    let text = text.trim_end();
    if error.use_stderr() {
        print::say_coloured(text);
        return ExitStatus::Usage;
    }
    match print::print_coloured(text) {
        Ok(()) => ExitStatus::Pass,
        Err(e) => failed(&anyhow::Error::new(e).context("cannot write to standard output")),
    }
}

/// In place of the standard library's report of a panic, which repeats foreign text as it is.
pub fn panicked(info: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let place = info.location().map(|l| format!(" at {l}")).unwrap_or_default();
    let said = info.payload().downcast_ref::<&str>().copied();
    let said = said
        .or_else(|| info.payload().downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    let name = thread.name().unwrap_or("unnamed");
    let trace = std::backtrace::Backtrace::capture();
    let trace = if trace.status() == std::backtrace::BacktraceStatus::Captured {
        format!("\n{trace}")
    } else {
        String::new()
    };
    print::say(&format!("thread {name} panicked{place}: {}{trace}", one_line(said)));
}

/// After [`panicked`].
pub fn internal() -> ExitStatus {
    print::speak(&bilingual!(
        "internal error: this is a bug of goodput-gate; please report it with the lines above",
        "내부 오류: goodput-gate의 버그입니다. 위의 줄과 함께 알려 주십시오"
    ));
    ExitStatus::Internal
}
