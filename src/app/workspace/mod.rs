//! Where the gate runs: the working folder, its repository and its commit, the environment, CI.
//! Facts only.
//!
//! Not here: what a config there says (`gate`), which sessions it has (`sessions`).
#![expect(clippy::disallowed_methods, reason = "rim: the working folder")]

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::baseline::base::Wanted;
use crate::baseline::lineage::{GitError, Link, Repo};
use crate::clock::date;
use crate::config::{Config, Occasion};
use crate::github::event::Ci;
use crate::lang::{Explained as _, bilingual};
use crate::record::GitFacts;

pub mod ci;
pub mod event;
pub mod place;
pub mod runner;
pub mod secrets;

/// Where the gate runs. What is asked of it is looked at once: neither folder nor event change
/// under a run.
#[derive(Debug, Default)]
pub struct Workspace {
    cwd: OnceLock<Result<PathBuf, String>>,
    run: OnceLock<Option<Ci>>,
}

impl Workspace {
    /// Of this process.
    pub fn here() -> Self {
        Self::default()
    }

    /// Of a demo, which is no step of a workflow run: its verdict is of no change, so that nobody
    /// is told of it.
    pub fn apart() -> Self {
        Self { run: OnceLock::from(None), ..Self::default() }
    }

    /// The working folder.
    pub fn cwd(&self) -> anyhow::Result<&Path> {
        self.folder()
            .map_err(|why| anyhow::anyhow!("{why}"))
            .explained(|| bilingual!("cannot tell the working folder", "작업 폴더를 알 수 없음"))
    }

    fn folder(&self) -> Result<&Path, &String> {
        self.cwd.get_or_init(|| std::env::current_dir().map_err(|e| e.to_string())).as_deref()
    }

    /// The workflow run that this process is a step of.
    pub fn workflow_run(&self) -> Option<&Ci> {
        self.run.get_or_init(runner::workflow_run).as_ref()
    }

    /// What a run here is for, by its event.
    pub fn occasion(&self) -> Occasion {
        self.workflow_run().map_or_else(Occasion::default, |run| event::occasion(&run.event))
    }

    /// The base that is meant; `named` is `--base`.
    pub fn wanted(&self, named: Option<&str>) -> Wanted {
        let run = self.workflow_run();
        let ci = ci::is_ci() || run.is_some();
        let meant = match run {
            Some(run) => event::base_of_event(run),
            None if ci => event::base_of_branches(&ci::target_branches()),
            None => Wanted::default(),
        };
        Wanted { named: named.map(str::to_owned), ci, ..meant }
    }

    /// The repository around the working folder, with the config's baselines.
    pub fn repo(&self, config: &Config) -> Result<Repo, GitError> {
        Ok(self.repo_with(&config.baselines_dir)?.walking(config.baselines_max_walk))
    }

    /// The repository around the working folder; `baselines` is relative to its root.
    pub fn repo_with(&self, baselines: &Path) -> Result<Repo, GitError> {
        Repo::discover(self.folder().map_err(|why| GitError::Other(why.clone()))?, baselines)
    }

    /// Of HEAD, and whether something is changed here.
    pub fn head_facts(&self, repo: &Repo) -> Result<GitFacts, GitError> {
        let head = repo.candidate(self.wanted(None).pull_head.as_deref())?;
        git_facts(head.link, head.dirty)
    }

    /// The same; none before the first commit. Errors: HEAD, or what is changed here, cannot be
    /// read.
    pub fn head_facts_if_born(&self, repo: &Repo) -> Result<Option<GitFacts>, GitError> {
        match self.head_facts(repo) {
            Err(GitError::Unborn) => Ok(None),
            facts => facts.map(Some),
        }
    }

    /// The same where there is a repository that can be read: without it a record says nothing of a
    /// commit, and is one all the same.
    pub fn head_facts_if_any(&self, config: &Config) -> Option<GitFacts> {
        self.head_facts(&self.repo(config).ok()?).ok()
    }

    /// The branch of the code under test: the workflow run's, else the one that is checked out.
    pub fn branch(&self) -> Option<String> {
        let named = self.workflow_run().and_then(|run| run.head_branch.clone());
        named.or_else(|| self.repo_with(Path::new("")).ok()?.branch())
    }

    /// Where baseline files lie. Errors: no repository, or one without a folder.
    pub fn baselines_folder(&self, config: &Config) -> anyhow::Result<PathBuf> {
        baselines_folder(&self.repo(config)?, config)
    }
}

/// Of a commit as it is checked out somewhere else: nothing in it is uncommitted.
pub fn commit_facts(repo: &Repo, commit: &str) -> Result<GitFacts, GitError> {
    git_facts(repo.link_of(commit)?, false)
}

fn git_facts(link: Link, dirty: bool) -> Result<GitFacts, GitError> {
    let at = time::OffsetDateTime::from_unix_timestamp(link.time_s)
        .map_err(|e| GitError::Other(e.to_string()))?;
    Ok(GitFacts { commit: link.commit, tree: link.tree, dirty, commit_date: date(at) })
}

pub fn baselines_folder(repo: &Repo, config: &Config) -> anyhow::Result<PathBuf> {
    let root = repo.root().ok_or_else(|| {
        bilingual!(
            "the repository is bare: it has no folder for baseline files",
            "베어(bare) 저장소: 기준선 파일을 둘 폴더가 없음"
        )
    })?;
    Ok(root.join(&config.baselines_dir))
}
