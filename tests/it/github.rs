//! What pull requests are told, against a GitHub on loopback that does everything wrong that the
//! real one has been seen to do.
//!
//! Whatever it does, the exit code stands and the token is in no output. Not here: the wording of
//! the comment (`report::comment`).

mod attempts;
mod bases;
mod checks;
mod faults;
mod pairs;
mod records;

use serde_json::{Value, json};

use crate::support::candidate::candidate;
use crate::support::github::{Fault, GitHub, ME, REPO, TOKEN};
use crate::support::{Gate, Ran, agreed, fixture};

const HEAD: &str = "1111111111111111111111111111111111111111";

const BASE: &str = "2222222222222222222222222222222222222222";

const MERGE: &str = "3333333333333333333333333333333333333333";

const CONFIG: &str = "\
version: 1
target: {sim: {}}
workloads:
  - name: chat
    arrival: {poisson: {rate: 20}}
    requests: 40
    prompts: {synthetic: {input_tokens: 64}}
    output_tokens: 8
    slo: {ttft: 500ms, tpot: 50ms}
    limits:
      slo_attainment: {min: 90%}
gate: {starts: 2, rounds: 3}
";

/// A folder with config, record and event, and a GitHub.
struct Scene {
    gate: Gate,
    github: GitHub,
}

impl Scene {
    /// The trusted half: a `workflow_run` about a fork's commit.
    fn trusted_half(run: u64, attempt: u64, github: &GitHub) -> Self {
        let event = json!({
            "repository": {"full_name": REPO},
            "workflow_run": {"id": run, "run_attempt": attempt, "head_sha": HEAD, "head_branch": "fast",
                "head_repository": {"full_name": "eve/serve"}, "pull_requests": []},
        });
        Self::new("workflow_run", &event, github)
    }

    fn pull_request(from: &str, github: &GitHub) -> Self {
        let repo = |name: &str| json!({"full_name": name});
        let event = json!({"pull_request": {"number": 42,
            "head": {"sha": HEAD, "ref": "fast", "repo": repo(from)}, "base": {"sha": BASE, "ref": "main", "repo": repo(REPO)}}});
        Self::new("pull_request", &event, github)
    }

    fn new(name: &str, event: &Value, github: &GitHub) -> Self {
        let gate = Gate::new();
        gate.write("goodput-gate.yaml", CONFIG);
        gate.write("record.json", &candidate().to_string());
        gate.git(&["init", "-q", "-b", "main"]);
        gate.git(&["add", "goodput-gate.yaml"]);
        gate.git(&["commit", "-q", "-m", "a gate"]);
        let event = gate.write("event.json", &event.to_string());
        let (output, summary) = (gate.path("output"), gate.path("summary.md"));
        let gate = gate
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_EVENT_NAME", name)
            .env("GITHUB_EVENT_PATH", &event.display().to_string())
            .env("GITHUB_REPOSITORY", REPO)
            .env("GITHUB_SHA", MERGE)
            .env("GITHUB_RUN_ID", "900")
            .env("GITHUB_RUN_ATTEMPT", "1")
            .env("GITHUB_API_URL", &github.api_url())
            .env("GITHUB_OUTPUT", &output.display().to_string())
            .env("GITHUB_STEP_SUMMARY", &summary.display().to_string())
            .env("GITHUB_TOKEN", TOKEN);
        Self { gate, github: github.clone() }
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.gate = self.gate.env(name, value);
        self
    }

    /// `comment record.json`, with more arguments.
    fn comment(&self, more: &[&str]) -> Ran {
        let baselines = fixture("records/baselines").display().to_string();
        let mut args = vec!["comment", "record.json", "--baseline", &baselines];
        args.extend(more);
        self.ran(&args)
    }

    fn ran(&self, args: &[&str]) -> Ran {
        let ran = self.gate.run(args);
        self.assert_no_token(&ran);
        ran
    }

