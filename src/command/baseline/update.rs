//! `baseline update`: measures sessions of unchanged code (or takes stored records) and adds them to the baseline of this commit.
//!
//! The first session of its kind has three starts more, which are judged against the others: a build that differs from itself is no baseline
//! (METHOD section 6). Not here: where the files lie (`baseline::store`).

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::joins::joined;
use super::land::{Added, Landing};
use super::{Baselines, facts, folder, repo};
use crate::baseline::lineage::Repo;
use crate::baseline::store;
use crate::cli::{BaselinePromoteArgs, BaselineUpdateArgs, WorkloadArgs};
use crate::command::evaluate::{self, Baseline};
use crate::command::job::Job;
use crate::command::{dry_run, ending, measure, output, setup};
use crate::compare::{KEPT_SESSIONS, Why};
use crate::config::{Config, Endpoint};
use crate::exit::{ExitStatus, Failure};
use crate::record::session::Session;
use crate::record::{GitFacts, Record, WorkloadRecord};
use crate::report::text;
use crate::verdict::Verdict;

pub fn run(args: &BaselineUpdateArgs) -> anyhow::Result<ExitStatus> {
    let config = setup::config(&args.config, &args.workload)?;
    if args.output.dry_run {
        output::print(&dry_run::text(&config, None)?)?;
        return Ok(ExitStatus::Pass);
    }
    let repo = repo(&config)?;
    let git = clean(&repo, args.force)?;
    let folder = folder(&repo, &config)?;
    output::sweep(&folder);
    let landing = Landing::of(&args.land, &config.baselines_dir)?;
    let mut known = Known::of(&config, &folder, landing.is_some(), args.level_shift.as_deref());
    let outcome =
        if args.from.is_empty() { measured(args, &git, &mut known) } else { from_records(&args.from, args.force, &mut known) };
    landed(landing.as_ref(), &repo, &known.added, outcome)
}

/// `baseline promote`: as `update --from`, and never by force.
pub fn promote(args: &BaselinePromoteArgs) -> anyhow::Result<ExitStatus> {
    let config = setup::config(&args.config, &WorkloadArgs::default())?;
    let repo = repo(&config)?;
    clean(&repo, false)?;
    let folder = folder(&repo, &config)?;
    output::sweep(&folder);
    let landing = Landing::of(&args.land, &config.baselines_dir)?;
    let mut known = Known::of(&config, &folder, landing.is_some(), args.level_shift.as_deref());
    let outcome = from_records(&args.records, false, &mut known);
    landed(landing.as_ref(), &repo, &known.added, outcome)
}

/// What was added lands also where a later session failed. Who interrupted has no time for it.
fn landed(
    landing: Option<&Landing>,
    repo: &Repo,
    added: &[Added],
    outcome: anyhow::Result<ExitStatus>,
) -> anyhow::Result<ExitStatus> {
    let Some(landing) = landing.filter(|_| !added.is_empty()) else { return outcome };
    if matches!(outcome, Ok(ExitStatus::Interrupted)) {
        output::say("note: not on GitHub, since the run was interrupted: the files that were added are in the working tree");
        return outcome;
    }
    match (landing.land(added, repo.root().unwrap_or(Path::new(""))), outcome) {
        (Ok(()), outcome) => outcome,
        (Err(lost), outcome) => {
            if let Err(first) = outcome {
                output::say(&ending::text(&first));
            }
            Err(lost)
        }
    }
}

