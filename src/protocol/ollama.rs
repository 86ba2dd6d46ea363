//! Ollama's own API, `/api/chat` and `/api/generate`: one JSON object per line, the last with
//! `done: true` and the counts.
//!
//! Not here: its `OpenAI` API under `/v1` (`openai`). Texts are never built, only whether they are
//! empty. Ollama has no field that makes it go on after an end-of-sequence token: the length is
//! checked by what came back.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::count::{Count, from_json};
use super::dialect::{
    BodySpec, Dialect, Extras, Family, OwnField, SettingProblem, Settings, StreamEnd,
};
use super::error_text;
use super::event::{Delta, Event, Usage};
use super::filled::{Content, Filled};
use super::text;

/// What is sent to Ollama besides what a workload says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ollama {
    /// Whether a model that can reason does so; left to the model where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub think: Option<bool>,
    /// How long the model stays loaded after a request, such as `30m`; Ollama's default is five
    /// minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_alive: Option<String>,
    /// Further model options, such as `{num_ctx: 8192, seed: 1}`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub options: Map<String, Value>,
}

/// Chat or generate, with what is sent besides.
#[derive(Clone, Debug, PartialEq)]
pub struct Native {
    form: Form,
    settings: Arc<Ollama>,
}

/// Which of the two: they differ in where prompt and text stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Chat,
    Generate,
}

/// What the gate sets itself.
const OWN: [(&str, &str); 6] = [
    ("model", "write target.model"),
    ("messages", "write `prompts` in the workload"),
    ("prompt", "write `prompts` in the workload"),
    ("stream", "write `stream` in the workload"),
    ("options.num_predict", "write `output_tokens` in the workload"),
    ("options.temperature", "write `temperature` in the workload"),
];

pub fn chat(settings: &Settings) -> Native {
    Native { form: Form::Chat, settings: settings.ollama.clone() }
}

pub fn generate(settings: &Settings) -> Native {
    Native { form: Form::Generate, settings: settings.ollama.clone() }
}

impl Dialect for Native {
    fn family(&self) -> Family {
        Family::Ollama
    }

    fn settings(&self) -> Option<String> {
        serde_json::to_string(&*self.settings).ok()
    }

    fn problems(&self) -> Vec<SettingProblem> {
        let own = [
            ("num_predict", "write `output_tokens` in the workload"),
            ("temperature", "write `temperature` in the workload"),
        ];
        own.into_iter()
            .filter(|(option, _)| self.settings.options.contains_key(*option))
            .map(|(option, hint)| {
                let key = format!("ollama.options.{option}");
                SettingProblem { key, what: "is the workload's to say".into(), hint }
            })
            .collect()
    }

    fn path(&self, _model: &str, _stream: bool) -> String {
        match self.form {
            Form::Chat => "/api/chat".into(),
            Form::Generate => "/api/generate".into(),
        }
    }

    fn fields(&self, spec: &BodySpec<'_>) -> Map<String, Value> {
        let mut options = Map::new();
        options.insert("num_predict".into(), json!(spec.output_tokens));
        options.insert("temperature".into(), json!(spec.temperature));
        options.extend(self.settings.options.clone());
        let mut fields = Map::new();
        fields.insert("model".into(), json!(spec.model));
        match self.form {
            Form::Chat => fields.insert("messages".into(), spec.messages()),
            Form::Generate => fields.insert("prompt".into(), json!(spec.text())),
        };
        fields.insert("stream".into(), json!(spec.stream));
        if let Some(think) = self.settings.think {
            fields.insert("think".into(), json!(think));
        }
        if let Some(time) = &self.settings.keep_alive {
            fields.insert("keep_alive".into(), json!(time));
        }
        fields.insert("options".into(), Value::Object(options));
        fields
    }

    fn own_fields(&self) -> Vec<OwnField> {
        let set = &self.settings;
        let options = set.options.keys().map(|key| format!("options.{key}"));
        let think = set.think.map(|_| "think".to_owned());
        let keep_alive = set.keep_alive.as_ref().map(|_| "keep_alive".to_owned());
        let instead = "target.ollama says it too: keep one of them";
        let mut own = OwnField::table(&OWN);
        own.extend(options.chain(think).chain(keep_alive).map(|place| OwnField { place, instead }));
        own
    }

    /// It counts without being asked, and ends where the model does.
    fn extras(&self, _ignore_eos: bool, _stream: bool) -> Extras {
        Extras::default()
    }

    fn event(&self, payload: &[u8]) -> Event {
        event(payload)
    }

    fn text_names(&self) -> Vec<&str> {
        vec!["content", "response", "thinking"]
    }

    fn ended(&self, seen: StreamEnd) -> bool {
        seen.mark
    }

    fn end_words(&self) -> &'static str {
        "a line with `done: true`"
    }

    fn output_text(&self, payload: &Value) -> Option<String> {
        match self.form {
            Form::Chat => text::message(&payload["message"]),
            Form::Generate => Some(text::joined(&[&payload["thinking"], &payload["response"]])),
        }
    }

    fn prompt_text(&self, body: &Value) -> Option<String> {
        match self.form {
            Form::Chat => text::messages_text(body),
            Form::Generate => body["prompt"].as_str().map(str::to_owned),
        }
    }
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
fn event(json: &[u8]) -> Event {
    let line: Line = match from_json(json) {
        Ok(line) => line,
        // A proxy that makes server-sent events of the lines may end them as those end.
        Err(_) if json.trim_ascii() == b"[DONE]" => return Event::Delta(Delta::default()),
        Err(e) => {
            return Event::Malformed(format!("unparsable line ({e}): {}", error_text::text(json)));
        }
    };
    if line.error.is_some() {
        return Event::Error(error_text::text(json));
    }
    let mut delta = Delta {
        answer: line.response.answer,
        reasoning: line.response.reasoning || line.thinking.0,
        ..Delta::default()
    };
    if let Some(message) = line.message {
        delta.answer |=
            message.content.answer || message.tool_calls.is_some_and(|calls| !calls.is_empty());
        delta.reasoning |= message.content.reasoning || message.thinking.0;
    }
    if !line.done {
        return Event::Delta(delta);
    }
    delta.finish_reason = line.done_reason.filter(|reason| !reason.is_empty());
    let usage = Usage {
        prompt_tokens: line.prompt_eval_count.0,
        completion_tokens: line.eval_count.0,
        ..Usage::default()
    };
    delta.usage = (usage != Usage::default()).then_some(usage);
    Event::Done(delta)
}
