//! `arrival`: when requests are sent. Wire form, check.
//!
//! Not here: what they ask for (`prompts`), lists of levels made workloads (`sweep`), the instants
//! themselves (`plan::arrival`).

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::check::{Checker, FASTEST, SLOWEST};
use super::wire::{Number, Span, to_u32};

/// A plan is held in memory with its bodies; a million requests of 256 tokens are a gigabyte.
const MOST_REQUESTS: f64 = 1e6;

/// A year: beyond it an instant may not fit into its clock.
const LONGEST_ROUND_S: f64 = 365.0 * 24.0 * 3600.0;

/// More than one machine has ports for, to one address.
const MOST_IN_FLIGHT: u32 = 65_000;

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

impl Checker {
    pub fn arrival(&mut self, path: &str, file: Option<&ArrivalFile>) -> Option<Arrival> {
        let at = |kind: &str| format!("{path}.arrival.{kind}");
        match file? {
            ArrivalFile::Poisson { rate } => {
                Some(Arrival::Poisson { rate: self.rate(&at("poisson.rate"), rate.0)? })
            }
            ArrivalFile::Constant { rate } => {
                Some(Arrival::Constant { rate: self.rate(&at("constant.rate"), rate.0)? })
            }
            ArrivalFile::Gamma { rate, burstiness } => {
                let rate = self.rate(&at("gamma.rate"), rate.0);
                let burstiness = self.burstiness(&at("gamma.burstiness"), burstiness.0);
                Some(Arrival::Gamma { rate: rate?, burstiness: burstiness? })
            }
            ArrivalFile::Closed { concurrency } => self
                .concurrency(&at("closed.concurrency"), concurrency)
                .map(|concurrency| Arrival::Closed { concurrency }),
            ArrivalFile::Ramp { from, to } => self.ramp(&at("ramp"), from.0, to.0),
            ArrivalFile::Trace { file, .. } if file.is_empty() => {
                self.bad(&at("trace.file"), "is empty", "name a JSONL file");
                None
            }
            ArrivalFile::Trace { file, speedup, unit, block_tokens, ignore } => {
                let speedup = self.speedup(&at("trace.speedup"), speedup.map_or(1.0, |x| x.0))?;
                if *block_tokens == Some(0) {
                    self.bad(
                        &at("trace.block_tokens"),
                        "must be 1 or more",
                        "leave it out for Mooncake's 512",
                    );
                }
                let ignore = ignore.clone().unwrap_or_default();
                let format = TraceFormat {
                    unit: *unit,
                    block_tokens: block_tokens.filter(|n| *n > 0),
                    ignore,
                };
                Some(Arrival::Trace { file: PathBuf::from(file), speedup, format })
            }
            ArrivalFile::Sessions { concurrency, rate, think_time } => {
                let begin = self.begin(&at("sessions"), concurrency.as_ref(), *rate)?;
                Some(Arrival::Sessions {
                    begin,
                    think_time: think_time.map(|time| time.0).unwrap_or_default(),
                })
            }
        }
    }

    /// Rates in requests per second.
    fn ramp(&mut self, path: &str, from: f64, to: f64) -> Option<Arrival> {
        if !(from.is_finite() && to.is_finite() && from >= 0.0 && to >= 0.0 && from + to > 0.0) {
            let hint = "both are requests per second, 0 or more, and one of them above 0";
            self.bad(path, format!("cannot go from {from} to {to}"), hint);
            return None;
        }
        self.rate(path, f64::midpoint(from, to))?;
        Some(Arrival::Ramp { from, to })
    }

    fn speedup(&mut self, path: &str, speedup: f64) -> Option<f64> {
        if (SLOWEST..=FASTEST).contains(&speedup) {
            return Some(speedup);
        }
        let hint = "2 is twice as fast; leave it out for the trace's own time";
        self.bad(path, format!("must be from {SLOWEST} to {FASTEST}, not {speedup}"), hint);
        None
    }

