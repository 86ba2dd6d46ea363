//! Reads a metrics page: Prometheus text 0.0.4 and `OpenMetrics` text 1.0, as far as numbers go.
//! Pure. Not here: what a name means (`names`).
//!
//! Lenient, since a page from elsewhere must never end a run: what is no sample is left out.
//! Bounded, since it may be hostile.

use std::borrow::Cow;

/// One line: `name{label="value"} 1.5`. NaN and the infinities are values here.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample<'a> {
    pub name: &'a str,
    pub labels: Labels<'a>,
    pub value: f64,
}

/// Names and values, in the page's order.
pub type Labels<'a> = Vec<(&'a str, Cow<'a, str>)>;

/// vLLM's longest line has two thousand bytes.
const LONGEST_LINE: usize = 16 * 1024;
const MOST_LABELS: usize = 64;

/// Samples of the names that are `wanted`: nine of ten lines are buckets that nobody asks for.
/// `OpenMetrics` ends at `# EOF`.
pub fn samples(text: &str, wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = Sample<'_>> {
    let lines = text.lines().take_while(|line| line.trim_end() != "# EOF");
    lines.filter(|line| line.len() <= LONGEST_LINE).filter_map(move |line| sample(line, &wanted))
}

fn sample<'a>(line: &'a str, wanted: &impl Fn(&str) -> bool) -> Option<Sample<'a>> {
    let line = line.trim_start_matches([' ', '\t']);
    let (name, rest) = line.split_at(line.find(|c: char| !is_name(c))?);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !wanted(name) {
        return None;
    }
    let rest = rest.trim_start_matches([' ', '\t']);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(inside) => labels(inside)?,
        None => (Vec::new(), rest),
    };
    Some(Sample { name, labels, value: value(rest)? })
}

/// `1.5`, `1.5 1700000000` (a time stamp), `1.5 # {trace="a"} 0.3` (an exemplar).
fn value(rest: &str) -> Option<f64> {
    let mut words = rest.split_ascii_whitespace();
    let value = words.next()?.parse().ok()?;
    match words.next() {
        None => Some(value),
        Some(word) if word.starts_with('#') => Some(value),
        Some(stamp) => stamp
            .parse::<f64>()
            .ok()
            .filter(|_| words.next().is_none_or(|w| w.starts_with('#')))
            .map(|_| value),
    }
}

/// What stands between the braces, and what comes after them.
fn labels(mut rest: &str) -> Option<(Labels<'_>, &str)> {
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', '\t']);
        if let Some(after) = rest.strip_prefix('}') {
            return Some((labels, after));
        }
        let (name, after) = rest.split_once('=')?;
        let quoted = after.trim_start_matches([' ', '\t']).strip_prefix('"')?;
        let end = closing_quote(quoted)?;
        let name = name.trim_end_matches([' ', '\t']);
        if name.is_empty() || !name.chars().all(is_name) || labels.len() == MOST_LABELS {
            return None;
        }
        labels.push((name, unescaped(&quoted[..end])));
        rest = quoted[end + 1..].trim_start_matches([' ', '\t']);
        rest = match rest.strip_prefix(',') {
            Some(after) => after,
            None if rest.starts_with('}') => rest,
            None => return None,
        };
    }
}

fn closing_quote(quoted: &str) -> Option<usize> {
    let mut escaped = false;
    quoted.bytes().position(|b| {
        let closes = b == b'"' && !escaped;
        escaped = b == b'\\' && !escaped;
        closes
    })
}

/// `\\`, `\"` and `\n`; any other escape stays as it is.
fn unescaped(raw: &str) -> Cow<'_, str> {
    if !raw.contains('\\') {
        return Cow::Borrowed(raw);
    }
    let mut out = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        match (c, chars.clone().next()) {
            ('\\', Some(next @ ('\\' | '"' | 'n'))) => {
                out.push(if next == 'n' { '\n' } else { next });
                chars.next();
            }
            _ => out.push(c),
        }
    }
    Cow::Owned(out)
}

const fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}

#[cfg(test)]
mod tests;
