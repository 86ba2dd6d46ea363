//! `check` with the baseline measured in the same job: which commit or server it is, what is
//! started, when it stops, what is stored and refused. No verdict here depends on how fast this
//! machine is. Not here: the judgement as such (`gate_judging`), one side (`gate_servers`).

mod ends;

use serde_json::Value;

use crate::support::bed::Ran;
use crate::support::servers::Servers;
use crate::support::{Seen, Server};

/// Six times as slow in decoding is a regression of at least half on any machine, and equal builds
/// are none.
const GATE: &str =
    "    regressions: {ttft_geomean: 50%, ttft_p50: 50%, tpot_geomean: 50%, e2e_geomean: 50%, output_token_rate: 50%}
gate: {mode: interleaved, rounds: 2}";

const FEW: &str =
    "    regressions: {ttft_geomean: 50%, ttft_p50: 50%, tpot_geomean: 50%, e2e_geomean: 50%, output_token_rate: 50%}
gate: {mode: interleaved, rounds: 2, max_pairs: 3, on_blind: warn}";

/// A candidate on a branch, decoding so many times as slowly as its base.
fn candidate(gate: &str, factor: &str) -> Servers {
    let servers = Servers::new(gate);
    servers.bed.git(&["checkout", "-q", "-b", "change"]);
    servers.bed.write("factor", factor);
    servers.bed.commit("a change");
    servers
}

fn records(servers: &Servers) -> [Value; 2] {
    ["baseline.json", "record.json"].map(|name| servers.bed.json(&format!(".goodput-gate/{name}")))
}

/// Of every round of both sides, by start, its place in time: a busy machine has rounds measured
/// again.
fn orders(records: [&Value; 2]) -> [Vec<Vec<usize>>; 2] {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let starts = records.map(|record| list(&record["workloads"][0]["starts"]));
    let rounds = |start: &Value| -> Vec<u64> {
        list(&start["rounds"]).iter().filter_map(|r| r["order"].as_u64()).collect()
    };
    let mut all: Vec<u64> = starts.iter().flatten().flat_map(rounds).collect();
    all.sort_unstable();
    let place = |order: u64| all.partition_point(|other| *other < order);
    starts.map(|starts| {
        starts.iter().map(|start| rounds(start).into_iter().map(place).collect()).collect()
    })
}

fn log(servers: &Servers, name: &str) -> String {
    servers.bed.read(&format!(".goodput-gate/logs/{name}"))
}

fn commit(servers: &Servers, name: &str) -> String {
    servers.bed.git(&["rev-parse", "--short=12", name])
}

/// What was measured beside, by the factors that the servers printed. Whether so little is enough
/// for a PASS is the machine's to say.
fn beside(servers: &Servers, ran: &Ran, words: &str, factors: [&str; 2]) {
    ran.assert(0, &[words]);
    started(servers, words, factors);
}

fn started(servers: &Servers, words: &str, factors: [&str; 2]) {
    servers.left_nothing();
    for (side, factor) in ["baseline", "candidate"].into_iter().zip(factors) {
        let text = log(servers, &format!("{side}-start1.log"));
        assert!(text.contains(&format!("serving with factor {factor}\n")), "{side}: {text}");
    }
    let report = servers.bed.json(".goodput-gate/report.json").to_string();
    assert!(report.contains(words), "{words:?} is not in {report}");
}

/// Offline it is what it was; and what was refused.
fn the_same_offline(servers: &Servers, exit: i32) {
    let at = |name: &str| format!(".goodput-gate/{name}");
    let both = [at("baseline.json"), at("record.json")];
    let compared = servers.bed.gate(&["compare", &both[0], &both[1], "--out", "offline"]);
    assert_eq!(compared.code, Some(exit), "{compared:?}");
    let report = |name: &str| {
        let mut report = servers.bed.json(name);
        let attempts = report.as_object_mut().and_then(|report| report.remove("attempts"));
        (report, attempts.and_then(|rows| Some(rows.as_array()?.len())).unwrap_or_default())
    };
    let (live, attempts) = report(&at("report.json"));
    assert_eq!(report("offline/report.json").0, live);
    // Of earlier attempts the two records know nothing.
    for file in ["report.md", "junit.xml"].iter().filter(|_| attempts < 2) {
        assert_eq!(
            servers.bed.read(&format!("offline/{file}")),
            servers.bed.read(&at(file)),
            "{file}"
        );
    }
    let swapped = servers.bed.gate(&["compare", &both[1], &both[0]]);
    swapped.assert(
        2,
        &[
            "baseline's side",
            "this change comes second: goodput-gate compare baseline.json record.json",
        ],
    );
}

