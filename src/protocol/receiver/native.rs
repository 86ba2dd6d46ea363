//! What the receiver makes of responses in Ollama's and Triton's own protocols: Triton's as
//! recorded, Ollama's as its documentation has them (`tests/fixtures/captures`).

use std::sync::Arc;

use proptest::prelude::*;

use super::tests::{read_all, read_bytewise};
use super::*;
use crate::protocol::{ProtocolName, Settings, Triton};
use crate::timeline::Outcome::{Completed, HttpStatus, Malformed, Truncated};
use ProtocolName::{Ollama as CHAT, OllamaGenerate as GENERATE, Triton as TRITON};

struct Case {
    name: &'static str,
    bytes: &'static [u8],
    protocol: ProtocolName,
    stream: bool,
    outcome: Outcome,
    /// Events with output.
    events: usize,
    /// Prompt and completion tokens.
    tokens: [Option<u32>; 2],
    finish_reason: Option<&'static str>,
}

macro_rules! case {
    ($name:literal, $protocol:expr, $stream:expr, $outcome:expr, $events:expr, $tokens:expr, $finish:expr) => {
        Case {
            name: $name,
            bytes: include_bytes!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/fixtures/captures/",
                $name,
                ".http"
            )),
            protocol: $protocol,
            stream: $stream,
            outcome: $outcome,
            events: $events,
            tokens: $tokens,
            finish_reason: $finish,
        }
    };
}

#[rustfmt::skip]
const CASES: &[Case] = &[
    case!("ollama-documented-chat_stream", CHAT, true, Completed, 1, [Some(26), Some(282)], None),
    case!("ollama-documented-generate_stream", GENERATE, true, Completed, 1, [Some(26), Some(259)], None),
    case!("ollama-documented-chat_whole", CHAT, false, Completed, 1, [Some(34), Some(12)], Some("stop")),
    case!("ollama-documented-chat_tools_whole", CHAT, false, Completed, 1, [Some(122), Some(33)], Some("stop")),
    case!("ollama-documented-generate_whole", GENERATE, false, Completed, 1, [Some(17), Some(63)], Some("stop")),
    case!("ollama-documented-chat_load_whole", CHAT, false, Malformed, 0, [None; 2], Some("load")),
    case!("triton-generate_stream", TRITON, true, Completed, 5, [None; 2], None),
    case!("triton-generate_stream_not_streaming", TRITON, true, Completed, 1, [None; 2], None),
    case!("triton-generate", TRITON, false, Completed, 1, [None; 2], None),
    case!("triton-generate_with_stream_true", TRITON, false, Malformed, 0, [None; 2], None),
    case!("triton-error_mid_stream", TRITON, true, Malformed, 2, [None; 2], None),
    case!("triton-err_bad_json", TRITON, true, HttpStatus(500), 0, [None; 2], None),
    case!("triton-err_bad_model", TRITON, true, HttpStatus(404), 0, [None; 2], None),
    case!("triton-err_max_tokens_0", TRITON, true, HttpStatus(400), 0, [None; 2], None),
    case!("triton-err_missing", TRITON, true, Completed, 1, [None; 2], None),
];

impl Case {
    fn read(&self, bytes: &[u8]) -> Answer {
        let (whole, step) = read_all(&self.protocol.into(), self.stream, bytes);
        assert_eq!(
            read_bytewise(&self.protocol.into(), self.stream, bytes),
            (whole.clone(), step),
            "{} byte by byte",
            self.name
        );
        whole
    }
}

#[test]
fn every_response_gives_what_was_counted_in_it() {
    for case in CASES {
        let (name, answer) = (case.name, case.read(case.bytes));
        assert_eq!(answer.outcome, case.outcome, "{name}: {:?}", answer.error);
        assert_eq!(answer.outputs.len(), case.events, "{name}");
        assert_eq!(
            [answer.usage.prompt_tokens, answer.usage.completion_tokens],
            case.tokens,
            "{name}"
        );
        assert_eq!(answer.finish_reason.as_deref(), case.finish_reason, "{name}");
        assert!(!answer.reasoning_seen, "{name}");
    }
}

#[test]
fn a_stream_that_is_cut_is_neither_completed_nor_malformed() {
    for case in CASES.iter().filter(|case| case.outcome == Completed && case.stream) {
        let end = if case.protocol == TRITON {
            case.bytes.len() - 5
        } else {
            find(case.bytes, b"\"done\":true")
        };
        for len in 1..end {
            let answer = case.read(&case.bytes[..len]);
            assert_eq!(answer.outcome, Truncated, "{} cut at {len}: {:?}", case.name, answer.error);
        }
    }
}

fn find(bytes: &[u8], mark: &[u8]) -> usize {
    memchr::memmem::rfind(bytes, mark).expect("these streams have an end mark")
}

#[test]
fn errors_are_told_in_the_servers_words() {
    let error = |name: &str| {
        let case = CASES.iter().find(|case| case.name == name).expect("the response is listed");
        case.read(case.bytes).error.unwrap_or_default()
    };
    let mid = error("triton-error_mid_stream");
    assert!(mid.starts_with("error in a 200 response: Traceback"), "{mid}");
    let refused = error("triton-err_max_tokens_0");
    assert!(refused.starts_with("Traceback"), "{refused}");
    let whole = error("triton-generate_with_stream_true");
    assert!(whole.contains("generate expects model to produce exactly 1 response"), "{whole}");
}

