//! What the service tells beside runs: comparison, history, the config's servers, GPUs, hypotheses.
//! Not here: runs (`serve`, `serve_runs`), pages.

use serde_json::{Value, json};

use crate::support::service::{Reply, Service};
use crate::support::{Gate, wait_for};

const CHAT: &str = "
workloads:
  - {name: chat, arrival: {closed: {concurrency: 2}}, requests: 8, warmup: 1, prompts: {synthetic: {input_tokens: 16}}, output_tokens: 4}
gate: {mode: limits, starts: 2, rounds: 1}
";

fn folder(target: &str) -> Gate {
    let gate = Gate::new();
    gate.write("goodput-gate.yaml", &format!("version: 1\n{target}{CHAT}"));
    gate
}

/// Whatever its verdict: a busy machine's is INVALID, and its values are there.
fn kept(gate: &Gate, args: &[&str]) {
    let ran = gate.run(&[&["run", "--data", "data"], args].concat());
    assert!(matches!(ran.code, Some(0 | 3)), "{ran:?}");
}

fn ids(service: &Service) -> Vec<String> {
    let runs = service.json("/api/v2/runs")["runs"].clone();
    let id = |run: &Value| run["id"].as_str().expect("an id").to_owned();
    runs.as_array().expect("a list").iter().map(id).collect()
}

fn post(service: &Service, path: &str) -> Reply {
    service.send("POST", path, &[("Content-Length", "0")])
}

#[test]
fn runs_are_compared_and_those_of_another_load_are_not() {
    let gate = folder("target: {sim: {noise: 'off'}}");
    kept(&gate, &[]);
    kept(&gate, &["--set", "target.sim.decode_factor=2"]);
    kept(&gate, &["--output-tokens", "9"]);
    let service = Service::start(&gate, &[]);
    let [other, slow, first] = <[String; 3]>::try_from(ids(&service)).expect("three runs");
    let compared = service.json(&format!("/api/v2/compare?runs={first},{slow},{other}"));
    assert_eq!(compared["runs"][0]["id"], json!(first));
    assert_eq!(compared["runs"][0].get("folder"), None);
    let chat = &compared["workloads"][0];
    let comparable: Vec<&Value> =
        chat["runs"].as_array().expect("a list").iter().map(|r| &r["comparable"]).collect();
    assert_eq!(comparable, [true, true, false], "{chat}");
    assert!(chat["runs"][2]["conflicts"].to_string().contains("plan"), "{chat}");
    // An INVALID run, on a busy machine, has neither values nor a rank.
    if (0..2).all(|at| chat["runs"][at]["unfit"].is_null()) {
        assert_slower(chat);
    }
    for (asked, status, code) in [
        (first.clone(), 400, "bad_query"),
        (format!("{first},{first}"), 400, "bad_query"),
        (String::new(), 400, "bad_query"),
        (format!("{first},00000000-0000-4000-8000-000000000000"), 404, "run_not_found"),
        (format!("{first},../../etc/passwd"), 404, "run_not_found"),
    ] {
        service.get(&format!("/api/v2/compare?runs={asked}")).assert_refused(status, code);
    }
    std::fs::remove_file(record(&gate, &slow)).expect("it is there");
    let asked = format!("/api/v2/compare?runs={first},{slow}");
    service.get(&asked).assert_refused(409, "not_comparable");
}

/// The second is, by half and more; the third is not comparable.
fn assert_slower(chat: &Value) {
    let metrics = chat["metrics"].as_array().expect("a list");
    let tpot = metrics.iter().find(|m| m["metric"] == "tpot_geomean").expect("TPOT");
    assert_eq!((&tpot["class"], &tpot["better"]), (&json!("primary"), &json!("lower")));
    let values = tpot["values"].as_array().expect("a list");
    assert!(values[1]["change_ratio"].as_f64().is_some_and(|x| x > 0.5), "{tpot}");
    assert_eq!((&values[0]["is_best"], &values[1]["is_best"]), (&json!(true), &json!(false)));
    let none = (&values[0]["change_ratio"], &values[2]["change_ratio"]);
    assert_eq!(none, (&json!(null), &json!(null)));
}

