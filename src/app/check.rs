//! The gate: measures, compares with the baseline, judges, and holds it against earlier attempts.
//! Not here: what a person sees of it.

use std::path::Path;

use super::attempts::Ledger;
use super::gate::Gate;
use super::gate::counterpart::described;
use super::job::Job;
use super::measure::{self, Kept};
use super::options::RunOptions;
use super::sessions::Baselines;
use super::sides::{Pair, targets};
use super::stored::first_job;
use super::workspace::Workspace;
use super::workspace::place::inside;
use super::{artefacts, dry_run, publish};
use crate::baseline::base::Wanted;
use crate::config::{Config, GateMode, Lang, Target};
use crate::evaluate;
use crate::exit::ExitStatus;
use crate::lang::{Text, bilingual};
use crate::print::note;
use crate::record::{GitFacts, Record, WorkloadRecord};
use crate::report::Report;
use crate::report::page::charts::{Charts, charts};

/// What a check is asked beside its config.
pub struct Check<'a> {
    pub here: &'a Workspace,
    pub options: &'a RunOptions,
    /// The branch that was named.
    pub base: Option<&'a str>,
    /// Sessions that were named instead of the repository's.
    pub baseline: Option<&'a Path>,
    /// The record of a first job that left it open.
    pub with: Option<&'a Path>,
    pub lang: Lang,
}

/// What the check would do, in words; nothing is sent. Errors: a base that was named is not there.
pub fn plan(here: &Workspace, config: &Config, base: Option<&str>) -> anyhow::Result<Text> {
    // It looks at a config also where there is no repository.
    let described = || {
        described(here, config, base)
            .or_else(|e| if base.is_some() { Err(e) } else { Ok(format!("unknown here ({e})")) })
    };
    let beside = (config.gate.mode == GateMode::Interleaved).then(described);
    let mut config = config.clone();
    config.gate.occasion.get_or_insert(here.occasion());
    dry_run::text(&config, beside.transpose()?.as_deref())
}

/// The check itself. `begin` begins its job. `None`: interrupted while it waited for another gate.
pub fn check(
    gate: Gate,
    what: &Check<'_>,
    begin: impl FnOnce() -> anyhow::Result<Option<Job>>,
) -> anyhow::Result<Option<Gated>> {
    let Gate { mut config, beside: target, notices } = gate;
    config.gate.occasion.get_or_insert(what.here.occasion());
    if let Ok(repo) = what.here.repo(&config) {
        repo.remove_abandoned_worktrees();
    }
    // While another gate has the folder, what lies there is that one's.
    let Some(mut job) = begin()? else { return Ok(None) };
    artefacts::clear(&what.options.out)?;
    let targets = targets(what.here, &config, target.as_ref())?;
    if !job.load(what.here, &config, &targets).inspect_err(|e| failed(e, what, None, None))? {
        return Ok(None);
    }
    let ledger = Ledger::open(what.here, &config, what.options);
    let mut outcome = match config.gate.mode {
        GateMode::Interleaved => interleaved(&config, what, target, &job, ledger)?,
        GateMode::Baseline | GateMode::Limits => alone(&config, what, &job, ledger)?,
    };
    // Whose policy it was, first.
    outcome.report.notice(&notices);
    outcome.exit = artefacts::closed(&mut outcome.report, outcome.exit, outcome.unsaved.as_ref());
    Ok(Some(outcome))
}

/// What a gate came to.
pub struct Gated {
    pub report: Report,
    pub exit: ExitStatus,
    pub charts: Vec<Charts>,
    unsaved: Option<anyhow::Error>,
}

/// What could not be measured is told where a verdict would have been.
fn failed(
    error: &anyhow::Error,
    what: &Check<'_>,
    git: Option<GitFacts>,
    ledger: Option<&mut Ledger>,
) {
    artefacts::save_failure(&what.options.out, error, git.clone(), what.lang);
    if let Some(mut report) = artefacts::failure(error, git) {
        if let Some(ledger) = ledger {
            ledger.ask_github(None, None);
            report.attempts = ledger.rows_unmeasured(&report);
        }
        publish::after_check(what.here, &report, &what.options.out, what.lang);
    }
}

