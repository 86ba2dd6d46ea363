//! `baseline update|list|show|resolve|promote|prune|history|anchor`, and the sessions that `check` compares with: those of the merge base and its first-parent ancestors.
#![expect(clippy::disallowed_methods, reason = "rim: the working folder")]

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::evaluate::Baseline;
use super::reviewed::Reviewed;
use super::{base, compare, facts, output, setup};
use crate::baseline::base::{Base, Wanted};
use crate::baseline::lineage::{GitError, Link, Repo};
use crate::baseline::store;
use crate::baseline::tree::{Files, Found as AtPath};
use crate::cli::{BaselineCommand, BaselineListArgs, WorkloadArgs};
use crate::compare::KEPT_SESSIONS;
use crate::compare::Placed;
use crate::config::{Config, GateMode};
use crate::exit::ExitStatus;
use crate::record::session::Session;
use crate::record::{GitFacts, PastSession, WorkloadRecord};
use crate::report::text;

mod anchor;
mod history;
mod joins;
mod land;
mod prune;
mod resolve;
mod show;
pub mod update;

pub fn run(command: &BaselineCommand) -> anyhow::Result<ExitStatus> {
    match command {
        BaselineCommand::Update(args) => update::run(args),
        BaselineCommand::List(args) => list(args),
        BaselineCommand::Show(args) => show::run(args),
        BaselineCommand::Resolve(args) => resolve::run(args),
        BaselineCommand::Promote(args) => update::promote(args),
        BaselineCommand::Prune(args) => prune::run(args),
        BaselineCommand::History(args) => history::run(args),
        BaselineCommand::Anchor(args) => anchor::run(args),
    }
}

/// The sessions that a check may use, read before anything is sent.
pub struct Baselines {
    pub git: Option<GitFacts>,
    /// What should be said before the verdict.
    pub notices: Vec<String>,
    sessions: Vec<Placed>,
    missing: Option<String>,
    /// Where the walk began, where that is not HEAD.
    from: Option<String>,
    reviewed: Reviewed,
}

impl Baselines {
    /// `named` is a file or folder instead of the repository's.
    ///
    /// Errors: a shallow clone, no base, an unreadable file; where the base's word counts, also no repository.
    pub fn open(config: &Config, named: Option<&Path>, wanted: &Wanted) -> anyhow::Result<Self> {
        let repo = repo(config);
        let git = repo.as_ref().map_or(Ok(None), facts_if_born)?;
        let beside = || repo.as_ref().map(|r| Reviewed::beside(r, config, wanted)).unwrap_or_default();
        if let Some(path) = named {
            let Named { sessions, notice } = named_sessions(&repo, path, wanted)?;
            let sessions = sessions.into_iter().map(|s| (None, s)).collect();
            let none = Self::without(git, Some(format!("{} has none", path.display())));
            return Ok(Self { sessions, notices: notice.into_iter().collect(), ..none }.with(beside()));
        }
        if config.gate.mode == GateMode::Limits {
            return Ok(Self::without(git, None).with(Reviewed { anchor: None, ..beside() }));
        }
        if wanted.no_base() {
            return Ok(Self::without(git, Some("no change is judged here (--base none)".into())));
        }
        let repo = match repo {
            Ok(repo) => repo,
            Err(e @ GitError::None) if !wanted.base_counts() => return Ok(Self::without(git, Some(e.to_string()))),
            Err(e @ GitError::None) => {
                return Err(anyhow::Error::new(e).context(
                    "whether there is a baseline cannot be told\nhint: where this run judges no change, `--base none` says so",
                ));
            }
            Err(e) => return Err(e.into()),
        };
        match Found::at(&repo, config, wanted) {
            Err(e) if !wanted.base_counts() && matches!(e.downcast_ref(), Some(GitError::Unborn)) => {
                Ok(Self::without(git, Some(e.to_string())))
            }
            Err(e) => Err(e),
            Ok(Found { base, links, files, notices, .. }) => {
                let reviewed = Reviewed::of(&repo, config, wanted, &links);
                let sessions = on_lineage(files.into_values().collect(), &links);
                Ok(Self { notices, sessions, from: base.words(), ..Self::without(git, None) }.with(reviewed))
            }
        }
    }

