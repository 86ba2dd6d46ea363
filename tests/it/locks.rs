//! Several gates on one machine: who waits for whom, what `--no-wait` and `--exclusive` do, and
//! what a dead gate holds.

use std::process::Child;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::bed::Bed;
use crate::support::{Act, Gate, Part, Server, wait_for};

const SMALL: [&str; 4] = ["--requests", "3", "--concurrency", "1"];

/// Its round does not end before it is released.
fn slow() -> Server {
    Server::start(|seen| match seen.part {
        Part::Round(_, 1) => seen.good().after(Act::Hold),
        _ => seen.good(),
    })
}

fn run(url: &str, more: &[&str]) -> Vec<String> {
    Gate::measure_args(url, &[&SMALL[..], more].concat())
}

fn under_way(server: &Server) {
    assert!(
        wait_for(|| server.planned().iter().any(|s| s.part == Part::Round(0, 1))),
        "the round gets under way"
    );
}

fn waits_for(gate: &Gate, other: &Child, why: &str) {
    let words = format!("waiting for `run` (process {}", other.id());
    assert!(wait_for(|| gate.text("stderr.txt").contains(&words)), "{}", gate.text("stderr.txt"));
    assert!(gate.text("stderr.txt").contains(why), "{}", gate.text("stderr.txt"));
}

fn measured(child: Child, gate: &Gate) {
    let code = Gate::end(child);
    assert!(matches!(code, Some(0 | 3)), "{code:?} {}", gate.text("stderr.txt"));
    assert_eq!(
        gate.round()["columns"]["outcome"],
        serde_json::json!(["completed", "completed", "completed"])
    );
}

#[test]
fn a_second_gate_waits_for_the_server_however_it_is_spelled() {
    let server = slow();
    let first = Gate::new();
    let one = first.spawn(&run(&server.url(), &[]));
    under_way(&server);
    let second = first.beside();
    let other = second.spawn(&run(&server.url().replace("127.0.0.1", "localhost"), &[]));
    waits_for(&second, &one, "it has address this machine:");
    let refused = first.beside().run(&run(&server.url(), &["--no-wait"]));
    refused
        .assert_says(3, &["another gate is in the way", "hint: wait for it, leave out --no-wait"]);
    server.release();
    measured(one, &first);
    measured(other, &second);
    assert!(
        !first.findings("note").contains(&"other_gate".to_owned()),
        "they never measured together"
    );
}

#[test]
fn a_second_gate_waits_for_the_folder_and_leaves_its_files_alone() {
    let (server, other) = (slow(), Server::good());
    let gate = Gate::new();
    let one = gate.spawn(&run(&server.url(), &[]));
    under_way(&server);
    gate.write(".goodput-gate/report.json", "the first one's");
    let link = gate.path("link");
    std::os::unix::fs::symlink(".goodput-gate", &link).expect("a link");
    for verb in ["run", "check", "calibrate"] {
        let args = [verb, "--base-url", &other.url(), "--no-wait", "--out", "link"];
        gate.run(&args).assert_says(3, &["another gate is in the way", "has the output folder"]);
    }
    // A config that cannot be used ends before any wait; the folder is not its own all the same.
    assert_eq!(gate.run(&["check", "--base-url", "nonsense"]).code, Some(2));
    assert_eq!(gate.text(".goodput-gate/report.json"), "the first one's");
    assert!(other.seen().is_empty());
    server.release();
    measured(one, &gate);
}

#[test]
fn gates_of_two_servers_go_side_by_side_and_name_each_other() {
    let (server, other) = (slow(), slow());
    let first = Gate::new();
    let second = first.beside();
    let one = first.spawn(&run(&server.url(), &[]));
    under_way(&server);
    let two = second.spawn(&run(&other.url(), &[]));
    under_way(&other);
    let pids = [one.id(), two.id()];
    server.release();
    measured(one, &first);
    other.release();
    measured(two, &second);
    for (gate, pid) in [(&first, pids[1]), (&second, pids[0])] {
        let text = gate.round()["findings"].to_string();
        let words = format!(
            "other gates measured on this machine meanwhile, with servers of their own: `run` (process {pid},"
        );
        assert!(text.contains(&words), "{text}");
    }
}

