//! A commit checked out beside the repository, in a temporary folder, for as long as it is needed.
//! Not here: what is built in it.
#![expect(clippy::disallowed_methods, reason = "rim: a lock file beside the checkout")]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use git2::{BranchType, Repository, WorktreeAddOptions, WorktreePruneOptions};
use tempfile::TempDir;

use super::error::{GitError, other};

mod smudge;

/// Removed when dropped: the folder and what git knows of it.
pub struct Worktree {
    /// Of the repository that it belongs to.
    owner: PathBuf,
    name: String,
    folder: PathBuf,
    /// Outside the repository, so that a build tool that looks upwards does not find the
    /// candidate's files.
    temporary: Option<TempDir>,
    /// Locked while we live, so that a later run knows what a killed one has left.
    _lock: File,
}

const PREFIX: &str = "goodput-gate-";
const LOCK: &str = "lock";

impl Worktree {
    /// A detached checkout of `commit`. Errors: the commit is not here, or the disk is full.
    pub fn add(repo: &Repository, commit: &str) -> Result<Self, GitError> {
        remove_abandoned(repo);
        let failed = |e: std::io::Error| {
            GitError::Other(format!("{e} in {}", std::env::temp_dir().display()))
        };
        let temporary = tempfile::Builder::new().prefix(PREFIX).tempdir().map_err(failed)?;
        let lock = File::create(temporary.path().join(LOCK)).map_err(failed)?;
        // Where the file system knows no locks, nothing is ever taken for abandoned.
        let _ = lock.try_lock();
        let name = temporary
            .path()
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default();
        let folder = temporary.path().join("baseline");
        let commit =
            repo.revparse_single(commit).and_then(|o| o.peel_to_commit()).map_err(|e| other(&e))?;
        // libgit2 adds a worktree for a branch only: one is made for the moment, and HEAD is
        // detached from it.
        let branch = repo.branch(&name, &commit, false).map_err(|e| other(&e))?;
        let worktree = Self {
            owner: repo.path().to_owned(),
            name,
            folder,
            temporary: Some(temporary),
            _lock: lock,
        };
        let mut options = WorktreeAddOptions::new();
        options.reference(Some(branch.get()));
        repo.worktree(&worktree.name, &worktree.folder, Some(&options))
            .map_err(|e| checkout_error(repo, &e))?;
        let inside = Repository::open(&worktree.folder).map_err(|e| other(&e))?;
        inside.set_head_detached(commit.id()).map_err(|e| other(&e))?;
        remove_branch(repo, &worktree.name);
        smudge::as_the_checkout(repo, &inside, &worktree.folder)?;
        Ok(worktree)
    }

    pub fn path(&self) -> &Path {
        &self.folder
    }
}

/// Errors of a full disk are no object's.
fn checkout_error(repo: &Repository, e: &git2::Error) -> GitError {
    let of_objects = e.code() == git2::ErrorCode::NotFound || e.class() == git2::ErrorClass::Odb;
    if of_objects { GitError::unread(repo, "a file of the commit", e) } else { other(e) }
}

impl Drop for Worktree {
    fn drop(&mut self) {
        // The folder first: what git still knows of a folder that is gone, it prunes by itself.
        drop(self.temporary.take());
        if let Ok(repo) = Repository::open(&self.owner) {
            forget(&repo, &self.name);
        }
    }
}

/// What git knows of a worktree whose folder is gone.
fn forget(repo: &Repository, name: &str) {
    remove_branch(repo, name);
    if let Ok(worktree) = repo.find_worktree(name) {
        let _ = worktree.prune(Some(WorktreePruneOptions::new().valid(true).working_tree(true)));
    }
}

fn remove_branch(repo: &Repository, name: &str) {
    if let Ok(mut branch) = repo.find_branch(name, BranchType::Local) {
        let _ = branch.delete();
    }
}

/// Removes what runs that were killed have left: nobody holds their lock any more. What cannot be
/// removed is in nobody's way.
pub fn remove_abandoned(repo: &Repository) {
    let names = repo
        .worktrees()
        .map(|names| names.iter().flatten().flatten().map(str::to_owned).collect::<Vec<_>>());
    for name in names.unwrap_or_default().iter().filter(|name| name.starts_with(PREFIX)) {
        let Some(temporary) =
            repo.find_worktree(name).ok().and_then(|w| Some(w.path().parent()?.to_owned()))
        else {
            continue;
        };
        // By its name too: only a folder that one of us has made may be removed whole.
        let made_by_us = temporary.file_name().is_some_and(|folder| folder == name.as_str());
        if made_by_us && (!temporary.exists() || is_abandoned(&temporary, Duration::ZERO)) {
            let _ = std::fs::remove_dir_all(&temporary);
            forget(repo, name);
        }
    }
    // Killed before git knew of it, or of a repository that is gone.
    for entry in std::fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX)
            && entry.file_type().is_ok_and(|kind| kind.is_dir());
        if ours && is_abandoned(&entry.path(), YOUNG) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Between the making of a folder and its lock.
const YOUNG: Duration = Duration::from_secs(60);

fn is_abandoned(temporary: &Path, younger: Duration) -> bool {
    let Ok(lock) = File::open(temporary.join(LOCK)) else { return false };
    let age = lock.metadata().ok().and_then(|facts| facts.modified().ok()?.elapsed().ok());
    age.is_some_and(|age| age >= younger) && lock.try_lock().is_ok()
}
