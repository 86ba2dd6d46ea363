//! Tests of Ollama's lines and bodies; whole responses are in `receiver::native`.

use serde_json::json;

use super::*;

fn spec() -> BodySpec<'static> {
    let extras =
        Extras { ignore_eos: true, min_tokens: true, stream_usage: true, ..Extras::default() };
    BodySpec {
        model: "m:1b",
        history: &[],
        prompt: "hi",
        output_tokens: 7,
        stream: true,
        temperature: 0.0,
        extras,
        extra_body: None,
    }
}

fn sent(form: Form, settings: &Ollama) -> Value {
    Value::Object(Native { form, settings: Arc::new(settings.clone()) }.fields(&spec()))
}

#[test]
fn a_request_says_its_length_in_options_and_nothing_that_ollama_does_not_know() {
    let chat = sent(Form::Chat, &Ollama::default());
    let options = json!({"num_predict": 7, "temperature": 0.0});
    let messages = json!([{"role": "user", "content": "hi"}]);
    assert_eq!(
        chat,
        json!({"model": "m:1b", "messages": messages, "stream": true, "options": options})
    );
    let generate = sent(Form::Generate, &Ollama::default());
    assert_eq!(
        generate,
        json!({"model": "m:1b", "prompt": "hi", "stream": true, "options": options})
    );
}

#[test]
fn settings_are_sent_where_they_are_said() {
    let options = json!({"num_ctx": 8192}).as_object().cloned().expect("an object");
    let settings = Ollama { think: Some(false), keep_alive: Some("30m".into()), options };
    let body = sent(Form::Chat, &settings);
    assert_eq!(
        (&body["think"], &body["keep_alive"], &body["options"]["num_ctx"]),
        (&json!(false), &json!("30m"), &json!(8192))
    );
    assert_eq!(body["options"]["num_predict"], 7);
}

#[test]
fn output_of_any_kind_is_told_apart() {
    let delta = |json: &str| match event(json.as_bytes()) {
        Event::Delta(delta) => delta,
        other => panic!("{json} is {other:?}"),
    };
    let kinds = |json: &str| (delta(json).answer, delta(json).reasoning);
    assert_eq!(kinds(r#"{"message":{"content":"x"},"done":false}"#), (true, false));
    assert_eq!(kinds(r#"{"message":{"content":"","thinking":"hm"},"done":false}"#), (false, true));
    assert_eq!(
        kinds(
            r#"{"message":{"content":"","tool_calls":[{"function":{"name":"f"}}]},"done":false}"#
        ),
        (true, false)
    );
    assert_eq!(kinds(r#"{"response":"x","done":false}"#), (true, false));
    assert_eq!(kinds(r#"{"response":"","thinking":"hm","done":false}"#), (false, true));
    assert_eq!(kinds(r#"{"message":{"content":""},"done":false}"#), (false, false));
}

#[test]
fn the_last_line_brings_what_it_has_and_nothing_else() {
    let counted = event(br#"{"response":"y","done":true,"done_reason":"length","prompt_eval_count":3,"eval_count":2}"#);
    let usage = Usage { prompt_tokens: Some(3), completion_tokens: Some(2), ..Usage::default() };
    let finish_reason = Some("length".to_owned());
    assert_eq!(
        counted,
        Event::Done(Delta { answer: true, finish_reason, usage: Some(usage), ..Delta::default() })
    );
    // A prompt that Ollama had cached may lack its count: absent, not 0.
    let cached = event(br#"{"response":"","done":true,"eval_count":2}"#);
    let Event::Done(Delta { usage: Some(usage), finish_reason: None, .. }) = cached else {
        panic!("{cached:?}")
    };
    assert_eq!((usage.prompt_tokens, usage.completion_tokens), (None, Some(2)));
    assert_eq!(event(br#"{"response":"","done":true}"#), Event::Done(Delta::default()));
}

#[test]
fn errors_and_other_things_are_no_output() {
    assert_eq!(
        event(br#"{"error":"model runner has stopped"}"#),
        Event::Error("model runner has stopped".into())
    );
    assert!(matches!(event(b"{\"response\":"), Event::Malformed(_)));
    assert!(matches!(event(b"data: {}"), Event::Malformed(_)));
}
