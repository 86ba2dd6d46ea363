//! Triton's generate extension: server-sent events of the model's output tensors, which end with
//! the HTTP body and with nothing else.
//!
//! Not here: Triton's `OpenAI` front end (`openai`). What the tensors are called is the config's;
//! Triton itself counts no tokens.

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

/// What a Triton model calls its inputs and outputs. A name may lead into an object:
/// `parameters.max_tokens`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Triton {
    /// Input: the prompt.
    pub text_input: String,
    /// Output: the text.
    pub text_output: String,
    /// Input: the tokens asked for; empty where the model takes none.
    pub max_tokens: String,
    /// Input: whether to stream; empty where the model takes none.
    pub stream: String,
    /// Input: the workload's temperature; empty (the default) where the model takes none, which is
    /// then not asked for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub temperature: String,
    /// Input: whether to go on after an end-of-sequence token; empty (the default) where the model
    /// takes none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub ignore_eos: String,
    /// Output: tokens of the prompt; empty (the default) where the model tells none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub input_tokens: String,
    /// Output: tokens of this response, summed over the responses of a stream; empty (the default)
    /// where the model tells none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub output_tokens: String,
    /// Sent as `parameters` with every request.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub parameters: Map<String, Value>,
    /// Further inputs, sent with every request: `{bad_words: "", return_num_output_tokens: true}`.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub inputs: Map<String, Value>,
}

impl Default for Triton {
    /// The tensor names of Triton's own vLLM and TensorRT-LLM backends.
    fn default() -> Self {
        Self {
            text_input: "text_input".into(),
            text_output: "text_output".into(),
            max_tokens: "max_tokens".into(),
            stream: "stream".into(),
            temperature: String::new(),
            ignore_eos: String::new(),
            input_tokens: String::new(),
            output_tokens: String::new(),
            parameters: Map::new(),
            inputs: Map::new(),
        }
    }
}

/// A model of these names.
#[derive(Clone, Debug, PartialEq)]
pub struct Generate(Arc<Triton>);

pub fn generate(settings: &Settings) -> Generate {
    Generate(settings.triton.clone())
}

impl Dialect for Generate {
    fn family(&self) -> Family {
        Family::Triton
    }

    fn settings(&self) -> Option<String> {
        serde_json::to_string(&*self.0).ok()
    }

    fn problems(&self) -> Vec<SettingProblem> {
        self.0.problems()
    }

    fn path(&self, model: &str, stream: bool) -> String {
        format!("/v2/models/{model}/generate{}", if stream { "_stream" } else { "" })
    }

    fn fields(&self, spec: &BodySpec<'_>) -> Map<String, Value> {
        let mut fields = self.0.inputs.clone();
        if !self.0.parameters.is_empty() {
            fields.insert("parameters".into(), Value::Object(self.0.parameters.clone()));
        }
        put(&mut fields, &self.0.text_input, json!(spec.text()));
        put(&mut fields, &self.0.max_tokens, json!(spec.output_tokens));
        put(&mut fields, &self.0.stream, json!(spec.stream));
        put(&mut fields, &self.0.temperature, json!(spec.temperature));
        if spec.extras.ignore_eos {
            put(&mut fields, &self.0.ignore_eos, json!(true));
        }
        fields
    }

    fn own_fields(&self) -> Vec<OwnField> {
        let names = &*self.0;
        let sent = [
            (&names.text_input, "write `prompts` in the workload"),
            (&names.max_tokens, "write `output_tokens` in the workload"),
            (&names.stream, "write `stream` in the workload"),
            (&names.temperature, "write `temperature` in the workload"),
            (&names.ignore_eos, "write `ignore_eos` in the workload"),
        ];
        let sent = sent.into_iter().filter(|(name, _)| !name.is_empty());
        let constants = names
            .inputs
            .keys()
            .cloned()
            .chain(names.parameters.keys().map(|key| format!("parameters.{key}")));
        let instead = "target.triton says it too: keep one of them";
        let sent = sent.map(|(name, instead)| OwnField { place: name.clone(), instead });
        sent.chain(constants.map(|place| OwnField { place, instead })).collect()
    }

    fn extras(&self, ignore_eos: bool, _stream: bool) -> Extras {
        Extras { ignore_eos: ignore_eos && !self.0.ignore_eos.is_empty(), ..Extras::default() }
    }

    fn event(&self, payload: &[u8]) -> Event {
        event(&self.0, payload)
    }

    fn text_names(&self) -> Vec<&str> {
        vec![&self.0.text_output]
    }

    /// There is no mark: a connection that closes may be the end or a crash.
    fn ended(&self, seen: StreamEnd) -> bool {
        seen.delimited
    }

