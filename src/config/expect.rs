//! What a workload expects of its answers, `slo` and `limits`: wire forms, layers, check against
//! the metric table.
//!
//! Not here: how changes are judged (`regression`), ranges of the load itself (`workload`), or any
//! judging.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::Checker;
use super::error::{did_you_mean, nearest_word};
use super::units::{UnitError, parse_quantity};
use super::wire::Span;
use crate::lang::{Text, bilingual};
use crate::metric::{Metric, Orientation, SloKind, Timing};

/// Limits per request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SloFile {
    /// Time to first token.
    pub ttft: Option<Span>,
    /// Time per output token after the first.
    pub tpot: Option<Span>,
    /// Time to the last token.
    pub e2e: Option<Span>,
}

/// A bound with its unit: `500ms`, `95%`, `5/s`, `500 tokens/s`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitFile {
    /// For metrics that are better when higher.
    pub min: Option<String>,
    /// For metrics that are better when lower.
    pub max: Option<String>,
}

/// Per-request limits; all that are set must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slo {
    pub ttft: Option<Duration>,
    pub tpot: Option<Duration>,
    pub e2e: Option<Duration>,
}

/// An absolute limit on a metric of the run. In the metric's own unit (ms, per second, share 0 to
/// 1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    pub metric: Metric,
    pub bound: Bound,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    Max(f64),
    Min(f64),
}

/// What a workload asks for, as far as it decides which metrics there are.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shape {
    pub slo: SloFile,
    pub stream: Option<bool>,
    pub output_tokens: Option<u32>,
}

impl SloFile {
    pub fn over(self, base: Self) -> Self {
        Self {
            ttft: self.ttft.or(base.ttft),
            tpot: self.tpot.or(base.tpot),
            e2e: self.e2e.or(base.e2e),
        }
    }
}
impl Checker {
    pub fn slo(&mut self, path: &str, asked: Shape) -> Slo {
        let SloFile { ttft, tpot, e2e } = asked.slo;
        let mut kind = |timing: Timing, span: Option<Span>| {
            let at = format!("{path}.slo.{}", timing.name());
            if let Some((what, hint)) = span.and_then(|_| undefined_timing(timing, asked)) {
                self.bad(&at, what, hint);
            }
            self.positive_span(&at, span)
        };
        Slo {
            ttft: kind(Timing::Ttft, ttft),
            tpot: kind(Timing::Tpot, tpot),
            e2e: kind(Timing::E2e, e2e),
        }
    }

    /// In the order of the metric table.
    pub fn limits(
        &mut self,
        path: &str,
        all: Option<&BTreeMap<String, LimitFile>>,
        asked: Shape,
    ) -> Vec<Limit> {
        let mut limits = Vec::new();
        for (name, bounds) in all.into_iter().flatten() {
            let at = format!("{path}.limits.{name}");
            let Some(metric) = self.metric(&at, name, Metric::all().collect(), asked) else {
                continue;
            };
            let (right, wrong) = match metric.orientation() {
                Orientation::LowerIsBetter => (("max", &bounds.max), ("min", &bounds.min)),
                Orientation::HigherIsBetter => (("min", &bounds.min), ("max", &bounds.max)),
            };
            if wrong.1.is_some() {
                let better = if right.0 == "max" { "lower" } else { "higher" };
                let what = format!(
                    "`{}` would fail what is good: {name} is better when {better}",
                    wrong.0
                );
                self.bad(&format!("{at}.{}", wrong.0), what, format!("write `{}`", right.0));
            }
            let parsed = |text: &str| match (metric, text) {
                // No share of failures is beyond it: the default limit is gone.
                (Metric::ErrorRate, "none") => Ok(1.0),
                _ => parse_quantity(text, metric.unit()),
            };
            match right.1.as_deref().map(parsed) {
                Some(Ok(value)) => {
                    let bound =
                        if right.0 == "max" { Bound::Max(value) } else { Bound::Min(value) };
                    limits.push(Limit { metric, bound });
                }
                Some(Err(error)) => self.unit(&format!("{at}.{}", right.0), error),
                None if wrong.1.is_none() => {
                    self.bad(&at, "no bound", format!("write {{{}: VALUE}}", right.0));
                }
                None => {}
            }
        }
        limits.sort_by_key(|limit| limit.metric);
        limits
    }

