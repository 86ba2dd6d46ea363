//! Wrong configs, and what is said about each: what, where, what to do.

use super::{SKETCH, env, message};
use crate::config::{Flags, load};

/// The message for the sketch with one thing changed.
fn wrong(from: &str, to: &str) -> String {
    let text = SKETCH.replacen(from, to, 1);
    assert_ne!(text, SKETCH, "{from} is in the sketch");
    message(&text, &[], &Flags::default())
}

fn wrong_set(set: &str) -> String {
    message(SKETCH, &[set], &Flags::default())
}

fn wrong_flags(flags: Flags) -> String {
    load(None, &[], &Flags { base_url: Some("http://h:1/v1".into()), ..flags }, &env)
        .expect_err("wrong flags")
        .to_string()
}

#[test]
fn slips_of_the_pen() {
    let all = [
        wrong("requests: 100", "reqests: 100"),
        wrong("rate: 5", "rat: 5"),
        wrong("poisson: ", "poison: "),
        wrong("openai-chat", "openai-caht"),
        wrong("ttft_p95: {max", "ttft_p59: {max"),
        wrong("tpot_geomean: 5%", "goodputt: 5%"),
        wrong("mode: baseline", "mode: base"),
        wrong("  - name: chat", "  - preset: qick\n    name: chat"),
    ];
    insta::assert_snapshot!(all.join("\n\n"));
}

#[test]
fn what_is_said_elsewhere_is_shown_as_it_is_written_there() {
    let keys = [
        "input_tokens",
        "shared_prefix",
        "corpus",
        "dataset",
        "prompt_type",
        "concurrency",
        "rate",
        "rps",
        "max_tokens",
    ];
    let load = "version: 1\ntarget: {sim: {}}\nworkloads:\n  - name: chat\n    KEY\n";
    for key in keys {
        let text = message(&load.replace("KEY", &format!("{key}: 5")), &[], &Flags::default());
        let hint = text
            .split("hint: write `")
            .nth(1)
            .and_then(|rest| rest.split('`').next())
            .unwrap_or_else(|| panic!("{text}"));
        // As it is written, it is right.
        super::good(&load.replace("KEY", hint), &[], &Flags::default());
    }
    assert!(
        wrong_set("workloads.chat.input_tokens=5")
            .contains("hint: write `prompts: {synthetic: {input_tokens: 256}}`")
    );
}

#[test]
fn wrong_forms() {
    let all = [
        wrong("version: 1\n", ""),
        wrong("requests: 100", "requests: many"),
        wrong("requests: 100", "requests: -1"),
        wrong("requests: 100", "requests: 100\n    requests: 50"),
        wrong("rate: 5", "rate: .nan"),
        wrong("ttft: 500ms", "ttft: 500"),
        wrong("ttft: 500ms", "ttft: 5 parsecs"),
        wrong("requests: 100", "warmup: ten"),
        wrong("requests: 100", "\trequests: 100"),
        wrong("{poisson: {rate: 5}}", "{poisson: {rate: 5}, constant: {rate: 5}}"),
        wrong("{poisson: {rate: 5}}", "{closed: {concurrency: lots}}"),
        wrong("{synthetic: {", "{synthetic: {{"),
    ];
    insta::assert_snapshot!(all.join("\n\n"));
}

