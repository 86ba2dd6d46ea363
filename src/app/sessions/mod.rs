//! The sessions that `check` compares with: those of the merge base and its first-parent ancestors.
//!
//! Not here: which of them count (`compare`), adding to them (`capture`).

use std::path::Path;

use anyhow::bail;

use super::error_text;
use super::sentence::plain_sentence;
use super::workspace::place::inside;
use super::workspace::{Workspace, baselines_folder};
use crate::baseline::base::{Base, Wanted};
use crate::baseline::lineage::{GitError, Link, Repo};
use crate::baseline::store;
use crate::baseline::tree::{Files, Found as AtPath};
use crate::clock::date;
use crate::compare::reason::NoBaseline;
use crate::compare::{KEPT_SESSIONS, Placed};
use crate::config::{Config, GateMode, Workload};
use crate::evaluate::{self, Baseline};
use crate::lang::{Text, bilingual};
use crate::print::note;
use crate::record::session::Session;
use crate::record::{GitFacts, PastSession, WorkloadRecord};
use crate::report::notice::Notice;
use crate::report::text;

pub mod files;
pub mod placed;
pub mod reviewed;

use placed::{distance, on_lineage};
use reviewed::Reviewed;

/// The sessions that a check may use, read before anything is sent.
pub struct Baselines {
    pub git: Option<GitFacts>,
    /// What should be said before the verdict.
    pub notices: Vec<Notice>,
    sessions: Vec<Placed>,
    missing: Option<NoBaseline>,
    /// Where the walk began, where that is not HEAD.
    from: Option<String>,
    reviewed: Reviewed,
}

impl Baselines {
    /// `named` is a file or folder instead of the repository's.
    ///
    /// Errors: a shallow clone, no base, an unreadable file; where the base's word counts, also no
    /// repository.
    pub fn open(
        here: &Workspace,
        config: &Config,
        named: Option<&Path>,
        wanted: &Wanted,
    ) -> anyhow::Result<Self> {
        let repo = here.repo(config);
        let git = repo.as_ref().map_or(Ok(None), |repo| here.head_facts_if_born(repo))?;
        let beside =
            || repo.as_ref().map(|r| Reviewed::beside(r, config, wanted)).unwrap_or_default();
        if let Some(path) = named {
            let Named { sessions, notice } = named_sessions(&repo, path, wanted)?;
            let sessions = sessions.into_iter().map(|s| (None, s)).collect();
            let none = Self::without(git, Some(NoBaseline::Path(path.display().to_string())));
            return Ok(
                Self { sessions, notices: notice.into_iter().collect(), ..none }.with(beside())
            );
        }
        if config.gate.mode == GateMode::Limits {
            return Ok(Self::without(git, None).with(beside()));
        }
        if wanted.no_base() {
            return Ok(Self::without(git, Some(NoBaseline::NoChange)));
        }
        let repo = match repo {
            Ok(repo) => repo,
            Err(e @ GitError::None) if !wanted.base_counts() => {
                return Ok(Self::without(git, Some(NoBaseline::Other(e.to_string()))));
            }
            Err(e @ GitError::None) => {
                return Err(anyhow::Error::new(e).context(
                    "whether there is a baseline cannot be told\nhint: where this run judges no change, `--base none` says so",
                ));
            }
            Err(e) => return Err(e.into()),
        };
        match Found::at(&repo, config, wanted) {
            Err(e)
                if !wanted.base_counts() && matches!(e.downcast_ref(), Some(GitError::Unborn)) =>
            {
                Ok(Self::without(git, Some(NoBaseline::Other(e.to_string()))))
            }
            Err(e) => Err(e),
            Ok(Found { base, links, files, notices, .. }) => {
                let reviewed = Reviewed::read(&repo, config, wanted, &links);
                let sessions = on_lineage(files.into_values().collect(), &links);
                Ok(Self { notices, sessions, from: base.description(), ..Self::without(git, None) }
                    .with(reviewed))
            }
        }
    }

    /// Those of HEAD's own lineage as the working tree has them: what a session is added to.
    pub fn of_head(here: &Workspace, config: &Config) -> anyhow::Result<Self> {
        Self::of_head_with(here, config, &[])
    }

