//! The target, checked: exactly one endpoint, an address that requests can be appended to, headers, and names of variables.
//!
//! Not here: the workloads and the gate (`check`). Messages name variables, never what they hold.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::check::Checker;
use super::file::TargetFile;
use super::{Endpoint, ModelChoice, Target};

impl Checker {
    pub fn target(&mut self, file: TargetFile, env: &dyn Fn(&str) -> Option<String>) -> Option<Target> {
        let endpoint = match (&file.base_url, file.sim) {
            (Some(_), Some(_)) => {
                self.bad("target", "both `base_url` and `sim`", "keep the one that is under test");
                None
            }
            (None, None) => {
                self.bad("target", "neither `base_url` nor `sim`", "add `base_url: http://HOST:PORT/v1`, or `sim: {}`");
                None
            }
            (Some(url), None) => self.base_url(url, env).map(Endpoint::Http),
            (None, Some(knobs)) => {
                if let Err(what) = knobs.check() {
                    self.bad("target.sim", what, "see docs/SIM.md for the range of each knob");
                }
                Some(Endpoint::Sim(Box::new(knobs)))
            }
        };
        let headers = self.headers(file.headers.unwrap_or_default(), file.api_key_env.is_some(), env);
        if let Some(name) = file.api_key_env.as_deref().filter(|name| !is_variable(name)) {
            let what = format!("not the name of an environment variable ({} characters)", name.chars().count());
            self.bad("target.api_key_env", what, "write the variable's name, such as OPENAI_API_KEY, never the key");
        }
        if file.model.as_deref().is_some_and(|m| m.trim().is_empty()) {
            self.bad("target.model", "is empty", "write the model's name, or `auto` for the only one that the server lists");
        }
        let model = match file.model?.as_str() {
            "auto" => ModelChoice::Auto,
            name => ModelChoice::Named(name.to_owned()),
        };
        let ca_file = file.ca_file.map(PathBuf::from);
        Some(Target { endpoint: endpoint?, protocol: file.protocol?, model, api_key_env: file.api_key_env, headers, ca_file })
    }

    fn base_url(&mut self, raw: &str, env: &dyn Fn(&str) -> Option<String>) -> Option<String> {
        let url = self.expanded("target.base_url", raw, env)?;
        let path = "target.base_url";
        let example = "write it as http://127.0.0.1:8000/v1";
        // First, since the other messages show the value.
        if url.split("://").last().and_then(|rest| rest.split('/').next()).is_some_and(|host| host.contains('@')) {
            self.bad(path, "holds a user name or password", "name the variable that holds the key in target.api_key_env");
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
            self.bad(
                path,
                format!("`{raw}` has a query or a fragment"),
                "the path of each request is appended to it: end it with /v1",
            );
            return None;
        }
        Some(url.trim_end_matches('/').to_owned())
    }

    fn headers(
        &mut self,
        headers: BTreeMap<String, String>,
        has_key: bool,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Vec<(String, String)> {
        let mut expanded = Vec::new();
        for (name, raw) in headers {
            let path = format!("target.headers.{name}");
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
    fn expanded(&mut self, path: &str, raw: &str, env: &dyn Fn(&str) -> Option<String>) -> Option<String> {
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

fn is_variable(name: &str) -> bool {
    let first = name.chars().next();
    first.is_some_and(|c| c.is_ascii_alphabetic() || c == '_') && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
