//! The verdict in one sentence, as a person would say it. Exact names, intervals and p of every
//! metric are in the tables.

#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};

use super::build::Judged;
use super::capacity::Capacity;
use super::sweep::bend::level_name;
use super::sweep::{self, Highest, SweepReport};
use crate::config::{Axis, Lang};
use crate::evidence::server::why::Because;
use crate::judge::decide::margins;
use crate::judge::limits::LimitState;
use crate::judge::reason::{LimitReason, Margin, Measured};
use crate::judge::{Bearing, Comparison, Decision, MetricComparison, text};
use crate::metric::{Metric, Orientation, Unit};
use crate::record::note::Note;
use crate::verdict::{Reason, Verdict};

/// What stands first in a report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Headline {
    Measured {
        requests: u64,
    },
    /// Nothing was judged, and what was measured is not fit to be. `workload`: where there are
    /// several.
    Unfit {
        requests: u64,
        workload: Option<String>,
        why: Note,
    },
    /// Nothing was judged, and the server could not take the load.
    Saturated {
        requests: u64,
        workload: Option<String>,
        why: Note,
    },
    /// A search for the highest load that meets the SLOs, of which nothing was judged.
    Found {
        capacity: Box<Capacity>,
        because: Option<Because>,
    },
    CouldNotMeasure {
        why: String,
    },
    /// Loads at several levels, of which nothing was judged. Nothing else that was measured is
    /// unfit.
    Swept {
        requests: u64,
        sweeps: Vec<SweptFamily>,
    },
    PassedWithAccepted {
        accepted: u64,
        first: Reason,
    },
    /// `workload`: where there are several.
    Verdict {
        verdict: Verdict,
        workload: Option<String>,
        why: Option<Why>,
    },
}

/// What a sweep says first: levels that are INVALID, and the highest load that meets the SLOs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweptFamily {
    pub family: String,
    pub axis: Axis,
    pub invalid: Vec<f64>,
    /// Absent without an SLO.
    pub highest: Option<Highest>,
}

/// What decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    NoSlowdown(Vec<Margin>),
    /// The worst regression, and the changes of the others.
    Slower(Measured, Vec<(Metric, f64)>),
    /// The first breach, and the changes of what is worse too.
    Breached(LimitReason, Vec<(Metric, f64)>),
    Reason(Reason),
}

