//! Links that lead somewhere: between the Markdown files, and from code and configs to the
//! documents. Not here: other people's addresses.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use comrak::nodes::NodeValue;
use comrak::{Anchorizer, Arena, Options, parse_document};

use crate::support::root;

/// What is kept in the repository; not what builds and runs leave beside it.
const FOLDERS: [&str; 7] = [".ci", ".github", "action", "docs", "examples", "src", "tests"];

/// The repository's text files by their path from its root.
fn texts() -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    let mut folders: Vec<PathBuf> = FOLDERS.iter().map(|folder| root().join(folder)).collect();
    let top = fs::read_dir(root())
        .expect("the root is there")
        .map(|entry| entry.expect("readable").path());
    let mut waiting: Vec<PathBuf> = top.filter(|path| path.is_file()).collect();
    loop {
        for path in waiting.drain(..) {
            if let Ok(text) = fs::read_to_string(&path) {
                files.insert(path.strip_prefix(root()).expect("inside").to_owned(), text);
            }
        }
        let Some(folder) = folders.pop() else { break };
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("readable").path();
            if path.is_dir() { folders.push(path) } else { waiting.push(path) }
        }
    }
    files
}

/// The places of a Markdown file that a link can name, and its links.
fn places_and_links(text: &str) -> (BTreeSet<String>, Vec<String>) {
    let arena = Arena::new();
    let (mut anchors, mut links) = (Anchorizer::new(), Vec::new());
    let mut places: BTreeSet<String> = text
        .split("<a id=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .map(str::to_owned)
        .collect();
    for node in parse_document(&arena, text, &Options::default()).descendants() {
        match &node.data.borrow().value {
            NodeValue::Heading(_) => {
                places.insert(anchors.anchorize(&node.collect_text()));
            }
            NodeValue::Link(link) | NodeValue::Image(link) => links.push(link.url.clone()),
            _ => {}
        }
    }
    (places, links)
}

/// The path without `.` and `..`, as the file system would find it.
fn plain(path: &Path) -> PathBuf {
    let mut found = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                found.pop();
            }
            Component::CurDir => {}
            other => found.push(other),
        }
    }
    found
}

/// Why a link leads nowhere; none where it leads somewhere.
fn dead(places: &BTreeMap<PathBuf, BTreeSet<String>>, file: &Path, link: &str) -> Option<String> {
    let (path, place) =
        link.split_once('#').map_or((link, None), |(path, place)| (path, Some(place)));
    let folder = file.parent().unwrap_or(Path::new(""));
    let target = if path.is_empty() { file.to_owned() } else { plain(&folder.join(path)) };
    let why = match place {
        _ if !root().join(&target).exists() => "no such file",
        Some(place) if places.get(&target).is_some_and(|known| !known.contains(place)) => {
            "no such place in it"
        }
        _ => return None,
    };
    Some(format!("{}: {link}: {why}", file.display()))
}

fn markdown(files: &BTreeMap<PathBuf, String>) -> impl Iterator<Item = (&PathBuf, &String)> {
    files.iter().filter(|(path, _)| path.extension().is_some_and(|end| end == "md"))
}

fn all_places(files: &BTreeMap<PathBuf, String>) -> BTreeMap<PathBuf, BTreeSet<String>> {
    markdown(files).map(|(path, text)| (path.clone(), places_and_links(text).0)).collect()
}

#[test]
fn no_link_between_the_documents_is_dead() {
    let files = texts();
    let places = all_places(&files);
    let (mut found, mut broken) = (0, Vec::new());
    for (path, text) in markdown(&files) {
        for link in places_and_links(text).1.iter().filter(|link| !link.contains("://")) {
            found += 1;
            broken.extend(dead(&places, path, link));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(found >= 100, "only {found} links were found");
}

/// `docs/NAME.md` or `docs/NAME.md#place` in a text, wherever it stands.
fn citations(text: &str) -> Vec<String> {
    let outside = |c: char| !(c.is_ascii_alphanumeric() || "./#_-".contains(c));
    let words = text.split(outside).map(|word| word.trim_end_matches(['.', '#', '-']));
    words
        .filter(|word| word.starts_with("docs/") && word.contains(".md"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn no_citation_of_a_document_is_dead() {
    let files = texts();
    let places = all_places(&files);
    let (mut found, mut broken) = (0, Vec::new());
    for (path, text) in &files {
        // Recorded answers and pages of others cite documents of their own; this file's are made
        // up.
        let others = path.starts_with("tests/fixtures") || path.ends_with("links.rs");
        if others || path.extension().is_some_and(|end| end == "md") {
            continue;
        }
        for citation in citations(text) {
            found += 1;
            let why = dead(&places, Path::new(""), &citation);
            broken.extend(why.map(|why| format!("{}{why}", path.display())));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(found >= 40, "only {found} citations were found");
}

/// A citation by the number of a section breaks without a sound when the page changes, and names no
/// page at all.
#[test]
fn the_method_is_cited_by_its_anchors() {
    // Put together here, so that this file does not find itself.
    let by_number = ["METHOD", "METHOD-2", "METHODOLOGY,"].map(|name| format!("{name} section"));
    for (path, text) in texts().iter().filter(|(path, _)| !path.starts_with("tests/fixtures")) {
        let line = text.lines().position(|line| by_number.iter().any(|cited| line.contains(cited)));
        assert_eq!(line.map(|line| line + 1), None, "{}", path.display());
    }
}

/// A test that finds nothing has to be able to find something.
#[test]
fn a_dead_link_is_found() {
    let text = "# One thing\n\n[good](#one-thing), [`dead`](#another) and <a id=\"named\"></a>[this](no.md)\n";
    let (named, links) = places_and_links(text);
    assert_eq!(links, ["#one-thing", "#another", "no.md"]);
    assert!(named.contains("named"), "{named:?}");
    let file = PathBuf::from("README.md");
    let places = BTreeMap::from([(file.clone(), named)]);
    let broken: Vec<String> = links.iter().filter_map(|link| dead(&places, &file, link)).collect();
    assert_eq!(
        broken,
        ["README.md: #another: no such place in it", "README.md: no.md: no such file"]
    );
    assert_eq!(
        citations("see (docs/x.md#one-thing), docs/y.md."),
        ["docs/x.md#one-thing", "docs/y.md"]
    );
}
