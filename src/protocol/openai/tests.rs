//! Tests of the events of the `OpenAI` protocols: the quirks of servers, and the scan against the
//! parse.

use proptest::prelude::*;

use super::*;
use crate::protocol::event::{DeltaKind, Usage};
use crate::protocol::shape::Shape;

const CHAT: OpenAi = OpenAi::CHAT;
const COMPLETIONS: OpenAi = OpenAi::COMPLETIONS;

fn delta(dialect: OpenAi, payload: &str) -> Delta {
    match dialect.event(payload.as_bytes()) {
        Event::Delta(delta) => delta,
        other => panic!("{payload} is {other:?}"),
    }
}

fn chat(delta_json: &str) -> Delta {
    delta(
        CHAT,
        &format!(
            r#"{{"id":"x","choices":[{{"index":0,"delta":{delta_json},"finish_reason":null}}]}}"#
        ),
    )
}

const NOTHING: Delta = Delta {
    answer: false,
    reasoning: false,
    kind: DeltaKind::New,
    finish_reason: None,
    usage: None,
    uncounted: false,
};
const ANSWER: Delta = Delta { answer: true, ..NOTHING };
const CALL: Delta = Delta { kind: DeltaKind::Call, ..ANSWER };
const REASONING: Delta = Delta { reasoning: true, ..NOTHING };

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
    assert_eq!(
        chat(
            r#"{"tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"f","arguments":""}}]}"#
        ),
        CALL
    );
    assert_eq!(
        chat(r#"{"content":null,"tool_calls":[{"index":0,"function":{"arguments":"{\"a\""}}]}"#),
        CALL
    );
    assert_eq!(chat(r#"{"tool_calls":[{"function":{"name":null,"arguments":{"a":1}}}]}"#), CALL);
    assert_eq!(chat(r#"{"function_call":{"name":"f"}}"#), CALL);
}

#[test]
fn completions_have_text() {
    assert_eq!(
        delta(
            COMPLETIONS,
            r#"{"choices":[{"index":0,"text":" a","logprobs":null,"finish_reason":null}]}"#
        ),
        ANSWER
    );
    assert_eq!(delta(COMPLETIONS, r#"{"choices": [{"text": ""}]}"#), Delta::default());
    assert_eq!(
        delta(COMPLETIONS, r#"{"choices":[{"text":"a","finish_reason":"length"}]}"#),
        Delta { finish_reason: Some("length".into()), ..ANSWER }
    );
}

#[test]
fn usage_is_taken_wherever_it_stands() {
    let counts = r#""usage":{"prompt_tokens":38,"completion_tokens":12,"total_tokens":50,"prompt_tokens_details":{"cached_tokens":37}}"#;
    let usage = Usage {
        prompt_tokens: Some(38),
        completion_tokens: Some(12),
        total_tokens: Some(50),
        cached_tokens: Some(37),
        reasoning_tokens: None,
    };
    assert_eq!(delta(CHAT, &format!(r#"{{"choices":[],{counts}}}"#)).usage, Some(usage));
    let beside = delta(
        CHAT,
        &format!(
            r#"{{"choices":[{{"delta":{{"content":"X"}},"finish_reason":"stop"}}],{counts}}}"#
        ),
    );
    assert_eq!(beside, Delta { finish_reason: Some("stop".into()), usage: Some(usage), ..ANSWER });
    assert_eq!(delta(CHAT, r#"{"choices":[{"delta":{"content":"X"}}],"usage":null}"#), ANSWER);
}

#[test]
fn counts_that_are_no_counts_are_absent() {
    let usage = |json: &str| {
        delta(CHAT, &format!(r#"{{"choices":[],"usage":{json}}}"#)).usage.expect("usage is there")
    };
    assert_eq!(usage(r#"{"prompt_tokens":null,"completion_tokens":-1}"#), Usage::default());
    assert_eq!(usage(r#"{"prompt_tokens":1e12,"completion_tokens":1.5}"#), Usage::default());
    assert_eq!(usage(r#"{"completion_tokens":12.0}"#).completion_tokens, Some(12));
    assert_eq!(
        usage(r#"{"reasoning_tokens":3,"completion_tokens_details":null}"#).reasoning_tokens,
        Some(3)
    );
}

#[test]
fn later_usage_replaces_what_it_gives() {
    let early = Usage { prompt_tokens: Some(5), completion_tokens: Some(1), ..Usage::default() };
    let late = Usage { completion_tokens: Some(2), ..Usage::default() };
    assert_eq!(
        early.updated(late),
        Usage { prompt_tokens: Some(5), completion_tokens: Some(2), ..Usage::default() }
    );
}

#[test]
fn errors_inside_a_stream_are_errors() {
    for (payload, expected) in [
        (r#"{"error":{"message":"boom","code":500}}"#, "boom"),
        (r#"{"error":"boom"}"#, "boom"),
        (r#"{"object":"error","message":"boom","code":400}"#, "boom"),
        (r#"{"choices":[{"delta":{"content":"X"}}],"error":{"message":"boom"}}"#, "boom"),
    ] {
        assert_eq!(CHAT.event(payload.as_bytes()), Event::Error(expected.into()), "{payload}");
    }
    assert_eq!(delta(CHAT, r#"{"choices":[{"delta":{"content":"X"}}],"error":null}"#), ANSWER);
}

#[test]
fn end_mark_keep_alive_and_garbage() {
    assert_eq!(CHAT.event(b"[DONE]"), Event::Done(Delta::default()));
    assert_eq!(CHAT.event(b" [DONE] "), Event::Done(Delta::default()));
    assert_eq!(CHAT.event(b""), Event::Delta(Delta::default()));
    for garbage in [
        "hello",
        r#"{"choices":[{"delta":{"content":"X"#,
        r#"{"choices":3}"#,
        "[]",
        "{\"choices\":[]}{}",
    ] {
        assert!(matches!(CHAT.event(garbage.as_bytes()), Event::Malformed(_)), "{garbage}");
    }
}

#[test]
fn an_empty_finish_reason_is_none() {
    assert_eq!(
        delta(CHAT, r#"{"choices":[{"delta":{"content":"X"},"finish_reason":""}]}"#),
        ANSWER
    );
}

#[test]
fn whole_answers_are_read() {
    let body = r#"{"choices":[{"message":{"role":"assistant","content":"hi","reasoning":null},"finish_reason":"length"}],
        "usage":{"prompt_tokens":3,"completion_tokens":1}}"#;
    let Event::Delta(got) = CHAT.answer(body.as_bytes()) else { panic!("an answer") };
    assert!(got.answer && !got.reasoning);
    assert_eq!(got.finish_reason.as_deref(), Some("length"));
    assert_eq!(got.usage.and_then(|u| u.completion_tokens), Some(1));
    assert!(matches!(CHAT.answer(b"[DONE]"), Event::Malformed(_)));
}

#[test]
fn parts_of_content_are_what_they_say_they_are() {
    for (content, expected) in [
        (r#"[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]}]"#, REASONING),
        (r#"[{"type":"thinking","thinking":"hm","signature":"x"}]"#, REASONING),
        (r#"[{"type":"reasoning","summary":[{"type":"summary_text","text":"hm"}]}]"#, REASONING),
        (r#"[{"type":"output_text","text":"X","annotations":["a"]}]"#, ANSWER),
        (r#"[{"type":"image_url","image_url":{"url":"data:x"}}]"#, ANSWER),
        (r#"[{"type":"thinking","thinking":[]}]"#, NOTHING),
        (r#"[{"type":"thinking","thinking":[{"type":"text","text":""}],"closed":true}]"#, NOTHING),
        (r#"[{"type":"thinking","thinking":"","signature":"abc"}]"#, NOTHING),
        (r#"[{"type":"reasoning.encrypted","data":"abc"}]"#, NOTHING),
        (r#"[{"type":"text"},{"index":3,"id":"x"}]"#, NOTHING),
        ("[]", NOTHING),
    ] {
        assert_eq!(chat(&format!(r#"{{"content":{content}}}"#)), expected, "{content}");
    }
    assert_eq!(
        chat(r#"{"content":"","reasoning_details":[{"type":"reasoning.text","text":"hm"}]}"#),
        REASONING
    );
    assert_eq!(
        chat(
            r#"{"content":"","reasoning_details":[{"type":"reasoning.text","text":"","index":0}]}"#
        ),
        NOTHING
    );
}

#[test]
fn a_message_beside_a_delta_is_no_output_of_its_own() {
    let both = |delta: &str| {
        delta_of(&format!(
            r#"{{"choices":[{{"delta":{delta},"message":{{"content":"one two"}}}}]}}"#
        ))
    };
    assert_eq!(both(r#"{"content":" two"}"#), ANSWER);
    assert_eq!(both(r#"{"content":""}"#), Delta { kind: DeltaKind::Whole, ..ANSWER });
    assert_eq!(both("null"), Delta { kind: DeltaKind::Whole, ..ANSWER });
    assert_eq!(
        delta_of(r#"{"choices":[{"delta":{"content":""},"message":{"content":""}}]}"#),
        NOTHING
    );
}

fn delta_of(payload: &str) -> Delta {
    delta(CHAT, payload)
}

#[test]
fn a_refusal_is_no_output() {
    assert_eq!(
        chat(r#"{"content":null,"refusal":"I cannot"}"#),
        Delta { kind: DeltaKind::Refusal, ..NOTHING }
    );
    assert_eq!(chat(r#"{"content":"X","refusal":""}"#), ANSWER);
}

#[test]
fn errors_have_many_spellings_where_there_is_no_choice() {
    for payload in [
        r#"{"type":"error","message":"boom"}"#,
        r#"{"error_code":336100,"error_msg":"boom"}"#,
        r#"{"errors":[{"message":"boom"}]}"#,
        r#"{"detail":"boom"}"#,
        r#"{"message":"boom"}"#,
        r#"{"status":"failed","msg":"boom"}"#,
        r#"{"choices":[{"delta":{"content":""},"finish_reason":"error","error":{"code":502,"message":"boom"}}]}"#,
    ] {
        assert_eq!(CHAT.event(payload.as_bytes()), Event::Error("boom".into()), "{payload}");
    }
    for nothing in [
        r#"{"type":"ping"}"#,
        "{}",
        r#"{"choices":[],"prompt_filter_results":[]}"#,
        r#"{"id":"x","errors":[],"error":null}"#,
    ] {
        assert_eq!(delta(CHAT, nothing), NOTHING, "{nothing}");
    }
}

#[test]
fn counts_that_are_no_counts_harm_no_event() {
    for usage in [
        r#""12""#,
        "true",
        "5",
        "[1]",
        r#"{"completion_tokens":"12"}"#,
        r#"{"completion_tokens":true}"#,
        r#"{"completion_tokens":1e999}"#,
        r#"{"completion_tokens_details":7}"#,
    ] {
        let got = delta(
            CHAT,
            &format!(r#"{{"choices":[{{"delta":{{"content":"X"}}}}],"usage":{usage}}}"#),
        );
        assert_eq!(
            (got.answer, got.usage.unwrap_or_default()),
            (true, Usage::default()),
            "{usage}"
        );
    }
}

/// Reads the second event after the first; whether that was cheap.
fn in_turn(dialect: OpenAi, first: &str, second: &str) -> (Event, bool) {
    let mut shape = Shape::default();
    shape.read(first.as_bytes(), &dialect);
    let cheap = shape.cheaply(second.as_bytes()).is_some();
    (shape.read(second.as_bytes(), &dialect), cheap)
}

#[test]
fn plain_events_of_real_servers_are_parsed_once() {
    for payload in [
        r#"{"choices":[{"finish_reason":null,"index":0,"delta":{"content":"@the"}}],"created":1,"id":"c","model":"m","object":"chat.completion.chunk"}"#,
        r#"{"id":"c","choices":[{"index":0,"delta":{"content":"@the"},"logprobs":null,"finish_reason":null,"token_ids":null}]}"#,
        r#"{"id":"c","choices":[{"index":0,"delta":{"reasoning_content":null,"content":"@the"},"logprobs":null,"finish_reason":null}]}"#,
        r#"{"id": "c", "choices": [{"index": 0, "delta": {"content": "@the"}, "finish_reason": null}], "usage": null}"#,
        r#"{"id":"c","choices":[{"index":0,"delta":{"reasoning_content":"@the"}}]}"#,
        r#"{"id":"c","choices":[{"index":0,"delta":{"content":[{"type":"text","text":"@the"}]}}]}"#,
    ] {
        for text in [r"\n", "é🦊", "\\\"", "}", ""] {
            let second = payload.replace("@the", text);
            let (read, cheap) = in_turn(CHAT, payload, &second);
            assert_eq!((read, cheap), (CHAT.event(second.as_bytes()), true), "{second}");
        }
    }
    let text = r#"{"id":"c","choices":[{"index":0,"text":"@the","logprobs":null,"finish_reason":null}],"usage":null}"#;
    assert_eq!(
        in_turn(COMPLETIONS, text, &text.replace("@the", "x")),
        (Event::Delta(ANSWER), true)
    );
}

#[test]
fn what_only_looks_like_an_event_of_the_same_shape_is_parsed() {
    let first = r#"{"choices":[{"delta":{"content":"the"}}]}"#;
    for second in [
        r#"{"choices":[{"delta":{"content":"the"}}"#,
        r#"{"choices":[{"delta":{"content":"the"}}]"#,
        r#"{"choices":[{"delta":{"content":"a"b"}}]}"#,
        r#"{"choices":[{"delta":{"content":"a\"}}]}"#,
        r#"{"choices":[{"delta":{"content":"a\x"}}]}"#,
        r#"{"choices":[{"delta":{"content":"\ud83d"}}]}"#,
        "{\"choices\":[{\"delta\":{\"content\":\"a\tb\"}}]}",
        r#"{"choices":[{"delta":{"content":"a","refusal":"no"}}]}"#,
        r#"{"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}"#,
        r#"{"choices":[{"delta":{"content":"a","content":"b"}}]}"#,
    ] {
        let (read, cheap) = in_turn(CHAT, first, second);
        assert_eq!((read, cheap), (CHAT.event(second.as_bytes()), false), "{second}");
    }
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
    prop::collection::vec(prop::sample::select(tricky.to_vec()), 0..4)
        .prop_map(|parts| parts.concat())
}

fn text_value() -> impl Strategy<Value = Value> {
    prop_oneof![1 => Just(Value::Null), 4 => text().prop_map(Value::from)]
}

fn choice() -> impl Strategy<Value = Value> {
    let names = [
        "content",
        "reasoning_content",
        "reasoning",
        "role",
        "refusal",
        "tool_calls",
        "function_call",
        "delta",
        "text",
    ];
    let field =
        (prop::sample::select(names.to_vec()), text_value()).prop_map(|(name, text)| {
            match (name, &text) {
                ("tool_calls", Value::String(arguments)) => {
                    (name, json!([{"function": {"arguments": arguments}}]))
                }
                ("function_call", Value::String(called)) => (name, json!({"name": called})),
                _ => (name, text),
            }
        });
    let finish = prop_oneof![3 => Just(Value::Null), 1 => Just(json!("stop")), 1 => Just(json!("")), 1 => text_value()];
    (prop::collection::vec(field, 0..4), text_value(), prop::option::of(finish), any::<bool>())
        .prop_map(|(fields, text, finish, first)| {
            let mut out = Map::new();
            if let (true, Some(finish)) = (first, &finish) {
                out.insert("finish_reason".into(), finish.clone());
            }
            out.insert(
                "delta".into(),
                fields.into_iter().map(|(k, v)| (k.to_owned(), v)).collect(),
            );
            out.insert("text".into(), text);
            out.insert("logprobs".into(), json!({"content": [{"token": "X"}]}));
            if let (false, Some(finish)) = (first, finish) {
                out.insert("finish_reason".into(), finish);
            }
            Value::Object(out)
        })
}

fn payload() -> impl Strategy<Value = String> {
    let usage = prop_oneof![2 => Just(Value::Null), 1 => Just(json!({"prompt_tokens": 1, "completion_tokens": 2}))];
    let error = prop_oneof![1 => Just(Value::Null), 1 => text_value()];
    let extras = (text(), prop::option::weighted(0.4, usage), prop::option::weighted(0.2, error));
    (prop::collection::vec(choice(), 0..3), extras, any::<bool>()).prop_map(
        |(choices, (model, usage, error), pretty)| {
            let mut out = json!({"id": "x", "model": model, "choices": choices});
            for (name, value) in [("usage", usage), ("error", error)] {
                if let Some(value) = value {
                    out[name] = value;
                }
            }
            if pretty {
                serde_json::to_string_pretty(&out).expect("it is JSON")
            } else {
                out.to_string()
            }
        },
    )
}

/// What an event is damaged with.
fn changed() -> impl Strategy<Value = &'static str> {
    let all = [
        "",
        "a",
        "é",
        "\\",
        "\"",
        "\\u00e9",
        "\\ud83d",
        "\n",
        "{",
        "}",
        "]",
        ",",
        ":",
        "null",
        "\"delta\":",
        "\"content\":\"X\"",
        "stop",
        "1e999",
    ];
    prop::sample::select(all.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// The cheap way and the parse, over events that are alike but for some damage.
    #[test]
    fn the_cheap_way_says_what_the_parse_says(
        payload in payload(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), changed()), 0..8),
        chat in any::<bool>(),
    ) {
        let dialect = if chat { CHAT } else { COMPLETIONS };
        let mut shape = Shape::default();
        prop_assert_eq!(shape.read(payload.as_bytes(), &dialect), dialect.event(payload.as_bytes()));
        for (from, to, text) in changes {
            let mut bytes = payload.as_bytes().to_vec();
            let from = from.index(bytes.len());
            let to = (from + to.index(5)).min(bytes.len());
            bytes.splice(from..to, text.bytes());
            prop_assert_eq!(shape.read(&bytes, &dialect), dialect.event(&bytes), "{}", String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..60), cut in any::<prop::sample::Index>()) {
        let whole = br#"{"choices":[{"delta":{"role":"a\"\\","content":"X"},"finish_reason" : null}],"usage": null}"#;
        for dialect in [CHAT, COMPLETIONS] {
            let mut shape = Shape::default();
            for payload in [&bytes[..], whole, &whole[..cut.index(whole.len())]] {
                prop_assert_eq!(shape.read(payload, &dialect), dialect.event(payload));
            }
        }
    }
}