    /// Those of HEAD's own lineage as the working tree has them: what a session is added to.
    pub fn here(config: &Config) -> anyhow::Result<Self> {
        Self::here_with(config, &[])
    }

    /// As [`Self::here`], with sessions that have no file yet.
    pub fn here_with(config: &Config, new: &[Session]) -> anyhow::Result<Self> {
        let repo = repo(config)?;
        let (git, links) = (facts_if_born(&repo)?, repo.lineage()?);
        let mut all = store::read_all(&folder(&repo, config)?)?;
        all.extend(new.iter().cloned());
        let reviewed = Reviewed::of(&repo, config, &base::wanted(None), &links);
        Ok(Self { sessions: on_lineage(all, &links), ..Self::without(git, None) }.with(reviewed))
    }

    /// As [`Self::open`], but nothing is compared with them: a clone without history, or without a base, has none.
    pub fn for_noise(config: &Config, named: Option<&Path>, wanted: &Wanted) -> anyhow::Result<Self> {
        let lost = |e: &anyhow::Error| {
            use GitError::{NoBase, NoCommit, NoEventBase, Shallow, Unrelated};
            match e.downcast_ref() {
                // Who names it wants this one.
                Some(NoCommit(name)) => wanted.named.as_ref() != Some(name),
                found => matches!(found, Some(GitError::None | Shallow | NoBase(_) | NoEventBase(_) | Unrelated(_))),
            }
        };
        match Self::open(config, named, wanted) {
            Err(e) if lost(&e) => {
                let git = repo(config).as_ref().map_or(Ok(None), facts_if_born)?;
                output::say(&format!(
                    "note: earlier sessions are not used, though their noise would let fewer starts decide: {e}"
                ));
                Ok(Self::without(git, None))
            }
            other => other,
        }
    }

    pub fn of(&self, workload: &str) -> Baseline {
        let mine = self.sessions.iter().filter(|(_, s)| s.workload == workload);
        let workloads = self.sessions.iter().map(|(_, s)| s.workload.clone()).collect();
        Baseline {
            sessions: mine.cloned().collect(),
            missing: self.missing.clone(),
            workloads,
            from: self.from.clone(),
            accepted: self.reviewed.accepted.clone(),
            anchor: self.reviewed.anchor.clone(),
        }
    }

    /// What an interleaved run may reckon its noise from: the sessions that count, oldest first. They say nothing of attainment of other SLOs.
    pub fn past(&self, workload: &WorkloadRecord, under_test: &[String]) -> Vec<PastSession> {
        let baseline = self.of(&workload.name);
        let selection = baseline.select(workload, under_test, None);
        selection.sessions().map(|s| s.to_past(s.slo == workload.slo)).collect()
    }

    fn without(git: Option<GitFacts>, missing: Option<String>) -> Self {
        Self { git, notices: Vec::new(), sessions: Vec::new(), missing, from: None, reviewed: Reviewed::default() }
    }

    /// What is judged is not HEAD, but a commit that the event names.
    pub fn candidate(mut self, config: &Config, commit: &str) -> Self {
        if let Ok(repo) = repo(config) {
            self.reviewed = self.reviewed.candidate(&repo, Some(commit));
        }
        self
    }

    fn with(mut self, reviewed: Reviewed) -> Self {
        self.notices.extend(reviewed.notices.iter().cloned());
        self.reviewed = reviewed;
        self
    }
}

/// The base, the walk from it, and every session that may be on it.
pub struct Found {
    pub base: Base,
    /// Nearest first.
    pub links: Vec<Link>,
    pub files: Files,
    /// The commit whose tree the sessions are from, and that in words.
    pub read_from: (String, String),
    pub notices: Vec<String>,
}

