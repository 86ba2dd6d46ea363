//! A user's command under a supervisor, as seen by who gates: start it, learn how it ends, stop it.
//!
//! What the supervisor does is in `supervisor`. Not here: whether the server is ready, or what it
//! serves.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{self, Child, ChildStdin, ChildStdout, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use super::message::{Exit, Message, STAY};
use super::{Container, ServerError, log};
use crate::redact::Secrets;

/// Beyond its grace the supervisor takes at most five seconds to kill and twenty to remove a
/// container; more than that and it hangs.
pub const PATIENCE: Duration = Duration::from_secs(40);
/// Soon enough for a person who pressed a key, while a build runs.
const GLANCE: Duration = Duration::from_millis(50);

/// What to run, and how.
#[derive(Clone, Copy, Debug)]
pub struct Command<'a> {
    /// This program, which starts itself as the supervisor.
    pub program: &'a Path,
    /// For `sh -c`. Shown in the list of processes, so that it must hold no secret: `${NAME}` is
    /// filled in by the shell.
    pub line: &'a str,
    pub cwd: &'a Path,
    /// Over our own environment.
    pub env: &'a BTreeMap<String, String>,
    /// Taken out of our own environment: what the server must not see, such as the key that we
    /// send.
    pub without: &'a [String],
    /// Standard output and error are appended here; its folders are made.
    pub log: &'a Path,
    /// From the request to end until it is killed.
    pub grace: Duration,
    /// What it runs in, if that is a container: removed in the end.
    pub container: Option<&'a Container>,
}

/// A running command. When dropped it is stopped, with all that it started, and waited for (up to
/// its grace and 40 s).
pub struct Supervised {
    supervisor: Child,
    /// The supervisor ends everything when this closes, also when we are killed.
    lifeline: Option<ChildStdin>,
    watch: Arc<Watch>,
    log: PathBuf,
    grace: Duration,
    container: Option<Container>,
}

/// How a command that was to end by itself did so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finished {
    /// With exit status 0.
    Done,
    Failed(Exit),
    /// It was told to stop before.
    Stopped,
}

/// What the thread that reads the supervisor knows, and who waits for it.
#[derive(Default)]
struct Watch {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Process id and group of the command.
    pid: Option<i32>,
    failed: Option<String>,
    exit: Option<Exit>,
    left: Vec<i32>,
    /// The container that could not be removed, and why.
    kept: Option<(String, String)>,
    /// The supervisor has closed its output: it is gone, or as good as.
    silent: bool,
    stopping: bool,
    /// The supervisor was killed.
    orphaned: bool,
    on_exit: Vec<Box<dyn FnOnce() + Send>>,
}

impl Supervised {
    /// Starts the command and returns as soon as it runs; whether it serves is another question.
    /// Errors: the supervisor or the command could not be started (a command that the shell does
    /// not find is started, and exits with status 127).
    pub fn start(command: &Command) -> Result<Self, ServerError> {
        let mut supervisor = prepared(command).spawn().map_err(ServerError::Supervisor)?;
        let lifeline = supervisor.stdin.take();
        let output = supervisor.stdout.take();
        let watch = Arc::new(Watch::default());
        let (log, container) = (command.log.to_owned(), command.container.cloned());
        let running = Self { supervisor, lifeline, watch, log, grace: command.grace, container };
        let reader = running.watch.clone();
        thread::Builder::new()
            .name("server".into())
            .spawn(move || read(output, &reader))
            .map_err(ServerError::Supervisor)?;
        let mut state =
            running.watch.wait(None, |s| s.pid.is_some() || s.failed.is_some() || s.silent);
        match (state.pid, state.failed.take()) {
            (_, Some(why)) => Err(ServerError::NotStarted(why)),
            (None, None) => Err(ServerError::Lost),
            (Some(_), None) => {
                drop(state);
                Ok(running)
            }
        }
    }

    /// How the command ended by itself; none while it runs, after waiting at most so long for its
    /// end. From any thread.
    pub fn exited(&self, within: Duration) -> Option<Exit> {
        self.watch.wait(Some(within), |s| s.exit.is_some()).exit
    }

    /// Calls this when the command ends by itself, from another thread; at once if it has ended;
    /// never when it is stopped. It must return soon, and must not wait for anything that stops
    /// this server.
    pub fn on_exit(&self, f: impl FnOnce() + Send + 'static) {
        let mut state = self.watch.lock();
        if state.exit.is_some() {
            drop(state);
            f();
        } else if !state.stopping {
            state.on_exit.push(Box::new(f));
        }
    }

    /// The last lines of the log, at most that many, from its last 64 KiB: without terminal
    /// sequences and control characters, each cut at 500 characters. None where the log cannot be
    /// read. They are the server's words, without `secrets`.
    pub fn log_tail(&self, lines: usize, secrets: &Secrets) -> Vec<String> {
        log::tail(&self.log, lines, secrets)
    }

    /// The supervisor's process id and the command's. The command's is none only before it was
    /// started.
    pub fn pids(&self) -> Option<(i32, i32)> {
        Some((Pid::from_child(&self.supervisor).as_raw_pid(), self.watch.lock().pid?))
    }

    pub fn container(&self) -> Option<&Container> {
        self.container.as_ref()
    }

