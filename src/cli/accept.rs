//! The verb that writes a reviewed acceptance of a known regression.

use std::path::PathBuf;

use clap::Args;

use super::ConfigArgs;

#[derive(Clone, Debug, Args)]
pub struct AcceptArgs {
    /// Why it is accepted: whoever reviews the change reads it, and every report repeats it
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Last day on which it counts, UTC [default: 30 days from today]
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub until: Option<String>,
    /// Only this metric (repeatable) [default: every regression and every breached limit of the
    /// report]
    #[arg(long, value_name = "NAME")]
    pub metric: Vec<String>,
    /// Only this workload
    #[arg(long, value_name = "NAME")]
    pub workload: Option<String>,
    /// Largest accepted change for the worse, e.g. 8% or 2pp; of a limit the worst value, e.g.
    /// 650ms [default: the far end of the report's interval]
    #[arg(long, value_name = "SIZE")]
    pub at_most: Option<String>,
    /// Cover any change, not only what contains the commit that was measured: for a branch that
    /// will be rebased
    #[arg(long)]
    pub any_change: bool,
    /// The report of the run that found it
    #[arg(long, value_name = "FILE", default_value = ".goodput-gate/report.json")]
    pub report: PathBuf,
    #[command(flatten)]
    pub config: ConfigArgs,
}
