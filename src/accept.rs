//! Reviewed acceptances of known regressions: the wire form of their file, and whether one covers
//! what was found. Pure.
//!
//! An acceptance never widens: it covers changes up to the one that was reviewed, until its day, on
//! the kind of machine and plan that was measured. Not here: where the file lies (`baseline`),
//! whose file counts and what is in the history (`command`).

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use time::Date;
use time::format_description::well_known::Iso8601;

use crate::config::Bound;
use crate::judge::limits::{LimitFinding, LimitState};
use crate::judge::reason::{LimitReason, Measured, Terms};
use crate::judge::{Bearing, MetricComparison, text};
use crate::metric::{Metric, Orientation, Unit};

pub const SCHEMA: &str = "goodput-gate/accepted";
pub const VERSION: u32 = 1;

/// What a review accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AcceptedKind {
    /// A metric's change against the baseline.
    Regression,
    /// A value above its upper limit.
    LimitMax,
    /// A value below its lower limit.
    LimitMin,
}

/// One acceptance, as the file has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acceptance {
    pub workload: String,
    /// Key of the fingerprint that was measured: another machine or plan needs another review.
    pub fingerprint: String,
    pub metric: String,
    pub of: AcceptedKind,
    /// Largest accepted change for the worse, above 0: a fraction (0.05 = 5 % or 5 points). Of
    /// regressions only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worse_at_most_ratio: Option<f64>,
    /// Worst accepted value of the metric, in `unit`: a further regression on top is not covered,
    /// whatever the baseline is by then.
    pub worst_value: f64,
    /// `ms`, `per_s`, `tokens_per_s`, `ratio`.
    pub unit: String,
    /// Last day on which it counts, UTC: `2026-12-31`.
    pub until: String,
    pub reason: String,
    /// What was found, in words, for who reviews it.
    pub found: String,
    /// The run that found it.
    pub session: String,
    /// The commit that was measured, and its tree without the baselines folder: only changes with
    /// it in them are covered. Absent where the tree had changes that no commit holds, or where it
    /// is meant to cover any change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tree: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    schema: String,
    version: u32,
    accepted: Vec<Acceptance>,
}

/// An acceptance, and what git knows of it.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownAcceptance {
    pub acceptance: Acceptance,
    /// Author of the commit that brought it; none where no commit holds it yet.
    pub by: Option<String>,
    /// First-parent steps from where the walk to the baselines begins to the commit with which the
    /// accepted change came in.
    pub landed: Option<u32>,
    /// The commit under test is the accepted one, or has it among its ancestors.
    pub contained: bool,
}

/// Something that was found and is accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct Excused {
    pub metric: Metric,
    pub of: AcceptedKind,
    pub found: Excusable,
    pub terms: Terms,
}

/// What was found and may be accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Excusable {
    Limit(LimitReason),
    Change(Measured),
}

/// An acceptance that covers nothing of what it was made for.
#[derive(Clone, Debug, PartialEq)]
pub struct Uncovered {
    pub metric: String,
    pub terms: Terms,
    pub why: NotCovered,
}

/// Why an acceptance does not cover what was found. Ratios are fractions, values in display units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotCovered {
    Expired,
    SomeStartsWithoutValue,
    NoValue,
    NoChange,
    NoLargestChange,
    ChangeTooLarge {
        metric: Metric,
        worse: f64,
        most: f64,
    },
    ValueTooBad {
        metric: Metric,
        value: f64,
        worst: f64,
    },
    /// The sessions that it was compared with have the change already.
    InBaseline,
    /// The accepted commit is not in the code that was measured.
    NotContained {
        commit: String,
    },
}

/// Acceptances, oldest first as the file has them. Errors: no such file, a newer version, an entry
/// that says nothing usable.
pub fn parse(text: &str) -> Result<Vec<Acceptance>, String> {
    let value: serde_json::Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
    if value["schema"].as_str() != Some(SCHEMA) {
        return Err(format!("its schema is not {SCHEMA:?}"));
    }
    match value["version"].as_u64().unwrap_or(0) {
        0 => return Err("it has no version from 1 on".into()),
        newer if newer > u64::from(VERSION) => {
            return Err(format!(
                "it has version {newer}, this goodput-gate reads up to {VERSION}: use a newer goodput-gate"
            ));
        }
        _ => {}
    }
    let file: File = serde_json::from_value(value).map_err(|e| e.to_string())?;
    for entry in &file.accepted {
        entry.check().map_err(|why| {
            format!("the acceptance of {} of {}: {why}", entry.metric, entry.workload)
        })?;
    }
    Ok(file.accepted)
}

