//! One protocol more is one file and one line: here both are, for a protocol that nobody speaks,
//! and the receiver reads it whole, in pieces and cut.
//!
//! It differs from all real ones where it can: another path, another end, numbers as counts of each
//! event, answers without a stream.

use serde_json::{Map, Value, json};

use super::tests::read_in;
use super::*;
use crate::protocol::count::from_json;
use crate::protocol::dialect::*;
use crate::protocol::event::{Delta, Event, Usage};
use crate::protocol::text::{output, prompt};
use crate::protocol::{body, conflict};
use crate::timeline::Outcome::{Completed, Malformed, Truncated};

// The line.
dialects! {
    "parrot" = Parrot(Parrot) by Parrot::new;
}

// The file.
#[derive(Clone, Debug, PartialEq)]
pub struct Parrot;

impl Parrot {
    const fn new(_: &Settings) -> Self {
        Self
    }
}

impl Dialect for Parrot {
    fn path(&self, model: &str, stream: bool) -> String {
        format!("/{model}/{}", if stream { "talk" } else { "say" })
    }

    fn fields(&self, spec: &BodySpec<'_>) -> Map<String, Value> {
        Map::from_iter([
            ("hear".into(), json!(spec.text())),
            ("words".into(), json!(spec.output_tokens)),
        ])
    }

    fn own_fields(&self) -> Vec<OwnField> {
        OwnField::table(&[("hear", "write `prompts` in the workload")])
    }

    fn extras(&self, _ignore_eos: bool, _stream: bool) -> Extras {
        Extras::default()
    }

    /// `{"squawk": TEXT, "n": TOKENS}`; the last event is `{"bye": REASON}`.
    fn event(&self, payload: &[u8]) -> Event {
        let Ok(fields) = from_json::<Map<String, Value>>(payload) else {
            return Event::Malformed("no parrot".into());
        };
        if let Some(reason) = fields.get("bye") {
            return Event::Done(Delta {
                finish_reason: reason.as_str().map(str::to_owned),
                ..Delta::default()
            });
        }
        let tokens = fields.get("n").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
        let usage = tokens.map(|n| Usage { completion_tokens: Some(n), ..Usage::default() });
        let answer =
            fields.get("squawk").and_then(Value::as_str).is_some_and(|text| !text.is_empty());
        Event::Delta(Delta { answer, usage, ..Delta::default() })
    }

    fn text_names(&self) -> Vec<&str> {
        vec!["squawk"]
    }

    fn ended(&self, seen: StreamEnd) -> bool {
        seen.mark
    }

    fn end_words(&self) -> &'static str {
        "a goodbye"
    }

    fn add_usage(&self, so_far: Usage, new: Usage) -> Usage {
        so_far.plus(new)
    }

    fn output_text(&self, payload: &Value) -> Option<String> {
        payload["squawk"].as_str().map(str::to_owned)
    }

    fn prompt_text(&self, body: &Value) -> Option<String> {
        body["hear"].as_str().map(str::to_owned)
    }
}

fn parrot() -> Protocol {
    Protocol::new(ProtocolName::ALL[0], &Settings::default())
}

/// The same however it is cut into reads.
fn read(stream: bool, body: &str) -> Answer {
    let bytes = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let (whole, step) = read_in(&parrot(), stream, bytes.as_bytes(), bytes.len());
    for size in 1..20 {
        assert_eq!(
            read_in(&parrot(), stream, bytes.as_bytes(), size),
            (whole.clone(), step),
            "reads of {size}"
        );
    }
    whole
}

const TALK: &str =
    "event: token\ndata: {\"squawk\":\"hi\",\"n\":2}\n\ndata: {\"squawk\":\"ho\",\"n\":1}\n\n";
const BYE: &str = "data: {\"bye\":\"tired\"}\n\n";

#[test]
fn one_protocol_more_is_one_file_and_one_line() {
    let parrot = parrot();
    assert_eq!((ProtocolName::Parrot.name(), parrot.name()), ("parrot", "parrot"));
    assert_eq!(parrot.path("grey", true), "/grey/talk");
    let extra = json!({"loud": true}).as_object().cloned();
    let spec = BodySpec {
        model: "grey",
        history: &[],
        prompt: "hello",
        output_tokens: 3,
        stream: true,
        temperature: 0.0,
        extras: parrot.extras(true, true),
        extra_body: extra.as_ref(),
    };
    let sent = body(&parrot, &spec);
    assert_eq!(sent, br#"{"hear":"hello","words":3,"loud":true}"#);
    assert_eq!(prompt(&parrot, &sent).as_deref(), Some("hello"));
    assert!(conflict(&parrot, &Map::from_iter([("hear".into(), Value::Null)])).is_some());

    let answer = read(true, &[TALK, BYE].concat());
    assert_eq!(
        (answer.outcome, answer.outputs.len(), answer.usage.completion_tokens),
        (Completed, 2, Some(3))
    );
    assert_eq!(answer.finish_reason.as_deref(), Some("tired"));
    let open = read(true, TALK);
    assert_eq!(
        (open.outcome, open.error.as_deref()),
        (Truncated, Some("stream ended without a goodbye"))
    );
    assert_eq!(read(true, &["data: squawk\n\n", BYE].concat()).outcome, Malformed);
}

#[test]
fn a_protocol_without_a_stream_is_read_whole() {
    let answer = read(false, r#"{"squawk":"hi ho","n":3}"#);
    assert_eq!(
        (answer.outcome, answer.outputs.len(), answer.usage.completion_tokens),
        (Completed, 1, Some(3))
    );
    assert_eq!(output(&parrot(), br#"{"squawk":"hi ho"}"#).as_deref(), Some("hi ho"));
    assert_eq!(parrot().refusal(br#"{"error":"asleep"}"#).as_deref(), Some("asleep"));
}