const HEAD: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n";
const TOKEN: &str = "{\"message\":{\"role\":\"assistant\",\"content\":\"Hi\"},\"done\":false}\n";
const LAST: &str = "{\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"length\",\"prompt_eval_count\":3,\"eval_count\":2}\n";

fn chunked(head: &str, body: &str) -> String {
    format!("{head}{:x}\r\n{body}\r\n0\r\n\r\n", body.len())
}

fn ollama(bytes: &str) -> Answer {
    let (whole, step) = read_all(&CHAT.into(), true, bytes.as_bytes());
    assert_eq!(
        read_bytewise(&CHAT.into(), true, bytes.as_bytes()),
        (whole.clone(), step),
        "byte by byte"
    );
    whole
}

#[test]
fn only_done_ends_ollamas_stream_well() {
    let whole = ollama(&chunked(HEAD, &[TOKEN, TOKEN, LAST].concat()));
    assert_eq!(
        (whole.outcome, whole.outputs.len(), whole.usage.completion_tokens),
        (Completed, 2, Some(2))
    );
    // What follows the end counts for nothing.
    let after = ollama(&chunked(HEAD, &[TOKEN, LAST, TOKEN, "{\"error\":\"x\"}\n"].concat()));
    assert_eq!((after.outcome, after.outputs.len()), (Completed, 1));
    let open = ollama(&chunked(HEAD, &[TOKEN, TOKEN].concat()));
    let text = "stream ended without a line with `done: true`";
    assert_eq!((open.outcome, open.error.as_deref()), (Truncated, Some(text)));
    let cut = ollama(&chunked(HEAD, &format!("{TOKEN}{{\"message\":")));
    assert_eq!(cut.outcome, Truncated, "{:?}", cut.error);
    let silent = ollama(&chunked(HEAD, LAST));
    assert_eq!(silent.outcome, Malformed);
}

#[test]
fn an_error_in_ollamas_stream_is_malformed_with_its_text() {
    let got = ollama(&chunked(
        HEAD,
        &format!("{TOKEN}{{\"error\":\"an error was encountered while running the model\"}}\n"),
    ));
    let text = "error in a 200 response: an error was encountered while running the model";
    assert_eq!((got.outcome, got.error.as_deref()), (Malformed, Some(text)));
}

#[test]
fn one_json_object_is_no_stream() {
    let head = HEAD.replace("x-ndjson", "json; charset=utf-8");
    let got = ollama(&chunked(&head, LAST));
    assert_eq!(got.outcome, Malformed, "a server that does not stream has no TTFT to measure");
}

#[test]
fn a_triton_stream_that_lasts_until_the_connection_closes_has_no_end() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
    let event = "data: {\"text_output\":\"a\"}\n\n";
    let (answer, _) = read_all(&TRITON.into(), true, format!("{head}{event}{event}").as_bytes());
    assert_eq!((answer.outcome, answer.outputs.len()), (Truncated, 2));
    let sized =
        format!("{}Content-Length: {}\r\n\r\n{event}", &head[..head.len() - 2], event.len());
    assert_eq!(read_all(&TRITON.into(), true, sized.as_bytes()).0.outcome, Completed);
}

#[test]
fn tritons_counts_are_summed_over_its_responses() {
    let names =
        Triton { input_tokens: "n_in".into(), output_tokens: "n_out".into(), ..Triton::default() };
    let head = HEAD.replace("application/x-ndjson", "text/event-stream");
    let event = |n: u32, text: &str| {
        format!("data: {{\"text_output\":\"{text}\",\"n_in\":4,\"n_out\":{n}}}\n\n")
    };
    let bytes = chunked(&head, &[event(1, "a"), event(2, "bc"), event(0, "")].concat());
    let settings = Settings { triton: Arc::new(names), ..Settings::default() };
    let (answer, _) = read_all(&Protocol::new(TRITON, &settings), true, bytes.as_bytes());
    assert_eq!((answer.outcome, answer.outputs.len()), (Completed, 2), "{:?}", answer.error);
    assert_eq!((answer.usage.prompt_tokens, answer.usage.completion_tokens), (Some(4), Some(3)));
}

#[test]
fn instants_are_those_of_the_reads_of_lines_too() {
    let bytes = chunked(HEAD, &[TOKEN, TOKEN, LAST].concat());
    let second = bytes.find(TOKEN).expect("a token") + TOKEN.len() + 10;
    let mut receiver = Receiver::<Protocol>::with_capacity(&CHAT.into(), true, 2);
    receiver.read(&bytes.as_bytes()[..second], 10);
    receiver.read(&bytes.as_bytes()[second..], 20);
    let answer = receiver.into_result();
    assert_eq!(answer.outputs.iter().map(|o| o.at_ns).collect::<Vec<_>>(), [10, 20]);
    assert_eq!((answer.first_byte_ns, answer.end_ns), (Some(10), Some(20)));
}

proptest! {
    #[test]
    fn how_a_native_response_is_cut_changes_nothing(which in 0..CASES.len(), size in 1_usize..200, damage in any::<prop::sample::Index>(), byte in any::<u8>(), damaged in any::<bool>()) {
        let case = &CASES[which];
        let mut bytes = case.bytes.to_vec();
        if damaged {
            bytes[damage.index(case.bytes.len())] = byte;
        }
        let protocol = Protocol::from(case.protocol);
        let mut receiver = Receiver::with_capacity(&protocol, case.stream, 0);
        for piece in bytes.chunks(size) {
            receiver.read(piece, 7);
        }
        receiver.eof(7);
        prop_assert_eq!(receiver.into_result(), read_all(&protocol, case.stream, &bytes).0);
    }
}
