//! What `comment` judges against: the base and the merge base of the pull request, and not what its
//! job has checked out.

use serde_json::{Value, json};

use super::{CONFIG, HEAD};
use crate::support::bed::{Bed, Ran};
use crate::support::candidate::candidate;
use crate::support::github::{GitHub, REPO, TOKEN};
use crate::support::lineage::plant;

/// The default branch is checked out; `release` left it after a session, and is strict.
struct Scene {
    bed: Bed,
    github: GitHub,
    /// Where `release` left the default branch, and its newest commit.
    fork_point: String,
    release: String,
}

impl Scene {
    fn new() -> Self {
        let bed = Bed::repository(CONFIG);
        plant(&bed, "HEAD", "aaaaaaaa");
        let fork_point = bed.git(&["rev-parse", "HEAD"]);
        bed.git(&["checkout", "-q", "-b", "release"]);
        bed.write(
            "goodput-gate.yaml",
            &CONFIG.replace("slo_attainment: {min: 90%}", "ttft_p50: {max: 1us}"),
        );
        bed.commit("strict, with a session");
        let release = bed.git(&["rev-parse", "HEAD"]);
        bed.git(&["checkout", "-q", "-f", "main"]);
        bed.write("record.json", &candidate().to_string());
        Self { bed, github: GitHub::start(), fork_point, release }
    }

    fn to_release(&self, number: u64) {
        self.github.pull_to(
            number,
            HEAD,
            "eve/serve",
            &json!({"ref": "release", "sha": self.release}),
        );
    }

    /// `comment` in a trusted job about `HEAD`, with these pull requests in the event.
    fn comment(&self, pulls: &Value, token: &str, more: &[&str]) -> Ran {
        let event = json!({
            "repository": {"full_name": REPO, "id": 7, "default_branch": "main"},
            "workflow_run": {"id": 70, "run_attempt": 1, "head_sha": HEAD, "head_branch": "fast",
                "head_repository": {"full_name": "eve/serve"}, "pull_requests": pulls},
        });
        let path = self.bed.home().join("event.json");
        std::fs::write(&path, event.to_string()).expect("it can be written");
        let (path, api) = (path.display().to_string(), self.github.api_url());
        let env = [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_EVENT_NAME", "workflow_run"),
            ("GITHUB_EVENT_PATH", path.as_str()),
            ("GITHUB_REPOSITORY", REPO),
            ("GITHUB_API_URL", api.as_str()),
            ("GITHUB_TOKEN", token),
        ];
        self.bed.gate_with("", &env, &[&["comment", "record.json"], more].concat())
    }
}

const DRY: [&str; 1] = ["--dry-run"];
const STRICT: [&str; 2] = ["**FAIL**", "judged against the base of pull request 42"];

#[test]
fn a_pull_request_is_judged_by_its_own_base() {
    let scene = Scene::new();
    scene.to_release(42);
    scene.github.state().merge_base = Some(scene.fork_point.clone());
    scene
        .comment(&json!([]), TOKEN, &DRY)
        .assert(0, &[&STRICT[..], &[&scene.release[..12]]].concat());
    // The fork's commit is not here, so GitHub has to say where it left the base.
    let asked = format!("/compare/{}...{HEAD}", scene.release);
    assert!(scene.github.state().log.iter().any(|(_, path, _)| path.contains(&asked)));
    scene.comment(&json!([]), TOKEN, &[]).assert(0, &[]);
    assert_eq!(scene.github.state().checks[0]["conclusion"], "failure");
    // The default branch's own pull requests are judged by its config.
    let other = Scene::new();
    other.github.pull_to(42, HEAD, "eve/serve", &json!({"ref": "main", "sha": other.fork_point}));
    let ran = other.comment(&json!([]), TOKEN, &DRY);
    ran.assert(0, &["judged against the base of pull request 42"]);
    assert!(!ran.stdout.contains("**FAIL**"), "{}", ran.stdout);
}

#[test]
fn the_events_own_pull_request_needs_no_token() {
    let scene = Scene::new();
    let pull = |head: &str, repository: u64| json!([{"number": 42, "head": {"sha": head}, "base": {"ref": "release", "sha": scene.release, "repo": {"id": repository}}}]);
    scene.comment(&pull(HEAD, 7), "", &DRY).assert(0, &STRICT);
    // What is another commit's, or another repository's, is not believed.
    for other in [pull(&"4".repeat(40), 7), pull(HEAD, 8)] {
        let ran = scene.comment(&other, "", &DRY);
        ran.assert(0, &["judged against what this job has checked out, since the pull request's base is unknown"]);
        assert!(!ran.stdout.contains("**FAIL**"), "{}", ran.stdout);
    }
}

#[test]
fn sessions_are_those_of_the_merge_base() {
    let scene = Scene::new();
    scene.to_release(42);
    let config = ["--dry-run", "--set", "workloads.chat.limits={}"];
    let said = |words: &[&str]| scene.comment(&json!([]), TOKEN, &config).assert(0, words);
    // What the release branch has is of another plan; the default branch has none.
    said(&["INCOMPARABLE", "the merge base of 111111111111", "is unknown"]);
    scene.github.state().merge_base = Some(scene.fork_point.clone());
    said(&["INCOMPARABLE"]);
    let before = scene.bed.git(&["commit-tree", "-m", "other code", &scene.bed.git(&["mktree"])]);
    scene.bed.git(&["update-ref", "refs/heads/keep", &before]);
    scene.github.state().merge_base = Some(before);
    said(&["NO BASELINE"]);
    scene.github.state().merge_base = Some("5".repeat(40));
    scene.comment(&json!([]), TOKEN, &config).assert(2, &["no commit, branch or tag"]);
}

#[test]
fn a_base_that_is_not_here_judges_nothing() {
    let scene = Scene::new();
    scene.github.pull_to(42, HEAD, "eve/serve", &json!({"ref": "gone", "sha": "6".repeat(40)}));
    scene.comment(&json!([]), TOKEN, &[]).assert(2, &["666666", "fetch it"]);
    assert_eq!(scene.github.state().checks.len(), 0);
}

#[test]
fn one_verdict_is_not_told_to_two_bases() {
    let scene = Scene::new();
    scene.to_release(42);
    scene.github.pull_to(43, HEAD, "eve/serve", &json!({"ref": "main", "sha": scene.fork_point}));
    scene.github.state().merge_base = Some(scene.fork_point.clone());
    scene
        .comment(&json!([]), TOKEN, &[])
        .assert(0, &["pull request 43 has another base", "`--pr 43` judges it"]);
    assert_eq!(scene.github.state().comments.len(), 1);
    let ran = scene.comment(&json!([]), TOKEN, &["--pr", "43", "--dry-run"]);
    ran.assert(0, &["judged against the base of pull request 43"]);
    assert!(!ran.stdout.contains("**FAIL**"), "{}", ran.stdout);
}
