//! The server in this process, on loopback, read by a raw client: shapes, errors, faults, truth.
//! Not here: wall-clock times.
#![expect(clippy::disallowed_methods, reason = "reads the log")]

mod client;

use serde_json::{Value, json};

use self::client::{Reply, Running, ask, chat, events, start};
use super::*;
use crate::config::sim::{
    FinishPlace, LineEnd, Noise, PrefixCache, ReasoningField, RoleEvent, Text, UsagePlace,
};

/// Fast and quiet.
fn knobs() -> Knobs {
    Knobs { noise: Noise::Off, time_scale: 50.0, ..Knobs::default() }
}

async fn stream_of(knobs: Knobs, tokens: u32) -> Reply {
    let server = start(knobs, None).await;
    ask(&server, &chat(tokens)).await
}

/// The text of all deltas under `field`.
fn text(events: &[Value], field: &str) -> String {
    events
        .iter()
        .filter_map(|e| e.pointer(&format!("/choices/0/delta/{field}")).and_then(Value::as_str))
        .collect()
}

fn finish_reasons(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .filter_map(|e| e.pointer("/choices/0/finish_reason").and_then(Value::as_str))
        .collect()
}

#[tokio::test]
async fn a_stream_looks_like_vllm() {
    let reply = stream_of(knobs(), 5).await;
    assert_eq!(reply.status, 200);
    // Role, five tokens, usage, [DONE], each in a chunk of its own.
    assert_eq!(reply.chunks.len(), 8);
    assert!(reply.complete && reply.chunks[7] == b"data: [DONE]\n\n");
    let events = events(&reply);
    assert_eq!(events[0].pointer("/choices/0/delta/role"), Some(&json!("assistant")));
    assert_eq!(text(&events, "content"), " the server answers with one");
    assert_eq!(finish_reasons(&events), ["length"]);
    let usage = &events[6];
    assert_eq!(usage["choices"], json!([]));
    assert_eq!(usage.pointer("/usage/completion_tokens"), Some(&json!(5)));
}

#[tokio::test]
async fn role_event_none_and_at_once() {
    let none = stream_of(Knobs { role_event: RoleEvent::None, ..knobs() }, 2).await;
    assert_eq!(text(&events(&none)[..1], "content"), " the");
    let at_once = stream_of(Knobs { role_event: RoleEvent::AtOnce, ..knobs() }, 2).await;
    assert_eq!(text(&events(&at_once)[..1], "role"), "assistant");
}

#[tokio::test]
async fn tokens_share_events_and_none_is_lost() {
    let reply = stream_of(
        Knobs {
            tokens_per_event: 3,
            role_event: RoleEvent::None,
            usage: UsagePlace::None,
            ..knobs()
        },
        7,
    )
    .await;
    let events = events(&reply);
    let contents: Vec<_> =
        events.iter().filter_map(|e| e.pointer("/choices/0/delta/content")).collect();
    assert_eq!(contents, [" the server answers", " with one more", " token"]);
}

#[tokio::test]
async fn usage_is_where_the_knob_says() {
    let last = events(&stream_of(Knobs { usage: UsagePlace::Last, ..knobs() }, 2).await);
    assert_eq!(last.iter().filter(|e| e.get("usage").is_some()).count(), 1);
    assert_eq!(last.last().and_then(|e| e.pointer("/usage/completion_tokens")), Some(&json!(2)));
    assert_eq!(finish_reasons(&last[last.len() - 1..]), ["length"]);
    let none = events(&stream_of(Knobs { usage: UsagePlace::None, ..knobs() }, 2).await);
    assert!(none.iter().all(|e| e.get("usage").is_none()));
    let server = start(knobs(), None).await;
    let unasked = json!({"messages": [], "max_tokens": 2, "stream": true}).to_string();
    let unasked = events(&ask(&server, &client::post("/v1/chat/completions", &unasked)).await);
    assert!(unasked.iter().all(|e| e.get("usage").is_none()));
}