impl Found {
    /// Sessions come from the base's tree. On the base branch itself, outside CI, from HEAD's, and those that nobody committed yet.
    ///
    /// Errors: a shallow clone, no base, a file that is no session.
    pub fn at(repo: &Repo, config: &Config, wanted: &Wanted) -> anyhow::Result<Self> {
        let base = repo.base(wanted)?;
        let head = match &wanted.change {
            Some(change) => change.head.clone(),
            None => repo.head()?.link.commit,
        };
        let links = repo.lineage_from(base.start(&head))?;
        let own = base.on_base && !wanted.ci && config.baselines_ref.is_none();
        let read_from = match &config.baselines_ref {
            Some(name) => repo.resolve_first(&format!("origin/{name}"), name)?,
            None if own => repo.resolve(&head)?,
            None => repo.resolve(&base.name)?,
        };
        let mut files = repo.sessions_at(&read_from.0)?;
        let mut notices: Vec<String> = base.notice.iter().cloned().collect();
        if own && repo.root().is_some() {
            let folder = folder(repo, config)?;
            let here = store::read_files(&folder)?.into_iter();
            let here = here.map(|(path, s)| (path.strip_prefix(&folder).map(Path::to_owned).unwrap_or(path), s));
            let new: Files = here.filter(|(path, _)| !files.contains_key(path)).collect();
            if !new.is_empty() {
                notices.push(format!(
                    "{} in {} that no commit holds yet {}, since HEAD is on the base branch and this is no CI",
                    text::count(new.len() as u64, "session", "sessions"),
                    config.baselines_dir.display(),
                    if new.len() == 1 { "counts" } else { "count" },
                ));
            }
            files.extend(new);
        }
        let may_change = !base.on_base && config.baselines_ref.is_none() && repo.has_commit(&head)?;
        let changed = may_change && !repo.same_baselines(&base.merge_base, &head)?;
        if changed {
            notices.push(format!(
                "this change alters files in {}: they count once they are on the base branch",
                config.baselines_dir.display()
            ));
        }
        notices.extend(stopped(repo, &links, &files)?);
        Ok(Self { base, links, files, read_from, notices })
    }
}

/// Where the walk ended before history did, and before it had found all that a check may use.
fn stopped(repo: &Repo, links: &[Link], files: &Files) -> Result<Option<String>, GitError> {
    if files.values().filter(|session| distance(links, session).is_some()).count() >= KEPT_SESSIONS {
        return Ok(None);
    }
    let Some(last) = repo.walk_stopped_at(links)? else { return Ok(None) };
    Ok(Some(format!(
        "the walk to the baselines stopped after {} at {} ({}), and history goes on: sessions farther back are not found; \
         `baselines.max_walk` in the config makes it longer",
        text::count(links.len() as u64, "commit", "commits"),
        text::short(&last.commit),
        time::OffsetDateTime::from_unix_timestamp(last.time_s).map_or_else(|_| "?".into(), facts::date),
    )))
}

/// What `--baseline` names.
struct Named {
    sessions: Vec<Session>,
    /// Where it is from, which a reader should know before the verdict.
    notice: Option<String>,
}

