//! What a config says of its protocol, and to whom it applies.

use std::time::Duration;

use super::{good, message};
use crate::config::{Config, Endpoint, Flags};
use crate::protocol::{Dialect as _, ProtocolName, Triton};

fn config(target: &str) -> Config {
    good(&format!("version: 1\n{target}\nworkloads: [{{preset: quick}}]"), &[], &Flags::default())
}

#[test]
fn triton_has_the_names_of_its_backends_unless_others_are_said() {
    let set = |target: &str| {
        let settings = config(target).target.protocol.settings();
        serde_json::from_str::<Triton>(&settings.expect("a model's names"))
            .expect("as they are written")
    };
    let names = set("target: {base_url: http://h:1, protocol: triton}");
    assert_eq!(
        [&*names.text_input, &names.text_output, &names.max_tokens, &names.stream],
        ["text_input", "text_output", "max_tokens", "stream"]
    );
    let own = "target: {base_url: http://h:1, protocol: triton, triton: {text_output: OUT, stream: \"\", parameters: {top_k: 1}}}";
    let names = set(own);
    assert_eq!([&*names.text_input, &names.text_output, &names.stream], ["text_input", "OUT", ""]);
    assert_eq!(names.parameters["top_k"], 1);
}

#[test]
fn a_started_server_of_a_native_protocol_is_asked_at_its_root() {
    for (protocol, url) in
        [("ollama", "http://127.0.0.1:${PORT}"), ("openai-chat", "http://127.0.0.1:${PORT}/v1")]
    {
        let config =
            config(&format!("target: {{protocol: {protocol}}}\nserver: {{start: ./serve}}"));
        let Endpoint::Started(server) = config.target.endpoint else { panic!("it is started") };
        assert_eq!((&*server.base_url, server.grace), (url, Duration::from_secs(15)));
    }
}

#[test]
fn another_target_inherits_what_its_own_protocol_knows() {
    let all = "\
target: {base_url: http://h:1, protocol: ollama, ollama: {think: false}}
targets:
  generate: {target: {protocol: ollama-generate}}
  openai: {target: {protocol: openai-chat, base_url: http://h:1/v1}}
";
    let targets = config(all).targets;
    let generate = &targets["generate"].protocol;
    assert_eq!(
        (generate.name(), generate.settings().as_deref()),
        ("ollama-generate", Some(r#"{"think":false}"#))
    );
    assert_eq!(targets["openai"].protocol, ProtocolName::OpenAiChat.into());
}

#[test]
fn the_simulated_server_speaks_openai_only() {
    let text = message(
        "version: 1\ntarget: {sim: {}, protocol: ollama}\nworkloads: [{preset: quick}]",
        &[],
        &Flags::default(),
    );
    assert!(text.contains("the simulated server does not speak ollama"), "{text}");
}
