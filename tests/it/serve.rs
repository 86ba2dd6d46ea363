//! The service: what it tells of stored runs, who may ask, what it does with bad input, and how it
//! ends. Not here: the runs themselves (`runs`).

use std::io::{Read as _, Write as _};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::service::Service;
use crate::support::{Act, Gate, Part, Seen, Server, wait_for};

const SMALL: [&str; 6] = ["--requests", "3", "--concurrency", "1", "--data", "data"];
const NOBODY: &str = "/api/v2/runs/00000000-0000-4000-8000-000000000000";
const KEY: &str = "a-long-and-random-key";

/// A folder with one measured run, and the run's id.
fn measured() -> (Gate, String) {
    let (gate, server) = (Gate::new(), Server::start(Seen::good));
    gate.assert_measured(&gate.measure(&server.url(), &SMALL));
    let listed = gate.run(&["runs", "list", "--data", "data", "--json"]);
    let runs: Value = serde_json::from_str(&listed.stdout).expect("JSON");
    (gate, runs[0]["id"].as_str().expect("an id").to_owned())
}

/// The lines that the service has logged.
fn log(gate: &Gate) -> Vec<Value> {
    let text = gate.text("stderr.txt");
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[test]
fn what_is_kept_is_told_in_full() {
    let (gate, id) = measured();
    let service = Service::start(&gate, &[]);
    assert_eq!(service.json("/healthz")["status"], "healthy");
    let listed = service.json("/api/v2/runs");
    assert_eq!((&listed["total"], &listed["runs"][0]["id"]), (&json!(1), &json!(id)));
    let run = service.json(&format!("/api/v2/runs/{id}"));
    assert_eq!((&run["state"], &run["verb"]), (&json!("ended"), &json!("run")));
    assert_eq!(run["folder"], Value::Null, "no path of this machine is told");
    assert_eq!(service.json(&format!("/api/v2/runs/{}", id.to_uppercase())), run);
    let record = service.get(&format!("/api/v2/runs/{id}/record"));
    assert_eq!(record.text(), gate.text(".goodput-gate/record.json"));
    let report = service.get(&format!("/api/v2/runs/{id}/report"));
    assert_eq!(report.text(), gate.text(".goodput-gate/report.json"));
    for (format, kind) in [
        ("terminal", "text/plain; charset=utf-8"),
        ("md", "text/markdown; charset=utf-8"),
        ("junit", "application/xml"),
        ("json", "application/json"),
        ("html", "text/html; charset=utf-8"),
        ("csv", "text/csv; charset=utf-8"),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("prometheus", "text/plain; charset=utf-8"),
        ("badge", "application/json"),
        ("svg", "image/svg+xml"),
    ] {
        let reply = service.get(&format!("/api/v2/runs/{id}/report?format={format}"));
        assert_eq!((reply.status, &*reply.headers["content-type"]), (200, kind), "{format}");
        // A workbook says when it was made.
        if format != "xlsx" {
            let shown = ["runs", "show", "latest", "--data", "data", "--format", format];
            assert_eq!(gate.run(&shown).stdout.trim_end(), reply.text().trim_end(), "{format}");
        }
        let policy = &reply.headers["content-security-policy"];
        assert!(policy.starts_with("sandbox allow-scripts; default-src 'none'"), "{policy}");
    }
    let korean = service.get(&format!("/api/v2/runs/{id}/report?format=md&lang=ko"));
    assert!(crate::support::is_korean(&korean.text()));
    // What a terminal measures meanwhile is there at once, and so is what it deletes.
    let server = Server::start(Seen::good);
    gate.assert_measured(&gate.measure(&server.url(), &SMALL));
    assert!(wait_for(|| service.json("/api/v2/runs")["total"] == 2));
    assert_eq!(gate.run(&["runs", "delete", "-y", "latest", "--data", "data"]).code, Some(0));
    assert!(wait_for(|| service.json("/api/v2/runs")["total"] == 1));
}

#[test]
fn runs_are_chosen_and_paged() {
    let (gate, _) = measured();
    let service = Service::start(&gate, &[]);
    let total = |query: &str| service.json(&format!("/api/v2/runs?{query}"))["total"].clone();
    for (query, wanted) in [
        ("", 1),
        ("workload=none", 0),
        ("branch=none", 0),
        ("verdict=PASS", 0),
        ("workload=%27%20OR%201%3D1%20--", 0),
        ("offset=1", 1),
        ("limit=99999999", 1),
    ] {
        assert_eq!(total(query), wanted, "{query}");
    }
    let beyond = service.json("/api/v2/runs?offset=1&limit=7");
    assert_eq!(beyond, json!({"runs": [], "total": 1, "limit": 7, "offset": 1}));
    service.get("/api/v2/runs?verdict=good").assert_refused(400, "unknown_verdict");
    service.get("/api/v2/runs?limit=many").assert_refused(400, "bad_query");
    service.get("/api/v2/runs?limit=-1").assert_refused(400, "bad_query");
}

#[test]
fn what_is_not_there_is_said_so_and_every_answer_has_its_headers() {
    let (gate, id) = measured();
    let service = Service::start(&gate, &[]);
    let all = [
        (service.get("/nothing"), 404, "not_found"),
        (service.get(NOBODY), 404, "run_not_found"),
        (service.get(&format!("{NOBODY}/record")), 404, "run_not_found"),
        (service.get("/api/v2/runs/..%2f..%2fetc%2fpasswd"), 404, "run_not_found"),
        (service.get("/api/v2/runs/../../../etc/passwd"), 404, "not_found"),
        (service.get(&format!("/api/v2/runs/{id}/report?format=pdf")), 400, "unknown_format"),
        (service.get(&format!("/api/v2/runs/{id}/report?lang=xx")), 400, "bad_query"),
        (service.send("POST", "/healthz", &[]), 405, "method_not_allowed"),
        (service.send("DELETE", NOBODY, &[]), 404, "run_not_found"),
    ];
    let mut ids = Vec::new();
    for (reply, status, code) in &all {
        reply.assert_refused(*status, code);
        ids.push(reply.headers["x-request-id"].clone());
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("content-type", "application/json"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(reply.headers[name], value, "{reply:?}");
        }
        let policy = &reply.headers["content-security-policy"];
        assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"));
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all.len(), "each request has an id of its own");
    // A record that vanished: the run is there, and says so.
    let folders = std::fs::read_dir(gate.path("data/runs")).expect("runs are kept");
    for folder in folders {
        let record = folder.expect("an entry").path().join("record.json");
        std::fs::remove_file(record).expect("it was there");
    }
    service.get(&format!("/api/v2/runs/{id}/record")).assert_refused(404, "no_record");
    assert_eq!(service.json(&format!("/api/v2/runs/{id}"))["state"], "damaged");
    service.get(&format!("/api/v2/runs/{id}/report")).assert_refused(409, "damaged");
}

#[test]
fn it_answers_to_its_own_names_only() {
    let gate = Gate::new().env("API_KEY", KEY);
    let service = Service::start(&gate, &["--allow-host", "gate.example"]);
    let named = |host: &str| service.send("GET", "/healthz", &[("Host", host)]);
    for own in
        ["localhost", "LOCALHOST:9", "127.0.0.1", "127.0.0.1:1", "[::1]:8085", "gate.example:443"]
    {
        assert_eq!(named(own).status, 200, "{own}");
    }
    for foreign in [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example:80",
        "gate.example.evil",
        "10.0.0.1",
        "",
        "localhost@evil.example",
    ] {
        named(foreign).assert_refused(421, "unknown_host");
    }
    for smuggled in [
        "GET /healthz HTTP/1.1\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        "GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ] {
        let closed = smuggled.replacen("\r\n", "\r\nConnection: close\r\n", 1);
        service.raw(&closed).assert_refused(400, "bad_host");
    }
}

#[test]
fn a_page_of_another_site_changes_nothing() {
    let (gate, id) = measured();
    let service = Service::start(&gate, &["--allow-origin", "https://tools.example"]);
    let run = format!("/api/v2/runs/{id}");
    let host = service.address.to_string();
    for origin in [
        "https://evil.example",
        "null",
        "http://localhost:1",
        "http://tools.example",
        "https://tools.example.evil",
        &format!("http://{host}.evil.example"),
    ] {
        let sent = service.send("DELETE", &run, &[("Origin", origin)]);
        sent.assert_refused(403, "foreign_origin");
    }
    let fetched = [("Sec-Fetch-Site", "cross-site")];
    service.send("DELETE", &run, &fetched).assert_refused(403, "foreign_origin");
    let loaded = [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "no-cors")];
    service.send("GET", "/metrics", &loaded).assert_refused(403, "foreign_site");
    let linked = [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate")];
    assert_eq!(service.send("GET", &run, &linked).status, 200, "a link is no load");
    let both = [("Origin", "https://evil.example"), ("Origin", &*format!("http://{host}"))];
    service.send("DELETE", &run, &both).assert_refused(403, "foreign_origin");
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let body = [("Content-Type", kind), ("Content-Length", "2")];
        service.send("DELETE", &run, &body).assert_refused(415, "not_json");
    }
    assert_eq!(service.get(&run).status, 200, "it is still there");
    for own in [&*format!("http://{host}"), "https://tools.example"] {
        let sent = service.send("DELETE", NOBODY, &[("Origin", own)]);
        sent.assert_refused(404, "run_not_found");
    }
}

