//! The chat and completions protocols of `OpenAI`, as vLLM, `SGLang`, llama.cpp, `LiteLLM` and
//! others speak them.
//!
//! Not here: the JSON of answers (`wire`).

#[cfg(test)]
mod tests;
mod wire;

use serde_json::{Map, Value, json};

use super::dialect::{BodySpec, Dialect, Extras, LengthField, OwnField, Settings, StreamEnd};
use super::event::{Delta, Event};
use super::text;

/// Chat or completions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenAi(Form);

/// Which of the two: they differ in where prompt and text stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Chat,
    Completions,
}

/// What the gate sets itself. A second answer, or the prompt repeated, would be counted as output.
const OWN: [(&str, &str); 13] = [
    ("model", "write target.model"),
    ("messages", "write `prompts` in the workload"),
    ("prompt", "write `prompts` in the workload"),
    ("max_tokens", "write `output_tokens` in the workload"),
    ("max_completion_tokens", "write `output_tokens` in the workload"),
    ("temperature", "write `temperature` in the workload"),
    ("stream", "write `stream` in the workload"),
    ("stream_options", "leave it out: usage is asked for where the server gives it"),
    ("ignore_eos", "write `ignore_eos` in the workload"),
    ("min_tokens", "write `ignore_eos: true` in the workload, which asks for it"),
    ("n", "leave it out: one answer per request is measured"),
    ("best_of", "leave it out: one answer per request is measured"),
    ("echo", "leave it out: the prompt would be counted as output"),
];

/// Fields of a request that only a chat has.
const OF_CHATS: [&str; 12] = [
    "chat_template",
    "chat_template_kwargs",
    "documents",
    "enable_thinking",
    "function_call",
    "functions",
    "parallel_tool_calls",
    "reasoning_effort",
    "tool_choice",
    "tools",
    "top_logprobs",
    "verbosity",
];

impl OpenAi {
    pub const CHAT: Self = Self(Form::Chat);
    pub const COMPLETIONS: Self = Self(Form::Completions);
}

pub fn chat(_: &Settings) -> OpenAi {
    OpenAi::CHAT
}

pub fn completions(_: &Settings) -> OpenAi {
    OpenAi::COMPLETIONS
}

impl Dialect for OpenAi {
    fn path(&self, _model: &str, _stream: bool) -> String {
        match self.0 {
            Form::Chat => "/chat/completions".into(),
            Form::Completions => "/completions".into(),
        }
    }

    fn fields(&self, spec: &BodySpec<'_>) -> Map<String, Value> {
        let mut fields = Map::new();
        fields.insert("model".into(), json!(spec.model));
        match self.0 {
            Form::Chat => fields.insert("messages".into(), spec.messages()),
            Form::Completions => fields.insert("prompt".into(), json!(spec.text())),
        };
        fields.insert(spec.extras.length.name().into(), json!(spec.output_tokens));
        fields.insert("temperature".into(), json!(spec.temperature));
        fields.insert("stream".into(), json!(spec.stream));
        if spec.extras.ignore_eos {
            fields.insert("ignore_eos".into(), json!(true));
        }
        if spec.extras.min_tokens {
            fields.insert("min_tokens".into(), json!(spec.output_tokens));
        }
        if spec.stream && spec.extras.stream_usage {
            fields.insert("stream_options".into(), json!({"include_usage": true}));
        }
        fields
    }

    fn own_fields(&self) -> Vec<OwnField> {
        OwnField::table(&OWN)
    }

    fn extras(&self, ignore_eos: bool, stream: bool) -> Extras {
        Extras {
            ignore_eos,
            min_tokens: ignore_eos,
            stream_usage: stream,
            length: LengthField::default(),
        }
    }

    fn other_length(&self) -> Option<LengthField> {
        (self.0 == Form::Chat).then_some(LengthField::MaxCompletionTokens)
    }

    fn sends(&self, field: &str) -> bool {
        self.0 == Form::Chat || !OF_CHATS.contains(&field)
    }

    fn event(&self, payload: &[u8]) -> Event {
        match payload.trim_ascii() {
            b"[DONE]" => Event::Done(Delta::default()),
            // Sent by some proxies to keep the connection alive.
            b"" => Event::Delta(Delta::default()),
            json => wire::parse(self.0, json, true),
        }
    }

    fn answer(&self, body: &[u8]) -> Event {
        wire::parse(self.0, body.trim_ascii(), false)
    }

    fn text_names(&self) -> Vec<&str> {
        match self.0 {
            Form::Chat => vec!["content", "text", "reasoning_content", "reasoning", "thinking"],
            Form::Completions => vec!["text"],
        }
    }

    fn ended(&self, seen: StreamEnd) -> bool {
        seen.mark || seen.finish_reason
    }

    fn end_words(&self) -> &'static str {
        "[DONE] or a finish reason"
    }

    fn needs_finish_reason(&self) -> bool {
        true
    }

    fn output_text(&self, payload: &Value) -> Option<String> {
        let choices = payload["choices"].as_array().into_iter().flatten();
        choices.map(choice_text).collect()
    }

    fn call_arguments(&self, payload: &Value) -> Option<String> {
        let delta = &payload["choices"][0]["delta"];
        let calls =
            delta["tool_calls"].as_array().into_iter().flatten().map(|call| &call["function"]);
        let functions = calls.chain(Some(&delta["function_call"]).filter(|call| call.is_object()));
        let texts: Vec<&str> =
            functions.filter_map(|function| function["arguments"].as_str()).collect();
        (!texts.is_empty()).then(|| texts.concat())
    }

    fn prompt_text(&self, body: &Value) -> Option<String> {
        match self.0 {
            Form::Chat => text::messages_text(body),
            Form::Completions => body["prompt"].as_str().map(str::to_owned),
        }
    }
}

/// A whole message beside a delta repeats what came before.
fn choice_text(choice: &Value) -> Option<String> {
    let delta = text::message(&choice["delta"])?;
    let new = if delta.is_empty() { text::message(&choice["message"])? } else { delta };
    Some(new + &text::joined(&[&choice["text"]]))
}
