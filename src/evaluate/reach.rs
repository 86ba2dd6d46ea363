//! What one job finds against sessions of other days, held against the sizes that a config asks for.
//! Pure. Not here: what is found (`judge::other_day`), start pairs, which are planned by it
//! (`judge::plan`).

use super::Baseline;
use crate::compare::History;
use crate::compare::reason::{OutOfReach, RunReason};
use crate::config::Workload;
use crate::judge::sessions::FEWEST_SESSIONS;
use crate::judge::{self, Mode, other_day};
use crate::measure::summary::Shape;
use crate::record::session::Session;

/// What the config says of the workload's metrics.
pub fn policy_for(workload: &Workload, workloads: usize) -> judge::Policy {
    let rules = || workload.regressions.iter();
    judge::Policy {
        sizes: rules().filter_map(|(metric, rule)| Some((*metric, rule.size?))).collect(),
        classes: rules().filter_map(|(metric, rule)| Some((*metric, rule.class?))).collect(),
        workloads: u32::try_from(workloads).unwrap_or(u32::MAX),
        ..judge::Policy::default()
    }
}

/// Before anything is measured: against the newest kind of session there is.
pub fn expected(
    baseline: &Baseline,
    workload: &Workload,
    starts: usize,
    under_test: &[String],
    policy: &judge::Policy,
) -> Option<RunReason> {
    let history = History { sessions: &baseline.sessions, accepted: &baseline.accepted };
    let selection = history.select_newest(&workload.name, under_test)?;
    let shape = selection.sessions().last()?.shape();
    let sessions: Vec<_> = selection.sessions().map(Session::to_method).collect();
    out_of_reach(&sessions, starts, shape, policy)
}

/// Sizes of primary metrics that a job of so many starts does not find; none below six sessions,
/// which is said by itself.
pub fn out_of_reach(
    history: &[judge::Session],
    starts: usize,
    shape: Shape,
    policy: &judge::Policy,
) -> Option<RunReason> {
    if history.len() < FEWEST_SESSIONS || policy.sizes.is_empty() {
        return None;
    }
    let found = other_day::reach(history, starts, shape, policy).into_iter();
    let sizes: Vec<OutOfReach> = found
        .filter_map(|(metric, reach)| {
            let size = *policy.sizes.get(&metric)?;
            let is_primary = policy.thresholds(metric, Mode::OtherDay)?.margin.is_some();
            (is_primary && reach > size).then_some(OutOfReach { metric, size, reach })
        })
        .collect();
    (!sizes.is_empty()).then_some(RunReason::SizesOutOfReach { starts: starts as u64, sizes })
}
