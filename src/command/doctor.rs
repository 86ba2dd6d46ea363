//! `doctor`: what works here, what does not, what to do; `bad` ends with exit 3.

use super::{args, output};
use crate::app::doctor::{Grade, Line, lines};
use crate::app::gate::Given;
use crate::app::workspace::Workspace;
use crate::cli::DoctorArgs;
use crate::config::Flags;
use crate::exit::ExitStatus;
use crate::lab::bench::truth::{self, Burst};
use crate::measure::stats::percentile_of_sorted;

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
            Grade::Ok => "ok  ",
            Grade::Note => "note",
            Grade::Bad => "bad ",
        };
        output::print(&format!("{word}  {what:<8} {}", text.replace('\n', "\n               ")))?;
    }
    let bad = lines.iter().any(|(grade, ..)| *grade == Grade::Bad);
    Ok(if bad { ExitStatus::CouldNotMeasure } else { ExitStatus::Pass })
}

/// The client against a server that logs when it wrote each token.
fn client() -> Line {
    match truth::measure(&BURST) {
        Ok(errors) => {
            let p99 = percentile_of_sorted(&errors.ttft_ms, 0.99);
            let fine = p99.is_some_and(|p| p <= TTFT_ERROR_MS);
            let grade = if fine { Grade::Ok } else { Grade::Note };
            let hint =
                if fine { "" } else { "\nthe machine is busy: instants are late by this much" };
            (
                grade,
                "client".into(),
                format!(
                    "error against a server that knows the truth, {} streams:\n{}{hint}",
                    BURST.streams,
                    truth::describe(&errors)
                ),
            )
        }
        Err(e) => (Grade::Bad, "client".into(), format!("{e:#}")),
    }
}
