//! Extra request fields: what a config may add to each request body, how the layers are joined, and what the gate sets itself.
//!
//! Not here: how a body is written (`protocol/`).

use serde_json::{Map, Value};

use super::check::Checker;
use super::layers::Layered;
use super::{Protocol, Target};

/// Fields of a request body, in the order in which they were written.
pub type ExtraBody = Map<String, Value>;

/// `over` on top of `base`: objects are joined key by key at every depth, anything else replaces what was there. `null` is a value.
pub fn joined(over: &ExtraBody, base: &ExtraBody) -> ExtraBody {
    let mut all = base.clone();
    for (key, value) in over {
        match (all.get_mut(key), value) {
            (Some(Value::Object(below)), Value::Object(above)) => *below = joined(above, below),
            _ => {
                all.insert(key.clone(), value.clone());
            }
        }
    }
    all
}

/// A field that the gate sets itself: its place in the body (dots lead into objects), and what to write instead.
struct Own {
    place: String,
    instead: &'static str,
}

/// The gate's own fields of both of `OpenAI`'s protocols. A second answer, or the prompt repeated, would be counted as output.
const OPENAI: [(&str, &str); 13] = [
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

const OLLAMA: [(&str, &str); 6] = [
    ("model", "write target.model"),
    ("messages", "write `prompts` in the workload"),
    ("prompt", "write `prompts` in the workload"),
    ("stream", "write `stream` in the workload"),
    ("options.num_predict", "write `output_tokens` in the workload"),
    ("options.temperature", "write `temperature` in the workload"),
];

/// Where a field of `extra` is one that the gate sets itself, or holds or replaces one: its place, and what to write instead.
pub fn conflict(protocol: &Protocol, extra: &ExtraBody) -> Option<(String, &'static str)> {
    let own = own_fields(protocol);
    own.iter().find_map(|own| Some((meeting(extra, &own.place)?, own.instead)))
}

fn own_fields(protocol: &Protocol) -> Vec<Own> {
    let fixed = |all: &[(&str, &'static str)]| -> Vec<Own> {
        all.iter().map(|(place, instead)| Own { place: (*place).to_owned(), instead }).collect()
    };
    match protocol {
        Protocol::OpenAiChat | Protocol::OpenAiCompletions => fixed(&OPENAI),
        Protocol::Ollama(said) | Protocol::OllamaGenerate(said) => {
            let instead = "target.ollama says it too: keep one of them";
            let options = said.options.keys().map(|key| Own { place: format!("options.{key}"), instead });
            let think = said.think.map(|_| Own { place: "think".into(), instead });
            let keep_alive = said.keep_alive.as_ref().map(|_| Own { place: "keep_alive".into(), instead });
            fixed(&OLLAMA).into_iter().chain(options).chain(think).chain(keep_alive).collect()
        }
        Protocol::Triton(names) => {
            let sent = [
                (&names.text_input, "write `prompts` in the workload"),
                (&names.max_tokens, "write `output_tokens` in the workload"),
                (&names.stream, "write `stream` in the workload"),
                (&names.temperature, "write `temperature` in the workload"),
                (&names.ignore_eos, "write `ignore_eos` in the workload"),
            ];
            let sent = sent.into_iter().filter(|(name, _)| !name.is_empty());
            let instead = "target.triton says it too: keep one of them";
            let inputs = names.inputs.keys().map(|key| Own { place: key.clone(), instead });
            let parameters = names.parameters.keys().map(|key| Own { place: format!("parameters.{key}"), instead });
            sent.map(|(name, instead)| Own { place: name.clone(), instead }).chain(inputs).chain(parameters).collect()
        }
    }
}

/// How far `extra` leads towards `place`, if what stands there would meet it.
fn meeting(extra: &ExtraBody, place: &str) -> Option<String> {
    let (key, rest) = place.split_once('.').map_or((place, None), |(key, rest)| (key, Some(rest)));
    match (extra.get(key)?, rest) {
        (Value::Object(inner), Some(rest)) => meeting(inner, rest).map(|below| format!("{key}.{below}")),
        _ => Some(key.to_owned()),
    }
}

impl Checker {
    /// No extra field is one that the gate sets itself, in the words of the target's protocol.
    pub fn extra_body(&mut self, path: &str, protocol: &Protocol, extra: &ExtraBody) {
        if let Some((place, instead)) = conflict(protocol, extra) {
            let what = format!("the gate sets `{place}` itself in a request of {}", protocol.name());
            self.bad(&format!("{path}.{place}"), what, instead);
        }
    }

    /// The same of all workloads, whatever target they are sent to.
    pub fn extra_bodies(&mut self, workloads: &[Layered], targets: &[&Target]) {
        for one in workloads {
            let Some(extra) = &one.file.extra_body else { continue };
            if let Some(target) = targets.iter().find(|target| conflict(&target.protocol, extra).is_some()) {
                self.extra_body(&format!("{}.extra_body", one.path), &target.protocol, extra);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::super::{Ollama, Triton};
    use super::*;

    fn object(value: Value) -> ExtraBody {
        match value {
            Value::Object(map) => map,
            other => panic!("{other} is no object"),
        }
    }

    #[test]
    fn objects_are_joined_and_all_else_is_replaced() {
        let base = object(json!({"a": {"x": 1, "y": {"z": [1]}}, "b": [1, 2], "c": 3}));
        let over = object(json!({"a": {"y": {"w": null}}, "b": [3], "d": {}}));
        let all = json!({"a": {"x": 1, "y": {"z": [1], "w": null}}, "b": [3], "c": 3, "d": {}});
        assert_eq!(Value::Object(joined(&over, &base)), all);
    }

    #[test]
    fn what_the_gate_sets_itself_is_found_at_every_depth() {
        let found = |protocol: &Protocol, extra: Value| conflict(protocol, &object(extra)).map(|(place, _)| place);
        for key in ["model", "messages", "max_tokens", "stream", "stream_options", "temperature", "n", "min_tokens"] {
            for protocol in [Protocol::OpenAiChat, Protocol::OpenAiCompletions] {
                assert_eq!(found(&protocol, json!({"top_p": 0.9, key: {}})), Some(key.to_owned()));
            }
        }
        assert_eq!(found(&Protocol::OpenAiChat, json!({"chat_template_kwargs": {"model": 1}, "seed": 1})), None);
        let said = Ollama { think: Some(true), options: object(json!({"num_ctx": 1})), ..Ollama::default() };
        let ollama = Protocol::Ollama(Arc::new(said));
        assert_eq!(found(&ollama, json!({"options": {"top_k": 1}})), None);
        assert_eq!(found(&ollama, json!({"options": {"num_predict": 1}})), Some("options.num_predict".into()));
        assert_eq!(found(&ollama, json!({"options": {"num_ctx": 1}})), Some("options.num_ctx".into()));
        assert_eq!(found(&ollama, json!({"options": 3})), Some("options".into()), "it would replace what is ours");
        assert_eq!(found(&ollama, json!({"think": false})), Some("think".into()));
        let names = Triton { max_tokens: "parameters.max_tokens".into(), ..Triton::default() };
        let triton = Protocol::Triton(Arc::new(names));
        assert_eq!(found(&triton, json!({"parameters": {"max_tokens": 1}})), Some("parameters.max_tokens".into()));
        assert_eq!(found(&triton, json!({"parameters": {"top_k": 1}})), None);
        assert_eq!(found(&triton, json!({"text_input": "x"})), Some("text_input".into()));
    }
}
