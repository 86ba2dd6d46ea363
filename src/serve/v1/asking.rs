//! What llm-loadtest's clients ask for, as a run of the queue: one round per level of concurrency.
//! Not here: reading their fields (`input`), or which servers may be measured (`app::targets`).

use super::input::Fields;
use crate::app::runs::request::{RunRequest, TargetKey, Verb};
use crate::config::ADHOC;

/// Adapters by their names and ours; the first is theirs by default.
const ADAPTERS: [&str; 5] = ["openai", "vllm", "sglang", "ollama", "triton"];
const FRAMEWORKS: [&str; 4] = ["vllm", "sglang", "ollama", "triton"];

/// What is wrong is in `fields` afterwards.
pub fn request(fields: &mut Fields) -> RunRequest {
    let mut request = RunRequest::new(Verb::Run);
    let server = fields.required("server_url");
    request.model = Some(fields.required("model"));
    let adapter = fields.choice("adapter", &ADAPTERS);
    // What the server is shows when it is asked.
    fields.choice("framework", &FRAMEWORKS);
    request.protocol = matches!(adapter, "ollama" | "triton").then(|| adapter.to_owned());
    match address(&server, request.protocol.is_some()) {
        Some(url) => request.base_url = Some(url),
        None => request.target = Some(server),
    }
    request.presets = vec![ADHOC.to_owned()];
    (request.rounds, request.starts) = (Some(1), Some(1));
    request.concurrency = fields.wholes("concurrency", &[1]);
    let prompts = fields.whole("num_prompts", 100, 1);
    request.duration = fields.number("duration_seconds").map(milliseconds);
    request.requests = request.duration.is_none().then_some(prompts);
    request.input_tokens = Some(fields.whole("input_len", 256, 1));
    request.output_tokens = Some(fields.whole("output_len", 128, 1));
    request.warmup = Some(fields.whole("warmup", 3, 0));
    request.timeout = Some(milliseconds(fields.number("timeout").unwrap_or(120.0)));
    request.stream = Some(fields.flag("stream", true));
    request.slo = slo(fields);
    request.key = fields.text("api_key").filter(|key| !key.is_empty()).and_then(|key| {
        let key = TargetKey::new(&key);
        if key.is_none() {
            fields.refuse("api_key", "Input should be of characters that a header can hold");
        }
        key
    });
    request
}

/// None of the name of a target. Their addresses have no `/v1`, which they append.
fn address(server: &str, native: bool) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let url = match server.split_once("://") {
        Some(_) => server.to_owned(),
        None if server.chars().all(plain) => return None,
        None => format!("http://{server}"),
    };
    let url = url.trim_end_matches('/');
    Some(if native || url.ends_with("/v1") { url.to_owned() } else { format!("{url}/v1") })
}

fn milliseconds(seconds: f64) -> String {
    format!("{:.0}ms", (seconds * 1e3).max(1.0))
}

/// The limits that a request has to meet, as `--slo` has them.
fn slo(fields: &mut Fields) -> Option<String> {
    let mut limits = fields.object("goodput_thresholds")?;
    let kinds = [("ttft", "ttft_ms"), ("tpot", "tpot_ms"), ("e2e", "e2e_ms")];
    let said: Vec<String> = kinds
        .into_iter()
        .filter_map(|(kind, name)| Some(format!("{kind}={}ms", limits.number(name)?)))
        .collect();
    fields.absorb("goodput_thresholds", limits);
    (!said.is_empty()).then(|| said.join(","))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn their_fields_become_a_sweep_of_levels() {
        let body = json!({
            "server_url": "http://localhost:8000", "model": "m", "concurrency": [1, 8, 8],
            "num_prompts": 20, "input_len": 64, "output_len": 16, "stream": false, "warmup": 0,
            "timeout": 1.5, "api_key": "sk-secret", "goodput_thresholds": {"e2e_ms": 900.5},
            "validation_config": {"enabled": true}, "framework_config": {"x": 1}, "more": [],
        });
        let mut fields = Fields::read(Body::from(body.to_string())).await.expect("small");
        let request = request(&mut fields);
        assert!(fields.invalid().is_none());
        assert!(request.key.is_some());
        let stored = request.to_json();
        assert!(!stored.contains("sk-secret"), "{stored}");
        let stored: serde_json::Value = serde_json::from_str(&stored).expect("JSON");
        assert_eq!(
            stored,
            json!({
                "verb": "run", "base_url": "http://localhost:8000/v1", "model": "m",
                "presets": ["adhoc"], "concurrency": [1, 8], "requests": 20, "input_tokens": 64,
                "output_tokens": 16, "warmup": 0, "rounds": 1, "starts": 1, "slo": "e2e=900.5ms",
                "timeout": "1500ms", "stream": false,
            })
        );
    }

    #[tokio::test]
    async fn what_is_left_out_is_as_they_have_it() {
        let body = Body::from(r#"{"server_url": "gpu-1", "model": "m", "duration_seconds": 30}"#);
        let mut fields = Fields::read(body).await.expect("small");
        let request = request(&mut fields);
        assert!(fields.invalid().is_none());
        assert_eq!((request.target.as_deref(), &request.base_url), (Some("gpu-1"), &None));
        assert_eq!((request.requests, request.duration.as_deref()), (None, Some("30000ms")));
        assert_eq!((request.concurrency, request.warmup), (vec![1], Some(3)));
        assert_eq!((request.input_tokens, request.output_tokens), (Some(256), Some(128)));
        assert_eq!((request.timeout.as_deref(), request.stream), (Some("120000ms"), Some(true)));
    }

    #[test]
    fn an_address_gets_its_version_and_a_name_stays_one() {
        for (server, url) in [
            ("http://h:8000/", Some("http://h:8000/v1")),
            ("http://h:8000/v1", Some("http://h:8000/v1")),
            ("localhost:8000", Some("http://localhost:8000/v1")),
            ("gpu-1", None),
        ] {
            assert_eq!(address(server, false).as_deref(), url, "{server}");
        }
        assert_eq!(address("http://h:11434", true).as_deref(), Some("http://h:11434"));
    }
}
