//! Record and baseline sessions to a report: comparison, limits, ruling. Pure; `check`, `compare`
//! and `report` all come through here.

use crate::compare::reason::{Loosened, NoBaseline, RunReason};
use crate::compare::{Accepted, History, Placed, Selection, Sought};
use crate::config::OnOpen;
use crate::exit::ExitStatus;
use crate::judge::{self, Decision};
use crate::metric::{Class, Metric};
use crate::record::{self, Record, StartRecord, WorkloadRecord};
use crate::report::build::{Beside, Judged, report};
use crate::report::sides::Before;
use crate::report::{AnchorReport, BaselineReport, Report};
use crate::verdict::{Against, Evidence, Reason, Ruling, StatusPolicy, overall, rule};

mod accepted;
mod anchor;
mod blind;
mod capture;
mod jobs;
mod limits;
mod other_day;
mod pair;
mod plausible;
mod work;

pub use anchor::Anchor;
pub use capture::{same_build, visible, words_of_visible};
pub use jobs::{decided, not_a_first_job};
pub use limits::on_failures;
pub use pair::of_one_run;

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
    pub anchor: Option<Anchor>,
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

/// Judges every workload of a record; together with the job before it, if there was one
/// ([`not_a_first_job`] says whether it may be used).
pub fn judged(
    record: &Record,
    first: Option<&Record>,
    baseline: impl Fn(&WorkloadRecord) -> Baseline,
) -> anyhow::Result<(Report, ExitStatus)> {
    reported(record, alone(record, first, baseline)?)
}

/// As [`judged`], before it is put into a report.
pub fn alone<'a>(
    record: &'a Record,
    first: Option<&Record>,
    baseline: impl Fn(&WorkloadRecord) -> Baseline,
) -> anyhow::Result<Vec<Ruled<'a>>> {
    let policy = policy(record);
    let workloads = u32::try_from(record.workloads.len()).unwrap_or(u32::MAX);
    let mut parts = Vec::new();
    for workload in &record.workloads {
        let baseline = baseline(workload);
        let mut part = other_day::part(record, first, workload, &baseline, workloads)?;
        if parts.is_empty() {
            part.evidence
                .warnings
                .extend(other_day::vanished(record, &baseline.workloads).map(Reason::from));
        }
        let ruling = rule(policy, &part.evidence);
        parts.push((workload, part, ruling));
    }
    Ok(parts)
}

/// Whether another start pair may decide: something is open, and nothing is decided for the whole
/// run.
pub fn undecided(baseline: &Record, candidate: &Record) -> anyhow::Result<bool> {
    if pair::is_one_program(candidate) {
        return Ok(false);
    }
    let parts = paired(baseline, candidate, |_| Baseline::default())?;
    let decisions = parts.iter().map(|(_, part, _)| match &part.evidence.against {
        Against::Compared(c) if part.evidence.invalid.is_empty() => Some(c.decision),
        _ => None,
    });
    let decisions: Vec<Option<Decision>> = decisions.collect();
    let over = decisions.iter().any(|d| matches!(d, None | Some(Decision::Regression)));
    Ok(!over && decisions.iter().flatten().any(|d| d.is_open()))
}

/// A workload, what was found out about it, and what that means.
pub type Ruled<'a> = (&'a WorkloadRecord, Part, Ruling);

/// Judges the candidate of an interleaved run against its other side, before it is put into a
/// report. `known` is what is accepted and the anchor: nothing else of it is looked at.
pub fn paired<'a>(
    baseline: &Record,
    candidate: &'a Record,
    known: impl Fn(&WorkloadRecord) -> Baseline,
) -> anyhow::Result<Vec<Ruled<'a>>> {
    let policy = policy(candidate);
    let workloads = u32::try_from(candidate.workloads.len()).unwrap_or(u32::MAX);
    let ruled = candidate.workloads.iter().map(|workload| {
        let mut part = pair::part(baseline, candidate, workload, workloads)?;
        let Baseline { accepted, anchor, .. } = known(workload);
        part.excuse(&accepted, candidate, workload, None);
        part.against_anchor(candidate, None, workload, anchor.as_ref(), workloads)?;
        let ruling = rule(policy, &part.evidence);
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
        .map(
            |(
                workload,
                Part { evidence, baseline, beside, differences, anchor, before },
                ruling,
            )| {
                let (pooled, starts) = (workload.pooled_values()?, workload.start_values()?);
                Ok(Judged {
                    workload,
                    pooled,
                    starts,
                    ruling: Some((evidence, ruling)),
                    baseline,
                    beside,
                    differences,
                    anchor,
                    before,
                })
            },
        )
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
                anchor: None,
                before,
            })
        })
        .collect::<Result<_, record::RecordError>>()?;
    let unfit =
        record.workloads.iter().any(|w| !w.unfit().is_empty()) || record.workloads.is_empty();
    let exit = match (record.interrupted, unfit) {
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
    anchor: Option<(AnchorReport, Reason)>,
    before: Before,
}

/// A change this many times larger than the method's own is hardly what anybody calls irrelevant.
const LOOSE: f64 = 3.0;

/// What the team's own policy takes away from a verdict: said in every report, since a PASS proves
/// that much less.
fn loosened(workload: &WorkloadRecord) -> Option<RunReason> {
    let said = workload.regressions.iter().filter_map(|(name, said)| {
        let metric = Metric::parse(name)?;
        let row = metric.method()?;
        let said = said.policy();
        let demoted =
            row.class == Class::Primary && said.class.is_some_and(|c| c != Class::Primary);
        let large = |x: Option<f64>, own: f64| x.filter(|x| *x > LOOSE * own);
        if demoted {
            return Some(Loosened::NotPrimary(metric));
        }
        if said.class == Some(Class::Info) {
            return Some(Loosened::OnlyShown(metric));
        }
        let (change, margin) = (
            large(said.min_change_ratio, row.d_min),
            large(said.margin_ratio, row.margin.unwrap_or(row.d_min)),
        );
        change.or(margin).map(|x| Loosened::MayBeWorse(metric, x))
    });
    let rules: Vec<Loosened> = said.collect();
    (!rules.is_empty()).then_some(RunReason::RegressionsLoosened { rules })
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
pub fn judge_policy(workload: &WorkloadRecord, workloads: u32) -> anyhow::Result<judge::Policy> {
    let mut policy = judge::Policy { workloads, ..judge::Policy::default() };
    for (name, said) in &workload.regressions {
        let (metric, said) = (metric(name)?, said.policy());
        policy.minimum_changes.extend(said.min_change_ratio.map(|change| (metric, change)));
        policy.margins.extend(said.margin_ratio.map(|margin| (metric, margin)));
        policy.classes.extend(said.class.map(|class| (metric, class)));
    }
    Ok(policy)
}

fn metric(name: &str) -> anyhow::Result<Metric> {
    Metric::parse(name).ok_or_else(|| {
        anyhow::anyhow!("the record names a metric that this version does not know: {name:?}")
    })
}

fn policy(record: &Record) -> StatusPolicy {
    // Anything but the word "warn" is the strict choice: a record from outside must not loosen by
    // misspelling.
    let of = |word: &str| if word == "warn" { OnOpen::Warn } else { OnOpen::Fail };
    let p = &record.policy;
    StatusPolicy {
        on_inconclusive: of(&p.on_inconclusive),
        on_blind: of(&p.on_blind),
        on_missing_baseline: of(&p.on_missing_baseline),
        on_incomparable: of(&p.on_incomparable),
        on_limit_open: of(&p.on_limit_open),
        on_anchor_drift: of(&p.on_anchor_drift),
    }
}
