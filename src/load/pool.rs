//! A worker's idle connections, and whether the server keeps a connection after an answer. Not
//! here: opening them (`conn`).
//!
//! Some servers close most connections after an answer without saying so. A request that is written
//! to such a connection is lost, and nobody can tell it from one that the server read and dropped,
//! so that it could not be sent again. Therefore a connection is used again at once only where the
//! server is known to keep them; until then it rests, and is looked at.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::conn::{Idle, Stream};
use crate::clock::monotonic_ns;

/// Servers that close after an answer do so within microseconds of it; a connection that is open
/// after so long is kept.
pub const REST_NS: u64 = 20_000_000;
/// A close within so long follows from the answer; a later one is an idle time-out, which says
/// nothing of the next connection.
const SOON_NS: u64 = 1_000_000_000;
/// So many rested connections have to be found open.
const LOOKS: u32 = 3;

/// What the server does with a connection after an answer, as all workers have seen it.
#[derive(Default)]
pub struct Habit {
    kept: AtomicU32,
    closes: AtomicBool,
}

impl Habit {
    fn keeps(&self) -> bool {
        !self.closes() && self.kept.load(Ordering::Relaxed) >= LOOKS
    }

    fn closes(&self) -> bool {
        self.closes.load(Ordering::Relaxed)
    }

    fn unknown(&self) -> bool {
        !self.closes() && !self.keeps()
    }

    /// A request was written to a connection whose last answer ended then, and was lost.
    pub fn lost(&self, answered_ns: Option<u64>) {
        let since = answered_ns.map(|at| monotonic_ns().saturating_sub(at));
        self.found_closed(since.filter(|since| *since < REST_NS));
    }

    /// A connection was found closed, so long after its last answer (none: it had none).
    fn found_closed(&self, since_ns: Option<u64>) {
        if since_ns.is_some_and(|since| since < SOON_NS) {
            self.closes.store(true, Ordering::Relaxed);
        }
    }
}

/// A connection that no request uses.
pub struct Kept {
    pub stream: Stream,
    /// When its last answer ended; none where nothing was asked on it yet.
    answered_ns: Option<u64>,
    looked_at: bool,
}

impl Kept {
    fn age_ns(&self, now_ns: u64) -> Option<u64> {
        self.answered_ns.map(|at| now_ns.saturating_sub(at))
    }

    fn rested(&self, now_ns: u64) -> bool {
        self.age_ns(now_ns).is_none_or(|age| age >= REST_NS)
    }
}

/// Used last, taken first: the warm ones.
#[derive(Default)]
pub struct Pool {
    idle: Mutex<Vec<Kept>>,
}

impl Pool {
    /// A connection that may be used again now; whether the server has closed it is still to be
    /// asked.
    pub fn take(&self, habit: &Habit) -> Option<Kept> {
        let (mut idle, now) = (self.lock(), monotonic_ns());
        let fit = |i: &Kept| habit.keeps() || i.rested(now);
        let at = idle.iter().rposition(fit)?;
        Some(idle.remove(at))
    }

    /// A connection that is open, and was never used.
    pub fn add(&self, stream: Stream) {
        self.lock().push(Kept { stream, answered_ns: None, looked_at: false });
    }

    /// A connection whose answer has just ended.
    pub fn give_back(&self, stream: Stream, habit: &Habit) {
        let mut idle = self.lock();
        let rests = |i: &Kept| i.answered_ns.is_some() && !i.looked_at;
        // One at a time tells what the server does; more would be idle for nothing, and some
        // servers keep a thread for each.
        if !(habit.unknown() && idle.iter().any(rests)) {
            idle.push(Kept { stream, answered_ns: Some(monotonic_ns()), looked_at: false });
        }
    }

    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether a connection rests that would tell what the server does.
    pub fn would_tell(&self, habit: &Habit) -> bool {
        habit.unknown() && self.lock().iter().any(|i| i.answered_ns.is_some() && !i.looked_at)
    }

    /// Looks at the connections that have rested, once each; `all`: at every idle one. Those that
    /// the server closed are gone, and those on which it sent what nobody asked for: so many as the
    /// answer says.
    pub async fn look(&self, habit: &Habit, all: bool) -> u64 {
        let mut unasked = 0;
        let now = monotonic_ns();
        let due = |i: &mut Kept| all || !i.looked_at && i.answered_ns.is_some() && i.rested(now);
        let looked: Vec<Kept> = self.lock().extract_if(.., due).collect();
        for mut idle in looked {
            match idle.state(habit).await {
                Idle::Silent => {}
                Idle::Closed => continue,
                Idle::Bytes => {
                    unasked += 1;
                    continue;
                }
            }
            if !idle.looked_at && idle.answered_ns.is_some() && idle.rested(now) {
                habit.kept.fetch_add(1, Ordering::Relaxed);
                idle.looked_at = true;
            }
            // They were used longest ago.
            self.lock().insert(0, idle);
        }
        unasked
    }

    /// The users are tasks of one thread: it is never held across an await.
    fn lock(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// What the server did to it meanwhile; a close is remembered.
    pub async fn state(&mut self, habit: &Habit) -> Idle {
        let state = self.stream.look().await;
        if state == Idle::Closed {
            habit.found_closed(self.age_ns(monotonic_ns()));
        }
        state
    }

    pub const fn answered_ns(&self) -> Option<u64> {
        self.answered_ns
    }
}
