//! Starts, watches and stops the server under test: the simulated one, or a user's command through
//! a supervisor.
//!
//! A user's command is never our own child. This program starts itself as a supervisor, which holds
//! the command and all that it leaves behind, and ends it all when our end of a pipe closes: also
//! when we panic or are killed.
//!
//! Not here: what a server serves, or talking to it (`load`, `probe`), or waiting until it is ready
//! (`command`).
#![expect(
    clippy::disallowed_methods,
    reason = "rim: starts processes, reads their log and waits for them"
)]

mod container;
mod detached;
mod follow;
mod itself;
mod log;
mod message;
mod ports;
mod processes;
mod programs;
mod rolling;
mod sim;
mod supervised;
mod supervisor;

pub use container::{Container, PREFIX};
pub use detached::{Identity, State};
pub use follow::Follow;
pub use itself::start_itself;
pub use log::tail as log_tail;
pub use ports::{free_port, port_taken};
pub use processes::is_ignored;
pub use programs::{Running, running, sha256};
pub use sim::SimServer;
pub use supervised::{Command, Finished, Supervised, run_to_end};
pub use supervisor::{Job, supervise};

#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    #[error("cannot start the simulated server: {0}")]
    Spawn(std::io::Error),
    #[error("the simulated server said nothing of where it listens: {0}")]
    Silent(String),
    #[error("cannot start the supervisor of the server: {0}")]
    Supervisor(std::io::Error),
    /// What the supervisor said of why.
    #[error("cannot start the server: {0}")]
    NotStarted(String),
    #[error(
        "cannot start the server: its supervisor ended without a word; look for what kills processes here, such as a memory limit"
    )]
    Lost,
    #[error("cannot stop the server: {} did not end when killed; end them by hand before the next start", pids(.0))]
    Left(Vec<i32>),
    /// The command's process group.
    #[error(
        "cannot tell whether the server is stopped: its supervisor was killed; look for what is left of process group {0} and end it"
    )]
    Orphaned(i32),
    /// Its name, and why.
    #[error(
        "cannot remove the server's container {0}: {1}; remove it by hand before the next start"
    )]
    Kept(String, String),
}

fn pids(all: &[i32]) -> String {
    let numbers: Vec<String> = all.iter().map(ToString::to_string).collect();
    format!("process {}", numbers.join(", "))
}
