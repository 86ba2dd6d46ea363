//! What the reports say, in the reader's language: each English sentence is a pattern, and beside
//! it stands the same in that language.
//!
//! The code and the stored JSON speak English; only what people read is translated, where it is
//! rendered. Numbers, units, names of metrics and verdicts are carried over as they are. A sentence
//! that no pattern knows stays English. Not here: the words of the HTML page's template
//! (`page::words`), foreign text, layout.

pub(super) mod ko;
mod pattern;
#[cfg(test)]
mod tests;

use crate::config::Lang;

use pattern::Piece;

/// A sentence in English and in another language, with holes; see `pattern`.
type Sentence = (&'static str, &'static str);

/// The English text in another language; parts of a list that is not known as a whole are
/// translated one by one.
pub fn say(lang: Lang, english: &str) -> String {
    match lang {
        Lang::En => english.to_owned(),
        Lang::Ko => translated(&ko::SENTENCES, english),
    }
}

fn translated(sentences: &[&[Sentence]], english: &str) -> String {
    let known = sentences
        .iter()
        .flat_map(|part| part.iter())
        .find_map(|(from, to)| filled(sentences, from, to, english));
    known.or_else(|| pattern::quantity(english)).unwrap_or_else(|| {
        let parted = ["; ", ", "].into_iter().find(|by| english.contains(by));
        parted.map_or_else(
            || english.to_owned(),
            |by| english.split(by).map(|p| translated(sentences, p)).collect::<Vec<_>>().join(by),
        )
    })
}

fn filled(sentences: &[&[Sentence]], from: &str, to: &str, english: &str) -> Option<String> {
    let found = pattern::holes(from, english)?;
    let said = |piece: Piece<'_>| match piece {
        Piece::Text(text) | Piece::Maybe(text) => text.to_owned(),
        Piece::Hole(hole) => {
            found.iter().find(|(name, _)| *name == hole).map_or_else(String::new, |(_, text)| {
                match hole {
                    'q'..='t' | 'A'..='E' => translated(sentences, text),
                    'L' => listed(sentences, text),
                    _ => (*text).to_owned(),
                }
            })
        }
    };
    Some(pattern::pieces(to).map(said).collect())
}

/// `a, b and c`, each translated.
fn listed(sentences: &[&[Sentence]], english: &str) -> String {
    let items = english.split(", ").flat_map(|part| part.split(" and "));
    items.map(|item| translated(sentences, item)).collect::<Vec<_>>().join(", ")
}
