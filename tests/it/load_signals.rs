//! Ctrl-C and SIGTERM during a run: what is saved, what is cancelled, and how the command ends.

use std::process::Child;

use rustix::process::{Pid, Signal};

use crate::support::{Act, Answer, Gate, Part, Seen, Server, supervisor, wait_for};

/// The second request of the round is under way: what comes now comes in the middle of it.
fn in_the_middle(server: &Server) {
    assert!(
        wait_for(|| server.planned().iter().any(|s| s.part == Part::Round(0, 1))),
        "the round gets under way"
    );
}

fn send(child: &Child, signal: Signal) {
    supervisor::send(Pid::from_child(child).as_raw_pid(), signal);
}

/// Sends the signal and waits until the command says that it has seen it.
fn interrupt(gate: &Gate, child: &Child, signal: Signal) {
    send(child, signal);
    assert!(
        wait_for(|| gate.text("stderr.txt").contains("interrupted")),
        "the command says that it stops"
    );
}

fn held(act: Act) -> impl Fn(&Seen) -> Answer + Send + Sync {
    move |seen| match seen.part {
        Part::Round(_, 1) => seen.good().after(act.clone()),
        _ => seen.good(),
    }
}

#[test]
fn an_interrupted_run_finishes_what_is_in_flight_and_saves_it() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let server = Server::start(held(Act::Hold));
        let gate = Gate::new();
        let child = gate
            .spawn(&Gate::measure_args(&server.url(), &["--requests", "9", "--concurrency", "1"]));
        in_the_middle(&server);
        interrupt(&gate, &child, signal);
        server.release();
        assert_eq!(Gate::end(child), Some(130), "{}", gate.text("stderr.txt"));
        let raw = gate.raw();
        let outcomes: Vec<_> =
            raw.iter().map(|l| l["outcome"].as_str().unwrap_or_default()).collect();
        assert_eq!(outcomes[..2], ["completed"; 2]);
        assert_eq!(outcomes[2..], ["cancelled"; 7], "what was never sent is there all the same");
        assert!(
            raw[2]["sent_ns"].is_null()
                && raw[2]["error"].as_str().is_some_and(|e| e.contains("never sent")),
            "{}",
            raw[2]
        );
        assert_saved(&gate);
    }
}

#[test]
fn a_second_signal_cancels_what_is_in_flight() {
    let server = Server::start(held(Act::Hang));
    let gate = Gate::new();
    let child =
        gate.spawn(&Gate::measure_args(&server.url(), &["--requests", "9", "--concurrency", "1"]));
    in_the_middle(&server);
    interrupt(&gate, &child, Signal::INT);
    send(&child, Signal::INT);
    assert_eq!(Gate::end(child), Some(130), "{}", gate.text("stderr.txt"));
    let raw = gate.raw();
    assert_eq!(raw[1]["outcome"], "cancelled");
    assert_eq!(raw[1]["error"], "interrupted before any answer");
    assert_saved(&gate);
}

/// The record says that it is not whole, no round of it is judged, and it can be read again.
fn assert_saved(gate: &Gate) {
    let record = gate.record();
    assert_eq!(record["interrupted"], true);
    assert_eq!(gate.round()["cut_short"], true);
    assert_eq!(record["workloads"][0]["pooled"], serde_json::json!({}));
    let again = gate.run(&["report", ".goodput-gate/record.json", "--format", "json"]);
    assert_eq!(again.code, Some(0), "{again:?}");
}

#[test]
fn rounds_before_an_interrupt_are_kept_whole() {
    let server = Server::start(|seen| match seen.part {
        Part::Round(1, 1) => seen.good().after(Act::Hang),
        _ => seen.good(),
    });
    let gate = Gate::new();
    let args = ["--requests", "4", "--concurrency", "1", "--rounds", "3"];
    let child = gate.spawn(&Gate::measure_args(&server.url(), &args));
    assert!(
        wait_for(|| server.planned().iter().any(|s| s.part == Part::Round(1, 1))),
        "the second round gets under way"
    );
    interrupt(&gate, &child, Signal::INT);
    send(&child, Signal::INT);
    assert_eq!(Gate::end(child), Some(130));
    let record = gate.record();
    let rounds =
        record["workloads"][0]["starts"][0]["rounds"].as_array().cloned().unwrap_or_default();
    let cut: Vec<_> = rounds.iter().map(|r| r["cut_short"].as_bool()).collect();
    assert_eq!(cut, [Some(false), Some(true)]);
    assert!(
        record["workloads"][0]["pooled"]["e2e_mean_ms"].is_number(),
        "{}",
        record["workloads"][0]["pooled"]
    );
}