#[test]
fn a_run_is_deleted_once_and_not_while_it_goes_on() {
    let (gate, id) = measured();
    let service = Service::start(&gate, &[]);
    let run = format!("/api/v2/runs/{id}");
    let deleted = service.send("DELETE", &run, &[]);
    assert_eq!((deleted.status, deleted.json()), (200, json!({"deleted": id})));
    service.send("DELETE", &run, &[]).assert_refused(404, "run_not_found");
    assert_eq!(service.json("/api/v2/runs")["total"], 0);
    let server = Server::start(|seen| match seen.part {
        Part::Round(_, 1) => seen.good().after(Act::Hold),
        _ => seen.good(),
    });
    let other = gate.beside();
    let data = gate.path("data").display().to_string();
    let args = ["--requests", "3", "--concurrency", "1", "--data", &data];
    let child = other.spawn(&Gate::measure_args(&server.url(), &args));
    assert!(wait_for(|| service.json("/api/v2/runs")["runs"][0]["state"] == "running"));
    let listed = service.json("/api/v2/runs");
    let run = format!("/api/v2/runs/{}", listed["runs"][0]["id"].as_str().expect("an id"));
    service.send("DELETE", &run, &[]).assert_refused(409, "running");
    server.release();
    Gate::end(child);
    assert!(wait_for(|| service.json("/api/v2/runs")["runs"][0]["state"] == "ended"));
    assert_eq!(service.send("DELETE", &run, &[]).status, 200);
}

