//! The simulated server as a child process on a free port. Not here: what it serves (the module
//! `sim` at the root).

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use super::ServerError;

/// A running simulated server; stopped when dropped.
pub struct SimServer {
    child: Child,
    /// The server stops when this closes, so that nothing survives us, however we end.
    stdin: Option<ChildStdin>,
    pub base_url: String,
    /// Seed of its noise.
    pub seed: u64,
}

#[derive(serde::Deserialize)]
struct Hello {
    base_url: String,
    seed: u64,
}

impl SimServer {
    /// Starts this program as `sim` with the given knobs, and waits for its address.
    pub fn start(
        program: &Path,
        knobs: &[String],
        truth: Option<&Path>,
    ) -> Result<Self, ServerError> {
        let mut command = Command::new(program);
        // It needs nothing of ours, and our environment may hold keys.
        command.env_clear();
        command.args(["sim", "--listen", "127.0.0.1:0", "--stop-with-stdin"]);
        for knob in knobs {
            command.args(["--set", knob]);
        }
        if let Some(file) = truth {
            command.arg("--truth").arg(file);
        }
        Self::spawn(command)
    }

    /// Runs a prepared `sim` command.
    pub fn spawn(mut command: Command) -> Result<Self, ServerError> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(ServerError::Spawn)?;
        let stdin = child.stdin.take();
        let mut line = String::new();
        let hello = child.stdout.take().map(|out| BufReader::new(out).read_line(&mut line));
        match (hello, serde_json::from_str::<Hello>(&line)) {
            (Some(Ok(_)), Ok(hello)) => {
                Ok(Self { child, stdin, base_url: hello.base_url, seed: hello.seed })
            }
            (read, _) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(ServerError::Silent(
                    read.and_then(Result::err)
                        .map_or_else(|| format!("{line:?}"), |e| e.to_string()),
                ))
            }
        }
    }

    /// False once the process has ended.
    pub fn alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for SimServer {
    fn drop(&mut self) {
        drop(self.stdin.take());
        // Closing its input asks it to write its log and go; what does not go within a second is
        // ended.
        for _ in 0..100 {
            if !self.alive() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
