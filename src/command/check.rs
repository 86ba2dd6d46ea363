//! `check`: the gate. Measures, compares with the baseline, judges, reports; the exit code is the verdict's.

use std::path::Path;

use anyhow::Context as _;

use super::attempts::Ledger;
use super::baseline::{self, Baselines};
use super::evaluate::Baseline;
use super::job::{self, Job};
use super::measure::Kept;
use super::setup::{self, Gate};
use super::side::{self, Pair};
use super::{base, drawn, dry_run, evaluate, measure, next, output, publish};
use crate::baseline::base::Wanted;
use crate::cli::CheckArgs;
use crate::config::{Config, GateMode, Lang, Target};
use crate::exit::ExitStatus;
use crate::record::{GitFacts, Record, WorkloadRecord};
use crate::report::Report;
use crate::report::page::charts::Charts;

const VERB: &str = "check";

pub fn run(args: &CheckArgs) -> anyhow::Result<ExitStatus> {
    let gate = setup::gate(args).inspect_err(|_| {
        if !args.output.dry_run {
            job::clear_if_free(VERB, &args.output);
        }
    });
    let Gate { config, beside: target, notices } = gate?;
    if args.output.dry_run {
        let beside = (config.gate.mode == GateMode::Interleaved).then(|| beside(&config, args.base.as_deref()));
        let plan = dry_run::text(&config, beside.transpose()?.as_deref())?;
        for notice in &notices {
            output::say(&format!("note: {notice}"));
        }
        output::print(&plan)?;
        return Ok(ExitStatus::Pass);
    }
    if let Ok(repo) = baseline::repo(&config) {
        repo.remove_abandoned_worktrees();
    }
    // While another gate has the folder, what lies there is that one's.
    let Some(mut job) = Job::begin(VERB, &args.output)? else { return Ok(ExitStatus::Interrupted) };
    output::clear(&args.output.out)?;
    let lang = setup::lang(args.lang, &config);
    let targets = side::targets(&config, target.as_ref())?;
    if !job.load(&config, &targets).inspect_err(|e| failed(e, args, None, lang, None))? {
        return Ok(ExitStatus::Interrupted);
    }
    let ledger = Ledger::open(&config, &args.output);
    let Outcome { mut report, exit, charts, unsaved } = match config.gate.mode {
        GateMode::Interleaved => interleaved(&config, args, target, &job, ledger)?,
        GateMode::Baseline | GateMode::Limits => alone(&config, args, &job, ledger)?,
    };
    // Whose policy it was, first.
    report.notices.splice(0..0, notices);
    let exit = output::closed(&mut report, exit, unsaved.as_ref());
    output::deliver(&args.output.out, &mut report, &charts, lang);
    next::after_check(&report, &args.output.out, lang);
    publish::after_check(&report, &args.output.out, lang);
    Ok(exit)
}

/// For a dry run, which looks at a config also where there is no repository. Errors: a base that was named is not there.
fn beside(config: &Config, base: Option<&str>) -> anyhow::Result<String> {
    side::described(config, base).or_else(|e| if base.is_some() { Err(e) } else { Ok(format!("unknown here ({e})")) })
}

/// What a gate came to.
struct Outcome {
    report: Report,
    exit: ExitStatus,
    charts: Vec<Charts>,
    unsaved: Option<anyhow::Error>,
}

/// What could not be measured is told where a verdict would have been.
fn failed(error: &anyhow::Error, args: &CheckArgs, git: Option<GitFacts>, lang: Lang, ledger: Option<&mut Ledger>) {
    output::save_failure(&args.output.out, error, git.clone(), lang);
    if let Some(mut report) = output::failure(error, git) {
        if let Some(ledger) = ledger {
            ledger.ask_github(None, None);
            report.attempts = ledger.rows_unmeasured(&report);
        }
        publish::after_check(&report, &args.output.out, lang);
    }
}