#[test]
fn a_slower_candidate_is_found_and_no_more_starts_are_spent() {
    let servers = candidate(GATE, "6\n");
    let ran = servers.bed.measure(&["check"]);
    let base = commit(&servers, "main");
    ran.assert(
        1,
        &[
            "FAIL",
            "tpot_geomean",
            &format!("interleaved with {base} (merge base with main)"),
            "3 start pairs of at most 3",
        ],
    );
    servers.left_nothing();
    let [baseline, candidate] = records(&servers);
    assert_eq!(baseline["session"], candidate["session"]);
    assert_eq!(
        (&baseline["pair"]["side"], &candidate["pair"]["side"]),
        (&"baseline".into(), &"candidate".into())
    );
    assert_eq!(baseline["git"]["commit"].as_str(), Some(&*servers.bed.git(&["rev-parse", "main"])));
    assert_eq!(
        candidate["git"]["commit"].as_str(),
        Some(&*servers.bed.git(&["rev-parse", "HEAD"]))
    );
    // ABBA within a start: both servers ran at once.
    let orders = orders([&baseline, &candidate]);
    assert!(orders[0].len() < 6 && orders[0].len() == orders[1].len(), "{orders:?}");
    assert_eq!((&orders[0][0], &orders[1][0]), (&vec![0, 3], &vec![1, 2]));
    the_same_offline(&servers, 1);
    // Accepted, it stays what it is, and is no reason to fail any more.
    let accept = [
        "accept",
        "--reason",
        "slower on purpose",
        "--metric",
        "tpot_geomean",
        "--at-most",
        "5000%",
    ];
    servers.bed.gate(&accept).assert(0, &["accepted for chat: tpot_geomean", "up to 5000 % worse"]);
    servers.bed.gate(&["compare", ".goodput-gate/baseline.json", ".goodput-gate/record.json"]);
    let report = servers.bed.json(".goodput-gate/report.json");
    let tpot = report["workloads"][0]["metrics"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|m| m["metric"] == "tpot_geomean");
    assert!(
        tpot.is_some_and(|m| m["judgement"] == "regressed" && m["accepted"].is_string()),
        "{tpot:?}"
    );
    assert!(
        !report["workloads"][0]["reasons"].to_string().contains("TPOT +"),
        "{}",
        report["workloads"][0]["reasons"]
    );
}

#[test]
fn equal_builds_are_no_regression() {
    let servers = candidate(GATE, "1.0\n");
    let ran = servers.bed.measure(&["check", "--set", "gate.max_pairs=3"]);
    let verdict = servers.bed.json(".goodput-gate/report.json")["verdict"].clone();
    assert!(ran.code == Some(0) && (verdict == "passed" || verdict == "inconclusive"), "{ran:?}");
    servers.left_nothing();
    let [baseline, candidate] = records(&servers);
    assert_eq!(baseline["pair"]["most_starts"], 3);
    // The start after the first begins with the candidate.
    let orders = orders([&baseline, &candidate]);
    assert_eq!((&orders[0][1], &orders[1][1]), (&vec![5, 6], &vec![4, 7]), "{orders:?}");
    the_same_offline(&servers, 0);
}

/// Starts of the candidate that the pairs do not give are made of it alone, with a round or two.
#[test]
fn a_pass_sees_as_many_starts_as_it_needs() {
    let servers = candidate(GATE, "1.0\n");
    let ran = servers.bed.measure(&[
        "check",
        "--detect",
        "10%",
        "--set",
        "gate.max_pairs=3",
        "--set",
        "gate.min_starts=4",
    ]);
    assert!(ran.stderr.contains("10 % needs up to 3 start pairs here"), "{}", ran.stderr);
    assert!(ran.stderr.contains("no history tells the noise"), "{}", ran.stderr);
    servers.left_nothing();
    let [baseline, candidate] = records(&servers);
    let starts = |record: &Value, which: &str| record["workloads"][0][which].as_array().cloned();
    assert_eq!(starts(&baseline, "check_starts"), None);
    assert_eq!(candidate["policy"]["detect_ratio"], 0.1);
    let report = servers.bed.json(".goodput-gate/report.json");
    if report["verdict"] != "passed" {
        // A busy machine: nothing more is asked where something else is open.
        return ran.assert(0, &["INCONCLUSIVE"]);
    }
    let pairs = starts(&candidate, "starts").expect("measured").len();
    let checks = starts(&candidate, "check_starts").expect("they were made");
    assert_eq!(pairs + checks.len(), 4, "{pairs} pairs");
    let rounds = |start: &Value| start["rounds"].as_array().map_or(0, Vec::len);
    assert!(checks.iter().all(|start| (1..=2).contains(&rounds(start))));
    ran.assert(0, &["PASS", "seen in 4 starts of this change", "less than 53 % of the starts"]);
    the_same_offline(&servers, 0);
}