#[test]
fn a_killed_run_leaves_the_rounds_that_had_ended() {
    let server = Server::start(|seen| match seen.part {
        Part::Round(1, 1) => seen.good().after(Act::Hang),
        _ => seen.good(),
    });
    let gate = Gate::new();
    let args = ["--requests", "4", "--concurrency", "1", "--rounds", "3"];
    let mut child = gate.spawn(&Gate::measure_args(&server.url(), &args));
    // Round 0 was saved before round 1 began, and round 1 does not end.
    assert!(
        wait_for(|| server.planned().iter().any(|s| s.part == Part::Round(1, 1))),
        "the second round gets under way"
    );
    child.kill().expect("the command is still running");
    assert_eq!(Gate::end(child), None, "it had no chance to tidy up");
    let record = gate.record();
    let rounds =
        record["workloads"][0]["starts"][0]["rounds"].as_array().cloned().unwrap_or_default();
    assert_eq!(rounds.len(), 1);
    assert_eq!(
        (&rounds[0]["cut_short"], &rounds[0]["columns"]["outcome"]),
        (&false.into(), &vec!["completed"; 4].into())
    );
    let again = gate.run(&["report", ".goodput-gate/record.json", "--format", "csv"]);
    assert_eq!(again.code, Some(0), "{again:?}");
}

#[test]
fn a_server_that_never_says_what_it_is_can_be_interrupted() {
    let hanging = crate::support::Setup { models: Answer(vec![Act::Hang]), ..Default::default() };
    let server = Server::with(hanging, Seen::good);
    let gate = Gate::new();
    let child = gate.spawn(&Gate::measure_args(&server.url(), &["--requests", "3"]));
    assert!(wait_for(|| !server.seen().is_empty()), "the server is asked");
    interrupt(&gate, &child, Signal::INT);
    assert_eq!(Gate::end(child), Some(130), "{}", gate.text("stderr.txt"));
    assert_eq!(gate.record()["interrupted"], true);
}

/// Started by `nohup`: the terminal's end is nothing to it.
#[test]
fn a_hangup_that_was_ignored_stays_ignored() {
    let server = Server::start(held(Act::Hold));
    let gate = Gate::new();
    let args = Gate::measure_args(&server.url(), &["--requests", "9", "--concurrency", "1"]);
    let child = gate.spawn_ignoring("HUP", &args);
    in_the_middle(&server);
    send(&child, Signal::HUP);
    server.release();
    let code = Gate::end(child);
    assert!(matches!(code, Some(0 | 3)), "{code:?} {}", gate.text("stderr.txt"));
    assert_eq!(
        (&gate.record()["interrupted"], &gate.round()["cut_short"]),
        (&false.into(), &false.into())
    );
}

#[test]
fn a_quit_saves_what_there_is_and_ends_by_that_signal() {
    use std::os::unix::process::ExitStatusExt as _;
    let server = Server::start(held(Act::Hang));
    let gate = Gate::new();
    let mut child =
        gate.spawn(&Gate::measure_args(&server.url(), &["--requests", "9", "--concurrency", "1"]));
    in_the_middle(&server);
    send(&child, Signal::QUIT);
    let mut status = None;
    assert!(wait_for(|| {
        status = child.try_wait().expect("it is ours");
        status.is_some()
    }));
    assert_eq!(
        status.and_then(|s| s.signal()),
        Some(Signal::QUIT.as_raw()),
        "{}",
        gate.text("stderr.txt")
    );
    assert_saved(&gate);
}

const STILL: &str = "version: 1
workloads:
  - {name: chat, arrival: {closed: {concurrency: 4}}, requests: 24, prompts: {synthetic: {input_tokens: 16}}, output_tokens: 4,
     warmup: {requests: 1}, limits: {ttft_p50: {max: 10s}}}
gate: {mode: limits, rounds: 1}
";

/// A check of one round whose second request takes long enough to stop the gate meanwhile, which
/// is done in so many measurements of that round.
fn stopped_in(times: u32) -> (Gate, Option<i32>) {
    stopped_and(times, |_, _, _| ())
}

/// As [`stopped_in`]; `then` comes before the end.
fn stopped_and(times: u32, then: impl FnOnce(&Server, &Gate, &Child)) -> (Gate, Option<i32>) {
    let server = Server::start(|seen| match seen.part {
        Part::Round(_, 1) => seen.good().after(Act::Pause(2_000)),
        // Beside which a busy machine is punctual.
        _ => seen.good().after(Act::Pause(200)),
    });
    let gate = Gate::new();
    gate.write("goodput-gate.yaml", STILL);
    let child = gate.spawn(&[
        "check",
        "--config",
        "goodput-gate.yaml",
        "--raw",
        "raw.jsonl",
        "--base-url",
        &server.url(),
    ]);
    for take in 0..times {
        let sent = || server.planned().iter().any(|s| s.part == Part::Round(take, 1));
        assert!(wait_for(sent), "measurement {take} gets under way: {}", gate.text("stderr.txt"));
        send(&child, Signal::STOP);
        send(&child, Signal::CONT);
    }
    then(&server, &gate, &child);
    let code = Gate::end(child);
    (gate, code)
}

