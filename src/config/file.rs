//! The wire types of the config file: what YAML may say, every key optional, unknown keys refused. Also their JSON Schema.
//!
//! Not here: defaults (`default.yaml`), presets, or any check beyond a value's own form (`check`).

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::gpu::GpuFile;
use super::hypothesis::HypothesisFile;
use super::recipes::RecipeFile;
use super::regression::RegressionFile;
use super::sim::Knobs;
use super::units::{self, DURATION_PATTERN};
use super::{Corpus, DatasetFormat, Fit, GateMode, Lang, OnAttempt, OnOpen, SameBuild, Tier, TimeUnit};
use crate::protocol::{ExtraBody, Ollama, ProtocolName, Triton};

mod ready;

pub use ready::ReadyFile;

/// goodput-gate.yaml: what to measure, with which load, and how to judge it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "goodput-gate config")]
pub struct File {
    /// Version of this format: 1.
    #[schemars(required, range(min = 1, max = 1))]
    pub version: Option<u32>,
    /// The server under test. No default; may be left out where `server` starts one at http://127.0.0.1:${PORT}/v1.
    pub target: Option<TargetFile>,
    /// How the gate builds, starts and stops that server; without it the server has to run already.
    pub server: Option<ServerFile>,
    /// Further targets by name, to be measured instead (`--target`) or compared with (`gate.baseline`). Each says what differs.
    pub targets: Option<BTreeMap<String, SideFile>>,
    /// The loads to drive it with, one after the other. No default.
    #[schemars(required, length(min = 1))]
    pub workloads: Option<Vec<WorkloadFile>>,
    /// Statements about `targets`, to be confirmed or refuted by `run --each`. They decide no verdict.
    pub hypotheses: Option<Vec<HypothesisFile>>,
    /// How a run is made and judged.
    pub gate: Option<GateFile>,
    /// Whether and how GPUs are watched while a round runs.
    pub gpu: Option<GpuFile>,
    /// Where baselines are.
    pub baselines: Option<BaselinesFile>,
    /// Language of summaries, pages and comments: en or ko.
    pub lang: Option<Lang>,
}

/// The server under test: either `base_url` or `sim`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetFile {
    /// Base URL of the API, usually ending in /v1; the server's root for `ollama` and `triton`. `${NAME}` is replaced by that environment variable.
    pub base_url: Option<String>,
    /// The simulated server instead of a real one, started by the gate; `{}` for its defaults.
    pub sim: Option<Knobs>,
    /// Wire protocol.
    pub protocol: Option<ProtocolName>,
    /// What the protocols `ollama` and `ollama-generate` leave open.
    pub ollama: Option<Ollama>,
    /// What the protocol `triton` leaves open: what the model calls its inputs and outputs.
    pub triton: Option<Triton>,
    /// A `tokenizer.json`, to count tokens where the server does not. Needs a build with the feature `tokenizer`.
    pub tokenizer: Option<String>,
    /// Model name, or `auto`: the only one that the server lists.
    pub model: Option<String>,
    /// Name of the environment variable that holds the API key; never the key.
    pub api_key_env: Option<String>,
    /// Extra HTTP headers. `${NAME}` in a value is replaced by that environment variable.
    pub headers: Option<BTreeMap<String, String>>,
    /// Further fields of every request body, any JSON: `{top_p: 0.9}`. What the gate sets itself is refused. Never a secret.
    pub extra_body: Option<ExtraBody>,
    /// PEM file of a certificate authority to trust besides the system's.
    pub ca_file: Option<String>,
    /// Request that empties the server's prefix cache, sent before each workload: `POST /reset_prefix_cache`; `none` for none.
    pub cache_reset: Option<String>,
    /// The server's metrics page (Prometheus text): a path at its root, a URL, `auto` (`/metrics`, if it is there) or `off`.
    pub metrics: Option<String>,
    /// Time between two readings of that page during a round; 500 ms or more.
    pub metrics_every: Option<Span>,
}

