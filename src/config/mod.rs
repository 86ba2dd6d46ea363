//! `Config`: what a run is asked to do, validated. `load` makes it: wire types (`file`), `presets`, `layers`, `overrides`, `check`.
//!
//! Not here: reading files or the environment (`command/`), or anything that a server says.

mod arrival;
mod address;
mod check;
mod differ;
mod error;
mod expect;
mod family;
mod file;
mod flags;
mod gpu;
mod hypothesis;
mod layers;
mod load;
mod metrics;
mod names;
mod overrides;
mod position;
mod presets;
mod protocol;
mod recipes;
mod regression;
pub mod sim;
pub mod starter;
mod sweep;
mod target;
#[cfg(test)]
mod tests;
mod units;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::metric::Metric;

pub use crate::protocol::{ExtraBody, Family, Protocol, ProtocolName, joined};
pub use address::{HINT as CREDENTIAL_HINT, credential};
pub use check::{MOST_INPUT_TOKENS, MOST_OUTPUT_TOKENS, UNDER_TEST, is_workload_name};
pub use error::{ConfigError, did_you_mean};
pub use file::schema;
pub use flags::{ADHOC, Flags};
pub use gpu::{Gpu, GpuName, GpuWatch, OnUnfit};
pub use hypothesis::{Claim, Hypothesis, Term, parse_claim};
pub use load::{DEMO, Source, Under, lang_of, load, load_target, load_under};
pub use metrics::{Metrics, MetricsPage};
pub use names::Names;
pub use regression::Regression;
pub use target::{CONTAINER, PORT, SIDE};
pub use units::{parse_duration, parse_percent, parse_points, parse_quantity};

/// A validated config. Everything in it can be acted on without further checks.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub target: Target,
    /// Further targets by name, for comparison with each other.
    pub targets: BTreeMap<String, Target>,
    /// What these and the workloads are called.
    pub names: Names,
    pub workloads: Vec<Workload>,
    /// What `run --each` confirms or refutes.
    pub hypotheses: Vec<Hypothesis>,
    pub gate: Gate,
    pub gpu: Gpu,
    /// Folder of baseline files, relative to the repository's root.
    pub baselines_dir: PathBuf,
    /// Branch whose tree holds them, where that is not the base branch.
    pub baselines_ref: Option<String>,
    /// Commits that are looked at for them, from 1 on.
    pub baselines_max_walk: u32,
    /// Of what people read.
    pub lang: Lang,
}

/// Language of summaries, pages and comments. What machines read is English.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    #[default]
    En,
    Ko,
}

/// What is measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    pub endpoint: Endpoint,
    pub protocol: Protocol,
    /// Counts tokens where the server does not.
    pub tokenizer: Option<PathBuf>,
    pub model: ModelChoice,
    /// Name of the environment variable that holds the API key; never the key.
    pub api_key_env: Option<String>,
    /// Extra headers; `${ENV}` in values is expanded by the reader of the file. Values are secret: never recorded.
    pub headers: Vec<(String, String)>,
    /// PEM file of a certificate authority to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// The server's own metrics.
    pub metrics: Metrics,
    pub cache_reset: Option<CacheReset>,
    /// Sent in every request besides what the gate sets itself.
    pub extra_body: ExtraBody,
}

/// The request that empties a server's prefix cache. Its path is at the server's root, as that of `ready`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheReset {
    pub verb: Verb,
    pub path: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Get,
    Post,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Endpoint {
    /// The base URL of the API, usually ending in `/v1`.
    Http(String),
    /// The embedded simulated server, started by the gate as a child process, once per start.
    Sim(Box<sim::Knobs>),
    /// A server that the gate builds, starts, watches and stops, once per start.
    Started(Box<Server>),
}

/// How a server is built and started. Commands are run by `sh -c`, in a process group of their own, with `PORT` in their environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Base URL of its API; `${PORT}` in it stands for a free port that the gate draws for each start.
    pub base_url: String,
    /// Run once per run and build, before the first start.
    pub build: Option<String>,
    pub start: String,
    /// What the command was made of; none of a user's own command.
    pub recipe: Option<Recipe>,
    /// Relative to the repository's root (of the baseline: to its worktree's).
    pub cwd: PathBuf,
    /// Added to the gate's own environment. Values are secret: never recorded.
    pub env: BTreeMap<String, String>,
    /// Path at the server's root that answers 2xx once it is ready, such as `/health`; else the list of models is asked.
    pub ready_path: Option<String>,
    /// From the start to the first answer.
    pub ready_timeout: Duration,
    /// From SIGTERM to SIGKILL.
    pub grace: Duration,
    /// What removes the container that the command names `${CONTAINER}`.
    pub container: Option<String>,
}

