//! The supervisor of a user's server, from outside: however it comes to its end, nothing of the
//! server is left.
//!
//! The servers are one-line shell scripts that write their process ids into files.
//! `support::supervisor` starts and looks for them.

use rustix::process::Signal;
use serde_json::json;

use crate::support::supervisor::{Bed, alive, command_line, gone, send, send_group, until};

/// Sleeps for ever, but can run a trap meanwhile; leaves only that one short sleep behind when it
/// is killed.
const SERVE: &str = "while :; do sleep 0.05; done";

#[test]
fn a_server_is_asked_to_end_and_waited_for() {
    let bed = Bed::new();
    let server = format!(
        "trap 'echo finished > end; exit 0' TERM; echo serving; echo warning >&2; echo $$ > pid; {SERVE}"
    );
    // Far beyond the patience of the test: that the grace is not waited out shows by the test's
    // end.
    let mut supervisor = bed.supervise(&["--grace", "600s"], &server);
    let pid = bed.pid("pid");
    until("both streams are in its log", || bed.text("logs/server.log") == "serving\nwarning\n");
    assert_eq!(
        supervisor.say(),
        Some(json!({"started": {"pid": pid}})),
        "the id is that of the shell itself"
    );
    supervisor.close();
    assert_eq!((supervisor.say(), supervisor.wait()), (None, Some(0)));
    assert!(!alive(pid));
    assert_eq!(bed.text("end"), "finished\n");
}

#[test]
fn a_server_that_does_not_end_is_killed_with_its_children() {
    let bed = Bed::new();
    // The child inherits the ignored signal.
    let server = format!("trap '' TERM; echo $$ > pid; sh -c 'echo $$ > child; {SERVE}' & {SERVE}");
    let mut supervisor = bed.supervise(&["--grace", "200ms"], &server);
    let pids = [bed.pid("pid"), bed.pid("child")];
    supervisor.close();
    assert_eq!(supervisor.wait(), Some(0));
    assert!(!pids.into_iter().any(alive), "{pids:?}");
}

