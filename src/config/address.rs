//! Addresses and what stands in them: variables of the environment, and credentials, found so that
//! they are refused and never shown. Reports, logs and baseline files repeat addresses.
//!
//! Not here: which keys of a config are addresses (`target`, `metrics`).

use super::check::Checker;
use crate::redact::{Secrets, secrets};

/// Environment variables by name.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Names of a query's parts that carry a credential, also as the end of a longer name
/// (`x_api_key`).
const NAMES: [&str; 12] = [
    "key",
    "apikey",
    "token",
    "sig",
    "signature",
    "secret",
    "password",
    "passwd",
    "pwd",
    "auth",
    "credential",
    "jwt",
];
/// How keys of well-known services begin.
const PREFIXES: [&str; 12] = [
    "sk-",
    "sk_",
    "pk-",
    "hf_",
    "gsk_",
    "ghp_",
    "gho_",
    "github_pat_",
    "nvapi-",
    "xai-",
    "AKIA",
    "eyJ",
];
/// A key is longer than a word that happens to begin like one.
const SHORTEST_KEY: usize = 16;

pub const HINT: &str = "name the variable that holds the key in target.api_key_env, or write it into a header: ${NAME}";

/// The key and the headers that a target is asked with, as far as the environment has them.
pub fn sent(api_key_env: Option<&str>, headers: &[(String, String)], env: Env<'_>) -> Secrets {
    secrets(api_key_env.and_then(env).as_deref(), headers)
}

/// What credential an address holds, in words that do not repeat it.
pub fn credential(url: &str, secrets: &Secrets) -> Option<&'static str> {
    let (address, fragment) = url.split_once('#').unwrap_or((url, ""));
    let (address, query) = address.split_once('?').unwrap_or((address, ""));
    let names = |part: &str| part.split(['&', ';']).any(is_named);
    if address.contains('@') {
        return Some("holds a user name or password");
    }
    if names(query) || names(fragment) {
        return Some("holds a credential in its query");
    }
    if secrets.are_in(url) {
        return Some("holds the key or the value of a header");
    }
    url.split(['/', '?', '&', '=', '#']).any(is_key).then_some("holds what looks like a key")
}

/// Whether a line of a config may be repeated in a message.
pub fn is_showable(line: &str) -> bool {
    let words = [
        "headers",
        "authorization",
        "api_key",
        "apikey",
        "token:",
        "secret",
        "password",
        "env:",
        "args:",
    ];
    let lower = line.to_lowercase();
    let holds = line.contains("://") && credential(line, &Secrets::default()).is_some();
    !holds
        && !words.iter().any(|word| lower.contains(word))
        && !line.split(|c: char| !c.is_ascii_graphic() || "\"'{},".contains(c)).any(is_key)
}

fn is_named(part: &str) -> bool {
    let Some((name, value)) = part.split_once('=') else { return false };
    let name: String = name.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    !value.is_empty() && NAMES.iter().any(|known| name.ends_with(known))
}

fn is_key(part: &str) -> bool {
    part.len() >= SHORTEST_KEY && PREFIXES.iter().any(|prefix| part.starts_with(prefix))
}

impl Checker {
    /// With each `${NAME}` replaced. Messages name the variable, never its value.
    pub fn expanded(&mut self, path: &str, raw: &str, env: Env<'_>) -> Option<String> {
        let mut out = String::new();
        let mut rest = raw;
        while let Some(start) = rest.find("${") {
            out.push_str(&rest[..start]);
            let after = &rest[start + 2..];
            let Some((name, tail)) = after.split_once('}').filter(|(name, _)| is_variable(name))
            else {
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
pub fn is_path(path: &str) -> bool {
    path.starts_with('/') && !path.contains(|c: char| c.is_whitespace() || c.is_control())
}

pub fn is_variable(name: &str) -> bool {
    let first = name.chars().next();
    first.is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_found_and_other_addresses_are_not() {
        let secrets = Secrets::default().with_key("0123456789abcdef");
        for url in [
            "http://me:pw@h/v1",
            "http://pw@h/v1",
            "http:/me:pw@h/v1",
            "me:pw@h/v1",
            "http://h/v1?api_key=x",
            "http://h/v1?a=1&X-Amz-Signature=x",
            "http://h/v1#access_token=x",
            "http://h/0123456789abcdef/v1",
            "http://h/01234567/v1",
            "http://h/%30%31%32%33%34%35%36%37/v1",
            "http://h/sk-abcdefghijklmnop/v1",
        ] {
            assert!(credential(url, &secrets).is_some(), "{url}");
        }
        for url in [
            "http://h:8000/v1",
            "https://[::1]/v1",
            "http://h/sk-team/v1",
            "http://h/m?format=json",
            "http://h/monkey",
        ] {
            assert_eq!(credential(url, &secrets), None, "{url}");
        }
        assert!(is_showable("  rate: -3") && is_showable("  base_url: ftp://h/v1"));
        assert!(
            !is_showable("target: {headers: {x-gw: abc}, nonsense: 1}")
                && !is_showable("base_url: http://me:pw@h")
        );
    }
}
