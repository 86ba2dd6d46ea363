//! `runs`: the runs that a data directory keeps. Not here: keeping them (`--data` of the verbs that
//! measure).

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::common::DATA_VARIABLE;
use super::{ReportFormat, ViewArgs};

#[derive(Clone, Debug, Subcommand)]
pub enum RunsCommand {
    /// Every run, newest first
    List(RunsListArgs),
    /// What is known of a run, and its report
    Show(RunsShowArgs),
    /// Delete runs with all that they have written; asks first
    Delete(RunsDeleteArgs),
}

/// Where runs lie.
#[derive(Clone, Debug, Args)]
pub struct DataArgs {
    /// Data directory
    #[arg(long, value_name = "DIR", env = DATA_VARIABLE, hide_env_values = true, default_value = ".goodput-gate")]
    pub data: PathBuf,
}

#[derive(Clone, Debug, Args)]
pub struct RunsListArgs {
    #[command(flatten)]
    pub data: DataArgs,
    /// Only runs with this workload
    #[arg(long, value_name = "NAME")]
    pub workload: Option<String>,
    /// Only runs with this verdict, e.g. FAIL; beside --workload, that workload's
    #[arg(long, value_name = "VERDICT")]
    pub verdict: Option<String>,
    /// Only runs of this branch
    #[arg(long, value_name = "NAME")]
    pub branch: Option<String>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Debug, Args)]
pub struct RunsShowArgs {
    /// Its id, or the beginning of it; `latest` is the newest
    #[arg(value_name = "RUN")]
    pub run: String,
    #[command(flatten)]
    pub data: DataArgs,
    /// Print its report in this format, and nothing else
    #[arg(long, value_enum, conflicts_with = "json", hide_possible_values = true)]
    pub format: Option<ReportFormat>,
    /// What is known of it, as JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub view: ViewArgs,
}

#[derive(Clone, Debug, Args)]
pub struct RunsDeleteArgs {
    /// Their ids, or the beginnings of them
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<String>,
    #[command(flatten)]
    pub data: DataArgs,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}
