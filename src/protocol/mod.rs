//! Wire protocols, pure: request body out, stream events in (bytes to events). One file per protocol.
//!
//! Not here: sockets and time (`load/`), what events mean for metrics (`timeline`, `measure`).

mod error_text;
mod event;
mod http1;
mod openai;
mod receiver;
mod redact;
mod sse;

pub use error_text::text as error_text;
pub use receiver::{Answer, Receiver, Step};
pub use redact::{redact, secrets};

use crate::config::Protocol;

/// What a request asks for, whatever the protocol.
#[derive(Clone, Copy, Debug)]
pub struct BodySpec<'a> {
    pub model: &'a str,
    pub prompt: &'a str,
    pub output_tokens: u32,
    pub stream: bool,
    pub temperature: f64,
    pub extras: Extras,
}

/// Fields beyond the common ones, each sent only where the server takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extras {
    /// `ignore_eos: true`
    pub ignore_eos: bool,
    /// `min_tokens` equal to `max_tokens`
    pub min_tokens: bool,
    /// `stream_options: {include_usage: true}`
    pub stream_usage: bool,
}

/// The path below the base URL.
pub const fn path(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::OpenAiChat => "/chat/completions",
        Protocol::OpenAiCompletions => "/completions",
    }
}

/// The finished JSON body of a request.
pub fn body(protocol: Protocol, spec: &BodySpec<'_>) -> Vec<u8> {
    openai::body(protocol, spec)
}
