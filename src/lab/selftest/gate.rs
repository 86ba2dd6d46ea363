//! One gate in virtual time: starts are played one after the other and judged as they come, from
//! rounds to the verdict.
//!
//! Not here: how many gates are played (`mod`), or what they should say (`changes`).

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::changes::{Change, Mode};
use super::loads::{Load, ROUNDS};
use super::plant::{Place, Plant};
use crate::compare::newest_segment;
use crate::config::OnOpen;
use crate::config::sim::Knobs;
use crate::evaluate::on_failures;
use crate::judge::interleaved::{self, Attempt, Interleaved, Rules, Sampling};
use crate::judge::limits::{self, LimitFinding, LimitInput};
use crate::judge::other_day::{self, OtherDay};
use crate::judge::plan::Plan;
use crate::judge::seeds::SeedMeans;
use crate::judge::sessions::session_value;
use crate::judge::{Comparison, PastRun, Policy, Session};
use crate::measure::summary::{StartSummary, summaries};
use crate::measure::{Round, SloMs};
use crate::metric::{Metric, Scale};
use crate::verdict::{self, Against, Evidence, Reason, Verdict, rule};

/// How a gate ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Played {
    pub verdict: Verdict,
    /// Why, the most telling first.
    pub reasons: Vec<String>,
    /// Start pairs, or jobs.
    pub looks: usize,
}

/// A plan with what earlier runs of unchanged code have left of it.
#[derive(Debug)]
pub struct Scene {
    pub load: Load,
    /// Finished interleaved runs of three starts on each side.
    pub runs: Vec<PastRun>,
    /// Sessions of one side, each of a day and a machine of its own.
    pub sessions: Vec<Session>,
}

/// Both sides' rounds so far, and why they are unfit, if they are.
#[derive(Debug, Default)]
struct Sides {
    baseline: Vec<Round>,
    candidate: Vec<Round>,
    invalid: Vec<String>,
}

/// Starts on each side of an earlier run.
const LOOKS: u32 = 3;
/// Earlier runs in a gate's history: of three starts on each side, so 4 df each and METHOD's 12
/// together.
const PAST_RUNS: usize = 3;
/// Slowest of uneven sessions by the fastest.
const APART: f64 = 1.4;
/// What is lost again.
const FASTER: Change = Change::Engine(-0.20);
/// Starts of one job in other-day mode (docs/METHODOLOGY.md#another-day).
const JOB_STARTS: u32 = 2;

/// Plays and judges one gate.
pub fn play(scene: &Scene, mode: Mode, change: Change, rng: &mut ChaCha8Rng) -> Played {
    match mode {
        Mode::Interleaved => play_interleaved(scene, change, rng),
        Mode::OtherDay { sessions } => {
            let history = drawn(&scene.sessions, sessions, rng);
            play_other_day(scene, change, &history, rng)
        }
        Mode::Uneven { sessions } => {
            let history = uneven(drawn(&scene.sessions, sessions, rng));
            play_other_day(scene, change, &history, rng)
        }
        Mode::Poisoned { sessions } => {
            let mut history = drawn(&scene.sessions, sessions, rng);
            history.push(session(&scene.load, change, rng).0);
            play_other_day(scene, change, &history, rng)
        }
        Mode::Lost { sessions } => {
            let mut history = drawn(&scene.sessions, sessions, rng);
            history.extend((0..sessions).map(|_| session(&scene.load, FASTER, rng).0));
            play_other_day(scene, change, &history, rng)
        }
    }
}

/// A finished run of unchanged code, for the history of others.
pub fn past_run(load: &Load, rng: &mut ChaCha8Rng) -> PastRun {
    let machine = machine(&load.knobs, rng);
    let mut sides = Sides::default();
    for start in 0..LOOKS {
        sides.play(load, &machine, Change::None, start, rng);
    }
    finished(&sides.baseline, &sides.candidate, &load.slo)
}

/// A run of unchanged code as it is kept: seed-centred by its baseline.
pub fn finished(baseline: &[Round], candidate: &[Round], slo: &SloMs) -> PastRun {
    let starts = |rounds| summaries(rounds, slo).into_values().collect::<Vec<StartSummary>>();
    let sides = [starts(baseline), starts(candidate)];
    let means = SeedMeans::over(&sides[0]);
    let centred = |side: &Vec<StartSummary>| side.iter().map(|s| means.centred(s)).collect();
    PastRun { sides: sides.iter().map(centred).collect(), passed: true }
}

