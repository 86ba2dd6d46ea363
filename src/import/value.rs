//! Foreign JSON as numbers with units: Python's NaN and Infinity, numbers as text, negative times.
//! Absent is `None`, never 0.
//!
//! Not here: which field means what (one file per tool).

use serde_json::Value;

use super::ImportError;

/// A year, in seconds: what is longer is another unit or another clock.
const LONGEST_S: f64 = 365.0 * 86_400.0;
/// As much of a foreign value as a message needs.
const SHOWN_CHARS: usize = 60;

/// All JSON values of a text, one after the other: a document, or JSON lines. NaN becomes null,
/// Infinity the text `Infinity`.
///
/// Errors: empty, or not JSON, with the place.
pub fn documents(text: &str) -> Result<Vec<Value>, ImportError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let strict = |text: &str| {
        serde_json::Deserializer::from_str(text).into_iter::<Value>().collect::<Result<Vec<_>, _>>()
    };
    let all = strict(text).or_else(|_| strict(&plain(text))).map_err(|e| {
        ImportError::Damaged(format!(
            "it is not JSON: {e}; was the tool stopped while it wrote it? measure again, or take a whole file"
        ))
    })?;
    if all.is_empty() {
        return Err(ImportError::Damaged("it is empty: the tool wrote no result".into()));
    }
    Ok(all)
}

/// Python writes NaN, Infinity and -Infinity, which JSON has not.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut inside) = (text, false);
    while let Some(c) = rest.chars().next() {
        let word = [("NaN", "null"), ("-Infinity", "\"-Infinity\""), ("Infinity", "\"Infinity\"")];
        if let Some((from, to)) =
            word.into_iter().find(|(from, _)| !inside && rest.starts_with(from))
        {
            out.push_str(to);
            rest = &rest[from.len()..];
            continue;
        }
        // An escaped character, so that an escaped quote does not end the text.
        let taken = if inside && c == '\\' {
            rest.chars().take(2).map(char::len_utf8).sum()
        } else {
            c.len_utf8()
        };
        inside ^= c == '"';
        out.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    out
}

/// A value as a message shows it.
pub fn shown(value: &Value) -> String {
    short(&value.to_string(), SHOWN_CHARS)
}

pub fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        text.to_owned()
    } else {
        text.chars().take(most).chain("...".chars()).collect()
    }
}

/// Null and a missing field are absent. Errors: anything else that is no number.
pub fn number(value: &Value, what: &str) -> Result<Option<f64>, ImportError> {
    match value {
        Value::Null => Ok(None),
        Value::Number(n) => Ok(n.as_f64().filter(|n| n.is_finite())),
        other => {
            Err(ImportError::Shape(format!("{what} is {}, a number was expected", shown(other))))
        }
    }
}

/// A duration or an instant in nanoseconds; `unit_s` is one unit of the file in seconds.
///
/// Errors: no number, negative, or beyond `most_s` seconds.
fn nanoseconds(
    value: &Value,
    unit_s: f64,
    most_s: f64,
    what: &str,
) -> Result<Option<u64>, ImportError> {
    let Some(seconds) = number(value, what)?.map(|n| n * unit_s) else { return Ok(None) };
    if seconds < 0.0 {
        return Err(ImportError::Shape(format!(
            "{what} is {}: a time cannot be negative",
            shown(value)
        )));
    }
    if seconds > most_s {
        return Err(ImportError::Shape(format!(
            "{what} is {}: that is longer than any run",
            shown(value)
        )));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and a bound far below the type's"
    )]
    let ns = (seconds * 1e9).round() as u64;
    Ok(Some(ns))
}

/// A duration, nanoseconds.
pub fn duration_ns(value: &Value, unit_s: f64, what: &str) -> Result<Option<u64>, ImportError> {
    nanoseconds(value, unit_s, LONGEST_S, what)
}

/// An instant of some clock, nanoseconds: up to the year 2200 of the wall clock.
pub fn instant_ns(value: &Value, unit_s: f64, what: &str) -> Result<Option<u64>, ImportError> {
    nanoseconds(value, unit_s, 230.0 * LONGEST_S, what)
}

/// Errors: no whole number from 0 on.
pub fn count(value: &Value, what: &str) -> Result<Option<u32>, ImportError> {
    let Some(n) = number(value, what)? else { return Ok(None) };
    if n < 0.0 || n > f64::from(u32::MAX) || n.fract() != 0.0 {
        return Err(ImportError::Shape(format!(
            "{what} is {}, a count was expected",
            shown(value)
        )));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number within the type's range"
    )]
    let n = n as u32;
    Ok(Some(n))
}

/// The list under a key. Errors: absent, or no list.
pub fn list<'v>(object: &'v Value, key: &str) -> Result<&'v Vec<Value>, ImportError> {
    object[key].as_array().ok_or_else(|| {
        ImportError::Shape(format!("{key} is {}, a list was expected", shown(&object[key])))
    })
}

/// The lists under these keys, which must be as long as each other.
pub fn lists<'v, const N: usize>(
    object: &'v Value,
    keys: [&str; N],
) -> Result<[&'v [Value]; N], ImportError> {
    let mut all: [&[Value]; N] = [&[]; N];
    for (slot, key) in all.iter_mut().zip(keys) {
        *slot = list(object, key)?;
    }
    let first = all.first().map_or(0, |l| l.len());
    match keys.iter().zip(&all).find(|(_, l)| l.len() != first) {
        Some((key, l)) => Err(ImportError::Shape(format!(
            "{} has {first} entries and {key} has {}: which request is which cannot be told",
            keys[0],
            l.len()
        ))),
        None => Ok(all),
    }
}

/// Text under a key, where it is text and not empty.
pub fn text<'v>(object: &'v Value, key: &str) -> Option<&'v str> {
    object[key].as_str().filter(|t| !t.is_empty())
}

/// A stated setting as text; absent where the tool states none.
pub fn stated(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Number(n) => n.as_f64().map(|n| n.to_string()),
        other => Some(without_nulls(other).to_string()),
    }
}

/// Without what is null: a newer version that knows one setting more is no other load.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(_, v)| !v.is_null())
            .map(|(k, v)| (k.clone(), without_nulls(v)))
            .collect(),
        Value::Array(list) => list.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}
