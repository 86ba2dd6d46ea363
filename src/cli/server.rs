//! `server`: the config's server by hand. Not here: the simulated server by itself (`sim`).

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ConfigArgs;

#[derive(Clone, Debug, Subcommand)]
pub enum ServerCommand {
    /// Build and start the config's server, wait until it is ready, print its base URL, and let it
    /// run on
    Up(ServerArgs),
    /// Stop it, with all that it started
    Down(ServerArgs),
    /// Whether it is ready, starting, unready or dead (exit 0 only where it is ready)
    Status(ServerArgs),
    /// The last lines of its log
    Logs(ServerLogsArgs),
}

#[derive(Clone, Debug, Args)]
pub struct ServerArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// One of the config's `targets`, instead of its `target`
    #[arg(long, value_name = "NAME")]
    pub target: Option<String>,
    /// Folder for its state and its logs
    #[arg(long, value_name = "DIR", default_value = ".goodput-gate")]
    pub out: PathBuf,
}

#[derive(Clone, Debug, Args)]
pub struct ServerLogsArgs {
    #[command(flatten)]
    pub server: ServerArgs,
    /// At most so many lines, of the last 64 KiB
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50)]
    pub lines: usize,
    /// Go on with what comes, until the server ends
    #[arg(short, long)]
    pub follow: bool,
}
