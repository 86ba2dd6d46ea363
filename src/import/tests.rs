//! Small made-up results of each tool, and what may be wrong in them. Files that the tools wrote
//! are read in `tests/it/import.rs`.

use serde_json::{Value, json};

use super::request::{Ending, Request, peak_in_flight};
use super::*;
use crate::config::Axis;
use crate::measure::collect::{RoundView, metrics};
use crate::measure::columns::millis;
use crate::measure::histogram::Gaps;
use crate::metric::Metric;
use crate::record::{RoundRecord, WorkloadRecord};
use crate::timeline::OutcomeKind;

mod aiperf;
mod guidellm;

/// Three requests: 100 ms to the first token and then 20 ms for each of two more; the last one
/// failed.
fn vllm() -> Value {
    json!({
        "backend": "openai-chat", "model_id": "m", "num_prompts": 3, "request_rate": 2.0, "burstiness": 1.0, "max_concurrency": null,
        "duration": 2.0, "completed": 2,
        "ttfts": [0.1, 0.1, 0.0], "itls": [[0.02, 0.02], [0.02, 0.02], []], "errors": ["", "", "Too Many Requests"],
        "input_lens": [7, 7, 7], "output_lens": [3, 3, 0], "start_times": [10.0, 10.5, 11.0], "queue_times": [0.0, 0.05, 0.0],
    })
}

fn with(mut value: Value, changes: &Value) -> Value {
    for (key, new) in changes.as_object().expect("an object") {
        value[key] = new.clone();
    }
    value
}

fn read_text(text: &str) -> Result<Vec<ImportedRound>, String> {
    read(&File { text, summary: None }, None).map_err(|e| e.to_string())
}

fn workload(measured: Vec<ImportedRound>) -> WorkloadRecord {
    let terms = Terms {
        name: "w".into(),
        slo: crate::record::Slo { ttft_ms: Some(120.0), ..Default::default() },
        ..Terms::default()
    };
    workloads(&[("f".into(), measured)], &terms).expect("one load").remove(0)
}

fn record_of(value: &Value) -> WorkloadRecord {
    workload(read_text(&value.to_string()).expect("it reads"))
}

fn round_of(value: &Value) -> RoundRecord {
    record_of(value).starts.remove(0).rounds.remove(0)
}

fn refused(value: &Value) -> String {
    read_text(&value.to_string()).expect_err("refused")
}

fn notes(round: &RoundRecord) -> String {
    round.findings.iter().map(|f| f.message.as_str()).collect::<Vec<_>>().join("\n")
}

#[test]
fn times_are_of_our_definitions() {
    let round = round_of(&vllm());
    let c = &round.columns;
    // The second waited 50 ms in the client: in open loop that is latency.
    assert_eq!(c.ttft_us, vec![Some(100_000), Some(150_000), None].into());
    assert_eq!(c.e2e_us, vec![Some(140_000), Some(190_000), None].into());
    assert_eq!(c.start_us, vec![Some(0), Some(450_000), Some(1_000_000)].into());
    assert_eq!((c.events.clone(), c.max_gap_us.at(0)), (vec![3, 3, 0], Some(20_000)));
    assert_eq!(
        c.outcome,
        [OutcomeKind::Completed, OutcomeKind::Completed, OutcomeKind::HttpStatus]
    );
    assert_eq!(round.errors[0].example.as_deref(), Some("Too Many Requests"));
    // A failed request misses the SLO, and so does the one that waited.
    let shares = [&round.metrics["slo_attainment_ratio"], &round.metrics["error_rate_ratio"]];
    assert_eq!(shares, [&(1.0 / 3.0), &(1.0 / 3.0)]);
    // Its end is not known, so the duration is the tool's.
    assert_eq!(round.duration_us, 2_000_000);
}

#[test]
fn a_closed_loop_counts_from_the_send() {
    let closed = with(vllm(), &json!({"request_rate": "inf", "max_concurrency": 2}));
    let record = record_of(&closed);
    assert!(!record.load.open_loop);
    assert_eq!(record.starts[0].rounds[0].columns.ttft_us.at(1), Some(100_000));
    assert_eq!(record.load.arrival, "closed loop, 2 in flight");
}

