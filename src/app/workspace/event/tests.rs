//! Each event has its base. Not here: whether git has it.

use super::{base_of_branches, base_of_event, occasion};
use crate::baseline::base::Wanted;
use crate::config::Occasion;
use crate::github::event::Ci;

const BASE: &str = "1111111111111111111111111111111111111111";
const HEAD: &str = "2222222222222222222222222222222222222222";
const ZERO: &str = "0000000000000000000000000000000000000000";

fn wanted(event: &str, file: &serde_json::Value) -> Wanted {
    let env = |name: &str| match name {
        "GITHUB_ACTIONS" => Some("true".to_owned()),
        "GITHUB_EVENT_NAME" => Some(event.to_owned()),
        "GITHUB_SHA" => Some(HEAD.to_owned()),
        _ => None,
    };
    let ci = Ci::parse(env, Some(&file.to_string())).expect("JSON").expect("in Actions");
    base_of_event(&ci)
}

#[test]
fn a_pull_request_has_its_base_and_no_other() {
    let pull = serde_json::json!({"pull_request": {"head": {"sha": HEAD}, "base": {"sha": BASE, "ref": "release"}}});
    let found = wanted("pull_request", &pull);
    assert_eq!(found.event, [BASE, "origin/release", "release"]);
    assert_eq!((found.event_only, found.pull_head.as_deref()), (true, Some(HEAD)));
}

#[test]
fn a_merge_group_has_the_base_that_it_was_queued_on() {
    let group = serde_json::json!({"merge_group": {"head_sha": HEAD, "base_sha": BASE, "base_ref": "refs/heads/main"}});
    let found = wanted("merge_group", &group);
    assert_eq!((found.event[0].as_str(), found.event_only, found.pull_head), (BASE, true, None));
}

#[test]
fn a_push_has_what_the_branch_was_before() {
    let push = |before: &str| serde_json::json!({"before": before, "after": HEAD, "repository": {"default_branch": "trunk"}});
    let found = wanted("push", &push(BASE));
    assert_eq!((found.event.as_slice(), found.event_only), (&[BASE.to_owned()][..], false));
    let first = wanted("push", &push(ZERO));
    assert_eq!((first.event.len(), first.default_branch.as_deref()), (0, Some("trunk")));
}

#[test]
fn a_schedule_and_a_dispatch_have_the_default_branch() {
    for event in ["schedule", "workflow_dispatch", "workflow_run"] {
        let found = wanted(event, &serde_json::json!({"repository": {"default_branch": "trunk"}}));
        assert_eq!(
            found,
            Wanted { default_branch: Some("trunk".into()), ..Wanted::default() },
            "{event}"
        );
    }
}

#[test]
fn a_change_on_another_system_has_the_branch_that_it_goes_into_and_no_other() {
    let found = base_of_branches(&["release/2".into()]);
    assert_eq!(
        (&*found.event, found.event_only),
        (&["origin/release/2".to_owned(), "release/2".to_owned()][..], true)
    );
    let torn = base_of_branches(&["main".into(), "other".into()]);
    assert_eq!(
        (torn.event.len(), torn.event_only),
        (0, true),
        "where two are named there is no telling which"
    );
    assert_eq!(base_of_branches(&[]), Wanted::default());
}

#[test]
fn only_a_change_is_waited_for() {
    assert_eq!(occasion("pull_request"), Occasion::PullRequest);
    assert_eq!(occasion("merge_group"), Occasion::PullRequest);
    assert_eq!((occasion("push"), occasion("schedule")), (Occasion::Nightly, Occasion::Nightly));
    assert_eq!(occasion("release"), Occasion::Release);
}
