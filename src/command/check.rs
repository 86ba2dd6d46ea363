//! `check`: the gate. Measures, compares with the baseline, judges, reports; the exit code is the verdict's.

use super::{baseline, evaluate, measure, output, publish, setup};
use crate::cli::CheckArgs;
use crate::exit::ExitStatus;

pub fn run(args: &CheckArgs) -> anyhow::Result<ExitStatus> {
    let config = setup::config(&args.config, &args.workload)?;
    if args.output.dry_run {
        output::print(&measure::dry_run(&config)?)?;
        return Ok(ExitStatus::Pass);
    }
    // Before anything is sent: an unreadable baseline or a shallow clone costs no GPU minute.
    let baselines = baseline::Baselines::open(&config, args.baseline.as_deref())?;
    measure::warn_of_starts(&config);
    let record = measure::measure(&config, &args.output, baselines.git.clone()).inspect_err(|e| {
        output::save_failure(&args.output.out, e, baselines.git.clone());
        if let Some(report) = output::failure(e, baselines.git.clone()) {
            publish::after_check(&report, &args.output.out);
        }
    })?;
    let (report, exit) = evaluate::judged(&record, |w| baselines.of(&w.name))?;
    output::save_reports(&args.output.out, &report)?;
    let shown = output::show(&report);
    publish::after_check(&report, &args.output.out);
    shown?;
    Ok(exit)
}
