//! Whether the working tree differs from HEAD. What git calls clean is clean: libgit2 runs no
//! filters (LFS), and takes what a sparse checkout leaves out for removed, so git itself has the
//! last word wherever it is installed.
#![expect(clippy::disallowed_methods, reason = "rim: asks git, as its user would")]

use std::path::Path;
use std::process::Command;

use git2::{AttrCheckFlags, AttrValue, Repository, Status, StatusOptions};

use super::error::{GitError, other};
use super::lineage::Repo;

/// Of git that would lead it to another repository.
const REDIRECTIONS: [&str; 4] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR"];

impl Repo {
    /// Changed or new files outside the baselines folder.
    pub fn dirty(&self) -> Result<bool, GitError> {
        self.altered(true)
    }

    /// Changed files that git knows, outside the baselines folder: a note that lies about is no
    /// change of the code.
    pub fn changed(&self) -> Result<bool, GitError> {
        self.altered(false)
    }

    fn altered(&self, untracked: bool) -> Result<bool, GitError> {
        let Some(root) = self.root() else { return Ok(false) };
        let mut options = StatusOptions::new();
        options.include_untracked(untracked).recurse_untracked_dirs(false);
        let statuses = self
            .inner
            .statuses(Some(&mut options))
            .map_err(|e| self.unread("the files of HEAD", &e))?;
        let entries: Vec<(Status, String)> = statuses
            .iter()
            .map(|s| (s.status(), String::from_utf8_lossy(s.path_bytes()).into_owned()))
            .collect();
        if !entries.iter().any(|(_, path)| self.outside_baselines(path)) {
            return Ok(false);
        }
        if let Some(changed) = paths_by_git(root, untracked) {
            return Ok(changed.iter().any(|path| self.outside_baselines(path)));
        }
        for (status, path) in entries.iter().filter(|(_, path)| self.outside_baselines(path)) {
            if *status == Status::WT_MODIFIED && has_filter(&self.inner, path)? {
                return Err(GitError::Other(format!(
                    "whether {path:?} is changed takes its filter (see .gitattributes), which git runs, and git is not to be had here: install git"
                )));
            }
            if !(status.is_wt_deleted() && self.left_out(path)?) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// By parts of the path: `baselines-notes.txt` is not in `baselines`. A new folder is shown
    /// with a slash at its end.
    fn outside_baselines(&self, path: &str) -> bool {
        !Path::new(path).starts_with(&self.baselines)
    }

    /// By a sparse checkout.
    fn left_out(&self, path: &str) -> Result<bool, GitError> {
        const SKIP_WORKTREE: u16 = 1 << 14;
        let index = self.inner.index().map_err(|e| other(&e))?;
        Ok(index
            .get_path(Path::new(path), 0)
            .is_some_and(|entry| entry.flags_extended & SKIP_WORKTREE != 0))
    }
}

/// Git keeps something else of it than what lies in the working tree.
pub(super) fn has_filter(repo: &Repository, path: &str) -> Result<bool, GitError> {
    let value = repo
        .get_attr(Path::new(path), "filter", AttrCheckFlags::FILE_THEN_INDEX)
        .map_err(|e| other(&e))?;
    Ok(matches!(AttrValue::from_string(value), AttrValue::String(_) | AttrValue::True))
}

/// A command of git's in a folder, whatever git's own variables say.
pub(super) fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).stdin(std::process::Stdio::null());
    for name in REDIRECTIONS {
        command.env_remove(name);
    }
    command
}

/// Paths that `git status` shows; of a renamed file both. None where git cannot be asked.
fn paths_by_git(root: &Path, untracked: bool) -> Option<Vec<String>> {
    let files = if untracked { "--untracked-files=normal" } else { "--untracked-files=no" };
    let mut command = git(root);
    let output = command
        .args(["--no-optional-locks", "status", "--porcelain", "-z", "--no-renames", files])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    // Two letters and a blank before each.
    output
        .status
        .success()
        .then(|| text.split('\0').filter_map(|entry| Some(entry.get(3..)?.to_owned())).collect())
}
