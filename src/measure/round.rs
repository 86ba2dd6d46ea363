//! The requests of one round, and what they come to: times in send order, counts, rates, goodput.
//!
//! Not here: the numbers of one request (`request`), statistics and logs (`collect`, `summary`).

use std::borrow::Borrow;

use super::request::Row;
use crate::metric::Timing;

/// The requests of one round in plan order, all that were scheduled.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Round {
    /// Index of the server start.
    pub start: u32,
    /// Workload seed: rounds with equal start and seed are partners.
    pub seed: u64,
    /// Position in time over both sides of an interleaved comparison.
    pub order: u32,
    /// First intended send to last end, seconds.
    pub seconds: f64,
    /// Leading rows to leave out of latency and SLO attainment.
    pub ramp: usize,
    /// p99 of all chunk gaps of the round, milliseconds.
    pub chunk_gap_p99_ms: Option<f64>,
    /// Open loop: arrivals independent of responses.
    pub open_loop: bool,
    pub rows: Vec<Row>,
}

/// Counts behind SLO attainment and goodput, of one round or of several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Good {
    /// Requests after the ramp that meet every SLO.
    pub met: usize,
    /// Requests scheduled after the ramp.
    pub scheduled: usize,
    /// Requests of the ramp that completed.
    pub ramp: usize,
}

/// Whether latency tells anything where so many of the scheduled requests completed: what only the
/// lucky ones waited is no latency of the server. The one rule, for judging and for showing.
pub const fn latency_is_measured(completed: usize, scheduled: usize) -> bool {
    completed > 0 && completed * 2 >= scheduled
}

impl Round {
    /// The requests after the ramp.
    pub fn after_ramp(&self) -> &[Row] {
        &self.rows[self.ramp.min(self.rows.len())..]
    }

    pub fn completed(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.ok)
    }

    /// Requests scheduled, and failed.
    pub fn counts(&self) -> (u64, u64) {
        let all = self.rows.len();
        (all as u64, (all - self.completed().count()) as u64)
    }

    /// Latencies of the round tell something.
    fn is_measured(&self) -> bool {
        let kept = self.after_ramp();
        latency_is_measured(kept.iter().filter(|row| row.ok).count(), kept.len())
    }

    /// A timing of the completed requests after the ramp, milliseconds, in send order; empty where
    /// most failed.
    pub fn times(&self, timing: Timing) -> Vec<f64> {
        if !self.is_measured() {
            return Vec::new();
        }
        self.after_ramp()
            .iter()
            .filter(|row| row.ok)
            .filter_map(|row| row.timing_ms(timing))
            .collect()
    }

    /// p99 of the chunk gaps, milliseconds; none where most requests failed, whatever they left
    /// behind.
    pub fn chunk_gap_p99(&self) -> Option<f64> {
        self.chunk_gap_p99_ms.filter(|ms| self.is_measured() && ms.is_finite())
    }
}

impl Good {
    /// Of one round, of which the first `ramp` requests are left out.
    pub fn count(
        rows: impl Iterator<Item = Row>,
        ramp: usize,
        meets: impl Fn(&Row) -> bool,
    ) -> Self {
        let mut all = Self::default();
        for (i, row) in rows.enumerate() {
            if i < ramp {
                all.ramp += usize::from(row.ok);
            } else {
                all.met += usize::from(meets(&row));
                all.scheduled += 1;
            }
        }
        all
    }

    pub fn over<'a>(
        rounds: impl IntoIterator<Item = &'a Round>,
        meets: impl Fn(&Row) -> bool,
    ) -> Self {
        let each = rounds
            .into_iter()
            .map(|round| Self::count(round.rows.iter().copied(), round.ramp, &meets));
        each.fold(Self::default(), Self::plus)
    }

    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            met: self.met + other.met,
            scheduled: self.scheduled + other.scheduled,
            ramp: self.ramp + other.ramp,
        }
    }

    /// SLO attainment, 0 to 1; none where nothing was scheduled after the ramp.
    pub fn share(self) -> Option<f64> {
        (self.scheduled > 0).then(|| self.met as f64 / self.scheduled as f64)
    }

    /// Goodput, requests per second of whole rounds. The ramp tells nothing of SLOs and takes its
    /// time: of it as many requests count as of the others, as far as they completed. So this is
    /// the request rate where every request meets the SLOs, and never more.
    pub fn per_second(self, seconds: f64) -> Option<f64> {
        // Multiplied first: exact, so that it is never above the request rate by a rounding.
        let good = || self.met as f64 * (self.scheduled + self.ramp) as f64 / self.scheduled as f64;
        (self.scheduled > 0 && seconds > 0.0).then(|| good() / seconds)
    }
}

/// Tokens of completed requests; none where one has no count (a sum over the others would be too
/// low), or where nothing completed.
pub fn token_sum(counts: impl Iterator<Item = Option<u32>>) -> Option<f64> {
    let mut counts = counts.map(|count| count.map(f64::from)).peekable();
    counts.peek()?;
    counts.sum()
}

/// None where no time passed.
pub fn per_second(amount: f64, seconds: f64) -> Option<f64> {
    (seconds > 0.0).then(|| amount / seconds)
}

/// Output tokens per second of whole rounds, ramp included; none where [`token_sum`] is, or where
/// no time passed.
pub fn output_token_rate(rounds: &[impl Borrow<Round>]) -> Option<f64> {
    per_second(output_tokens(rounds)?, seconds(rounds))
}

/// Completed requests per second of whole rounds; none where no time passed.
pub fn request_rate(rounds: &[impl Borrow<Round>]) -> Option<f64> {
    per_second(completed(rounds), seconds(rounds))
}

/// Output tokens per completed request; none where one has no count.
pub fn mean_length(rounds: &[&Round]) -> Option<f64> {
    output_tokens(rounds).map(|tokens| tokens / completed(rounds))
}

fn output_tokens(rounds: &[impl Borrow<Round>]) -> Option<f64> {
    token_sum(
        rounds.iter().flat_map(|round| round.borrow().completed()).map(|row| row.output_tokens),
    )
}

fn completed(rounds: &[impl Borrow<Round>]) -> f64 {
    rounds.iter().map(|round| round.borrow().completed().count()).sum::<usize>() as f64
}

fn seconds(rounds: &[impl Borrow<Round>]) -> f64 {
    rounds.iter().map(|round| round.borrow().seconds).sum()
}
