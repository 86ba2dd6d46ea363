//! Records from outside, made into a comment by a checkout that trusts none of them. Not here: what
//! a record must be (`gate_hostile`).

use serde_json::{Value, json};

use super::{Scene, each_round, github, scale};
use crate::support::candidate::candidate;

#[test]
fn a_record_from_outside_is_judged_by_the_rules_of_this_checkout() {
    let scene = Scene::trusted_half(70, 1, &github());
    let judge = |change: &dyn Fn(&mut Value)| {
        let mut forged = candidate();
        change(&mut forged);
        scene.gate.write("record.json", &forged.to_string());
        let ran = scene.comment(&["--dry-run"]);
        ran.assert_says(0, &[]);
        ran.stdout
    };
    assert!(judge(&|_| ()).contains("**PASS**"));
    // Slow requests, the limit taken away, the policy loosened: the config's limit holds.
    let slow = judge(&|r| {
        r["workloads"][0]["limits"] = json!([]);
        r["workloads"][0]["slo"] = json!({"ttft_ms": null, "tpot_ms": null, "e2e_ms": null});
        each_round(r, &mut |round| scale(round, 20));
    });
    assert!(slow.contains("**FAIL**") && slow.contains("slo_attainment"), "{slow}");
    // A client that was late, its findings taken away.
    let late = judge(&|r| {
        each_round(r, &mut |round| {
            let lags = round["columns"]["own_lag_us"].as_array_mut().expect("a column");
            lags.fill(json!(900_000));
            round["findings"] = json!([]);
        });
    });
    assert!(late.contains("**INVALID**") && late.contains("send lag"), "{late}");
    // The workload that it slows down, under another name.
    let renamed = judge(&|r| r["workloads"][0]["name"] = json!("other"));
    assert!(
        !renamed.contains("**PASS**") && renamed.contains("in none of the records: chat"),
        "{renamed}"
    );
}

#[test]
fn what_is_no_record_is_refused_before_anything_is_sent() {
    let github = github();
    let scene = Scene::trusted_half(70, 1, &github);
    let mut odd = candidate();
    odd["x\n::error::pwned"] = json!(1);
    scene.gate.write("record.json", &odd.to_string());
    let ran = scene.comment(&[]);
    ran.assert_says(2, &["cannot use record.json"]);
    assert!(!ran.stderr.lines().any(|l| l.trim_start().starts_with("::error")), "{ran:?}");

    let path = scene.gate.path("record.json");
    let file = std::fs::File::create(&path).expect("it can be written");
    file.set_len((64 << 20) + 1).expect("a file may have a hole");
    scene.comment(&[]).assert_says(2, &["larger than 64 MiB"]);
    std::fs::remove_file(&path).expect("it is ours");
    std::os::unix::fs::symlink("event.json", &path).expect("a link");
    scene.comment(&[]).assert_says(2, &["no plain file"]);
    let many = vec!["record.json"; 32];
    scene.comment(&many).assert_says(2, &["33 records are too many"]);
    assert_eq!(github.state().log.len(), 0);
}

#[test]
fn a_matrix_makes_one_comment_and_the_worst_record_stands_first() {
    let github = github();
    let scene = Scene::trusted_half(70, 1, &github);
    let mut slow = candidate();
    each_round(&mut slow, &mut |round| scale(round, 20));
    slow["session"] = json!("deadbeef");
    slow["host"]["runner"] = json!("@everyone <img>");
    scene.gate.write("slow.json", &slow.to_string());
    scene.comment(&["slow.json"]).assert_says(0, &[]);
    let body = scene.bodies().concat();
    assert!(
        body.contains("**FAIL** is the worst of 2 records") && body.contains("Record 2 of 2"),
        "{body}"
    );
    assert!(!body.contains("@everyone") && !body.contains("<img"), "{body}");
    assert_eq!(github.state().checks[0]["conclusion"], "failure");
    let title =
        github.state().checks[0]["output"]["title"].as_str().map(str::to_owned).unwrap_or_default();
    assert!(title.starts_with("FAIL") && title.contains("worst of 2 records"), "{title}");
}