#[test]
#[cfg(target_os = "linux")]
fn the_end_is_asked_for_once() {
    let bed = Bed::new();
    // A server that ends in order, slowly, with a worker in a group of its own.
    let worker = format!("trap \"echo worker >> heard; exit 0\" TERM; echo $$ > worker; {SERVE}");
    let traps = "trap 'echo server >> heard; sleep 0.3; echo finished >> heard; exit 0' TERM";
    let server = format!("{traps}; setsid sh -c '{worker}' & echo $$ > pid; {SERVE}");
    let mut supervisor = bed.supervise(&["--grace", "600s"], &server);
    let pids = [bed.pid("pid"), bed.pid("worker")];
    supervisor.close();
    assert_eq!(supervisor.wait(), Some(0));
    let text = bed.text("heard");
    let mut heard: Vec<&str> = text.lines().collect();
    heard.sort_unstable();
    assert_eq!(heard, ["finished", "server", "worker"]);
    assert!(!pids.into_iter().any(alive), "{pids:?}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_daemon_does_not_get_away() {
    let bed = Bed::new();
    // A session of its own, its parents gone, and deaf.
    let daemon = format!("trap \"\" TERM HUP; echo $$ > daemon; {SERVE}");
    let server =
        format!("(setsid sh -c '{daemon}' < /dev/null > /dev/null 2>&1 &); echo $$ > pid; {SERVE}");
    let mut supervisor = bed.supervise(&["--grace", "200ms"], &server);
    let pids = [bed.pid("pid"), bed.pid("daemon")];
    supervisor.close();
    assert_eq!(supervisor.wait(), Some(0));
    assert!(!pids.into_iter().any(alive), "{pids:?}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_server_that_daemonises_has_exited_and_is_ended() {
    let bed = Bed::new();
    let server = format!(
        "setsid sh -c 'echo $$ > daemon; {SERVE}' & until [ -s daemon ]; do sleep 0.05; done"
    );
    let mut supervisor = bed.supervise(&["--grace", "600s"], &server);
    let daemon = bed.pid("daemon");
    assert!(supervisor.say().is_some_and(|s| s["started"]["pid"].is_number()));
    assert_eq!(supervisor.say(), Some(json!({"exited": {"code": 0, "signal": null}})));
    assert_eq!(supervisor.wait(), Some(0), "without being told");
    assert!(!alive(daemon));
}

#[test]
fn a_server_that_dies_is_reported_with_its_status() {
    for (server, exited) in [
        ("echo out of memory; exit 3", json!({"code": 3, "signal": null})),
        ("kill -KILL $$", json!({"code": null, "signal": 9})),
        ("no-such-command-here", json!({"code": 127, "signal": null})),
    ] {
        let bed = Bed::new();
        let mut supervisor = bed.supervise(&[], server);
        supervisor.say();
        assert_eq!(
            (supervisor.say(), supervisor.wait()),
            (Some(json!({"exited": exited})), Some(0)),
            "{server}"
        );
        let log = bed.text("logs/server.log");
        assert!(
            server.starts_with("kill")
                || log.contains("out of memory")
                || log.contains("not found"),
            "{log}"
        );
    }
}

#[test]
fn a_signal_to_the_supervisor_is_a_request_to_stop() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT] {
        let bed = Bed::new();
        let mut supervisor =
            bed.supervise(&["--grace", "600s"], &format!("echo $$ > pid; {SERVE}"));
        let pid = bed.pid("pid");
        send(supervisor.pid(), signal);
        assert_eq!(supervisor.wait(), Some(0), "{signal:?}");
        assert!(!alive(pid), "{signal:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_command_inherits_no_signal_setting() {
    let bed = Bed::new();
    // Ignored by who starts the supervisor, as by nohup or by a script in the background; the
    // status is known all the same.
    let outer = format!(
        "trap '' INT HUP CHLD TERM; exec {}",
        command_line(&[], "grep SigIgn /proc/$$/status > ignored; exit 5")
    );
    let mut supervisor = bed.shell(&outer);
    supervisor.say();
    assert_eq!(
        (supervisor.say(), supervisor.wait()),
        (Some(json!({"exited": {"code": 5, "signal": null}})), Some(0))
    );
    let text = bed.text("ignored");
    let mask = u64::from_str_radix(text.trim().rsplit('\t').next().expect("a mask"), 16)
        .expect("hexadecimal");
    let bit = |signal: Signal| 1 << (signal.as_raw() - 1);
    let ours = [Signal::INT, Signal::HUP, Signal::CHILD, Signal::TERM].map(bit).iter().sum::<u64>();
    assert_eq!(mask & ours, 0, "{text}");
}

#[test]
fn when_the_gate_is_killed_its_server_ends() {
    let bed = Bed::new();
    let server = format!("trap 'echo finished > end; exit 0' TERM; echo $$ > pid; {SERVE}");
    // `sleep` stands for the gate: it alone holds the pipe.
    let script =
        format!("sh -c 'echo $$ > gate; exec sleep 1000' | {}", command_line(&[], &server));
    let mut gate = bed.shell(&script);
    let (killed, pid) = (bed.pid("gate"), bed.pid("pid"));
    send(killed, Signal::KILL);
    gate.wait();
    assert!(gone(pid), "{pid}");
    assert_eq!(bed.text("end"), "finished\n", "in order");
}

#[test]
fn a_ctrl_c_reaches_the_gate_and_not_the_server() {
    let bed = Bed::new();
    let server = format!(
        "trap 'echo int >> heard' INT; trap 'echo term >> heard; exit 0' TERM; echo $$ > pid; {SERVE}"
    );
    let gate = format!("trap \"echo asked > asked\" INT; echo $$ > gate; {SERVE}");
    let mut both =
        bed.shell(&format!("trap : INT; sh -c '{gate}' | {}", command_line(&[], &server)));
    let (gate, pid) = (bed.pid("gate"), bed.pid("pid"));
    // What a terminal does: to the whole foreground group.
    send_group(both.pid(), Signal::INT);
    until("the gate heard of it", || bed.path("asked").exists());
    assert!(alive(gate) && alive(pid), "the gate decides");
    send(gate, Signal::KILL);
    assert!(gone(pid), "{pid}");
    both.wait();
    assert_eq!(bed.text("heard"), "term\n");
}

#[test]
fn the_log_is_appended_to() {
    let bed = Bed::new();
    for word in ["first", "second"] {
        assert_eq!(bed.supervise(&[], &format!("echo {word}")).wait(), Some(0));
    }
    assert_eq!(bed.text("logs/server.log"), "first\nsecond\n");
}

#[test]
fn the_command_runs_where_it_is_told_without_our_input_and_output() {
    let bed = Bed::new();
    std::fs::create_dir(bed.path("there")).expect("a folder");
    let mut supervisor = bed.supervise(
        &["--cwd", "there"],
        "pwd > here; cat > input; echo '{\"failed\":{\"why\":\"a lie\"}}'",
    );
    supervisor.say();
    assert_eq!(
        supervisor.say(),
        Some(json!({"exited": {"code": 0, "signal": null}})),
        "its output is in the log"
    );
    assert_eq!(supervisor.wait(), Some(0));
    assert!(bed.text("there/here").trim_end().ends_with("/there"), "{}", bed.text("there/here"));
    assert_eq!(bed.text("there/input"), "", "its input is empty, and ended");
}

#[test]
fn what_cannot_be_started_says_why() {
    let bed = Bed::new();
    std::fs::write(bed.path("file"), "").expect("a file");
    let refused = |flags: &[&str], why: &str| {
        let mut supervisor = bed.supervise(flags, "echo started > started");
        let said = supervisor.say().expect("it says why");
        let text = said["failed"]["why"].as_str().expect("a text");
        assert!(text.contains(why) && text.contains("; c"), "no {why:?}, or no way out: {text}");
        assert_eq!((supervisor.say(), supervisor.wait()), (None, Some(2)));
    };
    refused(&["--cwd", "nowhere"], "its working folder nowhere cannot be used: No such file");
    refused(&["--cwd", "file"], "its working folder file is no folder");
    refused(&["--log", "file/log"], "its log file/log cannot be written");
    refused(&["--log", "."], "its log . cannot be written");
    assert!(!bed.path("started").exists());
}

#[test]
fn a_chatty_server_fills_no_disk() {
    const CAP: u64 = 16 * 1024 * 1024;
    let bed = Bed::new();
    let server = format!(
        "yes a line of a server that says too much | head -c 60000000; echo; echo last words; echo $$ > pid; {SERVE}"
    );
    let mut supervisor = bed.supervise(&[], &server);
    bed.pid("pid");
    until("its last words are in the log", || {
        bed.text("logs/server.log").ends_with("\nlast words\n")
    });
    let size = |name: &str| std::fs::metadata(bed.path(name)).expect("it is there").len();
    assert!(size("logs/server.log") <= CAP && size("logs/server.log.1") <= CAP);
    assert_eq!(std::fs::read_dir(bed.path("logs")).expect("the folder").count(), 2);
    supervisor.close();
    assert_eq!(supervisor.wait(), Some(0));
}