#[test]
fn a_hidden_wait_is_refused_and_one_that_cannot_have_been_is_not() {
    let mut capped = with(vllm(), &json!({"max_concurrency": 1}));
    capped.as_object_mut().expect("an object").remove("queue_times");
    assert!(refused(&capped).contains("the wait for a slot"), "{}", refused(&capped));
    capped["max_concurrency"] = json!(2);
    assert!(notes(&round_of(&capped)).contains("saves no client queue time"));
    let sglang = with(
        sglang(),
        &json!({"request_rate": 3.0, "max_concurrency": 4, "max_concurrent_requests": 4}),
    );
    assert!(refused(&sglang).contains("the wait for a slot"));
}

#[test]
fn the_peak_counts_overlaps_and_not_touches() {
    let at = |start: u64, e2e: u64| Request {
        start_ns: Some(start),
        e2e_ns: Some(e2e),
        ..Request::default()
    };
    assert_eq!(peak_in_flight(&[at(0, 10), at(10, 10)]), Some(1));
    assert_eq!(peak_in_flight(&[at(0, 11), at(10, 10)]), Some(2));
    assert_eq!(peak_in_flight(&[Request::default()]), None);
}

/// Every tool writes 0 where there was nothing; none of it becomes a latency.
#[test]
fn zero_is_never_a_latency() {
    let silent = with(vllm(), &json!({"errors": ["", "", ""]}));
    let round = round_of(&silent);
    assert_eq!(
        (round.columns.ttft_us.at(2), round.columns.outcome[2]),
        (None, OutcomeKind::Malformed)
    );
    let empty = with(vllm(), &json!({"output_lens": [3, 0, 0]}));
    assert_eq!(round_of(&empty).columns.completed(), 1);
}

#[test]
fn what_was_asked_for_and_is_not_there_failed() {
    let round = round_of(&with(vllm(), &json!({"num_prompts": 5})));
    assert_eq!((round.columns.len(), round.columns.outcome[4]), (5, OutcomeKind::Cancelled));
    assert!(notes(&round).contains("2 of 5 requests that were asked for are not in the file"));
    assert!(
        refused(&with(vllm(), &json!({"num_prompts": 4_000_000_000_u32}))).contains("num_prompts")
    );
}

#[test]
fn all_failed_is_no_measurement() {
    let dead = with(
        vllm(),
        &json!({"ttfts": [0.0, 0.0, 0.0], "itls": [[], [], []], "output_lens": [0, 0, 0], "completed": 0,
            "errors": ["Not Found", "Traceback...\nasyncio.TimeoutError", "Traceback...\naiohttp.ClientConnectorError: Cannot connect"]}),
    );
    let round = round_of(&dead);
    assert_eq!(
        round.columns.outcome,
        [OutcomeKind::HttpStatus, OutcomeKind::Timeout, OutcomeKind::Connect]
    );
    assert!(round.findings.iter().any(|f| f.check == "no_success"));
    assert!(
        !round.metrics.contains_key("ttft_geomean_ms")
            && !round.metrics.contains_key("output_token_rate_per_s")
    );
}

#[test]
fn python_numbers_that_json_has_not_are_read() {
    let text = vllm()
        .to_string()
        .replace("\"duration\":2.0", "\"duration\":NaN")
        .replace("\"burstiness\":1.0", "\"burstiness\":Infinity");
    assert!(
        read_text(&text)
            .expect_err("a burstiness is a number")
            .contains("burstiness is \"Infinity\"")
    );
    let text = vllm()
        .to_string()
        .replace("[0.1,0.1,0.0]", "[NaN,0.1,0.0]")
        .replace("\"m\"", "\"NaN \\\" Infinity\"");
    let record = workload(read_text(&text).expect("it reads"));
    assert_eq!(record.fingerprint.0["model"], "NaN \" Infinity");
    assert_eq!(record.starts[0].rounds[0].columns.outcome[0], OutcomeKind::Malformed);
    let inf = vllm().to_string().replace("\"request_rate\":2.0", "\"request_rate\":Infinity");
    assert!(!workload(read_text(&inf).expect("it reads")).load.open_loop);
}

