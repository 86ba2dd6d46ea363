//! Verdicts through `compare`, on stored records whose columns the tests change: what is judged
//! does not depend on this machine.
//!
//! Every case also asserts that terminal, Markdown, `JUnit`, JSON and exit code say the same. Not
//! here: measuring (`gate_live`).

pub mod candidate;

use serde_json::{Value, json};

use crate::gate_support::{Bed, flat};
use crate::support::agreed;
use candidate::{
    candidate, column, judge, judge_against, rounds, sessions, with_decode, with_failures,
    with_limit, with_policy, workload,
};

#[test]
fn the_same_again_is_a_pass() {
    let judged = judge(&candidate());
    judged.assert(
        0,
        "passed",
        &["PASS", "TTFT, TPOT, E2E latency, output token rate less than 10 % worse"],
    );
    judged.assert_named("tpot_geomean", "unchanged");
    assert!(judged.troubles.iter().all(|t| t.element == "skipped"), "{:?}", judged.troubles);
    assert!(judged.workload()["proves"].as_str().is_some_and(|p| p.contains("TPOT")));
}

#[test]
fn a_slower_decode_fails_and_every_format_names_the_metric() {
    let judged = judge(&with_decode(1.25));
    judged.assert(1, "failed", &["FAIL", "tpot_geomean"]);
    judged.assert_named("tpot_geomean", "regressed");
    assert_eq!(judged.trouble("tpot_geomean"), Some(("failure", "regression")));
    let change = judged.metric("tpot_geomean")["change_ratio"].as_f64().expect("a change");
    assert!((0.20..0.30).contains(&change), "{change}");
    assert_ne!(
        judged.metric("ttft_geomean")["judgement"],
        "regressed",
        "the first token is as fast as it was"
    );
    assert!(
        judged.report["headline"]
            .as_str()
            .is_some_and(|h| h.contains("TPOT") || h.contains("E2E latency"))
    );
}

#[test]
fn a_red_check_is_explained_step_by_step() {
    let bed = judge(&with_decode(1.25)).bed;
    let ran = bed.gate(&[
        "compare",
        "sessions",
        "record.json",
        "--explain",
        "tpot_geomean",
        "--explain",
        "error_rate",
    ]);
    ran.assert(
        1,
        &[
            "FAIL",
            "chat: how tpot_geomean was judged",
            "another day, job 1 against 6 sessions (docs/METHODOLOGY.md#another-day)",
        ],
    );
    for step in ["h_j", "s2", "p ", "D_min", "U ", "MDE95", "hit needs", "judgement", "decision"] {
        assert!(
            ran.stdout.lines().any(|l| l.trim_start().starts_with(step)),
            "{step} is not in {}",
            ran.stdout
        );
    }
    assert!(
        flat(&ran.stdout).contains("chat: how error_rate was judged")
            && ran.stdout.contains("P(Binomial(")
    );
    let slip = bed.gate(&["compare", "sessions", "record.json", "--explain", "tpot_geomaen"]);
    slip.assert(2, &["no change of `tpot_geomaen` is judged", "did you mean `tpot_geomean`?"]);
}

#[test]
fn classes_and_margins_of_a_record_are_what_is_judged() {
    let with = |regressions: Value| {
        let mut record = with_decode(1.25);
        workload(&mut record)["regressions"] = regressions;
        judge(&record)
    };
    let info = json!({"class": "info"});
    let tails = [
        "tpot_p95",
        "e2e_p95",
        "chunk_gap_p99",
        "e2e_geomean",
        "output_token_rate",
        "tpot_geomean",
    ];
    let shown = with(
        tails
            .into_iter()
            .map(|m| (m.to_owned(), info.clone()))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    );
    shown.assert(0, "passed", &["PASS", "TTFT less than 10 % worse"]);
    assert_eq!(
        (&shown.metric("tpot_geomean")["class"], &shown.metric("tpot_geomean")["judgement"]),
        (&json!("info"), &json!("inconclusive"))
    );
    assert_eq!(shown.trouble("tpot_geomean"), Some(("skipped", "inconclusive")));
    let unjudged = with(
        json!({"goodput": {"class": "primary"}, "tpot_geomean": 0.9, "tpot_p95": info, "e2e_p95": info, "chunk_gap_p99": info, "e2e_geomean": 0.9, "output_token_rate": 0.9}),
    );
    unjudged.assert(
        3,
        "incomplete",
        &["goodput: this version does not judge changes of this metric"],
    );
}

