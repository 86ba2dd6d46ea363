//! Record and baseline sessions to a report: comparison, limits, ruling. Pure; `check`, `compare`
//! and `report` all come through here.

use crate::compare::reason::{Loosened, NoBaseline, RunReason};
use crate::compare::{Accepted, History, Placed, Selection, Sought};
use crate::config::OnOpen;
use crate::exit::ExitStatus;
use crate::judge::plan::Plan;
use crate::judge::{self, Comparison, Decision, Wants};
use crate::lang::bilingual;
use crate::metric::{Class, Metric};
use crate::record::{self, PastSession, Record, RecordedPolicy, StartRecord, WorkloadRecord};
use crate::report::build::{Beside, Judged, report};
use crate::report::capacity::capacity;
use crate::report::sides::Before;
use crate::report::{BaselineReport, Report};
use crate::verdict::{Against, Evidence, Reason, Ruling, StatusPolicy, overall, rule};

mod accepted;
pub mod attempts;
mod blind;
mod capture;
mod drift;
mod jobs;
mod limits;
mod other_day;
mod pair;
mod plausible;
mod reach;
mod work;

pub use attempts::Earlier;
pub use capture::{same_build, visible, words_of_visible};
pub use drift::{Anchor, Question, drifts};
pub use limits::on_failures;
pub use pair::of_one_run;
pub use reach::{expected, policy_for};

/// Sessions that a workload may be compared with, oldest first, each with its distance in
/// first-parent steps where git knows it.
#[derive(Clone, Debug, Default)]
pub struct Baseline {
    pub sessions: Vec<Placed>,
    /// Why there are none, where there are none; else there are none in this branch's history.
    pub missing: Option<NoBaseline>,
    /// Every workload that has sessions there: one that the record lacks is said, since nothing
    /// looks at it any more.
    pub workloads: Vec<String>,
    /// Where the walk to them began, where that is not HEAD.
    pub from: Option<String>,
    pub accepted: Accepted,
}

impl Baseline {
    /// Those that a run of this workload is compared with. `run`: the run's own session.
    pub fn select(
        &self,
        workload: &WorkloadRecord,
        under_test: &[String],
        run: Option<&str>,
    ) -> Selection<'_> {
        let sought = Sought {
            workload: &workload.name,
            fingerprint: &workload.fingerprint,
            under_test,
            run,
        };
        History { sessions: &self.sessions, accepted: &self.accepted }.select(&sought)
    }
}

/// Judges every workload of a record by itself.
pub fn judged(
    record: &Record,
    baseline: impl Fn(&WorkloadRecord) -> Baseline,
) -> anyhow::Result<(Report, ExitStatus)> {
    reported(record, alone(record, &Earlier::default(), baseline)?)
}

/// Judges every workload of a record together with the attempts before it, before it is put into a
/// report.
pub fn alone<'a>(
    record: &'a Record,
    earlier: &Earlier,
    baseline: impl Fn(&WorkloadRecord) -> Baseline,
) -> anyhow::Result<Vec<Ruled<'a>>> {
    let policy = status_policy(&record.policy);
    let by_itself = Earlier::default();
    let pooled = if earlier.is_spent() { &by_itself } else { earlier };
    let mut parts = Vec::new();
    for workload in &record.workloads {
        let baseline = baseline(workload);
        let mut part = other_day::part(record, pooled, workload, &baseline)?;
        if parts.is_empty() {
            part.evidence
                .warnings
                .extend(other_day::vanished(record, &baseline.workloads).map(Reason::from));
        }
        let mut ruling = rule(policy, &part.evidence);
        earlier.hold(&workload.name, &part.evidence.excused, policy, &mut ruling);
        parts.push((workload, part, ruling));
    }
    Ok(parts)
}

/// How many start pairs an interleaved run may take, by the histories of its workloads; of a record
/// of which nothing is measured yet. None without workloads.
/// A further attempt takes as many as the first one planned.
pub fn planned(
    record: &Record,
    max_pairs: usize,
    earlier: &Earlier,
) -> anyhow::Result<Option<Plan>> {
    let plans = record.workloads.iter().map(|workload| {
        let policy = judge::Policy { max_pairs, ..judge_policy(record, workload)? };
        let history: Vec<_> = workload.history.iter().filter_map(PastSession::centred).collect();
        Ok(Plan::new(&history, workload.shape(), &policy))
    });
    let plan = Plan::together(plans.collect::<anyhow::Result<Vec<_>>>()?);
    Ok(plan.map(|plan| Plan { pairs: earlier.planned().unwrap_or(plan.pairs), ..plan }))
}

