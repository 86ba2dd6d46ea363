//! The verbs that measure to judge: run, check, calibrate, selftest.

use std::path::PathBuf;

use clap::Args;

use super::{ConfigArgs, LookArgs, OutputArgs, ViewArgs, WorkloadArgs};

#[derive(Clone, Debug, Args)]
pub struct RunArgs {
    /// Measure every one of the config's `targets` with the same plans, one server at a time, and
    /// rank them
    #[arg(long, conflicts_with_all = ["interactive", "base_url", "target", "model", "protocol", "api_key_env", "record"])]
    pub each: bool,
    /// Choose server, model and workload from lists; Enter takes the default
    #[arg(long, short)]
    pub interactive: bool,
    /// Send only part k (from 0 on) of N of the load; without k/N as Slurm or Kubernetes number this
    /// process. `merge` makes one record of all of them
    #[arg(long, value_name = "K/N", num_args = 0..=1, default_missing_value = "auto", requires = "rendezvous", conflicts_with_all = ["each", "interactive"])]
    pub shard: Option<String>,
    /// Where the shards meet: http://HOST:PORT, at which shard 0 listens, or a folder that all see
    #[arg(long, value_name = "URL|FOLDER", requires = "shard")]
    pub rendezvous: Option<String>,
    /// How long a shard waits for the others [default: 5m]
    #[arg(long, value_name = "TIME", requires = "shard")]
    pub shard_wait: Option<String>,
    /// A wrong clock, to see what becomes of it: milliseconds ahead, and how much faster
    #[arg(long, value_name = "MS,SHARE", requires = "shard", hide = true)]
    pub bend_clock: Option<String>,
    #[command(flatten)]
    pub look: LookArgs,
    /// One workload per level, concurrency=1,2,4,8 or rate=1..20, and where the server's curve
    /// bends
    #[arg(long, value_name = "AXIS=LEVELS", conflicts_with_all = ["concurrency", "rate"])]
    pub sweep: Option<String>,
    /// The highest load that meets the SLOs: raise rate or concurrency until they are missed, then
    /// narrow it down (`find` in the config)
    #[arg(long, value_name = "AXIS", value_parser = ["rate", "concurrency"], conflicts_with_all = ["each", "sweep"])]
    pub find: Option<String>,
    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub view: ViewArgs,
    #[command(flatten)]
    pub workload: WorkloadArgs,
}

#[derive(Clone, Debug, Args)]
pub struct CheckArgs {
    /// Gate the simulated server against itself, in any folder, in a minute; `--set
    /// target.sim.decode_factor=1.2` makes it 20 % slower
    #[arg(long, conflicts_with_all = ["config", "base_url", "target", "baseline", "base", "baseline_url"])]
    pub demo: bool,
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Folder or file of baseline sessions to compare with, instead of the repository's
    #[arg(long, value_name = "PATH")]
    pub baseline: Option<PathBuf>,
    /// Measure the baseline in the same job, beside the candidate (gate.mode: interleaved)
    #[arg(long)]
    pub interleaved: bool,
    /// The slowdown that must be found, such as 3%; interleaved: how many start pairs that takes is
    /// planned from the noise (gate.detect)
    #[arg(long, value_name = "PERCENT")]
    pub detect: Option<String>,
    /// Judge this stored record of HEAD, such as a merged one, instead of measuring
    #[arg(long, value_name = "RECORD", conflicts_with_all = ["demo", "interleaved", "baseline_url"])]
    pub from: Option<PathBuf>,
    /// The base branch: the baseline is looked for from its merge base with HEAD on; `none`: this
    /// run judges no change, and its reports say so [default: the event's, origin/HEAD,
    /// origin/main, main...]
    #[arg(long, value_name = "REF")]
    pub base: Option<String>,
    /// Interleaved: the baseline is a server that runs already, at this base URL
    #[arg(long, value_name = "URL", conflicts_with = "base")]
    pub baseline_url: Option<String>,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub view: ViewArgs,
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

/// The gate's own test: A/A runs and known changes of the simulated server, judged as `check`
/// judges.
#[derive(Clone, Debug, Args)]
pub struct SelftestArgs {
    /// A/A gates; other rows are played in proportion [default: 250]
    #[arg(long, value_name = "N")]
    pub gates: Option<u32>,
    /// 14 times as many gates: about an hour on two cores
    #[arg(long, conflicts_with_all = ["gates", "wire"])]
    pub full: bool,
    /// Only rows with this text in change, load or mode, e.g. "decode" or "another day"
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true,
        conflicts_with = "wire"
    )]
    pub only: String,
    /// Seed of everything random
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Threads [default: as many as the machine has processors]; changes no result
    #[arg(long, value_name = "N", value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=256))]
    pub threads: Option<usize>,
    /// The table as JSON
    #[arg(long)]
    pub json: bool,
    /// Play each change once over real sockets instead of in virtual time
    #[arg(long, conflicts_with_all = ["gates", "threads"])]
    pub wire: bool,
}
