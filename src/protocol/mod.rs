//! Wire protocols, pure: request body out, stream events in (bytes to events). One file per protocol.
//!
//! Not here: sockets and time (`load/`), what events mean for metrics (`timeline`, `measure`).

mod count;
mod error_text;
mod event;
mod failure;
mod filled;
mod http1;
mod lines;
mod model;
mod ollama;
mod openai;
mod receiver;
mod shape;
mod sse;
mod text;
mod triton;

pub use crate::redact::{Secrets, keys, redact, secrets};
pub use error_text::{refusal, text as error_text};
pub use receiver::{Answer, Receiver, Step};
pub use text::prompt;

use crate::config::{ExtraBody, Protocol};
use event::Event;

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
    /// Further fields, as the user says them. Where one is the gate's own, the gate's stays.
    pub extra_body: Option<&'a ExtraBody>,
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
    pub length: LengthField,
}

/// What a chat calls the most tokens of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LengthField {
    #[default]
    MaxTokens,
    /// Of the models of `OpenAI` that reason, which refuse the other.
    MaxCompletionTokens,
}

impl Extras {
    /// What the protocol can ask for, of what a workload wants; the server may still refuse some of it.
    pub fn wanted(protocol: &Protocol, ignore_eos: bool, stream: bool) -> Self {
        let length = LengthField::default();
        match protocol {
            Protocol::OpenAiChat | Protocol::OpenAiCompletions => {
                Self { ignore_eos, min_tokens: ignore_eos, stream_usage: stream, length }
            }
            // It counts without being asked, and ends where the model does.
            Protocol::Ollama(_) | Protocol::OllamaGenerate(_) => {
                Self { ignore_eos: false, min_tokens: false, stream_usage: false, length }
            }
            Protocol::Triton(names) => {
                Self { ignore_eos: ignore_eos && !names.ignore_eos.is_empty(), min_tokens: false, stream_usage: false, length }
            }
        }
    }
}

impl LengthField {
    pub const fn name(self) -> &'static str {
        match self {
            Self::MaxTokens => "max_tokens",
            Self::MaxCompletionTokens => "max_completion_tokens",
        }
    }
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
pub fn path(protocol: &Protocol, model: &str, stream: bool) -> String {
    match protocol {
        Protocol::OpenAiChat => "/chat/completions".into(),
        Protocol::OpenAiCompletions => "/completions".into(),
        Protocol::Ollama(_) => "/api/chat".into(),
        Protocol::OllamaGenerate(_) => "/api/generate".into(),
        Protocol::Triton(_) => format!("/v2/models/{model}/generate{}", if stream { "_stream" } else { "" }),
    }
}

/// The finished JSON body of a request.
pub fn body(protocol: &Protocol, spec: &BodySpec<'_>) -> Vec<u8> {
    let mut fields = match protocol {
        Protocol::OpenAiChat => openai::body(openai::Form::Chat, spec),
        Protocol::OpenAiCompletions => openai::body(openai::Form::Completions, spec),
        Protocol::Ollama(settings) => ollama::body(ollama::Form::Chat, settings, spec),
        Protocol::OllamaGenerate(settings) => ollama::body(ollama::Form::Generate, settings, spec),
        Protocol::Triton(names) => triton::body(names, spec),
    };
    if let Some(extra) = spec.extra_body {
        fill(&mut fields, extra);
    }
    serde_json::Value::Object(fields).to_string().into_bytes()
}

/// Adds what is not there yet, at every depth.
fn fill(fields: &mut ExtraBody, extra: &ExtraBody) {
    for (key, value) in extra {
        match (fields.get_mut(key), value) {
            (None, _) => {
                fields.insert(key.clone(), value.clone());
            }
            (Some(serde_json::Value::Object(inner)), serde_json::Value::Object(more)) => fill(inner, more),
            (Some(_), _) => {}
        }
    }
}

/// The protocol's name with all that the config says of it: what shapes a request besides workload and model.
pub fn shape(protocol: &Protocol) -> String {
    let settings = match protocol {
        Protocol::OpenAiChat | Protocol::OpenAiCompletions => None,
        Protocol::Ollama(settings) | Protocol::OllamaGenerate(settings) => serde_json::to_string(&**settings).ok(),
        Protocol::Triton(names) => serde_json::to_string(&**names).ok(),
    };
    settings.map_or_else(|| protocol.name().to_owned(), |settings| format!("{} {settings}", protocol.name()))
}

/// One event of a stream: the payload of a server-sent event, or a line.
fn event(protocol: &Protocol, payload: &[u8]) -> Event {
    match protocol {
        Protocol::OpenAiChat => openai::event(openai::Form::Chat, payload),
        Protocol::OpenAiCompletions => openai::event(openai::Form::Completions, payload),
        Protocol::Ollama(_) | Protocol::OllamaGenerate(_) => ollama::event(payload),
        Protocol::Triton(names) => triton::event(names, payload),
    }
}

/// The whole body of an answer that is not streamed.
fn answer(protocol: &Protocol, body: &[u8]) -> Event {
    match protocol {
        Protocol::OpenAiChat => openai::answer(openai::Form::Chat, body),
        Protocol::OpenAiCompletions => openai::answer(openai::Form::Completions, body),
        Protocol::Ollama(_) | Protocol::OllamaGenerate(_) => ollama::event(body),
        Protocol::Triton(names) => triton::event(names, body),
    }
}
