//! Servers that speak their own protocols, from the config to the record: Ollama's lines, Triton's
//! events, what both say of themselves.

use serde_json::{Value, json};

use crate::support::{Act, Answer, Gate, Part, Seen, Server, Setup, chunk};

const WORKLOAD: &str = "workloads: [{name: a, arrival: {closed: {concurrency: 2}}, requests: 8, output_tokens: 4, warmup: 2}]\n\
                        gate: {mode: limits, rounds: 2}\n";

fn streamed(kind: &str, lumps: &[String]) -> Answer {
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n");
    let mut acts = vec![Act::Write(head.into_bytes())];
    acts.extend(lumps.iter().map(|lump| Act::Write(chunk(lump.as_bytes()))));
    acts.push(Act::Write(b"0\r\n\r\n".to_vec()));
    Answer(acts)
}

/// As many tokens as `options.num_predict` asks for, as Ollama's API documentation has them.
fn ollama(seen: &Seen) -> Answer {
    let body = seen.json();
    if seen.path == "/api/show" {
        return Answer::json(
            "200 OK",
            &json!({"details": {"parameter_size": "1B", "quantization_level": "Q4_0"}}),
        );
    }
    let n = body["options"]["num_predict"].as_u64().expect("a length is asked for");
    let chat = seen.path == "/api/chat";
    let token = |done: bool| {
        if chat {
            json!({"message": {"role": "assistant", "content": "x"}, "done": done})
        } else {
            json!({"response": "x", "done": done})
        }
    };
    let last =
        json!({"done": true, "done_reason": "length", "prompt_eval_count": 16, "eval_count": n});
    let mut lines: Vec<String> = (0..n).map(|_| format!("{}\n", token(false))).collect();
    lines.push(format!("{last}\n"));
    streamed("application/x-ndjson", &lines)
}

fn ollama_server() -> Server {
    let tags =
        Answer::json("200 OK", &json!({"models": [{"name": "tiny:1b", "model": "tiny:1b"}]}));
    let version = Answer::json("200 OK", &json!({"version": "0.9.9"}));
    Server::with(
        Setup { others: vec![("/api/tags", tags), ("/api/version", version)], ..Setup::default() },
        ollama,
    )
}

/// One event per token, in the tensors of Triton's own backends.
fn triton(seen: &Seen) -> Answer {
    if seen.path == "/v2/repository/index" {
        return Answer::json(
            "200 OK",
            &json!([{"name": "ensemble", "version": "1", "state": "READY"}, {"name": "old", "state": "UNAVAILABLE"}]),
        );
    }
    let body = seen.json();
    let n = body["max_tokens"].as_u64().expect("a length is asked for");
    let mut part = json!({"model_name": "ensemble", "model_version": "1", "text_output": " x"});
    if body["return_num_output_tokens"] == true {
        part["num_output_tokens"] = json!(1);
    }
    if seen.path == "/v2/models/ensemble/generate" {
        part["text_output"] = json!(" x".repeat(4));
        return Answer::json("200 OK", &part);
    }
    assert_eq!(seen.path, "/v2/models/ensemble/generate_stream");
    let events: Vec<String> = (0..n).map(|_| format!("data: {part}\n\n")).collect();
    streamed("text/event-stream; charset=utf-8", &events)
}

fn triton_server() -> Server {
    let meta =
        Answer::json("200 OK", &json!({"name": "triton", "version": "2.51.0", "extensions": []}));
    let config = Answer::json("200 OK", &json!({"backend": "python", "max_batch_size": 0}));
    let others = vec![("/v2", meta), ("/v2/models/ensemble/config", config)];
    Server::with(
        Setup {
            models: Answer::error("404 Not Found", "no such path"),
            others,
            ..Setup::default()
        },
        triton,
    )
}

fn root(server: &Server) -> String {
    server.url().trim_end_matches("/v1").to_owned()
}

