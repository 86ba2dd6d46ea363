//! Ollama's own API, `/api/chat` and `/api/generate`: one JSON object per line, the last with `done: true` and the counts.
//!
//! Not here: its `OpenAI` API under `/v1` (`openai`). Texts are never built, only whether they are empty. Ollama has no field that makes
//! it go on after an end-of-sequence token: the length is checked by what came back.

#[cfg(test)]
mod tests;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::BodySpec;
use super::count::{Count, from_json};
use super::error_text;
use super::event::{Delta, Event, Usage};
use super::filled::{Content, Filled};
use crate::config::Ollama;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Chat,
    Generate,
}

pub fn body(form: Form, settings: &Ollama, spec: &BodySpec<'_>) -> Map<String, Value> {
    let mut options = Map::new();
    options.insert("num_predict".into(), json!(spec.output_tokens));
    options.insert("temperature".into(), json!(spec.temperature));
    options.extend(settings.options.clone());
    let mut fields = Map::new();
    fields.insert("model".into(), json!(spec.model));
    match form {
        Form::Chat => fields.insert("messages".into(), spec.messages()),
        Form::Generate => fields.insert("prompt".into(), json!(spec.text())),
    };
    fields.insert("stream".into(), json!(spec.stream));
    if let Some(think) = settings.think {
        fields.insert("think".into(), json!(think));
    }
    if let Some(time) = &settings.keep_alive {
        fields.insert("keep_alive".into(), json!(time));
    }
    fields.insert("options".into(), Value::Object(options));
    fields
}

/// A line of a stream, or a whole answer. Of both forms: a line has the fields of only one.
#[derive(Deserialize)]
struct Line {
    message: Option<Message>,
    #[serde(default)]
    response: Content,
    #[serde(default)]
    thinking: Filled,
    #[serde(default)]
    done: bool,
    done_reason: Option<String>,
    #[serde(default)]
    prompt_eval_count: Count,
    #[serde(default)]
    eval_count: Count,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Content,
    #[serde(default)]
    thinking: Filled,
    #[serde(default)]
    tool_calls: Option<Vec<Value>>,
}

/// One line, or the whole body of an answer that is not streamed.
pub fn event(json: &[u8]) -> Event {
    let line: Line = match from_json(json) {
        Ok(line) => line,
        // A proxy that makes server-sent events of the lines may end them as those end.
        Err(_) if json.trim_ascii() == b"[DONE]" => return Event::Delta(Delta::default()),
        Err(e) => return Event::Malformed(format!("unparsable line ({e}): {}", error_text::text(json))),
    };
    if line.error.is_some() {
        return Event::Error(error_text::text(json));
    }
    let mut delta =
        Delta { answer: line.response.answer, reasoning: line.response.reasoning || line.thinking.0, ..Delta::default() };
    if let Some(message) = line.message {
        delta.answer |= message.content.answer || message.tool_calls.is_some_and(|calls| !calls.is_empty());
        delta.reasoning |= message.content.reasoning || message.thinking.0;
    }
    if !line.done {
        return Event::Delta(delta);
    }
    delta.finish_reason = line.done_reason.filter(|reason| !reason.is_empty());
    let usage = Usage { prompt_tokens: line.prompt_eval_count.0, completion_tokens: line.eval_count.0, ..Usage::default() };
    delta.usage = (usage != Usage::default()).then_some(usage);
    Event::Done(delta)
}
