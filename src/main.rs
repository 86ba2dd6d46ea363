//! Parse, run, map an `ExitStatus` or an error to an exit code. A panic is exit 70.

use std::process::ExitCode;

use goodput_gate::{Cli, ending, run};

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(ending::panicked));
    let ended = std::panic::catch_unwind(|| match Cli::from_args() {
        Err(error) => ending::usage(error),
        Ok(cli) => run(cli).unwrap_or_else(|error| ending::failed(&error)),
    });
    ExitCode::from(ended.unwrap_or_else(|_| ending::internal()).code())
}
