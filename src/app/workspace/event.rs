//! Which event means which base, before git is asked.
//!
//! Not here: finding it in git (`baseline::base`).

use crate::baseline::base::Wanted;
use crate::config::Occasion;
use crate::github::event::Ci;

/// Of a change that goes into a branch, on another system than GitHub. Where several are named
/// there is no telling which, and then none.
pub fn base_of_branches(branches: &[String]) -> Wanted {
    let event = if let [branch] = branches { names(branch).into() } else { Vec::new() };
    Wanted { event, event_only: !branches.is_empty(), ..Wanted::default() }
}

/// The remote's first: the branch of that name here may be older.
fn names(branch: &String) -> [String; 2] {
    [format!("origin/{branch}"), branch.clone()]
}

/// What a workflow run is for: only a change is waited for.
pub fn occasion(event: &str) -> Occasion {
    match event {
        "push" | "schedule" => Occasion::Nightly,
        "release" => Occasion::Release,
        _ => Occasion::PullRequest,
    }
}

/// What a workflow run is to be compared with.
pub fn base_of_event(ci: &Ci) -> Wanted {
    let sha = ci.base.sha.clone().into_iter();
    let default_branch = ci.default_branch.clone();
    match ci.event.as_str() {
        "pull_request" | "pull_request_target" | "pull_request_review" => Wanted {
            event: sha.chain(ci.base.branch.iter().flat_map(names)).collect(),
            event_only: true,
            pull_head: ci.head_sha.clone(),
            default_branch,
            ..Wanted::default()
        },
        "merge_group" => Wanted {
            event: sha.chain(ci.base.branch.iter().flat_map(names)).collect(),
            event_only: true,
            default_branch,
            ..Wanted::default()
        },
        // What the branch was before; nothing where the push made it, and nothing to be had where
        // the push was forced.
        "push" => Wanted { event: sha.collect(), default_branch, ..Wanted::default() },
        // schedule, workflow_dispatch, workflow_run...: the default branch.
        _ => Wanted { default_branch, ..Wanted::default() },
    }
}

#[cfg(test)]
mod tests;
