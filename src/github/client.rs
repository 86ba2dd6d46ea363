//! GitHub's REST API through octocrab over reqwest: one request at a time, bounded in time, never
//! sent twice where that could write twice.
//!
//! octocrab's own retries are off (its feature is not built in): they would send a POST again at
//! once. Bodies are plain JSON values, since a strict model fails on the odd field of a server of
//! one's own. Not here: what is sent.
#![expect(
    clippy::disallowed_methods,
    reason = "rim: a rate limit names the instant at which it ends"
)]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use octocrab::Octocrab;
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::event::{Ci, Slug};
use crate::lang::{Text, bilingual};

/// What became of a request that came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiError {
    /// An answer that a second try would not change.
    Refused { status: u16, message: String },
    /// A rate limit that ends too late.
    Limited { status: u16, wait_s: Option<u64> },
    /// GitHub itself is in trouble.
    Down { status: u16, tries: u32 },
    /// No answer, and why.
    Unreachable(String),
    /// An answer that is not what GitHub documents.
    Odd(String),
}

pub struct Client {
    crab: Octocrab,
    /// A server of one's own has GraphQL beside its REST API and not below it, and octocrab puts
    /// everything below its base.
    graph: Octocrab,
    repository: Slug,
    token: String,
    deadline: Instant,
}

/// An answer with a status of success.
#[derive(Debug)]
pub struct Answer {
    pub body: Value,
    /// The Link header names a next page.
    more: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Get,
    Post,
    Patch,
    Delete,
}

/// What to do after an answer without success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Wait(Duration),
    Limited(Option<u64>),
    Stop,
}

const CONNECT: Duration = Duration::from_secs(10);
const WHOLE: Duration = Duration::from_secs(30);
/// For everything that one command asks of GitHub, waiting included: a gate must not hold a GPU
/// runner for a comment.
const PATIENCE: Duration = Duration::from_secs(120);
const TRIES: u32 = 4;
const BACKOFF: Duration = Duration::from_millis(250);
/// GitHub asks for at least a minute after a secondary limit that names no time.
const SECONDARY_S: u64 = 60;
/// Ten thousand comments: no pull request has as many.
const MOST_PAGES: u32 = 100;
const PER_PAGE: usize = 100;
const LONGEST_MESSAGE: usize = 300;

impl Client {
    /// Must be called inside a Tokio runtime. Errors: a URL or a token that no request can carry.
    pub fn new(ci: &Ci, repository: &Slug, token: &str) -> Result<Self, ApiError> {
        let odd = |e: &dyn std::error::Error| ApiError::Odd(hidden(&chain(e), token));
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/vnd.github+json"));
        headers.insert("x-github-api-version", HeaderValue::from_static("2022-11-28"));
        // Proxies of the environment are reqwest's business; octocrab's own client knows none.
        let http = reqwest::Client::builder()
            .default_headers(headers)
            .connect_timeout(CONNECT)
            .timeout(WHOLE)
            .retry(reqwest::retry::never())
            .build()
            .map_err(|e| odd(&e))?;
        let above = |base: &str| {
            let builder = Octocrab::builder().base_uri(base).map_err(|e| odd(&e))?;
            builder
                .personal_token(token.to_owned())
                .build_with_reqwest(http.clone())
                .map_err(|e| odd(&e))
        };
        Ok(Self {
            crab: above(&ci.api_url)?,
            graph: above(ci.graphql_url.trim_end_matches("/graphql"))?,
            repository: repository.clone(),
            token: token.to_owned(),
            deadline: Instant::now() + PATIENCE,
        })
    }

    pub fn repository(&self) -> &Slug {
        &self.repository
    }

    /// `route` is below the repository, and begins with a slash.
    pub async fn get(&self, route: &str) -> Result<Value, ApiError> {
        Ok(self.send(Method::Get, self.below(route), None).await?.body)
    }

    /// Sent once, whatever comes of it: the caller looks whether it was done before a second try.
    /// Only an answer that says "later" is waited for, since nothing was done then.
    pub async fn post(&self, route: &str, body: &Value) -> Result<Value, ApiError> {
        Ok(self.send(Method::Post, self.below(route), Some(body)).await?.body)
    }

    pub async fn patch(&self, route: &str, body: &Value) -> Result<Value, ApiError> {
        Ok(self.send(Method::Patch, self.below(route), Some(body)).await?.body)
    }

    pub async fn delete(&self, route: &str) -> Result<(), ApiError> {
        self.send(Method::Delete, self.below(route), None).await.map(drop)
    }

    /// All pages of a list. By number and not by the Link header's address, which may lead
    /// elsewhere.
    pub async fn all(&self, route: &str) -> Result<Vec<Value>, ApiError> {
        let joint = if route.contains('?') { '&' } else { '?' };
        let mut all = Vec::new();
        for page in 1..=MOST_PAGES {
            let route = format!("{}{joint}per_page={PER_PAGE}&page={page}", self.below(route));
            let answer = self.send(Method::Get, route, None).await?;
            let Value::Array(items) = answer.body else {
                return Err(ApiError::Odd("a list was expected".into()));
            };
            let last = items.len() < PER_PAGE && !answer.more;
            all.extend(items);
            if last {
                return Ok(all);
            }
        }
        Err(ApiError::Odd(format!("more than {MOST_PAGES} pages")))
    }

