//! What a change may not say of the side that it is compared with. Not here: verdict and limits.

use super::{CI, CONFIG, changed};
use crate::support::bed::Bed;

#[test]
fn a_change_cannot_slow_down_what_it_is_compared_with() {
    let beside = CONFIG
        .replace("gate: {mode: limits,", "gate: {mode: interleaved, baseline: {target: stable},");
    let beside = beside.replace("    limits: {ttft_p50: {max: 1ms}}\n", "");
    let stable = |ms: u32| {
        format!(
            "{beside}targets: {{stable: {{target: {{sim: {{noise: \"off\", request_overhead_ms: {ms}}}}}}}}}\n"
        )
    };
    let bed = Bed::repository(&stable(1));
    bed.git(&["checkout", "-q", "-b", "feature"]);
    bed.write("goodput-gate.yaml", &stable(250));
    bed.commit("as slow as the candidate");
    let ttft = |args: &[&str]| {
        bed.measure(&[&["check"][..], args].concat());
        bed.json(".goodput-gate/baseline.json")["workloads"][0]["starts"][0]["rounds"][0]["metrics"]
            ["ttft_p50_ms"]
            .as_f64()
            .expect("measured")
    };
    // 250 ms of the server against 1 ms: no machine is so slow that they meet.
    assert!(ttft(&[]) >= 250.0);
    assert!(ttft(&["--base", "main"]) < 200.0);
    let said = "this change alters targets";
    assert!(bed.json(".goodput-gate/report.json")["notices"].to_string().contains(said));
}

#[test]
fn a_change_cannot_choose_the_config_that_it_is_compared_with() {
    let beside = CONFIG.replace(
        "gate: {mode: limits,",
        "gate: {mode: interleaved, baseline: {config: stable.yaml},",
    );
    let beside = beside.replace("    limits: {ttft_p50: {max: 1ms}}\n", "");
    let stable =
        |ms: u32| CONFIG.replace("request_overhead_ms: 250", &format!("request_overhead_ms: {ms}"));
    let bed = Bed::repository(&beside);
    bed.git(&["checkout", "-q", "-b", "feature"]);
    bed.write("stable.yaml", &stable(250));
    bed.commit("as slow as the candidate");
    let dry = ["check", "--dry-run"];
    let said = [
        "has no stable.yaml (gate.baseline.config)",
        "a change does not choose",
        "put it on the base branch first",
    ];
    bed.gate_with("", &CI, &dry).assert(2, &said);
    bed.gate(&dry).assert(0, &[]);
    bed.git(&["checkout", "-q", "main"]);
    bed.write("stable.yaml", &stable(1));
    bed.commit("what is compared with");
    bed.git(&["checkout", "-q", "-B", "feature"]);
    assert!(!bed.gate_with("", &CI, &dry).stderr.contains("stable.yaml"), "nothing is altered yet");
    bed.write("stable.yaml", &stable(250));
    bed.commit("as slow as the candidate");
    let ttft = |args: &[&str]| {
        bed.measure(&[&["check"][..], args].concat());
        let record = bed.json(".goodput-gate/baseline.json");
        record["workloads"][0]["starts"][0]["rounds"][0]["metrics"]["ttft_p50_ms"]
            .as_f64()
            .expect("measured")
    };
    // 250 ms of the server against 1 ms: no machine is so slow that they meet.
    assert!(ttft(&[]) >= 250.0);
    assert!(ttft(&["--base", "main"]) < 200.0);
    let notices = bed.json(".goodput-gate/report.json")["notices"].to_string();
    assert!(notices.contains("this change alters stable.yaml (gate.baseline.config)"), "{notices}");
    // A link is the change's too.
    std::fs::create_dir(bed.path("slow")).expect("a folder");
    bed.write("slow/stable.yaml", &stable(250));
    let set = ["--set", "gate.baseline={config: fast/stable.yaml}", "--base", "main", "--dry-run"];
    std::os::unix::fs::symlink("slow", bed.path("fast")).expect("a link");
    bed.gate(&[&["check"][..], &set].concat()).assert(2, &["has no fast/stable.yaml"]);
    // What lies outside is nobody's change, and still said.
    let outside = bed.home().join("outside.yaml");
    std::fs::write(&outside, stable(1)).expect("a config");
    let set = format!("gate.baseline={{config: {}}}", outside.display());
    bed.gate(&["check", "--set", &set, "--base", "main", "--dry-run"])
        .assert(0, &["lies outside this repository"]);
}

