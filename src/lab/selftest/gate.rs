//! One interleaved gate in virtual time: starts are played one after the other and judged as they
//! come, from rounds to the verdict.
//!
//! Not here: how many gates are played (`mod`), or what they should say (`rows`).

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::asked::Asked;
use super::changes::{BESIDE, Change, Moment};
use super::loads::{Load, LoadKind, ROUNDS};
use super::plant::{Place, Plant};
use super::played::{OPEN_S, Played, minutes};
use super::scene::{Scene, drawn, machine};
use crate::config::OnOpen;
use crate::config::sim::{Knobs, Noise};
use crate::evaluate::on_failures;
use crate::judge::interleaved::{self, Attempt, Interleaved, Rules, Sampling};
use crate::judge::limits::{self, LimitFinding, LimitInput};
use crate::judge::plan::Plan;
use crate::judge::seeds::SeedMeans;
use crate::judge::{Comparison, PastRun, Wants};
use crate::measure::summary::{StartSummary, summaries};
use crate::measure::{Round, SloMs};
use crate::verdict::{self, Against, Evidence, Reason, rule};

/// What is played.
#[derive(Clone, Copy, Debug)]
pub struct Gate {
    pub load: LoadKind,
    /// Of the gate's history, and of the gate itself where `now` says nothing else.
    pub noise: Noise,
    pub now: Option<Noise>,
    pub change: Change,
    /// Earlier runs in its history, of three starts on each side: 4 degrees of freedom each.
    pub past_runs: usize,
    pub asked: Asked,
}

/// Both sides of a gate so far, and what is needed to go on.
struct Sides<'a> {
    load: &'a Load,
    machine: Knobs,
    change: Change,
    pairs: u32,
    baseline: Vec<Round>,
    candidate: Vec<Round>,
    checks: Vec<Vec<Round>>,
    /// The last check start, and when it is free.
    check: Option<(Plant, f64)>,
    /// Why they are unfit, if they are.
    invalid: Vec<String>,
}

/// Starts on each side of an earlier run.
const PAST_STARTS: u32 = 3;

impl Gate {
    /// Typical noise, asked as in the study, with its history: 20 degrees of freedom, of which twelve
    /// count.
    pub fn new(load: LoadKind, change: Change) -> Self {
        Self {
            load,
            noise: Noise::Typical,
            now: None,
            change,
            past_runs: 5,
            asked: Asked::default(),
        }
    }

    pub const fn noise_words(&self) -> Option<&'static str> {
        match (self.noise, self.now) {
            (Noise::Typical, Some(Noise::Noisy)) => Some("noisier than its history"),
            (Noise::Typical, None) if self.past_runs == 1 => Some("after one earlier run"),
            (noise, _) => noise_words(noise),
        }
    }
}

/// None of what is typical.
pub const fn noise_words(noise: Noise) -> Option<&'static str> {
    match noise {
        Noise::Typical => None,
        Noise::Noisy => Some("noisy"),
        Noise::Quiet => Some("quiet"),
        Noise::Off => Some("no noise"),
    }
}

/// Plays and judges one gate.
pub fn play(scene: &Scene, gate: &Gate, rng: &mut ChaCha8Rng) -> Played {
    // Earlier runs had the lengths that were asked for: their noise is not that of free ones.
    let past = if gate.change == Change::FreeLengths { 0 } else { gate.past_runs };
    let history = drawn(&scene.runs, past, rng);
    let policy = gate.asked.policy();
    let planned = Plan::new(&history, scene.load.shape, &policy).pairs;
    let noise = gate.now.unwrap_or(gate.noise);
    let mut sides = Sides::new(&scene.load, noise, gate.change, rng);
    let mut wants = Some(Wants::Pair);
    let mut comparison = None;
    while let Some(next) = wants {
        sides.measure(next, rng);
        let found = interleaved::judge(&Interleaved {
            earlier: &[],
            now: Attempt {
                baseline: &sides.baseline,
                candidate: &sides.candidate,
                checks: &sides.checks,
                decision: None,
            },
            slo: scene.load.slo,
            differing: &[],
            rules: Rules {
                history: &history,
                shape: scene.load.shape,
                planned,
                sampling: Sampling::Starts,
                unseen: 0,
                policy: &policy,
            },
        });
        wants = found.wants;
        comparison = Some(found);
    }
    let limits = failures(&scene.load, &sides.candidate);
    let spent = minutes(sides.pairs as usize, sides.checks.iter().map(Vec::len), OPEN_S);
    ruled(comparison, limits, sides.invalid, Some(spent))
}

