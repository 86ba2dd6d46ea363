//! The candidate's jobs of another-day mode: one, or two on different machines
//! (docs/METHODOLOGY.md#alpha-budget). Pure.

use super::{Ruled, incomplete};
use crate::compare::reason::RunReason;
use crate::fingerprint::Fingerprint;
use crate::judge::{self, Decision};
use crate::measure::summary::StartSummary;
use crate::metric::Metric;
use crate::record::{GitFacts, Record, WorkloadRecord};
use crate::verdict::{Against, Verdict};

/// METHOD's view of a candidate's job.
pub fn job(record: &Record, workload: &WorkloadRecord) -> judge::Session {
    let (slo, rounds) = (workload.slo.into(), workload.method_rounds());
    // A start that was stopped before its first round ended says nothing, good or bad.
    let measured = workload.starts.iter().filter(|s| rounds.iter().any(|r| r.start == s.index));
    let starts =
        measured.map(|s| StartSummary::over(rounds.iter().filter(|r| r.start == s.index), &slo));
    let mut starts: Vec<StartSummary> = starts.collect();
    // Whether a TPOT keeps its limit is not known without counts: that is missing evidence, and no
    // request that was too slow.
    if workload.slo.tpot_ms.is_some() && workload.mean_tokens(|c| &c.output_tokens).is_none() {
        for start in &mut starts {
            start.forget(Metric::SloAttainment);
        }
    }
    judge::Session {
        id: record.session.clone(),
        runner: record.host.get("runner").cloned(),
        starts,
    }
}

/// Why a stored record is not the first job of the code that this run is about; none where it is.
pub fn not_a_first_job(first: &Record, git: Option<&GitFacts>) -> Option<String> {
    let same =
        first.git.as_ref().zip(git).is_some_and(|(a, b)| {
            (a.commit == b.commit || a.tree == b.tree) && !a.dirty && !b.dirty
        });
    if first.pair.is_some() {
        return Some("it is one side of an interleaved run, which is decided by itself".into());
    }
    if !same {
        let of = |git: Option<&GitFacts>| {
            git.map_or("no commit".into(), |g| {
                format!("{}{}", g.commit, if g.dirty { ", dirty" } else { "" })
            })
        };
        return Some(format!(
            "it is of {}, and this run of {}: two jobs must measure the same code",
            of(first.git.as_ref()),
            of(git)
        ));
    }
    let unfit =
        first.workloads.iter().flat_map(WorkloadRecord::unfit).next().map(|why| why.to_string());
    unfit
        .or_else(|| first.interrupted.then(|| "it was interrupted".into()))
        .or_else(|| {
            first.workloads.iter().find_map(|w| incomplete(first, w)).map(|why| why.to_string())
        })
        .map(|why| format!("it is not fit to be judged: {why}"))
}

/// Why a second job has nothing to add: the first one, as it was judged alone, was decided or could
/// not be (docs/METHODOLOGY.md#alpha-budget: a second job is for what the first leaves open).
pub fn decided(ruled: &[Ruled<'_>]) -> Option<String> {
    ruled.iter().find_map(|(workload, part, ruling)| {
        let open = match &part.evidence.against {
            Against::Compared(c) => {
                c.decision == Decision::Inconclusive
                    && matches!(ruling.verdict, Verdict::Inconclusive | Verdict::Blind)
            }
            Against::LimitsOnly | Against::Missing(_) | Against::Incomparable(_) => false,
        };
        let verdict = ruling.verdict.word();
        (!open).then(|| {
            format!(
                "it is {verdict} by itself ({}): a second job is for what the first leaves open",
                workload.name
            )
        })
    })
}

/// What is worth knowing of two jobs: on one machine they are hardly two.
pub fn same_machine(record: &Record, first: Option<&Record>) -> Option<RunReason> {
    let runner = record.host.get("runner")?;
    (first?.host.get("runner") == Some(runner))
        .then(|| RunReason::SameMachine { runner: runner.clone() })
}

/// Why the two jobs of one workload cannot be judged together: they measured something else.
pub fn another_thing(
    record: &Record,
    first: Option<&Record>,
    workload: &WorkloadRecord,
) -> Option<RunReason> {
    let Some(other) = first?.workloads.iter().find(|w| w.name == workload.name) else {
        return Some(RunReason::FirstJobLacksWorkload);
    };
    let differences = Fingerprint::conflicts(
        &other.fingerprint,
        &workload.fingerprint,
        &record.policy.under_test,
    );
    let differ = !differences.is_empty() || other.slo != workload.slo;
    differ.then_some(RunReason::FirstJobDiffers { differences })
}
