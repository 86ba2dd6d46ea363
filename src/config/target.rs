//! `target`: the server under test, and what further `targets` say otherwise. Wire form, layers,
//! check: exactly one endpoint, an address that requests can be appended to, headers, names of
//! variables.
//!
//! Not here: how the server is started (`server`). Messages name variables, never what they hold.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::address::{self, Env, is_path, is_variable};
use super::check::Checker;
use super::metrics::Metrics;
use super::server::{PORT, Server, ServerFile};
use super::sim::Knobs;
use super::wire::{Span, merge};
use super::workload::Layered;
use crate::lang::bilingual;
use crate::protocol::{
    Dialect as _, ExtraBody, Family, Ollama, Protocol, ProtocolName, Settings, Triton, conflict,
    joined,
};

/// Where a started server is asked, if nothing else is said.
const DEFAULT_URL: &str = "http://127.0.0.1:${PORT}/v1";

/// The same of a protocol that has its API at the server's root.
const DEFAULT_ROOT: &str = "http://127.0.0.1:${PORT}";

/// The server under test: either `base_url` or `sim`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetFile {
    /// Base URL of the API, usually ending in /v1; the server's root for `ollama` and `triton`.
    /// `${NAME}` is replaced by that environment variable.
    pub base_url: Option<String>,
    /// The simulated server instead of a real one, started by the gate; `{}` for its defaults.
    pub sim: Option<Knobs>,
    /// Wire protocol.
    pub protocol: Option<ProtocolName>,
    /// What the protocols `ollama` and `ollama-generate` leave open.
    pub ollama: Option<Ollama>,
    /// What the protocol `triton` leaves open: what the model calls its inputs and outputs.
    pub triton: Option<Triton>,
    /// A `tokenizer.json`, to count tokens where the server does not. Needs a build with the
    /// feature `tokenizer`.
    pub tokenizer: Option<String>,
    /// Model name, or `auto`: the only one that the server lists.
    pub model: Option<String>,
    /// Name of the environment variable that holds the API key; never the key.
    pub api_key_env: Option<String>,
    /// Extra HTTP headers. `${NAME}` in a value is replaced by that environment variable.
    pub headers: Option<BTreeMap<String, String>>,
    /// Further fields of every request body, any JSON: `{top_p: 0.9}`. What the gate sets itself is
    /// refused. Never a secret.
    pub extra_body: Option<ExtraBody>,
    /// PEM file of a certificate authority to trust besides the system's.
    pub ca_file: Option<String>,
    /// Request that empties the server's prefix cache, sent before each workload: `POST
    /// /reset_prefix_cache`; `none` for none.
    pub cache_reset: Option<String>,
    /// The server's metrics page (Prometheus text): a path at its root, a URL, `auto` (`/metrics`,
    /// if it is there) or `off`.
    pub metrics: Option<String>,
    /// Time between two readings of that page during a round; 500 ms or more.
    pub metrics_every: Option<Span>,
}

/// What another target has other than `target` and `server`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SideFile {
    /// For whoever chooses: `run -i` shows it beside the name.
    pub description: Option<String>,
    /// Keys of `target` that differ. With a `base_url` and no `server` it is a server that runs
    /// already.
    pub target: Option<TargetFile>,
    /// Keys of `server` that differ.
    pub server: Option<ServerFile>,
}

