//! Timelines and SLOs to the numbers of a round: columns, metrics, histograms, validity.
//!
//! Not here: comparison with anything (`judge`).

pub mod change_points;
pub mod collect;
pub mod column;
pub mod columns;
pub mod histogram;
pub mod knee;
pub mod validity;
pub mod stats;
pub mod summary;

use crate::timeline::Hidden;

/// One request of a round, reduced to what metrics need. Times in milliseconds from the request's start.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Row {
    /// `None` where no output came.
    pub ttft_ms: Option<f64>,
    /// Start to last output event.
    pub e2e_ms: Option<f64>,
    pub output_tokens: Option<u32>,
    /// Of these, what the server never sent.
    pub hidden: Hidden,
    /// Completed as the protocol promises, with output.
    pub ok: bool,
}

/// The requests of one round in plan order, all that were scheduled: what METHOD's formulas take.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Round {
    /// Index of the server start.
    pub start: u32,
    /// Workload seed: rounds with equal start and seed are partners.
    pub seed: u64,
    /// Position in time over both sides of an interleaved comparison.
    pub order: u32,
    /// First intended send to last end, milliseconds.
    pub duration_ms: f64,
    /// Leading rows to leave out of latency and SLO attainment.
    pub ramp: usize,
    /// p99 of all chunk gaps of the round, milliseconds.
    pub chunk_gap_p99_ms: Option<f64>,
    /// Open loop: arrivals independent of responses.
    pub open_loop: bool,
    pub rows: Vec<Row>,
}

/// Per-request limits in milliseconds; all that are set must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SloMs {
    pub ttft: Option<f64>,
    pub tpot: Option<f64>,
    pub e2e: Option<f64>,
}

impl SloMs {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Row {
    /// Output tokens that came, and not only were counted.
    pub fn sent_tokens(&self) -> Option<u32> {
        self.hidden.sent_of(self.output_tokens?)
    }

    /// (E2E - TTFT) / (output tokens that were sent - 1); none below two of them.
    pub fn tpot_ms(&self) -> Option<f64> {
        let tokens = self.sent_tokens().filter(|&n| n >= 2)?;
        Some((self.e2e_ms? - self.ttft_ms?) / f64::from(tokens - 1))
    }
}
