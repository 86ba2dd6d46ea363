//! A stored record's findings from its columns: a record from outside may have lost the ones that speak against it. Pure.
//!
//! Not here: what no run can have measured (`check`).

use super::{LoadFacts, Record, RecordError, RoundRecord};
use crate::measure::SloMs;
use crate::measure::collect::{RoundView, metrics};
use crate::measure::histogram::Gaps;
use crate::measure::validity::{self, Asked, own_lag_p99_ms};

/// Replaces metrics and findings of every round by what its columns say. What was found then and cannot be found now (it needs the
/// plan or the machine) stays, and where both say something the stricter one does.
pub fn findings(record: &mut Record) -> Result<(), RecordError> {
    for workload in &mut record.workloads {
        let slo = workload.slo.into();
        for start in &mut workload.starts {
            for round in &mut start.rounds {
                self::round(round, start.index, &workload.load, &slo)?;
            }
        }
    }
    Ok(())
}

fn round(round: &mut RoundRecord, start: u32, load: &LoadFacts, slo: &SloMs) -> Result<(), RecordError> {
    let gaps = Gaps::decode(&round.chunk_gaps_hdr).map_err(RecordError::Shape)?;
    let context = round.context(start, load);
    let values = metrics(&[RoundView { columns: &round.columns, context: &context, gaps: &gaps }], slo);
    round.client.own_lag_p99_ms = own_lag_p99_ms(&round.columns);
    // The lines of a trace ask for a length each: only the plan knows them.
    let forced = load.length_forced && load.arrival != "trace";
    let asked = Asked { output_tokens: Some(f64::from(load.output_tokens)), length_forced: forced };
    let mut found = validity::findings(&round.columns, &context, &values, &round.client, asked);
    let stored = std::mem::take(&mut round.findings);
    let weaker = |check: &str, severity| found.iter().any(|f| f.check == check && f.severity >= severity);
    let kept: Vec<_> = stored.into_iter().filter(|f| !weaker(&f.check, f.severity)).collect();
    found.retain(|f| kept.iter().all(|k| k.check != f.check));
    found.extend(kept);
    found.sort_by_key(|f| std::cmp::Reverse(f.severity));
    round.findings = found;
    round.metrics = super::keyed(&values);
    Ok(())
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests read fixtures")]
mod tests {
    use super::*;
    use crate::measure::validity::{Finding, Severity};

    fn record() -> Record {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/records/candidate.json");
        Record::parse(&std::fs::read_to_string(path).expect("a fixture")).expect("a record")
    }

    fn first(record: &mut Record) -> &mut RoundRecord {
        &mut record.workloads[0].starts[0].rounds[0]
    }

    #[test]
    fn what_was_measured_says_the_same_again() {
        let (before, mut after) = (record(), record());
        findings(&mut after).expect("a sound record");
        assert_eq!(before, after);
    }

    #[test]
    fn a_finding_that_was_taken_away_is_back() {
        let mut forged = record();
        let round = first(&mut forged);
        round.columns.own_lag_us.fill(Some(900_000));
        round.client.own_lag_p99_ms = Some(0.1);
        round.findings.clear();
        findings(&mut forged).expect("a sound record");
        let found = &first(&mut forged).findings;
        assert!(found.iter().any(|f| f.check == "send_lag" && f.severity == Severity::Invalid), "{found:?}");
    }

    #[test]
    fn what_spoke_against_it_then_stays() {
        let mut stored = record();
        let mine = Finding { severity: Severity::Invalid, check: "gpu_throttled".into(), message: "hot".into() };
        first(&mut stored).findings = vec![mine.clone()];
        findings(&mut stored).expect("a sound record");
        assert_eq!(first(&mut stored).findings.first(), Some(&mine));
    }
}
