//! What the receiver makes of responses that public reports describe (`tests/fixtures/field`), and
//! of their siblings.

use std::fmt::Write as _;

use super::tests::{read_all, read_bytewise};
use super::*;
use crate::protocol::ProtocolName;
use crate::timeline::Outcome::{Completed, Malformed, Truncated};

macro_rules! field {
    ($name:literal) => {
        include_bytes!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/fixtures/field/",
            $name,
            ".http"
        ))
    };
}

mod repeats;

/// The same, whole and byte by byte.
fn read_as(protocol: ProtocolName, bytes: &[u8]) -> Answer {
    let (whole, step) = read_all(&protocol.into(), true, bytes);
    assert_eq!(read_bytewise(&protocol.into(), true, bytes), (whole.clone(), step), "byte by byte");
    whole
}

fn read(bytes: &[u8]) -> Answer {
    read_as(ProtocolName::OpenAiChat, bytes)
}

/// A response of this content type, one chunk.
fn labelled(kind: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    )
    .into_bytes()
}

fn streamed(body: &str) -> Answer {
    read(&labelled("text/event-stream", body))
}

const ONE: &str =
    "data: {\"choices\":[{\"delta\":{\"content\":\" one\"},\"finish_reason\":null}]}\n\n";
const TWO: &str =
    "data: {\"choices\":[{\"delta\":{\"content\":\" two\"},\"finish_reason\":null}]}\n\n";
const STOP: &str = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const DONE: &str = "data: [DONE]\n\n";

fn told(answer: &Answer) -> (Outcome, &str) {
    (answer.outcome.clone(), answer.error.as_deref().unwrap_or_default())
}

#[test]
fn a_failure_beside_the_events_is_told_in_the_servers_words() {
    let lost = read(field!("dynamo-comment-error"));
    assert_eq!(
        told(&lost),
        (Malformed, "error in a 200 response: worker instance disconnected mid-stream")
    );
    let done = read(field!("dynamo-comment-error-with-done"));
    assert_eq!(told(&done), (Malformed, "error in a 200 response: Exception: engine core died"));
    let bare = read(field!("bare-json-error-in-stream-mid"));
    assert_eq!(told(&bare), (Malformed, "error in a 200 response: Decode service timeout"));
    for failure in [
        "error: {\"code\":500,\"message\":\"boom\"}\n\n",
        ": error: boom\n\n",
        "event: error\ndata: {}\n: boom\n\n",
        "event: Error\ndata: boom\n\n",
        "event: response.failed\ndata: {\"message\":\"boom\"}\n\n",
        "{\"error\":\"boom\"}\n\n",
        "{\n  \"error\": {\n    \"message\": \"boom\"\n  }\n}\n",
        "data: {\"error_msg\":\"boom\"}\n\n",
        "data: {\"detail\":\"boom\"}\n\n",
    ] {
        for end in [DONE, "", STOP] {
            let text = [ONE, failure, end].concat();
            for text in [text.replace('\n', "\r\n"), text] {
                let (outcome, error) =
                    (streamed(&text).outcome, streamed(&text).error.unwrap_or_default());
                assert!(
                    outcome == Malformed && error.ends_with("boom"),
                    "{text:?} is {outcome:?}: {error}"
                );
            }
        }
    }
}

#[test]
fn what_keeps_a_connection_alive_is_no_failure() {
    for beside in [
        ": ping\n\n",
        ": OPENROUTER PROCESSING\n\n",
        ":\n\n",
        "event: ping\ndata: {\"type\":\"ping\"}\n\n",
        "retry: 100\n\n",
        ": {\"queue\":3,\"error\":null}\n\n",
        "id: 3\n",
    ] {
        let answer = streamed(&[ONE, beside, TWO, STOP, DONE].concat());
        assert_eq!((told(&answer), answer.outputs.len()), ((Completed, ""), 2), "{beside:?}");
    }
}

