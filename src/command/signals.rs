//! Ctrl-C, SIGTERM and SIGHUP: the first drains, the second (or ten seconds) aborts. Not here: what a drained run saves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::output::say;
use crate::load::Control;

/// Requests in flight get this long to finish after the first signal.
const GRACE: Duration = Duration::from_secs(10);
/// Soon enough for a person who pressed a key.
const GLANCE: Duration = Duration::from_millis(50);

/// Why a run is stopping.
#[derive(Clone, Default)]
pub struct Stop {
    pub control: Arc<Control>,
    signalled: Arc<AtomicBool>,
}

impl Stop {
    /// Interrupted by a signal (not by the time limit).
    pub fn signalled(&self) -> bool {
        self.signalled.load(Ordering::Relaxed)
    }

    pub fn stopping(&self) -> bool {
        self.control.stopping()
    }

    /// Returns when the run is to stop.
    pub async fn requested(&self) {
        while !self.stopping() {
            tokio::time::sleep(GLANCE).await;
        }
    }
}

/// Watches signals and the time limit on a thread of its own, for the rest of the process.
pub fn watch(limit: Option<Duration>) -> anyhow::Result<Stop> {
    let stop = Stop::default();
    let watched = stop.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the signal watch")?;
    // Registered here and not on the thread: from the first request on, a signal must find its handler.
    let signals = {
        let _context = runtime.enter();
        Signals::register().context("cannot watch for signals")?
    };
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || runtime.block_on(serve(watched, limit, signals)))
        .context("cannot start the signal watch")?;
    Ok(stop)
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// The terminal, or the connection to it, is gone.
    hangup: Signal,
}

impl Signals {
    fn register() -> std::io::Result<Self> {
        let of = |kind| signal(kind);
        Ok(Self {
            interrupt: of(SignalKind::interrupt())?,
            terminate: of(SignalKind::terminate())?,
            hangup: of(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}

async fn serve(stop: Stop, limit: Option<Duration>, mut signals: Signals) {
    let limit = async {
        match limit {
            Some(limit) => tokio::time::sleep(limit).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = signals.next() => stop.signalled.store(true, Ordering::Relaxed),
        () = limit => {}
    }
    stop.control.drain();
    if stop.signalled() {
        say("interrupted: waiting up to 10 s for requests in flight; once more to cancel them");
    }
    tokio::select! {
        () = signals.next() => stop.signalled.store(true, Ordering::Relaxed),
        () = tokio::time::sleep(GRACE) => {}
    }
    stop.control.abort();
}
