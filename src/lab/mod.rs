//! The gate's own laboratory: known changes, labelled cases and benchmarks of the client. Only
//! verbs use it; no verdict comes from here.

use anyhow::Context as _;

pub mod bench;
pub mod judge_case;
pub mod selftest;

/// Lines on standard output, as soon as they are known.
fn print(text: &str) -> anyhow::Result<()> {
    crate::print::print(text).context("cannot write to standard output")
}