fn measured(args: &BaselineUpdateArgs, git: &GitFacts, known: &mut Known<'_>) -> anyhow::Result<ExitStatus> {
    let config = known.config;
    if args.sessions > 1 && matches!(config.target.endpoint, Endpoint::Http(_)) {
        output::say(
            "note: this server is not started by the gate, so these sessions share one start, and the baseline will not know how starts differ\nhint: restart the server between sessions, or let the gate start it (`server.start`)",
        );
    }
    let Some(mut job) = Job::begin("baseline update", &args.output)? else { return Ok(ExitStatus::Interrupted) };
    let lang = setup::lang(args.lang, config);
    let told = |e: &anyhow::Error| output::save_failure(&args.output.out, e, Some(git.clone()), lang);
    if !job.load(config, [&config.target]).inspect_err(told)? {
        return Ok(ExitStatus::Interrupted);
    }
    let mut refused = 0;
    for session in 0..args.sessions {
        if args.sessions > 1 {
            output::say(&format!("session {} of {}", session + 1, args.sessions));
        }
        let starts = |record: &Record| known.starts(record, args.workload.starts.is_some());
        let record = measure::capture(config, &args.output, Some(git.clone()), &job, &starts).inspect_err(told)?.saved()?;
        if job.stop.signalled() {
            output::say("interrupted: nothing was added to the baseline");
            return Ok(ExitStatus::Interrupted);
        }
        // One disturbed session of several is no reason to stop: it is said, and not added.
        match accept(&record, config)
            .and_then(|()| joins(&record, known, &mut Vec::new()))
            .and_then(|new| add(&record, new, known))
        {
            Err(e) if args.sessions > 1 && ExitStatus::of(&e) == ExitStatus::CouldNotMeasure => {
                output::say(&ending::text(&e));
                refused += 1;
            }
            other => other?,
        }
        let left = args.sessions - session - 1;
        if left > 0 && job.stop.stopping() {
            output::say("the time limit is over: no further session is measured");
            refused += left;
            break;
        }
    }
    if refused > 0 {
        output::say(&format!("{refused} of {} were not added", text::count(u64::from(args.sessions), "session", "sessions")));
        return Ok(ExitStatus::CouldNotMeasure);
    }
    Ok(ExitStatus::Pass)
}

fn clean(repo: &Repo, force: bool) -> anyhow::Result<GitFacts> {
    let git = facts(repo)?;
    if git.dirty && !force {
        bail!(
            "the working tree has changes that no commit holds, so a baseline of this commit would not be of this commit\nhint: commit or stash them, or say `baseline update --force`"
        );
    }
    Ok(git)
}

