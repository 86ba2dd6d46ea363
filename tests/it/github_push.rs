//! Baseline sessions onto a branch or into a pull request, against a GitHub on loopback where
//! others push too.
//!
//! Whatever it does, the session files stay in the working tree and the token is in no output. Not
//! here: `check` and `comment` (`github`).

use serde_json::{Value, json};

use crate::support::bed::{Bed, Ran};
use crate::support::github::{Fault, GitHub, REPO, TOKEN};
use crate::support::lineage::CONFIG;

const COMMIT: &str = "1111111111111111111111111111111111111111";
const PROPOSED: &str = "goodput-gate/baseline-main";

/// A GitHub with a main branch.
fn github() -> GitHub {
    let github = GitHub::start();
    github.state().git.commit("main", "README.md", "hello");
    github
}

/// A repository, as a job of the nightly workflow has it.
fn scene(github: &GitHub) -> Bed {
    let mut bed = Bed::repository(CONFIG);
    let event = bed.home().join("event.json");
    std::fs::write(&event, json!({"repository": {"default_branch": "main"}}).to_string())
        .expect("it can be written");
    for (name, value) in [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_EVENT_NAME", "schedule"),
        ("GITHUB_EVENT_PATH", &*event.display().to_string()),
        ("GITHUB_REF", "refs/heads/main"),
        ("GITHUB_REPOSITORY", REPO),
        ("GITHUB_SHA", COMMIT),
        ("GITHUB_RUN_ID", "77"),
        ("GITHUB_API_URL", &*github.api_url()),
        ("GITHUB_TOKEN", TOKEN),
    ] {
        bed.set(name, value);
    }
    bed
}

/// A record of clean code beside the repository.
fn record(bed: &Bed, session: &str) -> String {
    let text = include_str!("../fixtures/records/candidate.json");
    let mut record: Value = serde_json::from_str(text).expect("JSON");
    record["session"] = session.into();
    record["git"]["commit"] = COMMIT.into();
    let path = bed.home().join(format!("{session}.json"));
    std::fs::write(&path, record.to_string()).expect("it can be written");
    path.display().to_string()
}

/// `baseline promote` of one record.
fn promote(bed: &Bed, session: &str, how: &str) -> Ran {
    let record = record(bed, session);
    safe(bed, bed.gate(&["baseline", "promote", how, &record]))
}

fn safe(bed: &Bed, ran: Ran) -> Ran {
    assert!(!ran.stdout.contains(TOKEN) && !ran.stderr.contains(TOKEN), "{ran:?}");
    assert!(bed.baselines().iter().all(|(_, text)| !text.contains(TOKEN)));
    ran
}

fn path(session: &str) -> String {
    format!("baselines/chat/a0810be286bc/{}-{session}.json", &COMMIT[..12])
}

#[test]
fn a_session_is_committed_on_top_of_the_branch_as_it_is_in_the_working_tree() {
    let github = github();
    let bed = scene(&github);
    promote(&bed, "aaaaaaaa", "--push=main")
        .assert(0, &["pushed 1 session to main: https://github.com/acme/serve/commit/"]);
    let state = github.state();
    let files = state.git.files("main");
    assert_eq!(files.get("README.md").map(String::as_str), Some("hello"), "what is there stays");
    assert_eq!(files.get(&path("aaaaaaaa")), Some(&bed.baselines()[0].1));
    let tip = state.git.tip("main");
    assert_eq!((tip.parents.len(), state.git.history("main").len()), (1, 2));
    assert!(
        tip.message
            .starts_with("Add a baseline session of 111111111111\n\nAdded by https://github.com/acme/serve/actions/runs/77")
    );
}

#[test]
fn what_is_there_is_not_pushed_again_and_never_written_over() {
    let github = github();
    let bed = scene(&github);
    promote(&bed, "aaaaaaaa", "--push=main").assert(0, &["pushed"]);
    // Also where the file is in the working tree from the last time.
    promote(&bed, "aaaaaaaa", "--push=refs/heads/main").assert(0, &["1 session on main already"]);
    promote(&bed, "aaaaaaaa", "--pull-request").assert(0, &["1 session on main already"]);
    assert_eq!(github.state().git.history("main").len(), 2);
    assert_eq!(github.state().pulls.len(), 0);

    github.state().git.commit("main", &path("bbbbbbbb"), "{}");
    promote(&bed, "bbbbbbbb", "--push=main")
        .assert(3, &["with other content", "the files are in the working tree"]);
    assert_eq!(github.state().git.files("main")[&path("bbbbbbbb")], "{}");
}

#[test]
fn a_lost_race_is_run_again_on_the_new_tip() {
    for races in [1, 3] {
        let github = github();
        github.state().git.races = races;
        let bed = scene(&github);
        promote(&bed, "aaaaaaaa", "--push=main").assert(0, &["pushed"]);
        let files = github.state().git.files("main");
        assert_eq!(
            files.keys().filter(|p| p.starts_with("other/")).count(),
            races,
            "what others pushed stays"
        );
        assert!(files.contains_key(&path("aaaaaaaa")));
    }
}

