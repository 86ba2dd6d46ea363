//! Nothing of a key or a secret header is in any file or word of ours, whatever the server says and
//! however it spells it.
//!
//! Not here: each spelling by itself (`protocol::redact`).

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::json;

use crate::support::{Answer, Gate, Part, Ran, Seen, Server, Setup, check_together};

const KEY: &str = "sk-Live_4Zq/8+Tn&2Ww=Xy7";
const HEADER: &str = "gw-77ab31fe90c4d2";

fn each_byte(text: &str, written: fn(u8) -> String) -> String {
    text.bytes().map(written).collect()
}

/// As a log's reader would search: eight characters in a row, in either case, also of hex, base64
/// and escapes.
fn assert_none_of(secret: &str, text: &str, place: &str) {
    let plain =
        text.to_lowercase().replace("\\/", "/").replace("&amp;", "&").replace("\\u0026", "&");
    let runs = |of: &str, n: usize| {
        of.to_lowercase()
            .chars()
            .collect::<Vec<_>>()
            .windows(n)
            .map(|w| w.iter().collect::<String>())
            .collect::<Vec<_>>()
    };
    let hex: String = each_byte(secret, |b| format!("{b:02x}"));
    let percent: String = each_byte(secret, |b| format!("%{b:02x}"));
    let json: String = each_byte(secret, |b| format!("\\u{b:04x}"));
    let b64 = BASE64_STANDARD.encode(secret);
    let mut needles =
        [runs(secret, 8), runs(&hex, 16), runs(&percent, 24), runs(&json, 48)].concat();
    needles.extend(runs(b64.trim_end_matches('='), 12));
    for needle in needles {
        assert!(!plain.contains(&needle), "{place} has {needle} of {secret}: {text}");
    }
}

fn assert_nothing_of_it(gate: &Gate, ran: &Ran) {
    for secret in [KEY, HEADER] {
        assert_none_of(secret, &ran.stdout, "standard output");
        assert_none_of(secret, &ran.stderr, "standard error");
        for path in gate.files() {
            let name = path.display().to_string();
            if !name.ends_with("gate.yaml") {
                let bytes = std::fs::read(&path).expect("a file of the test");
                assert_none_of(secret, &String::from_utf8_lossy(&bytes), &name);
            }
        }
    }
}

/// Each way to write a secret, of both secrets.
fn spellings() -> Vec<[String; 2]> {
    let percent = |text: &str| each_byte(text, |b| format!("%{b:02X}"));
    let ways = |secret: &str| {
        [
            secret.to_owned(),
            secret.to_uppercase(),
            secret[..secret.len() / 2].to_owned(),
            secret[secret.len() / 2..].to_owned(),
            BASE64_STANDARD.encode(secret),
            BASE64_URL_SAFE_NO_PAD.encode(format!("x:{secret}")),
            percent(secret),
            percent(secret).to_lowercase(),
            each_byte(secret, |b| format!("{b:02x}")),
            each_byte(secret, |b| format!("\\u{b:04X}")),
        ]
    };
    ways(KEY).into_iter().zip(ways(HEADER)).map(|(key, header)| [key, header]).collect()
}

fn gate(url: &str) -> Gate {
    let gate = Gate::new().env("LLM_KEY", KEY).env("GW", HEADER);
    let target = format!(
        "{{base_url: \"{url}\", api_key_env: LLM_KEY, headers: {{x-gateway: \"${{GW}}\"}}}}"
    );
    let load = "{name: a, arrival: {closed: {concurrency: 1}}, requests: 3, output_tokens: 4, warmup: {requests: 1}, prompts: {synthetic: {input_tokens: 16}}}";
    gate.write(
        "gate.yaml",
        &format!("version: 1\ntarget: {target}\ngate: {{rounds: 1}}\nworkloads: [{load}]\n"),
    );
    gate
}

#[test]
fn what_the_server_says_of_itself_holds_no_secret() {
    check_together(&spellings(), |[key, header]| {
        let spelling = format!("{key} {header}");
        let setup = Setup {
            models: Answer::json(
                "200 OK",
                &json!({"data": [{"id": "tiny", "owned_by": format!("vllm {spelling}")}]}),
            ),
            others: vec![(
                "/version",
                Answer::json("200 OK", &json!({"version": format!("1.0-{spelling}-x")})),
            )],
            ..Setup::default()
        };
        let server = Server::with(setup, Seen::good);
        let gate = gate(&server.url());
        let ran = gate.run(&["run", "--config", "gate.yaml", "--raw", "raw.jsonl"]);
        gate.assert_measured(&ran);
        assert_nothing_of_it(&gate, &ran);
        assert_nothing_of_it(&gate, &gate.run(&["doctor", "--config", "gate.yaml"]));
        let report = gate.run(&[
            "report",
            ".goodput-gate/record.json",
            "--format",
            "html",
            "-o",
            "page.html",
        ]);
        assert_nothing_of_it(&gate, &report);
    });
}

