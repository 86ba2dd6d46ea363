//! The server's side of a workload: its own metrics beside the baseline's, and what changed together
//! with what regressed. `Display` is the English.
//!
//! It explains and decides nothing. Not here: what counts as a change (`evidence::server::why`), or
//! a metric's judgement.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::build::Judged;
use super::sides::{self, Before, TimeParts, TimeReport};
use super::{WorkloadReport, headline, say, text};
use crate::config::Lang;
use crate::evidence::server::why::{Because, Concern, why};
use crate::evidence::server::{Fact, ServerRound};
use crate::judge::{Comparison, Judgement, MetricComparison};
use crate::metric::{Metric, Stat, Timing};
use crate::record::WorkloadRecord;
use crate::verdict::Verdict;

/// What the server's own metrics said, over all rounds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerReport {
    /// Whose names the metrics page has: `vllm`, `sglang`...
    pub names: Option<String>,
    /// Pages that were read, and that could not be.
    pub samples: u64,
    pub failed: u64,
    /// CPU time of reading them over the time of the rounds: share of one processor.
    pub cpu_ratio: Option<f64>,
    pub facts: Vec<ServerFact>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerFact {
    /// `waiting_mean`, `prefix_hit_ratio`, `queue_ms`...
    pub fact: String,
    /// In words.
    pub words: String,
    /// `count`, `ratio` or `ms`.
    pub unit: String,
    /// Median of the sessions, or the other side of an interleaved run.
    pub baseline: Option<f64>,
    pub candidate: Option<f64>,
}

impl ServerFact {
    /// `queue` of `queue_ms`: without its unit, which stands in a column of its own.
    pub fn name(&self) -> &str {
        self.fact.strip_suffix(&format!("_{}", self.unit)).unwrap_or(&self.fact)
    }

    /// In the reader's language.
    fn title(&self, lang: Lang) -> String {
        let known = Fact::find(&self.fact).filter(|_| lang == Lang::Ko).map(say::ko::server::fact);
        known.map_or_else(|| text::plain(&self.words), str::to_owned)
    }
}

/// What went with a regression, and where the time of a request went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Meanwhile {
    Explained {
        metric: Metric,
        change: f64,
        because: Because,
    },
    /// Means over all requests, from the client's own instants. `unsent`: after the intended
    /// arrival, in an open loop.
    TimePerRequest {
        unsent: Option<Part>,
        first_token: Part,
        decoding: Part,
    },
}

/// A part of a request's time, milliseconds; before, where the baseline tells it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    pub ms: f64,
    pub before_ms: Option<f64>,
}

/// None where the server told nothing in any round.
pub fn report(w: &WorkloadRecord, before: &Before) -> Option<ServerReport> {
    let rounds: Vec<&ServerRound> = w.rounds().filter_map(|(_, r)| r.server.as_ref()).collect();
    let now = w.server_values();
    let fact = |fact: &Fact| {
        let (baseline, candidate) =
            (before.server.get(fact.key()).copied(), now.get(fact.key()).copied());
        baseline.or(candidate)?;
        Some(ServerFact {
            fact: fact.key().into(),
            words: fact.title().into(),
            unit: fact.unit().into(),
            baseline,
            candidate,
        })
    };
    let cpu_ms: Option<f64> = rounds.iter().map(|r| r.cpu_ms).sum();
    let watched_us: u64 =
        w.rounds().filter(|(_, r)| r.server.is_some()).map(|(_, r)| r.duration_us).sum();
    rounds.last().map(|last| ServerReport {
        names: last.server.clone(),
        samples: rounds.iter().map(|r| u64::from(r.samples)).sum(),
        failed: rounds.iter().map(|r| u64::from(r.failed)).sum(),
        cpu_ratio: cpu_ms.filter(|_| watched_us > 0).map(|ms| ms * 1000.0 / watched_us as f64),
        facts: Fact::ALL.iter().filter_map(fact).collect(),
    })
}

/// At most this many metrics are explained: the worst of each part of a request.
const MOST: usize = 2;

/// What changed meanwhile, where something regressed; and where the time went.
pub fn meanwhile(judged: &Judged<'_>, comparison: Option<&Comparison>) -> Vec<Meanwhile> {
    let failed = judged.ruling.as_ref().is_some_and(|(_, r)| r.verdict == Verdict::Failed);
    let regressed = comparison.filter(|_| failed).map(regressed).unwrap_or_default();
    if regressed.is_empty() {
        return Vec::new();
    }
    let now = judged.workload.server_values();
    let mut said: Vec<Meanwhile> = Vec::new();
    for (m, concern) in regressed.into_iter().take(MOST) {
        let seen = mean(&judged.before.pooled, timing(concern));
        let because = why(concern, seen, &judged.before.server, &now);
        said.extend(m.change.zip(because).map(|(change, because)| Meanwhile::Explained {
            metric: m.metric,
            change,
            because,
        }));
    }
    said.extend(sides::time(judged).as_ref().map(split));
    said
}

