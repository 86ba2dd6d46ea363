//! `server up|down|status|logs`: the server outlives who started it, and `down` ends it and nobody
//! else. Not here: servers of a run.

use std::path::PathBuf;
use std::process::Command;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::bed::Ran;
use crate::support::servers::Servers;
use crate::support::supervisor::{alive, gone, send, until};

fn servers() -> Servers {
    Servers::new("gate: {mode: limits}")
}

fn server(servers: &Servers, args: &[&str]) -> Ran {
    servers.bed.gate(&[&["server"], args].concat())
}

fn folders(servers: &Servers) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(servers.bed.path(".goodput-gate/servers")).expect("it was up");
    entries.map(|e| e.expect("an entry").path()).collect()
}

/// The state of the only server.
fn state(servers: &Servers) -> (PathBuf, Value) {
    let file = folders(servers)[0].join("state.json");
    let text = std::fs::read_to_string(&file).expect("it is up");
    (file, serde_json::from_str(&text).expect("JSON"))
}

fn pid_of(state: &Value, whose: &str) -> i32 {
    i32::try_from(state[whose]["pid"].as_i64().expect("a number")).expect("a process id")
}

#[test]
fn a_server_is_brought_up_looked_at_and_brought_down() {
    let servers = servers();
    server(&servers, &["status"]).assert(3, &["down"]);
    let up = server(&servers, &["up", "--set", "server.build=echo compiled"]);
    up.assert(0, &["is ready"]);
    let (pid, port) = servers.servers()[0];
    let url = format!("http://127.0.0.1:{port}/v1");
    assert_eq!(up.stdout.trim(), url, "nothing else is on standard output");
    server(&servers, &["status"]).assert(0, &["ready", &url, &format!("process {pid}"), "up "]);
    let again = server(&servers, &["up"]);
    again.assert(0, &["up already"]);
    assert_eq!((again.stdout.trim(), servers.servers().len()), (url.as_str(), 1));
    server(&servers, &["logs", "-n", "5"]).assert(0, &["serving with factor 1"]);
    // It can be measured as any other.
    let load = [
        "--concurrency",
        "2",
        "--requests",
        "12",
        "--output-tokens",
        "4",
        "--rounds",
        "1",
        "--warmup",
        "1",
    ];
    servers
        .bed
        .measure(&[&["run", "--base-url", &url][..], &load].concat())
        .assert(0, &["nothing judged"]);
    server(&servers, &["down"]).assert(0, &["stopped"]);
    servers.left_nothing();
    server(&servers, &["down"]).assert(0, &["nothing is up"]);
    server(&servers, &["logs"]).assert(0, &["serving with factor 1"]);
    assert_eq!(servers.bed.git(&["status", "--porcelain"]), "");
}

#[test]
fn two_configs_and_two_targets_do_not_meet() {
    let servers = servers();
    let other = servers.bed.read("goodput-gate.yaml") + "targets: {fast: {server: {grace: 1s}}}\n";
    servers.bed.write("other.yaml", &other);
    let all: [&[&str]; 3] =
        [&[], &["--config", "other.yaml"], &["--config", "other.yaml", "--target", "fast"]];
    for (n, args) in all.iter().enumerate() {
        server(&servers, &[&["up"], *args].concat()).assert(0, &["is ready"]);
        assert_eq!((servers.servers().len(), folders(&servers).len()), (n + 1, n + 1));
    }
    server(&servers, &["down", "--config", "other.yaml"]).assert(0, &["stopped"]);
    assert_eq!(servers.servers().iter().filter(|(pid, _)| alive(*pid)).count(), 2);
    for args in [all[0], all[2]] {
        server(&servers, &[&["status"], args].concat()).assert(0, &["ready"]);
        server(&servers, &[&["down"], args].concat()).assert(0, &["stopped"]);
    }
    servers.left_nothing();
}

#[test]
fn until_it_is_ready_it_ends_with_who_starts_it() {
    for signal in [Signal::INT, Signal::KILL] {
        let servers = servers();
        let up = servers.spawn(&[
            "server",
            "up",
            "--set",
            "server.start=touch \"$PLACE/begun\"; exec sleep 1000",
        ]);
        servers.reaches("begun");
        until("its state is known", || {
            !folders(&servers).is_empty() && folders(&servers)[0].join("state.json").exists()
        });
        server(&servers, &["status"]).assert(3, &["starting"]);
        server(&servers, &["down"]).assert(3, &["is at work"]);
        up.signal(signal);
        assert_eq!(up.end().code, (signal == Signal::INT).then_some(130));
        servers.soon_leaves_no_process();
        server(&servers, &["status"])
            .assert(3, &[if signal == Signal::INT { "down" } else { "dead" }]);
        server(&servers, &["down"]).assert(0, &[]);
    }
}

