//! Which request fields the server takes, found by asking for two tokens.
//!
//! Not here: sending one question, and asking a busy server again (`server`).

use reqwest::header::CONTENT_TYPE;

use super::{Probe, body};
use crate::probe::error::{ProbeError, with_extra};
use crate::protocol::{self, BodySpec, Dialect as _, ExtraBody, Extras, LengthField, Protocol};

const MAX_COMPLETION_TOKENS: &str = LengthField::MaxCompletionTokens.name();

impl Probe {
    /// Sends one short request with all `wanted` fields; where the server refuses, with fewer,
    /// until it answers. A chat whose `max_tokens` is refused is asked with
    /// `max_completion_tokens`. Errors: what the server said to the plainest of them.
    ///
    /// The user's own fields, `extra`, are in every try: a server that refuses them refuses the
    /// run.
    pub async fn negotiate(
        &self,
        protocol: &Protocol,
        model: &str,
        stream: bool,
        (wanted, extra): (Extras, &ExtraBody),
    ) -> Result<Extras, ProbeError> {
        match self.first_taken(protocol, model, stream, (wanted, extra)).await {
            Err(refusal) if names_length(&refusal) => match protocol.other_length() {
                Some(length) => {
                    self.first_taken(protocol, model, stream, (Extras { length, ..wanted }, extra))
                        .await
                }
                None => Err(refusal),
            },
            other => other,
        }
    }

    async fn first_taken(
        &self,
        protocol: &Protocol,
        model: &str,
        stream: bool,
        (wanted, extra): (Extras, &ExtraBody),
    ) -> Result<Extras, ProbeError> {
        let mut tried: Vec<Extras> = Vec::new();
        let mut refusal = None;
        for extras in fallbacks(wanted) {
            if tried.contains(&extras) {
                continue;
            }
            match self.one_token(protocol, model, stream, (extras, extra)).await {
                Ok(()) => return Ok(extras),
                Err(ProbeError::Status { url, status, text, hint })
                    if status == 400 || status == 422 =>
                {
                    let renames = wanted.length == LengthField::MaxTokens
                        && text.contains(MAX_COMPLETION_TOKENS);
                    refusal = Some(ProbeError::Status { url, status, text, hint });
                    if renames {
                        break;
                    }
                }
                Err(other) => return Err(other),
            }
            tried.push(extras);
        }
        Err(match refusal {
            Some(ProbeError::Status { url, status, text, .. }) if !extra.is_empty() => {
                ProbeError::Status { url, status, text, hint: with_extra() }
            }
            other => other.unwrap_or(ProbeError::NoModel),
        })
    }

    async fn one_token(
        &self,
        protocol: &Protocol,
        model: &str,
        stream: bool,
        (extras, extra): (Extras, &ExtraBody),
    ) -> Result<(), ProbeError> {
        let spec = BodySpec {
            model,
            history: &[],
            prompt: "Say yes.",
            output_tokens: 2,
            stream,
            temperature: 0.0,
            extras,
            extra_body: Some(extra),
        };
        let url = format!("{}{}", self.base_url, protocol.path(model, stream));
        let request = self
            .http
            .post(&url)
            .header(CONTENT_TYPE, "application/json")
            .body(protocol::body(protocol, &spec));
        let answer = self.asked(&url, request).await?;
        let answer = self.refused(&url, answer).await?;
        // The answer is read to its end, so that the server is idle again. What it is shows in it,
        // whatever its content type says.
        let body = body(&url, answer).await?;
        if body.trim_ascii_start().starts_with(b"<") {
            return Err(ProbeError::NotJson { url, what: "HTML".into() });
        }
        match protocol.refusal(&body) {
            Some(text) => {
                Err(ProbeError::Failure { url, text: protocol::redact(text, &self.secrets) })
            }
            None => Ok(()),
        }
    }
}

/// Whether a refusal is about the length of the answer.
fn names_length(refusal: &ProbeError) -> bool {
    matches!(refusal, ProbeError::Status { status: 400 | 422, text, .. }
        if text.contains(LengthField::MaxTokens.name()) || text.contains(MAX_COMPLETION_TOKENS))
}

/// Fewer and fewer fields: each alone first, since most servers refuse one thing.
fn fallbacks(wanted: Extras) -> [Extras; 6] {
    let plain = Extras { ignore_eos: false, min_tokens: false, ..wanted };
    [
        wanted,
        Extras { min_tokens: false, ..wanted },
        Extras { ignore_eos: false, ..wanted },
        plain,
        Extras { stream_usage: false, ..wanted },
        Extras { stream_usage: false, ..plain },
    ]
}
