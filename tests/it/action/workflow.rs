//! A whole workflow, run by `act`. Not here: the script alone.

use std::fs;
use std::process::Command;

use super::root;
use crate::support::git;

const WORKFLOW: &str = r#"
on: {pull_request: {}}
permissions: {}
jobs:
  gate:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - id: gate
        continue-on-error: true
        uses: OWNER/goodput-gate@v0.1.0
        with: {binary: BINARY, token: "", WITH}
      - env: {SEEN: "${{ steps.gate.outcome }} ${{ steps.gate.outputs.verdict }} ${{ steps.gate.outputs.exit-code }}"}
        run: echo "seen=$SEEN"
"#;

const CONFIG: &str = "
version: 1
target: {sim: {noise: 'off'}}
workloads:
  - {name: chat, arrival: {closed: {concurrency: 2}}, requests: 20, output_tokens: 8, warmup: {requests: 2}, limits: {ttft_p50: {max: 10s}}}
gate: {starts: 1, min_starts: 1, rounds: 1}
";

/// A repository as a user has it, and what the steps of its workflow saw.
fn act(with: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let repository = folder.path().join("repository");
    fs::create_dir_all(repository.join(".github/workflows")).expect("made");
    let workflow =
        WORKFLOW.replace("BINARY", env!("CARGO_BIN_EXE_goodput-gate")).replace("WITH", with);
    fs::write(repository.join(".github/workflows/gate.yml"), workflow).expect("written");
    fs::write(repository.join("goodput-gate.yaml"), CONFIG).expect("written");
    let action = folder.path().join("action");
    fs::create_dir_all(action.join("action")).expect("made");
    for file in ["action.yml", "action/main.sh", "action/install.sh"] {
        fs::copy(root().join(file), action.join(file)).expect("copied");
    }
    for place in [&repository, &action] {
        for args in [&["init", "-q"][..], &["add", "-A"], &["commit", "-qm", "a"]] {
            git(place, folder.path(), args);
        }
    }
    let output = Command::new("act")
        .args([
            "pull_request",
            "-P",
            "ubuntu-latest=-self-hosted",
            "--no-cache-server",
            "--local-repository",
        ])
        .arg(format!("OWNER/goodput-gate@v0.1.0={}", action.display()))
        .current_dir(&repository)
        .env("HOME", folder.path())
        .env_remove("XDG_CACHE_HOME")
        .output()
        .expect("act is on the PATH");
    let log = String::from_utf8_lossy(&output.stdout).into_owned();
    let seen = log.lines().find_map(|l| l.split_once("| seen=")).map(|(_, seen)| seen.to_owned());
    seen.unwrap_or_else(|| {
        panic!("the last step did not run:\n{log}\n{}", String::from_utf8_lossy(&output.stderr))
    })
}

#[test]
#[ignore = "needs act (nektos/act) and node on the PATH"]
fn a_workflow_sees_verdict_and_exit_code() {
    // Nothing that depends on how fast this machine is.
    assert_eq!(act("dry-run: true"), "success  0");
    assert_eq!(act("set: target.sim.nonsense=1"), "failure  2");
    assert_eq!(act("base-url: http://127.0.0.1:9/v1, model: m"), "failure invalid 3");
}
