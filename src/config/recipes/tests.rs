//! What each recipe becomes, and that no argument says more to a shell than it is.

use proptest::prelude::*;

use crate::config::{Config, ConfigError, Endpoint, Flags, ModelChoice, Server, Source, load};
use crate::protocol::ProtocolName;

fn env(name: &str) -> Option<String> {
    ["HOME", "HF_TOKEN"].contains(&name).then(|| format!("the {name}"))
}

fn read(server: &str, more: &str) -> Result<Config, ConfigError> {
    let text = format!("version: 1\nserver: {server}\n{more}\nworkloads: [{{preset: quick}}]\n");
    load(Some(Source { name: "c.yaml", text: &text }), &[], &Flags::default(), &env)
}

fn server(config: &Config) -> &Server {
    let Endpoint::Started(server) = &config.target.endpoint else { panic!("it is started") };
    server
}

fn good(server: &str, more: &str) -> Config {
    read(server, more).unwrap_or_else(|e| panic!("{e}"))
}

fn line(text: &str) -> String {
    server(&good(text, "")).start.clone()
}

#[test]
fn every_recipe_is_a_command_and_its_probes() {
    // Until every protocol of the table is spoken, its recipe needs one that is.
    let spoken = |name: &str| {
        if name == "triton" { "target: {protocol: openai-chat, model: ensemble}" } else { "" }
    };
    let recipes = [
        ("vllm", "{model: Qwen/Qwen3-0.6B, args: [--max-model-len, 4096, --dtype=bfloat16]}"),
        ("sglang", "{model: /models/qwen, args: [--mem-fraction-static, 0.8]}"),
        ("ollama", "{model: \"llama3.2:1b\"}"),
        ("llama-cpp", "{model: models/smol.gguf, args: [-c, 8192, --parallel, 4]}"),
        ("litellm", "{args: [--config, proxy.yaml]}"),
        ("triton", "{model: ./repository}"),
    ];
    let all: Vec<String> = recipes
        .iter()
        .map(|(name, said)| {
            let config = good(&format!("{{{name}: {said}}}"), spoken(name));
            let (server, target) = (server(&config), &config.target);
            let recipe = server.recipe.as_ref().map(|r| (r.name, r.args.as_str()));
            format!(
                "{name}\n  {}\n  {:?} {:?}\n  ready {:?}, reset {:?}\n  model {:?}, env {:?}",
                server.start,
                server.base_url,
                recipe,
                server.ready_path,
                target.cache_reset,
                target.model,
                server.env
            )
        })
        .collect();
    insta::assert_snapshot!(all.join("\n\n"));
}

#[test]
fn what_the_config_says_beside_a_recipe_holds() {
    let config = good(
        "{vllm: {model: m, program: /opt/venv/bin/vllm serve}, build: make, cwd: srv, env: {VLLM_SERVER_DEV_MODE: \"0\", A: b}, ready: {path: /ping, timeout: 3m}, grace: 1s}",
        "target: {base_url: \"http://127.0.0.1:9000/v1\", protocol: openai-completions, model: served, cache_reset: none}",
    );
    let server = server(&config);
    assert_eq!(server.start, "/opt/venv/bin/vllm serve m --host 127.0.0.1 --port ${PORT}");
    assert_eq!(
        (server.base_url.as_str(), server.ready_path.as_deref()),
        ("http://127.0.0.1:9000/v1", Some("/ping"))
    );
    assert_eq!(
        (server.build.as_deref(), server.grace.as_secs(), server.ready_timeout.as_secs()),
        (Some("make"), 1, 180)
    );
    assert_eq!((server.env["VLLM_SERVER_DEV_MODE"].as_str(), server.env["A"].as_str()), ("0", "b"));
    assert_eq!(config.target.protocol, ProtocolName::OpenAiCompletions.into());
    assert_eq!(
        (config.target.model.clone(), config.target.cache_reset),
        (ModelChoice::Named("served".into()), None)
    );
}

#[test]
fn another_target_starts_another_way() {
    let more = "targets: {longer: {server: {vllm: {args: [--max-model-len, 9]}}}, other: {server: {sglang: {model: n}}}, own: {server: {start: ./serve}}}";
    let config = good("{vllm: {model: m, program: v}}", more);
    let of = |name: &str| {
        let Endpoint::Started(server) = &config.targets[name].endpoint else {
            panic!("it is started")
        };
        server.start.clone()
    };
    assert_eq!(of("longer"), "v m --host 127.0.0.1 --port ${PORT} --max-model-len 9");
    assert!(
        of("other").starts_with("python3 -m sglang.launch_server --model-path n "),
        "{}",
        of("other")
    );
    assert_eq!(of("own"), "./serve");
}

