//! Acceptances on real repositories: which file counts, what it covers, where history begins.
//! Judged from stored records, so that nothing depends on this machine. Not here: what an
//! acceptance covers in detail (`accept` in the library), drift (`drift`).

use serde_json::Value;

use crate::support::accepted::{at, plant, repository, sessions};
use crate::support::bed::{Bed, Ran};
use crate::support::candidate::{candidate, with_decode, with_limit};
use crate::support::lineage::code;

const CI: [(&str, &str); 1] = [("CI", "true")];
const SLOW: f64 = 1.25;

/// A branch off main with slower code, judged once, and accepted there.
fn accepted() -> Bed {
    let bed = repository();
    bed.git(&["checkout", "-q", "-b", "feature"]);
    code(&bed, "slow.txt");
    judge(&bed, &with_decode(SLOW)).assert(1, &["FAIL", "TPOT is 25.1 % longer"]);
    let ran = bed.gate(&["accept", "--reason", "new sampler", "--until", "2099-12-31"]);
    ran.assert(
        0,
        &[
            "accepted for chat: tpot_geomean +25.1 %",
            "until 2099-12-31: new sampler",
            "pull request of its own",
        ],
    );
    bed
}

/// Of HEAD's commit.
fn judge(bed: &Bed, record: &Value) -> Ran {
    judge_with(bed, &[], record)
}

fn judge_with(bed: &Bed, env: &[(&str, &str)], record: &Value) -> Ran {
    bed.write("../record.json", &at(bed, "HEAD", record.clone()).to_string());
    bed.gate_with("", env, &["compare", "baselines", "../record.json"])
}

/// The acceptance goes to main first, as a pull request of its own.
fn land_acceptance(bed: &Bed) {
    let text = bed.read("baselines/accepted.json");
    bed.git(&["checkout", "-q", "--", "."]);
    std::fs::remove_file(bed.path("baselines/accepted.json")).expect("it is there");
    bed.git(&["checkout", "-q", "main"]);
    bed.write("baselines/accepted.json", &text);
    bed.commit("accept the new sampler's cost");
    bed.git(&["checkout", "-q", "feature"]);
}

#[test]
fn an_accepted_regression_passes_loudly_and_no_further_one() {
    let bed = accepted();
    let ran = judge(&bed, &with_decode(SLOW));
    ran.assert(0, &["PASS with 4 accepted regressions: TPOT +25.1 %, until 2099-12-31: new sampler (not committed yet)"]);
    let report = bed.json(".goodput-gate/report.json");
    assert_eq!(report["verdict"], "passed");
    let metrics = report["workloads"][0]["metrics"].as_array().expect("a list");
    let tpot = metrics.iter().find(|m| m["metric"] == "tpot_geomean").expect("judged");
    assert_eq!(
        (&tpot["judgement"], tpot["accepted"].is_string()),
        (&"regressed".into(), true),
        "it stays what it is"
    );
    assert!(!report["workloads"][0]["proves"].as_str().expect("words").contains("tpot_geomean"));
    let troubles = bed.troubles();
    let case = troubles.iter().find(|t| t.case == "tpot_geomean").expect("never a silent pass");
    assert_eq!((case.element.as_str(), case.kind.as_str()), ("skipped", "accepted"));
    assert!(bed.read(".goodput-gate/report.md").contains("**Accepted regression**: TPOT"));
    judge(&bed, &with_decode(1.35)).assert(
        1,
        &["FAIL", "does not count", "worse is more than the 26.", "% that was accepted"],
    );
    judge(&bed, &candidate()).assert(0, &["PASS: "]);
}

#[test]
fn a_change_cannot_accept_its_own_regression() {
    let bed = accepted();
    let said = "this change brings an acceptance (chat/chunk_gap_p99, chat/e2e_geomean";
    judge_with(&bed, &CI, &with_decode(SLOW))
        .assert(1, &["FAIL", said, "counts only once it is on the base branch"]);
    bed.commit("and accept it");
    judge_with(&bed, &CI, &with_decode(SLOW)).assert(1, &["FAIL", said]);
    let walk = crate::support::lineage::walk_in(&bed, "", &CI, &[]);
    assert!(walk["accepted"].as_array().is_some_and(Vec::is_empty), "{walk}");
    assert!(walk["notices"].to_string().contains("brings an acceptance"), "{walk}");
    let bed = accepted();
    land_acceptance(&bed);
    judge_with(&bed, &CI, &with_decode(SLOW))
        .assert(0, &["PASS with 4 accepted regressions", "(by T)"]);
}

