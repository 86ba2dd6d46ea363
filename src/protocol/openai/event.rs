//! Payloads of the `OpenAI` protocols to events.
//!
//! Not here: request bodies, framing, the JSON itself (`wire`).

#[cfg(test)]
mod tests;

use super::{Form, wire};
use crate::protocol::event::{Delta, Event};

/// One `data:` payload.
pub fn event(form: Form, payload: &[u8]) -> Event {
    match payload.trim_ascii() {
        b"[DONE]" => Event::Done(Delta::default()),
        // Sent by some proxies to keep the connection alive.
        b"" => Event::Delta(Delta::default()),
        json => wire::parse(form, json, true),
    }
}

/// The whole body of an answer that is not streamed.
pub fn answer(form: Form, body: &[u8]) -> Event {
    wire::parse(form, body.trim_ascii(), false)
}
