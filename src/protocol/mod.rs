//! Wire protocols, pure: request body out, stream events in (bytes to events). One file per
//! protocol, each a `Dialect`.
//!
//! Not here: sockets and time (`load/`), what events mean for metrics (`timeline`, `measure`).

mod count;
mod dialect;
mod error_text;
mod event;
mod extra_body;
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
pub use dialect::{
    BodySpec, Dialect, ExtraBody, Extras, Family, LengthField, OwnField, Role, SettingProblem,
    Settings, StreamEnd,
};
pub use error_text::text as error_text;
pub use extra_body::{conflict, joined};
pub use ollama::Ollama;
pub use openai::OpenAi;
pub use receiver::{Answer, Receiver, Step};
pub use text::prompt;
pub use triton::Triton;

use dialect::dialects;
use event::{Event, Usage};
use extra_body::fill;
use serde_json::Value;

// All protocols, by their names in a config. One more is a line here, and its file.
dialects! {
    "openai-chat" = OpenAiChat(OpenAi) by openai::chat;
    "openai-completions" = OpenAiCompletions(OpenAi) by openai::completions;
    "ollama" = Ollama(ollama::Native) by ollama::chat;
    "ollama-generate" = OllamaGenerate(ollama::Native) by ollama::generate;
    "triton" = Triton(triton::Generate) by triton::generate;
}

impl From<ProtocolName> for Protocol {
    /// With nothing said of it.
    fn from(name: ProtocolName) -> Self {
        Self::new(name, &Settings::default())
    }
}

impl ProtocolName {
    /// Its API is at the server's root, not under `/v1`.
    pub fn is_native(self) -> bool {
        self.family() != Family::OpenAi
    }

    pub fn family(self) -> Family {
        Protocol::from(self).family()
    }
}

/// The finished JSON body of a request.
pub fn body(dialect: &impl Dialect, spec: &BodySpec<'_>) -> Vec<u8> {
    let mut fields = dialect.fields(spec);
    if let Some(extra) = spec.extra_body {
        fill(&mut fields, extra);
    }
    Value::Object(fields).to_string().into_bytes()
}

/// The protocol's name with all that the config says of it: what shapes a request besides workload
/// and model.
pub fn shape(protocol: &Protocol) -> String {
    let settings = protocol.settings();
    settings.map_or_else(
        || protocol.name().to_owned(),
        |settings| format!("{} {settings}", protocol.name()),
    )
}
