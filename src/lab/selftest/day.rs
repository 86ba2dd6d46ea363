//! One comparison with sessions of other days in virtual time. Not here: interleaved gates (`gate`),
//! or what comparisons should say (`rows`).

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::changes::{Change, Moment};
use super::gate::{noise_words, ruled};
use super::loads::{Load, LoadKind, ROUNDS};
use super::plant::{Place, Plant};
use super::played::{OPEN_S, Played, minutes};
use super::scene::{Scene, drawn, machine};
use crate::compare::newest_segment;
use crate::config::sim::Noise;
use crate::judge::other_day::{self, OtherDay};
use crate::judge::sessions::session_value;
use crate::judge::{Policy, Session};
use crate::measure::summary::summaries;
use crate::metric::{Metric, Scale};

/// What is played.
#[derive(Clone, Copy, Debug)]
pub struct Day {
    pub load: LoadKind,
    pub noise: Noise,
    pub history: History,
    pub jobs: Jobs,
    pub change: Change,
}

/// Earlier sessions, each of a day and a machine of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    Sessions(usize),
    /// The slowest session is 1.4 times the fastest, and the others between them.
    Uneven(usize),
    /// And one session more that had the candidate's change already, and that nobody answers for.
    Poisoned(usize),
    /// And as many sessions more that are 20 % faster, which the candidate loses again.
    Lost(usize),
}

/// Jobs of the candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jobs {
    One,
    /// Two, as planned beforehand.
    Two,
    /// One, and another where it is open: two attempts.
    Again,
}

/// Slowest of uneven sessions by the fastest.
const APART: f64 = 1.4;
/// What is lost again.
const FASTER: Change = Change::Engine(-0.20);
/// Starts of one job (docs/METHODOLOGY.md#another-day).
const JOB_STARTS: u32 = 2;

impl Day {
    /// Typical noise and one job.
    pub const fn new(load: LoadKind, history: History, change: Change) -> Self {
        Self { load, noise: Noise::Typical, history, jobs: Jobs::One, change }
    }

    pub const fn noise_words(&self) -> Option<&'static str> {
        noise_words(self.noise)
    }

    pub fn mode(&self) -> String {
        let history = match self.history {
            History::Sessions(1) => "1 session".into(),
            History::Sessions(n) => format!("{n} sessions"),
            History::Uneven(n) => format!("{n} sessions, 1.4 times apart"),
            History::Poisoned(n) => format!("{n} sessions and a slow one"),
            History::Lost(n) => format!("{n} sessions and as many faster ones"),
        };
        let jobs = match self.jobs {
            Jobs::One => "",
            Jobs::Two => ", two jobs",
            Jobs::Again => ", again where open",
        };
        format!("another day, {history}{jobs}")
    }
}

impl Jobs {
    /// Planned beforehand, and taken in all.
    const fn counts(self) -> (usize, usize) {
        match self {
            Self::One => (1, 1),
            Self::Two => (2, 2),
            Self::Again => (1, 2),
        }
    }
}

/// Plays and judges one comparison, against the newest segment of the history, as everywhere.
pub fn play(scene: &Scene, day: &Day, rng: &mut ChaCha8Rng) -> Played {
    let known = history(scene, day, rng);
    let segment = newest_segment(&known, |_| None, |at, metric| session_value(&known[at], metric));
    let history: Vec<Session> = segment.used.into_iter().map(|at| known[at].clone()).collect();
    let (planned, most) = day.jobs.counts();
    let (mut jobs, mut invalid) = (Vec::new(), Vec::new());
    let mut comparison = None;
    while jobs.len() < most {
        let (job, unfit) = session(&scene.load, day.noise, day.change, rng);
        jobs.push(job);
        invalid.extend(unfit);
        let found = other_day::judge(&OtherDay {
            history: &history,
            jobs: &jobs,
            decisions: &[],
            unseen: 0,
            planned,
            shape: scene.load.shape,
            differing: &[],
            policy: &Policy::default(),
        });
        let open = found.decision.is_open();
        comparison = Some(found);
        if !open {
            break;
        }
    }
    // A job has as many starts as a start pair.
    let spent = minutes(jobs.len(), std::iter::empty(), OPEN_S);
    ruled(comparison, Vec::new(), invalid, Some(spent))
}

fn history(scene: &Scene, day: &Day, rng: &mut ChaCha8Rng) -> Vec<Session> {
    let mut sessions = |count: usize, change| -> Vec<Session> {
        (0..count).map(|_| session(&scene.load, day.noise, change, rng).0).collect()
    };
    match day.history {
        History::Sessions(count) => drawn(&scene.sessions, count, rng),
        History::Uneven(count) => uneven(drawn(&scene.sessions, count, rng)),
        History::Poisoned(count) => {
            let slow = sessions(1, day.change);
            [drawn(&scene.sessions, count, rng), slow].concat()
        }
        History::Lost(count) => {
            let faster = sessions(count, FASTER);
            [drawn(&scene.sessions, count, rng), faster].concat()
        }
    }
}

/// One job of one side, on a day and a machine of its own; and why it is unfit, if it is.
pub fn session(
    load: &Load,
    noise: Noise,
    change: Change,
    rng: &mut ChaCha8Rng,
) -> (Session, Vec<String>) {
    let machine = machine(&load.knobs, noise, rng);
    let (mut rounds, mut invalid) = (Vec::new(), Vec::new());
    for start in 0..JOB_STARTS {
        let mut knobs = machine.clone();
        let moment = Moment { start, window: (0.0, 0.0), draw: rng.random() };
        change.candidate(&mut knobs, moment);
        let mut plant = Plant::start(knobs, rng.random());
        let mut at_ms = plant.play(&load.warmup, 0.0).end_ms;
        for (index, prepared) in (0..ROUNDS).zip(&load.rounds) {
            let played = plant.play(prepared, at_ms);
            at_ms = played.end_ms;
            let place = Place { start, index, order: start * ROUNDS + index };
            let (round, unfit) = played.measured(load, prepared, place);
            rounds.push(round);
            invalid.extend(unfit);
        }
    }
    let starts = summaries(&rounds, &load.slo).into_values().collect();
    (Session { id: String::new(), runner: None, starts }, invalid)
}

/// The same sessions, each slower than the one before: the last 1.4 times the first.
fn uneven(mut history: Vec<Session>) -> Vec<Session> {
    let steps = history.len().saturating_sub(1).max(1) as f64;
    for (i, session) in history.iter_mut().enumerate() {
        // Around the level that they were of, so that an unchanged candidate is in their middle.
        let by = APART.ln() * (i as f64 / steps - 0.5);
        let timed = |metric: &Metric| metric.method().is_some_and(|row| row.scale == Scale::Log);
        let starts = session.starts.iter_mut();
        let maps = starts.flat_map(|s| {
            std::iter::once(&mut s.values).chain(s.rounds.iter_mut().map(|r| &mut r.values))
        });
        maps.flatten().filter(|(metric, _)| timed(metric)).for_each(|(_, value)| *value += by);
    }
    history
}
