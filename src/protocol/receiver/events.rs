//! The events of an answer, taken one by one: outputs with their instants, counts, and the first
//! thing that is wrong.
//!
//! Not here: how a body is cut into events (`framing`), how its end is judged (`intake`).

use super::growth::Growth;
use crate::protocol::dialect::Dialect;
use crate::protocol::event::{Delta, DeltaKind, Event, Usage};
use crate::protocol::model::Models;
use crate::protocol::shape::Shape;
use crate::protocol::sse::SseEvent;
use crate::protocol::{error_text, text};
use crate::timeline::OutputEvent;

/// Of a text that is to be kept; memory must not grow with what a server sends.
const MAX_TEXT: usize = 4 * 1024 * 1024;
/// More events with output than this for each token, and beside it, are no answer to what was
/// asked.
const MAX_OUTPUTS_PER_TOKEN: usize = 4;
const MAX_OUTPUTS_BESIDE: usize = 1024;

pub(super) const CUMULATIVE: &str = "cumulative deltas: each event repeats the text before it; the server has to be told to send only what is new";

const UNASKED: &str = "a stream where none was asked for";

/// The content of an answer so far, with instants in nanoseconds.
#[derive(Debug, Default)]
pub(super) struct Received {
    pub first_answer_ns: Option<u64>,
    /// Of the outputs, those that brought reasoning.
    pub reasoning_events: u32,
    pub outputs: Vec<OutputEvent>,
    pub done_ns: Option<u64>,
    pub usage: Usage,
    /// Some count was no count, so that a sum of the others would be none either.
    pub uncounted: bool,
    pub finish_reason: Option<String>,
    pub models: Models,
    /// `None` where it is not kept, or not whole.
    pub text: Option<String>,
}

#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts of an answer that do not depend on each other"
)]
pub(super) struct Events<D> {
    dialect: D,
    shape: Shape,
    growth: Growth,
    /// Of the arguments of tool calls, which may follow a text that does not grow.
    calls: Growth,
    received: Received,
    most_outputs: usize,
    tokens: usize,
    /// There was an event, whatever it brought.
    any: bool,
    /// Some delta brought output: the whole text beside it is a repeat.
    deltas: bool,
    refusal: bool,
    /// The first thing that was wrong.
    malformed: Option<String>,
    /// The stream's last event was cut by the end of the body.
    cut: bool,
    gave_up: bool,
}

impl<D: Dialect> Events<D> {
    pub(super) fn new(dialect: &D, tokens: usize) -> Self {
        Self {
            dialect: dialect.clone(),
            shape: Shape::default(),
            growth: Growth::default(),
            calls: Growth::default(),
            received: Received { outputs: Vec::with_capacity(tokens), ..Received::default() },
            most_outputs: MAX_OUTPUTS_BESIDE
                .saturating_add(tokens.saturating_mul(MAX_OUTPUTS_PER_TOKEN)),
            tokens,
            any: false,
            deltas: false,
            refusal: false,
            malformed: None,
            cut: false,
            gave_up: false,
        }
    }

    pub(super) fn keep_text(&mut self, keep: bool) {
        self.received.text = keep.then(String::new);
    }

    pub(super) fn next(&mut self, event: SseEvent<'_>, now_ns: u64) {
        // Nothing counts after the end mark.
        if self.received.done_ns.is_some() || self.gave_up {
            return;
        }
        self.any = true;
        let payload = match event {
            SseEvent::Data(payload) => payload,
            other => return self.aside(other),
        };
        let event = self.shape.read(payload, &self.dialect);
        self.apply(event, payload, now_ns);
    }

    /// An event that the end of the body ended. One that is not whole makes the stream a truncated
    /// one, not a malformed one.
    pub(super) fn last(&mut self, event: SseEvent<'_>, now_ns: u64) {
        if let SseEvent::Data(payload) = event
            && self.received.done_ns.is_none()
            && matches!(self.dialect.event(payload), Event::Malformed(_))
        {
            self.cut = true;
            return;
        }
        self.next(event, now_ns);
    }

    /// What a server says beside its events.
    fn aside(&mut self, event: SseEvent<'_>) {
        let text = match event {
            SseEvent::Stray(text) => match self.dialect.event(text) {
                Event::Error(words) => format!("error in a 200 response: {words}"),
                _ => format!("lines that are in no event's data: {}", error_text::text(text)),
            },
            SseEvent::Data(text) | SseEvent::Failure(text) => {
                format!("error in a 200 response: {}", error_text::text(text))
            }
        };
        self.malformed.get_or_insert(text);
    }

    /// The whole body of an answer that is not streamed.
    pub(super) fn whole(&mut self, kind: Option<&str>, body: &[u8], now_ns: u64) {
        if self.gave_up {
            return;
        }
        self.any = true;
        match self.dialect.answer(body) {
            Event::Malformed(_) if !body.trim_ascii_start().starts_with(b"{") => {
                self.no_stream(kind, body);
            }
            Event::Malformed(_) if is_lines(body) => {
                self.give_up(format!("{UNASKED}: {}", error_text::text(body)));
            }
            event => self.apply(event, body, now_ns),
        }
    }

