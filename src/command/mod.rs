//! One file per verb: the only place that joins core and rim.

mod sim;

use crate::cli::Command;
use crate::exit::ExitStatus;

pub fn run(command: Command) -> anyhow::Result<ExitStatus> {
    match command {
        Command::Sim(args) => sim::run(&args),
        other => anyhow::bail!("not built yet: {other:?}"),
    }
}