#[test]
fn without_a_key_nobody_else_is_served() {
    let gate = Gate::new();
    let refused = gate.run(&["serve", "--data", "data", "--listen", "0.0.0.0:0"]);
    refused.assert_says(2, &["without a key", "hint: set API_KEY"]);
    // Behind a proxy others reach it on loopback, too.
    gate.run(&["serve", "--data", "data", "--allow-host", "gate.example"])
        .assert_says(2, &["without a key"]);
    assert!(!gate.path("data").exists());
    let gate = Gate::new().env("API_KEY", KEY);
    let service = Service::start_on(&gate, "0.0.0.0:0", &[]);
    let asked = |headers: &[(&str, &str)]| service.send("GET", "/api/v2/runs", headers);
    let host = ("Host", "localhost");
    for wrong in [
        &[host][..],
        &[host, ("X-API-Key", "")],
        &[host, ("X-API-Key", "a-long-and-random-ke")],
        &[host, ("Authorization", KEY)],
        &[host, ("Cookie", KEY)],
    ] {
        let reply = asked(wrong);
        reply.assert_refused(401, "unauthorized");
        assert_eq!(reply.headers["www-authenticate"], "ApiKey");
        assert_eq!(reply.json()["detail"], "Invalid or missing API key");
    }
    let bearer = format!("Bearer {KEY}");
    assert_eq!(asked(&[host, ("X-API-Key", KEY)]).status, 200);
    assert_eq!(asked(&[host, ("Authorization", &bearer)]).status, 200);
    assert_eq!(service.send("GET", "/healthz", &[host]).status, 200, "a container asks that");
    service.send("GET", "/metrics", &[host]).assert_refused(401, "unauthorized");
    assert!(!gate.text("stderr.txt").contains(KEY));
    // On loopback reading is free, and changing is not.
    let other = Gate::new().env("API_KEY", KEY);
    let local = Service::start(&other, &[]);
    assert_eq!(local.get("/api/v2/runs").status, 200);
    local.send("DELETE", NOBODY, &[]).assert_refused(401, "unauthorized");
    local.send("DELETE", NOBODY, &[("X-API-Key", KEY)]).assert_refused(404, "run_not_found");
}

#[test]
fn bad_requests_and_many_slow_ones_harm_nobody() {
    let (gate, _) = measured();
    let service = Service::start(&gate, &[]);
    let half: Vec<_> = (0..200)
        .map(|_| {
            let mut stream = service.connect();
            stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: loc").expect("it is read");
            stream
        })
        .collect();
    assert_eq!(service.get("/api/v2/runs").status, 200);
    let long = format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(1 << 20));
    assert!(matches!(service.raw(&long).status, 400 | 414 | 431));
    assert_eq!(service.raw("nonsense\r\n\r\n").status, 400);
    let large = [("Content-Type", "application/json"), ("Content-Length", "10485760")];
    service.send("DELETE", NOBODY, &large).assert_refused(413, "too_large");
    drop(half);
    assert_eq!(service.get("/healthz").status, 200);
    service.signal(Signal::TERM);
    assert_eq!(service.end(), Some(0));
}

