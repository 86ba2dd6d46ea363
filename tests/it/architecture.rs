//! The house's own rules: who may import whom; below it, what is written of the house and the habits
//! of its sources.

mod habits;
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The pure core, bottom first: a module may import those before it.
const CORE: [&str; 21] = [
    "lang",
    "visible",
    "redact",
    "exit",
    "metric",
    "timeline",
    "protocol",
    "config",
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
    "evaluate",
];
/// The rim may import the core and, of the rim, only what all share.
const RIM: [&str; 14] = [
    "clock",
    "memory",
    "print",
    "read",
    "temporary",
    "lock",
    "load",
    "probe",
    "watch",
    "baseline",
    "github",
    "rendezvous",
    "server",
    "sim",
];
/// What joins core and rim, bottom first; `cli` is what verbs are told.
const TOP: [&str; 5] = ["app", "lab", "serve", "cli", "command"];

fn source_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn sources() -> BTreeMap<PathBuf, String> {
    sources_below(source_root())
}

fn sources_below(root: PathBuf) -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("it is there") {
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
    let below = path.strip_prefix(source_root()).expect("a source");
    let first =
        below.components().next().expect("has a name").as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// Every module named after `crate::`, in imports and in paths.
fn imports(text: &str) -> Vec<String> {
    let code = text.lines().filter(|l| !l.trim_start().starts_with("//"));
    let mut found = Vec::new();
    for line in code {
        for (at, _) in line.match_indices("crate::") {
            let rest = &line[at + "crate::".len()..];
            let names = rest
                .strip_prefix('{')
                .map_or(rest, |inner| inner.split('}').next().unwrap_or(inner));
            let each: Vec<&str> =
                if rest.starts_with('{') { names.split(',').collect() } else { vec![names] };
            for name in each {
                let word: String =
                    name.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
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
        (None, None) if RIM.contains(&from) => {
            ["clock", "print", "temporary", "read"].contains(&to)
        }
        (None, None) if from == "app" => RIM.contains(&to),
        (None, None) if from == "lab" || from == "serve" => RIM.contains(&to) || to == "app",
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
        let known = CORE.contains(&&*module)
            || RIM.contains(&&*module)
            || TOP.contains(&&*module)
            || ["main", "lib"].contains(&&*module);
        assert!(known, "{} is in no room of the house", path.display());
    }
}

/// A module by its file: `app/measure/start.rs` is app, measure, start.
fn module_path(file: &Path) -> Vec<String> {
    let below = file.strip_prefix(source_root()).expect("a source").with_extension("");
    let parts = below.components().map(|c| c.as_os_str().to_string_lossy().into_owned());
    parts.filter(|part| part != "mod").collect()
}

/// Every path that begins with `crate::`, `super::` or `self::`, in imports and elsewhere, from the
/// crate's root on. Tests do not count.
fn paths(file: &Path, text: &str) -> Vec<Vec<String>> {
    let code = text.split("#[cfg(test)]").next().unwrap_or(text);
    let code: String =
        code.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let here = module_path(file);
    let mut found = Vec::new();
    for root in ["crate::", "super::", "self::"] {
        for (at, _) in code.match_indices(root) {
            let inside = code[..at]
                .chars()
                .next_back()
                .is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':');
            if !inside {
                branches(&code[at..], &mut Vec::new(), &mut |words| {
                    found.push(absolute(&here, words));
                });
            }
        }
    }
    found
}

/// The paths of a use tree: `a::{b, c::d}` is `a::b` and `a::c::d`. What is left of the text.
fn branches<'t>(
    text: &'t str,
    trunk: &mut Vec<String>,
    each: &mut dyn FnMut(&[String]),
) -> &'t str {
    let length = trunk.len();
    let mut rest = text.trim_start();
    loop {
        let word: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        rest = &rest[word.len()..];
        if !word.is_empty() {
            trunk.push(word);
        }
        if let Some(inner) = rest.strip_prefix("::{") {
            rest = inner;
            while !rest.trim_start().starts_with('}') && !rest.is_empty() {
                let before = rest.len();
                rest = branches(rest, trunk, each).trim_start();
                // `,`, and `*` of a glob.
                rest = rest.strip_prefix([',', '*']).unwrap_or(rest);
                if rest.len() == before {
                    return "";
                }
            }
            rest = rest.trim_start().strip_prefix('}').unwrap_or(rest);
            break;
        }
        match rest.strip_prefix("::") {
            Some(next) if next.starts_with(|c: char| c.is_alphanumeric() || c == '_') => {
                rest = next;
            }
            _ => {
                each(trunk);
                break;
            }
        }
    }
    trunk.truncate(length);
    // `as name` of an import.
    rest.strip_prefix(" as ")
        .map_or(rest, |after| after.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_'))
}

fn absolute(here: &[String], words: &[String]) -> Vec<String> {
    let mut path = if words[0] == "crate" { Vec::new() } else { here.to_vec() };
    for word in words {
        match word.as_str() {
            "crate" | "self" => {}
            "super" => drop(path.pop()),
            _ => path.push(word.clone()),
        }
    }
    path
}

/// Which of its neighbours each module below `room` uses, at every depth: an edge is between two
/// children of one module.
fn neighbours(room: &str) -> BTreeMap<String, BTreeSet<String>> {
    let sources = sources();
    let modules: BTreeSet<Vec<String>> = sources.keys().map(|file| module_path(file)).collect();
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (file, text) in sources.iter().filter(|(file, _)| module(file) == room) {
        let from = module_path(file);
        for mut to in
            paths(file, text).into_iter().filter(|to| to.first().is_some_and(|m| m == room))
        {
            while !modules.contains(&to) {
                to.pop();
            }
            let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
            if common < from.len() && common < to.len() {
                edges
                    .entry(from[..=common].join("::"))
                    .or_default()
                    .insert(to[..=common].join("::"));
            }
        }
    }
    edges
}

/// The verbs, by the list of `command/mod.rs`; what verbs share stands before it.
fn verbs() -> Vec<String> {
    let text = fs::read_to_string(source_root().join("command/mod.rs")).expect("it is there");
    declared(text.split("// The verbs.").nth(1).expect("they are headed so"))
}

fn declared(text: &str) -> Vec<String> {
    let lines = text
        .lines()
        .filter_map(|l| l.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';'));
    lines.map(str::to_owned).collect()
}