#[test]
fn a_faster_decode_is_an_improvement_and_passes() {
    let judged = judge(&with_decode(0.8));
    judged.assert(0, "passed", &["PASS"]);
    judged.assert_named("tpot_geomean", "improved");
}

#[test]
fn an_improvement_beyond_belief_passes_and_is_said_at_the_top_of_every_report() {
    let judged = judge(&with_decode(0.1));
    let words =
        "times as good as the baseline's: before you believe it, rule out answers from a cache";
    judged.assert(0, "passed", &[words]);
    assert!(
        judged.report["notices"][0]
            .as_str()
            .is_some_and(|n| n.starts_with("chat: TPOT is ") && n.contains(words))
    );
    let before_the_workload = |text: &str, heading: &str| {
        let text = flat(&text.replace('\\', ""));
        let at =
            |what: &str| text.find(what).unwrap_or_else(|| panic!("{what:?} is not in {text}"));
        assert!(at("times as good as") < at(heading), "{text}");
    };
    before_the_workload(&judged.ran.stdout, "chat: PASS");
    before_the_workload(&judged.bed.read(".goodput-gate/report.md"), "### <code>chat</code>");
    for report in ["report.html", "junit.xml"] {
        assert!(
            judged
                .bed
                .read(&format!(".goodput-gate/{report}"))
                .contains("times as good as the baseline"),
            "{report}"
        );
    }
    let plausible = judge(&with_decode(0.5));
    plausible.assert(0, "passed", &["PASS"]);
    assert!(!plausible.ran.stdout.contains("times as good"), "{}", plausible.ran.stdout);
}

/// 17 of 40 requests of each round miss the SLO of the first token; nothing else is judged that
/// this changes.
#[test]
fn an_slo_attainment_of_42_points_less_never_passes() {
    let mut record = candidate();
    for round in rounds(&mut record) {
        for name in ["ttft_us", "e2e_us"] {
            column(round, name)[..17]
                .iter_mut()
                .for_each(|us| *us = json!(us.as_u64().expect("completed") + 420_000));
        }
    }
    workload(&mut record)["limits"] = json!([]);
    let info = json!({"class": "info"});
    let others = ["ttft_geomean", "e2e_geomean", "e2e_p95", "ttft_p95"]
        .map(|metric| (metric.to_owned(), info.clone()));
    workload(&mut record)["regressions"] =
        others.into_iter().collect::<serde_json::Map<_, _>>().into();
    let judged = judge(&record);
    judged.assert(1, "failed", &["FAIL", "SLO attainment is 42.50 pp lower"]);
    judged.assert_named("slo_attainment", "regressed");
    assert_eq!(judged.trouble("slo_attainment"), Some(("failure", "regression")));
    // One start has no second one to agree with it: nothing convicts, and nothing passes.
    workload(&mut record)["starts"].as_array_mut().expect("starts").truncate(1);
    record["policy"]["starts"] = json!(1);
    let alone = judge(&record);
    assert_ne!(alone.report["verdict"], "passed", "{}", alone.ran.stdout);
    assert!(alone.ran.stdout.contains("slo_attainment"), "{}", alone.ran.stdout);
}

#[test]
fn below_six_sessions_it_is_inconclusive_and_says_how_many_are_missing() {
    for (n, words) in [
        (1, "5 more baseline sessions are needed (1 of 6 are there)"),
        (5, "1 more baseline session is needed (5 of 6 are there)"),
    ] {
        let judged = judge_against(&candidate(), n);
        judged.assert(0, "inconclusive", &["INCONCLUSIVE", words]);
        assert_eq!(judged.workload()["baseline"]["sessions_needed"], 6 - n);
        assert_eq!(judged.trouble("tpot_geomean"), Some(("skipped", "inconclusive")));
    }
    judge_against(&with_policy(candidate(), "on_inconclusive", "fail"), 1).assert(
        5,
        "inconclusive",
        &["INCONCLUSIVE"],
    );
}

