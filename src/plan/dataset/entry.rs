//! One entry of a dataset: who says what up to the question, and what else is sent with it.

use serde_json::{Value, json};

use super::{Item, Problem, Reading, Why};
use crate::plan::fields::{Fields, short, shown};
use crate::protocol::{Dialect as _, ExtraBody, Role, conflict, joined};

const SETTING: &str = "prompts.dataset.ignore";

/// Fields of a request that `OpenAI`'s protocols, and the servers that speak them, know: sent as
/// they are.
const SENT: [&str; 26] = [
    "chat_template",
    "chat_template_kwargs",
    "documents",
    "enable_thinking",
    "frequency_penalty",
    "guided_choice",
    "guided_grammar",
    "guided_json",
    "guided_regex",
    "logit_bias",
    "logprobs",
    "min_p",
    "parallel_tool_calls",
    "presence_penalty",
    "reasoning_effort",
    "repetition_penalty",
    "response_format",
    "seed",
    "stop",
    "stop_token_ids",
    "structured_outputs",
    "tool_choice",
    "top_k",
    "top_logprobs",
    "top_p",
    "verbosity",
];

/// As `tools` they may be a text that holds JSON.
const FUNCTIONS: [&str; 2] = ["function_call", "functions"];

pub fn item(mut fields: Fields, reading: &Reading<'_>) -> Result<Item, Problem> {
    let output_tokens =
        fields.count(&["output_tokens", "output_length", "max_tokens", "max_completion_tokens"])?;
    let extra_body = extra_body(&mut fields, reading)?;
    let messages = messages(&mut fields, reading)?;
    fields.only_labels(reading.ignore, SETTING)?;
    Ok(Item { messages: messages?, output_tokens, extra_body })
}

/// Inner: nothing that can be asked. Outer: what would not be sent.
type Asked = Result<Vec<(Role, String)>, Problem>;

fn messages(fields: &mut Fields, reading: &Reading<'_>) -> Result<Asked, Problem> {
    let system = fields.text(&["system", "system_prompt"])?;
    let prompt = fields.text(&["prompt"])?;
    let (messages, conversations) = (fields.list("messages")?, fields.list("conversations")?);
    let asked = match (prompt, messages, conversations) {
        (Some(prompt), None, None) if prompt.is_empty() => Err(no_text("a message is empty")),
        (Some(prompt), None, None) => Ok(vec![(Role::User, prompt)]),
        (None, Some(all), None) => conversation(&all, all.iter().rposition(is_users), reading)?,
        // Its conversations go on for many turns: what is asked first is asked alone, as other
        // tools have it.
        (None, None, Some(all)) => conversation(&all, all.iter().position(is_users), reading)?,
        (None, None, None) => {
            Err(Problem::LeftOut(Why::NoQuestion, "neither prompt nor messages".into()))
        }
        _ => return Err(Problem::Refused("prompt and messages: keep one of them".into())),
    };
    let Some(system) = system else { return Ok(asked) };
    Ok(match asked {
        Ok(all) if all.iter().any(|(role, _)| *role == Role::System) => {
            return Err(Problem::Refused(
                "both `system` and a message of the system: keep one of them".into(),
            ));
        }
        Ok(all) => Ok([(Role::System, system)].into_iter().chain(all).collect()),
        Err(problem) => Err(problem),
    })
}

/// What is said up to the question at `last`.
fn conversation(
    all: &[Value],
    last: Option<usize>,
    reading: &Reading<'_>,
) -> Result<Asked, Problem> {
    let Some(last) = last else {
        return Ok(Err(Problem::LeftOut(Why::NoQuestion, "no message of a user".into())));
    };
    let mut messages = Vec::new();
    for (place, turn) in all[..=last].iter().enumerate() {
        let mut fields = Fields::inner(turn.clone(), &format!("message {}", place + 1))?;
        let name = fields.text(&["role", "from"])?.unwrap_or_default();
        let Some(role) = role(&name) else {
            let what = format!("unknown role `{}`: one of system, user, assistant", short(&name));
            return Ok(Err(Problem::LeftOut(Why::OtherRole, what)));
        };
        let content = fields.take(&["content", "value"])?;
        if fields.take(&["name"])?.is_some() {
            return Err(Problem::Refused(format!(
                "message {}: `name` is not sent; remove it",
                place + 1
            )));
        }
        fields
            .only_labels(reading.ignore, SETTING)
            .map_err(|what| format!("message {}: {what}", place + 1))?;
        match content.map(text).transpose()? {
            Some(text) if !text.is_empty() => messages.push((role, text)),
            Some(_) => return Ok(Err(no_text("a message is empty"))),
            None => return Ok(Err(no_text("a message has no content"))),
        }
    }
    Ok(Ok(messages))
}

