//! Runs that a data directory keeps: what is in their folders, how they are listed, shown and
//! deleted, and what damage does. Not here: the service (`serve`).

use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::{Act, Gate, Part, Ran, Seen, Server, wait_for};

const SMALL: [&str; 6] = ["--requests", "3", "--concurrency", "1", "--data", "data"];

fn good() -> Server {
    Server::start(Seen::good)
}

/// The second round does not end before it is released.
fn slow() -> Server {
    Server::start(|seen| match seen.part {
        Part::Round(1, 1) => seen.good().after(Act::Hold),
        _ => seen.good(),
    })
}

/// The folders of all runs.
fn folders(gate: &Gate) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(gate.path("data/runs")).expect("runs are kept");
    entries.map(|e| e.expect("an entry").path()).collect()
}

fn only(gate: &Gate) -> PathBuf {
    let all = folders(gate);
    assert_eq!(all.len(), 1, "{all:?}");
    all[0].clone()
}

fn json(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn list(gate: &Gate, args: &[&str]) -> Vec<Value> {
    let ran = gate.run(&[&["runs", "list", "--data", "data", "--json"], args].concat());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let runs: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    runs.as_array().expect("a list").clone()
}

fn runs(gate: &Gate, args: &[&str]) -> Ran {
    gate.run(&[&["runs"], args, &["--data", "data"]].concat())
}

/// A run by hand: `id` is one hex digit.
fn write_run(gate: &Gate, id: char, file: &Value, report: &Value) -> PathBuf {
    let id = format!("{}-0000-4000-8000-000000000000", id.to_string().repeat(8));
    let folder = gate.path(&format!("data/runs/2026-11-30T120000Z-{id}"));
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut whole = json!({
        "schema": "goodput-gate/run", "version": 1, "tool_version": "0", "id": id, "verb": "check",
        "started": "2026-11-30T12:00:00Z", "branch": "main",
        "ended": {"at": "2026-11-30T12:01:00Z", "exit_code": 0, "error": null, "files": {}}
    });
    whole.as_object_mut().expect("an object").extend(file.as_object().expect("one").clone());
    std::fs::write(folder.join("run.json"), whole.to_string()).expect("written");
    std::fs::write(folder.join("report.json"), report.to_string()).expect("written");
    folder
}

fn report(verdict: &str, workloads: &[(&str, &str)]) -> Value {
    let workloads: Vec<Value> = workloads
        .iter()
        .map(|(name, verdict)| {
            json!({"name": name, "verdict": verdict, "fingerprint": {"model": "m", "server": "vllm"}})
        })
        .collect();
    json!({
        "schema": "goodput-gate/report", "version": 1, "verdict": verdict, "headline": "so it is",
        "git": {"commit": "c0ffee", "tree": "t", "dirty": false, "commit_date": "d"},
        "workloads": workloads
    })
}

#[test]
fn a_run_is_kept_where_a_data_directory_is_named_and_nowhere_else() {
    let (gate, server) = (Gate::new(), good());
    gate.assert_measured(&gate.measure(&server.url(), &SMALL[..4]));
    assert!(!gate.path("data").exists() && !gate.path(".goodput-gate/runs").exists());
    gate.assert_measured(&gate.measure(&server.url(), &SMALL));
    let folder = only(&gate);
    for file in ["record.json", "report.json", "report.html", "report.md", "junit.xml"] {
        let (kept, own) = (folder.join(file), gate.path(&format!(".goodput-gate/{file}")));
        assert_eq!(std::fs::read(&kept).ok(), std::fs::read(own).ok(), "{file}");
    }
    assert!(!folder.join("record.previous.json").exists(), "it is another run's");
    assert_eq!(std::fs::read_to_string(gate.path("data/.gitignore")).expect("there"), "*\n");
    let all = list(&gate, &[]);
    assert_eq!((all.len(), &all[0]["state"], &all[0]["verb"]), (1, &json!("ended"), &json!("run")));
    assert_eq!(all[0]["workloads"][0]["verdict"], Value::Null, "nothing was judged");
    let file = json(&folder.join("run.json"));
    assert_eq!(file["ended"]["exit_code"], all[0]["exit_code"]);
    assert!(folder.ends_with(format!(
        "{}-{}",
        file["started"].as_str().expect("a date").replace(':', ""),
        file["id"].as_str().expect("an id")
    )));
    // The next run takes the output folder, and this one stays as it is.
    let before = std::fs::read(folder.join("record.json")).expect("there");
    let by_variable = Gate::measure_args(&server.url(), &SMALL[..4]);
    let mut command = gate.command(&by_variable);
    let ended = command.env("GOODPUT_GATE_DATA", "data").output().expect("it runs");
    assert!(matches!(ended.status.code(), Some(0 | 3)), "{ended:?}");
    assert_eq!(std::fs::read(folder.join("record.json")).expect("there"), before);
    assert_eq!(folders(&gate).len(), 2, "the variable says it, too");
}

#[test]
fn a_run_that_came_to_nothing_is_kept_with_its_reason() {
    let gate = Gate::new();
    let ran = gate.measure("http://127.0.0.1:1", &SMALL);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    let all = list(&gate, &[]);
    assert_eq!((&all[0]["state"], &all[0]["exit_code"]), (&json!("ended"), &json!(3)));
    assert!(all[0]["error"].as_str().expect("a reason").contains("127.0.0.1:1"), "{all:?}");
    runs(&gate, &["list"]).assert(0, &["INVALID"]);
    // Nothing began, so there is no run.
    let fresh = Gate::new();
    assert_eq!(fresh.run(&["run", "--data", "data"]).code, Some(2));
    assert!(!fresh.path("data").exists());
}

#[test]
fn a_run_that_goes_on_is_not_deleted_and_one_that_was_killed_says_so() {
    let (gate, server) = (Gate::new(), slow());
    let args = [&SMALL[..], &["--rounds", "2"]].concat();
    let mut child = gate.spawn(&Gate::measure_args(&server.url(), &args));
    let held = || server.planned().iter().any(|s| s.part == Part::Round(1, 1));
    assert!(wait_for(held), "the second round gets under way");
    let running = list(&gate, &[]);
    assert_eq!((running.len(), &running[0]["state"]), (1, &json!("running")));
    runs(&gate, &["delete", "latest", "--yes"]).assert(2, &["goes on", "hint: stop it first"]);
    kill_process(Pid::from_child(&child), Signal::KILL).expect("it runs");
    child.wait().expect("it ends");
    server.release();
    let cut = list(&gate, &[]);
    assert_eq!((&cut[0]["state"], &cut[0]["ended"]), (&json!("cut_off"), &Value::Null));
    let record = json(&only(&gate).join("record.json"));
    let rounds = record["workloads"][0]["starts"][0]["rounds"].as_array().expect("rounds");
    assert_eq!(rounds.len(), 1, "every finished round is there");
    runs(&gate, &["show", "latest"]).assert(0, &["cut off"]);
    runs(&gate, &["delete", "latest", "--yes"]).assert(0, &["deleted"]);
    assert!(folders(&gate).is_empty());
}

#[test]
fn runs_are_chosen_by_what_they_measured() {
    let gate = Gate::new();
    write_run(&gate, 'a', &json!({}), &report("passed", &[("chat", "passed")]));
    write_run(
        &gate,
        'b',
        &json!({"branch": "topic"}),
        &report("failed", &[("chat", "failed"), ("batch", "passed")]),
    );
    let ids = |args: &[&str]| -> String {
        let mut ids: Vec<String> = list(&gate, args)
            .iter()
            .map(|r| r["id"].as_str().expect("an id")[..1].into())
            .collect();
        ids.sort();
        ids.concat()
    };
    assert_eq!(ids(&[]), "ab");
    assert_eq!(ids(&["--workload", "chat"]), "ab");
    assert_eq!(ids(&["--workload", "batch"]), "b");
    assert_eq!(ids(&["--verdict", "FAIL"]), "b");
    assert_eq!(ids(&["--verdict", "passed", "--workload", "batch"]), "b", "the workload's own");
    assert_eq!(ids(&["--branch", "main"]), "a");
    assert_eq!(ids(&["--branch", "main", "--verdict", "fail"]), "");
    runs(&gate, &["list", "--branch", "x"]).assert(0, &["none of the 2 runs in data"]);
    runs(&gate, &["list", "--verdict", "good"]).assert(2, &["no verdict \"good\"", "NO BASELINE"]);
    let table = runs(&gate, &["list"]);
    table.assert(0, &["aaaaaaaa", "PASS", "bbbbbbbb", "FAIL", "chat, batch", "topic", "c0ffee"]);
    let korean = gate.run(&["--lang", "ko", "runs", "list", "--data", "data"]);
    korean.assert(0, &["워크로드", "PASS"]);
}

#[test]
fn a_run_is_named_by_the_beginning_of_its_id() {
    let gate = Gate::new();
    runs(&gate, &["list"]).assert(0, &["no runs in data", "--data data"]);
    runs(&gate, &["show", "latest"]).assert(2, &["there is no run latest in data", "runs list"]);
    write_run(&gate, 'a', &json!({}), &report("passed", &[]));
    for name in ["aaaa", "AAAAAAAA", "latest"] {
        let shown = runs(&gate, &["show", name, "--json"]);
        let run: Value = serde_json::from_str(&shown.stdout).expect("JSON");
        assert_eq!(run["headline"], "so it is", "{shown:?}");
    }
    for name in ["aaa", "../..", "cccc", ""] {
        runs(&gate, &["show", name]).assert(2, &["there is no run"]);
        runs(&gate, &["delete", "-y", name]).assert(2, &["there is no run"]);
    }
}

#[test]
fn delete_asks_and_takes_no_silence_for_a_yes() {
    let gate = Gate::new();
    let folder = write_run(&gate, 'a', &json!({}), &report("passed", &[]));
    let other = write_run(&gate, 'b', &json!({}), &report("passed", &[]));
    let delete = ["runs", "delete", "--data", "data", "aaaa"];
    for answer in ["\n", "n\n"] {
        gate.answering(&delete, answer).assert(0, &["nothing is deleted"]);
    }
    gate.answering(&delete, "").assert(2, &["standard input ended"]);
    // One that is not there: none is deleted.
    runs(&gate, &["delete", "--yes", "aaaa", "cccc"]).assert(2, &["there is no run cccc"]);
    assert!(folder.exists());
    gate.answering(&delete, "y\n").assert(0, &["deleted aaaaaaaa"]);
    assert!(!folder.exists() && other.exists());
}

#[test]
fn damage_is_named_and_hides_nothing() {
    let gate = Gate::new();
    let says =
        json!({"ended": {"at": "d", "exit_code": 0, "error": null, "files": {"record.json": 7}}});
    let passed = report("passed", &[("chat", "passed")]);
    write_run(&gate, 'a', &json!({}), &passed);
    let broken = write_run(&gate, 'b', &json!({}), &passed);
    std::fs::write(broken.join("run.json"), "{").expect("written");
    write_run(&gate, 'c', &says, &passed);
    let cut = write_run(&gate, 'd', &says, &passed);
    std::fs::write(cut.join("record.json"), "12").expect("written");
    write_run(&gate, 'e', &json!({"version": 9}), &passed);
    let odd = write_run(&gate, 'f', &json!({}), &passed);
    std::fs::write(odd.join("report.json"), "no report").expect("written");
    let all = list(&gate, &[]);
    let damaged: Vec<&Value> = all.iter().filter(|run| run["state"] == "damaged").collect();
    assert_eq!((all.len(), damaged.len()), (6, 5), "{all:?}");
    let ran = runs(&gate, &["list"]);
    ran.assert(
        0,
        &[
            "aaaaaaaa",
            "bbbbbbbb: run.json: EOF",
            "cccccccc: record.json: No such file",
            "dddddddd: record.json: it has 2 bytes, and had 7",
            "eeeeeeee: run.json: it has version 9",
            "use a newer goodput-gate",
            "ffffffff: report.json: expected",
        ],
    );
    // What cannot tell its verdict is not filtered away by it.
    let failed = list(&gate, &["--verdict", "FAIL"]);
    let ids: Vec<&str> = failed.iter().map(|run| run["id"].as_str().expect("an id")).collect();
    assert!(ids.len() == 1 && ids[0].starts_with("ffffffff"), "{ids:?}");
    runs(&gate, &["show", "ffff"]).assert(0, &["damaged", "report.json: expected"]);
    runs(&gate, &["show", "aaaa", "--format", "md"]).assert(2, &["report.json", "not a report"]);
    runs(&gate, &["delete", "--yes", "bbbb"]).assert(0, &["deleted"]);
}

#[test]
fn foreign_names_steer_no_terminal() {
    let gate = Gate::new();
    let hostile = "\u{1b}[2J\n::error::x\u{202e}";
    let named = json!({"branch": hostile, "verb": hostile});
    write_run(&gate, 'a', &named, &report("passed", &[(hostile, "passed")]));
    for args in [&["list"][..], &["show", "aaaa"], &["delete", "--yes", "aaaa"]] {
        let ran = runs(&gate, args);
        let all = ran.stdout + &ran.stderr;
        assert!(!all.contains(['\u{1b}', '\u{202e}']), "{all}");
        assert!(!all.lines().any(|line| line.trim_start().starts_with("::")), "{all}");
    }
}

#[test]
fn targets_in_turn_are_one_run_with_the_files_of_each() {
    let gate = Gate::new();
    gate.write("goodput-gate.yaml", EACH);
    let ran = gate.run(&["run", "--each", "--data", "data"]);
    assert!(matches!(ran.code, Some(0 | 3)), "{ran:?}");
    let folder = only(&gate);
    for file in ["ranking.json", "each/a/record.json", "each/b/report.html"] {
        assert!(folder.join(file).is_file(), "{file}");
    }
    let all = list(&gate, &[]);
    assert_eq!(all[0]["workloads"][0]["name"], "w", "{all:?}");
}

const EACH: &str = "\
version: 1
targets:
  a: {target: {sim: {}}}
  b: {target: {sim: {}}}
workloads:
  - {name: w, arrival: {closed: {concurrency: 2}}, requests: 6, warmup: 1, prompts: {synthetic: {input_tokens: 16}}, output_tokens: 4}
gate: {starts: 1, rounds: 1}
";
