//! A request in flight, as its worker watches it: one timer for all instead of one per read. Not
//! here: the request itself.

use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

/// Why a request was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivenUp {
    Timeout,
    Stalled,
    Cancelled,
}

/// Shared by the request's task and its worker's sweep, both on one thread: the atomics are never
/// contended.
pub struct Flight {
    deadline_ns: u64,
    stall_ns: u64,
    /// Instant of the last byte; 0 before the first (a server may think as long as the deadline
    /// lets it).
    last_read_ns: AtomicU64,
    ending: AtomicU8,
    waker: Mutex<Option<Waker>>,
}

impl Flight {
    pub fn new(deadline_ns: u64, stall_ns: u64) -> Self {
        Self {
            deadline_ns,
            stall_ns,
            last_read_ns: AtomicU64::new(0),
            ending: AtomicU8::new(0),
            waker: Mutex::new(None),
        }
    }

    pub fn read_at(&self, now_ns: u64) {
        self.last_read_ns.store(now_ns, Ordering::Relaxed);
    }

    /// Ends the request if its time is over.
    pub fn sweep(&self, now_ns: u64, abort: bool) {
        let last = self.last_read_ns.load(Ordering::Relaxed);
        let why = if abort {
            3
        } else if now_ns >= self.deadline_ns {
            1
        } else if last > 0 && now_ns.saturating_sub(last) >= self.stall_ns {
            2
        } else {
            return;
        };
        self.ending.store(why, Ordering::Relaxed);
        if let Some(waker) = self.waker.lock().ok().and_then(|mut w| w.take()) {
            waker.wake();
        }
    }

    fn given_up(&self) -> Option<GivenUp> {
        match self.ending.load(Ordering::Relaxed) {
            1 => Some(GivenUp::Timeout),
            2 => Some(GivenUp::Stalled),
            3 => Some(GivenUp::Cancelled),
            _ => None,
        }
    }

    /// Runs `inner` until it ends or the flight is given up.
    pub fn guard<F: Future + Unpin>(&self, inner: F) -> Guard<'_, F> {
        Guard { flight: self, inner, registered: false }
    }
}

pub struct Guard<'a, F> {
    flight: &'a Flight,
    inner: F,
    registered: bool,
}

impl<F: Future + Unpin> Future for Guard<'_, F> {
    type Output = Result<F::Output, GivenUp>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(why) = self.flight.given_up() {
            return Poll::Ready(Err(why));
        }
        if !self.registered {
            // A task's waker stays good for the task's life: once is enough.
            if let Ok(mut waker) = self.flight.waker.lock() {
                *waker = Some(cx.waker().clone());
            }
            self.registered = true;
        }
        Pin::new(&mut self.inner).poll(cx).map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn silence_counts_only_after_the_first_byte() {
        let flight = Flight::new(1_000, 100);
        flight.sweep(900, false);
        assert_eq!(flight.given_up(), None);
        flight.read_at(850);
        flight.sweep(900, false);
        assert_eq!(flight.given_up(), None);
        flight.sweep(950, false);
        assert_eq!(flight.given_up(), Some(GivenUp::Stalled));
    }

    #[test]
    fn the_deadline_wins_over_a_lively_stream() {
        let flight = Flight::new(1_000, 100);
        flight.read_at(999);
        flight.sweep(1_000, false);
        assert_eq!(flight.given_up(), Some(GivenUp::Timeout));
    }

    #[tokio::test(start_paused = true)]
    async fn a_sweep_wakes_a_request_that_waits_for_ever() {
        for (abort, expected) in [(false, GivenUp::Timeout), (true, GivenUp::Cancelled)] {
            let flight = Arc::new(Flight::new(1_000, 100));
            let request = tokio::spawn({
                let flight = Arc::clone(&flight);
                async move { flight.guard(pin!(std::future::pending::<()>())).await }
            });
            tokio::time::sleep(Duration::from_secs(3_600)).await;
            assert!(!request.is_finished(), "without a sweep nothing ends it");
            flight.sweep(if abort { 1 } else { 1_000 }, abort);
            let ended = tokio::time::timeout(Duration::from_secs(1), request).await;
            assert_eq!(ended.expect("it is woken").expect("it does not panic"), Err(expected));
        }
    }

    #[tokio::test]
    async fn a_request_that_is_given_up_before_its_first_turn_never_runs() {
        let flight = Flight::new(1_000, 100);
        flight.sweep(2_000, false);
        let mut ran = false;
        let ended = flight.guard(pin!(async { ran = true })).await;
        assert_eq!(ended, Err(GivenUp::Timeout));
        assert!(!ran);
    }

    #[tokio::test]
    async fn what_ends_by_itself_is_not_given_up() {
        let flight = Flight::new(1_000, 100);
        assert_eq!(flight.guard(pin!(std::future::ready(5))).await, Ok(5));
    }
}
