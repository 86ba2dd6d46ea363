//! `ExitStatus`: the public contract of exit codes, and the only mapping to numbers. `Failure` is
//! an error that knows its code.

use std::fmt;

use crate::lang::Text;

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

/// An error whose exit code is not the usual 2.
#[derive(Debug)]
pub struct Failure {
    status: ExitStatus,
    message: Text,
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

    /// The status of an error: what it says itself, else a usage error.
    pub fn from_error(error: &anyhow::Error) -> Self {
        let failure = error.chain().find_map(|cause| cause.downcast_ref::<Failure>());
        failure.map_or(Self::Usage, |f| f.status)
    }
}

impl Failure {
    /// Exit 1: what was measured is worse than it may be.
    pub fn gate(message: impl Into<Text>) -> Self {
        Self { status: ExitStatus::GateFailed, message: message.into() }
    }

    /// Exit 3: the server cannot be measured.
    pub fn measure(message: impl Into<Text>) -> Self {
        Self { status: ExitStatus::CouldNotMeasure, message: message.into() }
    }

    pub const fn message(&self) -> &Text {
        &self.message
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message.fmt(f)
    }
}

impl std::error::Error for Failure {}
