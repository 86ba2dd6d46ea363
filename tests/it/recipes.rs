//! What a recipe brings, run: the cache that is emptied, arguments as they were written. Not here: the lines themselves (a snapshot beside
//! `config/recipes.rs`).

use serde_json::json;

use super::support::{Answer, Gate, Part, Seen, Server, Setup};

const RESET: &str = "target.cache_reset=GET /flush_cache";

fn resetting(answer: Answer) -> Server {
    Server::with(Setup { others: vec![("/flush_cache", answer)], ..Setup::default() }, Seen::good)
}

#[test]
fn the_cache_is_emptied_before_each_workload() {
    let server = resetting(Answer::json("200 OK", &json!({})));
    let gate = Gate::new();
    let args = ["--requests", "3", "--concurrency", "1,2", "--rounds", "1", "--warmup", "1", "--set", RESET];
    gate.assert_measured(&gate.measure(&server.url(), &args));
    let sent = server.seen();
    let of_load = |s: &&Seen| s.path == "/flush_cache" || s.part != Part::Probe;
    let kinds: Vec<&str> = sent.iter().filter(of_load).map(|s| if s.path == "/flush_cache" { "reset" } else { "load" }).collect();
    let mut turns = kinds.clone();
    turns.dedup();
    assert_eq!(turns, ["reset", "load", "reset", "load"], "{kinds:?}");
}

#[test]
fn a_cache_that_is_not_emptied_stops_the_run() {
    let server = resetting(Answer::error("404 Not Found", "no such path"));
    let gate = Gate::new();
    let ran = gate.measure(&server.url(), &["--requests", "3", "--concurrency", "1", "--set", RESET]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.contains("/flush_cache answers 404: no such path") && ran.stderr.contains("`none`"), "{}", ran.stderr);
    assert!(server.planned().is_empty(), "nothing is measured");
}
