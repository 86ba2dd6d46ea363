//! A stored record's findings from its columns: a record from outside may have lost the ones that
//! speak against it. Pure.
//!
//! Not here: what no run can have measured (`check`).

use super::{LoadFacts, Record, RecordError, RoundRecord};
use crate::measure::SloMs;
use crate::measure::collect::{self, RoundView, Values};
use crate::measure::histogram::Gaps;
use crate::measure::seen::Seen;
use crate::measure::validity::{self, AskedLength, Finding, own_lag_p99_ms};

/// Replaces metrics and findings of every round by what its columns say. What was found then and
/// cannot be found now (it needs the plan or the machine) stays, and where both say something the
/// stricter one does.
pub fn findings(record: &mut Record) -> Result<(), RecordError> {
    for workload in &mut record.workloads {
        let slo = workload.slo.into();
        for start in workload.starts.iter_mut().chain(&mut workload.check_starts) {
            for round in &mut start.rounds {
                self::round(round, start.index, &workload.load, &slo)?;
            }
        }
    }
    Ok(())
}

/// Replaces the metrics of every round, and of all rounds together, by what the columns say: nobody
/// is believed a number that can be computed.
pub fn metrics(record: &mut Record) -> Result<(), RecordError> {
    for workload in &mut record.workloads {
        let slo = workload.slo.into();
        for start in workload.starts.iter_mut().chain(&mut workload.check_starts) {
            for round in &mut start.rounds {
                metrics_of_round(round, start.index, &workload.load, &slo)?;
            }
        }
        workload.pooled = super::keyed(&workload.pooled_values()?);
    }
    Ok(())
}

fn metrics_of_round(
    round: &mut RoundRecord,
    start: u32,
    load: &LoadFacts,
    slo: &SloMs,
) -> Result<Values, RecordError> {
    let gaps = Gaps::decode(&round.chunk_gaps_hdr).map_err(RecordError::Shape)?;
    let context = round.context(start, load);
    let values = collect::metrics(
        &[RoundView { columns: &round.columns, context: &context, gaps: &gaps }],
        slo,
    );
    round.metrics = super::keyed(&values);
    let gpu = super::gpu::values(std::iter::once(&*round));
    round.metrics.extend(super::keyed(&gpu));
    Ok(values)
}

fn round(
    round: &mut RoundRecord,
    start: u32,
    load: &LoadFacts,
    slo: &SloMs,
) -> Result<(), RecordError> {
    let context = round.context(start, load);
    let values = metrics_of_round(round, start, load, slo)?;
    round.client.own_lag_p99_ms = own_lag_p99_ms(&round.columns);
    // The lines of a trace ask for a length each: only the plan knows them.
    let forced = load.length_forced && !load.arrival.starts_with("trace");
    let asked =
        AskedLength { output_tokens: Some(f64::from(load.output_tokens)), length_forced: forced };
    let mut found = validity::findings(&round.columns, &context, &values, &round.client, asked);
    let stored = std::mem::take(&mut round.findings);
    let weaker =
        |check: &str, severity| found.iter().any(|f| f.check == check && f.severity >= severity);
    // Of a shard: the sum over all of them does not know whose it is.
    let of_shard = |f: &Finding| matches!(f.seen, Some(Seen::Shard(_)));
    let stays = |f: &Finding| of_shard(f) || !weaker(&f.check, f.severity);
    let kept: Vec<_> = stored.into_iter().filter(stays).collect();
    found.retain(|f| kept.iter().all(|k| k.check != f.check || k.severity < f.severity));
    found.extend(kept);
    found.sort_by_key(|f| std::cmp::Reverse(f.severity));
    round.findings = found;
    Ok(())
}

#[cfg(test)]
mod tests;
