//! A server that outlives who started it: what is kept of it in a file, whether its processes are
//! still those, and their end.
//!
//! A process is known by its number and the instant of its start: a number that was given anew is
//! somebody else, and is left alone. Not here: starting it (`supervised`), or which file is whose
//! (`command`).

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde::{Deserialize, Serialize};

use super::supervised::PATIENCE;
use super::{Container, ServerError};
use crate::read;

const GLANCE: Duration = Duration::from_millis(50);

/// The state file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    pub version: u32,
    pub supervisor: Identity,
    /// Leads the command's process group.
    pub command: Identity,
    pub base_url: String,
    pub log: PathBuf,
    /// Seconds since 1970.
    pub began_s: u64,
    /// It answered once.
    pub ready: bool,
    pub grace_ms: u64,
    /// Its program is for people: what a file names is not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Container>,
}

/// One process, and no later one of the same number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    pub pid: i32,
    /// When it started, as the system tells; only compared.
    pub started: String,
}

impl State {
    pub const VERSION: u32 = 1;

    /// None where there is no file. Errors: it cannot be read, is or may be somebody else's words,
    /// is of a newer version, or would remove what is not the gate's.
    pub fn read(path: &Path) -> io::Result<Option<Self>> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e),
        };
        own(&file.metadata()?)?;
        let state: Self = serde_json::from_slice(&read::to_end(file, read::WRITTEN)?)?;
        if state.version > Self::VERSION {
            return Err(io::Error::other("a newer goodput-gate has written it: use that one"));
        }
        if state.container.as_ref().is_some_and(|container| !container.is_ours()) {
            return Err(io::Error::other(
                "it names a container that is none of the gate's: look at it, and remove it",
            ));
        }
        Ok(Some(state))
    }

    /// Something of it runs.
    pub fn alive(&self) -> bool {
        self.supervisor.alive() || self.command.alive()
    }

    /// Ends it with all that it started, and waits: at most twice its grace and 40 s. Nothing
    /// happens where it has ended. `remover` is the program that removes its container, as the
    /// config says. Errors: what no signal could end; a container that may still be there.
    pub fn end(&self, remover: Option<&str>) -> Result<(), ServerError> {
        let grace = Duration::from_millis(self.grace_ms);
        if self.supervisor.alive() {
            self.supervisor.signal(Signal::TERM);
            self.supervisor.gone(grace.saturating_add(PATIENCE));
            self.supervisor.signal(Signal::KILL);
        }
        // Only where its supervisor was killed: then its group is all that is known.
        if self.command.alive() {
            self.command.signal_group(Signal::TERM);
            self.command.gone(grace);
            self.command.signal_group(Signal::KILL);
            self.command.gone(PATIENCE);
        }
        // A supervisor that ended in order has removed it.
        if let Some(container) = &self.container {
            let known = remover.map(|program| Container {
                program: program.to_owned(),
                name: container.name.clone(),
            });
            let gone = known.map_or_else(
                || Err("the config names no server.container any more".into()),
                |c| c.remove(),
            );
            gone.map_err(|why| ServerError::Kept(container.name.clone(), why))?;
        }
        let left: Vec<i32> = [&self.supervisor, &self.command]
            .into_iter()
            .filter(|p| p.alive())
            .map(|p| p.pid)
            .collect();
        if left.is_empty() { Ok(()) } else { Err(ServerError::Left(left)) }
    }
}

/// Processes are ended by what the file says. Errors: another user owns it, or others may write
/// into it.
fn own(facts: &Metadata) -> io::Result<()> {
    let wrong = |why: &str| io::Error::new(io::ErrorKind::PermissionDenied, why);
    if facts.uid() != rustix::process::geteuid().as_raw() {
        return Err(wrong(
            "another user owns it: let that user bring the server down, or remove the file",
        ));
    }
    if facts.mode() & 0o022 != 0 {
        return Err(wrong("others may write into it: look at what it says, then `chmod go-w` it"));
    }
    Ok(())
}

impl Identity {
    /// None where there is no such process.
    pub fn read(pid: i32) -> Option<Self> {
        started(pid).map(|started| Self { pid, started })
    }

