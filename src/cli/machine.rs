//! The verbs around a server and a machine: doctor, init, models, sim, and the hidden supervise.

use std::path::PathBuf;

use clap::Args;

use super::{ConfigArgs, LookArgs};

#[derive(Clone, Debug, Args)]
pub struct SimArgs {
    /// Address to listen on; port 0 takes a free one and prints it
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub listen: String,
    #[arg(
        long = "set",
        value_name = "KEY=VALUE",
        help = "Turn a knob, e.g. decode_factor=1.2 (repeatable)"
    )]
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

/// Which models a server offers, and what it says of itself; without a URL, every server on this
/// machine's usual ports.
#[derive(Clone, Debug, Args)]
pub struct ModelsArgs {
    /// Base URL of the API; the server's root for ollama and triton
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// Wire protocol [default: whichever it speaks]
    #[arg(long, value_name = "PROTOCOL", requires = "base_url")]
    pub protocol: Option<String>,
    /// Environment variable that holds the API key
    #[arg(long, value_name = "VAR")]
    pub api_key_env: Option<String>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub look: LookArgs,
}

#[derive(Clone, Debug, Args)]
pub struct GpuArgs {
    /// Show it again and again, until interrupted
    #[arg(long, short)]
    pub watch: bool,
    /// Between two looks
    #[arg(long, value_name = "TIME", default_value = "1s")]
    pub every: String,
    /// As JSON: one object, with --watch one per line
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Debug, Args)]
pub struct InitArgs {
    /// Ask nothing, take every default (as where there is no terminal)
    #[arg(long, short)]
    pub yes: bool,
    /// Take targets, models and workloads from this folder's targets.yaml, models.yaml and
    /// workloads.yaml
    #[arg(long, value_name = "DIR")]
    pub from: Option<PathBuf>,
    /// Write here [default: the repository's root, else the working folder]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Replace files that are there
    #[arg(long)]
    pub force: bool,
    /// Write it for this server, wherever it is [default: the one on this machine's usual ports]
    #[arg(long, value_name = "URL", conflicts_with = "from")]
    pub base_url: Option<String>,
    /// Environment variable that holds the server's API key
    #[arg(long, value_name = "VAR")]
    pub api_key_env: Option<String>,
    #[command(flatten)]
    pub look: LookArgs,
    /// Ask even where standard input is no terminal
    #[arg(long, hide = true, conflicts_with = "yes")]
    pub ask: bool,
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
    /// Container that the command runs in, removed in the end
    #[arg(long, value_name = "NAME")]
    pub container: Option<String>,
    /// What removes it
    #[arg(long, value_name = "PROGRAM", default_value = "docker")]
    pub container_program: String,
    /// For `sh -c`
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub line: String,
}
