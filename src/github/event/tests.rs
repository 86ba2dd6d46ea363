//! Every event that a gate runs on, in the shape that GitHub sends.

use serde_json::json;

use super::{Base, Ci, RunId, Slug};

const HEAD: &str = "1111111111111111111111111111111111111111";
const BASE: &str = "2222222222222222222222222222222222222222";
const MERGE: &str = "3333333333333333333333333333333333333333";
const ZEROS: &str = "0000000000000000000000000000000000000000";

fn parse(event: &str, reference: &str, body: &serde_json::Value) -> Ci {
    let env = |name: &str| {
        let value = match name {
            "GITHUB_ACTIONS" => "true",
            "GITHUB_EVENT_NAME" => event,
            "GITHUB_REPOSITORY" => "acme/serve",
            "GITHUB_SHA" => MERGE,
            "GITHUB_REF" => reference,
            "GITHUB_RUN_ID" => "77",
            "GITHUB_RUN_ATTEMPT" => "2",
            _ => return None,
        };
        Some(value.to_owned())
    };
    Ci::parse(env, Some(&body.to_string())).expect("JSON").expect("in a workflow")
}

fn pull(head_repo: &serde_json::Value) -> serde_json::Value {
    json!({"pull_request": {
        "number": 42,
        "head": {"sha": HEAD, "ref": "fast", "repo": head_repo},
        "base": {"sha": BASE, "ref": "main", "repo": {"full_name": "acme/serve"}},
    }})
}

#[test]
fn a_pull_request_is_its_head_and_not_the_merge() {
    let ci =
        parse("pull_request", "refs/pull/42/merge", &pull(&json!({"full_name": "acme/serve"})));
    assert_eq!((ci.head_sha.as_deref(), ci.checkout_sha.as_deref()), (Some(HEAD), Some(MERGE)));
    assert_eq!(ci.base, Base { branch: Some("main".into()), sha: Some(BASE.into()) });
    assert_eq!((ci.pull, ci.fork, ci.run), (Some(42), false, Some(RunId { run: 77, attempt: 2 })));
    assert_eq!(
        ci.run_url().as_deref(),
        Some("https://github.com/acme/serve/actions/runs/77/attempts/2")
    );
}

#[test]
fn a_fork_is_one_even_after_it_was_deleted() {
    assert!(parse("pull_request", "", &pull(&json!({"full_name": "eve/serve"}))).fork);
    assert!(parse("pull_request", "", &pull(&json!(null))).fork);
}

#[test]
fn a_merge_group_and_a_push_name_both_ends() {
    let group =
        json!({"merge_group": {"head_sha": HEAD, "base_sha": BASE, "base_ref": "refs/heads/main"}});
    let ci = parse("merge_group", "refs/heads/gh-readonly-queue/main/pr-42-x", &group);
    assert_eq!((ci.head_sha.as_deref(), ci.pull), (Some(HEAD), None));
    assert_eq!(ci.base, Base { branch: Some("main".into()), sha: Some(BASE.into()) });

    let ci = parse("push", "refs/heads/main", &json!({"before": BASE, "after": HEAD}));
    assert_eq!((ci.head_sha.as_deref(), ci.base.sha.as_deref()), (Some(HEAD), Some(BASE)));
    let new = parse("push", "refs/heads/new", &json!({"before": ZEROS, "after": HEAD}));
    assert_eq!((new.base.sha, new.base.branch.as_deref()), (None, Some("new")));
}

#[test]
fn a_schedule_and_a_dispatch_test_what_is_checked_out() {
    for event in ["schedule", "workflow_dispatch", "an_event_of_tomorrow"] {
        let ci = parse(event, "refs/heads/main", &json!({}));
        assert_eq!(
            (ci.head_sha.as_deref(), ci.pull, ci.base),
            (Some(MERGE), None, Base::default()),
            "{event}"
        );
    }
}

#[test]
fn a_workflow_run_is_about_the_run_that_measured() {
    let run = json!({
        "repository": {"full_name": "acme/serve"},
        "workflow_run": {"id": 70, "run_attempt": 3, "head_sha": HEAD, "head_branch": "fast",
            "head_repository": {"full_name": "eve/serve"}, "pull_requests": [{"number": 1}]},
    });
    let ci = parse("workflow_run", "refs/heads/main", &run);
    assert_eq!(
        (ci.head_sha.as_deref(), ci.fork, ci.pull),
        (Some(HEAD), true, None),
        "no number from the event's own list"
    );
    assert_eq!(
        (ci.run, ci.head_branch.as_deref()),
        (Some(RunId { run: 70, attempt: 3 }), Some("fast"))
    );
    assert_eq!(ci.head_repository, Slug::parse("eve/serve"));
}

#[test]
fn what_is_odd_is_unknown_and_never_a_path() {
    for odd in ["acme", "acme/", "acme/../x", "a/b/c", "acme/..", "a b/c", "acme/x?y"] {
        assert_eq!(Slug::parse(odd), None, "{odd}");
    }
    let ci = parse(
        "pull_request",
        "",
        &json!({"pull_request": {"number": -1, "head": {"sha": "main; rm"}}}),
    );
    assert_eq!((ci.head_sha, ci.pull, ci.fork), (None, None, true));
}

#[test]
fn outside_of_a_workflow_there_is_none_and_a_server_of_ones_own_has_its_own_graphql() {
    assert_eq!(Ci::parse(|_| None, None), Ok(None));
    let env =
        |name: &str| (name == "GITHUB_API_URL").then(|| "https://ghe.example/api/v3/".to_owned());
    let ci = Ci::outside(env);
    assert_eq!(
        (ci.api_url.as_str(), ci.graphql_url.as_str()),
        ("https://ghe.example/api/v3", "https://ghe.example/api/graphql")
    );
    assert_eq!(Ci::outside(|_| None).graphql_url, "https://api.github.com/graphql");
    let actions = |name: &str| (name == "GITHUB_ACTIONS").then(|| "true".to_owned());
    assert!(Ci::parse(actions, Some("{")).is_err());
    assert!(Ci::parse(actions, None).is_ok_and(|ci| ci.is_some_and(|ci| ci.head_sha.is_none())));
}
