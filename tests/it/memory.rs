//! Memory of a run does not grow with what was sent before, and a workbook holds no row. Sizes, and
//! no times.

use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::bed::Bed;

const MIB: u64 = 1 << 20;

/// The most memory that a command ever held, bytes; it may look at it a few milliseconds before the
/// end.
fn peak(mut command: Command) -> u64 {
    let mut child =
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the binary starts");
    let mut peak = 0;
    while child.try_wait().expect("it can be waited for").is_none() {
        peak = peak.max(held(&child).unwrap_or(0));
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut said = String::new();
    child.stderr.take().expect("it is piped").read_to_string(&mut said).expect("text");
    // A client that was late has sent the same.
    assert!(matches!(child.wait().expect("it has ended").code(), Some(0 | 3)), "{said}");
    assert!(peak > 0, "{said}");
    peak
}

fn held(child: &Child) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib << 10)
}

fn command(bed: &Bed, args: &[&str]) -> Command {
    let mut command = bed.command("");
    command.args(args);
    command
}

/// Five rounds more of 300 requests have 13 MiB of bodies more. Those of a round are made for it
/// alone.
#[test]
fn a_longer_run_holds_no_more_bodies() {
    let bed = Bed::new();
    let sim = "noise: \"off\", step_ms: 0.01, prefill_token_ms: 0, decode_sequence_ms: 0, decode_context_ms: 0, prefill_context_ms: 0";
    let load = "arrival: {closed: {concurrency: 8}}, requests: 300, warmup: 1, output_tokens: 2, prompts: {synthetic: {input_tokens: 2000}}";
    bed.write(
        "goodput-gate.yaml",
        &format!("version: 1\ntarget: {{sim: {{{sim}}}}}\ngate: {{starts: 1}}\nworkloads: [{{name: a, {load}}}]\n"),
    );
    let rounds = |n| peak(command(&bed, &["run", "--rounds", n]));
    let (few, many) = (rounds("1"), rounds("6"));
    assert!(many < few + 8 * MIB, "{} MiB with 1 round, {} MiB with 6", few / MIB, many / MIB);
}

/// Excel's rows are written as they come: 20,000 of them took 60 MiB.
#[test]
fn a_workbook_holds_no_row() {
    let bed = Bed::new();
    let text = include_str!("../fixtures/records/candidate.json");
    let mut record: Value = serde_json::from_str(text).expect("JSON");
    let round = &mut record["workloads"][0]["starts"][0]["rounds"][0];
    for column in round["columns"].as_object_mut().expect("columns").values_mut() {
        let values = column.as_array().expect("a column").clone();
        *column = values.iter().cycle().take(20_000).cloned().collect();
    }
    round["duration_us"] = json!(9_000_000);
    record["workloads"][0]["pooled"] = json!({});
    bed.write("record.json", &record.to_string());
    let as_format = |format| {
        peak(command(&bed, &["report", "record.json", "--format", format, "-o", "report"]))
    };
    let (csv, xlsx) = (as_format("csv"), as_format("xlsx"));
    assert!(xlsx < csv + 24 * MIB, "{} MiB as csv, {} MiB as xlsx", csv / MIB, xlsx / MIB);
}

/// What an allocation beyond the limit does to a process is no exit code: what will not fit is
/// refused before.
#[test]
fn a_load_that_the_limit_of_address_space_cannot_hold_is_exit_2() {
    let bed = Bed::repository(
        "version: 1\ntarget: {sim: {}}\nworkloads: [{name: a, requests: 300000, arrival: {closed: {concurrency: 1}}}]\n",
    );
    let limited = |mib: u64, args: &str| {
        let plain = bed.command("");
        let mut shell = Command::new("/bin/sh");
        shell
            .args(["-c", &format!("ulimit -v {}; exec \"$0\" {args}", mib * 1024)])
            .arg(plain.get_program());
        shell
            .env_clear()
            .current_dir(bed.path(""))
            .envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let out = shell.output().expect("it starts");
        (out.status.code(), String::from_utf8_lossy(&out.stderr).into_owned())
    };
    let (code, said) = limited(1000, "run");
    assert!(
        code == Some(2) && said.contains("this load may need") && said.contains("ulimit -v"),
        "{code:?} {said}"
    );
    let (code, said) = limited(1000, "run --dry-run --requests 10");
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = limited(300, "schema record");
    assert!(matches!(code, Some(0 | 2)), "{code:?} {said}");
}
