//! What a GPU does that makes a round unfit, or is noted. Not here: values.

use serde_json::Value;

use crate::support::check_together;
use crate::support::gpus::Gpus;

#[test]
fn what_makes_a_round_unfit_is_said_with_its_sample_and_what_to_do() {
    let stranger = "999999999:64";
    let cases: [(&str, &str, String, &str, &[&str]); 9] = [
        (
            "gpu_throttle",
            "throttle",
            "32".into(),
            "on_throttle",
            &["thermal slowdown (software)", "100 %", "61 C, SM 1755 MHz", "-lgc"],
        ),
        (
            "gpu_throttle",
            "throttle",
            "72".into(),
            "on_throttle",
            &["thermal slowdown (hardware)", "hardware slowdown"],
        ),
        ("gpu_throttle", "throttle", "128".into(), "on_throttle", &["power brake", "-pl WATTS"]),
        (
            "gpu_foreign_process",
            "processes",
            "1:500".into(),
            "on_foreign_process",
            &["process 1", "500 MiB", "before the server"],
        ),
        (
            "gpu_foreign_process",
            "processes",
            format!("- #4={stranger}"),
            "on_foreign_process",
            &["999999999", "came to it"],
        ),
        (
            "gpu_foreign_process",
            "processes",
            format!("- #2={stranger} #4=-"),
            "on_foreign_process",
            &["left it", "gpu.devices"],
        ),
        (
            "gpu_foreign_process",
            "processes",
            "- #2=self:9,1:5".into(),
            "on_foreign_process",
            &["process 1", "not the server's"],
        ),
        // Asked at facts (1) and at both ends of the rounds (2, 3).
        (
            "gpu_ecc",
            "ecc_uncorrected",
            "0 #3=2".into(),
            "on_ecc_error",
            &["2 uncorrected ECC errors", "nvidia-smi -q -d ECC"],
        ),
        ("gpu_lost", "temperature", "61 #3=!15".into(), "on_lost", &["fell off the bus", "dmesg"]),
    ];
    check_together(&cases, |(check, key, value, policy, words)| {
        let gpus = Gpus::with(&[(key, value)]);
        let set = format!("gpu.{policy}=invalid");
        let ran = gpus.servers.bed.gate(&["run", "--set", "gate.rounds=1", "--set", &set]);
        ran.assert(3, words);
        let found = gpus.findings(0);
        assert!(
            found.iter().any(|(c, severity, _)| c == *check && severity == "invalid"),
            "{value}: {found:?}"
        );
        assert!(
            found.iter().all(|(_, _, message)| message.starts_with("GPU 0 (NVIDIA H100")),
            "{found:?}"
        );
    });
}

#[test]
fn a_driver_that_does_not_answer_holds_up_nothing_and_is_said() {
    // Asked at facts (1), at the begin of the round (2), and then for longer than the gate waits.
    let gpus = Gpus::with(&[("power", "100 #3=~30")]);
    let ran = gpus.servers.bed.gate(&["run", "--set", "gate.rounds=1"]);
    ran.assert(3, &["the GPU driver did not answer within 5 s at the end of the round", "dmesg"]);
    assert_eq!(gpus.record()["workloads"][0]["starts"][0]["rounds"][0]["gpu"], Value::Null);
}

#[test]
fn a_policy_of_warn_makes_it_a_note() {
    let gpus = Gpus::with(&[("throttle", "64")]);
    gpus.run(&["--set", "gpu.on_throttle=warn"])
        .assert(0, &["note", "thermal slowdown (hardware) in 100 %"]);
    assert_eq!(gpus.findings(0)[0].1, "note");
}

#[test]
fn clocks_that_moved_between_rounds_are_noted_and_can_be_invalid() {
    // Slower than a round: asked at facts (1) and at both ends of the rounds (2, 3; 4, 5).
    let gpus = Gpus::with(&[("sm_clock", "2000 #4=1000")]);
    gpus.run(&["--set", "gpu.interval=1s"])
        .assert(0, &["note", "1000 MHz, and 2000 MHz in the first round (-50.0 %)", "-lgc"]);
    assert_eq!((gpus.findings(0).len(), gpus.findings(1)[0].0.as_str()), (0, "gpu_clock"));
    let ran = gpus.servers.bed.gate(&[
        "run",
        "--set",
        "gpu.interval=1s",
        "--set",
        "gpu.on_clock_change=invalid",
    ]);
    ran.assert(3, &["start 1, round 2: GPU 0", "-50.0 %"]);
}
