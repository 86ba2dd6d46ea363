//! Does a server answer more slowly after it has had nothing to do? The first rounds after an idle
//! minute, beside the others of their start. Pure; shown only, it decides nothing.
//!
//! Not here: how it is warmed again before such a round (`app::measure`).

use super::note::{Found, Note, Place};
use super::{RoundRecord, StartRecord, WorkloadRecord};
use crate::measure::seen::Seen;
use crate::measure::stats::mean;
use crate::metric::{Metric, Stat, Timing};

/// From so much idling on a round is compared with the others, milliseconds.
const IDLE_MS: u64 = 60_000;
/// It is told where the round is slower than each of the others by this share.
const SLOWER: f64 = 0.05;

/// The first start in which it shows, and in how many rounds of all.
pub fn note(workload: &WorkloadRecord) -> Option<Note> {
    let of = u32::try_from(workload.rounds().count()).unwrap_or(u32::MAX);
    let mut all = workload.starts.iter().flat_map(|start| {
        let slow = slow_after_idling(start);
        slow.into_iter().map(|(round, seen)| ((start.index + 1, round.index + 1), seen))
    });
    let ((start, round), seen) = all.next()?;
    let rounds = u32::try_from(1 + all.count()).unwrap_or(u32::MAX);
    Some(Note::Found(Found { place: Place { start, round, rounds, of }, seen }))
}

/// Rounds of a start that followed an idle minute and were slower than all that did not.
fn slow_after_idling(start: &StartRecord) -> Vec<(&RoundRecord, Seen)> {
    let whole = start.rounds.iter().filter(|round| !round.cut_short);
    let (idle, busy): (Vec<_>, Vec<_>) = whole.partition(|round| rested_ms(round).is_some());
    let slow = |metric: Metric| {
        let value = |round: &RoundRecord| round.metrics.get(&metric.key()).copied();
        let others: Vec<f64> = busy.iter().filter_map(|round| value(round)).collect();
        let (usual, slowest) = (mean(&others)?, others.iter().copied().fold(0.0, f64::max));
        let seen = idle.iter().filter_map(|&round| {
            let value = value(round).filter(|value| *value > slowest * (1.0 + SLOWER))?;
            let idle_s = rested_ms(round)? as f64 / 1e3;
            Some((round, Seen::SlowAfterIdling { idle_s, slower: value / usual - 1.0 }))
        });
        Some(seen.collect())
    };
    // TPOT first: it depends least on what a round asks for.
    [Timing::Tpot, Timing::E2e]
        .into_iter()
        .find_map(|timing| slow(Metric::Timing(timing, Stat::Mean)))
        .unwrap_or_default()
}

fn rested_ms(round: &RoundRecord) -> Option<u64> {
    round.idle_ms.filter(|ms| *ms >= IDLE_MS)
}

#[cfg(test)]
mod tests;
