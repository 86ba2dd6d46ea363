//! Git facts through libgit2: HEAD, its tree without the baselines folder, and the first-parent
//! lineage.
//!
//! Not here: which branch is the base (`base`), what a commit's tree holds (`tree`), changed files
//! (`status`).
//!
//! A shallow clone is an error that names the way out: libgit2 would walk one commit and say
//! nothing.

use std::path::{Path, PathBuf};

use git2::{Commit, ErrorCode, ObjectType, Oid, Reference, Repository, RepositoryOpenFlags, Tree};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::ceiling::ceilings;
pub use super::error::GitError;
use super::error::{is_absent, other, unknown_format};
use super::worktree::{self, Worktree};

/// A commit on the lineage, as baseline files name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub commit: String,
    /// Tree without the baselines folder.
    pub tree: String,
    /// Seconds since 1970.
    pub time_s: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub link: Link,
    pub dirty: bool,
    pub branch: Option<String>,
}

pub struct Repo {
    pub(super) inner: Repository,
    /// Relative to the root.
    pub(super) baselines: PathBuf,
    /// Commits that a walk looks at.
    max_walk: usize,
}

/// Farther back than this no baseline is looked for, where no config says otherwise.
const MAX_WALK: usize = 1000;

impl Repo {
    /// The repository around `folder`; `baselines` is relative to its root.
    pub fn discover(folder: &Path, baselines: &Path) -> Result<Self, GitError> {
        let opened = Repository::open_ext(folder, RepositoryOpenFlags::CROSS_FS, ceilings());
        let inner = opened.map_err(|e| match e.code() {
            ErrorCode::NotFound => GitError::None,
            ErrorCode::Owner => GitError::Owner(folder.display().to_string()),
            _ => unknown_format(e.message()).unwrap_or_else(|| other(&e)),
        })?;
        Ok(Self { inner, baselines: baselines.to_owned(), max_walk: MAX_WALK })
    }

    /// With another length of every walk, in commits.
    pub fn walking(self, max_walk: u32) -> Self {
        Self { max_walk: usize::try_from(max_walk).unwrap_or(usize::MAX), ..self }
    }

    /// The working folder's root.
    pub fn root(&self) -> Option<&Path> {
        self.inner.workdir()
    }

    /// `origin` as `HOST/OWNER/NAME`; a user name or key in its URL is left out.
    pub fn remote(&self) -> Option<String> {
        let remote = self.inner.find_remote("origin").ok()?;
        remote_name(remote.url().ok()?)
    }

    /// The branch that pull requests go to: what `origin/HEAD` points to, else `main` or `master`,
    /// else the one that is checked out.
    pub fn default_branch(&self) -> Option<String> {
        let remote = self.inner.find_reference("refs/remotes/origin/HEAD").ok();
        let named = remote.and_then(|r| {
            Some(r.symbolic_target().ok()??.strip_prefix("refs/remotes/origin/")?.to_owned())
        });
        let exists = |name: &&str| {
            self.inner.find_branch(name, git2::BranchType::Local).is_ok()
                || self
                    .inner
                    .find_branch(&format!("origin/{name}"), git2::BranchType::Remote)
                    .is_ok()
        };
        let usual =
            || ["main", "master"].iter().find(|name| exists(name)).map(|name| (*name).to_owned());
        named.or_else(usual).or_else(|| self.branch())
    }

    /// The branch that is checked out, also one that has no commit yet.
    pub fn branch(&self) -> Option<String> {
        let head = self.inner.find_reference("HEAD").ok()?;
        Some(head.symbolic_target().ok()??.strip_prefix("refs/heads/")?.to_owned())
    }

    pub fn head(&self) -> Result<Head, GitError> {
        let head = self.reference()?;
        let commit = head.peel_to_commit().map_err(|e| self.unread("HEAD", &e))?;
        let branch = head.is_branch().then(|| head.shorthand().ok().map(str::to_owned)).flatten();
        Ok(Head { link: self.link(&commit)?, dirty: self.dirty()?, branch })
    }

    /// HEAD and its first parents, nearest first. Errors: a shallow clone.
    pub fn lineage(&self) -> Result<Vec<Link>, GitError> {
        let head = self.head_commit()?;
        self.walk(head)
    }

