//! When requests go and from when latency counts, by the run's own stamps. No test here asserts how
//! long anything takes.

use serde_json::Value;

use crate::support::{Act, Answer, Gate, Part, Server};

/// Long beside a service time of microseconds, and beside any hiccup of the machine.
const STALL_MS: u64 = 600;

/// METHOD's and DESIGN's promise: a server that stands still once cannot hide it, whether the
/// client waits for a slot or not.
#[test]
fn a_stalled_server_cannot_hide() {
    for slots in [&["--max-in-flight", "1"][..], &[]] {
        let server = Server::start(|seen| match seen.part {
            Part::Round(_, 5) => seen.good().after(Act::Stall(STALL_MS)),
            _ => seen.good(),
        });
        let gate = Gate::new();
        let load = ["--rate", "100", "--arrival", "constant", "--requests", "200"];
        let ran = gate.measure(&server.url(), &[&load[..], slots].concat());
        gate.assert_measured(&ran);
        let raw = gate.raw();
        assert!(raw.iter().all(|l| l["outcome"] == "completed"), "{raw:?}");
        let (stalled, moving) = (ns(&raw[5], "sent_ns"), ns(&raw[5], "first_output_ns"));
        assert!(moving - stalled >= STALL_MS * 1_000_000, "the server stood still");
        // Those that were due while it stood still could hardly be answered before it went on, and
        // their latency says so.
        let due: Vec<&Value> =
            raw.iter().filter(|l| (stalled..moving).contains(&ns(l, "intended_ns"))).collect();
        assert!(
            due.len() >= 50,
            "the schedule goes on whatever the server does: {} were due",
            due.len()
        );
        let columns = gate.round()["columns"].clone();
        let mut late = 0;
        for line in due {
            let index = raw.iter().position(|l| l["id"] == line["id"]).expect("a line of the file");
            let ttft = ns(line, "first_output_ns") - ns(line, "intended_ns");
            assert_eq!(
                columns["ttft_us"][index].as_u64(),
                Some((ttft + 500) / 1000),
                "latency counts from the intended time"
            );
            // Without slots one may slip through before the server stands.
            assert!(
                slots.is_empty() || ns(line, "first_output_ns") >= moving,
                "one at a time: {line}"
            );
            late += usize::from(ttft >= STALL_MS * 1_000_000 / 4);
        }
        // 600 ms at 100/s: 45 of them waited for a quarter of it or more.
        assert!(late >= 30, "{late} requests show the stall");
    }
}

#[test]
fn no_more_than_the_slots_are_in_flight_and_waiting_counts() {
    let server = Server::start(|seen| seen.good().after(Act::Pause(20)));
    let gate = Gate::new();
    let load = [
        "--rate",
        "200",
        "--arrival",
        "constant",
        "--requests",
        "20",
        "--max-in-flight",
        "3",
        "--workers",
        "2",
    ];
    let ran = gate.measure(&server.url(), &load);
    gate.assert_measured(&ran);
    let raw = gate.raw();
    for line in &raw {
        let sent = ns(line, "sent_ns");
        // The server counts an answer as over a little before the client has read its end: only
        // overlaps beyond the last output count.
        let in_flight = raw
            .iter()
            .filter(|l| ns(l, "sent_ns") <= sent && sent < ns(l, "first_output_ns"))
            .count();
        assert!(in_flight <= 3, "{in_flight} in flight");
    }
    let queued = gate.round()["columns"]["queue_us"].as_array().cloned().unwrap_or_default();
    // 200/s are asked for and three slots of 20 ms serve 150/s at most: the last ones waited, and
    // their TTFT holds the wait.
    let last = &raw[19];
    let waited = queued[19].as_u64().expect("it had a slot");
    assert!(waited > 1_000, "{queued:?}");
    assert!(ns(last, "first_output_ns") - ns(last, "intended_ns") >= waited * 1_000);
}

#[test]
fn intended_times_are_the_plans_and_do_not_drift() {
    let server = Server::good();
    let gate = Gate::new();
    let ran = gate
        .measure(&server.url(), &["--rate", "100", "--arrival", "constant", "--requests", "30"]);
    gate.assert_measured(&ran);
    let raw = gate.raw();
    let first = ns(&raw[0], "intended_ns");
    for (index, line) in (0..).zip(&raw) {
        assert_eq!(ns(line, "intended_ns") - first, index * 10_000_000, "{line}");
        assert!(ns(line, "sent_ns") >= ns(line, "intended_ns"), "never early: {line}");
    }
}

#[test]
fn a_closed_loop_sends_the_next_when_one_ends() {
    let server = Server::start(|seen| seen.good().after(Act::Pause(3)));
    let gate = Gate::new();
    let ran =
        gate.measure(&server.url(), &["--concurrency", "3", "--requests", "15", "--workers", "2"]);
    gate.assert_measured(&ran);
    let raw = gate.raw();
    assert_eq!(raw.len(), 15);
    for line in &raw {
        let sent = ns(line, "sent_ns");
        let in_flight = raw
            .iter()
            .filter(|l| ns(l, "sent_ns") <= sent && sent < ns(l, "first_output_ns"))
            .count();
        assert!(in_flight <= 3, "{in_flight} in flight");
    }
    assert_eq!(gate.round()["ramp"], 3);
}

