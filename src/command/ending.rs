//! How a process ends that does not end well: errors, wrong arguments and panics, said and as an
//! exit status.
//!
//! Not here: what errors say (`app::error_text`), or which status they have (`exit`).
#![expect(clippy::disallowed_methods, reason = "rim: asks whether colours are wanted")]

use std::io::IsTerminal as _;
use std::panic::PanicHookInfo;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::app::error_text::error_text;
use crate::exit::ExitStatus;
use crate::print;
use crate::visible::one_line;

/// Says what failed. Its status.
pub fn failed(error: &anyhow::Error) -> ExitStatus {
    print::say(&format!("error: {}", error_text(error)));
    ExitStatus::from_error(error)
}

/// What `goodput-gate` alone says: the way from nothing to a gate.
const OVERVIEW: &str = "\
goodput-gate keeps LLM serving from getting slower without anyone noticing.

  check --demo      see a gate at work: one minute, no server, no config
  init              find servers here, write a config and a workflow
  run               measure a server, judge nothing
  baseline update   keep a measurement of this commit as what to compare with
  check             the gate: measure, compare, say PASS or FAIL

`goodput-gate help` lists every verb, `goodput-gate VERB --help` its flags.";

/// What clap has to say: help, the version, or what is wrong with the arguments.
pub fn usage(mut error: clap::Error) -> ExitStatus {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        && std::env::args_os().len() <= 1
    {
        print::say(OVERVIEW);
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
    print::say(
        "internal error: this is a bug of goodput-gate; please report it with the lines above",
    );
    ExitStatus::Internal
}
