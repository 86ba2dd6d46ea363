//! `bisect`: the commit that made it slow, by a command that prints a number; and once by a server.
//! Not here: what the starts say of the commits (unit tests of `judge::bisect`).

use serde_json::Value;

use crate::support::bed::{Bed, Ran};

/// What the number of a commit is multiplied by, oldest first.
struct Speeds<'a>(&'a [f64]);

/// Prints the commit's number, up to 1 % off in turn; each call adds a line to `calls`.
const NUMBER: &str = r#"#!/bin/sh
echo "$GOODPUT_GATE_COMMIT" >> "$HOME/calls"
test ! -e broken || exit 125
test "$(wc -l < "$HOME/calls")" != "$(cat "$HOME/dies" 2> /dev/null)" || exit 1
echo "some words"
awk -v s="$(cat speed)" -v n="$(wc -l < "$HOME/calls")" -v noise="$(cat "$HOME/noise")" \
  'BEGIN { split("0 1 -1 0.5 -0.5 0.8 -0.8", off, " "); print 100 * s * (1 + noise * off[n % 7 + 1]) }'
"#;

fn range(speeds: &Speeds<'_>) -> Bed {
    let bed = Bed::new();
    bed.git(&["init", "-q", "-b", "main", "."]);
    std::fs::write(bed.home().join("number.sh"), NUMBER).expect("a script");
    noise(&bed, 0.01);
    for (at, speed) in speeds.0.iter().enumerate() {
        bed.write("speed", &speed.to_string());
        bed.write("notes", &format!("change {at}"));
        bed.commit(&format!("Change {at}"));
    }
    bed
}

fn noise(bed: &Bed, noise: f64) {
    std::fs::write(bed.home().join("noise"), noise.to_string()).expect("a file");
}

fn good(speeds: &Speeds<'_>) -> String {
    format!("HEAD~{}", speeds.0.len() - 1)
}

fn search(bed: &Bed, args: &[&str]) -> Ran {
    bed.gate(&[&["bisect", "--run", "sh $HOME/number.sh"], args].concat())
}

fn answer(bed: &Bed) -> Value {
    bed.json(".goodput-gate/bisect/bisect.json")
}

fn calls(bed: &Bed) -> usize {
    std::fs::read_to_string(bed.home().join("calls")).map_or(0, |text| text.lines().count())
}

const ONE_STEP: Speeds<'static> =
    Speeds(&[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.08, 1.08, 1.08, 1.08, 1.08]);

#[test]
fn the_commit_that_made_it_slow_is_found_and_compared_with_its_parent() {
    let bed = range(&ONE_STEP);
    let ran = search(&bed, &[&good(&ONE_STEP)]);
    ran.assert(0, &["made it slower", "Change 7", "confirmed against its parent"]);
    let (found, culprit) = (answer(&bed), bed.git(&["rev-parse", "HEAD~4"]));
    assert_eq!(found["answer"], "found");
    assert_eq!(found["culprits"], serde_json::json!([culprit.trim()]));
    assert_eq!(found["commits"].as_array().map(Vec::len), Some(11));
    let explains = found["explains"].as_f64().expect("a share");
    assert!((0.8..1.2).contains(&explains), "{explains}");
    let starts = found["fresh_starts"].as_u64().expect("a count");
    assert!((2..=8).contains(&starts), "{starts}");
    assert!(bed.git(&["worktree", "list"]).lines().count() == 1, "no checkout is left");
}

#[test]
fn more_may_be_better() {
    let speeds = Speeds(&[1.0, 1.0, 0.9, 0.9]);
    let bed = range(&speeds);
    search(&bed, &["--higher-is-better", "HEAD~3"]).assert(0, &["Change 2", "confirmed"]);
    // The same numbers without it: nothing became slower.
    search(&bed, &["HEAD~3"]).assert(0, &["no regression in this range"]);
    assert_eq!(answer(&bed)["answer"], "no_regression");
}

#[test]
fn several_steps_are_told_by_what_one_explains() {
    let speeds = Speeds(&[1.0, 1.1, 1.1, 1.1, 1.1, 1.32, 1.32]);
    let bed = range(&speeds);
    search(&bed, &["HEAD~6"]).assert(0, &["Change 5", "other commits of this range are slow"]);
}

#[test]
fn a_number_that_never_varies_is_followed_too() {
    let bed = range(&ONE_STEP);
    noise(&bed, 0.0);
    search(&bed, &[&good(&ONE_STEP)]).assert(0, &["Change 7", "confirmed against its parent"]);
}

#[test]
fn a_folder_of_somebody_else_is_not_touched() {
    let bed = range(&Speeds(&[1.0, 1.1]));
    std::fs::create_dir(bed.path("bisect")).expect("a folder");
    bed.write("bisect/mine", "kept");
    search(&bed, &["--out", ".", "HEAD~1"]).assert(2, &["no search has made it"]);
    assert_eq!(bed.read("bisect/mine"), "kept");
}

#[test]
fn noise_blames_nobody() {
    let bed = range(&Speeds(&[1.0, 1.0, 1.03, 1.03]));
    noise(&bed, 0.06);
    search(&bed, &["HEAD~3"]).assert(5, &["no commit is blamed"]);
    assert_eq!(answer(&bed)["answer"], "ends_open");
}