    fn assert_no_token(&self, ran: &Ran) {
        assert!(!ran.stdout.contains(TOKEN) && !ran.stderr.contains(TOKEN), "{ran:?}");
        for path in self.gate.files() {
            let bytes = std::fs::read(&path).expect("readable");
            assert!(
                !String::from_utf8_lossy(&bytes).contains(TOKEN),
                "{} holds the token",
                path.display()
            );
        }
        let state = self.github.state();
        let bodies = state.comments.iter().chain(&state.checks).chain(&state.statuses);
        assert!(bodies.into_iter().all(|b| !b.to_string().contains(TOKEN)));
    }

    fn bodies(&self) -> Vec<String> {
        let state = self.github.state();
        state.comments.iter().map(|c| c["body"].as_str().expect("text").to_owned()).collect()
    }
}

/// A GitHub with the fork's open pull request.
fn github() -> GitHub {
    let github = GitHub::start();
    github.pull(42, HEAD, "eve/serve");
    github
}

fn marker(gate: &str, run: u64) -> String {
    format!(
        "<!-- goodput-gate: {{\"gate\":\"{gate}\",\"head\":null,\"run\":{run},\"attempt\":1}} -->\nold"
    )
}

#[test]
fn a_comment_is_made_once_and_updated_in_place() {
    let github = github();
    let scene = Scene::trusted_half(70, 1, &github);
    scene.comment(&[]).assert_says(0, &[]);
    let made = scene.bodies();
    assert!(
        made.len() == 1
            && made[0].contains("**PASS**")
            && made[0].contains("Measured by an untrusted job"),
        "{made:?}"
    );
    assert_eq!(github.sent("PATCH"), 0);

    // The same again: nothing is written but the check, which is there already.
    scene.comment(&[]).assert_says(0, &[]);
    assert_eq!((scene.bodies(), github.sent("DELETE")), (made.clone(), 0));
    assert!(
        github.state().log.iter().all(|(m, path, _)| m != "PATCH" || path.contains("check-runs"))
    );

    Scene::trusted_half(70, 2, &github).comment(&[]).assert_says(0, &[]);
    let updated = scene.bodies();
    assert!(updated.len() == 1 && updated != made, "the marker names the attempt");
    let state = github.state();
    assert_eq!(state.checks.len(), 1, "one check, updated too");
    assert_eq!(state.checks[0]["conclusion"], "neutral", "never a success from a stored record");
    assert_eq!(state.checks[0]["head_sha"], HEAD);
}

#[test]
fn it_is_found_on_the_last_page_and_by_its_author_only() {
    let github = github();
    let pasted = github.comment("eve", &marker("goodput-gate", 1));
    for _ in 0..250 {
        github.comment("someone", "nice");
    }
    let ours = github.comment(ME, &marker("goodput-gate", 1));
    let theirs = github.comment(ME, &marker("another gate", 1));
    Scene::trusted_half(70, 1, &github).comment(&[]).assert_says(0, &[]);
    let state = github.state();
    let body = |id: u64| {
        state
            .comments
            .iter()
            .find(|c| c["id"] == id)
            .map(|c| c["body"].clone())
            .expect("it is there")
    };
    assert_eq!(state.comments.len(), 253, "none was made, none removed");
    assert!(body(ours).as_str().is_some_and(|b| b.contains("**PASS**")));
    assert_eq!(
        (body(pasted), body(theirs)),
        (json!(marker("goodput-gate", 1)), json!(marker("another gate", 1)))
    );
}

#[test]
fn a_token_that_does_not_say_who_it_is_finds_bots_only() {
    let github = github();
    github.state().viewer = None;
    github.comment("eve", &marker("goodput-gate", 1));
    let scene = Scene::trusted_half(70, 1, &github);
    scene.comment(&[]).assert_says(0, &[]);
    scene.comment(&[]).assert_says(0, &[]);
    assert_eq!(scene.bodies().len(), 2, "the pasted one, and one of ours");
    assert_eq!(scene.bodies()[0], marker("goodput-gate", 1));
}

#[test]
fn a_newer_run_stays_and_doubles_go() {
    let github = github();
    for run in [5, 7, 6] {
        github.comment(ME, &marker("goodput-gate", run));
    }
    let scene = Scene::trusted_half(6, 9, &github);
    scene.comment(&[]).assert_says(0, &["a newer run has commented"]);
    assert_eq!((scene.bodies().len(), scene.bodies()[0].clone()), (3, marker("goodput-gate", 5)));

    Scene::trusted_half(7, 2, &github).comment(&[]).assert_says(0, &[]);
    let left = scene.bodies();
    assert!(left.len() == 1 && left[0].contains("**PASS**"), "{left:?}");
    // The check of the newer run stays as well.
    Scene::trusted_half(7, 1, &github).comment(&[]).assert_says(0, &["a newer run's check"]);
    assert_eq!(scene.bodies(), left);
}

