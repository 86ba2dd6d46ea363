//! The server during a round, in its own metrics: one vocabulary for every server. Not here:
//! fetching them (`watch::scrape`).
//!
//! `exposition` reads the text, `names` knows whose name means what, `window` makes a round of it,
//! `why` puts changes into words.

mod exposition;
pub mod names;
pub mod why;
pub mod window;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::measure::stats;

/// What the server's metrics said of one round. Absent is a fact: not every server tells
/// everything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerRound {
    /// Whose names they are: `vllm`, `sglang`, `llama.cpp`, `triton`, `tensorrt-llm`, `tgi`,
    /// `lmdeploy`, `dynamo`, `litellm`.
    pub server: Option<String>,
    /// Pages that were read: before, during and after the round.
    pub samples: u32,
    /// Pages that could not be read.
    pub failed: u32,
    /// Why the last of those that failed did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// CPU time that fetching and reading them took, milliseconds.
    pub cpu_ms: Option<f64>,
    /// By name with unit: `waiting_mean`, `prefix_hit_ratio`, `queue_ms`...
    /// (docs/SERVER-METRICS.md).
    pub values: Values,
    pub series: ServerSeries,
}

/// The last reading in each second of the round, from its begin; absent where there was none. Empty
/// where the server does not tell.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerSeries {
    pub running: Vec<Option<f64>>,
    pub waiting: Vec<Option<f64>>,
    pub kv_use_ratio: Vec<Option<f64>>,
}

/// By [`Fact::key`].
pub type Values = BTreeMap<String, f64>;

/// One thing that is known of a round from the server's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum Fact {
    RunningMean,
    RunningMax,
    WaitingMean,
    WaitingMax,
    KvUseMean,
    KvUseMax,
    PrefixHits,
    Preemptions,
    SpecAccepted,
    Queue,
    Prefill,
    Decode,
    FirstToken,
    TokenGap,
    Whole,
    PrefillToken,
    Gateway,
    Upstream,
    Finished,
}

impl Fact {
    pub const ALL: [Self; 19] = [
        Self::RunningMean,
        Self::RunningMax,
        Self::WaitingMean,
        Self::WaitingMax,
        Self::KvUseMean,
        Self::KvUseMax,
        Self::PrefixHits,
        Self::Preemptions,
        Self::SpecAccepted,
        Self::Queue,
        Self::Prefill,
        Self::Decode,
        Self::FirstToken,
        Self::TokenGap,
        Self::Whole,
        Self::PrefillToken,
        Self::Gateway,
        Self::Upstream,
        Self::Finished,
    ];

    /// By its key.
    pub fn find(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fact| fact.key() == key)
    }

    /// With its unit; none for counts.
    pub const fn key(self) -> &'static str {
        self.row().0
    }

    /// As people say it.
    pub const fn title(self) -> &'static str {
        self.row().1
    }

    /// `ratio`, `ms` or `count`.
    pub fn unit(self) -> &'static str {
        match self.key() {
            key if key.ends_with("_ratio") => "ratio",
            key if key.ends_with("_ms") => "ms",
            _ => "count",
        }
    }

    const fn row(self) -> (&'static str, &'static str) {
        match self {
            Self::RunningMean => ("running_mean", "running requests"),
            Self::RunningMax => ("running_max", "running requests, most"),
            Self::WaitingMean => ("waiting_mean", "waiting requests"),
            Self::WaitingMax => ("waiting_max", "waiting requests, most"),
            Self::KvUseMean => ("kv_use_mean_ratio", "KV-cache use"),
            Self::KvUseMax => ("kv_use_max_ratio", "KV-cache use, most"),
            Self::PrefixHits => ("prefix_hit_ratio", "prefix-cache hits"),
            Self::Preemptions => ("preemptions", "preemptions per round"),
            Self::SpecAccepted => ("spec_accepted_ratio", "accepted draft tokens"),
            Self::Queue => ("queue_ms", "queue time"),
            Self::Prefill => ("prefill_ms", "prefill time"),
            Self::Decode => ("decode_ms", "decode time"),
            Self::FirstToken => ("ttft_ms", "the server's own TTFT"),
            Self::TokenGap => ("token_gap_ms", "the server's own time between tokens"),
            Self::Whole => ("e2e_ms", "the server's own E2E latency"),
            Self::PrefillToken => ("prefill_token_ms", "prefill time per token"),
            Self::Gateway => ("gateway_ms", "the gateway's own time"),
            Self::Upstream => ("upstream_ms", "time in the model or server behind"),
            Self::Finished => ("finished_requests", "requests that the server finished, per round"),
        }
    }
}

impl From<Fact> for &'static str {
    fn from(fact: Fact) -> Self {
        fact.key()
    }
}

impl TryFrom<String> for Fact {
    type Error = String;

    /// Errors: a key that this version does not know.
    fn try_from(key: String) -> Result<Self, Self::Error> {
        Self::find(&key).ok_or_else(|| format!("no fact is called {key}"))
    }
}

/// Of several rounds: the mean, of maxima the largest.
pub fn pooled<'a>(rounds: impl Iterator<Item = &'a Values>) -> Values {
    let mut all: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (key, value) in rounds.flatten().filter(|(_, v)| v.is_finite()) {
        all.entry(key).or_default().push(*value);
    }
    let one = |key: &str, values: Vec<f64>| {
        let max = key.contains("_max");
        if max { values.into_iter().max_by(f64::total_cmp) } else { stats::mean(&values) }
    };
    all.into_iter().filter_map(|(key, values)| Some((key.to_owned(), one(key, values)?))).collect()
}

/// Of several sessions of unchanged code: the median, key by key.
pub fn typical<'a>(sessions: impl Iterator<Item = &'a Values>) -> Values {
    let mut all: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (key, value) in sessions.flatten().filter(|(_, v)| v.is_finite()) {
        all.entry(key).or_default().push(*value);
    }
    all.into_iter()
        .filter_map(|(key, values)| Some((key.to_owned(), stats::median(&values)?)))
        .collect()
}
