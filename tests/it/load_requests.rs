//! What goes over the wire: ids, keys, headers, bodies, and which fields a server is spared. Not
//! here: when it goes.

mod keys;
mod planned;

use std::collections::BTreeSet;

use serde_json::json;

use crate::support::{Act, Answer, Gate, Part, Ran, Seen, Server, Setup};

#[test]
fn every_request_carries_its_own_id() {
    let server = Server::good();
    let gate = Gate::new();
    let ran =
        gate.measure(&server.url(), &["--requests", "4", "--concurrency", "2,1", "--rounds", "2"]);
    gate.assert_measured(&ran);
    let raw = gate.raw();
    // On a busy machine a round is measured again, under other numbers.
    let of_rounds = |s: &&Seen| matches!(s.part, Part::Round(0 | 1, _));
    let mut sent: Vec<String> = server
        .planned()
        .iter()
        .filter(of_rounds)
        .map(|s| s.headers["x-request-id"].clone())
        .collect();
    let mut known: Vec<String> =
        raw.iter().map(|l| l["id"].as_str().expect("a raw line has an id").to_owned()).collect();
    sent.sort();
    known.sort();
    assert!(sent == known || gate.text(".goodput-gate/record.json").contains("spoilt"));
    assert_eq!(known.len(), 16);
    let all = server.planned();
    assert_eq!(
        all.iter().map(|s| &s.headers["x-request-id"]).collect::<BTreeSet<_>>().len(),
        all.len(),
        "ids are unique"
    );
}

#[test]
fn two_runs_share_no_id_and_no_prompt() {
    let server = Server::good();
    let gate = Gate::new();
    for _ in 0..2 {
        gate.assert_measured(
            &gate.measure(&server.url(), &["--requests", "3", "--concurrency", "1"]),
        );
    }
    let all = server.planned();
    assert_eq!(
        all.iter().map(|s| &s.headers["x-request-id"]).collect::<BTreeSet<_>>().len(),
        all.len()
    );
    assert_eq!(all.iter().map(Seen::prompt).collect::<BTreeSet<_>>().len(), all.len());
}

#[test]
fn starts_share_their_requests_and_no_id() {
    let gate = Gate::new();
    let sim = "version: 1\ntarget: {sim: {time_scale: 20}}\ngate: {starts: 2, rounds: 1}\n";
    let load = "workloads:\n- {name: small, requests: 4, output_tokens: 4, prompts: {synthetic: {input_tokens: 16}}, warmup: 1}\n";
    gate.write("c.yaml", &[sim, load].concat());
    gate.assert_measured(&gate.run(&["run", "--config", "c.yaml", "--raw", "raw.jsonl"]));
    let raw = gate.raw();
    assert_eq!(
        raw.iter().map(|l| l["start"].as_u64()).collect::<BTreeSet<_>>(),
        [Some(0), Some(1)].into()
    );
    assert_eq!(raw.iter().map(|l| l["id"].as_str()).collect::<BTreeSet<_>>().len(), 8, "{raw:?}");
}

fn config(server: &Server, target: &str) -> String {
    format!(
        "version: 1\ntarget:\n  base_url: {}\n{target}workloads:\n- {{name: small, requests: 3, output_tokens: 4, prompts: {{synthetic: {{input_tokens: 16}}}}, warmup: 1}}\ngate: {{rounds: 1}}\n",
        server.url()
    )
}

#[test]
fn a_server_is_spared_the_fields_that_it_refuses() {
    for (refused, forced) in [
        (vec!["min_tokens"], true),
        (vec!["ignore_eos"], true),
        (vec!["min_tokens", "ignore_eos"], false),
        (vec!["stream_options"], true),
        (vec!["min_tokens", "ignore_eos", "stream_options"], false),
    ] {
        let fields = refused.clone();
        let server = Server::start(move |seen| match fields.iter().find(|f| seen.has(f)) {
            Some(field) => Answer::error("400 Bad Request", &format!("unknown field {field}")),
            None => seen.good(),
        });
        let gate = Gate::new();
        let ran = gate.measure(&server.url(), &["--requests", "2"]);
        gate.assert_measured(&ran);
        assert_eq!(gate.record()["workloads"][0]["load"]["length_forced"], forced, "{refused:?}");
        assert!(gate.raw().iter().all(|l| l["outcome"] == "completed"), "{refused:?}");
        for field in ["min_tokens", "ignore_eos", "stream_options"] {
            let sent = server.planned().iter().any(|s| s.has(field));
            assert_eq!(sent, !refused.contains(&field), "{field} where {refused:?} are refused");
        }
    }
}

