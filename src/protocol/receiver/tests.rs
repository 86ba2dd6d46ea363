//! Tests of whole responses written by hand: the quirks that no capture has, and every way to end.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::protocol::OpenAi;

pub(super) const CHAT: Protocol = Protocol::OpenAiChat(OpenAi::CHAT);
pub(super) const COMPLETIONS: Protocol = Protocol::OpenAiCompletions(OpenAi::COMPLETIONS);

const HEAD: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

/// The answer of one read and a close, all at instant 7.
pub(super) fn read_all(protocol: &Protocol, stream: bool, bytes: &[u8]) -> (Answer, Step) {
    read_in(protocol, stream, bytes, bytes.len())
}

pub(super) fn read_bytewise(protocol: &Protocol, stream: bool, bytes: &[u8]) -> (Answer, Step) {
    read_in(protocol, stream, bytes, 1)
}

/// In reads of this size.
pub(super) fn read_in(
    dialect: &impl Dialect,
    stream: bool,
    bytes: &[u8],
    size: usize,
) -> (Answer, Step) {
    let mut receiver = Receiver::with_capacity(dialect, stream, 0);
    let mut step = Step::Continue;
    for piece in bytes.chunks(size.max(1)) {
        step = receiver.read(piece, 7);
    }
    receiver.eof(7);
    (receiver.into_result(), step)
}

/// A chunked event stream of these lumps, one chunk each.
fn stream(lumps: &[&str]) -> String {
    let mut out = HEAD.to_owned();
    for lump in lumps {
        write!(out, "{:x}\r\n{lump}\r\n", lump.len()).expect("strings take all");
    }
    out + "0\r\n\r\n"
}

fn answer(bytes: &str) -> Answer {
    let (whole, step) = read_all(&CHAT, true, bytes.as_bytes());
    assert_eq!(read_bytewise(&CHAT, true, bytes.as_bytes()), (whole.clone(), step), "byte by byte");
    whole
}

/// Chat events as servers send them.
fn delta(delta: &str) -> String {
    format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":null}}]}}\n\n")
}

const HELLO: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"Hello 🦊\"}}]}\n\n";
const STOP: &str = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const DONE: &str = "data: [DONE]\n\n";

fn failure(answer: &Answer) -> (Outcome, &str) {
    (answer.outcome.clone(), answer.error.as_deref().unwrap_or_default())
}

#[test]
fn instants_are_those_of_the_reads() {
    let bytes = stream(&[
        &delta("{\"role\":\"assistant\"}"),
        &delta("{\"reasoning_content\":\"hm\"}"),
        &[HELLO, HELLO].concat(),
        STOP,
        DONE,
    ]);
    let lumps: Vec<&str> = bytes.split_inclusive("\n\n\r\n").collect();
    let mut receiver = Receiver::with_capacity(&CHAT, true, 8);
    let mut steps = Vec::new();
    let mut done = Vec::new();
    for (lump, at) in lumps.iter().zip([10, 20, 30, 40, 50, 60]) {
        steps.push(receiver.read(lump.as_bytes(), at));
        done.push(receiver.done());
    }
    let complete = Step::Complete { reusable: true };
    assert_eq!(steps, [[Step::Continue; 5].as_slice(), &[complete]].concat());
    assert_eq!(done, [false, false, false, false, true, true]);
    let answer = receiver.into_result();
    assert_eq!(answer.outcome, Outcome::Completed);
    assert_eq!(
        (answer.first_byte_ns, answer.first_answer_ns, answer.end_ns),
        (Some(10), Some(30), Some(60))
    );
    assert!(answer.reasoning_seen);
    let instants: Vec<u64> = answer.outputs.iter().map(|o| o.at_ns).collect();
    assert_eq!(instants, [20, 30, 30], "two events of one read share its instant");
}

