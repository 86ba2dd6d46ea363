//! What the server's own metrics say in records and reports: of the simulated server, whose knobs
//! are the truth; of pages that fail, lie or hang; and in words beside a regression. Not here: how
//! a page is read (unit tests of `evidence::server`).

mod explained;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::bed::flat;
use crate::support::{Act, Answer, Gate, Seen, Server, Setup};

/// A page of its own on loopback: what the nth request for it gets. None: no answer at all.
struct Page {
    port: u16,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Page {
    fn serve(answer: impl Fn(usize) -> Option<String> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (Arc::clone(&heads), Arc::new(answer));
        std::thread::spawn(move || {
            for (n, stream) in listener.incoming().flatten().enumerate() {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                std::thread::spawn(move || reply(stream, &seen, answer(n)));
            }
        });
        Self { port, heads }
    }

    /// Of vLLM's kind; the nth has finished this many requests.
    fn finished(count: impl Fn(usize) -> u64 + Send + Sync + 'static) -> Self {
        Self::serve(move |n| {
            Some(page(&format!(
                "vllm:num_requests_running 1.0\nvllm:request_success_total {}.0\n",
                count(n)
            )))
        })
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("no test panics while it holds this").clone()
    }
}

fn reply(mut stream: TcpStream, seen: &Mutex<Vec<String>>, answer: Option<String>) {
    let mut head = [0; 4096];
    let n = stream.read(&mut head).unwrap_or(0);
    seen.lock()
        .expect("no test panics while it holds this")
        .push(String::from_utf8_lossy(&head[..n]).into_owned());
    match answer {
        Some(text) => drop(stream.write_all(text.as_bytes())),
        // Until the reader gives up.
        None => while stream.read(&mut head).is_ok_and(|n| n > 0) {},
    }
}

fn page(text: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
        text.len()
    )
}

/// A run against a scripted server whose metrics are at `url`. It answers so slowly that a busy
/// machine does not make the client late: a round that is measured again asks its page more often.
fn measured(metrics: &str) -> Gate {
    let slow = |seen: &Seen| {
        let mut answer = seen.good();
        answer.0.insert(0, Act::Pause(800));
        answer
    };
    measured_of(&Server::start(slow), metrics)
}

fn measured_of(server: &Server, metrics: &str) -> Gate {
    let gate = Gate::new().env("THE_KEY", "sk-0123456789");
    let config = format!(
        "version: 1\ntarget: {{base_url: \"{}\", api_key_env: THE_KEY, metrics: \"{metrics}\", metrics_every: 500ms}}\n\
         workloads: [{{name: chat, arrival: {{constant: {{rate: 20}}}}, requests: 24, output_tokens: 4, warmup: 1, prompts: {{synthetic: {{input_tokens: 16}}}}}}]\n\
         gate: {{rounds: 1}}\n",
        server.url()
    );
    gate.write("goodput-gate.yaml", &config);
    let ran = gate.run(&["run"]);
    assert!(matches!(ran.code, Some(0 | 3)), "{ran:?}");
    assert_eq!(
        gate.round()["columns"]["outcome"].as_array().map(Vec::len),
        Some(24),
        "all was sent: {ran:?}"
    );
    gate
}

fn at(page: &Page) -> String {
    format!("http://127.0.0.1:{}/metrics", page.port)
}

fn message(gate: &Gate, check: &str) -> String {
    let findings = gate.round()["findings"].clone();
    let found =
        findings.as_array().and_then(|all| all.iter().find(|f| f["check"] == check).cloned());
    found
        .and_then(|f| f["message"].as_str().map(str::to_owned))
        .unwrap_or_else(|| panic!("no {check} in {findings}"))
}

#[test]
fn a_sound_page_is_in_the_record_and_nothing_is_found() {
    // One for the look whether it is there; the warm-up and the probes are over by then.
    let gate = measured(&at(&Page::finished(|n| if n < 2 { 100 } else { 124 })));
    let server = gate.round()["server"].clone();
    assert_eq!((&server["server"], &server["failed"]), (&json!("vllm"), &json!(0)), "{server}");
    assert!(
        server["samples"].as_u64().is_some_and(|n| n >= 3),
        "before, during and after: {server}"
    );
    assert_eq!(server["values"]["finished_requests"], 24.0, "{server}");
    assert_eq!(server["values"]["running_mean"], 1.0);
    assert!(server["cpu_ms"].as_f64().is_some_and(|ms| ms > 0.0));
    assert!(
        !gate.findings("note").iter().any(|f| f == "other_client" || f == "server_metrics"),
        "{:?}",
        gate.round()["findings"]
    );
}