    /// Lets it run on when this program ends, until its supervisor is signalled. Errors: the
    /// supervisor is gone.
    pub fn detach(mut self) -> Result<(), ServerError> {
        let Some(mut lifeline) = self.lifeline.take() else { return Err(ServerError::Lost) };
        let told = lifeline.write_all(STAY).map_err(|_| ServerError::Lost);
        // Else dropping it would not end it.
        self.lifeline = Some(lifeline).filter(|_| told.is_err());
        told
    }

    /// Ends the command and all that it started, and waits for that: at most the grace and 40 s.
    /// Errors: what no signal could end; a container that is still there; or the supervisor was
    /// killed, and nobody knows what is left.
    pub fn stop(mut self) -> Result<(), ServerError> {
        self.finish();
        let mut state = self.watch.lock();
        match (std::mem::take(&mut state.left), state.orphaned.then_some(state.pid).flatten()) {
            (left, _) if !left.is_empty() => Err(ServerError::Left(left)),
            (_, Some(group)) => Err(ServerError::Orphaned(group)),
            _ => state.kept.take().map_or(Ok(()), |(name, why)| Err(ServerError::Kept(name, why))),
        }
    }

    fn finish(&mut self) {
        let Some(lifeline) = self.lifeline.take() else { return };
        {
            let mut state = self.watch.lock();
            state.stopping = true;
            state.on_exit.clear();
        }
        drop(lifeline);
        let pid = {
            let state = self.watch.wait(Some(self.grace.saturating_add(PATIENCE)), |s| s.silent);
            if !state.silent {
                let _ = self.supervisor.kill();
            }
            state.pid
        };
        let ended_well = self.supervisor.wait().is_ok_and(|status| status.success());
        // A supervisor that was killed has ended nothing: what we can still reach is the command's
        // group.
        if !ended_well {
            pid.and_then(Pid::from_raw).map(|group| kill_process_group(group, Signal::KILL));
            let kept = self
                .container
                .as_ref()
                .and_then(|c| c.remove().err().map(|why| (c.name.clone(), why)));
            self.watch.set(|s| (s.orphaned, s.kept) = (true, kept));
        }
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Runs a command that ends by itself, such as a build, or until `stop` says so; it is asked every
/// 50 ms.
pub fn run_to_end(command: &Command, stop: impl Fn() -> bool) -> Result<Finished, ServerError> {
    let running = Supervised::start(command)?;
    loop {
        let exit = running.watch.wait(Some(GLANCE), |s| s.exit.is_some()).exit;
        let finished = match exit {
            Some(exit) if exit.success() => Finished::Done,
            Some(exit) => Finished::Failed(exit),
            None if stop() => Finished::Stopped,
            None => continue,
        };
        return running.stop().map(|()| finished);
    }
}

fn prepared(command: &Command) -> process::Command {
    let mut supervisor = process::Command::new(command.program);
    supervisor.arg("supervise").arg("--log").arg(command.log).arg("--cwd").arg(command.cwd);
    supervisor.arg("--grace").arg(format!("{}ms", command.grace.as_millis()));
    if let Some(container) = command.container {
        supervisor
            .arg("--container")
            .arg(&container.name)
            .arg("--container-program")
            .arg(&container.program);
    }
    supervisor.arg("--").arg(command.line);
    for name in command.without {
        supervisor.env_remove(name);
    }
    supervisor.envs(command.env);
    // From its first instant in a group of its own: Ctrl-C is for us, who decide what becomes of
    // the server.
    supervisor.process_group(0);
    // What it has to say it says on its output. Our standard error would be held open by it after
    // our death.
    supervisor.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    supervisor
}

/// Until the supervisor closes its output: at its end, however that comes.
fn read(output: Option<ChildStdout>, watch: &Watch) {
    let lines =
        output.into_iter().flat_map(|out| BufReader::new(out).lines().map_while(io::Result::ok));
    for line in lines {
        match serde_json::from_str(&line) {
            Ok(Message::Started { pid }) => watch.set(|s| s.pid = Some(pid)),
            Ok(Message::Failed { why }) => watch.set(|s| s.failed = Some(why)),
            Ok(Message::Exited(exit)) => watch.ended(exit),
            Ok(Message::Left { pids }) => watch.set(|s| s.left = pids),
            Ok(Message::Kept { container, why }) => watch.set(|s| s.kept = Some((container, why))),
            // Not one of ours, or of a later version, which this program cannot start.
            Err(_) => {}
        }
    }
    let unasked = {
        let state = watch.lock();
        state.pid.is_some() && state.exit.is_none() && !state.stopping
    };
    if unasked {
        watch.ended(Exit::UNKNOWN);
    }
    watch.set(|s| s.silent = true);
}

impl Watch {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that holds it can panic halfway through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    fn ended(&self, exit: Exit) {
        let told = {
            let mut state = self.lock();
            state.exit = Some(exit);
            std::mem::take(&mut state.on_exit)
        };
        self.changed.notify_all();
        // Not under the lock: they may ask how it ended.
        for f in told {
            f();
        }
    }

    /// Until it holds, at most this long.
    fn wait(
        &self,
        within: Option<Duration>,
        holds: impl Fn(&State) -> bool,
    ) -> MutexGuard<'_, State> {
        let state = self.lock();
        match within {
            None => self
                .changed
                .wait_while(state, |s| !holds(s))
                .unwrap_or_else(PoisonError::into_inner),
            Some(within) => {
                self.changed
                    .wait_timeout_while(state, within, |s| !holds(s))
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
        }
    }
}

#[cfg(test)]
mod tests;
