//! `merge RECORD...`: one record of a run that several machines sent, and what came of it. The exit
//! code is 0 or 3, as `run` has it: it is `check --from` that judges.

use super::output;
use crate::app::merge::merged;
use crate::app::{artefacts, measure};
use crate::cli::MergeArgs;
use crate::evaluate;
use crate::exit::ExitStatus;
use crate::print;
use crate::report::page::charts::charts;

pub fn run(args: &MergeArgs) -> anyhow::Result<ExitStatus> {
    let record = merged(&args.records)?;
    let (mut report, exit) = evaluate::measured(&record)?;
    artefacts::prepare(&args.out)?;
    artefacts::save_record(&args.out, measure::RECORD, &record)?;
    let charts = charts(&record, &report)?;
    output::deliver(&args.out, &mut report, &charts, print::language(), args.view);
    Ok(exit)
}
