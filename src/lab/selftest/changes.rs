//! What is injected, and what the gate should say of it. Rates and their sources:
//! docs/METHODOLOGY.md#measured, unless said otherwise.
//!
//! Not here: playing (`gate`), or counting what was said (`table`).

use super::loads::LoadKind;
use crate::config::sim::{Knobs, PrefixCache};
use crate::judge::dist::binomial_upper_tail;

/// A change of the candidate, or of the machine under both sides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// The same build twice.
    None,
    Prefill(f64),
    Decode(f64),
    /// All that the engine does; below 0 is faster.
    Engine(f64),
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

/// Which comparison is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Interleaved,
    /// Against so many earlier sessions, each of a day and a machine of its own.
    OtherDay {
        sessions: usize,
    },
    /// As `OtherDay`, where the slowest session is 1.4 times the fastest, and the others between
    /// them.
    Uneven {
        sessions: usize,
    },
    /// As `OtherDay`, after one session more that had the candidate's change already, and that
    /// nobody answers for.
    Poisoned {
        sessions: usize,
    },
    /// As `OtherDay`, after as many sessions more that are 20 % faster, which the candidate loses
    /// again.
    Lost {
        sessions: usize,
    },
}

/// What the counts of a row must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Expect {
    /// REGRESSION in at most this share of gates.
    Quiet(f64),
    /// REGRESSION in at least this share.
    Found(f64),
    /// BLIND in at least this share.
    Blind(f64),
    /// This rate of REGRESSION is known: not so few that the rate explains it in fewer than one of
    /// a hundred self-tests.
    FoundAbout(f64),
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub name: &'static str,
    pub load: LoadKind,
    pub mode: Mode,
    pub change: Change,
    pub expect: Expect,
    /// Gates of this row for each thousand that were asked for.
    pub per_thousand: u32,
}

/// Share of unchanged builds that may be called a regression.
const FALSE_ALARMS: f64 = 0.01;
/// What the sides' order cancels may slip through somewhat more often: it is a disturbance, not an
/// unchanged machine.
const DISTURBED: f64 = 0.02;
/// A whole round that is 30 % slower, in every gate: the median moves to a round of another plan,
/// and 4.6 % of gates alarm (1,000 gates, docs/SELFTEST.md). In METHOD's noise 0.6 % of rounds are
/// such outliers, and they are part of the A/A rows.
const OUTLIER: f64 = 0.10;
/// Found by METHOD's simulator in 90 % and 99.2 % of runs, where starts differ by less than here
/// (TPOT: sd 0.95 % against 1.15 %); here 70 % and 92 % of 1,000 gates (docs/SELFTEST.md).
const DECODE_5: f64 = 0.70;
const ENGINE_5: f64 = 0.92;
/// A change of 10 % is found in so many gates.
const FOUND: f64 = 0.95;
/// The binomial allowance below a stated rate.
const ALLOWANCE: f64 = 0.01;

