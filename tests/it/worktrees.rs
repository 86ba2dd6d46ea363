//! The commit that is built beside the candidate: never the candidate itself, with files as the
//! checkout has them, and removed whatever became of the gate.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use crate::support::bed::Bed;

const CONFIG: &str = "\
version: 1
target: {base_url: \"http://127.0.0.1:${PORT}/v1\", model: m}
server: {build: BUILD, start: \"false\"}
workloads: [{name: chat, requests: 4}]
gate: {mode: interleaved, rounds: 1}
";
const DRY: [&str; 2] = ["check", "--dry-run"];
const PARENT: &str = "the commit before HEAD";

/// Two commits; `data.bin` goes through a filter, and the build shows what is in it.
fn filtered() -> Bed {
    let bed = Bed::new();
    bed.git(&["init", "-q", "-b", "main", "."]);
    for (key, value) in [("clean", "tr A-Z a-z"), ("smudge", "tr a-z A-Z")] {
        bed.git(&["config", &format!("filter.up.{key}"), value]);
    }
    let build = format!("'cp data.bin {}/seen-$GOODPUT_GATE_SIDE'", bed.home().display());
    bed.write("goodput-gate.yaml", &CONFIG.replace("BUILD", &build));
    bed.write(".gitattributes", "*.bin filter=up\n");
    bed.write("data.bin", "SHOUTED\n");
    bed.commit("a filter");
    bed.write("code", "other");
    bed.commit("code");
    bed
}

fn touched(bed: &Bed, name: &str) {
    let file = File::options().write(true).open(bed.path(name)).expect("it is there");
    file.set_modified(SystemTime::now() - Duration::from_secs(3600)).expect("it is ours");
}

#[test]
fn what_git_calls_clean_is_not_compared_with_itself() {
    let bed = filtered();
    bed.gate(&DRY).assert(0, &[PARENT]);
    touched(&bed, "data.bin");
    bed.gate(&DRY).assert(0, &[PARENT]);
    bed.write("data.bin", "SHOUTED LOUDER\n");
    bed.gate(&DRY).assert(0, &["HEAD, without the working tree's changes"]);
    // Without git nobody can tell, and nobody guesses.
    bed.write("data.bin", "SHOUTED\n");
    touched(&bed, "data.bin");
    bed.gate_with("", &[("PATH", "/nowhere")], &["check"])
        .assert(2, &["data.bin", "takes its filter", "install git"]);
}

#[test]
fn a_sparse_checkout_is_not_compared_with_itself() {
    let bed = filtered();
    fs::create_dir(bed.path("left")).expect("a folder");
    bed.write("left/out", "something");
    bed.commit("a folder");
    bed.git(&["sparse-checkout", "set", "other"]);
    assert!(!bed.path("left/out").exists());
    for env in [&[][..], &[("PATH", "/nowhere")]] {
        bed.gate_with("", env, &DRY).assert(0, &[PARENT]);
    }
}

#[test]
fn in_ci_the_commit_is_under_test_whatever_a_build_wrote_over() {
    let bed = filtered();
    bed.write("code", "stamped by a build");
    bed.gate_with("", &[("CI", "true")], &DRY).assert(0, &[PARENT]);
    bed.gate(&DRY).assert(0, &["HEAD, without the working tree's changes"]);
}

#[test]
fn a_commit_is_not_compared_with_itself() {
    let bed = filtered();
    bed.write("untracked", "a note");
    let to_head = ["check", "--set", "gate.baseline={ref: HEAD}"];
    let said = ["the baseline is the commit under test itself", "hint: name another commit"];
    bed.gate(&to_head).assert(2, &said);
    bed.write("code", "changed");
    bed.gate(&to_head).assert(3, &[]);
    bed.gate_with("", &[("CI", "true")], &to_head).assert(2, &said);
}

#[test]
fn the_baselines_files_are_filtered_as_the_checkouts() {
    let bed = filtered();
    bed.gate(&["check"]).assert(3, &[]);
    let seen = |side: &str| {
        fs::read_to_string(bed.home().join(format!("seen-{side}"))).expect("it was built")
    };
    assert_eq!((seen("baseline"), seen("candidate")), ("SHOUTED\n".into(), "SHOUTED\n".into()));
    // Where the filter does not run, the two would differ by that alone.
    bed.git(&["config", "filter.up.smudge", "cat"]);
    let said =
        ["the checkout has the content of \"data.bin\"", "a pointer of LFS", "`git lfs install`"];
    bed.gate(&["check"]).assert(3, &said);
    assert!(bed.read(".goodput-gate/report.json").contains("data.bin"), "and every report says so");
    // Both alike are compared.
    bed.write("data.bin", "shouted\n");
    bed.gate(&["check"]).assert(3, &[]);
    assert_eq!(seen("candidate"), "shouted\n");
    assert_eq!(bed.git(&["worktree", "list"]).lines().count(), 1);
}

#[test]
fn a_worktree_that_cannot_be_made_leaves_its_reports() {
    let bed = filtered();
    bed.gate_with("", &[("TMPDIR", "/nowhere")], &["check"])
        .assert(3, &["cannot check out the baseline's commit"]);
    for report in ["report.json", "report.md", "junit.xml"] {
        assert!(
            bed.read(&format!(".goodput-gate/{report}")).contains("cannot check out"),
            "{report}"
        );
    }
}

#[test]
fn what_a_killed_gate_left_is_removed_at_the_next_start() {
    let mut bed = filtered();
    let temporary = bed.home().join("tmp");
    fs::create_dir(&temporary).expect("a folder");
    bed.set("TMPDIR", temporary.to_str().expect("text"));
    let left = |name: &str, age: u64| {
        let folder = temporary.join(name);
        fs::create_dir(&folder).expect("a folder");
        let lock = File::create(folder.join("lock")).expect("a file");
        lock.set_modified(SystemTime::now() - Duration::from_secs(age)).expect("it is ours");
        (folder, lock)
    };
    let (dead, _) = left("goodput-gate-dead", 100);
    let (young, _) = left("goodput-gate-young", 0);
    let (living, lock) = left("goodput-gate-living", 100);
    lock.lock().expect("nobody has it");
    let (others, _) = left("something-else", 100);
    let worktree = temporary.join("goodput-gate-known");
    fs::create_dir(&worktree).expect("a folder");
    bed.git(&[
        "worktree",
        "add",
        "-q",
        "--detach",
        worktree.join("goodput-gate-known").to_str().expect("text"),
        "HEAD",
    ]);
    File::create(worktree.join("lock")).expect("a file");
    // Any check will do.
    bed.gate(&["check", "--set", "gate.mode=limits"]).assert(3, &[]);
    let there = [&dead, &young, &living, &others, &worktree].map(|folder| folder.exists());
    assert_eq!(there, [false, true, true, true, false]);
    assert_eq!(bed.git(&["worktree", "list"]).lines().count(), 1);
}
