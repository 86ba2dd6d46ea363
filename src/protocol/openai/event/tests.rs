//! Tests of the events of the `OpenAI` protocols: the quirks of servers, and the scan against the parse.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::protocol::event::Usage;

const CHAT: Form = Form::Chat;
const COMPLETIONS: Form = Form::Completions;

fn delta(form: Form, payload: &str) -> Delta {
    match event(form, payload.as_bytes()) {
        Event::Delta(delta) => delta,
        other => panic!("{payload} is {other:?}"),
    }
}

fn chat(delta_json: &str) -> Delta {
    delta(CHAT, &format!(r#"{{"id":"x","choices":[{{"index":0,"delta":{delta_json},"finish_reason":null}}]}}"#))
}

const ANSWER: Delta = Delta { answer: true, reasoning: false, finish_reason: None, usage: None };
const REASONING: Delta = Delta { answer: false, reasoning: true, finish_reason: None, usage: None };

#[test]
fn content_is_output_and_roles_and_empty_strings_are_not() {
    assert_eq!(chat(r#"{"content":"X"}"#), ANSWER);
    assert_eq!(chat(r#"{"role":"assistant","content":"Thi"}"#), ANSWER);
    assert_eq!(chat(r#"{"reasoning_content":null,"content":"\n"}"#), ANSWER);
    assert_eq!(chat(r#"{"content":[{"type":"text","text":"X"}]}"#), ANSWER);
    for nothing in [
        "{}",
        "null",
        r#"{"role":"assistant"}"#,
        r#"{"role":"assistant","content":null}"#,
        r#"{"role":"assistant","content":""}"#,
        r#"{"content":""}"#,
        r#"{"content":[{"type":"text","text":""}]}"#,
        r#"{"content":"","reasoning_content":"","reasoning":null,"tool_calls":null}"#,
        r#"{"tool_calls":[]}"#,
        r#"{"tool_calls":[{"index":0,"function":{"arguments":""}}]}"#,
    ] {
        assert_eq!(chat(nothing), Delta::default(), "{nothing}");
    }
}

#[test]
fn reasoning_is_output_under_both_names() {
    assert_eq!(chat(r#"{"reasoning_content":"hm"}"#), REASONING);
    assert_eq!(chat(r#"{"content":null,"reasoning":"hm"}"#), REASONING);
    assert_eq!(chat(r#"{"reasoning":"hm","content":"X"}"#), Delta { reasoning: true, ..ANSWER });
}

#[test]
fn tool_calls_are_output() {
    assert_eq!(chat(r#"{"tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"f","arguments":""}}]}"#), ANSWER);
    assert_eq!(chat(r#"{"content":null,"tool_calls":[{"index":0,"function":{"arguments":"{\"a\""}}]}"#), ANSWER);
    assert_eq!(chat(r#"{"tool_calls":[{"function":{"name":null,"arguments":{"a":1}}}]}"#), ANSWER);
    assert_eq!(chat(r#"{"function_call":{"name":"f"}}"#), ANSWER);
}

#[test]
fn completions_have_text() {
    assert_eq!(delta(COMPLETIONS, r#"{"choices":[{"index":0,"text":" a","logprobs":null,"finish_reason":null}]}"#), ANSWER);
    assert_eq!(delta(COMPLETIONS, r#"{"choices": [{"text": ""}]}"#), Delta::default());
    assert_eq!(
        delta(COMPLETIONS, r#"{"choices":[{"text":"a","finish_reason":"length"}]}"#),
        Delta { finish_reason: Some("length".into()), ..ANSWER }
    );
}

#[test]
fn usage_is_taken_wherever_it_stands() {
    let counts =
        r#""usage":{"prompt_tokens":38,"completion_tokens":12,"total_tokens":50,"prompt_tokens_details":{"cached_tokens":37}}"#;
    let usage = Usage { prompt_tokens: Some(38), completion_tokens: Some(12), cached_tokens: Some(37), reasoning_tokens: None };
    assert_eq!(delta(CHAT, &format!(r#"{{"choices":[],{counts}}}"#)).usage, Some(usage));
    let beside = delta(CHAT, &format!(r#"{{"choices":[{{"delta":{{"content":"X"}},"finish_reason":"stop"}}],{counts}}}"#));
    assert_eq!(beside, Delta { finish_reason: Some("stop".into()), usage: Some(usage), ..ANSWER });
    assert_eq!(delta(CHAT, r#"{"choices":[{"delta":{"content":"X"}}],"usage":null}"#), ANSWER);
}

#[test]
fn counts_that_are_no_counts_are_absent() {
    let usage = |json: &str| delta(CHAT, &format!(r#"{{"choices":[],"usage":{json}}}"#)).usage.expect("usage is there");
    assert_eq!(usage(r#"{"prompt_tokens":null,"completion_tokens":-1}"#), Usage::default());
    assert_eq!(usage(r#"{"prompt_tokens":1e12,"completion_tokens":1.5}"#), Usage::default());
    assert_eq!(usage(r#"{"completion_tokens":12.0}"#).completion_tokens, Some(12));
    assert_eq!(usage(r#"{"reasoning_tokens":3,"completion_tokens_details":null}"#).reasoning_tokens, Some(3));
}

#[test]
fn later_usage_replaces_what_it_gives() {
    let early = Usage { prompt_tokens: Some(5), completion_tokens: Some(1), ..Usage::default() };
    let late = Usage { completion_tokens: Some(2), ..Usage::default() };
    assert_eq!(early.updated(late), Usage { prompt_tokens: Some(5), completion_tokens: Some(2), ..Usage::default() });
}

#[test]
fn errors_inside_a_stream_are_errors() {
    for (payload, expected) in [
        (r#"{"error":{"message":"boom","code":500}}"#, "boom"),
        (r#"{"error":"boom"}"#, "boom"),
        (r#"{"object":"error","message":"boom","code":400}"#, "boom"),
        (r#"{"choices":[{"delta":{"content":"X"}}],"error":{"message":"boom"}}"#, "boom"),
    ] {
        assert_eq!(event(CHAT, payload.as_bytes()), Event::Error(expected.into()), "{payload}");
    }
    assert_eq!(delta(CHAT, r#"{"choices":[{"delta":{"content":"X"}}],"error":null}"#), ANSWER);
}

#[test]
fn end_mark_keep_alive_and_garbage() {
    assert_eq!(event(CHAT, b"[DONE]"), Event::Done(Delta::default()));
    assert_eq!(event(CHAT, b" [DONE] "), Event::Done(Delta::default()));
    assert_eq!(event(CHAT, b""), Event::Delta(Delta::default()));
    for garbage in ["hello", r#"{"choices":[{"delta":{"content":"X"#, r#"{"choices":3}"#, "[]", "{\"choices\":[]}{}"] {
        assert!(matches!(event(CHAT, garbage.as_bytes()), Event::Malformed(_)), "{garbage}");
    }
}

#[test]
fn an_empty_finish_reason_is_none() {
    assert_eq!(delta(CHAT, r#"{"choices":[{"delta":{"content":"X"},"finish_reason":""}]}"#), ANSWER);
}

#[test]
fn whole_answers_are_read() {
    let body = r#"{"choices":[{"message":{"role":"assistant","content":"hi","reasoning":null},"finish_reason":"length"}],
        "usage":{"prompt_tokens":3,"completion_tokens":1}}"#;
    let Event::Delta(got) = answer(CHAT, body.as_bytes()) else { panic!("an answer") };
    assert!(got.answer && !got.reasoning);
    assert_eq!(got.finish_reason.as_deref(), Some("length"));
    assert_eq!(got.usage.and_then(|u| u.completion_tokens), Some(1));
    assert!(matches!(answer(CHAT, b"[DONE]"), Event::Malformed(_)));
}

#[test]
fn plain_events_of_real_servers_take_the_fast_path() {
    for payload in [
        r#"{"choices":[{"finish_reason":null,"index":0,"delta":{"content":" the"}}],"created":1,"id":"c","model":"m","object":"chat.completion.chunk"}"#,
        r#"{"id":"c","choices":[{"index":0,"delta":{"content":"The"},"logprobs":null,"finish_reason":null,"token_ids":null}]}"#,
        r#"{"id":"c","choices":[{"index":0,"delta":{"reasoning_content":null,"content":" a"},"logprobs":null,"finish_reason":null}]}"#,
        r#"{"id":"c","choices":[{"index":0,"delta":{"content":"\n"}}]}"#,
        r#"{"id": "c", "choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": null}], "usage": null}"#,
        r#"{"id":"c","choices":[{"index":0,"delta":{"reasoning_content":"hm"}}]}"#,
    ] {
        assert!(plain(CHAT, payload.as_bytes()).is_some_and(|d| d.has_output()), "{payload}");
    }
    let text =
        r#"{"id":"c","choices":[{"index":0,"text":"x","logprobs":null,"finish_reason":null,"stop_reason":null}],"usage":null}"#;
    assert_eq!(plain(COMPLETIONS, text.as_bytes()), Some(ANSWER));
}

/// Text that tries to look like structure once it is escaped.
fn text() -> impl Strategy<Value = String> {
    let tricky = [
        "",
        "a",
        " the",
        "\\",
        "\"",
        "\"content\":\"X",
        "\"delta\":{",
        "\"finish_reason\":\"stop\"",
        "\"usage\":{\"a\":1}",
        "\"error\"",
        "delta",
        "error",
        "usage",
        "text",
        "content",
        "finish_reason",
        "\n",
        "é🦊",
        "}",
        "{",
        ":",
        ",",
        "null",
        "\"delta\":{\"content\":\"",
    ];
    prop::collection::vec(prop::sample::select(tricky.to_vec()), 0..4).prop_map(|parts| parts.concat())
}

fn text_value() -> impl Strategy<Value = Value> {
    prop_oneof![1 => Just(Value::Null), 4 => text().prop_map(Value::from)]
}

fn choice() -> impl Strategy<Value = Value> {
    let names = ["content", "reasoning_content", "reasoning", "role", "refusal", "tool_calls", "function_call", "delta", "text"];
    let field = (prop::sample::select(names.to_vec()), text_value()).prop_map(|(name, text)| match (name, &text) {
        ("tool_calls", Value::String(arguments)) => (name, json!([{"function": {"arguments": arguments}}])),
        ("function_call", Value::String(called)) => (name, json!({"name": called})),
        _ => (name, text),
    });
    let finish = prop_oneof![3 => Just(Value::Null), 1 => Just(json!("stop")), 1 => Just(json!("")), 1 => text_value()];
    (prop::collection::vec(field, 0..4), text_value(), prop::option::of(finish), any::<bool>()).prop_map(
        |(fields, text, finish, first)| {
            let mut out = serde_json::Map::new();
            if let (true, Some(finish)) = (first, &finish) {
                out.insert("finish_reason".into(), finish.clone());
            }
            out.insert("delta".into(), fields.into_iter().map(|(k, v)| (k.to_owned(), v)).collect());
            out.insert("text".into(), text);
            out.insert("logprobs".into(), json!({"content": [{"token": "X"}]}));
            if let (false, Some(finish)) = (first, finish) {
                out.insert("finish_reason".into(), finish);
            }
            Value::Object(out)
        },
    )
}

fn payload() -> impl Strategy<Value = String> {
    let usage = prop_oneof![2 => Just(Value::Null), 1 => Just(json!({"prompt_tokens": 1, "completion_tokens": 2}))];
    let error = prop_oneof![1 => Just(Value::Null), 1 => text_value()];
    let extras = (text(), prop::option::weighted(0.4, usage), prop::option::weighted(0.2, error));
    (prop::collection::vec(choice(), 0..3), extras, any::<bool>()).prop_map(|(choices, (model, usage, error), pretty)| {
        let mut out = json!({"id": "x", "model": model, "choices": choices});
        for (name, value) in [("usage", usage), ("error", error)] {
            if let Some(value) = value {
                out[name] = value;
            }
        }
        if pretty { serde_json::to_string_pretty(&out).expect("it is JSON") } else { out.to_string() }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_scan_never_disagrees_with_the_parse(payload in payload(), chat in any::<bool>()) {
        let form = if chat { CHAT } else { COMPLETIONS };
        if let Some(scanned) = plain(form, payload.as_bytes()) {
            prop_assert_eq!(Event::Delta(scanned), parsed(form, payload.as_bytes()), "{}", payload);
        }
    }

    #[test]
    fn the_scan_survives_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..60), cut in any::<prop::sample::Index>()) {
        let _ = event(CHAT, &bytes);
        let whole = br#"{"choices":[{"delta":{"role":"a\"\\","content":"X"},"finish_reason" : null}],"usage": null}"#;
        for form in [CHAT, COMPLETIONS] {
            let _ = event(form, &whole[..cut.index(whole.len())]);
        }
    }
}
