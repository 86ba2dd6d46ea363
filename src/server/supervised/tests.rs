//! The starting side, against a script that stands for the supervisor. The real one is tested with
//! the whole program.

use std::sync::mpsc::{self, RecvTimeoutError};

use tempfile::TempDir;

use super::*;
use crate::redact::Secrets;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/servers/supervisor.sh");
/// A hang is a failure, not a wait.
const LONG: Duration = Duration::from_secs(60);
/// A process that cannot be there: beyond the largest number that Linux gives.
const STARTED: &str = r#"echo '{"started":{"pid":999999999}}'"#;
const UNTIL_STOPPED: &str = "while read -r line; do :; done";

struct Bed {
    folder: TempDir,
    env: BTreeMap<String, String>,
    without: Vec<String>,
    line: String,
}

impl Bed {
    fn new(lines: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, env: BTreeMap::new(), without: Vec::new(), line: lines.join("\n") }
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn with<T>(&self, run: impl FnOnce(&Command) -> T) -> T {
        let log = self.log();
        run(&Command {
            program: Path::new(SCRIPT),
            line: &self.line,
            cwd: self.folder.path(),
            env: &self.env,
            without: &self.without,
            log: &log,
            grace: Duration::from_secs(1),
            container: None,
        })
    }

    fn start(&self) -> Result<Supervised, ServerError> {
        self.with(Supervised::start)
    }
}

/// What `on_exit` gave.
fn end_of(server: &Supervised) -> Result<(), RecvTimeoutError> {
    let (sender, ended) = mpsc::channel();
    server.on_exit(move || sender.send(()).unwrap());
    ended.recv_timeout(LONG)
}

#[test]
fn a_server_runs_until_it_is_stopped() {
    // What it writes at the end shows that it was waited for.
    let bed = Bed::new(&[STARTED, UNTIL_STOPPED, "echo ended > \"$3\""]);
    let server = bed.start().unwrap();
    assert_eq!(server.exited(Duration::ZERO), None);
    let (sender, told) = mpsc::channel::<()>();
    server.on_exit(move || sender.send(()).unwrap());
    server.stop().unwrap();
    assert_eq!(log::tail(&bed.log(), 9, &Secrets::default()), ["ended"]);
    assert_eq!(
        told.recv_timeout(LONG),
        Err(RecvTimeoutError::Disconnected),
        "it did not end by itself"
    );
}

#[test]
fn dropping_stops_too() {
    let bed = Bed::new(&[STARTED, UNTIL_STOPPED, "echo ended > \"$3\""]);
    drop(bed.start().unwrap());
    assert_eq!(log::tail(&bed.log(), 9, &Secrets::default()), ["ended"]);
}

#[test]
fn a_panic_stops_too() {
    let bed = Bed::new(&[STARTED, UNTIL_STOPPED, "echo ended > \"$3\""]);
    let server = bed.start().unwrap();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _running = server;
        panic!("as a bug of ours would");
    }));
    assert!(panicked.is_err());
    assert_eq!(log::tail(&bed.log(), 9, &Secrets::default()), ["ended"]);
}

#[test]
fn an_end_by_itself_is_told_once_and_kept() {
    let bed = Bed::new(&[
        STARTED,
        r#"echo '{"exited":{"code":3,"signal":null}}'"#,
        "echo 'out of memory' > \"$3\"",
    ]);
    let server = bed.start().unwrap();
    assert_eq!(end_of(&server), Ok(()));
    assert_eq!(server.exited(Duration::ZERO), Some(Exit { code: Some(3), signal: None }));
    assert_eq!(end_of(&server), Ok(()), "also to who asks late");
    let (tail, stopped) = (bed.log(), server.stop());
    stopped.unwrap();
    assert_eq!(log::tail(&tail, 9, &Secrets::default()), ["out of memory"]);
}

