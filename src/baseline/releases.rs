//! Tags that are releases, by their names. Not here: which of them counts (`app::baselines::drift`).

use super::lineage::{GitError, Repo};

impl Repo {
    /// Tags that are named as a version (`v1.2`, `app-1.2.3`), each with its commit. Those that lead
    /// to none are left out.
    pub fn releases(&self) -> Result<Vec<(String, String)>, GitError> {
        let tags =
            self.inner.references_glob("refs/tags/*").map_err(|e| self.unread("tags", &e))?;
        let mut all = Vec::new();
        for tag in tags {
            let tag = tag.map_err(|e| self.unread("tags", &e))?;
            let Ok(name) = tag.shorthand().map(str::to_owned) else { continue };
            if is_version(&name)
                && let Ok(commit) = tag.peel_to_commit()
            {
                all.push((name, commit.id().to_string()));
            }
        }
        Ok(all)
    }
}

/// What follows the last `-`, `_` or `/` is a version of two numbers or more: neither a release
/// candidate nor a tag that moves on (`v1`).
fn is_version(name: &str) -> bool {
    let last = name.rsplit(['-', '_', '/']).next().unwrap_or(name);
    let numbers = last.strip_prefix(['v', 'V']).unwrap_or(last).split('.');
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    numbers.clone().count() > 1 && numbers.into_iter().all(is_number)
}

#[cfg(test)]
mod tests {
    use super::is_version;

    #[test]
    fn releases_are_known_by_their_names() {
        for name in ["v1.2", "1.2.3", "app-1.2.3", "serving/v2.0", "release_2026.11"] {
            assert!(is_version(name), "{name}");
        }
        for name in ["v1", "latest", "v1.2.0-rc1", "nightly-20261130", "v1.x", "1..2", ""] {
            assert!(!is_version(name), "{name}");
        }
    }
}