    fn end_words(&self) -> &'static str {
        "an end: its body lasts until the connection closes"
    }

    /// Output tokens are those of each event alone.
    fn add_usage(&self, so_far: Usage, new: Usage) -> Usage {
        so_far.plus(new)
    }

    fn output_text(&self, payload: &Value) -> Option<String> {
        Some(text(&payload[self.0.text_output.as_str()]).unwrap_or_default().to_owned())
    }

    fn prompt_text(&self, body: &Value) -> Option<String> {
        let text = self.0.text_input.split('.').fold(body, |at, part| &at[part]);
        text.as_str().map(str::to_owned)
    }
}

impl Triton {
    /// Outputs without a name, and inputs that have two values.
    fn problems(&self) -> Vec<SettingProblem> {
        let named = [("text_input", &self.text_input), ("text_output", &self.text_output)];
        let nameless =
            named.into_iter().filter(|(_, name)| name.trim().is_empty()).map(|(key, _)| {
                SettingProblem {
                    key: format!("triton.{key}"),
                    what: "is empty".into(),
                    hint: "write the name of the model's tensor, as its config.pbtxt has it",
                }
            });
        let sent =
            [&self.text_input, &self.max_tokens, &self.stream, &self.temperature, &self.ignore_eos];
        let twice = |index: usize, name: &String| {
            let (group, leaf) = name.split_once('.').unwrap_or(("inputs", name));
            let constants = if group == "parameters" { &self.parameters } else { &self.inputs };
            constants.contains_key(leaf)
                || name.split('.').any(str::is_empty)
                || sent[..index].contains(&name)
        };
        let wrong =
            sent.iter().enumerate().filter(|(index, name)| !name.is_empty() && twice(*index, name));
        let wrong = wrong.map(|(_, name)| SettingProblem {
            key: "triton".into(),
            what: format!("`{name}` cannot be sent, or is said twice"),
            hint: "each input has one name and one value: take it out of `inputs` or `parameters`, or name another",
        });
        nameless.chain(wrong).collect()
    }
}

/// At a name, or at `group.name`. An empty name is no input.
fn put(fields: &mut Map<String, Value>, name: &str, value: Value) {
    match name.split_once('.') {
        _ if name.is_empty() => {}
        None => {
            fields.insert(name.to_owned(), value);
        }
        Some((group, leaf)) => {
            let inner = fields.entry(group).or_insert_with(|| json!({}));
            if let Some(inner) = inner.as_object_mut() {
                put(inner, leaf, value);
            }
        }
    }
}

/// One `data:` payload, or the whole body of an answer that is not streamed. A model that sends
/// nothing but other outputs brings no event: its output is the tensor that the config names.
fn event(names: &Triton, payload: &[u8]) -> Event {
    let payload = payload.trim_ascii();
    if payload.is_empty() {
        return Event::Delta(Delta::default());
    }
    let fields: Map<String, Value> = match from_json(payload) {
        Ok(fields) => fields,
        Err(e) => {
            return Event::Malformed(format!(
                "unparsable event ({e}): {}",
                error_text::text(payload)
            ));
        }
    };
    if fields.get("error").is_some_and(|error| !error.is_null()) {
        return Event::Error(error_text::text(payload));
    }
    let Some(output) = fields.get(&names.text_output) else {
        let outputs: Vec<&str> = fields.keys().map(String::as_str).collect();
        let (name, outputs) = (&names.text_output, outputs.join(", "));
        return Event::Malformed(format!(
            "no output `{name}` among {outputs} (target.triton.text_output)"
        ));
    };
    let usage = Usage {
        prompt_tokens: count(&fields, &names.input_tokens),
        completion_tokens: count(&fields, &names.output_tokens),
        ..Usage::default()
    };
    let answer = text(output).is_some_and(|text| !text.is_empty());
    // A sum that lacks one part would look like a count.
    let uncounted = answer && !names.output_tokens.is_empty() && usage.completion_tokens.is_none();
    if uncounted && !fields.contains_key(&names.output_tokens) {
        return Event::Malformed(format!(
            "no count `{}` beside the output (target.triton.output_tokens)",
            names.output_tokens
        ));
    }
    Event::Delta(Delta {
        answer,
        usage: (usage != Usage::default()).then_some(usage),
        uncounted,
        ..Delta::default()
    })
}

/// A tensor of one element is that element; of several, the first counts, as there is one prompt.
fn text(output: &Value) -> Option<&str> {
    output.as_str().or_else(|| output.as_array().and_then(|all| all.first()?.as_str()))
}

fn count(fields: &Map<String, Value>, name: &str) -> Option<u32> {
    let value = fields.get(name)?;
    let value = value.as_array().and_then(|all| all.first()).unwrap_or(value);
    Count::deserialize(value).ok()?.0
}
