//! How one gate of the self-test ended. Not here: playing it, or counting many.

use serde::Serialize;

use crate::judge::{Comparison, Decision};
use crate::verdict::Verdict;

/// What a gate says; or what a search came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Regression,
    Pass,
    Inconclusive,
    Blind,
    /// Not fit to be judged: the engine model has no client to be late, so there should be none.
    Invalid,
    /// A search named the commit that did it.
    Right,
    /// It named another one.
    Wrong,
    /// It named none.
    Unanswered,
}

/// One gate, or one search.
#[derive(Clone, Debug, PartialEq)]
pub struct Played {
    pub outcome: Outcome,
    /// Why it is a REGRESSION.
    pub why: Option<String>,
    /// In the unit of the row; none where it came to nothing that costs.
    pub cost: Option<f64>,
}

/// What a start costs in the study: 60 s until it answers and 12 s of warm-up.
const START_S: f64 = 72.0;
/// Of a round: in an open loop, and in the closed one.
pub const OPEN_S: f64 = 22.0;
pub const CLOSED_S: f64 = 18.0;
const ROUNDS: f64 = 3.0;

/// GPU time of so many start pairs and of check starts with so many rounds each, minutes.
pub fn minutes(pairs: usize, checks: impl Iterator<Item = usize>, round_s: f64) -> f64 {
    let pair = 2.0 * (START_S + ROUNDS * round_s);
    let checks: f64 = checks.map(|rounds| START_S + rounds as f64 * round_s).sum();
    (pairs as f64 * pair + checks) / 60.0
}

impl Outcome {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Regression => "REGRESSION",
            Self::Pass => "PASS",
            Self::Inconclusive => "INCONCLUSIVE",
            Self::Blind => "BLIND",
            Self::Invalid => "INVALID",
            Self::Right => "right",
            Self::Wrong => "wrong",
            Self::Unanswered => "no answer",
        }
    }
}

impl From<Verdict> for Outcome {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Failed => Self::Regression,
            Verdict::Passed => Self::Pass,
            Verdict::Inconclusive => Self::Inconclusive,
            Verdict::Blind => Self::Blind,
            _ => Self::Invalid,
        }
    }
}

impl Played {
    /// A comparison that no limit and no measurement stands beside.
    pub fn compared(found: &Comparison, minutes: f64) -> Self {
        let outcome = match found.decision {
            Decision::Regression => Outcome::Regression,
            Decision::Pass => Outcome::Pass,
            Decision::Inconclusive if found.blind().is_some() => Outcome::Blind,
            Decision::Inconclusive => Outcome::Inconclusive,
            Decision::Incomplete => Outcome::Invalid,
        };
        let why = found.reasons.first().map(ToString::to_string);
        Self { outcome, why: why.filter(|_| outcome == Outcome::Regression), cost: Some(minutes) }
    }
}