#[test]
fn json_in_no_events_data_is_not_passed_over() {
    let answer = streamed(
        &[ONE, "{\"choices\":[{\"delta\":{\"content\":\" two\"}}]}\n\n", STOP, DONE].concat(),
    );
    assert!(
        told(&answer).1.starts_with("lines that are in no event's data: {\"choices\""),
        "{answer:?}"
    );
    let indented = streamed(&[ONE, " data: {\"choices\":[]}\n\n", STOP, DONE].concat());
    assert!(told(&indented).1.starts_with("lines that are in no event's data: {"), "{indented:?}");
    let page = streamed(&[ONE, "<html><title>502 Bad Gateway</title></html>\n"].concat());
    assert_eq!(told(&page), (Malformed, "lines that are in no event's data: 502 Bad Gateway"));
    let words = streamed(&[ONE, "upstream request timeout\n"].concat());
    assert_eq!(
        told(&words),
        (
            Truncated,
            "stream ended without [DONE] or a finish reason; it said: upstream request timeout"
        )
    );
}

#[test]
fn the_body_says_what_it_is_and_not_its_label() {
    for (name, bytes) in
        [("json", &field!("sse-labelled-json")[..]), ("plain", field!("sse-labelled-json-plain"))]
    {
        let answer = read(bytes);
        assert_eq!(
            (told(&answer), answer.outputs.len(), answer.usage.completion_tokens),
            ((Completed, ""), 8, Some(8)),
            "{name}"
        );
    }
    let events = [ONE, TWO, STOP, DONE].concat();
    let lines = events.replace("data: [DONE]", "").replace("data: ", "").replace("\n\n", "\n");
    for kind in [
        "text/html",
        "application/json; charset=utf-8",
        "application/x-ndjson",
        "text/event-stream",
        "image/png",
        "",
    ] {
        for body in [
            events.clone(),
            format!("\u{feff}{events}"),
            format!("\n\n{events}"),
            lines.clone(),
            format!("\u{feff}\r\n{lines}"),
        ] {
            let answer = read(&labelled(kind, &body));
            assert_eq!(
                (told(&answer), answer.outputs.len()),
                ((Completed, ""), 2),
                "{kind} {body:?}"
            );
        }
    }
    let ollama = "{\"message\":{\"content\":\"a\"},\"done\":false}\n{\"message\":{\"content\":\"\"},\"done\":true,\"eval_count\":1}\n";
    let wrapped = ollama.lines().fold(String::new(), |mut all, line| {
        write!(all, "data: {line}\n\n").expect("strings take all");
        all
    });
    for body in [ollama, &wrapped] {
        for kind in ["text/html", "application/json", "application/x-ndjson", "text/event-stream"] {
            let answer = read_as(ProtocolName::Ollama, &labelled(kind, body));
            assert_eq!(
                (told(&answer), answer.outputs.len()),
                ((Completed, ""), 1),
                "{kind} {body}"
            );
        }
    }
    assert_eq!(
        told(&read(&labelled("text/html", "{\"error\":\"Decode service timeout\"}"))).1,
        "error in a 200 response: Decode service timeout"
    );
}

#[test]
fn what_is_no_stream_says_what_it_is() {
    let whole = "{\"choices\":[{\"message\":{\"content\":\"one\"},\"finish_reason\":\"stop\"}]}";
    for body in [whole.to_owned(), whole.replace(":{", ":\n{"), format!("{whole}\n")] {
        let (outcome, error) = (streamed(&body).outcome, streamed(&body).error.unwrap_or_default());
        assert!(outcome == Malformed && error.contains("one JSON"), "{body}: {error}");
    }
    assert_eq!(
        told(&read(&labelled("text/plain", "no healthy upstream"))),
        (Malformed, "text/plain instead of an answer: no healthy upstream")
    );
    assert_eq!(
        told(&read(&labelled("text/event-stream", "<html><h1>Sign in</h1></html>"))),
        (Malformed, "text/event-stream instead of an answer: Sign in")
    );
    let mut gzip = labelled("text/event-stream", "ab");
    let at = gzip.windows(2).position(|w| w == b"ab").expect("it is there");
    gzip[at..at + 2].copy_from_slice(&[0x1f, 0x8b]);
    assert!(told(&read(&gzip)).1.contains("gzip"), "{:?}", read(&gzip));
    let (unasked, _) =
        read_all(&ProtocolName::OpenAiChat.into(), false, &labelled("application/json", ONE));
    assert!(told(&unasked).1.starts_with("a stream where none was asked for"), "{unasked:?}");
    let lines = "{\"response\":\"a\",\"done\":false}\n{\"response\":\"\",\"done\":true}\n";
    let (unasked, _) = read_all(
        &ProtocolName::OllamaGenerate.into(),
        false,
        &labelled("application/x-ndjson", lines),
    );
    assert!(told(&unasked).1.starts_with("a stream where none was asked for"), "{unasked:?}");
}

