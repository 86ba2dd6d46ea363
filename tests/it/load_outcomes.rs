//! How requests can end, each told apart in `--raw` and in the record, over real sockets. Not here:
//! what the ends mean for a verdict.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{Act, Answer, Gate, Part, Server, delta};

/// Index, what the server does, what the outcome is called, words of the error.
fn misbehaviours() -> Vec<(Answer, &'static str, &'static str)> {
    let error = json!({"error": {"message": "CUDA out of memory"}});
    let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
    vec![
        (Answer::stream(4), "completed", ""),
        (Answer::error("500 Internal Server Error", "engine died"), "http_status", "engine died"),
        (Answer::error("429 Too Many Requests", "slow down"), "http_status", "slow down"),
        (Answer::html(), "malformed", "Sign in"),
        (Answer::events(&[error]), "malformed", "CUDA out of memory"),
        (Answer::events(&[end]), "malformed", "no output"),
        (Answer::open(2).then(Act::Close), "truncated", "within the response body"),
        // A proper end of the HTTP body, and none of the stream's own marks.
        (Answer::open(2).then(Act::Write(b"0\r\n\r\n".to_vec())), "truncated", "without [DONE]"),
        (Answer(vec![Act::Hang]), "timeout", "before any answer"),
        (Answer::open(2).then(Act::Hang), "stalled", "in the middle of the answer"),
        (Answer::stream(4), "completed", ""),
        (Answer::whole("200 OK", "text/plain", "").then(Act::Close), "truncated", ""),
        (
            Answer(vec![Act::Write(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()), Act::Close]),
            "malformed",
            "",
        ),
    ]
}

#[test]
fn every_end_of_a_request_has_its_own_name() {
    let server = Server::start(|seen| match seen.part {
        Part::Round(_, index) => misbehaviours()[index as usize].0.clone(),
        _ => seen.good(),
    });
    let gate = Gate::new();
    let requests = misbehaviours().len().to_string();
    let ran = gate.measure(
        &server.url(),
        &[
            "--requests",
            &requests,
            "--timeout",
            "3s",
            "--set",
            "workloads.0.stall_timeout=1s",
            "--rate",
            "200",
            "--arrival",
            "constant",
        ],
    );
    gate.assert_measured(&ran);
    let raw = gate.raw();
    let columns = gate.round()["columns"].clone();
    for (index, (_, outcome, words)) in misbehaviours().into_iter().enumerate() {
        let line = &raw[index];
        assert_eq!(line["outcome"], outcome, "request {index}: {line}");
        assert_eq!(columns["outcome"][index], outcome, "request {index}");
        assert!(
            line["error"].as_str().unwrap_or_default().contains(words),
            "request {index}: {line}"
        );
        assert_eq!(line["error"].is_null(), outcome == "completed", "request {index}: {line}");
        assert_eq!(
            columns["e2e_us"][index].is_null(),
            outcome != "completed",
            "request {index}: failures have no latency"
        );
    }
    assert_eq!(
        error_counts(&gate.round()),
        BTreeMap::from(
            [
                ("http_status 429", 1),
                ("http_status 500", 1),
                ("malformed", 4),
                ("stalled", 1),
                ("timeout", 1),
                ("truncated", 3)
            ]
            .map(|(k, n)| (k.to_owned(), n))
        )
    );
}

fn error_counts(round: &Value) -> BTreeMap<String, u64> {
    let errors = round["errors"].as_array().expect("a round has errors");
    errors
        .iter()
        .map(|e| {
            (
                e["kind"].as_str().unwrap_or_default().to_owned(),
                e["count"].as_u64().unwrap_or_default(),
            )
        })
        .collect()
}

#[test]
fn a_server_that_goes_away_is_a_connect_error() {
    let server = Server::start(|seen| match seen.part {
        Part::Round(_, 2) => seen.good().leaving(),
        _ => seen.good(),
    });
    let gate = Gate::new();
    let ran = gate.measure(&server.url(), &["--requests", "6", "--concurrency", "1"]);
    gate.assert_measured(&ran);
    let raw = gate.raw();
    for line in &raw[..3] {
        assert_eq!(line["outcome"], "completed", "{line}");
    }
    for line in &raw[3..] {
        assert_eq!(line["outcome"], "connect", "{line}");
        assert!(line["error"].as_str().unwrap_or_default().contains("connect"), "{line}");
        assert!(line["first_output_ns"].is_null());
    }
    assert_eq!(raw.len(), 6);
}