#[test]
fn damage_is_refused_and_named() {
    for (changes, word) in [
        (json!({"ttfts": ["0.1", 0.1, 0.0]}), "ttfts[0] is \"0.1\", a number was expected"),
        (json!({"ttfts": [-0.1, 0.1, 0.0]}), "a time cannot be negative"),
        (json!({"ttfts": [1e12, 0.1, 0.0]}), "longer than any run"),
        (json!({"ttfts": [0.1, 0.1]}), "ttfts has 2 entries and itls has 3"),
        (json!({"itls": [[0.02, null], [], []]}), "itls[0][1] is no number"),
        (json!({"itls": [0.02, [], []]}), "itls[0] is 0.02, a list was expected"),
        (json!({"itls": null}), "itls is null, a list was expected"),
        (json!({"start_times": [1.0]}), "start_times has 1"),
        (json!({"output_lens": [3.5, 3, 0]}), "output_lens[0] is 3.5, a count was expected"),
        (json!({"request_rate": null}), "without it the load is not known"),
        (
            json!({"ttfts": [], "itls": [], "errors": [], "input_lens": [], "output_lens": [], "start_times": [], "queue_times": [], "num_prompts": 0}),
            "no request at all",
        ),
    ] {
        let said = refused(&with(vllm(), &changes));
        assert!(said.contains(word), "{changes}: {said}");
    }
    assert!(read_text("").expect_err("empty").contains("empty"));
    assert!(read_text("{\"backend\":").expect_err("cut").contains("not JSON"));
    for foreign in ["[]", "{}", "3", "{\"schema\": \"goodput-gate/record\"}"] {
        assert!(
            read_text(foreign).expect_err("foreign").contains("no result of a tool"),
            "{foreign}"
        );
    }
    let text = vllm().to_string();
    let other =
        read(&File { text: &text, summary: None }, Some(Tool::Guidellm)).expect_err("another tool");
    assert_eq!(
        other.to_string(),
        "it looks like a result of vllm-bench, and --format says guidellm"
    );
}

#[test]
fn a_file_without_requests_names_the_flag() {
    for (mut value, flag) in [(vllm(), "--save-detailed"), (sglang(), "--output-details")] {
        value.as_object_mut().expect("an object").remove("ttfts");
        assert!(refused(&value).contains(flag), "{}", refused(&value));
    }
    assert!(refused(&json!({"aiperf_version": "0.13.0"})).contains("profile_export.jsonl"));
    let bare = json!({"benchmarks": [{"config": {"strategy": {"type_": "constant", "rate": 1.0}}, "requests": {"successful": []}}]});
    assert!(refused(&bare).contains("neither config.spec.data nor args.data"));
    let bare = with(bare, &json!({"args": {"data": ["prompt_tokens=1"]}}));
    assert!(refused(&bare).contains("sample_size"));
}

/// Field case 25, and that one key more or less makes no other tool.
#[test]
fn a_tool_is_known_by_its_shape() {
    let old = include_str!("../../tests/fixtures/field/vllm-0.10.json");
    let record = workload(read_text(old).expect("endpoint_type is backend's older name"));
    let stated = |field: &str| record.fingerprint.0[field].clone();
    assert_eq!(
        (stated("backend"), stated("protocol"), record.load.protocol.as_str()),
        ("openai-chat".into(), "openai-chat".into(), "openai-chat")
    );
    assert!(record.load.open_loop && record.starts[0].rounds[0].columns.completed() == 24);
    for mut value in [vllm(), serde_json::from_str(old).expect("JSON")] {
        for key in ["backend", "endpoint_type", "burstiness"] {
            value.as_object_mut().expect("an object").remove(key);
            assert!(read_text(&value.to_string()).is_ok(), "without {key}");
        }
    }
    let mut bare = sglang();
    bare.as_object_mut().expect("an object").remove("dataset_name");
    assert!(read_text(&bare.to_string()).is_ok());
}

