//! Check runs, statuses and the job summary. Not here: comments.

use serde_json::{Value, json};

use super::{HEAD, Scene, check_of_nothing, each_round, github, scale};
use crate::support::candidate::candidate;
use crate::support::github::{Fault, REPO};
use crate::support::{Seen, Server};

#[test]
fn more_annotations_than_one_request_may_have_go_with_several() {
    let github = github();
    let scene = Scene::trusted_half(70, 1, &github);
    let mut slow = candidate();
    each_round(&mut slow, &mut |round| scale(round, 20));
    scene.gate.write("record.json", &slow.to_string());
    scene.comment(&["record.json"; 15]).assert_says(0, &[]);
    let state = github.state();
    let of = |body: &Value| body["output"]["annotations"].as_array().map(Vec::len);
    let sent: Vec<usize> = state
        .log
        .iter()
        .filter(|(_, path, _)| path.contains("/check-runs"))
        .filter_map(|(.., body)| of(body))
        .collect();
    assert!(sent.len() > 1 && sent[0] == 50 && sent.iter().all(|n| *n <= 50), "{sent:?}");
    assert_eq!(sent.iter().sum::<usize>() % 16, 0, "as many for each record: {sent:?}");
    assert_eq!(state.checks.len(), 1);
}

#[test]
fn a_status_stands_in_for_a_check_but_not_for_an_untrusted_pass() {
    let github = github();
    github.fault(Fault {
        message: "Resource not accessible by integration",
        ..Fault::new("POST", "/check-runs", 403)
    });
    let scene = Scene::trusted_half(70, 1, &github);
    scene.comment(&[]).assert_says(0, &["checks: write"]);
    assert_eq!(github.state().statuses.len(), 0);

    let mut slow = candidate();
    each_round(&mut slow, &mut |round| scale(round, 20));
    scene.gate.write("record.json", &slow.to_string());
    scene.comment(&[]).assert_says(0, &["a commit status stands in"]);
    let status = github.state().statuses[0].clone();
    assert_eq!(
        (status["state"].as_str(), status["context"].as_str()),
        (Some("failure"), Some("goodput-gate"))
    );
    assert!(status["description"].as_str().is_some_and(|d| d.chars().count() <= 140));
}

#[test]
fn a_check_that_could_not_measure_tells_everybody_and_keeps_its_exit_code() {
    let github = github();
    let scene = Scene::pull_request(REPO, &github);
    scene.gate.write("summary.md", "theirs");
    let ran = check_of_nothing(&scene);
    ran.assert_says(3, &["::error title=goodput-gate::INVALID"]);
    let output = scene.gate.text("output");
    assert!(
        output.contains("verdict<<goodput_gate_")
            && output.contains("\ninvalid\n")
            && output.contains("\n3\n"),
        "{output}"
    );
    assert!(output.contains("report.md"), "{output}");
    let summary = scene.gate.text("summary.md");
    assert!(summary.starts_with("theirs\n**INVALID**"), "{summary}");
    let bodies = scene.bodies();
    assert!(
        bodies.len() == 1 && bodies[0].contains("**INVALID**") && !bodies[0].contains("untrusted"),
        "{bodies:?}"
    );
    let state = github.state();
    assert_eq!(
        (&state.checks[0]["conclusion"], &state.checks[0]["head_sha"]),
        (&json!("action_required"), &json!(HEAD))
    );
}

#[test]
fn a_check_without_a_baseline_is_no_success() {
    let github = github();
    let scene = Scene::pull_request(REPO, &github);
    let server = Server::start(Seen::good);
    let args = [
        "check",
        "--base",
        "none",
        "--base-url",
        &server.url(),
        "--concurrency",
        "1",
        "--requests",
        "2",
        "--warmup",
        "1",
        "--rounds",
        "1",
    ];
    let ran = scene.ran(&[&args[..], &["--output-tokens", "4", "--input-tokens", "16"]].concat());
    // 3 is a client that was late, on a busy machine.
    let (level, conclusion) = match ran.code {
        Some(0) => ("::warning", "neutral"),
        Some(3) => ("::error", "action_required"),
        _ => panic!("{ran:?}"),
    };
    assert!(ran.stderr.contains(level), "{ran:?}");
    assert_eq!(github.state().checks[0]["conclusion"], conclusion);
    assert_eq!(scene.bodies().len(), 1);
    assert!(!ran.stdout.contains("::"), "data on standard output only: {}", ran.stdout);
}

#[test]
fn a_forks_token_that_only_reads_is_one_notice_and_no_failure() {
    let github = github();
    github.fault(Fault {
        message: "Resource not accessible by integration",
        ..Fault::new("POST", "/repos/", 403)
    });
    let scene = Scene::pull_request("eve/serve", &github);
    let ran = check_of_nothing(&scene);
    ran.assert_says(3, &["is from a fork"]);
    assert_eq!(ran.stderr.matches("::notice").count(), 1, "{}", ran.stderr);
    assert!(
        scene.gate.text("summary.md").contains("**INVALID**"),
        "the verdict is where it can be written"
    );
}

#[test]
fn a_full_summary_is_left_alone_and_without_a_token_nobody_is_asked() {
    let github = github();
    let scene = Scene::pull_request(REPO, &github).env("GITHUB_TOKEN", "");
    let full = "x".repeat(1 << 20);
    scene.gate.write("summary.md", &full);
    let ran = check_of_nothing(&scene);
    ran.assert_says(3, &["no step summary", "GITHUB_TOKEN is not in the environment"]);
    assert!(scene.gate.text("summary.md") == full);
    assert_eq!(github.state().log.len(), 0);
}
