//! Results of `GuideLLM`. Not here: what every tool's must have.

use super::*;

fn guidellm(kind: &str) -> Value {
    let request = |start: f64| {
        json!({"info": {"error": null, "timings": {
                "targeted_start": start, "resolve_start": start + 0.01, "request_start": start + 0.02, "first_token_iteration": start + 0.12,
                "first_output_token_iteration": start + 0.12, "last_token_iteration": start + 0.16, "token_iterations": 3,
                "request_end": start + 0.17}},
            "reasoning_output": null, "input_metrics": {"total_tokens": 7, "cached_tokens": null}, "output_metrics": {"total_tokens": 3}})
    };
    let incomplete = json!({"info": {"error": null, "timings": {"targeted_start": 1001.0, "request_start": 1001.0}}});
    json!({
        "metadata": {"guidellm_version": "0.8.1"}, "config": {"spec": {"data": [], "seed": {"value": 7}}},
        "benchmarks": [{
            "config": {"strategy": {"type_": kind, "rate": 2.0, "streams": 2}, "backend": {"model": "m", "request_format": "/v1/chat/completions", "stream": true},
                "warmup": {"percent": null, "value": null}, "cooldown": {"percent": null, "value": null}},
            "scheduler_metrics": {"requests_made": {"total": 3}},
            "requests": {"successful": [request(1000.5), request(1000.0)], "incomplete": [incomplete], "errored": []},
        }],
    })
}

#[test]
fn guidellm_counts_from_the_target_in_open_loop_only() {
    let open = round_of(&guidellm("constant"));
    assert_eq!(open.columns.ttft_us, vec![Some(120_000), Some(120_000), None].into());
    assert_eq!(open.columns.start_us, vec![Some(0), Some(500_000), Some(1_000_000)].into());
    assert_eq!(
        (open.columns.send_lag_us.at(0), open.columns.own_lag_us.at(0)),
        (Some(20_000), Some(10_000))
    );
    assert!(
        open.findings.iter().any(|f| f.check == "send_lag"),
        "10 ms late against a TTFT of 120 ms"
    );
    let closed = round_of(&guidellm("concurrent"));
    assert_eq!(
        (
            closed.columns.ttft_us.at(0),
            closed.columns.e2e_us.at(0),
            closed.columns.own_lag_us.at(0)
        ),
        (Some(100_000), Some(140_000), None)
    );
    assert_eq!((closed.columns.outcome[2], closed.columns.events[0]), (OutcomeKind::Cancelled, 3));
    assert_eq!((closed.columns.max_gap_us.at(0), closed.columns.ttfa_us.at(0)), (None, None));
}

#[test]
fn a_sample_of_the_requests_is_refused() {
    let mut sampled = guidellm("constant");
    sampled["benchmarks"][0]["scheduler_metrics"]["requests_made"]["total"] = json!(100);
    assert!(refused(&sampled).contains("3 of 100 requests"), "{}", refused(&sampled));
    // Warm-up excuses what it explains, and no more.
    sampled["benchmarks"][0]["config"]["warmup"]["value"] = json!(0.1);
    assert!(refused(&sampled).contains("explain 0 of the others"), "{}", refused(&sampled));
    let times = |begin: f64| json!({"requests_made": {"total": 12}, "request_start_time": 0.0, "measure_start_time": begin, "measure_end_time": 10.0, "request_end_time": 10.0});
    sampled["benchmarks"][0]["scheduler_metrics"] = times(4.0);
    assert!(notes(&round_of(&sampled)).contains("9 of 12 requests were warm-up"));
    sampled["benchmarks"][0]["scheduler_metrics"] = times(1.0);
    assert!(
        refused(&sampled).contains("3 of 12 requests, and warm-up and cool-down explain 7"),
        "{}",
        refused(&sampled)
    );
    sampled["benchmarks"][0]["scheduler_metrics"] = times(4.0);
    for key in ["sample_size", "sample_requests"] {
        let mut said = sampled.clone();
        said["benchmarks"][0]["config"][key] = json!(3);
        assert!(
            refused(&said).contains("a sample of them is no measurement"),
            "{}",
            refused(&said)
        );
    }
}

