//! What a recipe brings, run: the cache that is emptied, arguments as they were written. Not here:
//! the lines themselves (a snapshot beside `config/recipes.rs`).

use serde_json::json;

use crate::support::servers::Servers;
use crate::support::{Answer, Gate, Part, Seen, Server, Setup};

const RESET: &str = "target.cache_reset=GET /flush_cache";

fn resetting(answer: Answer) -> Server {
    Server::with(Setup { others: vec![("/flush_cache", answer)], ..Setup::default() }, Seen::good)
}

#[test]
fn the_cache_is_emptied_before_each_workload() {
    let server = resetting(Answer::json("200 OK", &json!({})));
    let gate = Gate::new();
    let args = [
        "--requests",
        "3",
        "--concurrency",
        "1,2",
        "--rounds",
        "1",
        "--warmup",
        "1",
        "--set",
        RESET,
    ];
    gate.assert_measured(&gate.measure(&server.url(), &args));
    let sent = server.seen();
    let of_load = |s: &&Seen| s.path == "/flush_cache" || s.part != Part::Probe;
    let kinds: Vec<&str> = sent
        .iter()
        .filter(of_load)
        .map(|s| if s.path == "/flush_cache" { "reset" } else { "load" })
        .collect();
    let mut turns = kinds.clone();
    turns.dedup();
    assert_eq!(turns, ["reset", "load", "reset", "load"], "{kinds:?}");
}

#[test]
fn a_cache_that_is_not_emptied_stops_the_run() {
    let server = resetting(Answer::error("404 Not Found", "no such path"));
    let gate = Gate::new();
    let ran =
        gate.measure(&server.url(), &["--requests", "3", "--concurrency", "1", "--set", RESET]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("/flush_cache answers 404: no such path")
            && ran.stderr.contains("`none`"),
        "{}",
        ran.stderr
    );
    assert!(server.planned().is_empty(), "nothing is measured");
}

/// Keeps the words that it was given, each ended by a zero byte, and becomes the bed's own server.
const ENGINE: &str = r#"printf '%s\0' "$@" > "$PLACE/words"; printf %s "$VLLM_SERVER_DEV_MODE" > "$PLACE/mode"; exec sh serve.sh"#;

/// Each as YAML's double quotes and as it must arrive.
const HOSTILE: [(&str, &str); 8] = [
    ("it's", "it's"),
    ("a  b", "a  b"),
    ("$(touch pwned) `id` $HOME", "$(touch pwned) `id` $HOME"),
    ("; exit 1 #", "; exit 1 #"),
    ("", ""),
    (r#"back\\slash \"quoted\""#, r#"back\slash "quoted""#),
    (r"two\nlines *", "two\nlines *"),
    ("<${MARKED}>", "<a 'mark'>"),
];

#[test]
fn a_recipes_arguments_arrive_as_they_were_written() {
    let mut servers = Servers::new("gate: {mode: limits, starts: 1, rounds: 1}");
    servers.bed.set("MARKED", "a 'mark'");
    servers.bed.write("engine.sh", ENGINE);
    let args: Vec<String> = HOSTILE.iter().map(|(yaml, _)| format!("\"{yaml}\"")).collect();
    let recipe = format!(
        "server.vllm={{model: org/model, program: sh engine.sh, args: [{}, 4096]}}",
        args.join(", ")
    );
    let set = [
        "--set",
        "server.start=null",
        "--set",
        &recipe,
        "--set",
        "target={cache_reset: GET /health}",
    ];
    servers.bed.measure(&[&["run"][..], &set].concat()).assert(0, &["nothing judged"]);
    servers.left_nothing();
    let place = |name: &str| {
        std::fs::read_to_string(servers.place().join(name)).expect("the engine has written it")
    };
    let port = servers.servers()[0].1.to_string();
    let mut want = vec!["org/model", "--host", "127.0.0.1", "--port", &port];
    want.extend(HOSTILE.iter().map(|(_, word)| *word));
    want.push("4096");
    assert_eq!(place("words").split_terminator('\0').collect::<Vec<_>>(), want);
    assert_eq!(place("mode"), "1");
    let fingerprint =
        servers.bed.json(".goodput-gate/record.json")["workloads"][0]["fingerprint"].clone();
    let said = fingerprint["server_args"].as_str().expect("it is recorded");
    assert!(said.ends_with("<${MARKED}> 4096"), "the name, never the value: {said}");
}

#[test]
fn the_start_of_a_server_is_timed_shown_and_held_to_a_limit() {
    let servers = Servers::new("gate: {mode: limits, starts: 2, rounds: 1, on_limit_open: fail}");
    // Whatever a busy machine makes of the rest: the limit speaks of the server alone.
    let state = |max: &str| {
        let limit = format!("workloads.chat.limits={{server_start: {{max: {max}}}}}");
        let ran = servers.bed.measure(&["check", "--set", &limit]);
        let report = servers.bed.json(".goodput-gate/report.json");
        assert_eq!(
            report["workloads"][0]["server_start_ms"].as_array().map(Vec::len),
            Some(2),
            "{ran:?}"
        );
        assert!(
            ran.stdout.contains("ready after") && ran.stdout.contains("spread"),
            "{}",
            ran.stdout
        );
        let limits = report["workloads"][0]["limits"].as_array().expect("limits");
        let start =
            limits.iter().find(|limit| limit["metric"] == "server_start").expect("it is judged");
        start["state"].as_str().expect("a state").to_owned()
    };
    assert_eq!(state("55s"), "met");
    let record = servers.bed.json(".goodput-gate/record.json");
    let starts = record["workloads"][0]["starts"].as_array().expect("starts");
    let times = |key: &str| -> Vec<u64> {
        starts.iter().map(|s| s[key].as_u64().expect("it is timed")).collect()
    };
    assert!(
        times("ready_ms")
            .iter()
            .zip(times("setup_ms"))
            .all(|(ready, setup)| *ready > 0 && *ready <= setup),
        "{starts:?}"
    );
    assert_eq!(state("1us"), "breached");
    servers.left_nothing();
}