#[test]
fn history_begins_after_the_accepted_change_once_six_sessions_of_it_are_there() {
    for merge in ["squash", "merge"] {
        let bed = accepted();
        land_acceptance(&bed);
        bed.git(&["checkout", "-q", "main"]);
        match merge {
            "squash" => bed.git(&["merge", "-q", "--squash", "feature"]),
            _ => bed.git(&["merge", "-q", "--no-ff", "feature"]),
        };
        bed.commit("new sampler");
        plant(&bed, "HEAD", &sessions(SLOW)[..5], "b");
        bed.commit("five sessions of it");
        bed.git(&["checkout", "-q", "-b", "next"]);
        code(&bed, "next.txt");
        judge(&bed, &with_decode(SLOW)).assert(
            0,
            &["PASS with 4 accepted", "of the accepted change 5 of 6 sessions are there"],
        );
        plant(&bed, "main~1", &sessions(SLOW)[5..], "c");
        let ran = judge(&bed, &with_decode(SLOW));
        ran.assert(
            0,
            &["PASS: ", "history begins after an accepted change: 6 sessions before it left out"],
        );
        assert!(!ran.stdout.contains("accepted  "), "used up ({merge}): {}", ran.stdout);
        // Within what was accepted, and another change by now.
        let more = judge(&bed, &with_decode(SLOW * 1.15));
        more.assert(1, &["FAIL", "the accepted change is in the baseline by now"]);
        bed.gate(&["baseline", "resolve"])
            .assert(0, &["accepted tpot_geomean of chat", "in the history since"]);
    }
}

#[test]
fn an_acceptance_is_of_the_change_that_was_reviewed() {
    let bed = accepted();
    land_acceptance(&bed);
    bed.git(&["checkout", "-q", "main"]);
    bed.git(&["checkout", "-q", "-b", "another"]);
    code(&bed, "another.txt");
    judge_with(&bed, &CI, &with_decode(SLOW))
        .assert(1, &["FAIL", "which is not in the code that was measured"]);
    // More commits on top of the accepted one are still that change.
    bed.git(&["checkout", "-q", "feature"]);
    code(&bed, "more.txt");
    judge_with(&bed, &CI, &with_decode(SLOW)).assert(0, &["PASS with 4 accepted regressions"]);
    judge(&bed, &with_decode(SLOW));
    let any = ["accept", "--reason", "x", "--any-change", "--until", "2099-12-31"];
    bed.git(&["checkout", "-q", "another"]);
    std::fs::remove_file(bed.path("baselines/accepted.json")).expect("it is there");
    judge(&bed, &with_decode(SLOW)).assert(1, &[]);
    bed.gate(&any).assert(0, &["it covers any change of that size"]);
    bed.git(&["checkout", "-q", "-b", "third", "main"]);
    code(&bed, "third.txt");
    judge(&bed, &with_decode(SLOW)).assert(0, &["PASS with 4 accepted regressions"]);
}

#[test]
fn an_expired_acceptance_is_said_and_does_not_count() {
    let bed = accepted();
    let text = bed.read("baselines/accepted.json").replace("2099-12-31", "2026-01-31");
    bed.write("baselines/accepted.json", &text);
    judge(&bed, &with_decode(SLOW))
        .assert(1, &["FAIL", "until 2026-01-31: new sampler", "has expired"]);
    bed.gate(&["baseline", "resolve"]).assert(0, &["expired on 2026-01-31"]);
    bed.gate(&["accept", "--reason", "x", "--until", "2026-01-31"]).assert(2, &["has passed"]);
}

#[test]
fn a_file_that_cannot_be_read_accepts_nothing_and_that_is_said() {
    let bed = accepted();
    bed.write("baselines/accepted.json", "{}");
    judge(&bed, &with_decode(SLOW))
        .assert(1, &["FAIL", "baselines/accepted.json cannot be used, so no acceptance counts"]);
    bed.gate(&["accept", "--reason", "x"])
        .assert(2, &["cannot use ", "baselines/accepted.json: ", "schema"]);
}

