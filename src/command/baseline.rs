//! `baseline update|list`, and the sessions that `check` compares with: those of HEAD and its first-parent ancestors.
#![expect(clippy::disallowed_methods, reason = "rim: the working folder")]

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::evaluate::Baseline;
use super::{compare, facts, output, setup};
use crate::baseline::lineage::{GitError, Link, Repo};
use crate::baseline::store;
use crate::cli::{BaselineCommand, BaselineListArgs, WorkloadArgs};
use crate::config::{Config, GateMode};
use crate::exit::ExitStatus;
use crate::record::GitFacts;
use crate::record::session::Session;

pub mod update;

pub fn run(command: &BaselineCommand) -> anyhow::Result<ExitStatus> {
    match command {
        BaselineCommand::Update(args) => update::run(args),
        BaselineCommand::List(args) => list(args),
    }
}

/// The sessions that a check may use, read before anything is sent.
pub struct Baselines {
    pub git: Option<GitFacts>,
    sessions: Vec<(Option<u32>, Session)>,
    missing: Option<String>,
}

impl Baselines {
    /// `named` is a file or folder instead of the repository's. Errors: a shallow clone, an unreadable file.
    pub fn open(config: &Config, named: Option<&Path>) -> anyhow::Result<Self> {
        let repo = repo(config);
        let git = repo.as_ref().ok().and_then(|r| facts(r).ok());
        if let Some(path) = named {
            let sessions = compare::sessions(path)?.into_iter().map(|s| (None, s)).collect();
            return Ok(Self { git, sessions, missing: Some(format!("{} has none", path.display())) });
        }
        if config.gate.mode == GateMode::Limits {
            return Ok(Self { git, sessions: Vec::new(), missing: None });
        }
        let repo = match repo {
            Ok(repo) => repo,
            Err(e @ GitError::None) => return Ok(Self { git, sessions: Vec::new(), missing: Some(e.to_string()) }),
            Err(e) => return Err(e.into()),
        };
        let links = match repo.lineage() {
            Ok(links) => links,
            Err(e @ GitError::Unborn) => return Ok(Self { git, sessions: Vec::new(), missing: Some(e.to_string()) }),
            Err(e) => return Err(e.into()),
        };
        let all = store::read_all(&folder(&repo, config)?)?;
        Ok(Self { git, sessions: on_lineage(all, &links), missing: None })
    }

    /// As [`Self::open`], but nothing is compared with them: a clone without history has none.
    pub fn for_noise(config: &Config, named: Option<&Path>) -> anyhow::Result<Self> {
        match Self::open(config, named) {
            Err(e) if matches!(e.downcast_ref(), Some(GitError::Shallow)) => {
                let git = repo(config).ok().and_then(|r| facts(&r).ok());
                output::say(
                    "note: the clone is shallow, so earlier sessions are not used: their noise would let fewer starts decide",
                );
                Ok(Self { git, sessions: Vec::new(), missing: None })
            }
            other => other,
        }
    }

    pub fn of(&self, workload: &str) -> Baseline {
        let mine = self.sessions.iter().filter(|(_, s)| s.workload == workload);
        let workloads = self.sessions.iter().map(|(_, s)| s.workload.clone()).collect();
        Baseline { sessions: mine.cloned().collect(), missing: self.missing.clone(), workloads }
    }
}

/// Sessions whose commit, or whose tree without the baselines folder, is on the lineage: farthest first, so oldest first.
fn on_lineage(sessions: Vec<Session>, links: &[Link]) -> Vec<(Option<u32>, Session)> {
    let distance =
        |s: &Session| links.iter().position(|l| l.commit == s.commit || l.tree == s.tree).and_then(|d| u32::try_from(d).ok());
    let mut found: Vec<_> = sessions.into_iter().filter_map(|s| Some((Some(distance(&s)?), s))).collect();
    found.sort_by_key(|(distance, _)| std::cmp::Reverse(*distance));
    found
}

pub fn repo(config: &Config) -> Result<Repo, GitError> {
    let cwd = std::env::current_dir().map_err(|e| GitError::Other(e.to_string()))?;
    Repo::discover(&cwd, &config.baselines_dir)
}

pub fn facts(repo: &Repo) -> Result<GitFacts, GitError> {
    let head = repo.head()?;
    git_facts(head.link, head.dirty)
}

/// Of a commit as it is checked out somewhere else: nothing in it is uncommitted.
pub fn facts_of(repo: &Repo, commit: &str) -> Result<GitFacts, GitError> {
    git_facts(repo.link_of(commit)?, false)
}

fn git_facts(link: Link, dirty: bool) -> Result<GitFacts, GitError> {
    let at = time::OffsetDateTime::from_unix_timestamp(link.time_s).map_err(|e| GitError::Other(e.to_string()))?;
    Ok(GitFacts { commit: link.commit, tree: link.tree, dirty, commit_date: facts::date(at) })
}

fn folder(repo: &Repo, config: &Config) -> anyhow::Result<PathBuf> {
    let root = repo.root().context("the repository is bare: it has no folder for baseline files")?;
    Ok(root.join(&config.baselines_dir))
}

fn list(args: &BaselineListArgs) -> anyhow::Result<ExitStatus> {
    let config = setup::config(&args.config, &WorkloadArgs::default())?;
    let repo = repo(&config)?;
    let links = repo.lineage()?;
    let all = store::read_all(&folder(&repo, &config)?)?;
    if all.is_empty() {
        output::print("no baseline sessions yet: `goodput-gate baseline update` adds one")?;
        return Ok(ExitStatus::Pass);
    }
    let mut table = comfy_table::Table::new();
    table.set_width(120).set_header([
        "workload",
        "fingerprint",
        "commit",
        "commit date",
        "steps back",
        "session",
        "starts",
        "TTFT",
        "TPOT",
    ]);
    for session in &all {
        let distance = links.iter().position(|l| l.commit == session.commit || l.tree == session.tree);
        let ms = |key: &str| session.pooled.get(key).map_or_else(|| "-".to_owned(), |v| format!("{v:.1} ms"));
        table.add_row([
            session.workload.clone(),
            session.fingerprint.key(&config.gate.under_test),
            session.commit.chars().take(10).collect(),
            session.commit_date.clone(),
            distance.map_or_else(|| "not on this lineage".into(), |d| d.to_string()),
            session.session.clone(),
            session.starts.len().to_string(),
            ms("ttft_geomean_ms"),
            ms("tpot_geomean_ms"),
        ]);
    }
    output::print(&table.to_string())?;
    Ok(ExitStatus::Pass)
}
