//! Whose policy counts: the base's in CI, the working tree's elsewhere. What a change alters in it
//! is said, and does not count.

mod sides;

use crate::support::bed::Bed;
use crate::support::lineage::plant;

const CONFIG: &str = "\
version: 1
target: {sim: {noise: \"off\", request_overhead_ms: 250}}
workloads:
  - name: chat
    arrival: {closed: {concurrency: 8}}
    requests: 24
    prompts: {synthetic: {input_tokens: 16}}
    output_tokens: 4
    warmup: {requests: 1}
    limits: {ttft_p50: {max: 1ms}}
gate: {mode: limits, starts: 1, rounds: 1}
";

const CI: [(&str, &str); 1] = [("CI", "true")];

/// A branch with another config than main's, whose limit nothing keeps.
fn changed(config: &str) -> Bed {
    let bed = Bed::repository(CONFIG);
    bed.git(&["checkout", "-q", "-b", "feature"]);
    bed.write("goodput-gate.yaml", config);
    bed.commit("another config");
    bed
}

#[test]
fn a_change_cannot_loosen_the_gate_that_judges_it() {
    let bed =
        changed(&CONFIG.replace("max: 1ms", "max: 9s").replace("requests: 24", "requests: 32"));
    bed.gate(&["check", "--dry-run"]).assert(0, &["32 requests"]);
    let said = ["this change alters workloads in goodput-gate.yaml", "main (", "24 requests"];
    bed.gate_with("", &CI, &["check", "--dry-run"]).assert(0, &said);
    bed.gate(&["check", "--dry-run", "--base", "main"]).assert(0, &said);
    bed.measure(&["check"]).assert(0, &["p50 TTFT"]);
    bed.measure(&["check", "--base", "main"])
        .assert(1, &["FAIL", "over its limit", "note: this change alters workloads"]);
    let notices = bed.json(".goodput-gate/report.json")["notices"].to_string();
    assert!(notices.contains("this change alters workloads"), "{notices}");
    for file in ["report.md", "junit.xml"] {
        assert!(
            bed.read(&format!(".goodput-gate/{file}")).contains("this change alters workloads"),
            "{file}"
        );
    }
    // A config of a name that is looked for first is no way out either.
    let loose = bed.read("goodput-gate.yaml");
    std::fs::create_dir(bed.path(".github")).expect("a folder");
    bed.write(".github/goodput-gate.yaml", &loose);
    bed.gate_with("", &CI, &["check", "--dry-run"])
        .assert(0, &["this change alters workloads", "24 requests"]);
}

#[test]
fn a_config_that_a_link_leads_to_outside_is_not_trusted_in_silence() {
    let bed = Bed::repository(CONFIG);
    let outside = bed.home().join("outside");
    std::fs::create_dir(&outside).expect("a folder");
    std::fs::write(outside.join("goodput-gate.yaml"), CONFIG.replace("max: 1ms", "max: 9s"))
        .expect("a config");
    bed.git(&["checkout", "-q", "-b", "feature"]);
    std::os::unix::fs::symlink(&outside, bed.path("linked")).expect("a link");
    bed.commit("a config elsewhere");
    let said = [
        "this change's config is linked/goodput-gate.yaml",
        ":goodput-gate.yaml says is what counts here",
    ];
    bed.gate_with("", &CI, &["check", "--dry-run", "--config", "linked/goodput-gate.yaml"])
        .assert(0, &said);
}

/// Each entry asks for so many tokens.
fn dataset(output_tokens: u32) -> String {
    let entry =
        |i: u32| format!("{{\"prompt\": \"why {i}?\", \"output_tokens\": {output_tokens}}}\n");
    (0..16).map(entry).collect::<Vec<_>>().concat()
}

#[test]
fn a_change_cannot_choose_the_data_that_it_is_measured_with() {
    let config = |file: &str| {
        let data = format!("prompts: {{dataset: {{file: {file}}}}}");
        CONFIG
            .replace("prompts: {synthetic: {input_tokens: 16}}", &data)
            .replace("requests: 24", "requests: 14")
            .replace("concurrency: 8", "concurrency: 2")
    };
    let bed = Bed::repository(&config("d.jsonl"));
    bed.write("d.jsonl", &dataset(40));
    bed.commit("data");
    let dry = |env: &[(&str, &str)], words: &[&str]| {
        bed.gate_with("", env, &["check", "--dry-run"]).assert(0, words);
    };
    bed.git(&["checkout", "-q", "-b", "feature"]);
    dry(&CI, &[" 600 output tokens per start"]);
    bed.write("d.jsonl", &dataset(1));
    bed.commit("lighter data");
    let said = [
        "this change alters d.jsonl, which a workload sends",
        "main (",
        " 600 output tokens per start",
    ];
    dry(&[], &[" 15 output tokens per start"]);
    dry(&CI, &said);
    bed.git(&["rm", "-q", "d.jsonl"]);
    bed.commit("no data");
    dry(&CI, &said);
    bed.measure_in("", &["check", "--base", "main"])
        .assert(1, &["FAIL", "this change alters d.jsonl"]);
    for report in ["report.json", "report.md", "report.html", "junit.xml"] {
        assert!(
            bed.read(&format!(".goodput-gate/{report}")).contains("this change alters d.jsonl"),
            "{report}"
        );
    }
    // What the base does not have is named: nobody has reviewed it.
    let elsewhere = |file: &str, words: &[&str]| {
        bed.git(&["checkout", "-q", "main"]);
        bed.write("goodput-gate.yaml", &config(file));
        bed.commit("data from elsewhere");
        bed.git(&["checkout", "-q", "-B", "feature"]);
        std::fs::write(bed.path(file), dataset(1)).expect("it can be written");
        bed.git(&["commit", "-q", "--allow-empty", "-m", "a change"]);
        dry(&CI, &[&[" 15 output tokens per start"], words].concat());
    };
    elsewhere(
        "untracked.jsonl",
        &["untracked.jsonl, which a workload sends, is no file of main ("],
    );
    elsewhere(
        "../outside.jsonl",
        &["../outside.jsonl, which a workload sends, lies outside this repository"],
    );
}

#[test]
fn data_in_git_lfs_is_known_by_its_digest() {
    let large = CONFIG
        .replace("prompts: {synthetic: {input_tokens: 16}}", "prompts: {dataset: {file: d.jsonl}}");
    let bed = Bed::repository(
        &large.replace("requests: 24", "requests: 14").replace("concurrency: 8", "concurrency: 2"),
    );
    let digest = hex(&<sha2::Sha256 as sha2::Digest>::digest(dataset(40)));
    bed.write(
        "d.jsonl",
        &format!("version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize 9\n"),
    );
    bed.commit("a pointer");
    bed.git(&["checkout", "-q", "-b", "feature"]);
    bed.commit("a change");
    let dry = || bed.gate_with("", &CI, &["check", "--dry-run"]);
    bed.write("d.jsonl", &dataset(40));
    let same = dry();
    same.assert(0, &[" 600 output tokens per start"]);
    assert!(!same.text().contains("which a workload sends"), "{}", same.stdout);
    bed.write("d.jsonl", &dataset(1));
    dry().assert(
        0,
        &[
            " 15 output tokens per start",
            "d.jsonl, which a workload sends, is not the file that main (",
            "(in Git LFS)",
        ],
    );
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[test]
fn without_a_config_on_the_base_the_changes_own_counts_and_that_is_said() {
    let bed = Bed::new();
    bed.git(&["init", "-q", "-b", "main", "."]);
    bed.commit("no gate yet");
    bed.git(&["checkout", "-q", "-b", "feature"]);
    bed.write("goodput-gate.yaml", CONFIG);
    bed.commit("a gate");
    bed.gate_with("", &CI, &["check", "--dry-run"])
        .assert(0, &["has no config: this checkout's own policy counts", "24 requests"]);
}

#[test]
fn a_config_on_the_base_that_nobody_can_read_gives_no_change_its_own_policy() {
    let bed = Bed::repository(CONFIG);
    bed.write("goodput-gate.yaml", "workloads: [");
    bed.commit("broken");
    bed.git(&["checkout", "-q", "-b", "feature"]);
    bed.write("goodput-gate.yaml", CONFIG);
    bed.commit("mended");
    let said = [
        "the policy of the base cannot be used",
        "goodput-gate.yaml:1:12",
        "hint: mend it on the base branch",
    ];
    bed.gate_with("", &CI, &["check", "--dry-run"]).assert(2, &said);
    // The way out for the change that mends it.
    bed.gate_with("", &CI, &["check", "--dry-run", "--base", "main~1"]).assert(0, &["24 requests"]);
}

#[test]
fn what_a_change_does_to_baselines_is_said() {
    let bed = changed(CONFIG);
    plant(&bed, "HEAD", "aaaaaaaa");
    bed.commit("a baseline of its own");
    let ran = bed.gate(&["baseline", "resolve"]);
    ran.assert(0, &["this change alters files in baselines", "no session there"]);
}

/// What is found through a link here is the change's; what the base has at that place counts.
#[test]
fn a_link_of_the_change_leads_to_no_other_policy() {
    let bed = Bed::repository(CONFIG);
    for (folder, max) in [("ci", "1ms"), ("examples", "9s")] {
        std::fs::create_dir(bed.path(folder)).expect("a folder");
        bed.write(
            &format!("{folder}/gate.yaml"),
            &CONFIG.replace("max: 1ms", &format!("max: {max}")),
        );
    }
    bed.commit("two configs");
    bed.git(&["checkout", "-q", "-b", "feature"]);
    std::fs::remove_dir_all(bed.path("ci")).expect("its folder");
    std::os::unix::fs::symlink("examples", bed.path("ci")).expect("a link");
    bed.commit("the looser one, by a link");
    let said = ["FAIL", "at most 1.00 ms", "this change alters workloads in ci/gate.yaml"];
    bed.measure(&["check", "--base", "main", "--config", "ci/gate.yaml"]).assert(1, &said);
}

/// Where the base's own config is a link, what it leads to counts, as the base has it.
#[test]
fn a_config_that_is_a_link_on_the_base_is_read_there() {
    let bed = Bed::repository(CONFIG);
    std::fs::create_dir(bed.path("ci")).expect("a folder");
    bed.write("ci/gate.yaml", CONFIG);
    std::fs::remove_file(bed.path("goodput-gate.yaml")).expect("its file");
    std::os::unix::fs::symlink("ci/gate.yaml", bed.path("goodput-gate.yaml")).expect("a link");
    bed.commit("a config behind a link");
    bed.git(&["checkout", "-q", "-b", "feature"]);
    bed.write("ci/gate.yaml", &CONFIG.replace("requests: 24", "requests: 32"));
    bed.commit("another load");
    bed.gate_with("", &CI, &["check", "--dry-run"])
        .assert(0, &["24 requests", "this change alters workloads"]);
}

/// The config that a change takes away is not replaced by a looser one of the base.
#[test]
fn a_config_that_the_change_removed_still_counts() {
    let bed = Bed::repository(&CONFIG.replace("requests: 24", "requests: 32"));
    std::fs::create_dir(bed.path(".github")).expect("a folder");
    bed.write(".github/goodput-gate.yaml", CONFIG);
    bed.commit("two configs");
    bed.git(&["checkout", "-q", "-b", "feature"]);
    std::fs::remove_file(bed.path(".github/goodput-gate.yaml")).expect("its file");
    bed.commit("without the first");
    let said = [
        "24 requests",
        "this change's config is goodput-gate.yaml",
        ".github/goodput-gate.yaml says is what counts",
    ];
    bed.gate_with("", &CI, &["check", "--dry-run"]).assert(0, &said);
}

/// A reader of `junit.xml` sees no exit code: a pass of an earlier commit must not lie there.
#[test]
fn a_config_that_cannot_be_read_leaves_no_report_of_an_earlier_check() {
    let bed = Bed::repository(&CONFIG.replace("max: 1ms", "max: 9s"));
    bed.measure(&["check"]).assert(0, &["p50 TTFT"]);
    bed.write("goodput-gate.yaml", &CONFIG.replace("workloads", "workload"));
    bed.gate(&["check", "--dry-run"]).assert(2, &["workload"]);
    assert!(bed.path(".goodput-gate/junit.xml").exists(), "a dry run changes nothing");
    bed.gate(&["check"]).assert(2, &["workload"]);
    for file in ["report.json", "report.md", "report.html", "junit.xml"] {
        assert!(!bed.path(&format!(".goodput-gate/{file}")).exists(), "{file}");
    }
    assert!(bed.path(".goodput-gate/record.json").exists(), "it cost a measurement");
}
