//! Stored forms: what is refused, what comes back as it went, and which rounds count.

use super::session::Session;
use super::*;
use crate::config;
use crate::measure::summary::StartSummary;
use crate::measure::validity::Severity;
use crate::metric::{Class, Metric, Stat, Timing};
use crate::timeline::OutcomeKind;

const CANDIDATE: &str = include_str!("../../tests/fixtures/records/candidate.json");
const TPOT: Metric = Metric::Timing(Timing::Tpot, Stat::Geomean);

fn candidate() -> Record {
    Record::parse(CANDIDATE).expect("the fixture")
}

fn session() -> Session {
    let record = candidate();
    Session::from_record(&record, &record.workloads[0]).expect("the fixture has git facts")
}

#[test]
fn a_record_comes_back_as_it_went() {
    let record = candidate();
    assert_eq!(Record::parse(&record.to_json()).expect("its own form"), record);
    assert_eq!(record.to_json(), candidate().to_json());
}

#[test]
fn newer_versions_and_other_kinds_are_refused() {
    let newer = CANDIDATE.replacen("\"version\":1", "\"version\":2", 1);
    assert!(matches!(Record::parse(&newer), Err(RecordError::Newer { found: 2 })));
    let text = session().to_text();
    assert!(
        matches!(Record::parse(&text), Err(RecordError::Shape(_))),
        "a baseline is not a record"
    );
    let newer = text.replacen("\"version\": 1", "\"version\": 2", 1);
    assert!(matches!(Session::parse(&newer), Err(session::ParseError::Newer(2))));
    assert!(
        matches!(Session::parse(CANDIDATE), Err(session::ParseError::Schema)),
        "a record is not a baseline"
    );
    let unknown = CANDIDATE.replacen("\"version\":1", "\"version\":1,\"colour\":1", 1);
    assert!(matches!(Record::parse(&unknown), Err(RecordError::Shape(_))));
}

#[test]
fn what_was_asked_of_changes_is_stored_and_what_cannot_be_is_refused() {
    let mut record = candidate();
    let said = |size, class| config::Regression { size, class };
    // Of an earlier version, with a margin of its own.
    let full = RegressionPolicy {
        min_change_ratio: Some(0.08),
        margin_ratio: Some(0.15),
        class: Some(Class::Primary),
    };
    assert_eq!(full.size(), Some(0.15));
    record.workloads[0].regressions = [
        ("ttft_geomean".into(), RegressionRecord::from(said(Some(0.05), None))),
        ("ttft_p95".into(), RegressionRecord::Full(full)),
    ]
    .into();
    let text = record.to_json();
    let form = r#""regressions":{"ttft_geomean":0.05,"ttft_p95":{"min_change_ratio":0.08,"margin_ratio":0.15,"class":"primary"}}"#;
    assert!(text.contains(form), "{text:.2000}");
    assert_eq!(Record::parse(&text).expect("its own form"), record);
    for (from, to) in
        [("0.15", "1.5"), ("0.15", "0"), ("\"class\"", "\"klass\""), ("\"primary\"", "\"main\"")]
    {
        let wrong = text.replacen(form, &form.replace(from, to), 1);
        assert!(matches!(Record::parse(&wrong), Err(RecordError::Shape(_))), "{to}");
    }
}

#[test]
fn columns_that_disagree_are_refused() {
    let mut record = candidate();
    record.workloads[0].starts[0].rounds[0].columns.events.pop();
    assert!(matches!(Record::parse(&record.to_json()), Err(RecordError::Shape(_))));
    let mut record = candidate();
    record.workloads[0].starts[0].rounds[0].ramp = 41;
    assert!(
        matches!(Record::parse(&record.to_json()), Err(RecordError::Shape(_))),
        "a ramp of more than all requests"
    );
}

#[test]
fn a_session_is_stable_to_the_byte_and_sorted() {
    let (first, text) = (session(), session().to_text());
    assert_eq!(first.to_text(), text);
    assert_eq!(Session::parse(&text).expect("its own form"), first);
    assert_eq!(Session::parse(&text).expect("its own form").to_text(), text);
    assert_sorted(&serde_json::from_str(&text).expect("JSON"));
    assert!(text.ends_with("}\n"));
}

