//! A sentence with holes, and what of a text stands in them. Not here: any sentence.
//!
//! `{x}` is a hole; its letter says what it takes: `n m k` a number; `q r s t` a number with its
//! unit, or `over` one; `u v w` a word; `a b c` any text, carried over as it is; `A` to `E` any
//! text, translated in its turn; `L` a list (`a, b and c`); `_` a word that the other language does
//! without. `[s]` is there or not.

/// Units as sentences write them, and as tables do, which is how other languages do.
const UNITS: [(&str, &str); 16] = [
    ("", ""),
    (" %", " %"),
    (" pp", " pp"),
    (" points", " pp"),
    (" ms", " ms"),
    (" s", " s"),
    (" min", " min"),
    ("/s", "/s"),
    (" per s", "/s"),
    (" tok/s", " tok/s"),
    (" tokens per s", " tok/s"),
    (" MiB", " MiB"),
    (" J/token", " J/token"),
    (" J per token", " J/token"),
    (" tok/J", " tok/J"),
    (" tokens per J", " tok/J"),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    Text(&'a str),
    Maybe(&'a str),
    Hole(char),
}

/// The parts of a pattern, in order.
pub fn pieces(pattern: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = pattern;
    std::iter::from_fn(move || {
        let (piece, after) = first(rest)?;
        rest = after;
        Some(piece)
    })
}

/// What stands in the holes of a pattern that the whole text fits: the shortest of the first hole,
/// then of the next.
pub fn holes<'t>(pattern: &str, text: &'t str) -> Option<Vec<(char, &'t str)>> {
    // Most patterns begin otherwise, or have a word that the text has not.
    let possible = follows(pattern, text)
        && pieces(pattern).all(|piece| {
            if let Piece::Text(literal) = piece { text.contains(literal) } else { true }
        });
    if possible { fitted(pattern, text) } else { None }
}

fn fitted<'t>(pattern: &str, text: &'t str) -> Option<Vec<(char, &'t str)>> {
    let Some((piece, after)) = first(pattern) else { return text.is_empty().then(Vec::new) };
    match piece {
        Piece::Text(literal) => fitted(after, text.strip_prefix(literal)?),
        Piece::Maybe(literal) => text
            .strip_prefix(literal)
            .and_then(|rest| fitted(after, rest))
            .or_else(|| fitted(after, text)),
        Piece::Hole(hole) => {
            let ends = text[..longest(hole, text)].char_indices().map(|(at, c)| at + c.len_utf8());
            ends.filter(|end| follows(after, &text[*end..]) && takes(hole, &text[..*end])).find_map(
                |end| {
                    let mut found = fitted(after, &text[end..])?;
                    found.push((hole, &text[..end]));
                    Some(found)
                },
            )
        }
    }
}

/// A number with its unit, as tables write it.
pub fn quantity(text: &str) -> Option<String> {
    let digits = text.find(|c| !in_number(c)).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let (_, shown) = UNITS.iter().find(|(said, _)| *said == unit)?;
    is_number(number).then(|| format!("{number}{shown}"))
}

/// Whether what comes next can begin here: saves trying what cannot fit.
fn follows(pattern: &str, text: &str) -> bool {
    match first(pattern) {
        None => text.is_empty(),
        Some((Piece::Text(literal), _)) => text.starts_with(literal),
        Some(_) => true,
    }
}

/// How far a hole can reach: what cannot be in it is not tried.
fn longest(hole: char, text: &str) -> usize {
    let until = |stops: &dyn Fn(char) -> bool| text.find(stops).unwrap_or(text.len());
    match hole {
        'n' | 'm' | 'k' => until(&|c| !in_number(c)),
        // A quantity has at most three blanks: `over 5 tokens per s`.
        'q'..='t' => text.match_indices(' ').nth(4).map_or(text.len(), |(at, _)| at),
        'u'..='w' | '_' => until(&char::is_whitespace),
        'L' => text.find("; ").unwrap_or(text.len()),
        _ => text.len(),
    }
}

fn takes(hole: char, text: &str) -> bool {
    match hole {
        'n' | 'm' | 'k' => is_number(text),
        'q'..='t' => quantity(text.strip_prefix("over ").unwrap_or(text)).is_some(),
        _ => true,
    }
}

fn is_number(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_digit()) && text.chars().all(in_number)
}

fn in_number(c: char) -> bool {
    c.is_ascii_digit() || "+-.".contains(c)
}

/// The first piece and what is behind it.
fn first(pattern: &str) -> Option<(Piece<'_>, &str)> {
    let mut chars = pattern.chars();
    match (chars.next()?, chars.next(), chars.next()) {
        ('{', Some(hole), Some('}')) => Some((Piece::Hole(hole), chars.as_str())),
        ('[', _, _) => {
            pattern[1..].split_once(']').map(|(maybe, after)| (Piece::Maybe(maybe), after))
        }
        (open, _, _) => {
            // A brace that is no hole is text.
            let end = pattern[open.len_utf8()..]
                .find(['{', '['])
                .map_or(pattern.len(), |at| at + open.len_utf8());
            let (text, after) = pattern.split_at(end);
            Some((Piece::Text(text), after))
        }
    }
}
