//! Results of other tools, text to workload records: each tool's numbers in this program's
//! definitions, or refused with the reason.
//!
//! One file per tool. docs/IMPORT.md says what is mapped and what is refused. Not here: reading
//! files, git (`command/import.rs`).

mod aiperf;
mod guidellm;
mod levels;
pub mod older;
mod request;
mod round;
mod sglang;
mod value;
mod vllm;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::fingerprint::Fingerprint;
use crate::record::{LimitRecord, RegressionRecord};
use request::Request;

pub use round::workloads;

/// A tool whose results can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    VllmBench,
    SglangBench,
    Guidellm,
    Aiperf,
}

/// Fields that the others do not write.
const VLLM: [&str; 9] = [
    "model_id",
    "tokenizer_id",
    "num_prompts",
    "burstiness",
    "endpoint_type",
    "best_of",
    "start_times",
    "queue_times",
    "label",
];
const SGLANG: [&str; 9] = [
    "dataset_name",
    "random_input_len",
    "random_output_len",
    "random_range_ratio",
    "sharegpt_output_len",
    "total_output_tokens_retokenized",
    "server_info",
    "accept_length",
    "mean_e2e_latency_ms",
];
const GUIDELLM: [&str; 5] = ["requests", "scheduler_metrics", "run_stats", "metrics", "type_"];
const AIPERF_LINE: [&str; 5] =
    ["request_start_ns", "x_request_id", "benchmark_phase", "worker_id", "credit_issued_ns"];
const AIPERF_SUMMARY: [&str; 3] = ["aiperf_version", "input_config", "benchmark_duration"];

/// One file.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    pub text: &'a str,
    /// `AIPerf`'s summary, which lies beside the requests and says which load it was.
    pub summary: Option<&'a str>,
}

/// What the user says of the imported workload; the file cannot.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    pub name: String,
    pub slo: crate::record::Slo,
    pub limits: Vec<LimitRecord>,
    pub regressions: BTreeMap<String, RegressionRecord>,
}

/// One round of one load, in this program's definitions.
#[derive(Clone, Debug)]
pub struct ImportedRound {
    tool: Tool,
    load: Load,
    requests: Vec<Request>,
    /// The tool's own duration, seconds: used where an end is not known.
    stated_duration_ns: Option<u64>,
    /// Stopped by hand: stored, and not judged.
    cut_short: bool,
    /// What was refused or differs, and why: shown once.
    notes: Vec<String>,
    /// What is peculiar to this file.
    own_notes: Vec<String>,
}

/// What the tool states of its load.
#[derive(Clone, Debug, Default)]
struct Load {
    protocol: String,
    arrival: String,
    open_loop: bool,
    streaming: bool,
    requests: Option<u64>,
    input_tokens: Option<u32>,
    output_tokens: Option<u32>,
    max_in_flight: Option<u32>,
    seed: Option<u64>,
    fingerprint: Fingerprint,
}

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("{0}")]
    Damaged(String),
    #[error(
        "it is no result of a tool that can be imported ({0})\nhint: vllm bench serve --save-result --save-detailed, sglang.bench_serving --output-details, guidellm's JSON report, or aiperf's profile_export.jsonl"
    )]
    Foreign(String),
    #[error("it looks like a result of {found}, and --format says {said}")]
    Other { found: &'static str, said: &'static str },
    #[error("it holds no requests, only their summary, and a summary cannot be judged\nhint: {0}")]
    NoDetails(&'static str),
    #[error("{0}")]
    Shape(String),
    #[error("{0}")]
    Refused(String),
}

