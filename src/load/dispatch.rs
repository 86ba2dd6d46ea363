//! When requests go: a dedicated thread sleeps short and spins the rest, since Tokio's timer has a
//! grain of 1 ms. Not here: sockets.

use std::time::Duration;

use super::worker::{Message, Worker};
use super::{RoundJob, nanos};
use crate::clock::monotonic_ns;
use crate::plan::PlannedRequest;

/// Sleep ends this much before the instant; the rest is spun. Linux wakes a sleeper up to 50 us
/// late (timer slack) plus scheduling.
const SPIN_NS: u64 = 100_000;
/// Longest sleep in one go, so that a stop is seen soon.
const NAP_NS: u64 = 20_000_000;

/// What to do until an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    Over,
    Spin,
    Sleep(Duration),
}

/// Hands each request to a worker at its instant. Returns when all are handed out or the run is
/// stopping.
pub fn open_loop(job: &RoundJob, began_ns: u64, workers: &[Worker]) {
    hand_to_workers(job, &mut job.plan.requests.iter(), began_ns, workers, |index, intended_ns| {
        Message::Send { index, intended_ns }
    });
}

/// Hands each session to a worker at its instant; its turns go on by themselves. Returns as
/// [`open_loop`].
pub fn sessions(job: &RoundJob, turns: u32, began_ns: u64, workers: &[Worker]) {
    let mut first = job.plan.requests.iter().step_by(turns as usize);
    hand_to_workers(job, &mut first, began_ns, workers, |first, intended_ns| Message::Session {
        first,
        intended_ns,
    });
}

fn hand_to_workers(
    job: &RoundJob,
    requests: &mut dyn Iterator<Item = &PlannedRequest>,
    began_ns: u64,
    workers: &[Worker],
    message: impl Fn(u32, u64) -> Message,
) {
    let mut turn = workers.iter().cycle();
    hand_out(
        requests,
        began_ns,
        |instant_ns| wait_until(instant_ns, || job.control.stopping()),
        |index, intended_ns| {
            if let Some(worker) = turn.next() {
                worker.tell(message(index, intended_ns));
            }
        },
    );
}

/// Every instant is the plan's, whatever came late before it: lateness never adds up. `wait` is
/// false where the run is to stop.
fn hand_out<'r>(
    requests: impl Iterator<Item = &'r PlannedRequest>,
    began_ns: u64,
    mut wait: impl FnMut(u64) -> bool,
    mut hand: impl FnMut(u32, u64),
) {
    for request in requests {
        let intended_ns = began_ns.saturating_add(nanos(request.offset));
        if !wait(intended_ns) {
            return;
        }
        hand(request.index, intended_ns);
    }
}

/// Starts the lanes, spread over the workers; they go on by themselves.
pub fn lanes(concurrency: u32, began_ns: u64, workers: &[Worker], lane: impl Fn() -> Message) {
    wait_until(began_ns, || false);
    for (_, worker) in (0..concurrency).zip(workers.iter().cycle()) {
        worker.tell(lane());
    }
}

/// True at the instant, false as soon as `stop` says so.
fn wait_until(instant_ns: u64, stop: impl Fn() -> bool) -> bool {
    loop {
        if stop() {
            return false;
        }
        match next_wait(instant_ns, monotonic_ns()) {
            Wait::Over => return true,
            Wait::Spin => std::hint::spin_loop(),
            Wait::Sleep(nap) => std::thread::sleep(nap),
        }
    }
}

fn next_wait(instant_ns: u64, now_ns: u64) -> Wait {
    match instant_ns.saturating_sub(now_ns) {
        0 => Wait::Over,
        left if left > SPIN_NS => Wait::Sleep(Duration::from_nanos((left - SPIN_NS).min(NAP_NS))),
        _ => Wait::Spin,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(index: u32, offset_us: u64) -> PlannedRequest {
        let offset = Duration::from_micros(offset_us);
        PlannedRequest {
            index,
            id: index.to_string(),
            offset,
            body: Vec::new(),
            input_tokens: 1,
            output_tokens: 1,
        }
    }

    #[test]
    fn lateness_never_adds_up() {
        let requests: Vec<_> = (0..4).map(|i| request(i, u64::from(i) * 1_000)).collect();
        let (mut now, mut handed) = (0, Vec::new());
        // Each wait wakes 400 us late, and the second one 1.5 ms.
        let wait = |instant: u64| {
            now = now.max(instant + if instant == 1_007_000 { 1_500_000 } else { 400_000 });
            true
        };
        hand_out(requests.iter(), 7_000, wait, |index, intended| handed.push((index, intended)));
        assert_eq!(handed, [(0, 7_000), (1, 1_007_000), (2, 2_007_000), (3, 3_007_000)]);
        assert_eq!(now, 3_407_000, "late by one wait, not by the sum of all");
    }

    #[test]
    fn nothing_goes_once_the_run_is_to_stop() {
        let requests: Vec<_> = (0..5).map(|i| request(i, 10)).collect();
        let (mut waits, mut handed) = (0, Vec::new());
        let wait = |_| {
            waits += 1;
            waits <= 2
        };
        hand_out(requests.iter(), 0, wait, |index, _| handed.push(index));
        assert_eq!((waits, handed), (3, vec![0, 1]));
    }

    #[test]
    fn a_sleep_ends_well_before_the_instant_and_is_never_long() {
        assert_eq!(next_wait(1_000, 1_000), Wait::Over);
        assert_eq!(next_wait(1_000, 5_000), Wait::Over);
        assert_eq!(next_wait(SPIN_NS, 0), Wait::Spin);
        assert_eq!(next_wait(1, 0), Wait::Spin);
        assert_eq!(next_wait(SPIN_NS + 1, 0), Wait::Sleep(Duration::from_nanos(1)));
        assert_eq!(next_wait(3_600_000_000_000, 0), Wait::Sleep(Duration::from_nanos(NAP_NS)));
    }

    #[test]
    fn a_stop_ends_the_wait_at_once() {
        assert!(!wait_until(u64::MAX, || true));
        assert!(wait_until(0, || false), "what is due already is not waited for");
    }
}