/// One side, against the sessions of other days.
fn alone(config: &Config, args: &CheckArgs, job: &Job, mut ledger: Ledger) -> anyhow::Result<Outcome> {
    // Before anything is sent: an unreadable baseline or a shallow clone costs no GPU minute.
    let wanted = base::wanted(args.base.as_deref());
    let baselines = Baselines::open(config, args.baseline.as_deref(), &wanted)?;
    args.with.iter().try_for_each(|path| not_of_this_commit(config, path, &wanted))?;
    let first = args.with.as_ref().map(|path| first_job(path, baselines.git.as_ref(), |w| baselines.of(&w.name))).transpose()?;
    measure::warn_of_starts(config);
    let Kept { value: record, unsaved } = measure::measure(config, &args.output, baselines.git.clone(), job)
        .inspect_err(|e| failed(e, args, baselines.git.clone(), setup::lang(args.lang, config), Some(&mut ledger)))?;
    let parts = evaluate::alone(&record, first.as_ref(), |w| baselines.of(&w.name))?;
    ledger.ask_github(None, None);
    let (mut report, exit) = ledger.report(&record, parts)?;
    let charts = drawn::beside_sessions(&record, |w| baselines.of(&w.name))?;
    report.notices.extend(baselines.notices);
    Ok(Outcome { report, exit, charts, unsaved })
}

/// Errors: the record is a file of the commit under test, so that the change brought its own evidence.
fn not_of_this_commit(config: &Config, path: &Path, wanted: &Wanted) -> anyhow::Result<()> {
    let Ok(repo) = baseline::repo(config) else { return Ok(()) };
    let Some(inside) = repo.root().and_then(|root| setup::inside(root, path)).filter(|_| wanted.base_counts()) else {
        return Ok(());
    };
    if repo.found_at("HEAD", &inside)?.is_some() {
        anyhow::bail!(
            "--with {}: a commit holds it, and a change does not bring the measurement that judges it\nhint: name the record that another job has left",
            path.display()
        );
    }
    Ok(())
}

/// The job that left it open. Errors: it is of other code, unfit, or not open.
pub fn first_job(path: &Path, git: Option<&GitFacts>, baseline: impl Fn(&WorkloadRecord) -> Baseline) -> anyhow::Result<Record> {
    let record = Record::parse(&output::read(path)?).with_context(|| format!("cannot use {}", path.display()))?;
    let why = match evaluate::not_a_first_job(&record, git) {
        None => evaluate::decided(&evaluate::alone(&record, None, baseline)?),
        why => why,
    };
    match why {
        Some(why) => anyhow::bail!("--with {}: {why}", path.display()),
        None => Ok(record),
    }
}

/// Both sides in this job. Earlier sessions only tell the noise.
fn interleaved(
    config: &Config,
    args: &CheckArgs,
    beside: Option<Target>,
    job: &Job,
    mut ledger: Ledger,
) -> anyhow::Result<Outcome> {
    if args.with.is_some() {
        anyhow::bail!("--with is for a second job against earlier sessions; an interleaved run is decided by itself");
    }
    let baselines = Baselines::for_noise(config, args.baseline.as_deref(), &base::wanted(args.base.as_deref()))?;
    let git = baselines.git.clone();
    let mut told = |e: &anyhow::Error| failed(e, args, git.clone(), setup::lang(args.lang, config), Some(&mut ledger));
    let pair = Pair::open(config, git.as_ref(), args.base.as_deref(), beside)
        .or_else(|e| {
            // What an earlier run measured is not this one's.
            if ExitStatus::of(&e) == ExitStatus::CouldNotMeasure {
                output::prepare(&args.output.out)?;
            }
            Err(e)
        })
        .inspect_err(&mut told)?;
    if !pair.restarts() {
        output::say(
            "note: not every server here is started by the gate, so this is one start per side: start-to-start variance is not sampled",
        );
    }
    let history = |workload: &WorkloadRecord| baselines.past(workload, &config.gate.under_test);
    let asked = measure::Asked { history: &history, undecided: &evaluate::undecided };
    let Kept { value: (base, candidate), unsaved } =
        measure::pair(config, &args.output, &pair, job, &asked).inspect_err(&mut told)?;
    let parts = evaluate::paired(&base, &candidate, |w| baselines.of(&w.name))?;
    ledger.ask_github(None, None);
    let (mut report, exit) = ledger.report(&candidate, parts)?;
    // What was said of stored sessions is about the noise only.
    report.notices.extend(baselines.notices);
    let charts = drawn::beside_record(&base, &candidate)?;
    Ok(Outcome { report, exit, charts, unsaved })
}
