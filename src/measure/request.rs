//! The numbers of one request: TTFT, TPOT, E2E, and whether it meets the SLOs. All that is shown
//! and all that is judged is made of these.
//!
//! Not here: many requests together (`round`), or how a record stores them (`columns`).

use crate::metric::{SloKind, Timing};
use crate::timeline::Hidden;

/// One request of a round, reduced to what metrics need. Times in milliseconds from the request's
/// start.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Row {
    /// `None` where no output came, or the answer came all at once.
    pub ttft_ms: Option<f64>,
    /// Start to last output event.
    pub e2e_ms: Option<f64>,
    pub output_tokens: Option<u32>,
    /// Of these, what the server never sent.
    pub hidden: Hidden,
    /// Completed as the protocol promises, with output, as [`super::columns::Columns::ok`] has it.
    pub ok: bool,
}

/// Per-request limits in milliseconds; all that are set must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SloMs {
    pub ttft: Option<f64>,
    pub tpot: Option<f64>,
    pub e2e: Option<f64>,
}

/// Multipliers of a request's latencies, for "what if all were slower by".
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factors {
    pub ttft: f64,
    pub tpot: f64,
    pub e2e: f64,
}

impl SloMs {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub const fn limit(&self, kind: SloKind) -> Option<f64> {
        match kind {
            SloKind::Ttft => self.ttft,
            SloKind::Tpot => self.tpot,
            SloKind::E2e => self.e2e,
        }
    }
}

impl Factors {
    pub const ONE: Self = Self { ttft: 1.0, tpot: 1.0, e2e: 1.0 };
}

impl Row {
    /// Output tokens that came, and not only were counted.
    pub fn sent_tokens(&self) -> Option<u32> {
        self.hidden.sent_of(self.output_tokens?)
    }

    /// (E2E - TTFT) / (output tokens that were sent - 1); none below two of them.
    pub fn tpot_ms(&self) -> Option<f64> {
        let tokens = self.sent_tokens().filter(|&n| n >= 2)?;
        // Without the rounding that a difference of milliseconds brings: to the bit what the
        // microseconds of the columns give.
        let decode_ms = ((self.e2e_ms? - self.ttft_ms?) * 1e9).round() / 1e9;
        Some(decode_ms / f64::from(tokens - 1))
    }

    /// Its time of this kind, of those that every request may have.
    pub fn timing_ms(&self, timing: Timing) -> Option<f64> {
        match timing {
            Timing::Ttft => self.ttft_ms,
            Timing::Tpot => self.tpot_ms(),
            Timing::E2e => self.e2e_ms,
            _ => None,
        }
    }

    /// Whether it is completed and within every SLO.
    pub fn meets(&self, slo: &SloMs) -> bool {
        self.meets_if(slo, Factors::ONE)
    }

    /// [`Self::meets`] with its latencies multiplied.
    pub fn meets_if(&self, slo: &SloMs, factors: Factors) -> bool {
        self.ok && SloKind::ALL.into_iter().all(|kind| self.within(slo, kind, factors))
    }

    /// Whether it is completed and within the SLO of this kind.
    pub fn meets_kind(&self, slo: &SloMs, kind: SloKind) -> bool {
        self.ok && self.within(slo, kind, Factors::ONE)
    }

    /// A latency that an SLO asks for and that is not known is not met. One token has no TPOT to be
    /// slow with; a missing count is not one token.
    fn within(&self, slo: &SloMs, kind: SloKind, factors: Factors) -> bool {
        let (value, factor) = match kind {
            SloKind::Ttft => (self.ttft_ms, factors.ttft),
            SloKind::Tpot if self.sent_tokens() == Some(1) => return true,
            SloKind::Tpot => (self.tpot_ms(), factors.tpot),
            SloKind::E2e => (self.e2e_ms, factors.e2e),
        };
        slo.limit(kind).is_none_or(|limit| value.is_some_and(|v| v * factor <= limit))
    }
}
