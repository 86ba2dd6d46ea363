//! The target, checked: exactly one endpoint, how it is started, an address that requests can be appended to, headers, names of variables.
//!
//! Not here: the workloads and the gate (`check`). Messages name variables, never what they hold.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::address;
use super::check::Checker;
use super::file::{ServerFile, TargetFile};
use super::{CacheReset, Endpoint, ModelChoice, Recipe, Server, Target, Verb};
use crate::protocol::ProtocolName;

/// Replaced by the port of a server that the gate starts, not by a variable of the gate's own environment.
pub const PORT: &str = "PORT";

/// Tells a command which side it is for (`server`, `baseline`, `candidate`), so that what is built for one does not overwrite the other's.
pub const SIDE: &str = "GOODPUT_GATE_SIDE";

/// A name that the gate draws for each start, for the container that the command runs.
pub const CONTAINER: &str = "CONTAINER";

/// Where a started server is asked, if nothing else is said.
const DEFAULT_URL: &str = "http://127.0.0.1:${PORT}/v1";
/// The same of a protocol that has its API at the server's root.
const DEFAULT_ROOT: &str = "http://127.0.0.1:${PORT}";

pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Checker {
    /// `at` is where the target stands in the config: empty, or `targets.NAME.`.
    pub fn target(&mut self, at: &str, file: TargetFile, server: Option<ServerFile>, env: Env<'_>) -> Option<Target> {
        let started = server.is_some();
        let keep = |name: &str| if started && name == PORT { Some(format!("${{{PORT}}}")) } else { env(name) };
        let headers = self.headers(at, file.headers.clone().unwrap_or_default(), file.api_key_env.is_some(), env);
        self.secrets = address::sent(file.api_key_env.as_deref(), &headers, env);
        let page = server.as_ref().and_then(|s| s.metrics.as_deref());
        let metrics = self.metrics(at, file.metrics.as_deref(), page, file.metrics_every, &keep);
        let endpoint = self.endpoint(at, &file, server, env);
        let protocol = self.protocol(at, &file);
        if let Some(name) = file.api_key_env.as_deref().filter(|name| !is_variable(name)) {
            let what = format!("not the name of an environment variable ({} characters)", name.chars().count());
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
            let hint =
                "build it with `cargo build --release --features tokenizer`, or leave the key out: counts are then the server's";
            self.bad_key(&format!("{at}target.tokenizer"), "this goodput-gate was built without a tokenizer", hint);
        }
        let tokenizer = file.tokenizer.map(PathBuf::from);
        let extra_body = file.extra_body.unwrap_or_default();
        if let Some(protocol) = &protocol {
            self.extra_body(&format!("{at}target.extra_body"), protocol, &extra_body);
        }
        let (endpoint, protocol, api_key_env) = (endpoint?, protocol?, file.api_key_env);
        Some(Target { endpoint, protocol, tokenizer, model, api_key_env, headers, ca_file, metrics, cache_reset, extra_body })
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

    fn endpoint(&mut self, at: &str, file: &TargetFile, server: Option<ServerFile>, env: Env<'_>) -> Option<Endpoint> {
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
                let keep = |name: &str| if name == PORT { Some(format!("${{{PORT}}}")) } else { env(name) };
                let native = file.protocol.is_some_and(ProtocolName::is_native);
                let usual = if native { DEFAULT_ROOT } else { DEFAULT_URL };
                let url = self.base_url(&path, url.as_deref().unwrap_or(usual), &keep);
                self.server(at, server, &keep)
                    .zip(url)
                    .map(|(server, base_url)| Endpoint::Started(Box::new(Server { base_url, ..server })))
            }
            (None, None, None) => {
                let hint = "add `base_url: http://HOST:PORT/v1`, or `sim: {}`";
                self.bad(&path, "neither `base_url` nor `sim`", hint);
                None
            }
            (Some(url), None, None) => self.base_url(&path, url, env).map(Endpoint::Http),
            (None, Some(knobs), None) => {
                if let Err(what) = knobs.check() {
                    self.bad(&format!("{path}.sim"), what, "see docs/SIM.md for the range of each knob");
                }
                Some(Endpoint::Sim(Box::new(knobs)))
            }
        }
    }

    /// Everything but the base URL.
    fn server(&mut self, at: &str, file: ServerFile, env: Env<'_>) -> Option<Server> {
        let path = |key: &str| format!("{at}server.{key}");
        let recipe = file.recipe_facts().map(|(name, args)| Recipe { name, args });
        let start = file.start.filter(|line| !line.trim().is_empty());
        if start.is_none() {
            self.bad(
                &path("start"),
                "is missing or empty",
                "write the command that starts the server and stays in the foreground, or a recipe: docs/RECIPES.md",
            );
        }
        if file.build.as_deref().is_some_and(|line| line.trim().is_empty()) {
            self.bad(&path("build"), "is empty", "leave it out where nothing is built");
        }
        let cwd = file.cwd.unwrap_or_default();
        if cwd.starts_with('/') || cwd.split('/').any(|part| part == "..") {
            let hint = "write it relative to the repository's root, so that it is the same in the baseline's worktree";
            self.bad(&path("cwd"), format!("`{cwd}` is not inside the repository"), hint);
        }
        let mut vars = BTreeMap::new();
        for (name, raw) in file.env.unwrap_or_default() {
            let path = path(&format!("env.{name}"));
            let ours = name == PORT || name == SIDE || name == CONTAINER && file.container.is_some();
            if !is_variable(&name) || ours {
                let what = format!("`{name}` cannot be set here");
                let hint =
                    "a variable's name is letters, digits and `_`; PORT, GOODPUT_GATE_SIDE and CONTAINER are set by the gate";
                self.bad(&path, what, hint);
            }
            if let Some(value) = self.expanded(&path, &raw, env) {
                vars.insert(name, value);
            }
        }
        let ready = file.ready.unwrap_or_default();
        if let Some(what) = ready.path.as_deref().and_then(|path| address::credential(path, &self.secrets)) {
            self.bad(&path("ready.path"), what, address::HINT);
        } else if ready.path.as_deref().is_some_and(|path| !is_path(path)) {
            self.bad(&path("ready.path"), "is not a path", "write it as the server serves it, such as /health");
        }
        let ready_timeout = self.positive_span(&path("ready.timeout"), ready.timeout)?;
        let grace = file.grace.map_or(Duration::ZERO, |span| span.0);
        if let Some(program) = &file.container {
            self.container(&path("container"), program, start.as_deref());
        }
        Some(Server {
            base_url: String::new(),
            build: file.build,
            start: start?,
            recipe,
            cwd: PathBuf::from(cwd),
            env: vars,
            ready_path: ready.path,
            ready_timeout,
            grace,
            container: file.container,
        })
    }

    fn container(&mut self, path: &str, program: &str, start: Option<&str>) {
        if program.is_empty() || program.contains(char::is_whitespace) {
            self.bad(path, format!("`{program}` is no program"), "write `docker`, `podman`, or the path of one like them");
        }
        if start.is_some_and(|line| !line.contains(CONTAINER)) {
            let hint =
                "write `--name ${CONTAINER}` into it: the gate draws a name for each start, and removes no other container";
            self.bad(path, "the command does not name its container", hint);
        }
    }

    pub fn base_url(&mut self, target: &str, raw: &str, env: Env<'_>) -> Option<String> {
        let path = &format!("{target}.base_url");
        let url = self.expanded(path, raw, env)?;
        let example = "write it as http://127.0.0.1:8000/v1";
        // First, since the other messages show the value.
        if let Some(what) = address::credential(&url, &self.secrets) {
            self.bad(path, what, address::HINT);
            return None;
        }
        let Some(rest) = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")) else {
            self.bad(path, format!("`{raw}` is not an http:// or https:// URL"), example);
            return None;
        };
        let host = rest.split('/').next().unwrap_or(rest);
        if host.is_empty() || host.starts_with(':') || url.contains(|c: char| c.is_whitespace() || c.is_control()) {
            self.bad(path, format!("`{raw}` has no host, or has spaces"), example);
            return None;
        }
        if url.contains(['?', '#']) {
            self.bad(path, "has a query or a fragment", "the path of each request is appended to it: end it with /v1");
            return None;
        }
        Some(url.trim_end_matches('/').to_owned())
    }

    fn headers(&mut self, at: &str, headers: BTreeMap<String, String>, has_key: bool, env: Env<'_>) -> Vec<(String, String)> {
        let mut expanded = Vec::new();
        for (name, raw) in headers {
            let path = format!("{at}target.headers.{name}");
            let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
            if name.is_empty() || !name.chars().all(is_token) {
                self.bad(&path, format!("`{name}` is not the name of a header"), "letters, digits and `-`");
            }
            if has_key && name.eq_ignore_ascii_case("authorization") {
                self.bad(&path, "`api_key_env` sends this header too", "keep one of them");
            }
            let Some(value) = self.expanded(&path, &raw, env) else { continue };
            if value.contains(|c: char| c.is_control() && c != '\t') {
                self.bad(&path, "the value has a line break or another control character", "write it on one line");
            }
            expanded.push((name, value));
        }
        expanded
    }

    /// With each `${NAME}` replaced. Messages name the variable, never its value.
    pub fn expanded(&mut self, path: &str, raw: &str, env: Env<'_>) -> Option<String> {
        let mut out = String::new();
        let mut rest = raw;
        while let Some(start) = rest.find("${") {
            out.push_str(&rest[..start]);
            let after = &rest[start + 2..];
            let Some((name, tail)) = after.split_once('}').filter(|(name, _)| is_variable(name)) else {
                self.bad(path, "`${` without the name of a variable and `}`", "write ${NAME}");
                return None;
            };
            let Some(value) = env(name) else {
                self.bad(
                    path,
                    format!("environment variable `{name}` is not set"),
                    format!("export {name}, or write the value here"),
                );
                return None;
            };
            out.push_str(&value);
            rest = tail;
        }
        out.push_str(rest);
        Some(out)
    }
}

/// At a server's root.
fn is_path(path: &str) -> bool {
    path.starts_with('/') && !path.contains(|c: char| c.is_whitespace() || c.is_control())
}

fn is_variable(name: &str) -> bool {
    let first = name.chars().next();
    first.is_some_and(|c| c.is_ascii_alphabetic() || c == '_') && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
