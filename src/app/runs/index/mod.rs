//! The index of a data directory: what `found` reads of every run, in `SQLite`, so that ten thousand
//! runs are listed at once. It holds nothing that the folders do not say, and is made anew from them.
//!
//! One thread writes; whoever asks reads beside it (WAL). `database` opens the file, `rows` has its
//! statements. Not here: a run in full, which is read from its folder.
#![expect(clippy::disallowed_methods, reason = "rim: looks when folders were changed")]

use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use rusqlite::Connection;

use super::found::{self, Run};
use super::select::Filter;
use super::store::{Place, Store};
use crate::app::error_text;
use crate::lang::{Explained as _, bilingual};
use crate::print::note;

mod database;
mod rows;

/// Runs of other processes are seen this soon.
const GLANCE: Duration = Duration::from_secs(1);
/// A folder that was changed so lately may change again without another time of its own.
const SETTLED: Duration = Duration::from_secs(2);

/// Ends with its last handle.
pub struct Index {
    reader: Mutex<Connection>,
    /// Of the thread that writes. None once it is to end.
    writer: Option<Sender<SyncSender<()>>>,
    thread: Option<JoinHandle<()>>,
}

/// A part of the runs, newest first, and how many there are in all.
#[derive(Debug)]
pub struct Page {
    pub runs: Vec<Run>,
    pub total: u64,
}

/// What the runs differ in, each in order and once.
#[derive(Debug, Default)]
pub struct Choices {
    pub workloads: Vec<String>,
    pub models: Vec<String>,
    pub servers: Vec<String>,
    pub branches: Vec<String>,
}

/// What the writer knows of the folder of all runs.
struct Seen {
    /// When a folder in it was last added or taken away.
    changed: Option<SystemTime>,
}

impl Index {
    /// In line with the folders when it returns. `anew`: nothing of what it holds is believed.
    ///
    /// Errors: the file is of a newer version or of another program, or cannot be written.
    pub fn open(path: &Path, store: Store, anew: bool) -> anyhow::Result<Self> {
        let name = path.display();
        let unusable = || bilingual!("cannot use the index {name}", "색인 {name}을 쓸 수 없음");
        let mut writer = database::open(path, anew)?;
        let seen = sync(&mut writer, &store).explained(unusable)?;
        let reader = database::reader(path).explained(unusable)?;
        let (send, receive) = channel();
        let thread = std::thread::Builder::new()
            .name("index".into())
            .spawn(move || write(writer, &store, seen, &receive))
            .context("cannot start the index's thread")?;
        Ok(Self { reader: Mutex::new(reader), writer: Some(send), thread: Some(thread) })
    }

    /// Waits until the index is in line with the folders.
    pub fn refresh(&self) {
        let (done, finished) = sync_channel(1);
        if self.writer.as_ref().is_some_and(|writer| writer.send(done).is_ok()) {
            let _ = finished.recv();
        }
    }

    /// Errors: the index cannot be read.
    pub fn page(&self, filter: &Filter, limit: u32, offset: u32) -> anyhow::Result<Page> {
        self.read(|reader| rows::page(reader, filter, limit, offset))
    }

    /// The newest before this one that has measured this workload. Errors: as [`Self::page`].
    pub fn previous(&self, before: &Run, workload: &str) -> anyhow::Result<Option<Run>> {
        self.read(|reader| rows::previous(reader, before, workload))
    }

    /// Whether any run goes on or waits. Errors: as [`Self::page`].
    pub fn goes_on(&self) -> anyhow::Result<bool> {
        self.read(rows::any_goes_on)
    }

    /// Errors: as [`Self::page`].
    pub fn choices(&self) -> anyhow::Result<Choices> {
        self.read(rows::choices)
    }

