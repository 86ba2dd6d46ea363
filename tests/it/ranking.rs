//! Several servers side by side: measured in turn by `run --each`, ranked by `compare A B C...`,
//! hypotheses tested. Also what is refused.
//!
//! Not here: the arithmetic (`judge::ranking`).

use serde_json::{Value, json};

use crate::support::bed::Bed;
use crate::support::candidate::{candidate, column, rounds, with_decode, workload};

const TARGETS: &str = "
version: 1
targets:
  quick: {target: {sim: {noise: 'off', request_overhead_ms: 120}}}
  slow: {target: {sim: {noise: 'off', request_overhead_ms: 120, decode_factor: 2}}}
workloads:
  - {name: chat, arrival: {closed: {concurrency: 4}}, requests: 16, warmup: 2, prompts: {synthetic: {input_tokens: 64}}, output_tokens: 12}
gate: {starts: 3, rounds: 1}
hypotheses:
  - {says: decoding differs by half at least, metric: tpot_geomean, claim: slow > 1.5 * quick}
  - {name: wrong, metric: tpot_geomean, claim: quick > slow}
";

fn outcomes(ranking: &Value) -> Vec<(&str, &str)> {
    let all = ranking["hypotheses"].as_array().expect("a list");
    all.iter()
        .map(|h| (h["name"].as_str().expect("text"), h["outcome"].as_str().expect("text")))
        .collect()
}

fn ranks(ranking: &Value, metric: &str) -> Vec<(u64, u64)> {
    let all = ranking["workloads"][0]["metrics"].as_array().expect("a list");
    let found = all
        .iter()
        .find(|m| m["metric"] == metric)
        .unwrap_or_else(|| panic!("{metric} is not in {ranking}"));
    let rank = |p: &Value| Some((p["best_rank"].as_u64()?, p["worst_rank"].as_u64()?));
    found["places"].as_array().expect("a list").iter().filter_map(rank).collect()
}

#[test]
fn each_target_is_measured_and_the_better_one_is_first() {
    let bed = Bed::new();
    bed.write("goodput-gate.yaml", TARGETS);
    let ran = bed.measure(&["run", "--each"]);
    ran.assert(0, &["confirmed", "refuted", "server starts 3 3"]);
    let ranking = bed.json(".goodput-gate/ranking.json");
    assert_eq!(ranks(&ranking, "tpot_geomean"), [(1, 1), (2, 2)]);
    assert_eq!(outcomes(&ranking), [("H1", "confirmed"), ("wrong", "refuted")]);
    let schema: Value =
        serde_json::from_str(&bed.gate(&["schema", "ranking"]).stdout).expect("JSON");
    assert!(jsonschema::is_valid(&schema, &ranking));
    // The same from the files alone, byte for byte; and each target's own report is there.
    let records = ["quick", "slow"].map(|name| format!(".goodput-gate/each/{name}/record.json"));
    let again = bed.gate(&["compare", "--rank", &records[0], &records[1], "--out", "again"]);
    assert_eq!((again.code, &again.stdout), (Some(0), &ran.stdout));
    assert_eq!(bed.read("again/ranking.json"), bed.read(".goodput-gate/ranking.json"));
    assert_eq!(bed.json(".goodput-gate/each/slow/report.json")["verdict"], Value::Null);
    assert!(bed.read(".goodput-gate/ranking.md").contains("| **1.** "));
    assert!(bed.read("again/ranking.csv").contains("chat,tpot_geomean,ms,lower,quick,3,"));
    let page = bed.read(".goodput-gate/ranking.html");
    assert!(
        page.contains("data-ranking=\"2\"")
            && page.contains("<tr data-metric=\"tpot_geomean\">")
            && page.contains("<b>1.</b>")
    );
}

#[test]
fn a_target_that_does_not_start_is_named() {
    let bed = Bed::new();
    let broken = TARGETS.replace(
        "slow: {target: {sim: {noise: 'off', request_overhead_ms: 120, decode_factor: 2}}}",
        "slow: {server: {start: exit 7}}",
    );
    bed.write("goodput-gate.yaml", &broken);
    let ran = bed.measure(&["run", "--each"]);
    ran.assert(3, &["target slow", "ended by itself"]);
    assert!(
        bed.read(".goodput-gate/report.json").contains("target slow"),
        "whoever reads files finds the reason there"
    );
}

#[test]
fn what_cannot_be_compared_is_refused_before_anything_is_sent() {
    let bed = Bed::new();
    let wrong = |from: &str, to: &str, words: &[&str]| {
        bed.write("goodput-gate.yaml", &TARGETS.replace(from, to));
        bed.gate(&["run", "--each"]).assert(2, words);
    };
    wrong("  slow:", "  Sl/ow:", &["is no name for a folder"]);
    wrong(
        "claim: quick > slow",
        "claim: quick > slwo",
        &["no target `slwo`", "did you mean `slow`?"],
    );
    wrong("claim: quick > slow", "claim: quick", &["claims nothing"]);
    wrong(
        "metric: tpot_geomean, claim: quick",
        "metric: tpot, claim: quick",
        &["unknown metric `tpot`"],
    );
    wrong(
        "{name: wrong, ",
        "{name: wrong, workload: caht, ",
        &["no workload `caht`", "did you mean `chat`?"],
    );
    bed.write(
        "goodput-gate.yaml",
        "version: 1\ntargets: {one: {target: {sim: {}}}}\nworkloads: [{preset: quick}]\n",
    );
    bed.gate(&["run", "--each"]).assert(2, &["there are not two of them to compare"]);
}

