//! Parse, run, map an `ExitStatus` or an error to an exit code. A broken pipe is not an error; a panic is exit 70.

use std::io::Write as _;
use std::process::ExitCode;

use goodput_gate::{Cli, ExitStatus, run};

fn main() -> ExitCode {
    let cli = Cli::of_args();
    let status = match std::panic::catch_unwind(|| run(cli)) {
        Ok(Ok(status)) => status,
        Ok(Err(error)) => failed(&error),
        Err(_) => {
            say("internal error: this is a bug of goodput-gate; please report it with the lines above");
            ExitStatus::Internal
        }
    };
    ExitCode::from(status.code())
}

fn failed(error: &anyhow::Error) -> ExitStatus {
    let broken_pipe =
        error.chain().filter_map(|e| e.downcast_ref::<std::io::Error>()).any(|e| e.kind() == std::io::ErrorKind::BrokenPipe);
    if broken_pipe {
        return ExitStatus::Pass;
    }
    say(&format!("error: {error:#}"));
    ExitStatus::of(error)
}

/// Errors repeat what servers and files say: no terminal sequence of theirs gets through. Standard error may be gone too; there is nobody
/// left to tell then.
fn say(text: &str) {
    let shown: String = text.chars().filter(|c| *c == '\n' || !c.is_control()).collect();
    let _ = writeln!(std::io::stderr(), "{shown}");
}