#[test]
fn what_no_noise_explains_fails_with_one_session_too() {
    let judged = judge_against(&with_decode(4.0), 1);
    judged.assert(1, "failed", &["FAIL", "tpot_geomean"]);
    assert_eq!(judged.trouble("tpot_geomean"), Some(("failure", "regression")));
}

#[test]
fn a_breached_limit_fails_whatever_the_comparison_says() {
    let judged = judge(&with_limit("ttft_p50", Some(1.0), None));
    judged.assert(1, "failed", &["FAIL", "p50 TTFT", "over its limit"]);
    assert_eq!(judged.limit("ttft_p50")["state"], "breached");
    assert_eq!(judged.trouble("limit ttft_p50 max"), Some(("failure", "limit")));
    assert!(
        judged
            .ran
            .stdout
            .lines()
            .any(|l| l.contains("ttft_p50 at most") && l.ends_with("breached"))
    );
    judge_against(&with_limit("ttft_p50", Some(1.0), None), 0).assert(1, "failed", &["ttft_p50"]);
}

#[test]
fn a_met_limit_passes_and_needs_no_baseline_in_limits_mode() {
    let met = with_limit("ttft_p95", Some(60_000.0), None);
    let judged = judge(&met);
    judged.assert(0, "passed", &["PASS"]);
    assert_eq!(
        (&judged.limit("ttft_p95")["state"], judged.trouble("limit ttft_p95 max")),
        (&json!("met"), None)
    );
    judge_against(&with_policy(met.clone(), "mode", "limits"), 0).assert(
        0,
        "passed",
        &["ttft_p95"],
    );
    // Without a baseline, and asked for one, a met limit is no PASS.
    judge_against(&met, 0).assert(0, "no_baseline", &["NO BASELINE"]);
    let mut nothing = with_policy(candidate(), "mode", "limits");
    workload(&mut nothing)["limits"] = json!([]);
    judge(&nothing).assert(3, "incomplete", &["nothing to judge"]);
}

#[test]
fn an_open_limit_is_said_and_policy_decides() {
    let far = judge(&with_limit("ttft_p50", Some(60_000.0), None));
    let of = |key: &str| far.limit("ttft_p50")[key].as_f64().expect("measured");
    let (value, low, high) = (of("value"), of("interval_low"), of("interval_high"));
    let right = with_limit("ttft_p50", Some(f64::midpoint(value, high)), None);
    let judged = judge(&right);
    judged.assert(0, "passed", &["within its limit", "but that is not proven"]);
    assert_eq!(judged.limit("ttft_p50")["state"], "open");
    assert_eq!(judged.trouble("limit ttft_p50 max"), Some(("skipped", "open")));
    judge(&with_policy(right, "on_limit_open", "fail")).assert(
        5,
        "inconclusive",
        &["on_limit_open is fail"],
    );
    // The wrong side is never a PASS, proven or not.
    let wrong = with_limit("ttft_p50", Some(f64::midpoint(value, low)), None);
    judge(&wrong).assert(0, "inconclusive", &["over its limit", "but that is not proven"]);
    let mut strict = wrong;
    strict["policy"]["strict"] = json!(true);
    judge(&strict).assert(1, "failed", &["ttft_p50"]);
}

#[test]
fn a_limit_that_could_not_be_measured_is_no_pass() {
    for name in ["ttfa_p50", "tpot_p999"] {
        let judged = judge(&with_limit(name, Some(1e9), None));
        judged.assert(3, "incomplete", &["INCOMPLETE", name, "not measured"]);
        assert_eq!(judged.trouble("measurement"), Some(("error", "incomplete")));
        assert_eq!(judged.limit(name)["state"], "not_measured");
        assert_eq!(judged.trouble(&format!("limit {name} max")), Some(("error", "unmeasured")));
        // No baseline is needed to miss it, and none excuses that it is missing.
        judge_against(&with_limit(name, Some(1e9), None), 0).assert(3, "incomplete", &[name]);
    }
}

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
    let said = "the baseline reports its input tokens and the candidate does not";
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

#[test]
fn another_slo_is_not_compared_by_attainment() {
    let mut record = candidate();
    workload(&mut record)["slo"]["ttft_ms"] = json!(600.0);
    let judged = judge(&record);
    judged.assert(0, "inconclusive", &["slo_attainment", "no value in the baseline"]);
    assert_eq!(judged.metric("slo_attainment")["judgement"], "unmeasured");
}

