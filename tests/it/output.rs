//! What is foreign in our output: it steers no terminal and no CI runner, wherever it comes from.
//!
//! Not here: secrets (`redaction`), which codes a full disk gives (`full_disk`).

use serde_json::{Value, json};

use crate::support::bed::Bed;
use crate::support::{Answer, Gate, Part, Ran, Seen, Server, Setup};

/// A terminal's and every runner's commands, also behind blanks and within a line.
const HOSTILE: &str = "::error::forged\n \t::stop-commands::x\r::warning::y ##[error]z ##vso[task.x]w ##teamcity[v] \u{1b}[2J\u{9b}31m\u{1b}]0;t\u{7}\u{202e}u";

/// As a runner reads: lines end with either character, GitHub takes `::` after blanks, and `##[`
/// anywhere.
fn obeys_nothing(text: &str) {
    for line in text.split(['\n', '\r']) {
        let ours = ["::error title=", "::notice title=", "::warning title="]
            .iter()
            .any(|own| line.starts_with(own));
        let commands = ["##[", "##vso[", "##teamcity["].iter().any(|c| line.contains(c));
        assert!(
            ours || !line.trim_start().starts_with("::"),
            "a runner obeys {line:?} in {text:?}"
        );
        assert!(!commands, "a runner obeys {line:?} in {text:?}");
    }
    let acting =
        |c: char| c.is_control() && !"\n\t".contains(c) || ('\u{202a}'..='\u{202e}').contains(&c);
    assert!(!text.contains(acting), "a terminal obeys {text:?}");
}

fn assert_tame(ran: &Ran, code: i32, word: &str) {
    assert_eq!(ran.code, Some(code), "{ran:?}");
    assert!(format!("{}{}", ran.stdout, ran.stderr).contains(word), "{word} is not said: {ran:?}");
    obeys_nothing(&ran.stdout);
    obeys_nothing(&ran.stderr);
}

#[test]
fn a_servers_error_text_is_only_text() {
    let refusing = |part: Part| {
        Server::start(move |seen| match (seen.part, part) {
            (Part::Probe, Part::Warmup(_)) | (Part::Probe | Part::Warmup(_), Part::Round(..)) => {
                seen.good()
            }
            _ => Answer::error("400 Bad Request", HOSTILE),
        })
    };
    for part in [Part::Probe, Part::Warmup(0), Part::Round(0, 0)] {
        let server = refusing(part);
        let gate = Gate::new();
        assert_tame(&gate.measure(&server.url(), &["--requests", "3"]), 3, "forged");
        for file in ["report.md", "junit.xml", "report.html"] {
            let text = gate.text(&format!(".goodput-gate/{file}"));
            let shown = gate.run(&[
                "report",
                ".goodput-gate/record.json",
                "--format",
                "md",
                "-o",
                "/dev/stdout",
            ]);
            obeys_nothing(&shown.stdout);
            assert!(!text.contains(['\u{1b}', '\u{202e}']), "{file}: {text:?}");
        }
    }
}

#[test]
fn names_that_a_server_gives_are_only_names() {
    let names = json!({"data": [{"id": HOSTILE}, {"id": "::error::forged"}, {"id": "##[b]"}]});
    let server = Server::with(
        Setup { models: Answer::json("200 OK", &names), ..Setup::default() },
        Seen::good,
    );
    let gate = Gate::new();
    assert_tame(&gate.measure(&server.url(), &["--requests", "3"]), 3, "3 models");
    for verb in [&["models", "--base-url"][..], &["models", "--json", "--base-url"]] {
        assert_tame(&gate.run(&[verb, &[server.url().as_str()]].concat()), 0, "forged");
    }
    let ran = gate.run(&["doctor", "--base-url", &server.url()]);
    obeys_nothing(&format!("{}\n{}", ran.stdout, ran.stderr));
}

#[test]
fn a_key_or_value_of_a_config_begins_no_line() {
    let ok = "version: 1\ntarget: {base_url: \"http://127.0.0.1:9/v1\"}\n";
    let hostile = "x\\n::error::forged\\e[2J";
    for text in [
        format!("{ok}\"{hostile}\": 1\n"),
        format!("{ok}\"{hostile}\": 1\n\"{hostile}\": 2\n"),
        format!("version: 1\ntarget: {{base_url: \"{hostile}\"}}\n"),
        format!("version: 1\ntarget: {{base_url: \"http://x/{hostile}\", \"{hostile}\": 1}}\n"),
        format!("{ok}workloads: [{{name: \"{hostile}\"}}]\n"),
        format!("{ok}workloads: [{{name: a, arrival: \"{hostile}\"}}]\n"),
        format!("{ok}gate: {{under_test: [\"{hostile}\"], mode: \"{hostile}\"}}\n"),
        format!("{ok}gate: {{baseline: {{target: \"{hostile}\"}}, mode: interleaved}}\n"),
    ] {
        let gate = Gate::new();
        gate.write("bad.yaml", &text);
        let ran = gate.run(&["run", "--config", "bad.yaml"]);
        assert_tame(&ran, 2, "forged");
        assert!(ran.stderr.contains("x\\n::error::forged"), "the break is seen: {ran:?}");
    }
}

