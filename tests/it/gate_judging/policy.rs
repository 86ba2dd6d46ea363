//! What the policy decides: no baseline, a stricter or looser rule. Not here: whose
//! policy counts (`lineage_policy`).

use serde_json::{Value, json};

use crate::support::bed::Bed;
use crate::support::candidate::{
    candidate, judge, judge_against, sessions, with_decode, with_policy, workload,
};

#[test]
fn no_baseline_is_said_and_policy_decides() {
    let judged = judge_against(&candidate(), 0);
    judged.assert(
        0,
        "no_baseline",
        &["NO BASELINE", "no baseline for chat", "baseline update", "six are needed"],
    );
    assert_eq!(judged.trouble("tpot_geomean"), Some(("skipped", "not judged")));
    judge_against(&with_policy(candidate(), "on_missing_baseline", "fail"), 0).assert(
        4,
        "no_baseline",
        &["NO BASELINE"],
    );
}

#[test]
fn a_misspelt_policy_is_the_strict_one() {
    for word in ["Warn", "warm", "", "pass"] {
        judge_against(&with_policy(candidate(), "on_inconclusive", word), 1).assert(
            5,
            "inconclusive",
            &[],
        );
        judge_against(&with_policy(candidate(), "on_missing_baseline", word), 0).assert(
            4,
            "no_baseline",
            &[],
        );
    }
}

#[test]
fn the_worst_of_several_workloads_wins() {
    let with_second = |mut record: Value| {
        let mut second = candidate()["workloads"][0].clone();
        second["name"] = json!("code");
        record["workloads"].as_array_mut().expect("workloads").push(second);
        record
    };
    let judged = judge(&with_second(candidate()));
    judged.assert(0, "no_baseline", &["chat: PASS", "code: NO BASELINE"]);
    judge(&with_policy(with_second(candidate()), "on_missing_baseline", "fail")).assert(
        4,
        "no_baseline",
        &["code"],
    );
    judge(&with_policy(with_second(with_decode(1.5)), "on_missing_baseline", "fail")).assert(
        1,
        "failed",
        &["chat: FAIL"],
    );
    let mut none = candidate();
    none["workloads"] = json!([]);
    judge(&none).assert(3, "invalid", &["INVALID"]);
}

#[test]
fn a_config_replaces_the_records_policy_where_one_is_named() {
    let bed = Bed::new();
    sessions(&bed, 1);
    bed.write("record.json", &candidate().to_string());
    let config = "{version: 1, target: {sim: {}}, workloads: [{preset: quick}], gate: {on_inconclusive: fail}}";
    bed.write("other.yaml", config);
    bed.gate(&["compare", "sessions", "record.json"]).assert(0, &["INCONCLUSIVE"]);
    bed.gate(&["compare", "sessions", "record.json", "--config", "other.yaml"])
        .assert(5, &["INCONCLUSIVE"]);
    let warn = ["--config", "other.yaml", "--set", "gate.on_inconclusive=warn"];
    bed.gate(&[&["compare", "sessions", "record.json"][..], &warn].concat())
        .assert(0, &["INCONCLUSIVE"]);
}

#[test]
fn a_loosened_rule_is_said_in_every_report() {
    let mut record = candidate();
    let info = json!({"min_change_ratio": null, "margin_ratio": null, "class": "info"});
    workload(&mut record)["regressions"] =
        json!({"ttft_geomean": info, "tpot_geomean": 0.5, "e2e_geomean": 0.05});
    let judged = judge(&record);
    judged.ran.assert(
        0,
        &[
            "loosens the method's own rules",
            "ttft_geomean is no primary metric",
            "tpot_geomean may be 50 % worse",
        ],
    );
    assert!(
        !judged.ran.text().contains("e2e_geomean may be"),
        "what a team may well call irrelevant is no warning"
    );
}
