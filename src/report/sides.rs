//! Both sides of a workload beyond what is judged: where a request's time went, the value of every
//! server start, and the baseline's distributions.
//!
//! Shown only: nothing of it decides. Not here: the candidate's distributions (its record has
//! them), drawing (`page`).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::build::Judged;
use crate::config::Lang;
use crate::evidence::server::{self, Values};
use crate::measure::histogram::Gaps;
use crate::measure::summary::to_display;
use crate::metric::{Class, Metric, Stat, Timing};
use crate::record::again::Repeats;
use crate::record::session::Session;
use crate::record::{RecordError, WorkloadRecord, keyed, timings};

/// Where the time of a request went, on average, by our own instants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeReport {
    /// Absent where nothing was compared, and where the baseline's files are too old to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<TimeParts>,
    pub candidate: TimeParts,
}

/// Parts of the mean E2E latency, in the order of time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "units stand in the names of report.json")]
pub struct TimeParts {
    /// Intended arrival to send; absent in a closed loop, where a request starts when it is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsent_ms: Option<f64>,
    /// Send to first token.
    pub first_token_ms: f64,
    /// First token to last.
    pub decoding_ms: f64,
}

/// A primary metric's value of every server start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StartsReport {
    pub metric: String,
    pub unit: String,
    /// Session by session, oldest first; the other side of an interleaved run is one.
    pub baseline: Vec<SessionStarts>,
    pub candidate: Vec<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionStarts {
    pub commit: Option<String>,
    pub values: Vec<f64>,
}

/// Of each metric the oriented value of every start.
type StartValues = BTreeMap<Metric, Vec<f64>>;

/// What the baseline's side knows beside what is judged.
#[derive(Clone, Debug, Default)]
pub struct Before {
    pub server: Values,
    /// Metrics by name with unit.
    pub pooled: BTreeMap<String, f64>,
    /// With their commits, oldest first.
    sessions: Vec<(Option<String>, StartValues)>,
    timings: BTreeMap<&'static str, Gaps>,
    /// Of the other side of an interleaved run.
    pub repeats: Repeats,
}

impl Before {
    /// The sessions that count, oldest first: the median of each number. Errors: a histogram cannot
    /// be read.
    pub fn of_sessions(all: &[&Session]) -> Result<Self, RecordError> {
        let typical = |values: fn(&Session) -> &BTreeMap<String, f64>| {
            server::typical(all.iter().map(|s| values(s)))
        };
        let starts = |s: &Session| {
            let mut by_metric: StartValues = BTreeMap::new();
            for (metric, value) in s.to_method().starts.into_iter().flat_map(|s| s.values) {
                by_metric.entry(metric).or_default().push(value);
            }
            by_metric
        };
        Ok(Self {
            server: typical(|s| &s.server),
            pooled: typical(|s| &s.pooled),
            sessions: all.iter().map(|s| (Some(s.commit.clone()), starts(s))).collect(),
            timings: shared_timings(all)?,
            repeats: Repeats::default(),
        })
    }

    /// The other side of an interleaved run. Errors: a histogram cannot be read.
    pub fn of_record(w: &WorkloadRecord, commit: Option<String>) -> Result<Self, RecordError> {
        Ok(Self {
            server: w.server_values(),
            pooled: keyed(&w.pooled_values()?),
            sessions: vec![(commit, w.start_values()?)],
            timings: timings(w)?,
            repeats: Repeats::new([w]),
        })
    }

    /// `HdrHistogram` in base64 by timing.
    pub fn encoded_timings(&self) -> BTreeMap<String, String> {
        self.timings.iter().map(|(name, gaps)| ((*name).to_owned(), gaps.encode())).collect()
    }
}

/// All sessions together, without a timing that one of them lacks: an older version made it.
fn shared_timings(all: &[&Session]) -> Result<BTreeMap<&'static str, Gaps>, RecordError> {
    let each = all.iter().map(|s| s.timings().map_err(RecordError::Shape));
    let together = |mut all: BTreeMap<&'static str, Gaps>, mine: BTreeMap<&'static str, Gaps>| {
        all.retain(|name, gaps| mine.get(name).map(|more| gaps.merge(more)).is_some());
        all
    };
    let each = each.collect::<Result<Vec<_>, _>>()?;
    Ok(each.into_iter().reduce(together).unwrap_or_default())
}

