//! `selftest`: known changes, and none; what the gate says of each.

use super::output;
use crate::cli::SelftestArgs;
use crate::exit::ExitStatus;
use crate::lab::selftest::{Scale, in_virtual_time, wire};
use crate::print::say;

pub fn run(args: &SelftestArgs) -> anyhow::Result<ExitStatus> {
    let threads = args
        .threads
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get));
    let few = if args.full { Scale::FULL } else { Scale::SHORT };
    let gates = args.gates.unwrap_or(few).max(1);
    let scale = Scale { seed: args.seed, gates, threads: threads.max(1) };
    let table = if args.wire {
        wire::play(args.seed, say)
    } else {
        in_virtual_time(scale, &args.only, say)
    }?;
    output::print(&if args.json { table.to_json() } else { table.to_text() })?;
    Ok(match (table.holds(), table.fit()) {
        (true, _) => ExitStatus::Pass,
        (_, true) => ExitStatus::GateFailed,
        // A busy machine is no fault of the gate.
        (_, false) => ExitStatus::CouldNotMeasure,
    })
}
