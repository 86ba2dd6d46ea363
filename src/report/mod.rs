//! `Report`: the view model with every number chosen, named and with its unit, in stable order.
//! Also the published JSON, version 1.
//!
//! One file and one function per format (`terminal`, `markdown`, `junit`, `csv`, `xlsx`,
//! `prometheus`, `badge`, `page`); JSON is the model itself. Not here: judging.

pub mod advice;
pub mod attempts;
pub mod badge;
pub mod build;
pub mod capacity;
pub mod codes;
pub mod comment;
mod contract;
pub mod course;
pub mod csv;
pub mod drift;
mod gpu;
mod headline;
pub mod history;
pub mod junit;
pub mod labels;
pub mod markdown;
pub mod notice;
pub mod overview;
pub mod page;
pub mod prometheus;
pub mod ranking;
pub mod recommend;
pub mod sweep;
#[cfg(test)]
mod samples;
mod say;
pub mod server;
pub mod sessions;
pub mod sides;
pub mod terminal;
#[cfg(test)]
mod tests;
pub mod text;
pub mod xlsx;

pub use codes::Codes;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::attempt::Attempt;
use crate::exit::ExitStatus;
use crate::fingerprint::{Difference, Fingerprint};
use crate::judge::limits::LimitState;
use crate::judge::{Judgement, Mode};
use crate::metric::{Class, Orientation};
use crate::record::{ErrorCount, GitFacts, LoadFacts, Slo};
use crate::verdict::Verdict;

use codes::Sentence;
use course::CourseReport;
use headline::Headline;
use notice::Notice;
use sides::{StartsReport, TimeReport};
use sweep::SweepReport;

pub const SCHEMA: &str = "goodput-gate/report";
pub const VERSION: u32 = 1;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Always `goodput-gate/report`.
    pub schema: String,
    pub version: u32,
    pub tool_version: String,
    pub session: String,
    /// RFC 3339, UTC.
    pub created: String,
    /// Absent where nothing was judged (`run`).
    pub verdict: Option<Verdict>,
    pub exit_code: u8,
    /// One sentence: what, by how much.
    pub headline: String,
    pub interrupted: bool,
    /// What a reader should know before the verdict: whose policy counted, what the change alters
    /// in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<String>,
    pub git: Option<GitFacts>,
    pub host: BTreeMap<String, String>,
    pub workloads: Vec<WorkloadReport>,
    /// Every attempt that is known of this commit, this one last; of `check`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
    /// Workloads that differ in one number, and where their curve bends: shown only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sweeps: Vec<SweepReport>,
    /// Of a search: the highest load that meets the SLOs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<capacity::Capacity>,
    /// Of the headline and the notices.
    #[serde(default, skip_serializing_if = "Codes::is_empty")]
    pub codes: Codes,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkloadReport {
    pub name: String,
    pub verdict: Option<Verdict>,
    /// Why the verdict is what it is, the most telling first; where nothing was judged, why the
    /// measurement is unfit.
    pub reasons: Vec<String>,
    pub warnings: Vec<String>,
    /// Regressions and breached limits that somebody has accepted, each with until when, why and by
    /// whom.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<String>,
    /// What a PASS proves.
    pub proves: Option<String>,
    pub load: LoadFacts,
    /// What the nominal input came to; absent where a completed request has no count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<CountedReport>,
    pub slo: Slo,
    /// Requests that attainment is a share of: all that were scheduled after the ramp. Absent
    /// without an SLO.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slo_requests: Option<u64>,
    pub starts: u32,
    pub rounds: u32,
    pub requests: u64,
    pub completed: u64,
    pub duration_s: f64,
    pub baseline: Option<BaselineReport>,
    /// How the comparison was made; absent where there was none.
    pub comparison: Option<ComparisonReport>,
    /// Interleaved: the evidence after each start pair, for drawing; absent in older reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub course: Option<CourseReport>,
    /// Of earlier versions: a second comparison, with the sessions of `baselines/anchor`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<AnchorReport>,
    pub fingerprint: Fingerprint,
    /// Fields under test that differ from the baseline's.
    pub differences: Vec<Difference>,
    /// METHOD's metrics that the workload defines, in its order: judged ones where there was a
    /// comparison.
    pub metrics: Vec<MetricReport>,
    pub limits: Vec<LimitReport>,
    /// Distributions over all rounds.
    pub distributions: Vec<DistributionReport>,
    /// Rates and shares over all rounds.
    pub rates: Vec<ValueReport>,
    pub errors: Vec<ErrorCount>,
    /// Of each start that the gate made, how long the server took to be ready.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub server_start_ms: Vec<f64>,
    /// Connections that each address of the server's name got, warm-ups included; absent where it
    /// has only one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub connections: BTreeMap<String, u64>,
    /// What is worth knowing of the measurement itself.
    pub notes: Vec<String>,
    pub client: ClientReport,
    /// What the server's own metrics said; absent where it told nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<server::ServerReport>,
    /// Where something regressed: what changed on the server's side together with it. An
    /// explanation, never a proof.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<String>,
    /// Absent where no GPU was watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu: Option<gpu::GpuReport>,
    /// Where the time of a request went; absent where answers come whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<TimeReport>,
    /// Primary metrics of every server start of both sides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub start_values: Vec<StartsReport>,
    /// The baseline's distributions by timing, for drawing: `HdrHistogram` V2 deflate, base64,
    /// microseconds.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub baseline_timings_hdr: BTreeMap<String, String>,
    /// Of the reasons, the warnings and all other sentences.
    #[serde(default, skip_serializing_if = "Codes::is_empty")]
    pub codes: Codes,
}

