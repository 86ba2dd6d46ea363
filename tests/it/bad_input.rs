//! What users get wrong, and servers: each with its exit code and words that help. Never a panic,
//! never a 0 that nobody earned.

use std::net::TcpListener;

use serde_json::json;

use crate::support::{Answer, Gate, Part, Seen, Server, Setup};

fn with_models(models: Answer) -> Server {
    Server::with(Setup { models, ..Setup::default() }, Seen::good)
}

#[test]
fn nobody_listens() {
    let free = TcpListener::bind("127.0.0.1:0")
        .and_then(|l| l.local_addr())
        .expect("loopback has a free port");
    let gate = Gate::new();
    let ran = gate.measure(&format!("http://{free}/v1"), &["--requests", "3"]);
    ran.assert_says(3, &["cannot reach", "refused", "hint: is the server up"]);
    assert_eq!(
        ran.redacted(&gate),
        "error: cannot reach http://127.0.0.1:[PORT]/v1/models: Connection refused (os error 111)\nhint: is the server up, and is the port right?\n"
    );
}

#[test]
fn something_else_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let addr = listener.local_addr().expect("a bound socket has an address");
    std::thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let _ = std::io::Write::write_all(&mut socket, b"SSH-2.0-OpenSSH_9.6\r\n");
        }
    });
    Gate::new()
        .measure(&format!("http://{addr}/v1"), &["--requests", "3"])
        .assert_says(3, &["cannot reach", "hint"]);
}

#[test]
fn a_base_url_that_is_none() {
    for url in
        ["localhost:8000", "ftp://localhost/v1", "http://", "http://user:secret@localhost/v1"]
    {
        let ran = Gate::new().measure(url, &["--requests", "3"]);
        ran.assert_says(2, &["base_url"]);
        assert!(!ran.stderr.contains("secret"), "{}", ran.stderr);
    }
}

#[test]
fn a_key_is_missing_or_wrong() {
    let server = with_models(Answer::error("401 Unauthorized", "no key given"));
    let ran = Gate::new().measure(&server.url(), &["--requests", "3"]);
    ran.assert_says(3, &["401", "no key given", "--api-key-env"]);
}

#[test]
fn the_model_is_unknown() {
    let server =
        Server::start(|_| Answer::error("404 Not Found", "The model `tniy` does not exist."));
    let ran = Gate::new().measure(&server.url(), &["--requests", "3", "--model", "tniy"]);
    ran.assert_says(
        3,
        &["404", "The model `tniy` does not exist.", "hint: is the model's name right"],
    );
}

#[test]
fn an_endless_list_of_models_does_not_fill_the_memory() {
    let server = with_models(Answer::whole("200 OK", "application/json", &"[".repeat(17 << 20)));
    Gate::new()
        .measure(&server.url(), &["--requests", "3"])
        .assert_says(3, &["/models", "more than 16 MiB"]);
}

#[test]
fn no_terminal_sequence_of_a_server_reaches_the_terminal() {
    let names = json!({"data": [{"id": "a\u{1b}[31m"}, {"id": "b\u{1b}]0;title\u{7}"}]});
    let ran = Gate::new()
        .measure(&with_models(Answer::json("200 OK", &names)).url(), &["--requests", "3"]);
    ran.assert_says(3, &["2 models"]);
    assert!(!ran.stderr.contains(['\u{1b}', '\u{7}']), "{:?}", ran.stderr);
}

#[test]
fn a_server_without_models_is_measured_where_the_model_is_named() {
    let server = with_models(Answer::error("404 Not Found", "no such path"));
    let gate = Gate::new();
    gate.measure(&server.url(), &["--requests", "3"]).assert_says(3, &["404", "/models"]);
    gate.assert_measured(&gate.measure(&server.url(), &["--requests", "3", "--model", "m"]));
}

#[test]
fn a_web_page_instead_of_an_api() {
    let server = with_models(Answer::html());
    Gate::new()
        .measure(&server.url(), &["--requests", "3"])
        .assert_says(3, &["HTML where JSON was expected", "/v1"]);
    let server = Server::start(|_| Answer::html());
    Gate::new()
        .measure(&server.url(), &["--requests", "3"])
        .assert_says(3, &["HTML where JSON was expected", "/v1"]);
}

