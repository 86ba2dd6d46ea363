//! Drift: the latest sessions of main against those at a release or an anchor, by `baseline drift`.
//! Judged from stored sessions. Not here: the rule in numbers (`judge::drift` in the library).

use std::path::Path;

use serde_json::Value;

use crate::support::accepted::{at, plant, repository, sessions};
use crate::support::bed::{Bed, Ran};
use crate::support::candidate::{with_decode, with_policy};
use crate::support::lineage::{CONFIG, code, walk};

/// A week in which the code becomes so many times as slow as it was at the release, with five
/// sessions of it.
fn week(bed: &Bed, number: u32, factor: f64) {
    code(bed, &format!("week{number}"));
    plant(bed, "HEAD", &sessions(factor)[..5], &format!("{}", number + 1));
    bed.commit("sessions of the week");
}

/// Main at v1.2 with six sessions, then so many weeks.
fn weeks(factors: &[f64]) -> Bed {
    let bed = repository();
    bed.git(&["tag", "v1.2"]);
    for (number, factor) in (0..).zip(factors) {
        week(&bed, number, *factor);
    }
    bed
}

fn drift(bed: &Bed, args: &[&str]) -> Ran {
    bed.gate(&[&["baseline", "drift"], args].concat())
}

fn json(bed: &Bed, args: &[&str], code: i32) -> Value {
    let ran = drift(bed, &[&["--json"], args].concat());
    ran.assert(code, &[]);
    serde_json::from_str(&ran.stdout).expect("JSON")
}

#[test]
fn a_history_that_creeps_one_percent_a_week_is_caught_and_an_equal_one_is_not() {
    let bed = weeks(&[]);
    let mut caught = None;
    for number in 0..6 {
        week(&bed, number, 1.01_f64.powi(number.cast_signed() + 1));
        let found = drift(&bed, &[]);
        let failed = found.code == Some(1);
        assert!(failed || found.code == Some(0), "{}\n{}", found.stdout, found.stderr);
        if failed && caught.is_none() {
            caught = Some(number + 1);
        }
        assert!(caught.is_none() || failed, "what was found stays: {}", found.stdout);
    }
    assert!(caught.is_some_and(|week| (2..=5).contains(&week)), "{caught:?}");
    drift(&bed, &[])
        .assert(1, &["FAIL: chat: since the anchor v1.2 (12 commits ago): ", "TPOT +6."]);
    let equal = weeks(&[1.0; 6]);
    drift(&equal, &[]).assert(
        0,
        &[
            "PASS: chat: since the anchor v1.2 (12 commits ago): not worse; TTFT",
            "6 sessions",
            "5 sessions",
        ],
    );
}

/// A check leaves these sessions out, since nobody answers for their level.
#[test]
fn levels_between_do_not_blind_it() {
    let bed = weeks(&[1.08, 1.08]);
    let segments = walk(&bed)["segments"].to_string();
    assert!(segments.contains("left out: it is slower than the sessions before it"), "{segments}");
    let found = json(&bed, &[], 1);
    assert_eq!((&found["verdict"], &found["exit_code"]), (&"failed".into(), &1.into()));
    let chat = &found["workloads"][0];
    let count = |key: &str| chat[key].as_array().map(Vec::len);
    assert_eq!((count("anchor_sessions"), count("latest_sessions")), (Some(6), Some(5)));
    assert_eq!(
        (&chat["anchor"]["name"], &chat["anchor"]["found"], &chat["anchor"]["distance_commits"]),
        (&"v1.2".into(), &"release".into(), &4.into())
    );
    let metrics = chat["metrics"].as_array().expect("a list");
    let tpot = metrics.iter().find(|m| m["metric"] == "tpot_geomean").expect("judged");
    assert_eq!(tpot["judgement"], "regressed");
    assert!(tpot["change_ratio"].as_f64().is_some_and(|c| (0.07..0.09).contains(&c)), "{tpot}");
}

#[test]
fn too_few_sessions_are_counted_and_no_pass() {
    let bed = repository();
    bed.git(&["tag", "v1.2"]);
    code(&bed, "change");
    plant(&bed, "HEAD", &sessions(1.5)[..3], "b");
    bed.commit("three sessions");
    let said = ["INCONCLUSIVE: chat: 3 of 5 comparable sessions since the anchor"];
    drift(&bed, &[]).assert(0, &said);
    drift(&bed, &["--set", "gate.on_inconclusive=fail"]).assert(5, &said);
    // Of nine sessions at HEAD nothing came after.
    drift(&bed, &["--anchor", "HEAD"]).assert(0, &["0 of 5 comparable sessions since the anchor"]);
    drift(&bed, &["--anchor", "v9.9"]).assert(2, &["no commit, branch or tag \"v9.9\" here"]);
    drift(&bed, &["--workload", "chta"]).assert(2, &["no workload \"chta\"", "chat"]);
    bed.git(&["tag", "-d", "v1.2"]);
    drift(&bed, &[]).assert(0, &["NO BASELINE: chat: no anchor: nothing is pinned"]);
    drift(&bed, &["--set", "gate.on_missing_baseline=fail"]).assert(4, &["NO BASELINE"]);
    bed.gate(&["--lang", "ko", "baseline", "drift"]).assert(0, &["NO BASELINE: chat: 앵커 없음"]);
}

