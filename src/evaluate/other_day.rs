//! One workload against the sessions of other days: which count, what is compared, what is
//! missing. Pure. Not here: what the evidence means (`verdict`); interleaved runs (`pair`).

use super::jobs::job;
use super::reach::out_of_reach;
use super::work::{self, Tokens};
use super::{
    Baseline, Earlier, Part, anchor_unjudged, blind, incomplete, judge_policy, limits, loosened,
};
use crate::compare::reason::NoBaseline;
use crate::compare::reason::RunReason;
use crate::compare::{self, Selection, Why};
use crate::fingerprint::Fingerprint;
use crate::judge::other_day::{self, OtherDay};
use crate::judge::{self, PastRun};
use crate::metric::Metric;
use crate::record::session::Session;
use crate::record::{Record, Slo, WorkloadRecord, differ};
use crate::report::sides::Before;
use crate::report::{BaselineReport, text};
use crate::verdict::{Against, Evidence, Reason};

pub(super) fn part(
    record: &Record,
    earlier: &Earlier,
    workload: &WorkloadRecord,
    baseline: &Baseline,
) -> anyhow::Result<Part> {
    let under_test = &record.policy.under_test;
    let selection = baseline.select(workload, under_test, Some(&record.session));
    let about_sessions = repeated(&selection)
        .into_iter()
        .chain(selection.since.notice.clone())
        .chain(selection.levels());
    let mut warnings: Vec<Reason> = about_sessions.map(Reason::from).collect();
    let sessions: Vec<&Session> = selection.sessions().collect();
    let history: Vec<judge::Session> = sessions.iter().map(|s| method(s, workload)).collect();
    let rounds = workload.method_rounds();
    let past: Vec<PastRun> = history.iter().map(PastRun::from).collect();
    let limits = limits::judged(record, workload, rounds, &past, earlier)?;
    let mut invalid: Vec<Reason> = workload.unfit().into_iter().map(Reason::from).collect();
    let (against, untold) =
        against(record, earlier, workload, baseline, (&selection, &history), &mut invalid)?;
    let nearest = selection.used.last();
    let differences = nearest.map_or_else(Vec::new, |(_, s)| {
        Fingerprint::differences(&s.fingerprint, &workload.fingerprint)
    });
    let shown = baseline_report(&selection, workload, baseline, &against, under_test);
    let had_slo = nearest.is_some_and(|(_, s)| s.slo != Slo::default());
    if had_slo && workload.slo == Slo::default() {
        warnings.push(compare::Reason::BaselineHasSlos.into());
    }
    let policy = judge_policy(record, workload)?;
    let starts = workload.starts.len();
    let unreached = match &against {
        Against::Compared(_) => out_of_reach(&history, starts, workload.shape(), &policy),
        _ => None,
    };
    let about_run = anchor_unjudged(record)
        .into_iter()
        .chain(unreached)
        .chain(loosened(workload))
        .chain(limits::loosened(workload)?);
    warnings.extend(about_run.map(Reason::from));
    let nothing = limits::nothing_to_judge(record, workload)?;
    let incomplete = incomplete(record, workload)
        .into_iter()
        .chain(untold)
        .chain(nothing)
        .map(Reason::from)
        .chain(workload.saturated().into_iter().map(Reason::from))
        .collect();
    let excused = Vec::new();
    let before = Before::of_sessions(&sessions)?;
    let evidence = Evidence { invalid, against, limits, excused, incomplete, warnings };
    let mut found = Part { evidence, baseline: shown, beside: None, differences, before };
    found.excuse(&baseline.accepted, record, workload, selection.since.newest);
    Ok(found)
}