/// A client that does not run reads late: that is no slow server, and says nothing of it.
#[test]
fn a_round_in_which_the_client_stood_still_is_measured_again() {
    let (gate, code) = stopped_in(1);
    let (round, report) = (gate.round(), gate.json(".goodput-gate/report.json"));
    assert_eq!(code, Some(0), "{} {round}", gate.text("stderr.txt"));
    assert_eq!(report["verdict"], "passed");
    let notice =
        "1 of 1 round was disturbed by the client's machine (standstill) and measured again";
    assert_eq!(report["notices"][0], notice, "{}", report["notices"]);
    assert_eq!(report["codes"][notice]["code"], "repeated");
    assert!(gate.text("stderr.txt").contains("round 1 of start 1 was disturbed"));
    // What was thrown away is in no number, and in no line.
    assert_eq!(round["spoilt"][0]["findings"][0]["check"], "standstill", "{}", round["spoilt"]);
    assert_eq!((&round["spoilt"][0]["order"], &round["order"]), (&0.into(), &1.into()));
    assert_eq!(gate.findings("invalid"), [""; 0]);
    assert_eq!((gate.raw().len(), report["workloads"][0]["requests"].as_u64()), (24, Some(24)));
}

#[test]
fn where_every_measurement_of_a_round_is_disturbed_the_run_is_invalid() {
    let (gate, code) = stopped_in(2);
    assert_eq!(code, Some(3), "{}", gate.text("stderr.txt"));
    assert_eq!(gate.findings("invalid"), ["standstill"]);
    assert_eq!(gate.round()["spoilt"].as_array().map(Vec::len), Some(1));
    let report = gate.json(".goodput-gate/report.json");
    assert_eq!(report["verdict"], "invalid");
    assert!(report["notices"][0].as_str().is_some_and(|n| n.contains("measured again")));
}

#[test]
fn an_interrupt_ends_a_repeat_too() {
    let (gate, code) = stopped_and(1, |server, gate, child| {
        let again = || server.planned().iter().any(|s| s.part == Part::Round(1, 1));
        assert!(wait_for(again), "{}", gate.text("stderr.txt"));
        interrupt(gate, child, Signal::INT);
    });
    assert_eq!(code, Some(130), "{}", gate.text("stderr.txt"));
    let round = gate.round();
    assert_eq!(
        (&round["cut_short"], round["spoilt"].as_array().map(Vec::len)),
        (&true.into(), Some(1))
    );
}

/// Errors are the server's, whatever else the client suffered: they stay.
#[test]
fn a_round_with_failures_is_not_measured_again() {
    let server = Server::start(|seen| match seen.part {
        Part::Round(_, 1) => {
            Answer::error("503 Service Unavailable", "full").after(Act::Pause(2_000))
        }
        _ => seen.good().after(Act::Pause(200)),
    });
    let gate = Gate::new();
    let child =
        gate.spawn(&Gate::measure_args(&server.url(), &["--requests", "3", "--concurrency", "1"]));
    in_the_middle(&server);
    send(&child, Signal::STOP);
    send(&child, Signal::CONT);
    assert_eq!(Gate::end(child), Some(3), "{}", gate.text("stderr.txt"));
    assert!(gate.findings("invalid").contains(&"standstill".to_owned()));
    assert!(gate.round()["spoilt"].is_null(), "{}", gate.round()["spoilt"]);
    assert!(!server.planned().iter().any(|s| matches!(s.part, Part::Round(1.., _))));
}

#[test]
fn whatever_measures_is_130_when_it_is_interrupted() {
    for verb in ["check", "calibrate", "run"] {
        let server = Server::start(held(Act::Hold));
        let gate = Gate::new();
        let args = [
            "--base-url",
            &server.url(),
            "--requests",
            "9",
            "--concurrency",
            "1",
            "--rounds",
            "1",
            "--output-tokens",
            "4",
        ];
        let child = gate.spawn(&[&[verb][..], &args].concat());
        in_the_middle(&server);
        interrupt(&gate, &child, Signal::TERM);
        server.release();
        assert_eq!(Gate::end(child), Some(130), "{verb}: {}", gate.text("stderr.txt"));
        assert_eq!(gate.record()["interrupted"], true, "{verb}");
    }
}

#[test]
fn the_time_limit_reports_what_there_is() {
    let server = Server::start(|seen| seen.good().after(Act::Pause(20)));
    let gate = Gate::new();
    let ran = gate.measure(
        &server.url(),
        &["--requests", "9000", "--concurrency", "1", "--time-limit", "3s"],
    );
    // The only round was cut short: nothing was measured, and that is no interrupt.
    assert_eq!(ran.code, Some(3), "{ran:?}");
    let record = gate.record();
    assert_eq!((&record["interrupted"], &gate.round()["cut_short"]), (&false.into(), &true.into()));
    let raw = gate.raw();
    let count = |outcome: &str| raw.iter().filter(|l| l["outcome"] == outcome).count();
    assert!(count("completed") > 0 && count("cancelled") > 0, "{} completed", count("completed"));
    assert_eq!(count("completed") + count("cancelled"), 9000);
}
