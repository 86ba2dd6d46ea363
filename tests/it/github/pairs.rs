//! `comment` with the two records of interleaved runs, as a fork's job uploads them. Not here:
//! single records (`github`), what such a run measures (`gate_interleaved`).

use serde_json::{Value, json};

use super::{HEAD, Scene, each_round, github, scale};
use crate::support::candidate::candidate;

/// Places of a side's nine rounds in the run: who goes first takes turns.
const BASELINE: [u64; 9] = [0, 3, 4, 7, 8, 11, 12, 15, 16];
const CANDIDATE: [u64; 9] = [1, 2, 5, 6, 9, 10, 13, 14, 17];

fn side(session: &str, side: &str, orders: [u64; 9]) -> Value {
    let mut record = candidate();
    // No verdict rests on one start, nor on a noise that two of them tell.
    let starts = record["workloads"][0]["starts"].as_array_mut().expect("starts");
    let mut third = starts[0].clone();
    third["index"] = json!(2);
    starts.push(third);
    record["session"] = json!(session);
    record["pair"] = json!({"side": side, "baseline": "0a1b2c3d4e5f (merge base with main)", "most_starts": 3,
        "starts_sampled": true, "at_once": true});
    record["policy"]["mode"] = json!("interleaved");
    let mut orders = orders.into_iter();
    each_round(&mut record, &mut |round| round["order"] = json!(orders.next()));
    record
}

/// Baseline and candidate of one run, the candidate so many times as slow.
fn pair(session: &str, slower: u64) -> [Value; 2] {
    let mut candidate = side(session, "candidate", CANDIDATE);
    each_round(&mut candidate, &mut |round| scale(round, slower));
    [side(session, "baseline", BASELINE), candidate]
}

fn write(scene: &Scene, names: [&str; 2], records: &[Value; 2]) {
    for (name, record) in names.into_iter().zip(records) {
        scene.gate.write(name, &record.to_string());
    }
}

/// Standard output of a dry run.
fn text(scene: &Scene, records: &[&str]) -> String {
    let ran = scene.ran(&[&["comment", "--dry-run"][..], records].concat());
    ran.assert_says(0, &[]);
    ran.stdout
}

#[test]
fn both_sides_of_a_run_are_judged_together_in_whichever_order() {
    let scene = Scene::trusted_half(70, 1, &github());
    write(&scene, ["baseline.json", "record.json"], &pair("cafe0001", 2));
    let slow = text(&scene, &["baseline.json", "record.json"]);
    assert!(
        slow.contains("**FAIL**: ")
            && slow.contains("interleaved with 0a1b2c3d4e5f (merge base with main)"),
        "{slow}"
    );
    assert!(slow.contains("Measured by an untrusted job") && slow.contains(&HEAD[..12]), "{slow}");
    assert_eq!(text(&scene, &["record.json", "baseline.json"]), slow);

    write(&scene, ["baseline.json", "record.json"], &pair("cafe0001", 1));
    let same = text(&scene, &["baseline.json", "record.json"]);
    assert!(!same.contains("**FAIL**") && same.contains("| unchanged |"), "{same}");

    // Whoever measures must not choose what counts: it is said where the trusted config looks at
    // committed baselines.
    let own = "what it was compared with is the measuring job's own choice";
    assert!(same.contains(own) && slow.contains(own), "{same}");
    let set =
        ["comment", "--dry-run", "baseline.json", "record.json", "--set", "gate.mode=interleaved"];
    let told = scene.ran(
        &[&set[..], &["--set", "gate.baseline={base_url: \"http://127.0.0.1:1/v1\"}"]].concat(),
    );
    told.assert_says(0, &[]);
    assert!(told.stdout.contains("| unchanged |") && !told.stdout.contains(own), "{}", told.stdout);
}