#[test]
fn a_connection_lost_within_the_head_is_truncated() {
    let server = Server::start(|seen| match seen.part {
        Part::Round(..) => {
            Answer(vec![Act::Write(b"HTTP/1.1 200 OK\r\ncontent-ty".to_vec()), Act::Close])
        }
        _ => seen.good(),
    });
    let gate = Gate::new();
    let ran = gate.measure(&server.url(), &["--requests", "3", "--concurrency", "1"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(gate.raw().iter().all(|line| line["outcome"] == "truncated"), "{:?}", gate.raw());
    assert_eq!(gate.round()["client"]["retries"], 0, "something was answered");
}

#[test]
fn an_answer_without_the_end_of_its_http_body_counts() {
    // All tokens and `[DONE]` came; only the last HTTP chunk did not. The connection is lost, the
    // answer is not.
    let server = Server::start(|seen| match seen.part {
        Part::Round(_, 1) => {
            let mut answer = Answer::open(4);
            answer.0.push(Act::Write(delta("", Some("length"))));
            answer.0.push(Act::Write(crate::support::chunk(
                b"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":4}}\n\n",
            )));
            answer.then(Act::Write(crate::support::chunk(b"data: [DONE]\n\n"))).then(Act::Hang)
        }
        _ => seen.good(),
    });
    let gate = Gate::new();
    let ran = gate.measure(&server.url(), &["--requests", "4", "--concurrency", "1"]);
    gate.assert_measured(&ran);
    let raw = gate.raw();
    assert!(raw.iter().all(|line| line["outcome"] == "completed"), "{raw:?}");
    assert_eq!(raw[1]["output_tokens"], 4);
    let planned = server.planned();
    let connection = |part| planned.iter().find(|s| s.part == part).map(|s| s.connection);
    assert_ne!(connection(Part::Round(0, 1)), connection(Part::Round(0, 2)));
}

#[test]
fn a_round_without_success_is_never_a_pass() {
    let server = Server::start(|seen| match seen.part {
        Part::Round(..) => Answer::error("503 Service Unavailable", "no healthy upstream"),
        _ => seen.good(),
    });
    let gate = Gate::new();
    let ran = gate.measure(&server.url(), &["--requests", "5", "--concurrency", "2"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert_eq!(gate.findings("invalid"), ["no_success"]);
    let errors = &gate.round()["errors"][0];
    assert_eq!(
        (&errors["kind"], &errors["example"]),
        (&json!("http_status 503"), &json!("no healthy upstream"))
    );
    let report: Value =
        serde_json::from_str(&gate.text(".goodput-gate/report.json")).expect("JSON");
    let headline = report["headline"].as_str().expect("text");
    assert!(
        headline.starts_with("INVALID: start 1, round 1: none of 5 requests completed"),
        "{headline}"
    );
    assert!(headline.ends_with("; measured 5 requests, nothing judged"), "{headline}");
    assert!(ran.stdout.starts_with("INVALID: "), "{ran:?}");
}

#[test]
fn goodput_is_the_request_rate_where_every_request_is_good() {
    let server = Server::good();
    let gate = Gate::new();
    let load =
        ["--concurrency", "10", "--requests", "20", "--slo", "e2e=1h", "--set", "gate.rounds=1"];
    let ran = gate.measure(&server.url(), &load);
    gate.assert_measured(&ran);
    let metrics = &gate.round()["metrics"];
    assert!(metrics["request_rate_per_s"].as_f64() > Some(0.0), "{metrics}");
    assert_eq!(metrics["slo_attainment_ratio"], 1.0, "{metrics}");
    assert_eq!(
        metrics["goodput_per_s"], metrics["request_rate_per_s"],
        "half of the requests are the first wave"
    );
    assert!(!ran.stdout.contains("of the throughput"), "{}", ran.stdout);
}
