//! Records and baselines that somebody edited: what no run can have measured is refused, and what
//! is missing never passes in silence.
//!
//! Not here: verdicts on honest ones (`gate_judging`).

use serde_json::{Value, json};

use crate::support::bed::{Bed, Ran};
use crate::support::candidate::candidate;
use crate::support::{accepted, agreed};

fn sessions() -> Vec<Value> {
    accepted::sessions(1.0)
}

fn compare(record: &Value, sessions: &[Value]) -> Ran {
    let bed = Bed::new();
    std::fs::create_dir(bed.path("sessions")).expect("a folder");
    for (i, session) in sessions.iter().enumerate() {
        bed.write(&format!("sessions/{i}.json"), &session.to_string());
    }
    bed.write("record.json", &record.to_string());
    bed.gate(&["compare", "sessions", "record.json"])
}

fn edited(path: &str, value: Value) -> Value {
    let mut record = candidate();
    *record.pointer_mut(path).unwrap_or_else(|| panic!("{path} is not in the fixture")) = value;
    record
}

#[test]
fn a_copied_session_counts_once() {
    let one = sessions().remove(0);
    compare(&candidate(), &vec![one; 6])
        .assert(0, &["INCONCLUSIVE", "1 of 6 are there", "5 baseline files left out"]);
}

#[test]
fn a_run_is_no_evidence_about_itself() {
    let all = sessions();
    let own = edited("/session", all[0]["session"].clone());
    compare(&own, &all).assert(0, &["INCONCLUSIVE", "5 of 6 are there", "this very run"]);
}

#[test]
fn less_than_was_planned_is_no_pass() {
    let mut record = candidate();
    record["workloads"][0]["starts"].as_array_mut().expect("starts").truncate(1);
    compare(&record, &sessions()).assert(3, &["INCOMPLETE", "only 1 of 2 planned starts"]);
    record["policy"]["mode"] = json!("limits");
    compare(&record, &sessions()).assert(3, &["INCOMPLETE", "only 1 of 2 planned starts"]);
    let mut record = candidate();
    record["workloads"][0]["starts"][1]["rounds"].as_array_mut().expect("rounds").truncate(1);
    compare(&record, &sessions()).assert(3, &["INCOMPLETE", "only 1 of 2 planned starts"]);
}

#[test]
fn a_dead_round_is_invalid_without_its_finding_too() {
    let mut record = candidate();
    let outcomes = &mut record["workloads"][0]["starts"][0]["rounds"][1]["columns"]["outcome"];
    outcomes.as_array_mut().expect("a column").fill(json!("timeout"));
    compare(&agreed(&record), &sessions())
        .assert(3, &["INVALID", "start 1, round 2: none of 40 requests completed"]);
}

/// Failed requests of each round, and of each session, so many of a hundred.
fn failing(percent: usize) -> (Value, Vec<Value>) {
    let (mut record, mut earlier) = (candidate(), sessions());
    // Attainment counts failures, too.
    record["workloads"][0]["slo"] = json!({"ttft_ms": null, "tpot_ms": null, "e2e_ms": null});
    record["workloads"][0]["limits"] = json!([]);
    for start in record["workloads"][0]["starts"].as_array_mut().expect("starts") {
        for round in start["rounds"].as_array_mut().expect("rounds") {
            let columns = &mut round["columns"];
            let n = columns["outcome"].as_array().expect("a column").len();
            for i in (0..n).filter(|i| i * percent / 100 != (i + 1) * percent / 100) {
                columns["outcome"][i] = json!("http_status");
                for name in ["ttft_us", "e2e_us", "max_gap_us", "output_tokens"] {
                    columns[name][i] = Value::Null;
                }
            }
        }
    }
    for start in earlier.iter_mut().flat_map(|s| s["starts"].as_array_mut().expect("starts")) {
        start["failed"] =
            json!(start["requests"].as_u64().expect("a count") * percent as u64 / 100);
        // Minus the log of a rate, which only answers count in.
        let less = |values: &mut Value| {
            let rate = &mut values["output_token_rate"];
            *rate = json!(rate.as_f64().expect("a rate") - (1.0 - percent as f64 / 100.0).ln());
        };
        less(&mut start["oriented"]);
        start["rounds"].as_array_mut().expect("rounds").iter_mut().for_each(less);
    }
    (agreed(&record), earlier)
}

