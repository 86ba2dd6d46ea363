//! Where the gate runs: the working folder, its repository and its commit, the environment, CI. Facts only.
//!
//! Not here: what a config there says (`gate`), which sessions it has (`sessions`).
#![expect(clippy::disallowed_methods, reason = "rim: the working folder")]

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::baseline::lineage::{GitError, Link, Repo};
use crate::clock::date;
use crate::config::Config;
use crate::record::GitFacts;

pub mod ci;
pub mod event;
pub mod place;
pub mod runner;
pub mod secrets;

/// The working folder.
pub fn cwd() -> anyhow::Result<PathBuf> {
    std::env::current_dir().context("cannot tell the working folder")
}

/// The repository around the working folder, with the config's baselines.
pub fn repo(config: &Config) -> Result<Repo, GitError> {
    Ok(repo_with(&config.baselines_dir)?.walking(config.baselines_max_walk))
}

/// The repository around the working folder; `baselines` is relative to its root.
pub fn repo_with(baselines: &Path) -> Result<Repo, GitError> {
    let cwd = std::env::current_dir().map_err(|e| GitError::Other(e.to_string()))?;
    Repo::discover(&cwd, baselines)
}

/// None before the first commit. Errors: HEAD, or what is changed here, cannot be read.
pub fn head_facts_if_born(repo: &Repo) -> Result<Option<GitFacts>, GitError> {
    match head_facts(repo) {
        Err(GitError::Unborn) => Ok(None),
        facts => facts.map(Some),
    }
}

pub fn head_facts(repo: &Repo) -> Result<GitFacts, GitError> {
    let head = repo.candidate(event::wanted(None).pull_head.as_deref())?;
    git_facts(head.link, head.dirty)
}

/// Of a commit as it is checked out somewhere else: nothing in it is uncommitted.
pub fn commit_facts(repo: &Repo, commit: &str) -> Result<GitFacts, GitError> {
    git_facts(repo.link_of(commit)?, false)
}

fn git_facts(link: Link, dirty: bool) -> Result<GitFacts, GitError> {
    let at = time::OffsetDateTime::from_unix_timestamp(link.time_s).map_err(|e| GitError::Other(e.to_string()))?;
    Ok(GitFacts { commit: link.commit, tree: link.tree, dirty, commit_date: date(at) })
}

pub fn baselines_folder(repo: &Repo, config: &Config) -> anyhow::Result<PathBuf> {
    let root = repo.root().context("the repository is bare: it has no folder for baseline files")?;
    Ok(root.join(&config.baselines_dir))
}