pub fn rows() -> Vec<Row> {
    use Change as C;
    use Expect::{Found, FoundAbout, Quiet};
    use LoadKind::{Chat, Closed, Demo, KvBound, Prefix};
    let row = |name, load, change, expect| Row {
        name,
        load,
        mode: Mode::Interleaved,
        change,
        expect,
        per_thousand: 100,
    };
    let mut rows = vec![
        Row { per_thousand: 1000, ..row("nothing (A/A)", Chat, C::None, Quiet(FALSE_ALARMS)) },
        Row { per_thousand: 250, ..row("nothing (A/A)", Closed, C::None, Quiet(FALSE_ALARMS)) },
        Row { per_thousand: 250, ..row("nothing (A/A)", Demo, C::None, Quiet(FALSE_ALARMS)) },
        row("prefill +10 %", Chat, C::Prefill(0.10), FoundAbout(0.93)),
        row("decode +5 %", Chat, C::Decode(0.05), FoundAbout(DECODE_5)),
        row("decode +10 %", Chat, C::Decode(0.10), Found(FOUND)),
        row("decode +10 %", Demo, C::Decode(0.10), Found(FOUND)),
        row("engine +5 %", Chat, C::Engine(0.05), FoundAbout(ENGINE_5)),
        row("engine +10 %", Chat, C::Engine(0.10), Found(FOUND)),
        row("stalls 0.1/s", Chat, C::Stalls(0.1), FoundAbout(0.76)),
        row("stalls 0.3/s", Chat, C::Stalls(0.3), FoundAbout(0.999)),
        row("errors 2 %", Chat, C::Errors(0.02), Found(FOUND)),
        row("prefix cache broken", Prefix, C::PrefixCacheOff, Found(FOUND)),
        row("KV capacity -10 %", KvBound, C::KvCap(12_600), Found(FOUND)),
        row("one round +30 %", Chat, C::OutlierRound(0.30), Quiet(OUTLIER)),
        row("drift 1 %/min", Chat, C::Drift(0.01), Quiet(DISTURBED)),
        row("8 % faster", Chat, C::Engine(-0.08), Quiet(FALSE_ALARMS)),
        row("10 % dropped", Demo, C::Errors(0.10), Found(FOUND)),
        row("60 % fail on both sides", Demo, C::BothFail(0.60), Found(FOUND)),
        row("nothing, free lengths (A/A)", Demo, C::FreeLengths, Quiet(FALSE_ALARMS)),
    ];
    for (sessions, ten) in [(8, 0.90), (20, 0.99)] {
        let mode = Mode::OtherDay { sessions };
        let day = |name, change, expect, per_thousand| Row {
            mode,
            per_thousand,
            ..row(name, Chat, change, expect)
        };
        rows.extend([
            day("nothing (A/A)", C::None, Quiet(FALSE_ALARMS), 200),
            day("engine +10 %", C::Engine(0.10), FoundAbout(ten), 100),
            day("engine +15 %", C::Engine(0.15), Found(FOUND), 100),
        ]);
    }
    let few = |name, mode, change, expect| Row {
        mode,
        per_thousand: 20,
        ..row(name, Chat, change, expect)
    };
    rows.extend([
        few(
            "stalls 1/s (guards only)",
            Mode::OtherDay { sessions: 20 },
            C::Stalls(1.0),
            Found(FOUND),
        ),
        few("nothing (A/A)", Mode::Uneven { sessions: 6 }, C::None, Expect::Blind(FOUND)),
        few("engine +100 %", Mode::Uneven { sessions: 6 }, C::Engine(1.0), Found(FOUND)),
        few("engine +25 %", Mode::Poisoned { sessions: 8 }, C::Engine(0.25), Found(FOUND)),
        few("20 % faster, and lost", Mode::Lost { sessions: 8 }, C::None, Found(FOUND)),
    ]);
    rows
}

impl Row {
    pub fn mentions(&self, text: &str) -> bool {
        [self.name, self.load.name(), &self.mode.in_words()]
            .iter()
            .any(|words| words.contains(text))
    }
}

impl Mode {
    pub fn in_words(self) -> String {
        match self {
            Self::Interleaved => "interleaved".into(),
            Self::OtherDay { sessions } => format!("other day, {sessions} sessions"),
            Self::Uneven { sessions } => format!("other day, {sessions} sessions, 1.4 times apart"),
            Self::Poisoned { sessions } => format!("other day, {sessions} sessions and a slow one"),
            Self::Lost { sessions } => {
                format!("other day, {sessions} sessions and as many faster ones")
            }
        }
    }
}

