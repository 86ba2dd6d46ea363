//! The house's own rules: who may import whom, and that every file says what it is.

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
const RIM: [&str; 13] = [
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

/// A test that was renamed must be renamed there too, or the invariant looks kept and is not.
#[test]
fn every_invariant_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("docs/INVARIANTS.md")).expect("it is there");
    let mut code: String = sources().into_values().collect();
    code.extend(sources_below(root.join("tests/it")).into_values());
    let rows = text
        .lines()
        .filter(|l| l.starts_with("| ") && l[2..].starts_with(|c: char| c.is_ascii_digit()));
    let last_cells = rows.filter_map(|l| l.trim_end_matches(" |").rsplit(" | ").next());
    let named: Vec<&str> = last_cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    let missing: Vec<_> =
        named.iter().filter(|n| n.contains('_') && !code.contains(&format!("fn {n}("))).collect();
    assert!(
        named.len() > 30 && missing.is_empty(),
        "of {} names, no test is called {missing:?}",
        named.len()
    );
}

/// Where an invariant is kept is where a reader looks for it.
#[test]
fn every_invariant_names_places_that_exist() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/INVARIANTS.md"))
        .expect("it is there");
    let places =
        text.lines().filter_map(|l| l.split(" | ").nth(2)).filter(|cell| cell.starts_with('`'));
    let mut missing = Vec::new();
    for cell in places.clone() {
        // `file` (`name`, `name`), `file`...
        let mut file = None;
        for (outside, name) in
            cell.split('`').collect::<Vec<_>>().chunks(2).filter_map(|c| Some((c[0], *c.get(1)?)))
        {
            if name.ends_with(['/']) || is_source(name) {
                file = Some(source_root().join(name));
                missing.extend(file.iter().filter(|path| !path.exists()).map(|_| name.to_owned()));
            } else if let Some(text) = file.as_ref().and_then(|path| fs::read_to_string(path).ok())
                && outside.contains(['(', ','])
                && !text.contains(&format!("fn {name}"))
            {
                missing.push(format!(
                    "{name} in {}",
                    file.iter().map(|p| p.display().to_string()).collect::<String>()
                ));
            }
        }
    }
    assert!(
        places.count() > 30 && missing.is_empty(),
        "the table names places that are not there: {missing:#?}"
    );
}

fn is_source(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|end| end == "rs")
}

/// The drawing of ARCHITECTURE.md is the listing of `src/`, and its part of `app` that of
/// `src/app/`.
#[test]
fn the_drawing_is_the_folder_listing() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md"))
        .expect("it is there");
    let lines: Vec<&str> = text.lines().filter_map(|l| l.strip_prefix("    ")).collect();
    // `cli.rs, cli/` is one room.
    let named = |line: &&str| {
        line.split([' ', ','])
            .next()
            .filter(|w| is_source(w) || w.ends_with('/'))
            .map(str::to_owned)
    };
    let drawn: BTreeSet<String> =
        lines.iter().filter_map(named).map(|w| w.replace(".rs", "").replace('/', "")).collect();
    let there: BTreeSet<String> = sources().keys().map(|file| module(file)).collect();
    assert_eq!(drawn, there);
    let app =
        lines.iter().skip_while(|l| !l.starts_with("app/")).take_while(|l| !l.starts_with("----"));
    let app: String = app.copied().collect::<Vec<_>>().join(" ");
    let words: BTreeSet<&str> = app.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let modules =
        declared(&fs::read_to_string(source_root().join("app/mod.rs")).expect("it is there"));
    let missing: Vec<_> = modules.iter().filter(|m| !words.contains(m.as_str())).collect();
    assert!(missing.is_empty(), "not in the drawing of app: {missing:?}");
}

/// Paths of the sources in the first pages, in backticks: a file, a folder, or a folder of `src` by
/// its name alone.
#[test]
fn every_path_in_the_first_pages_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut checked = 0;
    for page in ["ARCHITECTURE.md", "CONTRIBUTING.md", "src/lib.rs"] {
        let text = fs::read_to_string(root.join(page)).expect("it is there");
        let code = text.split("```").step_by(2).collect::<String>();
        for path in code.split('`').skip(1).step_by(2).filter(|word| is_path(word)) {
            checked += 1;
            let there =
                [root.to_owned(), source_root()].iter().any(|base| base.join(path).exists());
            assert!(there, "{page} names `{path}`, which is not there");
        }
    }
    assert!(checked > 20, "only {checked} paths were found");
}

/// `src/report/build.rs`, `tests/fixtures/`, `default.yaml`; no pattern, no command line, no name
/// to be filled in.
fn is_path(word: &str) -> bool {
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "./_-".contains(c));
    let kind = word.ends_with(['/'])
        || [".rs", ".md", ".toml", ".sh", ".yml"].iter().any(|end| word.ends_with(end));
    plain && kind && !word.contains("NAME")
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
const LONG: [(&str, &str, usize); 15] = [
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
    ("measure/seen.rs", "fmt", 67),
    // Flat: one line per field, each with its check.
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
