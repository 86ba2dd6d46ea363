//! The guard of a search: it ends a round whose load is far beyond the limit. Not here: which load
//! comes next (`find`).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::clock::monotonic_ns;
use crate::load::{Control, Counters};
use crate::plan::{Pace, RoundPlan};

/// Ends a round of a search early where so many requests missed that its load cannot meet the goal,
/// or where its answers take too long.
pub(super) struct Guard {
    control: Arc<Control>,
    over: Arc<AtomicBool>,
    watcher: Option<JoinHandle<()>>,
}

const GLANCE: Duration = Duration::from_millis(100);
/// Fewer misses are chance.
const LEAST_MISSES: u64 = 50;
/// Answers of a round may take so many times its length, and so much more.
const PATIENCE: u32 = 1;
const GRACE: Duration = Duration::from_secs(20);

impl Guard {
    /// Of a round that begins now; `run` stops it as well. None in a closed loop, which has no queue
    /// that grows.
    pub(super) fn watch(
        run: &Arc<Control>,
        plan: &RoundPlan,
        counters: &Arc<Counters>,
    ) -> std::io::Result<Option<Self>> {
        if plan.pace != Pace::Open {
            return Ok(None);
        }
        let control = Arc::new(Control::default());
        let over = Arc::new(AtomicBool::new(false));
        let length = plan.requests.last().map(|r| r.offset).unwrap_or_default();
        let end_ns = u64::try_from((length * (1 + PATIENCE) + GRACE).as_nanos());
        let end_ns = monotonic_ns().saturating_add(end_ns.unwrap_or(u64::MAX));
        let most = (plan.requests.len() as u64 / 2).max(LEAST_MISSES);
        let (run, mine, done, counters) =
            (Arc::clone(run), Arc::clone(&control), Arc::clone(&over), Arc::clone(counters));
        let watcher = std::thread::Builder::new().name("find".into()).spawn(move || {
            while !done.load(Ordering::Relaxed) {
                let count = |n: &std::sync::atomic::AtomicU64| n.load(Ordering::Relaxed);
                let missed = count(&counters.done).saturating_sub(count(&counters.good));
                if run.stopping() {
                    mine.drain();
                }
                if run.aborted() || missed >= most || monotonic_ns() > end_ns {
                    mine.abort();
                }
                std::thread::sleep(GLANCE);
            }
        })?;
        Ok(Some(Self { control, over, watcher: Some(watcher) }))
    }

    pub(super) const fn control(&self) -> &Arc<Control> {
        &self.control
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(watcher) = self.watcher.take() {
            // It has nothing to say.
            let _ = watcher.join();
        }
    }
}
