//! goodput-gate: a gate that keeps LLM serving from getting slower without anyone noticing.
//!
//! Data goes one way, and each arrow is one public function:
//!
//! ```text
//! Config -> Plan -> Timelines -> RoundMetrics -> RunRecord -> Comparison -> Verdict -> Report -> text -> exit code
//! ```
//!
//! The core is pure; input and output are at the rim; only `app/`, and what stands on it, sees
//! both. ARCHITECTURE.md is the drawing.

mod cli;
mod command;
mod serve;
mod lab;
mod app;
// Pure core: a module imports only from those above it.
mod lang;
mod visible;
mod redact;
mod exit;
mod metric;
mod timeline;
mod protocol;
mod config;
mod plan;
mod fingerprint;
mod measure;
mod evidence;
mod judge;
mod accept;
mod record;
mod import;
mod compare;
mod verdict;
mod attempt;
mod report;
mod evaluate;
// Rim: input and output. Rim modules do not import each other (exceptions: all may read the clock,
// print, and write temporary files).
mod clock;
mod print;
mod temporary;
mod lock;
mod memory;
mod read;
mod load;
mod probe;
mod watch;
mod baseline;
mod github;
mod rendezvous;
mod server;
mod sim;

pub use cli::Cli;
pub use command::ending;
pub use exit::ExitStatus;

/// Runs one command to its end.
pub fn run(cli: Cli) -> anyhow::Result<ExitStatus> {
    command::run(cli)
}