#[tokio::test]
async fn finish_reason_can_have_its_own_event() {
    let events = events(
        &stream_of(Knobs { finish: FinishPlace::Own, usage: UsagePlace::None, ..knobs() }, 2).await,
    );
    assert_eq!(events.len(), 4);
    assert_eq!(events[3].pointer("/choices/0/delta"), Some(&json!({})));
    assert_eq!(finish_reasons(&events), ["length"]);
}

#[tokio::test]
async fn reasoning_comes_first() {
    for (field, name) in [
        (ReasoningField::ReasoningContent, "reasoning_content"),
        (ReasoningField::Reasoning, "reasoning"),
    ] {
        let knobs =
            Knobs { reasoning_tokens: 3, reasoning_field: field, tokens_per_event: 2, ..knobs() };
        let events = events(&stream_of(knobs, 5).await);
        assert_eq!(text(&events, name), " the server answers");
        assert_eq!(text(&events, "content"), " with one");
    }
}

#[tokio::test]
async fn lines_may_end_in_crlf_and_comments_may_come_between() {
    let reply = stream_of(Knobs { line_end: LineEnd::Crlf, comment_every: 2, ..knobs() }, 3).await;
    assert_eq!(reply.chunks[0], b": ping\r\n\r\n");
    let body = String::from_utf8(reply.chunks.concat()).expect("text");
    assert!(body.ends_with("data: [DONE]\r\n\r\n") && !body.replace("\r\n", "").contains('\n'));
    assert!(body.matches(": ping").count() > 2);
    assert_eq!(text(&events(&reply), "content"), " the server answers");
}

#[tokio::test]
async fn done_can_be_left_out() {
    let reply = stream_of(Knobs { done: false, ..knobs() }, 2).await;
    assert!(reply.complete && !String::from_utf8_lossy(&reply.chunks.concat()).contains("[DONE]"));
}

#[tokio::test]
async fn writes_may_be_split_or_glued() {
    let split = stream_of(Knobs { split_writes: 4, text: Text::Ko, ..knobs() }, 3).await;
    assert_eq!(text(&events(&split), "content"), "안녕하세요 서버");
    let glued = stream_of(Knobs { events_per_write: 3, ..knobs() }, 4).await;
    // Role and two tokens; two tokens and usage; [DONE].
    assert_eq!(glued.chunks.len(), 3);
    assert_eq!(text(&events(&glued), "content"), " the server answers with");
}

