//! Events of GitHub's in repositories as its checkout leaves them: which commit is the base, whose
//! sessions count.

use serde_json::{Value, json};

use crate::support::bed::Bed;
use crate::support::lineage::{code, found, notices, plant, sessions, walk_in, with_session};

/// `baseline resolve --json` as a job of that event would.
fn walk(bed: &Bed, event: &str, file: &Value) -> Value {
    let path = bed.home().join("event.json");
    std::fs::write(&path, file.to_string()).expect("it can be written");
    let path = path.display().to_string();
    let sha = bed.git(&["rev-parse", "HEAD"]);
    let env = [
        ("GITHUB_ACTIONS", "true"),
        ("CI", "true"),
        ("GITHUB_EVENT_NAME", event),
        ("GITHUB_EVENT_PATH", path.as_str()),
        ("GITHUB_SHA", sha.as_str()),
        ("GITHUB_REPOSITORY", "o/r"),
    ];
    walk_in(bed, "", &env, &[])
}

/// Main has gone on since the branch was cut; HEAD is the merge of both, detached, as GitHub makes
/// it.
struct Merge {
    bed: Bed,
    fork_point: String,
    base: String,
    head: String,
}

fn merge() -> Merge {
    let bed = with_session();
    let fork_point = bed.git(&["rev-parse", "HEAD"]);
    bed.git(&["checkout", "-q", "-b", "feature"]);
    code(&bed, "feature.txt");
    plant(&bed, "HEAD", "eeeeeeee");
    bed.commit("a baseline of its own");
    let head = bed.git(&["rev-parse", "HEAD"]);
    bed.git(&["checkout", "-q", "main"]);
    code(&bed, "main.txt");
    plant(&bed, "HEAD", "bbbbbbbb");
    bed.commit("baseline");
    let base = bed.git(&["rev-parse", "HEAD"]);
    bed.git(&["checkout", "-q", "--detach"]);
    bed.git(&["merge", "-q", "--no-ff", "-m", "Merge", &head]);
    Merge { bed, fork_point, base, head }
}

fn pull(base: &str, head: &str) -> Value {
    let repo = json!({"full_name": "o/r"});
    json!({"pull_request": {"number": 7, "head": {"sha": head, "ref": "feature", "repo": repo},
        "base": {"sha": base, "ref": "main", "repo": repo}}})
}

#[test]
fn a_merge_checkout_is_judged_against_its_first_parent() {
    let Merge { bed, fork_point, base, head } = merge();
    // The event's base may be older than what was merged.
    let walk = walk(&bed, "pull_request", &pull(&fork_point, &head));
    assert_eq!((&walk["base_commit"], &walk["start"]), (&base.clone().into(), &base.into()));
    assert_eq!(sessions(&walk), found(&[("bbbbbbbb", 0), ("aaaaaaaa", 2)]));
}

#[test]
fn a_merge_checkout_is_known_by_its_reference_without_an_event() {
    let Merge { bed, base, .. } = merge();
    bed.git(&["branch", "-m", "main", "other"]);
    bed.git(&["update-ref", "refs/remotes/pull/7/merge", "HEAD"]);
    let walk = walk_in(&bed, "", &[("CI", "true")], &[]);
    assert_eq!(walk["base_commit"], base);
}

#[test]
fn a_checkout_of_the_head_is_judged_against_the_merge_base() {
    let Merge { bed, fork_point, base, head } = merge();
    bed.git(&["checkout", "-q", "--detach", &head]);
    let walk = walk(&bed, "pull_request", &pull(&base, &head));
    assert_eq!((&walk["base_commit"], &walk["start"]), (&base.into(), &fork_point.into()));
    assert_eq!(
        sessions(&walk),
        found(&[("aaaaaaaa", 0), ("bbbbbbbb", -1)]),
        "nor what the branch brought"
    );
}

#[test]
fn a_pull_request_without_its_base_is_an_error() {
    let Merge { bed, head, .. } = merge();
    bed.git(&["checkout", "-q", "--detach", &head]);
    bed.git(&["branch", "-m", "main", "other"]);
    let path = bed.home().join("event.json");
    std::fs::write(&path, pull(&"1".repeat(40), &head).to_string()).expect("it can be written");
    let path = path.display().to_string();
    let env = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_EVENT_NAME", "pull_request"),
        ("GITHUB_EVENT_PATH", path.as_str()),
    ];
    bed.gate_with("", &env, &["baseline", "resolve"])
        .assert(2, &["no commit, branch or tag", "1111111", "fetch it"]);
}

#[test]
fn a_push_is_judged_against_what_the_branch_was() {
    let bed = with_session();
    let before = bed.git(&["rev-parse", "HEAD"]);
    code(&bed, "one.txt");
    code(&bed, "two.txt");
    plant(&bed, "HEAD", "eeeeeeee");
    bed.commit("a baseline in the same push");
    let after = bed.git(&["rev-parse", "HEAD"]);
    let push = walk(&bed, "push", &json!({"before": before, "after": after}));
    assert_eq!(
        (&push["base_commit"], &push["start"], &push["on_base"]),
        (&before.clone().into(), &before.into(), &false.into())
    );
    assert_eq!(sessions(&push), found(&[("aaaaaaaa", 0)]));
}

#[test]
fn a_forced_push_says_that_its_base_is_gone() {
    let bed = with_session();
    let forced = walk(
        &bed,
        "push",
        &json!({"before": "1".repeat(40), "repository": {"default_branch": "main"}}),
    );
    assert!(
        notices(&forced).contains("111111111111") && notices(&forced).contains("forced push"),
        "{forced}"
    );
    assert_eq!((&forced["base"], sessions(&forced)), (&"main".into(), found(&[("aaaaaaaa", 0)])));
    // A push that is still here is the base, though it is no ancestor.
    let before = code(&bed, "lost.txt");
    bed.git(&["reset", "-q", "--hard", "HEAD~1"]);
    code(&bed, "instead.txt");
    let here = walk(&bed, "push", &json!({"before": before}));
    assert_eq!(
        (&here["base_commit"], &here["start"]),
        (&before.into(), &bed.git(&["rev-parse", "HEAD~1"]).into())
    );
    // A new branch has no `before`.
    let new = walk(
        &bed,
        "push",
        &json!({"before": "0".repeat(40), "repository": {"default_branch": "main"}}),
    );
    assert_eq!((&new["base"], notices(&new)), (&"main".into(), "[]".into()));
}

#[test]
fn a_merge_group_is_judged_against_what_it_was_queued_on() {
    let Merge { bed, base, .. } = merge();
    let group = json!({"merge_group": {"head_sha": bed.git(&["rev-parse", "HEAD"]), "base_sha": base, "base_ref": "refs/heads/main"}});
    let walk = walk(&bed, "merge_group", &group);
    assert_eq!(
        (&walk["base_commit"], sessions(&walk)),
        (&base.into(), found(&[("bbbbbbbb", 0), ("aaaaaaaa", 2)]))
    );
}

#[test]
fn a_schedule_is_judged_against_the_default_branch() {
    let bed = with_session();
    bed.git(&["branch", "-m", "main", "trunk"]);
    let event = json!({"repository": {"default_branch": "trunk"}});
    for name in ["schedule", "workflow_dispatch"] {
        let walk = walk(&bed, name, &event);
        assert_eq!(
            (&walk["base"], sessions(&walk)),
            (&"trunk".into(), found(&[("aaaaaaaa", 0)])),
            "{name}"
        );
    }
}
