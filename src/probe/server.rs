//! Asks the server, before any clock: whether it is ready, and what its pages hold.
//!
//! Goes through reqwest: convenience matters here, microseconds do not. Not here: what it says of
//! itself (`recognise`), which request fields it takes (`negotiate`), measured requests (`load`).
#![expect(
    clippy::disallowed_methods,
    reason = "rim: the date, against which a server says when to ask again"
)]

mod negotiate;

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, SERVER};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

pub use super::error::ProbeError;
use super::error::{no_authority, no_reset, refusal_hint, unreachable_hint};
use super::recognise::Model;
use crate::config::{CacheReset, Verb};
use crate::protocol::{self, Family, Secrets};
use crate::redact::HIDDEN;

/// How the server is spoken to.
#[derive(Clone)]
pub struct Access<'a> {
    pub base_url: &'a str,
    pub api_key: Option<&'a str>,
    pub headers: &'a [(String, String)],
    pub ca_pem: Option<&'a [u8]>,
    /// Whose API it has.
    pub family: Family,
    /// How long one question to it may take, but for a request of tokens: its model may be cold.
    pub patience: Duration,
}

/// A probe may wait for a model that is cold.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A server that takes this long for its health is not ready; it is asked again.
const READY_PATIENCE: Duration = Duration::from_secs(5);

/// A busy server is asked again for so long in all.
const BUSY: Duration = Duration::from_secs(60);
/// First pause where it does not say how long, and the shortest in any case; each next one is twice
/// as long, up to the longest.
const BUSY_PAUSE: Duration = Duration::from_millis(500);
const BUSY_LONGEST: Duration = Duration::from_secs(10);

/// Far above any list of models or answer of two tokens; memory must not grow with what a server
/// sends.
pub(super) const MOST_BYTES: usize = 16 * 1024 * 1024;

pub struct Probe {
    http: reqwest::Client,
    base_url: String,
    family: Family,
    patience: Duration,
    secrets: Secrets,
    /// Of those, what the name of a model must not hold either.
    keys: Secrets,
}

impl Probe {
    pub fn new(access: &Access<'_>) -> Result<Self, ProbeError> {
        // No idle connection may stay: some servers give each one a thread that measured requests
        // need.
        let mut builder = reqwest::Client::builder()
            .default_headers(headers(access)?)
            .timeout(PATIENCE)
            .connect_timeout(Duration::from_secs(5))
            .pool_max_idle_per_host(0)
            .retry(reqwest::retry::never())
            .redirect(reqwest::redirect::Policy::none())
            // Measured requests go straight to the server, so what is asked of it beforehand must
            // too.
            .no_proxy();
        if let Some(pem) = access.ca_pem {
            let authorities = reqwest::Certificate::from_pem_bundle(pem)
                .map_err(|e| ProbeError::Access(chain(&e).into()))?;
            if authorities.is_empty() {
                return Err(ProbeError::Access("no certificate in target.ca_file".into()));
            }
            builder = builder.tls_certs_merge(authorities);
        }
        if access.base_url.starts_with("http:") {
            // Redirects are not followed, so no TLS will be spoken: a machine without any authority
            // (a bare container) will do.
            builder = builder.tls_certs_only([]);
        }
        let http = builder.build().map_err(|e| ProbeError::Access(no_authority(&chain(&e))))?;
        let secrets = protocol::secrets(access.api_key, access.headers);
        let keys = protocol::keys(access.api_key, access.headers);
        Ok(Self {
            http,
            base_url: access.base_url.trim_end_matches('/').to_owned(),
            family: access.family,
            patience: access.patience.min(PATIENCE),
            secrets,
            keys,
        })
    }

    /// For further questions to the same server: with its key and headers, if it has any.
    pub fn http(&self) -> reqwest::Client {
        self.http.clone()
    }

