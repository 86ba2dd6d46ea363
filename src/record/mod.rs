//! `Record`: the stored result of a run, in its versioned wire form. Units are in the field names;
//! absent is null, never 0.
//!
//! Verdicts and reports can be recomputed from a record without a GPU. Not here: files (`app/`),
//! judging (`judge`).

pub mod again;
pub mod build;
pub mod capacity;
mod check;
pub mod differ;
pub mod facts;
mod gpu;
mod idle;
mod load;
pub mod note;
pub mod merge;
mod policy;
pub mod programs;
pub mod recompute;
pub mod session;
pub mod shard;
mod views;

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::gpu::{Facts, RoundGpu};
use crate::evidence::server::ServerRound;
use crate::fingerprint::Fingerprint;
use crate::lang::{Text, bilingual};
use crate::measure::collect::Values;
use crate::measure::columns::{Columns, Context};
use crate::measure::validity::{ClientHealth, Finding};
use crate::metric::Metric;

pub use load::{LevelRecord, LoadDetail, LoadFacts};
pub use policy::{LimitRecord, RecordedPolicy, RegressionPolicy, RegressionRecord, Slo};
use shard::{MergedFacts, ShardFacts, ShardRound};
pub use views::{CHUNK_GAP, TIMINGS, timings};

pub const SCHEMA: &str = "goodput-gate/record";
pub const VERSION: u32 = 1;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Always `goodput-gate/record`.
    pub schema: String,
    pub version: u32,
    pub tool_version: String,
    /// Drawn anew for each run; leads every request id and prompt.
    pub session: String,
    /// RFC 3339, UTC.
    pub created: String,
    /// Stopped by a signal: what was measured is here. (The time limit only leaves rounds out.)
    pub interrupted: bool,
    pub git: Option<GitFacts>,
    /// Facts that are recorded and not keyed.
    pub host: BTreeMap<String, String>,
    /// Absent where the server is elsewhere, or simulated, or where there is nothing to watch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu: Option<Facts>,
    /// Name of the target, where several were measured in turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// What ran as the server, where the gate started it by a command.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub programs: Vec<programs::Program>,
    /// What was claimed of these targets before they were measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hypotheses: Vec<HypothesisRecord>,
    /// Of a search for the highest load: what it looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub find: Option<capacity::FindRecord>,
    /// The policy that the run was made under.
    pub policy: RecordedPolicy,
    /// Absent where the run had one side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<Pair>,
    /// Of a run that several machines sent together: which of them this is. Such a record is only a
    /// part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<ShardFacts>,
    /// Absent where one machine sent the load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged: Option<MergedFacts>,
    pub workloads: Vec<WorkloadRecord>,
}

/// Which side of an interleaved run a record is. The two records of a run have the same session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    pub side: Role,
    /// What the baseline is, for people.
    pub baseline: String,
    /// Start pairs at most.
    pub most_starts: u32,
    /// Start pairs as they were planned before the first one; `most_starts` where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned_pairs: Option<u32>,
    /// The change that so many pairs find in 95 % of cases, as a fraction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach_ratio: Option<f64>,
    /// Every start of both sides was a new server process: start-to-start variance is in the data.
    pub starts_sampled: bool,
    /// Both servers ran at once, and rounds alternated; else starts did.
    pub at_once: bool,
    /// What the programs of both sides are to each other; absent where the gate starts no program,
    /// or could not see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub builds: Option<programs::Builds>,
    /// Digest of what the baseline's server is started as, without secrets: one commit may be
    /// started in two ways. Absent in earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_target: Option<String>,
    /// The same of the candidate's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate_target: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Baseline,
    Candidate,
}