/// One job of one side, on a day and a machine of its own.
pub fn session(load: &Load, change: Change, rng: &mut ChaCha8Rng) -> (Session, Vec<String>) {
    let machine = machine(&load.knobs, rng);
    let (mut rounds, mut invalid) = (Vec::new(), Vec::new());
    for start in 0..JOB_STARTS {
        let mut knobs = machine.clone();
        change.candidate(&mut knobs, start, (0.0, 0.0));
        let mut plant = Plant::start(knobs, rng.random());
        let mut at_ms = plant.play(&load.warmup, 0.0).end_ms;
        for (index, prepared) in (0..ROUNDS).zip(&load.rounds) {
            let played = plant.play(prepared, at_ms);
            at_ms = played.end_ms;
            let (round, unfit) = played.measured(
                load,
                prepared,
                Place { start, index, order: start * ROUNDS + index },
            );
            rounds.push(round);
            invalid.extend(unfit);
        }
    }
    let starts = summaries(&rounds, &load.slo).into_values().collect();
    (Session { id: String::new(), runner: None, starts }, invalid)
}

fn play_interleaved(scene: &Scene, change: Change, rng: &mut ChaCha8Rng) -> Played {
    // Earlier runs had the lengths that were asked for: their noise is not that of free ones.
    let past = if change == Change::FreeLengths { 0 } else { PAST_RUNS };
    let history = drawn(&scene.runs, past, rng);
    let machine = machine(&scene.load.knobs, rng);
    let policy = Policy { min_starts: 1, ..Policy::default() };
    let planned = Plan::new(&history, scene.load.shape, &policy).pairs;
    let mut sides = Sides::default();
    let mut outcome = None;
    for start in (0..).take(planned) {
        sides.play(&scene.load, &machine, change, start, rng);
        let comparison = interleaved::judge(&Interleaved {
            earlier: &[],
            now: Attempt {
                baseline: &sides.baseline,
                candidate: &sides.candidate,
                ..Attempt::default()
            },
            slo: scene.load.slo,
            differing: &[],
            rules: Rules {
                history: &history,
                shape: scene.load.shape,
                planned,
                sampling: Sampling::Pairs,
                unseen: 0,
                policy: &policy,
            },
        });
        let open = comparison.decision.is_open();
        let limits = failures(&scene.load, &sides.candidate);
        outcome = Some(ruled(comparison, limits, sides.invalid.clone()));
        if !open {
            break;
        }
    }
    outcome.unwrap_or(Played { verdict: Verdict::Invalid, reasons: Vec::new(), looks: 0 })
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

/// Against the newest segment of the history, as everywhere.
fn play_other_day(
    scene: &Scene,
    change: Change,
    known: &[Session],
    rng: &mut ChaCha8Rng,
) -> Played {
    let segment = newest_segment(known, |_| None, |at, metric| session_value(&known[at], metric));
    let history: Vec<Session> = segment.used.into_iter().map(|at| known[at].clone()).collect();
    let (mut jobs, mut invalid) = (Vec::new(), Vec::new());
    loop {
        let (job, unfit) = session(&scene.load, change, rng);
        jobs.push(job);
        invalid.extend(unfit);
        let comparison = other_day::judge(&OtherDay {
            history: &history,
            jobs: &jobs,
            decisions: &[],
            unseen: 0,
            planned: 1,
            shape: scene.load.shape,
            differing: &[],
            policy: &Policy::default(),
        });
        if !comparison.decision.is_open() || jobs.len() == 2 {
            return ruled(comparison, Vec::new(), invalid);
        }
    }
}

/// The whole way: what is not fit is not judged, and what is open is not passed.
pub fn ruled(comparison: Comparison, limits: Vec<LimitFinding>, invalid: Vec<String>) -> Played {
    let invalid = invalid.into_iter().map(Reason::Text).collect();
    let policy = verdict::StatusPolicy {
        on_inconclusive: OnOpen::Warn,
        on_blind: OnOpen::Fail,
        on_missing_baseline: OnOpen::Fail,
        on_incomparable: OnOpen::Fail,
        on_limit_open: OnOpen::Warn,
        on_unstable: OnOpen::Warn,
    };
    let looks = comparison.looks;
    let against = Against::Compared(Box::new(comparison));
    let (excused, warnings) = (Vec::new(), Vec::new());
    let evidence = Evidence { invalid, against, limits, excused, incomplete: Vec::new(), warnings };
    let ruling = rule(policy, &evidence);
    Played {
        verdict: ruling.verdict,
        reasons: ruling.reasons.iter().map(ToString::to_string).collect(),
        looks,
    }
}

/// The limit on failures that every judged workload has.
fn failures(load: &Load, rounds: &[Round]) -> Vec<LimitFinding> {
    let limits = [on_failures()];
    let (slo, shape, history, ready_ms, gpu, strict) =
        (load.slo, load.shape, &[][..], &[][..], &[][..], false);
    let mut found = limits::judge(&LimitInput {
        rounds,
        limits: &limits,
        slo,
        shape,
        history,
        ready_ms,
        gpu,
        strict,
    });
    found
        .iter_mut()
        .filter(|l| l.is_open() && l.side_ok == Some(true))
        .for_each(LimitFinding::meet);
    found
}

/// A machine on a day: what both sides of a gate have in common.
fn machine(knobs: &Knobs, rng: &mut ChaCha8Rng) -> Knobs {
    Knobs { gpu_seed: Some(rng.random()), day_seed: Some(rng.random()), ..knobs.clone() }
}

/// `count` different ones, in the order in which they are there.
fn drawn<T: Clone>(pool: &[T], count: usize, rng: &mut ChaCha8Rng) -> Vec<T> {
    // Selection sampling (Knuth, TAOCP 2, 3.4.2, algorithm S).
    let mut wanted = count;
    let chosen = pool.iter().enumerate().filter(|(i, _)| {
        let take = rng.random_range(0..pool.len() - i) < wanted;
        wanted -= usize::from(take);
        take
    });
    chosen.map(|(_, item)| item.clone()).collect()
}

/// Whether the candidate goes first in a round: ABBA over the rounds of a gate.
pub const fn candidate_first(start: u32, index: u32) -> bool {
    (start * ROUNDS + index) % 2 == 1
}

impl Sides {
    /// One start of both sides on one machine, warmed up one after the other, then round by round.
    fn play(
        &mut self,
        load: &Load,
        machine: &Knobs,
        change: Change,
        start: u32,
        rng: &mut ChaCha8Rng,
    ) {
        let mut knobs = machine.clone();
        change.machine(&mut knobs);
        let mut baseline = Plant::start(knobs.clone(), rng.random());
        change.candidate(&mut knobs, start, window(load, start));
        let mut candidate = Plant::start(knobs, rng.random());
        let warm = baseline.play(&load.warmup, 0.0).end_ms;
        let mut free_ms = candidate.play(&load.warmup, warm.max(load.slot_ms)).end_ms;
        let mut slot = 2;
        for (index, prepared) in (0..ROUNDS).zip(&load.rounds) {
            let first = candidate_first(start, index);
            for is_candidate in [first, !first] {
                let (plant, rounds) = if is_candidate {
                    (&mut candidate, &mut self.candidate)
                } else {
                    (&mut baseline, &mut self.baseline)
                };
                let free = (change == Change::FreeLengths).then(|| prepared.with_free_lengths(rng));
                let prepared = free.as_ref().unwrap_or(prepared);
                let played = plant.play(prepared, free_ms.max(f64::from(slot) * load.slot_ms));
                free_ms = played.end_ms;
                let order = start * (2 * ROUNDS) + slot - 2;
                let (round, unfit) = played.measured(load, prepared, Place { start, index, order });
                rounds.push(round);
                self.invalid.extend(unfit);
                slot += 1;
            }
        }
    }
}

/// When the candidate's second round is to run. Two slots are for the warm-ups.
fn window(load: &Load, start: u32) -> (f64, f64) {
    let slot = f64::from(2 + 2 + u32::from(!candidate_first(start, 1)));
    (slot * load.slot_ms, (slot + 1.0) * load.slot_ms)
}