#[test]
fn events_are_no_tokens() {
    let mut unknown = guidellm("concurrent");
    for i in 0..2 {
        let request = &mut unknown["benchmarks"][0]["requests"]["successful"][i];
        request["output_metrics"] = json!({"total_tokens": null});
        request["output_tokens"] = json!(3);
        let round = round_of(&unknown);
        // Where one answer has usage, the other was cut off; where none has it, none can be told.
        let completed = [1, 2][i];
        assert_eq!(round.columns.completed(), completed);
        assert!(
            i == 0
                || round.metrics.contains_key("ttft_mean_ms")
                    && !round.metrics.contains_key("tpot_mean_ms")
        );
    }
}

#[test]
fn a_sweep_is_one_workload_for_each_load() {
    let mut sweep = guidellm("constant");
    let mut second = sweep["benchmarks"][0].clone();
    second["config"]["strategy"]["rate"] = json!(4.0);
    sweep["benchmarks"].as_array_mut().expect("a list").push(second);
    let measured = read_text(&sweep.to_string()).expect("it reads");
    let terms = Terms { name: "w".into(), ..Terms::default() };
    let all = workloads(&[("a".into(), measured.clone()), ("b".into(), measured)], &terms)
        .expect("both loads in both");
    let names: Vec<&str> = all.iter().map(|w| w.name.as_str()).collect();
    assert_eq!((names, all[1].starts.len()), (vec!["w-1", "w-2"], 2));
    let level = |w: &WorkloadRecord| {
        w.load.detail.level.as_ref().map(|l| (l.family.clone(), l.axis, l.value))
    };
    assert_eq!(level(&all[1]), Some(("w".into(), Axis::Rate, 4.0)));
    // Another model as well: no curve goes through the two.
    sweep["benchmarks"][1]["config"]["backend"]["model"] = json!("another");
    let measured = read_text(&sweep.to_string()).expect("it reads");
    let all = workloads(&[("a".into(), measured)], &terms).expect("both loads");
    assert!(all.iter().all(|w| level(w).is_none()), "{:?}", level(&all[0]));
}

#[test]
fn runs_of_one_load_in_a_file_are_rounds_and_files_are_starts() {
    let twice = format!("{}\n{}", vllm(), vllm());
    let measured = read_text(&twice).expect("JSON lines");
    let terms = Terms { name: "w".into(), ..Terms::default() };
    let all = workloads(&[("a".into(), measured.clone()), ("b".into(), measured)], &terms)
        .expect("one load");
    let places: Vec<_> = all[0]
        .starts
        .iter()
        .flat_map(|s| s.rounds.iter().map(|r| (s.index, r.index, r.seed, r.order)))
        .collect();
    assert_eq!(places, [(0, 0, 0, 0), (0, 1, 1, 1), (1, 0, 0, 2), (1, 1, 1, 3)]);
    let other =
        read_text(&with(vllm(), &json!({"request_rate": 4.0})).to_string()).expect("it reads");
    let mixed = workloads(
        &[("a".into(), read_text(&twice).expect("it reads")), ("b".into(), other)],
        &terms,
    );
    let said = mixed.expect_err("two loads").to_string();
    assert!(
        said.contains("b is of another load") && said.contains("request_rate: 2 -> 4"),
        "{said}"
    );
}

/// Field case 28: what differs in what the load is differs in the fingerprint.
#[test]
fn reports_with_arguments_state_their_load_in_them() {
    let old = |args: &Value| {
        let mut report = with(guidellm("constant"), &json!({"args": args, "config": null}));
        report["benchmarks"][0]["config"]["backend"] = json!({"model": "m"});
        report["benchmarks"][0]["requests"]["successful"][0]["response_id"] = json!("chatcmpl-1");
        record_of(&report)
    };
    let short = old(
        &json!({"data": ["prompt_tokens=32,output_tokens=12"], "random_seed": 42, "max_requests": 20}),
    );
    assert_eq!((short.load.input_tokens, short.load.output_tokens, short.load.seed), (32, 12, 42));
    assert_eq!(short.load.protocol, "openai-chat");
    for other in [
        json!({"data": ["prompt_tokens=4096,output_tokens=12"], "random_seed": 42, "max_requests": 20}),
        json!({"data": ["prompt_tokens=32,output_tokens=12"], "random_seed": 7, "max_requests": 20}),
        json!({"data": ["prompt_tokens=32,output_tokens=12"], "random_seed": 42, "max_seconds": 20}),
        json!({"data": ["prompt_tokens=32,output_tokens=12"], "random_seed": 42, "max_requests": 20, "data_samples": 5}),
    ] {
        assert_ne!(old(&other).fingerprint, short.fingerprint, "{other}");
    }
}
