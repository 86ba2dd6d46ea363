//! What is said of several records side by side, typed: who wins and by how much, who is not
//! ranked and why, what makes the comparison unfair. `Display` is the English.
//!
//! Not here: when it is said (`build`, `families`), other languages (`report::say`).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::judge::text::count;
use crate::record::note::Note;
use crate::report::text;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum RankingNote {
    /// Of the whole ranking.
    Winners {
        workloads: Vec<Win>,
    },
    /// The load that all were measured with.
    SameLoad(LoadName),
    WorkloadLacking,
    /// INVALID.
    EntrantInvalid {
        why: Note,
    },
    OtherArrivals {
        arrival: String,
        first: String,
    },
    OtherLoad {
        load: LoadName,
        first: LoadName,
    },
    /// Seed, prompts, or another part of the plan.
    OtherPlan,
    /// Too few server starts to know the noise.
    MetricsUnranked {
        metrics: u64,
    },
    GoodputUnranked {
        entrant: String,
    },
    GpusUnranked,
    UnequalWork {
        most: Work,
        least: Work,
    },
    OtherMachines,
    OtherLoadAt {
        entrant: String,
        level: f64,
        why: Box<Self>,
    },
    /// `levels` is empty where it was measured at none.
    NotMeasuredAt {
        entrant: String,
        levels: Vec<f64>,
    },
    UnknownMetric {
        metric: String,
    },
    WorkloadNotMeasured {
        workload: String,
    },
    EntrantNotMeasured {
        entrant: String,
    },
    EntrantNotRanked {
        entrant: String,
        why: Box<Self>,
    },
    NoiseUnknown,
    /// As it is: of a claim that cannot be read.
    Text {
        text: String,
    },
}

/// A load in few words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadName {
    pub arrival: String,
    pub requests_per_round: Option<u64>,
    pub input_tokens: u32,
    pub output_tokens: u32,
}

/// Output tokens per request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Work {
    pub entrant: String,
    pub tokens: f64,
}

/// Who is best with one workload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Win {
    pub workload: String,
    /// Entrants that are not ranked.
    pub not_ranked: Vec<String>,
    pub outcome: WinOutcome,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WinOutcome {
    /// Proven better than every other in this metric, and in no primary metric proven worse than
    /// any. `ratio`: how much better than the next best, relative to that one.
    Winner {
        entrant: String,
        metric: String,
        next: String,
        ratio: f64,
    },
    /// Some are better in one metric and worse in another.
    Mixed,
    NothingProven,
}

impl fmt::Display for LoadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { arrival, requests_per_round, input_tokens, output_tokens } = self;
        let each =
            requests_per_round.map_or_else(String::new, |n| format!(", {n} requests per round"));
        write!(
            f,
            "{arrival}{each}, {input_tokens} input (nominal) and {output_tokens} output tokens"
        )
    }
}

impl fmt::Display for Win {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { workload, not_ranked, outcome } = self;
        match outcome {
            WinOutcome::Winner { entrant, metric, next, ratio } => write!(
                f,
                "{workload}: {entrant} wins ({metric} {} better than {next})",
                text::size("ms", Some(*ratio))
            )?,
            WinOutcome::Mixed => {
                write!(f, "{workload}: no winner (each is better in something)")?;
            }
            WinOutcome::NothingProven => {
                write!(f, "{workload}: no winner (no difference is proven)")?;
            }
        }
        if not_ranked.is_empty() {
            Ok(())
        } else {
            write!(f, "; not ranked: {}", not_ranked.join(", "))
        }
    }
}

impl fmt::Display for RankingNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Winners { workloads } if workloads.is_empty() => {
                f.write_str("nothing was measured")
            }
            Self::Winners { workloads } => {
                let all: Vec<String> = workloads.iter().map(ToString::to_string).collect();
                f.write_str(&all.join("; "))
            }
            Self::SameLoad(load) => write!(f, "{load}"),
            Self::WorkloadLacking => f.write_str("was not measured with this workload"),
            Self::EntrantInvalid { why } => write!(f, "INVALID: {why}"),
            Self::OtherArrivals { arrival, first } => {
                write!(f, "was measured with another load ({arrival}) than the first ({first})")
            }
            Self::OtherLoad { load, first } => {
                write!(f, "was measured with another load ({load}) than the first ({first})")
            }
            Self::OtherPlan => f.write_str(
                "was measured with another load than the first: its seed, its prompts or another part of the plan differs",
            ),
            Self::MetricsUnranked { metrics } => write!(
                f,
                "{} shown without ranks: {}",
                count(*metrics, "metric is", "metrics are"),
                Self::NoiseUnknown
            ),
            Self::GoodputUnranked { entrant } => write!(
                f,
                "{entrant}: goodput is shown without a rank: in some round no request met the SLOs"
            ),
            Self::GpusUnranked => {
                f.write_str("metrics of GPUs are shown without ranks: they explain the others")
            }
            Self::UnequalWork { most, least } => write!(
                f,
                "unequal work: {} gives {:.1} output tokens per request and {} {:.1}, so E2E latency and rates say little: force the \
                 length (ignore_eos), or compare TTFT and TPOT",
                most.entrant, most.tokens, least.entrant, least.tokens
            ),
            Self::OtherMachines => {
                f.write_str("the records are of different machines, which may be the difference")
            }
            Self::OtherLoadAt { entrant, level, why } => write!(f, "{entrant} at {level}: {why}"),
            Self::NotMeasuredAt { entrant, levels } if levels.is_empty() => {
                write!(f, "{entrant}: was not measured at any level")
            }
            Self::NotMeasuredAt { entrant, levels } => {
                write!(f, "{entrant}: was not measured at {}", listed(levels))
            }
            Self::UnknownMetric { metric } => write!(f, "this version knows no metric {metric}"),
            Self::WorkloadNotMeasured { workload } => {
                write!(f, "workload {workload} was not measured")
            }
            Self::EntrantNotMeasured { entrant } => write!(f, "{entrant} was not measured"),
            Self::EntrantNotRanked { entrant, why } => write!(f, "{entrant}: {why}"),
            Self::NoiseUnknown => f.write_str(
                "too few server starts to know the noise: at least 3 of each are needed",
            ),
            Self::Text { text } => f.write_str(text),
        }
    }
}

pub fn listed(levels: &[f64]) -> String {
    levels.iter().map(f64::to_string).collect::<Vec<_>>().join(", ")
}