/// Of the primary metrics that the candidate has values of.
pub fn starts(judged: &Judged<'_>) -> Vec<StartsReport> {
    let primary =
        Metric::all().filter(|m| m.method().is_some_and(|row| row.class == Class::Primary));
    let of = |metric: Metric| {
        let shown = |value: &f64| to_display(metric, *value);
        let candidate: Vec<f64> = judged.starts.get(&metric)?.iter().map(shown).collect();
        let sessions = judged.before.sessions.iter();
        let baseline = sessions.filter_map(|(commit, starts)| {
            let values = starts.get(&metric)?.iter().map(shown).collect();
            Some(SessionStarts { commit: commit.clone(), values })
        });
        (!candidate.is_empty()).then(|| StartsReport {
            metric: metric.name(),
            unit: metric.unit().suffix().into(),
            baseline: baseline.filter(|s| !s.values.is_empty()).collect(),
            candidate,
        })
    };
    primary.filter_map(of).collect()
}

/// None where answers come whole, so that there is no first token.
pub fn time(judged: &Judged<'_>) -> Option<TimeReport> {
    let open_loop = judged.workload.load.open_loop;
    let now = judged.pooled.iter().map(|(m, v)| (m.key(), *v)).collect();
    Some(TimeReport {
        baseline: TimeParts::of_means(&judged.before.pooled, open_loop),
        candidate: TimeParts::of_means(&now, open_loop)?,
    })
}

impl TimeParts {
    pub fn of_means(pooled: &BTreeMap<String, f64>, open_loop: bool) -> Option<Self> {
        let mean = |t| pooled.get(&Metric::Timing(t, Stat::Mean).key()).copied();
        let (first, whole) = (mean(Timing::Ttft)?, mean(Timing::E2e)?);
        let unsent_ms = if open_loop { Some(mean(Timing::SendLag)?) } else { None };
        Some(Self {
            unsent_ms,
            first_token_ms: (first - unsent_ms.unwrap_or_default()).max(0.0),
            decoding_ms: (whole - first).max(0.0),
        })
    }
}

/// Below this nobody asks why a request was sent late.
const LATE_MS: f64 = 1.0;

impl TimeReport {
    /// `first token +6 ms, decoding +129 ms per request`; none without a baseline.
    pub fn difference(&self, lang: Lang) -> Option<String> {
        let (was, now) = (self.baseline?, self.candidate);
        let late = now.unsent_ms.zip(was.unsent_ms).map(|(now, was)| now - was);
        let late = late.filter(|ms| ms.abs() >= LATE_MS);
        let first = signed_ms(now.first_token_ms - was.first_token_ms);
        let decoding = signed_ms(now.decoding_ms - was.decoding_ms);
        Some(match (lang, late.map(signed_ms)) {
            (Lang::En, None) => format!("first token {first}, decoding {decoding} per request"),
            (Lang::En, Some(late)) => format!(
                "before sending {late}, first token {first}, decoding {decoding} per request"
            ),
            (Lang::Ko, None) => format!("요청당 첫 토큰 {first}, 디코딩 {decoding}"),
            (Lang::Ko, Some(late)) => {
                format!("요청당 전송 전 {late}, 첫 토큰 {first}, 디코딩 {decoding}")
            }
        })
    }
}

/// `+129 ms`, `-0.4 ms`: one decimal below 10 ms.
pub fn signed_ms(ms: f64) -> String {
    let decimals = usize::from(ms.abs() < 9.95);
    let text = format!("{ms:+.decimals$}");
    // No sign where nothing is left of the number.
    let zero = text.trim_start_matches(['+', '-']).parse() == Ok(0.0);
    format!("{} ms", if zero { "0" } else { &text })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(unsent_ms: Option<f64>, first_token_ms: f64, decoding_ms: f64) -> TimeParts {
        TimeParts { unsent_ms, first_token_ms, decoding_ms }
    }

    #[test]
    fn the_difference_is_of_each_part() {
        let time = TimeReport {
            baseline: Some(parts(Some(0.4), 96.3, 540.0)),
            candidate: parts(Some(0.6), 102.4, 669.2),
        };
        assert_eq!(
            time.difference(Lang::En).as_deref(),
            Some("first token +6.1 ms, decoding +129 ms per request")
        );
        let late = TimeReport { candidate: parts(Some(51.4), 96.3, 539.98), ..time.clone() };
        assert_eq!(
            late.difference(Lang::Ko).as_deref(),
            Some("요청당 전송 전 +51 ms, 첫 토큰 0 ms, 디코딩 0 ms")
        );
        assert_eq!(TimeReport { baseline: None, ..time }.difference(Lang::En), None);
    }
}