#[test]
fn what_starts_the_sides_differently_is_said() {
    let server = |flag: &str| {
        CONFIG
            .replace(
                "target: {sim: {noise: \"off\", request_overhead_ms: 250}}",
                "target: {base_url: \"http://127.0.0.1:${PORT}/v1\"}",
            )
            .replace("    limits: {ttft_p50: {max: 1ms}}\n", "")
            .replace("mode: limits", "mode: interleaved")
            + &format!("server: {{start: serve {flag}}}\n")
    };
    let bed = Bed::repository(&server(""));
    bed.git(&["checkout", "-q", "-b", "feature"]);
    bed.write("code", "other");
    bed.commit("code alone");
    let dry = || bed.gate_with("", &CI, &["check", "--dry-run"]);
    assert!(!dry().stderr.contains("note:"), "{}", dry().stderr);
    bed.write(
        "goodput-gate.yaml",
        &server("--enforce-eager").replace("target: {", "target: {model: other, "),
    );
    bed.commit("slower");
    let said = [
        "as its own config says",
        "they differ in server.start, target.model",
        "is in the comparison",
    ];
    dry().assert(0, &said);
    // It is so wherever two commits are compared, and what was typed holds for both.
    bed.gate(&["check", "--dry-run"]).assert(0, &said);
    let typed = bed.gate(&["check", "--dry-run", "--model", "m", "--set", "server.start=serve"]);
    assert!(!typed.stderr.contains("differ"), "{}", typed.stderr);
    // A commit from before the gate, or of one that nobody can read, says nothing.
    let both = "so both sides are built and started as this checkout says";
    let simulated = CONFIG.replace("mode: limits", "mode: interleaved");
    for (text, why) in [
        ("workloads: [", "cannot be used"),
        (&simulated, "it does not say how a server is started"),
    ] {
        bed.git(&["checkout", "-q", "--orphan", "other"]);
        bed.write("goodput-gate.yaml", text);
        bed.commit("another main");
        bed.git(&["branch", "-q", "-f", "main"]);
        bed.git(&["checkout", "-q", "-B", "feature"]);
        bed.write("goodput-gate.yaml", &server(""));
        bed.commit("a gate");
        bed.git(&["branch", "-q", "-D", "other"]);
        bed.gate(&["check", "--dry-run"]).assert(0, &[why, both]);
    }
    bed.git(&["rm", "-q", "goodput-gate.yaml"]);
    bed.commit("no gate");
    bed.git(&["branch", "-q", "-f", "main"]);
    bed.write("goodput-gate.yaml", &server(""));
    bed.commit("a gate");
    dry().assert(0, &["has no config, so both sides"]);
}

#[test]
fn the_server_under_test_is_the_changes() {
    let bed = changed(
        &CONFIG.replace("request_overhead_ms: 250", "request_overhead_ms: 250, model: other"),
    );
    let ran = bed.gate_with("", &CI, &["check", "--dry-run"]);
    ran.assert(0, &["24 requests"]);
    assert!(!ran.stderr.contains("alters"), "{}", ran.stderr);
    // What is wrong with it is found at its own place.
    bed.write(
        "goodput-gate.yaml",
        &CONFIG.replace("target: {sim: {", "target: {protocol: openai-chat, sim: {noize: 1, "),
    );
    bed.gate_with("", &CI, &["check", "--dry-run"]).assert(2, &["goodput-gate.yaml:2", "noise"]);
}