#[test]
fn wrong_values() {
    let all = [
        wrong("rate: 5", "rate: -5"),
        wrong("requests: 100", "requests: 0"),
        wrong("requests: 100", "requests: 100\n    duration: 20s"),
        wrong("requests: 100", "duration: 0s"),
        wrong("shared_prefix: 0.0", "shared_prefix: 50"),
        wrong("input_tokens: 256", "input_tokens: 0"),
        wrong("output_tokens: 128", "output_tokens: 0"),
        wrong("name: chat", "name: Chat/1"),
        wrong("http://127.0.0.1:8000/v1", "127.0.0.1:8000"),
        wrong("http://127.0.0.1:8000/v1", "http://${HOST_}/v1"),
        wrong("http://127.0.0.1:8000/v1", "http://me:secret@h/v1"),
        wrong("OPENAI_API_KEY", "sk-123"),
        wrong("starts: 2", "starts: 0"),
        wrong("requests: 100", "requests: 100\n    stall_timeout: 0s"),
        wrong("gate: {", "gate: {under_test: [server_versoin], "),
        wrong("gate: {", "baselines: {dir: ../up}\ngate: {"),
        wrong("  base_url: http://127.0.0.1:8000/v1", "  sim: {decode_factor: 0}"),
    ];
    insta::assert_snapshot!(all.join("\n\n"));
}

#[test]
fn what_cannot_be_together() {
    let all = [
        wrong("{poisson: {rate: 5}}", "{closed: {concurrency: 8}}"),
        wrong("    max_in_flight: 64", "    stream: false"),
        wrong("output_tokens: 128", "output_tokens: 1"),
        wrong("slo_attainment: {min: 95%}", "slo_attainment: {max: 95%}"),
        wrong("ttft_p95: {max: 500ms}", "ttft_p95: {max: 95%}"),
        wrong("ttft_p95: {max: 500ms}", "goodput: {min: 3}"),
        wrong("slo_attainment: 2pp", "slo_attainment: 2%"),
        wrong("slo_attainment: 2pp", "ttft_max: 2%"),
        wrong("slo: {ttft: 500ms, tpot: 50ms, e2e: 8s}", "seed: 1"),
        wrong("  base_url", "  sim: {}\n  base_url"),
        wrong("  base_url: http://127.0.0.1:8000/v1\n", ""),
        wrong("gate: {", "  - name: chat\ngate: {"),
        wrong(
            "{poisson: {rate: 5}}\n    requests: 100\n    max_in_flight: 64",
            "{closed: {concurrency: 100}}\n    requests: 100",
        ),
        wrong(
            "{poisson: {rate: 5}}\n    requests: 100",
            "{poisson: {rate: 0.001}}\n    duration: 20s",
        ),
        wrong("requests: 100", "requests: 9000000"),
        message("version: 1\ntarget: {sim: {}}\nworkloads: []\n", &[], &Flags::default()),
        message("version: 1\ntarget: {sim: {}}\n", &[], &Flags::default()),
        message("version: 1\nworkloads: [{preset: quick}]\n", &[], &Flags::default()),
    ];
    insta::assert_snapshot!(all.join("\n\n"));
}

#[test]
fn regressions_that_cannot_be_judged() {
    let said = |text: &str| wrong("ttft_geomean: 5%", text);
    let info = ["tpot_geomean", "e2e_geomean", "output_token_rate"]
        .map(|m| format!("{m}: {{class: info}}"))
        .join(", ");
    let none = SKETCH.replacen(
        "ttft_geomean: 5%, tpot_geomean: 5%",
        &format!("ttft_geomean: {{class: guard}}, {info}"),
        1,
    );
    let all = [
        said("ttft_p90: 5%"),
        said("ttft_geomaen: 5%"),
        said("queue_max: 5%"),
        said("ttft_geomean: {min_chnge: 5%}"),
        said("ttft_geomean: {min_change: 5}"),
        said("ttft_geomean: {min_change: 5%, margin: 4%}"),
        said("ttft_geomean: {margin: 2%}"),
        said("ttft_geomean: {margin: 200%}"),
        said("ttft_p95: {margin: 20%}"),
        said("ttft_geomean: {class: guard, margin: 20%}"),
        said("ttft_geomean: {class: primray}"),
        said("ttft_geomean: {}"),
        said("ttft_geomean: [5%]"),
        said("error_rate: {class: primary}"),
        message(&none, &[], &Flags::default()),
    ];
    insta::assert_snapshot!(all.join("\n\n"));
}

