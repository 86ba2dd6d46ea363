//! What an event costs, measured by hand: `cargo test --release --lib protocol::receiver::cost --
//! --ignored --nocapture`.
//!
//! Not a check: nothing is asserted about time.

#![expect(clippy::disallowed_methods, reason = "a micro-benchmark reads the clock")]

use std::fmt::Write as _;
use std::time::Instant;

use super::tests::CHAT;
use super::*;

const EVENTS: usize = 200_000;

/// Events of the shape and size that vLLM, `SGLang` and llama.cpp send.
fn events() -> [(&'static str, String); 3] {
    let wrap = |json: &str| {
        let event = format!("data: {json}\n\n");
        format!("{:x}\r\n{event}\r\n", event.len())
    };
    [
        (
            "vllm",
            wrap(
                r#"{"id":"chatcmpl-ad7ac0e121b3310e","object":"chat.completion.chunk","created":1795301165,"model":"smollm2-135m","choices":[{"index":0,"delta":{"content":" Sp"},"logprobs":null,"finish_reason":null,"token_ids":null}]}"#,
            ),
        ),
        (
            "llama.cpp",
            wrap(
                r#"{"choices":[{"finish_reason":null,"index":0,"delta":{"content":" had"}}],"created":1795301091,"id":"chatcmpl-49KIO6Fg9i24Xx2L8iz69LdFcGU5KBwk","model":"smollm2-135m","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}"#,
            ),
        ),
        (
            "vllm with usage in each event",
            wrap(
                r#"{"id":"chatcmpl-ad7ac0e121b3310e","object":"chat.completion.chunk","created":1795301165,"model":"smollm2-135m","choices":[{"index":0,"delta":{"content":" Sp"},"logprobs":null,"finish_reason":null,"token_ids":null}],"usage":{"prompt_tokens":38,"total_tokens":39,"completion_tokens":1}}"#,
            ),
        ),
    ]
}

#[test]
#[ignore = "a measurement, to be read by a person"]
fn nanoseconds_per_event() {
    let mut report = String::new();
    for (name, event) in events() {
        let all = event.repeat(EVENTS);
        for (reads, size) in [("one event per read", event.len()), ("64 KiB per read", 64 * 1024)] {
            let mut receiver = Receiver::with_capacity(&CHAT, true, EVENTS);
            receiver.read(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n", 0);
            let from = Instant::now();
            for piece in all.as_bytes().chunks(size) {
                receiver.read(piece, 1);
            }
            let taken = from.elapsed();
            let events = receiver.into_result().outputs.len();
            assert_eq!(events, EVENTS);
            writeln!(report, "{name}, {reads}: {:.0} ns", taken.as_nanos() as f64 / events as f64)
                .expect("strings take all");
        }
    }
    std::io::Write::write_all(&mut std::io::stderr(), report.as_bytes()).expect("stderr is open");
}