/// Order is kept by the reader, so this is the order in the file.
fn assert_sorted(value: &serde_json::Value) {
    match value {
        serde_json::Value::Object(map) => {
            assert!(map.keys().is_sorted(), "{:?}", map.keys().collect::<Vec<_>>());
            map.values().for_each(assert_sorted);
        }
        serde_json::Value::Array(items) => items.iter().for_each(assert_sorted),
        _ => {}
    }
}

#[test]
fn a_session_holds_no_text_of_the_servers_and_no_host() {
    let text = session().to_text();
    for foreign in ["host-1", "A processor", "columns"] {
        assert!(!text.contains(foreign), "{foreign}");
    }
}

#[test]
fn a_session_is_judged_by_what_its_record_says() {
    let record = candidate();
    let rounds = record.workloads[0].method_rounds();
    let summaries = crate::measure::summary::summaries(&rounds, &record.workloads[0].slo.into());
    let judged = |starts: Vec<StartSummary>| -> Vec<_> {
        let rounds = |s: &StartSummary| -> Vec<_> {
            s.rounds.iter().map(|r| (r.seed, r.values.clone())).collect()
        };
        starts.into_iter().map(|s| (rounds(&s), s.values, s.n, s.bad)).collect()
    };
    let stored = Session::parse(&session().to_text()).expect("its own form").to_method().starts;
    assert_eq!(judged(stored), judged(summaries.into_values().collect()));
}

/// Files of earlier versions do not tell the seeds of their rounds.
#[test]
fn rounds_without_seeds_are_known_by_place_where_no_start_lacks_one() {
    let plan = candidate().workloads[0].plan_seeds();
    let told = session().to_method();
    let mut older = session();
    older.starts.iter_mut().for_each(|s| s.seeds.clear());
    assert_eq!(older.to_method_of(&plan), told);
    assert!(older.to_method().starts.iter().all(|s| s.rounds.is_empty()));
    let kept = older.to_past(true);
    assert!(!kept.starts.is_empty() && kept.starts.iter().all(|s| s.centred.is_some()));
    assert_eq!(kept, session().to_past(true), "within a session their place is enough");
    older.starts.push(older.starts[0].clone());
    older.starts[0].rounds.pop();
    assert!(older.to_method_of(&plan).starts.iter().all(|s| s.rounds.is_empty()));
    assert!(older.to_past(true).starts.iter().all(|s| s.centred.is_none()));
    let mut uneven = session();
    uneven.starts[0].seeds.push(1);
    assert!(Session::parse(&uneven.to_text()).is_err());
}

#[test]
fn without_git_facts_there_is_no_session() {
    let record = Record { git: None, ..candidate() };
    assert!(Session::from_record(&record, &record.workloads[0]).is_none());
}

#[test]
fn a_round_that_was_cut_short_does_not_count() {
    let whole = candidate();
    let mut record = candidate();
    let cut = &mut record.workloads[0].starts[1].rounds[2];
    cut.cut_short = true;
    cut.columns.output_tokens.fill(Some(800));
    cut.findings = vec![Finding::text(Severity::Invalid, "client_cpu", "busy".into())];
    let (with, without) = (&whole.workloads[0], &record.workloads[0]);
    assert_eq!(
        (with.rounds().count(), without.rounds().count(), without.method_rounds().len()),
        (6, 5, 5)
    );
    assert!(without.invalid().is_empty());
    assert_eq!(without.mean_tokens(|c| &c.output_tokens), Some(8.0));
    let tpot = |w: &WorkloadRecord| w.pooled_values().expect("readable")[&TPOT];
    assert!((tpot(with) / tpot(without) - 1.0).abs() < 0.05, "eight hundred tokens are not in it");
    let session = Session::from_record(&record, without).expect("git facts");
    assert_eq!(session.starts.iter().map(|s| s.rounds.len()).collect::<Vec<_>>(), [3, 2]);
}