#[test]
fn exclusive_is_for_the_whole_machine() {
    let (server, other) = (slow(), Server::good());
    let first = Gate::new();
    let one = first.spawn(&run(&server.url(), &[]));
    under_way(&server);
    first
        .beside()
        .run(&run(&other.url(), &["--exclusive", "--no-wait"]))
        .assert_says(3, &["has this machine (--exclusive)"]);
    let second = first.beside();
    let two = second.spawn(&run(&other.url(), &["--exclusive"]));
    waits_for(&second, &one, "this machine");
    // In the order in which they came: nobody overtakes who waits.
    first
        .beside()
        .run(&run(&Server::good().url(), &["--no-wait"]))
        .assert_says(3, &["another gate is in the way"]);
    server.release();
    measured(one, &first);
    measured(two, &second);
}

#[test]
fn a_dead_gate_holds_nothing() {
    let server = slow();
    let first = Gate::new();
    let mut one = first.spawn(&run(&server.url(), &[]));
    under_way(&server);
    one.kill().expect("it runs");
    Gate::end(one);
    server.release();
    let again = first.run(&run(&server.url(), &["--no-wait"]));
    first.assert_measured(&again);
}

#[test]
fn who_waits_can_be_interrupted() {
    let server = slow();
    let first = Gate::new();
    let one = first.spawn(&run(&server.url(), &[]));
    under_way(&server);
    let sent = server.seen().len();
    for (signal, verb) in
        [(Signal::INT, "run"), (Signal::TERM, "check"), (Signal::HUP, "calibrate")]
    {
        let second = first.beside();
        let two = second.spawn(&[verb, "--base-url", &server.url(), "--time-limit", "1ms"]);
        waits_for(&second, &one, "address");
        let pid = Pid::from_raw(i32::try_from(two.id()).expect("it fits")).expect("it is not 0");
        kill_process(pid, signal).expect("it waits, whatever its time limit");
        assert_eq!(Gate::end(two), Some(130), "{}", second.text("stderr.txt"));
    }
    assert_eq!(server.seen().len(), sent, "nothing was asked");
    server.release();
    measured(one, &first);
}

#[test]
fn a_folder_for_locks_that_cannot_be_had_is_said() {
    let gate = Gate::new();
    let locks = gate.write("file", "").display().to_string();
    let gate = gate.env("GOODPUT_GATE_LOCK_DIR", &locks);
    let ran = gate.run(&run(&Server::good().url(), &[]));
    ran.assert_says(
        3,
        &[
            "gates on this machine cannot see each other",
            "hint: name a folder",
            "GOODPUT_GATE_LOCK_DIR",
        ],
    );
}

/// What the gate starts runs on this machine, whatever port it draws.
#[test]
fn a_baseline_is_not_captured_beside_another_gate() {
    let bed = Bed::repository(
        "version: 1\ntarget: {sim: {}}\nworkloads: [{name: chat, arrival: {closed: {concurrency: 1}}, requests: 400, output_tokens: 64}]\n",
    );
    let mut child = bed.spawn(&["run", "--out", "other"]);
    // One file for its folder, one for its server.
    let gates = || {
        std::fs::read_dir(bed.home().join("locks")).map_or(0, |all| {
            all.filter(|e| {
                e.as_ref().is_ok_and(|e| e.file_name().to_string_lossy().starts_with("gate-"))
            })
            .count()
        })
    };
    assert!(wait_for(|| gates() == 2), "it has what it needs");
    bed.gate(&["baseline", "update", "--no-wait"])
        .assert(3, &["another gate is in the way", "processors of this machine"]);
    bed.gate(&["check", "--no-wait"])
        .assert(3, &["another gate is in the way", "processors of this machine"]);
    assert_eq!(
        bed.json(".goodput-gate/report.json")["verdict"],
        "invalid",
        "its own folder says so"
    );
    child.kill().expect("it runs");
    child.wait().expect("it is ours");
}

#[test]
fn what_a_killed_writer_left_is_swept_at_the_next_start() {
    let gate = Gate::new();
    std::fs::create_dir(gate.path(".goodput-gate")).expect("a folder");
    let left = format!(".goodput-gate/.goodput-gate-{}-abc123.tmp", i32::MAX);
    gate.write(&left, "half a rec");
    gate.write(".goodput-gate/.tmpAbC123", "another program's");
    let ran = gate.run(&run(&Server::good().url(), &[]));
    gate.assert_measured(&ran);
    assert!(!gate.path(&left).exists() && gate.path(".goodput-gate/.tmpAbC123").exists());
}
