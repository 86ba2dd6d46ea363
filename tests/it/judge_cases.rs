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

/// Cases that the method decides as a perfect judge would; the other five stay open (INCONCLUSIVE),
/// which is not an error.
const RIGHT_VERDICTS: usize = 107;
const RIGHT_LIMITS: usize = 70;

#[test]
fn no_labelled_case_is_judged_wrongly() {
    let labels: BTreeMap<String, Value> = lines("labels.jsonl.gz")
        .into_iter()
        .map(|line| parse(&line))
        .map(|l| (text(&l, "id"), l))
        .collect();
    let files = ["cases-00", "cases-01", "cases-02", "cases-03", "cases-limits"];
    let cases: Vec<String> = files.iter().flat_map(|f| lines(&format!("{f}.jsonl.gz"))).collect();
    assert_eq!(cases.len(), labels.len());
    let (mut verdicts, mut limits, mut wrong) = (0, 0, Vec::new());
    for case in &cases {
        let id = text(&parse(case), "id");
        let (label, answer) = (&labels[&id], judge(case));
        let verdict = text(&answer, "verdict");
        verdicts += usize::from(holds(label, "right", &verdict));
        if holds(label, "wrong", &verdict) {
            wrong.push(format!("{id}: {verdict}: {}", answer["reason"]));
        }
        for (found, expected) in list(&answer, "limits").iter().zip(&list(label, "limits")) {
            let state = text(found, "state");
            assert_eq!(found["metric"], expected["metric"], "{id}");
            limits += usize::from(holds(expected, "right", &state));
            if holds(expected, "wrong", &state) {
                wrong.push(format!("{id}: {}: {state}", found["metric"]));
            }
        }
    }
    assert!(wrong.is_empty(), "judged wrongly:\n{}", wrong.join("\n"));
    assert!(
        verdicts >= RIGHT_VERDICTS,
        "{verdicts} of {} verdicts are right, there were {RIGHT_VERDICTS}",
        cases.len()
    );
    assert!(limits >= RIGHT_LIMITS, "{limits} limits are right, there were {RIGHT_LIMITS}");
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

fn lines(name: &str) -> Vec<String> {
    let path = crate::support::fixture(&format!("cases/{name}"));
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
