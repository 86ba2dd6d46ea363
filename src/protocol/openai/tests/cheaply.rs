//! The scan of events that are alike, against the parse of each.

use proptest::prelude::*;

use super::*;
use crate::protocol::shape::Shape;

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
