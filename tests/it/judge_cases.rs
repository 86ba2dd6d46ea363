//! METHOD's labelled cases through the binary: never a wrong verdict, and as many right ones as we
//! had.
//!
//! Not here: the rules themselves (unit tests beside them). The cases are simulated, not measured
//! on hardware.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};

use assert_cmd::Command;
use flate2::read::GzDecoder;
use serde_json::Value;

/// Cases that the method decides as a perfect judge would; the others stay open (INCONCLUSIVE),
/// which is not an error.
const RIGHT_VERDICTS: usize = 107;
const RIGHT_LIMITS: usize = 70;

#[test]
fn no_labelled_case_is_judged_wrongly() {
    let files = ["cases-00", "cases-01", "cases-02", "cases-03", "cases-limits"];
    let found = play("cases", &files);
    let Played { verdicts, limits, cases, .. } = found;
    assert!(
        verdicts >= RIGHT_VERDICTS,
        "{verdicts} of {cases} verdicts are right, there were {RIGHT_VERDICTS}: {}",
        found.open.join("\n")
    );
    assert!(limits >= RIGHT_LIMITS, "{limits} limits are right, there were {RIGHT_LIMITS}");
}

/// Sizes that were declared, attempts, starts that are slow only sometimes, drift: all are right.
#[test]
fn every_case_of_the_second_version_is_judged_rightly() {
    let found = play("cases2", &["cases-00", "cases-01", "cases-02", "cases-03"]);
    assert_eq!(found.verdicts, found.cases, "open:\n{}", found.open.join("\n"));
}

/// How many are right.
struct Played {
    cases: usize,
    verdicts: usize,
    limits: usize,
    /// Those that are neither right nor wrong.
    open: Vec<String>,
}

/// None of them is judged wrongly.
fn play(folder: &str, files: &[&str]) -> Played {
    let labels: BTreeMap<String, Value> = lines(folder, "labels.jsonl.gz")
        .into_iter()
        .map(|line| parse(&line))
        .map(|l| (text(&l, "id"), l))
        .collect();
    let cases: Vec<String> =
        files.iter().flat_map(|f| lines(folder, &format!("{f}.jsonl.gz"))).collect();
    assert_eq!(cases.len(), labels.len());
    let mut found = Played { cases: cases.len(), verdicts: 0, limits: 0, open: Vec::new() };
    let mut wrong = Vec::new();
    for case in &cases {
        let id = text(&parse(case), "id");
        let (label, answer) = (&labels[&id], judge(case));
        let verdict = text(&answer, "verdict");
        let line = format!("{id}: {verdict}: {}", answer["reason"]);
        match () {
            () if holds(label, "right", &verdict) => found.verdicts += 1,
            () if holds(label, "wrong", &verdict) => wrong.push(line),
            () => found.open.push(line),
        }
        for (limit, expected) in list(&answer, "limits").iter().zip(&list(label, "limits")) {
            let state = text(limit, "state");
            assert_eq!(limit["metric"], expected["metric"], "{id}");
            found.limits += usize::from(holds(expected, "right", &state));
            if holds(expected, "wrong", &state) {
                wrong.push(format!("{id}: {}: {state}", limit["metric"]));
            }
        }
    }
    assert!(wrong.is_empty(), "judged wrongly:\n{}", wrong.join("\n"));
    found
}

fn judge(case: &str) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_goodput-gate"))
        .arg("judge-case")
        .write_stdin(case.to_owned())
        .assert()
        .success()
        .get_output()
        .stdout
        .clone();
    serde_json::from_slice(&output).expect("the answer is JSON")
}

fn lines(folder: &str, name: &str) -> Vec<String> {
    let path = crate::support::fixture(&format!("{folder}/{name}"));
    let file = File::open(&path).expect("the fixture is in the repository");
    BufReader::new(GzDecoder::new(file))
        .lines()
        .map(|line| line.expect("the fixture is text"))
        .collect()
}

fn parse(line: &str) -> Value {
    serde_json::from_str(line).expect("the fixture is JSON")
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value, key: &str) -> Vec<Value> {
    value[key].as_array().cloned().unwrap_or_default()
}

fn holds(label: &Value, set: &str, word: &str) -> bool {
    list(label, set).iter().any(|v| v == word)
}
