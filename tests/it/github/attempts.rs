//! Attempts at one commit as GitHub keeps them: rows in check run, comment and statuses, records in
//! a folder that one run leaves and the next one finds. Not here: the rule (`evaluate::attempts`),
//! local attempts (`attempts`).

use serde_json::{Value, json};

use super::{Scene, each_round, github, scale};
use crate::support::agreed;
use crate::support::candidate::{candidate, column, rounds, with_decode};
use crate::support::github::{Fault, GitHub};

fn scene(github: &GitHub, attempt: u64, mut record: Value) -> Scene {
    let scene = Scene::trusted_half(70, attempt, github);
    record["session"] = json!(format!("0000000{attempt}"));
    record["created"] = json!(format!("2026-11-20T09:3{attempt}:00Z"));
    scene.gate.write("record.json", &record.to_string());
    scene
}

/// So many times as slow as the baseline.
fn slower(factor: u64) -> Value {
    let mut record = candidate();
    each_round(&mut record, &mut |round| scale(round, factor));
    record
}

/// As the cache does between two attempts.
fn carry(from: &Scene, to: &Scene) {
    let folder = |scene: &Scene| scene.gate.path(".goodput-gate");
    std::fs::create_dir_all(folder(to).join("attempts")).expect("a folder");
    for name in ["attempts.json", "attempts"] {
        let path = folder(from).join(name);
        if path.is_dir() {
            for entry in std::fs::read_dir(path).expect("a folder") {
                let file = entry.expect("an entry");
                let to = folder(to).join(name).join(file.file_name());
                std::fs::copy(file.path(), to).expect("a copy");
            }
        } else {
            std::fs::copy(path, folder(to).join(name)).expect("a copy");
        }
    }
}

fn check(github: &GitHub) -> (String, String, String) {
    let state = github.state();
    let check = state.checks.last().expect("there is one").clone();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&check["conclusion"]), text(&check["output"]["title"]), text(&check["output"]["text"]))
}

#[test]
fn a_fail_is_lifted_by_all_attempts_together_and_everybody_sees_each() {
    let github = github();
    let mut last = scene(&github, 1, with_decode(1.16));
    last.comment(&[]).assert_says(0, &[]);
    assert_eq!(check(&github).0, "failure");
    let mut lifted = None;
    for attempt in 2..=5 {
        let next = scene(&github, attempt, candidate());
        carry(&last, &next);
        next.comment(&[]).assert_says(0, &[]);
        let (conclusion, title, text) = check(&github);
        let rows = text.lines().filter(|l| l.starts_with("| ") && l.contains("2026-11-20T09:3"));
        assert_eq!(rows.count() as u64, attempt, "{text}");
        let body = next.bodies().pop().expect("a comment");
        assert!(body.contains("All attempts at this commit"), "{body}");
        let first = body.lines().find(|line| line.starts_with("| 1 | ")).expect("a row");
        assert!(first.starts_with("| 1 | FAIL | FAIL | 1 | 2026-11-20T09:31:00Z |"), "{first}");
        if title.contains("PASS") {
            lifted = Some(attempt);
            assert_eq!(conclusion, "neutral", "a stored record is no success");
            break;
        }
        assert_eq!(conclusion, "failure", "{title}");
        assert!(body.contains(&format!("| {attempt} | PASS | FAIL | 1 |")), "{body}");
        last = next;
    }
    assert!(lifted.is_some_and(|attempt| attempt > 2), "{lifted:?}");
    assert_eq!(github.state().checks.len(), 1);
}

#[test]
fn a_fail_whose_records_are_lost_or_forged_is_not_lifted() {
    for forged in [false, true] {
        let github = github();
        let first = scene(&github, 1, with_decode(1.16));
        first.comment(&[]).assert_says(0, &[]);
        let next = scene(&github, 2, candidate());
        if forged {
            carry(&first, &next);
            for path in
                next.gate.files().iter().filter(|p| p.extension().is_some_and(|e| e == "jsonl"))
            {
                std::fs::write(path, candidate().to_string() + "\n").expect("written");
            }
        }
        next.comment(&[]).assert_says(0, &[]);
        let (conclusion, title, _) = check(&github);
        assert_eq!(conclusion, "failure", "{title}");
        assert!(title.contains("its records are not found"), "{title}");
    }
}

