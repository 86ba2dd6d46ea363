//! Server-sent events over body slices that end anywhere: payloads of `data:` out, and what a
//! server says of a failure beside them.
//!
//! Not here: what a payload means. The rules are those of the WHATWG HTML standard, section 9.2.6,
//! with four exceptions. An event that the end of the body cuts off before its blank line is handed
//! out by `finish`, since some servers leave that line away. A `data:` line that is a whole JSON
//! object is an event of its own, since nothing can follow it: some servers part events by single
//! line feeds. An event named `error` counts without data too. And lines that the standard skips
//! are looked at: a comment or a field may tell of a failure, and a bare JSON object between events
//! is something that the server said. In the common case (a whole one-line event within the slice)
//! the payload is a slice of the input and nothing is copied.

#[cfg(test)]
mod tests;

use memchr::memchr2;
use serde::de::IgnoredAny;
use thiserror::Error;

use super::error_text::refusal;
use super::failure::names_failure;

/// Far above any real event (a token with its log probabilities is some KiB); memory must not grow
/// with what a server sends.
const MAX_EVENT: usize = 16 * 1024 * 1024;
/// Of a comment or of lines outside events, enough for a message.
const MAX_ASIDE: usize = 64 * 1024;
/// So often it is tried whether lines are a whole object: an object of many lines must not be read
/// again for each of them.
const MAX_TRIES: u8 = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("event exceeds 16 MiB; check that the server streams server-sent events")]
pub struct EventTooLarge;

