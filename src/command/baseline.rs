//! `baseline update|list`, and the sessions that `check` compares with: those of HEAD and its first-parent ancestors.
#![expect(clippy::disallowed_methods, reason = "rim: the working folder")]

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::evaluate::{self, Baseline};
use super::{compare, dry_run, facts, measure, output, setup};
use crate::baseline::lineage::{GitError, Link, Repo};
use crate::baseline::store;
use crate::cli::{BaselineCommand, BaselineListArgs, BaselineUpdateArgs, WorkloadArgs};
use crate::config::{Config, GateMode};
use crate::exit::{ExitStatus, Failure};
use crate::record::session::Session;
use crate::record::{GitFacts, Record};
use crate::verdict::Verdict;

pub fn run(command: &BaselineCommand) -> anyhow::Result<ExitStatus> {
    match command {
        BaselineCommand::Update(args) => update(args),
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

fn update(args: &BaselineUpdateArgs) -> anyhow::Result<ExitStatus> {
    let config = setup::config(&args.config, &args.workload)?;
    if args.output.dry_run {
        output::print(&dry_run::text(&config)?)?;
        return Ok(ExitStatus::Pass);
    }
    let repo = repo(&config)?;
    let git = facts(&repo)?;
    if git.dirty && !args.force {
        bail!(
            "the working tree has changes that no commit holds, so a baseline of this commit would not be of this commit\nhint: commit or stash them, or say --force"
        );
    }
    let folder = folder(&repo, &config)?;
    if !args.from.is_empty() {
        let records = args.from.iter().map(|path| stored(path, args.force)).collect::<Result<Vec<_>, _>>()?;
        // All or none: a refused record leaves no half of a list behind.
        records.iter().try_for_each(accept)?;
        records.iter().try_for_each(|record| add(record, &folder))?;
        return Ok(ExitStatus::Pass);
    }
    let mut refused = 0;
    for session in 0..args.sessions {
        if args.sessions > 1 {
            output::say(&format!("session {} of {}", session + 1, args.sessions));
        }
        let record = measure::measure(&config, &args.output, Some(git.clone()))?;
        if record.interrupted {
            output::say("interrupted: nothing was added to the baseline");
            return Ok(ExitStatus::Interrupted);
        }
        // One disturbed session of several is no reason to stop: it is said, and not added.
        match accept(&record).and_then(|()| add(&record, &folder)) {
            Err(e) if args.sessions > 1 && ExitStatus::of(&e) == ExitStatus::CouldNotMeasure => {
                output::say(&format!("{e:#}"));
                refused += 1;
            }
            other => other?,
        }
    }
    if refused > 0 {
        output::say(&format!("{refused} of {} sessions were not added", args.sessions));
        return Ok(ExitStatus::CouldNotMeasure);
    }
    Ok(ExitStatus::Pass)
}

/// A record for `--from`. What was measured in a dirty tree is not of its commit, however clean the tree is now.
fn stored(path: &Path, force: bool) -> anyhow::Result<Record> {
    let record = Record::parse(&output::read(path)?).with_context(|| format!("cannot use {}", path.display()))?;
    if record.git.as_ref().is_some_and(|git| git.dirty) && !force {
        bail!(
            "{} was measured in a tree with changes that no commit holds, so it is not of its commit\nhint: measure again in a clean tree, or say --force",
            path.display()
        );
    }
    Ok(record)
}

/// Refuses what must not become a reference: interrupted runs, unfit measurements, failed requests' runs, breached limits.
fn accept(record: &Record) -> anyhow::Result<()> {
    if record.interrupted {
        bail!(Failure::measure(&"not added to the baseline, the run was interrupted: measure again"));
    }
    for workload in &record.workloads {
        let why = evaluate::unfit(workload);
        if let Some(first) = why.first() {
            bail!(Failure::measure(&format!(
                "not added to the baseline, the measurement of {} is INVALID: {first}",
                workload.name
            )));
        }
    }
    let (report, _) = evaluate::judged(record, |_| Baseline::default())?;
    for workload in &report.workloads {
        if workload.verdict == Some(Verdict::Failed) {
            let first = workload.reasons.first().cloned().unwrap_or_default();
            bail!(Failure::measure(&format!(
                "not added to the baseline, {} breaches a limit: {first}\nhint: set slo and limits to what this server is to deliver; what was measured is in record.json of the output folder",
                workload.name
            )));
        }
        if workload.completed * 2 < workload.requests {
            bail!(Failure::measure(&format!("not added to the baseline, most requests of {} failed", workload.name)));
        }
    }
    Ok(())
}

fn add(record: &Record, folder: &Path) -> anyhow::Result<()> {
    for workload in &record.workloads {
        let session = Session::from_record(record, workload).context("a baseline is keyed by commit, and the record has none")?;
        let path = store::write(folder, &session, &record.policy.under_test)?;
        output::print(&format!("added {}", path.display()))?;
    }
    Ok(())
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
