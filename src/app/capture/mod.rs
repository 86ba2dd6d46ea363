//! New sessions of unchanged code, measured or of stored records, added to the baseline of this
//! commit.
//!
//! The first session of its kind has three starts more, which are judged against the others: a
//! build that differs from itself is no baseline (docs/METHODOLOGY.md#sessions). Not here: where
//! the files lie (`baseline::store`).

use std::path::{Path, PathBuf};

use anyhow::bail;

use super::artefacts;
use super::error_text;
use super::job::Job;
use super::measure;
use super::options::RunOptions;
use super::sentence::plain_sentence;
use super::sessions::Baselines;
use super::workspace::{Workspace, baselines_folder};
use crate::baseline::lineage::Repo;
use crate::baseline::store;
use crate::compare::{KEPT_SESSIONS, Why};
use crate::config::{Config, Endpoint, Lang};
use crate::evaluate::{self, Baseline};
use crate::exit::{ExitStatus, Failure};
use crate::lang::{Explained as _, Text, bilingual};
use crate::print::{note, speak};
use crate::record::session::Session;
use crate::record::{GitFacts, Record, WorkloadRecord};
use crate::report::text;
use fit::accept;
use joins::{Joined, joined, keyed_by_commit};
use land::{Added, Landing};

mod fit;
mod joins;
mod land;

pub use land::Land;

/// What is to be added to the baseline.
pub struct New<'a> {
    pub here: &'a Workspace,
    pub config: &'a Config,
    /// Also of code that no commit holds.
    pub force: bool,
    /// Why it may be slower than the sessions that it joins.
    pub level_shift: Option<&'a str>,
    /// Where it goes besides the working tree.
    pub land: Option<Land>,
    /// Takes each line of the answer, as soon as it is true.
    pub tell: &'a dyn Fn(&Text),
}

/// How new sessions are measured.
pub struct Sessions<'a> {
    pub options: &'a RunOptions,
    pub count: u32,
    /// Somebody said how many starts there are to be.
    pub starts_given: bool,
    pub lang: Lang,
    /// Begins the job, once it is known that what it measures can be added. `None`: interrupted.
    pub begin: &'a dyn Fn() -> anyhow::Result<Option<Job>>,
}

/// Measures sessions of this commit and adds them.
pub fn measure_sessions(new: &New<'_>, sessions: &Sessions<'_>) -> anyhow::Result<ExitStatus> {
    add_and_land(new, |git, adding| measured(sessions, git, adding))
}

/// Adds stored records: all of them or none.
pub fn add_records(new: &New<'_>, paths: &[PathBuf]) -> anyhow::Result<ExitStatus> {
    add_and_land(new, |_, adding| from_records(paths, new.force, adding))
}

