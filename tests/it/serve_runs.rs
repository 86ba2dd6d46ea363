//! Runs that the service is asked for: queued, followed, cancelled, and what is left of them whoever
//! dies. Not here: what it tells of stored runs (`serve`).

use std::io::{BufRead as _, BufReader, Write as _};

use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};

use crate::support::service::{Reply, Service, processes};
use crate::support::{Act, Gate, Part, Server, wait_for};

const SIMULATED: &str = "target: {sim: {}}";

fn config(target: &str) -> String {
    format!(
        "version: 1
{target}
workloads:
  - {{name: chat, arrival: {{closed: {{concurrency: 1}}}}, requests: 3, warmup: 1, prompts: {{synthetic: {{input_tokens: 16}}}}, output_tokens: 4}}
gate: {{starts: 1, rounds: 2}}
"
    )
}

fn folder(target: &str) -> Gate {
    let gate = Gate::new();
    gate.write("goodput-gate.yaml", &config(target));
    gate
}

/// Its second round does not end before it is released.
fn slow() -> Server {
    Server::start(|seen| match seen.part {
        Part::Round(1, 1) => seen.good().after(Act::Hold),
        _ => seen.good(),
    })
}

fn held(server: &Server) {
    let under_way = || server.planned().iter().any(|s| s.part == Part::Round(1, 1));
    assert!(wait_for(under_way), "the second round gets under way");
}

fn post(service: &Service, path: &str, body: &str) -> Reply {
    let host = service.address;
    let length = body.len();
    service.raw(&format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    ))
}

fn asked(service: &Service, body: &str) -> String {
    let reply = post(service, "/api/v2/runs", body);
    assert_eq!(reply.status, 202, "{reply:?}");
    let id = reply.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(reply.headers["location"], format!("/api/v2/runs/{id}"));
    id
}

fn run(service: &Service, id: &str) -> Value {
    service.json(&format!("/api/v2/runs/{id}"))
}

