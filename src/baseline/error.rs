//! What can be wrong with a repository, each with the way out. "Cannot be read" is never "is not
//! there".

use git2::{ErrorCode, Repository};

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
    #[error(
        "the repository belongs to another user, and git reads no such: run `git config --global --add safe.directory {0}`"
    )]
    Owner(String),
    #[error(
        "this repository cannot be read: it uses {0}, which libgit2 does not know: name the baseline with --baseline PATH, or clone it in git's usual format (`git init --object-format=sha1 --ref-format=files`)"
    )]
    Format(&'static str),
    #[error("the repository has no commit yet: commit first, baselines are keyed by commit")]
    Unborn,
    #[error(
        "no commit, branch or tag {0:?} here: fetch it, or name another (--base, gate.baseline.ref, baselines.ref)"
    )]
    NoCommit(String),
    #[error(
        "no base branch found (looked for {0}): name it with --base REF, or the baseline's commit in gate.baseline.ref"
    )]
    NoBase(String),
    #[error(
        "HEAD and {0} have no commit in common: name another base with --base REF, or the baseline's commit in gate.baseline.ref"
    )]
    Unrelated(String),
    #[error(
        "HEAD is the first commit of its branch, and the tree is clean: there is nothing to compare it with"
    )]
    First,
    #[error("cannot read {what} in this repository ({why}): {remedy}")]
    Unread { what: String, why: String, remedy: String },
    #[error(
        "the change is compared with {0}, and the event says neither its commit nor its branch: name the base branch with --base REF"
    )]
    NoEventBase(&'static str),
    #[error(
        "{0} leads out of this repository, so that no commit has what it leads to: commit a plain file there"
    )]
    LedOut(String),
    #[error(
        "{0} lies in a submodule, and is read from this repository only: name a file of this repository"
    )]
    InSubmodule(String),
    #[error("git: {0}")]
    Other(String),
}

impl GitError {
    /// An object, or whatever else git has a name for, that is there by what leads to it and cannot
    /// be read.
    pub(super) fn unread(repo: &Repository, what: impl Into<String>, e: &git2::Error) -> Self {
        let remedy = match promisor(repo) {
            Some(remote) => format!(
                "this clone is partial, and what was left out is not here: `git fetch --refetch --no-filter {remote}` fetches it \
                 (actions/checkout: neither `filter` nor `sparse-checkout`, and `fetch-depth: 0`)"
            ),
            None => "the repository is damaged: `git fsck` says where, `git fetch --refetch` or a new clone mends it".into(),
        };
        Self::Unread { what: what.into(), why: e.message().to_owned(), remedy }
    }
}

/// The remote that promises what a partial clone has left out.
fn promisor(repo: &Repository) -> Option<String> {
    let config = repo.config().ok()?;
    let mut entries = config.entries(Some(r"^remote\..*\.promisor$")).ok()?;
    while let Some(Ok(entry)) = entries.next() {
        let name =
            entry.name().ok().and_then(|n| n.strip_prefix("remote.")?.strip_suffix(".promisor"));
        let set = entry.value() != Ok("false");
        if let Some(name) = name.filter(|_| set) {
            return Some(name.to_owned());
        }
    }
    None
}

/// There is nothing of this name, or nothing can have it.
pub(super) fn is_absent(e: &git2::Error) -> bool {
    matches!(e.code(), ErrorCode::NotFound | ErrorCode::InvalidSpec)
}

/// libgit2 tells what it does not know in words only.
pub(super) fn unknown_format(message: &str) -> Option<GitError> {
    let message = message.to_ascii_lowercase();
    if message.contains("refstorage") || message.contains("reftable") {
        return Some(GitError::Format("reftable references"));
    }
    if message.contains("partialclone") {
        return Some(GitError::Format("an older git's partial clone"));
    }
    (message.contains("objectformat")
        || message.contains("object format")
        || message.contains("sha256"))
    .then_some(GitError::Format("SHA-256 object names"))
}

pub(super) fn other(e: &git2::Error) -> GitError {
    GitError::Other(e.message().to_owned())
}
