//! Why a comparison, the judgement of a metric or a limit is what it is: typed, with the numbers
//! and names that the sentence holds.
//!
//! `Display` is the English. Not here: other languages (`report::say`), what a reason means for the
//! verdict.

mod english;

use serde::{Deserialize, Serialize};

use crate::config::Bound;
use crate::judge::slow::SlowStarts;
use crate::judge::text;
use crate::metric::{Metric, Timing};

/// Of a comparison and its limits: what decided, what is in the way of a decision, and what should
/// be known of it. Ratios are fractions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Reason {
    /// A metric that is proven worse.
    Worse(Measured),
    /// A metric that is in the way of a PASS.
    NotProvenFine {
        metric: Metric,
        change: Option<f64>,
        interval: Option<(f64, f64)>,
        why: Option<MetricReason>,
    },
    /// What a PASS proves, the smallest change that would have been found in the other metrics, and
    /// in which share of the starts a slowdown could have gone unseen.
    Proof {
        margins: Vec<Margin>,
        detectable: Vec<(Metric, f64)>,
        #[serde(default)]
        starts: u64,
        #[serde(default)]
        unseen_share: Option<f64>,
    },
    /// Some starts of the candidate are slow: proven (`hit`), or not to be told.
    UnstableStarts(SlowStarts),
    /// A PASS needs more starts of the candidate than were seen.
    StartsUnseen {
        seen: u64,
        needed: u64,
    },
    /// An earlier attempt was a REGRESSION; `complete`: this one measured all that was planned.
    NotLifted {
        complete: bool,
    },
    /// An earlier attempt was a PASS: nothing more is measured.
    PassStands,
    /// So many attempts were made; a further one does not count.
    AttemptsSpent {
        most: u64,
    },
    /// The records of earlier attempts are not found, so that a PASS must be surer.
    AttemptsUnseen {
        unseen: u64,
    },
    /// An earlier attempt that was not fit to compare adds nothing.
    AttemptLeftOut {
        attempt: u64,
        why: PairingReason,
    },
    /// This session's baseline has slow starts, and the history none: it is out of date for that.
    HistoryWithoutSlowStarts {
        starts: u64,
    },
    /// Sessions without their rounds, which cannot be compared seed by seed.
    SessionsWithoutRounds {
        sessions: u64,
    },
    NoPrimaryMetric,
    NoisierThanUsual {
        metrics: Vec<Metric>,
    },
    CandidateNotMeasured,
    NoSessions,
    NoStartOnBothSides,
    StartsNotSampled,
    SecondJobHelps,
    InterleavingHelps,
    SessionsNeeded {
        missing: u64,
        present: u64,
        needed: u64,
    },
    /// Of the sessions at the anchor (baseline) or of those since (candidate).
    DriftSessionsNeeded {
        side: Side,
        present: u64,
        needed: u64,
    },
    /// `detectable`: none where the noise is not known. `noise`: standard deviation of `unit`.
    Blind {
        metric: Metric,
        detectable: Option<f64>,
        wanted: f64,
        noise: Option<f64>,
        unit: NoiseUnit,
    },
    NothingToJudge,
    #[serde(untagged)]
    Pairing(PairingReason),
    #[serde(untagged)]
    Spread(SpreadReason),
    #[serde(untagged)]
    Limit(LimitReason),
}

/// Why two sides cannot be compared, and which rounds of an interleaved run were left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum PairingReason {
    FieldsDiffer {
        fields: Vec<String>,
    },
    FewPartners {
        pairs: u64,
        rounds: u64,
    },
    /// `change`: of the output tokens for the same requests.
    OtherWork {
        change: f64,
    },
    /// In the only start pair one side ran first throughout.
    OneOrder {
        first: Side,
    },
    /// `first`: share of the pairs in which the candidate ran first.
    UnevenOrder {
        first: f64,
    },
    BaselineFailed {
        rounds: u64,
        of: u64,
    },
    FailedRoundsDropped {
        rounds: u64,
    },
    UnpairedRoundsDropped {
        rounds: u64,
    },
}

/// What earlier sessions differ by, and the cheapest way out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum SpreadReason {
    /// The sessions from one on differ from those before it.
    SessionsMoved {
        metric: Metric,
        newer: u64,
        commit: String,
        day: String,
        change: f64,
        older: u64,
    },
    MachineDiffers {
        metric: Metric,
        runner: String,
        change: f64,
    },
    /// No step and no machine explains why the sessions differ.
    SessionsScatter {
        metric: Metric,
        high: Place,
        low: Place,
        change: f64,
    },
    MoreSessionsHelp {
        sessions: u64,
    },
    NoSessionsHelp,
}

