//! How an interleaved job ends early: deaths, signals, kills, builds that fail. Not here: what a
//! whole one says.

use rustix::process::Signal;
use serde_json::Value;

use super::{FEW, GATE, candidate, log, records, the_same_offline};
use crate::support::bed::flat;
use crate::support::servers::Servers;
use crate::support::supervisor::{send, until};

#[test]
fn what_stops_between_looks_never_passes() {
    let servers = candidate(GATE, "1.0\n");
    let bed = &servers.bed;
    let gate = servers.spawn(&["check", "--set", "gate.rounds=4"]);
    until("a second start pair", || servers.servers().len() > 2);
    gate.signal(Signal::TERM);
    gate.end().assert(130, &["interrupted"]);
    servers.left_nothing();
    assert_ne!(bed.json(".goodput-gate/report.json")["verdict"], "passed");
    assert!(records(&servers).iter().all(|r| r["interrupted"] == true));
    the_same_offline(&servers, 130);

    // More than what is under way when it ends, and never all of it.
    let ran = bed.measure(&[
        "check",
        "--time-limit",
        "4s",
        "--set",
        "workloads.chat.requests=200",
        "--set",
        "gate.on_inconclusive=fail",
    ]);
    assert!(matches!(ran.code, Some(3 | 5)), "{ran:?}");
    assert_ne!(bed.json(".goodput-gate/report.json")["verdict"], "passed");
    servers.left_nothing();
}

#[test]
fn the_death_of_either_server_is_the_reason_and_the_other_is_ended() {
    for dead in 0..2 {
        let servers = candidate(FEW, "1.0\n");
        let gate = servers.spawn(&["check", "--set", "workloads.chat.requests=5000"]);
        // Baseline first: its round is under way, and the other side waits.
        servers.answered("-r0-");
        let side = ["baseline", "candidate"][dead];
        let listening = log(&servers, &format!("{side}-start1.log"));
        let hello: Value =
            serde_json::from_str(listening.lines().last().expect("a line")).expect("JSON");
        send(i32::try_from(hello["pid"].as_i64().expect("an id")).expect("it fits"), Signal::KILL);
        let words = format!("the {side}'s server ended by itself (signal 9 (killed))");
        gate.end().assert(3, &["INVALID", &words, "serving with factor 1"]);
        servers.left_nothing();
        let report = servers.bed.json(".goodput-gate/report.json");
        assert_eq!(report["verdict"], "invalid");
        for file in ["report.json", "report.md", "junit.xml"] {
            let text = flat(&servers.bed.read(&format!(".goodput-gate/{file}")))
                .replace('\\', "")
                .replace("&#39;", "'")
                .replace("&apos;", "'");
            assert!(text.contains(&words), "{file}: {text}");
        }
        the_same_offline(&servers, 3);
    }
}

#[test]
fn a_signal_while_the_baseline_is_checked_out_leaves_nothing() {
    let servers = candidate(FEW, "1.0\n");
    std::fs::create_dir(servers.bed.path("many")).expect("a folder");
    for i in 0..2000 {
        servers.bed.write(&format!("many/{i}"), &i.to_string());
    }
    servers.bed.commit("many files");
    servers.bed.git(&["branch", "-q", "-f", "main", "HEAD"]);
    servers.bed.commit("nothing");
    let gate = servers.spawn(&["check"]);
    until("the checkout begins", || {
        std::fs::read_dir(servers.bed.home().join("tmp")).is_ok_and(|mut all| all.next().is_some())
    });
    gate.signal(Signal::INT);
    gate.end().assert(130, &["interrupted"]);
    servers.left_nothing();
}

