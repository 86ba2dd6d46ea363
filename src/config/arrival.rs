//! `arrival`: when requests are sent. Wire form, check.
//!
//! Not here: what they ask for (`prompts`), lists of levels made workloads (`sweep`), the instants
//! themselves (`plan::arrival`).

mod check;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::wire::{Number, Span, to_u32};

/// Exactly one arrival process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ArrivalFile {
    /// Open loop, exponential gaps.
    Poisson {
        /// Requests per second.
        rate: Number,
    },
    /// Open loop, equal gaps.
    Constant {
        /// Requests per second.
        rate: Number,
    },
    /// Open loop, Gamma-distributed gaps.
    Gamma {
        /// Requests per second.
        rate: Number,
        /// Shape: below 1 burstier than Poisson, 1 is Poisson, above more regular.
        burstiness: Number,
    },
    /// Closed loop.
    Closed {
        /// Requests in flight; a list makes one workload per level, named `NAME-cN`.
        concurrency: Levels,
    },
    /// Open loop, a rate that changes linearly over the round.
    Ramp {
        /// Requests per second at the start.
        from: Number,
        /// Requests per second at the end.
        to: Number,
    },
    /// Open loop, arrivals from a file.
    Trace {
        /// JSONL, one object per request; Mooncake's published traces as they are.
        file: String,
        /// Offsets are divided by this: 2 is twice the rate. 1 where it is left out.
        speedup: Option<Number>,
        /// Unit of `timestamp`: `ms` (Mooncake's) where it is left out and nothing in the file
        /// speaks against it.
        unit: Option<TimeUnit>,
        /// Tokens of a block of `hash_ids`; 512 (Mooncake's) where it is left out.
        #[schemars(range(min = 1))]
        block_tokens: Option<u32>,
        /// Keys of a line that are passed over.
        ignore: Option<Vec<String>>,
    },
    /// Conversations (`prompts.conversation`), with `concurrency` or `rate`.
    Sessions {
        /// Closed loop: sessions at a time; a list makes one workload per level, named `NAME-cN`.
        concurrency: Option<Levels>,
        /// Open loop: sessions per second, with exponential gaps.
        rate: Option<Number>,
        /// From the end of an answer to the next turn; 0s where it is left out.
        think_time: Option<Span>,
    },
}

/// One level or several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Levels {
    One(#[schemars(range(min = 1))] u32),
    Many(#[schemars(length(min = 1))] Vec<u32>),
}

/// When requests are sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Arrival {
    /// A fixed number in flight.
    Closed {
        concurrency: u32,
    },
    /// Exactly one each 1/rate seconds.
    Constant {
        rate: f64,
    },
    Poisson {
        rate: f64,
    },
    /// Gamma-distributed gaps; burstiness is vLLM's shape parameter: below 1 burstier than Poisson,
    /// 1 is Poisson. CV = 1/sqrt(burstiness).
    Gamma {
        rate: f64,
        burstiness: f64,
    },
    /// Rate grows (or falls) linearly over the round, evenly spaced on the accumulated rate.
    Ramp {
        from: f64,
        to: f64,
    },
    /// JSONL: one object per line, see docs.
    Trace {
        file: PathBuf,
        /// Its offsets are divided by this.
        speedup: f64,
        format: TraceFormat,
    },
    /// Conversations: each next turn is sent when the last has been answered and thought about.
    Sessions {
        begin: SessionBegin,
        think_time: Duration,
    },
}

/// When a session begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SessionBegin {
    /// When another ends: that many at a time.
    Closed { concurrency: u32 },
    /// Independently of the others: so many per second, with exponential gaps.
    Poisson { rate: f64 },
}

/// What a trace's numbers mean, where its user says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceFormat {
    /// Of `timestamp`; milliseconds where nothing was said and nothing speaks against it.
    pub unit: Option<TimeUnit>,
    /// Tokens of a block of `hash_ids`; 512 where nothing was said.
    pub block_tokens: Option<u32>,
    /// Keys of a line that are passed over.
    pub ignore: Vec<String>,
}

/// Unit of a trace's `timestamp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TimeUnit {
    S,
    Ms,
    Us,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// Requests per round.
    Requests(u32),
    /// Requests that arrive within this time (open loop), or that start within it (closed loop).
    Duration(Duration),
}

/// One of several workloads that differ in one number.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// Name of all of them.
    pub family: String,
    pub axis: Axis,
    pub value: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Axis {
    /// Requests (or sessions) in flight.
    Concurrency,
    /// Requests (or sessions) per second.
    Rate,
}

impl Arrival {
    /// Requests in flight of a closed loop.
    pub const fn concurrency(&self) -> Option<u32> {
        match self {
            Self::Closed { concurrency }
            | Self::Sessions { begin: SessionBegin::Closed { concurrency }, .. } => {
                Some(*concurrency)
            }
            _ => None,
        }
    }

    /// Requests per second of an open loop, where that is one number.
    pub const fn rate(&self) -> Option<f64> {
        match self {
            Self::Poisson { rate } | Self::Constant { rate } | Self::Gamma { rate, .. } => {
                Some(*rate)
            }
            _ => None,
        }
    }
}

impl ArrivalFile {
    /// A closed loop: it bounds what is in flight by itself.
    pub fn is_bounded(&self) -> bool {
        matches!(self, Self::Closed { .. } | Self::Sessions { concurrency: Some(_), .. })
    }

    /// Its list of levels, unless that is empty.
    pub fn levels(&self) -> Option<&[u32]> {
        match self {
            Self::Closed { concurrency: Levels::Many(all) }
            | Self::Sessions { concurrency: Some(Levels::Many(all)), .. } => {
                Some(all.as_slice()).filter(|all| !all.is_empty())
            }
            _ => None,
        }
    }

    pub fn at_concurrency(self, n: u32) -> Self {
        match self {
            Self::Sessions { think_time, .. } => {
                Self::Sessions { concurrency: Some(Levels::One(n)), rate: None, think_time }
            }
            _ => Self::Closed { concurrency: Levels::One(n) },
        }
    }

    /// The same process at another rate; Poisson where it has none.
    pub fn at_rate(self, rate: Number) -> Self {
        match self {
            Self::Sessions { think_time, .. } => {
                Self::Sessions { concurrency: None, rate: Some(rate), think_time }
            }
            Self::Constant { .. } => Self::Constant { rate },
            Self::Gamma { burstiness, .. } => Self::Gamma { rate, burstiness },
            _ => Self::Poisson { rate },
        }
    }
}

impl<'de> Deserialize<'de> for Levels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LevelsVisitor;
        impl<'de> Visitor<'de> for LevelsVisitor {
            type Value = Levels;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of requests in flight, or a list of them")
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Levels, E> {
                to_u32(value).map(Levels::One)
            }

            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Levels, E> {
                to_u32(value).map(Levels::One)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Levels, A::Error> {
                let mut levels = Vec::new();
                while let Some(level) = seq.next_element()? {
                    levels.push(level);
                }
                Ok(Levels::Many(levels))
            }
        }
        deserializer.deserialize_any(LevelsVisitor)
    }
}