#[test]
fn who_always_loses_gives_up_and_keeps_the_session() {
    let github = github();
    github.state().git.races = usize::MAX;
    let bed = scene(&github);
    promote(&bed, "aaaaaaaa", "--push=main")
        .assert(3, &["others pushed to the branch 8 times", "baseline promote", "working tree"]);
    assert!(!github.state().git.files("main").contains_key(&path("aaaaaaaa")));
    assert_eq!(bed.baselines().len(), 1);
    // Later, from the stored record.
    github.state().git.races = 0;
    promote(&bed, "aaaaaaaa", "--push=main").assert(0, &["pushed"]);
}

#[test]
fn jobs_that_end_at_once_all_land() {
    let github = github();
    let all: Vec<String> = (0..4).map(|i| format!("{i:08x}")).collect();
    for how in ["--push=main", "--pull-request=main"] {
        std::thread::scope(|scope| {
            for session in &all {
                let github = &github;
                scope.spawn(move || promote(&scene(github), session, how).assert(0, &[]));
            }
        });
        // Pushed already: other names for the request.
        let branch = if how.starts_with("--push") { "main" } else { PROPOSED };
        let files = github.state().git.files(branch);
        assert!(all.iter().all(|s| files.contains_key(&path(s))), "{how} {:?}", files.keys());
        github.state().git = crate::support::github::git::Git::default();
        github.state().git.commit("main", "README.md", "hello");
    }
    assert_eq!(github.state().pulls.len(), 1, "one request of all");
}

#[test]
fn what_github_refuses_is_exit_3_with_what_to_do_and_the_session_stays() {
    for (method, route, status, words) in [
        ("POST", "/git/trees", 403, "`permissions: contents: write`"),
        ("POST", "/git/commits", 404, "`permissions: contents: write`"),
        ("POST", "/git/trees", 422, "GitHub answered 422: injected"),
        ("PATCH", "/git/refs", 401, "GITHUB_TOKEN"),
        ("PATCH", "/git/refs", 403, "`permissions: contents: write`"),
        ("POST", "/git/trees", 503, "GitHub answered 503"),
        ("POST", "/git/commits", 0, "no answer from GitHub"),
    ] {
        let github = github();
        let message = if status == 422 {
            "injected: Bearer ghs_thisIsTheSecretToken0123456789"
        } else {
            "injected"
        };
        github.fault(Fault { message, ..Fault::new(method, route, status) });
        let bed = scene(&github);
        promote(&bed, "aaaaaaaa", "--push=main").assert(
            3,
            &[
                "::error title=goodput-gate::1 session not on GitHub",
                words,
                "the files are in the working tree",
                "aaaaaaaa.json",
            ],
        );
        assert_eq!(bed.baselines().len(), 1, "{route} {status}");
        assert_eq!(github.state().git.history("main").len(), 1);
    }
}

#[test]
fn trouble_that_passes_is_no_trouble() {
    for (method, route, status, done) in [
        ("POST", "/git/trees", 502, false),
        ("POST", "/git/commits", 502, true),
        ("POST", "/git/trees", 0, true),
        ("PATCH", "/git/refs", 502, true),
        ("PATCH", "/git/refs", 0, true),
        ("GET", "/contents/", 503, false),
    ] {
        let github = github();
        github.fault(Fault { times: 1, done, ..Fault::new(method, route, status) });
        let bed = scene(&github);
        promote(&bed, "aaaaaaaa", "--push=main").assert(0, &["1 session", "main"]);
        assert_eq!(github.state().git.history("main").len(), 2, "once: {method} {route} {status}");
    }
    let github = github();
    github.fault(Fault {
        times: 1,
        headers: vec![("retry-after", "1")],
        ..Fault::new("POST", "/git/commits", 429)
    });
    promote(&scene(&github), "aaaaaaaa", "--push=main").assert(0, &["pushed"]);
    github.fault(Fault {
        headers: vec![("retry-after", "3600")],
        ..Fault::new("POST", "/git/trees", 403)
    });
    promote(&scene(&github), "bbbbbbbb", "--push=main")
        .assert(3, &["asks to wait 3600 s", "later"]);
}

#[test]
fn a_protected_branch_is_no_lost_race() {
    for (status, message) in [
        (422, "Repository rule violations found\n\nChanges must be made through a pull request."),
        (409, "Repository rule violations found"),
        (422, "Reference cannot be updated"),
    ] {
        let github = github();
        github.state().git.protected = Some(("main", status, message));
        let bed = scene(&github);
        promote(&bed, "aaaaaaaa", "--push=main")
            .assert(3, &["the branch is protected: Re", "use --pull-request"]);
        assert_eq!(github.sent("PATCH"), 1, "tried once");
        promote(&bed, "aaaaaaaa", "--pull-request").assert(0, &["opened a pull request"]);
    }
}

