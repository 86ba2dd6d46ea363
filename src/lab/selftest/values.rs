//! Interleaved gates on start values that are drawn at random, without an engine: a thousand times
//! as fast, so that rows may have many gates.
//!
//! Starts are normal; what the metrics of one start have in common, and what each has of its own, is
//! as in the study's published cases. What makes a start slow is put in by hand. Not here: rounds,
//! requests, seeds (`gate` has them).

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
        let Values { known, slow, .. } = self.values;
        let share = if known { slow.0 } else { 0.0 };
        let mut side = || (0..3).map(|_| self.start(None, share)).collect::<Vec<_>>();
        let run = |_| PastRun { sides: vec![side(), side()], passed: true };
        (0..PAST_RUNS).map(run).collect()
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
            let noise = self.values.sd * common + own_sd(metric) * self.normal();
            (metric, shift + slow + noise)
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

/// Standard deviation of what a metric does beside TPOT, as a fraction: within the sides of the
/// histories of the study's published cases in a closed loop (348 degrees of freedom), whatever the
/// noise between starts. TPOT and E2E are nearly one number there.
const fn own_sd(metric: Metric) -> f64 {
    match metric {
        Metric::Timing(Timing::Ttft, Stat::Geomean) => 0.0044,
        Metric::Timing(Timing::Ttft, Stat::P50) => 0.0105,
        Metric::Timing(Timing::Ttft, Stat::P95) => 0.0183,
        Metric::Timing(Timing::Ttft, Stat::P99) => 0.0157,
        Metric::Timing(Timing::Tpot, Stat::P95) => 0.0045,
        Metric::Timing(Timing::E2e, Stat::Geomean) => 0.0003,
        Metric::Timing(Timing::E2e, Stat::P95) => 0.0025,
        Metric::Timing(Timing::ChunkGap, Stat::P99) => 0.0235,
        Metric::OutputTokenRate => 0.0021,
        _ => 0.0,
    }
}
