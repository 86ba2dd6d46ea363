//! What somebody may ask of a run over the wire, and the arguments that it comes to. Only what a
//! config on this machine's disk says is ever started: a request names its targets and workloads,
//! and brings numbers.
//!
//! Not here: whether there are such targets (the run itself says so), which addresses may be
//! measured (`app::targets`), or the queue (`queue`).

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::file::Id;
use crate::app::artefacts;

/// In the folder of a run: what was asked of it. No key is in it.
pub const FILE: &str = "request.json";
/// The variable that hands a server's key to the process of a run.
pub const KEY_VARIABLE: &str = "GOODPUT_GATE_TARGET_KEY";

/// Characters of a text: a name or a time is far shorter.
const LONGEST: usize = 200;
/// Names and levels of one list.
const MOST: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    Run,
    Check,
    /// `check --demo`, which needs neither a server nor a config.
    Demo,
}

impl Verb {
    /// As the run's folder has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Check | Self::Demo => "check",
        }
    }
}

/// As flags of the same names have it; what is absent is the config's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunRequest {
    pub verb: Verb,
    /// One of the config's `targets`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Every one of the config's `targets`, ranked.
    #[serde(default, skip_serializing_if = "is_false")]
    pub each: bool,
    /// A server by its address: one of the config's, or one that was found on this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Wire protocol, by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// Name of the environment variable that holds the server's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key_env: Option<String>,
    /// Of the config.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workloads: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub presets: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub concurrency: Vec<u32>,
    /// Requests per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warmup: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounds: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slo: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_limit: Option<String>,
    /// Of one request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// False: whole answers instead of streams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    /// What came of looking at `base_url`; without it no address is measured.
    #[serde(skip)]
    pub checked: Option<Checked>,
    /// In memory only, until the run's process has it.
    #[serde(skip)]
    pub key: Option<TargetKey>,
}

/// Where requests go, once the address was looked at (`app::targets`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checked {
    /// The config's own target, or one of its `targets`.
    Configured(Option<String>),
    Url(String),
}

/// A server's key. It is never written, and shown to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct TargetKey(String);

impl TargetKey {
    /// None of what no header can hold.
    pub fn new(key: &str) -> Option<Self> {
        let sendable = key.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
        (!key.is_empty() && sendable).then(|| Self(key.to_owned()))
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for TargetKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TargetKey(hidden)")
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_false(value: &bool) -> bool {
    !value
}

/// What was asked of the run in this folder; None where nobody asked, or it cannot be read.
pub fn asked(folder: &Path) -> Option<RunRequest> {
    serde_json::from_str(&artefacts::read(&folder.join(FILE)).ok()?).ok()
}

impl RunRequest {
    /// A run of the config, as it says it.
    pub fn new(verb: Verb) -> Self {
        Self {
            verb,
            target: None,
            each: false,
            base_url: None,
            model: None,
            protocol: None,
            api_key_env: None,
            workloads: Vec::new(),
            presets: Vec::new(),
            concurrency: Vec::new(),
            rate: None,
            requests: None,
            duration: None,
            input_tokens: None,
            output_tokens: None,
            warmup: None,
            rounds: None,
            starts: None,
            slo: None,
            time_limit: None,
            timeout: None,
            stream: None,
            checked: None,
            key: None,
        }
    }

    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a request is plain data") + "\n"
    }

    /// The variable that holds the server's key.
    fn key_variable(&self) -> Option<&str> {
        self.key.as_ref().map(|_| KEY_VARIABLE).or(self.api_key_env.as_deref())
    }

    /// Each flag and its value are one argument, so that no value is taken for a flag. Errors: a
    /// text is too long, or has what no name and no number has; nobody has looked at the address.
    pub fn arguments(&self, id: &Id, data: &str) -> Result<Vec<String>, String> {
        let mut all = vec![
            self.verb.name().to_owned(),
            format!("--data={data}"),
            format!("--service-run={id}"),
        ];
        let (target, url) = self.server()?;
        let texts = [
            ("target", target),
            ("base-url", url),
            ("model", self.model.as_deref()),
            ("protocol", self.protocol.as_deref()),
            ("api-key-env", self.key_variable()),
            ("duration", self.duration.as_deref()),
            ("slo", self.slo.as_deref()),
            ("time-limit", self.time_limit.as_deref()),
            ("timeout", self.timeout.as_deref()),
        ];
        for (flag, text) in texts {
            if let Some(text) = text {
                all.push(format!("--{flag}={}", plain(flag, text)?));
            }
        }
        for (flag, names) in [("workload", &self.workloads), ("preset", &self.presets)] {
            few(flag, names)?;
            for name in names {
                all.push(format!("--{flag}={}", plain(flag, name)?));
            }
        }
        few("concurrency", &self.concurrency)?;
        if !self.concurrency.is_empty() {
            let levels: Vec<String> = self.concurrency.iter().map(u32::to_string).collect();
            all.push(format!("--concurrency={}", levels.join(",")));
        }
        all.extend(self.rate.map(|rate| format!("--rate={rate}")));
        let numbers = [
            ("requests", self.requests),
            ("input-tokens", self.input_tokens),
            ("output-tokens", self.output_tokens),
            ("warmup", self.warmup),
            ("rounds", self.rounds),
            ("starts", self.starts),
        ];
        all.extend(numbers.iter().filter_map(|(flag, n)| n.map(|n| format!("--{flag}={n}"))));
        all.extend(self.each.then(|| "--each".to_owned()));
        all.extend((self.stream == Some(false)).then(|| "--no-stream".to_owned()));
        all.extend((self.verb == Verb::Demo).then(|| "--demo".to_owned()));
        Ok(all)
    }

    /// The name of the target, or the address. Errors: there are two of them, or it is one that
    /// nobody has looked at.
    fn server(&self) -> Result<(Option<&str>, Option<&str>), String> {
        match (&self.base_url, &self.checked) {
            (None, _) => Ok((self.target.as_deref(), None)),
            (Some(_), _) if self.target.is_some() || self.each => {
                Err("base_url: not beside target or each".into())
            }
            (Some(_), Some(Checked::Configured(name))) => Ok((name.as_deref(), None)),
            (Some(_), Some(Checked::Url(url))) => Ok((None, Some(url))),
            (Some(_), None) => Err("base_url: it was not looked at".into()),
        }
    }
}

fn plain<'t>(flag: &str, text: &'t str) -> Result<&'t str, String> {
    if text.is_empty() || text.len() > LONGEST || text.chars().any(char::is_control) {
        return Err(format!("{flag}: no text of 1 to {LONGEST} characters on one line"));
    }
    Ok(text)
}