/// A statement of the config's `hypotheses`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HypothesisRecord {
    pub name: String,
    pub says: Option<String>,
    pub workload: String,
    /// Name without unit.
    pub metric: String,
    /// `A > B`, `A < 0.9 * B`, `A < 500ms`.
    pub claim: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GitFacts {
    pub commit: String,
    /// Hash of the tree without the baselines folder: survives squash merges and rebases.
    pub tree: String,
    pub dirty: bool,
    /// RFC 3339, UTC.
    pub commit_date: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkloadRecord {
    pub name: String,
    pub fingerprint: Fingerprint,
    pub load: LoadFacts,
    pub slo: Slo,
    pub limits: Vec<LimitRecord>,
    /// How changes were judged, by metric, where METHOD's own rule was not wanted.
    pub regressions: BTreeMap<String, RegressionRecord>,
    pub starts: Vec<StartRecord>,
    /// Starts of the candidate alone, after the pairs, with a round or two each: they are asked
    /// only whether some starts are slow.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub check_starts: Vec<StartRecord>,
    /// All rounds of `starts` together; key is the metric's name with its unit.
    pub pooled: BTreeMap<String, f64>,
    /// Candidate of an interleaved run: earlier sessions of comparable fingerprint, oldest first,
    /// as the noise was reckoned with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<PastSession>,
}

/// What judging needs of an earlier session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PastSession {
    pub session: String,
    pub starts: Vec<PastStart>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PastStart {
    pub requests: u64,
    pub failed: u64,
    /// METHOD's start summary, oriented (positive difference = worse).
    pub oriented: BTreeMap<String, f64>,
    /// The same after each round had the session's mean of its seed taken off; absent where the
    /// session does not keep its rounds, and of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub centred: Option<BTreeMap<String, f64>>,
}

/// One server start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StartRecord {
    pub index: u32,
    /// Seed of the simulated server's noise, where it is the target.
    pub sim_seed: Option<u64>,
    /// From the start of the server (if it is this start's first workload) to the end of the
    /// warm-up, milliseconds.
    #[serde(default)]
    pub setup_ms: Option<u64>,
    /// From the start of the server's process to its answer that it is ready, milliseconds; none
    /// where the gate did not start it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_ms: Option<u64>,
    /// Connections that each address of the server's name got in this start, up to here; absent
    /// where it has only one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub connections: BTreeMap<String, u64>,
    pub rounds: Vec<RoundRecord>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoundRecord {
    pub index: u32,
    pub seed: u64,
    /// Position in time over the whole run.
    pub order: u32,
    /// Leading requests left out of latency and SLO attainment.
    pub ramp: u32,
    /// Stopped before its end: stored, and neither pooled nor judged.
    pub cut_short: bool,
    /// First intended send to last end.
    pub duration_us: u64,
    /// Key is the metric's name with its unit.
    pub metrics: BTreeMap<String, f64>,
    /// Exact, since METHOD judges it.
    pub chunk_gap_p99_ms: Option<f64>,
    /// `HdrHistogram` V2 deflate, base64, microseconds.
    pub chunk_gaps_hdr: String,
    pub errors: Vec<ErrorCount>,
    pub client: ClientHealth,
    pub findings: Vec<Finding>,
    /// `tokenizer` where token counts, or some of them, were made here from the texts; absent where
    /// all are the server's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_source: Option<String>,
    /// Which models the completed answers said they are of, in the order of their coming; at most
    /// four are kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
    pub columns: Columns,
    pub series: Series,
    /// What the server's own metrics said meanwhile; absent where it has no metrics page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerRound>,
    /// Absent where no GPU was watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu: Option<RoundGpu>,
    /// How long the server had nothing to do before it was warmed again for this round,
    /// milliseconds; absent where the round followed a load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_ms: Option<u64>,
    /// What only a shard knows; absent elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<ShardRound>,
    /// Earlier measurements of this round, which the client's machine had spoilt, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spoilt: Vec<again::Spoilt>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ErrorCount {
    /// `http_status 429`, `timeout`, `malformed`...
    pub kind: String,
    pub count: u64,
    /// What the first one said.
    pub example: Option<String>,
}

/// Counts in each second of the round, from its begin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Series {
    pub sent: Vec<u32>,
    pub completed: Vec<u32>,
    pub failed: Vec<u32>,
    pub output_events: Vec<u32>,
    /// At the end of the second.
    pub in_flight: Vec<u32>,
}

#[derive(Debug)]
pub enum RecordError {
    Shape(String),
    Newer {
        found: u64,
    },
    /// A shard's, where a whole run's is needed.
    Part {
        index: u32,
        count: u32,
    },
}