#[test]
fn tool_calls_and_reasoning_alone_are_output() {
    let call =
        delta("{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}");
    let got = answer(&stream(&[&call, STOP, DONE]));
    assert_eq!(
        (got.outcome, got.outputs.len(), got.first_answer_ns, got.reasoning_seen),
        (Outcome::Completed, 1, Some(7), false)
    );
    let got = answer(&stream(&[&delta("{\"reasoning\":\"hm\"}"), STOP, DONE]));
    assert_eq!(
        (got.outcome, got.outputs.len(), got.first_answer_ns, got.reasoning_seen),
        (Outcome::Completed, 1, None, true)
    );
}

#[test]
fn a_finish_reason_and_a_proper_end_need_no_end_mark() {
    assert_eq!(answer(&stream(&[HELLO, STOP])).outcome, Outcome::Completed);
    // The last event without its blank line.
    assert_eq!(answer(&stream(&[HELLO, STOP.trim_end()])).outcome, Outcome::Completed);
    let until_close =
        format!("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n{HELLO}{STOP}");
    assert_eq!(answer(&until_close).outcome, Outcome::Completed);
}

#[test]
fn an_end_mark_needs_neither_finish_reason_nor_the_end_of_the_body() {
    let got = answer(&format!("{HEAD}{:x}\r\n{HELLO}{DONE}\r\n", HELLO.len() + DONE.len()));
    assert_eq!((got.outcome, got.error, got.end_ns), (Outcome::Completed, None, Some(7)));
}

#[test]
fn a_caller_may_stop_at_the_end_mark() {
    let mut receiver = Receiver::with_capacity(&CHAT, true, 0);
    let bytes = format!("{HEAD}{:x}\r\n{HELLO}{DONE}\r\n", HELLO.len() + DONE.len());
    assert_eq!(receiver.read(bytes.as_bytes(), 5), Step::Continue);
    assert!(receiver.done());
    let answer = receiver.into_result();
    assert_eq!((answer.outcome, answer.end_ns), (Outcome::Completed, Some(5)));
}

#[test]
fn an_end_without_mark_or_reason_is_truncation() {
    let got = answer(&stream(&[HELLO]));
    assert_eq!(
        failure(&got),
        (Outcome::Truncated, "stream ended without [DONE] or a finish reason")
    );
    assert_eq!(got.outputs.len(), 1);
}

#[test]
fn a_disconnect_is_truncation_even_after_a_finish_reason() {
    let bytes = stream(&[HELLO, STOP, DONE]);
    let cut = bytes.find("data: [DONE]").expect("it is there");
    assert_eq!(
        failure(&answer(&bytes[..cut])),
        (Outcome::Truncated, "connection closed within the response body")
    );
    assert_eq!(answer("HTTP/1.1 200 OK\r\nConte").outcome, Outcome::Truncated);
}