#[test]
fn failures_on_both_sides_fail_unless_the_config_says_so() {
    let (mut record, earlier) = failing(60);
    compare(&record, &earlier)
        .assert(1, &["FAIL", "error rate 60.00 %", "over its limit of 1.00 %"]);
    compare(&record, &[]).assert(1, &["FAIL", "error rate 60.00 %"]);
    let limits = |record: &mut Value, max: f64| {
        record["workloads"][0]["limits"] =
            json!([{"metric": "error_rate", "max": max, "min": null}]);
    };
    // Without a limit on failures there is no latency either: it would be that of the lucky ones.
    limits(&mut record, 1.0);
    let said = "lets all requests fail (`limits.error_rate`): the default limit of 1 % is removed";
    compare(&record, &earlier).assert(3, &["INCOMPLETE", "ttft_geomean", said]);
    let (mut record, earlier) = failing(5);
    compare(&record, &earlier).assert(1, &["FAIL", "error rate "]);
    limits(&mut record, 0.1);
    let ran = compare(&record, &earlier);
    ran.assert(
        0,
        &[
            "PASS",
            "this config lets 10 % of the requests fail (`limits.error_rate`): the default is 1 %",
        ],
    );
    record["policy"]["mode"] = json!("limits");
    compare(&record, &[]).assert(0, &["PASS"]);
    limits(&mut record, 1.0);
    compare(&record, &[]).assert(3, &["INCOMPLETE", "nothing to judge"]);
    assert!(
        !compare(&candidate(), &sessions()).stdout.contains("limits.error_rate"),
        "the default itself needs no word"
    );
}

#[test]
fn a_record_without_rounds_took_no_time_and_not_minus_none() {
    let ran = compare(&edited("/workloads/0/starts", json!([])), &sessions());
    ran.assert(3, &["INVALID", "no round was finished"]);
    assert!(!ran.stdout.contains("-0.0"), "{}", ran.stdout);
}

#[test]
fn a_workload_or_slo_that_vanished_is_said() {
    let mut other = sessions();
    for session in &mut other {
        session["workload"] = json!("code");
    }
    let both = [sessions(), other].concat();
    compare(&candidate(), &both)
        .assert(0, &["PASS", "although the baseline has sessions of it: code"]);
    let mut record =
        edited("/workloads/0/slo", json!({"ttft_ms": null, "tpot_ms": null, "e2e_ms": null}));
    record["workloads"][0]["limits"] = json!([]);
    compare(&record, &sessions()).assert(0, &["SLO attainment is not judged"]);
}

#[test]
fn what_no_run_measures_is_refused() {
    let n = candidate()["workloads"][0]["starts"][0]["rounds"][0]["columns"]["outcome"]
        .as_array()
        .expect("a column")
        .len();
    let round = "/workloads/0/starts/0/rounds/0";
    for (path, value, words) in [
        ("/version", json!(0), "no version"),
        ("/session", json!("../../x"), "session"),
        ("/git/commit", json!("../x"), "git.commit"),
        ("/policy/under_test", json!(["plan"]), "which no change may alter"),
        ("/workloads/0/name", json!("../../evil"), "cannot be a workload's name"),
        ("/workloads/0/regressions", json!({"ttft_geomean": 1e9}), "above 0 and below 1"),
        (
            "/workloads/0/limits",
            json!([{"metric": "slo_attainment", "max": null, "min": -5.0}]),
            "is negative",
        ),
        ("/workloads/0/fingerprint", json!({}), "no plan"),
        ("/workloads/0/starts/1/index", json!(0), "two starts have index 0"),
        (&format!("{round}/duration_us"), json!(u64::MAX), "longer than a year"),
        (&format!("{round}/columns/start_us"), json!(vec![u64::MAX; n]), "longer than a year"),
        (&format!("{round}/columns/e2e_us"), json!(vec![0; n]), "took no time"),
        (
            &format!("{round}/columns/ttft_us"),
            json!(vec![60_000_000; n]),
            "ended before its first output",
        ),
        (&format!("{round}/chunk_gaps_hdr"), json!("HISTFAAA"), "histogram"),
        (&format!("{round}/client/retries"), json!(u64::MAX), "a count is beyond any run"),
    ] {
        compare(&edited(path, value), &sessions()).assert(2, &["not a goodput-gate record", words]);
    }
    let mut twice = candidate();
    let copy = twice["workloads"][0].clone();
    twice["workloads"].as_array_mut().expect("workloads").push(copy);
    compare(&twice, &sessions()).assert(2, &["two workloads are called chat"]);
}

#[test]
fn what_no_session_holds_is_refused() {
    for (path, value, words) in [
        ("/version", json!(0), "no version"),
        ("/workload", json!("../x"), "cannot be a workload's name"),
        ("/fingerprint", json!({}), "no plan"),
        ("/starts", json!([]), "no start"),
        ("/starts/0/failed", json!(u64::MAX), "that cannot be"),
        ("/starts/0/oriented/ttft_geomean", json!(1e308), "no log of milliseconds"),
    ] {
        let mut all = sessions();
        *all[0].pointer_mut(path).unwrap_or_else(|| panic!("{path} is not in the fixture")) = value;
        compare(&candidate(), &all).assert(2, &["cannot be used", words]);
    }
}