    /// As [`Self::of_head`], with sessions that have no file yet.
    pub fn of_head_with(
        here: &Workspace,
        config: &Config,
        new: &[Session],
    ) -> anyhow::Result<Self> {
        let repo = here.repo(config)?;
        let (git, links) = (here.head_facts_if_born(&repo)?, repo.lineage()?);
        let mut all = store::read_all(&baselines_folder(&repo, config)?)?;
        all.extend(new.iter().cloned());
        let reviewed = Reviewed::read(&repo, config, &here.wanted(None), &links);
        Ok(Self { sessions: on_lineage(all, &links), ..Self::without(git, None) }.with(reviewed))
    }

    /// As [`Self::open`], but nothing is compared with them: a clone without history, or without a
    /// base, has none.
    pub fn for_noise(
        here: &Workspace,
        config: &Config,
        named: Option<&Path>,
        wanted: &Wanted,
    ) -> anyhow::Result<Self> {
        let lost = |e: &anyhow::Error| {
            use GitError::{NoBase, NoCommit, NoEventBase, Shallow, Unrelated};
            match e.downcast_ref() {
                // Who names it wants this one.
                Some(NoCommit(name)) => wanted.named.as_ref() != Some(name),
                found => matches!(
                    found,
                    Some(GitError::None | Shallow | NoBase(_) | NoEventBase(_) | Unrelated(_))
                ),
            }
        };
        match Self::open(here, config, named, wanted) {
            Err(e) if lost(&e) => {
                let git = here
                    .repo(config)
                    .as_ref()
                    .map_or(Ok(None), |repo| here.head_facts_if_born(repo))?;
                note(
                    &bilingual!(
                        "earlier sessions are not used, though their noise would let fewer starts decide: ",
                        "이전 세션을 쓰지 않음 (쓰면 더 적은 시작으로 판정할 수 있음): "
                    )
                    .then(&error_text::text(&e)),
                );
                Ok(Self::without(git, None))
            }
            other => other,
        }
    }

    /// What a workload may be compared with.
    pub fn baseline(&self, workload: &str) -> Baseline {
        let mine = self.sessions.iter().filter(|(_, s)| s.workload == workload);
        let workloads = self.sessions.iter().map(|(_, s)| s.workload.clone()).collect();
        Baseline {
            sessions: mine.cloned().collect(),
            missing: self.missing.clone(),
            workloads,
            from: self.from.clone(),
            accepted: self.reviewed.accepted.clone(),
        }
    }

    /// Sizes of the config that a check of so many starts will hardly find against these sessions.
    pub fn out_of_reach(&self, config: &Config, starts: u32) -> Vec<Text> {
        let (all, under_test) = (config.workloads.len(), &config.gate.under_test);
        let unreached = |w: &Workload| {
            let (baseline, policy) = (self.baseline(&w.name), evaluate::policy_for(w, all));
            let why = evaluate::expected(&baseline, w, starts as usize, under_test, &policy)?;
            Some(Text::from(format!("{}: ", text::plain(&w.name))).then(&plain_sentence(why)))
        };
        config.workloads.iter().filter_map(unreached).collect()
    }

    /// What an interleaved run may reckon its noise from: the sessions that count, oldest first.
    /// They say nothing of attainment of other SLOs.
    pub fn past(&self, workload: &WorkloadRecord, under_test: &[String]) -> Vec<PastSession> {
        let baseline = self.baseline(&workload.name);
        let selection = baseline.select(workload, under_test, None);
        selection.sessions().map(|s| s.to_past(s.slo == workload.slo)).collect()
    }

    fn without(git: Option<GitFacts>, missing: Option<NoBaseline>) -> Self {
        Self {
            git,
            notices: Vec::new(),
            sessions: Vec::new(),
            missing,
            from: None,
            reviewed: Reviewed::default(),
        }
    }