#[test]
fn something_else_is_incomparable_and_the_field_is_named() {
    let mut record = candidate();
    workload(&mut record)["fingerprint"]["model"] = json!("sim-70b");
    let judged = judge(&record);
    judged.assert(4, "incomparable", &["INCOMPARABLE", "model: sim-8b -> sim-70b"]);
    assert!(flat(&judged.bed.read(".goodput-gate/report.md")).contains("sim-70b"));
    assert_eq!(judged.trouble("tpot_geomean"), Some(("skipped", "not judged")));
    judge(&with_policy(record, "on_incomparable", "warn")).assert(
        0,
        "incomparable",
        &["INCOMPARABLE", "model"],
    );
}

#[test]
fn what_is_under_test_may_differ_and_is_shown() {
    let mut record = candidate();
    workload(&mut record)["fingerprint"]["server_version"] = json!("9.9.9");
    judge(&record).assert(0, "passed", &["server_version: 0.1.0 -> 9.9.9"]);
    record["policy"]["under_test"] = json!([]);
    judge(&record).assert(4, "incomparable", &["server_version: 0.1.0 -> 9.9.9"]);
}

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
fn a_record_is_reported_in_every_format_and_judges_nothing() {
    let bed = Bed::new();
    bed.write("record.json", &with_decode(2.0).to_string());
    for format in ["terminal", "md", "junit", "json", "csv"] {
        let ran = bed.gate(&["report", "record.json", "--format", format]);
        ran.assert(0, &["tpot"]);
        assert!(
            !ran.stdout.contains("FAIL") && !ran.stdout.contains("PASS"),
            "{format}: {}",
            ran.stdout
        );
    }
    bed.gate(&["report", "record.json", "--format", "csv", "--output", "r.csv"]).assert(0, &[]);
    assert!(bed.read("r.csv").contains("tpot"));
}

#[test]
fn one_record_is_a_baseline_of_one_session() {
    let bed = Bed::new();
    bed.write("a.json", &candidate().to_string());
    bed.write("b.json", &with_decode(4.0).to_string());
    bed.gate(&["compare", "a.json", "b.json"]).assert(1, &["FAIL", "tpot_geomean"]);
    bed.gate(&["compare", "a.json", "a.json"])
        .assert(0, &["INCONCLUSIVE", "5 more baseline sessions are needed"]);
    assert_eq!(bed.json("a.json"), candidate(), "what is judged is not touched");
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
fn newer_versions_are_refused() {
    let bed = Bed::new();
    sessions(&bed, 1);
    let newer = |mut document: Value| {
        document["version"] = json!(2);
        document.to_string()
    };
    bed.write("new.json", &newer(candidate()));
    bed.write("record.json", &candidate().to_string());
    bed.gate(&["compare", "sessions", "new.json"]).assert(2, &["version 2", "newer goodput-gate"]);
    bed.gate(&["report", "new.json", "--format", "md"]).assert(2, &["version 2"]);
    bed.gate(&["compare", "sessions", "record.json"]).assert(0, &[]);
    bed.write("report.json", &newer(bed.json(".goodput-gate/report.json")));
    bed.gate(&["report", "report.json", "--format", "md"]).assert(2, &["version 2"]);
    let path = std::fs::read_dir(bed.path("sessions"))
        .expect("a folder")
        .next()
        .expect("a session")
        .expect("an entry")
        .path();
    let session: Value =
        serde_json::from_str(&std::fs::read_to_string(&path).expect("text")).expect("JSON");
    std::fs::write(&path, newer(session)).expect("it can be written");
    bed.gate(&["compare", "sessions", "record.json"]).assert(2, &["cannot be used", "version 2"]);
}

/// A tail that one job may not convict by (docs/METHODOLOGY.md#guard-alone).
fn with_tail(session: &str, runner: &str) -> Value {
    let mut record = candidate();
    for round in rounds(&mut record) {
        let first = column(round, "ttft_us").clone();
        for name in ["ttft_us", "e2e_us"] {
            for (i, us) in column(round, name).iter_mut().enumerate().filter(|(i, _)| i % 17 == 0) {
                let ttft = first[i].as_u64().expect("completed");
                *us = json!(us.as_u64().expect("completed") + ttft * 2 / 10);
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
