//! Older config files to a config that loads, and what is said of the rest.

use super::{Carried, Files, carry};
use crate::config::starter::render;
use crate::config::{
    Arrival, Config, Endpoint, Flags, Lang, ModelChoice, PromptKind, Source, load,
};

const TARGETS: &str = "targets: [{name: a, base_url: 'http://127.0.0.1:8000/v1'}]";

fn carried(targets: &str, models: &str, workloads: &str) -> Carried {
    carry(Files { targets: Some(targets), models: Some(models), workloads: Some(workloads) })
        .expect("it can be carried over")
}

fn loaded(carried: &Carried) -> Config {
    let text = render(&carried.starter, Lang::En);
    load(Some(Source { name: "c", text: &text }), &[], &Flags::default(), &|_| None)
        .unwrap_or_else(|e| panic!("{e}\n{text}"))
}

#[test]
fn a_key_is_never_carried_over_or_shown() {
    let literal = "sk-live-0123456789abcdef";
    let targets = format!(
        "targets:\n- {{name: a, base_url: http://me:{literal}@h:1/v1, api_key: {literal}, headers: {{x-key: {literal}}}}}\n\
         - {{name: b, base_url: http://h:2/v1, api_key_env: {literal}}}\n- {{name: c, base_url: http://h:3/v1, api_key: '${literal}'}}"
    );
    let all = carried(&targets, "", "");
    let text = format!("{}\n{:?}", render(&all.starter, Lang::En), all.notes);
    assert!(!text.contains("0123456789abcdef"), "{text}");
    assert_eq!(loaded(&all).target.api_key_env.as_deref(), Some("A_API_KEY"));
    assert!(
        all.notes.iter().any(|n| n.contains("A_API_KEY"))
            && all.notes.iter().any(|n| n.contains("password")),
        "{:?}",
        all.notes
    );
    // Also not by a syntax error beside it.
    let error = carry(Files {
        targets: Some(&format!("targets: [{{api_key: {literal}")),
        ..Files::default()
    })
    .expect_err("no YAML");
    assert!(!error.contains("0123456789abcdef") && error.contains("targets.yaml:"), "{error}");
}

#[test]
fn a_key_does_not_reach_another_server() {
    let all = carried(
        "targets:\n- {name: a, base_url: http://h:1/v1, api_key: $A_KEY}\n- {name: b, base_url: http://h:2/v1}",
        "",
        "",
    );
    let config = loaded(&all);
    assert_eq!(config.target.api_key_env, None);
    assert_eq!(config.targets["a"].api_key_env.as_deref(), Some("A_KEY"));
    assert!(all.notes[0].contains("`target` is b and not a"), "{:?}", all.notes);
}

#[test]
fn another_server_takes_another_model() {
    let all = carried(
        "targets:\n- {name: a, base_url: http://h:1/v1}\n- {name: b, base_url: http://h:2/v1}",
        "models: [{name: m, full_name: org/m}, {name: n, full_name: org/n}]",
        "",
    );
    let text = render(&all.starter, Lang::En);
    let flags = Flags { target: Some("b".into()), model: Some("org/n".into()), ..Flags::default() };
    let config =
        load(Some(Source { name: "c", text: &text }), &[], &flags, &|_| None).expect("it is valid");
    assert_eq!(config.target.endpoint, Endpoint::Http("http://h:2/v1".into()));
    assert_eq!(config.target.model, ModelChoice::Named("org/n".into()));
    assert_eq!(config.targets["b"].model, ModelChoice::Named("org/m".into()));
}

#[test]
fn every_name_of_theirs_is_one_here() {
    let all = carried(
        "targets:\n- {name: a, base_url: http://h:1/v1, api_key: $A_KEY}\n- {name: b, base_url: http://h:2/v1, description: second}",
        "models: [{name: m, full_name: org/m, description: 'small: one'}, {name: Nx, full_name: org/n}, {name: b, full_name: org/b}]",
        "workloads: [{name: w, rps: 1, duration: 10, description: 'the #1'}]",
    );
    let text = render(&all.starter, Lang::En);
    for (target, port) in [("a", 1), ("b", 2)] {
        for (model, full) in
            [("m", "org/m"), ("Nx", "org/n"), ("b-2", "org/b"), ("org/other", "org/other")]
        {
            let flags = Flags {
                target: Some(target.into()),
                model: Some(model.into()),
                ..Flags::default()
            };
            let config = load(Some(Source { name: "c", text: &text }), &[], &flags, &|_| None)
                .expect("it is valid");
            assert_eq!(
                config.target.endpoint,
                Endpoint::Http(format!("http://h:{port}/v1")),
                "{target}"
            );
            assert_eq!(config.target.model, ModelChoice::Named(full.into()), "{model}");
        }
    }
    let names = loaded(&all).names;
    assert_eq!(
        (names.targets["b"].as_str(), names.targets["m"].as_str()),
        ("second", "small: one")
    );
    assert_eq!((names.workloads["w"].as_str(), names.models["b-2"].as_str()), ("the #1", "org/b"));
    assert!(
        all.notes.contains(&"models.yaml, b, name: is called b-2 here".to_owned()),
        "{:?}",
        all.notes
    );
}

