//! `baseline show`, `promote`, `prune` on planted sessions. Not here: `update` and `list`
//! (`gate_live`), `resolve` (`lineage`).

use crate::support::bed::Bed;
use crate::support::lineage::{CONFIG, code, plant, plant_with, with_session};

#[test]
fn a_session_is_shown_by_its_name_its_commit_or_its_branch() {
    let bed = with_session();
    let commit = bed.git(&["rev-parse", "HEAD~1"]);
    bed.git(&["tag", "measured", "HEAD~1"]);
    for name in ["aaaaaaaa", "aaaa", &commit, &commit[..7], "measured"] {
        let shown = bed.gate(&["baseline", "show", name]);
        shown.assert(
            0,
            &["baselines/chat/0123456789ab/", "this commit", &commit[..12], "ttft_geomean_ms"],
        );
    }
    for name in ["bbbb", "aaa", "HEAD"] {
        bed.gate(&["baseline", "show", name]).assert(2, &["no session or commit", "baseline list"]);
    }
}

#[test]
fn the_list_counts_the_way_to_a_sessions_own_commit() {
    let bed = with_session();
    let listed = |words: &str| bed.gate(&["baseline", "list"]).assert(0, &["aaaaaaaa", words]);
    // The commit that holds its file changes no code.
    listed("1 (the same code)");
    code(&bed, "later.txt");
    listed("| 2 |");
    bed.git(&["checkout", "-q", "--orphan", "other"]);
    code(&bed, "other.txt");
    listed("not on this lineage");
}

#[test]
fn pruning_keeps_the_nearest_and_what_is_not_on_this_lineage() {
    let bed = with_session();
    for session in ["bbbbbbbb", "cccccccc"] {
        code(&bed, session);
        plant(&bed, "HEAD", session);
    }
    bed.git(&["checkout", "-q", "-b", "side"]);
    code(&bed, "side.txt");
    plant(&bed, "HEAD", "dddddddd");
    bed.commit("side");
    bed.git(&["checkout", "-q", "main"]);
    bed.git(&["checkout", "-q", "side", "--", "baselines"]);
    let left = |bed: &Bed| -> Vec<String> {
        let mut all: Vec<String> = bed
            .baselines()
            .iter()
            .map(|(p, _)| {
                p.display().to_string()[..].rsplit_once('-').expect("a name").1.to_owned()
            })
            .collect();
        all.sort();
        all
    };
    assert_eq!(left(&bed).len(), 4);
    bed.gate(&["baseline", "prune"]).assert(0, &["nothing to remove"]);
    bed.gate(&["baseline", "prune", "--keep", "2", "--dry-run"])
        .assert(0, &["would remove", "aaaaaaaa"]);
    assert_eq!(left(&bed).len(), 4);
    bed.gate(&["baseline", "prune", "--keep", "2"]).assert(
        0,
        &["removed", "aaaaaaaa", "1 not on this lineage left alone", "commit the removal"],
    );
    assert_eq!(left(&bed), ["bbbbbbbb.json", "cccccccc.json", "dddddddd.json"]);
}

#[test]
fn history_names_the_commit_at_which_a_metric_moved_and_the_limit_that_is_slack() {
    let limit = CONFIG.replace("requests: 4", "requests: 4, limits: {ttft_geomean: {max: 900ms}}");
    let bed = Bed::repository(&limit);
    let mut moved = String::new();
    for i in 0..14_u32 {
        let commit = code(&bed, &format!("c{i}"));
        let slow = i >= 8;
        if i == 8 {
            moved = commit;
        }
        // The level's own wobble is small beside the step.
        let ttft = if slow { 120.0 } else { 100.0 } + f64::from(i * 7 % 5);
        plant_with(&bed, "HEAD", &format!("{i:08x}"), &[("ttft_geomean_ms", ttft)]);
    }
    bed.commit("baselines");
    let ran = bed.gate(&["baseline", "history", "ttft_geomean", "--workload", "chat"]);
    ran.assert(
        0,
        &[
            "14 sessions",
            &format!("moved at {}", &moved[..12]),
            "limit ttft_geomean max",
            "is slack",
            "room",
        ],
    );
    assert!(ran.stdout.contains('▁') && ran.stdout.contains('█'), "{}", ran.stdout);
    assert_eq!(ran.stdout.matches("moved at").count(), 1, "{}", ran.stdout);
    bed.gate(&["baseline", "history", "tpot_geomean"]).assert(0, &["no change point"]);
    bed.gate(&["baseline", "history", "--html", "history.html"])
        .assert(0, &["written to history.html"]);
    let page = bed.read("history.html");
    assert!(
        page.contains("data-metric=\"ttft_geomean\"")
            && page.contains("class=\"moved\"")
            && page.contains(", authored "),
        "{page}"
    );
    bed.gate(&["baseline", "history"]).assert(2, &["METRIC"]);
    bed.gate(&["baseline", "history", "ttft_geomen"]).assert(2, &["no metric", "ttft_geomean"]);
    bed.gate(&["baseline", "history", "ttft_geomean", "--workload", "chta"])
        .assert(2, &["no session of workload", "chat"]);
}

const SMALL: &str = "\
version: 1
target: {sim: {noise: \"off\", request_overhead_ms: 250}}
workloads:
  - name: chat
    arrival: {closed: {concurrency: 8}}
    requests: 24
    prompts: {synthetic: {input_tokens: 16}}
    output_tokens: 4
    warmup: {requests: 1}
gate: {starts: 1, min_starts: 1, rounds: 1}
";

#[test]
fn a_record_of_clean_code_is_promoted_and_no_other() {
    let bed = Bed::repository(SMALL);
    bed.measure(&["run"]).assert(0, &[]);
    bed.write("new.txt", "not committed");
    bed.gate(&["baseline", "promote", ".goodput-gate/record.json"]).assert(2, &["no commit holds"]);
    assert!(bed.baselines().is_empty());
    bed.commit("later");
    // It is of the commit that was measured, not of this one.
    bed.gate(&["baseline", "promote", ".goodput-gate/record.json"]).assert(0, &["added"]);
    let (path, _) = bed.baselines().remove(0);
    assert!(
        path.display().to_string().contains(&bed.git(&["rev-parse", "HEAD~1"])[..12]),
        "{}",
        path.display()
    );
}