fn record(gate: &Gate, id: &str) -> std::path::PathBuf {
    let mut files = gate.files().into_iter();
    let its = |path: &std::path::PathBuf| {
        path.to_string_lossy().contains(id) && path.ends_with("record.json")
    };
    files.find(its).expect("a record")
}

#[test]
fn history_has_the_values_of_runs_and_of_sessions() {
    let gate = folder("target: {sim: {noise: 'off'}}");
    kept(&gate, &[]);
    let service = Service::start(&gate, &[]);
    let history = service.json("/api/v2/history?workload=chat");
    let runs = history["runs"].as_array().expect("a list");
    assert!(runs[0]["values"]["ttft_geomean_ms"].as_f64().is_some_and(|ms| ms > 0.0), "{history}");
    assert!(history["baselines"].is_null() && history["why"].is_string(), "{history}");
    let one = service.json("/api/v2/history?workload=chat&metric=tpot_geomean");
    assert_eq!(one["runs"][0]["values"].as_object().map(serde_json::Map::len), Some(1));
    service.get("/api/v2/history?workload=other").assert_refused(404, "workload_not_found");
    service.get("/api/v2/history").assert_refused(400, "bad_query");
    service.get("/api/v2/baselines").assert_refused(409, "no_config");
    // With a repository there are sessions to tell of.
    gate.git(&["init", "-q", "-b", "main", "."]);
    gate.git(&["add", "goodput-gate.yaml"]);
    gate.git(&["commit", "-q", "-m", "a config"]);
    let added = gate.run(&["baseline", "update", "--from", ".goodput-gate/record.json"]);
    if added.code == Some(0) {
        gate.git(&["add", "baselines"]);
        gate.git(&["commit", "-q", "-m", "a session"]);
        let all = service.json("/api/v2/baselines");
        let commit = all["sessions"][0]["commit"].as_str().expect("a commit");
        let found = service.json(&format!("/api/v2/baselines?commit={}", &commit[..8]));
        assert_eq!(found, all);
        let none = service.json("/api/v2/baselines?commit=ffffffffffff");
        assert_eq!(none, json!({"sessions": []}));
        let history = service.json("/api/v2/history?workload=chat");
        let points = &history["baselines"]["workloads"][0]["metrics"][0]["points"];
        assert_eq!(points.as_array().map(Vec::len), Some(1), "{history}");
    }
}

#[test]
fn the_configs_servers_are_brought_up_and_down_and_no_others() {
    let start = format!("exec {} sim --listen 127.0.0.1:$PORT", env!("CARGO_BIN_EXE_goodput-gate"));
    let gate = folder(&format!(
        "server: {{start: '{start}', ready: {{path: /health, timeout: 60s}}}}\ntargets: {{elsewhere: {{target: {{base_url: 'http://127.0.0.1:9/v1'}}}}}}"
    ));
    let service = Service::start(&gate, &[]);
    let server = |name: &str| {
        let all = service.json("/api/v2/servers")["servers"].clone();
        let found = all.as_array().expect("a list").iter().find(|s| s["name"] == name).cloned();
        found.unwrap_or_else(|| panic!("{name}: {all}"))
    };
    assert_eq!(
        (&server("default")["state"], &server("default")["kind"]),
        (&json!("down"), &json!("started"))
    );
    assert_eq!(server("elsewhere")["kind"], "elsewhere");
    let path = |name: &str, verb: &str| format!("/api/v2/servers/{name}/{verb}");
    post(&service, &path("elsewhere", "start")).assert_refused(409, "not_startable");
    for hostile in ["other", "--set=server.start=touch%20pwned", "..%2f..", "$(touch%20pwned)"] {
        post(&service, &path(hostile, "start")).assert_refused(404, "server_not_found");
        service.get(&path(hostile, "logs")).assert_refused(404, "server_not_found");
    }
    service.get(&path("default", "logs")).assert_refused(404, "no_log");
    let begun = post(&service, &path("default", "start"));
    assert_eq!((begun.status, &begun.json()["state"]), (202, &json!("starting")));
    assert!(wait_for(|| server("default")["state"] == "ready"), "{}", server("default"));
    assert!(wait_for(|| server("default")["command"]["exit_code"] == 0));
    let lines = service.json(&path("default", "logs"))["lines"].clone();
    assert!(lines.is_array(), "{lines}");
    let ended = post(&service, &path("default", "stop"));
    assert_eq!(ended.status, 202, "{ended:?}");
    assert!(wait_for(|| server("default")["state"] == "down"), "{}", server("default"));
    assert!(!gate.path("pwned").exists());
}