/// A finished run of unchanged code, for the history of others.
pub fn past_run(load: &Load, noise: Noise, rng: &mut ChaCha8Rng) -> PastRun {
    let mut sides = Sides::new(load, noise, Change::None, rng);
    for _ in 0..PAST_STARTS {
        sides.measure(Wants::Pair, rng);
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

/// The whole way: what is not fit is not judged, and what is open is not passed.
pub fn ruled(
    comparison: Option<Comparison>,
    limits: Vec<LimitFinding>,
    invalid: Vec<String>,
    cost: Option<f64>,
) -> Played {
    let invalid = invalid.into_iter().map(Reason::Text).collect();
    let policy = verdict::StatusPolicy {
        on_inconclusive: OnOpen::Warn,
        on_blind: OnOpen::Fail,
        on_missing_baseline: OnOpen::Fail,
        on_incomparable: OnOpen::Fail,
        on_limit_open: OnOpen::Warn,
        on_unstable: OnOpen::Warn,
    };
    let nothing = || Against::Missing(Reason::Text("nothing was compared".into()));
    let against = comparison.map_or_else(nothing, |c| Against::Compared(Box::new(c)));
    let (excused, warnings) = (Vec::new(), Vec::new());
    let evidence = Evidence { invalid, against, limits, excused, incomplete: Vec::new(), warnings };
    let ruling = rule(policy, &evidence);
    let failed = ruling.verdict == verdict::Verdict::Failed;
    let why = ruling.reasons.first().filter(|_| failed).map(ToString::to_string);
    Played { outcome: ruling.verdict.into(), why, cost }
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

/// Whether the candidate goes first in a round: ABBA over the rounds of a gate.
pub const fn candidate_first(start: u32, index: u32) -> bool {
    (start * ROUNDS + index) % 2 == 1
}

impl<'a> Sides<'a> {
    fn new(load: &'a Load, noise: Noise, change: Change, rng: &mut ChaCha8Rng) -> Self {
        let mut machine = machine(&load.knobs, noise, rng);
        change.machine(&mut machine);
        Self {
            load,
            machine,
            change,
            pairs: 0,
            baseline: Vec::new(),
            candidate: Vec::new(),
            checks: Vec::new(),
            check: None,
            invalid: Vec::new(),
        }
    }

    fn measure(&mut self, wants: Wants, rng: &mut ChaCha8Rng) {
        match wants {
            Wants::Pair => self.pair(rng),
            Wants::CheckStart => {
                let moment = Moment { start: BESIDE, window: (0.0, 0.0), draw: rng.random() };
                let mut plant = self.candidate_start(moment, rng);
                let warm = plant.play(&self.load.warmup, 0.0).end_ms;
                self.check = Some((plant, warm));
                self.checks.push(Vec::new());
                self.check_round();
            }
            Wants::SecondRound => self.check_round(),
        }
    }

    fn candidate_start(&self, moment: Moment, rng: &mut ChaCha8Rng) -> Plant {
        let mut knobs = self.machine.clone();
        self.change.candidate(&mut knobs, moment);
        Plant::start(knobs, rng.random())
    }

    /// The next round of the last check start.
    fn check_round(&mut self) {
        let (Some((plant, free_ms)), Some(rounds)) = (&mut self.check, self.checks.last_mut())
        else {
            return;
        };
        let Some(prepared) = self.load.rounds.get(rounds.len()) else { return };
        let played = plant.play(prepared, *free_ms);
        *free_ms = played.end_ms;
        let index = u32::try_from(rounds.len()).unwrap_or(u32::MAX);
        let place = Place { start: BESIDE, index, order: index };
        let (round, unfit) = played.measured(self.load, prepared, place);
        rounds.push(round);
        self.invalid.extend(unfit);
    }

    /// One start of both sides on one machine, warmed up one after the other, then round by round.
    fn pair(&mut self, rng: &mut ChaCha8Rng) {
        let (load, start) = (self.load, self.pairs);
        self.pairs += 1;
        let mut baseline = Plant::start(self.machine.clone(), rng.random());
        let moment = Moment { start, window: window(load, start), draw: rng.random() };
        let mut candidate = self.candidate_start(moment, rng);
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
                let free =
                    (self.change == Change::FreeLengths).then(|| prepared.with_free_lengths(rng));
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
