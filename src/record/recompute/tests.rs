//! A record that keeps its findings, loses them, and has more of them than its columns tell.
#![expect(clippy::disallowed_methods, reason = "tests read fixtures")]

use super::*;
use crate::measure::seen::shard::ShardSeen;
use crate::measure::validity::{Finding, Severity};

fn text() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/records/candidate.json");
    std::fs::read_to_string(path).expect("a fixture")
}

fn record() -> Record {
    Record::parse(&text()).expect("a record")
}

fn first(record: &mut Record) -> &mut RoundRecord {
    &mut record.workloads[0].starts[0].rounds[0]
}

#[test]
fn what_was_measured_says_the_same_again() {
    let (mut before, mut after) = (record(), record());
    findings(&mut after).expect("a sound record");
    // The fixture has the words of an earlier version, and no types.
    for record in [&mut before, &mut after] {
        let rounds =
            record.workloads.iter_mut().flat_map(|w| &mut w.starts).flat_map(|s| &mut s.rounds);
        for finding in rounds.flat_map(|r| &mut r.findings) {
            (finding.message, finding.seen) = (String::new(), None);
        }
    }
    assert_eq!(before, after);
}

/// Reading a record computes them anew: whatever computes them must not change what is stored, not
/// even by a rounding.
#[test]
fn stored_numbers_come_out_of_the_columns_to_the_bit() {
    let stored: serde_json::Value = serde_json::from_str(&text()).expect("it is JSON");
    let ours = serde_json::to_value(record()).expect("plain data");
    let mut compared = 0;
    let mut same = |at: &str| {
        for (metric, value) in
            stored.pointer(at).and_then(serde_json::Value::as_object).expect("metrics")
        {
            assert_eq!(ours.pointer(at).map(|all| &all[metric]), Some(value), "{at}/{metric}");
            compared += 1;
        }
    };
    same("/workloads/0/pooled");
    for start in 0..2 {
        for round in 0..3 {
            same(&format!("/workloads/0/starts/{start}/rounds/{round}/metrics"));
        }
    }
    assert!(compared > 300, "only {compared}");
}

#[test]
fn a_finding_that_was_taken_away_is_back() {
    let mut forged = record();
    let round = first(&mut forged);
    round.columns.own_lag_us.fill(Some(900_000));
    round.client.own_lag_p99_ms = Some(0.1);
    // Nor does a word of a shard's of the same name silence it.
    let apart = ShardSeen::ShardDatesApart { seconds: 2.0 };
    round.findings = vec![Finding::new(Severity::Note, "send_lag", apart)];
    findings(&mut forged).expect("a sound record");
    let found = &first(&mut forged).findings;
    assert!(
        found.iter().any(|f| f.check == "send_lag" && f.severity == Severity::Invalid),
        "{found:?}"
    );
}

#[test]
fn what_spoke_against_it_then_stays() {
    let mut stored = record();
    let mine = Finding::text(Severity::Invalid, "gpu_throttled", "hot".into());
    first(&mut stored).findings = vec![mine.clone()];
    findings(&mut stored).expect("a sound record");
    assert_eq!(first(&mut stored).findings.first(), Some(&mine));
}
