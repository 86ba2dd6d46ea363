//! The plan: every request of a round, with its absolute offset and finished body, before the clock
//! starts.
//!
//! A plan is a value, drawn from one seed through named sub-streams, so that adding a draw shifts
//! no other. Not here: sending.

mod arrival;
mod build;
mod corpus;
pub mod dataset;
pub mod describe;
pub mod digest;
mod fields;
mod prompts;
mod seed;
pub mod shard;
mod trace;

use std::time::Duration;

use thiserror::Error;

use crate::config::MOST_OUTPUT_TOKENS;
use crate::protocol::{ExtraBody, Extras, Protocol};

pub use build::{Size, build, check, outline, refresh, round};
pub use describe::describe;
pub use prompts::salt;
use shard::ShardError;

/// Most requests of a plan, warm-up and all rounds together: beyond it the plan, and the columns of
/// its record, outgrow a client's memory.
pub const MAX_REQUESTS: u32 = 1_000_000;

/// The same of a plan that several machines send: each has [`MAX_REQUESTS`] at most, and draws all
/// of them.
pub const MAX_SHARDED_REQUESTS: u32 = 16_000_000;

/// Most bytes of request bodies of a plan, about; those of a round are held in memory, so that
/// nothing is made while the clock runs.
pub const MAX_BODY_BYTES: u64 = 2 << 30;

/// Characters of a salt: twelve digits are 40 bits, enough that two sessions on one server do not
/// meet.
pub const SALT_CHARS: usize = 12;

/// All rounds of one workload.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub workload: String,
    pub protocol: Protocol,
    /// Where its requests go, below the base URL.
    pub path: String,
    pub stream: bool,
    /// Not measured, and never a measured prompt.
    pub warmup: RoundPlan,
    pub rounds: Vec<RoundPlan>,
    /// Entries of its dataset that are no request.
    pub left_out: Vec<dataset::LeftOut>,
    /// SHA-256 (hex) over everything that shapes the load, without the salt and the model's name.
    pub digest: String,
    pub timeout: Duration,
    pub stall_timeout: Duration,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RoundPlan {
    pub seed: u64,
    pub pace: Pace,
    pub max_in_flight: Option<u32>,
    /// Closed loop by duration: no request starts later than this.
    pub stop_after: Option<Duration>,
    /// Leading requests that count for nothing but errors (closed loop: the first wave;
    /// docs/METHODOLOGY.md#warm-up).
    pub ramp: u32,
    pub requests: Vec<PlannedRequest>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Each request at its own offset.
    Open,
    /// The next one when one ends.
    Closed { concurrency: u32 },
    /// Sessions of `turns` consecutive requests: the next turn when the last has ended and `think`
    /// has passed. So many sessions at a time, or each at its first request's own offset.
    Sessions { concurrency: Option<u32>, turns: u32, think: Duration },
}

impl Pace {
    /// Whether this request waits for another one's end, so that its start is its actual send.
    pub const fn is_closed(self, index: u32) -> bool {
        match self {
            Self::Open => false,
            Self::Closed { .. } | Self::Sessions { concurrency: Some(_), .. } => true,
            Self::Sessions { concurrency: None, turns, .. } => !index.is_multiple_of(turns),
        }
    }

    /// Whether no arrival waits for an answer.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Open)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct PlannedRequest {
    pub index: u32,
    /// Sent as `x-request-id`.
    pub id: String,
    /// From the start of the round; zero in closed loop. In a session its begin.
    pub offset: Duration,
    /// Finished JSON body.
    pub body: Vec<u8>,
    /// Nominal input tokens.
    pub input_tokens: u32,
    /// Output tokens asked for.
    pub output_tokens: u32,
}

/// What a plan is made from besides its workload.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    pub protocol: &'a Protocol,
    pub model: &'a str,
    pub extras: Extras,
    /// The target's own; the workload's is joined over it.
    pub extra_body: &'a ExtraBody,
    /// [`SALT_CHARS`] ASCII letters or digits, best from [`salt`]: leads each prompt. New for each
    /// session and workload, shared by both sides of a comparison.
    pub salt: &'a str,
    /// Short name of the session, for request ids.
    pub session: &'a str,
    /// Rounds per start.
    pub rounds: u32,
    /// How many machines send it: it may be as many times larger.
    pub shards: u32,
    /// The text of the file that the workload names: its trace, or its dataset.
    pub file: Option<&'a str>,
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum PlanError {
    #[error("the {what} is {value}: arrivals need a finite number above zero")]
    Rate { what: &'static str, value: f64 },
    #[error(
        "a request of the file asks for {output_tokens} output tokens, and {MOST_OUTPUT_TOKENS} are allowed: correct it"
    )]
    TooManyTokens { output_tokens: u32 },
    #[error(
        "a request of the plan would be sent later than in a year: raise the rate or the speedup, or ask for fewer requests"
    )]
    TooLong,
    #[error(
        "the plan has more than {MAX_REQUESTS} requests: lower the rate, the number of requests, the duration or the rounds"
    )]
    TooManyRequests,
    #[error(
        "the plan's request bodies need about {} MiB, and {} MiB are allowed: ask for fewer requests, fewer rounds or shorter prompts",
        .bytes >> 20,
        MAX_BODY_BYTES >> 20
    )]
    TooLarge { bytes: u64 },
    #[error(
        "the arrival process is a trace, but no trace was read: name its file in arrival.trace.file"
    )]
    TraceMissing,
    #[error(
        "line {number} of the trace: {what}: correct the line; it needs offset_ms (or timestamp)"
    )]
    TraceLine { number: usize, what: String },
    #[error(
        "{what}, and Mooncake's are milliseconds\nhint: say what they are in arrival.trace.unit (s, ms or us), or write them as offset_ms"
    )]
    TraceUnit { what: String },
    #[error(
        "the trace has no lines: each line is an object such as {{\"offset_ms\": 0, \"input_tokens\": 256}}"
    )]
    TraceEmpty,
    #[error(
        "the trace has {has} lines, and {asked} requests per round were asked for: set requests to {has} or fewer"
    )]
    TraceShort { has: usize, asked: usize },
    #[error(
        "the prompts are a dataset's, but no dataset was read: name its file in prompts.dataset.file"
    )]
    DatasetMissing,
    #[error(
        "the dataset is no ShareGPT file: {0}: it needs an array of objects with conversations (from and value), messages or prompt"
    )]
    DatasetShape(String),
    #[error(
        "line {number} of the dataset: {what}: correct the line; it needs prompt (a text) or messages (role and content)"
    )]
    DatasetLine { number: usize, what: String },
    #[error("entry {number} of the dataset: {what}")]
    DatasetEntry { number: u64, what: String },
    #[error(
        "the dataset has no request: each needs a prompt, or a conversation that a user begins{left_out}"
    )]
    DatasetEmpty { left_out: String },
    #[error(
        "the dataset has {has} requests, and {asked} per round were planned: set requests to {has} or fewer, since none is sent twice{left_out}"
    )]
    DatasetShort { has: usize, asked: usize, left_out: String },
    #[error(
        "extra_body: the gate sets `{place}` itself in a request of {protocol}\nhint: {instead}"
    )]
    ExtraBody { place: String, protocol: &'static str, instead: &'static str },
    #[error("the salt must be {SALT_CHARS} ASCII letters or digits")]
    Salt,
    #[error(transparent)]
    Shard(#[from] ShardError),
}

#[cfg(test)]
mod tests;
