//! What the user typed: clap derive only. Not here: defaults that a config may hold, or any check
//! that needs more than one flag.

mod accept;
mod baseline;
mod bench;
mod bisect;
mod cluster;
mod common;
mod gate;
mod machine;
mod older;
mod records;
mod runs;
mod serve;
mod server;

use clap::{Parser, Subcommand};

pub use self::accept::AcceptArgs;
pub use self::baseline::{
    BaselineAnchorArgs, BaselineCommand, BaselineDriftArgs, BaselineHistoryArgs, BaselineListArgs,
    BaselinePromoteArgs, BaselinePruneArgs, BaselineResolveArgs, BaselineShowArgs,
    BaselineUpdateArgs, LandArgs,
};
pub use self::bench::BenchCommand;
pub use self::bisect::BisectArgs;
pub use self::cluster::ClusterCommand;
pub use self::common::{
    ConfigArgs, LANG_VARIABLE, Language, LogFormat, LookArgs, OutputArgs, ViewArgs,
};
pub use self::gate::{CalibrateArgs, CheckArgs, RunArgs, SelftestArgs};
pub use self::machine::{DoctorArgs, GpuArgs, InitArgs, ModelsArgs, SimArgs, SuperviseArgs};
pub use self::records::{
    CommentArgs, CompareArgs, ImportArgs, ImportFormat, MergeArgs, RecommendArgs, ReportArgs,
    ReportFormat, SchemaArgs, SchemaKind,
};
pub use self::runs::{DataArgs, RunsCommand, RunsDeleteArgs, RunsListArgs, RunsShowArgs};
pub use self::serve::ServeArgs;
pub use self::server::{ServerArgs, ServerCommand};
pub use crate::config::Flags as WorkloadArgs;

/// A gate that keeps LLM serving from getting slower without anyone noticing.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    /// Language of all that people read: en or ko; files for machines stay English [default: the
    /// config's, else that of the terminal]
    #[arg(long, global = true, value_enum, env = LANG_VARIABLE, hide_env_values = true)]
    pub lang: Option<Language>,
}

impl Cli {
    /// Of the process's arguments. Errors: they are wrong, or ask for help or the version.
    pub fn from_args() -> Result<Self, clap::Error> {
        Self::try_parse().map_err(older::tipped)
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Measure, compare with the baseline, judge, report: the gate
    Check(CheckArgs),
    /// Measure only, write a record
    Run(RunArgs),
    /// Judge a stored record against stored baseline sessions or another record, offline
    Compare(CompareArgs),
    /// Judge stored records again and post them to their pull request: the trusted half for forks
    Comment(CommentArgs),
    /// Accept a known regression of the last run, with a reason and a last day, in a file that is
    /// reviewed
    Accept(AcceptArgs),
    /// Add to or list the committed baselines
    #[command(subcommand)]
    Baseline(BaselineCommand),
    /// Measure starts of unchanged code: the noise here, the smallest visible change, false alarms,
    /// minutes per verdict
    Calibrate(CalibrateArgs),
    /// How many replicas and GPUs a load needs, from the limit of one that `run --find` found
    Recommend(RecommendArgs),
    /// Find the commit that made it slow, between one that is good and one that is bad
    Bisect(BisectArgs),
    /// Make one record of a run that several machines sent (`run --shard`)
    Merge(MergeArgs),
    /// Make a record of results that another tool measured
    Import(ImportArgs),
    /// Print a complete job for a cluster: the load from many machines, merged and judged
    #[command(subcommand)]
    Cluster(ClusterCommand),
    /// Write a stored record's report in another format
    Report(ReportArgs),
    /// The runs that a data directory keeps (`--data`): list, show, delete
    #[command(subcommand)]
    Runs(RunsCommand),
    /// The runs of a data directory over HTTP
    Serve(ServeArgs),
    /// The simulated server: a test instrument that predicts no real engine
    Sim(SimArgs),
    /// Start, stop and look after the config's server by hand
    #[command(subcommand)]
    Server(ServerCommand),
    /// JSON Schema of config, record, report or ranking
    Schema(SchemaArgs),
    /// Which models a server offers, and what it says of itself
    Models(ModelsArgs),
    /// What works on this machine: host, git, server, client self-test
    Doctor(DoctorArgs),
    /// The GPUs of this machine: memory, use, clocks, power, who computes on them
    Gpu(GpuArgs),
    /// Inject known changes and see what the gate says of each
    Selftest(SelftestArgs),
    /// Look around (servers, models, git, GPU), ask little, write config and workflow
    Init(InitArgs),
    /// Judge a labelled case from stdin (METHOD's test vectors)
    #[command(hide = true)]
    JudgeCase,
    /// Measure the client itself against a server that knows the truth
    #[command(hide = true, subcommand)]
    Bench(BenchCommand),
    /// Run a server's command until standard input ends, and leave nothing of it behind
    #[command(hide = true)]
    Supervise(SuperviseArgs),
}
