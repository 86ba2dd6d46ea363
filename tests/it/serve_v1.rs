//! The addresses of the older tools: their clients, in Python, find what they expect; and what those
//! tools got wrong is right. Not here: our own addresses (`serve`, `serve_runs`).

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::service::{Reply, Service};
use crate::support::{Act, Gate, Part, Seen, Server, program, root, wait_for};

const KEY: &str = "a-long-and-random-key";
const TARGET_KEY: &str = "sk-the-key-of-the-target";
const RUN: &str = "/api/v1/benchmark/run";
const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// A simulated server beside the test; ends with it.
struct Sim {
    child: std::process::Child,
    url: String,
}

impl Sim {
    fn start(gate: &Gate) -> Self {
        let mut child = gate.spawn_into(&["sim", "--set", "model=tiny"], Stdio::piped());
        let out = child.stdout.take().expect("it is piped");
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut line).expect("text");
        let said: Value = serde_json::from_str(&line).expect("JSON");
        Self { child, url: said["base_url"].as_str().expect("an address").to_owned() }
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A config whose target is at this address, and a further one that the service can start.
fn write_config(gate: &Gate, url: &str) {
    let sim = program(&gate.path(""), &gate.path(""));
    let sim = sim.get_program().to_string_lossy().into_owned();
    let text = format!(
        "version: 1
targets:
  near: {{target: {{base_url: \"{url}\"}}}}
  other: {{target: {{base_url: \"{url}\"}}}}
  managed:
    target: {{base_url: \"http://127.0.0.1:${{PORT}}/v1\"}}
    server: {{start: \"exec '{sim}' sim --listen 127.0.0.1:${{PORT}}\"}}
workloads:
  - {{name: chat, arrival: {{closed: {{concurrency: 2}}}}, requests: 8, warmup: 1, prompts: {{synthetic: {{input_tokens: 16}}}}, output_tokens: 4}}
hypotheses:
  - {{name: H1, says: \"near is faster\", workload: chat, metric: ttft_p50, claim: near < other}}
gate: {{rounds: 1}}
"
    );
    gate.write("goodput-gate.yaml", &text);
}

fn post(service: &Service, path: &str, body: &Value) -> Reply {
    service.post(path, &[("Content-Type", "application/json")], &body.to_string())
}

fn asked(url: &str) -> Value {
    json!({"server_url": url, "model": "tiny", "num_prompts": 3, "input_len": 16, "output_len": 4,
        "warmup": 0, "api_key": TARGET_KEY})
}

/// What the clients print, who find all as they expect it.
fn older_clients(gate: &Gate, key: &str) -> String {
    let sim = Sim::start(gate);
    write_config(gate, &sim.url);
    let service = Service::start(gate, &[]);
    let url = format!("http://{}", service.address);
    let mut client = Command::new("python3");
    client.arg("-B").arg(root().join("tests/clients/older_client.py"));
    client.args([&*url, sim.url.trim_end_matches("/v1"), "tiny", "--key", key]);
    client.args(["--framework", "near", "--managed", "managed"]);
    let ran = client.output().expect("python3 is needed for this test");
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    let why = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}\n{why}\n{}", gate.text("stderr.txt"));
    said
}

#[test]
#[ignore = "needs python3; .ci/run runs it"]
fn older_clients_find_what_they_expect() {
    println!("{}", older_clients(&Gate::new(), ""));
}

#[test]
#[ignore = "needs python3; .ci/run runs it"]
fn older_clients_with_a_key_find_what_they_expect() {
    println!("{}", older_clients(&Gate::new().env("API_KEY", KEY), KEY));
}

/// Its answers to a round do not end.
fn holding() -> Server {
    Server::start(|seen| match seen.part {
        Part::Round(..) => seen.good().after(Act::Hold),
        _ => seen.good(),
    })
}

#[test]
fn a_targets_key_is_sent_and_kept_nowhere() {
    let server = holding();
    let gate = Gate::new();
    write_config(&gate, &server.url());
    let service = Service::start(&gate, &[]);
    let started = post(&service, RUN, &asked(&server.url()));
    assert_eq!(started.status, 200, "{started:?}");
    let id = started.json()["run_id"].as_str().expect("an id").to_owned();
    let sent = || server.planned().into_iter().find(|s| matches!(s.part, Part::Round(..)));
    assert!(wait_for(|| sent().is_some()), "{}", gate.text("stderr.txt"));
    let header = sent().expect("sent").headers.get("authorization").cloned();
    assert_eq!(header.as_deref(), Some(&*format!("Bearer {TARGET_KEY}")));
    let lines: Vec<String> = std::fs::read_dir("/proc")
        .expect("Linux")
        .flatten()
        .filter_map(|e| std::fs::read(e.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).into_owned())
        .filter(|line| line.contains(&id))
        .collect();
    assert!(!lines.is_empty() && lines.iter().all(|line| !line.contains(TARGET_KEY)), "{lines:?}");
    server.release();
    let result = format!("/api/v1/benchmark/result/{id}");
    assert!(wait_for(|| service.get(&result).status == 200), "{}", gate.text("stderr.txt"));
    let shown = [
        result,
        format!("{RUN}/{id}"),
        "/api/v1/benchmark/history".into(),
        format!("/api/v2/runs/{id}"),
        format!("/api/v2/runs/{id}/record"),
        format!("/api/v2/runs/{id}/report"),
        format!("/api/v2/runs/{id}/progress"),
    ];
    for path in shown {
        let reply = service.get(&path);
        assert!(reply.status == 200 && !reply.text().contains(TARGET_KEY), "{path}");
    }
    let files = gate.files();
    assert!(files.iter().any(|file| file.ends_with("request.json")), "{files:?}");
    for file in files {
        let bytes = std::fs::read(&file).expect("readable");
        let has = bytes.windows(TARGET_KEY.len()).any(|part| part == TARGET_KEY.as_bytes());
        assert!(!has, "{}", file.display());
    }
}

#[test]
fn only_known_servers_are_measured_and_none_of_the_machines_own_secrets_sent() {
    let server = Server::start(Seen::good);
    let gate = Gate::new().env("CLOUD_SECRET", "very-secret");
    write_config(&gate, &server.url());
    let service = Service::start(&gate, &[]);
    for url in [
        "http://169.254.169.254/latest",
        "http://[::ffff:169.254.169.254]/",
        "http://metadata.internal/",
        "http://127.0.0.1:1/",
        "http://127.0.0.1:1/${CLOUD_SECRET}",
        "file:///etc/passwd",
    ] {
        let reply = post(&service, RUN, &asked(url));
        reply.assert_refused(400, "bad_target");
        assert!(!reply.text().contains("very-secret"));
    }
    let with = |more: Value| {
        let mut body = json!({"verb": "run", "base_url": server.url()});
        body.as_object_mut().expect("one").extend(more.as_object().expect("one").clone());
        post(&service, "/api/v2/runs", &body)
    };
    with(json!({"api_key_env": "CLOUD_SECRET"})).assert_refused(400, "bad_target");
    with(json!({"target": "near"})).assert_refused(400, "bad_request");
    with(json!({"key": "x"})).assert_refused(400, "bad_request");
    assert_eq!(service.json("/api/v2/runs")["total"], 0);
    assert!(server.planned().is_empty());
    // Elsewhere only where the service was started so, and then not everywhere.
    drop(service);
    let service = Service::start(&gate, &["--allow-any-target"]);
    for url in ["http://169.254.169.254/", "http://0.0.0.0:80/", "http://[fe80::1]/"] {
        post(&service, RUN, &asked(url)).assert_refused(400, "bad_target");
    }
    let elsewhere = post(&service, RUN, &asked("http://127.0.0.1:1/"));
    assert_eq!(elsewhere.status, 200, "{elsewhere:?}");
}

#[test]
fn wrong_requests_are_answered_as_theirs() {
    let server = Server::start(Seen::good);
    let gate = Gate::new();
    write_config(&gate, &server.url());
    let service = Service::start(&gate, &[]);
    let wrong = post(&service, RUN, &json!({"model": 7, "concurrency": [0], "timeout": "x"}));
    assert_eq!(wrong.status, 422, "{wrong:?}");
    let wrong_json = wrong.json();
    let all = wrong_json["detail"].as_array().expect("a list");
    let fields: Vec<&Value> = all.iter().map(|one| &one["loc"][1]).collect();
    assert_eq!(fields, ["server_url", "model", "concurrency", "timeout"]);
    assert_eq!(wrong_json["code"], "invalid");
    for body in ["{", "[]", "\"text\""] {
        let reply = service.post(RUN, &[("Content-Type", "application/json")], body);
        assert_eq!(reply.status, 422, "{body}");
    }
    let unknown = json!({"framework": "vllm", "scenarios": ["all"]});
    post(&service, RUN, &unknown).assert_refused(400, "unknown_framework");
    for path in ["run", "result"] {
        for id in [NOBODY, "..%2f..%2fetc", "1"] {
            let reply = service.get(&format!("/api/v1/benchmark/{path}/{id}"));
            reply.assert_refused(404, "run_not_found");
            assert_eq!(reply.json()["detail"], "Run not found");
        }
    }
    let query = service.get("/api/v1/benchmark/history?limit=-1");
    assert_eq!(
        (query.status, &query.json()["detail"][0]["loc"]),
        (422, &json!(["query", "limit"]))
    );
    post(&service, "/api/v1/benchmark/recommend", &json!({}))
        .assert_refused(501, "not_implemented");
    let held = service.send("DELETE", "/api/v1/results/..%2f..%2fetc%2fpasswd", &[]);
    held.assert_refused(404, "no_results");
}

#[test]
fn a_run_that_goes_on_is_cancelled_by_being_deleted() {
    let server = holding();
    let gate = Gate::new();
    write_config(&gate, &server.url());
    let service = Service::start(&gate, &[]);
    let id = post(&service, RUN, &asked(&server.url())).json()["run_id"].clone();
    let id = id.as_str().expect("an id");
    assert!(wait_for(|| server.planned().iter().any(|s| matches!(s.part, Part::Round(..)))));
    let early = service.get(&format!("/api/v1/benchmark/result/{id}"));
    assert_eq!((early.status, &early.json()["detail"]), (202, &json!("Benchmark still running")));
    let deleted = service.send("DELETE", &format!("{RUN}/{id}"), &[]);
    assert_eq!((deleted.status, deleted.json()), (200, json!({"deleted": id})), "{deleted:?}");
    assert_eq!(service.json("/api/v1/benchmark/history")["total"], 0);
    server.release();
}

fn handshake(service: &Service, path: &str, headers: &str) -> TcpStream {
    let mut stream = service.connect();
    let host = service.address;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{headers}\r\n"
    )
    .expect("sent");
    stream
}

fn status(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("an answer");
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_socket_is_opened_for_whoever_may_read_and_for_no_page_of_others() {
    let server = holding();
    let gate = Gate::new().env("API_KEY", KEY);
    write_config(&gate, &server.url());
    let service = Service::start(&gate, &["--allow-host", "gate.example"]);
    let key = format!("X-API-Key: {KEY}\r\n");
    let mut head = vec![("Content-Type", "application/json"), ("X-API-Key", KEY)];
    let body = asked(&server.url()).to_string();
    let id = service.post(RUN, &head, &body).json()["run_id"].as_str().expect("an id").to_owned();
    let paths = [
        format!("/api/v1/benchmark/ws/run/{id}"),
        format!("/api/v2/runs/{id}/socket"),
        format!("/ws/benchmark/{id}"),
    ];
    for path in &paths {
        let answer = |headers: &str| status(&mut handshake(&service, path, headers));
        assert_eq!(answer(""), "HTTP/1.1 401 Unauthorized", "{path}");
        let foreign = format!("{key}Origin: https://evil.example\r\n");
        assert_eq!(answer(&foreign), "HTTP/1.1 403 Forbidden", "{path}");
        let own = format!("{key}Origin: http://{}\r\n", service.address);
        assert_eq!(answer(&own), "HTTP/1.1 101 Switching Protocols", "{path}");
        let mut open = handshake(&service, path, &key);
        assert_eq!(status(&mut open), "HTTP/1.1 101 Switching Protocols", "{path}");
        // A frame that says it has 1 TB, and one that is not masked: the socket is closed.
        open.write_all(&[0x81, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 1, 2, 3, 4]).expect("sent");
        let mut rest = Vec::new();
        assert!(open.read_to_end(&mut rest).is_ok(), "{path}");
    }
    head.push(("Connection", "close"));
    service.send("GET", &paths[0], &head).assert_refused(426, "not_websocket");
    let nobody = format!("/api/v1/benchmark/ws/run/{NOBODY}");
    assert_eq!(status(&mut handshake(&service, &nobody, &key)), "HTTP/1.1 404 Not Found");
    server.release();
}