#[test]
fn no_verb_uses_another() {
    let verbs: Vec<String> = verbs().into_iter().map(|verb| format!("command::{verb}")).collect();
    let edges = neighbours("command");
    let wrong: Vec<_> = edges
        .iter()
        .flat_map(|(from, to)| to.iter().map(move |to| (from, to)))
        .filter(|(from, to)| {
            verbs.contains(to) && (verbs.contains(from) || from.starts_with("command::"))
        })
        .collect();
    assert!(
        verbs.len() > 15 && edges.len() > 10 && wrong.is_empty(),
        "a verb is used by another module of command: {wrong:?}"
    );
}

/// The order of `app/mod.rs` is the drawing: what stands lower is not known above.
#[test]
fn app_uses_only_what_is_above() {
    let order =
        declared(&fs::read_to_string(source_root().join("app/mod.rs")).expect("it is there"));
    let place = |name: &str| order.iter().position(|m| name.strip_prefix("app::") == Some(m));
    let edges = neighbours("app");
    let mut checked = 0;
    for (from, all) in edges.iter().filter(|(from, _)| place(from).is_some()) {
        for to in all {
            checked += 1;
            assert!(
                place(to) < place(from),
                "{from} uses {to}, which stands below it in src/app/mod.rs"
            );
        }
    }
    assert!(checked > 60, "only {checked} uses were found");
}

#[test]
fn no_circle() {
    for room in ["protocol", "config", "measure", "app", "command", "serve", "lab", "evaluate"] {
        let edges = neighbours(room);
        assert!(!edges.is_empty(), "nothing was read of {room}");
        for start in edges.keys() {
            let mut seen = BTreeSet::new();
            let mut next: Vec<&String> = edges[start].iter().collect();
            while let Some(module) = next.pop() {
                assert!(module != start, "{start} comes round to itself; on the way: {seen:?}");
                if seen.insert(module) {
                    next.extend(edges.get(module).into_iter().flatten());
                }
            }
        }
    }
}

#[test]
fn only_verbs_use_the_lab() {
    let mut verbs = verbs();
    verbs.push("lab".into());
    for (file, text) in sources() {
        let uses = paths(&file, &text).iter().any(|path| path.first().is_some_and(|m| m == "lab"));
        let by = module_path(&file);
        let allowed = by.first().is_some_and(|m| m == "lab")
            || (by.len() > 1 && by[0] == "command" && verbs.contains(&by[1]));
        assert!(!uses || allowed, "{} uses the lab", file.display());
    }
}

/// The order of `serve/mod.rs` is that of its rooms, and so is that of `app/runs/mod.rs`: what
/// stands lower is not known above.
#[test]
fn rooms_of_the_service_use_only_what_is_above() {
    for (room, file) in [("serve", "serve/mod.rs"), ("app::runs", "app/runs/mod.rs")] {
        let order = declared(&fs::read_to_string(source_root().join(file)).expect("it is there"));
        let place = |name: &str| {
            let below = name.strip_prefix(room)?.strip_prefix("::")?;
            order.iter().position(|m| m == below)
        };
        let edges = neighbours(room.split("::").next().expect("a room"));
        let mut checked = 0;
        for (from, all) in edges.iter().filter(|(from, _)| place(from).is_some()) {
            for to in all.iter().filter(|to| place(to).is_some()) {
                checked += 1;
                assert!(
                    place(to) < place(from),
                    "{from} uses {to}, which stands below it in {file}"
                );
            }
        }
        assert!(checked > 8, "only {checked} uses were found in {room}");
    }
}

/// What is served is asked for by strangers: no route starts a program or a verb.
#[test]
fn the_service_is_a_face_of_app_alone() {
    for (file, text) in sources().into_iter().filter(|(file, _)| module(file) == "serve") {
        for word in ["clap", "process::", "Command::new", "rusqlite", "std::fs"] {
            assert!(!text.contains(word), "{}: {word}", file.display());
        }
    }
}

/// A service calls it, too: neither clap nor the end of the process.
#[test]
fn app_is_no_face() {
    for (file, text) in sources().into_iter().filter(|(file, _)| module(file) == "app") {
        let code: String = text
            .lines()
            .filter(|l| !l.trim_start().starts_with("//"))
            .collect::<Vec<_>>()
            .join("\n");
        for word in ["clap", "process::exit", "stdout", "print::print", "stdin"] {
            assert!(!code.contains(word), "{}: {word}", file.display());
        }
    }
}
