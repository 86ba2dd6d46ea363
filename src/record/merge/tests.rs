//! A run that was cut and merged is the run that was not cut, to the last number.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::measure::columns::Columns;
use crate::measure::validity::ClientHealth;
use crate::plan::{Pace, PlannedRequest, RoundPlan};
use crate::record::build::{Raw, gap_counts, round};
use crate::record::shard::{ShardClock, ShardFacts};
use crate::record::{RecordedPolicy, views};
use crate::timeline::OutcomeKind;
use crate::timeline::{Outcome, OutputEvent, Timeline};

const CANDIDATE: &str = include_str!("../../../tests/fixtures/records/candidate.json");
const BEGAN: u64 = 5_000_000_000;

/// A request: microseconds since the one before it, until its first output, between outputs, and
/// what became of it.
type Sketch = (u64, u64, Vec<u64>, u8);

fn sketches() -> impl Strategy<Value = Vec<Sketch>> {
    let gaps = proptest::collection::vec(1_u64..9_000, 0..9);
    proptest::collection::vec((0_u64..3_000, 1_u64..50_000, gaps, 0_u8..6), 1..200)
}

fn plan(pace: Pace, sketches: &[Sketch], ramp: u32) -> RoundPlan {
    let mut at = 0;
    let requests = (0..).zip(sketches).map(|(index, sketch)| {
        at += sketch.0;
        PlannedRequest {
            index,
            id: index.to_string(),
            offset: Duration::from_micros(at),
            body: Vec::new(),
            input_tokens: 8,
            output_tokens: 4,
        }
    });
    let requests = requests.collect();
    RoundPlan { seed: 3, pace, max_in_flight: None, stop_after: None, ramp, requests }
}

/// What became of a part of the plan: its requests' places are its own, their ids the plan's.
fn timelines(plan: &RoundPlan, sketches: &[Sketch]) -> Vec<Timeline> {
    let each = plan.requests.iter().map(|request| {
        let (_, ttft_us, gaps, fate) = &sketches[request.id.parse::<usize>().expect("a number")];
        let intended_ns = BEGAN + u64::try_from(request.offset.as_nanos()).expect("short");
        let planned = Timeline::planned(request.index, intended_ns, plan.pace.is_closed(0));
        if *fate == 0 {
            return planned;
        }
        let sent_ns = intended_ns + 2_000;
        let mut at = sent_ns + ttft_us * 1_000;
        let mut outputs = vec![OutputEvent { at_ns: at }];
        for gap in gaps {
            at += gap * 1_000;
            outputs.push(OutputEvent { at_ns: at });
        }
        let outcome = if *fate == 1 { Outcome::HttpStatus(503) } else { Outcome::Completed };
        Timeline {
            handed_ns: Some(intended_ns + 1_000),
            slot_ns: Some(intended_ns + 1_000),
            sent_ns: Some(sent_ns),
            output_tokens: Some(u32::try_from(outputs.len()).expect("few")),
            input_tokens: Some(8),
            end_ns: Some(at + 4_000),
            outputs,
            outcome,
            ..planned
        }
    });
    each.collect()
}

fn health() -> ClientHealth {
    let (cpu_ms, connections_opened) = (Some(2.0), Some(1));
    ClientHealth { cpu_ms, connections_opened, ..ClientHealth::default() }
}

fn raw<'a>(plan: &'a RoundPlan, timelines: &'a [Timeline]) -> Raw<'a> {
    let (start, index, order, cut_short) = (0, 0, 0, false);
    Raw { start, index, order, plan, timelines, began_ns: BEGAN, health: health(), cut_short }
}

fn clock() -> ShardClock {
    ShardClock {
        began: "2026-01-01T00:00:00Z".into(),
        late_us: 40,
        date_ahead_us: -20,
        uncertainty_us: 300,
        drift_us: Some(-7),
    }
}

/// A record of nothing but this round.
fn record(pace: Pace, requests: usize, rounds: Vec<RoundRecord>) -> Record {
    let mut record = Record::parse(CANDIDATE).expect("the fixture");
    record.workloads.truncate(1);
    let workload = &mut record.workloads[0];
    workload.load.requests_per_round = Some(requests as u64);
    workload.load.open_loop = pace.is_open();
    workload.load.length_forced = false;
    workload.load.arrival = if pace.is_open() { "Poisson 20/s" } else { "sessions" }.into();
    workload.load.detail.turns = Some(pace.turns()).filter(|turns| *turns > 1);
    workload.starts.truncate(1);
    workload.starts[0] = StartRecord {
        index: 0,
        sim_seed: None,
        setup_ms: None,
        ready_ms: None,
        connections: BTreeMap::new(),
        rounds,
    };
    workload.check_starts.clear();
    workload.history.clear();
    record.policy = RecordedPolicy { starts: 1, rounds: 1, ..record.policy };
    record
}