/// A file or folder of the repository is read as the base has it, wherever the base's word counts: a change does not choose what it is
/// compared with. One outside it is named in the report. Errors: the base has none, or cannot be read.
fn named_sessions(repo: &Result<Repo, GitError>, path: &Path, wanted: &Wanted) -> anyhow::Result<Named> {
    let shown = text::plain(&path.display().to_string());
    let here = |notice: Option<String>| Ok(Named { sessions: compare::sessions(path)?, notice });
    if !wanted.base_counts() {
        return here(None);
    }
    let outside = Some(format!("compared with {shown} (--baseline), which lies outside this repository: no commit holds it"));
    let repo = match repo {
        Err(GitError::None) => return here(outside),
        Err(why) => bail!("which files of {shown} (--baseline) the base has cannot be read: {why}"),
        Ok(repo) => repo,
    };
    let Some(relative) = repo.root().and_then(|root| setup::inside(root, path)) else { return here(outside) };
    if wanted.no_base() {
        return here(Some(format!(
            "compared with {shown} (--baseline) as this checkout has it, since no change is judged here (--base none)"
        )));
    }
    let base = repo.base(wanted)?;
    let sessions = match repo.found_at(&base.tip, &relative)? {
        Some(AtPath::Sessions(files)) => files.into_values().collect(),
        Some(AtPath::Text(text)) => compare::sessions_of_text(path, &text)?,
        None => bail!(
            "{} has no {shown} (--baseline), and a change does not choose what it is compared with\n\
             hint: commit it on the base branch, or put what no commit should hold outside of the checkout (on GitHub below $RUNNER_TEMP)",
            base.known_as()
        ),
    };
    let from = format!("compared with {shown} (--baseline) as {} has it", base.known_as());
    Ok(Named { sessions, notice: Some(from) })
}

/// Sessions whose commit, or whose tree without the baselines folder, is on the lineage: farthest first, so oldest first; those of one
/// place in the order in which they were measured, as far as they know it.
pub fn on_lineage(sessions: Vec<Session>, links: &[Link]) -> Vec<Placed> {
    let mut found: Vec<Placed> = sessions.into_iter().filter_map(|s| Some((Some(distance(links, &s)?), s))).collect();
    found.sort_by_cached_key(|(distance, s): &Placed| (std::cmp::Reverse(*distance), s.measured.clone()));
    found
}

/// First-parent steps from where the walk begins; none where the session is not on it.
pub fn distance(links: &[Link], session: &Session) -> Option<u32> {
    let step = links.iter().position(|l| l.commit == session.commit || l.tree == session.tree)?;
    u32::try_from(step).ok()
}

pub fn repo(config: &Config) -> Result<Repo, GitError> {
    Ok(repo_of(&config.baselines_dir)?.walking(config.baselines_max_walk))
}

/// The repository around the working folder; `baselines` is relative to its root.
pub fn repo_of(baselines: &Path) -> Result<Repo, GitError> {
    let cwd = std::env::current_dir().map_err(|e| GitError::Other(e.to_string()))?;
    Repo::discover(&cwd, baselines)
}

/// None before the first commit. Errors: HEAD, or what is changed here, cannot be read.
fn facts_if_born(repo: &Repo) -> Result<Option<GitFacts>, GitError> {
    match facts(repo) {
        Err(GitError::Unborn) => Ok(None),
        facts => facts.map(Some),
    }
}

pub fn facts(repo: &Repo) -> Result<GitFacts, GitError> {
    let head = repo.candidate(base::wanted(None).pull_head.as_deref())?;
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

pub fn folder(repo: &Repo, config: &Config) -> anyhow::Result<PathBuf> {
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
        let ms = |key: &str| session.pooled.get(key).map_or_else(|| "-".to_owned(), |v| format!("{v:.1} ms"));
        table.add_row([
            session.workload.clone(),
            session.fingerprint.key(&config.gate.under_test),
            session.commit.chars().take(10).collect(),
            session.commit_date.clone(),
            steps_back(&links, session),
            session.session.clone(),
            session.starts.len().to_string(),
            ms("ttft_geomean_ms"),
            ms("tpot_geomean_ms"),
        ]);
    }
    output::print(&table.to_string())?;
    Ok(ExitStatus::Pass)
}

/// To the session's own commit, and whether the code is still the same: commits that touch baselines only do not change it.
fn steps_back(links: &[Link], session: &Session) -> String {
    let own = links.iter().position(|l| l.commit == session.commit);
    match (own, distance(links, session)) {
        (Some(steps), Some(0)) if steps > 0 => format!("{steps} (the same code)"),
        (Some(steps), _) => steps.to_string(),
        (None, Some(steps)) => format!("{steps} (the same code)"),
        (None, None) => "not on this lineage".into(),
    }
}