fn no_text(what: &str) -> Problem {
    Problem::LeftOut(Why::NoText, what.to_owned())
}

fn is_users(turn: &Value) -> bool {
    let name = turn["role"].as_str().or_else(|| turn["from"].as_str());
    name.and_then(role) == Some(Role::User)
}

fn role(name: &str) -> Option<Role> {
    match name.trim().to_ascii_lowercase().as_str() {
        "system" | "developer" => Some(Role::System),
        "user" | "human" => Some(Role::User),
        "assistant" | "gpt" | "chatgpt" | "bing" | "bard" => Some(Role::Assistant),
        _ => None,
    }
}

/// A text, or the texts of a list of parts. Images are refused: no byte of them could be counted in
/// tokens.
fn text(value: Value) -> Result<String, Problem> {
    match value {
        Value::String(text) => Ok(text),
        Value::Array(parts) => {
            let plain = |part: &Value| {
                part.as_object().is_some_and(|o| o.len() == 2) && part["type"] == "text"
            };
            let texts = parts.iter().map(|part| part["text"].as_str().filter(|_| plain(part)));
            let all: Option<Vec<&str>> = texts.collect();
            let what = "content has a part that is no text, or is more than text";
            all.map(|all| all.join("\n")).ok_or_else(|| Problem::Refused(what.into()))
        }
        other => Err(Problem::Refused(format!("content is {}: content is no text", shown(&other)))),
    }
}

/// What is sent beside the messages. Errors: what this protocol does not send, and what the gate
/// sets itself.
fn extra_body(fields: &mut Fields, reading: &Reading<'_>) -> Result<ExtraBody, Problem> {
    let mut extra = ExtraBody::new();
    let mut add = |key: &str, value: Value| -> Result<(), Problem> {
        if !reading.protocol.sends(key) {
            let what = format!(
                "`{key}` is not sent over {}; put it into the entry's `extra_body` as the server wants it, or add it to {SETTING}",
                reading.protocol.name()
            );
            return Err(Problem::Refused(what));
        }
        extra.insert(key.to_owned(), value);
        Ok(())
    };
    let ignored = |key: &str| reading.ignore.iter().any(|other| other == key);
    for key in SENT.into_iter().chain(FUNCTIONS).filter(|key| !ignored(key)) {
        if let Some(value) = fields.take(&[key])? {
            add(key, value)?;
        }
    }
    if let Some(tools) = fields
        .take(&["tools"])?
        .filter(|_| !ignored("tools"))
        .as_ref()
        .map(tools)
        .transpose()?
        .flatten()
    {
        add("tools", tools)?;
    }
    if let Some(said) = fields.take(&["extra_body"])? {
        let Value::Object(said) = said else {
            return Err(Problem::Refused(format!(
                "extra_body is {}: an object was expected",
                shown(&said)
            )));
        };
        extra = joined(&said, &extra);
    }
    match conflict(reading.protocol, &extra) {
        Some((place, instead)) => {
            Err(Problem::Refused(format!("extra_body: the gate sets `{place}` itself; {instead}")))
        }
        None => Ok(extra),
    }
}

/// A list of tools as `OpenAI` has it; of bare functions, or as a text that holds either, it is
/// made one. None where it is empty.
fn tools(value: &Value) -> Result<Option<Value>, Problem> {
    let wrong =
        || Problem::Refused(format!("tools is {}: a list of functions was expected", shown(value)));
    let list = match value {
        Value::String(text) if text.trim().is_empty() => return Ok(None),
        Value::String(text) => serde_json::from_str(text).map_err(|_| wrong())?,
        other => other.clone(),
    };
    let list = match list {
        Value::Null => return Ok(None),
        Value::Array(list) => list,
        _ => return Err(wrong()),
    };
    let tool = |one: Value| match (
        one.get("type").is_some(),
        one.get("name").is_some_and(Value::is_string),
    ) {
        (true, _) => Ok(one),
        (false, true) => Ok(json!({"type": "function", "function": one})),
        (false, false) if one.get("function").is_some_and(Value::is_object) => {
            Ok(json!({"type": "function", "function": one["function"]}))
        }
        (false, false) => Err(wrong()),
    };
    let all = list.into_iter().map(tool).collect::<Result<Vec<_>, _>>()?;
    Ok((!all.is_empty()).then_some(Value::Array(all)))
}

impl From<String> for Problem {
    fn from(what: String) -> Self {
        Self::Refused(what)
    }
}
