//! What a run was judged by, as a record stores it: policy, SLO, limits and regression thresholds.
//!
//! Not here: judging by them (`judge`, `verdict`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config;
use crate::measure::SloMs;
use crate::metric::Class;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordedPolicy {
    /// `baseline`, `interleaved` or `limits`.
    pub mode: String,
    pub starts: u32,
    pub rounds: u32,
    /// `warn` or `fail`, here and below.
    pub on_inconclusive: String,
    /// `fail` where it is absent.
    #[serde(default = "fail", skip_serializing_if = "is_fail")]
    pub on_blind: String,
    pub on_missing_baseline: String,
    pub on_incomparable: String,
    pub on_limit_open: String,
    /// `allow` or `refuse`: two sides that are one program. `refuse` where it is absent.
    #[serde(default = "refuse", skip_serializing_if = "is_refuse")]
    pub same_build: String,
    /// Of earlier versions: what a comparison with the anchor decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_anchor_drift: Option<String>,
    /// Of earlier versions, and not asked any more: attempts are judged together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_attempt: Option<String>,
    /// The slowdown that must be found, as a fraction; 0.05 where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detect_ratio: Option<f64>,
    /// Candidate starts that a PASS needs; 1 where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_starts: Option<u32>,
    /// `fail` or `inconclusive`: starts that look slow only sometimes. `inconclusive` where it is
    /// absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_unstable: Option<String>,
    pub strict: bool,
    pub under_test: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "stored fields carry their unit")]
pub struct Slo {
    pub ttft_ms: Option<f64>,
    pub tpot_ms: Option<f64>,
    pub e2e_ms: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitRecord {
    /// Name without unit; `max` and `min` are in the metric's own unit (ms, per second, share 0 to
    /// 1).
    pub metric: String,
    pub max: Option<f64>,
    pub min: Option<f64>,
}

/// A number is the change that must be found of the metric.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "a regressions entry is a fraction, or {min_change_ratio, margin_ratio, class}"
)]
pub enum RegressionRecord {
    /// As a fraction: 0.05 is 5 % or 5 points.
    MinChange(f64),
    Full(RegressionPolicy),
}

/// METHOD's own value where a field is absent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegressionPolicy {
    /// The change that must be found.
    pub min_change_ratio: Option<f64>,
    /// Of earlier versions: what a PASS was to prove the change to be below.
    pub margin_ratio: Option<f64>,
    pub class: Option<Class>,
}

impl RegressionRecord {
    pub fn policy(self) -> RegressionPolicy {
        match self {
            Self::MinChange(change) => {
                RegressionPolicy { min_change_ratio: Some(change), margin_ratio: None, class: None }
            }
            Self::Full(policy) => policy,
        }
    }
}

impl RegressionPolicy {
    /// What must be found of the metric; of earlier versions, what a PASS was to prove.
    pub fn size(self) -> Option<f64> {
        self.margin_ratio.or(self.min_change_ratio)
    }
}

impl From<config::Regression> for RegressionRecord {
    fn from(said: config::Regression) -> Self {
        match said {
            config::Regression { size: Some(size), class: None } => Self::MinChange(size),
            config::Regression { size, class } => {
                Self::Full(RegressionPolicy { min_change_ratio: size, margin_ratio: None, class })
            }
        }
    }
}

impl From<Slo> for SloMs {
    fn from(slo: Slo) -> Self {
        Self { ttft: slo.ttft_ms, tpot: slo.tpot_ms, e2e: slo.e2e_ms }
    }
}

impl From<config::Slo> for Slo {
    fn from(slo: config::Slo) -> Self {
        let ms = |d: Option<std::time::Duration>| d.map(|d| d.as_secs_f64() * 1000.0);
        Self { ttft_ms: ms(slo.ttft), tpot_ms: ms(slo.tpot), e2e_ms: ms(slo.e2e) }
    }
}

fn refuse() -> String {
    "refuse".into()
}

fn is_refuse(policy: &str) -> bool {
    policy == "refuse"
}

fn fail() -> String {
    "fail".into()
}

fn is_fail(policy: &str) -> bool {
    policy == "fail"
}
