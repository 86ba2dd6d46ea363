//! The verbs over committed baselines.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{ConfigArgs, OutputArgs, WorkloadArgs};

#[derive(Clone, Debug, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "parsed once")]
pub enum BaselineCommand {
    /// Measure (or take stored records) and add a session to the baseline of this commit
    Update(BaselineUpdateArgs),
    /// List the baseline sessions of this repository
    List(BaselineListArgs),
    /// Show what is stored of a session, or of a commit's sessions
    Show(BaselineShowArgs),
    /// Explain which sessions a check would use, and how they are found; measures nothing
    Resolve(BaselineResolveArgs),
    /// Make stored records of clean code the baseline of their commit
    Promote(BaselinePromoteArgs),
    /// Remove sessions that no check on this lineage looks at any more
    Prune(BaselinePruneArgs),
    /// A metric over the sessions of the branch: where it moved, and which limit has become slack
    History(BaselineHistoryArgs),
    /// Judge the latest sessions of the branch against those of a release, or of the anchor: small
    /// steps that no change is judged for
    Drift(BaselineDriftArgs),
    /// Pin a point of the past, say the last release, that drift is judged from
    Anchor(BaselineAnchorArgs),
}

#[derive(Clone, Debug, Args)]
pub struct BaselineDriftArgs {
    /// Since when [default: what `baseline anchor` has pinned, else the last release (a tag such as
    /// v1.2) that five sessions came after]
    #[arg(long, value_name = "COMMIT|TAG|SESSION")]
    pub anchor: Option<String>,
    /// Only this workload
    #[arg(long, value_name = "NAME")]
    pub workload: Option<String>,
    /// The base branch [default: the event's, origin/HEAD, origin/main, main...]
    #[arg(long, value_name = "REF")]
    pub base: Option<String>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub config: ConfigArgs,
}

#[derive(Clone, Debug, Args)]
pub struct BaselineAnchorArgs {
    /// What to pin; without it, the anchor is shown
    #[arg(value_name = "COMMIT|TAG|SESSION", conflicts_with = "remove")]
    pub what: Option<String>,
    /// Remove the anchor
    #[arg(long)]
    pub remove: bool,
    #[command(flatten)]
    pub config: ConfigArgs,
}

#[derive(Clone, Debug, Args)]
pub struct BaselineHistoryArgs {
    /// Its name without the unit, as in reports; a page has all that are judged
    #[arg(required_unless_present = "html")]
    pub metric: Option<String>,
    /// Write a page with plots of the metrics over the commits instead
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Only this workload
    #[arg(long, value_name = "NAME")]
    pub workload: Option<String>,
    /// The base branch, or `none` [default: the event's, origin/HEAD, origin/main, main...]
    #[arg(long, value_name = "REF")]
    pub base: Option<String>,
    #[command(flatten)]
    pub config: ConfigArgs,
}

#[derive(Clone, Debug, Args)]
pub struct BaselineShowArgs {
    /// Session, commit (both may be cut short), branch or tag
    #[arg(value_name = "SESSION|COMMIT")]
    pub what: String,
    #[command(flatten)]
    pub config: ConfigArgs,
}

#[derive(Clone, Debug, Args)]
pub struct BaselinePromoteArgs {
    /// Records of runs that were clean and complete
    #[arg(required = true, value_name = "RECORD")]
    pub records: Vec<PathBuf>,
    /// Why they may be slower than the sessions that they join: they begin a new level
    #[arg(long, value_name = "REASON", value_parser = reason)]
    pub level_shift: Option<String>,
    #[command(flatten)]
    pub land: LandArgs,
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// Where new sessions go besides the working tree.
#[derive(Clone, Debug, Default, Args)]
pub struct LandArgs {
    /// Also commit the new sessions to this branch on GitHub, through its API (token: `contents:
    /// write`)
    #[arg(long, value_name = "BRANCH", conflicts_with = "pull_request")]
    pub push: Option<String>,
    /// Also propose the new sessions for this branch in a pull request on GitHub [default: the
    /// run's branch]
    #[arg(long, value_name = "BRANCH", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub pull_request: Option<String>,
}

#[derive(Clone, Debug, Args)]
pub struct BaselinePruneArgs {
    /// Sessions to keep of each workload and fingerprint, the nearest first
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub keep: usize,
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub config: ConfigArgs,
}

#[derive(Clone, Debug, Args)]
pub struct BaselineResolveArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The base branch, or `none` [default: the event's, origin/HEAD, origin/main, main...]
    #[arg(long, value_name = "REF")]
    pub base: Option<String>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Debug, Args)]
pub struct BaselineUpdateArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Add these stored records instead of measuring
    #[arg(long, value_name = "RECORD")]
    pub from: Vec<PathBuf>,
    /// Measure this many sessions, one after the other
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub sessions: u32,
    /// Also from a dirty tree
    #[arg(long)]
    pub force: bool,
    /// Why it may be slower than the sessions that it joins: it begins a new level
    #[arg(long, value_name = "REASON", value_parser = reason)]
    pub level_shift: Option<String>,
    #[command(flatten)]
    pub land: LandArgs,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub workload: WorkloadArgs,
}

#[derive(Clone, Debug, Args)]
pub struct BaselineListArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
}

fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() { Err("a reason says why, in words".into()) } else { Ok(text.to_owned()) }
}
