//! Tables and badges to take away from a judged run: what `report` writes of a record and of a
//! report, and where it refuses.
//!
//! Not here: what is in each format (`report::xlsx`, `report::prometheus`, `report::badge`).

use crate::support::agreed;
use crate::support::bed::Bed;
use crate::support::candidate::{judge, with_decode};

/// A judged run that failed; the record lies beside its report.
fn failed() -> Bed {
    let bed = judge(&with_decode(1.4)).bed;
    bed.write(".goodput-gate/record.json", &with_decode(1.4).to_string());
    bed
}

/// The names of a workbook's sheets.
fn sheets(bed: &Bed, file: &str) -> String {
    let file = std::fs::File::open(bed.path(file)).expect("the workbook was written");
    let mut archive = zip::ZipArchive::new(file).expect("a workbook is an archive");
    let part = archive.by_name("xl/workbook.xml").expect("a workbook names its sheets");
    std::io::read_to_string(part).expect("text")
}

#[test]
fn what_was_judged_is_in_every_table_and_badge() {
    let bed = failed();
    let report = |format| bed.gate(&["report", ".goodput-gate/report.json", "--format", format]);
    report("prometheus").assert(
        0,
        &["goodput_gate_run_verdict{verdict=\"failed\"} 1", "judgement=\"regressed\"} 1"],
    );
    report("badge").assert(0, &["\"message\": \"FAIL, ", "\"isError\": true"]);
    report("svg").assert(0, &["<svg ", "FAIL, "]);
    bed.gate(&["report", ".goodput-gate/report.json", "--format", "xlsx", "-o", "r.xlsx"])
        .assert(0, &[]);
    let names = sheets(&bed, "r.xlsx");
    assert!(names.contains("\"metrics\"") && names.contains("\"requests\""), "{names}");
}

#[test]
fn a_record_alone_has_no_verdict_to_show() {
    let bed = failed();
    let report = |format| bed.gate(&["report", ".goodput-gate/record.json", "--format", format]);
    let metrics = report("prometheus");
    metrics.assert(0, &["goodput_gate_tpot_seconds"]);
    assert!(!metrics.stdout.contains("verdict"), "{}", metrics.stdout);
    report("badge").assert(0, &["not judged, "]);
}

#[test]
fn another_runs_record_is_not_taken_for_the_reports() {
    let bed = failed();
    let mut other = with_decode(1.4);
    other["session"] = "0ther".into();
    bed.write(".goodput-gate/record.json", &other.to_string());
    bed.gate(&["report", ".goodput-gate/report.json", "--format", "xlsx", "-o", "r.xlsx"])
        .assert(0, &[]);
    assert!(!sheets(&bed, "r.xlsx").contains("\"requests\""));
}

#[test]
fn several_runs_are_one_table_whatever_their_loads() {
    let bed = failed();
    let mut other = with_decode(1.0);
    other["target"] = "other".into();
    other["workloads"][0]["load"]["arrival"] = "Poisson 9/s".into();
    bed.write("other.json", &other.to_string());
    let several = |format| {
        bed.gate(&["report", ".goodput-gate/report.json", "other.json", "--format", format])
    };
    let shown = several("md");
    shown.assert(
        0,
        &[
            "| workload | verdict | load |",
            ".goodput-gate: ",
            "other: ",
            "Poisson 9/s",
            "**FAIL**",
            "nothing judged",
        ],
    );
    let rows = shown.stdout.lines().filter(|line| line.starts_with("| <code>"));
    assert_eq!(rows.count(), 2, "{}", shown.stdout);
    several("terminal").assert(0, &["Poisson 9/s", "exit code"]);
    several("csv").assert(2, &["several records have no such format", "hint: terminal or md"]);
    std::fs::create_dir_all(bed.path("before/.goodput-gate")).expect("a folder");
    bed.write("before/.goodput-gate/report.json", &bed.read(".goodput-gate/report.json"));
    let lain =
        bed.gate(&["report", "before/.goodput-gate/report.json", "other.json", "--format", "md"]);
    lain.assert(0, &["<code>before: "]);
    let twice = bed.gate(&["report", "other.json", "./other.json", "--format", "terminal"]);
    twice.assert(0, &["./other.json: "]);
}

#[test]
fn what_cannot_be_shown_says_which_file_is_meant() {
    let bed = failed();
    let session = std::fs::read_dir(bed.path("sessions"))
        .expect("a folder")
        .next()
        .expect("a session")
        .expect("an entry")
        .path();
    bed.write("session.json", &std::fs::read_to_string(session).expect("text"));
    let record = bed.read(".goodput-gate/record.json");
    bed.write("cut.json", &record[..record.len() / 2]);
    bed.write("other.json", "{\"schema\": \"something/else\"}");
    for (file, words) in [
        ("session.json", "baseline session"),
        ("cut.json", "EOF"),
        ("other.json", "something/else"),
        (".", "folder"),
    ] {
        bed.gate(&["report", file, "--format", "csv"])
            .assert(2, &[file, words, "hint: name the report.json", "record.json"]);
    }
}

#[test]
fn a_record_that_quotes_a_reports_schema_is_still_a_record() {
    let bed = failed();
    let mut record = with_decode(1.4);
    record["workloads"][0]["starts"][0]["rounds"][0]["columns"]["outcome"][0] = "malformed".into();
    let mut record = agreed(&record);
    record["workloads"][0]["starts"][0]["rounds"][0]["errors"][0]["example"] =
        "goodput-gate/report".into();
    bed.write("record.json", &record.to_string());
    bed.gate(&["report", "record.json", "--format", "csv"])
        .assert(0, &["chat,,distribution,ttft,ms"]);
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let bed = failed();
    let ran = bed.gate(&[
        "report",
        ".goodput-gate/report.json",
        "--format",
        "prometheus",
        "-o",
        "none/goodput_gate.prom",
    ]);
    ran.assert(2, &["none/goodput_gate.prom", "there is no folder", "hint: make it"]);
}