fn run(target: &str) -> Value {
    let gate = Gate::new();
    gate.write("goodput-gate.yaml", &format!("version: 1\ntarget: {target}\n{WORKLOAD}"));
    let ran = gate.run(&["run"]);
    gate.assert_measured(&ran);
    gate.record()
}

fn columns(record: &Value) -> &Value {
    &record["workloads"][0]["starts"][0]["rounds"][0]["columns"]
}

#[test]
fn ollama_is_measured_by_its_own_counts() {
    for (protocol, path) in [("ollama", "/api/chat"), ("ollama-generate", "/api/generate")] {
        let server = ollama_server();
        let record = run(&format!(
            "{{base_url: \"{}\", protocol: {protocol}, ollama: {{think: false}}}}",
            root(&server)
        ));
        let facts = &record["workloads"][0]["fingerprint"];
        let known = [
            &facts["protocol"],
            &facts["model"],
            &facts["server"],
            &facts["server_version"],
            &facts["quantisation"],
            &facts["server_flags"],
        ];
        assert_eq!(known, [protocol, "tiny:1b", "ollama", "0.9.9", "Q4_0", "parameter_size=1B"]);
        assert_eq!(
            (&columns(&record)["output_tokens"], &columns(&record)["events"]),
            (&json!(vec![4; 8]), &json!(vec![4; 8]))
        );
        assert_eq!(columns(&record)["outcome"], json!(vec!["completed"; 8]));
        // Ollama cannot be told to go on, so nothing says that the length is forced.
        assert_eq!(record["workloads"][0]["load"]["length_forced"], false);
        let sent = server.planned();
        assert!(sent.iter().all(|s| s.path == path
            && s.json()["think"] == false
            && s.json().get("ignore_eos").is_none()));
    }
}

#[test]
fn triton_is_measured_whole_and_streamed_each_at_its_own_path() {
    let server = triton_server();
    let record = run(&format!("{{base_url: \"{}\", protocol: triton}}", root(&server)));
    let facts = &record["workloads"][0]["fingerprint"];
    let known = [
        &facts["protocol"],
        &facts["model"],
        &facts["server"],
        &facts["server_version"],
        &facts["server_flags"],
    ];
    assert_eq!(
        known,
        ["triton", "ensemble", "triton", "2.51.0", "backend=python max_batch_size=0"]
    );
    // Chunks are not tokens: nobody counted, so nobody knows.
    assert_eq!(
        (&columns(&record)["output_tokens"], &columns(&record)["events"]),
        (&json!(vec![Value::Null; 8]), &json!(vec![4; 8]))
    );
    let counted =
        "triton: {output_tokens: num_output_tokens, inputs: {return_num_output_tokens: true}}";
    let record = run(&format!("{{base_url: \"{}\", protocol: triton, {counted}}}", root(&server)));
    assert_eq!(columns(&record)["output_tokens"], json!(vec![4; 8]));
    let gate = Gate::new();
    let whole = WORKLOAD.replace("warmup: 2", "warmup: 2, stream: false");
    gate.write(
        "goodput-gate.yaml",
        &format!(
            "version: 1\ntarget: {{base_url: \"{}\", protocol: triton}}\n{whole}",
            root(&server)
        ),
    );
    let ran = gate.run(&["run"]);
    gate.assert_measured(&ran);
    let paths: Vec<String> =
        server.seen().into_iter().filter(|s| s.part != Part::Probe).map(|s| s.path).collect();
    assert!(
        paths.iter().any(|p| p.ends_with("/generate"))
            && paths.iter().any(|p| p.ends_with("/generate_stream")),
        "{paths:?}"
    );
}

#[test]
fn what_is_said_of_a_protocol_makes_another_plan() {
    let server = triton_server();
    let base = format!("base_url: \"{}\", protocol: triton", root(&server));
    let plan = |target: String| run(&target)["workloads"][0]["fingerprint"]["plan"].clone();
    assert_eq!(plan(format!("{{{base}}}")), plan(format!("{{{base}, triton: {{}}}}")));
    assert_ne!(
        plan(format!("{{{base}}}")),
        plan(format!("{{{base}, triton: {{inputs: {{top_k: 1}}}}}}"))
    );
}

