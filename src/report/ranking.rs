//! Several records side by side: the view model of a ranking with every number chosen, and its
//! published JSON, version 1.
//!
//! One function per format (`terminal`, `markdown`, `csv`, `page` below). Not here: who is better
//! than whom (`judge::ranking`).

mod build;
mod csv;
mod families;
mod markdown;
pub mod note;
mod page;
mod terminal;
mod win;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Axis, Lang};
use crate::exit::ExitStatus;

pub use build::{Entrant, EntrantWorkload, ranking};
pub use csv::render as csv;
pub use markdown::render as markdown;
pub use page::render as page;
pub use terminal::render as terminal;

use super::sweep::SweepReport;
use super::{Codes, text};

pub const SCHEMA: &str = "goodput-gate/ranking";
pub const VERSION: u32 = 1;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RankingReport {
    /// Always `goodput-gate/ranking`.
    pub schema: String,
    pub version: u32,
    pub tool_version: String,
    /// In the order of all lists of entrants below.
    pub entrants: Vec<EntrantReport>,
    pub workloads: Vec<WorkloadRanking>,
    /// Workloads that differ in their level of load only, as curves; none with fewer than three
    /// levels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub families: Vec<FamilyRanking>,
    pub hypotheses: Vec<HypothesisReport>,
    /// Who wins and by how much, with every workload; empty in older rankings.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub headline: String,
    /// Of all sentences in it.
    #[serde(default, skip_serializing_if = "Codes::is_empty")]
    pub codes: Codes,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EntrantReport {
    pub name: String,
    pub session: String,
    /// RFC 3339, UTC.
    pub created: String,
    pub commit: Option<String>,
    /// As it was recognised; and the model that it was asked for.
    pub server: Option<String>,
    pub server_version: Option<String>,
    pub model: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkloadRanking {
    pub name: String,
    /// The load in words, which is the same for all.
    pub load: String,
    /// Server starts of each entrant.
    pub starts: Vec<u32>,
    /// Why an entrant is not ranked, if so.
    pub unfit: Vec<Option<String>>,
    /// What makes the comparison unfair, or the ranks weaker than they look.
    pub warnings: Vec<String>,
    pub metrics: Vec<MetricRanking>,
    /// Metrics that the workload defines and no entrant has: too few requests, or no token counts.
    pub unmeasured: Vec<String>,
}

/// A load at several levels, by all entrants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FamilyRanking {
    pub family: String,
    pub axis: Axis,
    /// At which any entrant was measured, ascending.
    pub levels: Vec<f64>,
    /// Of each entrant, with the levels that it was measured at under the same load as the others;
    /// absent where there is none.
    pub curves: Vec<Option<SweepReport>>,
    /// What is in no curve, and why; but for what is INVALID, which the curve's levels say.
    pub notes: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricRanking {
    /// Name without unit.
    pub metric: String,
    /// `ms`, `per_s`, `tokens_per_s`, `ratio`.
    pub unit: String,
    /// `lower` or `higher` is better.
    pub better: String,
    pub places: Vec<PlaceReport>,
}

/// Mean over the server starts with its two-sided 95 % interval, in the metric's unit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceReport {
    pub value: Option<f64>,
    pub interval_low: Option<f64>,
    pub interval_high: Option<f64>,
    /// 1 is best; where neighbours are not proven apart, the best and the worst rank that it may
    /// have.
    pub best_rank: Option<u32>,
    pub worst_rank: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HypothesisReport {
    pub name: String,
    pub says: Option<String>,
    pub workload: String,
    pub metric: String,
    pub unit: String,
    pub claim: String,
    /// `confirmed`, `refuted`, `undecided`, `unmeasured`.
    pub outcome: String,
    pub left: Option<f64>,
    /// What it was held against, with its factor.
    pub right: Option<f64>,
    /// Left against right: relative for times and rates (0.05 = 5 % more), in shares for shares.
    pub difference_low_ratio: Option<f64>,
    pub difference_high_ratio: Option<f64>,
    /// Why it was not tested.
    pub reason: Option<String>,
}

impl RankingReport {
    /// Could not measure, where nobody was measured well enough to be placed on some load.
    pub fn exit(&self) -> ExitStatus {
        let dead = |w: &WorkloadRanking| {
            w.metrics
                .iter()
                .filter(|m| !build::of_gpu(m))
                .all(|m| m.places.iter().all(|p| p.value.is_none()))
        };
        let unfit = self.workloads.iter().any(|w| w.unfit.iter().any(Option::is_some) || dead(w));
        if unfit || self.workloads.is_empty() {
            ExitStatus::CouldNotMeasure
        } else {
            ExitStatus::Pass
        }
    }

    /// Reads a stored ranking; refuses a newer version, another kind of file, and lists that are
    /// not of all entrants.
    pub fn parse(text: &str) -> Result<Self, String> {
        let value: serde_json::Value =
            serde_json::from_str(text).map_err(|e| format!("not a ranking: {e}"))?;
        if value["schema"].as_str() != Some(SCHEMA) {
            return Err(format!("not a ranking: its schema is not {SCHEMA:?}"));
        }
        if let Some(newer) = value["version"].as_u64().filter(|v| *v > u64::from(VERSION)) {
            return Err(format!(
                "ranking has version {newer}, this goodput-gate reads up to {VERSION}"
            ));
        }
        let read: Self =
            serde_json::from_value(value).map_err(|e| format!("not a ranking: {e}"))?;
        if read.is_whole() {
            Ok(read)
        } else {
            Err("not a ranking: a list has not one value for each entrant".into())
        }
    }

    fn is_whole(&self) -> bool {
        let all = self.entrants.len();
        let ranked = |w: &WorkloadRanking| {
            w.starts.len() == all
                && w.unfit.len() == all
                && w.metrics.iter().all(|m| m.places.len() == all)
        };
        self.workloads.iter().all(ranked) && self.families.iter().all(|f| f.curves.len() == all)
    }

    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a ranking is plain data") + "\n"
    }
}

/// `1`, `2 to 3`, or nothing where there is no rank.
fn rank(place: &PlaceReport, lang: Lang) -> Option<String> {
    let (best, worst) = place.best_rank.zip(place.worst_rank)?;
    Some(if best == worst { best.to_string() } else { format!("{best}{}{worst}", to(lang)) })
}

/// `97.1 ms (95.2 to 99.0)`.
fn value(unit: &str, place: &PlaceReport, lang: Lang) -> String {
    let shown = text::value(unit, place.value);
    let end = |x: Option<f64>| {
        let with_unit = text::value(unit, x);
        with_unit
            .split_once(' ')
            .map_or(with_unit.trim_end_matches("/s").to_owned(), |(number, _)| number.to_owned())
    };
    match (place.interval_low, place.interval_high) {
        (Some(_), Some(_)) => {
            let (low, high) = (end(place.interval_low), end(place.interval_high));
            format!("{shown} ({low}{}{high})", to(lang))
        }
        _ => shown,
    }
}

/// Between the ends of a range.
const fn to(lang: Lang) -> &'static str {
    match lang {
        Lang::En => " to ",
        Lang::Ko => " ~ ",
    }
}

