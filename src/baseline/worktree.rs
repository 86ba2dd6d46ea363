//! A commit checked out beside the repository, in a temporary folder, for as long as it is needed. Not here: what is built in it.

use std::path::{Path, PathBuf};

use git2::{BranchType, Repository, WorktreeAddOptions, WorktreePruneOptions};
use tempfile::TempDir;

use super::lineage::{GitError, other};

/// Removed when dropped: the folder and what git knows of it.
pub struct Worktree {
    /// Of the repository that it belongs to.
    owner: PathBuf,
    name: String,
    folder: PathBuf,
    /// Outside the repository, so that a build tool that looks upwards does not find the candidate's files.
    temporary: Option<TempDir>,
}

impl Worktree {
    /// A detached checkout of `commit`. Errors: the commit is not here, or the disk is full.
    pub fn add(repo: &Repository, commit: &str) -> Result<Self, GitError> {
        let temporary = tempfile::Builder::new().prefix("goodput-gate-").tempdir().map_err(|e| GitError::Other(e.to_string()))?;
        let name = temporary.path().file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let folder = temporary.path().join("baseline");
        let commit = repo.revparse_single(commit).and_then(|o| o.peel_to_commit()).map_err(|e| other(&e))?;
        // libgit2 adds a worktree for a branch only: one is made for the moment, and HEAD is detached from it.
        let branch = repo.branch(&name, &commit, false).map_err(|e| other(&e))?;
        let worktree = Self { owner: repo.path().to_owned(), name, folder, temporary: Some(temporary) };
        let mut options = WorktreeAddOptions::new();
        options.reference(Some(branch.get()));
        repo.worktree(&worktree.name, &worktree.folder, Some(&options)).map_err(|e| other(&e))?;
        let inside = Repository::open(&worktree.folder).map_err(|e| other(&e))?;
        inside.set_head_detached(commit.id()).map_err(|e| other(&e))?;
        worktree.remove_branch(repo);
        Ok(worktree)
    }

    pub fn path(&self) -> &Path {
        &self.folder
    }

    fn remove_branch(&self, repo: &Repository) {
        if let Ok(mut branch) = repo.find_branch(&self.name, BranchType::Local) {
            let _ = branch.delete();
        }
    }
}

impl Drop for Worktree {
    fn drop(&mut self) {
        // The folder first: what git still knows of a folder that is gone, it prunes by itself.
        drop(self.temporary.take());
        let Ok(repo) = Repository::open(&self.owner) else { return };
        self.remove_branch(&repo);
        if let Ok(worktree) = repo.find_worktree(&self.name) {
            let _ = worktree.prune(Some(WorktreePruneOptions::new().valid(true).working_tree(true)));
        }
    }
}
