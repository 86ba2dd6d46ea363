//! Triton's generate extension: server-sent events of the model's output tensors, which end with the HTTP body and with nothing else.
//!
//! Not here: Triton's `OpenAI` front end (`openai`). What the tensors are called is the config's; Triton itself counts no tokens.

#[cfg(test)]
mod tests;

use serde::Deserialize as _;
use serde_json::{Map, Value, json};

use super::BodySpec;
use super::count::{Count, from_json};
use super::error_text;
use super::event::{Delta, Event, Usage};
use crate::config::Triton;

pub fn body(names: &Triton, spec: &BodySpec<'_>) -> Map<String, Value> {
    let mut fields = names.inputs.clone();
    if !names.parameters.is_empty() {
        fields.insert("parameters".into(), Value::Object(names.parameters.clone()));
    }
    put(&mut fields, &names.text_input, json!(spec.text()));
    put(&mut fields, &names.max_tokens, json!(spec.output_tokens));
    put(&mut fields, &names.stream, json!(spec.stream));
    put(&mut fields, &names.temperature, json!(spec.temperature));
    if spec.extras.ignore_eos {
        put(&mut fields, &names.ignore_eos, json!(true));
    }
    fields
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

/// One `data:` payload, or the whole body of an answer that is not streamed. A model that sends nothing but other outputs brings no
/// event: its output is the tensor that the config names.
pub fn event(names: &Triton, payload: &[u8]) -> Event {
    let payload = payload.trim_ascii();
    if payload.is_empty() {
        return Event::Delta(Delta::default());
    }
    let fields: Map<String, Value> = match from_json(payload) {
        Ok(fields) => fields,
        Err(e) => return Event::Malformed(format!("unparsable event ({e}): {}", error_text::text(payload))),
    };
    if fields.get("error").is_some_and(|error| !error.is_null()) {
        return Event::Error(error_text::text(payload));
    }
    let Some(output) = fields.get(&names.text_output) else {
        let known: Vec<&str> = fields.keys().map(String::as_str).collect();
        let (name, known) = (&names.text_output, known.join(", "));
        return Event::Malformed(format!("no output `{name}` among {known} (target.triton.text_output)"));
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
        return Event::Malformed(format!("no count `{}` beside the output (target.triton.output_tokens)", names.output_tokens));
    }
    Event::Delta(Delta { answer, usage: (usage != Usage::default()).then_some(usage), uncounted, ..Delta::default() })
}

/// A tensor of one element is that element; of several, the first counts, as there is one prompt.
pub fn text(output: &Value) -> Option<&str> {
    output.as_str().or_else(|| output.as_array().and_then(|all| all.first()?.as_str()))
}

fn count(fields: &Map<String, Value>, name: &str) -> Option<u32> {
    let value = fields.get(name)?;
    let value = value.as_array().and_then(|all| all.first()).unwrap_or(value);
    Count::deserialize(value).ok()?.0
}