/// Sorted, one line per value: the same acceptances give the same bytes, whatever the order in
/// which they came.
pub fn to_text(all: &[Acceptance]) -> String {
    let mut entries: Vec<BTreeMap<String, serde_json::Value>> = all
        .iter()
        .map(|a| match serde_json::to_value(a) {
            Ok(serde_json::Value::Object(map)) => map.into_iter().collect(),
            _ => BTreeMap::new(),
        })
        .collect();
    let place = |e: &BTreeMap<String, serde_json::Value>| {
        let of = |key: &str| e.get(key).map(ToString::to_string).unwrap_or_default();
        ["workload", "fingerprint", "metric", "of", "until", "session"].map(of)
    };
    entries.sort_by_cached_key(place);
    let file = serde_json::json!({ "schema": SCHEMA, "version": VERSION, "accepted": entries });
    serde_json::to_string_pretty(&file).expect("a value is plain data") + "\n"
}

/// `2026-12-31`, and no other form that ISO 8601 has (weeks, ordinal days), since days are compared
/// as text. Errors: no such day.
pub fn day(text: &str) -> Result<Date, String> {
    let written = Date::parse(text, &Iso8601::DATE).ok();
    written
        .filter(|day| day.to_string() == text)
        .ok_or_else(|| format!("{text:?} is no day: write it as 2026-12-31"))
}

/// What of a comparison and its limits these acceptances cover on a day, and what should be said of
/// those that do not. `is_other`: why what is worse now is not what was accepted, by the code that
/// was measured or by what it was compared with.
pub fn excuse(
    known: &[&KnownAcceptance],
    on: &str,
    is_other: impl Fn(&KnownAcceptance) -> Option<NotCovered>,
    rows: &[MetricComparison],
    limits: &[LimitFinding],
) -> (Vec<Excused>, Vec<Uncovered>) {
    let (mut excused, mut uncovered) = (Vec::new(), Vec::new());
    let mut look = |found: &Found, failing: bool| {
        let of = |k: &&&KnownAcceptance| {
            k.acceptance.of == found.of && k.acceptance.metric == found.metric.name()
        };
        let mine: Vec<&KnownAcceptance> = known.iter().filter(of).copied().collect();
        let covers =
            |k: &KnownAcceptance| is_other(k).map_or_else(|| k.acceptance.covers(found, on), Err);
        let tried: Vec<(&KnownAcceptance, Result<(), NotCovered>)> =
            mine.into_iter().map(|k| (k, covers(k))).collect();
        if let Some((k, _)) = tried.iter().find(|(_, covered)| covered.is_ok()) {
            excused.push(Excused {
                metric: found.metric,
                of: found.of,
                found: found.shown.clone(),
                terms: k.terms(),
            });
        } else if failing {
            let not = tried.iter().filter_map(|(k, covered)| Some((k, covered.as_ref().err()?)));
            uncovered.extend(not.map(|(k, why)| Uncovered {
                metric: k.acceptance.metric.clone(),
                terms: k.terms(),
                why: why.clone(),
            }));
        }
    };
    // What is only unproven, too noisy or absent, was accepted by nobody.
    for row in rows.iter().filter(|row| matches!(row.bearing, Bearing::Convicts | Bearing::Worries))
    {
        look(&Found::change(row), row.bearing == Bearing::Convicts);
    }
    for limit in limits.iter().filter(|l| l.state == LimitState::Breached) {
        look(&Found::limit(limit), true);
    }
    (excused, uncovered)
}

/// A change or a breach, oriented.
struct Found {
    metric: Metric,
    of: AcceptedKind,
    worse: Option<f64>,
    value: Option<f64>,
    gaps: bool,
    shown: Excusable,
}

impl Found {
    fn change(row: &MetricComparison) -> Self {
        let worse = row.change.map(|c| worse(row.metric, c));
        let shown = Excusable::Change(Measured {
            metric: row.metric,
            change: row.change,
            interval: None,
            p: None,
        });
        Self {
            metric: row.metric,
            of: AcceptedKind::Regression,
            worse,
            value: row.candidate,
            gaps: row.gaps,
            shown,
        }
    }

    fn limit(finding: &LimitFinding) -> Self {
        let of = AcceptedKind::limit(finding.bound);
        Self {
            metric: finding.metric,
            of,
            worse: None,
            value: finding.value,
            gaps: false,
            shown: Excusable::Limit(finding.reason.clone()),
        }
    }
}

/// A change in the metric's own direction as a change for the worse: above 0 is worse.
pub fn worse(metric: Metric, change: f64) -> f64 {
    match metric.orientation() {
        Orientation::LowerIsBetter => change,
        Orientation::HigherIsBetter => -change,
    }
}

