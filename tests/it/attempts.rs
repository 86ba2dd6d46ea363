//! Attempts at one tree on one machine: a FAIL stays until the code, its acceptance or the policy
//! is another.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::support::bed::{Bed, Ran};
use crate::support::{Act, Answer, Part, Seen, Server};

/// Half of its requests fail while it is broken.
struct Scene {
    bed: Bed,
    broken: Arc<AtomicBool>,
    _server: Server,
}

impl Scene {
    fn new() -> Self {
        let broken = Arc::new(AtomicBool::new(false));
        let breaks = Arc::clone(&broken);
        let server = Server::start(move |seen: &Seen| match seen.part {
            Part::Round(_, i) if i % 2 == 1 && breaks.load(Ordering::Relaxed) => {
                let mut cut = Answer::open(1);
                cut.0.push(Act::Close);
                cut
            }
            _ => seen.good(),
        });
        let config = format!(
            "version: 1\ntarget: {{base_url: {}}}\nworkloads:\n  - {{name: chat, arrival: {{closed: {{concurrency: 1}}}}, requests: 20, output_tokens: 4, \
             prompts: {{synthetic: {{input_tokens: 16}}}}, warmup: {{requests: 1}}, limits: {{error_rate: {{max: 10%}}}}}}\n\
             gate: {{mode: limits, rounds: 1, strict: true}}\n",
            server.url()
        );
        Self { bed: Bed::repository(&config), broken, _server: server }
    }

    fn check(&self, broken: bool, more: &[&str]) -> Ran {
        self.broken.store(broken, Ordering::Relaxed);
        self.bed.measure(&[&["check"][..], more].concat())
    }

    fn attempts(&self) -> Vec<Value> {
        self.bed.json(".goodput-gate/report.json")["attempts"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    }
}

#[test]
fn a_fail_is_not_turned_green_by_another_attempt() {
    let scene = Scene::new();
    scene.check(false, &[]).assert(0, &["PASS"]);
    scene.check(true, &[]).assert(1, &["FAIL"]);
    let held = scene.check(false, &[]);
    held.assert(
        5,
        &["INCONCLUSIVE: attempt 2 failed", "this one alone is PASS", "does not turn a FAIL green"],
    );
    assert!(!format!("{}{}", held.stdout, held.stderr).contains("check again"), "{held:?}");
    let verdicts: Vec<Value> = scene.attempts().into_iter().map(|a| a["verdict"].clone()).collect();
    assert!(
        verdicts.contains(&"failed".into()) && verdicts.last() == Some(&"passed".into()),
        "{verdicts:?}"
    );
    let troubles = scene.bed.troubles();
    assert!(
        troubles
            .iter()
            .any(|t| t.case == "measurement" && t.element == "failure" && t.kind == "policy"),
        "{troubles:?}"
    );
    assert!(scene.bed.read(".goodput-gate/report.md").contains("All attempts at this commit"));

    // More of the same is another attempt; so is the same change in another folder's words.
    scene.check(false, &["--rounds", "2"]).assert(5, &["attempt 2 failed"]);
    scene.check(false, &["--set", "gate.on_attempt=latest"]).assert(0, &["PASS"]);
    // Other limits and another load are another question.
    scene.check(false, &["--requests", "22"]).assert(0, &["PASS"]);

    scene.bed.write("fix.rs", "better");
    scene.check(false, &[]).assert(0, &["PASS"]);
    std::fs::remove_file(scene.bed.path("fix.rs")).expect("it is there");
    scene.check(false, &[]).assert(5, &["attempt 2 failed"]);
    // What the run itself writes is no change of the code.
    scene.check(false, &["--record", "mine.json"]).assert(5, &["attempt 2 failed"]);
    std::fs::remove_file(scene.bed.path("mine.json")).expect("it is there");
    scene.bed.write("goodput-gate.yaml", &(scene.bed.read("goodput-gate.yaml") + "# mended\n"));
    scene.bed.commit("a mended change");
    scene.check(false, &[]).assert(0, &["PASS"]);
}

#[test]
fn a_dirty_tree_is_held_by_a_fail_of_the_same_content_only() {
    let scene = Scene::new();
    scene.bed.write("change.rs", "slow");
    scene.check(true, &[]).assert(1, &["FAIL"]);
    scene.check(false, &[]).assert(5, &["attempt 1 failed"]);
    scene.bed.write("change.rs", "fast");
    scene.check(false, &[]).assert(0, &["PASS"]);
    scene.bed.write(".goodput-gate/attempts.json", "{");
    scene
        .check(false, &[])
        .assert(0, &["attempts.json cannot be used, so earlier attempts in it are not known"]);
}
