//! Requests that mean harm, and what the service answers: the attack list of docs/SERVE.md. Names of
//! hosts and pages of other sites are in `serve`. Not here: faults of the machine (`serve_crash`).

use std::io::{Read as _, Write as _};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};

use crate::support::service::{Reply, Service};
use crate::support::{Act, Gate, Part, Server, wait_for};

const JSON: (&str, &str) = ("Content-Type", "application/json");
const NOBODY: &str = "/api/v2/runs/00000000-0000-4000-8000-000000000000";

fn post(service: &Service, body: &str) -> Reply {
    service.post("/api/v2/runs", &[JSON], body)
}

/// The paths of the requests that the service has answered.
fn paths(gate: &Gate) -> Vec<String> {
    let text = gate.text("stderr.txt");
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter_map(|line| Some(line["path"].as_str()?.to_owned())).collect()
}

#[test]
fn no_path_leads_out_of_the_data_directory() {
    let gate = Gate::new();
    gate.write("canary.txt", "the canary");
    gate.write("data/canary.txt", "the canary");
    let service = Service::start(&gate, &[]);
    for dots in [
        "..",
        "%2e%2e",
        "..%2f..",
        "%2e%2e%2f%2e%2e",
        "%252e%252e%252f",
        "..%5c..",
        "....//",
        "..;",
        "%c0%ae%c0%ae",
        "%u002e%u002e",
        "%00",
        "..%00/",
    ] {
        for path in [
            format!("/{dots}/canary.txt"),
            format!("/api/v2/runs/{dots}/canary.txt"),
            format!("/api/v2/runs/{dots}%2fcanary.txt/record"),
            format!("/api/v2/runs/{dots}/report?format={dots}/canary.txt"),
            format!("{NOBODY}/{dots}/{dots}/canary.txt"),
            format!("/static/{dots}/canary.txt"),
        ] {
            let reply = service.get(&path);
            assert!((400..500).contains(&reply.status), "{path}: {reply:?}");
            assert!(!String::from_utf8_lossy(&reply.body).contains("the canary"), "{path}");
            let deleted = service.send("DELETE", &path, &[]);
            assert!((400..500).contains(&deleted.status), "{path}: {deleted:?}");
        }
    }
    assert_eq!(gate.text("canary.txt"), gate.text("data/canary.txt"));
}

#[test]
fn a_page_of_another_site_opens_no_socket() {
    let gate = Gate::new();
    let service = Service::start(&gate, &[]);
    let upgrade = [
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="),
    ];
    let paths = [
        "/api/v1/benchmark/ws/run/x",
        "/api/v2/runs/x/socket",
        "/ws/gpu",
        &format!("{NOBODY}/events"),
    ];
    for origin in ["https://evil.example", "null", "http://localhost:1", ""] {
        for path in paths {
            let opened = service.send("GET", path, &[&upgrade[..], &[("Origin", origin)]].concat());
            opened.assert_refused(403, "foreign_origin");
        }
    }
}