/// What is measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    pub endpoint: Endpoint,
    pub protocol: Protocol,
    /// Counts tokens where the server does not.
    pub tokenizer: Option<PathBuf>,
    pub model: ModelChoice,
    /// Name of the environment variable that holds the API key; never the key.
    pub api_key_env: Option<String>,
    /// Extra headers; `${ENV}` in values is expanded by the reader of the file. Values are secret:
    /// never recorded.
    pub headers: Vec<(String, String)>,
    /// PEM file of a certificate authority to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// The server's own metrics.
    pub metrics: Metrics,
    pub cache_reset: Option<CacheReset>,
    /// Sent in every request besides what the gate sets itself.
    pub extra_body: ExtraBody,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Endpoint {
    /// The base URL of the API, usually ending in `/v1`.
    Http(String),
    /// The embedded simulated server, started by the gate as a child process, once per start.
    Sim(Box<Knobs>),
    /// A server that the gate builds, starts, watches and stops, once per start.
    Started(Box<Server>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelChoice {
    /// The only model that the server lists.
    Auto,
    Named(String),
}

/// The request that empties a server's prefix cache. Its path is at the server's root, as that of
/// `ready`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheReset {
    pub verb: Verb,
    pub path: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Get,
    Post,
}

impl TargetFile {
    /// This, and what it does not say from `base`.
    pub fn over(self, base: Self) -> Self {
        // Another protocol does not inherit what was said of this one.
        let kin =
            |said: ProtocolName| base.protocol.is_none_or(|other| other.family() == said.family());
        let inherits = self.protocol.is_none_or(kin);
        Self {
            base_url: self.base_url.or(base.base_url),
            sim: self.sim.or(base.sim),
            protocol: self.protocol.or(base.protocol),
            ollama: self.ollama.or(base.ollama.filter(|_| inherits)),
            triton: self.triton.or(base.triton.filter(|_| inherits)),
            tokenizer: self.tokenizer.or(base.tokenizer),
            model: self.model.or(base.model),
            api_key_env: self.api_key_env.or(base.api_key_env),
            headers: self.headers.or(base.headers),
            extra_body: merge(
                self.extra_body,
                base.extra_body.filter(|_| inherits),
                |over, base| joined(&over, &base),
            ),
            ca_file: self.ca_file.or(base.ca_file),
            cache_reset: self.cache_reset.or(base.cache_reset),
            metrics: self.metrics.or(base.metrics),
            metrics_every: self.metrics_every.or(base.metrics_every),
        }
    }
}

impl Checker {
    /// `at` is where the target stands in the config: empty, or `targets.NAME.`.
    pub fn target(
        &mut self,
        at: &str,
        file: TargetFile,
        server: Option<ServerFile>,
        env: Env<'_>,
    ) -> Option<Target> {
        let started = server.is_some();
        let keep = |name: &str| {
            if started && name == PORT { Some(format!("${{{PORT}}}")) } else { env(name) }
        };
        let headers = self.headers(
            at,
            file.headers.clone().unwrap_or_default(),
            file.api_key_env.is_some(),
            env,
        );
        self.secrets = address::sent(file.api_key_env.as_deref(), &headers, env);
        let page = server.as_ref().and_then(|s| s.metrics.as_deref());
        let metrics = self.metrics(at, file.metrics.as_deref(), page, file.metrics_every, &keep);
        let endpoint = self.endpoint(at, &file, server, env);
        let protocol = self.protocol(at, &file);
        if let Some(name) = file.api_key_env.as_deref().filter(|name| !is_variable(name)) {
            let what = format!(
                "not the name of an environment variable ({} characters)",
                name.chars().count()
            );
            let hint = "write the variable's name, such as OPENAI_API_KEY, never the key";
            self.bad(&format!("{at}target.api_key_env"), what, hint);
        }
        if file.model.as_deref().is_some_and(|m| m.trim().is_empty()) {
            let hint = "write the model's name, or `auto` for the only one that the server lists";
            self.bad(&format!("{at}target.model"), "is empty", hint);
        }
        let cache_reset = self.cache_reset(at, file.cache_reset.as_deref());
        let model = match file.model?.as_str() {
            "auto" => ModelChoice::Auto,
            name => ModelChoice::Named(name.to_owned()),
        };
        let ca_file = file.ca_file.map(PathBuf::from);
        if file.tokenizer.is_some() && !cfg!(feature = "tokenizer") {
            let hint = "build it with `cargo build --release --features tokenizer`, or leave the key out: counts are then the server's";
            self.bad_key(
                &format!("{at}target.tokenizer"),
                "this goodput-gate was built without a tokenizer",
                hint,
            );
        }
        let tokenizer = file.tokenizer.map(PathBuf::from);
        let extra_body = file.extra_body.unwrap_or_default();
        if let Some(protocol) = &protocol {
            self.extra_body(&format!("{at}target.extra_body"), protocol, &extra_body);
        }
        let (endpoint, protocol, api_key_env) = (endpoint?, protocol?, file.api_key_env);
        Some(Target {
            endpoint,
            protocol,
            tokenizer,
            model,
            api_key_env,
            headers,
            ca_file,
            metrics,
            cache_reset,
            extra_body,
        })
    }

    /// The target's protocol with its settings. `at` is where the target stands in the config.
    pub fn protocol(&mut self, at: &str, file: &TargetFile) -> Option<Protocol> {
        let name = file.protocol?;
        let path = |key: &str| format!("{at}target.{key}");
        for (key, present, meant) in [
            ("ollama", file.ollama.is_some(), Family::Ollama),
            ("triton", file.triton.is_some(), Family::Triton),
        ] {
            if present && name.family() != meant {
                let what = format!("has no meaning beside protocol {}", name.name());
                self.bad_key(&path(key), what, format!("remove it, or write `protocol: {key}`"));
            }
        }
        if file.sim.is_some() && name.is_native() {
            let what = format!("the simulated server does not speak {}", name.name());
            self.bad(
                &path("protocol"),
                what,
                "leave it out: it speaks openai-chat and openai-completions",
            );
        }
        if name.is_native()
            && file
                .base_url
                .as_deref()
                .is_some_and(|url| url.trim_end_matches('/').ends_with("/v1"))
        {
            let what = format!("`/v1` is where OpenAI's API is, not where {} is", name.name());
            self.bad(
                &path("base_url"),
                what,
                "write only http://HOST:PORT, or `protocol: openai-chat`",
            );
        }
        let settings = Settings {
            ollama: Arc::new(file.ollama.clone().unwrap_or_default()),
            triton: Arc::new(file.triton.clone().unwrap_or_default()),
        };
        let protocol = Protocol::new(name, &settings);
        for problem in protocol.problems() {
            self.bad(&path(&problem.key), problem.what, problem.hint);
        }
        Some(protocol)
    }

    /// No extra field is one that the gate sets itself, in the words of the target's protocol.
    pub fn extra_body(&mut self, path: &str, protocol: &Protocol, extra: &ExtraBody) {
        if let Some((place, instead)) = conflict(protocol, extra) {
            let what =
                format!("the gate sets `{place}` itself in a request of {}", protocol.name());
            self.bad(&format!("{path}.{place}"), what, instead);
        }
    }

    /// The same of all workloads, whatever target they are sent to.
    pub fn extra_bodies(&mut self, workloads: &[Layered], targets: &[&Target]) {
        for workload in workloads {
            let Some(extra) = &workload.file.extra_body else { continue };
            if let Some(target) =
                targets.iter().find(|target| conflict(&target.protocol, extra).is_some())
            {
                self.extra_body(&format!("{}.extra_body", workload.path), &target.protocol, extra);
            }
        }
    }

    fn cache_reset(&mut self, at: &str, said: Option<&str>) -> Option<CacheReset> {
        let said = said?;
        let (verb, path) = match said.split_once(' ') {
            Some(("POST", path)) => (Verb::Post, path),
            Some(("GET", path)) => (Verb::Get, path),
            _ if said == "none" => return None,
            _ => (Verb::Post, ""),
        };
        if let Some(what) = address::credential(path, &self.secrets) {
            self.bad(&format!("{at}target.cache_reset"), what, address::HINT);
            return None;
        }
        if !is_path(path) {
            let hint = "write the method and the path as the server serves it, such as `POST /reset_prefix_cache`, or `none`";
            self.bad(&format!("{at}target.cache_reset"), format!("`{said}` is no request"), hint);
            return None;
        }
        Some(CacheReset { verb, path: path.to_owned() })
    }

    fn endpoint(
        &mut self,
        at: &str,
        file: &TargetFile,
        server: Option<ServerFile>,
        env: Env<'_>,
    ) -> Option<Endpoint> {
        let path = format!("{at}target");
        match (&file.base_url, file.sim.clone(), server) {
            (Some(_), Some(_), _) => {
                self.bad(&path, "both `base_url` and `sim`", "keep the one that is under test");
                None
            }
            (None, Some(_), Some(_)) => {
                let hint = "remove one: the simulated server is started by itself";
                self.bad(&format!("{at}server"), "has no meaning beside `target.sim`", hint);
                None
            }
            (url, None, Some(server)) => {
                let keep = |name: &str| {
                    if name == PORT { Some(format!("${{{PORT}}}")) } else { env(name) }
                };
                let native = file.protocol.is_some_and(ProtocolName::is_native);
                let usual = if native { DEFAULT_ROOT } else { DEFAULT_URL };
                let url = self.base_url(&path, url.as_deref().unwrap_or(usual), &keep);
                self.server(at, server, &keep).zip(url).map(|(server, base_url)| {
                    Endpoint::Started(Box::new(Server { base_url, ..server }))
                })
            }
            (None, None, None) => {
                let hint = "add `base_url: http://HOST:PORT/v1`, or `sim: {}`";
                self.bad(&path, "neither `base_url` nor `sim`", hint);
                None
            }
            (Some(url), None, None) => self.base_url(&path, url, env).map(Endpoint::Http),
            (None, Some(knobs), None) => {
                if let Err(what) = knobs.check() {
                    self.bad(
                        &format!("{path}.sim"),
                        what,
                        "see docs/SIM.md for the range of each knob",
                    );
                }
                Some(Endpoint::Sim(Box::new(knobs)))
            }
        }
    }

    pub fn base_url(&mut self, target: &str, raw: &str, env: Env<'_>) -> Option<String> {
        let path = &format!("{target}.base_url");
        let url = self.expanded(path, raw, env)?;
        let example =
            bilingual!("write it as http://127.0.0.1:8000/v1", "예: http://127.0.0.1:8000/v1");
        // First, since the other messages show the value.
        if let Some(what) = address::credential(&url, &self.secrets) {
            self.bad(path, what, address::HINT);
            return None;
        }
        let Some(rest) = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"))
        else {
            let what = bilingual!(
                "`{raw}` is not an http:// or https:// URL",
                "`{raw}`: http:// 또는 https:// URL이 아님"
            );
            self.bad(path, what, example);
            return None;
        };
        let host = rest.split('/').next().unwrap_or(rest);
        if host.is_empty()
            || host.starts_with(':')
            || url.contains(|c: char| c.is_whitespace() || c.is_control())
        {
            let what = bilingual!(
                "`{raw}` has no host, or has spaces",
                "`{raw}`: 호스트가 없거나 공백이 있음"
            );
            self.bad(path, what, example);
            return None;
        }
        if url.contains(['?', '#']) {
            self.bad(
                path,
                "has a query or a fragment",
                "the path of each request is appended to it: end it with /v1",
            );
            return None;
        }
        Some(url.trim_end_matches('/').to_owned())
    }

    fn headers(
        &mut self,
        at: &str,
        headers: BTreeMap<String, String>,
        has_key: bool,
        env: Env<'_>,
    ) -> Vec<(String, String)> {
        let mut expanded = Vec::new();
        for (name, raw) in headers {
            let path = format!("{at}target.headers.{name}");
            let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
            if name.is_empty() || !name.chars().all(is_token) {
                self.bad(
                    &path,
                    format!("`{name}` is not the name of a header"),
                    "letters, digits and `-`",
                );
            }
            if has_key && name.eq_ignore_ascii_case("authorization") {
                self.bad(&path, "`api_key_env` sends this header too", "keep one of them");
            }
            let Some(value) = self.expanded(&path, &raw, env) else { continue };
            if value.contains(|c: char| c.is_control() && c != '\t') {
                self.bad(
                    &path,
                    "the value has a line break or another control character",
                    "write it on one line",
                );
            }
            expanded.push((name, value));
        }
        expanded
    }
}
