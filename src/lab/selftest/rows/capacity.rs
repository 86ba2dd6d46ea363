//! Lines of searches for the highest load that meets the SLOs. Not here: gates.

use super::GOAL;
use crate::lab::selftest::capacity::Capacity;
use crate::lab::selftest::played::Outcome::{Unanswered, Wrong};
use crate::lab::selftest::row::{Play, Row, at_most, costs_at_most};
use crate::measure::SloMs;

/// Intervals that do not hold the truth, and searches that end before the limit is known as well as
/// was asked: per cent.
const MISSES: f64 = 7.0;
const TOO_WIDE: f64 = 10.0;

/// TPOT breaks first, since the batch grows.
const SLO: SloMs = SloMs { ttft: Some(500.0), tpot: Some(30.0), e2e: None };
const ABOUT: f64 = 28.0;

pub fn rows() -> Vec<Row> {
    let row = |within, rounds| {
        let what = Capacity { slo: SLO, within, guess: ABOUT };
        let bounds = [
            at_most(Wrong, MISSES, GOAL),
            at_most(Unanswered, TOO_WIDE, GOAL),
            costs_at_most(rounds, GOAL),
        ];
        Row::new("the limit's own truth", Play::Capacity(what), &bounds)
    };
    vec![row(0.10, 12.0).often(800), row(0.05, 20.0).often(100)]
}