#[test]
fn a_server_that_does_not_come_up_says_why() {
    let servers = servers();
    let ran = server(&servers, &["up", "--set", "server.start=echo out of memory; exit 3"]);
    ran.assert(3, &["the server ended by itself (exit status 3)", "out of memory"]);
    assert_eq!(ran.stdout, "");
    server(&servers, &["status"]).assert(3, &["down"]);
    let built = server(&servers, &["up", "--set", "server.build=echo no compiler; exit 1"]);
    built.assert(3, &["building the server failed", "no compiler"]);
    servers.left_nothing();
}

#[test]
fn a_server_that_died_is_dead() {
    let servers = servers();
    server(&servers, &["up"]).assert(0, &["is ready"]);
    send(servers.servers()[0].0, Signal::KILL);
    gone(pid_of(&state(&servers).1, "supervisor"));
    server(&servers, &["status"]).assert(3, &["dead"]);
    server(&servers, &["up"]).assert(0, &["is ready"]);
    server(&servers, &["down"]).assert(0, &["stopped"]);
    servers.left_nothing();
}

#[test]
fn without_its_supervisor_it_is_ended_by_its_group() {
    let servers = servers();
    server(&servers, &["up"]).assert(0, &["is ready"]);
    let supervisor = pid_of(&state(&servers).1, "supervisor");
    send(supervisor, Signal::KILL);
    gone(supervisor);
    server(&servers, &["status"]).assert(3, &["dead"]);
    // A line that cannot be written any more may end it before that; where it does not, it must not
    // be forgotten.
    if alive(servers.servers()[0].0) {
        server(&servers, &["up"]).assert(3, &["still runs", "server down"]);
    }
    server(&servers, &["down"]).assert(0, &[]);
    servers.soon_leaves_no_process();
}

#[test]
fn a_process_of_the_same_number_is_left_alone() {
    let servers = servers();
    server(&servers, &["up"]).assert(0, &["is ready"]);
    let (file, was) = state(&servers);
    let mut innocent = Command::new("sleep").arg("1000").spawn().expect("it starts");
    let mut changed = was.clone();
    for whose in ["supervisor", "command"] {
        changed[whose]["pid"] = json!(innocent.id());
    }
    std::fs::write(&file, changed.to_string()).expect("it can be written");
    server(&servers, &["status"]).assert(3, &["dead"]);
    server(&servers, &["down"]).assert(0, &["had ended by itself"]);
    assert!(innocent.try_wait().expect("it is ours").is_none(), "it still runs");
    innocent.kill().and_then(|()| innocent.wait()).expect("it is ours");
    std::fs::write(&file, was.to_string()).expect("it can be written");
    server(&servers, &["down"]).assert(0, &["stopped"]);
    servers.left_nothing();
}

/// A log may hold prompts and keys, and by its state a server is ended.
#[test]
fn what_is_kept_of_a_server_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let servers = servers();
    server(&servers, &["up", "--set", "server.build=echo compiled"]).assert(0, &["is ready"]);
    let (file, _) = state(&servers);
    for name in ["state.json", "server.log", "build.log"] {
        let mode =
            std::fs::metadata(file.with_file_name(name)).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let set = |mode| {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).expect("it is ours");
    };
    set(0o666);
    for verb in ["down", "up", "status"] {
        server(&servers, &[verb]).assert(2, &["state.json", "others may write into it"]);
    }
    set(0o600);
    server(&servers, &["down"]).assert(0, &["stopped"]);
    servers.left_nothing();
}

#[test]
fn a_log_is_followed_until_the_server_ends() {
    let servers = servers();
    let chatty =
        "server.start=(i=0; while sleep 0.1; do i=$((i+1)); echo line $i; done) & exec sh serve.sh";
    server(&servers, &["up", "--set", chatty]).assert(0, &["is ready"]);
    let logs = servers.spawn(&["server", "logs", "-f", "-n", "1"]);
    let said = || servers.bed.read("../stdout").matches("line ").count();
    until("what came later is shown", || said() >= 4);
    server(&servers, &["down"]).assert(0, &["stopped"]);
    assert_eq!(logs.end().code, Some(0));
    servers.left_nothing();
}

#[test]
fn only_what_the_config_starts_is_brought_up() {
    let servers = servers();
    let remote =
        ["up", "--set", "server=null", "--set", "target={base_url: \"http://127.0.0.1:9/v1\"}"];
    server(&servers, &remote)
        .assert(2, &["does not say how http://127.0.0.1:9/v1 is started", "docs/RECIPES.md"]);
    server(&servers, &["up", "--set", "server=null", "--set", "target={sim: {}}"])
        .assert(2, &["goodput-gate sim"]);
}

#[test]
fn a_lock_that_is_a_link_leaves_what_it_leads_to() {
    let servers = servers();
    server(&servers, &["down"]).assert(0, &["nothing is up"]);
    let (lock, other) = (folders(&servers)[0].join("lock"), servers.bed.path("precious"));
    servers.bed.write("precious", "content");
    std::fs::remove_file(&lock).expect("the lock");
    std::os::unix::fs::symlink(&other, &lock).expect("a link");
    server(&servers, &["down"]).assert(0, &["nothing is up"]);
    assert_eq!(servers.bed.read("precious"), "content");
}
