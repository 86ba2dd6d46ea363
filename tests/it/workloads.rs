//! Conversations, datasets, traces with block ids, cache tiers and sweeps, run against the
//! simulated server: what it was asked, by what it counted. Nothing here depends on time. Not here:
//! plans as such (unit tests of `plan`).

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::support::bed::Bed;
use crate::support::{Answer, Gate, Seen, Server, Setup};

const SIM: &str = "version: 1\ntarget: {sim: {noise: \"off\", prefix_cache: on, seed: 7}}\ngate: {starts: 1, rounds: 1}\nworkloads:\n";

/// The record of a run of these workloads, each a line of YAML. A client that was late says so with
/// exit 3; what it sent is the same.
fn record(workloads: &[&str], files: &[(&str, &str)], args: &[&str]) -> (Bed, Value) {
    let bed = Bed::new();
    let config = workloads.iter().fold(SIM.to_owned(), |all, one| all + "  - {" + one + "}\n");
    bed.write("goodput-gate.yaml", &config);
    for (name, text) in files {
        bed.write(name, text);
    }
    let ran = bed.gate(&[&["run"], args].concat());
    assert!(matches!(ran.code, Some(0 | 3)), "{}", ran.stderr);
    let record = bed.json(".goodput-gate/record.json");
    (bed, record)
}

/// A column of the only round of a workload.
fn column(record: &Value, workload: usize, name: &str) -> Vec<u64> {
    let column = &record["workloads"][workload]["starts"][0]["rounds"][0]["columns"][name];
    column.as_array().expect("a round").iter().map(|n| n.as_u64().unwrap_or_default()).collect()
}

fn completed(record: &Value, workload: usize) -> usize {
    let outcomes = &record["workloads"][workload]["starts"][0]["rounds"][0]["columns"]["outcome"];
    outcomes.as_array().expect("a round").iter().filter(|o| *o == "completed").count()
}

const TALK: &str = "name: talk, requests: 12, warmup: 3, output_tokens: 8, prompts: {synthetic: {input_tokens: 100}, conversation: {turns: 3}}";

#[test]
fn a_conversation_grows_and_its_history_is_in_the_cache() {
    let closed = format!("{TALK}, arrival: {{sessions: {{concurrency: 2, think_time: 5ms}}}}");
    let open =
        format!("{TALK}, arrival: {{sessions: {{rate: 40}}}}").replace("name: talk", "name: open");
    let (bed, record) = record(&[&closed, &open], &[], &[]);
    for workload in [0, 1] {
        assert_eq!(completed(&record, workload), 12);
        let (asked, cached) =
            (column(&record, workload, "input_tokens"), column(&record, workload, "cached_tokens"));
        for (asked, cached) in asked.chunks(3).zip(cached.chunks(3)) {
            assert!(asked[0] < asked[1] && asked[1] < asked[2], "{asked:?}");
            assert!(cached[0] == 0 && cached[1] > 50 && cached[2] > cached[1], "{cached:?}");
        }
    }
    assert_eq!(
        record["workloads"][0]["load"]["arrival"],
        "2 sessions at a time, 0.005 s between turns"
    );
    assert_eq!(record["workloads"][0]["load"]["detail"]["turns"], 3);
    let report = bed.json(".goodput-gate/report.json");
    let timings: Vec<&Value> = report["workloads"][0]["distributions"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|d| &d["timing"])
        .collect();
    assert!(
        timings.contains(&&json!("ttft_first_turn"))
            && timings.contains(&&json!("ttft_later_turns")),
        "{timings:?}"
    );
    // A record from outside may say what no run can have had.
    let mut odd = record;
    for workload in [0, 1] {
        odd["workloads"][workload]["load"]["detail"]["turns"] = json!(0);
    }
    bed.write("odd.json", &odd.to_string());
    let shown = bed.gate(&["report", "odd.json", "--format", "terminal"]);
    assert!(
        shown.stdout.contains("talk") && !shown.stdout.contains("ttft_first_turn"),
        "{}{}",
        shown.stdout,
        shown.stderr
    );
}

#[test]
fn a_turn_waits_for_the_answer_before_it() {
    let (_, record) =
        record(&[&format!("{TALK}, arrival: {{sessions: {{concurrency: 4}}}}")], &[], &[]);
    let (start, e2e) = (column(&record, 0, "start_us"), column(&record, 0, "e2e_us"));
    for session in 0..4 {
        for i in session * 3..session * 3 + 2 {
            assert!(
                start[i + 1] >= start[i] + e2e[i],
                "turn {i} began before its answer was there"
            );
        }
    }
}

