//! Ctrl-C and SIGTERM: the first drains, the second (or ten seconds) aborts. Not here: what a drained run saves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

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
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || runtime.block_on(serve(watched, limit)))
        .context("cannot start the signal watch")?;
    Ok(stop)
}

async fn serve(stop: Stop, limit: Option<Duration>) {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) else {
        return;
    };
    let limit = async {
        match limit {
            Some(limit) => tokio::time::sleep(limit).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(limit);
    tokio::select! {
        _ = interrupt.recv() => stop.signalled.store(true, Ordering::Relaxed),
        _ = terminate.recv() => stop.signalled.store(true, Ordering::Relaxed),
        () = &mut limit => {}
    }
    stop.control.drain();
    if stop.signalled() {
        say("interrupted: waiting up to 10 s for requests in flight; once more to cancel them");
    }
    tokio::select! {
        _ = interrupt.recv() => stop.signalled.store(true, Ordering::Relaxed),
        _ = terminate.recv() => stop.signalled.store(true, Ordering::Relaxed),
        () = tokio::time::sleep(GRACE) => {}
    }
    stop.control.abort();
}
