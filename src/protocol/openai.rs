//! The chat and completions protocols of `OpenAI`, as vLLM, `SGLang`, llama.cpp, `LiteLLM` and others speak them.
//!
//! Not here: which of them a request goes to (`protocol`).

mod event;
mod wire;

pub use event::{answer, event};

use serde_json::{Map, Value, json};

use super::BodySpec;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Chat,
    Completions,
}

pub fn body(form: Form, spec: &BodySpec<'_>) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("model".into(), json!(spec.model));
    match form {
        Form::Chat => {
            fields.insert("messages".into(), spec.messages());
        }
        Form::Completions => {
            fields.insert("prompt".into(), json!(spec.text()));
        }
    }
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
