//! Files that people review beside the sessions (`accepted.json`, `anchor`), and what git knows of them: who brought an entry, and with
//! which commit a change came in.
//!
//! Not here: what they say (`accept`), whose file counts (`command`).

use std::path::Path;

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

    /// Since when, on first parents from `from`, the file says something without a break; none where it does not say it there.
    pub fn introduced(&self, from: &str, name: &str, says: impl Fn(&str) -> bool) -> Option<Introduced> {
        let path = self.baselines.join(name);
        let mut next = self.commit(from).ok();
        let mut last: Option<(Option<Oid>, bool)> = None;
        let mut found = None;
        while let Some(commit) = next {
            let blob = commit.tree().ok().and_then(|t| t.get_path(&path).ok().map(|e| e.id()));
            let holds = match last {
                Some((seen, held)) if seen == blob => held,
                _ => blob.is_some() && self.said(&commit.id().to_string(), &path, &says),
            };
            if !holds {
                break;
            }
            last = Some((blob, holds));
            let author = String::from_utf8_lossy(commit.author().name_bytes()).into_owned();
            found = Some(Introduced { commit: commit.id().to_string(), author });
            next = commit.parent(0).ok();
        }
        found
    }

    fn said(&self, commit: &str, path: &Path, says: &impl Fn(&str) -> bool) -> bool {
        self.file_at(commit, path).ok().flatten().is_some_and(|text| says(&text))
    }

    /// The link with which a commit came into a lineage (nearest first): by a merge, or as it is; after a squash or a rebase by its
    /// tree without the baselines folder. None where it is not in it.
    pub fn landing(&self, links: &[Link], commit: Option<&str>, tree: Option<&str>) -> Option<usize> {
        let merged = commit.and_then(|c| links.iter().take_while(|l| self.contains(&l.commit, c)).count().checked_sub(1));
        merged.or_else(|| links.iter().rposition(|l| Some(l.tree.as_str()) == tree))
    }

    /// Whether a commit is another, or has it among its ancestors; false where one of them is not here.
    pub fn contains(&self, commit: &str, ancestor: &str) -> bool {
        let ids = Oid::from_str(commit).ok().zip(Oid::from_str(ancestor).ok());
        let here = |(a, b): &(Oid, Oid)| self.inner.find_commit(*a).is_ok() && self.inner.find_commit(*b).is_ok();
        ids.filter(here).is_some_and(|(a, b)| a == b || self.inner.graph_descendant_of(a, b).unwrap_or(false))
    }
}