    /// Whether the server answers 2xx at `path` of its root. Without one: whether Ollama and Triton
    /// say so themselves; of other servers, whether it answers at all for its list of models, but
    /// for 5xx; what it refuses shows when it is asked in earnest.
    ///
    /// Errors: what it answered instead, in words: `GET /health answered 404`, `connection
    /// refused`.
    pub async fn ready(&self, path: Option<&str>) -> Result<(), String> {
        let path = path.or(match self.family {
            Family::OpenAi => None,
            Family::Ollama => Some("/api/version"),
            Family::Triton => Some("/v2/health/ready"),
        });
        let url = path.map_or_else(
            || format!("{}/models", self.base_url),
            |path| format!("{}{path}", root(&self.base_url)),
        );
        let answer = self.http.get(&url).timeout(READY_PATIENCE).send().await;
        let status = match answer {
            Ok(answer) => answer.status(),
            Err(e) if e.is_timeout() => {
                return Err(format!(
                    "GET {url} gave no answer within {} s",
                    READY_PATIENCE.as_secs()
                ));
            }
            Err(e) => return Err(format!("GET {url}: {}", chain(&e))),
        };
        let ready = if path.is_some() { status.is_success() } else { !status.is_server_error() };
        if ready { Ok(()) } else { Err(format!("GET {url} answered {}", status.as_u16())) }
    }

    /// Empties the server's prefix cache. Errors: it is not there, or refuses, so that what comes
    /// next may find an earlier prompt in it.
    pub async fn reset_cache(&self, reset: &CacheReset) -> Result<(), ProbeError> {
        let url = format!("{}{}", root(&self.base_url), reset.path);
        let request = match reset.verb {
            Verb::Get => self.http.get(&url),
            Verb::Post => self.http.post(&url).body(Vec::new()),
        };
        let answer = request.send().await.map_err(|e| unreachable(&url, &e))?;
        match self.refused(&url, answer).await {
            Ok(answer) => body(&url, answer).await.map(drop),
            Err(ProbeError::Status { url, status, text, .. }) => {
                Err(ProbeError::Status { url, status, text, hint: no_reset() })
            }
            Err(other) => Err(other),
        }
    }

    /// What the server must not be quoted with.
    pub const fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// As [`Self::secrets`], for the name of a model, which a header may say, too.
    pub const fn keys(&self) -> &Secrets {
        &self.keys
    }

    pub const fn family(&self) -> Family {
        self.family
    }

    /// `OpenAI`'s list of models, and the `server` header that came with it.
    pub async fn models(&self) -> Result<(Value, Option<String>), ProbeError> {
        let url = format!("{}/models", self.base_url);
        let answer = self.asked(&url, self.http.get(&url).timeout(self.patience)).await?;
        let header = answer.headers().get(SERVER).and_then(|v| v.to_str().ok()).map(str::to_owned);
        Ok((self.json(&url, answer).await?, header))
    }

    /// The JSON at a path of the server's root.
    pub async fn got(&self, path: &str) -> Result<Value, ProbeError> {
        let url = format!("{}{path}", self.root());
        let answer = self.asked(&url, self.http.get(&url).timeout(self.patience)).await?;
        self.json(&url, answer).await
    }

    /// The same where it is no matter that there is none.
    pub async fn at(&self, path: &str) -> Option<Value> {
        tokio::time::timeout(READY_PATIENCE, self.got(path)).await.ok()?.ok()
    }

    pub async fn posted(&self, path: &str, body: &Value) -> Result<Value, ProbeError> {
        let url = format!("{}{path}", self.root());
        let request =
            self.http.post(&url).header(CONTENT_TYPE, "application/json").body(body.to_string());
        let answer = request.send().await.map_err(|e| unreachable(&url, &e))?;
        self.json(&url, answer).await
    }

    /// Where a server has what is not of its API: `base_url` without `/v1`.
    fn root(&self) -> &str {
        self.base_url.trim_end_matches("/v1")
    }

    /// Sends a question; where the server is busy (429, 503) it is asked again when it says so, for
    /// a while.
    async fn asked(
        &self,
        url: &str,
        request: reqwest::RequestBuilder,
    ) -> Result<reqwest::Response, ProbeError> {
        let (mut left, mut pause) = (BUSY, BUSY_PAUSE);
        loop {
            let again = request.try_clone();
            let answer = again
                .unwrap_or_else(|| self.http.get(url))
                .send()
                .await
                .map_err(|e| unreachable(url, &e))?;
            let busy = matches!(answer.status().as_u16(), 429 | 503);
            let wait = retry_after(answer.headers()).unwrap_or(pause).max(BUSY_PAUSE);
            if !busy || wait > left {
                return Ok(answer);
            }
            drop(answer);
            tokio::time::sleep(wait).await;
            (left, pause) = (left.saturating_sub(wait), (pause * 2).min(BUSY_LONGEST));
        }
    }