impl Tool {
    pub const fn name(self) -> &'static str {
        match self {
            Self::VllmBench => "vllm-bench",
            Self::SglangBench => "sglang-bench",
            Self::Guidellm => "guidellm",
            Self::Aiperf => "aiperf",
        }
    }

    /// By the shape: how many of the fields that only this tool writes are there. One that a
    /// version leaves out or calls otherwise does not matter.
    fn guess(value: &Value) -> Option<Self> {
        let count = |value: &Value, keys: &[&str]| {
            keys.iter().filter(|key| value.get(key).is_some()).count()
        };
        let benchmark = &value["benchmarks"][0];
        let seen = [
            (
                Self::Aiperf,
                2 * count(&value["metadata"], &AIPERF_LINE) + 2 * count(value, &AIPERF_SUMMARY),
            ),
            (Self::Guidellm, 2 * count(benchmark, &GUIDELLM)),
            (Self::VllmBench, count(value, &VLLM)),
            (Self::SglangBench, count(value, &SGLANG)),
        ];
        let most = seen.iter().map(|(_, n)| *n).max().filter(|n| *n >= 2)?;
        let mut best = seen.iter().filter(|(_, n)| *n == most);
        best.next().filter(|_| best.next().is_none()).map(|(tool, _)| *tool)
    }
}

/// Reads a file. `said` is the format that the user named, which overrules the content; else it is
/// guessed from that.
///
/// Errors: damaged, of no known tool, of another tool than named, without requests, or with numbers
/// that cannot be.
pub fn read(file: &File<'_>, said: Option<Tool>) -> Result<Vec<ImportedRound>, ImportError> {
    let documents = value::documents(file.text)?;
    let first = documents.first().unwrap_or(&Value::Null);
    let found = Tool::guess(first);
    let Some(tool) = said.or(found).filter(|_| first.is_object()) else {
        let kind = if first.is_object() { "JSON of another kind" } else { "no JSON object" };
        return Err(ImportError::Foreign(kind.into()));
    };
    let all = match (read_as(tool, &documents, file.summary), found) {
        (Ok(all), _) => all,
        (Err(_), Some(found)) if found != tool => {
            return Err(ImportError::Other { found: found.name(), said: tool.name() });
        }
        (Err(error), _) => return Err(error),
    };
    if all.iter().any(|m| m.requests.is_empty()) {
        return Err(ImportError::Shape("it holds no request at all".into()));
    }
    Ok(all)
}

fn read_as(
    tool: Tool,
    documents: &[Value],
    summary: Option<&str>,
) -> Result<Vec<ImportedRound>, ImportError> {
    match tool {
        Tool::VllmBench => documents.iter().map(vllm::read).collect(),
        Tool::SglangBench => documents.iter().map(sglang::read).collect(),
        Tool::Guidellm => {
            Ok(documents.iter().map(guidellm::read).collect::<Result<Vec<_>, _>>()?.concat())
        }
        Tool::Aiperf => Ok(vec![aiperf::read(documents, summary)?]),
    }
}

impl ImportedRound {
    pub fn tool(&self) -> Tool {
        self.tool
    }
}

impl Load {
    /// A load that this tool states; the plan itself is in no file.
    fn default_for(tool: Tool) -> Self {
        let mut load = Self::default();
        load.set("plan", Some(format!("imported from {}; the prompts are not known", tool.name())));
        load.set("tool", Some(tool.name().to_owned()));
        load
    }

    /// Keyed, where it is stated.
    fn set(&mut self, field: &str, value: Option<String>) {
        if let Some(value) = value {
            self.fingerprint.set(field, value);
        }
    }
}

/// Latency that counts from the send hides the wait for a slot. Where no request can have waited,
/// nothing is hidden.
///
/// Errors: requests may have waited, and no number says how long.
fn hidden_wait(peak: Option<u32>, cap: u32, way_out: &str) -> Result<(), ImportError> {
    match peak {
        Some(peak) if peak < cap => Ok(()),
        _ => Err(ImportError::Refused(format!(
            "it has a request rate and at most {cap} in flight, and its latencies count from the send: the wait for a slot, which grows when the server slows down, is in no number\nhint: {way_out}"
        ))),
    }
}
