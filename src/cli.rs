//! What the user typed: clap derive only. Not here: defaults that a config may hold, or any check that needs more than one flag.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// A gate that keeps LLM serving from getting slower without anyone noticing.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
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
    /// Add to or list the committed baselines
    #[command(subcommand)]
    Baseline(BaselineCommand),
    /// Measure starts of unchanged code: the noise here, the smallest visible change, false alarms, minutes per verdict
    Calibrate(CalibrateArgs),
    /// Make a record of results that another tool measured
    Import(ImportArgs),
    /// Write a stored record's report in another format
    Report(ReportArgs),
    /// The simulated server: a test instrument that predicts no real engine
    Sim(SimArgs),
    /// JSON Schema of config, record or report
    Schema(SchemaArgs),
    /// What works on this machine: host, git, server, client self-test
    Doctor(DoctorArgs),
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

/// Where the config comes from, and what overrides it.
#[derive(Clone, Debug, Default, Args)]
pub struct ConfigArgs {
    /// Config file [default: .github/goodput-gate.yaml or goodput-gate.yaml, found upwards]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[arg(
        long = "set",
        value_name = "PATH=VALUE",
        help = "Override one config value, e.g. target.sim.decode_factor=1.2 (repeatable)"
    )]
    pub set: Vec<String>,
}

/// The target and the workload, without or over a config file.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Target and workload (without a config file, or over its values)")]
pub struct WorkloadArgs {
    /// Base URL of the API, usually ending in /v1
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// One of the config's `targets`, instead of its `target`
    #[arg(long, value_name = "NAME", conflicts_with = "base_url")]
    pub target: Option<String>,
    /// Model name [default: the only one that the server lists]
    #[arg(long)]
    pub model: Option<String>,
    /// Wire protocol: openai-chat, openai-completions
    #[arg(long)]
    pub protocol: Option<String>,
    /// Environment variable that holds the API key
    #[arg(long, value_name = "VAR")]
    pub api_key_env: Option<String>,
    /// Closed loop: requests in flight; a list makes one workload per level
    #[arg(long, value_name = "N[,N...]", value_delimiter = ',', conflicts_with = "rate")]
    pub concurrency: Vec<u32>,
    /// Open loop: requests per second
    #[arg(long, value_name = "R")]
    pub rate: Option<f64>,
    /// Arrival process of --rate: poisson, constant, gamma:BURSTINESS
    #[arg(long, value_name = "A", requires = "rate")]
    pub arrival: Option<String>,
    /// Requests per round
    #[arg(long, value_name = "N", conflicts_with = "duration")]
    pub requests: Option<u32>,
    /// Length of a round, e.g. 60s
    #[arg(long, value_name = "TIME")]
    pub duration: Option<String>,
    /// Most requests in flight in open loop
    #[arg(long, value_name = "N")]
    pub max_in_flight: Option<u32>,
    /// Nominal input tokens per prompt
    #[arg(long, value_name = "N")]
    pub input_tokens: Option<u32>,
    /// Output tokens per request
    #[arg(long, value_name = "N")]
    pub output_tokens: Option<u32>,
    /// Share of each prompt that all requests have in common, 0 to 1
    #[arg(long, value_name = "S")]
    pub shared_prefix: Option<f64>,
    /// Corpus of the prompts: en, ko
    #[arg(long)]
    pub corpus: Option<String>,
    /// Requests of warm-up per start
    #[arg(long, value_name = "N")]
    pub warmup: Option<u32>,
    /// Rounds per start
    #[arg(long, value_name = "N")]
    pub rounds: Option<u32>,
    /// Server starts (only where the gate starts the server)
    #[arg(long, value_name = "N")]
    pub starts: Option<u32>,
    /// Seed of everything random in the plan
    #[arg(long)]
    pub seed: Option<u64>,
    /// Time limit of one request, e.g. 120s
    #[arg(long, value_name = "TIME")]
    pub timeout: Option<String>,
    /// Ask for whole answers instead of streams
    #[arg(long)]
    pub no_stream: bool,
    /// Sampling temperature
    #[arg(long, value_name = "T")]
    pub temperature: Option<f64>,
    /// A named workload: quick, standard, stress, low-load, medium-load, high-load, stress-test, single, concurrent, long-context, prefix-cache, korean
    #[arg(long, value_name = "NAME")]
    pub preset: Option<String>,
    /// Per-request limits, e.g. ttft=500ms,tpot=50ms
    #[arg(long, value_name = "KIND=TIME[,...]")]
    pub slo: Option<String>,
    /// Only these workloads of the config
    #[arg(long, value_name = "NAME")]
    pub workload: Vec<String>,
}

