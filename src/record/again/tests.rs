//! Which rounds are measured again, and how many. Not here: that they are (`tests/it`).

use super::*;
use crate::measure::seen::Seen;
use crate::measure::validity::{GPU_THROTTLE, PASSING, SERVER_ENDED, STANDSTILL};
use crate::record::Record;
use crate::timeline::OutcomeKind;

const CANDIDATE: &str = include_str!("../../../tests/fixtures/records/candidate.json");

fn finding(severity: Severity, check: &str) -> Finding {
    Finding::new(severity, check, Seen::ClientStoodStill)
}

fn workload() -> WorkloadRecord {
    let mut workload = Record::parse(CANDIDATE).expect("the fixture").workloads.remove(0);
    let rounds = workload.starts.iter_mut().flat_map(|start| &mut start.rounds);
    rounds.for_each(|round| round.findings.clear());
    workload
}

/// Whether a round with these INVALID findings is measured again.
fn again(checks: &[&str], change: impl FnOnce(&mut RoundRecord, &mut LoadFacts)) -> bool {
    let WorkloadRecord { mut starts, mut load, .. } = workload();
    load.max_in_flight = None;
    let round = &mut starts[0].rounds[0];
    round.findings = checks.iter().map(|check| finding(Severity::Invalid, check)).collect();
    change(round, &mut load);
    round.is_spoilt_by_client(&load)
}

#[test]
fn a_third_of_the_rounds_and_at_least_one_may_be_repeats() {
    let most = [0, 1, 3, 5, 6, 9, 18, 72].map(most_repeats);
    assert_eq!(most, [1, 1, 1, 1, 2, 3, 6, 24]);
}

#[test]
fn every_finding_of_the_clients_machine_is_a_reason_and_none_of_another() {
    for check in CLIENT {
        assert!(again(&[check], |_, _| ()), "{check}");
    }
    let others = PASSING.into_iter().filter(|check| !CLIENT.contains(check));
    for check in others.chain([SERVER_ENDED, "no_success", "output_tokens", "open_files"]) {
        assert!(!again(&[check], |_, _| ()), "{check}");
        assert!(!again(&[STANDSTILL, check], |_, _| ()), "{check} beside the client's");
    }
    assert!(!again(&[], |round, _| round.findings.push(finding(Severity::Note, "send_lag"))));
}

/// Whatever the server did wrong stays: to measure again would hide it.
#[test]
fn a_round_with_a_failed_request_is_never_measured_again() {
    let failed = |round: &mut RoundRecord| round.columns.outcome[3] = OutcomeKind::HttpStatus;
    assert!(!again(&[STANDSTILL], |round, _| failed(round)));
    assert!(!again(&[STANDSTILL], |round, _| round.cut_short = true));
}

/// The values of the answers have no say, however slow or fast they are.
#[test]
fn how_fast_the_server_answered_decides_nothing() {
    for factor in [0.1, 1.0, 100.0] {
        let scaled = |round: &mut RoundRecord, _: &mut LoadFacts| {
            for value in round.metrics.values_mut() {
                *value *= factor;
            }
        };
        assert!(again(&["send_lag"], scaled) && !again(&[], scaled), "{factor}");
    }
}

/// A server that answers slowly fills the cap, and no request more goes out.
#[test]
fn a_rate_that_a_cap_has_cut_is_the_servers() {
    let capped = |_: &mut RoundRecord, load: &mut LoadFacts| load.max_in_flight = Some(8);
    assert!(!again(&[OFFERED_RATE], capped));
    assert!(!again(&[OFFERED_RATE, "send_lag"], capped));
    assert!(again(&["send_lag"], capped));
}

#[test]
fn what_a_repeat_replaces_is_listed_and_counted() {
    let mut workload = workload();
    assert_eq!(Repeats::new([&workload]).repeated, 0);
    let rounds = &mut workload.starts[0].rounds;
    let measured = |order, check| RoundRecord {
        order,
        findings: vec![finding(Severity::Invalid, check), finding(Severity::Note, "retries")],
        ..rounds[1].clone()
    };
    let (first, mut second) = (measured(70, "send_lag"), measured(71, STANDSTILL));
    let mut third = measured(72, "loop_lag");
    second.replaces(first);
    third.replaces(second);
    rounds[1] = third;
    let spoilt = &rounds[1].spoilt;
    assert_eq!(spoilt.iter().map(|s| s.order).collect::<Vec<_>>(), [70, 71]);
    let all = Repeats::new([&workload]);
    assert_eq!((all.repeated, all.rounds), (1, 6), "a round that took three counts once");
    assert_eq!(all.checks, ["send_lag", STANDSTILL], "and notes are no reason");
    let mut both = all.clone();
    both.add(all);
    assert_eq!((both.repeated, both.rounds, both.checks.len()), (2, 12, 2));
}

#[test]
fn a_record_with_another_reason_is_refused() {
    let read = |findings: Vec<Finding>| {
        let mut record = Record::parse(CANDIDATE).expect("the fixture");
        record.workloads[0].starts[0].rounds[0].spoilt = vec![Spoilt { order: 9, findings }];
        Record::parse(&record.to_json())
    };
    read(vec![finding(Severity::Invalid, STANDSTILL)]).expect("a run repeats for that");
    for findings in [
        vec![],
        vec![finding(Severity::Note, STANDSTILL)],
        vec![finding(Severity::Invalid, GPU_THROTTLE)],
        vec![finding(Severity::Invalid, STANDSTILL), finding(Severity::Invalid, "no_success")],
    ] {
        let why = read(findings).expect_err("no run does").to_string();
        assert!(why.contains("measured again"), "{why}");
    }
}