#[test]
fn models_says_what_a_server_is_and_how_to_measure_it() {
    let gate = Gate::new();
    let (ollama, triton) = (ollama_server(), triton_server());
    let ran = gate.run(&["models", "--base-url", &root(&ollama), "--protocol", "ollama"]);
    assert_eq!(
        (ran.code, ran.stdout.trim_end()),
        (Some(0), &*format!("{}  ollama 0.9.9, ollama\n  tiny:1b", root(&ollama))),
        "{}",
        ran.stderr
    );
    let next = format!(
        "next: goodput-gate run --base-url {} --protocol ollama --preset quick",
        root(&ollama)
    );
    assert!(ran.stderr.contains(&next), "{}", ran.stderr);
    // Without a protocol: whichever it speaks.
    let ran = gate.run(&["models", "--base-url", &root(&triton), "--json"]);
    let all: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let model = json!([{"name": "ensemble", "context_tokens": null}]);
    let expected = json!([{"base_url": root(&triton), "protocol": "triton", "server": "triton", "version": "2.51.0", "locked": false, "models": model}]);
    assert_eq!((ran.code, all), (Some(0), expected));
    let ran = gate.run(&["models", "--base-url", &root(&triton), "--protocol", "tritn"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("did you mean `triton`?"), "{}", ran.stderr);
    let ran = gate.run(&["models", "--base-url", "http://127.0.0.1:1/v1"]);
    assert_eq!(ran.code, Some(3));
    assert!(ran.stderr.contains("no list of models at http://127.0.0.1:1/v1"), "{}", ran.stderr);
}

#[test]
fn tokens_that_the_server_does_not_count_are_counted_here_or_refused_here() {
    let server = triton_server();
    let gate = Gate::new();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tokenizer/words.json");
    let target =
        format!("{{base_url: \"{}\", protocol: triton, tokenizer: \"{file}\"}}", root(&server));
    gate.write("goodput-gate.yaml", &format!("version: 1\ntarget: {target}\n{WORKLOAD}"));
    let ran = gate.run(&["run"]);
    if !cfg!(feature = "tokenizer") {
        ran.assert_says(
            2,
            &[
                "target.tokenizer: this goodput-gate was built without a tokenizer",
                "--features tokenizer",
            ],
        );
        return;
    }
    gate.assert_measured(&ran);
    let record = gate.record();
    assert_eq!(record["workloads"][0]["fingerprint"]["tokenizer"].as_str().map(str::len), Some(12));
    let round = gate.round();
    // Every event of this server is one word.
    assert_eq!(
        (&round["columns"]["output_tokens"], &round["token_source"]),
        (&json!(vec![4; 8]), &json!("tokenizer"))
    );
    let inputs = round["columns"]["input_tokens"].as_array().expect("a column");
    assert!(inputs.iter().all(|n| n.as_u64() > Some(100)), "{inputs:?}");
}

#[test]
fn a_proxy_that_breaks_without_a_key_is_asked_with_the_one_that_is_named() {
    let gate = Gate::new().env("PROXY_KEY", "s3cret-key");
    let broken = Setup {
        models: Answer::whole("500 Internal Server Error", "text/plain", "Internal Server Error"),
        ..Setup::default()
    };
    let server = Server::with(broken, Seen::good);
    let ran = gate.run(&["models", "--base-url", &server.url(), "--api-key-env", "PROXY_KEY"]);
    ran.assert_says(3, &["no list of models", "--api-key-env"]);
    let asked: Vec<bool> = server
        .seen()
        .iter()
        .filter(|s| s.path == "/v1/models")
        .map(|s| s.headers.contains_key("authorization"))
        .collect();
    assert_eq!(asked, [false, true]);
}