    /// The metric of that name, where `valid` has it and the workload defines it.
    pub fn metric(
        &mut self,
        at: &str,
        name: &str,
        valid: Vec<Metric>,
        asked: Shape,
    ) -> Option<Metric> {
        let Some(metric) = Metric::parse(name).filter(|metric| valid.contains(metric)) else {
            let names: Vec<String> = valid.into_iter().map(Metric::name).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            if Metric::parse(name).is_some() {
                let what = bilingual!(
                    "{name} is shown only: no change of it is judged",
                    "{name}: 표시만 하고 변화를 판정하지 않는 지표"
                );
                let near = nearest_word(name, &names)
                    .map_or_else(Text::default, |near| near.then(&" ".into()));
                let judged = names.join(", ");
                let all = bilingual!("judged are: {judged}", "판정하는 지표: {judged}");
                self.bad_key(at, what, near.then(&all));
            } else {
                let hint = if names.len() > 20 {
                    nearest_or_shape(name, &names)
                } else {
                    did_you_mean(name, &names)
                };
                let what = bilingual!("unknown metric `{name}`", "알 수 없는 지표 `{name}`");
                self.bad_key(at, what, hint);
            }
            return None;
        };
        if let Some((what, hint)) = undefined(metric, asked) {
            self.bad_key(at, what, hint);
            return None;
        }
        Some(metric)
    }

    pub fn unit(&mut self, at: &str, error: UnitError) {
        self.bad(at, error.what, error.hint);
    }
}

/// A hundred names are no help: their pattern is.
fn nearest_or_shape(name: &str, names: &[&str]) -> Text {
    nearest_word(name, names).unwrap_or_else(|| {
        bilingual!(
            "such as ttft_p95, tpot_geomean, e2e_p99, slo_attainment, goodput, error_rate",
            "예: ttft_p95, tpot_geomean, e2e_p99, slo_attainment, goodput, error_rate"
        )
    })
}

/// Why a workload like this never has such a metric, and what to do.
pub fn undefined(metric: Metric, asked: Shape) -> Option<(String, String)> {
    let slo = asked.slo;
    let add = |what: &str| {
        Some((format!("{metric} is undefined: {what}"), "add `slo: {ttft: 500ms}`".to_owned()))
    };
    match metric {
        Metric::Timing(timing, _) => undefined_timing(timing, asked),
        Metric::SloAttainment | Metric::Goodput if slo == SloFile::default() => {
            add("the workload has no `slo`")
        }
        Metric::SloAttainmentOf(kind) => {
            let missing = match kind {
                SloKind::Ttft => slo.ttft,
                SloKind::Tpot => slo.tpot,
                SloKind::E2e => slo.e2e,
            };
            let what = format!("{metric} is undefined: the workload has no such SLO");
            missing.is_none().then(|| (what, format!("add {} to `slo`", kind.name())))
        }
        _ => None,
    }
}

fn undefined_timing(timing: Timing, asked: Shape) -> Option<(String, String)> {
    let name = timing.name();
    let of_stream = matches!(timing, Timing::Ttft | Timing::Ttfa | Timing::Tpot | Timing::ChunkGap);
    if of_stream && asked.stream == Some(false) {
        return Some((
            format!("{name} is undefined without streaming"),
            "use e2e, or remove `stream: false`".into(),
        ));
    }
    if matches!(timing, Timing::Tpot | Timing::ChunkGap) && asked.output_tokens == Some(1) {
        return Some((
            format!("{name} is undefined for one output token"),
            "use ttft or e2e, or ask for 2 `output_tokens` or more".into(),
        ));
    }
    None
}
