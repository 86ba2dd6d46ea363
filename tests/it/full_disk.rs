//! What cannot be written changes no verdict: a full disk, a full standard output, and files
//! without an end.
//!
//! Not here: what the verdicts rest on.

use std::process::Stdio;

use serde_json::json;

use crate::support::bed::{Bed, Ran};

/// A check by limits alone, one that holds (`10s`) or one that does not (`1us`). The server is
/// slow, so that a busy machine disturbs little.
fn bed(limit: &str) -> Bed {
    let load = "name: chat, arrival: {closed: {concurrency: 4}}, requests: 14, output_tokens: 8, warmup: {requests: 2}";
    Bed::repository(&format!(
        "version: 1\ntarget: {{sim: {{request_overhead_ms: 150}}}}\ngate: {{mode: limits, starts: 1, rounds: 1}}\nworkloads:\n  - {{{load}, limits: {{ttft_p50: {{max: {limit}}}}}}}\n"
    ))
}

/// With a standard output that takes nothing.
fn into_full(bed: &Bed, args: &[&str]) -> Ran {
    let full = std::fs::File::options().write(true).open("/dev/full").expect("it is there");
    Ran::read(
        &bed.command("")
            .args(args)
            .stdout(full)
            .stderr(Stdio::piped())
            .output()
            .expect("it starts"),
    )
}

/// Where no file may have more than so many blocks of 512 bytes.
fn on_full_disk(bed: &Bed, blocks: u32, args: &[&str]) -> Ran {
    let plain = bed.command("");
    let mut shell = std::process::Command::new("/bin/sh");
    shell
        .args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\""), "sh"])
        .arg(plain.get_program())
        .args(args);
    shell.env_clear().current_dir(bed.path("")).stdin(Stdio::null());
    shell.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Ran::read(&shell.output().expect("it starts"))
}

fn retried(run: impl Fn() -> Ran) -> Ran {
    (0..4).map(|_| run()).find(|ran| !ran.client_was_late()).unwrap_or_else(&run)
}

#[test]
fn a_verdict_stands_where_standard_output_is_full() {
    for (limit, code, verdict) in [("10s", 0, "passed"), ("1us", 1, "failed")] {
        let bed = bed(limit);
        let ran = (0..4)
            .map(|_| into_full(&bed, &["check"]))
            .find(|r| r.code != Some(3))
            .expect("a quiet moment");
        ran.assert(code, &["cannot write to standard output", "No space left"]);
        assert_eq!(bed.json(".goodput-gate/report.json")["verdict"], json!(verdict));
        assert_eq!(bed.json(".goodput-gate/report.json")["exit_code"], json!(code));
    }
}

#[test]
fn a_report_that_cannot_be_written_changes_no_verdict() {
    // The record has some kB, the page has more.
    for (limit, code, word) in [("10s", 0, "PASS"), ("1us", 1, "FAIL")] {
        let bed = bed(limit);
        let ran = retried(|| on_full_disk(&bed, 40, &["check"]));
        ran.assert(code, &[word, "report.html could not be written", "File too large"]);
        assert_eq!(
            bed.json(".goodput-gate/report.json")["exit_code"],
            json!(code),
            "the others are there"
        );
        assert!(bed.path(".goodput-gate/record.json").is_file());
    }
}

#[test]
fn measurements_that_cannot_be_kept_are_exit_3_and_a_failure_stays_one() {
    for (limit, code, word) in [("10s", 3, "PASS"), ("1us", 1, "FAIL")] {
        let bed = bed(limit);
        let ran = retried(|| on_full_disk(&bed, 1, &["check"]));
        ran.assert(code, &[word, "the measurement could not be saved", "the measurement goes on"]);
        assert!(!bed.path(".goodput-gate/record.json").exists());
    }
    let bed = bed("10s");
    on_full_disk(&bed, 1, &["run"]).assert(3, &["the measurement could not be saved"]);
    // Nothing is added that is not kept.
    let update = retried(|| on_full_disk(&bed, 1, &["baseline", "update"]));
    update.assert(3, &["hint"]);
    assert!(bed.baselines().is_empty());
    retried(|| on_full_disk(&bed, 40, &["run", "--record", "/dev/full"]))
        .assert(3, &["the measurement could not be saved"]);
    retried(|| on_full_disk(&bed, 1000, &["run", "--raw", "/dev/full"]))
        .assert(3, &["the measurement could not be saved"]);
}

#[test]
fn github_is_told_what_could_not_be_written() {
    let bed = bed("1us");
    let (summary, output) = (bed.path("summary"), bed.path("output"));
    let env = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_STEP_SUMMARY", summary.to_str().expect("text")),
        ("GITHUB_OUTPUT", output.to_str().expect("text")),
    ];
    let full = std::fs::File::options().write(true).open("/dev/full").expect("it is there");
    std::fs::create_dir_all(bed.path(".goodput-gate")).expect("a folder");
    let run = || {
        let out = bed
            .command("")
            .envs(env)
            .arg("check")
            .stdout(full.try_clone().expect("a copy"))
            .output()
            .expect("it starts");
        Ran::read(&out)
    };
    let ran = (0..4).map(|_| run()).find(|r| r.code != Some(3)).expect("a quiet moment");
    ran.assert(1, &["::error title=goodput-gate::FAIL", "cannot write to standard output"]);
    assert!(bed.read("summary").contains("FAIL") && bed.read("output").contains("exit_code"));
}