#[test]
fn an_error_in_the_trailers_fails_an_answer_that_looks_whole() {
    let with = |trailers: &str, body: &str| {
        let bytes = labelled("text/event-stream", body);
        let end = bytes.len() - 2;
        [&bytes[..end], trailers.as_bytes(), b"\r\n"].concat()
    };
    let whole = [ONE, TWO, STOP, DONE].concat();
    for (trailers, words) in [
        ("x-error: engine died\r\n", "x-error: engine died"),
        (
            "X-A: b\r\ngrpc-status: 13\r\ngrpc-message: out of memory\r\n",
            "grpc-status: 13, out of memory",
        ),
    ] {
        for body in [&whole, &[ONE, TWO].concat()] {
            let answer = read(&with(trailers, body));
            assert_eq!(
                told(&answer),
                (Malformed, &*format!("error in the trailers of a 200 response: {words}"))
            );
        }
    }
    assert_eq!(told(&read(&with("x-checksum: 7\r\ngrpc-status: 0\r\n", &whole))), (Completed, ""));
    let broken = ONE.replace("\"choices\"", "\"error\":{\"message\":\"first\"},\"choices\"");
    let both = read(&with("x-error: second\r\n", &(broken + DONE)));
    assert_eq!(told(&both), (Malformed, "error in a 200 response: first"), "what came first");
}

#[test]
fn parts_that_think_are_reasoning_and_empty_parts_are_nothing() {
    let answer = read(field!("mistral-thinking-parts"));
    assert_eq!((told(&answer), answer.outputs.len()), ((Completed, ""), 8));
    assert!(answer.reasoning_seen && answer.first_answer_ns.is_some());
    let mut receiver =
        Receiver::<Protocol>::with_capacity(&ProtocolName::OpenAiChat.into(), true, 8);
    let events = field!("mistral-thinking-parts").split_inclusive(|byte| *byte == b'\n');
    for (line, at) in events.zip(1..) {
        receiver.read(line, at);
    }
    let answer = receiver.into_result();
    assert!(
        answer.first_answer_ns > answer.outputs.first().map(|output| output.at_ns),
        "thoughts come first"
    );
}

#[test]
fn single_line_feeds_are_read() {
    for end in ["\n", "\r\n", "\r"] {
        let text = [ONE, TWO, STOP, DONE].concat().replace("\n\n", end);
        let answer = streamed(&text);
        assert_eq!((told(&answer), answer.outputs.len()), ((Completed, ""), 2), "{end:?}");
    }
    // Each event counts when it comes, and not when the next one does.
    let mut receiver =
        Receiver::<Protocol>::with_capacity(&ProtocolName::OpenAiChat.into(), true, 2);
    receiver.read(
        &labelled("text/event-stream", &[ONE, TWO].concat().replace("\n\n", "\n"))
            [..90 + ONE.len()],
        5,
    );
    assert_eq!(receiver.into_result().outputs.len(), 1);
}

#[test]
fn an_answer_that_is_only_a_refusal_says_so() {
    let refusal =
        "data: {\"choices\":[{\"delta\":{\"content\":null,\"refusal\":\"I cannot help\"}}]}\n\n";
    assert_eq!(
        told(&streamed(&[refusal, STOP, DONE].concat())),
        (Malformed, "no output in a complete answer: it is only a refusal")
    );
    let filtered = STOP.replace("stop", "content_filter");
    let said = "no output in a complete answer (finish reason content_filter)";
    assert_eq!(told(&streamed(&[&filtered, DONE].concat())), (Malformed, said));
    let beside = streamed(&[ONE, refusal, STOP, DONE].concat());
    assert_eq!((beside.outcome, beside.outputs.len()), (Completed, 1));
}

