//! Files that git keeps as something else than what a checkout has (LFS and other filters): libgit2
//! runs no filter, so git itself writes them anew, and both checkouts must have them alike.
#![expect(clippy::disallowed_methods, reason = "rim: removes files that git writes anew")]

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use git2::{ObjectType, Oid, Repository};

use crate::baseline::error::{GitError, other};
use crate::baseline::status;

/// Of a file's mode in the index.
const FILE_TYPE: u32 = 0o170_000;
const PLAIN: u32 = 0o100_000;

/// Errors: the baseline has what git keeps where the checkout has the file, or the other way round;
/// their builds would differ by that alone.
pub fn as_the_checkout(
    checkout: &Repository,
    worktree: &Repository,
    folder: &Path,
) -> Result<(), GitError> {
    let filtered = filtered(worktree)?;
    if filtered.is_empty() {
        return Ok(());
    }
    written_by_git(folder, &filtered)?;
    let Some(root) = checkout.workdir() else { return Ok(()) };
    for (path, kept) in &filtered {
        let theirs = is_as_kept(&folder.join(path), *kept);
        let ours = kept_at(checkout, path)?.and_then(|kept| is_as_kept(&root.join(path), kept));
        if let Some((theirs, _)) = theirs.zip(ours).filter(|(theirs, ours)| theirs != ours) {
            let (has, lacks) = if theirs {
                ("the checkout", "the baseline's worktree")
            } else {
                ("the baseline's worktree", "the checkout")
            };
            return Err(GitError::Other(format!(
                "{has} has the content of {path:?}, and {lacks} has what git keeps in its place (a pointer of LFS, say): install git and \
                 the filter (`git lfs install`), and fetch the files in both (`git lfs pull`; actions/checkout: `lfs: true`)"
            )));
        }
    }
    Ok(())
}

/// Files of a worktree whose attributes name a filter, with what git keeps of them.
fn filtered(worktree: &Repository) -> Result<Vec<(String, Oid)>, GitError> {
    let index = worktree.index().map_err(|e| other(&e))?;
    let mut found = Vec::new();
    for entry in index.iter() {
        let path = String::from_utf8_lossy(&entry.path).into_owned();
        if entry.mode & FILE_TYPE == PLAIN && status::has_filter(worktree, &path)? {
            found.push((path, entry.id));
        }
    }
    Ok(found)
}

/// Git does not write over what its index takes for unchanged, so the files go first. Nothing
/// happens where git is not installed.
fn written_by_git(folder: &Path, files: &[(String, Oid)]) -> Result<(), GitError> {
    let mut command = status::git(folder);
    command.args(["checkout", "--force", "HEAD", "--pathspec-from-file=-", "--pathspec-file-nul"]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    if status::git(folder).arg("--version").stdout(Stdio::null()).status().is_err() {
        return Ok(());
    }
    let failed = |why: &dyn std::fmt::Display| {
        GitError::Other(format!(
            "the files of the baseline that have a filter (LFS) cannot be checked out: {why}"
        ))
    };
    for (path, _) in files {
        std::fs::remove_file(folder.join(path)).map_err(|e| failed(&e))?;
    }
    let mut git = command.spawn().map_err(|e| failed(&e))?;
    if let Some(mut names) = git.stdin.take() {
        for (path, _) in files {
            names.write_all(format!(":(literal){path}\0").as_bytes()).map_err(|e| failed(&e))?;
        }
    }
    let ended = git.wait_with_output().map_err(|e| failed(&e))?;
    let said = String::from_utf8_lossy(&ended.stderr);
    let last: Vec<&str> = said.lines().rev().take(3).collect();
    if ended.status.success() {
        Ok(())
    } else {
        Err(failed(&last.into_iter().rev().collect::<Vec<_>>().join("; ")))
    }
}

/// None where there is no such file.
fn is_as_kept(path: &Path, kept: Oid) -> Option<bool> {
    Oid::hash_file(ObjectType::Blob, path).ok().map(|id| id == kept)
}

fn kept_at(checkout: &Repository, path: &str) -> Result<Option<Oid>, GitError> {
    let index = checkout.index().map_err(|e| other(&e))?;
    Ok(index.get_path(Path::new(path), 0).map(|entry| entry.id))
}
