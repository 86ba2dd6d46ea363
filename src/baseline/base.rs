//! Which commit a change is judged against: the base branch, the merge base, and where the walk to
//! a baseline begins.
//!
//! Not here: what an event says of it (`app/workspace/event.rs`), which sessions are found on the
//! way.

use git2::{BranchType, Commit, ErrorClass, ErrorCode};

use super::error::other;
use super::lineage::{GitError, Head, Repo, hash_and_words};
use crate::report::notice::Notice;

/// What is known of the base before git is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// `--base`: this and no other.
    pub named: Option<String>,
    /// Commits and branches of the event, the most exact first.
    pub event: Vec<String>,
    /// Without any of them there is no answer; else the commit before a forced push, which nobody
    /// can fetch any more.
    pub event_only: bool,
    /// The pull request's head, which tells a checkout of `refs/pull/N/merge`.
    pub pull_head: Option<String>,
    pub default_branch: Option<String>,
    pub ci: bool,
    /// What is judged is another commit than HEAD.
    pub change: Option<Change>,
}

/// A commit that may be here or not, as that of a fork.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub head: String,
    /// Its merge base with the base, as GitHub says: for a commit that is not here.
    pub merge_base: Option<String>,
}

impl Wanted {
    /// What the base says counts, and not what the change says: in CI, and where somebody names a
    /// base.
    pub fn base_counts(&self) -> bool {
        self.ci || self.named.is_some()
    }

    /// `--base none`: this run judges no change, and says so.
    pub fn no_base(&self) -> bool {
        self.named.as_deref() == Some(NO_BASE)
    }
}

/// What `--base` calls no base at all.
pub const NO_BASE: &str = "none";

/// The base of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "a merge base is called so everywhere")]
pub struct Base {
    /// As people know it: `origin/main`, a hash.
    pub name: String,
    /// Whose tree is trusted.
    pub tip: String,
    pub merge_base: String,
    /// HEAD is on the base branch itself, and no change to it.
    pub on_base: bool,
    /// What should be said of how it was found.
    pub notice: Option<Notice>,
}

impl Base {
    /// Where the walk begins.
    pub fn start<'a>(&'a self, head: &'a str) -> &'a str {
        if self.on_base { head } else { &self.merge_base }
    }

    /// As messages name it: `origin/main (1a2b3c4d5e6f)`.
    pub fn known_as(&self) -> String {
        let short: String = self.tip.chars().take(12).collect();
        if self.tip.starts_with(&self.name) {
            format!("the base {short}")
        } else {
            format!("{} ({short})", self.name)
        }
    }

    /// Where the walk begins, in words; none where it is HEAD.
    pub fn description(&self) -> Option<String> {
        let same = self.merge_base.starts_with(&self.name) || self.merge_base == self.tip;
        let what = if same {
            format!("base {}", brief(&self.name))
        } else {
            format!("merge base with {}", brief(&self.name))
        };
        (!self.on_base).then_some(what)
    }
}

/// Where a base branch is looked for when none is named.
const BASES: [&str; 5] = ["origin/HEAD", "origin/main", "origin/master", "main", "master"];

impl Repo {
    /// What is measured: HEAD. Where that is GitHub's merge of a pull request, the commit is the
    /// pull request's and the tree is the merge's.
    pub fn candidate(&self, pull_head: Option<&str>) -> Result<Head, GitError> {
        let mut head = self.head()?;
        if let Some([_, pull]) = self.merge_parents(&self.head_commit()?, pull_head)? {
            head.link.commit = pull.id().to_string();
        }
        Ok(head)
    }