#[test]
fn no_server_is_touched_while_something_is_measured() {
    let start = format!("exec {} sim --listen 127.0.0.1:$PORT", env!("CARGO_BIN_EXE_goodput-gate"));
    let gate = folder(&format!("server: {{start: '{start}', ready: {{path: /health}}}}"));
    let service = Service::start(&gate, &[]);
    let host = service.address;
    let body = r#"{"verb": "run", "requests": 5000, "concurrency": [1]}"#;
    let asked = service.raw(&format!(
        "POST /api/v2/runs HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    assert_eq!(asked.status, 202, "{asked:?}");
    for verb in ["start", "stop"] {
        post(&service, &format!("/api/v2/servers/default/{verb}")).assert_refused(409, "running");
    }
    let id = asked.json()["id"].as_str().expect("an id").to_owned();
    for _ in 0..2 {
        post(&service, &format!("/api/v2/runs/{id}/cancel"));
    }
    let over = || service.json(&format!("/api/v2/runs/{id}"))["state"] == "ended";
    assert!(wait_for(over));
}

#[test]
fn a_machine_without_gpus_says_so() {
    let gate = folder("target: {sim: {}}");
    let service = Service::start(&gate, &[]);
    let gpus = service.json("/api/v2/gpus");
    assert_eq!(gpus["gpus"], json!([]), "{gpus}");
    assert!(gpus["why"].as_str().is_some_and(|why| !why.is_empty()), "{gpus}");
}

#[test]
fn hypotheses_have_what_the_newest_ranking_said() {
    let gate = folder(
        "targets:
  quick: {target: {sim: {noise: 'off'}}}
  slow: {target: {sim: {noise: 'off', decode_factor: 2}}}
hypotheses:
  - {says: decoding differs, metric: tpot_geomean, claim: slow > 1.5 * quick}
",
    );
    let service = Service::start(&gate, &[]);
    let only = || service.json("/api/v2/hypotheses")["hypotheses"][0].clone();
    let before = only();
    assert_eq!((&before["outcome"], &before["evidence"]), (&json!("unmeasured"), &json!([])));
    assert_eq!(before["claim"], "slow > 1.5 * quick");
    kept(&gate, &["--each"]);
    let tested = || wait_for(|| !only()["run"].is_null());
    assert!(tested(), "{}", only());
    let after = only();
    assert!(after["evidence"][0].as_str().is_some_and(|text| !text.is_empty()), "{after}");
    assert_eq!(after["run"], json!(ids(&service)[0]));
    let folders = std::fs::read_dir(gate.path("data/runs")).expect("runs are kept");
    let folder = folders.map(|f| f.expect("a folder").path()).next().expect("one");
    std::fs::write(folder.join("ranking.json"), "{").expect("it can be damaged");
    assert!(wait_for(|| only()["outcome"] == "unmeasured"), "{}", only());
    let why = only()["evidence"][0].clone();
    assert!(why.as_str().is_some_and(|why| why.ends_with("its ranking is damaged")), "{why}");
    gate.write("goodput-gate.yaml", "version: 1\ntarget: {sim: {bad: 1}}\n");
    service.get("/api/v2/hypotheses").assert_refused(409, "no_config");
}