fn from_records(paths: &[PathBuf], force: bool, known: &mut Known<'_>) -> anyhow::Result<ExitStatus> {
    let records = paths.iter().map(|path| stored(path, force)).collect::<Result<Vec<_>, _>>()?;
    // All or none: a refused record leaves no half of a list behind.
    records.iter().try_for_each(|record| accept(record, known.config))?;
    let mut before = Vec::new();
    let new = records.iter().map(|record| joins(record, known, &mut before)).collect::<Result<Vec<_>, _>>()?;
    records.iter().zip(new).try_for_each(|(record, new)| add(record, new, known))?;
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

/// Refuses what must not become a reference: interrupted runs, unfit measurements, failed requests' runs, limits whose breach nobody has
/// accepted.
fn accept(record: &Record, config: &Config) -> anyhow::Result<()> {
    if record.interrupted {
        bail!(Failure::measure(&"not added to the baseline, the run was interrupted: measure again"));
    }
    if record.pair.is_some() {
        bail!(
            "not added to the baseline, the record is one side of an interleaved run, which judged this very code\nhint: measure it by itself: goodput-gate baseline update"
        );
    }
    for workload in &record.workloads {
        if let Some(why) = evaluate::incomplete(record, workload) {
            bail!(Failure::measure(&format!("not added to the baseline, {}: {why}", workload.name)));
        }
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
    if let Some(why) = evaluate::same_build(record)? {
        bail!(Failure::measure(&format!(
            "not added to the baseline, this build differs from itself: {why}\nhint: something else uses this machine, or its speed drifts: see `goodput-gate doctor`, measure again"
        )));
    }
    let accepted = Baselines::here(config)?.of("").accepted;
    let (report, _) = evaluate::judged(record, None, |_| Baseline { accepted: accepted.clone(), ..Baseline::default() })?;
    for workload in &report.workloads {
        if workload.verdict == Some(Verdict::Failed) {
            let first = workload.reasons.first().cloned().unwrap_or_default();
            bail!(Failure::measure(&format!(
                "not added to the baseline, {} breaches a limit: {first}\nhint: set slo and limits to what this server is to deliver; what was measured is in record.json of the output folder",
                workload.name
            )));
        }
        // Errors of a reference hide errors of a candidate.
        let failed = workload.requests - workload.completed.min(workload.requests);
        if failed * 100 > workload.requests {
            bail!(Failure::measure(&format!(
                "not added to the baseline, {failed} of {} requests of {} failed\nhint: see the errors in report.md of the output folder; more than 1 % is no reference",
                workload.requests, workload.name
            )));
        }
    }
    Ok(())
}

/// What another verb measured of unchanged code in a clean tree.
pub fn add_measured(config: &Config, record: &Record) -> anyhow::Result<()> {
    accept(record, config)?;
    let folder = folder(&repo(config)?, config)?;
    let mut known = Known::of(config, &folder, false, None);
    let new = joins(record, &known, &mut Vec::new())?;
    add(record, new, &mut known)
}

/// The sessions of a record as they join what came before: the files, and `before`, to which they are added.
///
/// Errors: exit 1, slower than the sessions that it would join, without anybody who answers for it.
fn joins(record: &Record, known: &Known<'_>, before: &mut Vec<Session>) -> anyhow::Result<Vec<Session>> {
    let baselines = Baselines::here_with(known.config, before)?;
    let joined = joined(record, known.level_shift, |w| baselines.of(&w.name))?;
    let mut sessions = Vec::new();
    for (workload, level_shift) in record.workloads.iter().zip(joined) {
        let session = Session::from_record(record, workload).context("a baseline is keyed by commit, and the record has none")?;
        sessions.push(Session { level_shift, ..session });
    }
    before.extend(sessions.iter().cloned());
    Ok(sessions)
}

fn add(record: &Record, new: Vec<Session>, known: &mut Known<'_>) -> anyhow::Result<()> {
    let under_test = &record.policy.under_test;
    for (workload, session) in record.workloads.iter().zip(new) {
        // Landing may have failed the last time, after the file was written.
        let there = store::same(known.folder, &session, under_test).filter(|_| known.lands);
        let written = there.map_or_else(|| store::write(known.folder, &session, under_test), Ok);
        // What was measured is lost for the baseline.
        let path = written.map_err(|e| Failure::measure(&format!("{:#}", anyhow::Error::from(e))))?;
        output::tell(&format!("added {}", path.display()));
        known.added.push(Added { path, session });
        known.keep_the_last(workload)?;
        output::tell(&known.sees(record, workload)?);
    }
    if known.lands {
        return Ok(());
    }
    output::tell("hint: commit these files; a check finds them by commit, on every machine");
    Ok(())
}

/// The baseline as it is before and after a session is added.
struct Known<'a> {
    config: &'a Config,
    folder: &'a Path,
    /// New files go to GitHub, which nothing is removed from.
    lands: bool,
    /// Why what is added may be slower.
    level_shift: Option<&'a str>,
    added: Vec<Added>,
}

/// METHOD section 6: the first capture has three starts per side, judged against each other.
const FIRST_CAPTURE: u32 = 6;

impl<'a> Known<'a> {
    const fn of(config: &'a Config, folder: &'a Path, lands: bool, level_shift: Option<&'a str>) -> Self {
        Self { config, folder, lands, level_shift, added: Vec::new() }
    }

    /// Starts of a session, once the first one has told what the server is. `said`: the user wants no more than were asked for.
    fn starts(&self, record: &Record, said: bool) -> u32 {
        let usual = measure::starts(self.config);
        let first = record
            .workloads
            .iter()
            .any(|w| self.baseline(w).is_ok_and(|all| all.select(w, &self.config.gate.under_test, None).used.is_empty()));
        if first && usual >= 2 && !said {
            output::say("first session of its kind: six starts, so that this build is also compared with itself");
            return FIRST_CAPTURE.max(usual);
        }
        usual
    }

    fn baseline(&self, workload: &WorkloadRecord) -> anyhow::Result<Baseline> {
        Ok(Baselines::here(self.config)?.of(&workload.name))
    }

    /// Sessions beyond the last 20 of the lineage are removed: no check looks at them.
    fn keep_the_last(&self, workload: &WorkloadRecord) -> anyhow::Result<()> {
        if self.lands {
            return Ok(());
        }
        let baseline = self.baseline(workload)?;
        for (placed, why) in baseline.select(workload, &self.config.gate.under_test, None).left_out {
            if why != Why::TooOld {
                continue;
            }
            let path = store::remove(self.folder, &placed.1, &self.config.gate.under_test)?;
            output::tell(&format!("removed {}: the last {KEPT_SESSIONS} are kept", path.display()));
        }
        Ok(())
    }

    /// What a check against this baseline will see, in words.
    fn sees(&self, record: &Record, workload: &WorkloadRecord) -> anyhow::Result<String> {
        let baseline = self.baseline(workload)?;
        let selection = baseline.select(workload, &self.config.gate.under_test, None);
        let sessions: Vec<&Session> = selection.sessions().collect();
        let starts = measure::starts(self.config) as usize;
        let visible = evaluate::visible(record, workload, &sessions, starts)?;
        let sees = evaluate::words_of_visible(&workload.name, sessions.len(), &visible);
        let levels = selection.levels().into_iter().map(|line| format!("note: {}", text::plain(&line)));
        Ok(std::iter::once(sees).chain(levels).collect::<Vec<_>>().join("\n"))
    }
}