fn add_and_land(
    new: &New<'_>,
    add: impl FnOnce(&GitFacts, &mut Adding<'_>) -> anyhow::Result<ExitStatus>,
) -> anyhow::Result<ExitStatus> {
    let (here, config) = (new.here, new.config);
    let repo = here.repo(config)?;
    let git = clean(here, &repo, new.force)?;
    let folder = baselines_folder(&repo, config)?;
    artefacts::sweep(&folder);
    let landing = new
        .land
        .as_ref()
        .map(|land| Landing::open(here, land, &config.baselines_dir))
        .transpose()?;
    let mut adding = Adding {
        here,
        config,
        folder: &folder,
        lands: landing.is_some(),
        level_shift: new.level_shift,
        tell: new.tell,
        added: Vec::new(),
    };
    let outcome = add(&git, &mut adding);
    landed(landing.as_ref(), &repo, &adding, outcome)
}

/// What was added lands also where a later session failed. Who interrupted has no time for it.
fn landed(
    landing: Option<&Landing>,
    repo: &Repo,
    adding: &Adding<'_>,
    outcome: anyhow::Result<ExitStatus>,
) -> anyhow::Result<ExitStatus> {
    let Some(landing) = landing.filter(|_| !adding.added.is_empty()) else { return outcome };
    if matches!(outcome, Ok(ExitStatus::Interrupted)) {
        note(&bilingual!(
            "not on GitHub, since the run was interrupted: the files that were added are in the working tree",
            "중단되어 GitHub에는 올리지 않음: 추가한 파일은 작업 트리에 있음"
        ));
        return outcome;
    }
    match (landing.land(&adding.added, repo.root().unwrap_or(Path::new(""))), outcome) {
        (Ok(line), outcome) => {
            (adding.tell)(&line);
            outcome
        }
        (Err(lost), outcome) => {
            if let Err(first) = outcome {
                speak(&error_text::text(&first));
            }
            Err(lost)
        }
    }
}

fn measured(
    sessions: &Sessions<'_>,
    git: &GitFacts,
    adding: &mut Adding<'_>,
) -> anyhow::Result<ExitStatus> {
    let (here, config, options) = (adding.here, adding.config, sessions.options);
    warn_of_one_start(config, sessions.count);
    let Some(mut job) = (sessions.begin)()? else { return Ok(ExitStatus::Interrupted) };
    let told = |e: &anyhow::Error| {
        artefacts::save_failure(&options.out, e, Some(git.clone()), sessions.lang);
    };
    if !job.load(here, config, [&config.target]).inspect_err(told)? {
        return Ok(ExitStatus::Interrupted);
    }
    let mut refused = 0;
    for session in 0..sessions.count {
        if sessions.count > 1 {
            let (number, count) = (session + 1, sessions.count);
            speak(&bilingual!("session {number} of {count}", "세션 {number}/{count}"));
        }
        let starts = |record: &Record| adding.starts(record, sessions.starts_given);
        let record = measure::capture(here, config, options, Some(git.clone()), &job, &starts)
            .inspect_err(told)?
            .saved()?;
        if job.stop.signalled() {
            speak(&nothing_added());
            return Ok(ExitStatus::Interrupted);
        }
        // One disturbed session of several is no reason to stop: it is said, and not added.
        match accept(here, &record, config)
            .and_then(|()| joins(&record, adding, &mut Vec::new()))
            .and_then(|new| add(&record, new, adding))
        {
            Err(e)
                if sessions.count > 1
                    && ExitStatus::from_error(&e) == ExitStatus::CouldNotMeasure =>
            {
                speak(&error_text::text(&e));
                refused += 1;
            }
            other => other?,
        }
        let left = sessions.count - session - 1;
        if left > 0 && job.stop.stopping() {
            speak(&bilingual!(
                "the time limit is over: no further session is measured",
                "시간 제한 도달: 세션을 더 측정하지 않음"
            ));
            refused += left;
            break;
        }
    }
    if refused > 0 {
        speak(&some_not_added(refused, sessions.count));
        return Ok(ExitStatus::CouldNotMeasure);
    }
    Ok(ExitStatus::Pass)
}

fn some_not_added(refused: u32, all: u32) -> Text {
    Text {
        en: format!(
            "{refused} of {} were not added",
            text::count(u64::from(all), "session", "sessions")
        ),
        ko: format!("세션 {all}개 중 {refused}개는 추가하지 않음"),
    }
}

fn warn_of_one_start(config: &Config, count: u32) {
    if count > 1 && matches!(config.target.endpoint, Endpoint::Http(_)) {
        note(&bilingual!(
            "this server is not started by the gate, so these sessions share one start, and the baseline will not know how starts differ\nhint: restart the server between sessions, or let the gate start it (`server.start`)",
            "게이트가 시작하지 않는 서버이므로 이 세션들은 한 번의 시작을 공유하고, 시작마다의 차이를 기준선이 알 수 없음\n힌트: 세션 사이에 서버를 다시 시작하거나, 게이트가 시작하게 하십시오 (`server.start`)"
        ));
    }
}

fn clean(here: &Workspace, repo: &Repo, force: bool) -> anyhow::Result<GitFacts> {
    let git = here.head_facts(repo)?;
    if git.dirty && !force {
        bail!(bilingual!(
            "the working tree has changes that no commit holds, so a baseline of this commit would not be of this commit\nhint: commit or stash them, or say `baseline update --force`",
            "커밋하지 않은 변경이 있어 이 커밋의 기준선이 되지 못함\n힌트: 커밋하거나 stash하십시오. 그대로 하려면 `baseline update --force`"
        ));
    }
    Ok(git)
}

fn from_records(
    paths: &[PathBuf],
    force: bool,
    adding: &mut Adding<'_>,
) -> anyhow::Result<ExitStatus> {
    let records = paths.iter().map(|path| stored(path, force)).collect::<Result<Vec<_>, _>>()?;
    // All or none: a refused record leaves no half of a list behind.
    records.iter().try_for_each(|record| accept(adding.here, record, adding.config))?;
    let mut before = Vec::new();
    let new = records
        .iter()
        .map(|record| joins(record, adding, &mut before))
        .collect::<Result<Vec<_>, _>>()?;
    records.iter().zip(new).try_for_each(|(record, new)| add(record, new, adding))?;
    Ok(ExitStatus::Pass)
}

/// A record for `--from`. What was measured in a dirty tree is not of its commit, however clean the
/// tree is now.
fn stored(path: &Path, force: bool) -> anyhow::Result<Record> {
    let record =
        Record::parse(&artefacts::read(path)?).explained(|| error_text::cannot_use(path))?;
    if record.git.as_ref().is_some_and(|git| git.dirty) && !force {
        bail!(bilingual!(
            "{path} was measured in a tree with changes that no commit holds, so it is not of its commit\nhint: measure again in a clean tree, or say --force",
            "{path}: 커밋하지 않은 변경이 있는 상태에서 측정되어 그 커밋의 것이 아님\n힌트: 변경이 없는 상태에서 다시 측정하거나 --force를 쓰십시오",
            path = path.display()
        ));
    }
    Ok(record)
}

/// What another verb measured of unchanged code in a clean tree.
pub fn add_measured(
    here: &Workspace,
    config: &Config,
    record: &Record,
    tell: &dyn Fn(&Text),
) -> anyhow::Result<()> {
    accept(here, record, config)?;
    let folder = here.baselines_folder(config)?;
    let mut adding = Adding {
        here,
        config,
        folder: &folder,
        lands: false,
        level_shift: None,
        tell,
        added: Vec::new(),
    };
    let new = joins(record, &adding, &mut Vec::new())?;
    add(record, new, &mut adding)
}

/// The sessions of a record as they join what came before: the files, and `before`, to which they
/// are added.
///
/// Errors: exit 1, slower than the sessions that it would join, without anybody who answers for it.
fn joins(
    record: &Record,
    adding: &Adding<'_>,
    before: &mut Vec<Session>,
) -> anyhow::Result<Vec<Session>> {
    let baselines = Baselines::of_head_with(adding.here, adding.config, before)?;
    let joined = joined(record, adding.level_shift, |w| baselines.baseline(&w.name))?;
    let mut sessions = Vec::new();
    for (workload, Joined { level_shift, words }) in record.workloads.iter().zip(joined) {
        if let Some(line) = words {
            (adding.tell)(&line);
        }
        let session = Session::from_record(record, workload).ok_or_else(keyed_by_commit)?;
        sessions.push(Session { level_shift, ..session });
    }
    before.extend(sessions.iter().cloned());
    Ok(sessions)
}

fn add(record: &Record, new: Vec<Session>, adding: &mut Adding<'_>) -> anyhow::Result<()> {
    let under_test = &record.policy.under_test;
    for (workload, session) in record.workloads.iter().zip(new) {
        // Landing may have failed the last time, after the file was written.
        let there = store::same(adding.folder, &session, under_test).filter(|_| adding.lands);
        let written = there.map_or_else(|| store::write(adding.folder, &session, under_test), Ok);
        // What was measured is lost for the baseline.
        let path =
            written.map_err(|e| Failure::measure(format!("{:#}", anyhow::Error::from(e))))?;
        let shown = path.display();
        (adding.tell)(&bilingual!("added {shown}", "추가: {shown}"));
        adding.added.push(Added { path, session });
        adding.keep_the_last(workload)?;
        (adding.tell)(&adding.sees(record, workload)?);
    }
    if adding.lands {
        return Ok(());
    }
    (adding.tell)(&bilingual!(
        "hint: commit these files; a check finds them by commit, on every machine",
        "힌트: 이 파일들을 커밋하십시오. check는 어느 머신에서나 커밋으로 찾습니다"
    ));
    Ok(())
}

pub fn nothing_added() -> Text {
    bilingual!(
        "interrupted: nothing was added to the baseline",
        "중단됨: 기준선에 아무것도 추가하지 않음"
    )
}

/// The baseline as it is before and after a session is added.
struct Adding<'a> {
    here: &'a Workspace,
    config: &'a Config,
    folder: &'a Path,
    /// New files go to GitHub, which nothing is removed from.
    lands: bool,
    /// Why what is added may be slower.
    level_shift: Option<&'a str>,
    tell: &'a dyn Fn(&Text),
    added: Vec<Added>,
}