    /// Login of whoever the token is; `None` where it cannot be known. An app's token may ask
    /// GraphQL only.
    pub async fn viewer(&self) -> Option<String> {
        let query = json!({"query": "query { viewer { login } }"});
        let graphql = self
            .once(&self.graph, Method::Post, "/graphql", Some(&query))
            .await
            .ok()
            .filter(|a| a.status == 200);
        let login = |v: &Value| v.as_str().filter(|l| !l.is_empty()).map(str::to_owned);
        if let Some(found) = graphql.and_then(|a| login(&a.body["data"]["viewer"]["login"])) {
            return Some(found);
        }
        let user = self
            .once(&self.crab, Method::Get, "/user", None)
            .await
            .ok()
            .filter(|a| a.status == 200)?;
        login(&user.body["login"])
    }

    fn below(&self, route: &str) -> String {
        format!("/repos/{}{route}", self.repository)
    }

    async fn send(
        &self,
        method: Method,
        route: String,
        body: Option<&Value>,
    ) -> Result<Answer, ApiError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let answer = match self.once(&self.crab, method, &route, body).await {
                Ok(answer) if (200..300).contains(&answer.status) => {
                    return Ok(Answer { more: answer.more, body: answer.body });
                }
                Ok(answer) => Ok(answer),
                Err(why) if method == Method::Post || tries >= TRIES => {
                    return Err(ApiError::Unreachable(why));
                }
                Err(why) => Err(why),
            };
            let next =
                answer.as_ref().map_or(Next::Wait(backoff(tries)), |a| a.next(method, tries));
            match next {
                Next::Wait(pause) if Instant::now() + pause < self.deadline => sleep(pause).await,
                next => return Err(given_up(answer, next, tries)),
            }
        }
    }

    async fn once(
        &self,
        crab: &Octocrab,
        method: Method,
        route: &str,
        body: Option<&Value>,
    ) -> Result<Raw, String> {
        if Instant::now() >= self.deadline {
            return Err(format!("not tried any more after {} s", PATIENCE.as_secs()));
        }
        let said = |e: octocrab::Error| hidden(&chain(&e), &self.token);
        let answer = match method {
            Method::Get => crab._get(route).await,
            Method::Post => crab._post(route, body).await,
            Method::Patch => crab._patch(route, body).await,
            Method::Delete => crab._delete(route, body).await,
        }
        .map_err(said)?;
        let header = |name: &str| {
            answer.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned)
        };
        let number = |name: &str| header(name).and_then(|v| v.trim().parse::<u64>().ok());
        let mut raw = Raw {
            status: answer.status().as_u16(),
            retry_after_s: number("retry-after"),
            remaining: number("x-ratelimit-remaining"),
            reset_s: number("x-ratelimit-reset"),
            more: header("link").is_some_and(|l| l.contains("rel=\"next\"")),
            body: Value::Null,
            message: String::new(),
        };
        let text = crab.body_to_string(answer).await.map_err(said)?;
        raw.body = serde_json::from_str(&text).unwrap_or(Value::Null);
        raw.message = hidden(&message(&raw.body, &text), &self.token);
        Ok(raw)
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.text().fmt(f)
    }
}

impl ApiError {
    /// What happened.
    pub fn text(&self) -> Text {
        match self {
            Self::Refused { status, message } => {
                bilingual!("GitHub answered {status}: {message}", "GitHub 응답 {status}: {message}")
            }
            Self::Limited { status, wait_s: Some(s) } => bilingual!(
                "GitHub's rate limit ({status}) asks to wait {s} s",
                "GitHub 요청 한도({status}): {s} s 대기 필요"
            ),
            Self::Limited { status, wait_s: None } => bilingual!(
                "GitHub's rate limit ({status}) is used up",
                "GitHub 요청 한도({status}) 소진"
            ),
            Self::Down { status, tries: 1 } => {
                bilingual!("GitHub answered {status}", "GitHub 응답 {status}")
            }
            Self::Down { status, tries } => bilingual!(
                "GitHub answered {status} to each of {tries} tries",
                "GitHub에 {tries}번 요청했으나 매번 응답 {status}"
            ),
            Self::Unreachable(why) => {
                bilingual!("no answer from GitHub: {why}", "GitHub 응답 없음: {why}")
            }
            Self::Odd(why) => {
                bilingual!("not GitHub's API: {why}", "GitHub API의 응답이 아님: {why}")
            }
        }
    }

    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. }
            | Self::Limited { status, .. }
            | Self::Down { status, .. } => Some(*status),
            Self::Unreachable(_) | Self::Odd(_) => None,
        }
    }

    /// The request may have been carried out all the same.
    pub const fn may_be_done(&self) -> bool {
        matches!(self, Self::Down { .. } | Self::Unreachable(_))
    }

    /// What happened and what to do, for a notice. `permission` is what the job's token needs, e.g.
    /// `pull-requests: write`.
    pub fn explain(&self, permission: &str) -> Text {
        let hint = match self.status() {
            Some(401) => bilingual!(
                "; hint: the token is not accepted, so hand a valid one over in GITHUB_TOKEN or GOODPUT_GATE_TOKEN",
                ". 힌트: 받아들여지지 않는 토큰이니 유효한 토큰을 GITHUB_TOKEN 또는 GOODPUT_GATE_TOKEN으로 넘기십시오"
            ),
            Some(403) if !matches!(self, Self::Limited { .. }) => bilingual!(
                "; hint: give the job `permissions: {permission}`; on pull requests from forks the token only reads, and `goodput-gate comment` in a workflow_run job is the way",
                ". 힌트: 작업에 `permissions: {permission}` 권한을 주십시오. 포크에서 온 풀 리퀘스트의 토큰은 읽기 전용이므로, workflow_run 작업에서 `goodput-gate comment`를 쓰십시오"
            ),
            Some(404) => bilingual!(
                "; hint: it does not exist, or the token may not see it (`permissions: {permission}`)",
                ". 힌트: 존재하지 않거나 토큰으로 볼 수 없음 (`permissions: {permission}`)"
            ),
            _ => Text::default(),
        };
        self.text().then(&hint)
    }
}