#[test]
fn a_close_within_an_event_is_truncation_not_garbage() {
    let until_close = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n{HELLO}{STOP}data: {{\"choi"
    );
    assert_eq!(
        failure(&answer(&until_close)),
        (Outcome::Truncated, "stream ended within an event")
    );
}

#[test]
fn no_byte_at_all_is_a_lost_connection() {
    let mut receiver = Receiver::with_capacity(&CHAT, true, 0);
    receiver.eof(3);
    assert!(!receiver.begun());
    let got = receiver.into_result();
    assert_eq!((got.outcome, got.status, got.end_ns), (Outcome::Connect, None, Some(3)));
}

#[test]
fn an_error_in_a_200_stream_is_malformed_with_its_text() {
    for error in [
        "data: {\"error\":{\"message\":\"out of memory\",\"code\":500}}\n\n",
        "data: {\"error\":\"out of memory\"}\n\n",
        "data: {\"object\":\"error\",\"message\":\"out of memory\"}\n\n",
        "event: error\ndata: out of memory\n\n",
        "event: error\ndata: {\"detail\":\"out of memory\"}\n\n",
    ] {
        let got = answer(&stream(&[HELLO, error, STOP, DONE]));
        assert_eq!(
            failure(&got),
            (Outcome::Malformed, "error in a 200 response: out of memory"),
            "{error}"
        );
    }
}

#[test]
fn an_unparsable_event_is_malformed() {
    let got = answer(&stream(&[HELLO, "data: oops\n\n", HELLO, STOP, DONE]));
    assert_eq!(got.outcome, Outcome::Malformed);
    assert!(got.error.is_some_and(|e| e.starts_with("unparsable event") && e.ends_with("oops")));
    assert_eq!(got.outputs.len(), 2);
}

#[test]
fn a_complete_stream_without_output_is_malformed() {
    let got = answer(&stream(&[&delta("{\"role\":\"assistant\",\"content\":\"\"}"), STOP, DONE]));
    assert_eq!(
        failure(&got),
        (Outcome::Malformed, "no output in a complete answer (finish reason stop)")
    );
}

#[test]
fn a_server_that_gave_up_has_not_completed() {
    let abort = STOP.replace("stop", "abort");
    let got = answer(&stream(&[HELLO, &abort, DONE]));
    assert_eq!(
        failure(&got),
        (Outcome::Truncated, "server ended the answer with finish reason abort")
    );
}

#[test]
fn another_content_type_is_no_answer() {
    let page = "<html><title>Sign in</title></html>";
    let html = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n{page}",
        page.len()
    );
    assert_eq!(
        failure(&answer(&html)),
        (Outcome::Malformed, "text/html instead of an answer: Sign in")
    );
    assert_eq!(read_all(&CHAT, false, html.as_bytes()).0.outcome, Outcome::Malformed);
    let body = "{\"object\":\"error\",\"message\":\"busy\"}";
    let json = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(failure(&answer(&json)), (Outcome::Malformed, "error in a 200 response: busy"));
}

#[test]
fn other_statuses_are_kept_with_their_message() {
    let got = answer("HTTP/1.1 503 Busy\r\nContent-Length: 16\r\n\r\n{\"error\":\"busy\"}");
    assert_eq!(failure(&got), (Outcome::HttpStatus(503), "busy"));
    assert_eq!(got.status, Some(503));
    assert_eq!(
        failure(&answer("HTTP/1.1 204 No Content\r\n\r\n")),
        (Outcome::HttpStatus(204), "empty body")
    );
}

#[test]
fn something_that_is_not_http_is_malformed() {
    let (got, step) = read_all(&CHAT, true, b"\x15\x03\x01\x00\x02\x02\x46");
    assert_eq!((got.outcome, step), (Outcome::Malformed, Step::Complete { reusable: false }));
}

#[test]
fn broken_chunks_are_malformed_unless_the_stream_was_done() {
    let broken = |lumps: &str| format!("{HEAD}{:x}\r\n{lumps}\r\nxx\r\n", lumps.len());
    assert_eq!(answer(&broken(HELLO)).outcome, Outcome::Malformed);
    let (got, step) = read_all(&CHAT, true, broken(&[HELLO, DONE].concat()).as_bytes());
    assert_eq!((got.outcome, step), (Outcome::Completed, Step::Complete { reusable: false }));
}

#[test]
fn bytes_after_the_end_prevent_reuse_only() {
    let (got, step) = read_all(&CHAT, true, (stream(&[HELLO, STOP, DONE]) + "junk").as_bytes());
    assert_eq!((got.outcome, step), (Outcome::Completed, Step::Complete { reusable: false }));
}

#[test]
fn line_ends_comments_and_cuts_do_not_matter() {
    let events = [": ping\n\n", HELLO, "id: 4\n", HELLO, ":\n\n", STOP, DONE].concat();
    for text in [events.clone(), events.replace('\n', "\r\n"), events.replace('\n', "\r")] {
        let bytes = stream(&[&text]);
        let expected = answer(&bytes);
        assert_eq!((expected.outcome.clone(), expected.outputs.len()), (Outcome::Completed, 2));
        for size in 2..40 {
            assert_eq!(read_in(&CHAT, true, bytes.as_bytes(), size).0, expected, "reads of {size}");
        }
    }
}

