//! Interleaved gates on start values that are drawn at random, without an engine: a thousand times
//! as fast, so that rows may have many gates.
//!
//! Starts are normal; the metrics of one start go together, tails vary more. What makes a start slow
//! is put in by hand. Not here: rounds, requests, seeds (`gate` has them).

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal};

use super::asked::{Asked, percent};
use super::played::{CLOSED_S, Played, minutes};
use crate::judge::interleaved::{Rules, Sampling, Taken, play as judged};
use crate::judge::look::Pair;
use crate::judge::plan::Plan;
use crate::judge::{Comparison, PastRun};
use crate::measure::summary::{Shape, StartSummary};
use crate::metric::{METHOD, Metric, Stat, Timing};

pub const SHAPE: Shape = Shape { streaming: true, output_tokens: 200, has_slo: false };

/// What is played.
#[derive(Clone, Copy, Debug)]
pub struct Values {
    /// Standard deviation of TPOT between starts, as a fraction.
    pub sd: f64,
    pub slower: Slower,
    /// Share of slow starts: the baseline's, and the candidate's; slow starts are 15 % slower.
    pub slow: (f64, f64),
    /// The history has the baseline's share of slow starts, too.
    pub known: bool,
    pub asked: Asked,
}

/// By how much the candidate is slower, as a fraction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Slower {
    /// In every metric.
    All(f64),
    Tpot(f64),
}

/// What one gate draws from.
pub struct World<'a> {
    values: Values,
    rng: &'a mut ChaCha8Rng,
}

/// What METHOD calls slow by 15 %.
const SLOW: f64 = 0.15;
/// Of what the metrics of one start have in common, in variances; the study found 0.9 to 1.0.
const COMMON: f64 = 0.95;
const TPOT: Metric = Metric::Timing(Timing::Tpot, Stat::Geomean);
/// Earlier runs.
const PAST_RUNS: usize = 5;
/// Pairs that one attempt can take, and check starts.
const MOST_PAIRS: usize = 12;
const MOST_CHECKS: usize = 10;

impl Values {
    pub fn new(sd_percent: f64, slower: Slower, asked: Asked) -> Self {
        Self { sd: sd_percent / 100.0, slower, slow: (0.0, 0.0), known: true, asked }
    }

    pub fn load(&self) -> String {
        let sd = format!("start values, {} % apart", percent(self.sd));
        match self.slow {
            (baseline, _) if baseline > 0.0 && !self.known => format!("{sd}, history unaware"),
            _ => sd,
        }
    }
}

/// Plays and judges one gate.
pub fn play(values: &Values, rng: &mut ChaCha8Rng) -> Played {
    let mut world = World { values: *values, rng };
    let history = world.history();
    let now = world.attempt();
    let policy = values.asked.policy();
    let planned = Plan::new(&history, SHAPE, &policy).pairs;
    let found = judged(&World::rules(&history, planned, &policy), &[], &now);
    Played::compared(&found, spent(&found))
}

/// GPU time, minutes.
pub fn spent(found: &Comparison) -> f64 {
    let checks = found.starts.seen.saturating_sub(found.looks);
    minutes(found.looks, (0..checks).map(|_| 1), CLOSED_S)
}

impl<'a> World<'a> {
    pub const fn new(values: Values, rng: &'a mut ChaCha8Rng) -> Self {
        Self { values, rng }
    }

    pub fn rules<'r>(
        history: &'r [PastRun],
        planned: usize,
        policy: &'r crate::judge::Policy,
    ) -> Rules<'r> {
        Rules { history, shape: SHAPE, planned, sampling: Sampling::Starts, unseen: 0, policy }
    }

    /// Five runs of three starts a side, which passed: 20 degrees of freedom, of which twelve count,
    /// and the 30 starts of the study's baseline.
    pub fn history(&mut self) -> Vec<PastRun> {
        let share = if self.values.known { self.values.slow.0 } else { 0.0 };
        let mut side = || (0..3).map(|_| self.start(None, share)).collect::<Vec<_>>();
        (0..PAST_RUNS).map(|_| PastRun { sides: vec![side(), side()], passed: true }).collect()
    }

    /// As many starts as an attempt may use.
    pub fn attempt(&mut self) -> Taken {
        let Values { slower, slow: (baseline, candidate), .. } = self.values;
        let pairs = (0..MOST_PAIRS).map(|_| Pair {
            baseline: self.start(None, baseline),
            candidate: self.start(Some(slower), candidate),
        });
        let pairs = pairs.collect();
        let checks = (0..MOST_CHECKS).map(|_| self.start(Some(slower), candidate)).collect();
        Taken { pairs, checks, decision: None }
    }

    fn start(&mut self, slower: Option<Slower>, share: f64) -> StartSummary {
        let common = self.normal();
        let slow = if self.rng.random::<f64>() < share { SLOW.ln_1p() } else { 0.0 };
        let metrics = METHOD.into_iter().filter(|m| *m != Metric::ErrorRate);
        let values = metrics.map(|metric| {
            let shift = slower.map_or(0.0, |slower| slower.shift(metric));
            let noise = COMMON.sqrt() * common + (1.0 - COMMON).sqrt() * self.normal();
            (metric, shift + slow + self.values.sd * times(metric) * noise)
        });
        StartSummary { values: values.collect(), n: 900, ..StartSummary::default() }
    }

    fn normal(&mut self) -> f64 {
        StandardNormal.sample(self.rng)
    }
}

impl Slower {
    fn shift(self, metric: Metric) -> f64 {
        match self {
            Self::All(by) => by.ln_1p(),
            Self::Tpot(by) if metric == TPOT => by.ln_1p(),
            Self::Tpot(_) => 0.0,
        }
    }
}

/// Noise of a metric by that of TPOT: what the engine shows in a closed loop.
fn times(metric: Metric) -> f64 {
    match metric.method() {
        Some(row) if row.margin.is_some() => 1.0,
        Some(row) => 0.6 * row.d_min / 0.03,
        None => 0.0,
    }
}
