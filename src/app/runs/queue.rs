//! The queue of a service: runs that were asked for, one at a time, each in a process of its own that
//! measures exactly as from the terminal. It is the same program, so that no request names one.
//!
//! A run's folder is there from the moment that it is asked for. The process holds the folder's lock
//! by its standard input, so that the run goes on, and is said to, also where the service is killed;
//! and it ends then, since the system tells it (`command::args`). Not here: what may be asked
//! (`request`), or what the process does.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use rustix::io::retry_on_intr;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;

use super::course::{Course, Level, Overall, Point};
use super::file::{Ended, Id, RunFile};
use super::keep::FILE;
use super::request::{self, KEY_VARIABLE, RunRequest, TargetKey};
use super::store::{self, Store};
use crate::app::artefacts;
use crate::app::error_text;
use crate::clock::{monotonic_ns, now};
use crate::exit::ExitStatus;
use crate::lang::{Explained as _, bilingual};
use crate::print::note;
use crate::server::start_itself;

/// Runs that wait, at most.
const MOST_WAITING: usize = 32;
/// Lines of what a run says that are kept for whoever looks.
const LINES: usize = 50;
const LONGEST_LINE: u64 = 16 << 10;
/// A run that is told to stop has drained by then; then it is told again.
const GRACE: Duration = Duration::from_secs(15);

/// Ends its run when it is told to, not when it is dropped.
pub struct Queue {
    shared: Arc<Shared>,
    store: Store,
}

struct Shared {
    board: Mutex<Board>,
    changed: Condvar,
    /// Counts changes, for those that wait without a thread.
    news: watch::Sender<u64>,
}

#[derive(Default)]
struct Board {
    waiting: VecDeque<Waiting>,
    now: Option<Going>,
    closed: bool,
}

struct Waiting {
    id: Id,
    folder: PathBuf,
    arguments: Vec<String>,
    key: Option<TargetKey>,
    lock: File,
}

struct Going {
    id: Id,
    process: Option<Pid>,
    /// Counts what it said, and the lines of it that are no progress.
    said: u64,
    line_count: u64,
    progress: Option<Value>,
    course: Course,
    lines: VecDeque<String>,
    cancelled: bool,
}

/// How far a run is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Progress {
    pub id: Id,
    /// `queued` or `running`.
    pub state: &'static str,
    /// Runs before it.
    pub before: usize,
    /// Grows with whatever the run says.
    pub sequence: u64,
    /// The last numbers of the round that runs; absent before the first.
    pub round: Option<Value>,
    /// Of the whole run; absent before its first round.
    pub overall: Option<Overall>,
    pub levels: Vec<Level>,
    /// Requests that failed so far, by kind.
    pub failures: BTreeMap<String, u64>,
    /// What it said last.
    pub lines: Vec<String>,
    /// Lines that it said in all.
    pub line_count: u64,
}

/// Why a run is not queued.
#[derive(Debug)]
pub enum Refused {
    /// The request says what cannot be.
    Wrong(String),
    /// Too many wait.
    Full,
    /// The service ends.
    Closed,
    Failed(anyhow::Error),
}

impl Queue {
    /// Errors: its thread cannot be started.
    pub fn open(store: Store) -> anyhow::Result<Self> {
        let news = watch::Sender::new(0);
        let shared = Arc::new(Shared { board: Mutex::default(), changed: Condvar::new(), news });
        let own = Arc::clone(&shared);
        // The thread lives as long as the service: a process that it has started ends with it.
        std::thread::Builder::new()
            .name("queue".into())
            .spawn(move || work(&own))
            .context("cannot start the queue's thread")?;
        Ok(Self { shared, store })
    }

    pub fn add(&self, request: &RunRequest) -> Result<Id, Refused> {
        let id = Id::draw().map_err(Refused::Failed)?;
        let data = self.store.data().display().to_string();
        let arguments = request.arguments(&id, &data).map_err(Refused::Wrong)?;
        let mut board = self.shared.board();
        if board.closed {
            return Err(Refused::Closed);
        }
        if board.waiting.len() >= MOST_WAITING {
            return Err(Refused::Full);
        }
        let file = RunFile::new(id.clone(), request.verb.name(), now(), None);
        let write = |folder: &Path| {
            store::queued(folder)?;
            let asked = request.to_json();
            artefacts::write_atomic(&folder.join(request::FILE), asked.as_bytes())?;
            artefacts::write_atomic(&folder.join(FILE), file.to_json().as_bytes())
        };
        let (folder, lock) = self.store.add(&id, &file.started, write).map_err(Refused::Failed)?;
        let key = request.key.clone();
        board.waiting.push_back(Waiting { id: id.clone(), folder, arguments, key, lock });
        self.shared.tell();
        Ok(id)
    }

