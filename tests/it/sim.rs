//! `goodput-gate sim` as a process: what it prints, how it stops, what it refuses. Not here: the
//! server's answers (unit tests).

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::support::program;

/// Kills the server if a test fails before it has stopped.
struct Sim(Child);

impl Drop for Sim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(args: &[&str]) -> (Sim, Value) {
    let mut command = program(&std::env::temp_dir(), &std::env::temp_dir());
    command.arg("sim").args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut sim = Sim(command.spawn().expect("the binary starts"));
    let mut line = String::new();
    BufReader::new(sim.0.stdout.take().expect("piped")).read_line(&mut line).expect("one line");
    (sim, serde_json::from_str(&line).expect("JSON"))
}

fn ask(hello: &Value) -> String {
    let mut stream =
        TcpStream::connect(hello["listening"].as_str().expect("an address")).expect("it listens");
    let body = r#"{"model":"m","prompt":"hi","max_tokens":3,"stream":true}"#;
    let head = "POST /v1/completions HTTP/1.1\r\nConnection: close\r\nx-request-id: r1";
    write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
}

#[test]
fn says_where_it_listens_serves_and_stops_with_stdin() {
    let folder = tempfile::tempdir().expect("a folder");
    let truth = folder.path().join("truth.jsonl");
    let truth_arg = truth.to_str().expect("a plain path");
    let (mut sim, hello) = start(&[
        "--set",
        "model=m",
        "--set",
        "seed=7",
        "--set",
        "time_scale=20",
        "--stop-with-stdin",
        "--truth",
        truth_arg,
    ]);
    assert_eq!(
        (hello["seed"].as_u64(), hello["pid"].as_u64()),
        (Some(7), Some(u64::from(sim.0.id())))
    );
    assert!(
        hello["base_url"]
            .as_str()
            .is_some_and(|u| u.starts_with("http://127.0.0.1:") && u.ends_with("/v1"))
    );
    let answer = ask(&hello);
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("[DONE]"), "{answer}");
    drop(sim.0.stdin.take());
    assert!(sim.0.wait().expect("it ends").success());
    let line: Value = serde_json::from_str(&std::fs::read_to_string(&truth).expect("the log"))
        .expect("one line of JSON");
    assert_eq!(
        (line["id"].as_str(), line["tokens"].as_array().map(Vec::len)),
        (Some("r1"), Some(3))
    );
}

#[test]
fn stops_at_sigterm_and_reports_a_drawn_seed() {
    let (mut sim, hello) = start(&[]);
    assert!(hello["seed"].is_u64());
    let pid = rustix::process::Pid::from_child(&sim.0);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
    assert!(sim.0.wait().expect("it ends").success());
}

#[test]
fn outlives_the_terminals_ctrl_c_where_its_parent_decides() {
    let (mut sim, hello) =
        start(&["--set", "model=m", "--set", "time_scale=20", "--stop-with-stdin"]);
    let pid = rustix::process::Pid::from_child(&sim.0);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it runs");
    assert!(ask(&hello).contains("[DONE]"));
    drop(sim.0.stdin.take());
    assert!(sim.0.wait().expect("it ends").success());
}

#[test]
fn refuses_what_it_cannot_do_before_it_listens() {
    for args in [
        ["--set", "decode_facter=1.2"],
        ["--set", "time_scale=0"],
        ["--set", "noise"],
        ["--listen", "nowhere"],
        ["--replay", "/no/such/file"],
    ] {
        let out = program(&std::env::temp_dir(), &std::env::temp_dir())
            .arg("sim")
            .args(args)
            .output()
            .expect("the binary starts");
        assert_eq!((out.status.code(), out.stdout.len()), (Some(2), 0), "{args:?}");
    }
}