/// What the workload is held against, and the tokens that only one side tells. Work that differs
/// from the sessions' makes the run invalid.
fn against(
    record: &Record,
    earlier: &Earlier,
    workload: &WorkloadRecord,
    baseline: &Baseline,
    (selection, history): (&Selection<'_>, &[judge::Session]),
    invalid: &mut Vec<Reason>,
) -> anyhow::Result<(Against, Option<RunReason>)> {
    if record.policy.mode == "limits" {
        return Ok((Against::LimitsOnly, None));
    }
    let sessions: Vec<&Session> = selection.sessions().collect();
    if sessions.is_empty() {
        let other = incomparable(selection);
        let missing = || {
            let why = baseline.missing.clone().unwrap_or(NoBaseline::History);
            compare::Reason::NoBaseline { workload: workload.name.clone(), why }.into()
        };
        let against = other.map_or_else(
            || Against::Missing(missing()),
            |o| Against::Incomparable(differ::conflicts(o, workload, &record.policy.under_test)),
        );
        return Ok((against, None));
    }
    let (now, then) = (Tokens::count(workload), work::Earlier::from_sessions(&sessions));
    invalid.extend(now.drifted(&then).into_iter().map(Reason::from));
    let untold = now.untold(!then.input.is_empty(), !then.output.is_empty());
    let mut comparison = compare(record, workload, history, earlier)?;
    if let Some(found) = comparison.blind() {
        let d_min =
            comparison.metrics.iter().find(|m| m.metric == found.metric).map_or(0.0, |m| m.d_min);
        comparison.reasons.splice(0..0, blind::explained(&found, d_min, &sessions));
    }
    Ok((Against::Compared(Box::new(comparison)), untold))
}

/// The sessions as the report shows them.
fn baseline_report(
    selection: &Selection<'_>,
    workload: &WorkloadRecord,
    baseline: &Baseline,
    against: &Against,
    under_test: &[String],
) -> Option<BaselineReport> {
    let (distance, newest) = selection.used.last()?;
    let needed = match against {
        Against::Compared(c) => c.sessions_needed.and_then(|n| u32::try_from(n).ok()),
        _ => None,
    };
    Some(BaselineReport {
        sessions: u32::try_from(selection.used.len()).unwrap_or(u32::MAX),
        commit: Some(newest.commit.clone()),
        distance_commits: *distance,
        found_from: baseline.from.clone(),
        skipped: skipped(selection, workload, under_test),
        commit_date: Some(newest.commit_date.clone()),
        sessions_needed: needed,
    })
}

/// More than these are counted only.
const MOST_SKIPPED: usize = 3;

/// Why sessions nearer than the nearest comparable one were left out: one line for all of one
/// commit and reason.
fn skipped(
    selection: &Selection<'_>,
    workload: &WorkloadRecord,
    under_test: &[String],
) -> Vec<String> {
    let nearer = selection
        .left_out
        .iter()
        .rev()
        .filter(|(_, why)| *why == Why::Incomparable { nearest: true });
    let mut lines: Vec<String> = Vec::new();
    for ((_, session), _) in nearer {
        let conflicts: Vec<String> = differ::conflicts(session, workload, under_test)
            .iter()
            .map(ToString::to_string)
            .collect();
        let line = format!("{} ({})", text::short(&session.commit), conflicts.join("; "));
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    if let Some(more) = lines.len().checked_sub(MOST_SKIPPED).filter(|n| *n > 0) {
        lines.truncate(MOST_SKIPPED);
        lines.push(format!("{more} more"));
    }
    lines
}

/// The newest session that is of something else.
pub(super) fn incomparable<'a>(selection: &Selection<'a>) -> Option<&'a Session> {
    selection
        .left_out
        .iter()
        .rev()
        .find(|(_, why)| matches!(why, Why::Incomparable { .. }))
        .map(|((_, s), _)| s)
}

/// What was left out since it is no other evidence than what counts.
fn repeated(selection: &Selection<'_>) -> Vec<compare::Reason> {
    let count = |why: Why| Some(selection.count(why) as u64).filter(|n| *n > 0);
    let copies = count(Why::Copy).map(|files| compare::Reason::CopiesLeftOut { files });
    let own = count(Why::ThisRun).map(|files| compare::Reason::OwnSessionLeftOut { files });
    copies.into_iter().chain(own).collect()
}

pub(super) fn vanished(record: &Record, known: &[String]) -> Option<compare::Reason> {
    let mut workloads: Vec<String> =
        known.iter().filter(|k| record.workloads.iter().all(|w| w.name != **k)).cloned().collect();
    workloads.sort_unstable();
    workloads.dedup();
    (!workloads.is_empty()).then_some(compare::Reason::WorkloadsNotMeasured { workloads })
}

pub(super) fn compare(
    record: &Record,
    workload: &WorkloadRecord,
    history: &[judge::Session],
    earlier: &Earlier,
) -> anyhow::Result<judge::Comparison> {
    let (mut jobs, decisions): (Vec<judge::Session>, Vec<judge::Decision>) =
        earlier.of_workload(&workload.name).map(|(r, w, decision)| (job(r, w), decision)).unzip();
    jobs.push(job(record, workload));
    let policy = judge_policy(record, workload)?;
    Ok(other_day::judge(&OtherDay {
        history,
        jobs: &jobs,
        decisions: &decisions,
        unseen: earlier.unseen(),
        planned: 1,
        shape: workload.shape(),
        differing: &[],
        policy: &policy,
    }))
}

/// A session as a run of this workload is compared with it.
pub(super) fn method(session: &Session, workload: &WorkloadRecord) -> judge::Session {
    let length = Tokens::count(workload).output.map(|c| c.mean);
    let like = Like {
        seeds: &workload.plan_seeds(),
        slo: workload.slo,
        length: length.filter(|_| workload.load.open_loop),
    };
    like.method(session)
}

/// What sessions are brought to before they are compared.
pub(super) struct Like<'a> {
    /// Of the plan's rounds, in their order.
    pub seeds: &'a [u64],
    pub slo: Slo,
    /// Output tokens per answer; of an open loop only.
    pub length: Option<f64>,
}

impl Like<'_> {
    /// A session whose SLOs were others says nothing about attainment.
    pub fn method(&self, session: &Session) -> judge::Session {
        let mut method = session.to_method_of(self.seeds);
        if session.slo != self.slo {
            for start in &mut method.starts {
                start.forget(Metric::SloAttainment);
            }
        }
        work::at_lengths_of(self.length, session, &mut method);
        method
    }
}
