//! `check` and `baseline` against the simulated server, in repositories of their own: what is found
//! by commit, what is written, what is refused, and with which exit code. No verdict here depends
//! on how fast this machine is.
//!
//! Not here: verdicts as such (`gate_judging`), the client's behaviour under load (`load_*`).

use std::time::Duration;

use serde_json::Value;

use crate::support::bed::{Bed, files, flat};

/// First tokens are slow, so that a client that shares its processors with other tests is still
/// punctual by comparison.
const CONFIG: &str = "\
version: 1
target:
  sim: {noise: \"off\", request_overhead_ms: 250, seed: 7}
workloads:
  - name: chat
    arrival: {closed: {concurrency: 8}}
    requests: 24
    prompts: {synthetic: {input_tokens: 16}}
    output_tokens: 4
    warmup: {requests: 1}
gate: {starts: 1, min_starts: 1, rounds: 1}
";

/// A repository with one session, not committed yet.
fn updated() -> Bed {
    let bed = Bed::repository(CONFIG);
    bed.measure(&["baseline", "update"]).assert(0, &["added"]);
    assert_eq!(bed.baselines().len(), 1);
    bed
}

fn report(bed: &Bed) -> Value {
    bed.json(".goodput-gate/report.json")
}

#[test]
fn a_check_against_sessions_makes_as_many_starts_as_a_pass_needs() {
    let bed = Bed::repository(&CONFIG.replace(" min_starts: 1,", ""));
    let says = |args: &[&str], starts: &str| {
        bed.gate(&[args, &["--dry-run"]].concat()).assert(0, &[starts]);
    };
    says(&["check"], "2 starts, 1 round each");
    says(&["check", "--set", "gate.occasion=nightly"], "3 starts, 1 round each");
    says(&["check", "--set", "gate.occasion=release"], "6 starts, 1 round each");
    says(&["check", "--set", "gate.min_starts=1"], "1 start, 1 round each");
    says(&["check", "--set", "gate.starts=8"], "8 starts, 1 round each");
    for of_one_side in
        [&["run"][..], &["baseline", "update"], &["check", "--set", "gate.mode=limits"]]
    {
        says(of_one_side, "1 start, 1 round each");
    }
    bed.measure(&["check", "--set", "gate.min_starts=3"]).assert(0, &["NO BASELINE"]);
    let starts = bed.json(".goodput-gate/record.json")["workloads"][0]["starts"].clone();
    assert_eq!(starts.as_array().map(Vec::len), Some(3));
}

#[test]
fn six_sessions_judge_and_a_slow_decode_fails_everywhere() {
    // Half as slow again is what this team calls relevant: no neighbour on this machine does that.
    let relevant = "ttft_geomean: 50%, ttft_p50: 50%, tpot_geomean: 50%, e2e_geomean: 50%, output_token_rate: 50%";
    let bed = Bed::repository(
        &CONFIG.replace("gate:", &format!("    regressions: {{{relevant}}}\ngate:")),
    );
    while bed.baselines().len() < 6 {
        bed.measure(&["baseline", "update"]).assert(0, &["added"]);
    }
    bed.commit("baselines");
    let before = bed.baselines();
    bed.measure(&["check"]).assert(0, &["PASS", "6 sessions"]);
    assert_eq!(report(&bed)["verdict"], "passed");

    bed.measure(&["check", "--set", "target.sim.decode_factor=6"])
        .assert(1, &["FAIL", "tpot_geomean", "regressed"]);
    let checked = report(&bed);
    let tpot = checked["workloads"][0]["metrics"]
        .as_array()
        .and_then(|all| all.iter().find(|m| m["metric"] == "tpot_geomean"));
    assert_eq!(
        (&checked["verdict"], &tpot.expect("judged")["judgement"]),
        (&"failed".into(), &"regressed".into())
    );
    assert!(bed.troubles().iter().any(|t| t.case == "tpot_geomean" && t.element == "failure"));
    let markdown = bed.read(".goodput-gate/report.md").replace('\\', "");
    assert!(markdown.contains("FAIL") && markdown.contains("tpot_geomean"), "{markdown}");
    assert_eq!(bed.baselines(), before, "a run that gates never writes a baseline");

    let offline =
        bed.gate(&["compare", "baselines", ".goodput-gate/record.json", "--out", "offline"]);
    offline.assert(1, &["FAIL"]);
    let compared = bed.json("offline/report.json");
    for part in ["verdict", "exit_code", "headline"] {
        assert_eq!(compared[part], checked[part]);
    }
    for part in ["reasons", "warnings", "metrics", "limits"] {
        assert_eq!(compared["workloads"][0][part], checked["workloads"][0][part]);
    }
}

#[test]
fn one_session_is_inconclusive_and_policy_decides() {
    let bed = updated();
    bed.commit("baselines");
    bed.measure(&["check"]).assert(
        0,
        &["INCONCLUSIVE", "5 more baseline sessions are needed (1 of 6 are there)", "this commit"],
    );
    bed.measure(&["check", "--set", "gate.on_inconclusive=fail"]).assert(5, &["INCONCLUSIVE"]);
    bed.measure(&["check", "--set", "target.sim.model=other"])
        .assert(4, &["INCOMPARABLE", "model: sim-8b -> other"]);
    let set = ["--set", "target.sim.model=other", "--set", "gate.on_incomparable=warn"];
    bed.measure(&[&["check"][..], &set].concat()).assert(0, &["INCOMPARABLE", "model"]);
    bed.gate(&["baseline", "list"]).assert(0, &["chat", &bed.git(&["rev-parse", "HEAD~1"])[..10]]);
    bed.measure(&["check", "--baseline", "baselines"]).assert(0, &["INCONCLUSIVE", "1 of 6"]);
    bed.gate(&["check", "--baseline", "nowhere"]).assert(2, &["no such file or folder: nowhere"]);
}

#[test]
fn an_update_adds_a_file_for_each_workload_and_a_dry_run_none() {
    let one = CONFIG
        .split_once("workloads:\n")
        .and_then(|(_, rest)| rest.split_once("gate:"))
        .expect("it has both")
        .0;
    let bed = Bed::repository(
        &CONFIG.replace(one, &format!("{one}{}", one.replace("name: chat", "name: code"))),
    );
    for verb in [&["check"][..], &["run"], &["baseline", "update"]] {
        bed.gate(&[verb, &["--dry-run"]].concat())
            .assert(0, &["nothing is sent", "chat:", "code:"]);
    }
    assert!(!bed.path(".goodput-gate").exists() && bed.baselines().is_empty());
    bed.measure(&["baseline", "update"]).assert(0, &["baselines/chat/", "baselines/code/"]);
    let names: Vec<_> = bed
        .baselines()
        .into_iter()
        .map(|(_, text)| text.contains("\"workload\": \"chat\""))
        .collect();
    assert_eq!(names, [true, false]);
}

#[test]
fn an_update_adds_a_file_and_never_overwrites() {
    let bed = updated();
    let first = bed.baselines();
    assert!(first[0].0.starts_with(bed.path("baselines/chat")), "{first:?}");
    // A baseline that is not committed yet does not make the tree dirty.
    bed.measure(&["baseline", "update"]).assert(0, &["added"]);
    let both = bed.baselines();
    assert_eq!(both.len(), 2);
    assert!(both.contains(&first[0]), "the first file is as it was");
    let again = bed.gate(&["baseline", "update", "--from", ".goodput-gate/record.json"]);
    again.assert(3, &["cannot write", "exists"]);
    assert_eq!(bed.baselines(), both);
    assert!(
        both.iter().all(|(path, _)| path.extension().is_some_and(|e| e == "json")),
        "no temporary file is left"
    );
}

#[test]
fn an_update_is_only_of_what_a_commit_holds() {
    let bed = Bed::repository(CONFIG);
    bed.write("new.txt", "not committed\n");
    bed.gate(&["baseline", "update"]).assert(2, &["no commit holds", "--force"]);
    // A name that only begins like the folder is not in it.
    std::fs::remove_file(bed.path("new.txt")).expect("it is there");
    bed.write("baselines-notes.txt", "not committed\n");
    bed.gate(&["baseline", "update"]).assert(2, &["no commit holds"]);
    assert!(bed.baselines().is_empty());

    // Measured in a dirty tree: a clean one afterwards does not make it the commit's.
    bed.measure(&["run"]).assert(0, &[]);
    std::fs::copy(bed.path(".goodput-gate/record.json"), bed.home().join("dirty.json"))
        .expect("a copy");
    std::fs::remove_file(bed.path("baselines-notes.txt")).expect("it is there");
    bed.gate(&["baseline", "update", "--from", "../dirty.json"])
        .assert(2, &["dirty.json", "no commit holds", "--force"]);
    assert!(bed.baselines().is_empty());
    bed.gate(&["baseline", "update", "--from", "../dirty.json", "--force"]).assert(0, &["added"]);
    assert_eq!(bed.baselines().len(), 1);
}

#[test]
fn an_update_refuses_what_must_not_become_a_reference() {
    let bed = Bed::repository(CONFIG);
    let limit = ["--set", "workloads.chat.limits={ttft_p50: {max: 1ms}}"];
    let ran = bed.measure(&[&["baseline", "update"][..], &limit].concat());
    ran.assert(3, &["not added to the baseline", "breaches a limit", "p50 TTFT"]);
    let failing = ["--set", "target.sim.error_500=1"];
    bed.gate(&[&["baseline", "update"][..], &failing].concat()).assert(3, &["500"]);
    bed.measure(&["run"]).assert(0, &[]);
    let mut record = bed.json(".goodput-gate/record.json");
    record["interrupted"] = true.into();
    std::fs::write(bed.home().join("cut.json"), record.to_string()).expect("it can be written");
    bed.gate(&["baseline", "update", "--from", "../cut.json"])
        .assert(3, &["not added to the baseline", "interrupted"]);
    record["interrupted"] = false.into();
    let round = &mut record["workloads"][0]["starts"][0]["rounds"][0];
    round["findings"] = serde_json::json!([{"severity": "invalid", "check": "client_cpu", "message": "a thread was busy"}]);
    std::fs::write(bed.home().join("unfit.json"), record.to_string()).expect("it can be written");
    bed.gate(&["baseline", "update", "--from", "../unfit.json"])
        .assert(3, &["INVALID", "a thread was busy"]);
    assert!(bed.baselines().is_empty());
}

#[test]
fn a_breached_limit_fails_with_one_start_and_without_a_baseline() {
    let bed = Bed::repository(CONFIG);
    let ran = bed.measure(&["check", "--set", "workloads.chat.limits={ttft_p50: {max: 1ms}}"]);
    ran.assert(1, &["FAIL", "p50 TTFT", "over its limit", "1 server start"]);
    assert!(
        bed.troubles().iter().any(|t| t.case == "limit ttft_p50 max" && t.element == "failure")
    );
}

#[test]
fn a_shallow_clone_is_an_error_that_names_the_way_out() {
    let bed = updated();
    bed.commit("baselines");
    let url = format!("file://{}", bed.path("").display());
    bed.git_in("..", &["clone", "-q", "--depth", "1", &url, "shallow"]);
    for args in [&["check"][..], &["baseline", "list"]] {
        bed.gate_in("../shallow", args).assert(2, &["shallow", "fetch-depth: 0"]);
    }
    assert!(!bed.home().join("shallow/.goodput-gate/record.json").exists(), "nothing was measured");
    bed.git_in("..", &["clone", "-q", &url, "whole"]);
    bed.measure_in("../whole", &["check"]).assert(0, &["INCONCLUSIVE", "1 of 6"]);
}

#[test]
fn sessions_are_found_by_commit_or_by_tree_along_first_parents() {
    let bed = Bed::repository(CONFIG);
    bed.git(&["checkout", "-q", "-b", "side"]);
    bed.write("code.txt", "faster\n");
    bed.commit("faster");
    bed.measure(&["baseline", "update"]).assert(0, &["added"]);
    bed.commit("baseline of the side branch");

    // On main the files may be at hand; their commit is not on the lineage, nor is their tree.
    bed.git(&["checkout", "-q", "main"]);
    bed.git(&["checkout", "-q", "side", "--", "baselines"]);
    bed.commit("only the baseline files");
    bed.measure(&["check"]).assert(0, &["NO BASELINE", "none in this branch's history"]);
    bed.gate(&["baseline", "list"]).assert(0, &["not on this lineage"]);
    bed.measure(&["check", "--set", "gate.on_missing_baseline=fail"]).assert(4, &["NO BASELINE"]);

    // A squash merge: the same tree in another commit.
    bed.git(&["merge", "-q", "--squash", "side"]);
    bed.commit("squashed");
    assert_ne!(bed.git(&["rev-parse", "HEAD"]), bed.git(&["rev-parse", "side~1"]));
    bed.measure(&["check"]).assert(0, &["INCONCLUSIVE", "1 of 6"]);
    assert_eq!(report(&bed)["workloads"][0]["baseline"]["distance_commits"], 0);
}

#[test]
fn a_merged_side_branch_is_not_on_the_lineage() {
    let bed = Bed::repository(CONFIG);
    bed.git(&["checkout", "-q", "-b", "side"]);
    bed.write("side.txt", "side\n");
    bed.commit("side");
    bed.measure(&["baseline", "update"]).assert(0, &["added"]);
    bed.commit("baseline");
    bed.git(&["checkout", "-q", "main"]);
    bed.write("main.txt", "main\n");
    bed.commit("main goes on");
    bed.git(&["merge", "-q", "--no-ff", "-m", "merge", "side"]);
    assert_eq!(bed.baselines().len(), 1);
    bed.gate(&["baseline", "list"]).assert(0, &["not on this lineage"]);
}

#[test]
fn outside_of_git_there_is_no_baseline() {
    let bed = Bed::new();
    bed.write("goodput-gate.yaml", CONFIG);
    bed.measure(&["check"]).assert(0, &["NO BASELINE", "no git repository here or above"]);
    bed.measure(&["check", "--set", "gate.on_missing_baseline=fail"]).assert(4, &["NO BASELINE"]);
    bed.gate(&["baseline", "update"]).assert(2, &["no git repository"]);
    bed.gate(&["baseline", "list"]).assert(2, &["no git repository"]);
}

#[test]
fn a_repository_without_a_commit_has_no_baseline() {
    let bed = Bed::new();
    bed.git(&["init", "-q", "-b", "main", "."]);
    bed.write("goodput-gate.yaml", CONFIG);
    bed.measure(&["check"]).assert(0, &["NO BASELINE", "no commit yet"]);
    bed.gate(&["baseline", "update"]).assert(2, &["no commit yet"]);
}

#[test]
fn without_a_config_it_says_where_it_looked() {
    let bed = Bed::new();
    let ran = bed.gate(&["check"]);
    ran.assert(
        2,
        &["no config found", ".github/goodput-gate.yaml or goodput-gate.yaml", "--config FILE"],
    );
    assert!(
        flat(&ran.stderr)
            .contains(&bed.path("").display().to_string().trim_end_matches('/').to_owned())
    );
    assert!(files(&bed.path("")).is_empty(), "nothing was written");
}

#[test]
fn a_dead_server_is_3_and_the_reports_say_so() {
    let bed = Bed::repository(&CONFIG.replace(
        "sim: {noise: \"off\", request_overhead_ms: 250, seed: 7}",
        "base_url: http://127.0.0.1:9/v1",
    ));
    for command in ["check", "run"] {
        bed.gate(&[command]).assert(3, &["127.0.0.1:9"]);
        let report = report(&bed);
        assert_eq!(
            (&report["verdict"], &report["exit_code"]),
            (&"invalid".into(), &3.into()),
            "{command}"
        );
        assert_eq!(report["workloads"], Value::Array(Vec::new()));
        let troubles = bed.troubles();
        assert!(
            troubles.len() == 1 && troubles[0].element == "error",
            "a file without a case reads as a pass to some"
        );
        for said in [
            report["headline"].to_string(),
            bed.read(".goodput-gate/report.md"),
            bed.read(".goodput-gate/junit.xml"),
        ] {
            assert!(said.contains("INVALID") || said.contains("could not measure"), "{said}");
        }
    }
    bed.gate(&["baseline", "update"]).assert(3, &["127.0.0.1:9"]);
    assert_eq!(report(&bed)["verdict"], "invalid", "whoever reads files finds the reason there");
    assert!(bed.baselines().is_empty());
}

#[test]
fn an_unreadable_baseline_is_2_before_anything_is_sent() {
    let bed = Bed::repository(CONFIG);
    std::fs::create_dir(bed.path("baselines")).expect("a folder");
    bed.write("baselines/broken.json", "{");
    bed.commit("a broken baseline");
    bed.gate(&["check"]).assert(2, &["broken.json", "cannot be used"]);
    assert!(!bed.path(".goodput-gate/record.json").exists(), "nothing was measured");
}

#[test]
fn a_run_measures_and_never_fails_the_gate() {
    let bed = Bed::repository(CONFIG);
    let ran = bed.measure(&["run", "--set", "workloads.chat.limits={ttft_p50: {max: 1ms}}"]);
    ran.assert(0, &["nothing judged"]);
    assert_eq!(report(&bed)["verdict"], Value::Null);
}

/// `/proc` knows what the child was given. It may be gone before we look: then it leaked nothing
/// either, and the next one is looked at.
#[test]
fn the_simulated_server_gets_none_of_our_environment() {
    let bed = Bed::repository(&CONFIG.replace("rounds: 1", "rounds: 500"));
    let mut gate = bed.spawn(&["check"]);
    let mut seen = None;
    for _ in 0..3000 {
        let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", gate.id()))
            .unwrap_or_default();
        let sim = children.split_whitespace().find_map(|pid| {
            let of = |what: &str| std::fs::read_to_string(format!("/proc/{pid}/{what}")).ok();
            of("cmdline")
                .filter(|line| line.contains("--stop-with-stdin"))
                .and_then(|_| of("environ"))
        });
        if sim.is_some() || gate.try_wait().expect("it is ours").is_some() {
            seen = sim;
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    gate.kill().expect("it is ours");
    gate.wait().expect("it ends");
    assert_eq!(seen.as_deref(), Some(""));
}

/// Sends SIGTERM once the first round is saved.
fn terminated(bed: &Bed, args: &[&str]) {
    let mut child = bed.spawn(args);
    let saved = bed.path(".goodput-gate/record.json");
    while !saved.exists() && child.try_wait().expect("it is ours").is_none() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    let record = bed.json(".goodput-gate/record.json");
    assert_eq!(record["interrupted"], true);
    assert!(
        record["workloads"][0]["starts"][0]["rounds"].as_array().is_some_and(|r| !r.is_empty())
    );
}

#[test]
fn sigterm_is_130_and_what_was_measured_is_saved() {
    let bed = Bed::repository(&CONFIG.replace("rounds: 1", "rounds: 500"));
    terminated(&bed, &["check"]);
    assert_eq!(report(&bed)["exit_code"], 130);
}

#[test]
fn an_interrupted_update_adds_nothing() {
    let bed = Bed::repository(&CONFIG.replace("rounds: 1", "rounds: 500"));
    terminated(&bed, &["baseline", "update"]);
    assert!(bed.baselines().is_empty());
}
