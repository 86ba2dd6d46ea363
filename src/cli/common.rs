//! What many verbs take: config, target and workload, output. Not here: what only one verb takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

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
    /// Wire protocol: openai-chat, openai-completions, ollama, ollama-generate, triton
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
    /// Corpus of the prompts: en, ko, zh, ja, code
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
    /// Further fields of each request body, such as '{"seed": 1}'; never a secret
    #[arg(long, value_name = "JSON")]
    pub extra_body: Option<String>,
    /// Named workloads: quick, standard, stress, low-load, medium-load, high-load, stress-test, single, concurrent, long-context, prefix-cache, korean; adhoc: what the other flags say, and no more
    #[arg(long, value_name = "NAME[,NAME...]", value_delimiter = ',')]
    pub preset: Vec<String>,
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
    /// Another gate has the output folder or the server: exit 3 instead of waiting for it
    #[arg(long)]
    pub no_wait: bool,
    /// No other gate measures on this machine meanwhile, whatever its server
    #[arg(long)]
    pub exclusive: bool,
    /// Stop in time and report what there is, e.g. 15m; waiting for another gate does not count
    #[arg(long, value_name = "TIME")]
    pub time_limit: Option<String>,
    /// Log lines on stderr
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// Worker threads of the client [default: by the machine]
    #[arg(long, value_name = "N", value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=256))]
    pub workers: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// In which language people read what comes out.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct LangArgs {
    /// Language of summary, page, Markdown and comment; files for machines stay English [default: the config's, else en]
    #[arg(long, value_enum, env = "GOODPUT_GATE_LANG", hide_env_values = true)]
    pub lang: Option<Language>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    En,
    Ko,
}

/// Where servers are looked for.
#[derive(Clone, Debug, Default, Args)]
pub struct LookArgs {
    /// Ports of loopback [default: 8000, 4000, 11434, 8080, 30000]
    #[arg(long, value_name = "N[,N...]", value_delimiter = ',', hide = true)]
    pub ports: Vec<u16>,
}
