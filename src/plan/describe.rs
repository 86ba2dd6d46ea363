//! What a plan will do, in numbers, before anything is sent: for `--dry-run`. Not here: how it is
//! shown.

use super::{Pace, Plan, RoundPlan};

/// A plan's size. Nothing of it was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    pub workload: String,
    pub warmup: RoundDescription,
    pub rounds: Vec<RoundDescription>,
    /// Nominal input tokens of one start: warm-up and all rounds. An upper bound in a closed loop
    /// by duration, which plans more than it will send; the same holds for the two below.
    pub input_tokens: u64,
    /// Output tokens asked for in one start.
    pub output_tokens: u64,
    /// Bytes of request bodies held in memory.
    pub body_bytes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RoundDescription {
    /// Requests planned.
    pub requests: u32,
    /// Seconds from the round's start to its last intended send: the last answers come on top. In a
    /// closed loop the duration that was asked for, and `None` where a number of requests was,
    /// since its time is the server's.
    pub seconds: Option<f64>,
}

/// Sums a plan up.
pub fn describe(plan: &Plan) -> Description {
    let requests =
        || std::iter::once(&plan.warmup).chain(&plan.rounds).flat_map(|round| &round.requests);
    Description {
        workload: plan.workload.clone(),
        warmup: describe_round(&plan.warmup),
        rounds: plan.rounds.iter().map(describe_round).collect(),
        input_tokens: requests().map(|r| u64::from(r.input_tokens)).sum(),
        output_tokens: requests().map(|r| u64::from(r.output_tokens)).sum(),
        body_bytes: requests().map(|r| r.body.len() as u64).sum(),
    }
}

fn describe_round(round: &RoundPlan) -> RoundDescription {
    let time = match round.pace {
        Pace::Open => Some(round.requests.last().map(|r| r.offset).unwrap_or_default()),
        Pace::Closed { .. } | Pace::Sessions { concurrency: Some(_), .. } => round.stop_after,
        // To the last turn, if answers took no time.
        Pace::Sessions { concurrency: None, turns, think } => {
            Some(round.requests.last().map(|r| r.offset + think * (turns - 1)).unwrap_or_default())
        }
    };
    RoundDescription {
        requests: u32::try_from(round.requests.len()).unwrap_or(u32::MAX),
        seconds: time.map(|t| t.as_secs_f64()),
    }
}
