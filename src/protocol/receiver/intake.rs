//! What becomes of a response's body: events of a stream, or a collected body; and what is wrong with it in the end.
//!
//! Not here: HTTP framing (`http1`), the order in which causes of failure count against those of the connection (`receiver`).

use crate::config::{Family, Protocol};
use crate::protocol::event::{Delta, Event, Usage};
use crate::protocol::http1::Head;
use crate::protocol::lines::Lines;
use crate::protocol::sse::{Scanner, SseEvent};
use crate::protocol::{self, error_text, text};
use crate::timeline::{Outcome, OutputEvent};

/// Of a body that is not streamed, so much is kept; an answer beyond it is no answer to us.
const MAX_BODY: usize = 64 * 1024 * 1024;
/// Of a text that is to be kept; memory must not grow with what a server sends.
const MAX_TEXT: usize = 4 * 1024 * 1024;
/// Of an error body, enough for its message.
const MAX_ERROR_BODY: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct Intake {
    stream: bool,
    framing: Framing,
    body: Vec<u8>,
    events: Events,
}

/// The content of an answer so far, with instants in nanoseconds.
#[derive(Debug, Default)]
pub(super) struct Received {
    pub first_answer_ns: Option<u64>,
    pub reasoning_seen: bool,
    pub outputs: Vec<OutputEvent>,
    pub done_ns: Option<u64>,
    pub usage: Usage,
    pub finish_reason: Option<String>,
    /// `None` where it is not kept, or not whole.
    pub text: Option<String>,
}

#[derive(Debug)]
struct Events {
    protocol: Protocol,
    received: Received,
    /// The first thing that was wrong.
    malformed: Option<String>,
    /// The stream's last event was cut by the end of the body.
    cut: bool,
    gave_up: bool,
}

/// How a stream is cut into events.
#[derive(Debug)]
enum Framing {
    Events(Scanner),
    Lines(Lines),
}

/// How the body of a response is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Stream,
    Whole,
    /// Not what was asked for: kept for its message.
    Error,
}

impl Intake {
    pub(super) fn new(protocol: &Protocol, stream: bool, tokens: usize) -> Self {
        let received = Received { outputs: Vec::with_capacity(tokens), ..Received::default() };
        let framing = match protocol.family() {
            Family::OpenAi | Family::Triton => Framing::Events(Scanner::new()),
            Family::Ollama => Framing::Lines(Lines::default()),
        };
        let events = Events { protocol: protocol.clone(), received, malformed: None, cut: false, gave_up: false };
        Self { stream, framing, body: Vec::new(), events }
    }

    pub(super) fn keep_text(&mut self, keep: bool) {
        self.events.received.text = keep.then(String::new);
    }

    /// Takes a piece of the body.
    pub(super) fn take(&mut self, head: &Head, piece: &[u8], now_ns: u64) {
        let limit = match self.mode(head) {
            Mode::Stream => return self.scan(piece, now_ns),
            Mode::Whole => MAX_BODY,
            Mode::Error => MAX_ERROR_BODY,
        };
        let room = limit.saturating_sub(self.body.len()).min(piece.len());
        self.body.extend_from_slice(&piece[..room]);
        if room < piece.len() && limit == MAX_BODY {
            self.events.give_up("answer exceeds 64 MiB; check that the model server answers this request".into());
        }
    }

    /// The body has ended as HTTP promises.
    pub(super) fn finish(&mut self, head: &Head, now_ns: u64) {
        match self.mode(head) {
            Mode::Stream => {
                let events = &mut self.events;
                match &mut self.framing {
                    Framing::Events(sse) => {
                        if let Err(e) = sse.finish(&mut |event| events.last(event, now_ns)) {
                            events.give_up(e.to_string());
                        }
                    }
                    Framing::Lines(lines) => lines.finish(&mut |line| events.last(SseEvent { data: line, error: false }, now_ns)),
                }
            }
            Mode::Whole => {
                let event = protocol::answer(&self.events.protocol, &self.body);
                self.events.keep(&self.body);
                self.events.apply(event, now_ns);
            }
            Mode::Error => {}
        }
    }

    pub(super) const fn done(&self) -> bool {
        self.events.received.done_ns.is_some()
    }

    /// Nothing that comes can be used; the connection is to be closed.
    pub(super) const fn gave_up(&self) -> bool {
        self.events.gave_up
    }

    /// The message of a body that is not an answer.
    pub(super) fn body_text(&self) -> String {
        error_text::text(&self.body)
    }

    pub(super) fn into_received(self) -> Received {
        self.events.received
    }

