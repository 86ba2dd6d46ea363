//! A server in a container: whatever ends the run, the container that the gate named is removed,
//! and no other.
//!
//! `docker` is a script here, whose containers are files: like those of a daemon they outlive
//! whoever asked for them.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;

use rustix::process::Signal;

use crate::support::servers::Servers;
use crate::support::supervisor::{send, until};

const LIMITS: &str = "    limits: {ttft_mean: {max: 60s}}
gate: {mode: limits, starts: 2, rounds: 1}";

/// `run --name NAME IMAGE`, `rm -f NAME`, `ps -a -q --filter name=^NAME$`.
const DOCKER: &str = r#"#!/bin/sh
echo "$*" >> "$PLACE/calls"
case $1 in
  run) touch "$PLACE/container-$3"; [ -e "$PLACE/broken" ] && { echo "no such image: $4" >&2; exit 125; }; exec sh serve.sh ;;
  rm) [ -e "$PLACE/stuck" ] || rm -f "$PLACE/container-$3" ;;
  ps) name=${5#name=^}; ls "$PLACE" | grep -x "container-${name%$}"; exit 0 ;;
esac
"#;

struct Containers {
    servers: Servers,
    set: [String; 4],
}

impl Containers {
    fn new() -> Self {
        let servers = Servers::new(LIMITS);
        let docker = servers.bed.path("docker");
        servers.bed.write("docker", DOCKER);
        std::fs::set_permissions(&docker, std::fs::Permissions::from_mode(0o755))
            .expect("it is ours");
        std::fs::write(servers.place().join("container-another"), "").expect("a file");
        let start = "server.start=./docker run --name ${CONTAINER} image".to_owned();
        let container = format!("server.container={}", docker.display());
        let set = ["--set".into(), start, "--set".into(), container];
        Self { servers, set }
    }

    fn args<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        self.set.iter().map(String::as_str).fold([&["check"], more].concat(), |mut all, arg| {
            all.push(arg);
            all
        })
    }

    fn calls(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.servers.place().join("calls")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn there(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.servers.place()).expect("it is there");
        let names =
            entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned());
        names.filter_map(|name| name.strip_prefix("container-").map(str::to_owned)).collect()
    }

    /// Only what was asked to run was removed, and only what nobody asked for is left.
    fn left_none(&self) {
        assert_eq!(self.there(), ["another"]);
        let of = |verb: &str, at: usize| -> Vec<String> {
            let mut names: Vec<String> = self
                .calls()
                .iter()
                .filter(|call| call.starts_with(verb))
                .map(|call| call.split(' ').nth(at).expect("a name").to_owned())
                .collect();
            names.sort();
            names.dedup();
            names
        };
        assert_eq!(of("rm ", 2), of("run ", 2), "{:?}", self.calls());
        assert!(
            of("run ", 2).iter().all(|name| name.starts_with("goodput-gate-server-")),
            "{:?}",
            self.calls()
        );
    }
}

#[test]
fn each_start_has_its_container_and_leaves_none() {
    let bed = Containers::new();
    bed.servers.bed.measure(&bed.args(&[])).assert(0, &["2 server starts"]);
    bed.servers.left_nothing();
    bed.left_none();
    let runs: Vec<String> =
        bed.calls().into_iter().filter(|call| call.starts_with("run")).collect();
    let names: BTreeSet<&String> = runs.iter().collect();
    assert!(runs.len() >= 2 && names.len() == runs.len(), "each has a name of its own: {runs:?}");
}

#[test]
fn a_signal_leaves_no_container() {
    for signal in [Signal::INT, Signal::KILL] {
        let bed = Containers::new();
        let gate = bed.servers.spawn(&bed.args(&["--set", "workloads.chat.requests=5000"]));
        bed.servers.answered("-r0-");
        gate.signal(signal);
        let code = gate.end().code;
        assert_eq!(code, (signal == Signal::INT).then_some(130));
        bed.servers.soon_leaves_no_process();
        bed.left_none();
    }
}

/// Where the process that would remove it is killed, the gate does.
#[test]
#[cfg(target_os = "linux")]
fn a_killed_supervisor_leaves_no_container() {
    let bed = Containers::new();
    let gate = bed.servers.spawn(&bed.args(&["--set", "workloads.chat.requests=5000"]));
    bed.servers.answered("-r0-");
    let of = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", gate.pid()))
        .expect("its children");
    send(of.trim().parse().expect("only the supervisor"), Signal::KILL);
    assert_eq!(gate.end().code, Some(3));
    bed.servers.soon_leaves_no_process();
    bed.left_none();
}

#[test]
fn a_container_that_does_not_start_is_explained_and_removed() {
    let bed = Containers::new();
    std::fs::write(bed.servers.place().join("broken"), "").expect("a file");
    bed.servers.bed.gate(&bed.args(&[])).assert(3, &["exit status 125", "no such image: image"]);
    bed.left_none();
}

#[test]
fn a_container_that_stays_is_named() {
    let bed = Containers::new();
    std::fs::write(bed.servers.place().join("stuck"), "").expect("a file");
    let ran = bed.servers.bed.gate(&bed.args(&[]));
    ran.assert(3, &["cannot remove the server's container goodput-gate-server-", "by hand"]);
    until("no process is left", || {
        bed.servers.servers().iter().all(|(pid, _)| !crate::support::supervisor::alive(*pid))
    });
    assert_eq!(bed.there().len(), 2);
}

/// A folder that somebody else filled must not choose a program.
#[test]
fn what_removes_a_container_is_what_the_config_says() {
    let bed = Containers::new();
    let server = |verb: &'static str| {
        let args: Vec<&str> =
            ["server", verb].into_iter().chain(bed.set.iter().map(String::as_str)).collect();
        bed.servers.bed.gate(&args)
    };
    server("up").assert(0, &["is ready"]);
    let folder =
        std::fs::read_dir(bed.servers.bed.path(".goodput-gate/servers")).expect("it is up").next();
    let file = folder.expect("one").expect("an entry").path().join("state.json");
    let mut state: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&file).expect("text")).expect("JSON");
    let evil = bed.servers.bed.path("evil");
    std::fs::write(&evil, "#!/bin/sh\ntouch \"$PLACE/ran\"\n").expect("a script");
    std::fs::set_permissions(&evil, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("ours");
    state["container"]["program"] = evil.display().to_string().into();
    std::fs::write(&file, state.to_string()).expect("it is ours");
    server("down").assert(0, &["stopped"]);
    assert!(!bed.servers.place().join("ran").exists(), "what the file names was run");
    bed.servers.left_nothing();
    // Without a word of the config nothing is run, and what may be left is named.
    std::fs::write(&file, state.to_string()).expect("ours");
    let gone = bed.servers.bed.gate(&["server", "down"]);
    gone.assert(
        3,
        &[
            "cannot remove the server's container goodput-gate-server-",
            "the config names no server.container any more",
        ],
    );
}