/// How a server is built, started and stopped: by a command (`start`) or a recipe. Commands are run by `sh -c` with `PORT` in their
/// environment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerFile {
    /// Run once before the first start.
    pub build: Option<String>,
    /// Starts the server and stays in the foreground: `vllm serve MODEL --port ${PORT}`.
    pub start: Option<String>,
    /// Recipe: `vllm serve`.
    pub vllm: Option<RecipeFile>,
    /// Recipe: `python3 -m sglang.launch_server`.
    pub sglang: Option<RecipeFile>,
    /// Recipe: `ollama serve`, asked for `model`.
    pub ollama: Option<RecipeFile>,
    /// Recipe: `llama-server`.
    #[serde(rename = "llama-cpp")]
    pub llama_cpp: Option<RecipeFile>,
    /// Recipe: the `litellm` proxy.
    pub litellm: Option<RecipeFile>,
    /// Recipe: `tritonserver`; `model` is its model repository.
    pub triton: Option<RecipeFile>,
    /// Working folder of both, relative to the repository's root.
    pub cwd: Option<String>,
    /// Environment variables for both, besides the gate's own. `${NAME}` in a value is replaced by that environment variable.
    pub env: Option<BTreeMap<String, String>>,
    /// When it is ready.
    pub ready: Option<ReadyFile>,
    /// Time from SIGTERM to SIGKILL when it is stopped.
    pub grace: Option<Span>,
    /// Where the command runs a container named `${CONTAINER}`: the program that removes it in the end, `docker` or `podman`.
    pub container: Option<String>,
    /// Its metrics page: the same as `target.metrics`.
    pub metrics: Option<String>,
}

/// What another target has other than `target` and `server`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SideFile {
    /// For whoever chooses: `run -i` shows it beside the name.
    pub description: Option<String>,
    /// Keys of `target` that differ. With a `base_url` and no `server` it is a server that runs already.
    pub target: Option<TargetFile>,
    /// Keys of `server` that differ.
    pub server: Option<ServerFile>,
}

/// What the candidate is interleaved with: exactly one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BaselineFile {
    /// A commit, branch or tag, built and started in a worktree as its own config says; `merge-base` is the merge base with the base branch.
    Ref(String),
    /// Another target of `targets`.
    Target(String),
    /// The target of another config file.
    Config(String),
    /// A server that runs already.
    BaseUrl(String),
}

/// One load: when requests are sent, what they ask for, and what is expected of the answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkloadFile {
    /// Unique; a to z, 0 to 9, `.`, `_`, `-`, since it names a folder. Required unless `preset` gives one.
    pub name: Option<String>,
    /// A named workload whose values hold where this one is silent.
    pub preset: Option<String>,
    /// For whoever chooses: `run -i` shows it beside the name. It changes nothing that is measured.
    pub description: Option<String>,
    /// When requests are sent.
    pub arrival: Option<ArrivalFile>,
    /// Requests per round. Not together with `duration`.
    #[schemars(range(min = 1))]
    pub requests: Option<u32>,
    /// Length of a round: requests that arrive (open loop) or start (closed loop) within it. Not together with `requests`.
    pub duration: Option<Span>,
    /// Most requests in flight in open loop; waiting for a slot counts as latency.
    #[schemars(range(min = 1))]
    pub max_in_flight: Option<u32>,
    /// What is asked.
    pub prompts: Option<PromptsFile>,
    /// Makes one workload per tier, `NAME-cold` and `NAME-warm`, of the same load without and with `shared_prefix` in the server's cache.
    #[schemars(length(min = 1))]
    pub tiers: Option<Vec<Tier>>,
    /// Tokens asked for per request.
    #[schemars(range(min = 1))]
    pub output_tokens: Option<u32>,
    /// Ask for streams; else for whole answers, which have no TTFT and no TPOT.
    pub stream: Option<bool>,
    /// Sampling temperature, 0 to 2.
    #[schemars(range(min = 0.0, max = 2.0))]
    pub temperature: Option<Number>,
    /// Ask the server to go on after an end-of-sequence token, so that every answer is as long as was asked.
    pub ignore_eos: Option<bool>,
    /// Further fields of every request body, joined over `target.extra_body`: objects key by key, all else replaced.
    pub extra_body: Option<ExtraBody>,
    /// Seed of everything random in the plan.
    pub seed: Option<u64>,
    /// Load per start before measuring; an integer is a number of requests.
    pub warmup: Option<WarmupFile>,
    /// Time limit of one request, from its start to its end.
    pub timeout: Option<Span>,
    /// Longest silence after the first byte of an answer.
    pub stall_timeout: Option<Span>,
    /// Limits per request; one that misses any of them is not good.
    pub slo: Option<SloFile>,
    /// Absolute limits per run, by metric: `{ttft_p95: {max: 500ms}, slo_attainment: {min: 95%}}`.
    pub limits: Option<BTreeMap<String, LimitFile>>,
    /// How changes are judged, by metric, where the method's own rule is not wanted: `5%` (`2pp` for shares) is the minimum relevant
    /// change, `{min_change: 5%, margin: 7.5%, class: primary}` says more.
    pub regressions: Option<BTreeMap<String, RegressionFile>>,
}

