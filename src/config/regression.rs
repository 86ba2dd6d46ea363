//! `regressions`: how changes of a metric are judged, where the method's own rule is not wanted.
//! Wire type, check, validated type.
//!
//! Not here: the method's own values (`metric`), or what they do (`judge`).

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::metric::{Class, METHOD, Metric, Scale};

use super::check::Checker;
use super::expect::{Shape, undefined};
use super::units::{parse_percent, parse_points};

/// What a team asks of the judgement of one metric; METHOD's row where it says nothing. Fractions
/// (0.05 = 5 % or 5 points).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Regression {
    /// The change for the worse that must be found of this metric, above 0 and below 1.
    pub size: Option<f64>,
    pub class: Option<Class>,
}

/// A bare size is a `min_change`: what must be found of this metric.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RegressionFile {
    pub min_change: Option<String>,
    pub margin: Option<String>,
    pub class: Option<Class>,
}

impl Checker {
    pub fn regressions(
        &mut self,
        path: &str,
        all: Option<&BTreeMap<String, RegressionFile>>,
        asked: Shape,
    ) -> BTreeMap<Metric, Regression> {
        let mut judged = BTreeMap::new();
        for (name, rule) in all.into_iter().flatten() {
            let at = format!("{path}.regressions.{name}");
            let valid = Metric::all().filter(|m| m.method().is_some()).collect();
            let Some(metric) = self.metric(&at, name, valid, asked) else { continue };
            if *rule == RegressionFile::default() {
                self.bad(
                    &at,
                    "nothing is said",
                    "write the change that must be found, such as 5%, or {class: guard}",
                );
                continue;
            }
            if let Some(regression) = self.regression(&at, metric, rule) {
                judged.insert(metric, regression);
            }
        }
        let class = |metric: Metric| {
            judged.get(&metric).and_then(|r| r.class).or(metric.method().map(|row| row.class))
        };
        let defined = |metric: Metric| {
            let single = metric == Metric::OutputTokenRate && asked.output_tokens == Some(1);
            undefined(metric, asked).is_none() && !single
        };
        if !METHOD.into_iter().any(|m| defined(m) && class(m) == Some(Class::Primary)) {
            let what = "no primary metric is left: a PASS would prove nothing";
            self.bad(
                &format!("{path}.regressions"),
                what,
                "leave at least one metric `class: primary`, such as e2e_geomean",
            );
        }
        judged
    }

    fn regression(
        &mut self,
        at: &str,
        metric: Metric,
        said: &RegressionFile,
    ) -> Option<Regression> {
        let row = metric.method()?;
        let bare = said.margin.is_none() && said.class.is_none();
        let size_at = if bare { at.to_owned() } else { format!("{at}.min_change") };
        let size = self.fraction(&size_at, metric, said.min_change.as_deref());
        let class = said.class.unwrap_or(row.class);
        if metric == Metric::ErrorRate && class == Class::Primary {
            let what =
                "error_rate cannot be primary: it is tested as counts, which prove no margin";
            self.bad(
                &format!("{at}.class"),
                what,
                "write `class: guard`, or set a limit: `limits: {error_rate: {max: 1%}}`",
            );
        }
        if said.margin.is_some() {
            let hint = "write the one size that must be found, such as `5%`: a PASS proves that, and a FAIL takes 0.6 of it or more";
            self.bad(&format!("{at}.margin"), "is of an earlier version", hint);
        }
        Some(Regression { size, class: said.class })
    }

    /// A size in the metric's own scale, above 0 and below 1.
    fn fraction(&mut self, at: &str, metric: Metric, text: Option<&str>) -> Option<f64> {
        let text = text?;
        let parsed = match metric.method().map(|row| row.scale) {
            Some(Scale::Absolute) => parse_points(text),
            _ => parse_percent(text),
        };
        match parsed {
            Ok(change) if change > 0.0 && change < 1.0 => return Some(change),
            Ok(_) => {
                let hint = "write a size above 0, such as 5%";
                self.bad(at, format!("`{text}` is not above 0 and below 100"), hint);
            }
            Err(error) => self.unit(at, error),
        }
        None
    }
}

/// The mapping form of `RegressionFile`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RegressionMap {
    /// The change for the worse that must be found of this metric.
    min_change: Option<String>,
    /// Of earlier versions.
    #[schemars(skip)]
    margin: Option<String>,
    /// What the metric may do to a verdict.
    class: Option<Class>,
}

/// Only for the schema: both forms of `RegressionFile`.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "never made: its derive describes the two forms")]
enum RegressionForms {
    MinChange(String),
    Map(RegressionMap),
}

impl JsonSchema for RegressionFile {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Regression".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        RegressionForms::json_schema(generator)
    }
}

impl<'de> Deserialize<'de> for RegressionFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RegressionVisitor;
        impl<'de> Visitor<'de> for RegressionVisitor {
            type Value = RegressionFile;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a size such as 5% or 2pp, or {min_change: 5%, class: primary}")
            }

            fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<RegressionFile, E> {
                Ok(RegressionFile {
                    min_change: Some(value.to_owned()),
                    ..RegressionFile::default()
                })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RegressionFile, A::Error> {
                let RegressionMap { min_change, margin, class } =
                    RegressionMap::deserialize(MapAccessDeserializer::new(map))?;
                Ok(RegressionFile { min_change, margin, class })
            }
        }
        deserializer.deserialize_any(RegressionVisitor)
    }
}
