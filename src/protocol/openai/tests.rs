//! Tests of the events of the `OpenAI` protocols: the quirks of servers, and the scan against the
//! parse.

use super::*;
use crate::protocol::event::{DeltaKind, Usage};

mod cheaply;

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
