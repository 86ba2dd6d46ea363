//! What of a round is arithmetic: connections wanted, requests never sent, percentiles of lag.
//! Sockets are tested from outside.

use std::time::Duration;

use super::*;
use crate::plan::PlannedRequest;
use crate::timeline::Outcome;

/// Requests at these offsets.
fn plan(pace: Pace, offsets_ms: &[u64]) -> RoundPlan {
    let requests = (0..).zip(offsets_ms).map(|(index, ms)| PlannedRequest {
        index,
        id: format!("s-{index}"),
        offset: Duration::from_millis(*ms),
        body: Vec::new(),
        input_tokens: 1,
        output_tokens: 1,
    });
    RoundPlan {
        seed: 1,
        pace,
        max_in_flight: None,
        stop_after: None,
        ramp: 0,
        requests: requests.collect(),
    }
}

fn done(plan: &RoundPlan, index: usize) -> Timeline {
    Timeline { outcome: Outcome::Completed, error: None, ..unsent(&plan.requests[index], plan, 0) }
}

#[test]
fn as_many_connections_as_arrive_in_a_second() {
    let open = plan(Pace::Open, &[0, 400, 999, 1_000, 1_500]);
    assert_eq!(likely_in_flight(&open), 3);
    assert_eq!(likely_in_flight(&RoundPlan { max_in_flight: Some(2), ..open.clone() }), 2);
    assert_eq!(likely_in_flight(&RoundPlan { max_in_flight: Some(9), ..open }), 3);
    assert_eq!(likely_in_flight(&plan(Pace::Open, &[])), 0);
}

#[test]
fn a_closed_loop_wants_its_number_and_no_more_than_it_will_use() {
    let pace = Pace::Closed { concurrency: 3 };
    assert_eq!(likely_in_flight(&plan(pace, &[0; 10])), 3);
    assert_eq!(likely_in_flight(&plan(pace, &[0; 2])), 2);
}

#[test]
fn a_session_wants_one_connection() {
    let sessions = |concurrency| Pace::Sessions { concurrency, turns: 2, think: Duration::ZERO };
    assert_eq!(likely_in_flight(&plan(sessions(Some(3)), &[0; 10])), 3);
    assert_eq!(likely_in_flight(&plan(sessions(None), &[0, 0, 400, 400, 2_000, 2_000])), 2);
}

#[test]
fn what_was_never_sent_is_cancelled_and_in_its_place() {
    let plan = plan(Pace::Open, &[0, 10, 20, 30]);
    let mut timelines = vec![done(&plan, 3), done(&plan, 1)];
    complete(&mut timelines, &plan, 5_000_000);
    let seen: Vec<_> = timelines.iter().map(|t| (t.index, t.outcome.name())).collect();
    assert_eq!(seen, [(0, "cancelled"), (1, "completed"), (2, "cancelled"), (3, "completed")]);
    let missing = &timelines[2];
    assert_eq!((missing.index, missing.intended_ns), (2, 25_000_000));
    assert_eq!((missing.sent_ns, missing.end_ns, missing.ttft_ns()), (None, None, None));
    assert!(missing.error.as_deref().is_some_and(|e| e.contains("never sent")));
}

#[test]
fn a_closed_loop_by_duration_schedules_only_what_it_started() {
    let plan = RoundPlan {
        stop_after: Some(Duration::from_secs(1)),
        ..plan(Pace::Closed { concurrency: 1 }, &[0; 100])
    };
    let mut timelines = vec![done(&plan, 1), done(&plan, 0)];
    complete(&mut timelines, &plan, 0);
    assert_eq!(timelines.iter().map(|t| t.index).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn an_unsent_request_of_a_closed_loop_has_no_start() {
    let plan = plan(Pace::Closed { concurrency: 1 }, &[0]);
    let mut timelines = Vec::new();
    complete(&mut timelines, &plan, 7);
    assert_eq!(timelines[0].start_ns(), None);
}

#[test]
fn a_lag_percentile_is_one_that_was_seen() {
    assert_eq!(p99(Vec::new()), 0);
    assert_eq!(p99(vec![5]), 5);
    assert_eq!(p99((1..=100).rev().collect()), 99);
    assert_eq!(p99((1..=200).collect()), 198);
}

#[test]
fn an_abort_is_a_stop_and_is_never_taken_back() {
    let control = Control::default();
    assert!(!control.stopping());
    control.abort();
    control.drain();
    assert!(control.stopping() && control.aborted());
}

#[test]
fn only_good_requests_count_as_good() {
    let plan = plan(Pace::Open, &[0, 1, 2]);
    let counters = Counters::new(Some(Box::new(|t| t.index == 0)));
    counters.finished(&done(&plan, 0));
    counters.finished(&done(&plan, 1));
    counters.finished(&unsent(&plan.requests[2], &plan, 0));
    let get = |n: &AtomicU64| n.load(Ordering::Relaxed);
    assert_eq!((get(&counters.done), get(&counters.failed), get(&counters.good)), (3, 1, 1));
}