/// A change that was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    pub metric: Metric,
    pub change: Option<f64>,
    pub interval: Option<(f64, f64)>,
    pub p: Option<f64>,
}

/// Metrics that are proven to be less than `ratio` worse.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Margin {
    pub ratio: f64,
    pub metrics: Vec<Metric>,
}

/// A commit and the day on which its session was measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub commit: String,
    pub day: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    Baseline,
    Candidate,
}

/// What noise was taken between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoiseUnit {
    Sessions,
    Starts,
}

/// Why the judgement of a metric is not clear.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum MetricReason {
    NoBaselineValue,
    NoCandidateValue,
    NoValue,
    SomeStartsWithoutValue,
    /// The config wants its changes judged, and the method judges none.
    ChangeNotJudged,
    /// Worse beyond the noise, of a metric that the config only shows.
    OnlyShown,
    /// Worse by a relevant size, and not beyond what noise could do. `alpha`: the p that a FAIL
    /// needs
    /// at this look.
    PerhapsNoise {
        p: Option<f64>,
        alpha: f64,
    },
    /// Significant, and no verdict rests on one start, nor on a noise that is hardly known.
    TooFewStarts,
    /// Significant on average, and some job disagrees.
    NotThroughout,
    MoreFailures,
    /// A guard in a job of one start.
    OneStart,
    /// A guard in one job; `least`: the change that one job fails by.
    BelowOneJob {
        metric: Metric,
        least: f64,
    },
    /// A guard in one job; `least`: the change that every start must have.
    NotInEveryStart {
        metric: Metric,
        least: f64,
    },
    /// A guard in one job, within what the sessions differ by.
    SessionsDifferTooMuch,
    MarginNotProven {
        metric: Metric,
        margin: f64,
    },
    TooNoisy {
        metric: Metric,
        least: f64,
    },
    StartNoiseUnknown,
    TooFewSessions,
}

/// What became of a limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
#[expect(
    clippy::enum_variant_names,
    reason = "the codes of report.json, which stand beside those of other reasons"
)]
pub enum LimitReason {
    LimitBreached(LimitValue),
    LimitMet(LimitValue),
    LimitMetUnproven(LimitValue),
    LimitBreachedUnproven(LimitValue),
    LimitNotMeasured {
        metric: Metric,
        why: LimitGap,
    },
    /// It names a metric that this version does not know.
    LimitUnknown {
        name: String,
    },
    /// A breach that somebody has accepted.
    LimitAccepted {
        breach: Box<Self>,
        terms: Terms,
    },
}

/// A limit and what was measured, in display units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LimitValue {
    pub metric: Metric,
    pub bound: Bound,
    pub value: Option<f64>,
    pub interval: Option<(f64, f64)>,
    pub obstacle: Option<Obstacle>,
}

/// Why a limit is open although its whole interval is on one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Obstacle {
    OneStart,
    Disturbed,
    RoundsDisagree,
}

/// Why there is no value to hold against a limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum LimitGap {
    NoRequests,
    NotDefined,
    GoodSide,
    LimitNotJudged,
    NotStreaming,
    OneToken,
    NoTime,
    NoInterval,
    NoSuccess,
    NotStartedHere,
    NoGpu,
    FewCompleted { rounds: u64, of: u64, least: u64, timing: Timing },
    InvalidMeasurement,
}

/// Until when, why and by whom something is accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    pub until: String,
    pub reason: String,
    /// None where no commit holds it yet.
    pub by: Option<String>,
}

impl Margin {
    /// Whether it is the margin of another metric, as it is written.
    pub fn alike(&self, metric: Metric, ratio: f64) -> bool {
        self.metrics
            .first()
            .is_some_and(|first| text::size(*first, self.ratio) == text::size(metric, ratio))
    }
}

impl MetricReason {
    /// Worse beyond ordinary noise and by more than is irrelevant, and without the proof that a
    /// FAIL needs.
    pub const fn looks_worse(&self) -> bool {
        matches!(
            self,
            Self::PerhapsNoise { .. }
                | Self::TooFewStarts
                | Self::NotThroughout
                | Self::MoreFailures
                | Self::OneStart
                | Self::BelowOneJob { .. }
                | Self::NotInEveryStart { .. }
                | Self::SessionsDifferTooMuch
        )
    }
}
