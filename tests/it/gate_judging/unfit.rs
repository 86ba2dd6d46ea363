//! Measurements that are not fit to be judged, and rounds that do not count. Not here: what is
//! fit and slower.

use serde_json::{Value, json};

use crate::support::candidate::{
    candidate, column, judge, judge_against, rounds, with_decode, with_failures, with_policy,
    workload,
};

#[test]
fn without_token_counts_nothing_that_needs_them_passes() {
    let mut record = candidate();
    workload(&mut record)["limits"] = json!([]);
    for round in rounds(&mut record) {
        column(round, "output_tokens").fill(Value::Null);
    }
    let judged = judge(&record);
    judged.assert(3, "incomplete", &["INCOMPLETE", "tpot_geomean", "no value in this run"]);
    judged.assert_named("tpot_geomean", "unmeasured");
    assert_eq!(judged.trouble("tpot_geomean"), Some(("error", "unmeasured")));
    assert_eq!(judged.metric("output_token_rate")["candidate"], Value::Null);
    judge(&with_policy(record, "on_inconclusive", "fail")).assert(3, "incomplete", &[]);
}

#[test]
fn an_unfit_measurement_is_invalid_before_anything_else() {
    let mut record = with_decode(3.0);
    workload(&mut record)["limits"] = json!([{"metric": "ttft_p50", "max": 1.0, "min": null}]);
    for round in rounds(&mut record) {
        round["findings"] = json!([{"severity": "invalid", "check": "client_cpu", "message": "a client thread was busy"}]);
    }
    let judged = judge(&record);
    judged.assert(3, "invalid", &["INVALID", "in all 6 rounds: a client thread was busy"]);
    for case in ["measurement", "tpot_geomean", "limit ttft_p50 max"] {
        assert_eq!(judged.trouble(case), Some(("error", "invalid")), "{case}");
    }
}

/// The median of three rounds survives one disturbed one; no round survives a wrong length.
#[test]
fn one_disturbed_round_of_three_is_a_note_and_one_without_success_is_not() {
    let with = |check: &str| {
        let mut record = candidate();
        let round = rounds(&mut record).next().expect("a round");
        round["findings"] =
            json!([{"severity": "invalid", "check": check, "message": "seen once"}]);
        judge(&record)
    };
    with("send_lag").assert(0, "passed", &["start 1, round 1: seen once"]);
    with("output_tokens").assert(3, "invalid", &["start 1, round 1: seen once"]);
}

#[test]
fn other_work_than_the_baselines_is_invalid() {
    let mut record = candidate();
    for round in rounds(&mut record) {
        column(round, "output_tokens").fill(json!(9));
    }
    judge(&record).assert(
        3,
        "invalid",
        &["9.0 output tokens per request, and 8.0 in the baseline"],
    );
}

/// Shorter prompts are less work, and a server that no longer says how long they are cannot pass
/// for that.
#[test]
fn work_that_only_the_baseline_tells_is_no_pass() {
    let mut record = candidate();
    for round in rounds(&mut record) {
        column(round, "input_tokens")[0] = Value::Null;
    }
    let said = "the baseline reports its input tokens and this change does not";
    judge(&record).assert(3, "incomplete", &[said, "no PASS"]);
    judge(&with_policy(record, "on_inconclusive", "fail")).assert(3, "incomplete", &[said]);
}

#[test]
fn new_failures_fail() {
    let judged = judge(&with_failures(4));
    judged.assert(1, "failed", &["error_rate"]);
    assert_eq!(judged.trouble("error_rate"), Some(("failure", "regression")));
    assert_eq!(judged.workload()["completed"], 216);
    let dead = judge(&with_failures(40));
    assert_ne!(dead.ran.code, Some(0), "{}", dead.ran.stdout);
    assert_eq!(dead.metric("ttft_geomean")["candidate"], Value::Null);
}

#[test]
fn an_interrupted_run_is_130_whatever_was_measured() {
    let mut record = with_decode(1.25);
    record["interrupted"] = json!(true);
    let judged = judge(&record);
    judged.assert(130, "failed", &["interrupted"]);
    assert_eq!(judged.trouble("measurement"), Some(("error", "interrupted")));
}

#[test]
fn a_round_that_was_cut_short_is_neither_pooled_nor_judged() {
    let mut record = candidate();
    let cut = rounds(&mut record).last().expect("a round");
    cut["cut_short"] = json!(true);
    cut["findings"] = json!([{"severity": "invalid", "check": "client_cpu", "message": "a client thread was busy"}]);
    for name in ["ttft_us", "e2e_us"] {
        for us in column(cut, name) {
            *us = json!(us.as_u64().expect("completed") * 10);
        }
    }
    let judged = judge(&record);
    judged.assert(0, "passed", &["PASS", "5 rounds"]);
    assert_eq!(judged.workload()["requests"], 200);
    for round in rounds(&mut record) {
        round["cut_short"] = json!(true);
    }
    judge(&record).assert(3, "invalid", &["no round was finished: nothing was measured"]);
}

#[test]
fn a_start_without_a_whole_round_is_no_pass() {
    let mut record = candidate();
    for round in record["workloads"][0]["starts"][1]["rounds"].as_array_mut().expect("rounds") {
        round["cut_short"] = json!(true);
    }
    judge(&record).assert(3, "incomplete", &["INCOMPLETE", "only 1 of 2 planned starts"]);
    // Nor is it "no baseline": that would be let through.
    judge_against(&record, 0).assert(3, "incomplete", &["INCOMPLETE"]);
    for round in rounds(&mut record).filter(|r| r["cut_short"] == json!(false)) {
        for us in column(round, "e2e_us") {
            *us = json!(us.as_u64().expect("completed") * 3);
        }
    }
    judge(&record).assert(1, "failed", &["FAIL", "e2e_geomean"]);
}
