//! What is written of the house is as the house is: invariants, the drawing, the paths of the first
//! pages. Not here: who may import whom.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::{declared, module, source_root, sources, sources_below};

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
