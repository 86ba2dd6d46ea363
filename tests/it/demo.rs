//! The first minute: the binary alone, nothing configured, and the demo. Not here: what a gate says
//! (`gate_judging`).

use crate::support::Gate;

#[test]
fn alone_it_shows_the_verbs_that_matter() {
    let gate = Gate::new();
    let nothing: [&str; 0] = [];
    let ran = gate.run(&nothing);
    ran.assert_says(2, &["check --demo", "goodput-gate help"]);
    let shown = ran.stderr.lines().filter_map(|line| line.strip_prefix("  ")?.split("   ").next());
    let verbs: Vec<&str> = shown.collect();
    assert_eq!(verbs.len(), 5, "{ran:?}");
    for verb in verbs {
        let args: Vec<&str> = verb.split(' ').chain(["--help"]).collect();
        assert_eq!(gate.run(&args).code, Some(0), "{verb}");
    }
}

#[test]
fn where_nothing_is_configured_it_offers_what_to_do() {
    Gate::new()
        .run(&["check"])
        .assert_says(2, &["nothing to measure", "goodput-gate init", "check --demo"]);
}

#[test]
fn a_demo_is_a_whole_gate_in_any_folder() {
    let gate = Gate::new();
    let ran = gate.run(&[
        "check",
        "--demo",
        "--requests",
        "10",
        "--rounds",
        "1",
        "--set",
        "gate.max_pairs=3",
    ]);
    // So short a run proves nothing; what it does is all there.
    assert!(matches!(ran.code, Some(0 | 3 | 5)), "{ran:?}");
    assert!(ran.stdout.contains("this is a demo"), "{ran:?}");
    for file in ["record.json", "baseline.json", "report.html", "junit.xml"] {
        assert!(gate.path(".goodput-gate").join(file).is_file(), "{file}");
    }
    let refused = gate.run(&["check", "--demo", "--config", "mine.yaml"]);
    refused.assert_says(2, &["--demo", "--config"]);
}

#[test]
fn the_terminal_ends_with_the_verdict_and_v_shows_the_rest() {
    let gate = Gate::new().env("GOODPUT_GATE_VERBOSE", "0");
    let args =
        ["check", "--demo", "--requests", "10", "--rounds", "1", "--set", "gate.max_pairs=3"];
    let brief = gate.run(&args);
    let code = brief.code.expect("it ends by itself");
    let last = brief
        .stdout
        .lines()
        .rfind(|line| line.contains(" (exit "))
        .expect("a verdict with its exit code");
    assert!(last.contains(&format!("(exit {code})")), "{brief:?}");
    assert!(
        !brief.stdout.contains("send lag p99") && brief.stdout.lines().count() <= 25,
        "{brief:?}"
    );
    let whole = gate.run(&[&args[..], &["-v"]].concat());
    assert!(
        whole.stdout.contains("send lag p99") && whole.stdout.contains("exit code"),
        "{whole:?}"
    );
}