/// The last one is too young to be judged from; what is pinned goes before both.
#[test]
fn the_last_release_with_sessions_enough_is_the_anchor() {
    let bed = weeks(&[1.0]);
    bed.git(&["tag", "v1.3"]);
    bed.git(&["tag", "v1.4.0-rc1"]);
    let named = |args: &[&str]| json(&bed, args, 0)["workloads"][0]["anchor"]["name"].clone();
    assert_eq!(named(&[]), "v1.2");
    assert_eq!(named(&["--anchor", "v1.3"]), "v1.3");
    week(&bed, 1, 1.0);
    assert_eq!(named(&[]), "v1.3");
    bed.gate(&["baseline", "anchor"]).assert(0, &["no anchor"]);
    bed.gate(&["baseline", "anchor", "v1.2"])
        .assert(0, &["anchored at", "(v1.2): chat has 6 sessions"]);
    let found = json(&bed, &[], 0);
    assert_eq!(found["workloads"][0]["anchor"]["found"], "pinned");
    assert_eq!(walk(&bed)["anchor"]["sessions"], 6);
    // The target branch keeps the last sessions only: those of the anchor are in its own tree.
    for (path, text) in bed.baselines() {
        if text.contains("\"a000") || path.display().to_string().contains("-a000") {
            std::fs::remove_file(path).expect("it is there");
        }
    }
    bed.commit("prune");
    drift(&bed, &[]).assert(0, &["PASS: chat: since the anchor v1.2", "pinned): 6 sessions"]);
    bed.write("baselines/anchor", "v9.9");
    drift(&bed, &[]).assert(0, &["NO BASELINE", "no commit, branch or tag \"v9.9\" here"]);
    bed.gate(&["baseline", "anchor", "--remove"]).assert(0, &["removed"]);
    bed.git(&["checkout", "-q", "--orphan", "empty"]);
    bed.git(&["rm", "-rfq", "."]);
    bed.write("goodput-gate.yaml", CONFIG);
    bed.commit("nothing measured");
    bed.gate(&["baseline", "anchor", "HEAD"])
        .assert(2, &["no baseline session at HEAD or before it", "baseline update"]);
}

/// A guard that no single check has proven is proven by five sessions: whoever accepts the change says
/// so of it, too.
fn accept_too(bed: &Bed, metric: &str) {
    let mut file = bed.json("baselines/accepted.json");
    let all = file["accepted"].as_array_mut().expect("a list");
    let mut entry = all.iter().find(|a| a["metric"] == "e2e_geomean").expect("accepted").clone();
    (entry["metric"], entry["worst_value"]) = (metric.into(), 400.into());
    all.push(entry);
    bed.write("baselines/accepted.json", &file.to_string());
}

#[test]
fn what_was_accepted_passes_up_to_its_size_and_a_stated_level_is_said() {
    let bed = repository();
    bed.git(&["tag", "v1.2"]);
    code(&bed, "slow");
    bed.write("../record.json", &at(&bed, "HEAD", with_decode(1.25)).to_string());
    bed.gate(&["compare", "baselines", "../record.json"]).assert(1, &["FAIL"]);
    bed.gate(&["accept", "--reason", "new sampler", "--until", "2099-12-31"])
        .assert(0, &["accepted for chat"]);
    accept_too(&bed, "e2e_p95");
    bed.commit("accept it");
    let mut stated = sessions(1.25);
    stated.truncate(5);
    stated[0]["level_shift"] = "new sampler is slower".into();
    plant(&bed, "HEAD", &stated, "b");
    bed.commit("sessions of the new level");
    drift(&bed, &[]).assert(0, &["PASS: chat: ", "accepted", "until 2099-12-31: new sampler"]);
    week(&bed, 1, 1.4);
    drift(&bed, &[]).assert(
        1,
        &[
            "FAIL",
            "does not count",
            "a level shift was stated at",
            "new sampler is slower",
            "pin an anchor",
        ],
    );
}

#[test]
fn a_job_is_told_and_other_things_are_not_compared() {
    let bed = weeks(&[1.25]);
    let summary = bed.home().join("summary.md");
    let event = bed.home().join("event.json");
    std::fs::write(&event, "{}").expect("written");
    let text = |path: &Path| path.display().to_string();
    let (summary_at, event_at) = (text(&summary), text(&event));
    let env = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_EVENT_NAME", "schedule"),
        ("GITHUB_EVENT_PATH", event_at.as_str()),
        ("GITHUB_STEP_SUMMARY", summary_at.as_str()),
    ];
    let ran = bed.gate_with("", &env, &["baseline", "drift"]);
    ran.assert(1, &["FAIL: chat: ", "::error title=goodput-gate::FAIL"]);
    let page = std::fs::read_to_string(&summary).expect("written");
    assert!(page.contains("**FAIL** <code>chat</code>: ") && page.contains("| TPOT |"), "{page}");
    let mut other = sessions(1.0);
    other.truncate(5);
    for session in &mut other {
        session["fingerprint"]["model"] = "other".into();
    }
    code(&bed, "model");
    plant(&bed, "HEAD", &other, "d");
    bed.commit("of another model");
    drift(&bed, &[]).assert(4, &["INCOMPARABLE: chat: ", "model"]);
}

/// A check judges the change that it is of; a record of an earlier version may have asked for more.
#[test]
fn no_check_compares_with_the_anchor() {
    let bed = weeks(&[1.25]);
    bed.gate(&["baseline", "anchor", "v1.2"]).assert(0, &["anchored at"]);
    let judged = |record: &Value| {
        bed.write("../record.json", &at(&bed, "HEAD", record.clone()).to_string());
        bed.gate(&["compare", "baselines", "../record.json"])
    };
    let said = "goodput-gate baseline drift";
    let plain = judged(&with_decode(1.0));
    assert!(!plain.stdout.contains("anchor"), "{}", plain.stdout);
    judged(&with_policy(with_decode(1.0), "on_anchor_drift", "fail")).assert(0, &["warning", said]);
    bed.gate(&["check", "--set", "gate.on_anchor_drift=fail"])
        .assert(2, &["gate.on_anchor_drift", "is of an earlier version", said]);
}
