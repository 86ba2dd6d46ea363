//! A data directory: where the folder of each run lies, and whether a run goes on.
//!
//! A run's folder is `runs/2026-11-30T125031Z-UUID`: a date that people read and an id that nobody
//! chose. Its process holds a lock on `.running` in it for as long as it lives, so that a run that
//! was cut off is told from one that goes on. Not here: what is in a folder (`found`).
#![expect(clippy::disallowed_methods, reason = "rim: folders and lock files")]

use std::ffi::OsStr;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use super::file::Id;
use crate::app::artefacts;
use crate::exit::Failure;
use crate::lang::{Explained as _, bilingual};

/// Below the data directory.
const RUNS: &str = "runs";
/// Locked by the process of the run.
const RUNNING: &str = ".running";
/// What a folder is called until it is whole, and once it is to be removed.
/// There until the process of a run begins.
const QUEUED: &str = ".queued";
/// Locked by the service of the data directory.
const SERVING: &str = ".serving";
const NEW: &str = ".new-";
const REMOVED: &str = ".removed-";

/// A data directory.
#[derive(Clone, Debug)]
pub struct Store {
    data: PathBuf,
}

/// The folder of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub id: Id,
    /// When it began, as the folder's name says it: `2026-11-30T125031Z`.
    pub stamp: String,
    pub folder: PathBuf,
}

/// Whether the process of a run lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alive {
    Yes,
    No,
}

impl Store {
    pub fn new(data: &Path) -> Self {
        Self { data: data.to_owned() }
    }

    pub fn data(&self) -> &Path {
        &self.data
    }

    pub fn runs(&self) -> PathBuf {
        self.data.join(RUNS)
    }

    /// Every folder of a run, newest first. Errors: the data directory is there and cannot be read.
    pub fn places(&self) -> anyhow::Result<Vec<Place>> {
        let mut places = self.folders(|_| true)?;
        places.sort_by(|a, b| (&b.stamp, &b.id).cmp(&(&a.stamp, &a.id)));
        Ok(places)
    }

    /// In no order; only those whose name may be wanted are looked at.
    fn folders(&self, wanted: impl Fn(&OsStr) -> bool) -> anyhow::Result<Vec<Place>> {
        let folder = self.runs();
        let entries = match std::fs::read_dir(&folder) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.explained(|| artefacts::unreadable(&folder))?,
        };
        let mut places = Vec::new();
        for entry in entries {
            let entry = entry.explained(|| artefacts::unreadable(&folder))?;
            if wanted(&entry.file_name()) && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                places.extend(Place::parse(entry.path()));
            }
        }
        Ok(places)
    }

    /// The folder of a run. Errors: as [`Self::places`].
    pub fn place(&self, id: &Id) -> anyhow::Result<Option<Place>> {
        let is_its = |name: &OsStr| name.to_str().is_some_and(|n| n.ends_with(id.as_str()));
        Ok(self.folders(is_its)?.into_iter().find(|place| place.id == *id))
    }

    /// The folder of a new run, which `fill` makes whole before anybody sees it; and the lock that
    /// says that it goes on. `started`: RFC 3339.
    pub fn add(
        &self,
        id: &Id,
        started: &str,
        fill: impl FnOnce(&Path) -> anyhow::Result<()>,
    ) -> anyhow::Result<(PathBuf, File)> {
        artefacts::folder(&self.data)?;
        let runs = self.runs();
        let draft = runs.join(format!("{NEW}{id}"));
        std::fs::create_dir_all(&draft).explained(|| artefacts::uncreatable(&draft))?;
        let path = draft.join(RUNNING);
        let running = OpenOptions::new().create(true).append(true).open(&path);
        let running = running.explained(|| artefacts::unwritable(&path))?;
        // Where the file system knows no locks, the run is taken for one that was cut off until it
        // has ended.
        let _ = running.try_lock();
        fill(&draft)?;
        let folder = runs.join(format!("{}-{id}", started.replace(':', "")));
        std::fs::rename(&draft, &folder).explained(|| artefacts::uncreatable(&folder))?;
        Ok((folder, running))
    }

    /// For as long as this is held no other service has this data directory. Errors: exit 3, one
    /// has it.
    pub fn serve(&self) -> anyhow::Result<File> {
        artefacts::folder(&self.data)?;
        let path = self.data.join(SERVING);
        let serving = OpenOptions::new().create(true).append(true).open(&path);
        let serving = serving.explained(|| artefacts::unwritable(&path))?;
        match serving.try_lock() {
            Err(TryLockError::WouldBlock) => {
                let data = self.data.display();
                Err(Failure::measure(bilingual!(
                    "another service has the data directory {data}\nhint: stop it, or name another directory with --data",
                    "다른 서비스가 데이터 디렉터리 {data}를 쓰는 중\n힌트: 그 서비스를 멈추거나 --data로 다른 디렉터리를 지정하십시오"
                ))
                .into())
            }
            // Where the file system knows no locks nobody can tell.
            _ => Ok(serving),
        }
    }

    /// Removes what processes that were killed have left half made, or half removed.
    pub fn tidy(&self) {
        let Ok(entries) = std::fs::read_dir(self.runs()) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let unfinished = name.starts_with(NEW) && alive(&entry.path()) == Alive::No;
            if name.starts_with(REMOVED) || unfinished {
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
    }

    /// Takes a folder away, and then what is in it: nobody sees half a run. False: it is gone
    /// already.
    pub fn remove(&self, place: &Place) -> anyhow::Result<bool> {
        let away = self.runs().join(format!("{REMOVED}{}", place.id));
        match std::fs::rename(&place.folder, &away) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            done => done.explained(|| artefacts::unremovable(&place.folder))?,
        }
        std::fs::remove_dir_all(&away).explained(|| artefacts::unremovable(&away))?;
        Ok(true)
    }
}

impl Place {
    /// None of a folder with another name.
    fn parse(folder: PathBuf) -> Option<Self> {
        let name = folder.file_name()?.to_str()?;
        let at = name.len().checked_sub(Id::LENGTH).filter(|at| name.is_char_boundary(*at))?;
        let (stamp, id) = (name[..at].strip_suffix('-')?.to_owned(), Id::parse(&name[at..])?);
        let dated = stamp.starts_with(|c: char| c.is_ascii_digit());
        dated.then_some(Self { id, stamp, folder })
    }

    /// Whether its process lives.
    pub fn alive(&self) -> Alive {
        alive(&self.folder)
    }

    /// It waits for its process.
    pub fn is_queued(&self) -> bool {
        self.file(QUEUED).exists()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// The process that fills a folder.
fn alive(folder: &Path) -> Alive {
    let held = File::open(folder.join(RUNNING))
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)));
    if held { Alive::Yes } else { Alive::No }
}

/// The run waits for its process.
pub fn queued(folder: &Path) -> anyhow::Result<()> {
    artefacts::write_atomic(&folder.join(QUEUED), b"")
}

/// Its process begins, or never will.
pub fn begun(folder: &Path) {
    let _ = std::fs::remove_file(folder.join(QUEUED));
}

/// The run has ended: its folder says so by itself.
pub fn ended(folder: &Path) {
    let _ = std::fs::remove_file(folder.join(RUNNING));
}
