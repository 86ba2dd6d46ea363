//! When a round after idling is told. Not here: the idling itself (`tests/it`).

use super::*;
use crate::record::Record;

const CANDIDATE: &str = include_str!("../../../tests/fixtures/records/candidate.json");
const TPOT: &str = "tpot_mean_ms";

/// The first start's rounds with these idle times (seconds) and TPOTs.
fn told(rounds: [(Option<u64>, f64); 3]) -> Option<String> {
    let mut workload = Record::parse(CANDIDATE).expect("the fixture").workloads.remove(0);
    for (round, (idle_s, tpot)) in workload.starts[0].rounds.iter_mut().zip(rounds) {
        round.idle_ms = idle_s.map(|s| s * 1000);
        round.metrics.insert(TPOT.into(), tpot);
    }
    note(&workload).map(|note| note.to_string())
}

#[test]
fn a_round_that_idling_slowed_is_told_with_both_numbers() {
    assert_eq!(
        told([(None, 10.0), (Some(75), 11.2), (None, 10.0)]).as_deref(),
        Some(
            "start 1, round 2: the first round after 75 s of idling is 12 % slower than the others of its start"
        )
    );
}

#[test]
fn short_idling_noise_and_rounds_without_others_are_not_told() {
    for rounds in [
        [(None, 10.0), (Some(59), 11.2), (None, 10.0)],
        [(None, 10.0), (Some(75), 10.4), (None, 10.0)],
        [(None, 10.0), (Some(75), 11.2), (None, 11.0)],
        [(Some(75), 11.2), (Some(75), 11.2), (Some(75), 11.2)],
        [(None, 10.0), (None, 11.2), (None, 10.0)],
    ] {
        assert_eq!(told(rounds), None, "{rounds:?}");
    }
}