/// What is written, and how the run is shown.
#[derive(Clone, Debug, Args)]
pub struct OutputArgs {
    /// Folder for record and reports
    #[arg(long, value_name = "DIR", default_value = ".goodput-gate")]
    pub out: PathBuf,
    /// Also write the record here
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Write every request, with every output instant, as JSONL
    #[arg(long, value_name = "FILE")]
    pub raw: Option<PathBuf>,
    /// Print the plan and send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Stop in time and report what there is, e.g. 15m
    #[arg(long, value_name = "TIME")]
    pub time_limit: Option<String>,
    /// Log lines on stderr
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// Worker threads of the client [default: by the machine]
    #[arg(long, value_name = "N")]
    pub workers: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

#[derive(Clone, Debug, Args)]
pub struct RunArgs {
    /// Choose server, model and workload from lists; Enter takes the default
    #[arg(long, short)]
    pub interactive: bool,
    #[command(flatten)]
    pub look: LookArgs,
    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub workload: WorkloadArgs,
}

#[derive(Clone, Debug, Args)]
pub struct CheckArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Folder or file of baseline sessions to compare with, instead of the repository's
    #[arg(long, value_name = "PATH")]
    pub baseline: Option<PathBuf>,
    /// The record of a first job of this commit, on another machine, that left it open: both jobs are judged together
    #[arg(long, value_name = "RECORD", conflicts_with_all = ["interleaved", "baseline_url"])]
    pub with: Option<PathBuf>,
    /// Measure the baseline in the same job, beside the candidate (gate.mode: interleaved)
    #[arg(long)]
    pub interleaved: bool,
    /// The base branch: the baseline is looked for from its merge base with HEAD on [default: the event's, origin/HEAD, origin/main, main...]
    #[arg(long, value_name = "REF")]
    pub base: Option<String>,
    /// Interleaved: the baseline is a server that runs already, at this base URL
    #[arg(long, value_name = "URL", conflicts_with = "base")]
    pub baseline_url: Option<String>,
    #[command(flatten)]
    pub output: OutputArgs,
    // Last: its heading would hold for all that follows.
    #[command(flatten)]
    pub workload: WorkloadArgs,
}

#[derive(Clone, Debug, Args)]
pub struct CalibrateArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Do not add what was measured to the baseline's history
    #[arg(long)]
    pub no_save: bool,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub workload: WorkloadArgs,
}

#[derive(Clone, Debug, Args)]
pub struct CompareArgs {
    /// The baseline: a record, a baseline file, or a folder of baseline files
    pub baseline: PathBuf,
    /// The candidate: a record
    pub candidate: PathBuf,
    /// The record of the candidate's first job, where there were two
    #[arg(long, value_name = "RECORD")]
    pub with: Option<PathBuf>,
    /// Show the arithmetic behind the judgement of this metric, step by step (repeatable)
    #[arg(long, value_name = "METRIC")]
    pub explain: Vec<String>,
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Folder for the reports
    #[arg(long, value_name = "DIR", default_value = ".goodput-gate")]
    pub out: PathBuf,
}