impl RecordError {
    /// What a record is instead, or claims, is said as it is.
    pub fn text(&self) -> Text {
        match self {
            Self::Shape(why) => {
                bilingual!("not a goodput-gate record: {why}", "goodput-gate 레코드가 아님: {why}")
            }
            Self::Part { index, count } => bilingual!(
                "this record is only shard {index} of {count}: a smaller load must not be taken for the whole\nhint: merge first: goodput-gate merge OUT/shard-*/record.json",
                "이 레코드는 샤드 {index}/{count}의 것뿐임: 더 작은 부하를 전체로 볼 수 없음\n힌트: 먼저 병합하십시오: goodput-gate merge OUT/shard-*/record.json"
            ),
            Self::Newer { found } => bilingual!(
                "record has version {found}, this goodput-gate reads up to {VERSION}: use a newer goodput-gate",
                "레코드 버전이 {found}인데 이 goodput-gate는 {VERSION}까지 읽음: 더 새로운 goodput-gate를 쓰십시오"
            ),
        }
    }
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text().fmt(f)
    }
}

impl std::error::Error for RecordError {}

impl Record {
    /// Reads a record; refuses a newer version, another kind of file, what no run can have measured
    /// (`check`), and a shard's.
    pub fn parse(text: &str) -> Result<Self, RecordError> {
        let record = Self::parse_part(text)?;
        match &record.shard {
            Some(shard) => Err(RecordError::Part { index: shard.index, count: shard.count }),
            None => Ok(record),
        }
    }

    /// As [`Self::parse`], a shard's, too.
    pub fn parse_part(text: &str) -> Result<Self, RecordError> {
        let head = Head::parse(text)?;
        let kind =
            head.schema.as_ref().and_then(serde_json::Value::as_str).unwrap_or("no schema field");
        if kind != SCHEMA {
            return Err(RecordError::Shape(format!("schema is {kind:?}, expected {SCHEMA:?}")));
        }
        let found = head.version.as_ref().and_then(serde_json::Value::as_u64).unwrap_or(0);
        if found > u64::from(VERSION) {
            return Err(RecordError::Newer { found });
        }
        if found == 0 {
            return Err(RecordError::Shape("it has no version from 1 on".into()));
        }
        let mut record: Self =
            serde_json::from_str(text).map_err(|e| RecordError::Shape(e.to_string()))?;
        check::record(&record).map_err(RecordError::Shape)?;
        recompute::metrics(&mut record)?;
        Ok(record)
    }

    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a record is plain data")
    }

    /// As [`Self::to_json`], without holding the text. Errors: those of the writer.
    pub fn write(&self, to: impl std::io::Write) -> std::io::Result<()> {
        serde_json::to_writer(to, self).map_err(std::io::Error::from)
    }
}

/// What tells whether the rest can be read. By itself, since a record of a million requests as
/// loose JSON takes gigabytes.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Head {
    schema: Option<serde_json::Value>,
    version: Option<serde_json::Value>,
}

impl Head {
    /// Without either where the text is JSON of another shape. Errors: it is no JSON.
    fn parse(text: &str) -> Result<Self, RecordError> {
        match serde_json::from_str(text) {
            Err(e) if !e.is_data() => Err(RecordError::Shape(e.to_string())),
            head => Ok(head.unwrap_or_default()),
        }
    }
}

impl RoundRecord {
    pub fn context(&self, start: u32, load: &LoadFacts) -> Context {
        Context {
            start,
            seed: self.seed,
            order: self.order,
            ramp: self.ramp as usize,
            open_loop: load.open_loop,
            streaming: load.streaming,
            duration_us: self.duration_us,
            chunk_gap_p99_ms: self.chunk_gap_p99_ms,
        }
    }
}

/// Metric values with their unit in the key, as records and reports store them. Speeds of requests
/// are left out: nothing is judged by them, and the columns tell them.
pub fn keyed(values: &Values) -> BTreeMap<String, f64> {
    let stored = values.iter().filter(|(m, _)| !matches!(m, Metric::TokenSpeed(_)));
    stored.map(|(m, v)| (m.key(), *v)).collect()
}

/// JSON Schema of the record.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Record).to_value()
}

#[cfg(test)]
mod tests;
