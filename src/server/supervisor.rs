//! The supervisor: the process between the one that gates and a user's command. Runs the command,
//! says how it ends, leaves nothing behind.
//!
//! It ends the command when its standard input ends (whoever started it wants that, or is dead, and
//! did not say `stay` before) or when it is signalled itself. Nothing here polls while the command
//! runs: a measurement may be going on.

use std::io::{self, PipeReader, PipeWriter, Read as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, wait};
use tokio::signal::unix::{SignalKind, signal};

use super::message::{Exit, Message, STAY};
use super::rolling::{self, Rolling};
use super::{Container, ServerError, processes};
use crate::print::print;

/// How often what is left is looked for and killed again: a process may fork while it is looked
/// for.
const KILL_EVERY: Duration = Duration::from_millis(50);
/// What five seconds of that do not end waits inside the kernel, for a driver say; no signal
/// reaches it there.
const KILLS: u32 = 100;
/// Its last words are in the log before its end is told: they are in the pipe already, but
/// something that it left may hold that open.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// One command, as the hidden verb is told it.
#[derive(Debug)]
pub struct Job {
    /// For `sh -c`.
    pub line: String,
    pub cwd: Option<PathBuf>,
    /// Its standard output and error are appended here.
    pub log: PathBuf,
    /// From the request to end until it is killed.
    pub grace: Duration,
    /// Removed when nothing else is left of the command.
    pub container: Option<Container>,
}

/// A command that runs.
struct Running {
    pid: Pid,
    /// Disconnected when all is written that the command and its children had to say.
    written: Receiver<()>,
}

enum Event {
    /// The command itself ended.
    Exited(Exit),
    /// Neither it nor anything that it started is left.
    NothingLeft,
    /// Standard input ended, or a signal asked for the end.
    Stop,
}

/// Runs the command to its end, or until it is told to end it. Error: it was not started, and why;
/// that is said on standard output, too.
pub fn supervise(job: &Job) -> Result<(), ServerError> {
    let (sender, events) = channel();
    let Running { pid, written } = match start(job, &sender) {
        Ok(running) => running,
        Err(why) => {
            say(&Message::Failed { why: why.clone() });
            return Err(ServerError::NotStarted(why));
        }
    };
    say(&Message::Started { pid: pid.as_raw_pid() });
    let left = match events.recv() {
        Ok(Event::Exited(exit)) => {
            let _ = written.recv_timeout(LAST_WORDS);
            say(&Message::Exited(exit));
            end(pid, job.grace, &events)
        }
        Ok(Event::Stop) | Err(_) => end(pid, job.grace, &events),
        // Somebody else waited for it. There should be nothing; that is not taken on trust.
        Ok(Event::NothingLeft) => {
            say(&Message::Exited(Exit::UNKNOWN));
            processes::signal_all(pid, Signal::KILL);
            processes::descendants()
        }
    };
    if let Some(container) = &job.container
        && let Err(why) = container.remove()
    {
        say(&Message::Kept { container: container.name.clone(), why });
    }
    if !left.is_empty() {
        say(&Message::Left { pids: left });
    }
    let _ = written.recv_timeout(LAST_WORDS);
    Ok(())
}

/// Everything that can stop the command watches before there is a command.
fn start(job: &Job, events: &Sender<Event>) -> Result<Running, String> {
    own_group();
    let log = Rolling::open(&job.log, rolling::MOST).map_err(|e| {
        format!(
            "its log {} cannot be written: {e}; choose a folder that can be written",
            job.log.display()
        )
    })?;
    if let Some(cwd) = &job.cwd {
        check_folder(cwd)?;
    }
    let (output, written) =
        copy(log).map_err(|e| format!("its output cannot be taken down: {e}"))?;
    let mut command =
        command(job, output).map_err(|e| format!("its output cannot be shared: {e}"))?;
    let watch = || {
        watch_signals(events.clone())?;
        watch_stdin(events.clone())
    };
    watch().map_err(|e| format!("its supervisor cannot watch for the end: {e}"))?;
    let child = command.spawn().map_err(|e| format!("/bin/sh cannot be run: {e}"))?;
    let pid = Pid::from_child(&child);
    // Our own ends of the pipe: while they are open it has no end.
    drop(command);
    let events = events.clone();
    thread::Builder::new().name("reaper".into()).spawn(move || reap(pid, &events)).map_err(
        |e| {
            processes::signal_all(pid, Signal::KILL);
            format!("its supervisor cannot wait for it: {e}")
        },
    )?;
    Ok(Running { pid, written })
}

