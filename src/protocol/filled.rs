//! Whether a JSON value holds any text, without building it. Not here: which fields of an answer
//! hold text (one file per protocol).

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Whether there is any text, in whatever shape: a string, parts with text, or (some servers' tool
/// arguments) an object.
#[derive(Clone, Copy, Default)]
pub struct Filled(pub bool);

/// Content: a string is answer; a list has parts, of which those that think are reasoning, and
/// those without text are nothing.
#[derive(Clone, Copy, Default)]
pub struct Content {
    pub answer: bool,
    pub reasoning: bool,
}

/// Names in a part of content that say what it is or where it belongs, and are no output.
const ABOUT: [&str; 14] = [
    "type",
    "id",
    "index",
    "signature",
    "closed",
    "annotations",
    "citations",
    "reference_ids",
    "role",
    "status",
    "format",
    "cache_control",
    "name",
    "object",
];

impl<'de> Deserialize<'de> for Filled {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FilledVisitor)
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
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

    /// A part of content has its text in `text`; arguments as an object have names of their own,
    /// and any value is output.
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

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, parts of content or null")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Content, E> {
        Ok(Content { answer: !text.is_empty(), reasoning: false })
    }

    fn visit_unit<E: de::Error>(self) -> Result<Content, E> {
        Ok(Content::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Content, A::Error> {
        let mut content = Content::default();
        while let Some(part) = parts.next_element::<Content>()? {
            content.answer |= part.answer;
            content.reasoning |= part.reasoning;
        }
        Ok(content)
    }

    /// One part: `{type: text, text}`, `{type: thinking, thinking: [{type: text, text}]}`, `{type:
    /// image_url, image_url: {url}}`.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Content, A::Error> {
        let (mut filled, mut thinks, mut hidden) = (false, false, false);
        while let Some(key) = map.next_key::<String>()? {
            if key == "type" {
                let kind = map.next_value::<Option<String>>()?.unwrap_or_default();
                thinks |= is_thinking(&kind);
                hidden |= kind.contains("encrypted") || kind.contains("redacted");
            } else if ABOUT.contains(&key.as_str()) {
                map.next_value::<IgnoredAny>()?;
            } else {
                let has_text = map.next_value::<AnyText>()?.0;
                filled |= has_text;
                thinks |= has_text && is_thinking(&key);
            }
        }
        let shown = filled && !hidden;
        Ok(Content { answer: shown && !thinks, reasoning: shown && thinks })
    }
}

fn is_thinking(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["think", "reason", "thought"].iter().any(|word| name.contains(word))
}

/// Whether there is a string with text anywhere within, but for what is about the parts.
struct AnyText(bool);

impl<'de> Deserialize<'de> for AnyText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyTextVisitor)
    }
}

struct AnyTextVisitor;

impl<'de> Visitor<'de> for AnyTextVisitor {
    type Value = AnyText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<AnyText, E> {
        Ok(AnyText(!text.is_empty()))
    }

    fn visit_unit<E: de::Error>(self) -> Result<AnyText, E> {
        Ok(AnyText(false))
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<AnyText, E> {
        Ok(AnyText(false))
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<AnyText, E> {
        Ok(AnyText(false))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<AnyText, E> {
        Ok(AnyText(false))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<AnyText, E> {
        Ok(AnyText(false))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<AnyText, A::Error> {
        let mut any = false;
        while let Some(part) = parts.next_element::<Self::Value>()? {
            any |= part.0;
        }
        Ok(AnyText(any))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<AnyText, A::Error> {
        let mut any = false;
        while let Some(key) = map.next_key::<String>()? {
            if ABOUT.contains(&key.as_str()) {
                map.next_value::<IgnoredAny>()?;
            } else {
                any |= map.next_value::<Self::Value>()?.0;
            }
        }
        Ok(AnyText(any))
    }
}