#[test]
fn doctor_lists_what_a_page_has_and_nobody_knows() {
    let text = "vllm:num_requests_running 1.0\nvllm:brand_new_total 3.0\nour_queue_depth 2.0\npython_gc_objects 7.0\n";
    let known = Page::serve(move |_| Some(page(text)));
    let strange = Page::serve(|_| Some(page("our_queue_depth 2.0\n")));
    let server = Server::good();
    let doctor = |metrics: &str| {
        let gate = Gate::new();
        let workload = "workloads: [{name: chat, requests: 3}]";
        let config = format!(
            "version: 1\ntarget: {{base_url: \"{}\", metrics: \"{metrics}\"}}\n{workload}\n",
            server.url()
        );
        gate.write("goodput-gate.yaml", &config);
        flat(&gate.run(&["doctor"]).stdout)
    };
    let said = doctor(&at(&known));
    assert!(
        said.contains("metrics has names of vllm; not used: our_queue_depth, vllm:brand_new"),
        "{said}"
    );
    assert!(
        !said.contains("python_gc_objects"),
        "what a client of Prometheus adds by itself: {said}"
    );
    let said = doctor(&at(&strange));
    assert!(
        said.contains("metrics has no names that are known; not used: our_queue_depth"),
        "{said}"
    );
}

/// Field case 31: nothing is on the page of TGI before the first request.
#[test]
fn a_page_that_is_empty_at_first_is_asked_again_after_the_warm_up() {
    let tgi = include_str!("../fixtures/field/tgi-metrics.txt");
    let later = Page::serve(move |n| Some(page(if n == 0 { "" } else { tgi })));
    let gate = measured(&at(&later));
    assert_eq!(
        (&gate.round()["server"]["server"], &gate.round()["server"]["failed"]),
        (&json!("tgi"), &json!(0))
    );
}

#[test]
fn requests_of_somebody_else_are_noted() {
    let gate = measured(&at(&Page::finished(|n| if n < 2 { 100 } else { 190 })));
    let said = message(&gate, "other_client");
    assert!(said.contains("finished 90 requests in this round and 24 of them were ours"), "{said}");
    gate.assert_measured(&gate.run(&["report", ".goodput-gate/report.json", "--format", "json"]));
}

#[test]
fn a_server_that_restarts_mid_round_makes_it_invalid() {
    let gate = measured(&at(&Page::finished(|n| if n < 2 { 100 } else { n as u64 })));
    assert!(gate.findings("invalid").contains(&"server_restarted".to_owned()));
    assert!(message(&gate, "server_restarted").contains("the server restarted mid-round"));
    let again = gate.run(&["compare", ".goodput-gate/record.json", ".goodput-gate/record.json"]);
    assert!(flat(&again.stdout).contains("restarted mid-round"), "{again:?}");
}

#[test]
fn a_page_that_fails_is_said_and_the_run_goes_on() {
    for (name, page, words) in [
        (
            "500",
            Page::serve(|n| {
                if n < 2 {
                    Some(page("vllm:num_requests_running 1\n"))
                } else {
                    Some("HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n".into())
                }
            }),
            "it answers 500",
        ),
        (
            "hang",
            Page::serve(|n| (n < 2).then(|| page("vllm:num_requests_running 1\n"))),
            "no answer within",
        ),
        (
            "huge",
            Page::serve(|n| {
                Some(page(&"vllm:num_requests_running 1\n".repeat(if n < 2 { 1 } else { 400_000 })))
            }),
            "larger than 4 MiB",
        ),
        (
            "names",
            Page::serve(|n| {
                Some(page(if n < 2 { "vllm:num_requests_running 1\n" } else { "new_names 1\n" }))
            }),
            "no names that are known",
        ),
        (
            "cut",
            Page::serve(|n| {
                if n < 2 {
                    Some(page("vllm:num_requests_running 1\n"))
                } else {
                    Some("HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\nvllm:n".into())
                }
            }),
            "",
        ),
    ] {
        let said = message(&measured(&at(&page)), "server_metrics");
        assert!(said.contains("its evidence is partial") && said.contains(words), "{name}: {said}");
    }
}

