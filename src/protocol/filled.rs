//! Whether a JSON value holds any text, without building it. Not here: which fields of an answer hold text (one file per protocol).

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Whether there is any text, in whatever shape: a string, parts with text, or (some servers' tool arguments) an object.
#[derive(Clone, Copy, Default)]
pub struct Filled(pub bool);

impl<'de> Deserialize<'de> for Filled {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FilledVisitor)
    }
}

struct FilledVisitor;

impl<'de> Visitor<'de> for FilledVisitor {
    type Value = Filled;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, parts of text or null")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Filled, E> {
        Ok(Filled(!text.is_empty()))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Filled, E> {
        Ok(Filled(false))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Filled, A::Error> {
        let mut filled = false;
        while let Some(part) = parts.next_element::<Filled>()? {
            filled |= part.0;
        }
        Ok(Filled(filled))
    }

    /// A part of content has its text in `text`; arguments as an object have names of their own, and any value is output.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Filled, A::Error> {
        let mut filled = false;
        while let Some(key) = map.next_key::<String>()? {
            if key == "text" {
                filled |= map.next_value::<Filled>()?.0;
            } else {
                map.next_value::<IgnoredAny>()?;
                filled |= key != "type";
            }
        }
        Ok(Filled(filled))
    }
}
