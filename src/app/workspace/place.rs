//! Where a config lies that nobody named, and whether it may be read unasked: whoever writes that
//! file chooses the target, the policy and the commands that are run.
//!
//! Not here: what it says (`config`), the config of another commit (`theirs`).
#![expect(clippy::disallowed_methods, reason = "rim: looks for files, and asks who owns them")]

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use crate::baseline::ceiling::upwards;
use crate::baseline::lineage::Repo;
use crate::lang::{Text, bilingual};

/// Where a config is looked for, in each folder upwards.
pub const NAMES: [&str; 2] = [".github/goodput-gate.yaml", "goodput-gate.yaml"];

/// A file that is there and is not read unless somebody names it.
#[derive(Debug, thiserror::Error)]
#[error("{file} is not read unasked: {why}")]
pub struct Refused {
    pub file: String,
    pub why: String,
}

/// The nearest config at or above the folder, up to the repository's root. Errors: it is somebody
/// else's, or anybody can write it.
pub fn find(folder: &Path) -> Result<Option<PathBuf>, Refused> {
    let mut places =
        upwards(folder).into_iter().flat_map(|dir| NAMES.map(|name| (dir, dir.join(name))));
    let Some((dir, path)) = places.find(|(_, path)| path.is_file()) else { return Ok(None) };
    match trouble(dir, &path) {
        None => Ok(Some(path)),
        Some(why) => Err(Refused { file: path.display().to_string(), why }),
    }
}

/// Where [`find`] looks, in words.
pub fn searched(folder: &Path) -> Text {
    let all = upwards(folder);
    match (all.first(), all.last()) {
        (Some(first), Some(last)) if first != last => {
            let (first, last) = (first.display(), last.display());
            bilingual!(
                "{first} and above, up to {last} (the repository's root)",
                "{first}부터 저장소 최상위 {last}까지"
            )
        }
        _ => bilingual!(
            "{folder} (nothing above it is of the same repository)",
            "{folder} (그 위는 같은 저장소가 아님)",
            folder = folder.display()
        ),
    }
}

/// Why a file in `dir` should not be believed: as git has it, it must be ours, and no folder on the
/// way to it may be open to everybody.
///
/// A group that may write is no trouble, as in git: many a home is so (umask 002). Root's files are
/// none either, since root needs no such file. None where it may be read.
pub fn trouble(dir: &Path, file: &Path) -> Option<String> {
    let target = file.canonicalize().ok();
    let folders = [Some(dir), file.parent(), target.as_deref().and_then(Path::parent)];
    let paths = folders.into_iter().flatten().chain([file]).chain(target.as_deref());
    paths.into_iter().find_map(|path| {
        let facts = path.symlink_metadata().ok()?;
        if open_to_all(&facts) {
            return Some(format!("everybody on this machine can write {}", path.display()));
        }
        let owner = facts.uid();
        let known = || git_trusts(dir).is_some_and(|trusted| trusted == owner);
        (!ours(owner) && !known())
            .then(|| format!("{} belongs to another user (uid {owner})", path.display()))
    })
}

/// In a folder with the sticky bit, as `/tmp` is, nobody can replace what is ours.
fn open_to_all(facts: &Metadata) -> bool {
    const OTHERS_WRITE: u32 = 0o002;
    const STICKY: u32 = 0o1000;
    let safe = facts.is_symlink() || (facts.is_dir() && facts.mode() & STICKY != 0);
    facts.mode() & OTHERS_WRITE != 0 && !safe
}

/// As git has it, root by sudo is the user that called it, too.
fn ours(owner: u32) -> bool {
    let me = rustix::process::geteuid().as_raw();
    let caller = || std::env::var("SUDO_UID").ok()?.parse::<u32>().ok();
    owner == me || owner == 0 || (me == 0 && caller() == Some(owner))
}

/// The owner of the repository around a folder, where git would work in it: `safe.directory` names
/// the repositories of others.
fn git_trusts(dir: &Path) -> Option<u32> {
    let repo = Repo::discover(dir, Path::new("")).ok()?;
    repo.root()?.metadata().ok().map(|facts| facts.uid())
}

/// A path relative to the repository's root; none of what lies outside, by its words and by what it
/// leads to.
pub fn inside(root: &Path, path: &Path) -> Option<PathBuf> {
    let led_to =
        || Some(path.canonicalize().ok()?.strip_prefix(root.canonicalize().ok()?).ok()?.to_owned());
    worded(root, path).or_else(|| below(root, path)).or_else(led_to)
}

/// A file's path below a folder, through links above it.
fn below(root: &Path, file: &Path) -> Option<PathBuf> {
    let folder = std::path::absolute(file).ok()?.parent()?.canonicalize().ok()?;
    Some(folder.strip_prefix(root.canonicalize().ok()?).ok()?.join(file.file_name()?))
}

/// The same by its words alone, since a link in this checkout is the change's.
pub fn worded(root: &Path, file: &Path) -> Option<PathBuf> {
    let root = root.canonicalize().ok()?;
    let cwd = std::env::current_dir().ok()?.canonicalize().ok()?;
    let mut path = PathBuf::new();
    for part in cwd.join(file).components() {
        match part {
            Component::ParentDir => drop(path.pop()),
            Component::CurDir => {}
            part => path.push(part),
        }
    }
    Some(path.strip_prefix(root).ok()?.to_owned())
}
