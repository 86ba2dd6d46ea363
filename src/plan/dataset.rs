//! A file of requests: `ShareGPT` JSON or JSONL to what each asks, and how many output tokens it wants where it says so.
//!
//! Not here: reading the file, or choosing among its requests (`build`). Recorded answers are not used: what the server says is its own.

use serde::Deserialize;
use serde_json::Value;

use super::PlanError;
use crate::config::DatasetFormat;
use crate::protocol::Role;

/// One request of a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// At least one; the last is the user's.
    pub messages: Vec<(Role, String)>,
    pub output_tokens: Option<u32>,
}

#[derive(Deserialize)]
struct Wire {
    prompt: Option<String>,
    messages: Option<Vec<Message>>,
    conversations: Option<Vec<Said>>,
    #[serde(alias = "output_length", alias = "max_tokens")]
    output_tokens: Option<u32>,
}

#[derive(Deserialize)]
struct Message {
    role: String,
    content: Value,
}

/// `ShareGPT`'s form of a message.
#[derive(Deserialize)]
struct Said {
    from: String,
    value: String,
}

/// All requests of a file, in its order. Entries of a `ShareGPT` file in which no user asks anything are passed over, since the
/// published ones have some; a line of JSONL that asks nothing is an error.
///
/// # Errors
/// Text that is not of the format, with the line; a file without requests.
pub fn parse(text: &str, format: DatasetFormat) -> Result<Vec<Item>, PlanError> {
    let array = match format {
        DatasetFormat::Auto => text.trim_start().starts_with('['),
        DatasetFormat::ShareGpt => true,
        DatasetFormat::Jsonl => false,
    };
    let items = if array { sharegpt(text)? } else { jsonl(text)? };
    if items.is_empty() { Err(PlanError::DatasetEmpty) } else { Ok(items) }
}

fn sharegpt(text: &str) -> Result<Vec<Item>, PlanError> {
    let all: Vec<Wire> = serde_json::from_str(text).map_err(|e| PlanError::DatasetShape(e.to_string()))?;
    if let Some(at) = all.iter().position(|wire| wire.conversations.is_none()) {
        return Err(PlanError::DatasetShape(format!("entry {} has no conversations", at + 1)));
    }
    Ok(all.into_iter().filter_map(|wire| item(wire).ok()).collect())
}

fn jsonl(text: &str) -> Result<Vec<Item>, PlanError> {
    let lines = text.lines().enumerate().map(|(i, line)| (i + 1, line.trim())).filter(|(_, line)| !line.is_empty());
    lines.map(|(number, line)| read(line).map_err(|what| PlanError::DatasetLine { number, what })).collect()
}

fn read(line: &str) -> Result<Item, String> {
    let wire = serde_json::from_str(line).map_err(|e| {
        let text = e.to_string();
        // The parser sees one line only: its own "at line 1" would contradict the number that the error carries.
        format!("{} (column {})", text.split(" at line ").next().unwrap_or(&text), e.column())
    })?;
    item(wire)
}

fn item(wire: Wire) -> Result<Item, String> {
    if wire.output_tokens == Some(0) {
        return Err("output_tokens is 0: it must be at least 1, or left out".into());
    }
    let (mut messages, asks) = match (wire.prompt, wire.messages, wire.conversations) {
        (Some(prompt), None, None) => (vec![(Role::User, prompt)], Some(0)),
        (None, Some(messages), None) => {
            let all = messages.into_iter().map(|m| Ok((role(&m.role)?, content(m.content)?)));
            let all = all.collect::<Result<Vec<_>, String>>()?;
            let last = all.iter().rposition(is_users);
            (all, last)
        }
        // Its conversations go on for many turns: what is asked first is asked alone, as other tools have it.
        (None, None, Some(said)) => {
            let all = said.into_iter().map(|s| Ok((role(&s.from)?, s.value))).collect::<Result<Vec<_>, String>>()?;
            let first = all.iter().position(is_users);
            (all, first)
        }
        (None, None, None) => return Err("neither prompt nor messages".into()),
        _ => return Err("prompt and messages: keep one of them".into()),
    };
    messages.truncate(asks.ok_or("no message of a user")? + 1);
    if messages.iter().any(|(_, text)| text.is_empty()) {
        return Err("a message is empty".into());
    }
    Ok(Item { messages, output_tokens: wire.output_tokens })
}

fn is_users((role, _): &(Role, String)) -> bool {
    *role == Role::User
}

fn role(name: &str) -> Result<Role, String> {
    match name {
        "system" | "developer" => Ok(Role::System),
        "user" | "human" => Ok(Role::User),
        "assistant" | "gpt" | "chatgpt" | "bing" | "bard" => Ok(Role::Assistant),
        other => Err(format!("unknown role `{other}`: one of system, user, assistant")),
    }
}

/// A text, or the texts of a list of parts. Images are refused: no byte of them could be counted in tokens.
fn content(value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        Value::Array(parts) => {
            let texts = parts.iter().map(|part| part["text"].as_str().filter(|_| part["type"] == "text"));
            let all: Option<Vec<&str>> = texts.collect();
            all.map(|all| all.join("\n")).ok_or_else(|| "content has a part that is no text".into())
        }
        _ => Err("content is no text".into()),
    }
}

#[cfg(test)]
mod tests;