    /// The base branch, and its merge base with HEAD.
    ///
    /// In this order: what was named; the first parent of GitHub's merge of a pull request; what
    /// the event names; the default branch; the usual names. Outside CI, where none is there, HEAD
    /// is its own base. Errors: a shallow clone, no such branch, no common history.
    pub fn base(&self, wanted: &Wanted) -> Result<Base, GitError> {
        self.whole()?;
        if let Some(change) = &wanted.change {
            return self.base_of_change(change, wanted);
        }
        let head = self.head_commit()?;
        let (name, tip, notice) = self.tip(wanted, &head)?;
        let merge_base = self.common(&head, &tip, &name)?;
        let on_branch = || {
            let reference = self
                .reference()
                .ok()
                .filter(|r| r.is_branch() && !wanted.ci && wanted.named.is_none());
            let branch = reference.and_then(|r| r.shorthand().ok().map(str::to_owned));
            branch.is_some_and(|b| self.is_branch_of(&name, &b))
        };
        let on_base = merge_base == head.id() || on_branch();
        Ok(Base {
            name,
            tip: tip.id().to_string(),
            merge_base: merge_base.to_string(),
            on_base,
            notice,
        })
    }

    /// As [`Self::base`], of a commit that is not HEAD: what the event names is its base, and
    /// nothing else.
    fn base_of_change(&self, change: &Change, wanted: &Wanted) -> Result<Base, GitError> {
        let lost = || {
            wanted.event.first().map_or(GitError::NoEventBase("the branch that it goes to"), |b| {
                GitError::NoCommit(b.clone())
            })
        };
        let (tip, name) = self.first_there(wanted.event.clone())?.ok_or_else(lost)?;
        let (merge_base, notice) = match (self.commit_if_there(&change.head)?, &change.merge_base) {
            (Some(head), _) => (self.common(&head, &tip, &name)?.to_string(), None),
            (None, Some(told)) => (self.commit(told)?.id().to_string(), None),
            (None, None) => {
                let (head, base) = (brief(&change.head).to_owned(), brief(&name).to_owned());
                let unknown = Notice::MergeBaseUnknown { head, base };
                (tip.id().to_string(), Some(unknown))
            }
        };
        Ok(Base { name, tip: tip.id().to_string(), merge_base, on_base: false, notice })
    }

    fn common(
        &self,
        head: &Commit<'_>,
        tip: &Commit<'_>,
        name: &str,
    ) -> Result<git2::Oid, GitError> {
        self.inner.merge_base(head.id(), tip.id()).map_err(|e| match (e.code(), e.class()) {
            (ErrorCode::NotFound, ErrorClass::Merge) => GitError::Unrelated(name.to_owned()),
            _ => self.unread(format!("the history of {} and {}", head.id(), brief(name)), &e),
        })
    }

    /// Whether a commit is here.
    pub fn has_commit(&self, commit: &str) -> Result<bool, GitError> {
        self.commit_if_there(commit).map(|found| found.is_some())
    }

    /// The commit that is built beside the candidate, and words for it: the merge base of HEAD and
    /// the base branch. Where HEAD is on the base branch already: its first parent; outside CI HEAD
    /// itself if files that git knows are changed. In CI the commit is under test, whatever a build
    /// has written over.
    pub fn merge_base(&self, wanted: &Wanted) -> Result<(String, String), GitError> {
        let base = self.base(wanted)?;
        let (head, found) = (self.head_commit()?, self.commit(&base.merge_base)?.id());
        if found != head.id() {
            return Ok(hash_and_words(found, &format!("merge base with {}", brief(&base.name))));
        }
        if !wanted.ci && self.changed()? {
            return Ok(hash_and_words(found, "HEAD, without the working tree's changes"));
        }
        let parent = head.parent_id(0).map_err(|_| GitError::First)?;
        Ok(hash_and_words(
            parent,
            &format!("the commit before HEAD, which is on {}", brief(&base.name)),
        ))
    }

    /// Whether a commit is HEAD, or the pull request's where HEAD is GitHub's merge of that.
    pub fn is_head(&self, commit: &str) -> Result<bool, GitError> {
        let head = self.head_commit()?;
        let fetched = self.merge_parents(&head, None)?;
        Ok(head.id().to_string() == commit
            || fetched.is_some_and(|[_, pull]| pull.id().to_string() == commit))
    }