    /// Why a 200 response is not a completed one. `cut`: what ended the bytes too early, if anything did; `broken`: it was broken HTTP.
    pub(super) fn failure(&self, head: &Head, cut: Option<&str>, broken: bool) -> Option<(Outcome, String)> {
        let received = &self.events.received;
        if let Some(text) = &self.events.malformed {
            return Some((Outcome::Malformed, text.clone()));
        }
        if self.mode(head) == Mode::Error {
            let kind = head.content_type.as_deref().unwrap_or_default();
            return Some((Outcome::Malformed, format!("{kind} instead of an answer: {}", self.body_text())));
        }
        if let Some(cut) = cut.filter(|_| !self.done()) {
            let outcome = if broken { Outcome::Malformed } else { Outcome::Truncated };
            return Some((outcome, cut.to_owned()));
        }
        if self.events.cut {
            return Some((Outcome::Truncated, "stream ended within an event".into()));
        }
        if self.stream && !self.ended(head) {
            return Some((Outcome::Truncated, format!("stream ended without {}", self.end())));
        }
        // Servers say so when they drop a request: vLLM and SGLang `abort`, gateways `error`.
        if let Some(reason @ ("abort" | "error")) = received.finish_reason.as_deref() {
            return Some((Outcome::Truncated, format!("server ended the answer with finish reason {reason}")));
        }
        received.outputs.is_empty().then(|| (Outcome::Malformed, "no output in a complete answer".into()))
    }

    /// A stream whose bytes ended well ended as its protocol promises.
    fn ended(&self, head: &Head) -> bool {
        match self.events.protocol.family() {
            Family::OpenAi => self.done() || self.events.received.finish_reason.is_some(),
            Family::Ollama => self.done(),
            // There is no mark: a connection that closes may be the end or a crash.
            Family::Triton => head.delimited,
        }
    }

    /// What `ended` looks for.
    fn end(&self) -> &'static str {
        match self.events.protocol.family() {
            Family::OpenAi => "[DONE] or a finish reason",
            Family::Ollama => "a line with `done: true`",
            Family::Triton => "an end: its body lasts until the connection closes",
        }
    }

    fn scan(&mut self, piece: &[u8], now_ns: u64) {
        let events = &mut self.events;
        if events.gave_up {
            return;
        }
        let fed = match &mut self.framing {
            Framing::Events(sse) => sse.feed(piece, &mut |event| events.next(event, now_ns)).map_err(|e| e.to_string()),
            Framing::Lines(lines) => lines
                .feed(piece, &mut |line| events.next(SseEvent { data: line, error: false }, now_ns))
                .map_err(|e| e.to_string()),
        };
        if let Err(e) = fed {
            events.give_up(e);
        }
    }

    fn mode(&self, head: &Head) -> Mode {
        let kind = head.content_type.as_deref();
        match (head.status, self.stream, kind) {
            // JSON for a stream: the server ignored `stream`, or reports an error with the wrong status.
            (200, _, Some("text/html" | "application/xhtml+xml")) | (200, true, Some("application/json")) => Mode::Error,
            (200, true, _) => Mode::Stream,
            (200, false, _) => Mode::Whole,
            _ => Mode::Error,
        }
    }
}

impl Events {
    fn next(&mut self, event: SseEvent<'_>, now_ns: u64) {
        // Nothing counts after the end mark.
        if self.received.done_ns.is_none() {
            self.keep(event.data);
            let event = self.read(event);
            self.apply(event, now_ns);
        }
    }

    /// Adds the text of an event. One that cannot be read, or is too much, makes the whole unknown: a part has another count.
    fn keep(&mut self, payload: &[u8]) {
        let Some(text) = &mut self.received.text else { return };
        if payload.trim_ascii() == b"[DONE]" || payload.trim_ascii().is_empty() {
            return;
        }
        match text::output(&self.protocol, payload) {
            Some(more) if text.len() + more.len() <= MAX_TEXT => text.push_str(&more),
            _ => self.received.text = None,
        }
    }

    /// An event that the end of the body ended. One that is not whole makes the stream a truncated one, not a malformed one.
    fn last(&mut self, event: SseEvent<'_>, now_ns: u64) {
        if self.received.done_ns.is_some() {
            return;
        }
        let data = event.data;
        match self.read(event) {
            Event::Malformed(_) => self.cut = true,
            event => {
                self.keep(data);
                self.apply(event, now_ns);
            }
        }
    }

    fn read(&self, event: SseEvent<'_>) -> Event {
        if event.error {
            return Event::Error(error_text::text(event.data));
        }
        protocol::event(&self.protocol, event.data)
    }

    fn apply(&mut self, event: Event, now_ns: u64) {
        match event {
            Event::Delta(delta) => self.take(delta, now_ns),
            Event::Done(delta) => {
                self.take(delta, now_ns);
                self.received.done_ns = Some(now_ns);
            }
            Event::Error(text) => {
                self.malformed.get_or_insert(format!("error in a 200 response: {text}"));
            }
            Event::Malformed(text) => {
                self.malformed.get_or_insert(text);
            }
        }
    }

    fn take(&mut self, delta: Delta, now_ns: u64) {
        let received = &mut self.received;
        if delta.has_output() {
            received.outputs.push(OutputEvent { at_ns: now_ns });
            received.reasoning_seen |= delta.reasoning;
            if delta.answer {
                received.first_answer_ns.get_or_insert(now_ns);
            }
        }
        if delta.finish_reason.is_some() {
            received.finish_reason = delta.finish_reason;
        }
        if let Some(usage) = delta.usage {
            received.usage = match self.protocol.family() {
                Family::Triton => received.usage.plus(usage),
                Family::OpenAi | Family::Ollama => received.usage.updated(usage),
            };
        }
    }

    fn give_up(&mut self, text: String) {
        self.gave_up = true;
        self.malformed.get_or_insert(text);
    }
}
