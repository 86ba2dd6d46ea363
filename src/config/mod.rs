//! `Config`: what a run is asked to do, validated. A section of the file is a file here: its wire
//! form, its layers, its check. `load` puts them together: `file`, `overrides`, `flags`, `layers`.
//!
//! Not here: reading files or the environment (`command/`), or anything that a server says.

mod arrival;
mod address;
mod baselines;
mod check;
mod differ;
mod error;
mod expect;
mod family;
mod file;
mod find;
mod flags;
mod gate;
mod gpu;
mod hypothesis;
mod layers;
mod load;
mod metrics;
mod names;
mod overrides;
mod position;
mod presets;
mod prompts;
mod ready;
mod recipe_file;
mod recipes;
mod regression;
mod server;
pub mod sim;
pub mod starter;
mod sweep;
mod target;
#[cfg(test)]
mod tests;
mod units;
mod warmup;
mod wire;
mod workload;

use std::collections::BTreeMap;
use std::path::PathBuf;

pub use crate::lang::Lang;
pub use address::{HINT as CREDENTIAL_HINT, credential};
pub use arrival::{Arrival, Axis, Length, Level, SessionBegin, TimeUnit, TraceFormat};
pub use error::{ConfigError, Issue, Place, did_you_mean};
pub use expect::{Bound, Limit, Slo};
pub use file::schema;
pub use find::Find;
pub use flags::{ADHOC, Flags};
pub use gate::{
    Counterpart, Fit, Gate, GateMode, Occasion, OnOpen, OnUnstable, SameBuild, UNDER_TEST,
};
pub use gpu::{Gpu, GpuName, GpuWatch, OnUnfit};
pub use hypothesis::{Claim, Hypothesis, Term, parse_claim};
pub use load::{DEMO, Source, Under, lang, load, load_target, load_under};
pub use metrics::{Metrics, MetricsPage};
pub use names::Names;
pub use presets::NAMES as PRESETS;
pub use prompts::{Corpus, DatasetFormat, MOST_INPUT_TOKENS, PromptKind, Prompts};
pub use regression::Regression;
pub use server::{CONTAINER, PORT, SIDE, Server};
pub use target::{CacheReset, Endpoint, ModelChoice, Target, Verb};
pub use units::{parse_duration, parse_percent, parse_points, parse_quantity};
pub use warmup::Warmup;
pub use workload::{MOST_OUTPUT_TOKENS, Tier, Workload, is_workload_name};

/// A validated config. Everything in it can be acted on without further checks.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub target: Target,
    /// Further targets by name, for comparison with each other.
    pub targets: BTreeMap<String, Target>,
    /// What these and the workloads are called.
    pub names: Names,
    pub workloads: Vec<Workload>,
    /// What `run --each` confirms or refutes.
    pub hypotheses: Vec<Hypothesis>,
    pub gate: Gate,
    /// `run --find`: what it looks for.
    pub find: Option<Find>,
    pub gpu: Gpu,
    /// Folder of baseline files, relative to the repository's root.
    pub baselines_dir: PathBuf,
    /// Branch whose tree holds them, where that is not the base branch.
    pub baselines_ref: Option<String>,
    /// Commits that are looked at for them, from 1 on.
    pub baselines_max_walk: u32,
}
