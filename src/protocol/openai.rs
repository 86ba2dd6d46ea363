//! The chat and completions protocols of `OpenAI`, as vLLM, `SGLang`, llama.cpp, `LiteLLM` and others speak them.

mod event;
mod wire;

pub use event::{answer, event};

use serde_json::{Map, Value, json};

use super::BodySpec;
use crate::config::Protocol;

pub fn body(protocol: Protocol, spec: &BodySpec<'_>) -> Vec<u8> {
    let mut fields = Map::new();
    fields.insert("model".into(), json!(spec.model));
    match protocol {
        Protocol::OpenAiChat => {
            fields.insert("messages".into(), spec.messages());
        }
        Protocol::OpenAiCompletions => {
            fields.insert("prompt".into(), json!(spec.text()));
        }
    }
    fields.insert("max_tokens".into(), json!(spec.output_tokens));
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
    Value::Object(fields).to_string().into_bytes()
}
