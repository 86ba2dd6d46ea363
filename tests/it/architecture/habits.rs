//! Habits of the sources: names, length, first lines, output. Not here: who may import whom.

use std::path::{Path, PathBuf};

use super::{CORE, module, source_root, sources};

/// A function or type with one of these names does not say what it gives.
#[test]
fn every_name_says_its_thing() {
    let vague = ["of", "said", "known", "one", "words"];
    for (file, text) in sources() {
        for line in text.lines().filter(|l| !l.trim_start().starts_with("//")) {
            let words: Vec<&str> = line.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
            let named = words.windows(2).find(|pair| {
                ["fn", "struct", "enum", "trait", "type"].contains(&pair[0])
                    && vague.contains(&pair[1].to_lowercase().as_str())
            });
            assert!(named.is_none(), "{}: {}", file.display(), line.trim());
        }
    }
}

/// Longer than the others, and why that is no fault. Elsewhere a function is a page, 60 lines, that
/// is read at a sitting.
const LONG: [(&str, &str, usize); 20] = [
    // Flat: one arm per sentence.
    ("judge/reason/english.rs", "fmt", 90),
    ("report/say/ko/judge.rs", "reason", 67),
    ("compare/reason/english.rs", "fmt", 125),
    ("report/advice.rs", "fmt", 86),
    ("report/say/ko/notice.rs", "notice", 92),
    ("report/say/ko/compare.rs", "run", 91),
    ("report/say/ko/compare.rs", "reason", 71),
    ("report/say/ko/advice.rs", "advice", 74),
    ("report/ranking/note.rs", "fmt", 62),
    ("measure/seen.rs", "fmt", 73),
    ("report/say/ko/measure.rs", "seen", 61),
    ("rendezvous/refusal.rs", "text", 62),
    // Flat: one line per field, each with its check.
    ("app/measure/run.rs", "begin", 61),
    ("config/load.rs", "assemble", 63),
    ("lab/bench/judging.rs", "record_of", 61),
    ("report/build.rs", "workload", 70),
    ("config/target.rs", "target", 67),
    ("config/workload.rs", "workload", 65),
    ("config/server.rs", "server", 63),
    // To be split.
    ("evaluate/pair.rs", "part", 73),
];

/// Of a function by its first and its last line, which stand equally far in. Tests do not count: a
/// table of cases is as long as it is.
#[test]
fn no_function_is_longer_than_a_page() {
    let mut long = Vec::new();
    for (file, text) in sources() {
        let below = file.strip_prefix(source_root()).expect("a source").display().to_string();
        let lines: Vec<&str> = text.split("#[cfg(test)]").next().unwrap_or(&text).lines().collect();
        for (at, line) in lines.iter().enumerate().filter(|_| !below.contains("tests")) {
            let code = line.trim_start();
            let Some(name) = code.split("fn ").nth(1).filter(|_| !code.starts_with("//")) else {
                continue;
            };
            let name = name.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("");
            let indent = &line[..line.len() - code.len()];
            let body = lines[at..].iter().position(|l| l.ends_with(['{', ';', '}']));
            if name.is_empty() || body.is_none_or(|end| !lines[at + end].ends_with('{')) {
                continue;
            }
            let close = format!("{indent}}}");
            let length = lines[at..].iter().position(|l| *l == close).map_or(0, |end| end + 1);
            let most = LONG.iter().filter(|(path, long, _)| (*path, *long) == (&*below, name));
            if length > most.map(|(.., most)| *most).max().unwrap_or(60) {
                long.push(format!("{length} lines: {name} in {below}"));
            }
        }
    }
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn every_file_says_what_it_is() {
    let silent: Vec<PathBuf> = sources()
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//!"))
        .map(|(p, _)| p)
        .collect();
    assert!(silent.is_empty(), "no //! first line: {silent:#?}");
}

/// What is foreign in a text must not steer a terminal or a runner, so every text goes through
/// `print`.
#[test]
fn all_output_goes_one_way() {
    let ways = ["stdout()", "stderr()", "print!(", "println!(", "dbg!(", "stdio::inherit()"];
    // A window's size and whether there is a terminal write nothing; the bar is given a safe label;
    // the simulated server is this program.
    let harmless = ["is_terminal", "tcgetwinsize", "ProgressDrawTarget"];
    let simulated = |path: &Path, line: &str| {
        path.ends_with("server/sim.rs") && line.trim() == ".stderr(Stdio::inherit())"
    };
    let mut offenders = Vec::new();
    for (path, text) in sources() {
        let code = text.split("#[cfg(test)]").next().unwrap_or(&text);
        let test = path.to_string_lossy().contains("test") || path.ends_with("cost.rs");
        if test || module(&path) == "print" {
            continue;
        }
        for line in code.lines().filter(|l| !l.trim_start().starts_with("//")) {
            // Clap asks where a message is to go.
            let line = line.replace("use_stderr()", "");
            let writes = ways.iter().any(|way| line.to_lowercase().contains(way));
            let fine = harmless.iter().any(|fine| line.contains(fine)) || simulated(&path, &line);
            if writes && !fine {
                offenders.push(format!("{}: {}", path.display(), line.trim()));
            }
        }
    }
    assert!(offenders.is_empty(), "written past `print`: {offenders:#?}");
}

#[test]
fn the_core_has_no_opt_out() {
    let offenders: Vec<PathBuf> = sources()
        .into_iter()
        .filter(|(path, text)| {
            let test = path.to_string_lossy().contains("test") || path.ends_with("cost.rs");
            CORE.contains(&&*module(path)) && !test && text.contains("clippy::disallowed_methods")
        })
        .map(|(p, _)| p)
        .collect();
    assert!(
        offenders.is_empty(),
        "core files that read clocks, files or the environment: {offenders:#?}"
    );
}
