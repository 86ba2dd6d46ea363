//! What is injected into the simulated engine. Not here: which rows there are (`rows`), or playing
//! them (`gate`, `day`).

use crate::config::sim::{Knobs, PrefixCache};

/// A change of the candidate, or of the machine under both sides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// The same build twice.
    None,
    Prefill(f64),
    Decode(f64),
    /// Prefill and decode, each by its own: better first tokens for worse ones after them.
    Apart {
        prefill: f64,
        decode: f64,
    },
    /// All that the engine does; below 0 is faster.
    Engine(f64),
    /// As `Engine`, in a share of the candidate's starts.
    SomeStarts {
        share: f64,
        by: f64,
    },
    /// As `Engine`, in the candidate's start of this number alone.
    OneStart {
        start: u32,
        by: f64,
    },
    /// Stalls of 250 ms per second: the mean of METHOD's 100 to 400.
    Stalls(f64),
    Errors(f64),
    PrefixCacheOff,
    KvCap(u32),
    /// One of the candidate's rounds is slower by this share; nothing else is.
    OutlierRound(f64),
    /// The machine slows down by this share per minute, under both sides.
    Drift(f64),
    /// So many requests fail on both sides, which no comparison shows.
    BothFail(f64),
    /// The same build twice, whose answers are as long as they happen to be.
    FreeLengths,
}

/// The candidate's start that a change is for.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    pub start: u32,
    /// Where in time one of its rounds will be, virtual milliseconds.
    pub window: (f64, f64),
    /// Uniform in [0, 1): what befalls only some starts.
    pub draw: f64,
}

/// Number of starts that no change is for by number: those beside the pairs.
pub const BESIDE: u32 = 1000;

impl Change {
    /// Turns the candidate's knobs for one start.
    pub fn candidate(self, knobs: &mut Knobs, moment: Moment) {
        let Moment { start: now, window, draw } = moment;
        match self {
            Self::Prefill(share) => knobs.prefill_factor *= 1.0 + share,
            Self::Decode(share) => knobs.decode_factor *= 1.0 + share,
            Self::Apart { prefill, decode } => {
                knobs.prefill_factor *= 1.0 + prefill;
                knobs.decode_factor *= 1.0 + decode;
            }
            Self::Engine(by) => knobs.start_offset = by,
            Self::SomeStarts { share, by } if draw < share => knobs.start_offset = by,
            Self::OneStart { start, by } if now == start => knobs.start_offset = by,
            Self::Stalls(rate) => (knobs.stall_rate_per_s, knobs.stall_ms) = (rate, 250.0),
            Self::Errors(share) => knobs.error_500 = share,
            Self::PrefixCacheOff => knobs.prefix_cache = PrefixCache::Off,
            Self::KvCap(tokens) => knobs.kv_cap = Some(tokens),
            Self::OutlierRound(share) if now == 0 => {
                (knobs.outlier, knobs.outlier_from_ms, knobs.outlier_length_ms) =
                    (share, window.0, window.1 - window.0);
            }
            Self::None
            | Self::FreeLengths
            | Self::OutlierRound(_)
            | Self::SomeStarts { .. }
            | Self::OneStart { .. } => {}
            Self::Drift(_) | Self::BothFail(_) => self.machine(knobs),
        }
    }

    /// What the machine does to both sides.
    pub fn machine(self, knobs: &mut Knobs) {
        match self {
            Self::Drift(share) => knobs.drift_per_minute = share,
            Self::BothFail(share) => knobs.error_500 = share,
            _ => {}
        }
    }
}