    /// None of a run that neither waits nor goes on.
    pub fn progress(&self, id: &Id) -> Option<Progress> {
        self.shared.board().progress(id)
    }

    /// The numbers of a run over time, oldest first; None of one that does not go on.
    pub fn course(&self, id: &Id) -> Option<Vec<Point>> {
        let board = self.shared.board();
        let now = board.now.as_ref().filter(|now| now.id == *id)?;
        Some(now.course.points().cloned().collect())
    }

    /// A run goes on, or waits.
    pub fn is_busy(&self) -> bool {
        let board = self.shared.board();
        board.now.is_some() || !board.waiting.is_empty()
    }

    /// Changes with whatever a run says, and when one begins or ends.
    pub fn news(&self) -> watch::Receiver<u64> {
        self.shared.news.subscribe()
    }

    /// A run that waits is none any more; one that goes on drains and keeps what it has. False:
    /// there is none of this id.
    pub fn cancel(&self, id: &Id) -> bool {
        let mut board = self.shared.board();
        if let Some(at) = board.waiting.iter().position(|waiting| waiting.id == *id) {
            if let Some(waiting) = board.waiting.remove(at) {
                never_begun(&waiting, "cancelled before it began");
            }
            self.shared.tell();
            return true;
        }
        board.now.as_mut().filter(|going| going.id == *id).is_some_and(|going| {
            going.cancelled = true;
            going.signal();
            true
        })
    }