/// Frames that are too large, in one piece or in many, or that no client may send: the socket is
/// closed, and what is measured goes on.
#[test]
fn a_frame_that_is_too_large_or_wrong_closes_its_socket() {
    let server = Server::start(|seen| match seen.part {
        Part::Round(0, 1) => seen.good().after(Act::Hold),
        _ => seen.good(),
    });
    let gate = Gate::new();
    let url = server.url();
    gate.write("goodput-gate.yaml", &format!(
        "version: 1\ntarget: {{base_url: \"{url}\"}}\nworkloads:\n  - {{name: chat, arrival: {{closed: {{concurrency: 1}}}}, requests: 3, warmup: 1, prompts: {{synthetic: {{input_tokens: 16}}}}, output_tokens: 4}}\ngate: {{starts: 1, rounds: 1}}\n"
    ));
    let service = Service::start(&gate, &[]);
    let id = post(&service, r#"{"verb": "run"}"#).json()["id"].as_str().expect("an id").to_owned();
    let announced = |bytes: u64| [&[0x82, 0xff][..], &bytes.to_be_bytes(), &[0; 4]].concat();
    let mut pieces = [&[0x02, 0xfe, 0x40, 0x00, 0, 0, 0, 0][..], &[7; 0x4000]].concat();
    let more = [&[0x00, 0xfe, 0x40, 0x00, 0, 0, 0, 0][..], &[7; 0x4000]].concat();
    (0..8).for_each(|_| pieces.extend(&more));
    for frames in [
        announced(1 << 40),
        announced(u64::MAX),
        [announced(100_000), vec![7; 100_000]].concat(),
        pieces,
        // Not masked; of an unknown kind; a continuation of nothing; text that is none.
        vec![0x81, 0x02, b'h', b'i'],
        vec![0x8f, 0x80, 0, 0, 0, 0],
        vec![0x80, 0x80, 0, 0, 0, 0],
        vec![0x81, 0x81, 0, 0, 0, 0, 0xff],
    ] {
        let mut socket = service.connect();
        let host = service.address;
        let head = format!(
            "GET /api/v2/runs/{id}/socket HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        );
        socket.write_all(head.as_bytes()).expect("it is read");
        let mut first = [0; 12];
        socket.read_exact(&mut first).expect("it answers");
        assert_eq!(&first, b"HTTP/1.1 101");
        // It may be closed before all is sent.
        let _ = socket.write_all(&frames);
        let mut rest = Vec::new();
        let ended = socket.read_to_end(&mut rest);
        let waits = ended.is_err_and(|e| e.kind() == std::io::ErrorKind::WouldBlock);
        assert!(!waits, "{:?} leaves it open", &frames[..frames.len().min(12)]);
    }
    assert!(service.peak_memory() < 150 << 20, "{}", service.peak_memory());
    server.release();
    assert!(wait_for(|| service.json(&format!("/api/v2/runs/{id}"))["state"] == "ended"));
}

#[test]
fn two_readings_of_one_request_are_refused() {
    let gate = Gate::new();
    let service = Service::start(&gate, &[]);
    let hidden = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let length = hidden.len();
    for lengths in [
        format!("Content-Length: 0\r\nContent-Length: {length}\r\n"),
        format!("Content-Length: 0, {length}\r\n"),
        format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n"),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n"),
        "Transfer-Encoding: identity\r\n".into(),
        "Transfer-Encoding: xchunked\r\n".into(),
        "Transfer-Encoding : chunked\r\n".into(),
        "Transfer-Encoding: chunked, identity\r\n".into(),
        format!("Content-Length : {length}\r\n"),
        format!("Content-Length: +{length}\r\n"),
        "Content-Length: -1\r\n".into(),
        "Content-Length: 18446744073709551616\r\n".into(),
        format!(" Content-Length: {length}\r\n"),
    ] {
        let head = format!(
            "POST /api/v2/runs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{lengths}\r\n"
        );
        for body in ["", "0\r\n\r\n"] {
            let bytes = service.raw_bytes(&format!("{head}{body}{hidden}"));
            let text = String::from_utf8_lossy(&bytes).into_owned();
            assert!(text.starts_with("HTTP/1.1 4"), "{lengths:?}: {text}");
            assert_eq!(text.matches("HTTP/1.1 ").count(), 1, "{lengths:?}: {text}");
        }
    }
    assert_eq!(service.get("/healthz").status, 200);
    assert!(!paths(&gate).contains(&"/smuggled".to_owned()), "{:?}", paths(&gate));
}

#[test]
fn a_thousand_half_open_connections_hold_nobody_up() {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    let gate = Gate::new();
    let service = Service::start(&gate, &[]);
    let half: Vec<_> = (0..1000)
        .map(|i| {
            let mut stream = service.connect();
            // Nothing, half a head, or a head whose body never comes.
            let sent = ["", "GET /healthz HTTP/1.1\r\nHost: loc", "POST /api/v2/runs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"][i % 3];
            stream.write_all(sent.as_bytes()).expect("it is read");
            stream
        })
        .collect();
    assert_eq!(service.get("/healthz").status, 200);
    let count = |text: &str| {
        let line = text.lines().find(|l| l.starts_with("goodput_gate_service_connections "));
        line.and_then(|l| l.rsplit(' ').next()?.parse::<u32>().ok()).unwrap_or_default()
    };
    assert!(wait_for(|| count(&service.get("/metrics").text()) > 500));
    drop(half);
    assert!(wait_for(|| count(&service.get("/metrics").text()) < 10), "nothing of them is left");
    assert_eq!(service.json("/api/v2/runs")["total"], 0);
}

#[test]
fn large_deep_and_odd_bodies_are_refused() {
    let gate = Gate::new();
    let service = Service::start(&gate, &[]);
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let twice = r#"{"verb": "run", "verb": "check"}"#;
    for wrong in [&*deep, twice, "\u{feff}{}", "{\"verb\": \"run\"} {}", "{\"verb\": NaN}"] {
        post(&service, wrong).assert_refused(400, "bad_request");
    }
    let chunk = format!("{:x}\r\n{}\r\n", 1 << 16, "a".repeat(1 << 16)).repeat(160);
    let reply = service.raw(&format!(
        "POST /api/v2/runs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}0\r\n\r\n"
    ));
    reply.assert_refused(413, "too_large");
    // A method is what the request line says.
    for header in ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"] {
        service.send("GET", NOBODY, &[(header, "DELETE")]).assert_refused(404, "run_not_found");
    }
    service.send("TRACE", "/healthz", &[]).assert_refused(405, "method_not_allowed");
    service.send("GET", "/healthz?_method=DELETE", &[]);
    assert_eq!(service.json("/api/v2/runs")["total"], 0);
}