#[test]
fn arguments_are_words_and_variables_are_the_shells() {
    let args = r#"["a b", "it's", "$HOME `id` $(id)", "", "--key=${HF_TOKEN}!", "${PORT}", 4096, 0.5, true, "\n"]"#;
    assert_eq!(
        line(&format!("{{llama-cpp: {{program: p, args: {args}}}}}")),
        "p --host 127.0.0.1 --port ${PORT} --metrics 'a b' 'it'\\''s' '$HOME `id` $(id)' '' --key=\"${HF_TOKEN}\"'!' \"${PORT}\" 4096 0.5 true '\n'"
    );
}

#[test]
fn no_secret_is_in_the_fingerprint() {
    let facts = |args: &str| {
        let config = good(&format!("{{llama-cpp: {{args: {args}}}}}"), "");
        server(&config).recipe.clone().expect("a recipe").args
    };
    assert_eq!(
        facts("[--api-key, s3cret, --max-num-batched-tokens, 4096]"),
        "--api-key *** --max-num-batched-tokens 4096"
    );
    assert_eq!(facts("[--hf-token=s3cret, --tokenizer, t]"), "--hf-token=*** --tokenizer t");
    assert_eq!(
        facts("[--store, \"redis://me:s3cret@h/0\", --api-key, \"${HF_TOKEN}\"]"),
        "--store *** --api-key ***"
    );
    // vLLM takes several keys after one option, llama.cpp has a short one, and others want them as
    // a header, a variable or JSON.
    assert_eq!(facts("[--api-key, s3cret, s3cret2, --port, 1]"), "--api-key *** *** --port 1");
    assert_eq!(facts("[-hft, s3cret, --ctx, 1]"), "-hft *** --ctx 1");
    assert_eq!(
        facts("[-e, HF_TOKEN=s3cret, --env=HF_TOKEN=s3cret, -x, A=b]"),
        "-e HF_TOKEN=*** --env=HF_TOKEN=*** -x A=b"
    );
    assert_eq!(
        facts("[--header, 'Authorization: Bearer s3cret', '--header=X-Api-Key: s3cret']"),
        "--header *** --header=***"
    );
    let json = r#"[--extra, '{"api_key": "s3cret"}', '--other={"password":"s3cret"}', --rope, '{"factor": 2}']"#;
    assert_eq!(facts(json), r#"--extra *** --other=*** --rope {"factor": 2}"#);
    assert_eq!(
        facts(
            "[--store=redis://me:s3cret@h/0, \"${HF_TOKEN}://me:s3cret@h/0\", \"--at=${HF_TOKEN}\"]"
        ),
        "--store=*** *** --at=${HF_TOKEN}"
    );
    assert_eq!(facts("[]"), "none");
}

#[test]
fn wrong_recipes() {
    let wrong = |server: &str, more: &str| read(server, more).expect_err("it is wrong").to_string();
    let all = [
        wrong("{vllm: {}}", ""),
        wrong("{vllm: {model: m}, start: ./serve}", ""),
        wrong("{vllm: {model: m}, sglang: {model: m}}", ""),
        wrong("{llama-cpp: {model: \"\", program: \" \"}}", ""),
        wrong("{vllm: {model: m, args: [--x, \"${NOT_SET}\", \"${\"]}}", ""),
        wrong("{vllm: {model: m, args: --x}}", ""),
        wrong("{vllm: {model: m, args: [[a]]}}", ""),
        wrong("{vllm: {model: m, port: 8000}}", ""),
        wrong("{vlm: {model: m}}", ""),
        wrong("{vllm: {model: m}}", "target: {cache_reset: reset}"),
        wrong("{vllm: {model: m}}", "target: {cache_reset: DELETE /cache}"),
        wrong("{}", ""),
    ];
    insta::assert_snapshot!(all.join("\n\n"));
}

proptest! {
    /// Read back as a shell reads it: quotes end where they began, and nothing outside them means
    /// anything.
    #[test]
    fn a_quoted_word_is_itself(text in "[^\0]{0,40}") {
        prop_assert_eq!(unquoted(&super::quoted(&text)), Some(text));
    }
}

/// POSIX, Shell Command Language 2.2, for one word; none where a character outside quotes would
/// mean something.
fn unquoted(word: &str) -> Option<String> {
    let mut out = String::new();
    let mut chars = word.chars();
    while let Some(c) = chars.next() {
        match c {
            '\'' => loop {
                match chars.next()? {
                    '\'' => break,
                    c => out.push(c),
                }
            },
            '\\' => out.push(chars.next()?),
            c if c.is_ascii_alphanumeric() || "%+,-./:=@_".contains(c) => out.push(c),
            _ => return None,
        }
    }
    Some(out)
}