/// Token counts of completed requests, mean of the rounds' means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CountedReport {
    pub input_tokens_mean: f64,
    /// `server`, `tokenizer` (here, some or all), or `tool` (imported from one).
    pub by: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BaselineReport {
    pub sessions: u32,
    /// Of the nearest session.
    pub commit: Option<String>,
    /// First-parent steps from the commit under test, or from what `found_from` says.
    pub distance_commits: Option<u32>,
    /// Where the walk began, where that is not the commit under test: `merge base with
    /// origin/main`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found_from: Option<String>,
    /// Sessions nearer than that one that were left out, each with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<String>,
    pub commit_date: Option<String>,
    pub sessions_needed: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ComparisonReport {
    /// `interleaved` (both builds in this job) or `baseline` (against sessions of other days).
    pub mode: Mode,
    /// Interleaved: what the baseline is, in words.
    pub beside: Option<String>,
    /// Interleaved: the baseline's commit.
    pub beside_commit: Option<String>,
    /// Start pairs (interleaved) or jobs that the decision used.
    pub looks: u32,
    /// Of them, start pairs of earlier attempts at the same commit.
    #[serde(default, skip_serializing_if = "none_of_earlier")]
    pub earlier_looks: u32,
    pub most_looks: u32,
    /// Earlier sessions that the noise was reckoned from.
    pub history_sessions: u32,
    /// Interleaved: every start was a new server process, so that start-to-start variance is in the
    /// data.
    pub starts_sampled: Option<bool>,
    /// Of earlier versions: what the significance levels add up to over metrics and looks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub false_alarm_budget_ratio: Option<f64>,
    /// Server starts, warm-ups and rounds of all sides.
    pub minutes: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricReport {
    /// Name without unit.
    pub metric: String,
    /// `ms`, `per_s`, `tokens_per_s`, `ratio`.
    pub unit: String,
    pub class: Class,
    /// `lower` or `higher` is better.
    pub better: Orientation,
    pub baseline: Option<f64>,
    pub candidate: Option<f64>,
    /// Relative for times and rates (0.05 = 5 % more), in shares for shares (0.02 = 2 points more).
    pub change_ratio: Option<f64>,
    pub interval_low_ratio: Option<f64>,
    pub interval_high_ratio: Option<f64>,
    pub p: Option<f64>,
    pub minimum_relevant_change_ratio: f64,
    /// What a PASS proves the change to be below; primary metrics only.
    pub pass_margin_ratio: Option<f64>,
    /// Standard deviation that was reckoned with, of one start (interleaved) or one session.
    pub noise_ratio: Option<f64>,
    /// The smallest change that this run would have seen in 95 % of cases.
    pub smallest_visible_change_ratio: Option<f64>,
    /// Absent where there was no comparison.
    pub judgement: Option<Judgement>,
    pub reason: Option<String>,
    /// Until when it is accepted, why and by whom; absent where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<String>,
}

/// Of earlier versions: what changed since a pinned point of the past.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnchorReport {
    /// As it was named: `v1.2`.
    pub name: String,
    pub commit: Option<String>,
    /// First-parent steps from where the walk to the baselines begins.
    pub distance_commits: Option<u32>,
    pub sessions: u32,
    pub state: AnchorState,
    /// The whole in one sentence.
    pub words: String,
    /// Metrics that were compared.
    pub metrics: Vec<AnchorMetricReport>,
}

/// What became of the comparison with the anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnchorState {
    Worse,
    Unchanged,
    Open,
    NotCompared,
}