#[test]
fn a_chat_that_refuses_max_tokens_is_asked_by_the_other_name() {
    // As models of OpenAI that reason do, in their own words; and a server that does not name the
    // other field.
    for words in [
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        "unknown field max_tokens",
    ] {
        let server = Server::start(move |seen| {
            match ["max_tokens", "min_tokens"].iter().find(|f| seen.has(f)) {
                Some(&"max_tokens") => Answer::error("400 Bad Request", words),
                Some(field) => Answer::error("400 Bad Request", &format!("unknown field {field}")),
                None => seen.good(),
            }
        });
        let gate = Gate::new();
        gate.assert_measured(&gate.measure(&server.url(), &["--requests", "3"]));
        assert!(gate.raw().iter().all(|l| l["outcome"] == "completed"), "{:?}", gate.raw());
        let sent = server.planned();
        assert!(sent.iter().all(|s| s.json()["max_completion_tokens"] == 4
            && !s.has("max_tokens")
            && !s.has("min_tokens")));
    }
    // Completions know no other name: the refusal is told, and is not tried for ever.
    let server = Server::start(|_| Answer::error("400 Bad Request", "max_tokens is not supported"));
    let gate = Gate::new();
    let ran = gate.measure(&server.url(), &["--requests", "3", "--protocol", "openai-completions"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.stderr.contains("max_tokens is not supported"), "{ran:?}");
}

#[test]
fn a_busy_server_is_asked_again_when_it_says_so() {
    use std::sync::atomic::{AtomicU32, Ordering};
    for status in ["429 Too Many Requests", "503 Service Unavailable"] {
        let asked = AtomicU32::new(0);
        let busy = format!("HTTP/1.1 {status}\r\nretry-after: 1\r\ncontent-length: 4\r\n\r\nbusy")
            .into_bytes();
        let server = Server::start(move |seen| match seen.part {
            Part::Probe if asked.fetch_add(1, Ordering::Relaxed) == 0 => {
                Answer(vec![Act::Write(busy.clone())])
            }
            _ => seen.good(),
        });
        let gate = Gate::new();
        gate.assert_measured(&gate.measure(&server.url(), &["--requests", "3"]));
    }
    // One that asks for more than a minute is not waited for.
    let busy =
        b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 3600\r\ncontent-length: 4\r\n\r\nbusy"
            .to_vec();
    let server = Server::start(move |_| Answer(vec![Act::Write(busy.clone())]));
    let ran = Gate::new().measure(&server.url(), &["--requests", "3"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.stderr.contains("503") && ran.stderr.contains("retry-after"), "{ran:?}");
}

#[test]
fn a_list_of_models_that_never_comes_is_waited_for_no_longer_than_a_request() {
    let server =
        Server::with(Setup { models: Answer(vec![Act::Hang]), ..Setup::default() }, Seen::good);
    // Without the bound it takes two minutes, which is more than a test waits.
    let ran = Gate::new().measure(&server.url(), &["--requests", "3", "--timeout", "1s"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.stderr.contains("/models"), "{ran:?}");
}

#[test]
fn connections_are_bounded_by_the_limit_of_open_files() {
    // Nobody is answered before many wait at once.
    let server = Server::start(|seen| match seen.part {
        Part::Round(..) => seen.good().after(Act::Pause(1_500)),
        _ => seen.good(),
    });
    let limited = |gate: &Gate, args: &[&str]| {
        let command = gate.command(&Gate::measure_args(&server.url(), args));
        let mut limited = std::process::Command::new("sh");
        limited
            .args(["-c", "ulimit -n 64 && exec \"$0\" \"$@\""])
            .arg(command.get_program())
            .args(command.get_args());
        limited.current_dir(command.get_current_dir().expect("the test's folder"));
        limited
            .env_clear()
            .envs(command.get_envs().filter_map(|(k, v)| Some((k, v?))))
            .env("PATH", "/usr/bin:/bin");
        let output = limited.output().expect("sh runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let gate = Gate::new();
    let (code, stderr) = limited(
        &gate,
        &["--requests", "120", "--rate", "100", "--arrival", "constant", "--timeout", "20s"],
    );
    assert_eq!(code, Some(3), "{stderr}");
    assert!(stderr.contains("leaves room for"), "{stderr}");
    let findings = gate.findings("invalid");
    assert!(findings.contains(&"open_files".to_owned()), "{findings:?}");
    assert_eq!(gate.raw().len(), 120, "what was measured is kept");
    let (code, stderr) = limited(&Gate::new(), &["--requests", "300", "--concurrency", "100"]);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("100 requests in flight") && stderr.contains("ulimit -n"), "{stderr}");
    // What fits runs.
    let (code, stderr) = limited(&Gate::new(), &["--requests", "8", "--concurrency", "4"]);
    assert!(matches!(code, Some(0 | 3)), "{stderr}");
    assert!(!stderr.contains("leaves room for"), "{stderr}");
}

#[test]
fn whole_answers_are_asked_for_and_read() {
    let answer = serde_json::json!({
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "a b c d"}, "finish_reason": "length"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 4},
    });
    let server = Server::start(move |_| Answer::json("200 OK", &answer).after(Act::Pause(5)));
    let gate = Gate::new();
    let ran = gate.measure(&server.url(), &["--requests", "3", "--no-stream"]);
    gate.assert_measured(&ran);
    assert!(server.planned().iter().all(|s| s.json()["stream"] == false));
    for line in gate.raw() {
        assert_eq!(
            (&line["outcome"], &line["output_tokens"]),
            (&"completed".into(), &4.into()),
            "{line}"
        );
    }
    assert!(
        gate.round()["metrics"]
            .as_object()
            .is_some_and(|m| m.keys().all(|k| !k.starts_with("ttft")))
    );
}

#[test]
fn no_proxy_stands_between_client_and_server() {
    let server = Server::good();
    let gate = ["http_proxy", "HTTP_PROXY", "all_proxy"]
        .into_iter()
        .fold(Gate::new(), |g, name| g.env(name, "http://127.0.0.1:1"));
    // An address that is loopback, and does not look like it.
    let url = server.url().replace("127.0.0.1", "0.0.0.0");
    gate.assert_measured(&gate.measure(&url, &["--requests", "2"]));
}

#[test]
fn what_the_server_counted_stands_beside_the_nominal_length() {
    let server = Server::good();
    let gate = Gate::new();
    let ran = gate.measure(&server.url(), &["--requests", "3", "--input-tokens", "40"]);
    gate.assert_measured(&ran);
    let said = |ran: &Ran| ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said(&ran).contains("40 input (nominal; the server counted 16)"), "{ran:?}");

    let silent = Server::start(|_| {
        Answer::events(&[
            json!({"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}]}),
        ])
    });
    let ran = gate.measure(&silent.url(), &["--requests", "3", "--input-tokens", "40"]);
    assert!(said(&ran).contains("40 input (nominal), "), "{ran:?}");
}

#[test]
fn a_raw_line_says_when_and_for_which_model() {
    let (gate, server) = (Gate::new(), Server::good());
    gate.assert_measured(
        &gate.measure(&server.url(), &["--requests", "4", "--concurrency", "1", "--rounds", "1"]),
    );
    let raw = gate.raw();
    let at = |line: &serde_json::Value| {
        let text = line["sent_at"].as_str().expect("it was sent");
        assert!(text.ends_with('Z') && text.len() == "2026-11-22T10:00:00.000000Z".len(), "{text}");
        time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339)
            .expect("a date")
    };
    let ns = |line: &serde_json::Value| line["sent_ns"].as_i64().expect("it was sent");
    for pair in raw.windows(2) {
        let (dated, measured) = (at(&pair[1]) - at(&pair[0]), ns(&pair[1]) - ns(&pair[0]));
        assert!((dated.whole_nanoseconds() - i128::from(measured)).abs() <= 1_000, "{pair:?}");
    }
    assert!(raw.len() == 4 && raw.iter().all(|line| line["model"] == "tiny"), "{raw:?}");
}

/// Also with those of the warm-up; what the gate sets itself stays its own.
#[test]
fn further_fields_of_the_body_are_sent_with_every_request() {
    let (server, gate) = (Server::good(), Gate::new());
    let extra = r#"{"top_k": 20, "chat_template_kwargs": {"enable_thinking": false}}"#;
    gate.assert_measured(&gate.measure(&server.url(), &["--requests", "3", "--extra-body", extra]));
    let bodies: Vec<_> = server.planned().iter().map(Seen::json).collect();
    let has_both = |body: &serde_json::Value| {
        body["top_k"] == 20 && body["chat_template_kwargs"]["enable_thinking"] == false
    };
    assert!(bodies.len() >= 3 && bodies.iter().all(has_both), "{bodies:?}");
    gate.measure(&server.url(), &["--extra-body", r#"{"stream": false}"#])
        .assert_says(2, &["stream"]);
}

#[test]
fn answers_of_another_model_from_the_middle_on_are_invalid() {
    let server = Server::start(|seen| {
        let model =
            if matches!(seen.part, Part::Round(_, i) if i >= 4) { "small" } else { "large" };
        let event = |choices: serde_json::Value| json!({"model": model, "choices": choices});
        let word = |end: Option<&str>| {
            event(json!([{"index": 0, "delta": {"content": " a"}, "finish_reason": end}]))
        };
        let mut usage = event(json!([]));
        usage["usage"] = json!({"prompt_tokens": 16, "completion_tokens": 2, "total_tokens": 18});
        Answer::events(&[word(None), word(Some("length")), usage])
    });
    let gate = Gate::new();
    let ran = gate
        .measure(&server.url(), &["--requests", "8", "--concurrency", "1", "--output-tokens", "2"]);
    ran.assert_says(3, &[]);
    let why = "answers are of model \"small\", and before they were of \"large\"";
    assert!(ran.stdout.contains(why), "{}", ran.stdout);
}
