//! `calibrate`: what a gate on this machine can see, what it costs, and how often it cries wolf.

use super::args::{self, Measuring};
use super::output;
use crate::app::calibrate::{Calibrate, STARTS, calibrate};
use crate::app::workspace::Workspace;
use crate::app::{dry_run, gate};
use crate::cli::CalibrateArgs;
use crate::exit::ExitStatus;

const VERB: &str = "calibrate";

pub fn run(args: &CalibrateArgs) -> anyhow::Result<ExitStatus> {
    args::measuring(VERB, &args.output, |measuring| calibrated(args, measuring))
}

fn calibrated(args: &CalibrateArgs, measuring: &Measuring<'_>) -> anyhow::Result<ExitStatus> {
    let here = Workspace::here();
    let mut config = gate::config(&here, &args::given(&args.config, &args.workload))?;
    config.gate.starts = args.workload.starts.unwrap_or(STARTS);
    if args.output.dry_run {
        output::print_text(&dry_run::text(&config, None)?)?;
        return Ok(ExitStatus::Pass);
    }
    let what = Calibrate {
        here: &here,
        options: &args::options(&args.output),
        save: !args.no_save,
        tell: &output::tell,
    };
    calibrate(&config, &what, || measuring.begin(&here))
}
