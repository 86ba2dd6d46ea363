//! The house's own rules: who may import whom, and that every file says what it is.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The pure core, bottom first: a module may import those before it.
const CORE: [&str; 19] = [
    "visible",
    "redact",
    "exit",
    "metric",
    "timeline",
    "config",
    "protocol",
    "plan",
    "fingerprint",
    "measure",
    "evidence",
    "judge",
    "accept",
    "record",
    "import",
    "compare",
    "verdict",
    "attempt",
    "report",
];
/// The rim may import the core and, of the rim, only what all share.
const RIM: [&str; 12] =
    ["clock", "print", "read", "temporary", "lock", "load", "probe", "watch", "baseline", "github", "server", "sim"];
/// `command` joins both; `cli` is what it is told.
const TOP: [&str; 2] = ["cli", "command"];

fn sources() -> BTreeMap<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = BTreeMap::new();
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("src is there") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).expect("source is text");
                files.insert(path, text);
            }
        }
    }
    files
}

/// The top module that a file belongs to.
fn module(path: &Path) -> String {
    let below = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).expect("a source");
    let first = below.components().next().expect("has a name").as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// Every module named after `crate::`, in imports and in paths.
fn imports(text: &str) -> Vec<String> {
    let code = text.lines().filter(|l| !l.trim_start().starts_with("//"));
    let mut found = Vec::new();
    for line in code {
        for (at, _) in line.match_indices("crate::") {
            let rest = &line[at + "crate::".len()..];
            let names = rest.strip_prefix('{').map_or(rest, |inner| inner.split('}').next().unwrap_or(inner));
            let each: Vec<&str> = if rest.starts_with('{') { names.split(',').collect() } else { vec![names] };
            for name in each {
                let word: String = name.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                found.push(word);
            }
        }
    }
    found
}

fn allowed(from: &str, to: &str) -> bool {
    let core = |name: &str| CORE.iter().position(|m| *m == name);
    match (core(from), core(to)) {
        _ if from == to => true,
        (Some(from), Some(to)) => to < from,
        (Some(_), None) => false,
        (None, Some(_)) => true,
        (None, None) if RIM.contains(&from) => ["clock", "print", "temporary", "read"].contains(&to),
        (None, None) => TOP.contains(&from) || from == "lib",
    }
}

#[test]
fn imports_go_one_way() {
    let wrong: Vec<String> = sources()
        .iter()
        .flat_map(|(path, text)| {
            let from = module(path);
            imports(text)
                .into_iter()
                .filter(|to| !allowed(&from, to))
                .map(move |to| format!("{} imports {to}", path.display()))
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_module_has_a_room() {
    for path in sources().keys() {
        let module = module(path);
        let known =
            CORE.contains(&&*module) || RIM.contains(&&*module) || TOP.contains(&&*module) || ["main", "lib"].contains(&&*module);
        assert!(known, "{} is in no room of the house", path.display());
    }
}

/// A test that was renamed must be renamed there too, or the invariant looks kept and is not.
#[test]
fn every_invariant_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("ARCHITECTURE.md")).expect("it is there");
    let mut code: String = sources().into_values().collect();
    for entry in fs::read_dir(root.join("tests/it")).expect("tests are there") {
        code.extend(fs::read_to_string(entry.expect("readable").path()));
    }
    let rows = text.lines().filter(|l| l.starts_with("| ") && l[2..].starts_with(|c: char| c.is_ascii_digit()));
    let last_cells = rows.filter_map(|l| l.trim_end_matches(" |").rsplit(" | ").next());
    let named: Vec<&str> = last_cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    let missing: Vec<_> = named.iter().filter(|n| n.contains('_') && !code.contains(&format!("fn {n}("))).collect();
    assert!(named.len() > 30 && missing.is_empty(), "of {} names, no test is called {missing:?}", named.len());
}

#[test]
fn every_file_says_what_it_is() {
    let silent: Vec<PathBuf> = sources().into_iter().filter(|(_, text)| !text.starts_with("//!")).map(|(p, _)| p).collect();
    assert!(silent.is_empty(), "no //! first line: {silent:#?}");
}

/// What is foreign in a text must not steer a terminal or a runner, so every text goes through `print`.
#[test]
fn all_output_goes_one_way() {
    let ways = ["stdout()", "stderr()", "print!(", "println!(", "dbg!(", "stdio::inherit()"];
    // A window's size and whether there is a terminal write nothing; the bar is given a safe label; the simulated server is this program.
    let harmless = ["is_terminal", "tcgetwinsize", "ProgressDrawTarget", "Stdio::piped()).stderr(Stdio::inherit())"];
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
            if writes && !harmless.iter().any(|fine| line.contains(fine)) {
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
    assert!(offenders.is_empty(), "core files that read clocks, files or the environment: {offenders:#?}");
}