    /// A commit and its first parents, nearest first. Errors: a shallow clone.
    pub fn lineage_from(&self, commit: &str) -> Result<Vec<Link>, GitError> {
        self.whole()?;
        self.walk(self.commit(commit)?)
    }

    fn walk(&self, from: Commit<'_>) -> Result<Vec<Link>, GitError> {
        self.whole()?;
        let mut links = Vec::new();
        let mut next = Some(from);
        while let Some(commit) = next.filter(|_| links.len() < self.max_walk) {
            links.push(self.link(&commit)?);
            next = self.first_parent(&commit)?;
        }
        Ok(links)
    }

    /// None of the first commit. Errors: there is one, and it cannot be read.
    pub(super) fn first_parent<'r>(
        &'r self,
        commit: &Commit<'r>,
    ) -> Result<Option<Commit<'r>>, GitError> {
        let Some(id) = commit.parent_ids().next() else { return Ok(None) };
        self.inner.find_commit(id).map(Some).map_err(|e| self.unread(format!("commit {id}"), &e))
    }

    /// The last commit of a walk that ended before history does.
    pub fn walk_stopped_at<'l>(&self, links: &'l [Link]) -> Result<Option<&'l Link>, GitError> {
        let Some(last) = links.last().filter(|_| links.len() >= self.max_walk) else {
            return Ok(None);
        };
        Ok(self.first_parent(&self.commit(&last.commit)?)?.map(|_| last))
    }

    pub(super) fn unread(&self, what: impl Into<String>, e: &git2::Error) -> GitError {
        GitError::unread(&self.inner, what, e)
    }

    /// Errors: a shallow clone. libgit2 looks beside HEAD only, where a worktree of a shallow clone
    /// has no such file.
    pub(super) fn whole(&self) -> Result<(), GitError> {
        let shallow = self.inner.is_shallow() || self.inner.commondir().join("shallow").exists();
        if shallow { Err(GitError::Shallow) } else { Ok(()) }
    }

    pub(super) fn head_commit(&self) -> Result<Commit<'_>, GitError> {
        self.reference()?.peel_to_commit().map_err(|e| self.unread("HEAD", &e))
    }

    /// The commit of a branch, tag or hash, and words for it.
    pub fn resolve(&self, name: &str) -> Result<(String, String), GitError> {
        Ok(hash_and_words(self.commit(name)?.id(), name))
    }

    /// A commit's facts.
    pub fn link_of(&self, commit: &str) -> Result<Link, GitError> {
        self.link(&self.commit(commit)?)
    }

    /// When its author wrote it: RFC 3339, UTC. None where this repository does not have it.
    pub fn authored(&self, commit: &str) -> Option<String> {
        let seconds = self.commit(commit).ok()?.author().when().seconds();
        OffsetDateTime::from_unix_timestamp(seconds).ok()?.format(&Rfc3339).ok()
    }

    /// Removes the worktrees of gates that were killed.
    pub fn remove_abandoned_worktrees(&self) {
        worktree::remove_abandoned(&self.inner);
    }

    pub fn worktree(&self, commit: &str) -> Result<Worktree, GitError> {
        Worktree::add(&self.inner, commit)
    }

    pub(super) fn commit(&self, name: &str) -> Result<Commit<'_>, GitError> {
        self.commit_if_there(name)?.ok_or_else(|| GitError::NoCommit(name.to_owned()))
    }

    /// None where nothing is called so. Errors: something is, and cannot be read.
    pub(super) fn commit_if_there(&self, name: &str) -> Result<Option<Commit<'_>>, GitError> {
        // Libgit2 takes no name for HEAD's.
        if name.is_empty() {
            return Ok(None);
        }
        // `origin/main` is the remote's branch, whatever tag somebody has called so.
        match self.inner.find_reference(&format!("refs/remotes/{name}")) {
            Ok(reference) => self.commit_of(name, &reference).map(Some),
            Err(e) if !is_absent(&e) => Err(self.unread(format!("{name:?}"), &e)),
            Err(_) => {
                match self.inner.revparse_single(name).and_then(|object| object.peel_to_commit()) {
                    Ok(commit) => Ok(Some(commit)),
                    Err(e) => match self.inner.resolve_reference_from_short_name(name) {
                        // A branch or tag whose object is lost is one all the same.
                        Ok(reference) => self.commit_of(name, &reference).map(Some),
                        Err(none) if is_absent(&none) && is_absent(&e) => Ok(None),
                        Err(_) => Err(self.unread(format!("{name:?}"), &e)),
                    },
                }
            }
        }
    }

    fn commit_of<'r>(
        &'r self,
        name: &str,
        reference: &Reference<'r>,
    ) -> Result<Commit<'r>, GitError> {
        let target = reference
            .resolve()
            .ok()
            .and_then(|r| r.target())
            .map_or_else(String::new, |id| format!(" (object {id})"));
        reference.peel_to_commit().map_err(|e| self.unread(format!("{name:?}{target}"), &e))
    }

    /// Of two names the first that is there, with words for it.
    pub fn resolve_first(&self, first: &str, second: &str) -> Result<(String, String), GitError> {
        let found = self.commit_if_there(first)?;
        found.map_or_else(|| self.resolve(second), |commit| Ok(hash_and_words(commit.id(), first)))
    }

    pub(super) fn reference(&self) -> Result<Reference<'_>, GitError> {
        self.inner.head().map_err(|e| match e.code() {
            ErrorCode::UnbornBranch | ErrorCode::NotFound => GitError::Unborn,
            _ => other(&e),
        })
    }

    pub(super) fn link(&self, commit: &Commit<'_>) -> Result<Link, GitError> {
        Ok(Link {
            commit: commit.id().to_string(),
            tree: self.bare_tree(commit)?.to_string(),
            time_s: commit.time().seconds(),
        })
    }

    pub(super) fn tree<'r>(&self, commit: &Commit<'r>) -> Result<Tree<'r>, GitError> {
        commit.tree().map_err(|e| self.unread(format!("the tree of commit {}", commit.id()), &e))
    }

    /// The commit's tree hash without the baselines folder, computed and not written. A folder
    /// below the top level stays in it.
    fn bare_tree(&self, commit: &Commit<'_>) -> Result<Oid, GitError> {
        let tree = self.tree(commit)?;
        let skipped = self.baselines.to_string_lossy();
        let mut bytes = Vec::new();
        for entry in tree.iter().filter(|e| e.name_bytes() != skipped.as_bytes()) {
            bytes.extend_from_slice(format!("{:o} ", entry.filemode_raw()).as_bytes());
            bytes.extend_from_slice(entry.name_bytes());
            bytes.push(0);
            bytes.extend_from_slice(entry.id().as_bytes());
        }
        Oid::hash_object(ObjectType::Tree, &bytes).map_err(|e| other(&e))
    }
}

