//! How a run goes about it: where it writes, whom it waits for, how it shows that it goes on. Not
//! here: what is measured (`config`).

use std::path::PathBuf;

use crate::load::progress::Style;
use crate::lock::Patience;
use crate::rendezvous::Membership;

#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The folder for record and reports.
    pub out: PathBuf,
    /// A further place for the record.
    pub record: Option<PathBuf>,
    /// Where every request goes, as JSON lines.
    pub raw: Option<PathBuf>,
    /// Whether it waits for another gate.
    pub patience: Patience,
    /// No other gate measures on this machine meanwhile.
    pub exclusive: bool,
    /// Threads of the client; by the machine where it is none.
    pub workers: Option<usize>,
    pub progress: Style,
    /// Of a run that several machines send together: which of them this is.
    pub shard: Option<Membership>,
    /// Gates with the same number are of one run, and not in each other's way.
    pub gate: Option<u64>,
}