/// The recipe that a server is started by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// Its key under `server`.
    pub name: &'static str,
    /// The config's own arguments without secrets, in their order; `none` where there are none.
    pub args: String,
}

/// What the candidate is interleaved with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Counterpart {
    /// The merge base with the base branch, in a worktree, as its own config says.
    MergeBase,
    /// Any commit, in a worktree, as its own config says.
    Ref(String),
    /// Another target of this config.
    Target(String),
    /// The target of another config file.
    Config(PathBuf),
    /// A server that runs already.
    Url(String),
}

/// Whether both sides' servers can run at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Fit {
    /// Rounds alternate between the two; the one that waits is idle.
    Both,
    /// Starts alternate.
    One,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelChoice {
    /// The only model that the server lists.
    Auto,
    Named(String),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    pub name: String,
    pub arrival: Arrival,
    pub length: Length,
    /// Most requests in flight; waiting for a slot counts as latency. Open loop only.
    pub max_in_flight: Option<u32>,
    pub prompts: Prompts,
    /// Tokens asked for per request (`max_tokens`, and `min_tokens`/`ignore_eos` where the server takes them).
    pub output_tokens: u32,
    pub stream: bool,
    pub temperature: f64,
    /// Ask the server to go on after an end-of-sequence token, so that the length is what was asked.
    pub ignore_eos: bool,
    /// Sent in every request of this workload, over the target's.
    pub extra_body: ExtraBody,
    pub seed: u64,
    pub warmup: Warmup,
    /// From the start of a request to its end.
    pub timeout: Duration,
    /// Longest silence after the first byte of an answer.
    pub stall_timeout: Duration,
    pub slo: Slo,
    pub limits: Vec<Limit>,
    /// How changes are judged, where METHOD's own rule is not wanted.
    pub regressions: BTreeMap<Metric, Regression>,
    /// What its file holds, where that is not to be read from the working folder.
    pub text: Option<Arc<str>>,
    pub tier: Option<Tier>,
    /// Where it is one of several that differ in it only: of a sweep, a list, or a family that was named one by one.
    pub level: Option<Level>,
}

/// When requests are sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Arrival {
    /// A fixed number in flight.
    Closed {
        concurrency: u32,
    },
    /// Exactly one each 1/rate seconds.
    Constant {
        rate: f64,
    },
    Poisson {
        rate: f64,
    },
    /// Gamma-distributed gaps; burstiness is vLLM's shape parameter: below 1 burstier than Poisson, 1 is Poisson. CV = 1/sqrt(burstiness).
    Gamma {
        rate: f64,
        burstiness: f64,
    },
    /// Rate grows (or falls) linearly over the round, evenly spaced on the accumulated rate.
    Ramp {
        from: f64,
        to: f64,
    },
    /// JSONL: one object per line, see docs.
    Trace {
        file: PathBuf,
        /// Its offsets are divided by this.
        speedup: f64,
        format: TraceFormat,
    },
    /// Conversations: each next turn is sent when the last has been answered and thought about.
    Sessions {
        begin: SessionBegin,
        think_time: Duration,
    },
}

impl Workload {
    /// The trace or dataset that it names; it has one of them at most.
    pub fn file(&self) -> Option<&Path> {
        match (&self.arrival, &self.prompts.kind) {
            (Arrival::Trace { file, .. }, _) | (_, PromptKind::Dataset { file, .. }) => Some(file),
            _ => None,
        }
    }
}

impl Arrival {
    /// Requests in flight of a closed loop.
    pub const fn concurrency(&self) -> Option<u32> {
        match self {
            Self::Closed { concurrency } | Self::Sessions { begin: SessionBegin::Closed { concurrency }, .. } => {
                Some(*concurrency)
            }
            _ => None,
        }
    }

    /// Requests per second of an open loop, where that is one number.
    pub const fn rate(&self) -> Option<f64> {
        match self {
            Self::Poisson { rate } | Self::Constant { rate } | Self::Gamma { rate, .. } => Some(*rate),
            _ => None,
        }
    }
}

