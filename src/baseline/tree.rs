//! What a commit's tree holds, read through the object database and never from a checkout: baseline sessions, and single files.
//!
//! Not here: files of the working tree (`store`).

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use git2::{ObjectType, Oid, Tree};

use super::lineage::{GitError, Repo, other};
use super::store::{self, StoreError};
use crate::record::session::Session;

/// Sessions by their path below the baselines folder.
pub type Files = BTreeMap<PathBuf, Session>;

#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    #[error(transparent)]
    Git(#[from] GitError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Symbolic links and submodules are no files of this commit.
const FILE_MODES: [i32; 2] = [0o100_644, 0o100_755];
/// `workload/fingerprint/file` is all that is ever written; deeper than this somebody plays with us.
const DEEPEST: usize = 8;
const LINK_MODE: i32 = 0o120_000;
/// Links that lead to links: more are a circle.
const MOST_LINKS: usize = 8;

impl Repo {
    /// The sessions that a commit's tree holds; none where it has no such folder. Errors: a file that is no session.
    pub fn sessions_at(&self, commit: &str) -> Result<Files, TreeError> {
        let mut files = Files::new();
        if let Some(id) = self.entry_at(commit, &self.baselines)? {
            let tree = self.inner.find_tree(id).map_err(|e| other(&e))?;
            self.collect(&tree, Path::new(""), &mut files)?;
        }
        Ok(files)
    }

    /// A file's text as a commit has it, through that commit's own links; `path` is relative to the root. None where a link leads out of the
    /// repository. Errors: it is no UTF-8.
    pub fn file_at(&self, commit: &str, path: &Path) -> Result<Option<String>, GitError> {
        let tree = self.commit(commit)?.tree().map_err(|e| other(&e))?;
        let Some(id) = self.followed(&tree, path, 0) else { return Ok(None) };
        let Ok(blob) = self.inner.find_blob(id) else { return Ok(None) };
        let text = std::str::from_utf8(blob.content()).map_err(|_| GitError::Other(format!("{} is no text", path.display())))?;
        Ok(Some(text.to_owned()))
    }

    /// The folder of baselines is the same in both commits.
    pub fn same_baselines(&self, one: &str, other: &str) -> Result<bool, GitError> {
        Ok(self.entry_at(one, &self.baselines)? == self.entry_at(other, &self.baselines)?)
    }

    fn entry_at(&self, commit: &str, path: &Path) -> Result<Option<Oid>, GitError> {
        let tree = self.commit(commit)?.tree().map_err(|e| other(&e))?;
        Ok(tree.get_path(path).ok().map(|entry| entry.id()))
    }

    fn followed(&self, tree: &Tree<'_>, path: &Path, links: usize) -> Option<Oid> {
        let parts: Vec<Component<'_>> = path.components().collect();
        for end in 1..=parts.len() {
            let (here, rest) = (parts[..end].iter().collect::<PathBuf>(), parts[end..].iter().collect::<PathBuf>());
            let entry = tree.get_path(&here).ok()?;
            if entry.filemode() == LINK_MODE {
                let target = self.inner.find_blob(entry.id()).ok()?;
                let target = Path::new(std::str::from_utf8(target.content()).ok()?);
                let led = within(&here.parent()?.join(target).join(rest)).filter(|_| links < MOST_LINKS)?;
                return self.followed(tree, &led, links + 1);
            }
            if rest.as_os_str().is_empty() {
                return Some(entry.id());
            }
        }
        None
    }

    fn collect(&self, tree: &Tree<'_>, below: &Path, files: &mut Files) -> Result<(), TreeError> {
        if below.components().count() > DEEPEST {
            return Ok(());
        }
        for entry in tree {
            let name = String::from_utf8_lossy(entry.name_bytes()).into_owned();
            let path = below.join(&name);
            match entry.kind() {
                Some(ObjectType::Tree) => {
                    let tree = self.inner.find_tree(entry.id()).map_err(|e| other(&e))?;
                    self.collect(&tree, &path, files)?;
                }
                Some(ObjectType::Blob) if store::is_session(&path) && FILE_MODES.contains(&entry.filemode()) => {
                    let blob = self.inner.find_blob(entry.id()).map_err(|e| other(&e))?;
                    let session = store::parse(&self.baselines.join(&path), &String::from_utf8_lossy(blob.content()))?;
                    files.insert(path, session);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Without `.` and `..`; none above the root, or absolute.
fn within(path: &Path) -> Option<PathBuf> {
    let mut within = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => within.push(name),
            Component::CurDir => {}
            Component::ParentDir => within.pop().then_some(())?,
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(within)
}
