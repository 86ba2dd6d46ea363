//! What the policy decides: no baseline, a stricter or looser rule, a second job. Not here: whose
//! policy counts (`lineage_policy`).

use serde_json::{Value, json};

use crate::support::agreed;
use crate::support::bed::Bed;
use crate::support::candidate::{
    candidate, column, judge, judge_against, rounds, sessions, with_decode, with_policy, workload,
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

/// A tail that one job may not convict by (docs/METHODOLOGY.md#guard-alone).
fn with_tail(session: &str, runner: &str) -> Value {
    let mut record = candidate();
    // Of the first start alone: one job does not fail by a tail that not every start has.
    for round in rounds(&mut record).take(3) {
        let first = column(round, "ttft_us").clone();
        for name in ["ttft_us", "e2e_us"] {
            for (i, us) in column(round, name).iter_mut().enumerate().filter(|(i, _)| i % 17 == 0) {
                let ttft = first[i].as_u64().expect("completed");
                *us = json!(us.as_u64().expect("completed") + ttft * 9 / 10);
            }
        }
    }
    record["session"] = json!(session);
    record["host"]["runner"] = json!(runner);
    record["git"]["dirty"] = json!(false);
    agreed(&record)
}

#[test]
fn a_second_job_decides_what_the_first_left_open() {
    let bed = judge(&with_tail("aaaa1111", "gpu-1")).bed;
    let (first, second) = (with_tail("aaaa1111", "gpu-1"), with_tail("bbbb2222", "gpu-2"));
    bed.write("first.json", &first.to_string());
    bed.write("second.json", &second.to_string());
    let compare = |record: &str, with: &[&str]| {
        bed.gate(&[&["compare", "sessions", record][..], with].concat())
    };
    compare("second.json", &[]).assert(0, &["INCONCLUSIVE", "ttft_p95"]);
    let both = compare("second.json", &["--with", "first.json"]);
    both.assert(1, &["FAIL", "p95 E2E latency", "2 jobs of at most 2 judged"]);
    assert!(!both.text().contains("both jobs ran on"), "{}", both.stdout);

    bed.write("alike.json", &with_tail("cccc3333", "gpu-1").to_string());
    compare("alike.json", &["--with", "first.json"]).assert(1, &["both jobs ran on gpu-1"]);
    compare("second.json", &["--with", "second.json"])
        .assert(2, &["the very record that is judged"]);

    let refused = |change: &dyn Fn(&mut Value), words: &[&str]| {
        let mut first = first.clone();
        change(&mut first);
        bed.write("wrong.json", &first.to_string());
        compare("second.json", &["--with", "wrong.json"]).assert(2, words);
    };
    let passing = |record: &mut Value| {
        let mut clean = candidate();
        (clean["session"], clean["git"]["dirty"]) = (json!("dddd4444"), json!(false));
        *record = clean;
    };
    refused(&passing, &["is PASS by itself", "what the first leaves open"]);
    let other = |r: &mut Value| {
        (r["git"]["commit"], r["git"]["tree"]) = (json!("0".repeat(40)), json!("1".repeat(40)));
    };
    refused(&other, &["two jobs must measure the same code"]);
    refused(&|r| r["git"]["dirty"] = json!(true), &["two jobs must measure the same code"]);
    refused(&|r| r["interrupted"] = json!(true), &["it was interrupted"]);
    let half = |r: &mut Value| drop(workload(r)["starts"].as_array_mut().expect("starts").pop());
    refused(&half, &["is not fit to be judged", "planned starts"]);
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
