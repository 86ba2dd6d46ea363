//! One file per verb: the only place that joins core and rim.

mod judge_case;
mod schema;

use std::io::{Read as _, Write as _};

use crate::cli::Command;
use crate::exit::ExitStatus;

pub fn run(command: Command) -> anyhow::Result<ExitStatus> {
    match command {
        Command::Schema(args) => schema::run(&args),
        Command::JudgeCase => {
            let mut input = String::new();
            std::io::stdin().read_to_string(&mut input)?;
            writeln!(std::io::stdout(), "{}", judge_case::run(&input)?)?;
            Ok(ExitStatus::Pass)
        }
        command => anyhow::bail!("not built yet: {command:?}"),
    }
}