pub fn headline(
    judged: &[Judged<'_>],
    verdict: Option<Verdict>,
    sweeps: &[SweepReport],
) -> Headline {
    let Some(verdict) = verdict else {
        let requests: usize =
            judged.iter().flat_map(|j| j.workload.rounds()).map(|(_, r)| r.columns.len()).sum();
        let requests = requests as u64;
        let swept = |name: &str| {
            sweeps.iter().flat_map(|s| &s.levels).any(|l| l.workload == name && l.unfit.is_some())
        };
        let unfit = judged
            .iter()
            .filter(|j| !swept(&j.workload.name))
            .find_map(|j| Some((&j.workload.name, j.workload.unfit().into_iter().next()?)));
        if unfit.is_none() && !sweeps.is_empty() {
            return Headline::Swept {
                requests,
                sweeps: sweeps.iter().map(SweptFamily::new).collect(),
            };
        }
        let several = |name: &String| (judged.len() > 1).then(|| name.clone());
        if let Some((name, why)) = unfit {
            return Headline::Unfit { requests, workload: several(name), why };
        }
        let saturated = judged
            .iter()
            .find_map(|j| Some((&j.workload.name, j.workload.saturated().into_iter().next()?)));
        return saturated.map_or(Headline::Measured { requests }, |(name, why)| {
            Headline::Saturated { requests, workload: several(name), why }
        });
    };
    let accepted: Vec<&Reason> =
        judged.iter().filter_map(|j| j.ruling.as_ref()).flat_map(|(_, r)| &r.accepted).collect();
    if let (Verdict::Passed, Some(first)) = (verdict, accepted.first()) {
        return Headline::PassedWithAccepted {
            accepted: accepted.len() as u64,
            first: (*first).clone(),
        };
    }
    let decisive =
        judged.iter().find(|j| j.ruling.as_ref().is_some_and(|(_, r)| r.verdict == verdict));
    let why = decisive.and_then(|j| why(j, verdict));
    let workload =
        decisive.filter(|_| judged.len() > 1 && why.is_some()).map(|j| j.workload.name.clone());
    Headline::Verdict { verdict, workload, why }
}

impl SweptFamily {
    pub fn new(sweep: &SweepReport) -> Self {
        Self {
            family: sweep.family.clone(),
            axis: sweep.axis,
            invalid: sweep::invalid(sweep),
            highest: sweep::highest(sweep),
        }
    }
}

fn why(judged: &Judged<'_>, verdict: Verdict) -> Option<Why> {
    let (evidence, ruling) = judged.ruling.as_ref()?;
    let accepted = |l| evidence.excused.iter().any(|e| e.concerns(l));
    let breached = evidence.limits.iter().find(|l| l.state == LimitState::Breached && !accepted(l));
    let comparison = evidence.decisive();
    let regressed = comparison.as_deref().filter(|c| c.decision == Decision::Regression);
    let told = match (verdict, breached) {
        (Verdict::Passed, _) => comparison
            .as_deref()
            .map(|c| margins(&c.metrics))
            .filter(|m| !m.is_empty())
            .map(Why::NoSlowdown),
        (Verdict::Failed, Some(limit)) => Some(Why::Breached(
            limit.reason.clone(),
            regressed.map(|c| changes(&convicting(c))).unwrap_or_default(),
        )),
        (Verdict::Failed, None) => regressed.and_then(slower),
        _ => None,
    };
    told.or_else(|| ruling.reasons.first().cloned().map(Why::Reason))
}

/// Metrics that are proven worse, the worst first.
fn convicting(c: &Comparison) -> Vec<&MetricComparison> {
    let mut worse: Vec<&MetricComparison> =
        c.metrics.iter().filter(|m| m.bearing == Bearing::Convicts).collect();
    worse.sort_by(|a, b| a.before(b));
    worse
}

fn changes(rows: &[&MetricComparison]) -> Vec<(Metric, f64)> {
    rows.iter().filter_map(|m| Some((m.metric, m.change?))).collect()
}

fn slower(c: &Comparison) -> Option<Why> {
    let worse = convicting(c);
    let (first, rest) = worse.split_first()?;
    let MetricComparison { metric, change, interval, p, .. } = **first;
    change.is_some().then(|| Why::Slower(Measured { metric, change, interval, p }, changes(rest)))
}

impl fmt::Display for Headline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Measured { requests } => {
                write!(f, "measured {requests} requests, nothing judged")
            }
            Self::Unfit { requests, workload, why } => {
                let workload =
                    workload.as_ref().map_or_else(String::new, |name| format!("{name}: "));
                write!(
                    f,
                    "{}: {workload}{why}; measured {requests} requests, nothing judged",
                    Verdict::Invalid.word()
                )
            }
            Self::Saturated { requests, workload, why } => {
                let workload =
                    workload.as_ref().map_or_else(String::new, |name| format!("{name}: "));
                write!(f, "measured {requests} requests, nothing judged; {workload}{why}")
            }
            Self::Found { capacity, because } => {
                write!(f, "{capacity}")?;
                because.as_ref().map_or(Ok(()), |because| write!(f, "{because}"))
            }
            Self::CouldNotMeasure { why } => {
                write!(f, "{}: could not measure: {why}", Verdict::Invalid.word())
            }
            Self::Swept { requests, sweeps } => {
                if sweeps.iter().any(|s| !s.invalid.is_empty()) {
                    write!(f, "{}: ", Verdict::Invalid.word())?;
                }
                for line in sweeps.iter().map(ToString::to_string).filter(|l| !l.is_empty()) {
                    write!(f, "{line}; ")?;
                }
                write!(f, "measured {requests} requests, nothing judged")
            }
            Self::PassedWithAccepted { accepted, first } => {
                let what = text::count(*accepted, "accepted regression", "accepted regressions");
                let more = if *accepted > 1 {
                    format!("; and {} more", accepted - 1)
                } else {
                    String::new()
                };
                write!(f, "{} with {what}: {first}{more}", Verdict::Passed.word())
            }
            Self::Verdict { verdict, workload, why } => {
                let workload =
                    workload.as_ref().map_or_else(String::new, |name| format!(": {name}"));
                let why = why.as_ref().map_or_else(String::new, |why| format!(": {why}"));
                write!(f, "{}{workload}{why}", verdict.word())
            }
        }
    }
}

