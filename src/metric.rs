//! The one table of metrics: name, unit, statistic, orientation, and METHOD's class and thresholds.
//!
//! Not here: how a value is computed (`measure`), or what it means for a verdict (`judge`).
//! Imports nothing of ours.

mod parts;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use parts::{SPEED_STATS, STATS, SloKind, Stat, TIMINGS, Timing};

/// Everything that a run can report. Ordered as reports list it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Metric {
    Timing(Timing, Stat),
    /// Output tokens of one request by its E2E; shown only.
    TokenSpeed(Stat),
    OutputTokenRate,
    InputTokenRate,
    TotalTokenRate,
    RequestRate,
    Goodput,
    SloAttainment,
    SloAttainmentOf(SloKind),
    SuccessRate,
    ErrorRate,
    OfferedRate,
    AchievedRate,
    /// Start of the server's process to its answer that it is ready: one value per start.
    ServerStart,
    /// Energy of the GPUs over a round by its output tokens.
    EnergyPerToken,
    /// Its inverse: tokens per second per watt.
    TokensPerJoule,
    /// Largest memory in use on the GPUs, summed over them.
    GpuMemoryPeak,
    /// Mean share of time in which the GPUs ran something.
    GpuUtilisation,
}

/// Whether a higher or a lower value is better: a property of the metric, never of a config.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Orientation {
    #[serde(rename = "lower")]
    LowerIsBetter,
    #[serde(rename = "higher")]
    HigherIsBetter,
}

impl Orientation {
    /// Which is better, as in `report.json`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::LowerIsBetter => "lower",
            Self::HigherIsBetter => "higher",
        }
    }
}

/// What a value counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Milliseconds,
    PerSecond,
    TokensPerSecond,
    /// 0 to 1; shown as per cent.
    Share,
    JoulesPerToken,
    TokensPerJoule,
    Mebibytes,
}

/// What a metric may do to a verdict (docs/METHODOLOGY.md#metrics).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Must be proven fine for a PASS.
    Primary,
    /// Can fail a run or hold up a PASS.
    Guard,
    /// Shown only.
    Info,
}

/// How differences of a metric are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Difference of natural logs; thresholds are relative.
    Log,
    /// Difference of shares; thresholds are in shares (0.02 = 2 points).
    Absolute,
}

/// A metric's row of the method (docs/METHODOLOGY.md#metrics). `d_min`: smallest estimate worth
/// failing for; `d_neg`: tested null; `margin`: a PASS proves the effect is below it (primary
/// metrics only). All as fractions (0.03 = 3 % or 3 points).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MethodRow {
    pub class: Class,
    pub scale: Scale,
    pub d_min: f64,
    pub d_neg: f64,
    pub margin: Option<f64>,
}

/// The twelve metrics that METHOD judges, in its order.
pub const METHOD: [Metric; 12] = [
    Metric::Timing(Timing::Ttft, Stat::Geomean),
    Metric::Timing(Timing::Tpot, Stat::Geomean),
    Metric::Timing(Timing::E2e, Stat::Geomean),
    Metric::OutputTokenRate,
    Metric::Timing(Timing::Ttft, Stat::P50),
    Metric::Timing(Timing::Ttft, Stat::P95),
    Metric::Timing(Timing::Ttft, Stat::P99),
    Metric::Timing(Timing::Tpot, Stat::P95),
    Metric::Timing(Timing::ChunkGap, Stat::P99),
    Metric::Timing(Timing::E2e, Stat::P95),
    Metric::SloAttainment,
    Metric::ErrorRate,
];

impl Class {
    /// As in `report.json`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Guard => "guard",
            Self::Info => "info",
        }
    }
}

impl Metric {
    /// What only a watched GPU tells. Shown only.
    pub const GPU: [Self; 4] =
        [Self::EnergyPerToken, Self::TokensPerJoule, Self::GpuMemoryPeak, Self::GpuUtilisation];

    /// Every metric, in report order.
    pub fn all() -> impl Iterator<Item = Self> {
        let timings =
            TIMINGS.into_iter().flat_map(|t| STATS.into_iter().map(move |s| Self::Timing(t, s)));
        let shares = SloKind::ALL.into_iter().map(Self::SloAttainmentOf);
        timings
            .chain(SPEED_STATS.map(Self::TokenSpeed))
            .chain([
                Self::OutputTokenRate,
                Self::InputTokenRate,
                Self::TotalTokenRate,
                Self::RequestRate,
                Self::Goodput,
                Self::SloAttainment,
            ])
            .chain(shares)
            .chain([
                Self::SuccessRate,
                Self::ErrorRate,
                Self::OfferedRate,
                Self::AchievedRate,
                Self::ServerStart,
            ])
            .chain(Self::GPU)
    }

    /// The name in config, outputs and docs, without a unit: `ttft_p95`.
    pub fn name(self) -> String {
        match self {
            Self::Timing(timing, stat) => format!("{}_{}", timing.name(), stat.name()),
            Self::TokenSpeed(stat) => format!("token_speed_{}", stat.name()),
            Self::OutputTokenRate => "output_token_rate".into(),
            Self::InputTokenRate => "input_token_rate".into(),
            Self::TotalTokenRate => "total_token_rate".into(),
            Self::RequestRate => "request_rate".into(),
            Self::Goodput => "goodput".into(),
            Self::SloAttainment => "slo_attainment".into(),
            Self::SloAttainmentOf(kind) => format!("slo_attainment_{}", kind.name()),
            Self::SuccessRate => "success_rate".into(),
            Self::ErrorRate => "error_rate".into(),
            Self::OfferedRate => "offered_rate".into(),
            Self::AchievedRate => "achieved_rate".into(),
            Self::ServerStart => "server_start".into(),
            Self::EnergyPerToken => "energy_per_token".into(),
            Self::TokensPerJoule => "tokens_per_joule".into(),
            Self::GpuMemoryPeak => "gpu_memory_peak".into(),
            Self::GpuUtilisation => "gpu_utilisation".into(),
        }
    }

