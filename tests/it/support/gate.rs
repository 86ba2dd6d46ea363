//! The command in a folder and an environment of its own. Not here: the server that it talks to.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::program::{PATIENCE, Ran, git, program, wait_for};

/// Findings that a busy machine gives to a sound run: they make it exit 3, and say nothing of what
/// is tested here.
const BUSY_MACHINE: [&str; 4] = ["send_lag", "loop_lag", "client_cpu", "offered_rate"];

/// The command, its folder, its environment.
pub struct Gate {
    folder: TempDir,
    locks: TempDir,
    env: Vec<(String, String)>,
}

impl Gate {
    pub fn new() -> Self {
        let folder = || TempDir::new().expect("a temporary folder can be made");
        Self { folder: folder(), locks: folder(), env: Vec::new() }
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A gate of the same machine, in a folder of its own.
    pub fn beside(&self) -> Self {
        Self::new().env("GOODPUT_GATE_LOCK_DIR", &self.locks.path().display().to_string())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("it has one")).expect("it can be made");
        std::fs::write(&path, text).expect("the test's folder can be written");
        path
    }

    /// Every file below the folder.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("the test's folder can be read") {
                let path = entry.expect("the test's folder can be read").path();
                if path.is_dir() { folders.push(path) } else { found.push(path) }
            }
        }
        found
    }

    pub fn git(&self, args: &[&str]) -> String {
        git(self.folder.path(), self.folder.path(), args)
    }

    pub fn run<S: AsRef<str>>(&self, args: &[S]) -> Ran {
        self.answering(args, "")
    }

    /// With this on standard input.
    pub fn answering<S: AsRef<str>>(&self, args: &[S], input: &str) -> Ran {
        let mut command = assert_cmd::Command::from_std(self.command(args));
        command.write_stdin(input);
        let output = command.timeout(PATIENCE).output().expect("the command runs");
        Ran::read(&output)
    }

    /// `run` against a server, with a small workload; what `args` say comes on top.
    pub fn measure<S: AsRef<str>>(&self, base_url: &str, args: &[S]) -> Ran {
        self.run(&Self::measure_args(base_url, args))
    }

    pub fn measure_args<S: AsRef<str>>(base_url: &str, args: &[S]) -> Vec<String> {
        let mut all: Vec<String> =
            ["run", "--base-url", base_url, "--raw", "raw.jsonl"].map(String::from).into();
        all.extend(args.iter().map(|a| a.as_ref().to_owned()));
        for (flag, value) in [
            ("--rounds", "1"),
            ("--warmup", "1"),
            ("--output-tokens", "4"),
            ("--input-tokens", "16"),
        ] {
            if !all.iter().any(|a| a == flag) {
                all.extend([flag, value].map(String::from));
            }
        }
        all
    }

    /// Starts the command and leaves it running; its standard error is in `stderr.txt`.
    pub fn spawn<S: AsRef<str>>(&self, args: &[S]) -> Child {
        self.spawn_into(args, Stdio::null())
    }

    pub fn spawn_into<S: AsRef<str>>(&self, args: &[S], stdout: Stdio) -> Child {
        let stderr = std::fs::File::create(self.path("stderr.txt"))
            .expect("the test's folder can be written");
        self.command(args).stdout(stdout).stderr(stderr).spawn().expect("the command starts")
    }

    /// As [`Self::spawn`], by a shell that ignores a signal (`HUP`: what `nohup` does).
    pub fn spawn_ignoring<S: AsRef<str>>(&self, signal: &str, args: &[S]) -> Child {
        let gate = self.command(args);
        let mut shell = std::process::Command::new("/bin/sh");
        shell
            .arg("-c")
            .arg(format!("trap '' {signal}; exec \"$0\" \"$@\""))
            .arg(gate.get_program())
            .args(gate.get_args());
        shell
            .env_clear()
            .envs(gate.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .current_dir(self.folder.path());
        let stderr = std::fs::File::create(self.path("stderr.txt"))
            .expect("the test's folder can be written");
        shell.stdout(Stdio::null()).stderr(stderr).spawn().expect("the shell starts")
    }

    /// The exit code of a spawned command; kills it where it hangs.
    pub fn end(mut child: Child) -> Option<i32> {
        let ended = wait_for(|| child.try_wait().expect("the child can be waited for").is_some());
        if !ended {
            child.kill().expect("the child can be killed");
        }
        child.wait().expect("the child can be waited for").code()
    }

    pub fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    pub fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.text(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    pub fn record(&self) -> Value {
        self.json(".goodput-gate/record.json")
    }

    /// The only round of the only workload.
    pub fn round(&self) -> Value {
        self.record()["workloads"][0]["starts"][0]["rounds"][0].clone()
    }

    /// The lines of `--raw raw.jsonl`.
    pub fn raw(&self) -> Vec<Value> {
        self.text("raw.jsonl")
            .lines()
            .map(|l| serde_json::from_str(l).expect("a raw line is JSON"))
            .collect()
    }

    /// Asserts that something was measured: exit 0, or 3 for nothing but a busy machine.
    pub fn assert_measured(&self, ran: &Ran) {
        assert!(matches!(ran.code, Some(0 | 3)), "{ran:?}");
        let wrong: Vec<String> = self
            .findings("invalid")
            .into_iter()
            .filter(|f| !BUSY_MACHINE.contains(&f.as_str()))
            .collect();
        assert_eq!(wrong, [""; 0], "{ran:?}");
    }

    /// The words of all findings of a severity.
    pub fn findings(&self, severity: &str) -> Vec<String> {
        let record = self.record();
        let rounds = all(&record["workloads"])
            .flat_map(|w| all(&w["starts"]))
            .flat_map(|s| all(&s["rounds"]));
        let findings =
            rounds.flat_map(|r| all(&r["findings"])).filter(|f| f["severity"] == severity);
        findings.map(|f| f["check"].as_str().expect("a finding has a word").to_owned()).collect()
    }

    pub fn command<S: AsRef<str>>(&self, args: &[S]) -> std::process::Command {
        let mut command = program(self.folder.path(), self.folder.path());
        command.args(args.iter().map(AsRef::as_ref));
        // Gates of other tests are none of this one's.
        command.env("GOODPUT_GATE_LOCK_DIR", self.locks.path());
        command.envs(self.env.iter().map(|(k, v)| (k, v)));
        command
    }
}

impl Ran {
    /// Text with the folder and the ports named instead.
    pub fn hidden(gate: &Gate, text: &str) -> String {
        redact(text, gate.folder.path())
    }

    /// Standard error with what differs between two runs named instead.
    pub fn redacted(&self, gate: &Gate) -> String {
        redact(&self.stderr, gate.folder.path())
    }
}

/// Folder and ports named instead of shown.
fn redact(text: &str, folder: &Path) -> String {
    let text = text.replace(&folder.display().to_string(), "[FOLDER]");
    let mut parts = text.split("127.0.0.1:");
    let mut redacted = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        redacted.push_str("127.0.0.1:[PORT]");
        redacted.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    redacted
}

fn all(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}