/// Nothing where there is neither an SLO nor an INVALID level.
impl fmt::Display for SweptFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { family, axis, invalid, highest } = self;
        let invalid = invalid.split_last().map(|(last, others)| {
            let mut levels: Vec<String> = others.iter().map(ToString::to_string).collect();
            levels.push(level_name(*axis, *last));
            format!("INVALID at {}", levels.join(", "))
        });
        let highest = highest.map(|highest| highest.say(Lang::En));
        let parts: Vec<String> = invalid.into_iter().chain(highest).collect();
        if parts.is_empty() { Ok(()) } else { write!(f, "{family}: {}", parts.join(", ")) }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSlowdown(margins) => {
                let each = bounds(margins, |names, bound| format!("{names} below {bound}"));
                match &margins[..] {
                    [one] => write!(f, "no slowdown found (proven: below {})", bound(one)),
                    _ => write!(f, "no slowdown found (proven: {})", each.join("; ")),
                }
            }
            Self::Slower(first, also) => {
                write!(
                    f,
                    "{} than the baseline's{}",
                    changed(first.metric, first.change.unwrap_or(f64::NAN)),
                    proof(first, " to ")
                )?;
                also_worse(f, also)
            }
            Self::Breached(limit, also) => {
                write!(f, "{limit}")?;
                also_worse(f, also)
            }
            Self::Reason(reason) => write!(f, "{reason}"),
        }
    }
}

/// Each margin in words, from the names of its metrics and its size.
pub fn bounds(margins: &[Margin], words: impl Fn(String, String) -> String) -> Vec<String> {
    margins.iter().map(|m| words(text::titles(&m.metrics), bound(m))).collect()
}

pub fn bound(margin: &Margin) -> String {
    margin.metrics.first().map_or_else(String::new, |metric| text::size(*metric, margin.ratio))
}

/// As many further metrics are named; the tables have them all.
pub const ALSO: usize = 3;

fn also_worse(f: &mut fmt::Formatter<'_>, also: &[(Metric, f64)]) -> fmt::Result {
    let (first, rest) = also.split_at(also.len().min(ALSO));
    let named = first
        .iter()
        .map(|(metric, change)| format!("{} by {}", metric.title(), size(*metric, *change)));
    let more = (!rest.is_empty()).then(|| format!("{} more", rest.len()));
    let all: Vec<String> = named.chain(more).collect();
    if all.is_empty() { Ok(()) } else { write!(f, "; also worse: {}", listed(&all)) }
}

/// ` (18.7 to 28.0 %, p < 0.0001)`: the interval of a change for the worse is without the common
/// sign of its ends.
pub fn proof(measured: &Measured, to: &str) -> String {
    let metric = measured.metric;
    let range = measured.interval.map(|(low, high)| {
        let (near, far) = if low.abs() <= high.abs() { (low, high) } else { (high, low) };
        let ends = if near * far < 0.0 {
            [text::change(metric, low), text::change(metric, high)]
        } else {
            // Without its unit, where the other end has it.
            [size(metric, near).split(' ').next().unwrap_or_default().to_owned(), size(metric, far)]
        };
        ends.join(to)
    });
    let proof: Vec<String> = range.into_iter().chain(measured.p.map(text::probability)).collect();
    if proof.is_empty() { String::new() } else { format!(" ({})", proof.join(", ")) }
}

/// How a metric changed for the worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Longer,
    Shorter,
    Higher,
    Lower,
}

pub fn direction(metric: Metric, change: f64) -> Direction {
    match (metric.orientation(), metric.unit(), change >= 0.0) {
        (Orientation::LowerIsBetter, Unit::Milliseconds, true) => Direction::Longer,
        (Orientation::LowerIsBetter, Unit::Milliseconds, false) => Direction::Shorter,
        (_, _, true) => Direction::Higher,
        (_, _, false) => Direction::Lower,
    }
}

/// `TTFT is 35 % longer`, of a metric that changed for the worse.
pub fn changed(metric: Metric, change: f64) -> String {
    let direction = match direction(metric, change) {
        Direction::Longer => "longer",
        Direction::Shorter => "shorter",
        Direction::Higher => "higher",
        Direction::Lower => "lower",
    };
    format!("{} is {} {direction}", metric.title(), size(metric, change))
}

/// Without its sign.
pub fn size(metric: Metric, change: f64) -> String {
    text::change(metric, change).trim_start_matches(['+', '-']).to_owned()
}

/// `a, b and c`.
fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}