    fn tip(
        &self,
        wanted: &Wanted,
        head: &Commit<'_>,
    ) -> Result<(String, Commit<'_>, Option<Notice>), GitError> {
        if let Some(name) = &wanted.named {
            return Ok((name.clone(), self.commit(name)?, None));
        }
        if let Some([base, _]) = self.merge_parents(head, wanted.pull_head.as_deref())? {
            return Ok((base.id().to_string(), base, None));
        }
        // Some systems check the change out as a branch of the target's name: then that is the
        // change, and no base.
        let itself = |tip: &Commit<'_>, name: &str| {
            wanted.event_only
                && tip.id() == head.id()
                && self.inner.find_branch(name, BranchType::Local).is_ok()
        };
        if let Some((tip, name)) =
            self.first_there(wanted.event.clone())?.filter(|(tip, name)| !itself(tip, name))
        {
            return Ok((name, tip, None));
        }
        let lost = wanted.event.first();
        if let Some(lost) = lost.filter(|_| wanted.event_only) {
            return Err(GitError::NoCommit(lost.clone()));
        }
        if wanted.event_only {
            return Err(GitError::NoEventBase("the branch that it goes to"));
        }
        let default = wanted.default_branch.iter().flat_map(|b| [format!("origin/{b}"), b.clone()]);
        if let Some((tip, name)) =
            self.first_there(default.chain(BASES.map(str::to_owned)).collect())?
        {
            let instead = |lost: &String| Notice::PushBaseGone {
                commit: brief(lost).to_owned(),
                base: name.clone(),
            };
            let notice = lost.map(instead);
            return Ok((name, tip, notice));
        }
        if wanted.ci {
            return Err(GitError::NoBase(BASES.join(", ")));
        }
        let notice = Notice::NoBaseBranch { looked_for: BASES.map(str::to_owned).into() };
        Ok(("HEAD".into(), self.commit(&head.id().to_string())?, Some(notice)))
    }

    /// The first of these names that something has.
    fn first_there(&self, names: Vec<String>) -> Result<Option<(Commit<'_>, String)>, GitError> {
        for name in names {
            if let Some(commit) = self.commit_if_there(&name)? {
                return Ok(Some((commit, name)));
            }
        }
        Ok(None)
    }

    /// First and second parent, where HEAD is GitHub's merge of a pull request into its base.
    fn merge_parents(
        &self,
        head: &Commit<'_>,
        pull_head: Option<&str>,
    ) -> Result<Option<[Commit<'_>; 2]>, GitError> {
        let parents: Vec<git2::Oid> = head.parent_ids().collect();
        let [first, second] = parents[..] else { return Ok(None) };
        if !self.inner.head_detached().map_err(|e| other(&e))? {
            return Ok(None);
        }
        let fetched = || -> Result<bool, git2::Error> {
            for reference in self.inner.references_glob("refs/remotes/pull/*/merge")? {
                if reference?.target() == Some(head.id()) {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        // The event is believed before a reference that somebody fetched at some time.
        let is_merge = match pull_head {
            Some(pull) => second.to_string() == pull,
            None => fetched().map_err(|e| self.unread("refs/remotes/pull", &e))?,
        };
        let parent = |id: git2::Oid| {
            self.inner.find_commit(id).map_err(|e| self.unread(format!("commit {id}"), &e))
        };
        Ok(if is_merge { Some([parent(first)?, parent(second)?]) } else { None })
    }

    /// `origin/main`, `main` and an `origin/HEAD` that means main are the branch main.
    fn is_branch_of(&self, name: &str, branch: &str) -> bool {
        let meant = self.inner.find_reference(&format!("refs/remotes/{name}")).ok();
        let meant = meant.and_then(|r| r.symbolic_target().ok().flatten().map(str::to_owned));
        let meant = meant.as_deref().and_then(|m| m.strip_prefix("refs/remotes/")).unwrap_or(name);
        meant.strip_prefix("origin/").unwrap_or(meant) == branch
    }
}

/// A hash as people write it; a branch as it is.
fn brief(name: &str) -> &str {
    let hash = name.len() >= 40 && name.chars().all(|c| c.is_ascii_hexdigit());
    if hash { &name[..12] } else { name }
}