/// Writes the log, so that it can be kept small while the command holds what it writes to.
fn copy(mut log: Rolling) -> io::Result<(PipeWriter, Receiver<()>)> {
    let (source, output): (PipeReader, PipeWriter) = io::pipe()?;
    let (writing, written) = channel();
    let until_end = move || {
        log.copy(source);
        drop(writing);
    };
    thread::Builder::new().name("log".into()).spawn(until_end)?;
    Ok((output, written))
}

/// Away from the terminal's foreground group, so that Ctrl-C reaches only who started us; and
/// parent of every orphan below us, so that nothing gets away by forking twice. Where we lead a
/// session already, we have a group.
fn own_group() {
    let _ = rustix::process::setpgid(None, None);
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
}

/// What `spawn` says of a folder that is not there reads as if the shell were not there.
fn check_folder(cwd: &Path) -> Result<(), String> {
    let wrong = |why: &str| format!("its working folder {} {why}; correct its cwd", cwd.display());
    match std::fs::metadata(cwd) {
        Ok(facts) if facts.is_dir() => Ok(()),
        Ok(_) => Err(wrong("is no folder")),
        Err(e) => Err(wrong(&format!("cannot be used: {e}"))),
    }
}

fn command(job: &Job, output: PipeWriter) -> io::Result<Command> {
    // By its full path: the PATH here is the one that the user chose for the server.
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(&job.line).process_group(0);
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    if let Some(cwd) = &job.cwd {
        command.current_dir(cwd);
    }
    Ok(command)
}

/// A thread, since a read cannot be given up.
fn watch_stdin(events: Sender<Event>) -> io::Result<()> {
    let until_end = move || {
        let mut buffer = [0; 256];
        let mut told = Vec::new();
        loop {
            match io::stdin().lock().read(&mut buffer) {
                // More than this nobody has to say.
                Ok(n @ 1..) => {
                    told.extend_from_slice(&buffer[..n.min(STAY.len().saturating_sub(told.len()))]);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => break,
            }
        }
        if told != STAY {
            let _ = events.send(Event::Stop);
        }
    };
    thread::Builder::new().name("lifeline".into()).spawn(until_end).map(drop)
}

/// Handlers, and not ignored signals: a command inherits what is ignored.
fn watch_signals(events: Sender<Event>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    // Who started us by `nohup` wants us to outlive the terminal.
    let outlives = processes::is_ignored(Signal::HUP);
    let (mut interrupt, mut terminate, mut hangup, mut quit, child) = {
        let _context = runtime.enter();
        let wanted = [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
            SignalKind::quit(),
            SignalKind::child(),
        ];
        let [int, term, hup, quit, child] = wanted.map(signal);
        (int?, term?, hup?, quit?, child?)
    };
    let until_signalled = move || {
        // Only so that it has a handler: where whoever started us ignores it, the system reaps our
        // children and nobody learns how they ended.
        let _child = child;
        runtime.block_on(async {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    _ = quit.recv() => {}
                    _ = hangup.recv() => {
                        if outlives {
                            continue;
                        }
                    }
                }
                if events.send(Event::Stop).is_err() {
                    return;
                }
            }
        });
    };
    thread::Builder::new().name("signals".into()).spawn(until_signalled).map(drop)
}

/// Waits for the command and for every orphan that came to us, until there is none. When there is
/// no child, there is no descendant: the children of a process that ends become ours before it can
/// be waited for.
fn reap(command: Pid, events: &Sender<Event>) {
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == command => {
                let _ = events.send(Event::Exited(Exit {
                    code: status.exit_status(),
                    signal: status.terminating_signal(),
                }));
            }
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => break,
        }
    }
    let _ = events.send(Event::NothingLeft);
}

/// Asks all to end, waits, kills what did not. What is left after that.
fn end(command: Pid, grace: Duration, events: &Receiver<Event>) -> Vec<i32> {
    processes::signal_all(command, Signal::TERM);
    let mut over = nothing_left(grace, events);
    for _ in 0..KILLS {
        if over {
            break;
        }
        processes::signal_all(command, Signal::KILL);
        over = nothing_left(KILL_EVERY, events);
    }
    if cfg!(not(target_os = "linux")) {
        // Orphans do not come to us there: that our child is gone says nothing of its group.
        processes::signal_all(command, Signal::KILL);
    }
    if over { Vec::new() } else { processes::descendants() }
}

fn nothing_left(within: Duration, events: &Receiver<Event>) -> bool {
    let since = Instant::now();
    loop {
        match events.recv_timeout(within.saturating_sub(since.elapsed())) {
            Ok(Event::NothingLeft) => return true,
            // A second request does not shorten what was granted at the first.
            Ok(Event::Exited(_) | Event::Stop) => {}
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return false,
        }
    }
}

/// Who started us may be gone: then nobody is left to tell.
fn say(message: &Message) {
    let Ok(line) = serde_json::to_string(message) else { return };
    let _ = print(&line);
}