    /// What is judged is not HEAD, but a commit that the event names.
    pub fn candidate(mut self, here: &Workspace, config: &Config, commit: &str) -> Self {
        if let Ok(repo) = here.repo(config) {
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
    pub notices: Vec<Notice>,
}

impl Found {
    /// Sessions come from the base's tree. On the base branch itself, outside CI, from HEAD's, and
    /// those that nobody committed yet.
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
        let mut notices: Vec<Notice> = base.notice.iter().cloned().collect();
        if own && repo.root().is_some() {
            let folder = baselines_folder(repo, config)?;
            let here = store::read_files(&folder)?.into_iter();
            let here = here.map(|(path, s)| {
                (path.strip_prefix(&folder).map(Path::to_owned).unwrap_or(path), s)
            });
            let new: Files = here.filter(|(path, _)| !files.contains_key(path)).collect();
            if !new.is_empty() {
                let folder = config.baselines_dir.display().to_string();
                notices.push(Notice::UncommittedSessions { sessions: new.len() as u64, folder });
            }
            files.extend(new);
        }
        let may_change =
            !base.on_base && config.baselines_ref.is_none() && repo.has_commit(&head)?;
        let changed = may_change && !repo.same_baselines(&base.merge_base, &head)?;
        if changed {
            let folder = config.baselines_dir.display().to_string();
            notices.push(Notice::BaselinesAltered { folder });
        }
        notices.extend(stopped(repo, &links, &files)?);
        Ok(Self { base, links, files, read_from, notices })
    }
}

/// Where the walk ended before history did, and before it had found all that a check may use.
fn stopped(repo: &Repo, links: &[Link], files: &Files) -> Result<Option<Notice>, GitError> {
    if files.values().filter(|session| distance(links, session).is_some()).count() >= KEPT_SESSIONS
    {
        return Ok(None);
    }
    let Some(last) = repo.walk_stopped_at(links)? else { return Ok(None) };
    Ok(Some(Notice::WalkStopped {
        commits: links.len() as u64,
        commit: text::short(&last.commit),
        day: time::OffsetDateTime::from_unix_timestamp(last.time_s)
            .map_or_else(|_| "?".into(), date),
    }))
}

/// What `--baseline` names.
struct Named {
    sessions: Vec<Session>,
    /// Where it is from, which a reader should know before the verdict.
    notice: Option<Notice>,
}

/// A file or folder of the repository is read as the base has it, wherever the base's word counts:
/// a change does not choose what it is compared with. One outside it is named in the report.
/// Errors: the base has none, or cannot be read.
fn named_sessions(
    repo: &Result<Repo, GitError>,
    path: &Path,
    wanted: &Wanted,
) -> anyhow::Result<Named> {
    let shown = text::plain(&path.display().to_string());
    let here = |notice: Option<Notice>| Ok(Named { sessions: files::sessions(path)?, notice });
    if !wanted.base_counts() {
        return here(None);
    }
    let outside = Some(Notice::ComparedOutside { path: shown.clone() });
    let repo = match repo {
        Err(GitError::None) => return here(outside),
        Err(why) => bail!(bilingual!(
            "which files of {shown} (--baseline) the base has cannot be read: {why}",
            "base에 {shown}(--baseline) 가운데 무엇이 있는지 읽을 수 없음: {why}"
        )),
        Ok(repo) => repo,
    };
    let Some(relative) = repo.root().and_then(|root| inside(root, path)) else {
        return here(outside);
    };
    if wanted.no_base() {
        return here(Some(Notice::ComparedHere { path: shown }));
    }
    let base = repo.base(wanted)?;
    let sessions = match repo.found_at(&base.tip, &relative)? {
        Some(AtPath::Sessions(files)) => files.into_values().collect(),
        Some(AtPath::Text(text)) => files::sessions_in_text(path, &text)?,
        None => bail!(bilingual!(
            "{base} has no {shown} (--baseline), and a change does not choose what it is compared with\n\
             hint: commit it on the base branch, or put what no commit should hold outside of the checkout (on GitHub below $RUNNER_TEMP)",
            "{base}에 {shown}(--baseline)이 없음 (비교 대상을 변경 자신이 고를 수 없음)\n\
             힌트: base 브랜치에 커밋하거나, 커밋하지 않을 것은 체크아웃 밖에 두십시오 (GitHub에서는 $RUNNER_TEMP 아래)",
            base = base.known_as()
        )),
    };
    let from = Notice::ComparedAtBase { path: shown, base: base.known_as() };
    Ok(Named { sessions, notice: Some(from) })
}
