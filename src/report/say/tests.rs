//! Every sample in both languages: the same numbers, units and names, and no English sentence in Korean. Also the patterns themselves.

use std::collections::BTreeSet;

use super::pattern::{Piece, holes, pieces};
use super::{beside, ko, say};
use crate::config::Lang;
use crate::report::comment::{About, COMMENT, fit};
use crate::report::{Report, markdown, page, samples, terminal};

/// What people read, without the lines' breaks.
fn texts(report: &Report, lang: Lang) -> [(&'static str, String); 4] {
    let about = About { untrusted: true, lang, ..About::default() };
    [
        ("terminal", terminal::render(report, 10_000, false, lang)),
        ("markdown", markdown::render(report, lang)),
        ("comment", fit(&[report.clone(), report.clone()], &about, COMMENT).expect("it fits")),
        ("page", page::render(report, &[], lang)),
    ]
}

/// Samples with sentences that today's code writes.
fn reports() -> Vec<(&'static str, Report)> {
    samples::all()
}

fn numbers(text: &str) -> Vec<&str> {
    let mut all: Vec<&str> = text.split(|c: char| !(c.is_ascii_digit() || c == '.')).map(|n| n.trim_matches('.')).collect();
    all.retain(|n| !n.is_empty());
    all.sort_unstable();
    all
}

fn words(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_ascii_alphabetic()).filter(|w| w.len() > 1).collect()
}

#[test]
fn numbers_and_names_are_the_same_in_both_languages() {
    for (name, report) in reports() {
        for ((format, english), (_, korean)) in texts(&report, Lang::En).into_iter().zip(texts(&report, Lang::Ko)) {
            assert_eq!(numbers(&english), numbers(&korean), "{name} {format}");
        }
    }
}

#[test]
fn left() {
    let mut all = BTreeSet::new();
    for (_, report) in reports() {
        let texts = texts(&report, Lang::Ko);
        for (_, t) in &texts[..3] { all.extend(words(t).into_iter().map(str::to_owned)); }
    }
    panic!("{all:?}");
}