#[test]
fn a_session_goes_on_after_a_failed_turn() {
    let bed = Bed::new();
    // A warm-up of which nothing came through would end the run.
    let sessions = TALK.replace("warmup: 3", "warmup: 0");
    let config = SIM.replace("seed: 7", "seed: 7, error_500: 0.5");
    bed.write(
        "goodput-gate.yaml",
        &format!("{config}  - {{{sessions}, arrival: {{sessions: {{concurrency: 2}}}}}}\n"),
    );
    bed.gate(&["run"]);
    let record = bed.json(".goodput-gate/record.json");
    let outcomes = &record["workloads"][0]["starts"][0]["rounds"][0]["columns"]["outcome"];
    let refused =
        outcomes.as_array().expect("a round").iter().filter(|o| *o == "http_status").count();
    assert_eq!(completed(&record, 0) + refused, 12, "every turn was sent: {outcomes}");
    assert!(refused > 0, "{outcomes}");
}

#[test]
fn a_dataset_is_sent_with_the_lengths_that_it_asks_for() {
    let lines = (0..30).fold(String::new(), |mut all, i| {
        let _ = writeln!(all, "{{\"messages\": [{{\"role\": \"system\", \"content\": \"be brief\"}}, {{\"role\": \"user\", \"content\": \"why {i}?\"}}], \"output_tokens\": {}}}", i + 3);
        all
    });
    let workload = "name: data, requests: 20, warmup: 2, arrival: {closed: {concurrency: 4}}, prompts: {dataset: {file: d.jsonl}}";
    let (_, first) = record(&[workload], &[("d.jsonl", &lines)], &[]);
    let mut tokens = column(&first, 0, "output_tokens");
    assert_eq!((completed(&first, 0), tokens.len()), (20, 20));
    tokens.sort_unstable();
    tokens.dedup();
    assert_eq!(tokens.len(), 20, "no request is drawn twice");
    // Another name and another load: the same requests. Another content: another plan.
    let moved =
        workload.replace("d.jsonl", "elsewhere.jsonl").replace("concurrency: 4", "concurrency: 2");
    let (_, second) = record(&[&moved], &[("elsewhere.jsonl", &lines)], &[]);
    assert_eq!(column(&second, 0, "output_tokens"), column(&first, 0, "output_tokens"));
}

#[test]
fn what_a_dataset_leaves_out_is_counted_in_every_report() {
    let asks =
        |i: usize| json!({"conversations": [{"from": "human", "value": format!("why {i}?")}]});
    let silent = json!({"conversations": [{"from": "gpt", "value": "because"}]});
    let empty = json!({"conversations": [{"from": "human", "value": ""}]});
    let entries: Vec<Value> = (0..8).map(asks).chain([silent.clone(), silent, empty]).collect();
    let workload = "name: data, requests: 6, warmup: 1, output_tokens: 4, arrival: {closed: {concurrency: 2}}, prompts: {dataset: {file: d.json}}";
    let (bed, record) = record(&[workload], &[("d.json", &json!(entries).to_string())], &[]);
    let counted = [
        "2 of 11 entries of the dataset are left out: no message of a user (the first is entry 9)",
        "1 of 11 entries",
    ];
    assert_eq!(completed(&record, 0), 6);
    assert_eq!(
        record["workloads"][0]["load"]["detail"]["left_out"].as_array().map(Vec::len),
        Some(2)
    );
    for report in ["report.json", "report.md", "report.html", "junit.xml"] {
        let text = crate::support::bed::flat(&bed.read(&format!(".goodput-gate/{report}")));
        assert!(counted.iter().all(|words| text.contains(words)), "{report}: {text}");
    }
    bed.gate(&["run", "--dry-run"]).assert(0, &counted);
    bed.gate(&["report", ".goodput-gate/report.json", "--format", "terminal"]).assert(0, &counted);
}

#[test]
fn a_dataset_that_cannot_be_used_stops_the_run_before_anything_is_sent() {
    let bed = Bed::new();
    bed.write(
        "goodput-gate.yaml",
        &format!("{SIM}  - {{name: data, requests: 3, prompts: {{dataset: {{file: d.jsonl}}}}}}\n"),
    );
    bed.gate(&["run", "--dry-run"]).assert(2, &["cannot read d.jsonl"]);
    bed.write("d.jsonl", "{\"prompt\": \"a\"}\n{\"promt\": \"b\"}\n");
    bed.gate(&["run", "--dry-run"]).assert(2, &["line 2 of the dataset: `promt` is not sent"]);
    bed.write("d.jsonl", "{\"prompt\": \"a\"}\n");
    bed.gate(&["run", "--dry-run"])
        .assert(2, &["the dataset has 1 requests, and 3 per round were planned"]);
    let named = bed.gate(&["run", "--dry-run", "--input-tokens", "9"]);
    named.assert(2, &["both `dataset` and `synthetic`"]);
}

#[test]
fn a_trace_with_block_ids_shares_its_blocks() {
    let lines = (0..8).fold(String::new(), |mut all, i| {
        let _ = writeln!(
            all,
            "{{\"timestamp\": {}, \"input_length\": 1500, \"output_length\": 4, \"hash_ids\": [1, 2, {}]}}",
            i * 1000,
            10 + i
        );
        all
    });
    let workload =
        "name: mooncake, requests: 8, warmup: 2, arrival: {trace: {file: m.jsonl, speedup: 20}}";
    let (_, record) = record(&[workload], &[("m.jsonl", &lines)], &[]);
    let cached = column(&record, 0, "cached_tokens");
    // Two blocks of 512 tokens of three; nothing is known of the first, though the warm-up sent the
    // same ids.
    assert!(cached[0] == 0 && cached[1..].iter().all(|&n| (900..1100).contains(&n)), "{cached:?}");
}

