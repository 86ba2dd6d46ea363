//! The anchor: a second comparison with a pinned point of the past. Judged from stored records. Not
//! here: the first comparison.

use serde_json::Value;

use crate::support::accepted::{at, plant, repository, sessions};
use crate::support::bed::{Bed, Ran};
use crate::support::candidate::{with_decode, with_policy};
use crate::support::lineage::{code, walk};

/// Main at v1.2 with six sessions; then slower by small steps, of which the last has its sessions:
/// nothing that a change is judged for.
fn drifted() -> Bed {
    let bed = repository();
    bed.git(&["tag", "v1.2"]);
    bed.gate(&["baseline", "anchor"]).assert(0, &["no anchor"]);
    bed.gate(&["baseline", "anchor", "v1.2"])
        .assert(0, &["anchored at", "(v1.2): chat has 6 sessions"]);
    // The target branch keeps the last sessions only.
    for (path, _) in
        bed.baselines().iter().filter(|(path, _)| path.extension().is_some_and(|e| e == "json"))
    {
        std::fs::remove_file(path).expect("it is there");
    }
    for step in 0..3 {
        code(&bed, &format!("step{step}"));
    }
    plant(&bed, "HEAD", &sessions(1.25), "b");
    bed.commit("sessions of now");
    bed
}

fn judge(bed: &Bed, record: &Value) -> Ran {
    bed.write("../record.json", &at(bed, "HEAD", record.clone()).to_string());
    bed.gate(&["compare", "baselines", "../record.json"])
}

#[test]
fn drift_is_said_and_decides_only_where_the_policy_says_so() {
    let bed = drifted();
    let said = "since the anchor v1.2 (4 commits ago): TPOT +25.1 % (+23.5 % to +26.7 %)";
    judge(&bed, &with_decode(1.25)).assert(0, &["PASS: ", "warning", said]);
    let anchor = bed.json(".goodput-gate/report.json")["workloads"][0]["anchor"].clone();
    assert_eq!(
        (&anchor["state"], &anchor["sessions"], &anchor["distance_commits"]),
        (&"worse".into(), &6.into(), &4.into())
    );
    let tpot = anchor["metrics"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|m| m["metric"] == "tpot_geomean")
        .expect("compared");
    assert!(tpot["change_ratio"].as_f64().is_some_and(|c| (0.2..0.3).contains(&c)), "{tpot}");
    assert!(bed.read(".goodput-gate/report.md").contains("since the anchor v1.2"));
    let strict = with_policy(with_decode(1.25), "on_anchor_drift", "fail");
    judge(&bed, &strict).assert(1, &["FAIL: since the anchor v1.2"]);
    judge(&bed, &with_policy(with_decode(1.25), "on_anchor_drift", "wran"))
        .assert(1, &["FAIL: since the anchor v1.2"]);
    assert_eq!(walk(&bed)["anchor"]["sessions"], 6);
}

#[test]
fn without_drift_it_says_where_the_metrics_stand() {
    let bed = repository();
    bed.gate(&["baseline", "anchor", "HEAD"]).assert(0, &["chat has 6 sessions"]);
    bed.commit("anchor");
    code(&bed, "change");
    judge(&bed, &with_decode(1.0))
        .assert(0, &["PASS: ", "anchor since the anchor HEAD (2 commits ago): not worse; TTFT"]);
    bed.gate(&["baseline", "anchor", "--remove"]).assert(0, &["removed"]);
    assert!(!judge(&bed, &with_decode(1.0)).stdout.contains("anchor"));
}

#[test]
fn an_anchor_that_says_nothing_is_said_and_is_no_pass_where_drift_fails() {
    let bed = drifted();
    let strict = with_policy(with_decode(1.25), "on_anchor_drift", "fail");
    for (text, why) in
        [("v9.9", "no commit, branch or tag \"v9.9\" here"), ("", "no commit, branch or tag")]
    {
        bed.write("baselines/anchor", text);
        judge(&bed, &with_decode(1.25))
            .assert(0, &["PASS: ", "warning", "not compared with the anchor", why]);
        judge(&bed, &strict).assert(
            5,
            &["INCONCLUSIVE", "not compared with the anchor", "on_anchor_drift is fail"],
        );
    }
    // Another model is another thing.
    bed.write("baselines/anchor", &bed.git(&["rev-parse", "v1.2"]));
    let mut other = with_decode(1.25);
    other["workloads"][0]["fingerprint"]["model"] = "other".into();
    judge(&bed, &other)
        .assert(4, &["not compared with the anchor", "its sessions are of something else: model"]);
    bed.git(&["checkout", "-q", "--orphan", "empty"]);
    bed.git(&["rm", "-rfq", "."]);
    bed.write("goodput-gate.yaml", crate::support::lineage::CONFIG);
    bed.commit("nothing measured");
    bed.gate(&["baseline", "anchor", "HEAD"])
        .assert(2, &["no baseline session at HEAD or before it", "baseline update"]);
}
