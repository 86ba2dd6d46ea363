//! Runs that were measured elsewhere or before: an older tool's database, an output folder without a
//! data directory. Not here: results of other tools as records (`import`).

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::service::Service;
use crate::support::{Gate, Seen, Server, is_korean};

/// The schema of llm-loadtest, with its indexes.
const SCHEMA: &str = "
CREATE TABLE benchmark_runs (
  id TEXT PRIMARY KEY, server_url TEXT NOT NULL, model TEXT NOT NULL, adapter TEXT NOT NULL,
  config_json TEXT, status TEXT NOT NULL, result_json TEXT, started_at TEXT, completed_at TEXT,
  created_at TEXT DEFAULT CURRENT_TIMESTAMP);
CREATE INDEX idx_status ON benchmark_runs(status);";
const DONE: &str = "11111111-1111-4111-8111-111111111111";
const FAILED: &str = "22222222-2222-4222-8222-222222222222";
const CUT: &str = "33333333-3333-4333-8333-333333333333";
const ENDLESS: &str = "77777777-7777-4777-8777-777777777777";
const SECRET: &str = "sk-proj-0123456789abcdef";

fn database(gate: &Gate) {
    let file = Connection::open(gate.path("benchmarks.db")).expect("it can be made");
    file.execute_batch(SCHEMA).expect("tables");
    let level = json!({
        "concurrency": 8, "throughput_tokens_per_sec": 123.44, "request_rate_per_sec": 1.5,
        "ttft": {"p50": 55.5, "p99": 99.1}, "e2e_latency": {"p50": 900.0, "p99": 1500.0},
        "total_requests": 100, "failed_requests": 2,
    });
    let result = json!({
        "config": {"api_key": SECRET}, "results": [level],
        "summary": {"best_throughput": 123.44, "best_ttft_p50": 55.5},
    });
    let config = json!({"api_key": SECRET, "concurrency": [8], "framework": "vllm"});
    let error = json!({"error": format!("401 for {SECRET}")});
    for (id, status, result, started) in [
        (DONE, "completed", result.to_string(), "2026-01-15T12:00:00.123456"),
        (FAILED, "failed", error.to_string(), "2026-01-15 13:00:00"),
        (CUT, "running", String::new(), "2026-01-15T14:00:00"),
        ("../../etc", "completed", result.to_string(), "2026-01-15T14:00:00"),
        ("44444444-4444-4444-8444-444444444444", "completed", "{".into(), "2026-01-15T14:00:00"),
        ("55555555-5555-4555-8555-555555555555", "dreaming", "{}".into(), "2026-01-15T14:00:00"),
        ("66666666-6666-4666-8666-666666666666", "failed", String::new(), "long ago"),
        (ENDLESS, "completed", result.to_string(), "2026-01-15T14:00:00"),
    ] {
        let ended = (status == "completed" && id != ENDLESS).then_some("2026-01-15T12:05:00");
        file.execute(
            "INSERT INTO benchmark_runs VALUES (?1, ?2, 'llama', 'openai', ?3, ?4, ?5, ?6, ?7, ?6)",
            rusqlite::params![
                id,
                "http://me:hush@gpu.example:8000/v1",
                config.to_string(),
                status,
                result,
                started,
                ended
            ],
        )
        .expect("a row");
    }
}