/// Exactly one arrival process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ArrivalFile {
    /// Open loop, exponential gaps.
    Poisson {
        /// Requests per second.
        rate: Number,
    },
    /// Open loop, equal gaps.
    Constant {
        /// Requests per second.
        rate: Number,
    },
    /// Open loop, Gamma-distributed gaps.
    Gamma {
        /// Requests per second.
        rate: Number,
        /// Shape: below 1 burstier than Poisson, 1 is Poisson, above more regular.
        burstiness: Number,
    },
    /// Closed loop.
    Closed {
        /// Requests in flight; a list makes one workload per level, named `NAME-cN`.
        concurrency: Levels,
    },
    /// Open loop, a rate that changes linearly over the round.
    Ramp {
        /// Requests per second at the start.
        from: Number,
        /// Requests per second at the end.
        to: Number,
    },
    /// Open loop, arrivals from a file.
    Trace {
        /// JSONL, one object per request; Mooncake's published traces as they are.
        file: String,
        /// Offsets are divided by this: 2 is twice the rate. 1 where it is left out.
        speedup: Option<Number>,
        /// Unit of `timestamp`: `ms` (Mooncake's) where it is left out and nothing in the file speaks against it.
        unit: Option<TimeUnit>,
        /// Tokens of a block of `hash_ids`; 512 (Mooncake's) where it is left out.
        #[schemars(range(min = 1))]
        block_tokens: Option<u32>,
        /// Keys of a line that are passed over.
        ignore: Option<Vec<String>>,
    },
    /// Conversations (`prompts.conversation`), with `concurrency` or `rate`.
    Sessions {
        /// Closed loop: sessions at a time; a list makes one workload per level, named `NAME-cN`.
        concurrency: Option<Levels>,
        /// Open loop: sessions per second, with exponential gaps.
        rate: Option<Number>,
        /// From the end of an answer to the next turn; 0s where it is left out.
        think_time: Option<Span>,
    },
}

/// One level or several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Levels {
    One(#[schemars(range(min = 1))] u32),
    Many(#[schemars(length(min = 1))] Vec<u32>),
}

/// What is asked: synthetic text, alone or in conversations, or a file's requests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PromptsFile {
    /// Text made from a corpus; each prompt is unique apart from the shared prefix.
    pub synthetic: Option<SyntheticFile>,
    /// That text in turns, for `arrival: {sessions: ...}`.
    pub conversation: Option<ConversationFile>,
    /// Requests from a file, instead of synthetic text.
    pub dataset: Option<DatasetFile>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConversationFile {
    /// Requests of a session: each brings all that was said before it.
    #[schemars(range(min = 1))]
    pub turns: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatasetFile {
    /// Path from the working folder.
    pub file: String,
    /// `sharegpt`, `jsonl`, or `auto`, by the file's first character.
    pub format: Option<DatasetFormat>,
    /// Keys of an entry that are passed over; any other that is neither sent nor a usual label is refused.
    pub ignore: Option<Vec<String>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SyntheticFile {
    /// Nominal tokens per prompt, by the corpus's documented characters per token.
    #[schemars(range(min = 1))]
    pub input_tokens: Option<u32>,
    /// Share of each prompt, from its start, that all requests have in common; 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub shared_prefix: Option<Number>,
    /// Language of the text.
    pub corpus: Option<Corpus>,
}

/// Either `requests` or `duration`; a bare integer is a number of requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WarmupFile {
    pub requests: Option<u32>,
    pub duration: Option<Span>,
}

/// Limits per request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SloFile {
    /// Time to first token.
    pub ttft: Option<Span>,
    /// Time per output token after the first.
    pub tpot: Option<Span>,
    /// Time to the last token.
    pub e2e: Option<Span>,
}

/// A bound with its unit: `500ms`, `95%`, `5/s`, `500 tokens/s`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitFile {
    /// For metrics that are better when higher.
    pub min: Option<String>,
    /// For metrics that are better when lower.
    pub max: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GateFile {
    /// Against the committed baseline (`baseline`), against one that is measured in the same job (`interleaved`), or the limits alone (`limits`).
    pub mode: Option<GateMode>,
    /// Server starts per run, where the gate starts the server; a server at a `base_url` has one. Interleaved: per side, at most 3.
    #[schemars(range(min = 1))]
    pub starts: Option<u32>,
    /// Rounds per start.
    #[schemars(range(min = 1))]
    pub rounds: Option<u32>,
    /// When the measurement cannot tell.
    pub on_inconclusive: Option<OnOpen>,
    /// When the measurement could not have seen even twice what must be found.
    pub on_blind: Option<OnOpen>,
    /// When there is no baseline.
    pub on_missing_baseline: Option<OnOpen>,
    /// When the baseline was measured under other conditions.
    pub on_incomparable: Option<OnOpen>,
    /// When an absolute limit is neither met nor breached.
    pub on_limit_open: Option<OnOpen>,
    /// When a metric is worse than in the sessions of the anchor (`goodput-gate baseline anchor`).
    pub on_anchor_drift: Option<OnOpen>,
    /// Whether an earlier attempt of the same commit, plan and policy that failed keeps a later one from passing (`all`), or not (`latest`).
    pub on_attempt: Option<OnAttempt>,
    /// Interleaved: when both sides turn out to be one program, called in the same way.
    pub same_build: Option<SameBuild>,
    /// Judge absolute limits by the measured value alone, whatever its uncertainty.
    pub strict: Option<bool>,
    /// Fingerprint fields that a change may alter, since they are what is judged.
    pub under_test: Option<Vec<String>>,
    /// Interleaved: what the candidate is measured beside.
    pub baseline: Option<BaselineFile>,
    /// Interleaved: `both` servers run at once and rounds alternate, or `one` at a time and starts alternate.
    pub fit: Option<Fit>,
    /// Interleaved: what is still open after the last look is extended once, by three more start pairs.
    pub extend: Option<bool>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BaselinesFile {
    /// Folder of baseline files, relative to the repository's root.
    pub dir: Option<String>,
    /// Branch or tag whose tree holds that folder, where it is not the base branch.
    #[serde(rename = "ref")]
    pub branch: Option<String>,
    /// Commits that are looked at for baselines, from the merge base back.
    pub max_walk: Option<u32>,
}

/// The shape of the embedded `default.yaml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Defaults {
    pub target: TargetFile,
    pub server: ServerFile,
    pub workload: WorkloadFile,
    pub gate: GateFile,
    pub gpu: GpuFile,
    pub baselines: BaselinesFile,
}

/// A duration, as text with a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(inline, with = "String", extend("pattern" = DURATION_PATTERN))]
pub struct Span(pub Duration);

/// A finite number: YAML's `.nan` and `.inf` would vanish in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(inline, with = "f64")]
pub struct Number(pub f64);

/// JSON Schema (draft 2020-12) of the config file.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(File).to_value()
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&units::format_duration(self.0))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        units::parse_duration(&text).map(Self).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match f64::deserialize(deserializer)? {
            value if value.is_finite() => Ok(Self(value)),
            value => Err(D::Error::custom(format!("{value} is not a finite number"))),
        }
    }
}

