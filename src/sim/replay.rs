//! A pre-rendered stream, framed once and shared by all connections: a server so cheap that the
//! client is the limit.
//!
//! Not here: the engine model. The schedule of each stream is absolute, so that it cannot drift.

use std::io;
use std::time::Duration;

use super::http::{self, Socket};
use super::stream::{END_OF_CHUNKS, frame};
use super::truth::Truth;
use crate::clock::monotonic_ns;

/// Bytes per write where events are not paced.
const LARGE_WRITE: usize = 64 * 1024;

/// The golden ratio's fraction: its multiples are spread evenly over 0 to 1, however many there are
/// (Weyl's sequence).
const GOLDEN: f64 = 0.618_033_988_749_895;

#[derive(Debug)]
pub struct Replay {
    bytes: Vec<u8>,
    events: Vec<Event>,
    interval: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Event {
    /// Where its chunk ends; the last one's includes the end of the body.
    end: usize,
    has_output: bool,
}

impl Replay {
    /// `file` holds the events as they are sent, without chunk framing, with blank lines between
    /// them.
    pub fn new(file: &[u8], interval: Duration) -> Result<Self, String> {
        let mut replay = Self { bytes: Vec::new(), events: Vec::new(), interval };
        for event in split_events(file) {
            replay.bytes.extend_from_slice(&frame(event));
            replay.events.push(Event { end: replay.bytes.len(), has_output: has_output(event) });
        }
        let last = replay.events.last_mut().ok_or(
            "the replay file holds no event; give it events with blank lines between them",
        )?;
        replay.bytes.extend_from_slice(END_OF_CHUNKS);
        last.end = replay.bytes.len();
        Ok(replay)
    }

    /// Answers one request, the `number`th of the server.
    pub async fn answer(
        &self,
        socket: &mut Socket,
        number: u64,
        close: bool,
        truth: Option<&mut Truth>,
    ) -> io::Result<()> {
        socket.write(http::stream_head(close)).await?;
        if self.interval.is_zero() {
            self.flood(socket, truth).await
        } else {
            self.paced(socket, number, truth).await
        }
    }

    async fn paced(
        &self,
        socket: &mut Socket,
        number: u64,
        mut truth: Option<&mut Truth>,
    ) -> io::Result<()> {
        // Streams that begin together must not all write at once.
        let phase = self.interval.mul_f64((number as f64 * GOLDEN).fract());
        let start = tokio::time::Instant::now() + phase;
        let mut from = 0;
        for (i, event) in (0_u32..).zip(&self.events) {
            tokio::time::sleep_until(start + self.interval * i).await;
            note(truth.as_deref_mut(), u32::from(event.has_output));
            socket.write(&self.bytes[from..event.end]).await?;
            from = event.end;
        }
        Ok(())
    }

    async fn flood(&self, socket: &mut Socket, mut truth: Option<&mut Truth>) -> io::Result<()> {
        let (mut from, mut tokens) = (0, 0);
        for event in &self.events {
            tokens += u32::from(event.has_output);
            if event.end - from >= LARGE_WRITE || event.end == self.bytes.len() {
                note(truth.as_deref_mut(), tokens);
                socket.write(&self.bytes[from..event.end]).await?;
                (from, tokens) = (event.end, 0);
            }
        }
        Ok(())
    }
}

fn note(truth: Option<&mut Truth>, tokens: u32) {
    if let Some(truth) = truth.filter(|_| tokens > 0) {
        truth.writes_ns.push(monotonic_ns());
        truth.tokens.push(tokens);
    }
}

/// Events with the blank line that ends each; of an unfinished last one, what there is.
fn split_events(file: &[u8]) -> Vec<&[u8]> {
    let (mut events, mut rest) = (Vec::new(), file);
    while !rest.trim_ascii().is_empty() {
        let ends = [&b"\n\n"[..], b"\r\n\r\n"]
            .map(|blank| memchr::memmem::find(rest, blank).map(|at| at + blank.len()));
        let end = ends.into_iter().flatten().min().unwrap_or(rest.len());
        let (event, after) = rest.split_at(end);
        events.push(event);
        rest = after;
    }
    events
}

/// Whether a client would see output in this event: content, reasoning or text that is not empty.
fn has_output(event: &[u8]) -> bool {
    let data: Vec<u8> = event
        .split(|b| *b == b'\n')
        .filter_map(|line| line.strip_prefix(b"data:"))
        .flat_map(<[u8]>::trim_ascii)
        .copied()
        .collect();
    let Ok(json) = serde_json::from_slice::<serde_json::Value>(&data) else { return false };
    let fields = [
        "/choices/0/delta/content",
        "/choices/0/delta/reasoning_content",
        "/choices/0/delta/reasoning",
        "/choices/0/text",
        "/text_output",
    ];
    fields
        .iter()
        .any(|f| json.pointer(f).and_then(serde_json::Value::as_str).is_some_and(|s| !s.is_empty()))
}