#[test]
fn secrets_are_not_shown() {
    let all = [
        wrong("OPENAI_API_KEY", "sk-s3cret"),
        wrong("http://127", "http://me:s3cret@127"),
        wrong("http://127", "me:s3cret@127"),
        wrong("  model: auto", "  headers: {authorization: s3cret}"),
        wrong("  model: auto", "  headers: {x y: s3cret}"),
        wrong("  model: auto", "  headers: {x: {y: s3cret}}"),
        wrong_set("target.headers.authorization=s3cret"),
        wrong_set("target.headers.authorization=[s3cret"),
        wrong_set("target.api_key_env=s3cret-"),
    ];
    for text in &all {
        assert!(!text.contains("s3cret"), "{text}");
    }
    insta::assert_snapshot!(all.join("\n\n"));
}

#[test]
fn what_comes_later() {
    let all = [wrong_flags(Flags { protocol: Some("sim".into()), ..Flags::default() })];
    insta::assert_snapshot!(all.join("\n\n"));
}

#[test]
fn loads_that_do_not_fit_together() {
    let text = "{synthetic: {input_tokens: 256, shared_prefix: 0.0}}";
    let arrival = "arrival: {poisson: {rate: 5}}";
    let sessions =
        |rest: &str| wrong("workloads:", &format!("workloads:\n  - {{name: talk, {rest}}}"));
    let all = [
        wrong(text, "{dataset: file.jsonl}"),
        wrong(text, "{dataset: {file: \"\"}}"),
        wrong(text, "{dataset: {file: a.json, format: csv}}"),
        wrong(text, "{dataset: {file: a.json}, synthetic: {input_tokens: 9}}"),
        wrong("shared_prefix: 0.0", "corpus: tlh"),
        wrong(text, "{conversation: {turns: 4}}"),
        wrong(text, "{conversation: {}}"),
        wrong(arrival, "arrival: {trace: {file: t.jsonl, speedup: 0}}"),
        sessions("arrival: {sessions: {concurrency: 2}}"),
        sessions("arrival: {sessions: {think_time: 2s}}, prompts: {conversation: {turns: 2}}"),
        sessions(
            "arrival: {sessions: {rate: 1, concurrency: 2}}, prompts: {conversation: {turns: 2}}",
        ),
        sessions("arrival: {sessions: {concurrency: 0}}, prompts: {conversation: {turns: 2}}"),
        sessions("arrival: {sessions: {concurrency: 50}}, prompts: {conversation: {turns: 4}}"),
        sessions(
            "arrival: {sessions: {concurrency: 2}}, max_in_flight: 3, prompts: {conversation: {turns: 2}}",
        ),
        sessions("arrival: {sessions: {concurrency: 2}}, prompts: {conversation: {turns: 0}}"),
        sessions("tiers: [cold, warm]"),
        sessions("tiers: [warm], warmup: 0, prompts: {synthetic: {shared_prefix: 0.5}}"),
        sessions("tiers: [hot]"),
        wrong_flags(Flags { sweep: Some("users=1,2".into()), ..Flags::default() }),
    ];
    insta::assert_snapshot!(all.join("\n\n"));
}

#[test]
fn protocols_and_what_is_said_of_them() {
    let native = |rest: &str| wrong("protocol: openai-chat", rest);
    let all = [
        native("protocol: ollama"),
        native(
            "protocol: triton\n  triton: {text_output: \"\", parameters: {max_tokens: 1}, max_tokens: parameters.max_tokens}",
        ),
        native("triton: {}\n  ollama: {think: false}"),
        native("protocol: ollama-generate\n  ollama: {options: {num_predict: 5, temperature: 1}}"),
        native("protocol: triton\n  triton: {text_inputs: x}"),
        wrong_flags(Flags { protocol: Some("trtion".into()), ..Flags::default() }),
    ];
    insta::assert_snapshot!(all.join("\n\n"));
}

