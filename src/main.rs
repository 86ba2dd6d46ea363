//! Parse, run, map to an exit code. Not here: anything else.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    match goodput_gate::run(goodput_gate::Cli::parse()) {
        Ok(status) => ExitCode::from(status.code()),
        Err(_) => ExitCode::from(2),
    }
}
