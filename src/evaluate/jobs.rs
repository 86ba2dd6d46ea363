//! The candidate's jobs of another-day mode: each attempt is one. Pure.

use crate::judge;
use crate::measure::summary::StartSummary;
use crate::metric::Metric;
use crate::record::{Record, WorkloadRecord};

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
