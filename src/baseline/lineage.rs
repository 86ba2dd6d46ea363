//! Git facts through libgit2: HEAD, its tree without the baselines folder, dirty files, and the first-parent lineage.
//!
//! Not here: which branch is the base (`base`), what a commit's tree holds (`tree`).
//!
//! A shallow clone is an error that names the way out: libgit2 would walk one commit and say nothing.

use std::path::{Path, PathBuf};

use git2::{Commit, ErrorCode, ObjectType, Oid, Reference, Repository, RepositoryOpenFlags, StatusOptions};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::ceiling::ceilings;
use super::worktree::Worktree;

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
}

#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error(
        "no git repository here or above: baselines are found by commit, so run inside the repository or name them with --baseline PATH"
    )]
    None,
    #[error(
        "the clone is shallow, so commits before the newest are not here: fetch all of them (actions/checkout: `fetch-depth: 0`; by hand: `git fetch --unshallow`)"
    )]
    Shallow,
    #[error("the repository belongs to another user: run `git config --global --add safe.directory {0}`")]
    Owner(String),
    #[error(
        "this repository cannot be read: it uses {0}, which libgit2 does not know: name the baseline with --baseline PATH, or clone it in git's usual format (`git init --object-format=sha1 --ref-format=files`)"
    )]
    Format(&'static str),
    #[error("the repository has no commit yet: commit first, baselines are keyed by commit")]
    Unborn,
    #[error("no commit, branch or tag {0:?} here: fetch it, or name another (--base, gate.baseline.ref, baselines.ref)")]
    NoCommit(String),
    #[error("no base branch found (looked for {0}): name it with --base REF, or the baseline's commit in gate.baseline.ref")]
    NoBase(String),
    #[error(
        "HEAD and {0} have no commit in common: name another base with --base REF, or the baseline's commit in gate.baseline.ref"
    )]
    Unrelated(String),
    #[error("HEAD is the first commit of its branch, and the tree is clean: there is nothing to compare it with")]
    First,
    #[error("git: {0}")]
    Other(String),
}