/// Nobody is left to remove the worktree; the next run does, and leaves that of a run that goes on.
#[test]
fn what_a_killed_gate_leaves_is_removed_by_the_next() {
    let servers = candidate(FEW, "1.0\n");
    let building = ["check", "--set", "server.build=touch \"$PLACE/build\"; exec sleep 1000"];
    let worktrees = || servers.bed.git(&["worktree", "list"]).lines().count();
    let killed = servers.spawn(&building);
    servers.reaches("build");
    killed.signal(Signal::KILL);
    assert_eq!(killed.end().code, None);
    servers.soon_leaves_no_process();
    assert_eq!(worktrees(), 2, "of the killed one");

    std::fs::remove_file(servers.place().join("build")).expect("it is there");
    let going_on = servers.spawn(&building);
    servers.reaches("build");
    assert_eq!(worktrees(), 2, "of the one that goes on");
    // As on a machine whose gates do not see each other: it would wait.
    let alone =
        [("GOODPUT_GATE_LOCK_DIR", servers.bed.home().join("others").display().to_string())];
    let alone = alone.each_ref().map(|(name, value)| (*name, value.as_str()));
    let beside = ["check", "--out", "other", "--set", "server.build=false"];
    servers.bed.gate_with("", &alone, &beside).assert(3, &["building the baseline failed"]);
    assert_eq!(worktrees(), 2, "of the one that goes on");
    going_on.signal(Signal::INT);
    going_on.end().assert(130, &["interrupted"]);
    servers.left_nothing();
}

#[test]
fn a_baseline_that_does_not_build_is_never_started() {
    let servers = candidate(FEW, "1.0\n");
    // The commit before has no such file.
    servers.bed.write("Makefile", "");
    servers.bed.commit("what the build needs");
    let ran = servers.bed.gate(&["check", "--set", "server.build=echo compiling; cat Makefile"]);
    ran.assert(
        3,
        &[
            "building the baseline failed",
            "exit status 1",
            "compiling",
            "No such file",
            "baseline-build.log",
        ],
    );
    assert!(servers.servers().is_empty());
    assert_eq!(servers.bed.json(".goodput-gate/report.json")["verdict"], "invalid");
    servers.left_nothing();
    let failing = "server.build=test \"$(cat factor)\" = 1";
    servers
        .bed
        .gate(&["check", "--set", failing])
        .assert(3, &["building the candidate failed", "printed nothing"]);
    assert!(servers.servers().is_empty());
    servers.left_nothing();
}

#[test]
fn without_a_commit_to_compare_with_nothing_is_started() {
    let servers = Servers::new(FEW);
    let bed = &servers.bed;
    let refused = |folder: &str, args: &[&str], words: &[&str]| {
        bed.gate_in(folder, &[&["check"][..], args].concat()).assert(2, words);
        assert!(servers.servers().is_empty(), "{words:?}");
        servers.left_nothing();
    };
    refused("", &[], &["HEAD is the first commit of its branch", "nothing to compare it with"]);
    refused("", &["--base", "nowhere"], &["no commit, branch or tag \"nowhere\"", "fetch it"]);
    refused(
        "",
        &["--set", "gate.baseline={ref: v9}"],
        &["no commit, branch or tag \"v9\"", "gate.baseline.ref"],
    );
    bed.git(&["checkout", "-q", "--orphan", "other"]);
    bed.commit("unrelated");
    refused("", &[], &["HEAD and main have no commit in common", "gate.baseline.ref"]);
    bed.git(&["branch", "-q", "-D", "main"]);
    // Without any base branch HEAD is its own, outside CI.
    refused("", &[], &["HEAD is the first commit of its branch"]);

    let url = format!("file://{}", bed.path("").display());
    bed.commit("one more");
    bed.git_in("..", &["clone", "-q", "--depth", "1", &url, "shallow"]);
    refused("../shallow", &[], &["the clone is shallow", "fetch-depth: 0"]);
    std::fs::create_dir(bed.home().join("plain")).expect("a folder");
    for file in ["goodput-gate.yaml", "serve.sh", "factor"] {
        std::fs::copy(bed.path(file), bed.home().join("plain").join(file)).expect("a copy");
    }
    refused("../plain", &[], &["no git repository here or above"]);
    refused(
        "../plain",
        &["--set", "gate.baseline={ref: v1}"],
        &["no git repository here or above"],
    );
}