/// Something that the stream says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SseEvent<'a> {
    /// A dispatched event: the values of its `data:` lines, joined by line feeds.
    Data(&'a [u8]),
    /// The server tells of a failure, in these words: the data of an event named `error`, a
    /// comment, a field.
    Failure(&'a [u8]),
    /// JSON that is in no event's data.
    Stray(&'a [u8]),
}

/// Splits a stream into events. Make a new one for each response.
#[derive(Debug, Default)]
pub struct Scanner {
    /// A line whose end has not arrived.
    carry: Vec<u8>,
    /// Data of the event that is being gathered.
    data: Vec<u8>,
    has_data: bool,
    /// The name of that event, where it tells of a failure.
    failure: Option<Vec<u8>>,
    /// The last comment within that event.
    comment: Vec<u8>,
    /// Lines of JSON outside events, as far as they came.
    stray: Vec<u8>,
    /// The last line that is neither of an event nor a comment.
    strange: Vec<u8>,
    /// How often it was tried whether what is gathered is a whole object.
    tries: u8,
    place: Place,
}

/// Where in the stream the next byte is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// In the first line, which may begin with a byte order mark.
    #[default]
    FirstLine,
    Later,
    /// A line ended in CR at the end of a slice: an LF that follows belongs to it.
    AfterReturn,
}

impl Scanner {
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a slice of the body. After an error the stream cannot be read further.
    pub fn feed(
        &mut self,
        bytes: &[u8],
        sink: &mut impl FnMut(SseEvent<'_>),
    ) -> Result<(), EventTooLarge> {
        let mut rest = bytes;
        if self.place == Place::AfterReturn && !rest.is_empty() {
            self.place = Place::Later;
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        while let Some(end) = memchr2(b'\n', b'\r', rest) {
            let (line, terminated) = rest.split_at(end);
            if let Some((data, after)) = self.whole_event(line, terminated) {
                sink(SseEvent::Data(data));
                rest = after;
                continue;
            }
            if self.carry.is_empty() {
                self.line(line, sink)?;
            } else {
                self.carry.extend_from_slice(line);
                let whole = std::mem::take(&mut self.carry);
                self.line(&whole, sink)?;
                // Back with its capacity, for the next event that a read cuts.
                self.carry = whole;
                self.carry.clear();
            }
            if terminated == b"\r" {
                self.place = Place::AfterReturn;
            }
            rest =
                if terminated.starts_with(b"\r\n") { &terminated[2..] } else { &terminated[1..] };
        }
        self.carry.extend_from_slice(rest);
        self.check(self.carry.len())
    }

    /// The body has ended: hands out an event that no blank line ended.
    pub fn finish(&mut self, sink: &mut impl FnMut(SseEvent<'_>)) -> Result<(), EventTooLarge> {
        let line = std::mem::take(&mut self.carry);
        if !line.is_empty() {
            self.line(&line, sink)?;
        }
        self.dispatch(sink);
        Ok(())
    }

    /// The last line that is neither of an event nor a comment; empty where there was none.
    pub fn strange(&self) -> &[u8] {
        &self.strange
    }

    /// The fast path: `line` is all of an event, and its blank line is here too. Returns the data
    /// and what follows.
    fn whole_event<'a>(
        &self,
        line: &'a [u8],
        terminated: &'a [u8],
    ) -> Option<(&'a [u8], &'a [u8])> {
        let idle = self.place == Place::Later && self.carry.is_empty() && !self.has_data;
        if !idle
            || line.len() > MAX_EVENT
            || self.failure.is_some()
            || !self.comment.is_empty()
            || !self.stray.is_empty()
        {
            return None;
        }
        let data = line.strip_prefix(b"data:")?;
        let after = skip_line_end(skip_line_end(terminated)?)?;
        Some((data.strip_prefix(b" ").unwrap_or(data), after))
    }

    fn line(
        &mut self,
        line: &[u8],
        sink: &mut impl FnMut(SseEvent<'_>),
    ) -> Result<(), EventTooLarge> {
        let first = std::mem::replace(&mut self.place, Place::Later) == Place::FirstLine;
        let line = line.strip_prefix("\u{feff}".as_bytes()).filter(|_| first).unwrap_or(line);
        if line.is_empty() {
            self.dispatch(sink);
            return Ok(());
        }
        let (field, value) = match memchr::memchr(b':', line) {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &[][..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => {
                self.hand_out_stray(sink);
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.has_data = true;
                self.data.extend_from_slice(value);
                self.check(0)?;
                if self.failure.is_none() && is_whole_object(&self.data, &mut self.tries) {
                    self.dispatch(sink);
                }
            }
            b"event" => self.failure = fails(value).then(|| value.to_vec()),
            b"" => keep_start(&mut self.comment, value),
            b"id" | b"retry" => {}
            _ => self.unknown(line, field, value, sink),
        }
        Ok(())
    }

    /// A line of no known field. Most mean nothing; one that tells of a failure, or carries JSON or
    /// a page, was meant to be heard.
    fn unknown(
        &mut self,
        line: &[u8],
        field: &[u8],
        value: &[u8],
        sink: &mut impl FnMut(SseEvent<'_>),
    ) {
        keep_start(&mut self.strange, line);
        let field_fails = fails(field);
        let carries =
            |text: &[u8]| matches!(text.trim_ascii(), [b'{' | b'<', ..] | [b'[', b'{' | b'"', ..]);
        if !self.stray.is_empty() || carries(line) || (!field_fails && carries(value)) {
            if self.stray.len() < MAX_ASIDE {
                self.stray.extend_from_slice(&line[..line.len().min(MAX_ASIDE)]);
                self.stray.push(b'\n');
            }
            // One object is one message; what follows is another.
            if is_whole_object(&self.stray, &mut self.tries) {
                self.hand_out_stray(sink);
            }
        } else if field_fails && field.len() < line.len() && !field.contains(&b' ') {
            // `error: {...}`, but not `error: null`.
            if !matches!(value.trim_ascii(), b"" | b"null" | b"false" | b"0") {
                sink(SseEvent::Failure(value));
            }
        } else if fails(line) {
            sink(SseEvent::Failure(line));
        }
    }

    fn hand_out_stray(&mut self, sink: &mut impl FnMut(SseEvent<'_>)) {
        if !self.stray.is_empty() {
            sink(SseEvent::Stray(&std::mem::take(&mut self.stray)));
            self.tries = 0;
        }
    }

    fn dispatch(&mut self, sink: &mut impl FnMut(SseEvent<'_>)) {
        self.hand_out_stray(sink);
        let comment = std::mem::take(&mut self.comment);
        if let Some(name) = self.failure.take() {
            let data =
                Some(self.data.trim_ascii()).filter(|data| !matches!(*data, b"" | b"{}" | b"null"));
            let words = data.or(Some(comment.trim_ascii()).filter(|comment| !comment.is_empty()));
            sink(SseEvent::Failure(words.unwrap_or(&name)));
        } else {
            if fails(&comment) {
                sink(SseEvent::Failure(&comment));
            }
            if self.has_data {
                sink(SseEvent::Data(&self.data));
            }
        }
        self.data.clear();
        self.has_data = false;
        self.tries = 0;
    }

    fn check(&self, carried: usize) -> Result<(), EventTooLarge> {
        if carried + self.data.len() > MAX_EVENT { Err(EventTooLarge) } else { Ok(()) }
    }
}

fn fails(text: &[u8]) -> bool {
    match text.trim_ascii_start().first() {
        None => false,
        // An object may have a place for errors, and none in it.
        Some(b'{') if is_whole_object(text, &mut 0) => refusal(text).is_some(),
        Some(_) => names_failure(&String::from_utf8_lossy(text)),
    }
}

/// Nothing that follows on a further line could make this JSON longer.
fn is_whole_object(text: &[u8], tries: &mut u8) -> bool {
    let text = text.trim_ascii();
    if text.first() != Some(&b'{') || text.last() != Some(&b'}') || *tries == MAX_TRIES {
        return false;
    }
    *tries += 1;
    serde_json::from_slice::<IgnoredAny>(text).is_ok()
}

/// The last one counts; of a long one its beginning.
fn keep_start(kept: &mut Vec<u8>, text: &[u8]) {
    kept.clear();
    kept.extend_from_slice(&text[..text.len().min(MAX_ASIDE)]);
}

/// What follows the line end that `bytes` starts with. `None` where there is none, or where a CR at
/// the very end leaves open whether an LF belongs to it.
fn skip_line_end(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [b'\n', after @ ..] | [b'\r', b'\n', after @ ..] => Some(after),
        [b'\r', after @ ..] if !after.is_empty() => Some(after),
        _ => None,
    }
}
