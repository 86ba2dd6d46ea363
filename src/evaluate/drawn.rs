//! Records and what they were compared with, to the charts of their page. Not here: what a chart
//! holds (`report::page::charts`).

use super::Baseline;
use crate::record::session::Session;
use crate::record::{Record, RecordError, WorkloadRecord};
use crate::report::page::charts::{Beside, Charts, charts};

/// Of a run that nothing was compared with.
pub fn alone(record: &Record) -> Result<Vec<Charts>, RecordError> {
    record.workloads.iter().map(|w| charts(w, Beside::Nothing)).collect()
}

/// Against the sessions that it was judged by.
pub fn beside_sessions(
    record: &Record,
    baseline: impl Fn(&WorkloadRecord) -> Baseline,
) -> Result<Vec<Charts>, RecordError> {
    let each = record.workloads.iter().map(|w| {
        let baseline = baseline(w);
        let selection = baseline.select(w, &record.policy.under_test, Some(&record.session));
        let mine: Vec<&Session> = selection.sessions().collect();
        charts(w, if mine.is_empty() { Beside::Nothing } else { Beside::Sessions(&mine) })
    });
    each.collect()
}

/// Against the other side of an interleaved run.
pub fn beside_record(baseline: &Record, candidate: &Record) -> Result<Vec<Charts>, RecordError> {
    let other = |w: &WorkloadRecord| baseline.workloads.iter().find(|b| b.name == w.name);
    candidate
        .workloads
        .iter()
        .map(|w| charts(w, other(w).map_or(Beside::Nothing, Beside::Record)))
        .collect()
}