    /// The body is not what was asked for; its message is.
    pub(super) fn no_stream(&mut self, kind: Option<&str>, body: &[u8]) {
        if self.gave_up || body.trim_ascii().is_empty() {
            return;
        }
        let text = error_text::text(body);
        let kind = media_type(kind);
        let text = match serde_json::from_slice::<serde::de::IgnoredAny>(body.trim_ascii()) {
            Ok(_) => match self.dialect.answer(body) {
                Event::Error(words) => format!("error in a 200 response: {words}"),
                _ => format!("one JSON value instead of a stream: {text}"),
            },
            Err(e) if e.is_eof() => {
                self.cut = true;
                return;
            }
            Err(_) if body.starts_with(&[0x1f, 0x8b]) => {
                "a compressed body (gzip) that says nothing of it; turn off compression in the server or the proxy in front of it"
                    .into()
            }
            Err(_) if body.starts_with(b"data:") || body.starts_with(b"event:") => {
                format!("{UNASKED}: {text}")
            }
            Err(_) => format!("{kind} instead of an answer: {text}"),
        };
        self.malformed.get_or_insert(text);
    }

    fn apply(&mut self, event: Event, payload: &[u8], now_ns: u64) {
        // The first events and the last one: none of those that bring the tokens between.
        if event.ends() {
            self.received.models.see(payload);
        } else {
            self.received.models.see_first(payload);
        }
        match event {
            Event::Delta(delta) => self.take(delta, payload, now_ns, false),
            Event::Done(delta) => {
                self.take(delta, payload, now_ns, true);
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

    /// `last`: the protocol's end is in this event.
    fn take(&mut self, delta: Delta, payload: &[u8], now_ns: u64, last: bool) {
        let whole = delta.kind == DeltaKind::Whole;
        self.refusal |= delta.kind == DeltaKind::Refusal;
        self.deltas |= delta.has_output() && !whole;
        let ends = last || delta.finish_reason.is_some();
        let repeat =
            (whole && self.deltas) || (ends && delta.has_output() && self.repeats(payload));
        if delta.has_output() && !repeat {
            self.output(&delta, payload, now_ns);
        }
        let received = &mut self.received;
        if delta.finish_reason.is_some() {
            received.finish_reason = delta.finish_reason;
        }
        received.uncounted |= delta.uncounted;
        if let Some(usage) = delta.usage {
            received.usage = self.dialect.add_usage(received.usage, usage);
        }
    }

    /// Some servers end with the whole text once more.
    fn repeats(&self, payload: &[u8]) -> bool {
        let text = text::output(&self.dialect, payload);
        text.is_some_and(|text| self.growth.repeats(&text, self.received.outputs.len()))
    }

    fn output(&mut self, delta: &Delta, payload: &[u8], now_ns: u64) {
        if self.received.outputs.len() == self.most_outputs {
            let (most, tokens) = (self.most_outputs, self.tokens);
            return self.give_up(format!("ended by goodput-gate: more than {most} events with output came for {tokens} tokens"));
        }
        let received = &mut self.received;
        received.outputs.push(OutputEvent { at_ns: now_ns });
        received.reasoning_events += u32::from(delta.reasoning);
        if delta.answer && received.first_answer_ns.is_none() {
            received.first_answer_ns = Some(now_ns);
            // The answer begins anew, whatever the reasoning before it was.
            self.growth = Growth::default();
        }
        if received.text.is_some() || self.growth.is_open() {
            let text = text::output(&self.dialect, payload);
            self.keep(text.as_deref());
            if self.growth.is_open() {
                self.growth.next(text);
            }
        }
        if delta.kind == DeltaKind::Call && self.calls.is_open() {
            self.calls.next(text::arguments(&self.dialect, payload));
        }
        if self.is_cumulative(false) {
            self.give_up(CUMULATIVE.into());
        }
    }

    /// Adds the text of an output. One that cannot be read, or is too much, makes the whole
    /// unknown: a part has another count.
    fn keep(&mut self, more: Option<&str>) {
        let Some(text) = &mut self.received.text else { return };
        match more {
            Some(more) if text.len() + more.len() <= MAX_TEXT => text.push_str(more),
            _ => self.received.text = None,
        }
    }

    /// Nothing that comes can be used.
    pub(super) fn give_up(&mut self, text: String) {
        self.gave_up = true;
        self.malformed.get_or_insert(text);
    }

    /// Why a complete answer has no output.
    pub(super) fn no_output(&self) -> String {
        let reason = self
            .received
            .finish_reason
            .as_deref()
            .map(|reason| format!(" (finish reason {reason})"));
        let why = if self.refusal { ": it is only a refusal" } else { "" };
        format!(
            "no output in a complete answer{why}{}",
            reason.filter(|_| why.is_empty()).unwrap_or_default()
        )
    }

    pub(super) const fn is_cumulative(&self, ended: bool) -> bool {
        self.growth.is_cumulative(ended) || self.calls.is_cumulative(ended)
    }

    pub(super) const fn any(&self) -> bool {
        self.any
    }

    pub(super) const fn cut(&self) -> bool {
        self.cut
    }

    pub(super) const fn gave_up(&self) -> bool {
        self.gave_up
    }

    pub(super) const fn done_ns(&self) -> Option<u64> {
        self.received.done_ns
    }

    pub(super) fn malformed(&self) -> Option<&str> {
        self.malformed.as_deref()
    }

    pub(super) const fn dialect(&self) -> &D {
        &self.dialect
    }

    pub(super) const fn received(&self) -> &Received {
        &self.received
    }

    pub(super) fn into_received(self) -> Received {
        self.received
    }
}

/// As it is shown.
pub(super) fn media_type(kind: Option<&str>) -> &str {
    kind.filter(|kind| !kind.is_empty()).unwrap_or("something else")
}

/// The first line is whole, and more follows.
fn is_lines(body: &[u8]) -> bool {
    let mut lines = body.trim_ascii().splitn(2, |byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default();
    lines.next().is_some() && serde_json::from_slice::<serde::de::IgnoredAny>(first).is_ok()
}
