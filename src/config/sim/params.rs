//! The numbers behind the named profiles and noise levels of the simulated server. Not here: the
//! knobs that override them.

use super::{Noise, Profile};

/// The engine's parameters, resolved. Times in virtual milliseconds; letters as in the step's
/// formula (`sim::engine`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EngineParams {
    pub step_ms: f64,
    pub prefill_token_ms: f64,
    pub decode_sequence_ms: f64,
    pub decode_context_ms: f64,
    pub prefill_context_ms: f64,
    pub request_overhead_ms: f64,
    pub max_seqs: u32,
    pub budget: u32,
    pub kv_cap: u32,
    pub prefix_hit: f64,
}

/// Standard deviations and rates of one noise level, as fractions of speed unless named otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NoiseLevel {
    pub step: f64,
    pub wander: f64,
    pub wander_ms: f64,
    pub thermal: f64,
    pub thermal_ms: f64,
    pub start_common: f64,
    pub start_apart: f64,
    /// Share of starts that are slow, and by how much.
    pub slow_start_share: f64,
    pub slow_start: f64,
    pub gpu: f64,
    pub day: f64,
    pub warmup: f64,
    pub stall_rate_per_s: f64,
    pub stall_ms: (f64, f64),
    /// Share of `round_ms` windows that are slower, and by how much.
    pub outlier_share: f64,
    pub outlier: (f64, f64),
    pub round_ms: f64,
}

impl Profile {
    /// `demo` answers 256 input and 32 output tokens with TTFT near 100 ms and TPOT near 20 ms at
    /// 20 requests per second, about half of its capacity, so that a laptop's own jitter is small
    /// beside them: `request_overhead_ms` carries the TTFT, `step_ms` the TPOT, and `max_seqs` sets
    /// the capacity. The other two are the columns with which METHOD was studied.
    pub const fn engine(self) -> EngineParams {
        let h100 = EngineParams {
            step_ms: 7.0,
            prefill_token_ms: 0.035,
            decode_sequence_ms: 0.03,
            decode_context_ms: 2.5e-5,
            prefill_context_ms: 2e-6,
            request_overhead_ms: 0.0,
            max_seqs: 128,
            budget: 2048,
            kv_cap: 400_000,
            prefix_hit: 0.97,
        };
        match self {
            Self::Demo => EngineParams {
                step_ms: 13.0,
                decode_sequence_ms: 0.12,
                decode_context_ms: 1e-4,
                request_overhead_ms: 60.0,
                max_seqs: 32,
                kv_cap: 60_000,
                ..h100
            },
            Self::H100Model8b => h100,
            Self::SmallModel1b => EngineParams {
                step_ms: 11.0,
                prefill_token_ms: 0.045,
                decode_sequence_ms: 0.10,
                decode_context_ms: 1.2e-4,
                prefill_context_ms: 6e-6,
                max_seqs: 96,
                kv_cap: 60_000,
                ..h100
            },
        }
    }
}

impl Noise {
    /// Quiet is half of typical; noisy is double, and 8 % of its starts are 4 % slower.
    pub const fn level(self) -> NoiseLevel {
        let scale = match self {
            Self::Off => 0.0,
            Self::Quiet => 0.5,
            Self::Typical => 1.0,
            Self::Noisy => 2.0,
        };
        NoiseLevel {
            step: 0.03 * scale,
            wander: 0.004 * scale,
            wander_ms: 60_000.0,
            thermal: 0.006 * scale,
            thermal_ms: 90_000.0,
            start_common: 0.008 * scale,
            start_apart: 0.003 * scale,
            slow_start_share: if matches!(self, Self::Noisy) { 0.08 } else { 0.0 },
            slow_start: 0.04,
            // Between GPUs and days: not a matter of how noisy one machine is.
            gpu: 0.018,
            day: 0.005,
            warmup: if matches!(self, Self::Off) { 0.0 } else { 0.25 },
            stall_rate_per_s: 0.01 * scale,
            stall_ms: (40.0, 200.0),
            outlier_share: 0.006 * scale,
            outlier: (0.10, 0.50),
            // Half a round of this repository's own gate, since its windows are not the rounds: an
            // outlier is to hit one round.
            round_ms: 2_500.0,
        }
    }
}
