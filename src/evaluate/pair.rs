//! One workload of an interleaved run: both sides' records to evidence. Pure. Not here: what the
//! evidence means (`verdict`).

use super::attempts::EarlierRounds;
use super::work::{self, Tokens};
use super::{Earlier, Part, anchor_unjudged, judge_policy, limits, loosened, mostly_whole};
use crate::compare::reason::RunReason;
use crate::fingerprint::{Difference, Fingerprint};
use crate::judge::interleaved::{self, Attempt, Interleaved, Rules, Sampling};
use crate::judge::reason::Side;
use crate::judge::{Comparison, PastRun, Reason as Judged};
use crate::lang::bilingual;
use crate::record::note::Note;
use crate::record::programs::Builds;
use crate::record::{PastSession, Record, WorkloadRecord};
use crate::report::build::Beside;
use crate::report::sides::Before;
use crate::verdict::{Against, Evidence, Reason};

/// Both sides ran in one job on one machine: which server it was may differ, since that is what is
/// judged.
const SERVER_FIELDS: [&str; 3] = ["server", "server_version", "server_flags"];

/// Errors: two records that no interleaved run has left together.
pub fn of_one_run(baseline: &Record, candidate: &Record) -> anyhow::Result<()> {
    let same = baseline.session == candidate.session
        && baseline.interrupted == candidate.interrupted
        && baseline.policy == candidate.policy;
    if same {
        return Ok(());
    }
    anyhow::bail!(bilingual!(
        "these are sides of two interleaved runs ({theirs} and {mine})\nhint: baseline.json and record.json of one output folder belong together",
        "서로 다른 교차 측정의 두 쪽임 ({theirs}, {mine})\n힌트: 한 출력 폴더의 baseline.json과 record.json이 짝입니다",
        theirs = baseline.session,
        mine = candidate.session
    ))
}

pub fn part(
    baseline: &Record,
    candidate: &Record,
    workload: &WorkloadRecord,
    earlier: &Earlier,
) -> anyhow::Result<Part> {
    let history: Vec<PastRun> = workload.history.iter().map(PastSession::to_method).collect();
    // Limits need no baseline: they are judged whatever it is.
    let judged_limits = |used: u32| {
        let rounds: Vec<_> =
            workload.method_rounds().into_iter().filter(|r| r.start < used).collect();
        limits::judged(candidate, workload, rounds, &history, earlier)
    };
    let Some(base) = baseline.workloads.iter().find(|w| w.name == workload.name) else {
        let why: Reason =
            RunReason::SideLacksWorkload { side: Side::Baseline, workload: workload.name.clone() }
                .into();
        let incomplete = vec![why.clone()];
        let evidence = Evidence {
            limits: judged_limits(u32::MAX)?,
            incomplete,
            ..evidence(reasons(workload.unfit()), Against::Missing(why))
        };
        let (differences, before) = (Vec::new(), Before::default());
        return Ok(Part { evidence, baseline: None, beside: None, differences, before });
    };
    let mut invalid: Vec<Reason> =
        base.unfit().into_iter().map(|why| Reason::OfBaseline { why }).collect();
    invalid.extend(reasons(workload.unfit()));
    invalid.extend(vanished(baseline, candidate).map(Reason::from));
    let differences = Fingerprint::differences(&base.fingerprint, &workload.fingerprint);
    let commit = baseline.git.as_ref().map(|git| git.commit.clone());
    let before = Before::of_record(base, commit)?;
    let conflicts = conflicts(candidate, &differences);
    let saturated = base.saturated().into_iter().map(|why| Reason::OfBaseline { why });
    let saturated: Vec<Reason> = saturated.chain(reasons(workload.saturated())).collect();
    let mut evidence = if conflicts.is_empty() {
        let comparison = compare(candidate, base, workload, earlier)?;
        // Prompts that were shorter for one side are less work. (Output tokens are compared request
        // by request by the judge.)
        let (now, then) = (Tokens::count(workload), Tokens::count(base));
        invalid.extend(work::drifted_input(base, workload).map(Reason::from));
        let (same, said) = builds(candidate);
        Evidence {
            limits: judged_limits(used(&comparison))?,
            incomplete: same
                .into_iter()
                .chain(incomplete(candidate, base, workload, &comparison))
                .chain(now.untold(then.input.is_some(), then.output.is_some()))
                .map(Reason::from)
                .collect(),
            warnings: said
                .into_iter()
                .chain(anchor_unjudged(candidate))
                .chain(loosened(workload))
                .chain(limits::loosened(workload)?)
                .map(Reason::from)
                .collect(),
            ..evidence(invalid, Against::Compared(Box::new(comparison)))
        }
    } else {
        Evidence {
            limits: judged_limits(u32::MAX)?,
            ..evidence(invalid, Against::Incomparable(conflicts))
        }
    };
    evidence.incomplete.extend(saturated);
    let beside = beside(baseline, base);
    Ok(Part { evidence, baseline: None, beside, differences, before })
}

/// Both sides measure the same workloads: one that only the baseline has was taken out.
fn vanished(baseline: &Record, candidate: &Record) -> Option<RunReason> {
    let gone =
        baseline.workloads.iter().find(|b| candidate.workloads.iter().all(|c| c.name != b.name))?;
    Some(RunReason::SideLacksWorkload { side: Side::Candidate, workload: gone.name.clone() })
}

