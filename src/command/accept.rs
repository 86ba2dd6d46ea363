//! `accept`: what a report found worse goes into the reviewed acceptances.

use super::{args, output};
use crate::app::acceptances::{self, DAYS, Request, Written};
use crate::app::workspace::Workspace;
use crate::cli::AcceptArgs;
use crate::exit::ExitStatus;
use crate::print::say;

pub fn run(args: &AcceptArgs) -> anyhow::Result<ExitStatus> {
    let request = Request {
        here: &Workspace::here(),
        reason: &args.reason,
        until: args.until.as_deref(),
        metrics: &args.metric,
        workload: args.workload.as_deref(),
        at_most: args.at_most.as_deref(),
        any_change: args.any_change,
        report: &args.report,
        given: &args::file(&args.config),
    };
    let Written { entries, until, file } = acceptances::write(&request)?;
    for entry in &entries {
        output::tell(&acceptances::in_words(entry)?);
    }
    if args.until.is_none() {
        say(&format!(
            "note: they count until {until}, {DAYS} days from today; --until YYYY-MM-DD says another day"
        ));
    }
    if entries.iter().any(|a| a.commit.is_none()) {
        say(
            "note: it names no commit (--any-change, or changes that no commit holds), so it covers any change of that size",
        );
    }
    say(&format!(
        "hint: commit {} in a pull request of its own: in CI it counts once it is on the base branch, never for the change that brings it",
        file.display()
    ));
    Ok(ExitStatus::Pass)
}
