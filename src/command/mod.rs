//! One file per verb: the only place that joins core and rim.

use crate::cli::Command;
use crate::exit::ExitStatus;

pub fn run(command: Command) -> anyhow::Result<ExitStatus> {
    anyhow::bail!("not built yet: {command:?}")
}