#[test]
fn every_verb_has_the_code_that_is_documented_where_its_words_cannot_be_written() {
    let bed = bed("10s");
    bed.gate(&["run"]);
    let record = ".goodput-gate/record.json";
    for (args, code) in [
        (&["report", record, "--format", "md"][..], 2),
        (&["report", record, "--format", "xlsx"], 2),
        (&["report", record, "--format", "html", "-o", "/dev/full"], 2),
        (&["schema", "record"], 2),
        (&["run", "--dry-run"], 2),
        (&["baseline", "list"], 2),
        (&["baseline", "history"], 2),
        (&["doctor"], 2),
        (&["selftest", "--gates", "2", "--only", "demo"], 2),
        // A verdict stands.
        (&["compare", record, record, "--format", "json"], 0),
        (&["compare", record, record], 0),
        (&["--version"], 2),
        (&["--help"], 2),
    ] {
        let ran = into_full(&bed, args);
        let told = ran.stderr.contains("standard output")
            || ran.stderr.contains("/dev/full")
            || ran.code == Some(2);
        assert!(told, "{args:?}: {ran:?}");
        if args[0] == "compare" {
            assert_ne!(ran.code, Some(2), "{args:?}: {ran:?}");
        } else {
            assert_eq!(ran.code, Some(code), "{args:?}: {ran:?}");
        }
    }
}

#[test]
fn what_has_no_end_or_no_writer_is_refused_and_not_read() {
    let bed = bed("10s");
    std::process::Command::new("mkfifo").arg(bed.path("pipe")).status().expect("it is installed");
    std::os::unix::fs::symlink("/dev/zero", bed.path("zero")).expect("a link");
    std::fs::create_dir_all(bed.path("sessions")).expect("a folder");
    std::os::unix::fs::symlink("/dev/zero", bed.path("sessions/s.json")).expect("a link");
    std::fs::create_dir_all(bed.path("older")).expect("a folder");
    std::os::unix::fs::symlink("/dev/zero", bed.path("older/targets.yaml")).expect("a link");
    for odd in ["pipe", "zero", "/dev/zero", "."] {
        let set = format!("workloads.0.prompts={{dataset: {{file: {odd}}}}}");
        for args in [
            &["report", odd, "--format", "md"][..],
            &["compare", odd, odd],
            &["compare", odd, odd, "--rank"],
            &["import", odd],
            &["run", "--config", odd],
            &["accept", "--reason", "x", odd],
            &["sim", "--replay", odd],
            &["run", "--set", &set],
            &["baseline", "update", "--from", odd],
            &[
                "run",
                "--set",
                &format!("target.ca_file={odd}"),
                "--set",
                "target.sim=null",
                "--base-url",
                "https://127.0.0.1:9/v1",
            ],
        ] {
            let ran = bed.gate(args);
            assert!(
                matches!(ran.code, Some(2 | 3)) && ran.stderr.contains("error"),
                "{args:?}: {ran:?}"
            );
        }
    }
    bed.gate(&["compare", "sessions", "zero"]).assert(2, &["no file"]);
    bed.gate(&["init", "--from", "older", "--dir", "older", "--yes"]).assert(2, &["no file"]);
    // A shell hands over pipes by these names.
    let piped = |args: &str| {
        let line = format!("cat goodput-gate.yaml | \"$0\" {args}");
        let plain = bed.command("");
        let mut shell = std::process::Command::new("/bin/sh");
        shell.args(["-c", &line]).arg(plain.get_program()).current_dir(bed.path("")).env_clear();
        shell.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Ran::read(&shell.output().expect("it starts"))
    };
    piped("run --dry-run --config /dev/stdin").assert(0, &["chat"]);
}

#[test]
fn outputs_that_are_no_files_are_named() {
    let bed = bed("10s");
    bed.gate(&["run"]);
    for (out, why) in
        [(".", "folder"), ("none/x.md", "there is no folder none"), ("/dev/full", "No space left")]
    {
        bed.gate(&["report", ".goodput-gate/record.json", "--format", "md", "-o", out])
            .assert(2, &["cannot write", why]);
    }
    bed.write("file", "");
    for out in ["file", "/dev/full", "file/x"] {
        let ran = bed.gate(&["check", "--out", out]);
        ran.assert(2, &["cannot"]);
        let record = ".goodput-gate/record.json";
        let ran = bed.gate(&["compare", record, record, "--out", out]);
        assert!(
            ran.code != Some(2)
                && ran.stderr.contains("could not be written")
                && !ran.stdout.is_empty(),
            "{ran:?}"
        );
    }
}
