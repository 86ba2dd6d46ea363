//! What a commit's tree holds, read through the object database and never from a checkout: baseline
//! sessions, and single files.
//!
//! Not here: files of the working tree (`store`).

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use git2::{ObjectType, Oid, Tree, TreeEntry};

use super::lineage::{GitError, Repo};
use super::store::{self, StoreError};
use crate::record::session::Session;

/// Sessions by their path below the baselines folder.
pub type Files = BTreeMap<PathBuf, Session>;

/// What a commit has at a path.
pub enum Found {
    Sessions(Files),
    Text(String),
}

#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    #[error(transparent)]
    Git(#[from] GitError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Symbolic links and submodules are no files of this commit.
const FILE_MODES: [i32; 2] = [0o100_644, 0o100_755];
/// `workload/fingerprint/file` is all that is ever written; deeper than this somebody plays with
/// us.
const DEEPEST: usize = 8;
const LINK_MODE: i32 = 0o120_000;
/// Links that lead to links: more are a circle.
const MOST_LINKS: usize = 8;

impl Repo {
    /// The sessions that a commit's tree holds; none where it has no such folder. Errors: a file
    /// that is no session.
    pub fn sessions_at(&self, commit: &str) -> Result<Files, TreeError> {
        let mut files = Files::new();
        if let Some(id) = self.entry_at(commit, &self.baselines)? {
            self.collect(&self.folder(id, &self.baselines)?, Path::new(""), &mut files)?;
        }
        Ok(files)
    }

    /// The sessions of a folder, or the text of a file, as a commit has it. None where it has no
    /// such path.
    pub fn found_at(&self, commit: &str, path: &Path) -> Result<Option<Found>, TreeError> {
        let tree = self.tree(&self.commit(commit)?)?;
        let Some(id) = self.followed(&tree, path, 0)? else { return Ok(None) };
        let object =
            self.inner.find_object(id, None).map_err(|e| self.unread(object_name(path, id), &e))?;
        if object.kind() == Some(ObjectType::Tree) {
            let mut files = Files::new();
            self.collect(&self.folder(id, path)?, Path::new(""), &mut files)?;
            return Ok(Some(Found::Sessions(files)));
        }
        Ok(self.file_at(commit, path)?.map(Found::Text))
    }

    /// A file's text as a commit has it, through that commit's own links; `path` is relative to the
    /// root. None where it has no such file.
    ///
    /// Errors: it cannot be read, is no UTF-8, lies in a submodule, or a link leads out of the
    /// repository.
    pub fn file_at(&self, commit: &str, path: &Path) -> Result<Option<String>, GitError> {
        let tree = self.tree(&self.commit(commit)?)?;
        let Some(id) = self.followed(&tree, path, 0)? else { return Ok(None) };
        let object =
            self.inner.find_object(id, None).map_err(|e| self.unread(object_name(path, id), &e))?;
        let Some(blob) = object.as_blob() else { return Ok(None) };
        let text = std::str::from_utf8(blob.content())
            .map_err(|_| GitError::Other(format!("{} is no text", path.display())))?;
        Ok(Some(text.to_owned()))
    }

    /// The folder of baselines is the same in both commits.
    pub fn same_baselines(&self, one: &str, other: &str) -> Result<bool, GitError> {
        Ok(self.entry_at(one, &self.baselines)? == self.entry_at(other, &self.baselines)?)
    }

    pub(super) fn entry_at(&self, commit: &str, path: &Path) -> Result<Option<Oid>, GitError> {
        let tree = self.tree(&self.commit(commit)?)?;
        Ok(self.entry(&tree, path)?.map(|entry| entry.id()))
    }

    /// As `Tree::get_path`, which takes a folder that cannot be read for one that is not there.
    fn entry(&self, tree: &Tree<'_>, path: &Path) -> Result<Option<TreeEntry<'static>>, GitError> {
        let parts: Vec<Component<'_>> = path.components().collect();
        let mut tree = tree.clone();
        for (i, part) in parts.iter().enumerate() {
            let Some(entry) =
                tree.get_name_bytes(part.as_os_str().as_encoded_bytes()).map(|e| e.to_owned())
            else {
                return Ok(None);
            };
            if i + 1 == parts.len() {
                return Ok(Some(entry));
            }
            if entry.kind() != Some(ObjectType::Tree) {
                return Ok(None);
            }
            tree = self.folder(entry.id(), &parts[..=i].iter().collect::<PathBuf>())?;
        }
        Ok(None)
    }

    fn folder(&self, id: Oid, path: &Path) -> Result<Tree<'_>, GitError> {
        self.inner.find_tree(id).map_err(|e| self.unread(object_name(path, id), &e))
    }

    fn followed(
        &self,
        tree: &Tree<'_>,
        path: &Path,
        links: usize,
    ) -> Result<Option<Oid>, GitError> {
        let parts: Vec<Component<'_>> = path.components().collect();
        for end in 1..=parts.len() {
            let (here, rest) = (
                parts[..end].iter().collect::<PathBuf>(),
                parts[end..].iter().collect::<PathBuf>(),
            );
            let Some(entry) = self.entry(tree, &here)? else { return Ok(None) };
            if entry.filemode() == LINK_MODE {
                let target = self
                    .inner
                    .find_blob(entry.id())
                    .map_err(|e| self.unread(object_name(&here, entry.id()), &e))?;
                let target = PathBuf::from(String::from_utf8_lossy(target.content()).into_owned());
                let led = within(&here.parent().unwrap_or(Path::new("")).join(target).join(rest));
                let led = led
                    .filter(|_| links < MOST_LINKS)
                    .ok_or_else(|| GitError::LedOut(here.display().to_string()))?;
                return self.followed(tree, &led, links + 1);
            }
            if entry.kind() == Some(ObjectType::Commit) {
                return Err(GitError::InSubmodule(path.display().to_string()));
            }
            if rest.as_os_str().is_empty() {
                return Ok(Some(entry.id()));
            }
        }
        Ok(None)
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
                    let tree = self.folder(entry.id(), &path)?;
                    self.collect(&tree, &path, files)?;
                }
                Some(ObjectType::Blob)
                    if store::is_session(&path) && FILE_MODES.contains(&entry.filemode()) =>
                {
                    let blob = self
                        .inner
                        .find_blob(entry.id())
                        .map_err(|e| self.unread(object_name(&path, entry.id()), &e))?;
                    let session = store::parse(
                        &self.baselines.join(&path),
                        &String::from_utf8_lossy(blob.content()),
                    )?;
                    files.insert(path, session);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// As messages name an object.
fn object_name(path: &Path, id: Oid) -> String {
    format!("{} (object {id})", path.display())
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
