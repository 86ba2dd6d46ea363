//! One gate at a time for each thing that two gates would spoil for each other: an output folder, a
//! server's address, a GPU, the machine.
//!
//! Every gate that lives has a file in one folder of this machine, says in it what it claims, and
//! holds a lock (`flock`) on it. Files are numbered in the order in which gates came; a gate waits
//! for those before it whose claims conflict with its own, so that nobody waits in a circle and
//! nobody is overtaken. A dead process holds no lock, so that its file counts for nothing at once.
//!
//! The folder is shared by all users: it has the rights of `/tmp`, and files are opened relative to
//! it and never through a link. What a stranger can do is to hold a lock, which every shared lock
//! allows; what he writes is shown as text and else not believed.
//!
//! Not here: what a gate claims (`app::job`).
#![expect(clippy::disallowed_methods, reason = "rim: lock files, random names and the environment")]

use std::fs::{File, TryLockError};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{AtFlags, Dir, Mode, OFlags, openat, renameat, unlinkat};
use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// What a gate wants for itself. Two claims conflict where `what` is the same, and `key` is, too,
/// or one of them is [`ALL`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// For people: `address`, `GPU`, `output folder`, `machine`.
    pub what: String,
    pub key: String,
}

/// A key that conflicts with every other of its kind.
pub const ALL: &str = "*";
/// The claim of every gate that sends load. One with `--exclusive` claims [`ALL`] of it; the others
/// claim [`SHARED`], which conflicts with that and not with itself.
pub const MACHINE: &str = "machine";
pub const SHARED: &str = "shared";

/// A gate that lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// Of its process, and drawn: a process id is another's in another container.
    pub id: u64,
    pub pid: u32,
    /// `check`, `run`...
    pub verb: String,
    /// Its output folder.
    pub folder: String,
    /// RFC 3339, UTC.
    pub since: String,
    pub claims: Vec<Claim>,
    /// Its place in the order.
    #[serde(default)]
    ticket: u64,
}

/// Whether a gate waits for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    Wait,
    None,
}

/// What came of it.
pub enum LockOutcome {
    Held(Held),
    /// Another gate is in the way, and there is no patience.
    Busy(Gate, Claim),
    /// Told to stop while it waited.
    Stopped,
}

/// Freed when dropped, and by the end of the process.
pub struct Held {
    folder: Folder,
    name: String,
    id: u64,
    _lock: File,
}

#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error(
        "gates on this machine cannot see each other: {what} {path}: {why}\nhint: name a folder that every gate on this machine can write in {FOLDER_VARIABLE}"
    )]
    Folder { what: &'static str, path: PathBuf, why: String },
}

/// Names the folder, where the usual one cannot be used: in containers one that they share.
const FOLDER_VARIABLE: &str = "GOODPUT_GATE_LOCK_DIR";
const FOLDER: &str = "goodput-gate-locks";
/// Held for the moment in which a gate gets its place.
const DOOR: &str = "door";
const PREFIX: &str = "gate-";
/// Until it has its name, nobody looks at it.
const UNNAMED: &str = "new-";
/// As `/tmp` has them: everybody may add files, and nobody removes another's.
const SHARED_FOLDER: u32 = 0o1777;
const LOOK_AGAIN: Duration = Duration::from_millis(100);
const LARGEST: u64 = 64 << 10;
/// Of a stranger's text this much is shown.
const LONGEST_WORD: usize = 200;

