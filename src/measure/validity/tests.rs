//! Each threshold on both of its sides.

use super::*;
use crate::measure::column::Column;

const ASKED: AskedLength = AskedLength { output_tokens: Some(1000.0), length_forced: true };

/// So many completed requests of so many tokens.
fn columns(n: usize, tokens: Option<u32>) -> Columns {
    let times: Column<u64> = vec![Some(1000); n].into();
    Columns {
        start_us: times.clone(),
        queue_us: times.clone(),
        connect_us: times.clone(),
        send_lag_us: times.clone(),
        own_lag_us: times.clone(),
        ttft_us: times.clone(),
        ttfa_us: vec![None; n].into(),
        e2e_us: times.clone(),
        max_gap_us: times,
        events: vec![tokens.unwrap_or(1); n],
        input_tokens: vec![Some(1); n].into(),
        output_tokens: vec![tokens; n].into(),
        cached_tokens: vec![None; n].into(),
        hidden_tokens: Column::default(),
        outcome: vec![OutcomeKind::Completed; n],
    }
}

fn context(open_loop: bool) -> Context {
    Context {
        start: 0,
        seed: 1,
        order: 0,
        ramp: 0,
        open_loop,
        streaming: true,
        duration_us: 1_000_000,
        chunk_gap_p99_ms: None,
    }
}

fn ttft(median_ms: f64) -> Values {
    Values::from([(Metric::Timing(Timing::Ttft, Stat::P50), median_ms)])
}

fn checks(columns: &Columns, values: &Values, health: ClientHealth) -> Vec<(Severity, String)> {
    findings(columns, &context(true), values, &health, ASKED)
        .into_iter()
        .map(|f| (f.severity, f.check))
        .collect()
}

/// The only finding on the client's health at this median TTFT.
fn health(median_ms: f64, health: ClientHealth) -> Option<(Severity, String)> {
    let mut all = checks(&columns(20, Some(1000)), &ttft(median_ms), health);
    assert!(all.len() <= 1, "{all:?}");
    all.pop()
}

fn seen(severity: Severity, check: &str) -> (Severity, String) {
    (severity, check.to_owned())
}

fn lag(p99: f64) -> ClientHealth {
    ClientHealth { own_lag_p99_ms: Some(p99), ..ClientHealth::default() }
}

#[test]
fn send_lag_is_bound_by_the_median_ttft() {
    let invalid = || Some(seen(Severity::Invalid, "send_lag"));
    assert_eq!(health(1000.0, lag(50.1)), invalid());
    assert_eq!(health(1000.0, lag(49.9)), Some(seen(Severity::Note, "send_lag")));
    assert_eq!(health(1000.0, lag(10.1)), Some(seen(Severity::Note, "send_lag")));
    assert_eq!(health(1000.0, lag(9.9)), None);
    assert_eq!(health(10.0, lag(2.1)), invalid());
    assert_eq!(
        health(10.0, lag(1.9)),
        Some(seen(Severity::Note, "send_lag")),
        "below 2 ms it never invalidates"
    );
    assert_eq!(health(10.0, lag(0.9)), None, "below 1 ms it is not worth a word");
}

#[test]
fn a_busy_thread_is_invalid() {
    let busy =
        |ratio| ClientHealth { busiest_worker_ratio: Some(ratio), ..ClientHealth::default() };
    assert_eq!(health(100.0, busy(0.91)), Some(seen(Severity::Invalid, "client_cpu")));
    assert_eq!(health(100.0, busy(0.90)), None);
}

#[test]
fn a_late_event_loop_is_invalid() {
    let late = |ms| ClientHealth { loop_lag_p99_ms: Some(ms), ..ClientHealth::default() };
    let invalid = || Some(seen(Severity::Invalid, "loop_lag"));
    assert_eq!((health(20.0, late(10.1)), health(20.0, late(10.0))), (invalid(), None));
    assert_eq!((health(300.0, late(30.1)), health(300.0, late(30.0))), (invalid(), None));
}

#[test]
fn an_offered_rate_that_was_not_achieved_is_invalid_in_open_loop() {
    let rates = |achieved: f64| {
        Values::from([(Metric::OfferedRate, 100.0), (Metric::AchievedRate, achieved)])
    };
    let checks =
        |achieved: f64| checks(&columns(20, Some(1000)), &rates(achieved), ClientHealth::default());
    assert_eq!(checks(98.9), [(Severity::Invalid, "offered_rate".to_owned())]);
    assert_eq!((checks(99.1), checks(120.0)), (vec![], vec![]));
    let closed = findings(
        &columns(20, Some(1000)),
        &context(false),
        &rates(1.0),
        &ClientHealth::default(),
        ASKED,
    );
    assert!(closed.is_empty(), "a closed loop offers no rate: {closed:?}");
}

/// All but the first requests of [`columns`] waited so long for a slot, and for the client.
fn waited(slot_ms: u64, own_ms: u64) -> Columns {
    let mut all = columns(20, Some(1000));
    for column in [&mut all.queue_us, &mut all.send_lag_us, &mut all.own_lag_us] {
        *column = Column::default();
    }
    for _ in 0..all.len() {
        all.queue_us.push(Some((slot_ms + own_ms) * 1000));
        all.own_lag_us.push(Some(own_ms * 1000));
        all.send_lag_us.push(Some((slot_ms + own_ms) * 1000));
    }
    all
}