/// What to measure next of an interleaved run; none where nothing more decides, or where something
/// is decided for the whole run.
pub fn wanted(
    baseline: &Record,
    candidate: &Record,
    earlier: &Earlier,
) -> anyhow::Result<Option<Wants>> {
    if pair::is_one_program(candidate) {
        return Ok(None);
    }
    let parts = paired(baseline, candidate, earlier, |_| Baseline::default())?;
    let compared = parts.iter().map(|(_, part, _)| match &part.evidence.against {
        Against::Compared(c) if part.evidence.invalid.is_empty() => Some(&**c),
        _ => None,
    });
    let Some(all) = compared.collect::<Option<Vec<_>>>() else { return Ok(None) };
    let over = |c: &&Comparison| c.decision == Decision::Regression && c.wants.is_none();
    if all.iter().any(over) {
        return Ok(None);
    }
    let wants = |wanted| all.iter().any(|c| c.wants == Some(wanted)).then_some(wanted);
    // Workloads share their starts: what one of them wants is measured of all.
    Ok(wants(Wants::SecondRound)
        .or_else(|| wants(Wants::Pair))
        .or_else(|| wants(Wants::CheckStart)))
}

/// A workload, what was found out about it, and what that means.
pub type Ruled<'a> = (&'a WorkloadRecord, Part, Ruling);

/// Judges the candidate of an interleaved run against its other side, together with the attempts
/// before it, before it is put into a report. `known` is what is accepted: nothing else of it is
/// looked at.
pub fn paired<'a>(
    baseline: &Record,
    candidate: &'a Record,
    earlier: &Earlier,
    known: impl Fn(&WorkloadRecord) -> Baseline,
) -> anyhow::Result<Vec<Ruled<'a>>> {
    let policy = status_policy(&candidate.policy);
    let by_itself = Earlier::default();
    let pooled = if earlier.is_spent() { &by_itself } else { earlier };
    let ruled = candidate.workloads.iter().map(|workload| {
        let mut part = pair::part(baseline, candidate, workload, pooled)?;
        part.excuse(&known(workload).accepted, candidate, workload, None);
        let mut ruling = rule(policy, &part.evidence);
        earlier.hold(&workload.name, &part.evidence.excused, policy, &mut ruling);
        Ok((workload, part, ruling))
    });
    ruled.collect()
}

pub fn reported(record: &Record, parts: Vec<Ruled<'_>>) -> anyhow::Result<(Report, ExitStatus)> {
    let rulings: Vec<_> = parts.iter().map(|(_, _, r)| r.clone()).collect();
    let (verdict, exit) = overall(&rulings);
    let exit = if record.interrupted { ExitStatus::Interrupted } else { exit };
    let too_good = |(w, part, _): &Ruled<'_>| match &part.evidence.against {
        Against::Compared(c) => plausible::too_good(&w.name, c),
        Against::LimitsOnly | Against::Missing(_) | Against::Incomparable(_) => None,
    };
    let too_good: Vec<Reason> = parts.iter().filter_map(too_good).map(Reason::from).collect();
    let judged: Vec<Judged<'_>> = parts
        .into_iter()
        .map(|(workload, Part { evidence, baseline, beside, differences, before }, ruling)| {
            let (pooled, starts) = (workload.pooled_values()?, workload.start_values()?);
            Ok(Judged {
                workload,
                pooled,
                starts,
                ruling: Some((evidence, ruling)),
                baseline,
                beside,
                differences,
                before,
            })
        })
        .collect::<Result<_, record::RecordError>>()?;
    let mut report = report(record, &judged, Some(verdict), exit);
    report.notice(&too_good);
    Ok((report, exit))
}

/// Measures only: the same report without a verdict. Where nothing could be measured it is exit 3
/// all the same.
pub fn measured(record: &Record) -> anyhow::Result<(Report, ExitStatus)> {
    let judged: Vec<Judged<'_>> = record
        .workloads
        .iter()
        .map(|workload| {
            let (pooled, starts) = (workload.pooled_values()?, workload.start_values()?);
            let (differences, before) = (Vec::new(), Before::default());
            Ok(Judged {
                workload,
                pooled,
                starts,
                ruling: None,
                baseline: None,
                beside: None,
                differences,
                before,
            })
        })
        .collect::<Result<_, record::RecordError>>()?;
    let unfit =
        record.workloads.iter().any(|w| !w.unfit().is_empty()) || record.workloads.is_empty();
    // What a search could not measure is no part of its answer: there it is asked whether it has one.
    let unanswered = match capacity(record) {
        Some((found, _)) => found.limit.is_none() || found.refusal.is_some(),
        None => unfit,
    };
    let exit = match (record.interrupted, unanswered) {
        (true, _) => ExitStatus::Interrupted,
        (_, true) => ExitStatus::CouldNotMeasure,
        _ => ExitStatus::Pass,
    };
    Ok((report(record, &judged, None, exit), exit))
}