/// The first session has three starts per side, judged against each other
/// (docs/ARITHMETIC.md#first-session).
const FIRST_CAPTURE: u32 = 6;

impl Adding<'_> {
    /// Starts of a session, once the first one has told what the server is. `given`: the user wants
    /// no more than were asked for.
    fn starts(&self, record: &Record, given: bool) -> u32 {
        let usual = measure::starts(self.config);
        let first = record.workloads.iter().any(|w| {
            self.baseline(w)
                .is_ok_and(|all| all.select(w, &self.config.gate.under_test, None).used.is_empty())
        });
        if first && usual >= 2 && !given {
            speak(&bilingual!(
                "first session of its kind: six starts, so that this build is also compared with itself",
                "이런 종류의 첫 세션: 빌드를 자기 자신과도 비교하도록 여섯 번 시작"
            ));
            return FIRST_CAPTURE.max(usual);
        }
        usual
    }

    fn baseline(&self, workload: &WorkloadRecord) -> anyhow::Result<Baseline> {
        Ok(Baselines::of_head(self.here, self.config)?.baseline(&workload.name))
    }

    /// Sessions beyond the last 20 of the lineage are removed: no check looks at them.
    fn keep_the_last(&self, workload: &WorkloadRecord) -> anyhow::Result<()> {
        if self.lands {
            return Ok(());
        }
        let baseline = self.baseline(workload)?;
        for (placed, why) in baseline.select(workload, &self.config.gate.under_test, None).left_out
        {
            if why != Why::TooOld {
                continue;
            }
            let path = store::remove(self.folder, &placed.1, &self.config.gate.under_test)?;
            (self.tell)(&bilingual!(
                "removed {path}: the last {KEPT_SESSIONS} are kept",
                "삭제: {path} (최근 {KEPT_SESSIONS}개만 보관)",
                path = path.display()
            ));
        }
        Ok(())
    }

    /// What a check against this baseline will see, in words.
    fn sees(&self, record: &Record, workload: &WorkloadRecord) -> anyhow::Result<Text> {
        let baseline = self.baseline(workload)?;
        let selection = baseline.select(workload, &self.config.gate.under_test, None);
        let sessions: Vec<&Session> = selection.sessions().collect();
        let starts = measure::starts(self.config) as usize;
        let visible = evaluate::visible(record, workload, &sessions, starts)?;
        let sees = evaluate::words_of_visible(&workload.name, sessions.len(), &visible);
        let note = |line| bilingual!("note: ", "참고: ").then(&plain_sentence(line));
        let lines: Vec<Text> =
            std::iter::once(sees).chain(selection.levels().into_iter().map(note)).collect();
        Ok(Text::joined(&lines, "\n"))
    }
}
