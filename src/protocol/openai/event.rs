//! Payloads of the `OpenAI` protocols to events: a scan for the plain ones, a JSON parse for the rest.
//!
//! Not here: request bodies, framing. The scan is what makes a token cost a tenth of a microsecond; it answers only where the
//! parse would say the same, and leaves everything unusual to it. `tests` hold the two against each other.

#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use memchr::memchr2;
use memchr::memmem::Finder;

use super::{Form, wire};
use crate::protocol::event::{Delta, Event};

/// One `data:` payload.
pub fn event(form: Form, payload: &[u8]) -> Event {
    match plain(form, payload) {
        Some(delta) => Event::Delta(delta),
        None => parsed(form, payload),
    }
}

/// The whole body of an answer that is not streamed.
pub fn answer(form: Form, body: &[u8]) -> Event {
    wire::parse(form, body.trim_ascii())
}

fn parsed(form: Form, payload: &[u8]) -> Event {
    match payload.trim_ascii() {
        b"[DONE]" => Event::Done(Delta::default()),
        // Sent by some proxies to keep the connection alive.
        b"" => Event::Delta(Delta::default()),
        json => wire::parse(form, json),
    }
}

/// Finders of the quoted names that decide. JSON escapes quotes inside strings, so a quoted name is never part of longer text; where
/// a text is the very name, the scan sees something other than what it expects behind it and leaves the event to the parse.
struct Names {
    delta: Finder<'static>,
    text: Finder<'static>,
    error: Finder<'static>,
    usage: Finder<'static>,
    finish_reason: Finder<'static>,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| Names {
    delta: Finder::new(b"\"delta\""),
    text: Finder::new(b"\"text\""),
    error: Finder::new(b"\"error\""),
    usage: Finder::new(b"\"usage\""),
    finish_reason: Finder::new(b"\"finish_reason\""),
});

/// An event of one choice with no finish reason, usage or error; `None` where this cannot be told by a scan.
fn plain(form: Form, payload: &[u8]) -> Option<Delta> {
    if payload.first() != Some(&b'{') || payload.last() != Some(&b'}') {
        return None;
    }
    let names = &*NAMES;
    let delta = match form {
        Form::Chat => flat_delta(only(&names.delta, payload)?)?,
        Form::Completions => {
            let (text, _) = string_or_null(value(only(&names.text, payload)?)?)?;
            Delta { answer: !text.is_empty(), ..Delta::default() }
        }
    };
    let dull =
        names.error.find(payload).is_none() && only_null(&names.finish_reason, payload) && only_null(&names.usage, payload);
    dull.then_some(delta)
}

/// What follows the name, where it occurs exactly once.
fn only<'a>(name: &Finder<'_>, payload: &'a [u8]) -> Option<&'a [u8]> {
    let after = &payload[name.find(payload)? + name.needle().len()..];
    name.find(after).is_none().then_some(after)
}

fn only_null(name: &Finder<'_>, payload: &[u8]) -> bool {
    let mut rest = payload;
    while let Some(at) = name.find(rest) {
        rest = &rest[at + name.needle().len()..];
        if !value(rest).is_some_and(|v| v.starts_with(b"null")) {
            return false;
        }
    }
    true
}

/// What a delta of strings and nulls brings. `bytes` begin behind its name.
fn flat_delta(bytes: &[u8]) -> Option<Delta> {
    let mut delta = Delta::default();
    let mut rest = value(bytes)?.strip_prefix(b"{")?.trim_ascii_start();
    if rest.first() == Some(&b'}') {
        return Some(delta);
    }
    loop {
        let (name, after) = string(rest)?;
        let (text, after) = string_or_null(value(after)?)?;
        match name {
            b"content" => delta.answer = !text.is_empty(),
            b"reasoning_content" | b"reasoning" => delta.reasoning |= !text.is_empty(),
            b"tool_calls" | b"function_call" if !text.is_empty() => return None,
            _ => {}
        }
        rest = match after.trim_ascii_start() {
            [b',', next @ ..] => next.trim_ascii_start(),
            [b'}', ..] => return Some(delta),
            _ => return None,
        };
    }
}

/// The value, where a colon leads to one.
fn value(bytes: &[u8]) -> Option<&[u8]> {
    Some(bytes.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start())
}

fn string_or_null(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    match bytes.strip_prefix(b"null") {
        Some(after) => Some((&[], after)),
        None => string(bytes),
    }
}

/// The inside of the JSON string that `bytes` begin with, still escaped, and what follows it.
fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let inside = bytes.strip_prefix(b"\"")?;
    let mut from = 0;
    loop {
        let at = from + memchr2(b'"', b'\\', inside.get(from..)?)?;
        if inside[at] == b'"' {
            return Some((&inside[..at], &inside[at + 1..]));
        }
        from = at + 2;
    }
}
