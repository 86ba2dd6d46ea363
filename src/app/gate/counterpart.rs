//! What the baseline's side of an interleaved gate is: which commit, and in words. Not here:
//! starting it (`sides`).

use crate::app::workspace::Workspace;
use crate::baseline::lineage::{GitError, Repo};
use crate::config::{Config, Counterpart};

/// What the baseline of an interleaved run is, for people. `base` names the branch for the merge
/// base. Errors: no such commit.
pub fn described(here: &Workspace, config: &Config, base: Option<&str>) -> anyhow::Result<String> {
    Ok(match &config.gate.baseline {
        Counterpart::MergeBase | Counterpart::Ref(_) => {
            baseline_commit(here, &here.repo(config)?, config, base)?.1
        }
        Counterpart::Target(name) => format!("target {name}"),
        Counterpart::Config(file) => format!("the target of {}", file.display()),
        Counterpart::Url(url) => url.clone(),
    })
}

/// The commit that the baseline's side is built from, and words for it.
pub fn baseline_commit(
    here: &Workspace,
    repo: &Repo,
    config: &Config,
    base: Option<&str>,
) -> Result<(String, String), GitError> {
    match &config.gate.baseline {
        Counterpart::Ref(name) => repo.resolve(name),
        _ => repo.merge_base(&here.wanted(base)),
    }
}
