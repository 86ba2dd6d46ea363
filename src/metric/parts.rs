//! What a metric's name is made of: a distribution, the number that stands for it, the limit of an
//! SLO. Not here: the metrics themselves (`metric`).

use serde::{Deserialize, Serialize};

/// A distribution over requests (or over chunk gaps), in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Timing {
    /// Start to first output event of any kind (content, reasoning, tool call).
    Ttft,
    /// Start to first non-reasoning content; only where reasoning was seen.
    Ttfa,
    /// (last output event - first) / (output tokens - 1); none below two tokens.
    Tpot,
    /// Time between two consecutive output-bearing events of one response.
    ChunkGap,
    /// Start to last output event.
    E2e,
    /// Intended send time to the moment a slot was free: the client's own queue, which latency
    /// includes.
    Queue,
    /// TCP (and TLS) connect, of the requests that had to open a connection.
    Connect,
    /// Actual minus intended send time.
    SendLag,
}

/// One number that stands for a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stat {
    Geomean,
    Mean,
    Stddev,
    Min,
    P50,
    P90,
    P95,
    P99,
    P999,
    Max,
}

/// A per-request limit that a service level objective may set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SloKind {
    Ttft,
    Tpot,
    E2e,
}

pub const TIMINGS: [Timing; 8] = [
    Timing::Ttft,
    Timing::Ttfa,
    Timing::Tpot,
    Timing::ChunkGap,
    Timing::E2e,
    Timing::Queue,
    Timing::Connect,
    Timing::SendLag,
];

pub const STATS: [Stat; 10] = [
    Stat::Geomean,
    Stat::Mean,
    Stat::Stddev,
    Stat::Min,
    Stat::P50,
    Stat::P90,
    Stat::P95,
    Stat::P99,
    Stat::P999,
    Stat::Max,
];

/// Statistics of `TokenSpeed`. The rest of the table's would say of TPOT again.
pub const SPEED_STATS: [Stat; 5] = [Stat::Mean, Stat::P50, Stat::P95, Stat::Min, Stat::Max];

impl Timing {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ttft => "ttft",
            Self::Ttfa => "ttfa",
            Self::Tpot => "tpot",
            Self::ChunkGap => "chunk_gap",
            Self::E2e => "e2e",
            Self::Queue => "queue",
            Self::Connect => "connect",
            Self::SendLag => "send_lag",
        }
    }

    /// What people call it, in sentences.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Ttft => "TTFT",
            Self::Ttfa => "TTFA",
            Self::Tpot => "TPOT",
            Self::ChunkGap => "chunk gap",
            Self::E2e => "E2E latency",
            Self::Queue => "client queue",
            Self::Connect => "connect time",
            Self::SendLag => "send lag",
        }
    }
}

impl Stat {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Geomean => "geomean",
            Self::Mean => "mean",
            Self::Stddev => "stddev",
            Self::Min => "min",
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::P999 => "p999",
            Self::Max => "max",
        }
    }

    /// The quantile that this statistic is, 0 to 1.
    pub const fn quantile(self) -> Option<f64> {
        match self {
            Self::P50 => Some(0.5),
            Self::P90 => Some(0.9),
            Self::P95 => Some(0.95),
            Self::P99 => Some(0.99),
            Self::P999 => Some(0.999),
            _ => None,
        }
    }

    /// The fewest values from which this statistic is reported (docs/ARITHMETIC.md#limit-rules;
    /// p99.9 by the same rule: one value beyond it).
    pub const fn min_n(self) -> usize {
        match self {
            Self::P50 | Self::P90 => 10,
            Self::P95 => 20,
            Self::P99 => 100,
            Self::P999 => 1000,
            Self::Stddev => 2,
            _ => 1,
        }
    }
}

impl SloKind {
    pub const ALL: [Self; 3] = [Self::Ttft, Self::Tpot, Self::E2e];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Ttft => "ttft",
            Self::Tpot => "tpot",
            Self::E2e => "e2e",
        }
    }
}
