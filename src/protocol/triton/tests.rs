//! Tests of Triton's events and bodies; whole responses are in `receiver::native`.

use serde_json::json;

use super::*;

fn spec() -> BodySpec<'static> {
    let extras =
        Extras { ignore_eos: true, min_tokens: true, stream_usage: true, ..Extras::default() };
    BodySpec {
        model: "ensemble",
        history: &[],
        prompt: "hi",
        output_tokens: 7,
        stream: true,
        temperature: 0.5,
        extras,
        extra_body: None,
    }
}

fn sent(names: &Triton) -> Value {
    Value::Object(Generate(Arc::new(names.clone())).fields(&spec()))
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().expect("an object")
}

#[test]
fn a_request_has_the_models_names_and_no_others() {
    assert_eq!(
        sent(&Triton::default()),
        json!({"text_input": "hi", "max_tokens": 7, "stream": true})
    );
    let own = Triton {
        text_input: "PROMPT".into(),
        max_tokens: "parameters.max_tokens".into(),
        stream: String::new(),
        temperature: "parameters.temperature".into(),
        ignore_eos: "parameters.ignore_eos".into(),
        parameters: object(&json!({"top_k": 1})),
        inputs: object(&json!({"bad_words": ""})),
        ..Triton::default()
    };
    let parameters = json!({"top_k": 1, "max_tokens": 7, "temperature": 0.5, "ignore_eos": true});
    assert_eq!(sent(&own), json!({"bad_words": "", "parameters": parameters, "PROMPT": "hi"}));
}

#[test]
fn the_named_tensor_is_the_output() {
    let names = Triton::default();
    let answer = |json: &str| match event(&names, json.as_bytes()) {
        Event::Delta(delta) => delta.answer,
        other => panic!("{json} is {other:?}"),
    };
    assert!(answer(r#"{"model_name":"m","text_output":" a"}"#));
    assert!(answer(r#"{"text_output":["a"]}"#));
    assert!(!answer(r#"{"text_output":""}"#));
    assert!(!answer(""));
    let Event::Malformed(text) = event(&names, br#"{"model_name":"m","OUT":"a"}"#) else {
        panic!("it is not the output")
    };
    assert_eq!(text, "no output `text_output` among model_name, OUT (target.triton.text_output)");
}

#[test]
fn tokens_are_unknown_unless_they_are_named() {
    let line = br#"{"text_output":"a","num_input_tokens":5,"num_output_tokens":[2]}"#;
    let usage = |names: &Triton, line: &[u8]| match event(names, line) {
        Event::Delta(delta) => Ok(delta.usage.map(|u| (u.prompt_tokens, u.completion_tokens))),
        other => Err(format!("{other:?}")),
    };
    assert_eq!(usage(&Triton::default(), line), Ok(None));
    let named = Triton {
        input_tokens: "num_input_tokens".into(),
        output_tokens: "num_output_tokens".into(),
        ..Triton::default()
    };
    assert_eq!(usage(&named, line), Ok(Some((Some(5), Some(2)))));
    // A part without its count would make the sum too low.
    let error = usage(&named, br#"{"text_output":"a","num_input_tokens":5}"#)
        .expect_err("a count is missing");
    assert!(error.contains("no count `num_output_tokens`"), "{error}");
    assert_eq!(usage(&named, br#"{"text_output":""}"#), Ok(None));
}

#[test]
fn errors_and_other_things_are_no_output() {
    assert_eq!(
        event(&Triton::default(), br#"{"error":"queue is full"}"#),
        Event::Error("queue is full".into())
    );
    assert!(matches!(event(&Triton::default(), b"[DONE]"), Event::Malformed(_)));
}