#[test]
fn usage_may_be_repeated_and_the_last_counts() {
    let usage = |n: &str| {
        format!(
            "data: {{\"choices\":[{{\"delta\":{{\"content\":\"x\"}}}}],\"usage\":{{\"prompt_tokens\":3,\"completion_tokens\":{n}}}}}\n\n"
        )
    };
    let got = answer(&stream(&[&usage("1"), &usage("2"), &usage("null"), STOP, DONE]));
    assert_eq!(
        (got.usage.prompt_tokens, got.usage.completion_tokens, got.outputs.len()),
        (Some(3), Some(2), 3)
    );
}

#[test]
fn an_answer_that_is_not_streamed_has_one_output_at_its_end() {
    let body = "{\"choices\":[{\"text\":\"hi\",\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}";
    let bytes = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut receiver = Receiver::with_capacity(&COMPLETIONS, false, 0);
    let (first, second) = bytes.as_bytes().split_at(bytes.len() - 4);
    assert_eq!(receiver.read(first, 1), Step::Continue);
    assert_eq!(receiver.read(second, 9), Step::Complete { reusable: true });
    let got = receiver.into_result();
    assert_eq!(
        (got.outcome, got.first_byte_ns, got.end_ns),
        (Outcome::Completed, Some(1), Some(9))
    );
    assert_eq!(got.outputs, [OutputEvent { at_ns: 9 }]);
    let (got, _) = read_all(&COMPLETIONS, false, first);
    assert_eq!(failure(&got), (Outcome::Truncated, "connection closed within the response body"));
}

#[test]
fn an_endless_event_ends_the_response() {
    let mut receiver = Receiver::with_capacity(&CHAT, true, 0);
    receiver.read(b"HTTP/1.1 200 OK\r\n\r\ndata: ", 1);
    let piece = vec![b'x'; 1024 * 1024];
    let last = (0..17).map(|_| receiver.read(&piece, 2)).last();
    assert_eq!(last, Some(Step::Complete { reusable: false }));
    receiver.eof(3);
    let got = receiver.into_result();
    assert_eq!((got.outcome, got.end_ns), (Outcome::Malformed, Some(2)));
}

proptest! {
    #[test]
    fn a_damaged_response_gives_one_answer_however_it_is_cut(
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(b"\n\r:{}\"0aZ \xff".to_vec())), 0..4),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        length in any::<prop::sample::Index>(),
        streamed in any::<bool>(),
    ) {
        let mut bytes = stream(&[&delta("{\"role\":\"assistant\"}"), ":\n\n", HELLO, &[HELLO, STOP].concat(), DONE]).into_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(length.index(bytes.len() * 2).max(1));
        let mut at: Vec<usize> = cuts.iter().map(|c| c.index(bytes.len())).chain([0, bytes.len()]).collect();
        at.sort_unstable();
        let mut receiver = Receiver::with_capacity(&CHAT, streamed, 0);
        for w in at.windows(2) {
            receiver.read(&bytes[w[0]..w[1]], 7);
        }
        receiver.eof(7);
        let whole = read_all(&CHAT, streamed, &bytes).0;
        prop_assert_eq!(&receiver.into_result(), &whole);
        prop_assert_eq!(&read_bytewise(&CHAT, streamed, &bytes).0, &whole);
    }
}

#[test]
fn text_is_kept_whole_or_not_at_all() {
    let kept = |bytes: &str, size: usize| {
        let mut receiver = Receiver::with_capacity(&CHAT, true, 0).keeping_text(true);
        for piece in bytes.as_bytes().chunks(size) {
            receiver.read(piece, 7);
        }
        receiver.eof(7);
        receiver.into_result().text
    };
    let whole =
        stream(&[&delta("{\"role\":\"assistant\",\"reasoning\":\"hm \"}"), HELLO, STOP, DONE]);
    let call = delta("{\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}");
    let called = stream(&[HELLO, &call, STOP, DONE]);
    for size in [1, 7, 4096] {
        assert_eq!(kept(&whole, size).as_deref(), Some("hm Hello 🦊"));
        assert_eq!(kept(&called, size), None, "what is no text has no count");
    }
    assert_eq!(answer(&whole).text, None, "nothing is kept that nobody counts");
}
