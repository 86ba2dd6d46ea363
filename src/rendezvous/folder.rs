//! The meeting through files of a folder that all shards see: an ask and its answer are a file each,
//! in a folder of the run's own.
//!
//! Not here: what is answered (`meeting`).
#![expect(clippy::disallowed_methods, reason = "rim: reads and writes the folder")]

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::meeting::Meeting;
use super::{Answer, Ask, Refusal};
use crate::clock::monotonic_ns;

/// Says which run meets here now.
const NOW: &str = "rendezvous-now";
const ASK: &str = "ask-";
const ANSWER: &str = "answer-";
/// How often somebody who waits looks.
const GLANCE: Duration = Duration::from_millis(1);
/// How often shard 0 looks while nobody asks: a round runs.
const NAP: Duration = Duration::from_millis(20);
/// After an ask there are more.
const AWAKE: Duration = Duration::from_secs(1);

/// Answers as long as it lives.
pub struct Host {
    meeting: Arc<Mutex<Meeting>>,
    ended: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
    now: PathBuf,
    folder: PathBuf,
}

impl Host {
    /// Errors: the folder cannot be written.
    pub fn open(meeting: Meeting, folder: &Path) -> Result<Self, Refusal> {
        let failed = |why: std::io::Error| Refusal::Place {
            what: folder.display().to_string(),
            why: why.to_string(),
        };
        let session = meeting.session().to_owned();
        let own = folder.join(format!("rendezvous-{session}"));
        fs::create_dir_all(&own).map_err(failed)?;
        // Last, so that nobody asks where nobody listens.
        let now = folder.join(NOW);
        put(&now, session.as_bytes()).map_err(failed)?;
        let (meeting, ended) = (Arc::new(Mutex::new(meeting)), Arc::new(AtomicBool::new(false)));
        let (shared, over, at) = (Arc::clone(&meeting), Arc::clone(&ended), own.clone());
        let thread = std::thread::Builder::new()
            .name("rendezvous".into())
            .spawn(move || listen(&shared, &over, &at))
            .map_err(failed)?;
        Ok(Self { meeting, ended, thread: Some(thread), now, folder: own })
    }
}

impl Drop for Host {
    /// Stays until all shards have said that it is over, or nobody's patience lasts longer.
    fn drop(&mut self) {
        let began_ns = monotonic_ns();
        let over =
            |waited| self.meeting.lock().unwrap_or_else(PoisonError::into_inner).is_over(waited);
        while !over(Duration::from_nanos(monotonic_ns() - began_ns)) {
            std::thread::sleep(NAP);
        }
        // The last answers are read first.
        std::thread::sleep(NAP * 10);
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        let _ = fs::remove_file(&self.now);
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn listen(meeting: &Mutex<Meeting>, ended: &AtomicBool, folder: &Path) {
    let mut asked_ns = monotonic_ns();
    let mut waiting: Vec<(String, Ask)> = Vec::new();
    while !ended.load(Ordering::Relaxed) {
        for (name, ask) in new_asks(folder) {
            asked_ns = monotonic_ns();
            waiting.push((name, ask));
        }
        waiting.retain(|(name, ask)| {
            let answer = {
                let mut meeting = meeting.lock().unwrap_or_else(PoisonError::into_inner);
                meeting.answer(ask, monotonic_ns())
            };
            if matches!(answer, Answer::Wait) {
                return true;
            }
            let text = serde_json::to_vec(&answer).unwrap_or_default();
            // Who asked asks again where nothing comes.
            let _ = put(&folder.join(format!("{ANSWER}{name}")), &text);
            false
        });
        let idle = Duration::from_nanos(monotonic_ns().saturating_sub(asked_ns)) > AWAKE;
        std::thread::sleep(if idle { NAP } else { GLANCE });
    }
}

fn new_asks(folder: &Path) -> Vec<(String, Ask)> {
    let names = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    let asks = names.filter_map(|name| {
        let path = folder.join(&name);
        let short = name.strip_prefix(ASK).filter(|short| short.strip_suffix(".json").is_some())?;
        let ask = serde_json::from_slice(&fs::read(&path).ok()?).ok();
        let _ = fs::remove_file(&path);
        Some((short.to_owned(), ask?))
    });
    asks.collect()
}

/// Whole or not at all.
fn put(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let unnamed = path.with_extension("new");
    fs::write(&unnamed, bytes)?;
    fs::rename(&unnamed, path)
}

pub struct Client {
    folder: PathBuf,
    shard: u32,
    asked: Cell<u64>,
}

impl Client {
    pub fn new(folder: &Path, shard: u32) -> Self {
        Self { folder: folder.to_owned(), shard, asked: Cell::new(0) }
    }

    /// Errors: no run meets there, or nobody answers.
    pub fn ask(
        &self,
        ask: &Ask,
        patience: Duration,
        stopped: &dyn Fn() -> bool,
    ) -> Result<Answer, Refusal> {
        let away = |why: String| Refusal::Away { why };
        let session = fs::read_to_string(self.folder.join(NOW))
            .map_err(|e| away(format!("{}: {e}", self.folder.display())))?;
        let own = self.folder.join(format!("rendezvous-{session}"));
        self.asked.set(self.asked.get() + 1);
        // Another process that is the same shard must not take this one's answers.
        let name = format!("{}-{}-{}.json", self.shard, std::process::id(), self.asked.get());
        let text = serde_json::to_vec(ask).map_err(|e| away(e.to_string()))?;
        put(&own.join(format!("{ASK}{name}")), &text).map_err(|e| away(e.to_string()))?;
        let answer = own.join(format!("{ANSWER}{name}"));
        // Of an earlier run that was killed, nobody answers: a new one may have come meanwhile.
        let first = matches!(ask, Ask::Join { .. });
        let patience = if first { patience.min(AWAKE) } else { patience };
        let began_ns = monotonic_ns();
        while Duration::from_nanos(monotonic_ns().saturating_sub(began_ns)) < patience {
            if let Ok(text) = fs::read(&answer) {
                let _ = fs::remove_file(&answer);
                return serde_json::from_slice(&text).map_err(|_| Refusal::Nonsense);
            }
            if stopped() {
                return Err(Refusal::Stopped);
            }
            std::thread::sleep(GLANCE);
        }
        Err(away("nobody answers in the folder".into()))
    }
}