/// When a session begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SessionBegin {
    /// When another ends: that many at a time.
    Closed { concurrency: u32 },
    /// Independently of the others: so many per second, with exponential gaps.
    Poisson { rate: f64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// Requests per round.
    Requests(u32),
    /// Requests that arrive within this time (open loop), or that start within it (closed loop).
    Duration(Duration),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warmup {
    Requests(u32),
    Duration(Duration),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Prompts {
    pub corpus: Corpus,
    /// Nominal: by documented characters per token of the corpus.
    pub input_tokens: u32,
    /// Share of each prompt, from its start, that all requests have in common; 0 to 1. In a conversation of its first turn.
    pub shared_prefix: f64,
    pub kind: PromptKind,
}

/// What a request is made of.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum PromptKind {
    /// One text of the corpus, of `input_tokens`.
    #[default]
    Single,
    /// Texts of the corpus in turns of `input_tokens`, each sent with all that was said before it.
    Conversation { turns: u32 },
    /// Requests from a file; nothing of the corpus.
    Dataset { file: PathBuf, format: DatasetFormat, ignore: Vec<String> },
}

/// What a trace's numbers mean, where its user says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceFormat {
    /// Of `timestamp`; milliseconds where nothing was said and nothing speaks against it.
    pub unit: Option<TimeUnit>,
    /// Tokens of a block of `hash_ids`; 512 where nothing was said.
    pub block_tokens: Option<u32>,
    /// Keys of a line that are passed over.
    pub ignore: Vec<String>,
}

/// Unit of a trace's `timestamp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TimeUnit {
    S,
    Ms,
    Us,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DatasetFormat {
    /// By its first character: `[` is `ShareGPT`.
    #[default]
    Auto,
    /// A JSON array of objects with `conversations` (`from`, `value`).
    ShareGpt,
    /// One object per line, with `messages`, `prompt` or `conversations`.
    Jsonl,
}

/// What a workload's prompts find in the server's prefix cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Nothing: unique prompts, and the cache is emptied before each round where the server offers it.
    Cold,
    /// The shared prefix, which the warm-up brought there.
    Warm,
}

/// One of several workloads that differ in one number.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// Name of all of them.
    pub family: String,
    pub axis: Axis,
    pub value: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Axis {
    /// Requests (or sessions) in flight.
    Concurrency,
    /// Requests (or sessions) per second.
    Rate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Corpus {
    En,
    Ko,
    Zh,
    Ja,
    Code,
}

/// Per-request limits; all that are set must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slo {
    pub ttft: Option<Duration>,
    pub tpot: Option<Duration>,
    pub e2e: Option<Duration>,
}

/// An absolute limit on a metric of the run. In the metric's own unit (ms, per second, share 0 to 1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    pub metric: Metric,
    pub bound: Bound,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    Max(f64),
    Min(f64),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    pub mode: GateMode,
    /// Server starts per run (interleaved: per side, at most), where the gate can start the server; else one.
    pub starts: u32,
    /// Rounds per start.
    pub rounds: u32,
    pub on_inconclusive: OnOpen,
    /// The run could not have seen even twice what must be found.
    pub on_blind: OnOpen,
    pub on_missing_baseline: OnOpen,
    pub on_incomparable: OnOpen,
    /// An absolute limit that is neither met nor breached.
    pub on_limit_open: OnOpen,
    /// A metric that is worse than in the anchor's sessions.
    pub on_anchor_drift: OnOpen,
    /// An earlier attempt of the same commit, plan and policy that failed.
    pub on_attempt: OnAttempt,
    /// Interleaved: two sides that are one program.
    pub same_build: SameBuild,
    /// Judge absolute limits by the measured value alone.
    pub strict: bool,
    /// Fingerprint fields that a change may alter, since they are what is judged.
    pub under_test: Vec<String>,
    /// Interleaved only.
    pub baseline: Counterpart,
    pub fit: Fit,
    /// Interleaved: what three start pairs leave open is extended once, by three more.
    pub extend: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GateMode {
    /// Against the committed baseline.
    Baseline,
    /// Against a baseline that is built, started and measured in the same job.
    Interleaved,
    /// Absolute limits only.
    Limits,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnOpen {
    /// Exit 0, said loudly; the verdict says which.
    Warn,
    Fail,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnAttempt {
    /// Attempts count together: what failed once is not turned green by another attempt.
    #[default]
    All,
    /// The latest attempt alone counts.
    Latest,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SameBuild {
    /// INCOMPLETE: nothing was compared.
    Refuse,
    /// Said, and judged.
    Allow,
}

impl Corpus {
    pub const ALL: [Self; 5] = [Self::En, Self::Ko, Self::Zh, Self::Ja, Self::Code];

    pub const fn name(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ko => "ko",
            Self::Zh => "zh",
            Self::Ja => "ja",
            Self::Code => "code",
        }
    }
}