    async fn json(&self, url: &str, answer: reqwest::Response) -> Result<Value, ProbeError> {
        let answer = self.refused(url, answer).await?;
        let html = is_html(&answer);
        let bytes = body(url, answer).await?;
        serde_json::from_slice(&bytes).map_err(|_| ProbeError::NotJson {
            url: url.to_owned(),
            what: if html { "HTML" } else { "text" }.into(),
        })
    }

    async fn refused(
        &self,
        url: &str,
        answer: reqwest::Response,
    ) -> Result<reqwest::Response, ProbeError> {
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let body = body(url, answer).await.unwrap_or_default();
        let hint = refusal_hint(status.as_u16(), self.family);
        let text = protocol::redact(protocol::error_text(&body), &self.secrets);
        Err(ProbeError::Status { url: url.to_owned(), status: status.as_u16(), text, hint })
    }
}

async fn body(url: &str, mut answer: reqwest::Response) -> Result<Vec<u8>, ProbeError> {
    let mut bytes = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(|e| unreachable(url, &e))? {
        if bytes.len() + piece.len() > MOST_BYTES {
            return Err(ProbeError::Endless { url: url.to_owned() });
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

fn headers(access: &Access<'_>) -> Result<HeaderMap, ProbeError> {
    let mut headers = HeaderMap::new();
    let key = access.api_key.map(|k| ("authorization".to_owned(), format!("Bearer {k}")));
    for (name, value) in key.iter().chain(access.headers) {
        let bad = || ProbeError::Access(format!("header {name:?}").into());
        let mut value: HeaderValue = value.parse().map_err(|_| bad())?;
        value.set_sensitive(true);
        headers.insert(name.parse::<HeaderName>().map_err(|_| bad())?, value);
    }
    Ok(headers)
}

/// The one model to ask for.
pub fn only_model(models: &[Model]) -> Result<String, ProbeError> {
    match models {
        [] => Err(ProbeError::NoModel),
        [one] if one.name.contains(HIDDEN) => Err(ProbeError::SecretModel),
        [one] => Ok(one.name.clone()),
        many => {
            let names: Vec<&str> = many.iter().take(8).map(|m| m.name.as_str()).collect();
            Err(ProbeError::ManyModels(many.len(), names.join(", ")))
        }
    }
}

/// Scheme, host and port.
pub fn root(base_url: &str) -> String {
    reqwest::Url::parse(base_url)
        .map_or_else(|_| base_url.to_owned(), |url| url.origin().ascii_serialization())
}

pub fn is_loopback(base_url: &str) -> bool {
    let host = reqwest::Url::parse(base_url).ok().and_then(|u| u.host_str().map(str::to_owned));
    host.is_some_and(|h| h == "localhost" || h.starts_with("127.") || h == "[::1]")
}

/// How long a busy server asks to be left alone: seconds, or a date. None where it does not say.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let said = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    if let Some(ms) = said("retry-after-ms").and_then(|ms| ms.parse::<f64>().ok()) {
        return Duration::try_from_secs_f64(ms / 1000.0).ok();
    }
    let text = said("retry-after")?;
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let at = OffsetDateTime::parse(text, &Rfc2822).ok()?;
    (at - OffsetDateTime::now_utc()).try_into().ok()
}

fn is_html(answer: &reqwest::Response) -> bool {
    answer
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|t| t.starts_with("text/html"))
}

fn unreachable(url: &str, error: &reqwest::Error) -> ProbeError {
    let why = chain(error);
    let hint = unreachable_hint(&why);
    ProbeError::Unreachable { url: url.to_owned(), why, hint }
}

/// The innermost cause says most ("connection refused"); reqwest's own text repeats the URL.
fn chain(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_server_says_when_to_ask_again() {
        let said = |name: &'static str, value: &str| {
            let value = HeaderValue::from_str(value).expect("a header's value");
            retry_after(&HeaderMap::from_iter([(HeaderName::from_static(name), value)]))
        };
        assert_eq!(said("retry-after", "7"), Some(Duration::from_secs(7)));
        assert_eq!(said("retry-after", "0.5"), Some(Duration::from_millis(500)));
        assert_eq!(said("retry-after-ms", "250"), Some(Duration::from_millis(250)));
        let later = said("retry-after", "Wed, 21 Oct 2099 07:28:00 GMT").expect("a date");
        assert!(later > Duration::from_secs(3600));
        for nothing in ["-1", "1e400", "soon", "Wed, 21 Oct 2015 07:28:00 GMT"] {
            assert_eq!(said("retry-after", nothing), None, "{nothing}");
        }
    }
}
