//! The JSON of `OpenAI` answers, streamed or not, as far as it matters here; fields that do not are skipped.
//!
//! Not here: deciding what an event means for an outcome. Texts are never built, only whether they are empty.

use serde::Deserialize;
use serde_json::{Number, Value};

use super::Form;
use crate::protocol::error_text;
use crate::protocol::event::{Delta, Event, Usage};
use crate::protocol::filled::Filled;

/// A stream's chunk or a whole answer: `choices[].delta` (chat), `choices[].message` (chat, not streamed), `choices[].text`.
#[derive(Deserialize)]
struct Answer {
    choices: Option<Vec<Choice>>,
    usage: Option<WireUsage>,
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
}

#[derive(Default, Deserialize)]
struct Message {
    #[serde(default)]
    content: Filled,
    /// `DeepSeek`'s name, which `SGLang`, llama.cpp and `LiteLLM` use.
    #[serde(default)]
    reasoning_content: Filled,
    /// The name in newer vLLM.
    #[serde(default)]
    reasoning: Filled,
    tool_calls: Option<Vec<ToolCall>>,
    /// What tool calls were called before.
    function_call: Option<Function>,
}

#[derive(Deserialize)]
struct ToolCall {
    function: Option<Function>,
}

#[derive(Deserialize)]
struct Function {
    #[serde(default)]
    name: Filled,
    #[serde(default)]
    arguments: Filled,
}

#[derive(Deserialize)]
struct WireUsage {
    prompt_tokens: Option<Number>,
    completion_tokens: Option<Number>,
    prompt_tokens_details: Option<PromptDetails>,
    completion_tokens_details: Option<CompletionDetails>,
    /// `SGLang` gives it beside the details.
    reasoning_tokens: Option<Number>,
}

#[derive(Deserialize)]
struct PromptDetails {
    cached_tokens: Option<Number>,
}

#[derive(Deserialize)]
struct CompletionDetails {
    reasoning_tokens: Option<Number>,
}

/// Reads a chunk or an answer.
pub(super) fn parse(form: Form, json: &[u8]) -> Event {
    let answer: Answer = match serde_json::from_slice(json) {
        Ok(answer) => answer,
        Err(e) => return Event::Malformed(format!("unparsable event ({e}): {}", error_text::text(json))),
    };
    let flat_error = answer.object.as_ref().and_then(Value::as_str) == Some("error");
    if flat_error || answer.error.is_some() {
        return Event::Error(error_text::text(json));
    }
    let mut delta = Delta { usage: answer.usage.map(Into::into), ..Delta::default() };
    for choice in answer.choices.unwrap_or_default() {
        match form {
            Form::Chat => {
                for message in [choice.delta, choice.message].into_iter().flatten() {
                    delta.reasoning |= message.reasoning_content.0 || message.reasoning.0;
                    delta.answer |= message.content.0 || message.calls_tool();
                }
            }
            Form::Completions => delta.answer |= choice.text.0,
        }
        // Some servers send an empty string until there is a reason.
        delta.finish_reason = choice.finish_reason.filter(|reason| !reason.is_empty()).or(delta.finish_reason);
    }
    Event::Delta(delta)
}

impl Message {
    fn calls_tool(&self) -> bool {
        let functions = self.tool_calls.iter().flatten().filter_map(|call| call.function.as_ref());
        functions.chain(&self.function_call).any(|function| function.name.0 || function.arguments.0)
    }
}

impl From<WireUsage> for Usage {
    fn from(wire: WireUsage) -> Self {
        let count = |number: Option<Number>| number.as_ref().and_then(whole);
        let reasoning = count(wire.completion_tokens_details.and_then(|d| d.reasoning_tokens));
        Self {
            prompt_tokens: count(wire.prompt_tokens),
            completion_tokens: count(wire.completion_tokens),
            cached_tokens: count(wire.prompt_tokens_details.and_then(|d| d.cached_tokens)),
            reasoning_tokens: reasoning.or_else(|| count(wire.reasoning_tokens)),
        }
    }
}

/// A count; servers written in JavaScript may send `12.0`. Anything else is no count, thus absent.
fn whole(number: &Number) -> Option<u32> {
    if let Some(n) = number.as_u64() {
        return u32::try_from(n).ok();
    }
    let float = number.as_f64().filter(|f| f.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(f))?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number within the range, as just checked"
    )]
    Some(float as u32)
}