#[test]
fn a_server_that_keeps_every_slot_is_saturated_and_a_late_client_is_invalid() {
    let values = Values::from([
        (Metric::OfferedRate, 50.0),
        (Metric::AchievedRate, 33.0),
        (Metric::RequestRate, 32.5),
        (Metric::Timing(Timing::Ttft, Stat::P50), 500.0),
    ]);
    let idle = ClientHealth {
        own_lag_p99_ms: Some(0.2),
        busiest_worker_ratio: Some(0.1),
        ..ClientHealth::default()
    };
    let slots = waited(900, 0);
    assert_eq!(checks(&slots, &values, idle), [seen(Severity::Saturated, "saturated")]);
    let offered = [seen(Severity::Invalid, "offered_rate")];
    assert_eq!(checks(&slots, &values, ClientHealth::default()), offered, "who knows");
    assert_eq!(checks(&waited(0, 900), &values, idle), offered, "no slot was waited for");
    let late = ClientHealth { own_lag_p99_ms: Some(900.0), ..idle };
    let found = checks(&slots, &values, late);
    assert!(found.iter().all(|(severity, _)| *severity == Severity::Invalid), "{found:?}");
    let busy = ClientHealth { busiest_worker_ratio: Some(0.95), ..idle };
    assert!(checks(&slots, &values, busy).contains(&offered[0]));
    let unknown = Values::from([(Metric::OfferedRate, 50.0), (Metric::AchievedRate, 33.0)]);
    assert_eq!(checks(&slots, &unknown, idle), offered, "what it reached is not known");
}

#[test]
fn lengths_must_be_what_was_asked_where_they_were_forced() {
    let checks =
        |tokens| checks(&columns(20, Some(tokens)), &Values::new(), ClientHealth::default());
    let invalid = [(Severity::Invalid, "output_tokens".to_owned())];
    assert_eq!((checks(989), checks(1011)), (invalid.to_vec(), invalid.to_vec()));
    assert_eq!((checks(991), checks(1000), checks(1009)), (vec![], vec![], vec![]));
    let free = AskedLength { length_forced: false, ..ASKED };
    assert!(
        findings(
            &columns(20, Some(7)),
            &context(true),
            &Values::new(),
            &ClientHealth::default(),
            free
        )
        .is_empty()
    );
}

#[test]
fn one_success_is_something_to_judge_and_none_is_not() {
    let mut all = columns(20, Some(1000));
    all.outcome.fill(OutcomeKind::Timeout);
    assert_eq!(
        checks(&all, &Values::new(), lag(9e9)),
        [(Severity::Invalid, "no_success".to_owned())],
        "and nothing else matters"
    );
    all.outcome[3] = OutcomeKind::Completed;
    assert_eq!(
        checks(&all, &Values::new(), ClientHealth::default()),
        [seen(Severity::Note, "failures")]
    );
    assert_eq!(
        checks(&columns(0, None), &Values::new(), ClientHealth::default()).len(),
        1,
        "no request is no success"
    );
}

#[test]
fn an_answer_without_a_count_is_noted_and_the_worst_comes_first() {
    let mut some = columns(20, Some(1000));
    some.output_tokens.set(0, None);
    assert_eq!(
        checks(&some, &Values::new(), ClientHealth::default()),
        [(Severity::Note, "no_usage".to_owned())]
    );
    let both = checks(
        &some,
        &ttft(10.0),
        ClientHealth { retries: Some(1), unasked: Some(2), ..lag(50.0) },
    );
    let words: Vec<&str> = both.iter().map(|(_, check)| check.as_str()).collect();
    assert_eq!(words, ["send_lag", "no_usage", "retries", "unasked"]);
}

#[test]
fn every_invalid_says_what_to_do() {
    let late = ClientHealth { loop_lag_p99_ms: Some(99.0), ..lag(99.0) };
    let busy = ClientHealth { busiest_worker_ratio: Some(1.0), ..ClientHealth::default() };
    for health in [late, busy] {
        for finding in findings(&columns(20, Some(7)), &context(true), &ttft(10.0), &health, ASKED)
        {
            assert!(finding.message.contains(':'), "{}", finding.message);
        }
    }
}

#[test]
fn failures_are_noted_from_more_than_one_in_a_hundred() {
    let mut all = columns(200, Some(1000));
    all.outcome[..2].fill(OutcomeKind::Timeout);
    assert!(checks(&all, &Values::new(), ClientHealth::default()).is_empty());
    all.outcome[2] = OutcomeKind::Timeout;
    assert_eq!(
        checks(&all, &Values::new(), ClientHealth::default()),
        [seen(Severity::Note, "failures")]
    );
}

#[test]
fn more_than_two_tokens_an_event_are_noted() {
    let mut all = columns(20, Some(1000));
    all.events.fill(500);
    assert!(checks(&all, &Values::new(), ClientHealth::default()).is_empty());
    all.events.fill(499);
    assert_eq!(
        checks(&all, &Values::new(), ClientHealth::default()),
        [seen(Severity::Note, "glued_tokens")]
    );
}

#[test]
fn without_a_median_the_floors_hold() {
    let late = |own_lag_p99_ms, loop_lag: f64| ClientHealth {
        loop_lag_p99_ms: Some(loop_lag),
        own_lag_p99_ms,
        ..ClientHealth::default()
    };
    let found = |health| checks(&columns(20, Some(1000)), &Values::new(), health);
    assert_eq!(found(late(Some(2.1), 0.0)), [seen(Severity::Invalid, "send_lag")]);
    assert_eq!(found(late(None, 10.1)), [seen(Severity::Invalid, "loop_lag")]);
    assert!(found(late(Some(0.9), 9.9)).is_empty());
}