fn ended(service: &Service, id: &str) -> Value {
    let over = || !["queued", "running"].contains(&&*word(&run(service, id)["state"]));
    assert!(wait_for(over), "{id} ends");
    run(service, id)
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Every event of a run, from now to its end: name and data.
fn events(service: &Service, id: &str) -> Vec<(String, Value)> {
    let mut stream = service.connect();
    let host = service.address;
    write!(stream, "GET /api/v2/runs/{id}/events HTTP/1.1\r\nHost: {host}\r\n\r\n").expect("sent");
    let (mut name, mut all) = (String::new(), Vec::new());
    for line in BufReader::new(stream).lines() {
        let line = line.expect("text");
        if let Some(event) = line.strip_prefix("event: ") {
            event.clone_into(&mut name);
        } else if let Some(data) = line.strip_prefix("data: ") {
            all.push((name.clone(), serde_json::from_str(data).expect("JSON")));
            if name == "ended" {
                return all;
            }
        }
    }
    panic!("the events ended before the run did: {all:?}");
}

#[test]
fn a_run_is_asked_for_followed_and_kept() {
    let gate = folder(SIMULATED);
    let service = Service::start(&gate, &[]);
    let id = asked(&service, r#"{"verb": "run", "requests": 12, "rounds": 2}"#);
    let all = events(&service, &id);
    let (last, run_of_event) = all.last().expect("there are events");
    assert_eq!((last.as_str(), &run_of_event["id"]), ("ended", &json!(id)));
    let rounds = all.iter().filter(|(_, data)| data["round"]["done"] == 12);
    assert!(rounds.count() > 0, "{all:?}");
    let placed = all.iter().map(|(_, data)| &data["round"]).find(|round| round["done"] == 12);
    let place = &placed.expect("a round")["place"];
    assert_eq!((&place["workload"], &place["rounds"]), (&json!("chat"), &json!(2)), "{place}");
    assert!(placed.expect("a round")["live"]["ttft_p50_ms"].as_f64() > Some(0.0), "{placed:?}");
    let over = ended(&service, &id);
    assert_eq!((&over["state"], &over["verb"]), (&json!("ended"), &json!("run")), "{over}");
    assert!(over["exit_code"] == 0 || over["exit_code"] == 3, "{over}");
    assert_eq!(over["workloads"][0]["name"], "chat");
    let record = service.json(&format!("/api/v2/runs/{id}/record"));
    assert_eq!(record["workloads"][0]["starts"][0]["rounds"].as_array().map(Vec::len), Some(2));
    assert_eq!(service.json(&format!("/api/v2/runs/{id}/progress")), over, "it has ended");
    // The same as the terminal's own: one list, one shape, one folder.
    let listed = gate.run(&["runs", "list", "--data", "data", "--json"]);
    let listed: Value = serde_json::from_str(&listed.stdout).expect("JSON");
    assert_eq!((&listed[0]["id"], listed.as_array().map(Vec::len)), (&json!(id), Some(1)));
    assert!(processes(&id).is_empty());
}

#[test]
fn runs_wait_for_each_other_and_can_be_cancelled() {
    let server = slow();
    let gate = folder(&format!("target: {{base_url: \"{}\"}}", server.url()));
    let service = Service::start(&gate, &[]);
    let cancel = |id: &str| post(&service, &format!("/api/v2/runs/{id}/cancel"), "");
    let first = asked(&service, r#"{"verb": "run"}"#);
    held(&server);
    let second = asked(&service, r#"{"verb": "run"}"#);
    assert_eq!(run(&service, &second)["state"], "queued");
    let progress = service.json(&format!("/api/v2/runs/{second}/progress"));
    assert_eq!((&progress["state"], &progress["before"]), (&json!("queued"), &json!(1)));
    assert_eq!(processes(&second).len(), 0, "one at a time");
    for id in [&first, &second] {
        let deleted = service.send("DELETE", &format!("/api/v2/runs/{id}"), &[]);
        deleted.assert_refused(409, "running");
    }
    assert_eq!(cancel(&second).json(), json!({"cancelled": second}));
    let never = ended(&service, &second);
    assert_eq!((&never["state"], &never["exit_code"]), (&json!("ended"), &json!(130)));
    assert_eq!(never["error"], "cancelled before it began");
    // As Ctrl-C: the first drains, the second does not wait.
    assert_eq!(cancel(&first).status, 200);
    assert_eq!(cancel(&first).status, 200);
    let over = ended(&service, &first);
    assert_eq!((&over["state"], &over["exit_code"]), (&json!("ended"), &json!(130)), "{over}");
    let record = service.json(&format!("/api/v2/runs/{first}/record"));
    assert_eq!(record["interrupted"], true);
    assert!(
        record["workloads"][0]["starts"][0]["rounds"].as_array().is_some_and(|r| !r.is_empty())
    );
    cancel(&first).assert_refused(409, "not_running");
    cancel("00000000-0000-4000-8000-000000000000").assert_refused(404, "run_not_found");
}

#[test]
fn a_request_is_checked_and_brings_no_command() {
    let gate = folder(SIMULATED);
    let service = Service::start(&gate, &[]);
    for wrong in [
        "",
        "{",
        "[]",
        "null",
        r#"{"verb": "server"}"#,
        r#"{"verb": "run", "set": ["server.start=touch pwned"]}"#,
        r#"{"verb": "run", "config": "other.yaml"}"#,
        r#"{"verb": "run", "requests": "many"}"#,
        r#"{"verb": "run", "target": "a\u0000b"}"#,
    ] {
        post(&service, "/api/v2/runs", wrong).assert_refused(400, "bad_request");
    }
    for url in ["http://169.254.169.254/", "http://127.0.0.1:1/v1", "file:///etc/passwd", "${HOME}"]
    {
        let body = json!({"verb": "run", "base_url": url}).to_string();
        post(&service, "/api/v2/runs", &body).assert_refused(400, "bad_target");
    }
    let key = r#"{"verb": "run", "api_key_env": "PATH"}"#;
    post(&service, "/api/v2/runs", key).assert_refused(400, "bad_target");
    let large = format!("{{\"verb\": \"run\", \"target\": \"{}\"}}", "a".repeat(10 << 20));
    let reply = post(&service, "/api/v2/runs", &large);
    reply.assert_refused(413, "too_large");
    let form = [("Content-Type", "text/plain"), ("Content-Length", "2")];
    service.send("POST", "/api/v2/runs", &form).assert_refused(415, "not_json");
    assert_eq!(service.json("/api/v2/runs")["total"], 0);
    // What only the run itself can know is its own error.
    for hostile in
        ["no-such", "--set=target.sim.decode_factor=9", "; touch pwned", "$(touch pwned)"]
    {
        let body = json!({"verb": "run", "target": hostile}).to_string();
        let over = ended(&service, &asked(&service, &body));
        assert_eq!((&over["state"], &over["exit_code"]), (&json!("ended"), &json!(2)), "{over}");
        assert!(word(&over["error"]).contains("target"), "{over}");
    }
    assert!(!gate.path("pwned").exists());
}

#[test]
fn whoever_is_killed_the_rounds_are_kept_and_no_process_is_left() {
    let server = slow();
    let gate = folder(&format!("target: {{base_url: \"{}\"}}", server.url()));
    let service = Service::start(&gate, &[]);
    let id = asked(&service, r#"{"verb": "run"}"#);
    held(&server);
    let waiting = asked(&service, r#"{"verb": "run"}"#);
    service.signal(Signal::KILL);
    assert_eq!(service.end(), None);
    // It is told, and drains.
    server.release();
    assert!(wait_for(|| processes(&id).is_empty()), "the run ends with its service");
    let service = Service::start(&gate, &[]);
    let over = run(&service, &id);
    assert_eq!((&over["state"], &over["exit_code"]), (&json!("ended"), &json!(130)), "{over}");
    let never = run(&service, &waiting);
    assert_eq!(never["state"], "cut_off", "{never}");
    assert!(word(&never["error"]).contains("before the run began"), "{never}");
    let record = service.json(&format!("/api/v2/runs/{id}/record"));
    assert!(
        record["workloads"][0]["starts"][0]["rounds"].as_array().is_some_and(|r| !r.is_empty())
    );
    assert_eq!(service.json("/api/v2/runs")["total"], 2, "nothing is there twice");
}

#[test]
fn a_run_that_is_killed_says_so_and_the_next_one_begins() {
    let server = slow();
    let gate = folder(&format!("target: {{base_url: \"{}\"}}", server.url()));
    let service = Service::start(&gate, &[]);
    let id = asked(&service, r#"{"verb": "run"}"#);
    held(&server);
    for process in processes(&id) {
        kill_process(process, Signal::KILL).expect("it runs");
    }
    assert_eq!(ended(&service, &id)["state"], "cut_off");
    let record = service.json(&format!("/api/v2/runs/{id}/record"));
    let rounds = record["workloads"][0]["starts"][0]["rounds"].as_array().map(Vec::len);
    assert_eq!(rounds, Some(1), "every finished round is there");
    server.release();
    let next = asked(&service, r#"{"verb": "run", "rounds": 1}"#);
    assert_eq!(ended(&service, &next)["state"], "ended");
    service.signal(Signal::TERM);
    assert_eq!(service.end(), Some(0));
}
