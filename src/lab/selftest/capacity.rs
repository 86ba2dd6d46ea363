//! Searches for the highest load within the SLOs, on the engine in virtual time, and what the truth
//! is, by brute force: many rounds about it, and the parabola through their shares. Not here: the
//! search itself (`judge::capacity`).

use std::time::Duration;

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::asked::percent;
use super::loads::{Load, LoadKind, Prepared};
use super::plant::{Place, Plant};
use super::played::{Outcome, Played};
use super::{Purpose, Scale, parallel, stream};
use crate::config::sim::{Knobs, Noise, PrefixCache};
use crate::judge::capacity::{Asked, START_SD, Step, Trial, next};
use crate::measure::{Good, Round, SloMs};

/// What is searched for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Capacity {
    pub slo: SloMs,
    /// How well the limit must be known, on each side.
    pub within: f64,
    /// Requests per second, about.
    pub guess: f64,
}

/// What all searches of a row have in common.
#[derive(Debug)]
pub struct Ground {
    tapes: Tapes,
    truth: f64,
}

/// The requests of many rounds, which a level sends at its own pace.
#[derive(Debug)]
pub struct Tapes {
    load: Load,
    rounds: Vec<Prepared>,
}

/// Share of the requests that must be good.
const GOAL: f64 = 0.95;
const ROUND: Duration = Duration::from_secs(60);
const MOST_ROUNDS: usize = 30;
/// A fresh start after so many rounds.
const ROUNDS_PER_START: usize = 5;
/// Rounds of the brute force, and how far about the guess they are: logs.
const TRUTH_ROUNDS: u32 = 600;
const ABOUT: f64 = 0.12;
/// Plans that the tapes are made of: each has three rounds.
const PLANS: u32 = 16;
/// Of them so many in a row make one here: enough requests for twice what the engine holds.
const PARTS: usize = 5;

impl Capacity {
    pub fn load(&self) -> String {
        let limits = [("TTFT", self.slo.ttft), ("TPOT", self.slo.tpot)];
        let limits = limits.iter().filter_map(|(name, ms)| Some(format!("{name} {} ms", (*ms)?)));
        format!("chat, {}", limits.collect::<Vec<_>>().join(", "))
    }

    pub fn mode(&self) -> String {
        format!("find rate within {} %, rounds of 60 s", percent(self.within))
    }
}

impl Ground {
    /// Errors: a bug, as the plans are not the user's; or no truth where the row looks for one.
    pub fn build(what: &Capacity, scale: Scale, row: usize) -> anyhow::Result<Self> {
        let tapes = Tapes::build(what, scale.seed)?;
        let points = parallel(TRUTH_ROUNDS, scale.threads, |i| {
            let mut rng = stream(scale.seed, Purpose::Row(row), (1 << 32) | u64::from(i));
            let about = ABOUT * (2.0 * rng.random::<f64>() - 1.0);
            let mut plant = tapes.start(&mut rng);
            let trial = tapes.trial(&mut plant, what.guess * about.exp(), 0, &mut rng);
            ((trial.offered / what.guess).ln(), trial.share())
        });
        let truth = crossing(&points)
            .ok_or_else(|| anyhow::anyhow!("no limit near {}/s: this is a bug", what.guess))?;
        Ok(Self { tapes, truth: what.guess * truth.exp() })
    }
}

/// One search; its cost are its rounds.
pub fn play(what: &Capacity, ground: &Ground, rng: &mut ChaCha8Rng) -> Played {
    let asked = Asked {
        goal: GOAL,
        within: what.within,
        most_rounds: MOST_ROUNDS,
        // A user's guess: an eighth of the limit to twice as much.
        first: ground.truth * (4.0 * rng.random::<f64>() - 3.0).exp2(),
        least: 0.01,
        most: 1e6,
        whole: false,
        start_sd: START_SD,
    };
    let mut plant = ground.tapes.start(rng);
    let (mut start, mut trials) = (0, Vec::new());
    loop {
        match next(&trials, &asked) {
            Step::Measure(load) => {
                if trials.len() % ROUNDS_PER_START == ROUNDS_PER_START - 1 {
                    plant = ground.tapes.start(rng);
                    start += 1;
                }
                trials.push(ground.tapes.trial(&mut plant, load, start, rng));
            }
            Step::Found(limit) => {
                let holds = (limit.low..=limit.high).contains(&ground.truth);
                let outcome = if holds { Outcome::Right } else { Outcome::Wrong };
                return Played { outcome, why: None, cost: Some(trials.len() as f64) };
            }
            Step::Refused(_) => {
                let cost = Some(trials.len() as f64);
                return Played { outcome: Outcome::Unanswered, why: None, cost };
            }
        }
    }
}

