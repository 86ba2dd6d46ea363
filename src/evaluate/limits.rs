//! The limits of a workload, judged: what its config sets, and the default on failures. Pure. Not
//! here: the statistics (`judge::limits`).

use std::collections::BTreeSet;

use super::{Earlier, metric};
use crate::compare::reason::RunReason;
use crate::config::{Bound, Limit};
use crate::judge::PastRun;
use crate::judge::limits::{self, LimitFinding, LimitInput, LimitState};
use crate::measure::Round;
use crate::measure::collect::Values;
use crate::metric::Metric;
use crate::record::{Record, StartRecord, WorkloadRecord};

/// Share of failed requests that no judged workload may exceed, unless its config sets
/// `limits.error_rate` itself. From here on failures hide slowness, since latency is of what
/// completed.
const MOST_FAILURES: f64 = 0.01;
/// A limit that nothing exceeds: `limits: {error_rate: {max: none}}`.
const NO_LIMIT: f64 = 1.0;

/// In the order of the config, the default on failures first where it counts.
pub fn judged(
    record: &Record,
    workload: &WorkloadRecord,
    rounds: Vec<Round>,
    history: &[PastRun],
    earlier: &Earlier,
) -> anyhow::Result<Vec<LimitFinding>> {
    let own = own(workload)?;
    let default = allowed(&own).is_none();
    let first = default.then(on_failures);
    let all: Vec<Limit> = first.into_iter().chain(own).collect();
    let (slo, strict) = (workload.slo.into(), record.policy.strict);
    let before = earlier.of_workload(&workload.name).map(|(_, w, _)| (w, w.method_rounds()));
    let mut pooled = Pooled::default();
    before.chain([(workload, rounds)]).for_each(|(w, rounds)| pooled.add(w, rounds));
    let Pooled { rounds, ready_ms, gpu, .. } = pooled;
    let input = LimitInput {
        rounds: &rounds,
        limits: &all,
        slo,
        shape: workload.shape(),
        history,
        ready_ms: &ready_ms,
        gpu: &gpu,
        strict,
    };
    let mut found = limits::judge(&input);
    if let Some(limit) = found
        .first_mut()
        .filter(|l| default && l.state == LimitState::Open && l.side_ok == Some(true))
    {
        // Nobody asked for a proof: a round of a hundred requests could not give it.
        limit.meet();
    }
    Ok(found)
}

/// What limits are judged by, of all attempts: starts that have an index of their own.
#[derive(Default)]
struct Pooled {
    rounds: Vec<Round>,
    ready_ms: Vec<f64>,
    gpu: Vec<Values>,
    starts: u32,
}

impl Pooled {
    /// `rounds`: those of the workload that count.
    fn add(&mut self, workload: &WorkloadRecord, rounds: Vec<Round>) {
        let used: BTreeSet<u32> = rounds.iter().map(|r| r.start).collect();
        let starts = workload.starts.iter().filter(|s| used.contains(&s.index));
        self.gpu.extend(starts.map(StartRecord::gpu_values));
        self.ready_ms.extend(workload.ready_ms());
        let first = self.starts;
        self.starts = used.last().map_or(first, |last| first + last + 1);
        self.rounds.extend(rounds.into_iter().map(|r| Round { start: first + r.start, ..r }));
    }
}

/// Why a gate that judges by limits alone has none.
pub fn nothing_to_judge(
    record: &Record,
    workload: &WorkloadRecord,
) -> anyhow::Result<Option<RunReason>> {
    let vacuous = |l: &Limit| l.metric == Metric::ErrorRate && l.bound == Bound::Max(NO_LIMIT);
    let none = record.policy.mode == "limits" && own(workload)?.iter().all(vacuous);
    Ok(none.then_some(RunReason::NoLimits))
}

/// What more may fail than by default: said in every report.
pub fn loosened(workload: &WorkloadRecord) -> anyhow::Result<Option<RunReason>> {
    let said = allowed(&own(workload)?).filter(|max| *max > MOST_FAILURES);
    Ok(said.map(|allowed| RunReason::FailuresAllowed { allowed, default: MOST_FAILURES }))
}

/// The default on failures.
pub const fn on_failures() -> Limit {
    Limit { metric: Metric::ErrorRate, bound: Bound::Max(MOST_FAILURES) }
}

/// The largest error rate that the config itself allows.
fn allowed(own: &[Limit]) -> Option<f64> {
    own.iter().find_map(|l| match l.bound {
        Bound::Max(max) if l.metric == Metric::ErrorRate => Some(max),
        _ => None,
    })
}

/// Errors: the record has a limit that is none.
fn own(workload: &WorkloadRecord) -> anyhow::Result<Vec<Limit>> {
    let both = workload.limits.iter().map(|l| {
        let bound = match (l.max, l.min) {
            (Some(x), None) => Bound::Max(x),
            (None, Some(x)) => Bound::Min(x),
            _ => anyhow::bail!("limit on {}: exactly one of max and min is needed", l.metric),
        };
        Ok(Limit { metric: metric(&l.metric)?, bound })
    });
    both.collect()
}