/// What was found out about a workload.
pub struct Part {
    pub evidence: Evidence,
    baseline: Option<BaselineReport>,
    beside: Option<Beside>,
    differences: Vec<crate::fingerprint::Difference>,
    before: Before,
}

/// A change this many times larger than the method's own is hardly what anybody calls irrelevant.
const LOOSE: f64 = 3.0;
/// What must be found of a primary metric, where nobody says otherwise.
const DETECT: f64 = 0.05;

/// What the team's own policy takes away from a verdict: said in every report, since a PASS proves
/// that much less.
fn loosened(workload: &WorkloadRecord) -> Option<RunReason> {
    let said = workload.regressions.iter().filter_map(|(name, said)| {
        let metric = Metric::parse(name)?;
        let row = metric.method()?;
        let said = said.policy();
        let demoted =
            row.class == Class::Primary && said.class.is_some_and(|c| c != Class::Primary);
        if demoted {
            return Some(Loosened::NotPrimary(metric));
        }
        if said.class == Some(Class::Info) {
            return Some(Loosened::OnlyShown(metric));
        }
        let own = if row.margin.is_some() { DETECT } else { row.d_min };
        let large = said.size().filter(|size| *size > LOOSE * own);
        large.map(|size| Loosened::MayBeWorse(metric, size))
    });
    let rules: Vec<Loosened> = said.collect();
    (!rules.is_empty()).then_some(RunReason::RegressionsLoosened { rules })
}

/// A policy of earlier versions, which no check plays any more.
fn anchor_unjudged(record: &Record) -> Option<RunReason> {
    let wanted = record.policy.on_anchor_drift.as_deref().is_some_and(|word| word != "warn");
    wanted.then_some(RunReason::AnchorNotJudged)
}

/// Evidence that was planned and is not there. A start outlives the loss of fewer than half of its
/// rounds, as its median does.
pub fn incomplete(record: &Record, workload: &WorkloadRecord) -> Option<RunReason> {
    let policy = &record.policy;
    let starts = workload.starts.iter().filter(|s| mostly_whole(s, policy.rounds)).count();
    let starts = starts as u64;
    (starts < u64::from(policy.starts)).then_some(RunReason::StartsMissing {
        starts,
        planned: policy.starts,
        rounds: policy.rounds,
    })
}

fn mostly_whole(start: &StartRecord, rounds: u32) -> bool {
    let whole =
        u32::try_from(start.rounds.iter().filter(|r| !r.cut_short).count()).unwrap_or(u32::MAX);
    rounds.saturating_sub(whole).saturating_mul(2) < rounds
}

/// What the record says about the judgement of changes.
pub fn judge_policy(record: &Record, workload: &WorkloadRecord) -> anyhow::Result<judge::Policy> {
    let default = judge::Policy::default();
    let detect = record.policy.detect_ratio.unwrap_or(default.detect);
    let mut policy = judge::Policy {
        detect,
        detect_other_day: default.detect_other_day.max(detect),
        workloads: u32::try_from(record.workloads.len()).unwrap_or(u32::MAX),
        min_starts: record.policy.min_starts.map_or(1, |n| n as usize),
        ..default
    };
    for (name, said) in &workload.regressions {
        let (metric, said) = (metric(name)?, said.policy());
        policy.sizes.extend(said.size().map(|size| (metric, size)));
        policy.classes.extend(said.class.map(|class| (metric, class)));
    }
    Ok(policy)
}

fn metric(name: &str) -> anyhow::Result<Metric> {
    Metric::parse(name).ok_or_else(|| {
        anyhow::anyhow!(bilingual!(
            "the record names a metric that this version does not know: {name:?}",
            "레코드에 이 버전이 모르는 지표가 있음: {name:?}"
        ))
    })
}

fn status_policy(p: &RecordedPolicy) -> StatusPolicy {
    // Anything but the word "warn" is the strict choice: a record from outside must not loosen by
    // misspelling.
    let of = |word: &str| if word == "warn" { OnOpen::Warn } else { OnOpen::Fail };
    StatusPolicy {
        on_inconclusive: of(&p.on_inconclusive),
        on_blind: of(&p.on_blind),
        on_missing_baseline: of(&p.on_missing_baseline),
        on_incomparable: of(&p.on_incomparable),
        on_limit_open: of(&p.on_limit_open),
        on_unstable: match p.on_unstable.as_deref() {
            None | Some("inconclusive") => OnOpen::Warn,
            Some(_) => OnOpen::Fail,
        },
    }
}
