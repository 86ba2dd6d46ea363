//! Pages before, during and after a round.

use super::super::names::read;
use super::{METRICS_PAGE, OTHER_CLIENT, RESTARTED, Reading, Watched, Window};
use crate::evidence::server::{Values, pooled, typical};
use crate::measure::validity::{Finding, Severity};

const S: u64 = 1_000_000_000;

/// From second 10 to second 13.5.
const WINDOW: Window = Window { began_ns: 10 * S, ended_ns: 13 * S + S / 2, sent: 10 };

fn watched(pages: &[(u64, &str)]) -> Watched {
    let readings = pages.iter().map(|(at, text)| Reading { at_ns: at * S / 10, page: read(text) });
    Watched { readings: readings.collect(), cpu_ns: 2_000_000, ..Watched::default() }
}

fn page(running: f64, finished: f64, queue: (f64, f64)) -> String {
    format!(
        "vllm:num_requests_running {running}\nvllm:kv_cache_usage_perc 0.{running}\nvllm:request_success_total {finished}\n\
         vllm:request_queue_time_seconds_sum {}\nvllm:request_queue_time_seconds_count {}\n\
         vllm:prefix_cache_queries_total {}\nvllm:prefix_cache_hits_total {}\n",
        queue.0,
        queue.1,
        finished * 100.0,
        finished * 25.0
    )
}

fn checks(found: &[Finding]) -> Vec<(&str, Severity)> {
    found.iter().map(|f| (f.check.as_str(), f.severity)).collect()
}

#[test]
fn counters_are_differences_gauges_are_of_the_round_only() {
    let seen = watched(&[
        (99, &page(0.0, 100.0, (1.0, 100.0))),
        (109, &page(4.0, 103.0, (1.1, 103.0))),
        (119, &page(2.0, 106.0, (1.2, 106.0))),
        (136, &page(0.0, 110.0, (1.5, 110.0))),
    ]);
    let (round, found) = seen.round(WINDOW);
    assert_eq!(found, []);
    assert_eq!(
        (round.server.as_deref(), round.samples, round.failed, round.cpu_ms),
        (Some("vllm"), 4, 0, Some(2.0))
    );
    for (key, expected) in [
        ("running_mean", 3.0),
        ("running_max", 4.0),
        ("kv_use_mean_ratio", 0.3),
        ("finished_requests", 10.0),
        ("queue_ms", 50.0),
        ("prefix_hit_ratio", 0.25),
    ] {
        let value = round.values.get(key).copied();
        assert!(value.is_some_and(|v| (v - expected).abs() < 1e-9), "{key}: {value:?}");
    }
    assert_eq!(round.values.get("waiting_mean"), None, "what the page lacks is absent");
    assert_eq!(round.series.running, [Some(4.0), Some(2.0), None, None]);
    assert!(round.series.waiting.is_empty());
}

#[test]
fn nothing_read_is_nothing_known() {
    let (round, found) =
        Watched { failed: 3, problem: Some("timed out".into()), ..Watched::default() }
            .round(WINDOW);
    assert!(round.values.is_empty() && round.server.is_none());
    assert_eq!(checks(&found), [(METRICS_PAGE, Severity::Note)]);
    assert!(found[0].message.contains("failed 3 of 3 times (timed out)"), "{}", found[0].message);
    assert_eq!(Watched::default().round(WINDOW).1, []);
}

#[test]
fn a_counter_that_falls_once_is_a_restart() {
    let seen = watched(&[
        (99, &page(0.0, 100.0, (1.0, 100.0))),
        (119, &page(1.0, 2.0, (0.1, 2.0))),
        (136, &page(0.0, 8.0, (0.2, 8.0))),
    ]);
    let (round, found) = seen.round(WINDOW);
    assert_eq!(checks(&found), [(RESTARTED, Severity::Invalid)]);
    assert!(found[0].message.contains("the server restarted mid-round"), "{}", found[0].message);
    assert_eq!(
        round.values.get("finished_requests"),
        None,
        "differences over a restart mean nothing"
    );
    assert!(round.values.contains_key("running_mean"));
}

