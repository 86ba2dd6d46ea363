//! The config file as a whole: what YAML may say, every key optional, unknown keys refused. Also
//! its JSON Schema.
//!
//! Not here: the sections (a file each), or any check.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Lang;
use super::baselines::BaselinesFile;
use super::find::FindFile;
use super::gate::GateFile;
use super::gpu::GpuFile;
use super::hypothesis::HypothesisFile;
use super::server::ServerFile;
use super::target::{SideFile, TargetFile};
use super::workload::WorkloadFile;

/// goodput-gate.yaml: what to measure, with which load, and how to judge it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "goodput-gate config")]
pub struct File {
    /// Version of this format: 1.
    #[schemars(required, range(min = 1, max = 1))]
    pub version: Option<u32>,
    /// The server under test. No default; may be left out where `server` starts one at
    /// http://127.0.0.1:${PORT}/v1.
    pub target: Option<TargetFile>,
    /// How the gate builds, starts and stops that server; without it the server has to run already.
    pub server: Option<ServerFile>,
    /// Further targets by name, to be measured instead (`--target`) or compared with
    /// (`gate.baseline`). Each says what differs.
    pub targets: Option<BTreeMap<String, SideFile>>,
    /// The loads to drive it with, one after the other. No default.
    #[schemars(required, length(min = 1))]
    pub workloads: Option<Vec<WorkloadFile>>,
    /// Statements about `targets`, to be confirmed or refuted by `run --each`. They decide no
    /// verdict.
    pub hypotheses: Option<Vec<HypothesisFile>>,
    /// How a run is made and judged.
    pub gate: Option<GateFile>,
    /// How `run --find` looks for the highest load that meets the SLOs.
    pub find: Option<FindFile>,
    /// Whether and how GPUs are watched while a round runs.
    pub gpu: Option<GpuFile>,
    /// Where baselines are.
    pub baselines: Option<BaselinesFile>,
    /// Language of summaries, pages and comments: en or ko.
    pub lang: Option<Lang>,
}

/// The shape of the embedded `default.yaml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Defaults {
    pub target: TargetFile,
    pub server: ServerFile,
    pub workload: WorkloadFile,
    pub gate: GateFile,
    pub find: FindFile,
    pub gpu: GpuFile,
    pub baselines: BaselinesFile,
}

/// JSON Schema (draft 2020-12) of the config file.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(File).to_value()
}