    /// What people call it, in sentences: `TTFT`, `p95 TTFT`, `output token rate`.
    pub fn title(self) -> String {
        match self {
            Self::Timing(timing, Stat::Geomean) => timing.title().to_owned(),
            Self::Timing(timing, stat) => format!("{} {}", stat.name(), timing.title()),
            Self::TokenSpeed(stat) => format!("{} token speed", stat.name()),
            Self::SloAttainment => "SLO attainment".into(),
            Self::SloAttainmentOf(kind) => {
                format!("{} SLO attainment", kind.name().to_uppercase())
            }
            Self::GpuMemoryPeak => "GPU memory peak".into(),
            Self::GpuUtilisation => "GPU utilisation".into(),
            other => other.name().replace('_', " "),
        }
    }

    /// The key in stored and published JSON: the name with its unit, `ttft_p95_ms`.
    pub fn key(self) -> String {
        format!("{}_{}", self.name(), self.unit().suffix())
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::all().find(|m| m.name() == name)
    }

    pub const fn unit(self) -> Unit {
        match self {
            Self::Timing(..) | Self::ServerStart => Unit::Milliseconds,
            Self::TokenSpeed(_)
            | Self::OutputTokenRate
            | Self::InputTokenRate
            | Self::TotalTokenRate => Unit::TokensPerSecond,
            Self::RequestRate | Self::Goodput | Self::OfferedRate | Self::AchievedRate => {
                Unit::PerSecond
            }
            Self::SloAttainment
            | Self::SloAttainmentOf(_)
            | Self::SuccessRate
            | Self::ErrorRate
            | Self::GpuUtilisation => Unit::Share,
            Self::EnergyPerToken => Unit::JoulesPerToken,
            Self::TokensPerJoule => Unit::TokensPerJoule,
            Self::GpuMemoryPeak => Unit::Mebibytes,
        }
    }

    pub const fn orientation(self) -> Orientation {
        match self {
            Self::Timing(..)
            | Self::ErrorRate
            | Self::ServerStart
            | Self::EnergyPerToken
            | Self::GpuMemoryPeak => Orientation::LowerIsBetter,
            _ => Orientation::HigherIsBetter,
        }
    }

    /// The thresholds of docs/METHODOLOGY.md#metrics; `None` for metrics that are only shown.
    pub const fn method(self) -> Option<MethodRow> {
        const fn row(
            class: Class,
            scale: Scale,
            d_min: f64,
            d_neg: f64,
            margin: Option<f64>,
        ) -> MethodRow {
            MethodRow { class, scale, d_min, d_neg, margin }
        }
        use Class::{Guard, Primary};
        use Scale::{Absolute, Log};
        Some(match self {
            Self::Timing(Timing::Ttft, Stat::Geomean) => {
                row(Primary, Log, 0.03, 0.005, Some(0.075))
            }
            Self::Timing(Timing::Tpot | Timing::E2e, Stat::Geomean) | Self::OutputTokenRate => {
                row(Primary, Log, 0.03, 0.005, Some(0.05))
            }
            Self::Timing(Timing::Ttft, Stat::P50)
            | Self::Timing(Timing::Tpot | Timing::E2e, Stat::P95) => {
                row(Guard, Log, 0.05, 0.005, None)
            }
            Self::Timing(Timing::Ttft, Stat::P95) | Self::Timing(Timing::ChunkGap, Stat::P99) => {
                row(Guard, Log, 0.10, 0.01, None)
            }
            Self::Timing(Timing::Ttft, Stat::P99) => row(Guard, Log, 0.15, 0.015, None),
            Self::SloAttainment => row(Guard, Absolute, 0.02, 0.0025, None),
            Self::ErrorRate => row(Guard, Absolute, 0.002, 0.0, None),
            _ => return None,
        })
    }
}

impl Unit {
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Milliseconds => "ms",
            Self::PerSecond => "per_s",
            Self::TokensPerSecond => "tokens_per_s",
            Self::Share => "ratio",
            Self::JoulesPerToken => "j_per_token",
            Self::TokensPerJoule => "tokens_per_j",
            Self::Mebibytes => "mib",
        }
    }
}

impl From<Metric> for String {
    fn from(metric: Metric) -> Self {
        metric.name()
    }
}

impl TryFrom<String> for Metric {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Self::parse(&name).ok_or_else(|| format!("no metric of this version is called {name:?}"))
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_and_key_is_unique_and_parses_back() {
        let all: Vec<Metric> = Metric::all().collect();
        for &m in &all {
            assert_eq!(Metric::parse(&m.name()), Some(m));
        }
        let keys: std::collections::BTreeSet<String> = all.iter().map(|m| m.key()).collect();
        assert_eq!(keys.len(), all.len());
    }

    #[test]
    fn exactly_the_methods_metrics_have_a_row() {
        let with_row: Vec<Metric> = Metric::all().filter(|m| m.method().is_some()).collect();
        assert_eq!(with_row.len(), METHOD.len());
        assert!(METHOD.iter().all(|m| m.method().is_some()));
    }
}
