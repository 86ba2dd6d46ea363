//! One file per verb: the only place that joins core and rim.

mod schema;

use crate::cli::Command;
use crate::exit::ExitStatus;

pub fn run(command: Command) -> anyhow::Result<ExitStatus> {
    match command {
        Command::Schema(args) => schema::run(&args),
        command => anyhow::bail!("not built yet: {command:?}"),
    }
}