#[test]
fn a_word_of_the_command_line_begins_no_line() {
    let hostile = "x\n::error::forged\u{1b}[2J";
    let gate = Gate::new();
    for args in [
        &["run", "--config", hostile][..],
        &["run", "--base-url", "http://127.0.0.1:9/v1", "--set", hostile],
        &["run", "--base-url", hostile],
        &["run", "--base-url", "http://127.0.0.1:9/v1", "--preset", hostile],
        &["report", hostile, "--format", "md"],
        &["report", hostile, "--format", hostile],
        &["compare", hostile, hostile],
        &["import", hostile],
        &["sim", "--listen", hostile],
        &["sim", "--set", hostile],
        &["accept", "--reason", hostile, "--until", hostile],
        &["baseline", "show", hostile],
        &["run", hostile],
        &[hostile],
        &["run", "--x\n::error::forged"],
    ] {
        let ran = gate.run(args);
        assert_tame(&ran, 2, "");
        assert!(
            !ran.stderr.lines().skip(1).any(|line| line.trim_start().starts_with(": :error")),
            "{args:?}: {ran:?}"
        );
    }
}

#[test]
fn a_log_tail_is_only_text() {
    let bed = Bed::repository(
        "version: 1\nserver: {start: \"cat words; exit 1\"}\nworkloads: [{name: a, arrival: {closed: {concurrency: 1}}, requests: 3}]\n",
    );
    bed.write("words", &format!("{HOSTILE}\n::error::last\n##[group]x\n"));
    let ran = bed.gate(&["run"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.stderr.contains("last"), "{ran:?}");
    obeys_nothing(&ran.stderr);
    let up = bed.gate(&["server", "up"]);
    let logs = bed.gate(&["server", "logs"]);
    for text in [up.stdout, up.stderr, logs.stdout, logs.stderr] {
        obeys_nothing(&text);
    }
}

#[test]
fn a_records_words_are_only_words_in_every_format() {
    let mut record = crate::support::candidate::candidate();
    record["workloads"][0]["fingerprint"]["model"] = json!(HOSTILE);
    record["workloads"][0]["fingerprint"]["server_version"] = json!("::error::v");
    let bed = Bed::new();
    bed.write("r.json", &record.to_string());
    for format in ["md", "csv", "html", "json", "junit", "prometheus"] {
        for way in [&[][..], &["-o", "/dev/stdout"]] {
            let ran = bed.gate(&[&["report", "r.json", "--format", format], way].concat());
            assert_eq!(ran.code, Some(0), "{ran:?}");
            for line in ran.stdout.split(['\n', '\r']) {
                let starts = line.trim_start().starts_with("::");
                let holds = ["##[", "##vso[", "##teamcity["].iter().any(|c| line.contains(c));
                assert!(!starts && !holds, "{format}: {line:?}");
            }
        }
    }
    // In a pipe JSON says what the file says.
    let piped: Value =
        serde_json::from_str(&bed.gate(&["report", "r.json", "--format", "json"]).stdout)
            .expect("JSON");
    bed.gate(&["report", "r.json", "--format", "json", "-o", "r2.json"]);
    assert_eq!(piped, bed.json("r2.json"));
    assert!(bed.read("r2.json").contains("##vso["), "the file has it as it is");
    // Into a regular file nothing is changed: no runner reads it.
    bed.gate(&["compare", "r.json", "r.json"]);
}

#[test]
fn a_panic_and_help_go_the_same_way() {
    let gate = Gate::new();
    let help = gate.run(&["--help"]);
    assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""), "{help:?}");
    assert!(help.stdout.starts_with("A gate that keeps"), "{help:?}");
    assert_eq!(gate.run(&["--version"]).code, Some(0));
    assert_eq!(gate.run(&["--nonsense"]).code, Some(2));
    assert_eq!(gate.run(&[""; 0]).code, Some(2), "no verb is no success");
}