#[test]
fn commits_that_cannot_be_tested_are_told_together() {
    let bed = range(&Speeds(&[1.0, 1.0, 1.0]));
    for (name, speed) in [("a", 1.0), ("b", 1.1)] {
        bed.write("broken", name);
        bed.write("speed", &f64::to_string(&speed));
        bed.commit(&format!("Broken {name}"));
    }
    bed.git(&["rm", "-q", "broken"]);
    bed.commit("Works again");
    let ran = search(&bed, &["HEAD~5"]);
    ran.assert(0, &["one of 3 commits made it slower", "is skipped", "exit 125"]);
    let culprits = answer(&bed)["culprits"].clone();
    assert_eq!(culprits.as_array().map(Vec::len), Some(3), "{culprits}");
}

#[test]
fn a_search_that_was_cut_short_goes_on() {
    let bed = range(&ONE_STEP);
    std::fs::write(bed.home().join("dies"), "9").expect("a file");
    let from = good(&ONE_STEP);
    search(&bed, &[&from]).assert(3, &["the command of --run failed", "exit 125 skips"]);
    let before = calls(&bed);
    let other = search(&bed, &["--budget", "3", "--higher-is-better", &from]);
    other.assert(2, &["an unfinished search lies in", "--restart throws it away"]);
    search(&bed, &[&from]).assert(0, &["goes on with the unfinished search", "Change 7"]);
    let whole = range(&ONE_STEP);
    search(&whole, &[&from]).assert(0, &["Change 7"]);
    assert!(calls(&bed) - before < calls(&whole), "it did not begin anew");
    std::fs::write(bed.home().join("dies"), (calls(&bed) + 5).to_string()).expect("a file");
    search(&bed, &[&from]).assert(3, &["the command of --run failed"]);
    search(&bed, &["--restart", "--higher-is-better", &from]).assert(0, &["no regression"]);
}

#[test]
fn a_spent_budget_leaves_a_window() {
    let bed = range(&ONE_STEP);
    let ran = search(&bed, &["--budget", "1", &good(&ONE_STEP)]);
    ran.assert(5, &["not found within 1 starts", "is one of"]);
    assert_eq!(answer(&bed)["answer"], "window");
    let more = search(&bed, &["--budget", "9", &good(&ONE_STEP)]);
    more.assert(0, &["goes on with the unfinished search", "Change 7"]);
}

#[test]
fn only_commits_that_change_a_path_count() {
    let bed = range(&Speeds(&[1.0, 1.0, 1.1, 1.1]));
    let ran = search(&bed, &["--path", "speed", "HEAD~3"]);
    // Two positions: the gate at both ends is the comparison with the parent.
    ran.assert(0, &["3 commits after", "1 of them with files of their own", "Change 2"]);
    assert_eq!(answer(&bed)["fresh_starts"], 0);
    search(&bed, &["--path", "nothing", "HEAD~3"]).assert(2, &["hold the same files"]);
}

#[test]
fn what_is_no_range_or_no_number_is_refused() {
    let bed = range(&Speeds(&[1.0, 1.1]));
    search(&bed, &["HEAD", "HEAD~1"]).assert(2, &["is not on the first-parent history of"]);
    search(&bed, &["nowhere"]).assert(2, &["no commit, branch or tag"]);
    search(&bed, &["HEAD", "HEAD"]).assert(2, &["hold the same files"]);
    let words = bed.gate(&["bisect", "--run", "echo slow", "HEAD~1"]);
    words.assert(3, &["the last line of --run's output is no number"]);
    bed.write(
        "goodput-gate.yaml",
        "version: 1\ntarget: {base_url: \"http://127.0.0.1:1/v1\"}\nworkloads: [{name: chat}]\n",
    );
    bed.gate(&["bisect", "HEAD~1"]).assert(2, &["this config starts none", "server.start"]);
}

const SERVED: &str = "\
version: 1
server: {start: sh serve.sh}
gate: {mode: interleaved, max_pairs: 3, rounds: 1}
workloads: [{name: chat, arrival: {poisson: {rate: 10}}, requests: 30, warmup: 4}]
";

/// Six commits of the simulated server, of which the fourth decodes 40 % slower: the config's own
/// server, builds and load.
#[test]
#[ignore = "a minute or two of real starts"]
fn a_server_of_each_commit_is_started_and_measured() {
    let bed = Bed::new();
    bed.git(&["init", "-q", "-b", "main", "."]);
    let program = env!("CARGO_BIN_EXE_goodput-gate");
    let serve = "sim --listen 127.0.0.1:$PORT --set decode_factor=$(cat speed)";
    bed.write("serve.sh", &format!("exec {program} {serve}\n"));
    bed.write("goodput-gate.yaml", SERVED);
    for (at, speed) in [1.0, 1.0, 1.0, 1.4, 1.4, 1.4].into_iter().enumerate() {
        bed.write("speed", &f64::to_string(&speed));
        bed.write("notes", &format!("change {at}"));
        bed.commit(&format!("Change {at}"));
    }
    bed.gate(&["bisect", "--dry-run", "HEAD~5"]).assert(0, &["5 commits after", "nothing is sent"]);
    let ran = bed.measure(&["bisect", "--metric", "tpot_geomean", "HEAD~5"]);
    ran.assert(0, &["Change 3", "TPOT (chat)", "confirmed against its parent"]);
    assert!(bed.path(".goodput-gate/bisect/culprit/report.html").exists());
}