/// One side, against the sessions of other days.
fn alone(
    config: &Config,
    what: &Check<'_>,
    job: &Job,
    mut ledger: Ledger,
) -> anyhow::Result<Gated> {
    // Before anything is sent: an unreadable baseline or a shallow clone costs no GPU minute.
    let wanted = what.here.wanted(what.base);
    let baselines = Baselines::open(what.here, config, what.baseline, &wanted)?;
    what.with.iter().try_for_each(|path| not_of_this_commit(what.here, config, path, &wanted))?;
    let first = what
        .with
        .map(|path| first_job(path, baselines.git.as_ref(), |w| baselines.baseline(&w.name)))
        .transpose()?;
    measure::warn_of_starts(config);
    let Kept { value: record, unsaved } =
        measure::measure(what.here, config, what.options, baselines.git.clone(), job)
            .inspect_err(|e| failed(e, what, baselines.git.clone(), Some(&mut ledger)))?;
    let parts = evaluate::alone(&record, first.as_ref(), |w| baselines.baseline(&w.name))?;
    ledger.ask_github(None, None);
    let (mut report, exit) = ledger.report(&record, parts)?;
    let charts = charts(&record, &report)?;
    report.last_notices(&baselines.notices);
    Ok(Gated { report, exit, charts, unsaved })
}

/// Errors: the record is a file of the commit under test, so that the change brought its own
/// evidence.
fn not_of_this_commit(
    here: &Workspace,
    config: &Config,
    path: &Path,
    wanted: &Wanted,
) -> anyhow::Result<()> {
    let Ok(repo) = here.repo(config) else { return Ok(()) };
    let Some(inside) =
        repo.root().and_then(|root| inside(root, path)).filter(|_| wanted.base_counts())
    else {
        return Ok(());
    };
    if repo.found_at("HEAD", &inside)?.is_some() {
        anyhow::bail!(bilingual!(
            "--with {path}: a commit holds it, and a change does not bring the measurement that judges it\nhint: name the record that another job has left",
            "--with {path}: 커밋에 든 파일임. 변경을 판정할 측정을 변경 자신이 가져올 수 없음\n힌트: 다른 작업(job)이 남긴 레코드를 지정하십시오",
            path = path.display()
        ));
    }
    Ok(())
}

/// Both sides in this job. Earlier sessions only tell the noise.
fn interleaved(
    config: &Config,
    what: &Check<'_>,
    beside: Option<Target>,
    job: &Job,
    mut ledger: Ledger,
) -> anyhow::Result<Gated> {
    if what.with.is_some() {
        anyhow::bail!(bilingual!(
            "--with is for a second job against earlier sessions; an interleaved run is decided by itself",
            "--with는 이전 세션과 비교하는 두 번째 작업용. 교차 측정은 그 자체로 판정함"
        ));
    }
    let baselines =
        Baselines::for_noise(what.here, config, what.baseline, &what.here.wanted(what.base))?;
    let git = baselines.git.clone();
    let mut told = |e: &anyhow::Error| failed(e, what, git.clone(), Some(&mut ledger));
    let pair = Pair::open(what.here, config, git.as_ref(), what.base, beside)
        .or_else(|e| {
            // What an earlier run measured is not this one's.
            if ExitStatus::from_error(&e) == ExitStatus::CouldNotMeasure {
                artefacts::prepare(&what.options.out)?;
            }
            Err(e)
        })
        .inspect_err(&mut told)?;
    if !pair.restarts() {
        note(&bilingual!(
            "not every server here is started by the gate, so this is one start per side: start-to-start variance is not sampled",
            "게이트가 시작하지 않는 서버가 있어 한쪽에 시작 한 번씩: 시작마다의 차이는 측정되지 않음"
        ));
    }
    let history = |workload: &WorkloadRecord| baselines.past(workload, &config.gate.under_test);
    let most = config.gate.max_pairs() as usize;
    let planned = |record: &Record| evaluate::planned(record, most);
    let between =
        measure::BetweenStarts { history: &history, planned: &planned, wanted: &evaluate::wanted };
    let Kept { value: (base, candidate), unsaved } =
        measure::pair(config, what.options, &pair, job, &between).inspect_err(&mut told)?;
    let parts = evaluate::paired(&base, &candidate, |w| baselines.baseline(&w.name))?;
    ledger.ask_github(None, None);
    let (mut report, exit) = ledger.report(&candidate, parts)?;
    // What was said of stored sessions is about the noise only.
    report.last_notices(&baselines.notices);
    let charts = charts(&candidate, &report)?;
    Ok(Gated { report, exit, charts, unsaved })
}
