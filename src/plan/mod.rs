//! The plan: every request of a round, with its absolute offset and finished body, before the clock starts.
//!
//! A plan is a value, drawn from one seed through named sub-streams, so that adding a draw shifts no other. Not here: sending.

use std::time::Duration;

use crate::config::Protocol;

/// All rounds of one workload.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub workload: String,
    pub protocol: Protocol,
    pub stream: bool,
    /// Not measured, and never a measured prompt.
    pub warmup: RoundPlan,
    pub rounds: Vec<RoundPlan>,
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
    /// Leading requests that count for nothing but errors (closed loop: the first wave; METHOD section 1).
    pub ramp: u32,
    pub requests: Vec<PlannedRequest>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Each request at its own offset.
    Open,
    /// The next one when one ends.
    Closed { concurrency: u32 },
}

#[derive(Clone, Debug, PartialEq)]
pub struct PlannedRequest {
    pub index: u32,
    /// Sent as `x-request-id`.
    pub id: String,
    /// From the start of the round; zero in closed loop.
    pub offset: Duration,
    /// Finished JSON body.
    pub body: Vec<u8>,
    /// Nominal input tokens.
    pub input_tokens: u32,
    /// Output tokens asked for.
    pub output_tokens: u32,
}