#[test]
fn stored_metrics_are_those_that_the_columns_give() {
    let record = candidate();
    let workload = &record.workloads[0];
    let keys = |values: &BTreeMap<String, f64>| values.keys().cloned().collect::<Vec<_>>();
    let computed = keyed(&workload.pooled_values().expect("readable"));
    assert_eq!(keys(&workload.pooled), keys(&computed));
    for (key, value) in &computed {
        assert!((value - workload.pooled[key]).abs() <= 1e-9 * value.abs(), "{key}");
    }
}

/// What the reader says of the fixture with one round's, or the workload's, parts changed.
fn read_with(change: impl FnOnce(&mut WorkloadRecord)) -> Result<Record, String> {
    let mut record = candidate();
    change(&mut record.workloads[0]);
    Record::parse(&record.to_json()).map_err(|e| e.to_string())
}

fn first(workload: &mut WorkloadRecord) -> &mut RoundRecord {
    &mut workload.starts[0].rounds[0]
}

#[test]
fn parts_that_contradict_each_other_are_refused() {
    let refused: Vec<(&str, Result<Record, String>)> = vec![
        (
            "error_rate_ratio",
            read_with(|w| _ = first(w).metrics.insert("error_rate_ratio".into(), 1.0)),
        ),
        (
            "pooled has error_rate_ratio",
            read_with(|w| _ = w.pooled.insert("error_rate_ratio".into(), 0.5)),
        ),
        ("load.streaming is false", read_with(|w| w.load.streaming = false)),
        ("error_rate_ratio", read_with(|w| first(w).columns.outcome[30] = OutcomeKind::Timeout)),
        (
            "its errors are",
            read_with(|w| {
                first(w).errors.push(ErrorCount {
                    kind: "timeout".into(),
                    count: 1,
                    example: None,
                });
            }),
        ),
        (
            "it has times of an answer",
            read_with(|w| {
                let round = first(w);
                round.columns.outcome[9] = OutcomeKind::Timeout;
                round.errors.push(ErrorCount { kind: "timeout".into(), count: 1, example: None });
                round.metrics.clear();
                round.series = Series::default();
                w.pooled.clear();
            }),
        ),
        ("open_loop is", read_with(|w| w.load.open_loop = !w.load.open_loop)),
        ("open_loop is", read_with(|w| w.load.arrival = "closed loop, 3 in flight".into())),
        ("left out as a ramp", read_with(|w| first(w).ramp = 3)),
        ("protocol", read_with(|w| w.load.protocol = "triton".into())),
        ("duration_us is 1,", read_with(|w| first(w).duration_us = 1)),
        ("largest gap", read_with(|w| first(w).columns.max_gap_us.set(9, Some(9_000_000_000)))),
        ("first answer token", read_with(|w| first(w).columns.ttfa_us.set(9, Some(9_000_000_000)))),
        ("first answer token", read_with(|w| first(w).columns.ttfa_us.set(9, Some(0)))),
        ("chunk gaps", read_with(|w| first(w).columns.events.fill(1))),
        ("chunk_gap_p99_ms is 0.001", read_with(|w| first(w).chunk_gap_p99_ms = Some(0.001))),
        ("chunk_gap_p99_ms is 99999", read_with(|w| first(w).chunk_gap_p99_ms = Some(99_999.0))),
        ("series", read_with(|w| first(w).series.completed.push(1000))),
        ("series", read_with(|w| first(w).series.failed.push(1000))),
    ];
    for (word, read) in refused {
        let Err(why) = read else { panic!("{word}: it was read") };
        assert!(why.contains(word), "{word}: {why}");
    }
}

#[test]
fn metrics_are_read_from_the_columns_and_not_from_what_is_written_beside_them() {
    let whole = candidate();
    let edited = read_with(|w| {
        w.pooled.insert("ttft_geomean_ms".into(), 0.1);
        first(w).metrics.insert("ttft_p50_ms".into(), 0.1);
        first(w).metrics.insert("ttft_p95_ms".into(), 0.1);
    });
    assert_eq!(edited.expect("times are made anew"), whole);
}