#[test]
fn a_server_that_closes_after_its_answers_loses_no_request() {
    // As llama.cpp does after most streams, without saying so: what is written at once after the
    // answer would be lost.
    for warmup in ["4", "0"] {
        let server = Server::start(|seen| match seen.part {
            Part::Round(_, i) if i % 5 == 4 => seen.good(),
            _ => seen.good().then(Act::Close),
        });
        let gate = Gate::new();
        let ran = gate.measure(
            &server.url(),
            &["--requests", "60", "--concurrency", "3", "--warmup", warmup],
        );
        gate.assert_measured(&ran);
        let raw = gate.raw();
        assert!(raw.iter().all(|l| l["outcome"] == "completed"), "{raw:?}");
        let sent = server.planned().iter().filter(|s| matches!(s.part, Part::Round(0, _))).count();
        assert_eq!(sent, 60, "each request was sent once");
    }
}

#[test]
fn an_idle_connection_that_the_server_closed_is_replaced_and_counted() {
    // Closes 100 ms after each answer, as a keep-alive that runs out; requests come 300 ms apart.
    let server = Server::start(|seen| seen.good().then(Act::Pause(100)).then(Act::Close));
    let gate = Gate::new();
    let args = [
        "--requests",
        "4",
        "--rate",
        "4",
        "--arrival",
        "constant",
        "--workers",
        "1",
        "--warmup",
        "0",
    ];
    gate.assert_measured(&gate.measure(&server.url(), &args));
    let raw = gate.raw();
    assert!(raw.iter().all(|l| l["outcome"] == "completed"), "{raw:?}");
    let retries = gate.round()["client"]["retries"].as_u64().unwrap_or(0);
    let sent = server.planned().iter().filter(|s| matches!(s.part, Part::Round(0, _))).count();
    assert_eq!(sent, 4, "nothing was written to a closed connection");
    // Of those that the sweep of the client had not seen closed before.
    assert_eq!(
        gate.findings("note").contains(&"retries".to_owned()),
        retries > 0,
        "a retry is never silent"
    );
}

#[test]
fn what_a_server_read_and_dropped_is_a_failure_and_is_not_sent_again() {
    for end in [Act::Close, Act::Reset] {
        let last = end.clone();
        let server = Server::start(move |seen| match seen.part {
            Part::Round(_, i) if i % 10 == 3 => Answer(vec![last.clone()]),
            _ => seen.good(),
        });
        let gate = Gate::new();
        gate.assert_measured(
            &gate.measure(
                &server.url(),
                &["--requests", "60", "--concurrency", "2", "--warmup", "6"],
            ),
        );
        let raw = gate.raw();
        let dropped: Vec<_> = raw.iter().filter(|l| l["outcome"] == "dropped").collect();
        assert_eq!(dropped.len(), 6, "{end:?}: {dropped:?}");
        assert!(dropped.iter().all(|l| {
            l["error"].as_str().is_some_and(|e| e.contains("after the request was written"))
        }));
        assert!(
            raw.iter().all(|l| l["outcome"] == "completed" || l["outcome"] == "dropped"),
            "{raw:?}"
        );
        let round = gate.round();
        assert_eq!(
            round["metrics"]["error_rate_ratio"].as_f64(),
            Some(0.1),
            "{}",
            round["metrics"]
        );
        assert_eq!(round["client"]["retries"], 0);
        let mut parts: Vec<_> = server.planned().iter().map(|s| s.part).collect();
        let sent = parts.len();
        parts.sort();
        parts.dedup();
        assert_eq!(parts.len(), sent, "each request was sent once");
    }
}

#[test]
fn a_server_that_took_a_request_and_lost_it_is_not_asked_again() {
    let server = Server::start(|seen| match seen.part {
        Part::Round(_, 1) => Answer(vec![Act::Pause(1_100), Act::Close]),
        _ => seen.good(),
    });
    let gate = Gate::new();
    gate.assert_measured(&gate.measure(&server.url(), &["--requests", "3", "--concurrency", "1"]));
    assert_eq!(gate.raw()[1]["outcome"], "dropped", "{}", gate.raw()[1]);
    assert_eq!(gate.round()["client"]["retries"], 0);
    assert_eq!(server.planned().iter().filter(|s| s.part == Part::Round(0, 1)).count(), 1);
}

#[test]
fn what_was_answered_in_part_is_not_sent_again() {
    let server = Server::start(|seen| match (seen.part, seen.turn) {
        (Part::Round(..), 1..) => Answer(vec![Act::Write(b"HTTP/1.1 200".to_vec()), Act::Close]),
        _ => seen.good(),
    });
    let gate = Gate::new();
    gate.assert_measured(&gate.measure(&server.url(), &["--requests", "6", "--concurrency", "1"]));
    assert_eq!(gate.round()["client"]["retries"], 0);
    assert!(gate.raw().iter().any(|l| l["outcome"] == "truncated"));
    let mut parts: Vec<_> = server.planned().iter().map(|s| s.part).collect();
    let sent = parts.len();
    parts.sort();
    parts.dedup();
    assert_eq!(parts.len(), sent, "each request was sent once");
}

#[test]
fn a_connection_closed_while_idle_costs_no_retry() {
    // A server that says `connection: close` keeps none open.
    let server = Server::start(|seen| {
        let mut answer = seen.good();
        if let Some(Act::Write(head)) = answer.0.first_mut() {
            *head = String::from_utf8_lossy(head)
                .replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n")
                .into_bytes();
        }
        answer.then(Act::Close)
    });
    let gate = Gate::new();
    gate.assert_measured(&gate.measure(&server.url(), &["--requests", "5", "--concurrency", "1"]));
    assert!(gate.raw().iter().all(|l| l["outcome"] == "completed"));
    assert_eq!(gate.round()["client"]["retries"], 0);
}

fn ns(line: &Value, field: &str) -> u64 {
    line[field].as_u64().unwrap_or_else(|| panic!("{field} of {line}"))
}