#[test]
fn it_ends_in_order_and_is_alone_over_its_runs() {
    let (gate, _) = measured();
    let service = Service::start(&gate, &[]);
    let second = gate.run(&["serve", "--data", "data", "--listen", "127.0.0.1:0"]);
    second.assert_says(3, &["another service has", "hint:"]);
    let taken = gate.beside();
    let address = service.address.to_string();
    let refused = taken.run(&["serve", "--data", "data", "--listen", &address]);
    refused.assert_says(2, &["cannot listen on", &address]);
    // An idle connection holds nobody up.
    let mut idle = service.connect();
    service.signal(Signal::TERM);
    assert_eq!(service.end(), Some(0));
    assert_eq!(idle.read(&mut [0]).unwrap_or(0), 0);
    // However it ended, the next one begins.
    let killed = Service::start(&gate, &[]);
    killed.signal(Signal::KILL);
    assert_eq!(killed.end(), None);
    let next = Service::start(&gate, &[]);
    assert_eq!(next.json("/api/v2/runs")["total"], 1);
}

#[test]
fn an_index_that_is_of_no_use_is_made_anew_or_named() {
    let (gate, id) = measured();
    drop(Service::start(&gate, &[]));
    // Without what a service that was killed had not yet written there.
    let _ = std::fs::remove_file(gate.path("data/index.db-wal"));
    gate.write("data/index.db", "no database, but of some length all the same");
    let service = Service::start(&gate, &[]);
    assert_eq!(service.json("/api/v2/runs")["runs"][0]["id"], json!(id));
    assert!(gate.text("stderr.txt").contains("the index was damaged"));
    drop(service);
    let service = Service::start(&gate, &["--reindex"]);
    assert_eq!(service.json("/api/v2/runs")["total"], 1);
    drop(service);
    let elsewhere = Gate::new().env("DATABASE_PATH", "elsewhere.db");
    drop(Service::start(&elsewhere, &[]));
    assert!(elsewhere.path("elsewhere.db").exists() && !elsewhere.path("data/index.db").exists());
}

#[test]
fn every_request_is_a_line_of_json_without_what_it_carried() {
    let gate = Gate::new();
    let service = Service::start(&gate, &[]);
    let reply = service.get("/api/v2/runs?branch=secret-branch");
    service.get("/no%1b[2J::where").assert_refused(404, "not_found");
    assert!(wait_for(|| log(&gate).len() == 2), "{}", gate.text("stderr.txt"));
    let lines = log(&gate);
    assert_eq!(lines[0]["request_id"], reply.headers["x-request-id"]);
    for (key, value) in [
        ("event", json!("request")),
        ("level", json!("info")),
        ("method", json!("GET")),
        ("path", json!("/api/v2/runs")),
        ("client_ip", json!("127.0.0.1")),
        ("status", json!(200)),
    ] {
        assert_eq!(lines[0][key], value, "{key}");
    }
    assert_eq!(lines[1]["level"], "warning");
    let text = gate.text("stderr.txt");
    assert!(!text.contains("secret-branch") && !text.contains('\u{1b}'), "{text}");
    let quiet = Gate::new().env("LOG_LEVEL", "error");
    let service = Service::start(&quiet, &[]);
    service.get("/nothing").assert_refused(404, "not_found");
    assert_eq!(quiet.text("stderr.txt"), "");
}

#[test]
fn metrics_are_those_of_the_last_runs_and_its_own() {
    let (gate, id) = measured();
    let service = Service::start(&gate, &[]);
    let reply = service.get("/metrics");
    assert_eq!(reply.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let text = reply.text();
    let own = service.get(&format!("/api/v2/runs/{id}/report?format=prometheus")).text();
    let of_workload = |line: &&str| line.contains("workload=");
    for line in own.lines().filter(of_workload) {
        assert!(text.lines().any(|other| other == line), "{line} is not in {text}");
    }
    assert!(text.contains("goodput_gate_service_runs 1\n"), "{text}");
    assert!(text.contains("goodput_gate_service_requests_total{status=\"2xx\"}"), "{text}");
    let mut types: Vec<&str> = text.lines().filter(|l| l.starts_with("# TYPE")).collect();
    let all = types.len();
    types.sort_unstable();
    types.dedup();
    assert_eq!(types.len(), all, "each name is declared once");
}
