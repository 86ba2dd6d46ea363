//! The load of a workload as a record stores it: arrivals, lengths, and what only some loads have.
//!
//! Not here: how it is described in words (`plan::describe`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Axis, Tier};
use crate::plan::dataset::LeftOut;

/// The load in words and numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadFacts {
    pub protocol: String,
    /// `poisson 20/s`, `closed loop, 8 in flight`...
    pub arrival: String,
    pub streaming: bool,
    pub open_loop: bool,
    /// Absent in a closed loop by duration: as many as fit.
    pub requests_per_round: Option<u64>,
    /// Nominal.
    pub input_tokens: u32,
    pub output_tokens: u32,
    /// The server was told to keep the length, and did not refuse.
    pub length_forced: bool,
    pub max_in_flight: Option<u32>,
    pub seed: u64,
    /// What only some loads have.
    #[serde(default, skip_serializing_if = "LoadDetail::is_empty")]
    pub detail: LoadDetail,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadDetail {
    /// What is asked, where it is not one synthetic text per request: `conversations of 4 turns`...
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompts: Option<String>,
    /// Requests of a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turns: Option<u32>,
    /// `cold` or `warm`: what the prompts find in the server's prefix cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// The server's prefix cache was emptied before each round; false: it does not offer that, and
    /// unique prompts are all that makes it cold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_reset: Option<bool>,
    /// Which of a sweep's levels it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<LevelRecord>,
    /// Entries of the dataset that are no request, by the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
}

impl LoadDetail {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// One of several workloads that differ in one number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LevelRecord {
    /// Name of all of them.
    pub family: String,
    pub axis: Axis,
    /// In flight, or per second.
    pub value: f64,
}
