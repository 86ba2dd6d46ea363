//! `baselines`: where baseline files are, and how far back they are looked for. Wire form, check.
//!
//! Not here: reading them (`baseline/`).

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::Checker;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BaselinesFile {
    /// Folder of baseline files, relative to the repository's root.
    pub dir: Option<String>,
    /// Branch or tag whose tree holds that folder, where it is not the base branch.
    #[serde(rename = "ref")]
    pub branch: Option<String>,
    /// Commits that are looked at for baselines, from the merge base back.
    pub max_walk: Option<u32>,
}

/// The section as it was checked.
pub struct Baselines {
    pub dir: PathBuf,
    pub branch: Option<String>,
    /// Commits, 1 or more.
    pub max_walk: u32,
}

impl Checker {
    /// The section over the defaults.
    pub fn baselines(&mut self, file: BaselinesFile, defaults: BaselinesFile) -> Option<Baselines> {
        let max_walk = self.max_walk(file.max_walk.or(defaults.max_walk));
        if file.branch.as_ref().is_some_and(|name| name.trim().is_empty()) {
            self.bad(
                "baselines.ref",
                "is empty",
                "name a branch, or leave it out for the base branch",
            );
        }
        let dir = self.baselines_dir(file.dir.or(defaults.dir));
        Some(Baselines { dir: dir?, branch: file.branch, max_walk: max_walk? })
    }

    fn baselines_dir(&mut self, dir: Option<String>) -> Option<PathBuf> {
        let dir = dir?;
        let inside =
            !dir.is_empty() && !dir.starts_with('/') && dir.split('/').all(|part| part != "..");
        if !inside {
            self.bad(
                "baselines.dir",
                format!("`{dir}` is not inside the repository"),
                "write a path relative to the repository's root",
            );
        }
        Some(PathBuf::from(dir)).filter(|_| inside)
    }

    fn max_walk(&mut self, commits: Option<u32>) -> Option<u32> {
        let commits = commits?;
        if commits == 0 {
            self.bad(
                "baselines.max_walk",
                "is 0, so that no commit would be looked at",
                "write 1 or more",
            );
        }
        Some(commits).filter(|commits| *commits > 0)
    }
}