fn whole(pace: Pace, sketches: &[Sketch], ramp: u32) -> Record {
    let plan = plan(pace, sketches, ramp);
    let timelines = timelines(&plan, sketches);
    let empty = record(pace, sketches.len(), Vec::new());
    let workload = &empty.workloads[0];
    let stored = round(&raw(&plan, &timelines), &workload.load, &workload.slo.into());
    let mut whole = record(pace, sketches.len(), vec![stored]);
    recompute::findings(&mut whole).expect("a round");
    recompute::metrics(&mut whole).expect("a round");
    whole
}

fn shards(pace: Pace, sketches: &[Sketch], ramp: u32, count: u32) -> Vec<Record> {
    let plan = plan(pace, sketches, ramp);
    let each = (0..count).map(|index| {
        let shard = Shard { index, count };
        let part = shard.cut(plan.clone()).expect("a place for each");
        let timelines = timelines(&part, sketches);
        let mut own = record(pace, sketches.len(), Vec::new());
        let raw = raw(&part, &timelines);
        let workload = &own.workloads[0];
        let mut stored = round(&raw, &workload.load, &workload.slo.into());
        // A part of few requests that all failed is its machine's fault: here it is the draw's.
        stored.findings.clear();
        stored.shard = Some(ShardRound { clock: clock(), ramp, chunk_gaps: gap_counts(&raw) });
        own.workloads[0].starts[0].rounds.push(stored);
        own.shard = Some(ShardFacts { index, count, rendezvous: "http".into(), gave_up: None });
        own
    });
    each.collect()
}

fn only_round(record: &Record) -> &RoundRecord {
    &record.workloads[0].starts[0].rounds[0]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_was_cut_and_merged_is_what_was_not_cut(
        sketches in sketches(),
        count in 1_u32..7,
        turns in 1_u32..4,
        backwards in any::<bool>(),
    ) {
        let think = Duration::ZERO;
        let pace = if turns == 1 {
            Pace::Open
        } else {
            Pace::Sessions { concurrency: Some(8), turns, think }
        };
        let ramp = if sketches.len() >= 48 && turns > 1 { 8 * turns } else { 0 };
        let whole = whole(pace, &sketches, ramp);
        let mut parts = shards(pace, &sketches, ramp, count);
        if backwards {
            parts.reverse();
        }
        let merged = merge(parts).expect("shards of one run");
        let (one, all) = (only_round(&whole), only_round(&merged));
        prop_assert_eq!(&one.columns, &all.columns);
        prop_assert_eq!(&one.metrics, &all.metrics);
        prop_assert_eq!(one.chunk_gap_p99_ms, all.chunk_gap_p99_ms);
        prop_assert_eq!(&one.chunk_gaps_hdr, &all.chunk_gaps_hdr);
        prop_assert_eq!((one.duration_us, one.ramp), (all.duration_us, all.ramp));
        prop_assert_eq!((&one.series, &one.findings), (&all.series, &all.findings));
        let kinds = |round: &RoundRecord| {
            round.errors.iter().map(|e| (e.kind.clone(), e.count)).collect::<BTreeMap<_, _>>()
        };
        prop_assert_eq!(kinds(one), kinds(all));
        prop_assert_eq!(&whole.workloads[0].pooled, &merged.workloads[0].pooled);
        prop_assert_eq!(views::timings(&whole.workloads[0]).expect("rounds").len(),
            views::timings(&merged.workloads[0]).expect("rounds").len());
    }
}

fn some() -> Vec<Sketch> {
    (0..40).map(|i| (1_000, 9_000 + i, vec![4_000; 3], 3)).collect()
}

fn invalid(record: &Record) -> Vec<String> {
    record.workloads[0].unfit().iter().map(ToString::to_string).collect()
}

