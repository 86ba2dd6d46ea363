//! Server-sent events over body slices that end anywhere: payloads of `data:` out.
//!
//! Not here: what a payload means. The rules are those of the WHATWG HTML standard, section 9.2.6, with one exception: an event that
//! the end of the body cuts off before its blank line is handed out by `finish`, since some servers leave that line away.
//! In the common case (a whole one-line event within the slice) the payload is a slice of the input and nothing is copied.

#[cfg(test)]
mod tests;

use memchr::memchr2;
use thiserror::Error;

/// Far above any real event (a token with its log probabilities is some KiB); memory must not grow with what a server sends.
const MAX_EVENT: usize = 16 * 1024 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("event exceeds 16 MiB; check that the server streams server-sent events")]
pub struct EventTooLarge;

/// One dispatched event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SseEvent<'a> {
    /// The values of its `data:` lines, joined by line feeds.
    pub data: &'a [u8],
    /// It had `event: error`.
    pub error: bool,
}

/// Splits a stream into events. Make a new one for each response.
#[derive(Debug, Default)]
pub struct Scanner {
    /// A line whose end has not arrived.
    carry: Vec<u8>,
    /// Data of the event that is being gathered.
    data: Vec<u8>,
    has_data: bool,
    error: bool,
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
    pub fn feed(&mut self, bytes: &[u8], sink: &mut impl FnMut(SseEvent<'_>)) -> Result<(), EventTooLarge> {
        let mut rest = bytes;
        if self.place == Place::AfterReturn && !rest.is_empty() {
            self.place = Place::Later;
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        while let Some(end) = memchr2(b'\n', b'\r', rest) {
            let (line, terminated) = rest.split_at(end);
            if let Some((data, after)) = self.whole_event(line, terminated) {
                sink(SseEvent { data, error: false });
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
            rest = if terminated.starts_with(b"\r\n") { &terminated[2..] } else { &terminated[1..] };
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

    /// The fast path: `line` is all of an event, and its blank line is here too. Returns the data and what follows.
    fn whole_event<'a>(&self, line: &'a [u8], terminated: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
        let idle = self.place == Place::Later && self.carry.is_empty() && !self.has_data && !self.error;
        if !idle || line.len() > MAX_EVENT {
            return None;
        }
        let data = line.strip_prefix(b"data:")?;
        let after = skip_line_end(skip_line_end(terminated)?)?;
        Some((data.strip_prefix(b" ").unwrap_or(data), after))
    }

    fn line(&mut self, line: &[u8], sink: &mut impl FnMut(SseEvent<'_>)) -> Result<(), EventTooLarge> {
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
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.has_data = true;
                self.data.extend_from_slice(value);
                self.check(0)
            }
            b"event" => {
                self.error = value == b"error";
                Ok(())
            }
            // Comments have an empty field name; `id`, `retry` and unknown fields mean nothing here.
            _ => Ok(()),
        }
    }

    fn dispatch(&mut self, sink: &mut impl FnMut(SseEvent<'_>)) {
        if self.has_data {
            sink(SseEvent { data: &self.data, error: self.error });
        }
        self.data.clear();
        self.has_data = false;
        self.error = false;
    }

    fn check(&self, carried: usize) -> Result<(), EventTooLarge> {
        if carried + self.data.len() > MAX_EVENT { Err(EventTooLarge) } else { Ok(()) }
    }
}

/// What follows the line end that `bytes` starts with. `None` where there is none, or where a CR at the very end leaves open
/// whether an LF belongs to it.
fn skip_line_end(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [b'\n', after @ ..] | [b'\r', b'\n', after @ ..] => Some(after),
        [b'\r', after @ ..] if !after.is_empty() => Some(after),
        _ => None,
    }
}
