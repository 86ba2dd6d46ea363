//! Temporary files that become a file by a rename, under a name of ours; and what a process that
//! was killed has left of them.
#![expect(clippy::disallowed_methods, reason = "rim: files")]

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, test_kill_process};
use tempfile::NamedTempFile;

const PREFIX: &str = ".goodput-gate-";
const SUFFIX: &str = ".tmp";
/// `baselines/WORKLOAD/FINGERPRINT` and `.goodput-gate/each/NAME` are the deepest.
const DEPTH: u32 = 3;

/// Locked while we hold it, so that nobody takes it for left.
pub fn create(folder: &Path, mode: u32) -> io::Result<NamedTempFile> {
    let prefix = format!("{PREFIX}{}-", std::process::id());
    let permissions = std::fs::Permissions::from_mode(mode);
    let file = tempfile::Builder::new()
        .prefix(&prefix)
        .suffix(SUFFIX)
        .permissions(permissions)
        .tempfile_in(folder)?;
    // Where the file system knows no locks, the process's number tells.
    let _ = file.as_file().try_lock();
    Ok(file)
}

/// Removes such files of processes that are gone, also in folders below. What cannot be removed is
/// in nobody's way.
pub fn sweep(folder: &Path) {
    sweep_down(folder, DEPTH);
}

fn sweep_down(folder: &Path, depth: u32) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() && depth > 0 {
            sweep_down(&path, depth - 1);
        } else if kind.is_file() && is_left(&path) {
            let _ = std::fs::remove_file(&path);
        }
    }
}

fn is_left(path: &PathBuf) -> bool {
    let Some(pid) = writer(path) else { return false };
    // Containers give the same numbers again: ours begins only now.
    let lives =
        pid != rustix::process::getpid() && test_kill_process(pid) != Err(rustix::io::Errno::SRCH);
    let held =
        File::open(path).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)));
    !lives && !held
}

/// The process that made it, of a name of ours.
fn writer(path: &Path) -> Option<Pid> {
    let name = path.file_name()?.to_str()?.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    let (pid, drawn) = name.split_once('-')?;
    let ours = !drawn.is_empty() && drawn.chars().all(|c| c.is_ascii_alphanumeric());
    Pid::from_raw(pid.parse().ok()?).filter(|_| ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_process_left_is_removed_and_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let below = home.path().join("chat/0123");
        std::fs::create_dir_all(&below).unwrap();
        // No process has the largest number that there could be.
        let dead = format!("{PREFIX}{}-abc123{SUFFIX}", i32::MAX);
        let alive = format!("{PREFIX}1-abc123{SUFFIX}");
        let others = [
            ".tmpAbC123",
            ".goodput-gate-x-abc.tmp",
            ".goodput-gate-7-.tmp",
            "record.json",
            &*alive,
        ];
        for folder in [home.path(), &*below] {
            for name in others.into_iter().chain([&*dead]) {
                std::fs::write(folder.join(name), "half").unwrap();
            }
        }
        let mine = create(home.path(), 0o644).unwrap();
        sweep(home.path());
        for folder in [home.path(), &*below] {
            assert!(!folder.join(&dead).exists(), "{}", folder.display());
            assert!(others.iter().all(|name| folder.join(name).exists()), "{}", folder.display());
        }
        assert!(mine.path().exists(), "its writer lives, and holds its lock");
    }
}
