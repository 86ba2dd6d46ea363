//! A session on a worker: turn after turn, each when the last has ended and its thinking time has
//! passed. Not here: what a turn says (`plan`, whose history is finished before the clock), or when
//! sessions begin (`dispatch`).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::RoundJob;
use super::worker::{Shared, send_request};
use crate::clock::monotonic_ns;
use crate::plan::Pace;
use crate::timeline::Timeline;

/// Longest sleep in one go, so that a stop is seen soon.
const NAP: Duration = Duration::from_millis(100);

/// One place of a closed loop: begins the next session when one is over.
pub async fn lane(shared: Arc<Shared>, job: Arc<RoundJob>) -> Vec<Timeline> {
    let mut done = Vec::new();
    let (turns, _) = shape(job.plan.pace);
    loop {
        let session = job.next.fetch_add(1, Ordering::Relaxed);
        let first = session.saturating_mul(turns);
        if over(&job) || first as usize >= job.plan.requests.len() {
            return done;
        }
        done.extend(turn_by_turn(&shared, &job, first, monotonic_ns()).await);
    }
}

/// The session whose first request has this index.
pub async fn session(
    shared: Arc<Shared>,
    job: Arc<RoundJob>,
    first: u32,
    intended_ns: u64,
) -> Vec<Timeline> {
    turn_by_turn(&shared, &job, first, intended_ns).await
}

/// A turn that fails does not end its session: what follows it does not depend on what was
/// answered.
async fn turn_by_turn(
    shared: &Shared,
    job: &RoundJob,
    first: u32,
    intended_ns: u64,
) -> Vec<Timeline> {
    let (turns, think) = shape(job.plan.pace);
    let last =
        first.saturating_add(turns).min(u32::try_from(job.plan.requests.len()).unwrap_or(u32::MAX));
    let mut done = vec![send_request(shared, job, first, intended_ns).await];
    for index in first + 1..last {
        if !thought(job, think).await {
            break;
        }
        // Tokio's timer wakes up to a millisecond late: the turn is due when the thinking is over,
        // and its start is its send.
        done.push(send_request(shared, job, index, monotonic_ns()).await);
    }
    done
}

/// False where the round is over before the thinking is.
async fn thought(job: &RoundJob, think: Duration) -> bool {
    let mut left = think;
    while !left.is_zero() && !over(job) {
        let nap = left.min(NAP);
        tokio::time::sleep(nap).await;
        left -= nap;
    }
    !over(job)
}

fn over(job: &RoundJob) -> bool {
    job.control.stopping() || job.stop_at_ns.is_some_and(|t| monotonic_ns() >= t)
}

/// Turns of a session, and the thinking time between them.
const fn shape(pace: Pace) -> (u32, Duration) {
    match pace {
        Pace::Sessions { turns, think, .. } => (turns, think),
        Pace::Open | Pace::Closed { .. } => (1, Duration::ZERO),
    }
}