#[derive(Clone, Debug, Args)]
pub struct CommentArgs {
    /// Records of one measurement, e.g. of a matrix: at most 32, each at most 64 MiB
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
    #[arg(long, help = "Name of the gate: each has its own comment and check [default: $GOODPUT_GATE_NAME, else goodput-gate]")]
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

#[derive(Clone, Debug, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "parsed once")]
pub enum BaselineCommand {
    /// Measure (or take stored records) and add a session to the baseline of this commit
    Update(BaselineUpdateArgs),
    /// List the baseline sessions of this repository
    List(BaselineListArgs),
    /// Show what is stored of a session, or of a commit's sessions
    Show(BaselineShowArgs),
    /// Explain which sessions a check would use, and how they are found; measures nothing
    Resolve(BaselineResolveArgs),
    /// Make stored records of clean code the baseline of their commit
    Promote(BaselinePromoteArgs),
    /// Remove sessions that no check on this lineage looks at any more
    Prune(BaselinePruneArgs),
    /// A metric over the sessions of the branch: where it moved, and which limit has become slack
    History(BaselineHistoryArgs),
}

#[derive(Clone, Debug, Args)]
pub struct BaselineHistoryArgs {
    /// Its name without the unit, as in reports
    pub metric: String,
    /// Only this workload
    #[arg(long, value_name = "NAME")]
    pub workload: Option<String>,
    /// The base branch [default: the event's, origin/HEAD, origin/main, main...]
    #[arg(long, value_name = "REF")]
    pub base: Option<String>,
    #[command(flatten)]
    pub config: ConfigArgs,
}

#[derive(Clone, Debug, Args)]
pub struct BaselineShowArgs {
    /// Session, commit (both may be cut short), branch or tag
    #[arg(value_name = "SESSION|COMMIT")]
    pub what: String,
    #[command(flatten)]
    pub config: ConfigArgs,
}

#[derive(Clone, Debug, Args)]
pub struct BaselinePromoteArgs {
    /// Records of runs that were clean and complete
    #[arg(required = true, value_name = "RECORD")]
    pub records: Vec<PathBuf>,
    #[command(flatten)]
    pub config: ConfigArgs,
}

#[derive(Clone, Debug, Args)]
pub struct BaselinePruneArgs {
    /// Sessions to keep of each workload and fingerprint, the nearest first
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub keep: usize,
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub config: ConfigArgs,
}

#[derive(Clone, Debug, Args)]
pub struct BaselineResolveArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The base branch [default: the event's, origin/HEAD, origin/main, main...]
    #[arg(long, value_name = "REF")]
    pub base: Option<String>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Debug, Args)]
pub struct BaselineUpdateArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Add these stored records instead of measuring
    #[arg(long, value_name = "RECORD")]
    pub from: Vec<PathBuf>,
    /// Measure this many sessions, one after the other
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub sessions: u32,
    /// Also from a dirty tree
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub workload: WorkloadArgs,
}

#[derive(Clone, Debug, Args)]
pub struct BaselineListArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
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
}

#[derive(Clone, Debug, Args)]
pub struct ReportArgs {
    pub record: PathBuf,
    #[arg(long, value_enum)]
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
    Csv,
}

#[derive(Clone, Debug, Args)]
pub struct SimArgs {
    /// Address to listen on; port 0 takes a free one and prints it
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub listen: String,
    #[arg(long = "set", value_name = "KEY=VALUE", help = "Turn a knob, e.g. decode_factor=1.2 (repeatable)")]
    pub set: Vec<String>,
    /// Log the instant of every write, JSONL
    #[arg(long, value_name = "FILE")]
    pub truth: Option<PathBuf>,
    /// Serve this pre-rendered stream instead of the engine model (for benchmarks)
    #[arg(long, value_name = "FILE")]
    pub replay: Option<PathBuf>,
    /// Pause between the events of a replay; 0 writes as fast as possible
    #[arg(long, value_name = "TIME", default_value = "0ms")]
    pub replay_interval: String,
    /// Stop when standard input ends (so that a killed parent leaves no server behind)
    #[arg(long)]
    pub stop_with_stdin: bool,
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
}

#[derive(Clone, Debug, Args)]
pub struct DoctorArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Ask this server instead of the config's
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// Model name [default: the only one that the server lists]
    #[arg(long)]
    pub model: Option<String>,
    /// Environment variable that holds the API key
    #[arg(long, value_name = "VAR")]
    pub api_key_env: Option<String>,
}

