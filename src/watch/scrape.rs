//! Fetches the server's metrics page. Not here: what its names mean (`evidence::server`).
//!
//! A thread of its own for each round, beside the client's: it reads the page once before the clock
//! starts, then every `every`, and once when the round is over. A page that hangs, fails or never
//! ends costs the round nothing: each wait has an end, and all are outside of the clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::clock::{monotonic_ns, thread_cpu_ns};
use crate::evidence::server::names::{self, Page};
use crate::evidence::server::window::{Reading, Watched};

/// Where the page is, and how it is asked for.
#[derive(Clone, Debug)]
pub struct Source {
    http: reqwest::Client,
    pub url: String,
    every: Duration,
    /// The page failed in a whole round: nobody waits for it any more.
    lost: Arc<AtomicBool>,
}

/// A round that is being watched. Dropping it ends the thread.
pub struct Watch {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Watched>,
    lost: Arc<AtomicBool>,
}

/// A page of a loaded server may take long; longer than this it says nothing of the second that it
/// is about. So long, once, can a page that begins to hang hold up what is before or after a round.
const PATIENCE: Duration = Duration::from_secs(1);
/// Before anything is measured, when the page is looked for.
const FIRST_PATIENCE: Duration = Duration::from_secs(2);
/// Far above any real page (vLLM's has 60 kB): what is larger would cost more than it tells.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// Failures in a row after which the page is left alone until the round is over.
const MOST_FAILURES: u32 = 3;

impl Source {
    /// `http` has the key and the headers, if the page may have them.
    pub fn new(http: reqwest::Client, url: String, every: Duration) -> Self {
        Self { http, url, every, lost: Arc::default() }
    }

    /// Whether there is a page with names that are known. Errors: why not, in words.
    pub async fn check(&self) -> Result<(), String> {
        self.fetch(FIRST_PATIENCE).await.map(drop)
    }

    /// Begins to watch; returns when the first reading is there, or failed. None where the system
    /// gives no thread.
    pub fn watch(&self) -> Option<Watch> {
        let (stop, stopped) = oneshot::channel();
        let (first, read) = mpsc::channel();
        let source = self.clone();
        let thread = std::thread::Builder::new()
            .name("metrics".into())
            .spawn(move || source.run(stopped, &first))
            .ok()?;
        if !self.lost.load(Ordering::Relaxed) {
            // An error is a thread that ended, or a page that takes its time: the round begins all
            // the same.
            let _ = read.recv_timeout(PATIENCE);
        }
        Some(Watch { stop, thread, lost: Arc::clone(&self.lost) })
    }

    fn run(&self, stopped: oneshot::Receiver<()>, first: &mpsc::Sender<()>) -> Watched {
        let mut seen = Watched::default();
        match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime.block_on(self.sample(&mut seen, stopped, first)),
            Err(e) => seen.fail(format!("no event loop for it: {e}")),
        }
        seen.cpu_ns = thread_cpu_ns();
        seen
    }

    async fn sample(
        &self,
        seen: &mut Watched,
        mut stopped: oneshot::Receiver<()>,
        first: &mpsc::Sender<()>,
    ) {
        let mut failures = 0;
        let mut ticks = interval_at(Instant::now(), self.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                biased;
                _ = &mut stopped => break,
                () = async {
                    ticks.tick().await;
                    if failures < MOST_FAILURES {
                        let fine = seen.take(self.fetch(PATIENCE).await);
                        failures = if fine { 0 } else { failures + 1 };
                    }
                } => { let _ = first.send(()); }
            }
        }
        // A page that never answered is not asked again: the next round would wait for it.
        if !seen.readings.is_empty() {
            seen.take(self.fetch(PATIENCE).await);
        }
    }

    async fn fetch(&self, patience: Duration) -> Result<Reading, String> {
        match tokio::time::timeout(patience, self.page()).await {
            Ok(page) => Ok(Reading { at_ns: monotonic_ns(), page: page? }),
            Err(_) => Err(format!("no answer within {} ms", patience.as_millis())),
        }
    }

    /// The page as it is. Errors: as [`Source::check`], but for the names on it.
    pub async fn text(&self) -> Result<String, String> {
        let patience = FIRST_PATIENCE;
        let late = |_| format!("no answer within {} ms", patience.as_millis());
        tokio::time::timeout(patience, self.fetched()).await.map_err(late)?
    }

    async fn page(&self) -> Result<Page, String> {
        let page = names::read(&self.fetched().await?);
        if page.server.is_some() { Ok(page) } else { Err("it has no names that are known".into()) }
    }

    async fn fetched(&self) -> Result<String, String> {
        let mut answer = self.http.get(&self.url).send().await.map_err(|e| innermost(&e))?;
        if !answer.status().is_success() {
            return Err(format!("it answers {}", answer.status().as_u16()));
        }
        let mut bytes = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|e| innermost(&e))? {
            if bytes.len() + piece.len() > MOST_BYTES {
                return Err(format!("it is larger than {} MiB", MOST_BYTES >> 20));
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

impl Watch {
    /// The round is over: one more reading, and everything that was seen.
    pub fn finish(self) -> Watched {
        // The thread may have ended already.
        let _ = self.stop.send(());
        let mut seen = self.thread.join().unwrap_or_default();
        if seen.readings.is_empty() {
            self.lost.store(true, Ordering::Relaxed);
            // A round shorter than the first answer takes: that it was not there in time is a fact,
            // too.
            if seen.failed == 0 {
                seen.fail("no answer before the round was over".into());
            }
        }
        seen
    }
}

/// What went wrong beneath: reqwest's own text repeats the URL.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