/// The value that a baseline's becomes by a change for the worse.
pub fn worsened(metric: Metric, baseline: f64, worse: f64) -> f64 {
    let sign = if metric.orientation() == Orientation::LowerIsBetter { 1.0 } else { -1.0 };
    if metric.unit() == Unit::Share {
        baseline + sign * worse
    } else {
        baseline * (1.0 + sign * worse)
    }
}

impl fmt::Display for Excusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limit(limit) => write!(f, "{limit}"),
            Self::Change(change) => write!(f, "{change}"),
        }
    }
}

impl fmt::Display for NotCovered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired => f.write_str("it has expired"),
            Self::SomeStartsWithoutValue => f.write_str("some starts of one side have no value"),
            Self::NoValue => f.write_str("the metric has no value"),
            Self::NoChange => f.write_str("the metric has no change"),
            Self::NoLargestChange => f.write_str("it names no largest change"),
            Self::ChangeTooLarge { metric, worse, most } => {
                write!(
                    f,
                    "{} worse is more than the {} that was accepted",
                    text::size(*metric, *worse),
                    text::size(*metric, *most)
                )
            }
            Self::ValueTooBad { metric, value, worst } => {
                write!(
                    f,
                    "{} is worse than the {} that was accepted",
                    text::value(*metric, *value),
                    text::value(*metric, *worst)
                )
            }
            Self::InBaseline => {
                f.write_str("the accepted change is in the baseline by now, so this is another one")
            }
            Self::NotContained { commit } => {
                write!(
                    f,
                    "it is of {commit}, which is not in the code that was measured (accept it again after a rebase)"
                )
            }
        }
    }
}

impl Excused {
    pub fn concerns(&self, limit: &LimitFinding) -> bool {
        (self.metric, self.of) == (limit.metric, AcceptedKind::limit(limit.bound))
    }
}

impl AcceptedKind {
    fn limit(bound: Bound) -> Self {
        match bound {
            Bound::Max(_) => Self::LimitMax,
            Bound::Min(_) => Self::LimitMin,
        }
    }
}

impl KnownAcceptance {
    fn terms(&self) -> Terms {
        Terms {
            until: self.acceptance.until.clone(),
            reason: self.acceptance.reason.clone(),
            by: self.by.clone(),
        }
    }
}

impl Acceptance {
    /// Its day has not passed. `on` is a day as `until` is.
    pub fn counts_on(&self, on: &str) -> bool {
        // Days of one form order as text does.
        on.get(..10).is_some_and(|on| on <= self.until.as_str())
    }

    fn covers(&self, found: &Found, on: &str) -> Result<(), NotCovered> {
        if !self.counts_on(on) {
            return Err(NotCovered::Expired);
        }
        if found.gaps {
            return Err(NotCovered::SomeStartsWithoutValue);
        }
        let value = found.value.ok_or(NotCovered::NoValue)?;
        if self.of == AcceptedKind::Regression {
            let worse = found.worse.ok_or(NotCovered::NoChange)?;
            let most = self.worse_at_most_ratio.ok_or(NotCovered::NoLargestChange)?;
            if worse > most {
                return Err(NotCovered::ChangeTooLarge { metric: found.metric, worse, most });
            }
        }
        let beyond = match (self.of, found.metric.orientation()) {
            (AcceptedKind::LimitMax, _)
            | (AcceptedKind::Regression, Orientation::LowerIsBetter) => value > self.worst_value,
            (AcceptedKind::LimitMin, _)
            | (AcceptedKind::Regression, Orientation::HigherIsBetter) => value < self.worst_value,
        };
        if beyond {
            return Err(NotCovered::ValueTooBad {
                metric: found.metric,
                value,
                worst: self.worst_value,
            });
        }
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        let metric =
            Metric::parse(&self.metric).ok_or("no metric of this version has that name")?;
        if metric.unit().suffix() != self.unit {
            return Err(format!("its unit is {}, not {:?}", metric.unit().suffix(), self.unit));
        }
        let usable = |x: f64| x.is_finite() && x > 0.0;
        if (self.of == AcceptedKind::Regression) != self.worse_at_most_ratio.is_some()
            || self.worse_at_most_ratio.is_some_and(|x| !usable(x))
        {
            return Err("a regression, and nothing else, has a worse_at_most_ratio above 0".into());
        }
        if !self.worst_value.is_finite() || self.worst_value < 0.0 {
            return Err("its worst_value is no value".into());
        }
        if self.reason.trim().is_empty() {
            return Err("it has no reason".into());
        }
        day(&self.until).map(|_| ())
    }
}

#[cfg(test)]
mod tests;
