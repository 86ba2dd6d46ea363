//! Keys and headers: sent with every request, and shown to nobody. Not here: bodies.

use super::config;
use crate::support::{Act, Answer, Gate, Part, Ran, Server, delta};

const KEY: &str = "sk-test-4f1b9c0d7e";

#[test]
fn the_key_is_sent_and_never_shown() {
    let server = Server::start(|seen| match seen.part {
        Part::Round(_, 1) => {
            Answer::error("401 Unauthorized", &format!("Incorrect API key provided: {KEY}"))
        }
        // The text is cut after 500 characters: the cut goes through the key.
        Part::Round(_, 2) => {
            Answer::error("401 Unauthorized", &format!("{}{KEY}", "x".repeat(490)))
        }
        Part::Round(_, 3) => Answer::open(2)
            .then(Act::Write([delta("!", Some(KEY)), b"0\r\n\r\n".to_vec()].concat())),
        _ => seen.good(),
    });
    let gate = keyed();
    let ran = gate.measure(
        &server.url(),
        &[
            "--requests",
            "4",
            "--concurrency",
            "1",
            "--api-key-env",
            "THE_KEY",
            "--record",
            "r.json",
        ],
    );
    gate.assert_measured(&ran);
    assert!(
        server
            .seen()
            .iter()
            .all(|s| s.headers.get("authorization") == Some(&format!("Bearer {KEY}")))
    );
    let raw = gate.raw();
    assert_eq!(raw[1]["error"], "Incorrect API key provided: ***");
    assert_eq!(raw[3]["finish_reason"], "***");
    assert_never_shown(&gate, &ran);
}

#[test]
fn the_key_is_not_shown_where_the_probe_or_the_warm_up_is_refused() {
    let refusal =
        || Answer::error("401 Unauthorized", &format!("Incorrect API key provided: {KEY}"));
    for refused in [Part::Probe, Part::Warmup(0)] {
        let server =
            Server::start(move |seen| if seen.part == refused { refusal() } else { seen.good() });
        let gate = keyed();
        let ran = gate.measure(
            &server.url(),
            &["--requests", "2", "--api-key-env", "THE_KEY", "--log-format", "json"],
        );
        ran.assert_says(3, &["Incorrect API key provided: ***"]);
        assert_never_shown(&gate, &ran);
    }
}

fn keyed() -> Gate {
    Gate::new().env("THE_KEY", KEY)
}

fn assert_never_shown(gate: &Gate, ran: &Ran) {
    // The first characters would tell most of it.
    let shown = &KEY[..10];
    assert!(!ran.stdout.contains(shown) && !ran.stderr.contains(shown), "{ran:?}");
    for file in gate.files() {
        let bytes = std::fs::read(&file).expect("an output file can be read");
        assert!(!String::from_utf8_lossy(&bytes).contains(shown), "{}", file.display());
    }
}

#[test]
fn a_key_that_is_not_set_is_a_usage_error() {
    let server = Server::good();
    let ran = Gate::new().measure(&server.url(), &["--api-key-env", "THE_KEY"]);
    ran.assert_says(2, &["THE_KEY", "not set", "hint"]);
    assert!(server.seen().is_empty(), "nothing is sent");
}

#[test]
fn extra_headers_are_sent_with_everything() {
    let server = Server::start(|seen| match seen.part {
        Part::Round(_, 1) => {
            Answer::error("403 Forbidden", &format!("no such tenant: {}", seen.headers["x-tenant"]))
        }
        _ => seen.good(),
    });
    let gate = Gate::new().env("TENANT", "blue-7f3a");
    gate.write(
        "c.yaml",
        &config(&server, "  headers: {x-team: serving, x-tenant: \"${TENANT}\"}\n"),
    );
    let ran = gate.run(&["run", "--config", "c.yaml"]);
    gate.assert_measured(&ran);
    for seen in server.seen() {
        assert_eq!(seen.headers.get("x-team").map(String::as_str), Some("serving"), "{seen:?}");
        assert_eq!(seen.headers.get("x-tenant").map(String::as_str), Some("blue-7f3a"), "{seen:?}");
    }
    assert!(
        !gate.text(".goodput-gate/record.json").contains("blue-7f3a"),
        "header values are never recorded"
    );
    assert_eq!(gate.round()["errors"][0]["example"], "no such tenant: ***");
}