/// A record cannot say that it is the one that failed.
#[test]
fn the_session_of_another_attempt_is_no_way_around_it() {
    let github = github();
    scene(&github, 1, slower(20)).comment(&[]).assert_says(0, &[]);
    let next = scene(&github, 2, candidate());
    let mut record = candidate();
    (record["session"], record["created"]) = (json!("00000001"), json!("2026-11-20T09:00:00Z"));
    next.gate.write("record.json", &record.to_string());
    next.comment(&[]).assert_says(0, &[]);
    assert_eq!(check(&github).0, "failure");
}

/// The first start alone has a tail: one job does not fail by it, and two do.
#[test]
fn what_one_attempt_leaves_open_two_decide() {
    let mut record = candidate();
    for round in rounds(&mut record).take(3) {
        let first = column(round, "ttft_us").clone();
        for name in ["ttft_us", "e2e_us"] {
            for (i, us) in column(round, name).iter_mut().enumerate().filter(|(i, _)| i % 17 == 0) {
                let ttft = first[i].as_u64().expect("completed");
                *us = json!(us.as_u64().expect("completed") + ttft * 9 / 10);
            }
        }
    }
    let record = agreed(&record);
    let github = github();
    let first = scene(&github, 1, record.clone());
    first.comment(&[]).assert_says(0, &[]);
    assert!(check(&github).1.contains("INCONCLUSIVE"), "{}", check(&github).1);
    let second = scene(&github, 2, record);
    carry(&first, &second);
    second.comment(&[]).assert_says(0, &[]);
    let body = second.bodies().pop().expect("a comment");
    assert!(body.contains("**FAIL**") && body.contains("2 jobs of at most 5 judged"), "{body}");
}

#[test]
fn a_new_commit_is_a_new_sequence() {
    let github = github();
    scene(&github, 1, slower(20)).comment(&[]).assert_says(0, &[]);
    let other = "4".repeat(40);
    scene(&github, 2, candidate()).comment(&["--sha", &other]).assert_says(0, &[]);
    assert!(!check(&github).1.contains("FAIL"));
}

#[test]
fn statuses_stand_in_where_check_runs_may_not_be_made() {
    let github = github();
    github.fault(Fault {
        message: "Resource not accessible by integration",
        ..Fault::new("POST", "/check-runs", 403)
    });
    let first = scene(&github, 1, slower(20));
    first.comment(&[]).assert_says(0, &["a commit status stands in"]);
    let lost = scene(&github, 2, candidate());
    lost.comment(&[]).assert_says(0, &[]);
    let body = lost.bodies().pop().expect("a comment");
    assert!(body.contains("its records are not found"), "{body}");
    // Status and kept row are one attempt.
    let found = scene(&github, 3, candidate());
    carry(&first, &found);
    found.comment(&[]).assert_says(0, &[]);
    let body = found.bodies().pop().expect("a comment");
    assert!(body.contains("judged together with 1 earlier attempt"), "{body}");
}

#[test]
fn attempts_that_cannot_be_found_are_said() {
    let fresh = github();
    let scene_of_none = scene(&fresh, 2, candidate());
    scene_of_none.comment(&[]).assert_says(0, &[]);
    let body = scene_of_none.bodies().pop().expect("a comment");
    assert!(
        body.contains("this is attempt 2 of the workflow run")
            && body.contains("it has left no verdict")
            && body.contains("a PASS must be surer"),
        "{body}"
    );

    let refusing = github();
    let refused = |path| Fault {
        message: "Resource not accessible by integration",
        ..Fault::new("GET", path, 403)
    };
    refusing.fault(refused("/check-runs"));
    refusing.fault(refused("/statuses"));
    let unread = scene(&refusing, 2, candidate());
    unread.comment(&[]).assert_says(0, &[]);
    let body = unread.bodies().pop().expect("a comment");
    assert!(
        body.contains("this is attempt 2 of the workflow run") && body.contains("checks: read"),
        "{body}"
    );
    // The first attempt has none before it.
    let first = scene(&github(), 1, candidate());
    first.comment(&[]).assert_says(0, &[]);
    assert!(!first.bodies().concat().contains("of the workflow run"));
}