#[test]
fn errors_and_finish_reasons_hold_no_secret() {
    let all = Arc::new(spellings().concat());
    for part in [Part::Probe, Part::Warmup(0), Part::Round(0, 0)] {
        let texts = Arc::clone(&all);
        let next = std::sync::atomic::AtomicUsize::new(0);
        let server = Server::start(move |seen| match (seen.part, part) {
            (Part::Probe, Part::Warmup(_)) | (Part::Probe | Part::Warmup(_), Part::Round(..)) => {
                seen.good()
            }
            _ => {
                let said =
                    &texts[next.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % texts.len()];
                Answer::error("401 Unauthorized", &format!("no such key: {said}, ask {said}"))
            }
        });
        let gate = gate(&server.url());
        let ran =
            gate.run(&["run", "--config", "gate.yaml", "--requests", "20", "--raw", "raw.jsonl"]);
        assert_eq!(ran.code, Some(3), "{ran:?}");
        assert_nothing_of_it(&gate, &ran);
    }
    let server = Server::start(move |seen| {
        let reason = format!("{}{KEY}", "x".repeat(3));
        match seen.part {
            Part::Probe => seen.good(),
            _ => Answer::events(&[
                json!({"choices": [{"index": 0, "delta": {"content": "a"}}]}),
                json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}),
            ]),
        }
    });
    let gate = gate(&server.url());
    let ran = gate.run(&["run", "--config", "gate.yaml", "--raw", "raw.jsonl"]);
    assert_nothing_of_it(&gate, &ran);
}

#[test]
fn a_model_that_is_called_like_the_key_is_refused() {
    let models = Answer::json("200 OK", &json!({"data": [{"id": format!("m-{KEY}")}]}));
    let server = Server::with(Setup { models, ..Setup::default() }, Seen::good);
    let gate = gate(&server.url());
    let ran = gate.run(&["run", "--config", "gate.yaml"]);
    ran.assert_says(3, &["the name of its model holds", "target.model"]);
    assert_nothing_of_it(&gate, &ran);
}

#[test]
fn an_address_with_a_credential_is_refused_and_not_shown() {
    let encoded =
        KEY.replace('/', "%2F").replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    let secret = "hunter2hunter2";
    let urls = [
        format!("http://127.0.0.1:9/{encoded}/v1"),
        format!("http://127.0.0.1:9/{}/v1", &encoded[..12]),
        format!("http://127.0.0.1:9/{HEADER}/v1"),
        format!("http://me:{secret}@127.0.0.1:9/v1"),
        format!("http://{secret}@127.0.0.1:9/v1"),
        format!("http://127.0.0.1:9/v1?api_key={secret}"),
        format!("http://127.0.0.1:9/v1?x=1&access_token={secret}"),
        format!("http://127.0.0.1:9/v1#{secret}"),
        format!("http://127.0.0.1:9/sk-{secret}abcdef0123456789/v1"),
        format!("ftp://me:{secret}@127.0.0.1:9/v1"),
        format!("me:{secret}@127.0.0.1:9/v1"),
    ];
    check_together(&urls, |url| {
        let gate = gate(url);
        for args in [
            &["run", "--config", "gate.yaml"][..],
            &["doctor", "--config", "gate.yaml"],
            &["check", "--config", "gate.yaml"],
        ] {
            let ran = gate.run(args);
            assert!(ran.code == Some(2) || args[0] == "doctor", "{url}: {ran:?}");
            assert_nothing_of_it(&gate, &ran);
            assert!(!format!("{}{}", ran.stdout, ran.stderr).contains(secret), "{url}: {ran:?}");
        }
        for verb in [
            &["run"][..],
            &["check"],
            &["models"],
            &["doctor"],
            &["init", "--yes"],
            &["check", "--interleaved", "--base-url", "http://127.0.0.1:9/v1"],
        ] {
            let flag = if verb.len() == 4 { "--baseline-url" } else { "--base-url" };
            let ran = Gate::new().env("LLM_KEY", KEY).run(&[verb, &[flag, url.as_str()]].concat());
            assert!(
                !format!("{}{}", ran.stdout, ran.stderr).contains(secret),
                "{verb:?} {url}: {ran:?}"
            );
        }
    });
    // The same of the metrics page.
    let gate = Gate::new();
    for url in [
        format!("http://me:{secret}@127.0.0.1:9/metrics"),
        format!("http://127.0.0.1:9/metrics?token={secret}"),
    ] {
        gate.write("m.yaml", &format!("version: 1\ntarget: {{base_url: \"http://127.0.0.1:9/v1\", metrics: \"{url}\"}}\nworkloads: [{{preset: quick}}]\n"));
        let ran = gate.run(&["run", "--config", "m.yaml", "--dry-run"]);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains(secret), "{url}: {ran:?}");
    }
}