/// Farther back than this no baseline is looked for.
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
        Ok(Self { inner, baselines: baselines.to_owned() })
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

    /// The branch that pull requests go to: what `origin/HEAD` points to, else `main` or `master`, else the one that is checked out.
    pub fn default_branch(&self) -> Option<String> {
        let remote = self.inner.find_reference("refs/remotes/origin/HEAD").ok();
        let named = remote.and_then(|r| Some(r.symbolic_target().ok()??.strip_prefix("refs/remotes/origin/")?.to_owned()));
        let exists = |name: &&str| {
            self.inner.find_branch(name, git2::BranchType::Local).is_ok()
                || self.inner.find_branch(&format!("origin/{name}"), git2::BranchType::Remote).is_ok()
        };
        let usual = || ["main", "master"].iter().find(|name| exists(name)).map(|name| (*name).to_owned());
        // HEAD's own reference also names a branch that has no commit yet.
        let head = || {
            let head = self.inner.find_reference("HEAD").ok()?;
            Some(head.symbolic_target().ok()??.strip_prefix("refs/heads/")?.to_owned())
        };
        named.or_else(usual).or_else(head)
    }

    pub fn head(&self) -> Result<Head, GitError> {
        let head = self.reference()?;
        let commit = head.peel_to_commit().map_err(|e| other(&e))?;
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
        while let Some(commit) = next.filter(|_| links.len() < MAX_WALK) {
            links.push(self.link(&commit)?);
            next = commit.parent(0).ok();
        }
        Ok(links)
    }

    /// Errors: a shallow clone. libgit2 looks beside HEAD only, where a worktree of a shallow clone has no such file.
    pub(super) fn whole(&self) -> Result<(), GitError> {
        let shallow = self.inner.is_shallow() || self.inner.commondir().join("shallow").exists();
        if shallow { Err(GitError::Shallow) } else { Ok(()) }
    }

    pub(super) fn head_commit(&self) -> Result<Commit<'_>, GitError> {
        self.reference()?.peel_to_commit().map_err(|e| other(&e))
    }

    /// The commit of a branch, tag or hash, and words for it.
    pub fn resolve(&self, name: &str) -> Result<(String, String), GitError> {
        Ok(said(self.commit(name)?.id(), name))
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

    pub fn worktree(&self, commit: &str) -> Result<Worktree, GitError> {
        Worktree::add(&self.inner, commit)
    }

    pub(super) fn commit(&self, name: &str) -> Result<Commit<'_>, GitError> {
        let object = self.inner.revparse_single(name).map_err(|_| GitError::NoCommit(name.to_owned()))?;
        object.peel_to_commit().map_err(|e| other(&e))
    }

    pub(super) fn reference(&self) -> Result<Reference<'_>, GitError> {
        self.inner.head().map_err(|e| match e.code() {
            ErrorCode::UnbornBranch | ErrorCode::NotFound => GitError::Unborn,
            _ => other(&e),
        })
    }

    pub(super) fn link(&self, commit: &Commit<'_>) -> Result<Link, GitError> {
        Ok(Link { commit: commit.id().to_string(), tree: self.bare_tree(commit)?.to_string(), time_s: commit.time().seconds() })
    }

    /// The commit's tree hash without the baselines folder, computed and not written. A folder below the top level stays in it.
    fn bare_tree(&self, commit: &Commit<'_>) -> Result<Oid, GitError> {
        let tree = commit.tree().map_err(|e| other(&e))?;
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

    /// Changed or new files outside the baselines folder.
    pub(super) fn dirty(&self) -> Result<bool, GitError> {
        self.altered(true)
    }

    /// Changed files that git knows, outside the baselines folder: a note that lies about is no change of the code.
    pub(super) fn changed(&self) -> Result<bool, GitError> {
        self.altered(false)
    }

    fn altered(&self, untracked: bool) -> Result<bool, GitError> {
        if self.inner.is_bare() {
            return Ok(false);
        }
        let mut options = StatusOptions::new();
        options.include_untracked(untracked).recurse_untracked_dirs(false);
        let statuses = self.inner.statuses(Some(&mut options)).map_err(|e| other(&e))?;
        // By parts of the path: `baselines-notes.txt` is not in `baselines`. A new folder is shown with a slash at its end.
        let outside = |path: &[u8]| !Path::new(&*String::from_utf8_lossy(path)).starts_with(&self.baselines);
        Ok(statuses.iter().any(|s| outside(s.path_bytes())))
    }
}

pub(super) fn said(commit: Oid, words: &str) -> (String, String) {
    let hash = commit.to_string();
    let short: String = hash.chars().take(12).collect();
    let words = if hash.starts_with(words) { short } else { format!("{short} ({words})") };
    (hash, words)
}

/// libgit2 tells what it does not know in words only.
fn unknown_format(message: &str) -> Option<GitError> {
    let message = message.to_ascii_lowercase();
    if message.contains("refstorage") || message.contains("reftable") {
        return Some(GitError::Format("reftable references"));
    }
    (message.contains("objectformat") || message.contains("object format") || message.contains("sha256"))
        .then_some(GitError::Format("SHA-256 object names"))
}

pub(super) fn other(e: &git2::Error) -> GitError {
    GitError::Other(e.message().to_owned())
}

/// `https://user:key@github.com/acme/serving.git` and `git@github.com:acme/serving.git` are `github.com/acme/serving`.
fn remote_name(url: &str) -> Option<String> {
    let rest = url.split_once("://").map_or_else(|| url.replacen(':', "/", 1), |(_, rest)| rest.to_owned());
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
        assert_eq!(name("https://me:s3cret@github.com/acme/serving.git"), "github.com/acme/serving");
        assert_eq!(name("git@github.com:acme/serving.git"), "github.com/acme/serving");
        assert_eq!(name("ssh://git@git.acme.example/acme/serving"), "git.acme.example/acme/serving");
        assert_eq!(remote_name("/srv/git/serving.git"), None);
    }
}