    fn read<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> anyhow::Result<T> {
        let reader = self.reader.lock().map_err(|_| anyhow::anyhow!("the index is in disorder"))?;
        query(&reader).explained(|| {
            bilingual!(
                "cannot read the index of the runs\nhint: start the service again: it makes a damaged index anew",
                "실행 색인을 읽을 수 없음\n힌트: 서비스를 다시 시작하면 손상된 색인을 새로 만듭니다"
            )
        })
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        self.writer = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Until nobody asks any more.
fn write(mut writer: Connection, store: &Store, mut seen: Seen, asked: &Receiver<SyncSender<()>>) {
    let mut told = String::new();
    loop {
        let waiting = match asked.recv_timeout(GLANCE) {
            Ok(waiting) => Some(waiting),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                // The file by itself is whole then.
                let whole = writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
                return drop(whole);
            }
        };
        let whole = waiting.is_some() || changed(store) != seen.changed;
        let written =
            if whole { sync(&mut writer, store) } else { unsettled(&mut writer).map(|()| seen) };
        seen = written.unwrap_or_else(|e| {
            let text = error_text::text(&e);
            if text.en != told {
                note(&bilingual!("the index is behind: ", "색인이 뒤처짐: ").then(&text));
                told = text.en;
            }
            Seen { changed: None }
        });
        drop(waiting);
    }
}

fn changed(store: &Store) -> Option<SystemTime> {
    store.runs().metadata().and_then(|facts| facts.modified()).ok()
}

/// Every folder that is not as the index has it.
fn sync(writer: &mut Connection, store: &Store) -> anyhow::Result<Seen> {
    let seen = Seen { changed: changed(store) };
    let mut kept = rows::stamps(writer)?;
    let transaction = writer.transaction()?;
    for place in store.places()? {
        let known = kept.remove(place.id.as_str());
        let stamp = stamp(&place);
        if known.is_some_and(|k| !k.goes_on && k.stamp.is_some() && k.stamp == stamp) {
            continue;
        }
        put(&transaction, &place, stamp)?;
    }
    kept.keys().try_for_each(|gone| rows::remove(&transaction, gone))?;
    transaction.commit()?;
    Ok(seen)
}

/// The runs that went on when they were last looked at, and those that may have changed since and
/// now no longer can without a sign of it.
fn unsettled(writer: &mut Connection) -> anyhow::Result<()> {
    let mut places = Vec::new();
    for (place, goes_on) in rows::unsettled(writer)? {
        let stamp = stamp(&place);
        if goes_on || stamp.is_some() {
            places.push((place, stamp));
        }
    }
    if places.is_empty() {
        return Ok(());
    }
    let transaction = writer.transaction()?;
    places.iter().try_for_each(|(place, stamp)| put(&transaction, place, *stamp))?;
    Ok(transaction.commit()?)
}

fn put(writer: &Connection, place: &Place, stamp: Option<i64>) -> anyhow::Result<()> {
    match found::run(place) {
        Some(run) => Ok(rows::put(writer, &run, &place.stamp, stamp)?),
        None => Ok(rows::remove(writer, place.id.as_str())?),
    }
}

/// Another number where a folder or a file that a run is told by is another: by when they last
/// changed, and their sizes. None while that is so lately that it may happen again at the same time.
fn stamp(place: &Place) -> Option<i64> {
    let told = found::TOLD_BY.map(|name| place.file(name));
    let mut all: u64 = 0;
    for path in std::iter::once(&place.folder).chain(&told) {
        let Ok(facts) = path.metadata() else { continue };
        let at = facts.modified().ok()?;
        SystemTime::now().duration_since(at).ok().filter(|age| *age > SETTLED)?;
        let since = at.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        for part in [since.as_secs(), since.subsec_nanos().into(), facts.len()] {
            // As FNV mixes.
            all = (all ^ part).wrapping_mul(0x0100_0000_01b3);
        }
    }
    Some(i64::from_ne_bytes(all.to_ne_bytes()))
}

#[cfg(test)]
mod tests;
