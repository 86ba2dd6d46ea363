//! What is said of a comparison beside its numbers: which sessions count, whether both sides did
//! the same work, what the config takes away.
//!
//! Typed, with the numbers and names that the sentence holds. `Display` (`english`) is the English.
//! Not here: other languages (`report::say`), why a judgement is what it is (`judge::reason`).

mod english;

pub use english::changes;
pub(crate) use english::percent;
use serde::{Deserialize, Serialize};

use super::Begin;
use crate::accept::NotCovered;
use crate::fingerprint::Difference;
use crate::judge::reason::{Measured, Place, Side, Terms};
use crate::judge::shift::Moved;
use crate::metric::Metric;

/// Of the sessions that a run was compared with, and of what it was accepted for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Reason {
    NoBaseline {
        workload: String,
        why: NoBaseline,
    },
    NoSessionCounts,
    SessionsCount {
        sessions: u64,
        since: Place,
        begin: Begin,
    },
    /// The sessions that count begin at a place in the history.
    SessionsBegin {
        at: Place,
        begin: Begin,
        left_out: u64,
    },
    SlowerSessionLeftOut {
        session: String,
        at: Place,
        moved: Vec<Moved>,
    },
    SessionsBeforeAcceptedLeftOut {
        sessions: u64,
    },
    AcceptedChangeIsYoung {
        sessions: u64,
        needed: u64,
    },
    CopiesLeftOut {
        files: u64,
    },
    OwnSessionLeftOut {
        files: u64,
    },
    BaselineHasSlos,
    /// The baseline has sessions of these workloads, and this run has none of them.
    WorkloadsNotMeasured {
        workloads: Vec<String>,
    },
    /// The comparison with a pinned point of the past. `commits`: how far back it is.
    Anchor {
        name: String,
        commits: Option<u32>,
        found: SinceAnchor,
    },
    /// Neither a release nor anything pinned.
    NoAnchor,
    /// Somebody has said why sessions since the anchor may be of another level.
    LevelShiftSinceAnchor {
        at: Place,
        why: String,
    },
    AcceptanceDoesNotCount {
        metric: String,
        terms: Terms,
        why: NotCovered,
    },
    TooGood {
        workload: String,
        metric: Metric,
        times: f64,
    },
    #[serde(untagged)]
    Run(RunReason),
}

/// Why there is no session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoBaseline {
    /// In the history of this branch.
    History,
    /// In a file or folder.
    Path(String),
    /// No change is judged (`--base none`).
    NoChange,
    Other(String),
}

/// What changed since the anchor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SinceAnchor {
    Worse(Vec<Measured>),
    NotWorse(Vec<Measured>),
    Open { sessions_needed: Option<u64>, changes: Vec<Measured> },
    NotCompared(AnchorGap),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnchorGap {
    NoSession,
    OtherThings(Vec<Difference>),
    Work(Box<RunReason>),
    Other(String),
}

/// Of what was measured: is it whole, is it the same work, is it another program, and how strict is
/// its config?
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum RunReason {
    StartsMissing {
        starts: u64,
        planned: u32,
        rounds: u32,
    },
    StartsRagged {
        starts: u64,
        rounds: u32,
    },
    StoppedEarly {
        pairs: u64,
        most: u32,
    },
    TokensDiffer {
        tokens: Tokens,
        now: f64,
        then: f64,
    },
    TokensUntold {
        silent: Side,
        tokens: Vec<Tokens>,
    },
    /// One side of an interleaved run lacks a workload.
    SideLacksWorkload {
        side: Side,
        workload: String,
    },
    IdenticalBuilds,
    SameProgram {
        path: String,
    },
    SameProgramAllowed {
        path: String,
    },
    OnlyArgumentsDiffer {
        path: String,
    },
    CodeUnknown {
        path: String,
    },
    RegressionsLoosened {
        rules: Vec<Loosened>,
    },
    /// Shares of the requests that may fail, by the config and by default.
    FailuresAllowed {
        allowed: f64,
        default: f64,
    },
    NoLimits,
    /// Sizes that the config asks for and one job of so many starts does not find in 95 % against
    /// these sessions.
    SizesOutOfReach {
        starts: u64,
        sizes: Vec<OutOfReach>,
    },
    /// A record of an earlier version, whose policy was to fail by the anchor.
    AnchorNotJudged,
}

/// Fractions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutOfReach {
    pub metric: Metric,
    pub size: f64,
    pub reach: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tokens {
    Input,
    Output,
}

/// A rule of the config that lets more through than the method's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loosened {
    NotPrimary(Metric),
    OnlyShown(Metric),
    MayBeWorse(Metric, f64),
}

impl From<RunReason> for Reason {
    fn from(reason: RunReason) -> Self {
        Self::Run(reason)
    }
}