#[test]
fn a_cold_tier_finds_nothing_and_a_warm_one_its_prefix() {
    let workload = "preset: prefix-cache, requests: 12, warmup: 2, output_tokens: 4";
    let (bed, record) = record(&[workload], &[], &[]);
    assert_eq!(
        (&record["workloads"][0]["name"], &record["workloads"][1]["name"]),
        (&json!("prefix-cache-cold"), &json!("prefix-cache-warm"))
    );
    assert!(column(&record, 0, "cached_tokens").iter().all(|&n| n == 0));
    let warm = column(&record, 1, "cached_tokens");
    assert!(warm.iter().all(|&n| n > 1500), "{warm:?}");
    let report = bed.json(".goodput-gate/report.json");
    assert_eq!(
        report["workloads"][0]["load"]["detail"]["cache_reset"], false,
        "it is said that no reset was to be had"
    );
}

#[test]
fn a_cold_tier_empties_the_cache_before_each_round() {
    let reset = Setup {
        others: vec![("/flush_cache", Answer::json("200 OK", &json!({})))],
        ..Setup::default()
    };
    let server = Server::with(reset, Seen::good);
    let gate = Gate::new();
    let how = "target.cache_reset=GET /flush_cache";
    let args = [
        "--preset",
        "prefix-cache",
        "--requests",
        "6",
        "--warmup",
        "1",
        "--rounds",
        "2",
        "--input-tokens",
        "100",
        "--set",
        how,
    ];
    gate.assert_measured(&gate.measure(&server.url(), &args));
    let sent = server.seen();
    let kind = |s: &Seen| match s.path.as_str() {
        "/flush_cache" => Some("reset"),
        path => path.ends_with("/chat/completions").then_some("load"),
    };
    let mut kinds: Vec<&str> = sent.iter().filter_map(kind).collect();
    kinds.dedup();
    // The probe. Cold: before warm-up and both rounds. Warm: before its warm-up only, which fills
    // the cache.
    assert_eq!(kinds, ["load", "reset", "load", "reset", "load", "reset", "load", "reset", "load"]);
}

#[test]
fn no_workload_finds_the_prompts_of_another_in_the_cache() {
    let workload = "name: chat, requests: 12, warmup: 2, output_tokens: 4, arrival: {closed: {concurrency: [1, 2, 4]}}";
    let (_, record) = record(&[workload], &[], &[]);
    for level in 0..3 {
        let cached = column(&record, level, "cached_tokens");
        assert!(cached.len() == 12 && cached.iter().all(|&n| n == 0), "{cached:?}");
    }
}

#[test]
fn a_sweep_has_a_workload_per_level_and_its_curve_in_every_report() {
    let workload = "name: chat, requests: 12, warmup: 1, output_tokens: 4, prompts: {synthetic: {input_tokens: 16}}";
    let (bed, record) = record(&[workload], &[], &["--sweep", "concurrency=1,2,4,6"]);
    let names: Vec<&Value> =
        record["workloads"].as_array().expect("a list").iter().map(|w| &w["name"]).collect();
    assert_eq!(names, ["chat-c1", "chat-c2", "chat-c4", "chat-c6"]);
    let report = bed.json(".goodput-gate/report.json");
    let sweep = &report["sweeps"][0];
    assert_eq!(
        (&sweep["family"], &sweep["axis"], &sweep["curve"]),
        (&json!("chat"), &json!("concurrency"), &json!("output_token_rate"))
    );
    assert_eq!(sweep["levels"].as_array().map(Vec::len), Some(4));
    assert!(sweep["words"].as_str().is_some_and(|words| words.contains("knee")), "{sweep}");
    assert!(bed.read(".goodput-gate/report.md").contains("### chat: by concurrency"));
    let shown = bed.gate(&["report", ".goodput-gate/record.json", "--format", "terminal"]);
    assert!(
        shown.stdout.contains("chat: by concurrency") && shown.stdout.contains("knee"),
        "{}",
        shown.stdout
    );
}

#[test]
fn a_sweep_over_rate_keeps_the_process() {
    let bed = Bed::new();
    bed.write(
        "goodput-gate.yaml",
        &format!("{SIM}  - {{name: a, arrival: {{constant: {{rate: 9}}}}}}\n  - {{name: b}}\n"),
    );
    let ran = bed.gate(&["run", "--dry-run", "--sweep", "rate=2,4.5"]);
    ran.assert(
        0,
        &[
            "a-r2: constant 2/s",
            "a-r4.5: constant 4.5/s",
            "b-r2: Poisson 2/s",
            "b-r4.5: Poisson 4.5/s",
        ],
    );
    bed.gate(&["run", "--dry-run", "--sweep", "rate=fast"])
        .assert(2, &["--sweep: `fast` is no number above 0"]);
}