#[derive(Clone, Debug, Args)]
pub struct InitArgs {
    /// Ask nothing, take every default (as where there is no terminal)
    #[arg(long, short)]
    pub yes: bool,
    /// Take targets, models and workloads from this folder's targets.yaml, models.yaml and workloads.yaml
    #[arg(long, value_name = "DIR")]
    pub from: Option<PathBuf>,
    /// Write here [default: the repository's root, else the working folder]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Replace files that are there
    #[arg(long)]
    pub force: bool,
    /// Environment variable that holds the server's API key
    #[arg(long, value_name = "VAR")]
    pub api_key_env: Option<String>,
    #[command(flatten)]
    pub look: LookArgs,
    /// Ask even where standard input is no terminal
    #[arg(long, hide = true, conflicts_with = "yes")]
    pub ask: bool,
}

/// Where servers are looked for.
#[derive(Clone, Debug, Default, Args)]
pub struct LookArgs {
    /// Ports of loopback [default: 8000, 4000, 11434, 8080, 30000]
    #[arg(long, value_name = "N[,N...]", value_delimiter = ',', hide = true)]
    pub ports: Vec<u16>,
}

/// The gate's own test: A/A runs and known changes of the simulated server, judged as `check` judges.
#[derive(Clone, Debug, Args)]
pub struct SelftestArgs {
    /// A/A gates; each injected change is played a tenth as often [default: 1000]
    #[arg(long, value_name = "N", default_value_t = 1000, hide_default_value = true)]
    pub gates: u32,
    /// Only rows with this text in change, load or mode, e.g. "decode" or "other day"
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true, conflicts_with = "wire")]
    pub only: String,
    /// Seed of everything random
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Threads [default: as many as the machine has processors]; changes no result
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// The table as JSON
    #[arg(long)]
    pub json: bool,
    /// Play each change once over real sockets instead of in virtual time
    #[arg(long, conflicts_with_all = ["gates", "threads"])]
    pub wire: bool,
}

#[derive(Clone, Debug, Subcommand)]
pub enum BenchCommand {
    /// CPU per event beside a loop that only reads
    Events(BenchEventsArgs),
    /// TTFT and chunk-gap error against the simulated server's own log
    Truth(BenchTruthArgs),
    /// Offered rate and send lag
    Arrivals(BenchArrivalsArgs),
    /// Time to judge and report 100,000 requests, and to judge an interleaved comparison
    Judging,
}

#[derive(Clone, Debug, Args)]
pub struct BenchEventsArgs {
    #[arg(long, default_value_t = 1000)]
    pub streams: u32,
    /// Tokens per second of each stream; 0 is as fast as possible
    #[arg(long, default_value_t = 30.0)]
    pub token_rate: f64,
    #[arg(long, default_value_t = 300)]
    pub events: u32,
}

#[derive(Clone, Debug, Args)]
pub struct BenchTruthArgs {
    #[arg(long, default_value_t = 1000)]
    pub streams: u32,
    #[arg(long, default_value_t = 30.0)]
    pub token_rate: f64,
    #[arg(long, default_value_t = 300)]
    pub tokens: u32,
}

#[derive(Clone, Debug, Args)]
pub struct BenchArrivalsArgs {
    #[arg(long, default_value_t = 2000.0)]
    pub rate: f64,
    #[arg(long, default_value_t = 10.0)]
    pub seconds: f64,
}

#[derive(Clone, Debug, Args)]
pub struct SuperviseArgs {
    /// Standard output and error of the command are appended here
    #[arg(long, value_name = "FILE")]
    pub log: PathBuf,
    /// From the request to end until it is killed
    #[arg(long, value_name = "TIME", default_value = "10s")]
    pub grace: String,
    /// Working folder of the command
    #[arg(long, value_name = "DIR")]
    pub cwd: Option<PathBuf>,
    /// For `sh -c`
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub line: String,
}