    /// Beyond these bounds all requests would arrive at once, or the draws are no numbers.
    fn burstiness(&mut self, path: &str, value: f64) -> Option<f64> {
        let value = self.positive(path, value)?;
        if (0.01..=10_000.0).contains(&value) {
            return Some(value);
        }
        self.bad(
            path,
            format!("must be from 0.01 to 10000, not {value}"),
            "1 is Poisson; below it arrivals come in bursts",
        );
        None
    }

    fn concurrency(&mut self, path: &str, levels: &Levels) -> Option<u32> {
        match levels {
            Levels::One(n) => self.bounded(path, Some(*n), MOST_IN_FLIGHT),
            Levels::Many(_) => {
                self.bad(path, "the list is empty", "write one level or more, such as [1, 10, 50]");
                None
            }
        }
    }

    fn begin(
        &mut self,
        path: &str,
        concurrency: Option<&Levels>,
        rate: Option<Number>,
    ) -> Option<SessionBegin> {
        match (concurrency, rate) {
            (Some(levels), None) => {
                let concurrency = self.concurrency(&format!("{path}.concurrency"), levels)?;
                Some(SessionBegin::Closed { concurrency })
            }
            (None, Some(rate)) => {
                Some(SessionBegin::Poisson { rate: self.rate(&format!("{path}.rate"), rate.0)? })
            }
            (both, _) => {
                let what = if both.is_some() {
                    "both `concurrency` and `rate`"
                } else {
                    "neither `concurrency` nor `rate`"
                };
                self.bad(
                    path,
                    what,
                    "sessions at a time, {concurrency: 8}, or sessions per second, {rate: 0.5}",
                );
                None
            }
        }
    }

    /// Whether a round has requests to measure, and not more than can be planned.
    pub fn size(&mut self, path: &str, arrival: &Arrival, length: Length, length_said: bool) {
        let rate = match *arrival {
            Arrival::Constant { rate }
            | Arrival::Poisson { rate }
            | Arrival::Gamma { rate, .. } => rate,
            Arrival::Ramp { from, to } => f64::midpoint(from, to),
            // How many requests a session has is known in `together` only.
            Arrival::Closed { .. } | Arrival::Trace { .. } | Arrival::Sessions { .. } => 0.0,
        };
        let key = if matches!(length, Length::Requests(_)) { "requests" } else { "duration" };
        let planned = match length {
            Length::Requests(n) => f64::from(n),
            Length::Duration(duration) => rate * duration.as_secs_f64(),
        };
        if planned > MOST_REQUESTS {
            let what = format!("a round of {planned:.0} requests cannot be planned");
            self.bad(
                &format!("{path}.{key}"),
                what,
                "stay at a million: a shorter round, and more of them",
            );
        }
        if let (Length::Requests(n), true) = (length, rate > 0.0)
            && f64::from(n) / rate > LONGEST_ROUND_S
        {
            let what = format!("{n} requests at {rate} per second take longer than a year");
            self.bad(&format!("{path}.requests"), what, "ask for fewer, or raise the rate");
        }
        if rate > 0.0 && planned < 1.0 {
            self.bad(
                &format!("{path}.{key}"),
                format!("only {planned:.2} requests arrive in a round"),
                "lengthen it, or raise the rate",
            );
        }
        match (arrival, length) {
            (Arrival::Closed { concurrency }, Length::Requests(n)) if n <= *concurrency => {
                let what = format!(
                    "{n} requests with {concurrency} in flight: nothing is left to measure"
                );
                let hint = format!(
                    "the first {concurrency} arrive at once and are not measured: use {} or more",
                    concurrency.saturating_mul(2)
                );
                self.bad(&format!("{path}.requests"), what, hint);
            }
            (Arrival::Trace { .. }, _) if !length_said => {
                let what = "a trace needs `requests` or `duration`";
                self.bad(
                    &format!("{path}.arrival"),
                    what,
                    "say how much of the trace is one round",
                );
            }
            _ => {}
        }
    }
}
