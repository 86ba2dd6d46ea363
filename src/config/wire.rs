//! What the wire forms are made of: durations and numbers as they are written, and how one layer is
//! laid over another.
//!
//! Not here: any key of the config.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::units::{self, DURATION_PATTERN};

/// A duration, as text with a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(inline, with = "String", extend("pattern" = DURATION_PATTERN))]
pub struct Span(pub Duration);

/// A finite number: YAML's `.nan` and `.inf` would vanish in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(inline, with = "f64")]
pub struct Number(pub f64);

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&units::format_duration(self.0))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        units::parse_duration(&text).map(Self).map_err(|e| D::Error::custom(e.lines()))
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match f64::deserialize(deserializer)? {
            value if value.is_finite() => Ok(Self(value)),
            value => Err(D::Error::custom(format!("{value} is not a finite number"))),
        }
    }
}

/// A whole number that fits.
pub fn to_u32<E: serde::de::Error>(
    value: impl TryInto<u32> + fmt::Display + Copy,
) -> Result<u32, E> {
    value
        .try_into()
        .map_err(|_| E::custom(format!("{value} is not a whole number from 0 to {}", u32::MAX)))
}

/// Where both layers say something, `both` of them; else the one that does.
pub fn merge<T>(over: Option<T>, base: Option<T>, both: impl FnOnce(T, T) -> T) -> Option<T> {
    match (over, base) {
        (Some(over), Some(base)) => Some(both(over, base)),
        (over, base) => over.or(base),
    }
}
