//! What the documents tell people to write: configs that load, commands that parse, and the same
//! ones in both languages of MIGRATION.

use std::fs;
use std::path::Path;

use crate::readme::gate;
use crate::support::{read, root};

/// All blocks of a document: fenced, or indented by four; without that indentation.
fn blocks(text: &str) -> Vec<String> {
    let (mut found, mut block, mut fenced) = (Vec::new(), String::new(), false);
    for line in text.lines().chain([""]) {
        let fence = line.trim_start().starts_with("```");
        let inside = if fenced { Some(line).filter(|_| !fence) } else { line.strip_prefix("    ") };
        match inside {
            Some(line) => block = block + line + "\n",
            None if block.is_empty() => {}
            None => found.push(std::mem::take(&mut block)),
        }
        fenced ^= fence;
    }
    found
}

#[test]
fn every_config_loads() {
    let mut complete = 0;
    for entry in fs::read_dir(root().join("docs")).expect("there are documents") {
        let name = format!("docs/{}", entry.expect("readable").file_name().to_string_lossy());
        if Path::new(&name).extension().is_none_or(|end| end != "md") {
            continue;
        }
        for block in blocks(&read(&name)) {
            let says = |key: &str| block.lines().any(|line| line.starts_with(&format!("{key}:")));
            if !["version", "target", "targets", "server", "workloads"].into_iter().any(says) {
                continue;
            }
            complete += u32::from(says("version"));
            // A part of a config is made whole with what it is silent of.
            let mut text = block.clone();
            text += if says("version") { "" } else { "version: 1\n" };
            text += if says("target") || says("server") { "" } else { "target: {sim: {}}\n" };
            text += if says("workloads") { "" } else { "workloads: [{preset: single}]\n" };
            let folder = tempfile::tempdir().expect("a folder");
            fs::write(folder.path().join("goodput-gate.yaml"), &text).expect("written");
            let asked = "[".to_owned()
                + &vec![r#"{"conversations": [{"from": "human", "value": "why"}]}"#; 200].join(",")
                + "]";
            fs::write(folder.path().join("sharegpt.json"), asked).expect("written");
            let verb: &[&str] = if says("hypotheses") {
                &["run", "--each", "--dry-run"]
            } else {
                &["run", "--dry-run"]
            };
            let output = gate(verb, folder.path());
            assert!(
                output.status.success(),
                "{name}: {text}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
    assert!(complete >= 2, "only {complete} whole configs were found");
}

const MIGRATIONS: [&str; 2] = ["docs/MIGRATION.md", "docs/MIGRATION.ko.md"];

/// What stands between backquotes.
fn spans(line: &str) -> Vec<String> {
    line.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Of both languages: each table's rows by what stands in code in them, then every block, without
/// its comments.
fn contents(name: &str) -> Vec<String> {
    let text = read(name);
    let rows =
        text.lines().filter(|line| line.starts_with('|')).map(|line| spans(line).join(" | "));
    let blocks = blocks(&text)
        .into_iter()
        .flat_map(|block| block.lines().map(str::to_owned).collect::<Vec<_>>());
    let commands =
        blocks.map(|line| line.split(" #").next().unwrap_or_default().trim_end().to_owned());
    rows.chain(commands).collect()
}

fn commands(name: &str) -> Vec<String> {
    let inline: Vec<String> = read(name).lines().flat_map(spans).collect();
    let blocks = contents(name).into_iter().filter(|text| !text.contains(" | "));
    blocks
        .chain(inline)
        .filter_map(|text| text.strip_prefix("goodput-gate ").map(str::to_owned))
        .collect()
}

#[test]
fn both_languages_of_the_migration_say_the_same() {
    let [english, korean] = MIGRATIONS.map(contents);
    for (row, (one, other)) in english.iter().zip(&korean).enumerate() {
        assert_eq!(one, other, "row {row}");
    }
    assert_eq!(english.len(), korean.len());
    assert_eq!(commands(MIGRATIONS[0]), commands(MIGRATIONS[1]));
    let points = |name: &str| read(name).lines().filter(|line| line.starts_with("* ")).count();
    assert_eq!(points(MIGRATIONS[0]), points(MIGRATIONS[1]));
}

#[test]
fn every_command_of_the_migration_parses() {
    let text = read(MIGRATIONS[0]);
    let here = text
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" | ").nth(1))
        .flat_map(spans);
    let flags = here.filter(|span| span.starts_with("--")).map(|flags| format!("run {flags}"));
    let all: Vec<String> = commands(MIGRATIONS[0]).into_iter().chain(flags).collect();
    assert!(all.len() >= 40, "{all:?}");
    for command in all {
        // What a shell would have put in.
        let command = command.replace("$(date +%Y%m%d_%H%M%S)", "now");
        let args: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let output = gate(&args, root());
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
