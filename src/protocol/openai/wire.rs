//! The JSON of `OpenAI` answers, streamed or not, as far as it matters here; fields that do not are
//! skipped.
//!
//! Not here: deciding what an event means for an outcome. Texts are never built, only whether they
//! are empty.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Form;
use crate::protocol::count::{Count, Counts, from_json};
use crate::protocol::error_text;
use crate::protocol::event::{Delta, DeltaKind, Event, Usage};
use crate::protocol::failure::names_failure;
use crate::protocol::filled::{Content, Filled};

/// A stream's chunk or a whole answer: `choices[].delta` (chat), `choices[].message` (chat, not
/// streamed), `choices[].text`.
#[derive(Deserialize)]
struct Answer {
    choices: Option<Vec<Choice>>,
    #[serde(default)]
    usage: Counts<WireUsage>,
    error: Option<Value>,
    /// `error` in `SGLang`'s flat error objects.
    object: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Option<Message>,
    message: Option<Message>,
    #[serde(default)]
    text: Filled,
    finish_reason: Option<String>,
    /// Gateways that break off say here why.
    error: Option<Value>,
}

#[derive(Default, Deserialize)]
struct Message {
    #[serde(default)]
    content: Content,
    /// `DeepSeek`'s name, which `SGLang`, llama.cpp and `LiteLLM` use.
    #[serde(default)]
    reasoning_content: Filled,
    /// The name in newer vLLM.
    #[serde(default)]
    reasoning: Filled,
    /// `OpenRouter`'s, a list of parts.
    #[serde(default)]
    reasoning_details: Content,
    /// Some gateways'.
    #[serde(default)]
    thinking: Content,
    /// Output that is no text.
    #[serde(default)]
    audio: Content,
    #[serde(default)]
    images: Content,
    /// The model says that it will not answer. That is no output.
    #[serde(default)]
    refusal: Filled,
    tool_calls: Option<Vec<ToolCall>>,
    /// What tool calls were called before.
    function_call: Option<Function>,
}

#[derive(Deserialize)]
struct ToolCall {
    function: Option<Function>,
    /// A tool that takes free text.
    #[serde(default)]
    custom: Content,
}

#[derive(Deserialize)]
struct Function {
    #[serde(default)]
    name: Filled,
    #[serde(default)]
    arguments: Filled,
}

#[derive(Default, Deserialize)]
struct WireUsage {
    #[serde(default)]
    prompt_tokens: Count,
    #[serde(default)]
    completion_tokens: Count,
    #[serde(default)]
    total_tokens: Count,
    #[serde(default)]
    prompt_tokens_details: Counts<PromptDetails>,
    #[serde(default)]
    completion_tokens_details: Counts<CompletionDetails>,
    /// `SGLang` gives it beside the details.
    #[serde(default)]
    reasoning_tokens: Count,
}

#[derive(Default, Deserialize)]
struct PromptDetails {
    #[serde(default)]
    cached_tokens: Count,
}

#[derive(Default, Deserialize)]
struct CompletionDetails {
    #[serde(default)]
    reasoning_tokens: Count,
}

/// Reads a chunk of a stream, or a whole answer (`streamed`: which of the two).
pub(super) fn parse(form: Form, json: &[u8], streamed: bool) -> Event {
    let answer: Answer = match from_json(json) {
        Ok(answer) => answer,
        Err(e) => {
            return Event::Malformed(format!("unparsable event ({e}): {}", error_text::text(json)));
        }
    };
    let flat_error = answer.object.as_ref().and_then(Value::as_str) == Some("error");
    if flat_error || answer.error.is_some() || (answer.choices.is_none() && tells_of_failure(json))
    {
        return Event::Error(error_text::text(json));
    }
    let mut delta = Delta { usage: answer.usage.0.map(Into::into), ..Delta::default() };
    for choice in answer.choices.unwrap_or_default() {
        if let Some(error) = choice.error {
            return Event::Error(error_text::text(error.to_string().as_bytes()));
        }
        match form {
            Form::Chat => {
                let new = choice.delta.unwrap_or_default();
                let whole = choice.message.filter(|_| !new.has_output());
                if streamed && whole.as_ref().is_some_and(Message::has_output) {
                    delta.kind = DeltaKind::Whole;
                }
                for message in [Some(new), whole].into_iter().flatten() {
                    delta.reasoning |= message.reasons();
                    delta.answer |= message.answers();
                    if message.refusal.0 && !message.has_output() {
                        delta.kind = DeltaKind::Refusal;
                    } else if streamed && delta.kind == DeltaKind::New && message.calls() {
                        delta.kind = DeltaKind::Call;
                    }
                }
            }
            Form::Completions => delta.answer |= choice.text.0,
        }
        // Some servers send an empty string until there is a reason.
        delta.finish_reason =
            choice.finish_reason.filter(|reason| !reason.is_empty()).or(delta.finish_reason);
    }
    Event::Delta(delta)
}

/// An event without choices that is an error in a spelling of its own: `{"type":"error"}`,
/// `{"error_msg":""}`, `{"detail":""}`.
fn tells_of_failure(json: &[u8]) -> bool {
    let Ok(fields) = from_json::<Map<String, Value>>(json) else { return false };
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    let named = fields.iter().any(|(name, value)| {
        let nothing = [
            Value::Null,
            Value::Bool(false),
            Value::from(0),
            Value::from(""),
            Value::from(Vec::<Value>::new()),
        ];
        names_failure(name) && !nothing.contains(value)
    });
    let told =
        ["type", "object", "status", "event", "code"].iter().any(|name| names_failure(text(name)));
    named || told || ["detail", "message", "msg"].iter().any(|name| !text(name).is_empty())
}

impl Message {
    fn reasons(&self) -> bool {
        let parts = [self.reasoning_details, self.thinking]
            .iter()
            .any(|parts| parts.answer || parts.reasoning);
        self.content.reasoning || self.reasoning_content.0 || self.reasoning.0 || parts
    }

    fn answers(&self) -> bool {
        [self.content, self.audio, self.images].iter().any(|parts| parts.answer) || self.calls()
    }

    fn calls(&self) -> bool {
        let calls = self.tool_calls.iter().flatten();
        let custom = calls.clone().any(|call| call.custom.answer);
        let mut functions =
            calls.filter_map(|call| call.function.as_ref()).chain(&self.function_call);
        custom || functions.any(|function| function.name.0 || function.arguments.0)
    }

    fn has_output(&self) -> bool {
        self.reasons() || self.answers()
    }
}

impl From<WireUsage> for Usage {
    fn from(wire: WireUsage) -> Self {
        let reasoning = wire.completion_tokens_details.0.and_then(|d| d.reasoning_tokens.0);
        Self {
            prompt_tokens: wire.prompt_tokens.0,
            completion_tokens: wire.completion_tokens.0,
            total_tokens: wire.total_tokens.0,
            cached_tokens: wire.prompt_tokens_details.0.and_then(|d| d.cached_tokens.0),
            reasoning_tokens: reasoning.or(wire.reasoning_tokens.0),
        }
    }
}
