//! Token counts as servers write them. What is no count is absent; it never makes an answer
//! unreadable.
//!
//! Not here: which counts there are (one file per protocol), and whether they can be true
//! (`receiver`).

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{
    self, Deserialize, DeserializeOwned, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

/// A count; servers written in JavaScript may send `12.0`. A text, a boolean, a part of a token and
/// a number out of range are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count(pub Option<u32>);

/// An object of counts, or nothing where a server sends something else in its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts<T>(pub Option<T>);

/// JSON in which a number beyond what a number can be (`1e999`) is null.
pub fn from_json<T: DeserializeOwned>(json: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(json).or_else(|e| match without_impossible_numbers(json) {
        Some(json) if e.is_syntax() => serde_json::from_slice(&json),
        _ => Err(e),
    })
}

/// None where every number is possible, or where this is no JSON anyway.
fn without_impossible_numbers(json: &[u8]) -> Option<Vec<u8>> {
    let (mut out, mut at, mut changed) = (Vec::new(), 0, false);
    while let Some(&byte) = json.get(at) {
        let from = at;
        match byte {
            b'"' => {
                at += 1;
                while *json.get(at)? != b'"' {
                    at += if json[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
            }
            b'-' | b'0'..=b'9' => {
                while matches!(json.get(at), Some(b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')) {
                    at += 1;
                }
                let number = std::str::from_utf8(&json[from..at]).ok()?;
                if number.parse::<f64>().is_ok_and(f64::is_infinite) {
                    out.extend_from_slice(b"null");
                    changed = true;
                    continue;
                }
            }
            _ => at += 1,
        }
        out.extend_from_slice(&json[from..at]);
    }
    changed.then_some(out)
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CountVisitor)
    }
}

struct CountVisitor;

impl<'de> Visitor<'de> for CountVisitor {
    type Value = Count;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_u64<E: de::Error>(self, n: u64) -> Result<Count, E> {
        Ok(Count(u32::try_from(n).ok()))
    }

    fn visit_f64<E: de::Error>(self, n: f64) -> Result<Count, E> {
        let whole = n.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&n);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a whole number within the range, as just checked"
        )]
        Ok(Count(whole.then_some(n as u32)))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Count, E> {
        Ok(Count(None))
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Count, E> {
        Ok(Count(None))
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Count, E> {
        Ok(Count(None))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Count, E> {
        Ok(Count(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Count, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Count(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Count, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Count(None))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Counts<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CountsVisitor(std::marker::PhantomData))
    }
}

struct CountsVisitor<T>(std::marker::PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for CountsVisitor<T> {
    type Value = Counts<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Counts<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|counts| Counts(Some(counts)))
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Counts<T>, E> {
        Ok(Counts(None))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Counts<T>, E> {
        Ok(Counts(None))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Counts<T>, E> {
        Ok(Counts(None))
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Counts<T>, E> {
        Ok(Counts(None))
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Counts<T>, E> {
        Ok(Counts(None))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Counts<T>, E> {
        Ok(Counts(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Counts<T>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Counts(None))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Two {
        #[serde(default)]
        n: Count,
        #[serde(default)]
        m: Count,
    }

    fn two(json: &str) -> Option<Two> {
        from_json::<Counts<Two>>(json.as_bytes()).expect("it can be read").0
    }

    #[test]
    fn what_is_no_count_is_absent_and_harms_nothing() {
        for no_count in [
            "null",
            "true",
            "\"12\"",
            "\"\"",
            "-1",
            "1.5",
            "1e999",
            "-1e999",
            "1e12",
            "4294967296",
            "18446744073709551616",
            "[3]",
            "{\"n\":3}",
        ] {
            let expected = Some(Two { n: Count(None), m: Count(Some(7)) });
            assert_eq!(two(&format!(r#"{{"n":{no_count},"m":7}}"#)), expected, "{no_count}");
        }
        assert_eq!(two(r#"{"n":12.0,"m":0}"#), Some(Two { n: Count(Some(12)), m: Count(Some(0)) }));
        assert_eq!(
            two(r#"{"s":"\"1e999\\","n":1e999,"m":4294967295}"#),
            Some(Two { n: Count(None), m: Count(Some(u32::MAX)) })
        );
        for none in ["null", "true", "5", "-5", "0.5", "1e999", "\"usage\"", "[1,2]"] {
            assert_eq!(two(none), None, "{none}");
        }
        for broken in
            ["{", "{\"n\":1e999", "{\"n\":1e999}}", "{\"n\":1e}", "\"1e999", "{\"n\":--1e999}"]
        {
            assert!(from_json::<Counts<Two>>(broken.as_bytes()).is_err(), "{broken}");
        }
    }
}