#[test]
fn a_pair_is_judged_by_the_rules_of_this_checkout() {
    let scene = Scene::trusted_half(70, 1, &github());
    // Forged: nearly twice as slow is allowed, nothing is limited, a history so noisy that nothing
    // is ever significant, and start pairs that were never meant.
    let loosened = |mut record: Value| {
        record["workloads"][0]["regressions"] = json!({"tpot_geomean": {"min_change_ratio": 0.99}, "ttft_geomean": {"min_change_ratio": 0.99},
            "e2e_geomean": {"min_change_ratio": 0.99}, "output_token_rate": {"min_change_ratio": 0.99}});
        record["workloads"][0]["limits"] = json!([]);
        record["pair"]["planned_pairs"] = json!(1_000_000);
        (record["policy"]["detect_ratio"], record["policy"]["min_starts"]) = (json!(0.5), json!(1));
        let start = |x: f64| {
            let timings = [
                "ttft_geomean",
                "ttft_p50",
                "ttft_p95",
                "ttft_p99",
                "e2e_geomean",
                "e2e_p95",
                "tpot_geomean",
                "tpot_p95",
            ];
            let oriented: Value = timings.map(|m| (m.to_owned(), json!(x))).into_iter().collect();
            json!({"requests": 120, "failed": 0, "oriented": oriented})
        };
        let past = |name: &str| json!({"session": name, "starts": [start(0.0), start(9.0)]});
        record["workloads"][0]["history"] = json!([past("loud1"), past("loud2")]);
        record
    };
    write(&scene, ["baseline.json", "record.json"], &pair("cafe0001", 2).map(loosened));
    let judged = text(&scene, &["baseline.json", "record.json"]);
    assert!(judged.contains("**FAIL**: ") && !judged.contains("loosens the method"), "{judged}");
    // The baseline's side lost what speaks against it, too.
    let [mut baseline, candidate] = pair("cafe0001", 1);
    each_round(&mut baseline, &mut |round| {
        round["columns"]["own_lag_us"].as_array_mut().expect("a column").fill(json!(900_000));
        round["findings"] = json!([]);
    });
    write(&scene, ["baseline.json", "record.json"], &[baseline, candidate]);
    let late = text(&scene, &["baseline.json", "record.json"]);
    assert!(
        late.contains("**INVALID**") && late.contains("baseline: ") && late.contains("send lag"),
        "{late}"
    );
}

#[test]
fn one_side_alone_is_an_error_that_names_the_other() {
    let github = github();
    let scene = Scene::trusted_half(70, 1, &github);
    write(&scene, ["baseline.json", "record.json"], &pair("cafe0001", 1));
    scene.gate.write("single.json", &candidate().to_string());
    for (given, missing) in [("record.json", "baseline.json"), ("baseline.json", "record.json")] {
        let ran = scene.ran(&["comment", given, "single.json"]);
        ran.assert_says(
            2,
            &["is not among the records", &format!("hint: {missing} of the same run")],
        );
    }
    // The other side of another run, and twice the same side, are no pair either.
    let [other, _] = pair("cafe0002", 1);
    scene.gate.write("baseline.json", &other.to_string());
    scene
        .ran(&["comment", "baseline.json", "record.json"])
        .assert_says(2, &["is not among the records"]);
    scene
        .ran(&["comment", "record.json", "record.json"])
        .assert_says(2, &["is not among the records"]);
    // Of one session, and not of one run.
    let [mut baseline, _] = pair("cafe0001", 1);
    baseline["policy"]["rounds"] = json!(9);
    scene.gate.write("baseline.json", &baseline.to_string());
    scene
        .ran(&["comment", "baseline.json", "record.json"])
        .assert_says(2, &["sides of two interleaved runs"]);
    assert_eq!(github.state().log.len(), 0, "nothing is sent");
}

#[test]
fn pairs_and_single_records_make_one_comment() {
    let github = github();
    let scene = Scene::trusted_half(70, 1, &github);
    write(&scene, ["b1.json", "c1.json"], &pair("cafe0001", 1));
    write(&scene, ["b2.json", "c2.json"], &pair("cafe0002", 2));
    scene.comment(&["c2.json", "b1.json", "b2.json", "c1.json"]).assert_says(0, &[]);
    let body = scene.bodies().concat();
    assert!(
        body.contains("**FAIL** is the worst of 3 records") && body.contains("Record 3 of 3"),
        "{body}"
    );
    assert_eq!(body.matches("interleaved with 0a1b2c3d4e5f").count(), 2, "{body}");
    let conclusions: Vec<Value> =
        github.state().checks.iter().map(|c| c["conclusion"].clone()).collect();
    assert_eq!(conclusions, ["failure"]);
}
