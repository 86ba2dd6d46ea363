//! The table: every line that the self-test plays. Figures of the study:
//! docs/METHODOLOGY.md#measured.
//!
//! Not here: what a line is (`row`), or playing it.

mod capacity;
mod days;
pub mod engine;
mod values;

use super::bound::Source;
use super::row::Row;

/// Share of unchanged builds that may be called slower, in per cent; and where sessions of other days
/// are all that there is, at the knee and in two noisy jobs.
const FALSE_ALARMS: f64 = 0.5;
const AT_THE_KNEE: f64 = 1.3;
const TWO_NOISY_JOBS: f64 = 1.0;
/// What is large is found in so many gates, in per cent.
const FOUND: f64 = 95.0;
const GOAL: Source = Source::Goal;
/// Of gates with engines of unchanged builds in the study, and of slower ones.
const AA: Source = Source::Study(8000);
const SLOWER: Source = Source::Study(1500);

pub fn rows() -> Vec<Row> {
    [engine::rows(), values::rows(), days::rows(), capacity::rows()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_rows_are_called_alike() {
        let rows = rows();
        let mut names: Vec<String> = rows
            .iter()
            .map(|row| format!("{} | {} | {}", row.name, row.play.load(), row.play.mode()))
            .collect();
        names.sort();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all, "{names:#?}");
    }
}
