//! When requests go: a dedicated thread sleeps short and spins the rest, since Tokio's timer has a grain of 1 ms. Not here: sockets.

use std::time::Duration;

use super::worker::{Message, Worker};
use super::{RoundJob, nanos};
use crate::clock::monotonic_ns;

/// Sleep ends this much before the instant; the rest is spun. Linux wakes a sleeper up to 50 us late (timer slack) plus scheduling.
const SPIN_NS: u64 = 100_000;
/// Longest sleep in one go, so that a stop is seen soon.
const NAP_NS: u64 = 20_000_000;

/// Hands each request to a worker at its instant. Returns when all are handed out or the run is stopping.
pub fn open_loop(job: &RoundJob, began_ns: u64, workers: &[Worker]) {
    for (request, worker) in job.plan.requests.iter().zip(workers.iter().cycle()) {
        let intended_ns = began_ns + nanos(request.offset);
        if !wait_until(intended_ns, || job.control.stopping()) {
            return;
        }
        worker.tell(Message::Send { index: request.index, intended_ns });
    }
}

/// Starts the lanes, spread over the workers; they go on by themselves.
pub fn closed_loop(concurrency: u32, began_ns: u64, workers: &[Worker]) {
    wait_until(began_ns, || false);
    for (_, worker) in (0..concurrency).zip(workers.iter().cycle()) {
        worker.tell(Message::Lane);
    }
}

/// True at the instant, false as soon as `stop` says so.
fn wait_until(instant_ns: u64, stop: impl Fn() -> bool) -> bool {
    loop {
        if stop() {
            return false;
        }
        let left = instant_ns.saturating_sub(monotonic_ns());
        if left == 0 {
            return true;
        }
        if left > SPIN_NS {
            std::thread::sleep(Duration::from_nanos((left - SPIN_NS).min(NAP_NS)));
        } else {
            std::hint::spin_loop();
        }
    }
}