#[test]
fn figures_of_a_preset_are_the_preset_and_others_stay() {
    let all = carried(
        TARGETS,
        "",
        "workloads:\n- {name: medium-load, duration: 300, rps: 5, concurrency: 10, max_tokens: 1024, temperature: 0.7}\n\
         - {name: high-load, duration: 60, rps: 30, concurrency: 50}\n- {name: mine, rps: 2.5, concurrency: 8, duration: 20}",
    );
    let keys = |i: usize| all.starter.workloads[i].lines.iter().map(|l| l.key).collect::<Vec<_>>();
    assert_eq!(keys(0), ["preset"]);
    assert_eq!(keys(1), ["preset", "arrival", "duration"]);
    let config = loaded(&all);
    assert_eq!(config.workloads[1].arrival, Arrival::Constant { rate: 30.0 });
    assert_eq!(
        (config.workloads[1].max_in_flight, config.workloads[2].max_in_flight),
        (Some(50), Some(8))
    );
}

#[test]
fn what_cannot_be_carried_over_is_said() {
    let all = carried(
        TARGETS,
        "models: [{name: m, full_name: org/m, context_length: 8192}]",
        "defaults: {}\nworkloads: [{name: w, rps: fast, prompt_type: long, slo: {ttft: 500, itl: 5}}, 7]",
    );
    for part in [
        "m, context_length",
        "workloads.yaml, defaults",
        "w, rps: not a number",
        "prompt_type",
        "slo.itl",
        "entry 2",
    ] {
        assert!(all.notes.iter().any(|n| n.contains(part)), "{part} is not in {:#?}", all.notes);
    }
    assert!(render(&all.starter, Lang::En).contains("slo: {ttft: 500ms}"));
    loaded(&all);
}

#[test]
fn a_type_of_prompts_is_a_length() {
    let all = carried(
        TARGETS,
        "",
        "workloads:\n- {name: medium-load, prompt_type: long}\n- {name: b, prompt_type: short, rps: 1}\n\
         - {name: c, prompt_type: long, input_len: 99}\n- {name: d, prompt_type: poem}",
    );
    let tokens: Vec<u32> = loaded(&all).workloads.iter().map(|w| w.prompts.input_tokens).collect();
    assert_eq!(tokens, [1024, 64, 99, 256]);
    assert!(
        all.notes
            .iter()
            .any(|n| n.starts_with("workloads.yaml, b, prompt_type: texts of 64 nominal tokens")),
        "{:?}",
        all.notes
    );
}

#[test]
fn prompts_become_a_dataset_where_there_are_enough() {
    let all = carried(
        TARGETS,
        "",
        "prompts: {short: [one, {prompt: two}, ' ', 'on\"ce']}\nworkloads:\n- {name: a, prompts: [p1, p2], num_requests: 2}\n\
         - {name: b, prompt_type: short, rps: 1, duration: 3}\n- {name: c, prompt_type: short, requests: 3, concurrency: 1}\n\
         - {name: d, prompt_type: short, rps: 2, duration: 2}\n- {name: e, prompts: [x], concurrency: 1, duration: 60}",
    );
    let short = "{\"prompt\":\"one\"}\n{\"prompt\":\"two\"}\n{\"prompt\":\"on\\\"ce\"}\n";
    let files = [
        ("prompts.jsonl", "{\"prompt\":\"p1\"}\n{\"prompt\":\"p2\"}\n"),
        ("prompts-b.jsonl", short),
    ];
    assert_eq!(all.files, files.map(|(name, text)| (name.to_owned(), text.to_owned())));
    let kinds = loaded(&all).workloads.into_iter().map(|w| match w.prompts.kind {
        PromptKind::Dataset { file, .. } => Some(file.display().to_string()),
        _ => None,
    });
    let kinds: Vec<Option<String>> = kinds.collect();
    assert_eq!(
        kinds,
        [Some("prompts.jsonl"), Some("prompts-b.jsonl"), Some("prompts-b.jsonl"), None, None]
            .map(|k| k.map(str::to_owned))
    );
    for part in [
        "d, prompts: 3 of them, and a round sends 4 requests",
        "e, prompts: 1 of them, and a round sends as many requests as its time allows",
    ] {
        assert!(all.notes.iter().any(|n| n.contains(part)), "{part}: {:?}", all.notes);
    }
}

#[test]
fn other_shapes_are_read_too() {
    let all = carried(
        "main: {url: 'http://127.0.0.1:9'}\nnext: {url: 'http://127.0.0.1:10/v1'}",
        "- org/a\n- org/b",
        "- {concurrency: 4}",
    );
    let config = loaded(&all);
    let names: Vec<&String> = config.targets.keys().collect();
    assert_eq!(names, ["main", "next", "org-b"]);
    assert_eq!(config.workloads[0].name, "workload-1");
    assert_eq!(carry(Files::default()).expect_err("no server").lines().count(), 2);
}
