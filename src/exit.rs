//! `ExitStatus`: the public contract of exit codes, and the only mapping to numbers.

/// How a command ended. Documented in docs/EXIT-CODES.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// Everything required was judged, nothing breached.
    Pass,
    /// An SLO is breached or a regression is significant.
    GateFailed,
    /// Usage or config error, found before any request is sent.
    Usage,
    /// Server unreachable, or the measurement is INVALID.
    CouldNotMeasure,
    /// No comparable baseline, and the policy demands one.
    NoBaseline,
    /// Inconclusive, and the policy demands certainty.
    Inconclusive,
    /// A panic, caught.
    Internal,
    /// Interrupted; what was measured is saved.
    Interrupted,
}

impl ExitStatus {
    pub const fn code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::GateFailed => 1,
            Self::Usage => 2,
            Self::CouldNotMeasure => 3,
            Self::NoBaseline => 4,
            Self::Inconclusive => 5,
            Self::Internal => 70,
            Self::Interrupted => 130,
        }
    }
}
