//! `check` against a GitHub that fails in every way: verdict, exit code and files are what they
//! would have been. Not here: what `comment` makes of the same (`github`).

use super::{HEAD, Scene, check_of_nothing, github};
use crate::support::github::{Fault, REPO};

#[test]
fn whatever_github_answers_the_verdict_stands() {
    let forbidden = "Resource not accessible by integration";
    // Part of the path, status, message, and: what is said, how many notices there are, and what
    // was made of comment, check and status.
    let cases = [
        ("/", 401, "Bad credentials", "GITHUB_TOKEN or GOODPUT_GATE_TOKEN", 1, [0, 0, 0]),
        ("/", 403, forbidden, "`permissions: checks: write`", 3, [0, 0, 0]),
        ("/check-runs", 403, forbidden, "a commit status stands in", 2, [1, 0, 1]),
        ("/check-runs", 404, "Not Found", "a commit status stands in", 2, [1, 0, 1]),
        (
            "/check-runs",
            422,
            "No commit found for SHA",
            "no check run: GitHub answered 422",
            1,
            [1, 0, 0],
        ),
        ("/comments", 403, forbidden, "`permissions: pull-requests: write`", 1, [0, 1, 0]),
        ("/comments", 404, "Not Found", "no comment on pull request 42", 1, [0, 1, 0]),
        ("/comments", 422, "Validation Failed", "GitHub answered 422", 1, [0, 1, 0]),
        ("/comments", 503, "Unavailable", "GitHub answered 503", 1, [0, 1, 0]),
        ("/", 0, "", "no answer from GitHub", 1, [0, 0, 0]),
    ];
    for (path, status, message, words, notices, made) in cases {
        let github = github();
        github.fault(Fault { message, ..Fault::new("POST", path, status) });
        let scene = Scene::pull_request(REPO, &github);
        let ran = check_of_nothing(&scene);
        ran.assert_says(3, &["::error title=goodput-gate::INVALID", words]);
        let said =
            ran.stderr.lines().filter(|l| l.starts_with("::notice title=goodput-gate::")).count();
        assert_eq!(said, notices, "{path} {status}: {ran:?}");
        assert!(
            scene.gate.text("summary.md").contains("**INVALID**")
                && scene.gate.text("output").contains("\n3\n")
        );
        let state = github.state();
        let seen = [state.comments.len(), state.checks.len(), state.statuses.len()];
        assert_eq!(seen, made, "{path} {status}: comments, checks, statuses");
    }
}

#[test]
fn a_limit_is_waited_for_in_a_check_too_and_a_long_one_is_told() {
    let github = github();
    github.fault(Fault {
        times: 1,
        headers: vec![("retry-after", "1")],
        ..Fault::new("POST", "/check-runs", 429)
    });
    let scene = Scene::pull_request(REPO, &github);
    let ran = check_of_nothing(&scene);
    ran.assert_says(3, &[]);
    assert!(!ran.stderr.contains("::notice"), "{ran:?}");
    assert_eq!(github.state().checks[0]["head_sha"], HEAD);
    assert_eq!(scene.bodies().len(), 1);

    let late = super::github();
    late.fault(Fault {
        headers: vec![("retry-after", "3600")],
        ..Fault::new("POST", "/check-runs", 429)
    });
    check_of_nothing(&Scene::pull_request(REPO, &late))
        .assert_says(3, &["no check run: GitHub's rate limit (429) asks to wait 3600 s"]);
}
