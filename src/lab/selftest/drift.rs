//! A main branch that becomes slower week by week, and what the weekly comparison with its anchor
//! says; on session values. Not here: one candidate against sessions (`day`).

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal};

use super::played::{Outcome, Played};
use super::values::SHAPE;
use crate::judge::drift::{ANCHORED, Drift, LATEST, judge};
use crate::judge::{Decision, Policy, Session};
use crate::measure::summary::StartSummary;
use crate::metric::{METHOD, Metric};

/// What is played.
#[derive(Clone, Copy, Debug)]
pub struct Drifting {
    /// Slower by so much each week, as a fraction.
    pub weekly: f64,
    pub weeks: u32,
    pub machines: Machines,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Machines {
    /// Each session on another one.
    Fleet,
    One,
}

/// Typical noise (docs/METHODOLOGY.md#measured): between GPUs, days and starts, standard deviations.
const GPU: f64 = 0.019;
const DAY: f64 = 0.005;
const START: f64 = 0.0115;
const STARTS: usize = 2;

impl Drifting {
    pub fn load(&self) -> String {
        match self.machines {
            Machines::Fleet => "session values, a fleet".into(),
            Machines::One => "session values, one machine".into(),
        }
    }
}

/// The weeks, until one says that it has drifted.
pub fn play(what: &Drifting, rng: &mut ChaCha8Rng) -> Played {
    let own = GPU * normal(rng);
    let sessions = |count: usize, level: f64, rng: &mut ChaCha8Rng| -> Vec<Session> {
        (0..count).map(|_| session(what, own + level, rng)).collect()
    };
    let anchor = sessions(ANCHORED, 0.0, rng);
    let policy = Policy::default();
    let mut last = Outcome::Invalid;
    for week in 1..=what.weeks {
        let slower = what.weekly * f64::from(week);
        let recent = sessions(LATEST, slower.ln_1p(), rng);
        let input = Drift { anchor: &anchor, recent: &recent, shape: SHAPE, policy: &policy };
        let found = judge(&input);
        let played = Played::compared(&found, 0.0);
        if found.decision == Decision::Regression {
            return Played { cost: Some(slower * 100.0), ..played };
        }
        last = played.outcome;
    }
    Played { outcome: last, why: None, cost: None }
}

fn session(what: &Drifting, level: f64, rng: &mut ChaCha8Rng) -> Session {
    let place = if what.machines == Machines::Fleet { GPU * normal(rng) } else { 0.0 };
    let day = level + place + DAY * normal(rng);
    let start = |rng: &mut ChaCha8Rng| {
        let value = day + START * normal(rng);
        let metrics = METHOD.into_iter().filter(|m| *m != Metric::ErrorRate);
        StartSummary {
            values: metrics.map(|m| (m, value)).collect(),
            n: 900,
            ..StartSummary::default()
        }
    };
    Session { starts: (0..STARTS).map(|_| start(rng)).collect(), ..Session::default() }
}

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(rng)
}