#[test]
fn a_fail_replaces_the_check_of_a_newer_run() {
    let github = github();
    Scene::trusted_half(7, 1, &github).comment(&[]).assert_says(0, &[]);
    let older = Scene::trusted_half(6, 1, &github);
    let breached = CONFIG.replace("slo_attainment: {min: 90%}", "ttft_p50: {max: 1ms}");
    older.gate.write("goodput-gate.yaml", &breached);
    older.gate.git(&["commit", "-q", "-a", "-m", "a limit"]);
    older.comment(&[]).assert_says(0, &[]);
    let checks = github.state().checks.clone();
    let conclusions: Vec<_> = checks.iter().map(|check| check["conclusion"].clone()).collect();
    assert_eq!(conclusions, ["failure"], "{checks:?}");
}

#[test]
fn a_pass_is_no_check_where_nobody_can_tell_what_stands_there() {
    let github = github();
    github.fault(Fault::new("GET", "/check-runs", 500));
    let scene = Scene::trusted_half(7, 1, &github);
    scene.comment(&[]).assert_says(0, &["GitHub answered 500"]);
    assert_eq!(github.state().checks.len(), 0);
}

#[test]
fn two_gates_keep_two_comments() {
    let github = github();
    let scene = Scene::trusted_half(70, 1, &github);
    scene.comment(&["--name", "h100"]).assert_says(0, &[]);
    Scene::trusted_half(71, 1, &github)
        .env("GOODPUT_GATE_NAME", "l40s")
        .comment(&[])
        .assert_says(0, &[]);
    scene.comment(&["--name", "h100"]).assert_says(0, &[]);
    let bodies = scene.bodies();
    assert!(
        bodies.len() == 2
            && bodies[0].contains("<code>h100</code>")
            && bodies[1].contains("<code>l40s</code>"),
        "{bodies:?}"
    );
    let names: Vec<Value> = github.state().checks.iter().map(|c| c["name"].clone()).collect();
    assert_eq!(names, ["h100", "l40s"]);
    scene.comment(&["--name", "<b>"]).assert_says(2, &["name"]);
}

#[test]
fn a_comment_that_was_made_although_github_said_502_is_not_made_twice() {
    for status in [502, 0] {
        let github = github();
        github.fault(Fault { times: 1, done: true, ..Fault::new("POST", "/comments", status) });
        let scene = Scene::trusted_half(70, 1, &github);
        scene.comment(&[]).assert_says(0, &[]);
        assert_eq!(scene.bodies().len(), 1, "status {status}");
    }
}

#[test]
fn a_502_before_it_was_made_is_tried_once_more() {
    let github = github();
    github.fault(Fault { times: 1, ..Fault::new("POST", "/comments", 502) });
    let scene = Scene::trusted_half(70, 1, &github);
    let ran = scene.comment(&[]);
    ran.assert_says(0, &[]);
    assert!(scene.bodies().len() == 1 && !ran.stderr.contains("no comment"), "{ran:?}");
}

#[test]
fn a_limit_that_ends_soon_is_waited_for_and_one_that_does_not_is_told() {
    let soon = github();
    soon.fault(Fault {
        times: 1,
        headers: vec![("retry-after", "1")],
        ..Fault::new("POST", "/comments", 429)
    });
    soon.fault(Fault {
        times: 1,
        headers: vec![("retry-after", "0")],
        ..Fault::new("GET", "/comments", 403)
    });
    let scene = Scene::trusted_half(70, 1, &soon);
    scene.comment(&[]).assert_says(0, &[]);
    assert_eq!(scene.bodies().len(), 1);

    let late = github();
    late.fault(Fault {
        headers: vec![("retry-after", "3600")],
        ..Fault::new("POST", "/comments", 403)
    });
    let scene = Scene::trusted_half(70, 1, &late);
    scene.comment(&[]).assert_says(0, &["::notice title=goodput-gate::", "asks to wait 3600 s"]);
    assert_eq!(
        (
            scene.bodies().len(),
            late.state()
                .log
                .iter()
                .filter(|(m, p, _)| m == "POST" && p.contains("/comments"))
                .count()
        ),
        (0, 1)
    );
}

