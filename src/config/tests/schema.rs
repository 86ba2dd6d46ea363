//! The JSON Schema says the same as the reader.

use serde_json::Value;

use super::SKETCH;
use crate::config::load::defaults;
use crate::config::{presets, schema};

fn is_valid(text: &str) -> bool {
    let value: Value = serde_saphyr::from_str(text).expect("YAML");
    jsonschema::validator_for(&schema()).expect("a valid schema").is_valid(&value)
}

#[test]
fn what_the_reader_takes_validates() {
    assert!(is_valid(SKETCH));
    for workload in [
        "{preset: quick}",
        "{name: a, arrival: {closed: {concurrency: 8}}}",
        "{name: a, arrival: {closed: {concurrency: [1, 10]}}, duration: 1.5s, warmup: 3}",
        "{name: a, arrival: {gamma: {rate: 5, burstiness: 0.5}}, warmup: {duration: 10s}}",
        "{name: a, arrival: {ramp: {from: 0, to: 2.5}}, warmup: {requests: 10}}",
        "{name: a, regressions: {ttft_p95: {min_change: 8%, class: primary}, e2e_p95: {class: info}}}",
        "{name: a, arrival: {trace: {file: t.jsonl}}, requests: 10, stream: false}",
    ] {
        let text =
            format!("version: 1\ntarget: {{sim: {{decode_factor: 1.1}}}}\nworkloads: [{workload}]");
        assert!(is_valid(&text), "{workload}");
        super::good(&text, &[], &super::Flags::default());
    }
    for server in [
        "{start: ./serve}",
        "{build: make, start: ./serve, cwd: srv, env: {A: b}, ready: {path: /health, timeout: 1m}, grace: 5s}",
    ] {
        for baseline in [
            "{ref: v1.2}",
            "{target: other}",
            "{config: old.yaml}",
            "{base_url: http://127.0.0.1:8000/v1}",
        ] {
            let gate = format!(
                "{{mode: interleaved, fit: one, detect: 3%, min_starts: 3, max_pairs: 12, occasion: nightly, on_unstable: fail, baseline: {baseline}}}"
            );
            let text = format!(
                "version: 1\ntarget: {{}}\nserver: {server}\ntargets: {{other: {{server: {{start: ./old}}}}}}\nworkloads: [{{preset: quick}}]\ngate: {gate}"
            );
            assert!(is_valid(&text), "{text}");
            super::good(&text, &[], &super::Flags::default());
        }
    }
}

#[test]
fn what_the_reader_refuses_does_not() {
    for (from, to) in [
        ("requests: 100", "reqests: 100"),
        ("requests: 100", "requests: 0"),
        ("requests: 100", "duration: 30"),
        ("{poisson: {rate: 5}}", "{poison: {rate: 5}}"),
        ("openai-chat", "openai"),
        ("version: 1", "version: 2"),
        ("version: 1", "{}"),
        ("mode: baseline", "mode: interlaced"),
        ("shared_prefix: 0.0", "shared_prefix: 1.5"),
        ("ttft_geomean: 5%", "ttft_geomean: {min: 5%}"),
        ("ttft_geomean: 5%", "ttft_geomean: {class: main}"),
    ] {
        let text = if to == "{}" {
            SKETCH.replacen("version: 1\n", "", 1)
        } else {
            SKETCH.replacen(from, to, 1)
        };
        assert_ne!(text, SKETCH);
        assert!(!is_valid(&text), "{to}");
    }
}

#[test]
fn every_key_and_preset_is_in_the_reference() {
    fn visit(value: &Value, keys: &mut Vec<String>) {
        let properties = value.get("properties").and_then(Value::as_object);
        keys.extend(properties.into_iter().flatten().map(|(key, _)| key.clone()));
        match value {
            // The knobs of the simulated server are described with it.
            Value::Object(map) => {
                map.iter().filter(|(key, _)| *key != "Knobs").for_each(|(_, v)| visit(v, keys));
            }
            Value::Array(items) => items.iter().for_each(|v| visit(v, keys)),
            _ => {}
        }
    }
    let mut words = Vec::new();
    visit(&schema(), &mut words);
    words.extend(presets::NAMES.map(str::to_owned));
    let reference = include_str!("../../../docs/CONFIG.md");
    let missing: Vec<String> =
        words.into_iter().filter(|word| !reference.contains(&format!("`{word}`"))).collect();
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn every_key_is_described() {
    fn visit(value: &Value, bare: &mut Vec<String>) {
        for (key, property) in
            value.get("properties").and_then(Value::as_object).into_iter().flatten()
        {
            // One variant of an arrival or a baseline is a property of its own, described on the
            // variant.
            let on_variant = property.get("properties").is_some()
                || value.get("description").is_some_and(|_| value.get("title").is_none())
                    && value
                        .get("required")
                        .and_then(Value::as_array)
                        .is_some_and(|all| all.len() == 1);
            if property.get("description").is_none() && !on_variant {
                bare.push(key.clone());
            }
        }
        match value {
            Value::Object(map) => map.values().for_each(|v| visit(v, bare)),
            Value::Array(items) => items.iter().for_each(|v| visit(v, bare)),
            _ => {}
        }
    }
    let mut bare = Vec::new();
    visit(&schema(), &mut bare);
    assert_eq!(bare, Vec::<String>::new());
}

#[test]
fn the_embedded_defaults_read_and_every_preset_exists() {
    assert!(defaults().workload.arrival.is_some());
    assert!(presets::NAMES.iter().all(|name| presets::find(name).is_some()));
}

#[test]
fn the_example_in_the_defaults_reads() {
    // The commented example at the head of default.yaml is the template: it must be right too.
    let head = include_str!("../default.yaml").split("\ntarget:").next().expect("a head");
    let lines = head
        .lines()
        .skip_while(|line| *line != "#")
        .map(|line| line.strip_prefix("#   ").unwrap_or(""));
    let text = lines.collect::<Vec<_>>().join("\n");
    assert!(is_valid(&text), "{text}");
    super::good(&text, &[], &super::Flags::default());
}