    pub fn alive(&self) -> bool {
        started(self.pid).is_some_and(|started| started == self.started)
    }

    fn gone(&self, within: Duration) {
        let since = Instant::now();
        while self.alive() && since.elapsed() < within {
            thread::sleep(GLANCE);
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = Pid::from_raw(self.pid).filter(|_| self.alive()) {
            let _ = kill_process(pid, signal);
        }
    }

    fn signal_group(&self, signal: Signal) {
        if let Some(pid) = Pid::from_raw(self.pid).filter(|_| self.alive()) {
            let _ = kill_process_group(pid, signal);
        }
    }
}

/// The start of a process that runs: on Linux the boot and the clock ticks since then (proc(5),
/// stat, field 22), elsewhere what `ps` says.
fn started(pid: i32) -> Option<String> {
    if !Path::new("/proc/self/stat").exists() {
        let asked = Command::new("ps")
            .args(["-o", "lstart=", "-p"])
            .arg(pid.to_string())
            .stdin(Stdio::null())
            .output()
            .ok()?;
        return Some(String::from_utf8_lossy(&asked.stdout).trim().to_owned())
            .filter(|text| !text.is_empty());
    }
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    ticks(&stat).map(|ticks| format!("{}:{ticks}", boot.trim()))
}

/// None of a process that has ended and only waits for its parent.
fn ticks(stat: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(stat);
    let (_, after_name) = text.rsplit_once(") ")?;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    (!matches!(fields.first(), Some(&("Z" | "X"))))
        .then(|| fields.get(19).map(|ticks| (*ticks).to_owned()))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Identity {
        Identity::read(rustix::process::getpid().as_raw_pid()).expect("this process runs")
    }

    #[test]
    fn the_start_is_read_past_any_name() {
        let stat = b"42 (a) S 1 (b) S 7 40 40 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 123456 1000 10";
        assert_eq!(ticks(stat).as_deref(), Some("123456"));
        assert_eq!(
            ticks(b"42 (a) Z 7 40 40 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 123456 1000 10"),
            None
        );
        assert_eq!(ticks(b"42 (a"), None);
    }

    #[test]
    fn a_number_that_was_given_anew_is_somebody_else() {
        let other = Identity { started: "another instant".into(), ..own() };
        assert!(own().alive() && !other.alive());
        // Would end this very test.
        other.signal(Signal::KILL);
        other.signal_group(Signal::KILL);
        let none = Identity { pid: 999_999_999, started: String::new() };
        assert!(!none.alive() && Identity::read(none.pid).is_none());
    }

    #[test]
    fn a_state_reads_back_and_a_newer_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        assert_eq!(State::read(&path).unwrap(), None);
        let state = State {
            version: State::VERSION,
            supervisor: own(),
            command: own(),
            base_url: "http://127.0.0.1:1/v1".into(),
            log: "server.log".into(),
            began_s: 1,
            ready: false,
            grace_ms: 1,
            container: None,
        };
        std::fs::write(&path, serde_json::to_string(&state).unwrap()).unwrap();
        assert_eq!(State::read(&path).unwrap().as_ref(), Some(&state));
        let write =
            |state: &State| std::fs::write(&path, serde_json::to_string(state).unwrap()).unwrap();
        let of = |name: &str| State {
            container: Some(Container { program: "docker".into(), name: name.into() }),
            ..state.clone()
        };
        write(&of("goodput-gate-server-0123456789abcdef"));
        assert!(State::read(&path).is_ok());
        for other in [
            "database",
            "goodput-gate-",
            "goodput-gate-x database",
            "goodput-gate-.*",
            "/etc/passwd",
        ] {
            write(&of(other));
            assert!(State::read(&path).is_err(), "{other}");
        }
        write(&State { version: 2, ..state.clone() });
        assert!(State::read(&path).is_err());
        write(&state);
        for (mode, read) in [(0o600, true), (0o644, true), (0o664, false), (0o646, false)] {
            std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(mode))
                .unwrap();
            assert_eq!(State::read(&path).is_ok(), read, "{mode:o}");
        }
    }
}
