//! `run -i`: what is asked, offered and confirmed, and what `doctor` and `check` say to do next. Not
//! here: what `init` writes.

use serde_json::json;

use super::{NOBODY, listing, port};
use crate::support::{Gate, Server};

#[test]
fn enter_three_times_measures_the_first_of_each() {
    let (gate, server) = (Gate::new(), listing(&["small", "large"]));
    let few = [
        "--requests",
        "2",
        "--rounds",
        "1",
        "--warmup",
        "1",
        "--output-tokens",
        "4",
        "--preset",
        "single",
    ];
    let ran =
        gate.answering(&[&["run", "-i", "--ports", &port(&server)][..], &few].concat(), "\n\n\n");
    gate.assert_measured(&ran);
    let record = gate.record();
    assert_eq!(
        (&record["workloads"][0]["name"], &record["workloads"][0]["fingerprint"]["model"]),
        (&json!("single"), &json!("small"))
    );
    assert!(
        ran.stderr.contains(&format!(
            "goodput-gate run --base-url {} --model small --preset single",
            server.url()
        )),
        "{ran:?}"
    );
    // Without a preset said, the third question is the workload.
    let ran = gate.answering(&["run", "-i", "--dry-run", "--ports", &port(&server)], "\n\n\n");
    ran.assert_says(
        0,
        &["server (number or URL):", "model (number or name):", "workload (number or preset):"],
    );
    assert!(ran.stdout.contains("quick-c1: "), "{ran:?}");
    let ran =
        gate.answering(&["run", "-i", "--dry-run", "--ports", &port(&server)], "\n2\nkorean\n");
    assert!(
        ran.stderr.contains("--model large --preset korean") && ran.stdout.contains("korean: "),
        "{ran:?}"
    );
}

#[test]
fn a_config_is_offered_first() {
    let (gate, server, other) = (Gate::new(), Server::good(), Server::good());
    let text = "version: 1\ntarget: {base_url: URL}\ntargets: {sim: {target: {sim: {}}}}\nworkloads: [{name: a}, {name: b, requests: 7}]\n";
    gate.write("goodput-gate.yaml", &text.replace("URL", &server.url()));
    let ports = port(&other);
    let ask =
        |answers: &str| gate.answering(&["run", "-i", "--dry-run", "--ports", &ports], answers);
    let ran = ask("\n\n\n");
    assert!(
        ran.stdout.contains("a: ") && ran.stdout.contains("b: ") && ran.code == Some(0),
        "{ran:?}"
    );
    // The simulated server is started by the gate: there is no model to ask it for.
    let ran = ask("2\n3\n");
    assert!(
        ran.stderr.contains("--target sim --workload b") && !ran.stdout.contains("a: "),
        "{ran:?}"
    );
    let ran = ask("3\n\n4\n");
    assert!(
        ran.stderr.contains(&format!("--base-url {} --model tiny --preset low-load", other.url())),
        "{ran:?}"
    );
}

/// As the older tool's script asked: names with what was said of them, then what is about to be
/// sent, and whether to start.
#[test]
fn names_are_shown_and_nothing_is_sent_before_it_is_confirmed() {
    let (gate, server) = (Gate::new(), listing(&["org/small", "org/large", "org/third"]));
    let text = "version: 1\ntarget: {base_url: URL, model: org/small}\ntargets:\n  here: {description: this machine}\n  \
                small: {target: {model: org/small}}\n  large: {description: a large one, target: {model: org/large}}\n\
                workloads:\n  - {name: a, description: one of three, requests: 3, arrival: {closed: {concurrency: 1}}, warmup: 1, output_tokens: 4}\n";
    gate.write("goodput-gate.yaml", &text.replace("URL", &server.url()));
    let ask = |args: &[&str], answers: &str| {
        gate.answering(
            &[&["run", "-i", "--rounds", "1", "--ports", NOBODY][..], args].concat(),
            answers,
        )
    };
    let ran = ask(&[], "\n2\n\nn\n");
    let here = format!("> 1. here: {} (this machine)\n", server.url());
    ran.assert_says(
        0,
        &[
            &here,
            "> 1. small: org/small\n",
            "2. large: org/large (a large one)\n",
            "3. org/third\n",
            "> 1. a (one of three)\n",
            "2. my own: rate, duration, tokens\n",
        ],
    );
    ran.assert_says(
        0,
        &[
            "goodput-gate run --target here --model large\n",
            "model org/large at http://",
            "3 requests per round",
            "start? [Y/n]: nothing was sent",
        ],
    );
    assert!(server.planned().is_empty() && !gate.path(".goodput-gate").exists(), "{ran:?}");
    // A load of one's own, with the older tool's bare seconds; Enter starts it.
    let ran = ask(&["--warmup", "1"], "\n\n2\n20\n0.2\n16\n4\n\n");
    gate.assert_measured(&ran);
    ran.assert_says(
        ran.code.unwrap_or(-1),
        &[
            "--preset adhoc --rate 20 --duration 0.2s --input-tokens 16 --output-tokens 4\n",
            "adhoc: Poisson 20/s",
        ],
    );
    let record = gate.record();
    assert_eq!(
        (&record["workloads"][0]["name"], record["workloads"].as_array().map(Vec::len)),
        (&json!("adhoc"), Some(1))
    );
    ask(&[], "\n\n\n").assert_says(2, &["standard input ended"]);
}

#[test]
fn doctor_names_the_config_and_asks_another_server() {
    let (gate, server) = (Gate::new(), Server::good());
    gate.write(
        "goodput-gate.yaml",
        "version: 1\ntarget: {base_url: 'http://127.0.0.1:1/v1'}\nworkloads: [{name: a}]\n",
    );
    let ran = gate.run(&["doctor"]);
    assert!(
        ran.stdout.contains("goodput-gate.yaml, 1 workload(s)")
            && ran.stdout.contains("bad   server"),
        "{ran:?}"
    );
    let ran = gate.run(&["doctor", "--base-url", &server.url()]);
    assert!(
        ran.stdout.contains("of the command line")
            && ran.stdout.contains("ok    server   answers with tiny"),
        "{ran:?}"
    );
}

#[test]
fn a_local_check_says_what_to_do_next_and_a_job_does_not() {
    let server = Server::good();
    let args = [
        "check",
        "--base-url",
        &server.url(),
        "--requests",
        "3",
        "--rounds",
        "1",
        "--warmup",
        "1",
        "--output-tokens",
        "4",
    ];
    let gate = Gate::new();
    let ran = gate.run(&args);
    gate.assert_measured(&ran);
    if ran.code == Some(0) {
        assert!(
            ran.stdout.contains(
                "exit code   0 (NO BASELINE is let through by gate.on_missing_baseline: warn)"
            ),
            "{ran:?}"
        );
        assert!(ran.stderr.contains("next: there is nothing to compare with yet"), "{ran:?}");
        assert!(
            ran.stdout.contains("ttft_p50 needs 10 completed requests after the ramp"),
            "{ran:?}"
        );
    } else {
        assert!(ran.stderr.contains("next: this measurement says nothing"), "{ran:?}");
    }
    let job = Gate::new().env("CI", "true");
    assert!(!job.run(&args).stderr.contains("next: "));
}