    /// The service ends: what waits is none any more, and what goes on drains. Returns when it has.
    pub fn close(&self) {
        let mut board = self.shared.board();
        board.closed = true;
        for waiting in std::mem::take(&mut board.waiting) {
            never_begun(&waiting, "the service ended before it began");
        }
        self.shared.tell();
        while let Some(going) = &mut board.now {
            going.cancelled = true;
            going.signal();
            let ended = self.shared.changed.wait_timeout_while(board, GRACE, |b| b.now.is_some());
            board = ended.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Shared {
    /// What a thread that died has left is as good as before: each change is one step.
    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self) {
        self.changed.notify_all();
        self.news.send_modify(|count| *count += 1);
    }

    fn hear(&self, line: &str) {
        let mut board = self.board();
        let Some(going) = &mut board.now else { return };
        going.said += 1;
        match serde_json::from_str::<Value>(line) {
            Ok(progress) if progress["event"] == "progress" => {
                going.course.hear(&progress, monotonic_ns());
                going.progress = Some(progress);
            }
            _ => {
                going.line_count += 1;
                going.lines.push_back(line.to_owned());
                if going.lines.len() > LINES {
                    going.lines.pop_front();
                }
            }
        }
        drop(board);
        self.tell();
    }
}

impl Board {
    fn progress(&self, id: &Id) -> Option<Progress> {
        let going = usize::from(self.now.is_some());
        if let Some(now) = self.now.as_ref().filter(|now| now.id == *id) {
            return Some(Progress {
                id: id.clone(),
                state: "running",
                before: 0,
                sequence: now.said,
                round: now.progress.clone(),
                overall: now.course.overall(),
                levels: now.course.levels().to_vec(),
                failures: now.course.failures().clone(),
                lines: now.lines.iter().cloned().collect(),
                line_count: now.line_count,
            });
        }
        let at = self.waiting.iter().position(|waiting| waiting.id == *id)?;
        Some(Progress {
            id: id.clone(),
            state: "queued",
            before: at + going,
            sequence: 0,
            round: None,
            overall: None,
            levels: Vec::new(),
            failures: BTreeMap::new(),
            lines: Vec::new(),
            line_count: 0,
        })
    }
}

impl Going {
    /// As Ctrl-C does: the first drains, the next one ends at once.
    fn signal(&self) {
        if let Some(process) = self.process {
            let _ = kill_process(process, Signal::TERM);
        }
    }
}

/// Until the service ends.
fn work(shared: &Shared) {
    loop {
        let waiting = {
            let idle = |board: &mut Board| board.waiting.is_empty() && !board.closed;
            let board = shared.changed.wait_while(shared.board(), idle);
            let mut board = board.unwrap_or_else(PoisonError::into_inner);
            let Some(waiting) = board.waiting.pop_front() else { return };
            board.now = Some(Going {
                id: waiting.id.clone(),
                process: None,
                said: 0,
                line_count: 0,
                progress: None,
                course: Course::default(),
                lines: VecDeque::new(),
                cancelled: false,
            });
            waiting
        };
        if let Err(e) = measure(shared, &waiting) {
            note(&error_text::text(&e));
            never_begun(&waiting, &error_text::text(&e).en);
        }
        drop(waiting);
        shared.board().now = None;
        shared.tell();
    }
}

/// Errors: it cannot be started.
fn measure(shared: &Shared, waiting: &Waiting) -> anyhow::Result<()> {
    let mut child = started(waiting)?;
    store::begun(&waiting.folder);
    let cancelled = {
        let mut board = shared.board();
        board.now.as_mut().is_some_and(|now| {
            now.process = Pid::from_raw(i32::try_from(child.id()).unwrap_or_default());
            now.cancelled
        })
    };
    if cancelled {
        shared.board().now.as_ref().into_iter().for_each(Going::signal);
    }
    if let Some(said) = child.stderr.take() {
        let mut said = BufReader::new(said);
        let mut line = Vec::new();
        while matches!((&mut said).take(LONGEST_LINE).read_until(b'\n', &mut line), Ok(1..)) {
            shared.hear(String::from_utf8_lossy(&line).trim_end());
            line.clear();
        }
    }
    // Not reaped yet, so that a signal meanwhile reaches nobody else of its number.
    if let Some(process) = Pid::from_raw(i32::try_from(child.id()).unwrap_or_default()) {
        let over = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        let _ = retry_on_intr(|| waitid(WaitId::Pid(process), over));
    }
    let (lines, cancelled) = {
        let mut board = shared.board();
        let Some(now) = &mut board.now else { return Ok(()) };
        now.process = None;
        (now.lines.iter().cloned().collect::<Vec<_>>().join("\n"), now.cancelled)
    };
    let status = child.wait().context("cannot wait for the run")?;
    // One that was cancelled before it listened to signals ended by them. Any other that a signal
    // has ended says nothing more: it was cut off.
    let interrupted = || cancelled.then_some(i32::from(ExitStatus::Interrupted.code()));
    if let Some(code) = status.code().or_else(interrupted) {
        ended(&waiting.folder, u8::try_from(code).unwrap_or(u8::MAX), &lines);
    }
    Ok(())
}

fn started(waiting: &Waiting) -> anyhow::Result<Child> {
    let lock = waiting.lock.try_clone().context("cannot hand the run's lock over")?;
    let key: Vec<_> = waiting.key.iter().map(|key| (KEY_VARIABLE, key.reveal())).collect();
    // The service's own key is none of its business, nor that of the servers that it starts.
    start_itself(&waiting.arguments, lock, &["API_KEY"], &key).explained(|| {
        bilingual!("cannot start the run's process", "실행 프로세스를 시작할 수 없음")
    })
}

/// What it left out to say.
fn ended(folder: &Path, exit_code: u8, said: &str) {
    let path = folder.join(FILE);
    let file = artefacts::read(&path).ok().and_then(|text| RunFile::parse(&text).ok());
    let Some(file) = file.filter(|file| file.ended.is_none()) else { return };
    let files = BTreeMap::new();
    let error = Some(said.to_owned()).filter(|said| !said.is_empty());
    let file = RunFile { ended: Some(Ended { at: now(), exit_code, error, files }), ..file };
    match artefacts::write_atomic(&path, file.to_json().as_bytes()) {
        Ok(()) => store::ended(folder),
        Err(e) => note(&error_text::text(&e)),
    }
}

fn never_begun(waiting: &Waiting, why: &str) {
    store::begun(&waiting.folder);
    ended(&waiting.folder, ExitStatus::Interrupted.code(), why);
}