impl Tapes {
    fn build(what: &Capacity, seed: u64) -> anyhow::Result<Self> {
        let mut loads = (0..PLANS)
            .map(|plan| Load::build(LoadKind::Knee, seed, plan))
            .collect::<anyhow::Result<Vec<Load>>>()?;
        let rounds = loads.iter().flat_map(|load| load.rounds.clone()).collect();
        let load = loads.swap_remove(0);
        let (prefix_cache, noise) = (PrefixCache::Off, Noise::Typical);
        let knobs = Knobs { prefix_cache, noise, ..load.knobs.clone() };
        Ok(Self { load: Load { slo: what.slo, knobs, ..load }, rounds })
    }

    /// A fresh start that is warm.
    fn start(&self, rng: &mut ChaCha8Rng) -> Plant {
        let mut plant = Plant::start(self.load.knobs.clone(), rng.random());
        plant.play(&self.load.warmup, 0.0);
        plant
    }

    fn trial(&self, plant: &mut Plant, rate: f64, start: u32, rng: &mut ChaCha8Rng) -> Trial {
        let mut tape = Prepared::clone(&self.rounds[rng.random_range(0..self.rounds.len())]);
        for _ in 1..PARTS {
            append(&mut tape, &self.rounds[rng.random_range(0..self.rounds.len())]);
        }
        let prepared = at_rate(tape, rate);
        let place = Place { start, index: 0, order: 0 };
        let (round, _) = plant.play(&prepared, 0.0).measured(&self.load, &prepared, place);
        self.seen(&round, rate, start)
    }

    fn seen(&self, round: &Round, load: f64, start: u32) -> Trial {
        let good = Good::over([round], |row| row.meets(&self.load.slo));
        let (met, scheduled) = (good.met as u64, good.scheduled as u64);
        let offered = scheduled as f64 / ROUND.as_secs_f64();
        let reached = Some(round.completed().count() as f64 / round.seconds);
        Trial { start, load, offered, met, scheduled, reached }
    }
}

/// Where the parabola through these shares, by least squares, falls through the goal.
fn crossing(points: &[(f64, f64)]) -> Option<f64> {
    let sum = |f: &dyn Fn(f64, f64) -> f64| points.iter().map(|(x, y)| f(*x, *y)).sum::<f64>();
    let powers: Vec<f64> = (0..5).map(|n| sum(&|x, _| x.powi(n))).collect();
    let shares: Vec<f64> = (0..3).map(|n| sum(&|x, y| x.powi(n) * y)).collect();
    let determinant = |m: [[f64; 3]; 3]| {
        m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1])
            - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
            + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
    };
    let rows = [0, 1, 2].map(|row| [powers[row], powers[row + 1], powers[row + 2]]);
    let [level, slope, bend] = [0, 1, 2].map(|column| {
        let mut with = rows;
        (0..3).for_each(|row| with[row][column] = shares[row]);
        determinant(with) / determinant(rows)
    });
    let mut steps = (0..=2400).map(|i| ABOUT * (f64::from(i) / 1200.0 - 1.0));
    let falls =
        |at: &f64| slope + 2.0 * bend * at < 0.0 && level + slope * at + bend * at * at < GOAL;
    steps.find(falls).filter(|at| at.abs() < ABOUT * 0.9)
}

/// Another round's requests after those of this one.
fn append(tape: &mut Prepared, next: &Prepared) {
    let begins = tape.plan.requests.last().map_or(Duration::ZERO, |r| r.offset);
    tape.plan.requests.extend(next.plan.requests.iter().cloned().map(|mut r| {
        r.offset += begins;
        r
    }));
    tape.calls.extend(next.calls.iter().cloned());
    for (request, index) in tape.plan.requests.iter_mut().zip(0..) {
        request.index = index;
    }
}

/// Arrivals closer together or further apart: a Poisson process stays one.
fn at_rate(mut tape: Prepared, rate: f64) -> Prepared {
    for request in &mut tape.plan.requests {
        request.offset = request.offset.mul_f64(LoadKind::Knee.rate() / rate);
    }
    let kept = tape.plan.requests.iter().take_while(|r| r.offset < ROUND).count();
    tape.plan.requests.truncate(kept);
    tape.calls.truncate(kept);
    tape
}
