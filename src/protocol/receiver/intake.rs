//! What becomes of a response's body: events of a stream, or a collected body; and what is wrong
//! with it in the end.
//!
//! Not here: HTTP framing (`http1`), the order in which causes of failure count against those of
//! the connection (`receiver`).

use super::events::{CUMULATIVE, Events, Received, media_type};
use super::framing::Framing;
use crate::protocol::dialect::{Dialect, StreamEnd};
use crate::protocol::error_text;
use crate::protocol::failure::unfinished;
use crate::protocol::http1::Head;
use crate::timeline::Outcome;

/// Of an answer that is not streamed, so much is kept at most; more is no answer to us.
const MAX_BODY: usize = 64 * 1024 * 1024;
/// Of an error body, enough for its message.
const MAX_ERROR_BODY: usize = 64 * 1024;
/// A token with all that servers send beside it (log probabilities of twenty others, the text so
/// far once more) fits into this, and what no token belongs to into the other. A stream that goes
/// beyond has no end.
const MAX_BYTES_PER_TOKEN: usize = 64 * 1024;
const MAX_BYTES_BESIDE: usize = 4 * 1024 * 1024;

#[derive(Debug)]
pub(super) struct Intake<D> {
    stream: bool,
    framing: Framing,
    /// Of a body that is collected.
    body: Vec<u8>,
    /// Bytes of the body that may still come.
    room: usize,
    tokens: usize,
    events: Events<D>,
}

/// How the body of a response is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Stream,
    Whole,
    /// Not what was asked for: kept for its message.
    Error,
}

impl<D: Dialect> Intake<D> {
    pub(super) fn new(dialect: &D, stream: bool, tokens: usize) -> Self {
        let room = most_bytes(tokens);
        Self {
            stream,
            framing: Framing::default(),
            body: Vec::new(),
            room,
            tokens,
            events: Events::new(dialect, tokens),
        }
    }

    pub(super) fn keep_text(&mut self, keep: bool) {
        self.events.keep_text(keep);
    }

    /// Takes a piece of the body.
    pub(super) fn take(&mut self, head: &Head, piece: &[u8], now_ns: u64) {
        let limit = match self.mode(head) {
            Mode::Stream => return self.scan(piece, now_ns),
            Mode::Whole => MAX_BODY.min(self.room),
            Mode::Error => MAX_ERROR_BODY,
        };
        let room = limit.saturating_sub(self.body.len()).min(piece.len());
        self.body.extend_from_slice(&piece[..room]);
        if room < piece.len() && self.mode(head) == Mode::Whole {
            let mib = limit >> 20;
            self.events.give_up(format!(
                "answer exceeds {mib} MiB; check that the model server answers this request"
            ));
        }
    }

    fn scan(&mut self, piece: &[u8], now_ns: u64) {
        let events = &mut self.events;
        if events.gave_up() {
            return;
        }
        // Where the bound falls does not depend on how the body was cut.
        let within = &piece[..piece.len().min(self.room)];
        self.room -= within.len();
        let fed = self.framing.feed(within, &mut |event| events.next(event, now_ns));
        if let Err(e) = fed {
            events.give_up(e);
        } else if within.len() < piece.len() && events.done_ns().is_none() {
            let (mib, tokens) = (most_bytes(self.tokens) >> 20, self.tokens);
            events.give_up(format!("ended by goodput-gate: {mib} MiB came for {tokens} tokens, and no end of the stream"));
        }
    }

    /// The body has ended as HTTP promises.
    pub(super) fn finish(&mut self, head: &Head, now_ns: u64) {
        let mode = self.mode(head);
        let events = &mut self.events;
        match mode {
            Mode::Stream => {
                if let Err(e) = self.framing.finish(&mut |event| events.last(event, now_ns)) {
                    events.give_up(e);
                }
                if let Some(body) = self.framing.whole() {
                    events.no_stream(head.content_type.as_deref(), body);
                }
            }
            Mode::Whole => events.whole(head.content_type.as_deref(), &self.body, now_ns),
            Mode::Error => {}
        }
    }

    pub(super) const fn done(&self) -> bool {
        self.events.done_ns().is_some()
    }

    /// Nothing that comes can be used; the connection is to be closed.
    pub(super) const fn gave_up(&self) -> bool {
        self.events.gave_up()
    }

    /// The message of a body that is not an answer.
    pub(super) fn body_text(&self) -> String {
        error_text::text(&self.body)
    }

    pub(super) fn into_received(self) -> Received {
        self.events.into_received()
    }

    /// Why a 200 response is not a completed one. `cut`: what ended the bytes too early, if
    /// anything did; `broken`: it was broken HTTP.
    pub(super) fn failure(
        &self,
        head: &Head,
        cut: Option<&str>,
        broken: bool,
    ) -> Option<(Outcome, String)> {
        let events = &self.events;
        if let Some(text) = events.malformed() {
            return Some((Outcome::Malformed, text.to_owned()));
        }
        if let Some(cut) = cut.filter(|_| !self.done()) {
            let outcome = if broken { Outcome::Malformed } else { Outcome::Truncated };
            return Some((outcome, cut.to_owned()));
        }
        if events.cut() {
            return Some((Outcome::Truncated, "stream ended within an event".into()));
        }
        if self.stream && events.is_cumulative(true) {
            return Some((Outcome::Malformed, CUMULATIVE.into()));
        }
        if self.stream && self.framing.one_line() && !events.received().outputs.is_empty() {
            let what = "the whole answer came as one JSON object, and no stream; check that the server can stream";
            return Some((Outcome::Malformed, what.into()));
        }
        if self.stream && !self.ended(head) {
            return Some(self.unended(head));
        }
        let reason = events.received().finish_reason.as_deref();
        if let Some(reason) = reason.filter(|reason| unfinished(reason)) {
            return Some((
                Outcome::Truncated,
                format!("server ended the answer with finish reason {reason}"),
            ));
        }
        events.received().outputs.is_empty().then(|| (Outcome::Malformed, events.no_output()))
    }

    /// A stream without its end; where it had no event at all, it was none.
    fn unended(&self, head: &Head) -> (Outcome, String) {
        let strange = self.framing.strange();
        let text = error_text::text(strange);
        if !strange.is_empty() && !self.events.any() {
            return (
                Outcome::Malformed,
                format!(
                    "{} instead of an answer: {text}",
                    media_type(head.content_type.as_deref())
                ),
            );
        }
        let told = if strange.is_empty() { String::new() } else { format!("; it said: {text}") };
        (
            Outcome::Truncated,
            format!("stream ended without {}{told}", self.events.dialect().end_words()),
        )
    }

    /// A stream whose bytes ended well ended as its protocol promises.
    fn ended(&self, head: &Head) -> bool {
        let finish_reason = self.events.received().finish_reason.is_some();
        self.events.dialect().ended(StreamEnd {
            mark: self.done(),
            finish_reason,
            delimited: head.delimited,
        })
    }

    /// What the body is shows in the body, whatever its content type says.
    const fn mode(&self, head: &Head) -> Mode {
        match (head.status, self.stream) {
            (200, true) => Mode::Stream,
            (200, false) => Mode::Whole,
            _ => Mode::Error,
        }
    }
}

/// What may come for so many tokens.
const fn most_bytes(tokens: usize) -> usize {
    MAX_BYTES_BESIDE.saturating_add(tokens.saturating_mul(MAX_BYTES_PER_TOKEN))
}