/// Levels of each curve of the first family, and who has one.
fn curves(ranking: &Value) -> Vec<Vec<f64>> {
    let levels = |curve: &Value| {
        curve["levels"]
            .as_array()
            .map(|all| all.iter().filter_map(|l| l["level"].as_f64()).collect())
    };
    ranking["families"][0]["curves"]
        .as_array()
        .expect("a family")
        .iter()
        .map(|c| levels(c).unwrap_or_default())
        .collect()
}

/// A client that was late says so with exit 3; what is in the curves is the same.
#[test]
fn each_target_is_swept_and_every_form_shows_its_curve() {
    let bed = Bed::new();
    let small = TARGETS
        .replace("request_overhead_ms: 120", "request_overhead_ms: 40")
        .replace("requests: 16, warmup: 2", "requests: 12, warmup: 1")
        .replace("{starts: 3", "{starts: 1");
    bed.write(
        "goodput-gate.yaml",
        small.split("hypotheses").next().expect("what stands before them"),
    );
    let ran = bed.gate(&["run", "--each", "--sweep", "concurrency=1,2,4,8"]);
    assert!(
        matches!(ran.code, Some(0 | 3)) && ran.stdout.contains("chat: by concurrency\n"),
        "{}{}",
        ran.stdout,
        ran.stderr
    );
    let ranking = bed.json(".goodput-gate/ranking.json");
    assert_eq!(curves(&ranking), [[1.0, 2.0, 4.0, 8.0], [1.0, 2.0, 4.0, 8.0]]);
    let schema: Value =
        serde_json::from_str(&bed.gate(&["schema", "ranking"]).stdout).expect("JSON");
    assert!(jsonschema::is_valid(&schema, &ranking));
    assert!(bed.read(".goodput-gate/ranking.md").contains("### <code>chat</code>: by concurrency"));
    assert!(bed.read(".goodput-gate/ranking.html").contains("data-family=\"chat\""));
    // One format to standard output, of the records and of the stored ranking, and what is no form
    // of a ranking.
    let records = ["quick", "slow"].map(|name| format!(".goodput-gate/each/{name}/record.json"));
    for (format, file) in [
        ("md", "ranking.md"),
        ("html", "ranking.html"),
        ("csv", "ranking.csv"),
        ("json", "ranking.json"),
    ] {
        let shown = bed
            .gate(&[
                "compare",
                "--rank",
                &records[0],
                &records[1],
                "--format",
                format,
                "--out",
                "again",
            ])
            .stdout;
        assert_eq!(
            shown.trim_end(),
            bed.read(&format!(".goodput-gate/{file}")).trim_end(),
            "{format}"
        );
        assert_eq!(
            shown,
            bed.gate(&["report", "again/ranking.json", "--format", format]).stdout,
            "{format}"
        );
    }
    assert_eq!(
        bed.gate(&["report", "again/ranking.json", "--format", "terminal"]).stdout,
        ran.stdout
    );
    bed.gate(&["report", "again/ranking.json", "--format", "xlsx"])
        .assert(2, &["no such format", "terminal, md, html, csv or json"]);
    bed.gate(&[
        "compare",
        "--rank",
        &records[0],
        &records[1],
        "--format",
        "junit",
        "--out",
        "none",
    ])
    .assert(2, &["no such format"]);
    assert!(!bed.path("none/ranking.json").exists(), "refused before anything is written");
}

#[test]
fn workloads_that_differ_in_their_level_have_their_curve_without_a_sweep() {
    let bed = Bed::new();
    let one = |n: u32| {
        format!(
            "  - {{name: chat-{n}, arrival: {{closed: {{concurrency: {n}}}}}, requests: {}, warmup: 1, output_tokens: 4}}\n",
            n * 3
        )
    };
    let sim =
        "version: 1\ntarget: {sim: {noise: 'off'}}\ngate: {starts: 1, rounds: 1}\nworkloads:\n";
    bed.write("goodput-gate.yaml", &format!("{sim}{}{}{}", one(4), one(1), one(2)));
    bed.gate(&["run"]);
    let report = bed.json(".goodput-gate/report.json");
    let [sweep] = &report["sweeps"].as_array().expect("a list")[..] else {
        panic!("one family: {}", report["sweeps"])
    };
    let levels: Vec<f64> = sweep["levels"]
        .as_array()
        .expect("levels")
        .iter()
        .filter_map(|l| l["level"].as_f64())
        .collect();
    assert_eq!((sweep["family"].as_str(), levels), (Some("chat"), vec![1.0, 2.0, 4.0]));
    // One of them alone is a level still, and no curve.
    bed.gate(&["run", "--workload", "chat-2"]);
    assert_eq!(bed.json(".goodput-gate/report.json")["sweeps"], Value::Null);
    assert_eq!(
        bed.json(".goodput-gate/record.json")["workloads"][0]["load"]["detail"]["level"]["family"],
        "chat"
    );
}