#[test]
fn what_github_refuses_is_a_notice_that_says_what_to_do() {
    for (path, status, words) in [
        ("/comments", 401, "GITHUB_TOKEN"),
        ("/comments", 403, "`permissions: pull-requests: write`"),
        ("/comments", 404, "does not exist"),
        ("/comments", 422, "GitHub answered 422: injected"),
        ("/comments", 503, "GitHub answered 503"),
        ("/comments", 0, "no answer from GitHub"),
        ("/check-runs", 403, "`permissions: checks: write`"),
        ("/check-runs", 500, "GitHub answered 500"),
    ] {
        let github = github();
        // As a proxy answers that shows what it was sent.
        let message = if status == 422 {
            "injected: Authorization: Bearer ghs_thisIsTheSecretToken0123456789"
        } else {
            "injected"
        };
        github.fault(Fault { message, ..Fault::new("POST", path, status) });
        let scene = Scene::trusted_half(70, 1, &github);
        scene.comment(&[]).assert_says(0, &["::notice title=goodput-gate::", words]);
        assert_eq!(scene.bodies().len(), usize::from(path == "/check-runs"), "{path} {status}");
    }
}

#[test]
fn a_dead_connection_and_a_proxys_page_are_notices() {
    let github = github();
    let nobody =
        Scene::trusted_half(70, 1, &github).env("GITHUB_API_URL", "http://127.0.0.1:1/api/v3");
    nobody.comment(&[]).assert_says(0, &["no answer from GitHub"]);
    assert_eq!(github.state().log.len(), 0);
    let elsewhere = Scene::trusted_half(70, 1, &github).env("GITHUB_API_URL", "not a url at all");
    elsewhere.comment(&[]).assert_says(0, &["::notice"]);
    let refused = Scene::trusted_half(70, 1, &github).env("GOODPUT_GATE_TOKEN", "wrong");
    refused.comment(&[]).assert_says(0, &["401", "Bad credentials"]);
}

#[test]
fn the_pull_request_is_the_one_with_this_head_and_no_other() {
    let github = github();
    github.state().unknown_commits = true;
    github.pull(43, BASE, "eve/serve");
    let scene = Scene::trusted_half(70, 1, &github);
    scene.comment(&[]).assert_says(0, &[]);
    assert_eq!(scene.bodies().len(), 1, "found among the open ones");
    assert!(github.state().log.iter().any(|(_, path, _)| path.contains("issues/42/comments")));

    scene.comment(&["--pr", "43"]).assert_says(0, &["is not the head of pull request 43"]);
    scene.comment(&["--sha", MERGE]).assert_says(0, &["no open pull request"]);
    scene.comment(&["--sha", "1111111"]).assert_says(2, &["short hash"]);
    assert_eq!(scene.bodies().len(), 1);
}

fn each_round(record: &mut Value, change: &mut dyn FnMut(&mut Value)) {
    let starts = record["workloads"][0]["starts"].as_array_mut().expect("starts");
    starts.iter_mut().flat_map(|s| s["rounds"].as_array_mut().expect("rounds")).for_each(change);
    *record = agreed(record);
}

fn scale(round: &mut Value, factor: u64) {
    for column in ["ttft_us", "e2e_us"] {
        for value in round["columns"][column].as_array_mut().expect("a column") {
            *value = value.as_u64().map_or(Value::Null, |us| json!(us * factor));
        }
    }
}

/// A gate that cannot measure: exit code 3, whatever the machine is like.
fn check_of_nothing(scene: &Scene) -> Ran {
    scene.ran(&[
        "check",
        "--base",
        "none",
        "--base-url",
        "http://127.0.0.1:1/v1",
        "--model",
        "m",
        "--requests",
        "2",
        "--concurrency",
        "1",
    ])
}