fn few<T>(flag: &str, all: &[T]) -> Result<(), String> {
    if all.len() > MOST { Err(format!("{flag}: more than {MOST} of them")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(json: &str) -> Result<Vec<String>, String> {
        let request: RunRequest = serde_json::from_str(json).map_err(|e| e.to_string())?;
        let id = Id::parse("00000000-0000-4000-8000-000000000000").expect("one");
        let mut all = request.arguments(&id, "d")?;
        assert_eq!(all.drain(1..3).count(), 2);
        Ok(all)
    }

    #[test]
    fn a_request_comes_to_flags_of_the_same_names() {
        let all = r#"{"verb": "run", "target": "a", "presets": ["quick"], "concurrency": [1, 8],
            "requests": 20, "duration": "10s", "slo": "ttft=1s", "rounds": 2}"#;
        assert_eq!(
            arguments(all).expect("it can"),
            [
                "run",
                "--target=a",
                "--duration=10s",
                "--slo=ttft=1s",
                "--preset=quick",
                "--concurrency=1,8",
                "--requests=20",
                "--rounds=2"
            ]
        );
        assert_eq!(arguments(r#"{"verb": "check"}"#).expect("it can"), ["check"]);
        assert_eq!(arguments(r#"{"verb": "demo"}"#).expect("it can"), ["check", "--demo"]);
    }

    #[test]
    fn no_text_becomes_a_flag_of_its_own_and_no_key_a_command() {
        for hostile in ["--set=server.start=touch x", "-x", "; touch x", "$(touch x)", "a b"] {
            let text = serde_json::json!({"verb": "run", "target": hostile}).to_string();
            assert_eq!(arguments(&text).expect("it can")[1], format!("--target={hostile}"));
        }
        for wrong in [
            r#"{"verb": "run", "target": "a\nb"}"#,
            r#"{"verb": "run", "target": "\u0000"}"#,
            r#"{"verb": "run", "target": ""}"#,
            r#"{"verb": "bisect"}"#,
            r#"{"verb": "run", "set": ["server.start=x"]}"#,
            r#"{"verb": "run", "config": "/etc/passwd"}"#,
            r#"{"verb": "run", "base_url": "http://127.0.0.1:8000/v1"}"#,
            r#"{"verb": "run", "checked": {"url": "http://127.0.0.1:8000/v1"}}"#,
            r#"{"verb": "run", "key": "secret"}"#,
            r#"{"verb": "run", "api_key_env": "A\nB"}"#,
            r#"{"verb": "run", "requests": -1}"#,
            "{}",
            "[]",
        ] {
            assert!(arguments(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_key_is_shown_nowhere_and_an_address_only_once_it_was_looked_at() {
        let id = Id::parse("00000000-0000-4000-8000-000000000000").expect("one");
        let mut request = RunRequest::new(Verb::Run);
        request.base_url = Some("http://example.org:8000".into());
        request.key = TargetKey::new("sk-very-secret");
        assert!(request.arguments(&id, "d").is_err());
        request.checked = Some(Checked::Url("http://93.184.216.34:8000/v1".into()));
        let all = request.arguments(&id, "d").expect("it can").join(" ");
        assert!(all.contains("--base-url=http://93.184.216.34:8000/v1"), "{all}");
        assert!(all.contains("--api-key-env=GOODPUT_GATE_TARGET_KEY"), "{all}");
        for shown in [all, request.to_json(), format!("{request:?}")] {
            assert!(!shown.contains("very-secret"), "{shown}");
        }
        request.checked = Some(Checked::Configured(Some("a".into())));
        let all = request.arguments(&id, "d").expect("it can").join(" ");
        assert!(all.contains("--target=a") && !all.contains("base-url"), "{all}");
        request.target = Some("b".into());
        assert!(request.arguments(&id, "d").is_err());
        for wrong in ["", "a\r\nX: y", "\u{0}"] {
            assert_eq!(TargetKey::new(wrong), None);
        }
    }
}
