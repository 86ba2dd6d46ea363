//! Why a run is stopping, for whoever runs and whoever stops it: a face sets it, and what measures
//! looks at it.
//!
//! Not here: which signals mean what (`command::signals`), what a stopped run saves (`measure`).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use crate::load::Control;

/// Soon enough for a person who pressed a key.
pub const GLANCE: Duration = Duration::from_millis(50);

/// Why a run is stopping.
#[derive(Clone, Default)]
pub struct Stop {
    pub control: Arc<Control>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    signalled: AtomicBool,
    /// The time limit runs.
    measuring: AtomicBool,
    begun: Notify,
    /// How often the program stood still.
    standstills: AtomicU64,
}

impl Stop {
    /// Interrupted by a signal (not by the time limit).
    pub fn signalled(&self) -> bool {
        self.shared.signalled.load(Ordering::Relaxed)
    }

    pub fn stopping(&self) -> bool {
        self.control.stopping()
    }

    /// The time limit begins now: waiting for another gate does not count.
    pub fn start_limit(&self) {
        self.shared.measuring.store(true, Ordering::Relaxed);
        self.shared.begun.notify_one();
    }

    /// How often this program has stood still until now: stopped (Ctrl-Z, SIGSTOP, a frozen
    /// container) and continued.
    pub fn standstills(&self) -> u64 {
        self.shared.standstills.load(Ordering::Relaxed)
    }

    /// Returns when the run is to stop.
    pub async fn requested(&self) {
        while !self.stopping() {
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// Somebody interrupts the run. What is in flight is for `control` to end.
    pub fn signal(&self) {
        self.shared.signalled.store(true, Ordering::Relaxed);
    }

    /// Requests may be under way.
    pub fn is_measuring(&self) -> bool {
        self.shared.measuring.load(Ordering::Relaxed)
    }

    /// Returns once the time limit has begun.
    pub async fn limit_started(&self) {
        self.shared.begun.notified().await;
    }

    /// This program stood still, once more.
    pub fn note_standstill(&self) {
        self.shared.standstills.fetch_add(1, Ordering::Relaxed);
    }
}