#[test]
fn the_baseline_is_the_commit_that_was_asked_for() {
    let servers = candidate(FEW, "1.03\n");
    let bed = &servers.bed;
    bed.git(&["tag", "-a", "v1", "-m", "annotated", "main"]);
    bed.git(&["checkout", "-q", "-b", "more"]);
    bed.write("factor", "1.04\n");
    bed.commit("more");
    let measured = |args: &[&str]| bed.measure(&[&["check"][..], args].concat());
    let is = |name: &str, words: &str| format!("{} ({words})", commit(&servers, name));
    beside(&servers, &measured(&[]), &is("main", "merge base with main"), ["1", "1.04"]);
    beside(
        &servers,
        &measured(&["--base", "change"]),
        &is("change", "merge base with change"),
        ["1.03", "1.04"],
    );
    beside(
        &servers,
        &measured(&["--set", "gate.baseline={ref: v1}"]),
        &is("main", "v1"),
        ["1", "1.04"],
    );

    // On the base branch itself: the commit before, or HEAD while there are changes.
    bed.git(&["branch", "-q", "-f", "main", "HEAD"]);
    bed.git(&["checkout", "-q", "main"]);
    // A note that lies about is no change of the code: else the commit would be judged against
    // itself.
    bed.write("notes.txt", "junk\n");
    beside(
        &servers,
        &measured(&[]),
        &is("change", "the commit before HEAD, which is on main"),
        ["1.03", "1.04"],
    );
    bed.write("factor", "1.05\n");
    beside(
        &servers,
        &measured(&[]),
        &is("main", "HEAD, without the working tree's changes"),
        ["1.04", "1.05"],
    );
    let [baseline, candidate] = records(&servers);
    assert_eq!(
        (&baseline["git"]["dirty"], &candidate["git"]["dirty"]),
        (&false.into(), &true.into())
    );
    assert_eq!(bed.read("factor"), "1.05\n", "the working tree is as it was");
}

/// A change that made both sides slow would be found by nobody.
#[test]
fn each_commit_is_started_as_it_says_itself() {
    let servers = candidate(GATE, "1.0\n");
    let bed = &servers.bed;
    let slow = bed
        .read("goodput-gate.yaml")
        .replace("exec sh serve.sh", "echo 6 > factor; exec sh serve.sh");
    bed.write("goodput-gate.yaml", &slow);
    bed.commit("slow however it is built");
    let words =
        "each side is built and started as its own config says, and they differ in server.start";
    bed.measure(&["check"]).assert(1, &["FAIL", "tpot_geomean", words]);
    servers.left_nothing();
    for (side, factor) in [("baseline", "1"), ("candidate", "6")] {
        let text = log(&servers, &format!("{side}-start1.log"));
        assert!(text.contains(&format!("serving with factor {factor}\n")), "{side}: {text}");
    }
}

#[test]
fn the_baseline_is_another_target_or_config() {
    let servers = Servers::new(FEW);
    let bed = &servers.bed;
    let other = bed
        .read("goodput-gate.yaml")
        .replace("exec sh serve.sh", "echo 3 > factor; exec sh serve.sh");
    bed.write("other.yaml", &other);
    let named = r#"targets={other: {server: {start: "echo 2 > factor; exec sh serve.sh"}}}"#;
    // Both sides run in this folder: one at a time, so that each says what it found.
    // What both started is one program then, with one factor.
    let set = ["--set", named, "--set", "gate.fit=one", "--set", "gate.same_build=allow", "--set"];
    let ran = bed.measure(&[&["check"][..], &set, &["gate.baseline={target: other}"]].concat());
    ran.assert(0, &["target other"]);
    started(&servers, "target other", ["2", "2"]);
    let ran =
        bed.measure(&[&["check"][..], &set, &["gate.baseline={config: other.yaml}"]].concat());
    ran.assert(0, &["the target of other.yaml"]);
    started(&servers, "the target of other.yaml", ["3", "3"]);
    // One server at a time: the baseline's rounds, then the candidate's.
    let [baseline, candidate] = records(&servers);
    let first = orders([&baseline, &candidate]).map(|starts| starts[0].clone());
    assert_eq!(first, [vec![0, 1], vec![2, 3]]);
    assert_eq!(baseline["pair"]["at_once"], false);
}

