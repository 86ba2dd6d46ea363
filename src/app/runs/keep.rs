//! Keeps a run that a verb makes: its folder is made when the job begins, gets what the run writes
//! after every round, and says in the end how it ended.
//!
//! The run itself writes where it always does (`--out`); files are linked into the folder, or copied
//! where that is another disk. Trouble with it is told, and changes no verdict: the files of the run
//! lie in its output folder all the same. Not here: where folders lie (`store`).
#![expect(clippy::disallowed_methods, reason = "rim: reads and links files")]

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use super::file::{Ended, Id, RunFile};
use super::store::{self, Store};
use crate::app::artefacts;
use crate::app::error_text;
use crate::clock::now;
use crate::exit::ExitStatus;
use crate::lang::{Explained as _, bilingual};
use crate::print::note;
use crate::temporary;

pub const FILE: &str = "run.json";

/// What a verb keeps of its run; nothing where there is no data directory.
pub struct Keeper {
    store: Option<Store>,
    verb: &'static str,
    out: PathBuf,
    /// The run that a service has made, and holds the lock of.
    service: Option<Id>,
    run: OnceLock<Arc<KeptRun>>,
}

/// A run that goes on.
pub struct KeptRun {
    folder: PathBuf,
    out: PathBuf,
    file: RunFile,
    /// What lay in the output folder before.
    before: BTreeMap<PathBuf, Stamp>,
    told: AtomicBool,
    /// None where a service has given it to this process.
    _running: Option<File>,
}

/// Tells one state of a file from another.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    node: u64,
    bytes: u64,
    written: (i64, i64),
}

impl Keeper {
    pub fn new(data: Option<&Path>, verb: &'static str, out: &Path, service: Option<Id>) -> Self {
        let store = data.filter(|data| !data.as_os_str().is_empty()).map(Store::new);
        Self { store, verb, out: out.to_owned(), service, run: OnceLock::new() }
    }

    /// The job has its output folder: from now on there is a run. Errors: its folder cannot be made.
    pub fn begin(&self, branch: Option<String>) -> anyhow::Result<Option<Arc<KeptRun>>> {
        let Some(store) = &self.store else { return Ok(None) };
        store.tidy();
        let id = self.service.clone().map_or_else(Id::draw, Ok)?;
        let file = RunFile::new(id, self.verb, now(), branch);
        let write =
            |folder: &Path| artefacts::write_atomic(&folder.join(FILE), file.to_json().as_bytes());
        let made = match &self.service {
            Some(id) => given(store, id).and_then(|folder| write(&folder).map(|()| (folder, None))),
            None => store
                .add(&file.id, &file.started, write)
                .map(|(folder, running)| (folder, Some(running))),
        };
        let (folder, running) = made.explained(|| {
            let data = store.data().display();
            bilingual!("cannot keep this run in {data}", "{data}에 이 실행을 보관할 수 없음")
        })?;
        let before = stamps(&self.out);
        let (out, told) = (self.out.clone(), AtomicBool::new(false));
        let run = KeptRun { folder, out, file, before, told, _running: running };
        Ok(Some(Arc::clone(self.run.get_or_init(|| Arc::new(run)))))
    }

    /// The verb is over. Where no run has begun there is nothing to end.
    pub fn end(&self, ended: &anyhow::Result<ExitStatus>) {
        let Some(run) = self.run.get() else { return };
        run.take();
        let (exit, error) = match ended {
            Ok(exit) => (*exit, None),
            Err(e) => (ExitStatus::from_error(e), Some(error_text::text(e).en)),
        };
        let files = stamps(&run.folder)
            .into_iter()
            .map(|(path, stamp)| (path.display().to_string(), stamp.bytes))
            .collect();
        let ended = Ended { at: now(), exit_code: exit.code(), error, files };
        let file = RunFile { ended: Some(ended), ..run.file.clone() };
        match artefacts::write_atomic(&run.folder.join(FILE), file.to_json().as_bytes()) {
            Ok(()) => store::ended(&run.folder),
            Err(e) => run.tell(&e),
        }
    }
}

impl KeptRun {
    /// Takes what the run has written until now.
    pub fn take(&self) {
        for (path, stamp) in stamps(&self.out) {
            if self.before.get(&path) != Some(&stamp)
                && let Err(e) = put(&self.out.join(&path), &self.folder.join(&path))
            {
                self.tell(&e.into());
            }
        }
    }

    fn tell(&self, error: &anyhow::Error) {
        if !self.told.swap(true, Ordering::Relaxed) {
            let folder = self.folder.display();
            let lost = bilingual!(
                "this run is not kept whole in {folder}: ",
                "{folder}에 이 실행을 온전히 보관하지 못함: "
            );
            note(&lost.then(&error_text::text(error)));
        }
    }
}

/// The folder that a service has made. Errors: there is none.
fn given(store: &Store, id: &Id) -> anyhow::Result<PathBuf> {
    store
        .place(id)?
        .map(|place| place.folder)
        .ok_or_else(|| anyhow::anyhow!(bilingual!("there is no run {id}", "실행 {id} 없음")))
}

/// Of what runs leave in a folder, by its path there.
fn stamps(folder: &Path) -> BTreeMap<PathBuf, Stamp> {
    let files = artefacts::files_of_runs(folder);
    files.into_iter().filter_map(|path| Some((path.clone(), stamp(&folder.join(path))?))).collect()
}

fn stamp(path: &Path) -> Option<Stamp> {
    let facts: Metadata = path.metadata().ok().filter(Metadata::is_file)?;
    Some(Stamp {
        device: facts.dev(),
        node: facts.ino(),
        bytes: facts.len(),
        written: (facts.mtime(), facts.mtime_nsec()),
    })
}

/// The same file in both places, or a copy; whoever reads it sees the old one or the new one.
pub fn put(from: &Path, to: &Path) -> io::Result<()> {
    let folder = to.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let from = from.canonicalize()?;
    let same = |a: Stamp, b: Stamp| (a.device, a.node) == (b.device, b.node);
    if stamp(&from).zip(stamp(to)).is_some_and(|(a, b)| same(a, b)) {
        return Ok(());
    }
    // A link takes a name that nothing has.
    let name = temporary::create(folder, 0o644)?.into_temp_path();
    let linked = std::fs::remove_file(&name).and_then(|()| std::fs::hard_link(&from, &name));
    if linked.is_err() {
        io::copy(&mut File::open(&from)?, &mut File::create(&name)?)?;
    }
    name.persist(to).map_err(|e| e.error)
}