/// Each field that takes text, in each shape of a command, a flag, a path and a template.
#[test]
fn no_field_of_a_request_becomes_a_command() {
    let gate = Gate::new();
    gate.write(
        "goodput-gate.yaml",
        "version: 1\ntarget: {sim: {}}\nworkloads:\n  - {name: chat, arrival: {closed: {concurrency: 1}}, requests: 3, prompts: {synthetic: {input_tokens: 16}}, output_tokens: 4}\n",
    );
    let service = Service::start(&gate, &[]);
    let mut asked = Vec::new();
    for hostile in [
        "$(touch pwned)`touch pwned`;touch pwned|touch pwned&touch pwned",
        "--set=server.start=touch pwned",
        "../../../etc/passwd",
        "${API_KEY}{{7*7}}%s%n",
    ] {
        for field in ["target", "duration", "slo", "time_limit", "workloads", "presets"] {
            let many = ["workloads", "presets"].contains(&field);
            let value = if many { json!([hostile]) } else { json!(hostile) };
            let reply = post(&service, &json!({"verb": "run", field: value}).to_string());
            match reply.status {
                202 => asked.push((field, reply.json()["id"].as_str().expect("an id").to_owned())),
                _ => reply.assert_refused(400, "bad_request"),
            }
        }
        for field in
            ["verb", "rate", "requests", "concurrency", "rounds", "starts", "warmup", "set"]
        {
            let body = json!({"verb": "run", field: hostile}).to_string();
            post(&service, &body).assert_refused(400, "bad_request");
        }
    }
    for (field, id) in asked {
        let run = || service.json(&format!("/api/v2/runs/{id}"));
        assert!(wait_for(|| run()["state"] == "ended"), "{field}: {}", run());
        assert_eq!(run()["exit_code"], 2, "{field}: {}", run());
    }
    let pwned = gate.files().iter().any(|path| path.ends_with("pwned"));
    assert!(!pwned, "{:?}", gate.files());
}

/// What a copied folder says of itself is text, wherever it is told.
#[test]
fn hostile_names_are_text_in_every_answer() {
    let gate = Gate::new();
    let id = "11111111-1111-4111-8111-111111111111";
    let evil = "<script>alert(1)</script>\r\nSet-Cookie: a=b\u{1b}[2J\u{202e}=cmd|'/c calc'!A1";
    let run = json!({
        "schema": "goodput-gate/run", "version": 1, "tool_version": evil, "id": id, "verb": evil,
        "started": "2026-11-30T12:00:00Z", "branch": evil,
        "ended": {"at": evil, "exit_code": 0, "error": evil, "files": {}},
    });
    let report = json!({
        "schema": "goodput-gate/report", "version": 1, "verdict": "passed", "headline": evil,
        "workloads": [{"name": evil, "verdict": "passed", "fingerprint": {"model": evil, "server": evil}}],
    });
    let folder = format!("data/runs/2026-11-30T120000Z-{id}");
    gate.write(&format!("{folder}/run.json"), &run.to_string());
    gate.write(&format!("{folder}/report.json"), &report.to_string());
    let service = Service::start(&gate, &[]);
    for path in ["/api/v2/runs", &format!("/api/v2/runs/{id}"), "/metrics", "/"] {
        let reply = service.get(path);
        assert_eq!(reply.status, 200, "{path}");
        assert!(!reply.headers.contains_key("set-cookie"), "{reply:?}");
        let html = reply.headers["content-type"].starts_with("text/html");
        assert!(!html || !reply.text().contains("<script>alert"), "{path}");
        assert!(!reply.text().contains('\u{1b}'), "{path}");
    }
    assert_eq!(service.json(&format!("/api/v2/runs/{id}"))["branch"], evil);
    for format in ["json", "html", "md", "csv", "junit", "svg", "prometheus", "terminal"] {
        let reply = service.get(&format!("/api/v2/runs/{id}/report?format={format}"));
        assert!(!reply.headers.contains_key("set-cookie"), "{reply:?}");
        if ["html", "svg", "junit"].contains(&format) {
            assert!(!String::from_utf8_lossy(&reply.body).contains("<script>alert"), "{format}");
        }
    }
    let listed = gate.run(&["runs", "list", "--data", "data"]);
    assert!(!listed.stdout.contains('\u{1b}') && !listed.stdout.contains('\u{202e}'), "{listed:?}");
}