/// A build that leaves its checkout is found by what both sides ran, and not by its words.
#[test]
fn two_sides_that_are_one_program_are_not_compared() {
    let servers = candidate(FEW, "1.03\n");
    let serve = r#"sim --listen "127.0.0.1:$PORT" --set noise=off --set seed=7 --set request_overhead_ms=150"#;
    let check = |build: &str, program: &str, more: &[&str]| {
        let (build, start) =
            (format!("server.build={build}"), format!("server.start={program} {serve}"));
        servers.bed.measure(&[&["check", "--set", &build, "--set", &start], more].concat())
    };
    let shared = r#"cp "$GATE" "$PLACE/shared""#;
    let said = "both sides ran the same program";
    for program in [r#"exec "$PLACE/shared""#, r#"PATH="$PLACE:$PATH"; env X=1 shared"#] {
        check(shared, program, &[]).assert(3, &["INCOMPLETE", said, "gate.same_build: allow"]);
    }
    assert_eq!(records(&servers)[1]["pair"]["builds"]["what"], "same");
    let allowed = "as gate.same_build allows";
    check(shared, r#"exec "$PLACE/shared""#, &["--set", "gate.same_build=allow"])
        .assert(0, &[said, allowed]);
    // Each side's own, and equal.
    let own = check(r#"ln -f "$GATE" server || cp "$GATE" server"#, "exec ./server", &[]);
    own.assert(0, &[]);
    let [baseline, candidate] = records(&servers);
    assert_eq!(
        (&baseline["programs"], &baseline["programs"][0]["path"]),
        (&candidate["programs"], &"server".into())
    );
    assert!(
        matches!(candidate["pair"]["builds"]["what"].as_str(), Some("identical" | "different")),
        "{}",
        candidate["pair"]
    );
    servers.left_nothing();
}

/// Baseline, candidate, candidate, baseline: the candidate's second round follows its first, and all
/// others follow the other side's load.
fn warmed_where_they_waited(records: &[Value; 2], servers: [&Server; 2]) {
    for (record, waited) in records.iter().zip([[true, true], [true, false]]) {
        for (place, waited) in waited.into_iter().enumerate() {
            let round = &record["workloads"][0]["starts"][0]["rounds"][place];
            // What is measured again has not waited any more.
            assert_eq!(round["idle_ms"].is_u64(), waited && round["spoilt"].is_null(), "{round}");
        }
    }
    let warmed = servers.map(|server| {
        let ids = server.planned().into_iter().map(|seen| seen.headers["x-request-id"].clone());
        ids.filter_map(|id| Some(id.split_once("-chat-w")?.1.to_owned())).collect::<Vec<_>>()
    });
    assert_eq!(warmed, [vec!["-0", "0-0", "1-0"], vec!["-0", "0-0"]]);
}

#[test]
fn servers_that_run_already_are_one_start_each_and_that_is_said() {
    let servers = Servers::new(FEW);
    let [base, change] = [Server::good(), Server::good()];
    let target = format!("target={{base_url: \"{}\"}}", change.url());
    let config = servers.bed.read("goodput-gate.yaml");
    let without = config
        .split_once("server:")
        .and_then(|(top, rest)| Some(format!("{top}{}", &rest[rest.find("workloads:")?..])));
    servers.bed.write("goodput-gate.yaml", &without.expect("it has both"));
    let ran = servers.bed.measure(&["check", "--set", &target, "--baseline-url", &base.url()]);
    assert!(ran.stderr.contains("start-to-start variance is not sampled"), "{}", ran.stderr);
    // These servers answer at once, so that a busy machine alone may look like a change: what is
    // said counts here, not the verdict.
    let code = ran.code.filter(|code| matches!(code, 0 | 1)).expect("it was judged");
    ran.assert(code, &["each side counts as one start", &base.url()]);
    let records = records(&servers);
    assert_eq!(orders(records.each_ref()), [vec![vec![0, 3]], vec![vec![1, 2]]]);
    assert!(records.iter().all(|r| r["pair"]["starts_sampled"] == false));
    let prompts = |server: &Server| {
        server.planned().iter().map(Seen::prompt).collect::<std::collections::BTreeSet<_>>()
    };
    assert!(
        prompts(&base).is_disjoint(&prompts(&change)),
        "no prompt reaches what both may share twice"
    );
    warmed_where_they_waited(&records, [&base, &change]);
    the_same_offline(&servers, code);
    // A workload that only one side has was taken out of the other.
    let mut more = records[0].clone();
    let mut other = more["workloads"][0].clone();
    other["name"] = "other".into();
    more["workloads"].as_array_mut().expect("workloads").push(other);
    servers.bed.write("more.json", &more.to_string());
    let ran =
        servers.bed.gate(&["compare", "more.json", ".goodput-gate/record.json", "--out", "more"]);
    ran.assert(3, &["INVALID", "this change has no workload other"]);
    servers.left_nothing();
}