/// Holds what `wanted` claims, once no gate before it is in the way. `waiting` is told who is, once
/// for each; `stopped` ends the waiting. Errors: there is no folder for locks, or it cannot be
/// trusted.
pub fn hold(
    wanted: Gate,
    patience: Patience,
    waiting: &mut dyn FnMut(&Gate, &Claim),
    stopped: &dyn Fn() -> bool,
) -> Result<LockOutcome, LockError> {
    let folder = Folder::open()?;
    let id = wanted.id;
    let Some(door) = folder.door(stopped)? else { return Ok(LockOutcome::Stopped) };
    let all = folder.living(Dead::Remove)?;
    if let (Patience::None, Some((gate, claim))) = (patience, in_the_way(&wanted, &all)) {
        return Ok(LockOutcome::Busy(gate, claim));
    }
    let ticket = all.iter().map(|g| g.ticket).max().unwrap_or(0).saturating_add(1);
    let wanted = Gate { ticket, ..wanted };
    let held = folder.register(&wanted)?;
    drop(door);
    let mut told: Vec<Gate> = Vec::new();
    loop {
        if stopped() {
            return Ok(LockOutcome::Stopped);
        }
        let before: Vec<Gate> = held
            .folder
            .living(Dead::Leave)?
            .into_iter()
            .filter(|g| g.id != id && g.ticket < ticket)
            .collect();
        let Some((gate, claim)) = in_the_way(&wanted, &before) else {
            return Ok(LockOutcome::Held(held));
        };
        if !told.contains(&gate) {
            waiting(&gate, &claim);
            told.push(gate);
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

impl Held {
    /// Other gates of this machine that send load now; none where they cannot be looked for. Who
    /// waits sends nothing.
    pub fn others(&self) -> Vec<Gate> {
        let all = self.folder.living(Dead::Leave).unwrap_or_default();
        let waits = |gate: &Gate| {
            let before: Vec<Gate> =
                all.iter().filter(|g| g.ticket < gate.ticket).cloned().collect();
            in_the_way(gate, &before).is_some()
        };
        let sends = |gate: &Gate| {
            gate.id != self.id && gate.claims.iter().any(|c| c.what == MACHINE) && !waits(gate)
        };
        all.iter().filter(|gate| sends(gate)).cloned().collect()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = unlinkat(&self.folder.file, &self.name, AtFlags::empty());
    }
}

/// The first gate whose claims conflict, and which.
fn in_the_way(wanted: &Gate, others: &[Gate]) -> Option<(Gate, Claim)> {
    let mut others: Vec<&Gate> = others.iter().filter(|g| g.id != wanted.id).collect();
    others.sort_by_key(|g| g.ticket);
    others.into_iter().find_map(|g| {
        Some((
            g.clone(),
            wanted.claims.iter().find(|c| g.claims.iter().any(|o| c.conflicts(o)))?.clone(),
        ))
    })
}

impl Claim {
    pub fn new(what: &str, key: impl Into<String>) -> Self {
        Self { what: what.to_owned(), key: key.into() }
    }

    fn conflicts(&self, other: &Self) -> bool {
        let alike = self.key == other.key && !(self.what == MACHINE && self.key == SHARED);
        self.what == other.what && (alike || self.key == ALL || other.key == ALL)
    }
}

/// The folder of this machine's gates, open, so that nobody can put another in its place.
struct Folder {
    file: File,
    path: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Dead {
    Remove,
    Leave,
}

impl Folder {
    fn open() -> Result<Self, LockError> {
        if let Some(named) = std::env::var_os(FOLDER_VARIABLE).filter(|v| !v.is_empty()) {
            return Self::at(PathBuf::from(named));
        }
        // Not TMPDIR: each user, and each job of some runners, has its own.
        let shared = Self::at(Path::new("/tmp").join(FOLDER));
        let own = std::env::var_os("XDG_RUNTIME_DIR").filter(|v| !v.is_empty());
        match (shared, own) {
            (Err(_), Some(own)) if !Path::new("/tmp").is_dir() => {
                Self::at(PathBuf::from(own).join(FOLDER))
            }
            (shared, _) => shared,
        }
    }

    fn at(path: PathBuf) -> Result<Self, LockError> {
        use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
        let failed = |what, why: String| LockError::Folder { what, path: path.clone(), why };
        match std::fs::DirBuilder::new().mode(SHARED_FOLDER).create(&path) {
            // The process's mask takes rights away.
            Ok(()) => {
                std::fs::set_permissions(&path, std::fs::Permissions::from_mode(SHARED_FOLDER))
                    .map_err(|e| failed("cannot share", e.to_string()))?;
            }
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(failed("cannot create", e.to_string())),
        }
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW;
        let flags = i32::try_from(flags.bits()).unwrap_or_default();
        let file = File::options().read(true).custom_flags(flags).open(&path);
        let file = file.map_err(|e| failed("cannot open", e.to_string()))?;
        let facts = file.metadata().map_err(|e| failed("cannot open", e.to_string()))?;
        let own = facts.uid() == rustix::process::geteuid().as_raw() || facts.uid() == 0;
        if !own && facts.mode() & SHARED_FOLDER != SHARED_FOLDER {
            return Err(failed(
                "cannot trust",
                "it belongs to another user, and is not open to all as /tmp is".into(),
            ));
        }
        Ok(Self { file, path })
    }

    fn failed(&self, what: &'static str, e: impl Into<std::io::Error>) -> LockError {
        LockError::Folder { what, path: self.path.clone(), why: e.into().to_string() }
    }

    /// Held until the file is dropped; `None` where told to stop.
    fn door(&self, stopped: &dyn Fn() -> bool) -> Result<Option<File>, LockError> {
        let made = Mode::from_raw_mode(0o644);
        // Not made where it is: in a folder like this, systems refuse to make a file that another
        // user has.
        let door = openat(&self.file, DOOR, flags(OFlags::RDONLY), Mode::empty()).or_else(|_| {
            openat(&self.file, DOOR, flags(OFlags::RDWR | OFlags::CREATE | OFlags::EXCL), made)
                .or_else(|_| openat(&self.file, DOOR, flags(OFlags::RDONLY), Mode::empty()))
        });
        let door = File::from(door.map_err(|e| self.failed("cannot open the door of", e))?);
        loop {
            match door.try_lock() {
                Ok(()) => return Ok(Some(door)),
                Err(TryLockError::WouldBlock) if stopped() => return Ok(None),
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOOK_AGAIN / 10),
                Err(TryLockError::Error(e)) => return Err(self.failed("cannot lock in", e)),
            }
        }
    }

    /// Under the door's lock. Its name comes last, so that no file of this name is ever without its
    /// lock.
    fn register(self, gate: &Gate) -> Result<Held, LockError> {
        let drawn = getrandom::u64().map_err(|e| {
            self.failed("cannot draw a name for", std::io::Error::other(e.to_string()))
        })?;
        let (name, unnamed) =
            (format!("{PREFIX}{}-{drawn:016x}", gate.pid), format!("{UNNAMED}{drawn:016x}"));
        let make = || -> std::io::Result<File> {
            let flags = flags(OFlags::RDWR | OFlags::CREATE | OFlags::EXCL);
            let mut file =
                File::from(openat(&self.file, &unnamed, flags, Mode::from_raw_mode(0o644))?);
            file.lock()?;
            file.write_all(&serde_json::to_vec(gate)?)?;
            renameat(&self.file, &unnamed, &self.file, &name)?;
            Ok(file)
        };
        let lock = make().map_err(|e| {
            let _ = unlinkat(&self.file, &unnamed, AtFlags::empty());
            self.failed("cannot write into", e)
        })?;
        Ok(Held { folder: self, name, id: gate.id, _lock: lock })
    }

    /// Gates whose process lives. To remove the others' files takes the door's lock.
    fn living(&self, dead: Dead) -> Result<Vec<Gate>, LockError> {
        let mut found = Vec::new();
        for entry in Dir::read_from(&self.file).map_err(|e| self.failed("cannot read", e))? {
            let entry = entry.map_err(|e| self.failed("cannot read", e))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let unnamed = name.starts_with(UNNAMED);
            let looked_at = name.starts_with(PREFIX) || unnamed && dead == Dead::Remove;
            if !looked_at {
                continue;
            }
            match self.look(&name) {
                Some(gate) if !unnamed => found.push(gate),
                None if dead == Dead::Remove => drop(unlinkat(&self.file, &name, AtFlags::empty())),
                _ => {}
            }
        }
        Ok(found)
    }

    /// The gate of a file, while somebody holds its lock. What cannot be read is in everybody's
    /// way: it may be a newer version's.
    fn look(&self, name: &str) -> Option<Gate> {
        let file = File::from(
            openat(&self.file, name, flags(OFlags::RDONLY | OFlags::NONBLOCK), Mode::empty())
                .ok()?,
        );
        if !file.metadata().is_ok_and(|m| m.is_file()) || file.try_lock_shared().is_ok() {
            return None;
        }
        let mut text = String::new();
        let read = (&file).take(LARGEST).read_to_string(&mut text);
        let parsed = read.ok().and_then(|_| serde_json::from_str::<Gate>(&text).ok());
        Some(parsed.map_or_else(|| unknown(name), Gate::shown))
    }
}

fn flags(wanted: OFlags) -> OFlags {
    wanted | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

fn unknown(name: &str) -> Gate {
    let claims = [MACHINE].map(|what| Claim::new(what, ALL)).into();
    let (verb, folder) = ("an unknown command".to_owned(), name.to_owned());
    Gate { id: 0, pid: 0, verb, folder, since: "an unknown time".into(), claims, ticket: 0 }
}

impl Gate {
    pub fn new(id: u64, verb: &str, folder: String, since: String, claims: Vec<Claim>) -> Self {
        Self {
            id,
            pid: std::process::id(),
            verb: verb.to_owned(),
            folder,
            since,
            claims,
            ticket: 0,
        }
    }

    /// Its texts as one short line each: anybody may have written them.
    fn shown(self) -> Self {
        let plain = |text: String| {
            text.chars().filter(|c| !c.is_control()).take(LONGEST_WORD).collect::<String>()
        };
        Self {
            verb: plain(self.verb),
            folder: plain(self.folder),
            since: plain(self.since),
            ..self
        }
    }
}

impl std::fmt::Display for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "`{}` (process {}, since {}, output folder {})",
            self.verb, self.pid, self.since, self.folder
        )
    }
}

impl std::fmt::Display for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&*self.what, &*self.key) {
            (MACHINE, _) => f.write_str("this machine (--exclusive)"),
            // Its key is a number of the file system's.
            ("output folder" | "file", _) => write!(f, "the {}", self.what),
            (what, ALL) => write!(f, "every {what}"),
            (what, key) => write!(f, "{what} {key}"),
        }
    }
}
