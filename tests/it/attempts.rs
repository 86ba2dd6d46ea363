//! Attempts at one tree on one machine: all of them are judged together, a PASS stands, and what
//! failed is lifted by nothing less. Not here: attempts on GitHub (`github::attempts`).

use serde_json::Value;

use crate::support::bed::Ran;
use crate::support::servers::Servers;

/// How fast the candidate is lies outside of its tree.
const SERVE: &str = r#"factor=$(cat factor)
if [ -e changed ]; then factor=$(cat "$PLACE/factor"); fi
exec "$GATE" sim --listen "127.0.0.1:$PORT" --set noise=off --set seed=7 --set request_overhead_ms=150 \
  --set decode_factor="$factor"
"#;

const LIMITS: &str = "    limits: {e2e_mean: {max: 450ms}}\ngate: {mode: limits, starts: 1, rounds: 1, strict: true}";

const INTERLEAVED: &str =
    "    regressions: {ttft_geomean: 50%, ttft_p50: 50%, tpot_geomean: 50%, e2e_geomean: 50%, output_token_rate: 50%}
gate: {mode: interleaved, rounds: 2}";

struct Scene {
    servers: Servers,
}

impl Scene {
    fn new(gate: &str) -> Self {
        let servers = Servers::new(gate);
        servers.bed.write("serve.sh", SERVE);
        servers.bed.commit("a server");
        servers.bed.git(&["checkout", "-q", "-b", "change"]);
        servers.bed.write("changed", "");
        servers.bed.commit("a change");
        Self { servers }
    }

    /// With a candidate that decodes so many times as slowly.
    fn check(&self, factor: &str, more: &[&str]) -> Ran {
        std::fs::write(self.servers.place().join("factor"), factor).expect("it can be written");
        self.servers.bed.measure(&[&["check"][..], more].concat())
    }

    /// What each attempt came to by itself, and with those before it.
    fn attempts(&self) -> Vec<(Value, Value)> {
        let report = self.servers.bed.json(".goodput-gate/report.json");
        let rows = report["attempts"].as_array().cloned().unwrap_or_default();
        let rows = rows.into_iter().map(|row| (row["verdict"].clone(), row["together"].clone()));
        // A busy machine adds some that say nothing.
        rows.filter(|(alone, _)| alone != "invalid").collect()
    }

    fn kept(&self) -> Vec<std::path::PathBuf> {
        let entries = std::fs::read_dir(self.servers.bed.path(".goodput-gate/attempts"));
        entries.into_iter().flatten().map(|entry| entry.expect("an entry").path()).collect()
    }
}

fn row(alone: &str, together: &str) -> (Value, Value) {
    (alone.into(), together.into())
}

#[test]
fn a_breach_is_not_turned_green_by_another_attempt() {
    let scene = Scene::new(LIMITS);
    let bed = &scene.servers.bed;
    scene.check("40", &[]).assert(1, &["FAIL"]);
    scene.check("40", &[]).assert(1, &["FAIL", "judged together with 1 earlier attempt"]);
    scene.check("1", &[]).assert(1, &["FAIL", "judged together with 2 earlier attempts"]);
    let failed = || row("failed", "failed");
    assert_eq!(scene.attempts(), [failed(), failed(), row("passed", "failed")]);
    let troubles = bed.troubles();
    assert!(
        troubles.iter().any(|t| t.case == "measurement" || t.element == "failure"),
        "{troubles:?}"
    );
    assert!(bed.read(".goodput-gate/report.md").contains("All attempts at this commit"));

    // More of the same is another attempt.
    scene.check("1", &["--rounds", "2"]).assert(1, &["3 earlier attempts"]);
    // Another load is another question; so is other code, until it is as it was.
    scene.check("1", &["--requests", "14"]).assert(0, &["PASS"]);
    bed.write("fix.rs", "better");
    scene.check("1", &[]).assert(0, &["PASS"]);
    std::fs::remove_file(bed.path("fix.rs")).expect("it is there");
    scene.check("1", &["--record", "mine.json"]).assert(1, &["4 earlier attempts"]);
    std::fs::remove_file(bed.path("mine.json")).expect("it is there");

    // A record that is gone, or is not what it was, is none that can be lifted.
    for file in scene.kept() {
        std::fs::write(file, "{}").expect("it can be written");
    }
    scene.check("1", &[]).assert(1, &["an earlier attempt failed", "its records are not found"]);
    scene.check("1", &[]).assert(1, &["an earlier attempt failed"]);
}

