//! What the README promises, in English and in Korean: its commands parse, its config is valid, and
//! the repository's own gate has a baseline of its own plan.

use std::fs;
use std::path::Path;
use std::process::Output;

use crate::support::{program, read, root};

/// In English and in Korean: the same commands.
const READMES: [&str; 2] = ["README.md", "README.ko.md"];

pub fn gate(args: &[&str], folder: &Path) -> Output {
    program(folder, folder).args(args).output().expect("it starts")
}

/// From nothing to a gated pull request.
const TUTORIALS: [&str; 2] = ["docs/TUTORIAL.md", "docs/TUTORIAL.ko.md"];

/// The fenced blocks of a language, indentation removed.
fn blocks(name: &str, language: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for line in read(name).lines() {
        let indent = line.len() - line.trim_start().len();
        match &mut open {
            Some((at, block)) if line.trim() == "```" && indent == *at => {
                found.push(std::mem::take(block));
                open = None;
            }
            Some((at, block)) => {
                block.push_str(line.get(*at..).unwrap_or(""));
                block.push('\n');
            }
            None if line.trim() == format!("```{language}") => open = Some((indent, String::new())),
            None => {}
        }
    }
    found
}

fn commands(name: &str) -> Vec<String> {
    let blocks = blocks(name, "sh");
    let lines =
        blocks.iter().flat_map(|b| b.lines()).map(|l| l.split('#').next().unwrap_or(l).trim());
    // Of what a shell runs one after the other, and with variables set, only ours.
    let parts = lines
        .flat_map(|line| line.split(['&', ';']))
        .map(|part| part.trim().trim_start_matches("CI=true "));
    let ours = |l: &str| {
        l.strip_prefix("goodput-gate ")
            .or_else(|| l.strip_prefix("cargo run --release -- "))
            .map(str::to_owned)
    };
    parts.filter_map(ours).collect()
}

#[test]
fn every_command_parses() {
    for name in READMES.into_iter().chain(TUTORIALS) {
        let commands = commands(name);
        assert!(commands.len() >= 4, "{name}: {commands:?}");
        for command in commands {
            let args: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
            let output = gate(&args, root());
            assert!(
                output.status.success(),
                "{name}: {command}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
}

/// A translation that shows another command has been forgotten.
#[test]
fn both_languages_show_the_same_commands() {
    for [english, korean] in [READMES, TUTORIALS] {
        let known = commands(english);
        let other: Vec<String> = commands(korean)
            .into_iter()
            .filter(|c| !known.contains(c) && !c.contains("--lang"))
            .collect();
        assert!(other.is_empty(), "in {korean} only: {other:?}");
    }
}

/// A verb that nobody can look up is not there for most people.
#[test]
fn every_verb_has_a_line_in_the_list_of_verbs() {
    let help = gate(&["--help"], root());
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let commands =
        help.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap_or("");
    let lines = commands.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let verbs: Vec<&str> = lines
        .filter_map(|line| line.split_whitespace().next())
        .filter(|verb| *verb != "help")
        .collect();
    assert!(verbs.len() >= 15, "{help}");
    let list = read("docs/VERBS.md");
    for verb in verbs {
        assert!(list.contains(&format!("| `{verb}")), "docs/VERBS.md has no line for {verb}");
    }
}

/// Each page is in the index once, so that nobody has to guess which there are.
#[test]
fn every_document_has_a_line_in_the_index() {
    let index = read("docs/README.md");
    for entry in fs::read_dir(root().join("docs")).expect("there are documents") {
        let name = entry.expect("readable").file_name().to_string_lossy().into_owned();
        let page = Path::new(&name).extension().is_some_and(|ending| ending == "md")
            && name != "README.md";
        let lines = index.lines().filter(|line| line.contains(&format!("]({name})"))).count();
        assert!(!page || lines == 1, "docs/README.md has {lines} lines for {name}");
    }
}

#[test]
fn its_config_is_valid() {
    for name in READMES.into_iter().chain(TUTORIALS) {
        let folder = tempfile::tempdir().expect("a folder");
        let configs: Vec<String> =
            blocks(name, "yaml").into_iter().filter(|b| b.starts_with("version:")).collect();
        assert!(!configs.is_empty(), "{name} has the one to begin with");
        for config in configs {
            fs::write(folder.path().join("goodput-gate.yaml"), &config).expect("written");
            let output = gate(&["check", "--dry-run"], folder.path());
            assert!(
                output.status.success(),
                "{name}: {config}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
}

#[test]
fn every_example_is_valid() {
    for entry in fs::read_dir(root().join("examples")).expect("there are examples") {
        let path = entry.expect("readable").path();
        let output = gate(&["check", "--dry-run", "--config", &path.to_string_lossy()], root());
        assert!(
            output.status.success(),
            "{}: {}",
            path.display(),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// A change of the corpus, the arrivals or the config makes another plan: then the baseline is to
/// be captured anew.
#[test]
fn the_committed_baseline_is_of_this_plan() {
    let output = gate(&["check", "--dry-run"], root());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let plan = text
        .lines()
        .find_map(|l| l.split("; plan ").nth(1))
        .expect("the dry run names the plan")
        .trim()
        .to_owned();
    let mut sessions = 0;
    let mut folders = vec![root().join("baselines/chat")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("baselines are committed") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let session: serde_json::Value =
                serde_json::from_str(&fs::read_to_string(&path).expect("readable")).expect("JSON");
            let of_this_plan =
                session["fingerprint"]["plan"].as_str().is_some_and(|p| p.starts_with(&plan));
            // The first of its kind is also compared with itself, which takes six.
            assert!(
                matches!(session["starts"].as_array().map(Vec::len), Some(2 | 6)),
                "{}",
                path.display()
            );
            sessions += u32::from(of_this_plan);
        }
    }
    assert!(
        sessions >= 6,
        "only {sessions} committed sessions are of plan {plan}: capture them again (CONTRIBUTING.md)"
    );
}