#[test]
fn a_breached_limit_is_accepted_up_to_its_interval() {
    let bed = repository();
    code(&bed, "slow.txt");
    let breached = with_limit("ttft_p50", Some(150.0), None);
    judge(&bed, &breached).assert(1, &["FAIL", "over its limit"]);
    let ran = bed.gate(&["accept", "--reason", "bigger model", "--metric", "ttft_p50"]);
    ran.assert(0, &["30 days from today", "up to "]);
    judge(&bed, &breached)
        .assert(0, &["PASS with 1 accepted regression: p50 TTFT", "breached, accepted"]);
    assert_eq!(bed.troubles().iter().filter(|t| t.kind == "accepted").count(), 1);
    let mut alone = breached.clone();
    alone["policy"]["mode"] = "limits".into();
    judge(&bed, &alone).assert(0, &["PASS with 1 accepted regression"]);
    let worst = bed.json("baselines/accepted.json")["accepted"][0]["worst_value"]
        .as_f64()
        .expect("a value");
    assert!(worst > 174.0 && worst < 260.0, "{worst}");
    bed.gate(&["accept", "--reason", "x"]).assert(2, &["nothing in", "there is nothing to accept"]);
}

#[test]
fn accept_says_what_it_needs() {
    let bed = accepted();
    let before = bed.read("baselines/accepted.json");
    judge_with(&bed, &CI, &with_decode(SLOW)).assert(1, &[]);
    bed.gate(&["accept", "--reason", "new sampler", "--until", "2099-12-31"]).assert(0, &[]);
    assert_eq!(bed.read("baselines/accepted.json"), before, "the same again is the same file");
    for (args, words) in [
        (&["--reason", " "][..], &["--reason is empty"][..]),
        (&["--reason", "x", "--until", "soon"], &["--until", "2026-12-31"]),
        (&["--reason", "x", "--metric", "ttft_geomean"], &["ttft_geomean is not worse", "hint"]),
        (
            &["--reason", "x", "--metric", "tpot_geomean", "--at-most", "20%"],
            &["--at-most 20 % is less than what was found"],
        ),
        (
            &["--reason", "x", "--metric", "tpot_geomean", "--at-most", "20"],
            &["--at-most, for tpot_geomean", "5%"],
        ),
        (&["--reason", "x", "--report", "nowhere.json"], &["cannot read nowhere.json"]),
    ] {
        bed.gate(&[&["accept"], args].concat()).assert(2, words);
    }
    let wider = [
        "accept",
        "--reason",
        "x",
        "--metric",
        "tpot_geomean",
        "--at-most",
        "30%",
        "--until",
        "2099-12-31",
    ];
    bed.gate(&wider).assert(0, &["up to 30 % worse"]);
    let entries = bed.json("baselines/accepted.json")["accepted"].as_array().expect("a list").len();
    assert_eq!(entries, 4, "accepted again of the same run replaces");
}

const LIMITED: &str = "\
version: 1
target: {sim: {noise: \"off\", request_overhead_ms: 250}}
workloads:
  - name: chat
    arrival: {closed: {concurrency: 8}}
    requests: 24
    prompts: {synthetic: {input_tokens: 16}}
    output_tokens: 4
    warmup: {requests: 1}
    limits: {ttft_p50: {max: 1ms}}
gate: {mode: limits, starts: 1, rounds: 1}
";

/// Live: the verbs that measure, and the one that trusts nobody's measurement.
#[test]
fn check_and_comment_honour_what_the_base_accepts() {
    let bed = Bed::repository(LIMITED);
    bed.git(&["checkout", "-q", "-b", "feature"]);
    code(&bed, "slow.txt");
    bed.measure(&["check", "--base", "main"]).assert(1, &["FAIL", "over its limit"]);
    bed.gate(&["accept", "--reason", "bigger model", "--at-most", "30s", "--until", "2099-12-31"])
        .assert(0, &["up to 30000 ms"]);
    let said = "this change brings an acceptance (chat/ttft_p50)";
    bed.measure(&["check", "--base", "main"]).assert(1, &["FAIL", said]);
    land_acceptance(&bed);
    bed.measure(&["check", "--base", "main"])
        .assert(0, &["PASS with 1 accepted regression: p50 TTFT", "(by T)"]);
    let head = bed.git(&["rev-parse", "HEAD"]);
    bed.git(&["checkout", "-q", "main"]);
    let comment = ["comment", ".goodput-gate/record.json", "--dry-run", "--sha", &head];
    bed.gate_with("", &CI, &comment)
        .assert(0, &["**PASS** with 1 accepted regression", "**Accepted regression**: p50 TTFT"]);
    bed.git(&["rm", "-q", "baselines/accepted.json"]);
    bed.commit("taken back");
    bed.gate_with("", &CI, &comment).assert(0, &["**FAIL**"]);
}