#[test]
fn a_process_start_that_moves_is_a_restart_and_one_that_stays_is_none() {
    let with = |start: f64, finished: f64| {
        format!("process_start_time_seconds {start}\n{}", page(0.0, finished, (1.0, 1.0)))
    };
    let moved = watched(&[(99, &with(1_700_000_000.25, 5.0)), (136, &with(1_700_000_042.5, 15.0))]);
    assert_eq!(checks(&moved.round(WINDOW).1), [(RESTARTED, Severity::Invalid)]);
    let same = watched(&[(99, &with(1_700_000_000.25, 5.0)), (136, &with(1_700_000_000.25, 4.0))]);
    assert_eq!(checks(&same.round(WINDOW).1), []);
}

#[test]
fn several_servers_behind_one_page_are_no_restart() {
    let (a, b) = (page(1.0, 100.0, (1.0, 100.0)), page(1.0, 20.0, (1.0, 20.0)));
    let seen = watched(&[(99, &a), (109, &b), (119, &a), (136, &b)]);
    let (round, found) = seen.round(WINDOW);
    assert_eq!(checks(&found), [(METRICS_PAGE, Severity::Note)]);
    assert_eq!(round.values.get("finished_requests"), None);
}

#[test]
fn requests_of_others_are_noted_with_numbers() {
    let of = |finished: f64| {
        watched(&[(99, &page(0.0, 100.0, (1.0, 1.0))), (136, &page(0.0, finished, (1.0, 1.0)))])
            .round(WINDOW)
            .1
    };
    assert_eq!(of(111.0), [], "one may be a health check");
    let found = of(140.0);
    assert_eq!(checks(&found), [(OTHER_CLIENT, Severity::Note)]);
    assert!(
        found[0]
            .message
            .starts_with("the server finished 40 requests in this round and 10 of them were ours"),
        "{}",
        found[0].message
    );
}

#[test]
fn a_round_that_was_seen_in_part_says_less_and_nothing_false() {
    let (round, found) = watched(&[(136, &page(0.0, 110.0, (1.5, 110.0)))]).round(WINDOW);
    assert_eq!((found, round.values), (Vec::new(), Values::new()));
    let late =
        watched(&[(111, &page(2.0, 104.0, (1.0, 104.0))), (136, &page(0.0, 110.0, (1.6, 110.0)))]);
    let (round, _) = late.round(WINDOW);
    assert_eq!(round.values.get("finished_requests"), None);
    assert!(
        round.values.get("queue_ms").is_some_and(|ms| (ms - 100.0).abs() < 1e-9),
        "{:?}",
        round.values
    );
}

#[test]
fn rounds_are_averaged_and_sessions_reduced_to_their_median() {
    let of = |mean: f64, max: f64| {
        Values::from([("waiting_mean".into(), mean), ("waiting_max".into(), max)])
    };
    let (a, b, c) = (of(1.0, 3.0), of(2.0, 9.0), of(6.0, 4.0));
    assert_eq!(pooled([&a, &b, &c].into_iter()), of(3.0, 9.0));
    assert_eq!(typical([&a, &b, &c].into_iter()), of(2.0, 4.0));
}

/// JSON has no such number: the record that held it could not be read again.
#[test]
fn numbers_that_add_up_to_no_number_are_left_out() {
    let huge = |series: &str| format!("vllm:num_requests_running{{engine=\"{series}\"}} 1.7e308\n");
    let (two, one) = (huge("0") + &huge("1"), huge("0"));
    for pages in [[(111, &*two), (121, &*two)], [(111, &*one), (121, &*one)]] {
        let (round, _) = watched(&pages).round(WINDOW);
        assert!(round.values.values().all(|x| x.is_finite()), "{:?}", round.values);
        let text = serde_json::to_string(&round).expect("it is written");
        assert!(
            serde_json::from_str::<crate::evidence::server::ServerRound>(&text).is_ok(),
            "{text}"
        );
    }
}