/// Of an earlier version: a row without records.
#[test]
fn an_old_ledger_is_read_and_its_fail_is_not_lifted() {
    let scene = Scene::new(LIMITS);
    scene.check("40", &[]).assert(1, &["FAIL"]);
    let mut ledger = scene.servers.bed.json(".goodput-gate/attempts.json");
    let row = ledger["attempts"][0].as_object_mut().expect("a row");
    for new in ["records", "together", "baseline"] {
        assert!(row.remove(new).is_some(), "{new}");
    }
    scene.servers.bed.write(".goodput-gate/attempts.json", &ledger.to_string());
    scene.check("1", &[]).assert(1, &["an earlier attempt failed", "its records are not found"]);

    scene.servers.bed.write(".goodput-gate/attempts.json", "{");
    scene.check("1", &[]).assert(0, &["attempts.json cannot be used"]);
}

#[test]
fn attempts_of_an_interleaved_gate_are_judged_together_and_five_are_enough() {
    let scene = Scene::new(INTERLEAVED);
    scene.check("6", &[]).assert(1, &["FAIL"]);
    for earlier in 1..5 {
        // All of them together convict again: no more than that is spent on it.
        let words = format!("judged together with {earlier} earlier attempt");
        scene.check("1.01", &[]).assert(1, &["FAIL", &words, "of earlier attempts"]);
        assert_eq!(scene.attempts().len(), earlier + 1);
    }
    assert!(scene.attempts().iter().all(|(_, together)| together == "failed"));
    let servers = scene.servers.servers().len();
    let spent = scene.check("1", &[]);
    spent.assert(1, &["FAIL", "nothing was measured: 5 attempts at this commit were made"]);
    assert_eq!((scene.attempts().len(), scene.servers.servers().len()), (5, servers));
}

#[test]
fn a_pass_stands_in_its_workflow_run_and_nothing_is_measured() {
    let scene = Scene::new(INTERLEAVED);
    let bed = &scene.servers.bed;
    let check = |factor: &str, run: &str, attempt: &str| {
        std::fs::write(scene.servers.place().join("factor"), factor).expect("it can be written");
        let run = [("GITHUB_RUN_ID", run), ("GITHUB_RUN_ATTEMPT", attempt)];
        bed.gate_with("", &[&[("GITHUB_ACTIONS", "true")][..], &run].concat(), &["check"])
    };
    check("1.01", "900", "1").assert(0, &["PASS"]);
    let (record, report) =
        (bed.read(".goodput-gate/record.json"), bed.json(".goodput-gate/report.json"));
    let again = check("6", "900", "2");
    again.assert(0, &["PASS", "nothing was measured", "its verdict stands"]);
    assert_eq!(bed.read(".goodput-gate/record.json"), record);
    let stands = bed.json(".goodput-gate/report.json");
    assert_eq!(stands["workloads"][0]["metrics"], report["workloads"][0]["metrics"]);
    assert_eq!(scene.attempts(), [row("passed", "passed")]);

    // What a server is made of need not be in its commit: another run measures again, and so does
    // whoever asks on a laptop.
    check("6", "901", "1").assert(1, &["FAIL"]);
}

#[test]
fn a_pass_on_a_laptop_is_measured_again() {
    let scene = Scene::new(INTERLEAVED);
    scene.check("1.01", &[]).assert(0, &["PASS"]);
    scene.check("6", &[]).assert(1, &["FAIL"]);
    // Another machine is no way out.
    let bed = &scene.servers.bed;
    let elsewhere = |name| bed.gate_with("", &[("RUNNER_NAME", name)], &["check"]);
    elsewhere("ci-2").assert(1, &["FAIL", "judged together with 1 earlier attempt"]);

    // Whoever edits the ledger has no record that says so.
    for file in scene.kept() {
        std::fs::remove_file(file).expect("it is there");
    }
    scene.check("6", &[]).assert(1, &["FAIL"]);
    bed.write("fix.rs", "other code");
    scene.check("6", &[]).assert(1, &["FAIL"]);
}
