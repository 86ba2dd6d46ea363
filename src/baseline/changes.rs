//! What is changed in the working folder, as a digest: the same changes give the same, and any
//! other change another. Not here: what is done with it.

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use git2::{ObjectType, Oid, Repository, StatusOptions};

use super::error::other;
use super::lineage::{GitError, Repo};

/// Larger files (models, data sets) are told by size and time of change.
const READ: u64 = 64 << 20;

impl Repo {
    /// Changed and new files outside the baselines folder; empty where there are none. `without`:
    /// absolute paths of files and folders that do not count.
    pub fn changes(&self, without: &[PathBuf]) -> Result<String, GitError> {
        let left_out = |relative: &Path, path: &Path| {
            relative.starts_with(&self.baselines) || without.iter().any(|w| is_below(path, w))
        };
        changed(&self.inner, &left_out)
    }
}

/// `left_out` is asked with a path below the repository's root, and with the whole path.
fn changed(repo: &Repository, left_out: &dyn Fn(&Path, &Path) -> bool) -> Result<String, GitError> {
    let Some(root) = repo.workdir() else { return Ok(String::new()) };
    let mut options = StatusOptions::new();
    options.include_untracked(true).recurse_untracked_dirs(true);
    let statuses = repo.statuses(Some(&mut options)).map_err(|e| other(&e))?;
    let mut lines = Vec::new();
    for status in statuses.iter() {
        let relative = Path::new(std::ffi::OsStr::from_bytes(status.path_bytes()));
        let path = root.join(relative);
        if !left_out(relative, &path) {
            lines.push(format!(
                "{} {} {}\n",
                status.status().bits(),
                status.path_bytes().escape_ascii(),
                content(&path)?
            ));
        }
    }
    if lines.is_empty() {
        return Ok(String::new());
    }
    lines.sort();
    Oid::hash_object(ObjectType::Blob, lines.concat().as_bytes())
        .map(|id| id.to_string())
        .map_err(|e| other(&e))
}

/// Also where one of both is spelled through a link.
fn is_below(path: &Path, folder: &Path) -> bool {
    let real = |p: &Path| p.canonicalize().unwrap_or_else(|_| p.to_owned());
    path.starts_with(folder) || real(path).starts_with(real(folder))
}

fn content(path: &Path) -> Result<String, GitError> {
    let Ok(facts) = path.symlink_metadata() else { return Ok("gone".into()) };
    // Git tells of a repository within this one, a submodule for one, only that it differs.
    if facts.is_dir() {
        let repo = Repository::open(path).map_err(|e| other(&e))?;
        let head = repo.head().ok().and_then(|head| head.target());
        return Ok(format!("{head:?} {}", changed(&repo, &|_, _| false)?));
    }
    let hashed = if facts.is_symlink() {
        let target = std::fs::read_link(path).unwrap_or_default();
        Oid::hash_object(ObjectType::Blob, target.as_os_str().as_bytes()).ok()
    } else if facts.is_file() && facts.len() <= READ {
        Oid::hash_file(ObjectType::Blob, path).ok()
    } else {
        None
    };
    let known = hashed.map_or_else(
        || format!("{} bytes at {}.{}", facts.len(), facts.mtime(), facts.mtime_nsec()),
        |id| id.to_string(),
    );
    Ok(format!("{:o} {known}", facts.mode()))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "writes a file to look at")]
mod tests {
    use super::*;

    #[test]
    fn an_edit_in_a_repository_within_this_one_is_a_change() {
        let (outer, inner) = (tempfile::tempdir().unwrap(), "engine");
        let repo = Repository::init(outer.path()).unwrap();
        let within = outer.path().join(inner);
        Repository::init(&within).unwrap();
        let digest = |text: &str| {
            std::fs::write(within.join("engine.rs"), text).unwrap();
            changed(&repo, &|_, _| false).unwrap()
        };
        let (one, two) = (digest("fast"), digest("slow"));
        assert!(!one.is_empty());
        assert_ne!(one, two);
        assert_eq!(digest("fast"), one);
    }
}
