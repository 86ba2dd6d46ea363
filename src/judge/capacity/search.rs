//! Which load to measure next: brackets by doubling and halving, halves the bracket, then measures
//! on both sides of the limit until it is known. Not here: the fit (`fit`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Limit, Trial, fit, monotone};

/// What is searched for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Asked {
    /// Share of the requests that must be good.
    pub goal: f64,
    /// How far the ends of the interval may be from the limit, as a share of it.
    pub within: f64,
    pub most_rounds: usize,
    /// The first load; and the least and the most that are tried.
    pub first: f64,
    pub least: f64,
    pub most: f64,
    /// Only whole loads: requests in flight.
    pub whole: bool,
    /// Standard deviation of the log of the limit between starts.
    pub start_sd: f64,
}

/// Why there is no limit to name.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Refusal {
    /// No load that was tried meets the goal: the lowest, and its share.
    NoneMeets { lowest: f64, share: f64 },
    /// Every load that may be tried meets it: the highest.
    AllMeet { highest: f64 },
    /// The rounds were spent before it was known well enough.
    Unresolved { limit: Option<Limit> },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    Measure(f64),
    Found(Limit),
    Refused(Refusal),
}

/// A bracket that is wider is halved before anything is fitted.
const NARROW: f64 = 1.35;
/// Where to measure beside the limit, in logits of the share at the goal: nearly all of what a
/// round can tell comes from where a few in a hundred miss, and from where every fifth does.
const BELOW: f64 = 0.8;
const ABOVE: f64 = 1.2;
/// Logs of the load that this may be away.
const CLOSEST: f64 = 0.015;
const FARTHEST: f64 = 0.15;
/// Fewer rounds near the limit prove nothing, whatever the fit says.
const LEAST_ROUNDS: usize = 6;
/// Logs of load that are near it.
const NEAR: f64 = 0.3;
/// The next load where all were good so far; a server that is offered too much says what it reaches.
const UP: f64 = 4.0;
const DOWN: f64 = 0.5;
/// Of a bracket's upper end, so much at least is tried next: what a server reaches is near its limit.
const STEP: f64 = 0.8;
/// Of what a server reaches that is offered too much, so much is where its limit may be.
const OF_REACHED: f64 = 0.9;
/// A share below which a server was offered far too much.
const SWAMPED: f64 = 0.5;

pub fn next(trials: &[Trial], asked: &Asked) -> Step {
    let spent = trials.len() >= asked.most_rounds;
    if trials.is_empty() {
        return Step::Measure(asked.rounded(asked.first));
    }
    let fitted = monotone(trials);
    let meets = fitted.iter().rev().find(|(_, share)| *share >= asked.goal).copied();
    let misses = fitted.iter().find(|(_, share)| *share < asked.goal).copied();
    let unresolved = Step::Refused(Refusal::Unresolved { limit: None });
    match (meets, misses) {
        (Some((highest, _)), None) if spent || highest >= asked.most => {
            Step::Refused(Refusal::AllMeet { highest })
        }
        (None, Some((lowest, share))) if spent || lowest <= asked.least => {
            Step::Refused(Refusal::NoneMeets { lowest, share })
        }
        (None, None) if spent => unresolved,
        (Some((highest, _)), None) => Step::Measure(asked.rounded(highest * UP)),
        (None, Some((lowest, _))) => {
            Step::Measure(asked.rounded(hint(trials, lowest, asked).unwrap_or(lowest * DOWN)))
        }
        (Some((low, _)), Some((high, _))) if high / low > NARROW && !asked.adjacent(low, high) => {
            if spent {
                return unresolved;
            }
            let middle = (low * high).sqrt();
            let near = if swamped(trials, high) { middle } else { middle.max(high * STEP) };
            let hinted = hint(trials, high, asked).filter(|x| *x > low);
            Step::Measure(asked.rounded(hinted.unwrap_or(near)))
        }
        _ => narrowed(trials, asked, spent),
    }
}

/// Whether the lowest load that misses was far too much.
fn swamped(trials: &[Trial], high: f64) -> bool {
    trials.iter().any(|t| (t.load - high).abs() <= 0.0 && t.share() < SWAMPED)
}

/// What a swamped server reaches is less than what it was offered; where its limit is, is below.
fn hint(trials: &[Trial], high: f64, asked: &Asked) -> Option<f64> {
    let swamped = trials.iter().filter(|t| t.load <= high && t.share() < SWAMPED && !asked.whole);
    let reached = swamped.filter_map(|t| t.reached).reduce(f64::min)? * OF_REACHED;
    let untried = |x: f64| trials.iter().all(|t| (t.load / x).ln().abs() > 0.02);
    Some(reached).filter(|x| *x < high && *x > high / 4.0 && untried(*x))
}

fn narrowed(trials: &[Trial], asked: &Asked, spent: bool) -> Step {
    let Some((limit, slope)) = fit(trials, asked.goal, asked.start_sd) else {
        return Step::Refused(Refusal::Unresolved { limit: None });
    };
    let near = |t: &&Trial| (t.offered / limit.at).ln().abs() <= NEAR;
    let below = trials.iter().filter(near).filter(|t| t.load <= limit.at).count();
    let above = trials.iter().filter(near).filter(|t| t.load > limit.at).count();
    let enough = below + above >= LEAST_ROUNDS && below > 0 && above > 0;
    if enough && asked.is_known(&limit) {
        return Step::Found(limit);
    }
    if spent {
        return Step::Refused(Refusal::Unresolved { limit: Some(limit) });
    }
    let away = |logits: f64| (logits / slope).clamp(CLOSEST, FARTHEST);
    let aimed = if below <= above { -away(BELOW) } else { away(ABOVE) };
    Step::Measure(asked.beside(limit.at, aimed))
}

/// No limit is known better than that, and people read it.
fn three_digits(load: f64) -> f64 {
    format!("{load:.2e}").parse().unwrap_or(load)
}

impl Asked {
    fn rounded(&self, load: f64) -> f64 {
        let load = load.clamp(self.least, self.most);
        if self.whole { load.round().max(1.0) } else { three_digits(load) }
    }

    /// A load so far away, and with whole loads not the same side twice.
    fn beside(&self, limit: f64, away: f64) -> f64 {
        let load = limit * away.exp();
        match self.whole {
            true if away < 0.0 => load.floor().clamp(self.least, self.most),
            true => load.ceil().clamp(self.least, self.most),
            false => self.rounded(load),
        }
    }

    fn adjacent(&self, low: f64, high: f64) -> bool {
        self.whole && high - low <= 1.0
    }

    /// Between two whole loads there is nothing to know.
    fn is_known(&self, limit: &Limit) -> bool {
        let whole = self.whole && limit.high - limit.low <= 1.0;
        whole || limit.error() <= self.within
    }
}
