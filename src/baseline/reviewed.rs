//! Files that people review beside the sessions (`accepted.json`, `anchor`), and what git knows of
//! them: who brought an entry, and with which commit a change came in.
//!
//! Not here: what they say (`accept`), whose file counts (`command`).

use git2::Oid;

use super::lineage::{GitError, Link, Repo};

/// Reviewed acceptances.
pub const ACCEPTED: &str = "accepted.json";
/// The pinned point of the past that drift is reckoned from.
pub const ANCHOR: &str = "anchor";

/// The commit of a first-parent line with which something came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Introduced {
    pub commit: String,
    pub author: String,
}

impl Repo {
    /// A reviewed file's text as a commit has it.
    pub fn reviewed_at(&self, commit: &str, name: &str) -> Result<Option<String>, GitError> {
        self.file_at(commit, &self.baselines.join(name))
    }

    /// Since when, on first parents from `from`, the file says something without a break; none
    /// where it does not say it there.
    pub fn introduced(
        &self,
        from: &str,
        name: &str,
        says: impl Fn(&str) -> bool,
    ) -> Result<Option<Introduced>, GitError> {
        let path = self.baselines.join(name);
        let mut next = Some(self.commit(from)?);
        let mut last: Option<(Option<Oid>, bool)> = None;
        let mut found = None;
        while let Some(commit) = next {
            let id = commit.id().to_string();
            let blob = self.entry_at(&id, &path)?;
            let holds = match last {
                Some((seen, held)) if seen == blob => held,
                _ => blob.is_some() && self.file_at(&id, &path)?.is_some_and(|text| says(&text)),
            };
            if !holds {
                break;
            }
            last = Some((blob, holds));
            let author = String::from_utf8_lossy(commit.author().name_bytes()).into_owned();
            found = Some(Introduced { commit: id, author });
            next = self.first_parent(&commit)?;
        }
        Ok(found)
    }

    /// The link with which a commit came into a lineage (nearest first): by a merge, or as it is;
    /// after a squash or a rebase by its tree without the baselines folder. None where it is not in
    /// it.
    pub fn landing(
        &self,
        links: &[Link],
        commit: Option<&str>,
        tree: Option<&str>,
    ) -> Result<Option<usize>, GitError> {
        let mut with = 0;
        for link in links {
            if !commit.map_or(Ok(false), |commit| self.contains(&link.commit, commit))? {
                break;
            }
            with += 1;
        }
        let merged = usize::checked_sub(with, 1);
        Ok(merged.or_else(|| links.iter().rposition(|l| Some(l.tree.as_str()) == tree)))
    }

    /// Whether a commit is another, or has it among its ancestors; false where one of them is not
    /// here. Errors: one between them cannot be read.
    pub fn contains(&self, commit: &str, ancestor: &str) -> Result<bool, GitError> {
        let Some((a, b)) = Oid::from_str(commit).ok().zip(Oid::from_str(ancestor).ok()) else {
            return Ok(false);
        };
        if self.inner.find_commit(a).is_err() || self.inner.find_commit(b).is_err() {
            return Ok(false);
        }
        let below = || {
            self.inner
                .graph_descendant_of(a, b)
                .map_err(|e| self.unread(format!("what {commit} is made of"), &e))
        };
        Ok(a == b || below()?)
    }
}