fn reasons(all: Vec<Note>) -> Vec<Reason> {
    all.into_iter().map(Reason::from).collect()
}

fn evidence(invalid: Vec<Reason>, against: Against) -> Evidence {
    let (limits, excused, warnings) = (Vec::new(), Vec::new(), Vec::new());
    Evidence { invalid, against, limits, excused, incomplete: Vec::new(), warnings }
}

fn conflicts(candidate: &Record, differences: &[Difference]) -> Vec<Difference> {
    let may = |field: &String| {
        candidate.policy.under_test.contains(field) || SERVER_FIELDS.contains(&field.as_str())
    };
    differences.iter().filter(|d| !may(&d.field)).cloned().collect()
}

fn compare(
    candidate: &Record,
    base: &WorkloadRecord,
    workload: &WorkloadRecord,
    earlier: &Earlier,
) -> anyhow::Result<Comparison> {
    let pair = candidate.pair.as_ref();
    let before = earlier.rounds(&workload.name);
    let attempts: Vec<Attempt<'_>> = before.iter().map(EarlierRounds::attempt).collect();
    let own = pair.map_or(1, |p| p.planned_pairs.unwrap_or(p.most_starts) as usize);
    // Values that still have the plan in them must not be mixed with those that have not.
    let history: Vec<PastRun> = workload.history.iter().filter_map(PastSession::centred).collect();
    let left_out = (workload.history.len() - history.len()) as u64;
    let sampling = match pair.filter(|p| p.starts_sampled) {
        None => Sampling::RunningServers,
        // Earlier versions made no start of the candidate alone.
        Some(_) if candidate.policy.min_starts.is_none() => Sampling::Pairs,
        Some(_) => Sampling::Starts,
    };
    let mut comparison = interleaved::judge(&Interleaved {
        earlier: &attempts,
        now: Attempt {
            baseline: &base.method_rounds(),
            candidate: &workload.method_rounds(),
            checks: &workload.method_checks(),
            decision: None,
        },
        slo: workload.slo.into(),
        differing: &[],
        rules: Rules {
            history: &history,
            shape: workload.shape(),
            planned: earlier.planned().unwrap_or(own),
            sampling,
            unseen: earlier.unseen(),
            policy: &judge_policy(candidate, workload)?,
        },
    });
    if left_out > 0 {
        comparison.warnings.push(Judged::SessionsWithoutRounds { sessions: left_out });
    }
    Ok(comparison)
}

/// Start pairs of this attempt that the decision used; all where nothing was decided.
fn used(comparison: &Comparison) -> u32 {
    match comparison.looks.saturating_sub(comparison.pairs_before) {
        0 => u32::MAX,
        pairs => u32::try_from(pairs).unwrap_or(u32::MAX),
    }
}

/// What both sides have in common of their programs: in the way of a verdict, and worth knowing.
fn builds(candidate: &Record) -> (Option<RunReason>, Option<RunReason>) {
    let builds = candidate.pair.as_ref().and_then(|pair| pair.builds.as_ref());
    match builds {
        None | Some(Builds::Different) => (None, None),
        Some(Builds::Same { path }) if candidate.policy.same_build != "allow" => {
            (Some(RunReason::SameProgram { path: path.clone() }), None)
        }
        Some(Builds::Same { path }) => {
            (None, Some(RunReason::SameProgramAllowed { path: path.clone() }))
        }
        Some(Builds::Identical) => (None, Some(RunReason::IdenticalBuilds)),
        Some(Builds::OtherArguments { path }) => {
            (None, Some(RunReason::OnlyArgumentsDiffer { path: path.clone() }))
        }
        Some(Builds::Unknown { path }) => {
            (None, Some(RunReason::CodeUnknown { path: path.clone() }))
        }
    }
}

/// Whether no start more can compare anything.
pub fn is_one_program(candidate: &Record) -> bool {
    builds(candidate).0.is_some()
}

/// A start that the decision used lacks most of its rounds, or the run was stopped before its last
/// look.
fn incomplete(
    candidate: &Record,
    base: &WorkloadRecord,
    workload: &WorkloadRecord,
    comparison: &Comparison,
) -> Option<RunReason> {
    let rounds = candidate.policy.rounds;
    let used = used(comparison);
    let ragged = [base, workload]
        .into_iter()
        .flat_map(|w| &w.starts)
        .filter(|s| s.index < used && !mostly_whole(s, rounds))
        .count();
    if ragged > 0 {
        return Some(RunReason::StartsRagged { starts: ragged as u64, rounds });
    }
    let most = candidate.pair.as_ref().map_or(1, |p| p.most_starts);
    let measured = base.starts.len().min(workload.starts.len());
    let stopped = comparison.wants.is_some() && comparison.decision.is_open();
    stopped.then_some(RunReason::StoppedEarly { pairs: measured as u64, most })
}

fn beside(baseline: &Record, workload: &WorkloadRecord) -> Option<Beside> {
    let pair = baseline.pair.as_ref()?;
    Some(Beside {
        words: pair.baseline.clone(),
        commit: baseline.git.as_ref().map(|git| git.commit.clone()),
        starts_sampled: pair.starts_sampled,
        minutes: workload.minutes(),
    })
}
