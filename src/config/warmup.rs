//! `warmup`: load before measuring, once per start. Wire form, check.
//!
//! Not here: which of its prompts a round sends again (`workload`).

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::check::Checker;
use super::wire::{Span, to_u32};

/// Either `requests` or `duration`; a bare integer is a number of requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WarmupFile {
    pub requests: Option<u32>,
    pub duration: Option<Span>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warmup {
    Requests(u32),
    Duration(Duration),
}

impl Checker {
    pub fn warmup(&mut self, path: &str, file: Option<&WarmupFile>) -> Option<Warmup> {
        match (file?.requests, file?.duration) {
            (Some(n), None) => Some(Warmup::Requests(n)),
            (None, Some(Span(duration))) => Some(Warmup::Duration(duration)),
            (requests, _) => {
                let what = if requests.is_some() {
                    "both `requests` and `duration`"
                } else {
                    "neither `requests` nor `duration`"
                };
                self.bad(path, what, "write {duration: 10s} or {requests: 20}; 0 for no warm-up");
                None
            }
        }
    }
}

/// The mapping form of `WarmupFile`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WarmupMap {
    /// Requests per start; 0 for no warm-up.
    requests: Option<u32>,
    /// Time per start.
    duration: Option<Span>,
}

/// Only for the schema: both forms of `WarmupFile`.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "never made: its derive describes the two forms")]
enum WarmupForms {
    Requests(u32),
    Map(WarmupMap),
}

impl JsonSchema for WarmupFile {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Warmup".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        WarmupForms::json_schema(generator)
    }
}

impl<'de> Deserialize<'de> for WarmupFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WarmupVisitor;
        impl<'de> Visitor<'de> for WarmupVisitor {
            type Value = WarmupFile;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of requests, {requests: N} or {duration: 10s}")
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<WarmupFile, E> {
                Ok(WarmupFile { requests: Some(to_u32(value)?), duration: None })
            }

            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<WarmupFile, E> {
                Ok(WarmupFile { requests: Some(to_u32(value)?), duration: None })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<WarmupFile, A::Error> {
                let WarmupMap { requests, duration } =
                    WarmupMap::deserialize(MapAccessDeserializer::new(map))?;
                Ok(WarmupFile { requests, duration })
            }
        }
        deserializer.deserialize_any(WarmupVisitor)
    }
}
