//! Verdicts through `compare`, on stored records whose columns the tests change: what is judged
//! does not depend on this machine.
//!
//! Every case also asserts that terminal, Markdown, `JUnit`, JSON and exit code say the same. Not
//! here: measuring (`gate_live`).

mod limits;
mod policy;
mod unfit;

use serde_json::{Value, json};

use crate::support::bed::{Bed, flat};
use crate::support::candidate::{
    candidate, column, judge, judge_against, rounds, sessions, with_decode, with_policy, workload,
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
    for step in ["h_j", "v ", "p ", "level", "D_min", "U ", "detectable", "hit needs", "decision"] {
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

/// It is known before, and said with what helps.
#[test]
fn a_size_that_is_out_of_reach_here_is_said() {
    let mut record = candidate();
    workload(&mut record)["regressions"] = json!({"tpot_geomean": 0.01});
    let judged = judge(&record);
    let warnings = judged.workload()["warnings"].to_string();
    let said = "a job of 2 starts finds TPOT ";
    assert!(warnings.contains(said) && warnings.contains("and not 1 %"), "{warnings}");
    assert!(warnings.contains("check --interleaved"), "{warnings}");
    let young = judge_against(&record, 5);
    assert!(!young.workload()["warnings"].to_string().contains(said), "there is nothing to know");
    let bed = crate::support::accepted::repository();
    let size = "workloads.chat.regressions={tpot_geomean: 1%}";
    // What is measured is another server than the sessions'.
    bed.measure(&["check", "--set", size]).assert(4, &["INCOMPARABLE", said, "and not 1 %"]);
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
