//! The `OpenAI` API as the simulated server speaks it: bodies in, calls or refusals out. Pure.
//!
//! Not here: HTTP heads and sockets (`connection`), the shape of answers (`stream`).

use serde_json::{Value, json};

use super::noise::request_draws;
use super::prefix::{Block, blocks, count_tokens};
use super::stream::{Api, FinishReason};
use crate::config::sim::Knobs;

/// A request that can be served.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub api: Api,
    pub stream: bool,
    pub include_usage: bool,
    pub prompt_tokens: u32,
    pub output_tokens: u32,
    pub reason: FinishReason,
    pub blocks: Vec<Block>,
}

/// An answer that is only a status and a JSON body.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    pub status: u16,
    pub body: Value,
}

/// What befalls a request, by the knobs' shares. Those in mid-stream come after so many tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Served,
    TooMany,
    ServerError,
    Event { after: u32 },
    Disconnect { after: u32 },
    Hang { after: u32 },
    Truncated { after: u32 },
}

/// Tokens of a chat template around the messages, of each message, and of the beginning of a plain
/// prompt.
const TEMPLATE_TOKENS: u32 = 4;
const MESSAGE_TOKENS: u32 = 4;
/// Where the request does not say: the completions API's own default, and a short answer for chat.
const DEFAULT_COMPLETION_TOKENS: u32 = 16;
const DEFAULT_CHAT_TOKENS: u32 = 128;

/// Reads the body of request `number`.
pub fn parse(
    knobs: &Knobs,
    seed: u64,
    number: u64,
    api: Api,
    body: &[u8],
) -> Result<Call, Refusal> {
    let body: Value = serde_json::from_slice(body).map_err(|e| {
        let detail =
            format!("{{'type': 'json_invalid', 'loc': 'body.{}', 'msg': 'JSON decode error', 'ctx': '{e}'}}", e.column());
        bad_request(&format!("1 validation error:\n  {detail}"), "body")
    })?;
    check_model(knobs, &body)?;
    check_extras(knobs, &body)?;
    let (text, template) = prompt(api, &body)?;
    let prompt_tokens = count_tokens(&text).saturating_add(template).max(1);
    let asked = output_tokens(knobs, api, &body)?;
    let longest = knobs.longest_request();
    if prompt_tokens.saturating_add(asked) > longest {
        return Err(too_long(longest, prompt_tokens, asked));
    }
    let (output_tokens, reason) = stop_early(knobs, seed, number, &body, asked);
    let flag = |key: &str| body.get(key).and_then(Value::as_bool) == Some(true);
    let include_usage =
        body.pointer("/stream_options/include_usage").and_then(Value::as_bool) == Some(true);
    let stream = flag("stream");
    Ok(Call {
        api,
        stream,
        include_usage,
        prompt_tokens,
        output_tokens,
        reason,
        blocks: blocks(&text),
    })
}

/// Draws what befalls request `number`.
pub fn fate(knobs: &Knobs, seed: u64, number: u64, output_tokens: u32) -> Fate {
    let mut draw = request_draws(seed, number);
    let (mut u, place) = (draw(), draw());
    let after = share_of(output_tokens, place);
    for (share, fate) in [
        (knobs.error_429, Fate::TooMany),
        (knobs.error_500, Fate::ServerError),
        (knobs.error_event, Fate::Event { after }),
        (knobs.disconnect, Fate::Disconnect { after }),
        (knobs.hang, Fate::Hang { after }),
        (knobs.truncated, Fate::Truncated { after }),
    ] {
        // A share of 1 is certain, whatever the rounding of the draw.
        if u < share || share >= 1.0 {
            return fate;
        }
        u -= share;
    }
    Fate::Served
}

/// `/v1/models`.
pub fn models(knobs: &Knobs, created: u64) -> Value {
    let model = json!({
        "id": knobs.model, "object": "model", "created": created, "owned_by": "goodput-gate-sim", "root": knobs.model,
        "parent": null, "max_model_len": knobs.longest_request(),
    });
    json!({"object": "list", "data": [model]})
}

pub fn too_many() -> Refusal {
    refusal(429, "the simulated server refuses this request", "RateLimitError", None)
}

pub fn server_error() -> Refusal {
    Refusal { status: 500, body: super::stream::internal_error() }
}

/// As vLLM: the error is a string.
pub fn unauthorized() -> Refusal {
    Refusal { status: 401, body: json!({"error": "Unauthorized"}) }
}

pub fn not_found() -> Refusal {
    Refusal { status: 404, body: json!({"detail": "Not Found"}) }
}

pub fn method_not_allowed() -> Refusal {
    Refusal { status: 405, body: json!({"detail": "Method Not Allowed"}) }
}

fn check_model(knobs: &Knobs, body: &Value) -> Result<(), Refusal> {
    match body.get("model") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(name)) if *name == knobs.model => Ok(()),
        Some(other) => {
            let name = other.as_str().map_or_else(|| other.to_string(), str::to_owned);
            let message =
                format!("The model `{name}` does not exist. Valid aliases: {}.", knobs.model);
            Err(refusal(404, &message, "NotFoundError", Some("model")))
        }
    }
}

