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
    /// What was said before the prompt.
    pub history: &'a [(Role, String)],
    pub prompt: &'a str,
    pub output_tokens: u32,
    pub stream: bool,
    pub temperature: f64,
    pub extras: Extras,
}

/// Who says a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    System,
    User,
    Assistant,
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

impl Role {
    pub const fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

impl BodySpec<'_> {
    /// History and prompt as a chat's messages.
    fn messages(&self) -> serde_json::Value {
        let said = self.history.iter().map(|(role, text)| (role.name(), text.as_str()));
        said.chain([(Role::User.name(), self.prompt)])
            .map(|(role, text)| serde_json::json!({"role": role, "content": text}))
            .collect()
    }

    /// History and prompt as one text, for protocols without roles.
    fn text(&self) -> std::borrow::Cow<'_, str> {
        if self.history.is_empty() {
            return self.prompt.into();
        }
        let said = self.history.iter().map(|(_, text)| text.as_str()).chain([self.prompt]);
        said.collect::<Vec<_>>().join("\n\n").into()
    }
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
