//! The texts of requests and answers, for counting their tokens where a server does not. Slow, and
//! used only where that is asked for.
//!
//! Not here: where a protocol has its texts (a file per protocol), and the counting.

use serde_json::Value;

use super::dialect::Dialect;

/// All output of an event or a whole answer. `None` where it has output that is no text (a tool
/// call), or is no JSON.
pub fn output(dialect: &impl Dialect, payload: &[u8]) -> Option<String> {
    let json: Value = serde_json::from_slice(payload.trim_ascii()).ok()?;
    dialect.output_text(&json)
}

/// The arguments of an event's tool calls, where they are texts. `None` where it has none.
pub fn arguments(dialect: &impl Dialect, payload: &[u8]) -> Option<String> {
    let json: Value = serde_json::from_slice(payload.trim_ascii()).ok()?;
    dialect.call_arguments(&json)
}

/// The prompt of a finished body, with all that was said before it.
pub fn prompt(dialect: &impl Dialect, body: &[u8]) -> Option<String> {
    let json: Value = serde_json::from_slice(body).ok()?;
    dialect.prompt_text(&json)
}

/// The prompt of a chat's body: its messages.
pub fn messages_text(body: &Value) -> Option<String> {
    let texts: Option<Vec<&str>> =
        body["messages"].as_array()?.iter().map(|m| m["content"].as_str()).collect();
    texts.map(|texts| texts.join("\n\n"))
}

/// Reasoning has several names; a server that uses two says the same under both.
pub fn message(message: &Value) -> Option<String> {
    let calls = |key: &str| {
        message[key].as_array().is_some_and(|all| !all.is_empty()) || message[key].is_object()
    };
    if calls("tool_calls") || calls("function_call") {
        return None;
    }
    let reasoning = ["reasoning_content", "reasoning", "thinking", "reasoning_details"]
        .map(|key| joined(&[&message[key]]));
    let reasoning = reasoning.into_iter().find(|text| !text.is_empty()).unwrap_or_default();
    Some(reasoning + &joined(&[&message["content"]]))
}

pub fn joined(values: &[&Value]) -> String {
    values.iter().map(|value| parts(value)).collect()
}

/// A text, or parts of content with texts in them.
fn parts(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(parts).collect(),
        Value::Object(part) => ["thinking", "text", "content"]
            .iter()
            .filter_map(|key| part.get(*key))
            .map(parts)
            .collect(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Protocol, ProtocolName};
    use ProtocolName::{Ollama, OllamaGenerate, OpenAiChat, OpenAiCompletions, Triton};

    #[test]
    fn output_is_all_that_was_said_and_nothing_else() {
        for (name, payload, expected) in [
            (
                OpenAiChat,
                r#"{"choices":[{"delta":{"role":"assistant","content":" a"}}]}"#,
                Some(" a"),
            ),
            (
                OpenAiChat,
                r#"{"choices":[{"delta":{"reasoning_content":"hm","content":null}}]}"#,
                Some("hm"),
            ),
            (
                OpenAiChat,
                r#"{"choices":[{"message":{"reasoning":"hm","content":"a"}}],"usage":{}}"#,
                Some("hma"),
            ),
            (
                OpenAiChat,
                r#"{"choices":[{"delta":{"content":"b"},"message":{"content":"ab"}}]}"#,
                Some("b"),
            ),
            (
                OpenAiChat,
                r#"{"choices":[{"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]}]}}]}"#,
                Some("hm"),
            ),
            (
                OpenAiChat,
                r#"{"choices":[{"delta":{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}}]}"#,
                Some("ab"),
            ),
            (
                OpenAiChat,
                r#"{"choices":[{"delta":{"reasoning":"hm","reasoning_details":[{"text":"hm"}]}}]}"#,
                Some("hm"),
            ),
            (
                OpenAiChat,
                r#"{"choices":[{"delta":{"tool_calls":[{"function":{"name":"f"}}]}}]}"#,
                None,
            ),
            (OpenAiChat, r#"{"choices":[],"usage":{"prompt_tokens":1}}"#, Some("")),
            (OpenAiCompletions, r#"{"choices":[{"text":" b"}]}"#, Some(" b")),
            (Ollama, r#"{"message":{"thinking":"hm","content":"c"},"done":false}"#, Some("hmc")),
            (OllamaGenerate, r#"{"response":"d","done":false}"#, Some("d")),
            (Triton, r#"{"text_output":["e"]}"#, Some("e")),
            (Triton, "{", None),
        ] {
            assert_eq!(
                output(&Protocol::from(name), payload.as_bytes()).as_deref(),
                expected,
                "{payload}"
            );
        }
    }

    #[test]
    fn a_prompt_is_found_where_the_body_has_it() {
        use crate::protocol::{BodySpec, Extras, body};
        let extras =
            Extras { ignore_eos: true, min_tokens: true, stream_usage: true, ..Extras::default() };
        let spec = BodySpec {
            model: "m",
            history: &[],
            prompt: "\"hi\"\n",
            output_tokens: 1,
            stream: true,
            temperature: 0.0,
            extras,
            extra_body: None,
        };
        for name in ProtocolName::ALL {
            let protocol = Protocol::from(name);
            assert_eq!(
                prompt(&protocol, &body(&protocol, &spec)).as_deref(),
                Some(spec.prompt),
                "{}",
                name.name()
            );
        }
    }
}