#[test]
fn a_missing_shard_is_unsent_and_named() {
    let mut parts = shards(Pace::Open, &some(), 0, 4);
    parts.remove(2);
    let merged = merge(parts).expect("three of four");
    let round = only_round(&merged);
    assert_eq!((round.columns.len(), round.columns.completed()), (40, 30));
    let unsent = |i: usize| round.columns.outcome[i] == OutcomeKind::Cancelled;
    assert!((0..40).all(|i| unsent(i) == (i % 4 == 2)));
    assert_eq!(merged.merged.as_ref().map(|m| m.missing.clone()), Some(vec![2]));
    let why = invalid(&merged);
    assert!(why[0].contains("shard 2 of 4 is missing: its 10 requests"), "{why:?}");
    assert!((round.metrics["error_rate_ratio"] - 0.25).abs() < 1e-12);
    assert_eq!(Record::parse(&merged.to_json()).expect("a record like any other"), merged);
}

/// Killed between two rounds: the others have gone on.
#[test]
fn a_shard_that_lacks_a_round_is_missing_in_that_round() {
    let mut parts = shards(Pace::Open, &some(), 0, 2);
    for part in &mut parts {
        let mut second = only_round(part).clone();
        (second.index, second.order) = (1, 1);
        part.workloads[0].starts[0].rounds.push(second);
    }
    parts[1].workloads[0].starts[0].rounds.pop();
    let merged = merge(parts).expect("two shards");
    let rounds = &merged.workloads[0].starts[0].rounds;
    assert_eq!(rounds[0].columns.completed(), 40);
    assert_eq!((rounds[1].columns.len(), rounds[1].columns.completed()), (40, 20));
    assert!(
        invalid(&merged)[0].contains("round 2: shard 1 of 2 is missing"),
        "{:?}",
        invalid(&merged)
    );
}

#[test]
fn a_shard_that_is_invalid_makes_all_so_and_is_named() {
    let mut parts = shards(Pace::Open, &some(), 0, 2);
    let late = crate::measure::seen::Seen::ClientLate { p99_ms: 40.0, bound_ms: 2.0 };
    let found = Finding::new(Severity::Invalid, "send_lag", late);
    parts[1].workloads[0].starts[0].rounds[0].findings.push(found);
    let merged = merge(parts).expect("two shards");
    let why = invalid(&merged);
    assert!(why[0].contains("shard 1: the client was late"), "{why:?}");
    let again = Record::parse(&merged.to_json()).expect("a record like any other");
    assert_eq!(invalid(&again), why);
}

#[test]
fn records_that_are_not_of_one_run_are_refused() {
    let refused = |change: &dyn Fn(&mut Vec<Record>)| {
        let mut parts = shards(Pace::Open, &some(), 0, 3);
        change(&mut parts);
        merge(parts).expect_err("refused").to_string()
    };
    let said = [
        refused(&|parts| parts.clear()),
        refused(&|parts| parts[1].shard = None),
        refused(&|parts| parts[1] = parts[0].clone()),
        refused(&|parts| parts[1].shard.as_mut().expect("a shard").count = 4),
        refused(&|parts| parts[1].shard.as_mut().expect("a shard").index = 3),
        refused(&|parts| parts[1].session = "other".into()),
        refused(&|parts| parts[2].tool_version = "0.0.1".into()),
        refused(&|parts| parts[2].workloads[0].fingerprint.set("plan", "other")),
        refused(&|parts| parts[2].workloads[0].fingerprint.set("model", "other")),
        refused(&|parts| parts[2].policy.rounds = 9),
        refused(&|parts| parts[0].workloads[0].limits.clear()),
        refused(&|parts| {
            let round = &mut parts[1].workloads[0].starts[0].rounds[0];
            let gaps = &mut round.shard.as_mut().expect("a shard's").chunk_gaps;
            gaps.count[0] += 1;
        }),
        refused(&|parts| {
            let columns = &mut parts[1].workloads[0].starts[0].rounds[0].columns;
            *columns = Columns::default();
        }),
    ];
    for (said, wanted) in said.iter().zip([
        "there is no record",
        "is of no shard",
        "two records are of shard 0",
        "of 3 shards and another of 4",
        "there is no shard 3 of 3",
        "session of shard 1",
        "goodput-gate of shard 2",
        "plan is other",
        "model is other",
        "policy of shard 2",
        "load and limits of shard 1",
        "a record was edited",
        "its part of the plan is 13",
    ]) {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
}