#[test]
fn a_pair_is_printed_in_the_format_that_was_asked_for() {
    let bed = Bed::new();
    bed.write("a.json", &candidate().to_string());
    bed.write("b.json", &with_decode(1.4).to_string());
    let shown = bed.gate(&["compare", "a.json", "b.json", "--format", "json"]);
    let report: Value = serde_json::from_str(&shown.stdout).expect("JSON and nothing else");
    assert_eq!(report, bed.json(".goodput-gate/report.json"));
    let csv = bed.gate(&["compare", "a.json", "b.json", "--format", "csv"]);
    assert!(
        csv.stdout.starts_with("workload,verdict,") && csv.code == shown.code,
        "{}",
        csv.stdout
    );
    bed.gate(&["compare", "a.json", "b.json", "--format", "md", "--explain", "tpot_geomean"])
        .assert(2, &["cannot be used with"]);
}

/// `compare --rank` of records that a test makes of one.
fn ranked(records: &[(&str, Value)]) -> (Bed, Value, i32) {
    let bed = Bed::new();
    for (name, record) in records {
        bed.write(&format!("{name}.json"), &record.to_string());
    }
    let mut args = vec!["compare", "--rank"];
    let files: Vec<String> = records.iter().map(|(name, _)| format!("{name}.json")).collect();
    args.extend(files.iter().map(String::as_str));
    let ran = bed.gate(&args);
    let ranking = bed.json(".goodput-gate/ranking.json");
    (bed, ranking, ran.code.expect("an exit"))
}

fn unfit(ranking: &Value, of: usize) -> &str {
    ranking["workloads"][0]["unfit"][of].as_str().unwrap_or("")
}

#[test]
fn stored_records_are_ranked_from_their_columns() {
    let (bed, ranking, code) =
        ranked(&[("a", with_decode(1.4)), ("b", candidate()), ("c", with_decode(1.8))]);
    assert_eq!((code, ranks(&ranking, "tpot_geomean")), (0, vec![(2, 2), (1, 1), (3, 3)]));
    bed.gate(&["compare", "a.json", "b.json", "c.json"]).assert(0, &["chat:"]);
    bed.gate(&["compare", "a.json", "b.json", "a.json"])
        .assert(2, &["two of the records are called a"]);
    bed.gate(&["compare", "a.json", "b.json", "c.json", "--explain", "tpot_geomean"])
        .assert(2, &["cannot be used with"]);
}

#[test]
fn another_load_is_not_ranked_and_says_so() {
    let mut other = candidate();
    workload(&mut other)["load"]["arrival"] = json!("Poisson 50/s");
    let (_, ranking, code) = ranked(&[("a", candidate()), ("b", other)]);
    assert!(unfit(&ranking, 1).contains("another load"), "{ranking}");
    assert_eq!(
        (code, ranks(&ranking, "tpot_geomean")),
        (3, vec![]),
        "nobody is left to be compared with"
    );
}

#[test]
fn a_measurement_that_is_unfit_is_not_ranked() {
    let mut late = candidate();
    for round in rounds(&mut late) {
        round["findings"] = json!([{"severity": "invalid", "check": "client_cpu", "message": "a client thread was busy"}]);
    }
    let (_, ranking, code) = ranked(&[("a", candidate()), ("b", late)]);
    assert!(unfit(&ranking, 1).starts_with("INVALID: "), "{ranking}");
    assert_eq!(code, 3);
}

#[test]
fn answers_of_another_length_are_unequal_work() {
    let mut longer = candidate();
    for round in rounds(&mut longer) {
        for tokens in column(round, "output_tokens") {
            *tokens = json!(tokens.as_u64().map(|n| n * 3 / 2));
        }
    }
    let (_, ranking, _) = ranked(&[("a", candidate()), ("b", longer)]);
    let warnings = ranking["workloads"][0]["warnings"].to_string();
    assert!(warnings.contains("unequal work: b gives"), "{warnings}");
}

#[test]
fn names_of_records_and_targets_are_foreign_text() {
    let mut hostile = candidate();
    hostile["target"] = json!("a | b\n<script>@team`x`");
    let (bed, _, _) = ranked(&[("a", candidate()), ("b", hostile)]);
    let markdown = bed.read(".goodput-gate/ranking.md");
    assert!(!markdown.contains("<script>") && !markdown.contains(" @team"), "{markdown}");
    let columns = |line: &str| line.replace("\\|", "").matches('|').count();
    let table: Vec<&str> = markdown.lines().filter(|l| l.starts_with("| ")).take(4).collect();
    assert!(table.iter().all(|l| columns(l) == 4), "{table:?}");
}