#[test]
fn counts_are_believed_as_far_as_they_can_be_true() {
    let zero = read(field!("localai-usage-zero"));
    let counts = (zero.usage.prompt_tokens, zero.usage.completion_tokens, zero.doubt);
    assert_eq!(
        (told(&zero), counts),
        ((Completed, ""), (None, None, Some(CountDoubt::ZeroBesideOutput)))
    );
    let hidden = read(field!("hidden-reasoning-tokens"));
    let counts =
        (hidden.usage.completion_tokens, hidden.outputs.len(), hidden.hidden, hidden.doubt);
    assert_eq!((told(&hidden), counts), ((Completed, ""), (Some(68), 8, Hidden::Tokens(60), None)));
    let shown = read(field!("sse-labelled-json"));
    assert_eq!((shown.hidden, shown.doubt), (Hidden::Nothing, None));
}

#[test]
fn chunked_twice_is_chunked_once() {
    let twice = &field!("transfer-encoding-twice")[..];
    let one_line = String::from_utf8_lossy(twice)
        .replacen("Transfer-Encoding: chunked\r\n", "", 1)
        .replacen("chunked", "chunked, Chunked", 1);
    for bytes in [twice, one_line.as_bytes()] {
        let answer = read(bytes);
        assert_eq!((told(&answer), answer.outputs.len()), ((Completed, ""), 8));
    }
}

#[test]
fn what_a_server_sends_without_end_is_ended() {
    let receive = |piece: &str, tokens: usize| {
        let mut receiver =
            Receiver::<Protocol>::with_capacity(&ProtocolName::OpenAiChat.into(), true, tokens);
        receiver.read(b"HTTP/1.1 200 OK\r\n\r\n", 1);
        let pieces = (0..200_000)
            .find(|_| receiver.read(piece.as_bytes(), 2) == Step::Complete { reusable: false });
        (pieces.is_some(), receiver.into_result())
    };
    for piece in [
        ONE.repeat(50),
        ": ping\n\n".repeat(500),
        format!("{}{}", ONE.replace("one", ""), "x: y\n".repeat(900)),
    ] {
        let (ended, answer) = receive(&piece, 8);
        assert!(ended && answer.outputs.len() <= 1024 + 4 * 8, "{}", answer.outputs.len());
        assert!(told(&answer).1.starts_with("ended by goodput-gate"), "{:?}", told(&answer));
    }
    let (_, answer) = receive(ONE, 1000);
    assert_eq!(answer.outputs.len(), 1024 + 4 * 1000);
}

#[test]
fn foreign_words_are_bounded() {
    let long = "x".repeat(1_000_000);
    for body in [
        format!("data: {{\"choices\":[{{\"delta\":{{}},\"finish_reason\":\"{long}\"}}]}}\n\n"),
        format!("data: {{\"choices\":\"{long}\"}}\n\n"),
        format!(
            "data: {{\"choices\":[{{\"delta\":{{}},\"finish_reason\":\"error {long}\"}}]}}\n\n"
        ),
        format!(": error {long}\n\n"),
        format!("{{\"error\":\"{long}\"}}\n"),
        format!("{long}\n"),
    ] {
        let (answer, _) = read_all(
            &ProtocolName::OpenAiChat.into(),
            true,
            &labelled("text/event-stream", &[&body, DONE].concat()),
        );
        let lengths =
            [answer.error, answer.finish_reason].map(|text| text.map_or(0, |text| text.len()));
        assert!(lengths.iter().all(|n| *n < 1200), "{lengths:?}");
    }
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", "9".repeat(50_000));
    assert!(
        read_all(&ProtocolName::OpenAiChat.into(), true, head.as_bytes())
            .0
            .error
            .is_some_and(|text| text.len() < 1200)
    );
}
