//! The gate: measures, compares with the baseline, judges, and holds it against earlier attempts.
//! Not here: what a person sees of it.

mod from;

use std::path::Path;

use anyhow::bail;

use super::attempts::{self, Judging, Ledger, Standing};
use super::gate::Gate;
use super::gate::counterpart::described;
use super::job::Job;
use super::measure::{self, BASELINE_RECORD, Kept, RECORD};
use super::options::RunOptions;
use super::sessions::Baselines;
use super::sides::{Pair, targets};
use super::workspace::Workspace;
use super::{artefacts, dry_run, publish};
use crate::config::{Config, GateMode, Lang, Target};
use crate::evaluate;
use crate::exit::ExitStatus;
use crate::lang::{Text, bilingual};
use crate::print::note;
use crate::record::{GitFacts, Record, WorkloadRecord};
use crate::report::Report;
use crate::report::notice::Notice;
use crate::report::page::charts::{Charts, charts};

/// What a check is asked beside its config.
pub struct Check<'a> {
    pub here: &'a Workspace,
    pub options: &'a RunOptions,
    /// The branch that was named.
    pub base: Option<&'a str>,
    /// Sessions that were named instead of the repository's.
    pub baseline: Option<&'a Path>,
    pub lang: Lang,
    /// A stored record that is judged, instead of measuring.
    pub from: Option<&'a Path>,
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
    measure::with_min_starts(&mut config);
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
    measure::with_min_starts(&mut config);
    if let Ok(repo) = what.here.repo(&config) {
        repo.remove_abandoned_worktrees();
    }
    // It may lie in the folder that is cleared.
    let stored = what.from.map(|path| from::record(path, &config)).transpose()?;
    // While another gate has the folder, what lies there is that one's.
    let Some(mut job) = begin()? else { return Ok(None) };
    artefacts::clear(&what.options.out)?;
    let targets = targets(what.here, &config, target.as_ref())?;
    if stored.is_none()
        && !job.load(what.here, &config, &targets).inspect_err(|e| failed(e, what, None, None))?
    {
        return Ok(None);
    }
    let ledger = Ledger::open(what.here, &config, what.options);
    let mut outcome = match (stored, config.gate.mode) {
        (Some(record), _) => of_record(record, &config, what, ledger)?,
        (None, mode) => match mode {
            GateMode::Interleaved => interleaved(&config, what, target, &job, ledger)?,
            GateMode::Baseline | GateMode::Limits => alone(&config, what, &job, ledger)?,
        },
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
fn failed(error: &anyhow::Error, what: &Check<'_>, git: Option<GitFacts>, ledger: Option<&Ledger>) {
    artefacts::save_failure(&what.options.out, error, git.clone(), what.lang);
    if let Some(mut report) = artefacts::failure(error, git) {
        if let Some(ledger) = ledger {
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
    ledger.ask_github(None, None);
    measure::warn_of_starts(config);
    baselines.out_of_reach(config, measure::starts(config)).iter().for_each(note);
    let Kept { value: candidate, unsaved } =
        measure::measure(what.here, config, what.options, baselines.git.clone(), job)
            .inspect_err(|e| failed(e, what, baselines.git.clone(), Some(&ledger)))?;
    judged(candidate, &baselines, &mut ledger, unsaved)
}

fn judged(
    candidate: Record,
    baselines: &Baselines,
    ledger: &mut Ledger,
    unsaved: Option<anyhow::Error>,
) -> anyhow::Result<Gated> {
    let mut measured = attempts::Kept { baseline: None, candidate };
    let known = |w: &WorkloadRecord| baselines.baseline(&w.name);
    let judging = Judging { prepare: &as_it_is, known: &known };
    let (mut report, exit) = ledger.judge(&mut measured, judging)?;
    let charts = charts(&measured.candidate, &report)?;
    report.last_notices(&baselines.notices);
    Ok(Gated { report, exit, charts, unsaved })
}

/// What a stored record comes to against the sessions of other days. Errors: it is of another
/// commit.
fn of_record(
    record: Record,
    config: &Config,
    what: &Check<'_>,
    mut ledger: Ledger,
) -> anyhow::Result<Gated> {
    let wanted = what.here.wanted(what.base);
    let baselines = Baselines::open(what.here, config, what.baseline, &wanted)?;
    let commit = |git: Option<&GitFacts>| git.map_or_else(|| "-".to_owned(), |g| g.commit.clone());
    let (measured, here) = (commit(record.git.as_ref()), commit(baselines.git.as_ref()));
    let changed = |git: Option<&GitFacts>| git.is_some_and(|git| git.dirty);
    // What was changed and not committed then is not what is here now.
    if measured != here || changed(record.git.as_ref()) && !changed(baselines.git.as_ref()) {
        bail!(bilingual!(
            "the record is of commit {measured}, and this is {here}\nhint: check out the commit that was measured",
            "레코드는 커밋 {measured}의 것인데 현재는 {here}\n힌트: 측정한 커밋을 체크아웃하십시오"
        ));
    }
    ledger.ask_github(None, None);
    artefacts::prepare(&what.options.out)?;
    artefacts::save_record(&what.options.out, RECORD, &record)?;
    let stored = [Notice::FromRecord { created: record.created.clone() }];
    let mut gated = judged(record, &baselines, &mut ledger, None)?;
    gated.report.notice(&stored);
    Ok(gated)
}

/// Both sides in this job. Earlier sessions only tell the noise.
fn interleaved(
    config: &Config,
    what: &Check<'_>,
    beside: Option<Target>,
    job: &Job,
    mut ledger: Ledger,
) -> anyhow::Result<Gated> {
    let baselines =
        Baselines::for_noise(what.here, config, what.baseline, &what.here.wanted(what.base))?;
    let git = baselines.git.clone();
    ledger.ask_github(None, None);
    let pair = Pair::open(what.here, config, git.as_ref(), what.base, beside)
        .or_else(|e| {
            // What an earlier run measured is not this one's.
            if ExitStatus::from_error(&e) == ExitStatus::CouldNotMeasure {
                artefacts::prepare(&what.options.out)?;
            }
            Err(e)
        })
        .inspect_err(|e| failed(e, what, git.clone(), Some(&ledger)))?;
    let known = |w: &WorkloadRecord| baselines.baseline(&w.name);
    let judging = Judging { prepare: &as_it_is, known: &known };
    let beside = attempts::beside(
        pair.sides[0].git.as_ref(),
        git.as_ref(),
        &pair.baseline,
        Some(&pair.target_digests()[0]),
    );
    if pair.restarts() {
        if let Some(standing) = ledger.standing(config, &beside, judging)? {
            return standing_verdict(what, standing, &baselines);
        }
    } else {
        note(&bilingual!(
            "not every server here is started by the gate, so this is one start per side: start-to-start variance is not sampled",
            "게이트가 시작하지 않는 서버가 있어 한쪽에 시작 한 번씩: 시작마다의 차이는 측정되지 않음"
        ));
    }
    let before = ledger.before_run(&beside, judging);
    let history = |workload: &WorkloadRecord| baselines.past(workload, &config.gate.under_test);
    let most = config.gate.max_pairs() as usize;
    let planned = |record: &Record| evaluate::planned(record, most, &*before.earlier(record)?);
    let wanted = |base: &Record, candidate: &Record| {
        evaluate::wanted(base, candidate, &*before.earlier(candidate)?)
    };
    let between = measure::BetweenStarts { history: &history, planned: &planned, wanted: &wanted };
    let Kept { value: (base, candidate), unsaved } =
        measure::pair(config, what.options, &pair, job, &between)
            .inspect_err(|e| failed(e, what, git.clone(), Some(&ledger)))?;
    let mut measured = attempts::Kept { baseline: Some(base), candidate };
    let (mut report, exit) = ledger.judge(&mut measured, judging)?;
    // What was said of stored sessions is about the noise only.
    report.last_notices(&baselines.notices);
    let charts = charts(&measured.candidate, &report)?;
    Ok(Gated { report, exit, charts, unsaved })
}

/// The records of the attempt whose verdict stands are this run's, as if it had measured them.
fn standing_verdict(
    what: &Check<'_>,
    standing: Standing,
    baselines: &Baselines,
) -> anyhow::Result<Gated> {
    let Standing { kept, mut report, exit } = standing;
    let out = &what.options.out;
    artefacts::prepare(out)?;
    for (file, record) in
        [(BASELINE_RECORD, kept.baseline.as_ref()), (RECORD, Some(&kept.candidate))]
    {
        record.map(|record| artefacts::save_record(out, file, record)).transpose()?;
    }
    report.last_notices(&baselines.notices);
    let charts = charts(&kept.candidate, &report)?;
    Ok(Gated { report, exit, charts, unsaved: None })
}

/// What this job has measured itself is judged as it is.
#[expect(clippy::unnecessary_wraps, reason = "the signature that `Judging` asks for")]
fn as_it_is(_: &mut attempts::Kept) -> anyhow::Result<()> {
    Ok(())
}