#[test]
fn a_format_that_is_said_overrules_the_shape() {
    let text =
        with(vllm(), &json!({"dataset_name": "x", "random_input_len": 1, "random_output_len": 1, "server_info": {}, "accept_length": 1, "random_range_ratio": 1})).to_string();
    let as_said = |said| {
        read(&File { text: &text, summary: None }, said)
            .map(|m| m[0].tool().name())
            .map_err(|e| e.to_string())
    };
    assert_eq!(as_said(None), Ok("sglang-bench"));
    assert_eq!(as_said(Some(Tool::VllmBench)), Ok("vllm-bench"));
    assert!(
        as_said(Some(Tool::Guidellm)).expect_err("no report").contains("--format says guidellm")
    );
}

fn sglang() -> Value {
    json!({
        "backend": "sglang-oai-chat", "dataset_name": "random", "request_rate": "Infinity", "max_concurrency": 2, "random_input_len": 7,
        "random_output_len": 3, "duration": 1.0, "completed": 2, "total_output_tokens": 6, "total_output_tokens_retokenized": 6,
        "ttfts": [0.1, 0.2], "itls": [[0.02, 0.02], [0.02, 0.02]], "errors": ["", ""], "input_lens": [7, 7], "output_lens": [3, 3],
    })
}

#[test]
fn lengths_that_were_only_asked_for_are_refused() {
    let round = round_of(&sglang());
    assert_eq!(
        (round.columns.output_tokens.at(0), round.columns.input_tokens.at(0)),
        (Some(3), None)
    );
    assert_eq!(round.columns.start_us, vec![None, None].into());
    let short = round_of(&with(sglang(), &json!({"total_output_tokens_retokenized": 4})));
    assert_eq!(short.columns.output_tokens.at(0), None);
    assert!(
        !short.metrics.contains_key("tpot_mean_ms") && short.metrics.contains_key("ttft_mean_ms")
    );
    assert!(
        notes(&short).contains("output tokens are refused, and TPOT with them"),
        "{}",
        notes(&short)
    );
}

#[test]
fn evenly_split_gaps_are_refused() {
    let round = round_of(&with(sglang(), &json!({"backend": "sglang"})));
    assert_eq!((round.columns.max_gap_us.at(0), round.chunk_gap_p99_ms), (None, None));
    assert_eq!(round.columns.input_tokens.at(0), Some(7));
    assert!(notes(&round).contains("chunk gaps are refused"));
}

#[test]
fn whole_answers_have_no_first_token() {
    let whole = record_of(&with(sglang(), &json!({"itls": [[], []]})));
    assert!(!whole.load.streaming);
    assert!(!whole.pooled.contains_key("ttft_mean_ms") && whole.pooled.contains_key("e2e_mean_ms"));
}

#[test]
fn what_was_not_checked_is_said_and_not_zero() {
    let round = round_of(&vllm());
    assert!(notes(&round).contains("whether the client kept up was not checked"));
    let client = serde_json::to_value(round.client).expect("plain data");
    assert!(client.as_object().expect("an object").values().all(Value::is_null), "{client}");
}

/// What is stored is what is shown: the metrics can be recomputed from the columns.
#[test]
fn metrics_are_of_the_columns() {
    let record = record_of(&vllm());
    let round = &record.starts[0].rounds[0];
    let (context, gaps) =
        (round.context(0, &record.load), Gaps::decode(&round.chunk_gaps_hdr).expect("a histogram"));
    let values = metrics(
        &[RoundView { columns: &round.columns, context: &context, gaps: &gaps }],
        &record.slo.into(),
    );
    assert_eq!(values.get(&Metric::ErrorRate), Some(&(1.0 / 3.0)));
    assert_eq!(crate::record::keyed(&values), round.metrics);
    assert_eq!(gaps.len(), 4);
    assert!(millis(round.duration_us) > 0.0);
    let ending = Ending::from_words("Traceback (most recent call last):\n  x\nValueError: odd\n");
    assert_eq!(ending, Ending::failed(OutcomeKind::Malformed, "ValueError: odd"));
}
