//! What each wire protocol says of itself, and how a list of protocols becomes the enum that is
//! chosen from.
//!
//! Not here: any protocol (a file each), and the list of them (`protocol`).

use std::fmt::Debug;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::error_text;
use super::event::{Event, Usage};
use super::ollama::Ollama;
use super::triton::Triton;

/// Fields of a request body, in the order in which they were written.
pub type ExtraBody = Map<String, Value>;

/// One wire protocol: how a request is written, and what the answer to it says.
///
/// A method with a body is what most protocols do.
pub trait Dialect: Clone + Debug {
    /// The kind of server that speaks it.
    fn family(&self) -> Family {
        Family::OpenAi
    }

    /// What it is set to, as JSON: all that shapes a request besides workload and model. `None`
    /// where nothing can be set.
    fn settings(&self) -> Option<String> {
        None
    }

    /// What is wrong with its settings.
    fn problems(&self) -> Vec<SettingProblem> {
        Vec::new()
    }

    /// The path below the base URL.
    fn path(&self, model: &str, stream: bool) -> String;

    /// The request body, but for the user's further fields.
    fn fields(&self, spec: &BodySpec<'_>) -> Map<String, Value>;

    /// The fields that the gate sets itself, so that nobody else may.
    fn own_fields(&self) -> Vec<OwnField>;

    /// What it can ask for, of what a workload wants; the server may still refuse some of it.
    fn extras(&self, ignore_eos: bool, stream: bool) -> Extras;

    /// What a server that refuses `max_tokens` may call it.
    fn other_length(&self) -> Option<LengthField> {
        None
    }

    /// A field of a chat request of `OpenAI` is sent as it is.
    fn sends(&self, _field: &str) -> bool {
        false
    }

    /// One event of a stream: the payload of a server-sent event, or a line.
    fn event(&self, payload: &[u8]) -> Event;

    /// The whole body of an answer that is not streamed.
    fn answer(&self, body: &[u8]) -> Event {
        self.event(body)
    }

    /// The message of a body that is an error and nothing else, whatever its status.
    fn refusal(&self, body: &[u8]) -> Option<String> {
        error_text::refusal(body)
    }

    /// Names under which an event has the text of its output. One that is missing costs time and
    /// nothing else.
    fn text_names(&self) -> Vec<&str>;

    /// A stream whose bytes ended well ended as the protocol promises.
    fn ended(&self, seen: StreamEnd) -> bool;

    /// What `ended` looks for, in words.
    fn end_words(&self) -> &'static str;

    /// An end mark alone does not say that the answer is whole: where a server gives a finish
    /// reason, all its answers need one.
    fn needs_finish_reason(&self) -> bool {
        false
    }

    /// The counts so far with those of one event more.
    fn add_usage(&self, so_far: Usage, new: Usage) -> Usage {
        so_far.updated(new)
    }

    /// All output of an event or a whole answer: reasoning and content. `None` where it has output
    /// that is no text.
    fn output_text(&self, payload: &Value) -> Option<String>;

    /// The arguments of an event's tool calls, where they are texts. `None` where it has none.
    fn call_arguments(&self, _payload: &Value) -> Option<String> {
        None
    }

    /// The prompt of a request body, with all that was said before it.
    fn prompt_text(&self, body: &Value) -> Option<String>;
}

/// Protocols of one kind of server: they share its API's root, its lists and what a config may say
/// of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    OpenAi,
    Ollama,
    Triton,
}

/// What a config may say of protocols, each for its own.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub ollama: Arc<Ollama>,
    pub triton: Arc<Triton>,
}

/// A setting that cannot be sent as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingProblem {
    /// Below `target`, such as `ollama.options.temperature`.
    pub key: String,
    pub what: String,
    pub hint: &'static str,
}

/// A field that the gate sets itself: its place in the body (dots lead into objects), and what to
/// write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnField {
    pub place: String,
    pub instead: &'static str,
}

/// How the bytes of a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamEnd {
    /// The protocol's end mark came.
    pub mark: bool,
    pub finish_reason: bool,
    /// HTTP said where the body ends: it did not just last until the connection closed.
    pub delimited: bool,
}

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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