fn check_extras(knobs: &Knobs, body: &Value) -> Result<(), Refusal> {
    let extra =
        ["ignore_eos", "min_tokens", "stream_options"].into_iter().find(|k| body.get(k).is_some());
    match extra {
        Some(key) if knobs.refuse_extras => {
            let message = format!("Unrecognized request argument supplied: {key}");
            Err(Refusal {
                status: 400,
                body: json!({"error": {"message": message, "type": "invalid_request_error", "param": key, "code": null}}),
            })
        }
        _ => Ok(()),
    }
}

/// The prompt's text, and the tokens of its template.
fn prompt(api: Api, body: &Value) -> Result<(String, u32), Refusal> {
    match api {
        Api::Chat => {
            let messages = body
                .get("messages")
                .and_then(Value::as_array)
                .ok_or_else(|| missing("messages"))?;
            let text = messages.iter().map(message_text).collect::<Vec<_>>().join("\n");
            let count = u32::try_from(messages.len()).unwrap_or(u32::MAX);
            Ok((text, count.saturating_mul(MESSAGE_TOKENS).saturating_add(TEMPLATE_TOKENS)))
        }
        Api::Completions => {
            let text =
                body.get("prompt").and_then(Value::as_str).ok_or_else(|| missing("prompt"))?;
            Ok((text.to_owned(), 1))
        }
    }
}

/// Content is a string, or parts with a text each.
fn message_text(message: &Value) -> String {
    match message.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts
            .iter()
            .filter_map(|p| p.get("text").and_then(Value::as_str))
            .collect::<Vec<_>>()
            .join("\n"),
        _ => String::new(),
    }
}

fn output_tokens(knobs: &Knobs, api: Api, body: &Value) -> Result<u32, Refusal> {
    let key = if body.get("max_completion_tokens").is_some() {
        "max_completion_tokens"
    } else {
        "max_tokens"
    };
    let default = match api {
        Api::Chat => DEFAULT_CHAT_TOKENS,
        Api::Completions => DEFAULT_COMPLETION_TOKENS,
    };
    match body.get(key) {
        None | Some(Value::Null) => Ok(default.min(knobs.longest_request() / 2).max(1)),
        Some(value) => {
            let tokens = value.as_i64().ok_or_else(|| {
                bad_request(&format!("{key} must be an integer, got {value}."), key)
            })?;
            if tokens < 1 {
                let message = format!(
                    "{key} must be at least 1, got {tokens}. (parameter={key}, value={tokens})"
                );
                return Err(bad_request(&message, key));
            }
            Ok(u32::try_from(tokens).unwrap_or(u32::MAX))
        }
    }
}

/// The model may end its answer by itself, where it is not told to go on.
fn stop_early(
    knobs: &Knobs,
    seed: u64,
    number: u64,
    body: &Value,
    asked: u32,
) -> (u32, FinishReason) {
    let goes_on = body.get("ignore_eos").and_then(Value::as_bool) == Some(true);
    let least = body
        .get("min_tokens")
        .and_then(Value::as_u64)
        .map_or(1, |n| u32::try_from(n).unwrap_or(u32::MAX))
        .max(1);
    let mut draw = request_draws(seed, number);
    // The first two draws are the request's fate.
    let (_, _, chance, place) = (draw(), draw(), draw(), draw());
    if goes_on || least >= asked || chance >= knobs.early_stop {
        return (asked, FinishReason::Length);
    }
    (least + share_of(asked - least, place), FinishReason::Stop)
}

fn too_long(longest: u32, prompt: u32, asked: u32) -> Refusal {
    if asked > longest {
        let message = format!(
            "max_tokens={asked} cannot be greater than max_model_len={longest}. Please request fewer output tokens. \
             (parameter=max_tokens, value={asked})"
        );
        return bad_request(&message, "max_tokens");
    }
    let message = format!(
        "This model's maximum context length is {longest} tokens. However, you requested {asked} output tokens and your prompt \
         contains {prompt} input tokens, for a total of {} tokens. Please reduce the length of the input prompt or the number of \
         requested output tokens. (parameter=input_tokens, value={prompt})",
        u64::from(prompt) + u64::from(asked)
    );
    bad_request(&message, "input_tokens")
}

fn missing(field: &str) -> Refusal {
    let message = format!(
        "1 validation error:\n  {{'type': 'missing', 'loc': 'body.{field}', 'msg': 'Field required'}}"
    );
    bad_request(&message, &format!("body.{field}"))
}

fn bad_request(message: &str, param: &str) -> Refusal {
    refusal(400, message, "BadRequestError", Some(param))
}

fn refusal(status: u16, message: &str, kind: &str, param: Option<&str>) -> Refusal {
    Refusal {
        status,
        body: json!({"error": {"message": message, "type": kind, "param": param, "code": status}}),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share below 1 of a u32 is a u32"
)]
fn share_of(tokens: u32, share: f64) -> u32 {
    (f64::from(tokens) * share) as u32
}
