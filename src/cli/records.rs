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
