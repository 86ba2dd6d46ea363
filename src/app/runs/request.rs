//! What somebody may ask of a run over the wire, and the arguments that it comes to. Only what a
//! config on this machine's disk says is ever started: a request names its targets and workloads,
//! and brings numbers.
//!
//! Not here: whether there are such targets (the run itself says so), or the queue (`queue`).

use serde::{Deserialize, Serialize};

use super::file::Id;

/// Characters of a text: a name or a time is far shorter.
const LONGEST: usize = 200;
/// Names and levels of one list.
const MOST: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    Run,
    Check,
}

/// As flags of the same names have it; what is absent is the config's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunRequest {
    pub verb: Verb,
    /// One of the config's `targets`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
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
}

impl RunRequest {
    /// Each flag and its value are one argument, so that no value is taken for a flag. Errors: a
    /// text is too long, or has what no name and no number has.
    pub fn arguments(&self, id: &Id, data: &str) -> Result<Vec<String>, String> {
        let verb = match self.verb {
            Verb::Run => "run",
            Verb::Check => "check",
        };
        let mut all =
            vec![verb.to_owned(), format!("--data={data}"), format!("--service-run={id}")];
        let texts = [
            ("target", &self.target),
            ("duration", &self.duration),
            ("slo", &self.slo),
            ("time-limit", &self.time_limit),
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
        Ok(all)
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
            r#"{"verb": "run", "base_url": "http://169.254.169.254"}"#,
            r#"{"verb": "run", "requests": -1}"#,
            "{}",
            "[]",
        ] {
            assert!(arguments(wrong).is_err(), "{wrong}");
        }
    }
}