impl Change {
    /// Turns the candidate's knobs for one start; `window` is where in time one of its rounds will
    /// be, in virtual milliseconds.
    pub fn candidate(self, knobs: &mut Knobs, start: u32, window: (f64, f64)) {
        match self {
            Self::Prefill(share) => knobs.prefill_factor *= 1.0 + share,
            Self::Decode(share) => knobs.decode_factor *= 1.0 + share,
            Self::Engine(share) => knobs.start_offset = share,
            Self::Stalls(rate) => (knobs.stall_rate_per_s, knobs.stall_ms) = (rate, 250.0),
            Self::Errors(share) => knobs.error_500 = share,
            Self::PrefixCacheOff => knobs.prefix_cache = PrefixCache::Off,
            Self::KvCap(tokens) => knobs.kv_cap = Some(tokens),
            Self::OutlierRound(share) if start == 0 => {
                (knobs.outlier, knobs.outlier_from_ms, knobs.outlier_length_ms) =
                    (share, window.0, window.1 - window.0);
            }
            Self::None | Self::OutlierRound(_) | Self::FreeLengths => {}
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

impl Expect {
    /// Whether `found` of `gates` are what was to be expected. No gate at all proves nothing.
    pub fn holds(self, found: u32, gates: u32) -> bool {
        let share = f64::from(found) / f64::from(gates);
        gates > 0
            && match self {
                Self::Quiet(most) => share <= most,
                Self::Found(least) | Self::Blind(least) => share >= least,
                Self::FoundAbout(_) => found >= self.floor(gates),
            }
    }

    /// The fewest REGRESSIONs of `gates` that hold, where there is such a bound; the most, where it
    /// is an upper one.
    pub fn floor(self, gates: u32) -> u32 {
        match self {
            Self::Quiet(most) => {
                (0..=gates).rev().find(|&x| f64::from(x) <= most * f64::from(gates)).unwrap_or(0)
            }
            Self::Found(least) | Self::Blind(least) => {
                (0..=gates).find(|&x| f64::from(x) >= least * f64::from(gates)).unwrap_or(gates)
            }
            Self::FoundAbout(rate) => {
                // P(X <= x) of X ~ Binomial(gates, rate): below the floor it is less than the
                // allowance.
                let at_most = |x: u32| {
                    binomial_upper_tail(u64::from(x) + 1, gates.into(), rate)
                        .map_or(0.0, |p| 1.0 - p)
                };
                (0..=gates).find(|&x| at_most(x) > ALLOWANCE).unwrap_or(gates)
            }
        }
    }

    pub fn in_words(self, gates: u32) -> String {
        let bound = self.floor(gates);
        match self {
            Self::Quiet(most) => {
                format!("no REGRESSION, or at most {bound} ({:.0} %)", most * 100.0)
            }
            Self::Found(least) => format!("REGRESSION, at least {bound} ({:.0} %)", least * 100.0),
            Self::Blind(least) => format!("BLIND, at least {bound} ({:.0} %)", least * 100.0),
            Self::FoundAbout(rate) => format!(
                "REGRESSION, at least {bound} (known: {} %)",
                (rate * 1000.0).round() / 10.0
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floors_leave_room_for_chance_and_not_more() {
        // P(X <= 81) = 0.0076 and P(X <= 82) = 0.0165... of Binomial(100, 0.9): R's pbinom.
        assert_eq!(Expect::FoundAbout(0.90).floor(100), 82);
        assert_eq!(Expect::FoundAbout(0.999).floor(100), 99);
        assert_eq!((Expect::Found(0.95).floor(100), Expect::Found(0.95).floor(10)), (95, 10));
        assert_eq!((Expect::Quiet(0.01).floor(1000), Expect::Quiet(0.01).floor(40)), (10, 0));
    }

    #[test]
    fn a_row_holds_or_misses_at_its_bound() {
        assert!(Expect::Quiet(0.01).holds(10, 1000) && !Expect::Quiet(0.01).holds(11, 1000));
        assert!(Expect::Found(0.95).holds(95, 100) && !Expect::Found(0.95).holds(94, 100));
        assert!(Expect::FoundAbout(0.9).holds(82, 100) && !Expect::FoundAbout(0.9).holds(81, 100));
        assert!(!Expect::Quiet(0.01).holds(0, 0) && !Expect::Found(0.95).holds(0, 0));
    }
}
