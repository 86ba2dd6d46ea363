//! A run that several processes send together: what they record, what `merge` makes of it, and what
//! becomes of one that is missing, late, killed or wrong. Not here: cutting and merging by
//! themselves (unit tests of `plan::shard` and `record::merge`), a real Slurm (`tests/cluster`).

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::support::{Gate, Ran, wait_for};

/// Sends to a simulated server, which lives as long as this.
struct Bench {
    gate: Gate,
    server: Child,
    url: String,
    rendezvous: String,
}

const CONFIG: &str = "\
version: 1
target: {base_url: \"URL\"}
gate: {mode: limits, rounds: 2}
workloads:
  - name: chat
    arrival: {poisson: {rate: 40}}
    requests: 120
    warmup: 4
    prompts: {synthetic: {input_tokens: 32}}
    output_tokens: 12
    limits: {error_rate: {max: 5%}}
";

impl Bench {
    fn new(config: &str) -> Self {
        let gate = Gate::new().env("GOODPUT_GATE_RENDEZVOUS_TOKEN", "a secret of this run");
        let server = gate
            .command(&["sim", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stdin(Stdio::piped())
            .spawn();
        let mut server = server.expect("the simulated server starts");
        let mut line = String::new();
        let stdout = server.stdout.take().expect("it is piped");
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line)
            .expect("it says where it listens");
        let said: Value = serde_json::from_str(&line).expect("a line of JSON");
        let url = said["base_url"].as_str().expect("its URL").to_owned();
        gate.write("goodput-gate.yaml", &config.replace("URL", &url));
        let free = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let port = free.local_addr().expect("it is bound").port();
        let rendezvous = format!("http://127.0.0.1:{port}");
        Self { gate, server, url, rendezvous }
    }

    fn shard(&self, shard: &str, more: &[&str]) -> Child {
        let place = ["run", "--shard", shard, "--rendezvous", &self.rendezvous];
        let args: Vec<&str> = place.into_iter().chain(more.iter().copied()).collect();
        let log = self.gate.path(&format!("log-{}", shard.replace('/', "-")));
        let stderr = std::fs::File::create(log).expect("the test's folder can be written");
        let mut command = self.gate.command(&args);
        command.stdout(Stdio::null()).stderr(stderr).spawn().expect("the command starts")
    }

    fn log(&self, shard: &str) -> String {
        self.gate.text(&format!("log-{}", shard.replace('/', "-")))
    }

    /// Exit codes of all shards.
    fn all(&self, count: u32, more: &[&str]) -> Vec<Option<i32>> {
        let each: Vec<Child> =
            (0..count).map(|k| self.shard(&format!("{k}/{count}"), more)).collect();
        each.into_iter().map(Gate::end).collect()
    }

    fn records(&self, count: u32) -> Vec<PathBuf> {
        let each =
            (0..count).map(|k| self.gate.path(&format!(".goodput-gate/shard-{k}/record.json")));
        each.filter(|path| path.exists()).collect()
    }

    fn merge(&self, records: &[PathBuf]) -> Ran {
        let names = records.iter().map(|path| path.display().to_string());
        let all: Vec<String> =
            ["merge", "--out", "merged"].map(String::from).into_iter().chain(names).collect();
        self.gate.run(&all)
    }

    fn merged(&self) -> Value {
        self.gate.json("merged/record.json")
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn rounds(record: &Value) -> &Vec<Value> {
    record["workloads"][0]["starts"][0]["rounds"].as_array().expect("rounds")
}

fn column(round: &Value, name: &str) -> Vec<Option<u64>> {
    let column = round["columns"][name].as_array().expect("a column");
    column.iter().map(Value::as_u64).collect()
}

/// As METHOD has it.
fn percentile(mut values: Vec<u64>, q: f64) -> f64 {
    values.sort_unstable();
    let h = (values.len() - 1) as f64 * q;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank")]
    let (below, above) = (h.floor() as usize, h.ceil() as usize);
    let at = |i: usize| values[i] as f64 / 1000.0;
    at(below) + (h - h.floor()) * (at(above) - at(below))
}

fn findings(record: &Value, check: &str) -> Vec<String> {
    let all = rounds(record).iter().flat_map(|r| r["findings"].as_array().into_iter().flatten());
    all.filter(|f| f["check"] == check)
        .map(|f| f["message"].as_str().expect("words").to_owned())
        .collect()
}

#[test]
fn three_shards_become_one_record_that_is_judged_as_any_other() {
    let bench = Bench::new(CONFIG);
    let codes = bench.all(3, &["--raw", "raw.jsonl"]);
    assert!(codes.iter().all(|code| matches!(code, Some(0 | 3))), "{codes:?} {}", bench.log("0/3"));
    let records = bench.records(3);
    let parts: Vec<Value> = records
        .iter()
        .map(|path| {
            serde_json::from_str(&std::fs::read_to_string(path).expect("text")).expect("JSON")
        })
        .collect();
    for (k, part) in parts.iter().enumerate() {
        assert_eq!((&part["shard"]["index"], &part["shard"]["count"]), (&k.into(), &3.into()));
        assert_eq!(part["session"], parts[0]["session"]);
        let clock = &rounds(part)[0]["shard"]["clock"];
        assert_eq!(clock["began"], rounds(&parts[0])[0]["shard"]["clock"]["began"]);
        assert!(clock["uncertainty_us"].as_u64().is_some_and(|us| us < 60_000), "{clock}");
    }
    let raw: usize =
        (0..3).map(|k| bench.gate.text(&format!("raw.jsonl.shard-{k}")).lines().count()).sum();
    assert_eq!(raw, 240, "a line for each request of both rounds");
    let ran = bench.merge(&records);
    assert!(matches!(ran.code, Some(0 | 3)), "{ran:?}");
    let merged = bench.merged();
    assert_eq!(merged["merged"]["shards"], 3);
    for (i, round) in rounds(&merged).iter().enumerate() {
        assert_eq!(column(round, "ttft_us").len(), 120);
        for (name, metric) in [("ttft_us", "ttft_p50_ms"), ("e2e_us", "e2e_p95_ms")] {
            let raw = parts.iter().flat_map(|part| column(&rounds(part)[i], name)).flatten();
            let q = if metric.contains("p50") { 0.5 } else { 0.95 };
            let (ours, theirs) = (percentile(raw.collect(), q), &round["metrics"][metric]);
            assert!((theirs.as_f64().expect("a metric") - ours).abs() < 1e-9, "{metric}");
        }
        // In the plan's order: arrivals never go back.
        let starts: Vec<u64> = column(round, "start_us").into_iter().flatten().collect();
        assert!(starts.is_sorted(), "round {i}");
    }
    let from = merged["workloads"][0]["fingerprint"]["plan"].clone();
    assert_eq!(from, parts[2]["workloads"][0]["fingerprint"]["plan"]);

    let checked = bench.gate.run(&["check", "--base", "none", "--from", "merged/record.json"]);
    assert!(matches!(checked.code, Some(0 | 3)), "{checked:?}");
    assert_eq!(checked.code, ran.code, "{checked:?}");
    // What was measured is an easier load than the config asks for.
    let config = bench.gate.text("goodput-gate.yaml");
    for (own, harder) in [
        ("output_tokens: 12", "output_tokens: 96"),
        ("input_tokens: 32", "input_tokens: 320"),
        ("requests: 120", "requests: 1200"),
        ("rounds: 2", "rounds: 3"),
    ] {
        bench.gate.write("goodput-gate.yaml", &config.replace(own, harder));
        let easier = ["check", "--base", "none", "--from", "merged/record.json"];
        bench.gate.run(&easier).assert(3, &["is of another load"]);
    }
    let sim = config.replace(&format!("base_url: \"{}\"", bench.url), "sim: {}");
    for (other, words) in [
        (sim, "of the simulated server"),
        (config.replace("target: {", "target: {model: other, "), "the config asks for other"),
        (config.replace("name: chat", "name: talk"), "has a workload chat"),
    ] {
        bench.gate.write("goodput-gate.yaml", &other);
        let wrong = ["check", "--base", "none", "--from", "merged/record.json"];
        bench.gate.run(&wrong).assert(3, &[words]);
    }
    // Nobody has measured the third round of a run that was killed.
    let mut cut = merged.clone();
    let all = cut["workloads"][0]["starts"][0]["rounds"].as_array_mut().expect("rounds");
    all.pop();
    bench.gate.write("cut.json", &cut.to_string());
    bench.gate.write("goodput-gate.yaml", &config);
    bench
        .gate
        .run(&["check", "--base", "none", "--from", "cut.json"])
        .assert(3, &["the run did not end"]);
    cut["workloads"][0]["starts"] = serde_json::json!([]);
    bench.gate.write("cut.json", &cut.to_string());
    bench
        .gate
        .run(&["check", "--base", "none", "--from", "cut.json"])
        .assert(3, &["has 0 of 1 starts"]);
    bench.gate.write("goodput-gate.yaml", &config);
    let part = records[0].display().to_string();
    for args in [
        vec!["check", "--base", "none", "--from", &part],
        vec!["compare", "merged/record.json", &part],
        vec!["compare", &part, "merged/record.json"],
        vec!["compare", "--rank", &part, "merged/record.json"],
    ] {
        let refused = bench.gate.run(&args);
        assert!(matches!(refused.code, Some(2 | 3)), "{args:?} {refused:?}");
        refused.assert(refused.code.unwrap_or(0), &["is only shard 0 of 3", "merge first"]);
    }
    let twice = bench.merge(&[records[0].clone(), records[0].clone()]);
    twice.assert(2, &["two records are of shard 0"]);
    let without = bench.merge(&records[..2]);
    without.assert(3, &["shard 2 of 3 is missing: its 40 requests"]);
    let edited = std::fs::read_to_string(&records[1]).expect("text");
    let edited = edited.replacen("\"count\":3", "\"count\":4", 1);
    let edited = bench.gate.write("edited.json", &edited);
    bench.merge(&[records[0].clone(), edited]).assert(2, &["of 3 shards and another of 4"]);
}

#[test]
fn shards_meet_in_a_folder_and_divide_a_closed_loop() {
    let closed =
        CONFIG.replace("arrival: {poisson: {rate: 40}}", "arrival: {closed: {concurrency: 5}}");
    let mut bench = Bench::new(&closed);
    bench.rendezvous = bench.gate.path("meet").display().to_string();
    std::fs::create_dir(&bench.rendezvous).expect("the test's folder can be written");
    let codes = bench.all(2, &[]);
    assert!(codes.iter().all(|code| matches!(code, Some(0 | 3))), "{codes:?} {}", bench.log("1/2"));
    bench.merge(&bench.records(2));
    let merged = bench.merged();
    for round in rounds(&merged) {
        assert_eq!((column(round, "ttft_us").len(), &round["ramp"]), (120, &5.into()));
    }
    let many = bench.shard("0/6", &["--shard-wait", "1s"]);
    let other = bench.shard("1/6", &["--shard-wait", "1s"]);
    assert!(Gate::end(many).is_some_and(|code| code != 0));
    assert!(Gate::end(other).is_some_and(|code| code != 0));
    let said = bench.log("0/6") + &bench.log("1/6");
    assert!(
        said.contains("cannot be divided among 6 shards") || said.contains("missing"),
        "{said}"
    );
}

#[test]
fn a_shard_that_is_killed_is_named_and_nothing_passes() {
    let bench = Bench::new(&CONFIG.replace("requests: 120", "requests: 200"));
    let wait = ["--shard-wait", "4s"];
    let (first, mut second) = (bench.shard("0/2", &wait), bench.shard("1/2", &wait));
    let began = wait_for(|| bench.records(1).len() == 1);
    assert!(began, "{}", bench.log("0/2"));
    second.kill().expect("it runs");
    second.wait().expect("it ends");
    // It is told where it still waits for the other one, and measures on where both had begun: what
    // both are together is said by the merge.
    let code = Gate::end(first);
    assert!(matches!(code, Some(0 | 3)), "{code:?} {}", bench.log("0/2"));
    let ran = bench.merge(&bench.records(2));
    assert_eq!(ran.code, Some(3), "{ran:?}");
    let merged = bench.merged();
    let said = [findings(&merged, "shard_missing"), findings(&merged, "shard_ended")].concat();
    assert!(
        said.iter()
            .any(|why| why.contains("shard 1 of 2 is missing") || why.contains("shard 0 ended")),
        "{said:?}"
    );
    let checked = bench.gate.run(&["check", "--base", "none", "--from", "merged/record.json"]);
    assert_eq!(checked.code, Some(3), "{checked:?}");
}

#[test]
fn a_clock_that_runs_fast_makes_the_run_invalid() {
    let bench = Bench::new(CONFIG);
    let (first, second) =
        (bench.shard("0/2", &[]), bench.shard("1/2", &["--bend-clock", "180000,0.01"]));
    Gate::end(first);
    assert_eq!(Gate::end(second), Some(3), "{}", bench.log("1/2"));
    let ran = bench.merge(&bench.records(2));
    assert_eq!(ran.code, Some(3), "{ran:?}");
    let merged = bench.merged();
    let clock = findings(&merged, "shard_clock");
    assert!(
        clock.iter().any(|why| why.contains("shard 1: the clock of this shard moved by")),
        "{clock:?}"
    );
    let dates = findings(&merged, "shard_date");
    assert!(dates.iter().any(|why| why.contains("+180 s off")), "{dates:?}");
}

#[test]
fn shards_that_do_not_belong_together_are_told_so() {
    let bench = Bench::new(CONFIG);
    let wait = ["--shard-wait", "3s"];
    let other_load = [wait.as_slice(), &["--rate", "41"]].concat();
    let (first, second) = (bench.shard("0/2", &wait), bench.shard("1/2", &other_load));
    assert_eq!((Gate::end(first), Gate::end(second)), (Some(3), Some(3)));
    for shard in ["0/2", "1/2"] {
        let log = bench.log(shard);
        assert!(log.contains("would not measure the same: plan of chat"), "{log}");
    }
    let alone = bench.shard("0/2", &wait);
    assert_eq!(Gate::end(alone), Some(3));
    assert!(bench.log("0/2").contains("not all of 2 shards came within 3 s: 1 missing"));
    let run = |args: &[&str]| bench.gate.run(&[&["run"], args].concat());
    run(&["--shard", "2/2", "--rendezvous", "x"]).assert(2, &["there is no shard 2 of 2"]);
    run(&["--shard", "--rendezvous", "x"]).assert(2, &["neither Slurm", "--shard k/N"]);
    run(&["--shard", "0/2"]).assert(2, &["--rendezvous"]);
    run(&["--shard", "0/2", "--rendezvous", "https://a:1"]).assert(2, &["no place to meet"]);
    bench.gate.write("own.yaml", "version: 1\ntarget: {sim: {}}\nworkloads:\n  - name: chat\n");
    let own = run(&["--config", "own.yaml", "--shard", "0/2", "--rendezvous", &bench.rendezvous]);
    own.assert(2, &["needs a server that runs already"]);
    assert!(bench.url.starts_with("http://127.0.0.1"));
}