pub(super) fn hash_and_words(commit: Oid, words: &str) -> (String, String) {
    let hash = commit.to_string();
    let short: String = hash.chars().take(12).collect();
    let words = if hash.starts_with(words) { short } else { format!("{short} ({words})") };
    (hash, words)
}

/// `https://user:key@github.com/acme/serving.git` and `git@github.com:acme/serving.git` are
/// `github.com/acme/serving`.
fn remote_name(url: &str) -> Option<String> {
    let rest = url
        .split_once("://")
        .map_or_else(|| url.replacen(':', "/", 1), |(_, rest)| rest.to_owned());
    let (host, path) = rest.split_once('/')?;
    let host = host.rsplit('@').next().filter(|h| h.contains('.') && !h.starts_with('.'))?;
    Some(format!("{host}/{}", path.trim_end_matches('/').trim_end_matches(".git")))
}

#[cfg(test)]
mod tests {
    use super::remote_name;

    #[test]
    fn a_remote_is_named_without_its_key() {
        let name = |url| remote_name(url).unwrap_or_default();
        assert_eq!(
            name("https://me:s3cret@github.com/acme/serving.git"),
            "github.com/acme/serving"
        );
        assert_eq!(name("git@github.com:acme/serving.git"), "github.com/acme/serving");
        assert_eq!(
            name("ssh://git@git.acme.example/acme/serving"),
            "git.acme.example/acme/serving"
        );
        assert_eq!(remote_name("/srv/git/serving.git"), None);
    }
}
