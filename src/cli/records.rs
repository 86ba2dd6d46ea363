//! The verbs over stored files: compare, comment, import, report, schema.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{ConfigArgs, DataArgs, ViewArgs};

#[derive(Clone, Debug, Args)]
pub struct CompareArgs {
    /// The baseline: a record, a baseline file, or a folder of baseline files
    pub baseline: PathBuf,
    /// The candidate: a record
    pub candidate: PathBuf,
    /// More records: then all are ranked, and none is the baseline
    #[arg(value_name = "RECORD", conflicts_with = "explain")]
    pub more: Vec<PathBuf>,
    /// Rank two records, too, instead of judging the second against the first
    #[arg(long, conflicts_with = "explain")]
    pub rank: bool,
    /// Show the arithmetic behind the judgement of this metric, step by step (repeatable)
    #[arg(long, value_name = "METRIC")]
    pub explain: Vec<String>,
    /// Print the whole in this format, instead of the terminal's tables; a ranking has terminal,
    /// md, html, csv and json
    #[arg(long, value_enum, conflicts_with = "explain", hide_possible_values = true)]
    pub format: Option<ReportFormat>,
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Folder for the reports
    #[arg(long, value_name = "DIR", default_value = ".goodput-gate")]
    pub out: PathBuf,
    #[command(flatten)]
    pub view: ViewArgs,
}

#[derive(Clone, Debug, Args)]
pub struct MergeArgs {
    /// The records of all shards of one run
    #[arg(required = true, value_name = "RECORD")]
    pub records: Vec<PathBuf>,
    /// Folder for record and reports
    #[arg(long, value_name = "DIR", default_value = ".goodput-gate")]
    pub out: PathBuf,
    #[command(flatten)]
    pub view: ViewArgs,
}

#[derive(Clone, Debug, Args)]
pub struct CommentArgs {
    /// Records, e.g. of a matrix, both of each interleaved run: at most 32, each at most 64 MiB
    #[arg(required = true, value_name = "RECORD")]
    pub records: Vec<PathBuf>,
    /// Repository to post to [default: that of the workflow run]
    #[arg(long, value_name = "OWNER/NAME")]
    pub repo: Option<String>,
    /// Commit under test; never taken from a record [default: that of the workflow run]
    #[arg(long, value_name = "SHA")]
    pub sha: Option<String>,
    /// Pull request [default: the open ones whose head is the commit]
    #[arg(long, value_name = "N")]
    pub pr: Option<u64>,
    #[arg(
        long,
        help = "Name of the gate: each has its own comment and check [default: $GOODPUT_GATE_NAME, else goodput-gate]"
    )]
    pub name: Option<String>,
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Folder or file of baseline sessions to compare with, instead of the repository's
    #[arg(long, value_name = "PATH")]
    pub baseline: Option<PathBuf>,
    /// Print the comment and send nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Clone, Debug, Args)]
pub struct ImportArgs {
    /// Result files, one per server start, in the order of their measurement
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Tool that wrote them [default: by their content]
    #[arg(long, value_enum)]
    pub format: Option<ImportFormat>,
    /// Name of the workload [default: the tool's name]
    #[arg(long, value_name = "NAME")]
    pub workload: Option<String>,
    /// Per-request limits, e.g. ttft=500ms,tpot=50ms
    #[arg(long, value_name = "KIND=TIME[,...]")]
    pub slo: Option<String>,
    /// Where the record goes [default: .goodput-gate/record.json]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Config file for policy, slo, limits and regressions of --workload
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub data: DataArgs,
    #[command(flatten)]
    pub view: ViewArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ImportFormat {
    /// vllm bench serve --save-result --save-detailed
    VllmBench,
    #[value(help = "python -m sglang.bench_serving --output-details")]
    SglangBench,
    /// guidellm's JSON report
    Guidellm,
    #[value(help = "aiperf's profile_export.jsonl, its summary beside it")]
    Aiperf,
    #[value(help = "llm-loadtest's benchmarks.db: each row becomes a run of the data directory")]
    LlmLoadtest,
}

#[derive(Clone, Debug, Args)]
pub struct ReportArgs {
    /// A record, or the report.json or ranking.json of one
    pub record: PathBuf,
    /// More records or reports: one table of all their workloads (terminal, md)
    pub more: Vec<PathBuf>,
    #[arg(long, value_enum, default_value = "terminal")]
    pub format: ReportFormat,
    /// Write here instead of to standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    Terminal,
    Md,
    Junit,
    Json,
    Html,
    Csv,
    /// Excel workbook: metrics, distributions, every request
    Xlsx,
    /// Text for a textfile collector or a push gateway
    Prometheus,
    /// Verdict and goodput as JSON for shields.io's endpoint badge
    Badge,
    /// Verdict and goodput as a picture
    Svg,
}

#[derive(Clone, Debug, Args)]
pub struct SchemaArgs {
    #[arg(value_enum)]
    pub what: SchemaKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaKind {
    Config,
    Record,
    Report,
    Ranking,
}

/// How many replicas and GPUs a load needs, from the limit of one replica that `run --find` found.
#[derive(Clone, Debug, Args)]
#[command(group(clap::ArgGroup::new("peak").required(true).args(["peak_concurrency", "peak_rate", "users"])))]
pub struct RecommendArgs {
    /// Requests in flight at the busiest time
    #[arg(long, value_name = "N")]
    pub peak_concurrency: Option<f64>,
    /// Requests per second at the busiest time
    #[arg(long, value_name = "R")]
    pub peak_rate: Option<f64>,
    /// Users of a day, with --requests-per-user-day
    #[arg(long, value_name = "N", requires = "requests_per_user_day")]
    pub users: Option<f64>,
    /// Requests of a user per day
    #[arg(long, value_name = "N")]
    pub requests_per_user_day: Option<f64>,
    /// Of --users: how many times the day's mean the busiest time is
    #[arg(long, value_name = "X", default_value_t = 4.0)]
    pub peak_factor: f64,
    /// Share of the requests that must be within the SLOs [default: that of the search]
    #[arg(long, value_name = "PERCENT")]
    pub goodput_target: Option<String>,
    /// Load on top of the peak
    #[arg(long, value_name = "PERCENT", default_value = "20%")]
    pub headroom: String,
    /// Record of `run --find`, of one replica
    #[arg(long, value_name = "RECORD", default_value = ".goodput-gate/record.json")]
    pub from: PathBuf,
    /// Replicas that may be away
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub spare: u32,
    /// GPUs of a replica [default: by the server's own settings]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub gpus_per_replica: Option<u32>,
    /// Price of a GPU for an hour: the cost is in its currency
    #[arg(long, value_name = "PRICE")]
    pub gpu_hour: Option<f64>,
    /// The model that is asked about: another one than was measured is refused
    #[arg(long)]
    pub model: Option<String>,
    /// The GPU that is asked about: another one than was measured is refused
    #[arg(long)]
    pub gpu: Option<String>,
    /// Input tokens of a request of the traffic: others than were measured are refused
    #[arg(long, value_name = "N")]
    pub input_tokens: Option<u32>,
    /// Output tokens of a request of the traffic
    #[arg(long, value_name = "N")]
    pub output_tokens: Option<u32>,
    /// The answer as JSON
    #[arg(long)]
    pub json: bool,
}
