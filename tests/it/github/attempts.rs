//! Attempts at one commit as GitHub keeps them: check run, comment and statuses. Not here: the rule
//! (`attempt`), local attempts (`attempts`).

use serde_json::json;

use super::{Scene, each_round, github, scale};
use crate::support::candidate::candidate;
use crate::support::github::{Fault, GitHub};

/// The record of an attempt, so many times as slow as the baseline.
fn scene(github: &GitHub, attempt: u64, slower: u64) -> Scene {
    let scene = Scene::trusted_half(70, attempt, github);
    let mut record = candidate();
    record["session"] = json!(format!("0000000{attempt}"));
    record["created"] = json!(format!("2026-11-20T09:3{attempt}:00Z"));
    each_round(&mut record, &mut |round| scale(round, slower));
    scene.gate.write("record.json", &record.to_string());
    scene
}

fn check(github: &GitHub) -> (String, String, String) {
    let state = github.state();
    let check = state.checks.last().expect("there is one").clone();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    (text(&check["conclusion"]), text(&check["output"]["title"]), text(&check["output"]["text"]))
}

#[test]
fn an_attempt_after_a_fail_is_inconclusive_for_everybody() {
    let github = github();
    scene(&github, 1, 20).comment(&[]).assert_says(0, &[]);
    assert_eq!(check(&github).0, "failure");
    for attempt in [2, 3] {
        let scene = scene(&github, attempt, 1);
        scene.comment(&[]).assert_says(0, &[]);
        let (conclusion, title, text) = check(&github);
        assert_eq!(conclusion, "action_required", "{title}");
        assert!(title.contains("INCONCLUSIVE: ") && title.contains("attempt 1 failed"), "{title}");
        let rows = text
            .lines()
            .filter(|line| line.starts_with("| ") && line.contains("2026-11-20T09:3"))
            .count();
        assert_eq!(rows as u64, attempt, "{text}");
        let body = scene.bodies().pop().expect("a comment");
        assert!(
            body.contains("**INCONCLUSIVE**") && body.contains("All attempts at this commit"),
            "{body}"
        );
        assert!(
            body.lines().any(|line| line.starts_with("| 1 | FAIL | 1 | 2026-11-20T09:31:00Z |")),
            "{body}"
        );
    }
    assert_eq!(github.state().checks.len(), 1);

    let scene = scene(&github, 4, 1);
    let config =
        scene.gate.text("goodput-gate.yaml").replace("gate: {", "gate: {on_attempt: latest, ");
    scene.gate.write("goodput-gate.yaml", &config);
    scene.gate.git(&["commit", "-q", "-a", "-m", "the latest attempt counts"]);
    scene.comment(&[]).assert_says(0, &[]);
    let (conclusion, title, text) = check(&github);
    assert!(conclusion == "neutral" && !title.contains("attempt 1 failed"), "{conclusion} {title}");
    assert!(
        text.contains("| 1 | FAIL |") && text.contains("| 4 | "),
        "it is in the ledger all the same: {text}"
    );
}

#[test]
fn a_new_commit_is_a_new_sequence() {
    let github = github();
    scene(&github, 1, 20).comment(&[]).assert_says(0, &[]);
    let other = "4".repeat(40);
    scene(&github, 2, 1).comment(&["--sha", &other]).assert_says(0, &[]);
    assert!(!check(&github).1.contains("attempt 1 failed"));
}

#[test]
fn statuses_stand_in_where_check_runs_may_not_be_made() {
    let github = github();
    github.fault(Fault {
        message: "Resource not accessible by integration",
        ..Fault::new("POST", "/check-runs", 403)
    });
    scene(&github, 1, 20).comment(&[]).assert_says(0, &["a commit status stands in"]);
    let scene = scene(&github, 2, 1);
    scene.comment(&[]).assert_says(0, &[]);
    let body = scene.bodies().pop().expect("a comment");
    assert!(body.contains("attempt 1 failed"), "{body}");
}

#[test]
fn attempts_that_cannot_be_found_are_said() {
    let fresh = github();
    let scene_of_none = scene(&fresh, 2, 1);
    scene_of_none.comment(&[]).assert_says(0, &[]);
    let body = scene_of_none.bodies().pop().expect("a comment");
    assert!(
        body.contains("this is attempt 2 of the workflow run")
            && body.contains("none has left a verdict"),
        "{body}"
    );

    let refusing = github();
    let refused = |path| Fault {
        message: "Resource not accessible by integration",
        ..Fault::new("GET", path, 403)
    };
    refusing.fault(refused("/check-runs"));
    refusing.fault(refused("/statuses"));
    let unread = scene(&refusing, 2, 1);
    unread.comment(&[]).assert_says(0, &[]);
    let body = unread.bodies().pop().expect("a comment");
    assert!(
        body.contains("this is attempt 2 of the workflow run") && body.contains("checks: read"),
        "{body}"
    );
    // The first attempt has none before it.
    let first = scene(&github(), 1, 1);
    first.comment(&[]).assert_says(0, &[]);
    assert!(!first.bodies().concat().contains("of the workflow run"));
}
