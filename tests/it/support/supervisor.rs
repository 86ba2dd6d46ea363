//! Starts a supervisor as the gate does, and tells by process id what is left of its server. Not
//! here: what must hold (`lifecycle.rs`).

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::Value;
use tempfile::TempDir;

use super::program::{PATIENCE, wait_for};

const PROGRAM: &str = env!("CARGO_BIN_EXE_goodput-gate");

/// A folder in which supervisor and server run.
pub struct Bed {
    folder: TempDir,
}

/// A running supervisor, or a shell that runs one.
pub struct Supervisor {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Bed {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// The process id that a server writes there, as soon as it has.
    pub fn pid(&self, name: &str) -> i32 {
        until(name, || self.text(name).ends_with('\n'));
        self.text(name).trim().parse().expect("a process id")
    }

    pub fn supervise(&self, flags: &[&str], line: &str) -> Supervisor {
        let mut command = Command::new(PROGRAM);
        command.args(arguments(flags)).arg("--").arg(line);
        self.start(command)
    }

    /// A shell that leads a group of its own, as a job in a terminal does.
    pub fn shell(&self, script: &str) -> Supervisor {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(script).process_group(0);
        self.start(command)
    }

    fn start(&self, mut command: Command) -> Supervisor {
        command
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("it starts");
        let stdin = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("its output is a pipe"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Supervisor { child, stdin, lines }
    }
}

/// What a shell is told to start the supervisor.
pub fn command_line(flags: &[&str], line: &str) -> String {
    let quoted = |word: &str| format!("'{}'", word.replace('\'', r"'\''"));
    let mut words = vec![PROGRAM.to_owned()];
    words.extend(arguments(flags));
    words.extend(["--".to_owned(), line.to_owned()]);
    words.iter().map(|w| quoted(w)).collect::<Vec<_>>().join(" ")
}

fn arguments(flags: &[&str]) -> Vec<String> {
    let log: &[&str] = if flags.contains(&"--log") { &[] } else { &["--log", "logs/server.log"] };
    [&["supervise"], log, flags].concat().into_iter().map(ToOwned::to_owned).collect()
}

impl Supervisor {
    pub fn pid(&self) -> i32 {
        Pid::from_child(&self.child).as_raw_pid()
    }

    /// Its next line; none at its end.
    pub fn say(&mut self) -> Option<Value> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Some(serde_json::from_str(&line).expect("a line of JSON")),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                panic!("not within a minute: a line of the supervisor")
            }
        }
    }

    /// As the gate asks for the end.
    pub fn close(&mut self) {
        self.stdin = None;
    }

    pub fn wait(&mut self) -> Option<i32> {
        let mut code = None;
        until("the supervisor ended", || {
            code = self.child.try_wait().expect("it can be waited for");
            code.is_some()
        });
        code?.code()
    }
}

/// What a failed test leaves is ended by closing the pipe; the supervisor sees to the rest.
impl Drop for Supervisor {
    fn drop(&mut self) {
        self.close();
        let ended = wait_for(|| !matches!(self.child.try_wait(), Ok(None)));
        if !ended {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

pub fn until(what: &str, holds: impl FnMut() -> bool) {
    assert!(wait_for(holds), "not within a minute: {what}");
}

/// It runs: what has ended and only waits for its parent does not.
pub fn alive(pid: i32) -> bool {
    if !Path::new("/proc/self").exists() {
        return rustix::process::test_kill_process(pid_of(pid)).is_ok();
    }
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// It is gone, or is soon.
pub fn gone(pid: i32) -> bool {
    until(&format!("process {pid} is gone"), || !alive(pid));
    true
}

pub fn send(pid: i32, signal: Signal) {
    kill_process(pid_of(pid), signal).expect("it is there");
}

pub fn send_group(pid: i32, signal: Signal) {
    kill_process_group(pid_of(pid), signal).expect("it is there");
}

fn pid_of(pid: i32) -> Pid {
    Pid::from_raw(pid).expect("above zero")
}
