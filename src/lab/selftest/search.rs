//! Searches for the commit that made it slow, on start values. Not here: builds and checkouts.

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal};

use super::asked::percent;
use super::played::{Outcome, Played};
use crate::judge::bisect::{Bisect, Ends, Step, ends};
use crate::judge::history::Variation;

/// What is played.
#[derive(Clone, Copy, Debug)]
pub struct Search {
    pub commits: usize,
    /// Standard deviation between starts; and by how much one of the commits is slower.
    pub sd: f64,
    pub step: f64,
    pub ends: EndsFirst,
}

/// What is measured of both ends before the search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum EndsFirst {
    /// So many pairs, which are taken to differ.
    Given(usize),
    /// The gate: so many pairs at most, to find the step. What it does not find is not searched.
    Gate { planned: usize, detect: f64 },
}

/// Fresh starts at most, each beside one of GOOD.
const BUDGET: usize = 60;
/// Degrees of freedom that the history has of the noise.
const PAST_DF: u32 = 12;
/// Between sessions; it cancels.
const SESSION: f64 = 0.02;

/// The machine with the truth in it.
struct World<'a> {
    rng: &'a mut ChaCha8Rng,
    sd: f64,
    session: f64,
    /// First position of the new level.
    culprit: usize,
    step: f64,
}

impl Search {
    pub fn load(&self) -> String {
        format!("start values, {} % apart", percent(self.sd))
    }

    pub fn mode(&self) -> String {
        let ends = match self.ends {
            EndsFirst::Given(_) => "",
            EndsFirst::Gate { .. } => ", the gate at the ends first",
        };
        format!("bisect, {} commits{ends}", self.commits)
    }
}

impl World<'_> {
    fn start(&mut self, at: usize) -> f64 {
        let level = if at >= self.culprit { self.step.ln_1p() } else { 0.0 };
        self.session + level + self.sd * self.normal()
    }

    fn normal(&mut self) -> f64 {
        StandardNormal.sample(self.rng)
    }
}

/// One search; its cost are the fresh starts after the ends.
pub fn play(what: &Search, rng: &mut ChaCha8Rng) -> Played {
    let culprit = rng.random_range(1..=what.commits);
    let mut world = World { rng, sd: what.sd, session: 0.0, culprit, step: what.step };
    world.session = SESSION * world.normal();
    let ss = (0..PAST_DF).map(|_| (what.sd * world.normal()).powi(2)).sum();
    let past = Variation { ss, df: f64::from(PAST_DF) };
    let nothing = Played { outcome: Outcome::Unanswered, why: None, cost: None };
    let Some(mut bisect) = Bisect::new(what.commits, past) else { return nothing };
    if !measure_ends(what, &mut world, &mut bisect) {
        return nothing;
    }
    let mut starts = 0;
    let outcome = loop {
        match bisect.next(BUDGET - starts, &[]) {
            Step::Measure(at) => {
                starts += 1;
                for at in [at, 0] {
                    bisect.observe(at, world.start(at));
                }
            }
            Step::Found { first, last, .. }
                if what.step > 0.0 && (first..=last).contains(&culprit) =>
            {
                break Outcome::Right;
            }
            Step::Found { .. } => break Outcome::Wrong,
            Step::NoChange { .. } | Step::Window { .. } => break Outcome::Unanswered,
        }
    };
    Played { outcome, why: None, cost: Some(starts as f64) }
}

/// Whether the search goes on.
fn measure_ends(what: &Search, world: &mut World<'_>, bisect: &mut Bisect) -> bool {
    let (most, gate) = match what.ends {
        EndsFirst::Given(pairs) => (pairs, None),
        EndsFirst::Gate { planned, detect } => (planned, Some(detect)),
    };
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for _ in 0..most {
        good.push(world.start(0));
        bad.push(world.start(what.commits));
        let found = gate.map(|detect| ends(&good, &bad, most, detect));
        if let Some(Ends::Slower | Ends::Same) = found {
            break;
        }
    }
    for (at, values) in [(0, &good), (what.commits, &bad)] {
        for value in values {
            bisect.observe(at, *value);
        }
    }
    gate.is_none_or(|detect| ends(&good, &bad, most, detect) == Ends::Slower)
}