/// The worst regressed metric of each part of a request; of the whole only where no part is
/// known to be slower.
fn regressed(comparison: &Comparison) -> Vec<(&MetricComparison, Concern)> {
    let mut worse: Vec<&MetricComparison> =
        comparison.metrics.iter().filter(|m| m.judgement == Judgement::Regressed).collect();
    worse.sort_by(|a, b| a.before(b));
    let first = |concern: Concern| {
        worse.iter().find(|m| self::concern(m.metric) == concern).map(|m| (*m, concern))
    };
    let parts: Vec<_> =
        [Concern::FirstToken, Concern::LaterTokens].into_iter().filter_map(first).collect();
    if parts.is_empty() { first(Concern::Both).into_iter().collect() } else { parts }
}

const fn concern(metric: Metric) -> Concern {
    match metric {
        Metric::Timing(Timing::Ttft | Timing::Ttfa, _) => Concern::FirstToken,
        Metric::Timing(Timing::Tpot | Timing::ChunkGap, _) => Concern::LaterTokens,
        _ => Concern::Both,
    }
}

const fn timing(concern: Concern) -> Timing {
    match concern {
        Concern::FirstToken => Timing::Ttft,
        Concern::LaterTokens => Timing::Tpot,
        Concern::Both => Timing::E2e,
    }
}

fn mean(of: &BTreeMap<String, f64>, timing: Timing) -> Option<f64> {
    of.get(&Metric::Timing(timing, Stat::Mean).key()).copied()
}

fn split(time: &TimeReport) -> Meanwhile {
    let (now, before) = (&time.candidate, time.baseline.as_ref());
    let part = |of: fn(&TimeParts) -> Option<f64>| {
        Some(Part { ms: of(now)?, before_ms: before.and_then(of) })
    };
    let known = |of: fn(&TimeParts) -> f64| Part { ms: of(now), before_ms: before.map(of) };
    Meanwhile::TimePerRequest {
        unsent: part(|t| t.unsent_ms),
        first_token: known(|t| t.first_token_ms),
        decoding: known(|t| t.decoding_ms),
    }
}

impl fmt::Display for Meanwhile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Explained { metric, change, because } => {
                write!(f, "{}{because}", headline::changed(*metric, *change))
            }
            Self::TimePerRequest { unsent, first_token, decoding } => {
                let shown = |part: &Part| part.shown("was");
                let unsent = unsent
                    .as_ref()
                    .map_or_else(String::new, |part| format!("unsent {}, ", shown(part)));
                write!(
                    f,
                    "mean time per request: {unsent}first token {}, decoding {}",
                    shown(first_token),
                    shown(decoding)
                )
            }
        }
    }
}

impl Part {
    /// `120.0 ms (was 100.0 ms)`, with the language's word for `was`.
    pub fn shown(&self, was: &str) -> String {
        let before = self.before_ms.map_or_else(String::new, |before| {
            format!(" ({was} {})", text::value("ms", Some(before)))
        });
        format!("{}{before}", text::value("ms", Some(self.ms)))
    }
}

/// What went with what regressed, in the reader's language.
pub fn explained(w: &WorkloadReport, lang: Lang) -> impl Iterator<Item = String> + '_ {
    w.why.iter().map(move |line| text::plain(&w.codes.say(lang, line)))
}

/// Rows of the table: what, baseline, candidate.
pub fn rows(w: &WorkloadReport, lang: Lang) -> impl Iterator<Item = [String; 3]> + '_ {
    let facts = w.server.iter().flat_map(|s| &s.facts);
    facts.map(move |f| [f.title(lang), value(&f.unit, f.baseline), value(&f.unit, f.candidate)])
}

fn value(unit: &str, value: Option<f64>) -> String {
    if unit == "count" { text::number(value) } else { text::value(unit, value) }
}

/// How it was read, and what that cost.
pub fn how(server: &ServerReport, lang: Lang) -> String {
    if lang == Lang::Ko {
        return say::ko::server::how(server);
    }
    let names = server
        .names
        .as_deref()
        .map_or_else(String::new, |n| format!(", in the names of {}", text::plain(n)));
    let failed = if server.failed > 0 {
        format!(", {} could not be read", server.failed)
    } else {
        String::new()
    };
    let cpu = server.cpu_ratio.map_or_else(String::new, |r| {
        format!("; reading them took {:.2} % of one processor", r * 100.0)
    });
    format!("{}{names}{failed}{cpu}", text::count(server.samples, "page", "pages"))
}

#[cfg(test)]
mod tests;
