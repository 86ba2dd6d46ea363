//! Results of `AIPerf`. Not here: what every tool's must have.

use super::*;

/// Field case 27.
#[test]
fn an_older_aiperf_states_its_load_in_loadgen() {
    let text = include_str!("../../../tests/fixtures/field/aiperf-0.2.jsonl");
    let summary = include_str!("../../../tests/fixtures/field/aiperf-0.2_aiperf.json");
    let as_summary = |summary: &str| {
        read(&File { text, summary: Some(summary) }, None).map(workload).map_err(|e| e.to_string())
    };
    let record = as_summary(summary).expect("AIPerf 0.2");
    let load = &record.load;
    assert_eq!(
        (load.arrival.as_str(), load.open_loop, load.streaming),
        ("closed loop, 2 in flight", false, true)
    );
    assert_eq!(
        (load.input_tokens, load.output_tokens, load.seed, load.requests_per_round),
        (32, 12, 7, Some(20))
    );
    assert_eq!(record.fingerprint.0["model"], "smollm2-135m");
    assert_eq!(record.starts[0].rounds[0].columns.completed(), 20);
    assert!(notes(&record.starts[0].rounds[0]).contains("saves no credits"));
    for (from, to) in [
        ("\"mean\": 32", "\"mean\": 4096"),
        ("\"random_seed\": 7", "\"random_seed\": 8"),
        ("\"concurrency\": 2", "\"concurrency\": 3"),
    ] {
        assert!(summary.contains(from));
        assert_ne!(
            as_summary(&summary.replacen(from, to, 1)).expect("reads").fingerprint,
            record.fingerprint,
            "{to}"
        );
    }
    let unknown = summary.replacen("\"loadgen\"", "\"load\"", 1);
    assert!(as_summary(&unknown).expect_err("no load").contains("neither phases nor loadgen"));
    assert!(read_text(summary).expect_err("the summary alone").contains("profile_export.jsonl"));
}
fn aiperf(metrics: &Value, error: &Value) -> Value {
    json!({"metadata": {"credit_issued_ns": 1_000_000_000_u64, "request_start_ns": 1_010_000_000_u64, "request_end_ns": 1_200_000_000_u64,
        "benchmark_phase": "profiling", "was_cancelled": false}, "metrics": metrics, "error": error})
}

fn aiperf_summary(phase: &Value) -> String {
    json!({"aiperf_version": "0.13.0", "input_config": {"models": {"items": [{"name": "m"}]}, "phases": [phase],
        "endpoint": {"type": "chat", "streaming": true, "api_key": "hush"}, "datasets": []}, "request_count": {"avg": 1.0}})
    .to_string()
}

fn aiperf_round(lines: &[Value], phase: &Value) -> Result<WorkloadRecord, String> {
    let text = lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    let summary = aiperf_summary(phase);
    read(&File { text: &text, summary: Some(&summary) }, None)
        .map(workload)
        .map_err(|e| e.to_string())
}

fn aiperf_metrics() -> Value {
    json!({"time_to_first_token": {"value": 100.0, "unit": "ms"}, "request_latency": {"value": 0.14, "unit": "s"},
        "inter_chunk_latency": {"value": [20.0, 20.0], "unit": "ms"}, "usage_completion_tokens": {"value": 3, "unit": "tokens"}})
}

#[test]
fn aiperf_units_are_read_and_failures_stay_in() {
    let good = aiperf(&aiperf_metrics(), &Value::Null);
    let bad = aiperf(&json!({}), &json!({"code": 429, "type": "E", "message": "slow down"}));
    let lost =
        aiperf(&json!({}), &json!({"code": null, "type": "ClientPayloadError", "message": "lost"}));
    let mut warm = good.clone();
    warm["metadata"]["benchmark_phase"] = json!("warmup");
    let closed =
        json!({"kind": "profiling", "type": "concurrency", "concurrency": 2, "requests": 4});
    let record = aiperf_round(&[good.clone(), bad, lost, warm], &closed).expect("it reads");
    let c = &record.starts[0].rounds[0].columns;
    assert_eq!(
        c.outcome,
        [
            OutcomeKind::Completed,
            OutcomeKind::HttpStatus,
            OutcomeKind::Truncated,
            OutcomeKind::Cancelled
        ]
    );
    assert_eq!(
        (c.ttft_us.at(0), c.e2e_us.at(0), c.own_lag_us.at(0)),
        (Some(100_000), Some(140_000), Some(10_000))
    );
    assert!(!record.fingerprint.0.values().any(|v| v.contains("hush")), "a key is in no record");
    // In open loop latency counts from the credit.
    let open = json!({"kind": "profiling", "type": "poisson", "rate": 2.0, "requests": 1});
    assert_eq!(
        aiperf_round(&[good], &open).expect("it reads").starts[0].rounds[0].columns.ttft_us.at(0),
        Some(110_000)
    );
    let mut unit = aiperf_metrics();
    unit["request_latency"]["unit"] = json!("fortnights");
    assert!(
        aiperf_round(&[aiperf(&unit, &Value::Null)], &closed)
            .expect_err("a unit")
            .contains("fortnights")
    );
}

#[test]
fn aiperf_without_its_summary_is_refused() {
    let text = aiperf(&aiperf_metrics(), &Value::Null).to_string();
    let said = read(&File { text: &text, summary: None }, None).expect_err("no load").to_string();
    assert!(said.contains("profile_export_aiperf.json"), "{said}");
}