#[test]
fn runs_of_an_older_database_are_runs_here_without_its_keys() {
    let gate = Gate::new();
    database(&gate);
    let before = std::fs::read(gate.path("benchmarks.db")).expect("it is there");
    let ran = gate.run(&["import", "benchmarks.db", "--data", "data"]);
    ran.assert_says(0, &["3 runs taken into data, 0 were there before", "left out: ../../etc"]);
    assert_eq!(ran.stderr.matches("left out").count(), 5, "{ran:?}");
    let again = ["import", "--format", "llm-loadtest", "benchmarks.db", "--data", "data"];
    gate.run(&again).assert_says(0, &["0 runs taken into data, 3 were there before"]);
    assert_eq!(std::fs::read(gate.path("benchmarks.db")).expect("it is there"), before);
    for path in gate.files().iter().filter(|path| !path.ends_with("benchmarks.db")) {
        let text = String::from_utf8_lossy(&std::fs::read(path).expect("it is there")).into_owned();
        assert!(!text.contains(SECRET) && !text.contains("hush"), "{}", path.display());
    }
    let shown = gate.run(&["runs", "show", DONE, "--data", "data"]);
    for words in ["measured", "llama", "vllm", "123.4", "55.5", "1500.0"] {
        assert!(shown.stdout.contains(words), "{words}: {}", shown.stdout);
    }
    let korean = gate.run(&["--lang", "ko", "runs", "show", DONE, "--data", "data"]);
    assert!(is_korean(&korean.stdout), "{korean:?}");
    let service = Service::start(&gate, &[]);
    let run = |id: &str| service.json(&format!("/api/v2/runs/{id}"));
    let done = run(DONE);
    assert_eq!(
        (&done["state"], &done["started"]),
        (&json!("ended"), &json!("2026-01-15T12:00:00Z"))
    );
    assert_eq!(
        done["headline"],
        "as llm-loadtest measured it: best throughput 123.4 tok/s, best TTFT p50 55.5 ms"
    );
    assert_eq!((&done["verb"], &done["verdict"]), (&json!("import"), &Value::Null));
    assert_eq!((&run(FAILED)["exit_code"], &run(CUT)["state"]), (&json!(3), &json!("cut_off")));
    let row = service.json(&format!("/api/v2/runs/{DONE}/imported"));
    assert_eq!(row["result"]["results"][0]["ttft"]["p50"], 55.5);
    assert_eq!(row["server_url"], "http://gpu.example:8000/v1");
    // It kept no requests: there is nothing to judge or to compare with.
    service.get(&format!("/api/v2/runs/{DONE}/record")).assert_refused(404, "no_record");
    service.get(&format!("/api/v2/runs/{DONE}/report")).assert_refused(404, "no_report");
}

#[test]
fn what_is_no_database_of_the_tool_is_refused() {
    let gate = Gate::new();
    let file = Connection::open(gate.path("other.db")).expect("it can be made");
    file.execute_batch("CREATE TABLE notes (id TEXT)").expect("a table");
    gate.write("text.db", "no database");
    for wrong in ["other.db", "text.db", "none.db"] {
        let ran = gate.run(&["import", "--format", "llm-loadtest", wrong, "--data", "data"]);
        ran.assert_says(2, &["no database of llm-loadtest", "hint:"]);
    }
    database(&gate);
    let ran = gate.run(&["import", "benchmarks.db", "--data", "data", "--slo", "ttft=1s"]);
    ran.assert_says(2, &["no requests that --workload, --slo"]);
    assert!(!gate.path("data").exists());
}

#[test]
fn a_run_of_before_is_taken_up_once() {
    let (gate, server) = (Gate::new(), Server::start(Seen::good));
    gate.assert_measured(&gate.measure(&server.url(), &["--requests", "3", "--concurrency", "1"]));
    let total = |args: &[&str]| {
        let service = Service::start(&gate, args);
        let listed = service.json("/api/v2/runs");
        assert!(
            listed["runs"].as_array().expect("a list").iter().all(|r| r["state"] == "ended"),
            "{listed}"
        );
        listed["total"].clone()
    };
    assert_eq!(total(&[]), 0, "nothing is taken up unasked");
    assert_eq!(total(&["--reindex"]), 1);
    assert_eq!(total(&["--reindex"]), 1);
    // One that is kept already is no second run.
    let kept = ["--requests", "3", "--concurrency", "1", "--data", "data"];
    gate.assert_measured(&gate.measure(&server.url(), &kept));
    assert_eq!(total(&["--reindex"]), 2);
}
