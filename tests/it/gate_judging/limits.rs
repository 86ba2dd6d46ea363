//! Limits of the record itself: met, breached, open, not measured. Not here: comparing.

use serde_json::json;

use crate::support::candidate::{
    candidate, judge, judge_against, with_limit, with_policy, workload,
};

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
            .any(|l| l.contains("p50 TTFT at most") && l.ends_with("breached"))
    );
    judge_against(&with_limit("ttft_p50", Some(1.0), None), 0).assert(1, "failed", &["p50 TTFT"]);
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
        &["p95 TTFT"],
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
    judge(&strict).assert(1, "failed", &["p50 TTFT"]);
}

#[test]
fn a_limit_that_could_not_be_measured_is_no_pass() {
    for (name, title) in [("ttfa_p50", "p50 TTFA"), ("tpot_p999", "p999 TPOT")] {
        let judged = judge(&with_limit(name, Some(1e9), None));
        judged.assert(3, "incomplete", &["INCOMPLETE", title, "not measured"]);
        assert_eq!(judged.trouble("measurement"), Some(("error", "incomplete")));
        assert_eq!(judged.limit(name)["state"], "not_measured");
        assert_eq!(judged.trouble(&format!("limit {name} max")), Some(("error", "unmeasured")));
        // No baseline is needed to miss it, and none excuses that it is missing.
        judge_against(&with_limit(name, Some(1e9), None), 0).assert(3, "incomplete", &[title]);
    }
}