/// What became of a hypothesis, with its numbers: `confirmed: 312 tok/s against 205 tok/s, 44.1 to
/// 60.2 % more`.
pub fn outcome(h: &HypothesisReport, codes: &Codes, lang: Lang) -> String {
    let against = match lang {
        Lang::En => "against",
        Lang::Ko => "대",
    };
    let known = h.left.is_some() || h.right.is_some();
    let numbers = known.then(|| {
        format!(": {} {against} {}", text::value(&h.unit, h.left), text::value(&h.unit, h.right))
    });
    let ends = h.difference_low_ratio.zip(h.difference_high_ratio);
    let difference = ends.map(|(low, high)| {
        let change = |x| text::change(&h.unit, Some(x));
        format!(", {}{}{}", change(low), to(lang), change(high))
    });
    let reason = h.reason.as_ref().map(|why| format!(": {}", text::plain(&codes.say(lang, why))));
    let outcome = match (lang, h.outcome.as_str()) {
        (Lang::Ko, "confirmed") => "confirmed (확인됨)",
        (Lang::Ko, "refuted") => "refuted (기각됨)",
        (Lang::Ko, "undecided") => "undecided (미결정)",
        (Lang::Ko, "unmeasured") => "unmeasured (측정 안 됨)",
        (_, other) => other,
    };
    let parts = [Some(outcome.to_owned()), numbers, difference, reason];
    parts.into_iter().flatten().collect()
}

/// Who wins; an older ranking does not say.
fn headline(report: &RankingReport, lang: Lang) -> Option<String> {
    let said = !report.headline.is_empty();
    said.then(|| text::plain(&report.codes.say(lang, &report.headline)))
}

/// A server as its fingerprint names it.
fn server(e: &EntrantReport) -> String {
    let parts = [&e.server, &e.server_version, &e.model];
    text::plain(&parts.into_iter().flatten().cloned().collect::<Vec<_>>().join(" "))
}

/// JSON Schema of the ranking.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(RankingReport).to_value()
}

#[cfg(test)]
mod tests;