#[test]
fn the_choice_of_model_is_the_users() {
    let two = json!({"data": [{"id": "small"}, {"id": "large"}]});
    let server = with_models(Answer::json("200 OK", &two));
    let ran = Gate::new().measure(&server.url(), &["--requests", "3"]);
    ran.assert_says(3, &["2 models (small, large)", "--model"]);
    assert!(server.planned().is_empty());
    for none in [json!({"data": []}), json!({"object": "list"}), json!([]), json!(null)] {
        let server = with_models(Answer::json("200 OK", &none));
        Gate::new()
            .measure(&server.url(), &["--requests", "3"])
            .assert_says(3, &["no model", "--model"]);
    }
}

#[test]
fn a_prompt_that_is_longer_than_the_servers_context() {
    let text =
        "This model's maximum context length is 2048 tokens. However, you requested 9000 tokens.";
    let refuse = move |seen: &Seen| match seen.part {
        Part::Probe => seen.good(),
        _ => Answer::error("400 Bad Request", text),
    };
    let server = Server::start(refuse);
    let ran = Gate::new().measure(&server.url(), &["--requests", "3", "--input-tokens", "9000"]);
    ran.assert_says(3, &["warm-up", "maximum context length is 2048", "hint"]);
    // Without a warm-up it is the round that says so.
    let server = Server::start(refuse);
    let gate = Gate::new();
    let ran = gate.measure(&server.url(), &["--requests", "3", "--warmup", "0"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert_eq!(gate.round()["errors"][0]["example"], text);
}

#[test]
fn a_server_that_dies_after_the_warm_up() {
    let server = Server::start(|seen| match seen.part {
        Part::Warmup(_) => seen.good().leaving(),
        _ => seen.good(),
    });
    let gate = Gate::new();
    let ran = gate.measure(&server.url(), &["--requests", "3", "--rounds", "2"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert_eq!(gate.findings("invalid"), ["no_success", "no_success"]);
}

#[test]
fn flags_that_make_no_sense() {
    let url = "http://127.0.0.1:9/v1";
    for (flags, words) in [
        (&["--rate=-5"][..], "rate"),
        (&["--rate", "0"], "rate"),
        (&["--rate", "NaN"], "rate"),
        (&["--rate", "inf"], "rate"),
        (&["--requests", "0"], "requests"),
        (&["--requests", "-1"], "unexpected argument"),
        (&["--concurrency", "0"], "concurrency"),
        (&["--concurrency", "4", "--requests", "4"], "requests"),
        (&["--duration", "5"], "duration"),
        (&["--timeout", "soon"], "timeout"),
        (&["--time-limit", "soon"], "--time-limit"),
        (&["--preset", "quikc"], "quick"),
        (&["--arrival", "poisson"], "--rate"),
        (&["--rate", "5", "--arrival", "bursty"], "arrival"),
        (&["--protocol", "opanai-chat"], "openai-chat"),
        (&["--output-tokens", "0"], "output_tokens"),
        (&["--shared-prefix", "1.5"], "shared_prefix"),
        (&["--slo", "ttft=fast"], "--slo"),
        (&["--set", "workloads.0.nonsense=1"], "nonsense"),
        (&["--set", "nonsense"], "nonsense"),
        (&["--config", "missing.yaml"], "missing.yaml"),
        (&["--rate", "1e300", "--duration", "1h"], "requests"),
    ] {
        let args = [&["run", "--base-url", url][..], flags].concat();
        let gate = Gate::new();
        let ran = gate.run(&args);
        ran.assert_says(2, &["error", words]);
        assert!(
            gate.files().is_empty() || flags.contains(&"--time-limit"),
            "{flags:?} leave {:?}",
            gate.files()
        );
    }
}

#[test]
fn a_config_with_mistakes() {
    let ok = "version: 1\ntarget: {base_url: \"http://127.0.0.1:9/v1\"}\n";
    for (text, words) in [
        ("version: 1\n".to_owned(), &["target"][..]),
        (format!("{ok}workloads: 5\n"), &["bad.yaml:3", "workloads"]),
        (format!("{ok}workloads: []\n"), &["workloads"]),
        (format!("{ok}workloads:\n- {{name: a, requests: many}}\n"), &["bad.yaml:4", "requests"]),
        (
            format!("{ok}workloads:\n- {{name: a, reqests: 5}}\n"),
            &["bad.yaml:4", "reqests", "requests"],
        ),
        (
            format!("{ok}workloads:\n- {{name: a, arrival: {{poisson: {{rate: -3}}}}}}\n"),
            &["bad.yaml:4", "rate"],
        ),
        (format!("{ok}workloads:\n- {{name: a, requests: 0}}\n"), &["bad.yaml:4", "requests"]),
        (format!("{ok}workloads:\n- {{name: a, timeout: 30}}\n"), &["bad.yaml:4", "timeout"]),
        ("a: [1\n".to_owned(), &["bad.yaml"]),
        (String::new(), &["version", "target"]),
        ("\u{0}\u{1}".to_owned(), &["bad.yaml"]),
    ] {
        let gate = Gate::new();
        gate.write("bad.yaml", &text);
        gate.run(&["run", "--config", "bad.yaml"]).assert_says(2, words);
    }
}

#[test]
fn a_config_that_is_passed_over_is_named() {
    let gate = Gate::new();
    let run = ["run", "--base-url", "http://127.0.0.1:9/v1", "--dry-run"];
    let said = "goodput-gate.yaml is not read";
    assert!(!gate.run(&run).stderr.contains(said));
    gate.write(
        "goodput-gate.yaml",
        "version: 1\ntarget: {base_url: \"http://127.0.0.1:9/v1\"}\nworkloads: [{preset: quick}]\n",
    );
    assert!(gate.run(&run).stderr.contains(said));
    assert!(
        !gate.run(&[&run[..], &["--config", "goodput-gate.yaml"]].concat()).stderr.contains(said)
    );
}

#[test]
fn no_config_at_all() {
    let ran = Gate::new().run(&["run"]);
    ran.assert_says(2, &["no config found", "goodput-gate.yaml", "--base-url"]);
}

#[test]
fn a_config_that_is_not_text() {
    let gate = Gate::new();
    std::fs::write(gate.path("bad.yaml"), [0xff, 0xfe, 0x00])
        .expect("the test's folder can be written");
    gate.run(&["run", "--config", "bad.yaml"]).assert_says(2, &["bad.yaml"]);
}

#[test]
fn a_trace_that_cannot_be_read() {
    let server = Server::good();
    let trace = ["--requests", "2", "--set", "workloads.0.arrival={trace: {file: t.jsonl}}"];
    let gate = Gate::new();
    gate.measure(&server.url(), &trace).assert_says(2, &["t.jsonl"]);
    for (text, words) in [
        ("", "no lines"),
        ("{\"offset_ms\": 0}\nnonsense\n", "line 2"),
        ("{\"offset_ms\": 0}\n", "requests"),
    ] {
        gate.write("t.jsonl", text);
        gate.measure(&server.url(), &trace).assert_says(2, &["trace", words]);
    }
    gate.write("t.jsonl", "{\"offset_ms\": 0}\n{\"offset_ms\": 5}\n");
    gate.assert_measured(&gate.measure(&server.url(), &trace));
}

/// A sound record of a small run.
fn recorded() -> (Gate, serde_json::Value) {
    let server = Server::good();
    let gate = Gate::new();
    gate.assert_measured(&gate.measure(&server.url(), &["--requests", "3", "--record", "r.json"]));
    let record = gate.record();
    (gate, record)
}

#[test]
fn a_record_that_cannot_be_used() {
    let (gate, good) = recorded();
    let mut newer = good.clone();
    newer["version"] = json!(99);
    let mut ragged = good.clone();
    ragged["workloads"][0]["starts"][0]["rounds"][0]["columns"]["ttft_us"] = json!([1]);
    let mut foreign = good.clone();
    foreign["schema"] = json!("something/else");
    let whole = good.to_string();
    for (text, words) in [
        (newer.to_string(), "99"),
        (ragged.to_string(), "columns differ in length"),
        (foreign.to_string(), "something/else"),
        (whole[..whole.len() / 2].to_owned(), "record"),
        (String::new(), "record"),
        ("[]".to_owned(), "record"),
        ("null".to_owned(), "record"),
    ] {
        gate.write("bad.json", &text);
        gate.run(&["report", "bad.json", "--format", "md"]).assert_says(2, &[words]);
        gate.run(&["compare", "r.json", "bad.json"]).assert_says(2, &[words]);
    }
    for args in [
        &["report", "none.json", "--format", "md"][..],
        &["compare", "r.json", "none.json"],
        &["compare", "none.json", "r.json"],
    ] {
        gate.run(args).assert_says(2, &["none.json"]);
    }
    gate.run(&["report", ".", "--format", "md"]).assert_says(2, &["cannot read"]);
}

#[test]
fn devices_and_links_are_written_and_not_replaced() {
    let (gate, _) = recorded();
    let shown = gate.run(&["report", "r.json", "--format", "json", "--output", "/dev/stdout"]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    assert!(shown.stdout.contains("goodput-gate/report"), "{}", shown.stdout);
    let before = gate.write("real.json", "old");
    std::os::unix::fs::symlink(&before, gate.path("link.json")).expect("a link can be made");
    assert_eq!(
        gate.run(&["report", "r.json", "--format", "json", "--output", "link.json"]).code,
        Some(0)
    );
    assert!(gate.path("link.json").is_symlink());
    assert!(gate.text("real.json").contains("goodput-gate/report"));
}

#[test]
fn a_full_disk_loses_no_round() {
    let server = Server::good();
    let gate = Gate::new();
    let ran = gate.run(&[
        "run",
        "--base-url",
        &server.url(),
        "--requests",
        "3",
        "--warmup",
        "1",
        "--rounds",
        "2",
        "--output-tokens",
        "4",
        "--raw",
        "/dev/full",
    ]);
    ran.assert_says(3, &["/dev/full", "No space left", "hint"]);
    assert_eq!(
        gate.round()["columns"]["outcome"],
        json!(["completed", "completed", "completed"]),
        "the round was saved before"
    );
}

#[test]
fn an_output_that_cannot_be_written() {
    let server = Server::good();
    let gate = Gate::new();
    gate.write("file", "in the way");
    gate.measure(&server.url(), &["--requests", "3", "--out", "file"])
        .assert_says(2, &["cannot create the output folder file"]);
    let ran = gate.measure(&server.url(), &["--requests", "3", "--out", "file/below"]);
    ran.assert_says(2, &["cannot create the output folder file/below"]);
    let raw = ["run", "--base-url", &server.url(), "--requests", "3", "--raw", "none/raw.jsonl"];
    gate.run(&raw).assert_says(2, &["none/raw.jsonl"]);
    for record in ["none/r.json", "file/r.json", "."] {
        gate.measure(&server.url(), &["--requests", "3", "--record", record])
            .assert_says(2, &["cannot write", record]);
    }
    assert!(server.seen().is_empty(), "nothing was sent before that was known");
}

#[test]
fn a_reader_that_goes_away_changes_no_exit_code() {
    let server = Server::start(|seen| match seen.part {
        Part::Round(..) => Answer::error("500 Internal Server Error", "no"),
        _ => seen.good(),
    });
    let gate = Gate::new();
    let (reader, writer) = std::io::pipe().expect("a pipe can be made");
    drop(reader);
    let child =
        gate.spawn_into(&Gate::measure_args(&server.url(), &["--requests", "3"]), writer.into());
    assert_eq!(Gate::end(child), Some(3), "{}", gate.text("stderr.txt"));
}

#[test]
fn a_run_that_cannot_start_keeps_the_last_record_beside() {
    let (gate, server) = (Gate::new(), Server::good());
    let few = ["--requests", "3", "--rounds", "1", "--warmup", "1", "--output-tokens", "4"];
    let measured = || gate.assert_measured(&gate.measure(&server.url(), &few));
    let dead = || {
        gate.run(&["run", "--base-url", "http://127.0.0.1:1/v1", "--requests", "3"])
            .assert_says(3, &["127.0.0.1:1"]);
    };
    measured();
    let first = gate.text(".goodput-gate/record.json");
    // However often it fails, there is the record, and no report but of the failure.
    for _ in 0..2 {
        dead();
        assert!(!gate.path(".goodput-gate/record.json").exists());
        assert_eq!(gate.text(".goodput-gate/record.previous.json"), first);
        assert!(gate.text(".goodput-gate/report.json").contains("\"verdict\": \"invalid\""));
    }
    gate.run(&["report", ".goodput-gate/record.previous.json", "--format", "csv"])
        .assert_says(0, &[]);
    measured();
    let second = gate.text(".goodput-gate/record.json");
    measured();
    assert_ne!(second, first);
    assert_eq!(gate.text(".goodput-gate/record.previous.json"), second);
}