/// Which side of a limit is beyond it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BoundSide {
    Max,
    Min,
}

impl BoundSide {
    /// As in this JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Max => "max",
            Self::Min => "min",
        }
    }
}

impl MetricReport {
    /// Worse, proven, and not accepted.
    pub fn is_unaccepted_regression(&self) -> bool {
        self.is_regression() && self.accepted.is_none()
    }

    pub fn is_regression(&self) -> bool {
        self.judgement == Some(Judgement::Regressed)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnchorMetricReport {
    pub metric: String,
    pub unit: String,
    /// As `change_ratio` of a metric.
    pub change_ratio: Option<f64>,
    pub interval_low_ratio: Option<f64>,
    pub interval_high_ratio: Option<f64>,
    pub judgement: Judgement,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitReport {
    pub metric: String,
    pub unit: String,
    pub bound: BoundSide,
    pub limit: f64,
    pub value: Option<f64>,
    pub interval_low: Option<f64>,
    pub interval_high: Option<f64>,
    pub state: LimitState,
    /// The measured value is on the right side of the limit.
    pub right_side: Option<bool>,
    pub reason: String,
    /// Until when a breach is accepted, why and by whom; absent where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<String>,
}

/// A timing in milliseconds; absent where n does not allow the statistic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DistributionReport {
    /// `ttft`, `ttfa`, `tpot`, `chunk_gap`, `e2e`, `queue`, `connect`, `send_lag`.
    pub timing: String,
    pub geomean_ms: Option<f64>,
    pub mean_ms: Option<f64>,
    pub stddev_ms: Option<f64>,
    pub min_ms: Option<f64>,
    pub p50_ms: Option<f64>,
    pub p90_ms: Option<f64>,
    pub p95_ms: Option<f64>,
    pub p99_ms: Option<f64>,
    pub p999_ms: Option<f64>,
    pub max_ms: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ValueReport {
    pub metric: String,
    pub unit: String,
    /// Absent is unmeasured.
    pub value: Option<f64>,
}

/// Worst round.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientReport {
    pub own_lag_p99_ms: Option<f64>,
    pub loop_lag_p99_ms: Option<f64>,
    pub busiest_worker_ratio: Option<f64>,
    pub connections_opened: Option<u64>,
    pub retries: Option<u64>,
}

impl Report {
    /// The report of a run that could not measure anything: INVALID, with the reason.
    pub fn unmeasured(
        why: &str,
        tool_version: &str,
        created: String,
        git: Option<GitFacts>,
        exit: ExitStatus,
    ) -> Self {
        let mut codes = Codes::default();
        Self {
            schema: SCHEMA.into(),
            version: VERSION,
            tool_version: tool_version.into(),
            session: String::new(),
            created,
            verdict: Some(Verdict::Invalid),
            exit_code: exit.code(),
            headline: codes.text(&Headline::CouldNotMeasure { why: why.to_owned() }),
            interrupted: false,
            notices: Vec::new(),
            git,
            host: BTreeMap::new(),
            workloads: Vec::new(),
            attempts: Vec::new(),
            sweeps: Vec::new(),
            capacity: None,
            codes,
        }
    }

    /// Said before all other notices.
    pub fn notice<S: Clone + ToString + Into<Sentence>>(&mut self, all: &[S]) {
        let texts = self.codes.texts(all);
        self.notices.splice(0..0, texts);
    }

    /// Said after all other notices.
    pub fn last_notices(&mut self, all: &[Notice]) {
        let texts = self.codes.texts(all);
        self.notices.extend(texts);
    }

    /// Reads a stored report; refuses a newer version and another kind of file.
    pub fn parse(text: &str) -> Result<Self, String> {
        let value: serde_json::Value =
            serde_json::from_str(text).map_err(|e| format!("not a report: {e}"))?;
        if value["schema"].as_str() != Some(SCHEMA) {
            return Err(format!("not a report: its schema is not {SCHEMA:?}"));
        }
        match value["version"].as_u64().unwrap_or(0) {
            newer if newer > u64::from(VERSION) => Err(format!(
                "report has version {newer}, this goodput-gate reads up to {VERSION}: use a newer goodput-gate"
            )),
            _ => serde_json::from_value(value).map_err(|e| format!("not a report: {e}")),
        }
    }

    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a report is plain data");
        text.push('\n');
        text
    }
}

/// JSON Schema of the report.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Report).to_value()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
const fn none_of_earlier(looks: &u32) -> bool {
    *looks == 0
}