/// An answer as it came.
struct Raw {
    status: u16,
    retry_after_s: Option<u64>,
    remaining: Option<u64>,
    reset_s: Option<u64>,
    more: bool,
    body: Value,
    message: String,
}

impl Raw {
    /// A limit refuses before anything is done, so that waiting is right for every method; a 5xx
    /// may come after it.
    fn next(&self, method: Method, tries: u32) -> Next {
        let last = tries >= TRIES;
        if self.limited() {
            let wait = self.wait_s();
            return match wait {
                Some(s) if !last => Next::Wait(Duration::from_secs(s)),
                wait => Next::Limited(wait),
            };
        }
        match self.status {
            500..=599 if method != Method::Post && !last => {
                Next::Wait(self.retry_after_s.map_or_else(|| backoff(tries), Duration::from_secs))
            }
            _ => Next::Stop,
        }
    }

    fn limited(&self) -> bool {
        let secondary = self.message.to_ascii_lowercase().contains("rate limit");
        self.status == 429
            || (self.status == 403
                && (self.retry_after_s.is_some() || self.remaining == Some(0) || secondary))
    }

    fn wait_s(&self) -> Option<u64> {
        let until = |reset: u64| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
            // A second more: clocks differ.
            reset.saturating_sub(now) + 1
        };
        self.retry_after_s
            .or_else(|| self.reset_s.filter(|_| self.remaining == Some(0)).map(until))
            .or(Some(SECONDARY_S))
    }
}

fn given_up(answer: Result<Raw, String>, next: Next, tries: u32) -> ApiError {
    let raw = match answer {
        Ok(raw) => raw,
        Err(why) => return ApiError::Unreachable(why),
    };
    match next {
        Next::Limited(wait_s) => ApiError::Limited { status: raw.status, wait_s },
        Next::Wait(pause) if raw.limited() => {
            ApiError::Limited { status: raw.status, wait_s: Some(pause.as_secs()) }
        }
        _ if raw.status >= 500 => ApiError::Down { status: raw.status, tries },
        _ => ApiError::Refused { status: raw.status, message: raw.message },
    }
}

fn backoff(tries: u32) -> Duration {
    BACKOFF * 2_u32.saturating_pow(tries.saturating_sub(1))
}

/// GitHub's own words with its list of errors; of a proxy's page the beginning.
fn message(body: &Value, text: &str) -> String {
    let said = body["message"].as_str().unwrap_or(text);
    let errors = body["errors"].as_array().into_iter().flatten();
    let details: Vec<&str> = errors
        .filter_map(|e| e["message"].as_str().or(e["code"].as_str()).or(e.as_str()))
        .collect();
    let all = if details.is_empty() {
        said.to_owned()
    } else {
        format!("{said} ({})", details.join("; "))
    };
    let line = all.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().filter(|c| !c.is_control()).take(LONGEST_MESSAGE).collect();
    if line.is_empty() { "no reason given".into() } else { line }
}

/// A proxy may repeat the header that it was sent.
fn hidden(text: &str, token: &str) -> String {
    if token.is_empty() { text.to_owned() } else { text.replace(token, "***") }
}

/// An error with what caused it, once each.
fn chain(error: &dyn std::error::Error) -> String {
    let mut parts = vec![first_line(error)];
    let mut source = error.source();
    while let Some(cause) = source {
        let said = first_line(cause);
        if !parts.iter().any(|p| p.contains(&said)) {
            parts.push(said);
        }
        source = cause.source();
    }
    parts.join(": ")
}

/// Some of octocrab's errors bring a backtrace below their first line.
fn first_line(error: &dyn std::error::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
