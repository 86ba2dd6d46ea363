//! This program as a process of its own, for whoever wants something done apart from himself. Not
//! here: servers.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::process::{Child, Command, Stdio};

/// Without a shell. `input` is its standard input; what it says on standard error can be read.
/// `without` names variables that are none of its business, `with` are some that are.
pub fn start_itself<S: AsRef<OsStr>>(
    arguments: &[S],
    input: File,
    without: &[&str],
    with: &[(&str, &str)],
) -> io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments);
    for name in without {
        command.env_remove(name);
    }
    command.envs(with.iter().copied());
    command.stdin(Stdio::from(input)).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()
}
