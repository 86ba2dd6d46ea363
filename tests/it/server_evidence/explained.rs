//! What the server said, beside a regression and in a baseline. Not here: how it is asked.

use serde_json::{Value, json};

use crate::support::bed::{Bed, flat};
use crate::support::candidate::{rounds, sessions, with_decode};

/// A regression in decode with what the server said on both sides.
fn explained(before: &Value, after: &Value) -> Bed {
    let bed = Bed::new();
    sessions(&bed, 6);
    for entry in std::fs::read_dir(bed.path("sessions")).expect("the sessions") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("a session");
        let mut session: Value = serde_json::from_str(&text).expect("JSON");
        session["server"] = before.clone();
        std::fs::write(&path, session.to_string()).expect("it can be written");
    }
    let mut record = with_decode(1.25);
    for round in rounds(&mut record) {
        let series = json!({"running": [2.0], "waiting": [0.0], "kv_use_ratio": []});
        round["server"] = json!({"server": "vllm", "samples": 5, "failed": 0, "cpu_ms": 1.0, "values": after, "series": series});
    }
    bed.write("record.json", &record.to_string());
    bed.gate(&["compare", "sessions", "record.json"]).assert(1, &["FAIL"]);
    bed
}

#[test]
fn a_regression_is_explained_in_every_format_and_never_proven() {
    let bed = explained(
        &json!({"token_gap_ms": 19.2, "waiting_mean": 0.2}),
        &json!({"token_gap_ms": 24.1, "waiting_mean": 0.2}),
    );
    let report = bed.json(".goodput-gate/report.json");
    let why = report["workloads"][0]["why"].as_array().cloned().unwrap_or_default();
    let said = why.first().and_then(Value::as_str).unwrap_or_default();
    assert!(
        said.starts_with("TPOT is ")
            && said.contains(" longer; at the same time the server's own time between tokens rose"),
        "{said}"
    );
    assert!(said.contains("from 19.2 ms to 24.1 ms: the time is likely lost in decode"), "{said}");
    assert!(
        why.last().and_then(Value::as_str).is_some_and(|l| l.starts_with("mean time per request")),
        "{why:?}"
    );
    let terminal =
        bed.gate(&["report", ".goodput-gate/report.json", "--format", "terminal"]).stdout;
    assert!(
        terminal.contains("meanwhile") && flat(&terminal).contains("likely lost in decode"),
        "{terminal}"
    );
    let markdown = bed.read(".goodput-gate/report.md").replace('\\', "");
    for words in [
        "Meanwhile (an explanation, no proof):",
        "<summary>Server evidence</summary>",
        "| 19.20 ms | 24.10 ms |",
        "in the names of vllm",
    ] {
        assert!(markdown.contains(words), "{words} is not in {markdown}");
    }
}

#[test]
fn what_the_server_does_not_tell_is_not_made_up() {
    let bed = explained(&json!({}), &json!({"token_gap_ms": 24.1}));
    let why = bed.json(".goodput-gate/report.json")["workloads"][0]["why"].to_string();
    assert!(!why.contains("likely") && why.contains("mean time per request"), "{why}");
    let same = explained(&json!({"token_gap_ms": 24.1}), &json!({"token_gap_ms": 24.1}));
    let why = same.json(".goodput-gate/report.json")["workloads"][0]["why"].to_string();
    assert!(
        why.contains("stayed at 24.1 ms: the time is likely lost between client and server"),
        "{why}"
    );
}

#[test]
fn a_baseline_keeps_what_the_server_said() {
    let config = "version: 1\ntarget: {sim: {noise: \"off\", request_overhead_ms: 250, seed: 7}}\n\
                  workloads: [{name: chat, arrival: {closed: {concurrency: 8}}, requests: 24, prompts: {synthetic: {input_tokens: 16}}, output_tokens: 4, warmup: 1}]\n\
                  gate: {starts: 1, min_starts: 1, rounds: 1}\n";
    let bed = Bed::repository(config);
    bed.measure(&["baseline", "update"]).assert(0, &["added"]);
    let session: Value = serde_json::from_str(&bed.baselines()[0].1).expect("JSON");
    assert_eq!(session["server"]["finished_requests"], 24.0, "{session}");
    assert!(session["server"]["ttft_ms"].as_f64().is_some_and(|ms| ms > 200.0));
    bed.commit("a baseline");
    bed.measure(&["check"]).assert(0, &["INCONCLUSIVE"]);
    let facts = bed.json(".goodput-gate/report.json")["workloads"][0]["server"]["facts"].clone();
    let ttft = facts
        .as_array()
        .and_then(|all| all.iter().find(|f| f["fact"] == "ttft_ms").cloned())
        .expect("the server's own TTFT");
    assert!(ttft["baseline"].is_number() && ttft["candidate"].is_number(), "{ttft}");
}