#[test]
fn servers_and_sides() {
    let with = |server: &str| wrong("workloads:", &format!("{server}\nworkloads:"));
    let interleaved =
        |rest: &str| wrong("{mode: baseline, starts: 2,", &format!("{{mode: interleaved, {rest}"));
    let all = [
        with("server: {}"),
        with("server: {start: ./serve, build: \"\", cwd: ../elsewhere}"),
        with("server: {start: ./serve, env: {PORT: \"1\", A B: x}, ready: {path: health}}"),
        with("server: {start: ./serve, ready: {timeout: 0s}, stop: 5s}"),
        with("targets: {other: {server: {start: \"\"}}}"),
        interleaved(""),
        interleaved("baseline: {target: othr},"),
        wrong(
            "gate: {mode: baseline, starts: 2,",
            "server: {start: ./serve}\ngate: {mode: interleaved,",
        ),
        interleaved("baseline: {ref: \"\"},"),
        interleaved("baseline: {base_url: h:1},"),
        interleaved("baseline: {branch: main},"),
        wrong_flags(Flags { target: Some("other".into()), ..Flags::default() }),
    ];
    insta::assert_snapshot!(all.join("\n\n"));
}

#[test]
fn metrics_pages() {
    let with =
        |target: &str, server: &str| wrong("target:", &format!("{server}target:\n  {target}"));
    let all = [
        with("metrics: metrics", ""),
        with("metrics: ftp://host/metrics", ""),
        with("metrics: http://user:secret@host/metrics", ""),
        with("metrics: http:///metrics", ""),
        with("metrics: http://127.0.0.1:${NOWHERE}/metrics", ""),
        with("metrics_every: 100ms", ""),
        wrong(
            "target:\n  base_url: http://127.0.0.1:8000/v1",
            "server: {start: ./serve, metrics: /m}\ntarget:\n  metrics: /metrics",
        ),
        wrong(
            "target:\n  base_url: http://127.0.0.1:8000/v1",
            "server: {start: ./serve, metrics: m}\ntarget:",
        ),
    ];
    insta::assert_snapshot!(all.join("\n\n"));
}

#[test]
fn overrides_and_flags_are_named() {
    let all = [
        wrong_set("gate.starts"),
        wrong_set("gate.start=1"),
        wrong_set("gate.extend=true"),
        wrong_set("gate.on_anchor_drift=warn"),
        wrong_set("gate.on_attempt=latest"),
        wrong_set("gate.detect=0%"),
        wrong_set("gate.detect=0.05"),
        wrong_set("gate.max_pairs=2"),
        wrong_set("gate.occasion=weekly"),
        wrong_set("workloads.chta.seed=1"),
        wrong_set("workloads.chat.arrival.poisson.rate=0"),
        wrong_set("workloads.chat.requests=many"),
        wrong_set("workloads.chat.timeout=30"),
        wrong_set("=1"),
        wrong_set("gate.mode=[x"),
        wrong_flags(Flags { rate: Some(-1.0), ..Flags::default() }),
        wrong_flags(Flags { rate: Some(f64::NAN), ..Flags::default() }),
        wrong_flags(Flags { arrival: Some("poisson".into()), ..Flags::default() }),
        wrong_flags(Flags { rate: Some(1.0), arrival: Some("posson".into()), ..Flags::default() }),
        wrong_flags(Flags { duration: Some("60".into()), ..Flags::default() }),
        wrong_flags(Flags { slo: Some("ttft=500ms,tpto=50ms".into()), ..Flags::default() }),
        wrong_flags(Flags { starts: Some(2), ..Flags::default() }),
        wrong_flags(Flags { preset: vec!["quik".into()], ..Flags::default() }),
        wrong_flags(Flags { workload: vec!["adhok".into()], ..Flags::default() }),
        wrong_flags(Flags { concurrency: vec![64], requests: Some(20), ..Flags::default() }),
        wrong_flags(Flags { corpus: Some("fr".into()), ..Flags::default() }),
    ];
    insta::assert_snapshot!(all.join("\n\n"));
}
