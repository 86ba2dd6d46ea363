//! Advice, of the simulated server: a sound run draws none, a sick one exactly its own. Not here:
//! the numbers at which each rule speaks (`report::advice`).

use crate::support::bed::Bed;
use crate::support::gpus::{Driver, EVERYTHING, Gpus};

/// A round of `requests`, all of whose answers are in time unless a test says otherwise.
fn config(sim: &str, arrival: &str, requests: u32) -> String {
    format!(
        "version: 1
target: {{sim: {{seed: 1, noise: \"off\", {sim}}}}}
workloads:
  - name: chat
    arrival: {arrival}
    requests: {requests}
    prompts: {{synthetic: {{input_tokens: 64}}}}
    output_tokens: 8
    warmup: {{requests: 2}}
    slo: {{ttft: 60s}}
gate: {{mode: limits, starts: 1, rounds: 1}}
"
    )
}

const CLOSED: &str = "{closed: {concurrency: 8}}";

/// What each rule says, by words of its own.
const RULES: [(&str, &str); 6] = [
    ("client_bound", "the client was nearly the limit"),
    ("failures", "of the requests succeeded"),
    ("goodput", "in time (SLO)"),
    ("queueing", "TTFT is mostly waiting"),
    ("bursty", "tokens come in bursts"),
    ("idle_gpu", "while no GPU was busy"),
];

fn advice(bed: &Bed) -> Vec<&'static str> {
    let report = bed.read(".goodput-gate/report.md").replace('\\', "");
    let given = report
        .split("<summary>Advice</summary>")
        .nth(1)
        .map_or("", |rest| &rest[..rest.find("</details>").expect("an end")]);
    let lines = given.lines().filter(|line| line.starts_with('-'));
    let rule =
        |line: &str| RULES.iter().find(|(_, words)| line.contains(words)).map(|(rule, _)| *rule);
    lines.map(|line| rule(line).unwrap_or_else(|| panic!("another rule: {line}"))).collect()
}

fn advised(config: &str, set: &[&str]) -> Vec<&'static str> {
    let bed = Bed::new();
    bed.write("goodput-gate.yaml", config);
    let ran = bed.measure(&[&["run"][..], set].concat());
    // A client whose requests wait for one another does not keep its rate, and a busy machine
    // disturbs: unfit to judge, and still measured.
    assert!(matches!(ran.code, Some(0 | 3)), "{ran:?}");
    advice(&bed)
}

#[test]
fn a_sound_run_draws_no_advice() {
    // A third of these requests is the ramp.
    assert_eq!(advised(&config("", CLOSED, 24), &[]), [""; 0]);
    assert_eq!(advised(&config("", "{poisson: {rate: 12}}", 36), &[]), [""; 0]);
    // Prompts of a small GPU that fill whole steps: long gaps, and waiting for one another.
    let prompts = ["--set", "workloads.chat.prompts.synthetic.input_tokens=1000"];
    assert_eq!(advised(&config("profile: small-1b", CLOSED, 40), &prompts), [""; 0]);
}

#[test]
fn a_sick_run_draws_its_own_advice_and_no_other() {
    for (rule, sim, arrival, set) in [
        ("failures", "error_500: 0.3", CLOSED, ""),
        ("goodput", "request_overhead_ms: 300", CLOSED, "workloads.chat.slo={ttft: 100ms}"),
        ("queueing", "max_seqs: 1", CLOSED, ""),
        ("bursty", "stall_rate_per_s: 2, stall_ms: 400", CLOSED, "workloads.chat.output_tokens=48"),
        ("queueing", "", "{constant: {rate: 100}}", "workloads.chat.max_in_flight=2"),
    ] {
        let set: &[&str] = if set.is_empty() { &[] } else { &["--set", set] };
        assert_eq!(advised(&config(sim, arrival, 32), set), [rule], "{sim} {arrival}");
    }
}

#[test]
fn a_gpu_that_idles_while_requests_wait_is_named() {
    let of = |busy: &str, most: &str| {
        let lines: Vec<(&str, &str)> = EVERYTHING
            .iter()
            .map(|(k, v)| {
                (
                    *k,
                    if *k == "utilisation" {
                        busy
                    } else if *k == "processes" {
                        "-"
                    } else {
                        *v
                    },
                )
            })
            .collect();
        let gpus = Gpus::new(Driver::Whole, &[&lines]);
        let bed = &gpus.servers.bed;
        let serve = bed
            .read("serve.sh")
            .replace("--set noise=off", &format!("--set noise=off --set max_seqs={most}"));
        bed.write("serve.sh", &serve);
        // Of each request's time in the server about half is waiting for the others.
        let clients = "workloads.chat.arrival.closed.concurrency=6";
        let load = [
            "--set",
            clients,
            "--set",
            "workloads.chat.requests=36",
            "--set",
            "target.metrics_every=500ms",
        ];
        let ran = gpus.run(&load);
        assert!(matches!(ran.code, Some(0 | 3)), "{ran:?}");
        advice(bed)
    };
    assert_eq!(of("20", "1"), ["idle_gpu"]);
    assert_eq!(of("90", "1"), [""; 0]);
    assert_eq!(of("20", "32"), [""; 0]);
}
