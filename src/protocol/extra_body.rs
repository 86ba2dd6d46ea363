//! Further fields of a request body, as a config or a dataset says them: how layers are joined, and
//! what the gate sets itself.
//!
//! Not here: how a body is written (a file per protocol).

use serde_json::Value;

use super::dialect::{Dialect, ExtraBody};

/// `over` on top of `base`: objects are joined key by key at every depth, anything else replaces
/// what was there. `null` is a value.
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

/// Adds what is not there yet, at every depth.
pub fn fill(fields: &mut ExtraBody, extra: &ExtraBody) {
    for (key, value) in extra {
        match (fields.get_mut(key), value) {
            (None, _) => {
                fields.insert(key.clone(), value.clone());
            }
            (Some(Value::Object(inner)), Value::Object(more)) => fill(inner, more),
            (Some(_), _) => {}
        }
    }
}

/// Where a field of `extra` is one that the gate sets itself, or holds or replaces one: its place,
/// and what to write instead.
pub fn conflict(dialect: &impl Dialect, extra: &ExtraBody) -> Option<(String, &'static str)> {
    dialect.own_fields().iter().find_map(|own| Some((meeting(extra, &own.place)?, own.instead)))
}

/// How far `extra` leads towards `place`, if what stands there would meet it.
fn meeting(extra: &ExtraBody, place: &str) -> Option<String> {
    let (key, rest) = place.split_once('.').map_or((place, None), |(key, rest)| (key, Some(rest)));
    match (extra.get(key)?, rest) {
        (Value::Object(inner), Some(rest)) => {
            meeting(inner, rest).map(|below| format!("{key}.{below}"))
        }
        _ => Some(key.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::protocol::{Ollama, Protocol, ProtocolName, Settings, Triton};

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
        let found = |protocol: &Protocol, extra: Value| {
            conflict(protocol, &object(extra)).map(|(place, _)| place)
        };
        for key in [
            "model",
            "messages",
            "max_tokens",
            "stream",
            "stream_options",
            "temperature",
            "n",
            "min_tokens",
        ] {
            for name in [ProtocolName::OpenAiChat, ProtocolName::OpenAiCompletions] {
                assert_eq!(
                    found(&name.into(), json!({"top_p": 0.9, key: {}})),
                    Some(key.to_owned())
                );
            }
        }
        assert_eq!(
            found(
                &ProtocolName::OpenAiChat.into(),
                json!({"chat_template_kwargs": {"model": 1}, "seed": 1})
            ),
            None
        );
        let said = Ollama {
            think: Some(true),
            options: object(json!({"num_ctx": 1})),
            ..Ollama::default()
        };
        let settings = Settings { ollama: Arc::new(said), ..Settings::default() };
        let ollama = Protocol::new(ProtocolName::Ollama, &settings);
        assert_eq!(found(&ollama, json!({"options": {"top_k": 1}})), None);
        assert_eq!(
            found(&ollama, json!({"options": {"num_predict": 1}})),
            Some("options.num_predict".into())
        );
        assert_eq!(
            found(&ollama, json!({"options": {"num_ctx": 1}})),
            Some("options.num_ctx".into())
        );
        assert_eq!(
            found(&ollama, json!({"options": 3})),
            Some("options".into()),
            "it would replace what is ours"
        );
        assert_eq!(found(&ollama, json!({"think": false})), Some("think".into()));
        let names = Triton { max_tokens: "parameters.max_tokens".into(), ..Triton::default() };
        let settings = Settings { triton: Arc::new(names), ..Settings::default() };
        let triton = Protocol::new(ProtocolName::Triton, &settings);
        assert_eq!(
            found(&triton, json!({"parameters": {"max_tokens": 1}})),
            Some("parameters.max_tokens".into())
        );
        assert_eq!(found(&triton, json!({"parameters": {"top_k": 1}})), None);
        assert_eq!(found(&triton, json!({"text_input": "x"})), Some("text_input".into()));
    }
}