impl<'de> Deserialize<'de> for Levels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LevelsVisitor;
        impl<'de> Visitor<'de> for LevelsVisitor {
            type Value = Levels;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of requests in flight, or a list of them")
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Levels, E> {
                to_u32(value).map(Levels::One)
            }

            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Levels, E> {
                to_u32(value).map(Levels::One)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Levels, A::Error> {
                let mut levels = Vec::new();
                while let Some(level) = seq.next_element()? {
                    levels.push(level);
                }
                Ok(Levels::Many(levels))
            }
        }
        deserializer.deserialize_any(LevelsVisitor)
    }
}

/// The mapping form of `WarmupFile`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WarmupMap {
    /// Requests per start; 0 for no warm-up.
    requests: Option<u32>,
    /// Time per start.
    duration: Option<Span>,
}

/// Only for the schema: both forms of `WarmupFile`.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "never made: its derive describes the two forms")]
enum WarmupForms {
    Requests(u32),
    Map(WarmupMap),
}

impl JsonSchema for WarmupFile {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Warmup".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        WarmupForms::json_schema(generator)
    }
}

impl<'de> Deserialize<'de> for WarmupFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WarmupVisitor;
        impl<'de> Visitor<'de> for WarmupVisitor {
            type Value = WarmupFile;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of requests, {requests: N} or {duration: 10s}")
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<WarmupFile, E> {
                Ok(WarmupFile { requests: Some(to_u32(value)?), duration: None })
            }

            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<WarmupFile, E> {
                Ok(WarmupFile { requests: Some(to_u32(value)?), duration: None })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<WarmupFile, A::Error> {
                let WarmupMap { requests, duration } = WarmupMap::deserialize(MapAccessDeserializer::new(map))?;
                Ok(WarmupFile { requests, duration })
            }
        }
        deserializer.deserialize_any(WarmupVisitor)
    }
}

fn to_u32<E: serde::de::Error>(value: impl TryInto<u32> + fmt::Display + Copy) -> Result<u32, E> {
    value.try_into().map_err(|_| E::custom(format!("{value} is not a whole number from 0 to {}", u32::MAX)))
}