impl OwnField {
    /// Of a table of places and what to write instead.
    pub fn table(all: &[(&str, &'static str)]) -> Vec<Self> {
        all.iter().map(|(place, instead)| Self { place: (*place).to_owned(), instead }).collect()
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
    pub fn messages(&self) -> Value {
        let before = self.history.iter().map(|(role, text)| (role.name(), text.as_str()));
        before
            .chain([(Role::User.name(), self.prompt)])
            .map(|(role, text)| serde_json::json!({"role": role, "content": text}))
            .collect()
    }

    /// History and prompt as one text, for protocols without roles.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        if self.history.is_empty() {
            return self.prompt.into();
        }
        let all = self.history.iter().map(|(_, text)| text.as_str()).chain([self.prompt]);
        all.collect::<Vec<_>>().join("\n\n").into()
    }
}

/// Makes of a list of protocols the enum of their names in a config and the enum that is chosen
/// once for a target. A line is the name, the variant, the type that is its dialect, and what makes
/// that of settings. What the enum is asked goes to its dialect by one match.
macro_rules! dialects {
    ($($name:literal = $variant:ident($dialect:ty) by $new:expr;)+) => {
        /// How the server is spoken to, with what its protocol leaves open.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Protocol {
            $($variant($dialect)),+
        }

        /// A protocol by its name in a config.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        pub enum ProtocolName {
            $(#[serde(rename = $name)] $variant),+
        }

        impl ProtocolName {
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$variant),+];

            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }

        impl Protocol {
            pub fn new(name: ProtocolName, settings: &$crate::protocol::Settings) -> Self {
                match name { $(ProtocolName::$variant => Self::$variant($new(settings))),+ }
            }

            pub const fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name),+ }
            }
        }

        impl $crate::protocol::Dialect for Protocol {
            fn family(&self) -> Family {
                match self { $(Self::$variant(d) => d.family()),+ }
            }
            fn settings(&self) -> Option<String> {
                match self { $(Self::$variant(d) => d.settings()),+ }
            }
            fn problems(&self) -> Vec<SettingProblem> {
                match self { $(Self::$variant(d) => d.problems()),+ }
            }
            fn path(&self, model: &str, stream: bool) -> String {
                match self { $(Self::$variant(d) => d.path(model, stream)),+ }
            }
            fn fields(&self, spec: &BodySpec<'_>) -> ExtraBody {
                match self { $(Self::$variant(d) => d.fields(spec)),+ }
            }
            fn own_fields(&self) -> Vec<OwnField> {
                match self { $(Self::$variant(d) => d.own_fields()),+ }
            }
            fn extras(&self, ignore_eos: bool, stream: bool) -> Extras {
                match self { $(Self::$variant(d) => d.extras(ignore_eos, stream)),+ }
            }
            fn other_length(&self) -> Option<LengthField> {
                match self { $(Self::$variant(d) => d.other_length()),+ }
            }
            fn sends(&self, field: &str) -> bool {
                match self { $(Self::$variant(d) => d.sends(field)),+ }
            }
            fn event(&self, payload: &[u8]) -> Event {
                match self { $(Self::$variant(d) => d.event(payload)),+ }
            }
            fn answer(&self, body: &[u8]) -> Event {
                match self { $(Self::$variant(d) => d.answer(body)),+ }
            }
            fn refusal(&self, body: &[u8]) -> Option<String> {
                match self { $(Self::$variant(d) => d.refusal(body)),+ }
            }
            fn text_names(&self) -> Vec<&str> {
                match self { $(Self::$variant(d) => d.text_names()),+ }
            }
            fn ended(&self, seen: StreamEnd) -> bool {
                match self { $(Self::$variant(d) => d.ended(seen)),+ }
            }
            fn end_words(&self) -> &'static str {
                match self { $(Self::$variant(d) => d.end_words()),+ }
            }
            fn needs_finish_reason(&self) -> bool {
                match self { $(Self::$variant(d) => d.needs_finish_reason()),+ }
            }
            fn add_usage(&self, so_far: Usage, new: Usage) -> Usage {
                match self { $(Self::$variant(d) => d.add_usage(so_far, new)),+ }
            }
            fn output_text(&self, payload: &Value) -> Option<String> {
                match self { $(Self::$variant(d) => d.output_text(payload)),+ }
            }
            fn call_arguments(&self, payload: &Value) -> Option<String> {
                match self { $(Self::$variant(d) => d.call_arguments(payload)),+ }
            }
            fn prompt_text(&self, body: &Value) -> Option<String> {
                match self { $(Self::$variant(d) => d.prompt_text(body)),+ }
            }
        }
    };
}

pub(super) use dialects;
