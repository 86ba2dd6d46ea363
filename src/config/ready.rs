//! `server.ready`: a map, or its path alone. Not here: what a path may be (`server`).

use std::fmt;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::wire::Span;

/// When a started server is ready to be measured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReadyFile {
    pub path: Option<String>,
    pub timeout: Option<Span>,
}

/// When a started server is ready to be measured.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ReadyMap {
    /// Path at the server's root that answers 2xx, such as /health; without it the list of models
    /// is asked.
    path: Option<String>,
    /// Longest time from the start to that answer.
    timeout: Option<Span>,
}

/// Only for the schema: both forms of `ReadyFile`.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "never made: its derive describes the two forms")]
enum ReadyForms {
    Path(String),
    Map(ReadyMap),
}

impl JsonSchema for ReadyFile {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Ready".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        ReadyForms::json_schema(generator)
    }
}

impl<'de> Deserialize<'de> for ReadyFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ReadyVisitor;
        impl<'de> Visitor<'de> for ReadyVisitor {
            type Value = ReadyFile;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a path such as /health, or {path: /health, timeout: 10m}")
            }

            fn visit_str<E: serde::de::Error>(self, path: &str) -> Result<ReadyFile, E> {
                Ok(ReadyFile { path: Some(path.to_owned()), timeout: None })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ReadyFile, A::Error> {
                let ReadyMap { path, timeout } =
                    ReadyMap::deserialize(MapAccessDeserializer::new(map))?;
                Ok(ReadyFile { path, timeout })
            }
        }
        deserializer.deserialize_any(ReadyVisitor)
    }
}
