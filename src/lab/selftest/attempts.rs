//! A gate that is run again until it passes, on start values. Not here: one gate (`values`).

use rand_chacha::ChaCha8Rng;

use super::played::{Outcome, Played};
use super::values::{SHAPE, Values, World, spent};
use crate::judge::Decision;
use crate::judge::interleaved::{Taken, play as judged};
use crate::judge::plan::Plan;

/// What is played.
#[derive(Clone, Copy, Debug)]
pub struct Attempts {
    pub values: Values,
    /// At most.
    pub most: usize,
    pub evidence: EvidenceOf,
    pub counts: Counts,
}

/// What an attempt is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvidenceOf {
    /// Its own starts.
    Itself,
    /// Those of all attempts so far.
    All,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    /// Whether it passed at last.
    Green,
    /// Whether any attempt was a REGRESSION.
    Alarm,
}

impl Attempts {
    pub fn mode(&self) -> String {
        let evidence = match self.evidence {
            EvidenceOf::Itself => "afresh",
            EvidenceOf::All => "pooled",
        };
        let counts = match self.counts {
            Counts::Green => "",
            Counts::Alarm => ", red at any",
        };
        match self.most {
            1 => "attempts: one".into(),
            most => format!("attempts: until green, {most}, {evidence}{counts}"),
        }
    }
}

/// Attempts until one passes.
pub fn play(what: &Attempts, rng: &mut ChaCha8Rng) -> Played {
    let mut world = World::new(what.values, rng);
    let history = world.history();
    let policy = what.values.asked.policy();
    let planned = Plan::new(&history, SHAPE, &policy).pairs;
    let mut earlier: Vec<Taken> = Vec::new();
    let (mut alarm, mut green, mut cost) = (None, false, 0.0);
    for _ in 0..what.most {
        let mut now = world.attempt();
        let seen = if what.evidence == EvidenceOf::All { earlier.as_slice() } else { &[] };
        let found = judged(&World::rules(&history, planned, &policy), seen, &now);
        let before = Played::compared(&found, 0.0);
        if before.outcome == Outcome::Regression {
            alarm = alarm.or(before.why);
        }
        let pairs: usize = seen.iter().map(|attempt| attempt.pairs.len()).sum();
        let checks: usize = seen.iter().map(|attempt| attempt.checks.len()).sum();
        now.pairs.truncate(found.looks.saturating_sub(pairs));
        now.checks.truncate(found.starts.seen.saturating_sub(found.looks + checks));
        now.decision = Some(found.decision);
        cost = match what.evidence {
            EvidenceOf::Itself => cost + spent(&found),
            EvidenceOf::All => spent(&found),
        };
        earlier.push(now);
        green = found.decision == Decision::Pass;
        if green {
            break;
        }
    }
    let alarmed = alarm.is_some();
    let outcome = match what.counts {
        Counts::Green if green => Outcome::Pass,
        _ if alarmed => Outcome::Regression,
        _ if green => Outcome::Pass,
        _ => Outcome::Inconclusive,
    };
    Played { outcome, why: alarm.filter(|_| outcome == Outcome::Regression), cost: Some(cost) }
}