#[tokio::test]
async fn a_whole_answer_needs_no_stream() {
    let server = start(knobs(), None).await;
    let reply = ask(
        &server,
        &client::post("/v1/completions", r#"{"model":"sim-8b","prompt":"hi","max_tokens":3}"#),
    )
    .await;
    let body: Value = serde_json::from_slice(&reply.body()).expect("JSON");
    assert_eq!(body.pointer("/choices/0/text"), Some(&json!(" the server answers")));
    assert_eq!(body.pointer("/usage/total_tokens"), Some(&json!(5)));
}

#[tokio::test]
async fn a_connection_serves_many_requests_until_asked_to_close() {
    let server = start(knobs(), None).await;
    let mut client = client::connect(&server).await;
    for tokens in [1, 3] {
        assert_eq!(events(&client.ask(&chat(tokens)).await).len(), tokens as usize + 2);
    }
    assert_eq!(client.ask("GET /health HTTP/1.1\r\nHost: x\r\n\r\n").await.status, 200);
    let closing = chat(1).replacen("\r\n", "\r\nConnection: close\r\n", 1);
    assert!(client.ask(&closing).await.complete);
    assert!(client.at_end().await);
}

#[tokio::test]
async fn an_idle_connection_is_closed_when_the_knob_says_so() {
    let server = start(Knobs { keep_alive_ms: 20, ..knobs() }, None).await;
    assert!(client::connect(&server).await.at_end().await);
}

#[tokio::test]
async fn bad_requests_get_the_statuses_of_a_real_server() {
    let server = start(Knobs { context_tokens: 100, ..knobs() }, None).await;
    let long = format!(r#"{{"model":"sim-8b","prompt":"{}"}}"#, "word ".repeat(200));
    for (path, body, status, says) in [
        ("/v1/chat/completions", "{", 400, "json_invalid"),
        ("/v1/chat/completions", r#"{"model":"x","messages":[]}"#, 404, "does not exist"),
        ("/v1/chat/completions", r#"{"model":"sim-8b"}"#, 400, "body.messages"),
        ("/v1/completions", r#"{"prompt":"a","max_tokens":0}"#, 400, "at least 1"),
        ("/v1/completions", r#"{"prompt":"a","max_tokens":500}"#, 400, "max_model_len=100"),
        ("/v1/completions", &long, 400, "maximum context length is 100 tokens"),
        ("/v1/nope", "{}", 404, "Not Found"),
    ] {
        let reply = ask(&server, &client::post(path, body)).await;
        assert_eq!(reply.status, status, "{path} {body}");
        assert!(String::from_utf8_lossy(&reply.body()).contains(says), "{path} {body}");
    }
    assert_eq!(ask(&server, "GET /v1/chat/completions HTTP/1.1\r\n\r\n").await.status, 405);
    assert_eq!(ask(&server, "nonsense\r\n\r\n").await.status, 400);
}

#[tokio::test]
async fn keys_and_extras_can_be_refused() {
    let server = start(Knobs { require_key: true, refuse_extras: true, ..knobs() }, None).await;
    assert_eq!(ask(&server, &chat(1)).await.status, 401);
    let keyed = chat(1).replacen("\r\n", "\r\nAuthorization: Bearer x\r\n", 1);
    let refused = ask(&server, &keyed).await;
    assert_eq!(refused.status, 400);
    assert!(String::from_utf8_lossy(&refused.body()).contains("stream_options"));
    let plain = client::post("/v1/completions", r#"{"prompt":"a","max_tokens":2}"#);
    assert_eq!(
        ask(&server, &plain.replacen("\r\n", "\r\nauthorization: Bearer x\r\n", 1)).await.status,
        200
    );
}

#[tokio::test]
async fn http_errors_come_in_their_share() {
    let server = start(Knobs { error_429: 0.3, error_500: 0.3, ..knobs() }, None).await;
    let mut client = client::connect(&server).await;
    let mut statuses = std::collections::BTreeMap::<u16, u32>::new();
    for _ in 0..200 {
        *statuses.entry(client.ask(&chat(1)).await.status).or_default() += 1;
    }
    assert!(
        statuses.values().all(|n| (30..110).contains(n)) && statuses.len() == 3,
        "{statuses:?}"
    );
}

#[tokio::test]
async fn streams_break_as_the_knobs_say() {
    let error = stream_of(Knobs { error_event: 1.0, ..knobs() }, 8).await;
    assert!(error.complete && error.status == 200);
    assert!(events(&error).iter().any(|e| e.pointer("/error/code") == Some(&json!(500))));
    assert!(finish_reasons(&events(&error)).is_empty());

    let truncated = stream_of(Knobs { truncated: 1.0, ..knobs() }, 8).await;
    let body = String::from_utf8_lossy(&truncated.chunks.concat()).into_owned();
    assert!(
        truncated.complete
            && !body.contains("[DONE]")
            && finish_reasons(&events(&truncated)).is_empty()
    );

    let cut = stream_of(Knobs { disconnect: 1.0, ..knobs() }, 8).await;
    assert!(!cut.complete && cut.status == 200);
}

#[tokio::test]
async fn a_hanging_stream_hangs_and_leaves_the_engine() {
    let server = start(Knobs { hang: 1.0, ..knobs() }, None).await;
    let mut client = client::connect(&server).await;
    client.send(&chat(8)).await;
    // The engine forgets the request although the connection stays.
    while metric(&server, "vllm:request_success_total", "abort").await < 1.0 {
        tokio::task::yield_now().await;
    }
    drop(client);
    assert!(metric(&server, "vllm:num_requests_running", "").await < 0.5);
}

#[tokio::test]
async fn a_client_that_leaves_is_aborted() {
    let server = start(Knobs { time_scale: 1.0, ..knobs() }, None).await;
    let mut client = client::connect(&server).await;
    client.send(&chat(4000)).await;
    drop(client);
    while metric(&server, "vllm:request_success_total", "abort").await < 1.0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn answers_end_early_only_where_they_may() {
    let server = start(Knobs { early_stop: 1.0, ..knobs() }, None).await;
    let ask_for = async |extra: &str| {
        let body = format!(r#"{{"prompt":"a","max_tokens":50{extra}}}"#);
        let reply = ask(&server, &client::post("/v1/completions", &body)).await;
        let body: Value = serde_json::from_slice(&reply.body()).expect("JSON");
        (
            body["choices"][0]["finish_reason"].clone(),
            body["usage"]["completion_tokens"].as_u64().expect("usage"),
        )
    };
    let (reason, tokens) = ask_for("").await;
    assert!(reason == "stop" && tokens < 50);
    assert_eq!(ask_for(r#","ignore_eos":true"#).await, (json!("length"), 50));
    assert!(ask_for(r#","min_tokens":45"#).await.1 >= 45);
}

#[tokio::test]
async fn a_shared_prefix_hits_the_cache() {
    for (mode, hits) in [(PrefixCache::On, true), (PrefixCache::Off, false)] {
        let server = start(Knobs { prefix_cache: mode, ..knobs() }, None).await;
        let prompt = |tail: &str| {
            let body = json!({"prompt": format!("{}{tail}", "a shared system prompt ".repeat(40)), "max_tokens": 1});
            client::post("/v1/completions", &body.to_string())
        };
        ask(&server, &prompt("first")).await;
        let second: Value =
            serde_json::from_slice(&ask(&server, &prompt("second")).await.body()).expect("JSON");
        let cached = second
            .pointer("/usage/prompt_tokens_details/cached_tokens")
            .and_then(Value::as_u64)
            .expect("cached");
        assert_eq!(cached > 200, hits);
        assert_eq!(metric(&server, "vllm:prefix_cache_hits_total", "").await > 200.0, hits);
    }
}

#[tokio::test]
async fn metrics_count_what_was_served() {
    let server = start(knobs(), None).await;
    for _ in 0..3 {
        ask(&server, &chat(4)).await;
    }
    for (name, value) in [
        ("vllm:generation_tokens_total", 12.0),
        ("vllm:time_to_first_token_seconds_count", 3.0),
        ("vllm:inter_token_latency_seconds_count", 9.0),
        ("vllm:e2e_request_latency_seconds_count", 3.0),
        ("vllm:request_queue_time_seconds_count", 3.0),
        ("vllm:request_prefill_time_seconds_count", 3.0),
        ("vllm:request_decode_time_seconds_count", 3.0),
        ("vllm:num_requests_waiting", 0.0),
        ("vllm:kv_cache_usage_perc", 0.0),
    ] {
        let found = metric(&server, name, "").await;
        assert!((found - value).abs() < 1e-9, "{name} is {found}");
    }
    assert!(metric(&server, "vllm:time_to_first_token_seconds_bucket", "+Inf").await > 2.5);
}

/// A number of `/metrics`, of the first line that has both name and label.
async fn metric(server: &Running, name: &str, label: &str) -> f64 {
    let text = ask(server, "GET /metrics HTTP/1.1\r\n\r\n").await.body();
    let text = String::from_utf8(text).expect("text");
    let line = text
        .lines()
        .find(|l| l.starts_with(&format!("{name}{{")) && l.contains(label))
        .expect(name);
    line.rsplit(' ').next().and_then(|v| v.parse().ok()).expect("a number")
}

#[tokio::test]
async fn facts_are_there_to_ask_for() {
    let server = start(knobs(), None).await;
    let get = async |path: &str| {
        let reply = ask(&server, &format!("GET {path} HTTP/1.1\r\n\r\n")).await;
        serde_json::from_slice::<Value>(&reply.body()).expect("JSON")
    };
    assert_eq!(get("/v1/models").await.pointer("/data/0/id"), Some(&json!("sim-8b")));
    assert!(
        get("/version").await["version"]
            .as_str()
            .expect("a version")
            .starts_with("goodput-gate-sim")
    );
}

#[tokio::test]
async fn the_truth_is_what_a_client_reads() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("truth.jsonl");
    let (log, file) = TruthLog::create(&path).expect("a log");
    let server = start(Knobs { tokens_per_event: 2, split_writes: 2, ..knobs() }, Some(log)).await;
    let before = crate::clock::monotonic_ns();
    let replies = tokio::join!(
        ask_named(&server, "a", 9),
        ask_named(&server, "b", 4),
        ask_named(&server, "c", 1),
    );
    server.stop().await;
    file.finish().expect("written");
    let lines = std::fs::read_to_string(&path).expect("the log");
    assert_eq!(lines.lines().count(), 3);
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let reply = match line["id"].as_str().expect("an id") {
            "a" => &replies.0,
            "b" => &replies.1,
            _ => &replies.2,
        };
        let outputs =
            events(reply).iter().filter(|e| !text(&[(*e).clone()], "content").is_empty()).count();
        let instants: Vec<u64> =
            serde_json::from_value(line["writes_ns"].clone()).expect("instants");
        let tokens: Vec<u64> = serde_json::from_value(line["tokens"].clone()).expect("tokens");
        assert_eq!((instants.len(), tokens.len()), (outputs, outputs));
        let usage = events(reply)
            .iter()
            .find_map(|e| e.pointer("/usage/completion_tokens").and_then(Value::as_u64));
        assert_eq!(Some(tokens.iter().sum()), usage);
        let received = line["received_ns"].as_u64().expect("an instant");
        assert!(before <= received && received <= instants[0] && instants.is_sorted());
    }
}

async fn ask_named(server: &Running, id: &str, tokens: u32) -> Reply {
    ask(server, &chat(tokens).replacen("\r\n", &format!("\r\nX-Request-Id: {id}\r\n"), 1)).await
}

#[tokio::test]
async fn a_replay_sends_its_file_event_by_event() {
    let file = concat!(
        "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"b\"}}]}\n\n",
        "data: [DONE]\n\n",
    );
    for (interval, writes) in [(0, 1), (1, 2)] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("truth.jsonl");
        let (log, truth) = TruthLog::create(&path).expect("a log");
        let replay = Replay::new(file.as_bytes(), std::time::Duration::from_millis(interval))
            .expect("a replay");
        let server = client::start_with(knobs(), Some(replay), Some(log)).await;
        let answer = ask(&server, &chat(1)).await;
        assert!(answer.complete);
        assert_eq!(
            (answer.chunks.len(), String::from_utf8_lossy(&answer.chunks.concat())),
            (4, file.into())
        );
        server.stop().await;
        truth.finish().expect("written");
        let line: Value =
            serde_json::from_str(&std::fs::read_to_string(&path).expect("the log")).expect("JSON");
        assert_eq!(line["writes_ns"].as_array().map(Vec::len), Some(writes));
        assert_eq!(
            line["tokens"]
                .as_array()
                .expect("tokens")
                .iter()
                .filter_map(Value::as_u64)
                .sum::<u64>(),
            2
        );
    }
    assert!(Replay::new(b"\n\n", std::time::Duration::ZERO).is_err());
}