#[test]
fn a_command_that_did_not_start_says_why() {
    let bed = Bed::new(&[r#"echo '{"failed":{"why":"its folder is gone"}}'"#]);
    let error = bed.start().map(drop).unwrap_err();
    assert_eq!(error.to_string(), "cannot start the server: its folder is gone");
    let silent = Bed::new(&["exit 0"]).start().map(drop).unwrap_err();
    assert!(matches!(silent, ServerError::Lost), "{silent}");
    let none = Bed::new(&[]).with(|c| {
        Supervised::start(&Command { program: Path::new("/no/such/program"), ..*c }).map(drop)
    });
    assert!(matches!(none, Err(ServerError::Supervisor(_))), "{none:?}");
}

#[test]
fn what_cannot_be_ended_is_an_error() {
    let bed = Bed::new(&[STARTED, UNTIL_STOPPED, r#"echo '{"left":{"pids":[7,8]}}'"#]);
    let error = bed.start().unwrap().stop().unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("cannot stop the server: process 7, 8 did not end when killed"),
        "{error}"
    );
}

#[test]
#[cfg(target_os = "linux")]
fn with_a_killed_supervisor_the_group_is_killed_and_that_is_said() {
    let server = r#"echo "{\"started\":{\"pid\":$$}}"; exec sleep 1000 > /dev/null"#;
    let bed = Bed::new(&[&format!("setsid sh -c '{server}' < /dev/null & wait")]);
    let server = bed.start().unwrap();
    let pid = server.watch.lock().pid.unwrap();
    assert!(alive(pid), "it was started");
    let supervisor = Pid::from_child(&server.supervisor);
    rustix::process::kill_process(supervisor, Signal::KILL).unwrap();
    assert_eq!(end_of(&server), Ok(()));
    assert_eq!(server.exited(Duration::ZERO), Some(Exit::UNKNOWN));
    let error = server.stop().unwrap_err();
    assert!(matches!(error, ServerError::Orphaned(group) if group == pid), "{error}");
    let gone = || {
        thread::sleep(Duration::from_millis(10));
        !alive(pid)
    };
    assert!((0..6000).any(|_| gone()), "{pid} survived");
}

/// Runs, and is not only waiting to be reaped.
#[cfg(target_os = "linux")]
fn alive(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

#[test]
fn the_environment_is_ours_plus_what_is_set_without_what_is_hidden() {
    // Cargo sets it for tests.
    let ours = "CARGO_MANIFEST_DIR";
    assert!(std::env::var(ours).is_ok());
    let write = format!("echo \"${{{ours}-hidden}} $PORT\" > \"$3\"");
    let mut bed = Bed::new(&[STARTED, &write, UNTIL_STOPPED]);
    bed.env.insert("PORT".into(), "8123".into());
    bed.start().unwrap().stop().unwrap();
    assert_eq!(
        log::tail(&bed.log(), 9, &Secrets::default()),
        [format!("{} 8123", env!("CARGO_MANIFEST_DIR"))]
    );
    bed.without = vec![ours.into(), "PORT".into()];
    bed.start().unwrap().stop().unwrap();
    assert_eq!(
        log::tail(&bed.log(), 9, &Secrets::default()),
        ["hidden 8123"],
        "what is set is set also where ours is hidden"
    );
}

#[test]
#[cfg(target_os = "linux")]
fn the_supervisor_leads_a_group_of_its_own() {
    let bed = Bed::new(&[
        "read -r pid name state parent group rest < /proc/$$/stat",
        "echo $$ $group > \"$3\"",
        STARTED,
        UNTIL_STOPPED,
    ]);
    bed.start().unwrap().stop().unwrap();
    let line = log::tail(&bed.log(), 1, &Secrets::default()).pop().unwrap();
    let (pid, group) = line.split_once(' ').unwrap();
    assert_eq!(pid, group);
}

#[test]
fn a_build_is_done_failed_or_stopped() {
    let run =
        |lines: &[&str], stop: bool| Bed::new(lines).with(|c| run_to_end(c, || stop)).unwrap();
    let done = r#"echo '{"exited":{"code":0,"signal":null}}'"#;
    assert_eq!(run(&[STARTED, done], false), Finished::Done);
    let killed = r#"echo '{"exited":{"code":null,"signal":9}}'"#;
    assert_eq!(
        run(&[STARTED, killed], false),
        Finished::Failed(Exit { code: None, signal: Some(9) })
    );
    assert_eq!(run(&[STARTED, UNTIL_STOPPED], true), Finished::Stopped);
}
