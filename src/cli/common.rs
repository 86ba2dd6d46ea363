//! What many verbs take: config, target and workload, output. Not here: what only one verb takes.

use std::path::PathBuf;

use clap::builder::FalseyValueParser;
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

/// What is written, and how the run is shown.
#[derive(Clone, Debug, Args)]
pub struct OutputArgs {
    /// Folder for record and reports
    #[arg(long, value_name = "DIR", default_value = ".goodput-gate")]
    pub out: PathBuf,
    /// Also keep the run below this data directory, in a folder of its own (`goodput-gate runs`)
    #[arg(long, value_name = "DIR", env = DATA_VARIABLE, hide_env_values = true)]
    pub data: Option<PathBuf>,
    /// The run that a service has made for this process
    #[arg(long, value_name = "ID", hide = true, requires = "data")]
    pub service_run: Option<String>,
    /// Gates of one run have the same number
    #[arg(skip)]
    pub gate: Option<u64>,
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

/// Says the data directory as `--data` does.
pub const DATA_VARIABLE: &str = "GOODPUT_GATE_DATA";

/// Says the language as `--lang` does.
pub const LANG_VARIABLE: &str = "GOODPUT_GATE_LANG";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    En,
    Ko,
}

/// How much of it the terminal shows.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct ViewArgs {
    /// Show every number on the terminal; the files have them in any case
    #[arg(long, short, env = "GOODPUT_GATE_VERBOSE", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub verbose: bool,
}

/// Where servers are looked for.
#[derive(Clone, Debug, Default, Args)]
pub struct LookArgs {
    /// Ports of loopback [default: 8000, 4000, 11434, 8080, 30000]
    #[arg(long, value_name = "N[,N...]", value_delimiter = ',', hide = true)]
    pub ports: Vec<u16>,
}
