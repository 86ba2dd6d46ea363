//! `bisect`: which commit made it slow.

use std::path::PathBuf;

use clap::Args;

use super::{ConfigArgs, OutputArgs, WorkloadArgs};

#[derive(Clone, Debug, Args)]
pub struct BisectArgs {
    /// A commit, tag or branch that is fast enough
    #[arg(value_name = "GOOD")]
    pub good: String,
    /// One that is slow, on whose first-parent history GOOD is
    #[arg(value_name = "BAD", default_value = "HEAD")]
    pub bad: String,
    /// Look only at commits that change this file or folder (repeatable)
    #[arg(long = "path", value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    #[arg(
        long,
        value_name = "NAME",
        conflicts_with = "run",
        help = "The metric to follow, e.g. tpot_geomean [default: the one that the ends differ most by]"
    )]
    pub metric: Option<String>,
    /// Run this command in a checkout of each commit, in the place of the config's server: the last
    /// line of its output is a number, of which less is better; exit 125 skips the commit
    #[arg(long, value_name = "COMMAND")]
    pub run: Option<String>,
    /// More is better, of --run's number
    #[arg(long, requires = "run")]
    pub higher_is_better: bool,
    /// Starts at most, beside those of both ends and of the last comparison
    #[arg(long, value_name = "N", default_value_t = 40)]
    pub budget: u32,
    /// Throw an unfinished search away, and begin anew
    #[arg(long)]
    pub restart: bool,
    /// The answer as JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(flatten)]
    pub output: OutputArgs,
    // Last: its heading would hold for all that follows.
    #[command(flatten)]
    pub workload: WorkloadArgs,
}