#[test]
fn a_page_that_was_asked_for_and_is_not_there_is_said() {
    for (name, page, words) in [
        ("hang", Page::serve(|_| None), "no answer within"),
        ("html", Page::serve(|_| Some(page("<html>Sign in</html>"))), "no names that are known"),
    ] {
        let gate = measured(&at(&page));
        let said = message(&gate, "server_metrics");
        assert!(
            said.contains("no server evidence")
                && said.contains(words)
                && said.contains("target.metrics"),
            "{name}: {said}"
        );
        assert_eq!(gate.round()["server"], Value::Null);
    }
}

#[test]
fn a_page_that_nobody_asked_for_may_be_missing_or_hang() {
    let hanging = Setup { others: vec![("/metrics", Answer(vec![Act::Hang]))], ..Setup::default() };
    for server in [Server::good(), Server::with(hanging, Seen::good)] {
        let gate = measured_of(&server, "auto");
        assert_eq!(gate.round()["server"], Value::Null);
        assert!(!gate.findings("note").contains(&"server_metrics".to_owned()));
    }
}

#[test]
fn off_is_off_and_auto_finds_it() {
    let text = Answer::whole("200 OK", "text/plain", "vllm:num_requests_running 2\n");
    let server = || {
        Server::with(
            Setup { others: vec![("/metrics", text.clone())], ..Setup::default() },
            Seen::good,
        )
    };
    let asked = |server: &Server| server.seen().iter().any(|s| s.path == "/metrics");
    let (off, auto) = (server(), server());
    assert_eq!(measured_of(&off, "off").round()["server"], Value::Null);
    assert!(!asked(&off));
    assert_eq!(measured_of(&auto, "auto").round()["server"]["values"]["running_max"], 2.0);
    assert!(asked(&auto));
}

#[test]
fn the_key_goes_to_the_servers_own_host_only() {
    let has_key =
        |page: &Page| page.heads().iter().map(|h| h.contains("sk-0123456789")).collect::<Vec<_>>();
    let (own, other) = (Page::finished(|_| 5), Page::finished(|_| 5));
    measured(&at(&own));
    measured(&format!("http://localhost:{}/metrics", other.port));
    assert!(!own.heads().is_empty() && has_key(&own).iter().all(|has| *has));
    assert!(!other.heads().is_empty() && !has_key(&other).contains(&true));
}

/// The simulated server with knobs; what it said of the only round.
fn simulated(knobs: &str) -> Value {
    let gate = Gate::new();
    let config = format!(
        "version: 1\ntarget: {{sim: {{noise: \"off\", seed: 7, prefill_token_ms: 0.2, {knobs}}}, metrics_every: 500ms}}\n\
         workloads: [{{name: chat, arrival: {{closed: {{concurrency: 8}}}}, requests: 16, output_tokens: 12, warmup: 1, prompts: {{synthetic: {{input_tokens: 400, shared_prefix: 0.7}}}}}}]\n\
         gate: {{rounds: 1, starts: 1}}\n"
    );
    gate.write("goodput-gate.yaml", &config);
    let ran = gate.run(&["run"]);
    gate.assert_measured(&ran);
    let server = gate.round()["server"].clone();
    assert_eq!(server["values"]["finished_requests"], 16.0, "{server}");
    server["values"].clone()
}

#[test]
fn the_simulated_servers_knobs_show_where_they_should() {
    let of = |values: &Value, key: &str| {
        values[key].as_f64().unwrap_or_else(|| panic!("no {key} in {values}"))
    };
    let usual = simulated("");
    assert!(of(&usual, "prefix_hit_ratio") > 0.4 && of(&usual, "preemptions") < 0.5, "{usual}");
    // Far more than a busy machine adds to virtual time.
    for (knobs, keys) in [
        ("prefill_factor: 6", ["prefill_ms", "ttft_ms"]),
        ("decode_factor: 6", ["token_gap_ms", "decode_ms"]),
        ("max_seqs: 2", ["queue_ms", "waiting_mean"]),
        ("kv_cap: 1000", ["queue_ms", "waiting_mean"]),
    ] {
        let turned = simulated(knobs);
        for key in keys {
            assert!(
                of(&turned, key) > 3.0 * of(&usual, key),
                "{knobs}: {key} in {turned}, usual {usual}"
            );
        }
    }
    assert!(of(&simulated("prefix_cache: \"off\""), "prefix_hit_ratio") < 0.01);
}