#[test]
fn a_pull_request_is_opened_and_later_sessions_go_on_in_it() {
    let github = github();
    let bed = scene(&github);
    promote(&bed, "aaaaaaaa", "--pull-request").assert(
        0,
        &["opened a pull request with 1 session: https://github.com/acme/serve/pull/1001"],
    );
    promote(&bed, "bbbbbbbb", "--pull-request=main").assert(
        0,
        &["added 1 session to the open pull request: https://github.com/acme/serve/pull/1001"],
    );
    // Once more, as when a job is run again.
    promote(&bed, "bbbbbbbb", "--pull-request").assert(0, &["pull/1001"]);
    let state = github.state();
    assert_eq!(state.pulls.len(), 1);
    let (pull, files) = (&state.pulls[0], state.git.files(PROPOSED));
    assert_eq!(
        (&pull["title"], &pull["base"]["ref"]),
        (&json!("Add baseline sessions to main"), &json!("main"))
    );
    let body = pull["body"].as_str().expect("text");
    assert!(
        ["aaaaaaaa", "bbbbbbbb"]
            .iter()
            .all(|s| body.matches(s).count() == 1 && files.contains_key(&path(s))),
        "{body}"
    );
    assert!(
        body.contains("| ttft_geomean |") && body.contains(COMMIT) && !body.contains(TOKEN),
        "{body}"
    );
    assert_eq!(state.git.files("main").len(), 1, "main is as it was");
}

#[test]
fn a_merged_branch_is_brought_up_to_its_base_for_the_next_request() {
    let github = github();
    let bed = scene(&github);
    promote(&bed, "aaaaaaaa", "--pull-request").assert(0, &["opened"]);
    {
        // A squash merge that leaves the branch.
        let mut state = github.state();
        let text = state.git.files(PROPOSED)[&path("aaaaaaaa")].clone();
        state.git.commit("main", &path("aaaaaaaa"), &text);
        state.pulls[0]["state"] = json!("closed");
    }
    promote(&bed, "bbbbbbbb", "--pull-request").assert(0, &["opened a pull request"]);
    let state = github.state();
    let main = state.git.branches["main"].clone();
    assert!(state.git.history(PROPOSED).iter().any(|c| c.parents.contains(&main)), "main is in it");
    let body = state.pulls[1]["body"].as_str().expect("text");
    assert!(body.contains("bbbbbbbb") && !body.contains("aaaaaaaa"), "{body}");
}

#[test]
fn a_request_that_could_not_be_opened_says_so_and_its_branch_is_there() {
    let setting = "GitHub Actions is not permitted to create or approve pull requests.";
    for (message, status, words) in [
        (setting, 403, "Allow GitHub Actions to create and approve pull requests"),
        ("Resource not accessible by integration", 403, "`permissions: pull-requests: write`"),
        ("Validation Failed", 422, "GitHub answered 422"),
    ] {
        let github = github();
        github.fault(Fault { message, ..Fault::new("POST", "/pulls", status) });
        let bed = scene(&github);
        promote(&bed, "aaaaaaaa", "--pull-request")
            .assert(3, &[words, "the files are on their branch"]);
        assert!(github.state().git.files(PROPOSED).contains_key(&path("aaaaaaaa")));
        github.state().faults.clear();
        promote(&bed, "aaaaaaaa", "--pull-request").assert(0, &["opened"]);
    }
    // Opened, and the answer lost.
    let github = github();
    github.fault(Fault { times: 1, done: true, ..Fault::new("POST", "/pulls", 502) });
    promote(&scene(&github), "aaaaaaaa", "--pull-request").assert(0, &["pull/1001"]);
    assert_eq!(github.state().pulls.len(), 1);
}

#[test]
fn what_cannot_land_is_known_before_anything_is_measured() {
    let github = github();
    let bed = scene(&github);
    let update = |env: &[(&str, &str)], how: &str| {
        safe(&bed, bed.gate_with("", env, &["baseline", "update", how]))
    };
    update(&[], "--push=mian")
        .assert(2, &["nothing was done", "no branch \"mian\" on GitHub", "contents: write"]);
    update(&[("GITHUB_TOKEN", "wrong")], "--push=main").assert(2, &["401", "GOODPUT_GATE_TOKEN"]);
    update(&[("GITHUB_TOKEN", "")], "--push=main")
        .assert(2, &["GITHUB_TOKEN is not in the environment", "git push origin HEAD:main"]);
    let local = [("GITHUB_ACTIONS", ""), ("GITHUB_REPOSITORY", ""), ("GITHUB_TOKEN", "")];
    update(&local, "--pull-request").assert(
        2,
        &["git add baselines && git commit", "git push origin HEAD:goodput-gate/baseline-main"],
    );
    bed.gate(&["baseline", "update", "--push=main", "--pull-request"])
        .assert(2, &["cannot be used with"]);
    assert!(bed.baselines().is_empty() && !bed.path(".goodput-gate").exists());
    // Outside of a workflow, with both variables, the repository's own default branch is the base.
    let laptop = [("GITHUB_ACTIONS", ""), ("GITHUB_REF", "")];
    let record = record(&bed, "aaaaaaaa");
    safe(
        &bed,
        bed.gate_with("", &laptop, &["baseline", "update", "--pull-request", "--from", &record]),
    )
    .assert(0, &["opened"]);
    assert_eq!(github.state().pulls[0]["base"]["ref"], "main");
}
