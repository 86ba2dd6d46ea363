//! The commits of a first-parent range, and which of them hold the same files. Not here: measuring
//! them.

use std::path::PathBuf;

use git2::Commit;

use super::lineage::{GitError, Repo};

/// A commit between two others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeCommit {
    pub commit: String,
    /// First line of its message.
    pub subject: String,
    /// Equal for commits that hold the same files.
    pub files: String,
}

impl Repo {
    /// From GOOD, which is the first, along first parents to BAD, which is the last. `paths`: only
    /// these count as a commit's files; all but the baselines folder where there are none.
    ///
    /// Errors: a shallow clone; GOOD is not among BAD's first-parent ancestors.
    pub fn range(
        &self,
        good: &str,
        bad: &str,
        paths: &[PathBuf],
    ) -> Result<Vec<RangeCommit>, GitError> {
        self.whole()?;
        let first = self.commit(good)?.id();
        let mut commits = Vec::new();
        let mut next = Some(self.commit(bad)?);
        while let Some(commit) = next {
            commits.push(self.range_commit(&commit, paths)?);
            if commit.id() == first {
                commits.reverse();
                return Ok(commits);
            }
            next = self.first_parent(&commit)?;
        }
        Err(self.not_between(good, bad))
    }

    fn range_commit(
        &self,
        commit: &Commit<'_>,
        paths: &[PathBuf],
    ) -> Result<RangeCommit, GitError> {
        let hash = commit.id().to_string();
        let files = if paths.is_empty() {
            self.link(commit)?.tree
        } else {
            let at = |path: &PathBuf| {
                Ok(self.entry_at(&hash, path)?.map_or_else(String::new, |id| id.to_string()))
            };
            paths.iter().map(at).collect::<Result<Vec<_>, GitError>>()?.join(" ")
        };
        let subject = commit.summary().ok().flatten().unwrap_or_default().to_owned();
        Ok(RangeCommit { commit: hash, subject, files })
    }

    fn not_between(&self, good: &str, bad: &str) -> GitError {
        let shared = self.commit(good).and_then(|good| Ok((good, self.commit(bad)?)));
        let shared = shared.ok().and_then(|(good, bad)| {
            self.inner.merge_base(good.id(), bad.id()).ok().map(|id| id.to_string())
        });
        GitError::NotBetween { good: good.to_owned(), bad: bad.to_owned(), shared }
    }
}
