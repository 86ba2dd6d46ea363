//! In which language a report is written: the flag, then the environment, then the config of the
//! folder. Not here: what the sentences say.

use std::fs;
use std::path::Path;
use std::process::Output;

use crate::support::{fixture, is_korean, program};

const CONFIG: &str = "version: 1\nlang: ko\ntarget: {sim: {}}\nworkloads: [{preset: quick}]\n";

fn report(format: &str, flag: &[&str], env: &[(&str, &str)], folder: &Path) -> Output {
    let mut command = program(folder, folder);
    command.arg("report").arg(fixture("records/candidate.json"));
    command
        .args(["--format", format])
        .args(flag)
        .envs(env.iter().copied())
        .output()
        .expect("it starts")
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_flag_wins_over_the_environment_and_that_over_the_config() {
    let (plain, configured) =
        (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    fs::write(configured.path().join("goodput-gate.yaml"), CONFIG).expect("written");
    let korean = |flag: &[&str], env: &[(&str, &str)], folder: &Path| {
        is_korean(&text(&report("md", flag, env, folder)))
    };
    assert!(!korean(&[], &[], plain.path()));
    assert!(korean(&[], &[], configured.path()));
    assert!(!korean(&[], &[("GOODPUT_GATE_LANG", "en")], configured.path()));
    assert!(korean(&["--lang", "ko"], &[("GOODPUT_GATE_LANG", "en")], plain.path()));
}

#[test]
fn what_machines_read_is_english() {
    let folder = tempfile::tempdir().expect("a folder");
    for format in ["json", "csv", "junit"] {
        assert!(
            !is_korean(&text(&report(format, &["--lang", "ko"], &[], folder.path()))),
            "{format}"
        );
    }
    for format in ["terminal", "md", "html"] {
        assert!(
            is_korean(&text(&report(format, &["--lang", "ko"], &[], folder.path()))),
            "{format}"
        );
    }
}

#[test]
fn an_unknown_language_is_refused_wherever_it_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    for output in [
        report("md", &["--lang", "de"], &[], folder.path()),
        report("md", &[], &[("GOODPUT_GATE_LANG", "de")], folder.path()),
    ] {
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains("possible values: en, ko"));
    }
    fs::write(folder.path().join("goodput-gate.yaml"), CONFIG.replace("ko", "de"))
        .expect("written");
    let mut check = program(folder.path(), folder.path());
    let output = check.args(["check", "--dry-run"]).output().expect("it starts");
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("goodput-gate.yaml:2") && said.contains("lang"), "{said}");
}
