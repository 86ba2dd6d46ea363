//! Tests of the config as a user meets it: text and flags in, values or messages out.

mod layering;
mod messages;
mod protocols;
mod schema;

use super::{Config, ConfigError, Flags, Source, load};

/// The design's sketch, without what comes later.
const SKETCH: &str = "\
version: 1
target:
  base_url: http://127.0.0.1:8000/v1
  protocol: openai-chat
  model: auto
  api_key_env: OPENAI_API_KEY
workloads:
  - name: chat
    arrival: {poisson: {rate: 5}}
    requests: 100
    max_in_flight: 64
    prompts: {synthetic: {input_tokens: 256, shared_prefix: 0.0}}
    output_tokens: 128
    slo: {ttft: 500ms, tpot: 50ms, e2e: 8s}
    limits: {slo_attainment: {min: 95%}, ttft_p95: {max: 500ms}}
    regressions: {ttft_geomean: 5%, tpot_geomean: 5%, slo_attainment: 2pp}
gate: {mode: baseline, starts: 2, rounds: 3, on_inconclusive: warn, on_missing_baseline: warn}
";

fn env(name: &str) -> Option<String> {
    (name == "PORT").then(|| "8000".to_owned())
}

fn read(text: &str, set: &[&str], flags: &Flags) -> Result<Config, ConfigError> {
    let set: Vec<String> = set.iter().map(|s| (*s).to_owned()).collect();
    load(Some(Source { name: "goodput-gate.yaml", text }), &set, flags, &env)
}

fn good(text: &str, set: &[&str], flags: &Flags) -> Config {
    read(text, set, flags).unwrap_or_else(|error| panic!("{error}"))
}

fn message(text: &str, set: &[&str], flags: &Flags) -> String {
    read(text, set, flags).expect_err("the config is wrong").to_string()
}
