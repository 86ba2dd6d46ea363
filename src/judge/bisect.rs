//! Which commit made it slow: the posterior over a first-parent range (issue 14, item 4).
//!
//! Hypotheses are every commit, as the one that changed the level, and none. Under each the starts
//! fall into two groups of one normal distribution each, with the same variance; both means are
//! marginalised, and the variance has what the history knows of it as its prior, so that the
//! likelihood is Student's t. Means that are plugged in claim 95 % and hold 89 %. One step is
//! assumed: several of them are found by `explained`, once the culprit is known.
//!
//! Not here: building, measuring, and the gate at both ends that comes first.

use serde::{Deserialize, Serialize};

use crate::judge::dist;
use crate::judge::history::Variation;
use crate::judge::level::{Line, Rule, pass_tail};
use crate::measure::stats::mean;

/// Found: nothing else is worth a hundredth.
pub const FOUND: f64 = 0.99;
/// The window that is shown where the budget ends first.
pub const WINDOW: f64 = 0.95;
/// Sizes of the step that are thought possible (logs): from nothing to 65 % slower. Its density is
/// what a change must earn against none.
const RANGE: f64 = 0.5;
/// Starts vary by this much at least (logs), as in every test of a time or a rate
/// (docs/METHODOLOGY.md#interleaved-test): a number that never varies is told apart all the same.
const FLOOR: f64 = 0.002;
/// A commit that is built already is taken where it parts the posterior nearly as evenly.
const NEARLY: f64 = 0.10;

/// A range of commits and what was measured of it. Position 0 is GOOD, the last one BAD.
#[derive(Clone, Debug, PartialEq)]
pub struct Bisect {
    /// By position: whether it can be measured; false where it does not build.
    measurable: Vec<bool>,
    /// Position and value (oriented log) of each start, those of both ends and of the anchor too.
    starts: Vec<(usize, f64)>,
    /// Start-to-start variation by the history.
    past: Variation,
}

/// What is known so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Posterior {
    /// By position; that of position 0 is `none`.
    pub mass: Vec<f64>,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// One fresh start of this position, with one of the anchor.
    Measure(usize),
    /// One of these positions (first and last) changed the level; they cannot be told apart where
    /// they are more than one.
    Found { first: usize, last: usize, mass: f64 },
    /// The level is the same at both ends after all.
    NoChange { mass: f64 },
    /// The budget is spent: it is within these positions, by 95 %.
    Window { first: usize, last: usize, mass: f64 },
}

impl Bisect {
    /// Of so many positions after GOOD; none without one.
    pub fn new(positions: usize, past: Variation) -> Option<Self> {
        let measurable = vec![true; positions + 1];
        (positions > 0).then(|| Self { measurable, starts: Vec::new(), past })
    }

    /// It does not build, or does not run.
    pub fn skip(&mut self, position: usize) {
        let ends = [0, self.last()];
        if let Some(measurable) = self.measurable.get_mut(position) {
            *measurable &= ends.contains(&position);
        }
    }

    /// A start; positions beyond the range are left out.
    pub fn observe(&mut self, position: usize, value: f64) {
        if position <= self.last() && value.is_finite() {
            self.starts.push((position, value));
        }
    }

    /// Position of BAD.
    pub fn last(&self) -> usize {
        self.measurable.len() - 1
    }

    /// Every commit and none are equally likely beforehand.
    pub fn posterior(&self) -> Posterior {
        let none = self.log_likelihood(None);
        let log: Vec<f64> = std::iter::once(none)
            .chain((1..=self.last()).map(|at| self.log_likelihood(Some(at))))
            .collect();
        let most = log.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weight: Vec<f64> = log.iter().map(|l| (l - most).exp()).collect();
        let sum: f64 = weight.iter().sum();
        Posterior { mass: weight.into_iter().map(|w| w / sum).collect() }
    }

    /// Log marginal likelihood: flat means (the step's over `RANGE`), the variance by the history.
    /// `culprit`: the first position of the new level.
    fn log_likelihood(&self, culprit: Option<usize>) -> f64 {
        let level = |slow: bool| {
            let side =
                self.starts.iter().filter(|(at, _)| culprit.is_some_and(|c| *at >= c) == slow);
            Group::around_mean(side.map(|(_, value)| *value))
        };
        let mut groups = vec![level(false), level(true)];
        groups.retain(|group| group.n > 0.0);
        let free: f64 = groups.iter().map(|group| group.n - 1.0).sum();
        let ss: f64 = groups.iter().map(|group| group.ss).sum();
        let prior = if groups.len() > 1 { -RANGE.ln() } else { 0.0 };
        let df = free + self.past.df;
        // Where nothing tells the variation, nothing is told apart.
        if df <= 0.0 {
            return 0.0;
        }
        let means: f64 = groups.iter().map(|group| -group.n.ln() / 2.0).sum();
        let gamma = dist::log_gamma(df / 2.0).unwrap_or(0.0);
        let scale = f64::midpoint(self.past.ss, ss).max(df / 2.0 * FLOOR * FLOOR);
        prior + means + gamma - df / 2.0 * scale.ln() - free / 2.0 * std::f64::consts::TAU.ln()
    }

    /// What to do, with so many fresh starts left and these positions built already.
    pub fn next(&self, left: usize, built: &[usize]) -> Step {
        let posterior = self.posterior();
        let none = posterior.mass[0];
        if none >= FOUND {
            return Step::NoChange { mass: none };
        }
        let (first, last, mass) = self.best_cell(&posterior);
        if mass >= FOUND {
            return Step::Found { first, last, mass };
        }
        match self.median(&posterior, built) {
            Some(at) if left > 0 => Step::Measure(at),
            _ => posterior.window(),
        }
    }

    /// Positions that no measurable commit parts: the last of each cell is measurable.
    fn best_cell(&self, posterior: &Posterior) -> (usize, usize, f64) {
        let (mut best, mut first, mut mass) = ((1, 1, 0.0), 1, 0.0);
        for at in 1..=self.last() {
            mass += posterior.mass[at];
            if self.measurable[at] {
                if mass > best.2 {
                    best = (first, at, mass);
                }
                (first, mass) = (at + 1, 0.0);
            }
        }
        best
    }

    /// The measurable position that parts the posterior most evenly.
    fn median(&self, posterior: &Posterior, built: &[usize]) -> Option<usize> {
        let mut slow = 0.0;
        let mut parts: Vec<(usize, f64)> = Vec::new();
        for at in 1..=self.last() {
            slow += posterior.mass[at];
            if self.measurable[at] {
                parts.push((at, (slow - 0.5).abs()));
            }
        }
        let least = |all: &[(usize, f64)]| all.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1));
        let (best, uneven) = least(&parts)?;
        let ready: Vec<(usize, f64)> =
            parts.iter().copied().filter(|(at, _)| built.contains(at)).collect();
        let near = least(&ready).filter(|(_, own)| *own <= uneven + NEARLY);
        Some(near.map_or(best, |(at, _)| at))
    }
}

impl Posterior {
    /// The position that most likely changed the level, and how likely it is.
    pub fn likeliest(&self) -> (usize, f64) {
        let changes = self.mass.iter().copied().enumerate().skip(1);
        changes.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((1, 0.0))
    }

    /// The shortest run of positions with 95 % of what is not `none`.
    pub fn window(&self) -> Step {
        let changes = &self.mass[1..];
        let all: f64 = changes.iter().sum();
        let wanted = WINDOW * all;
        let mut best = (1, changes.len(), all);
        for from in 0..changes.len() {
            let mut mass = 0.0;
            for (to, own) in changes.iter().enumerate().skip(from) {
                mass += own;
                if mass >= wanted {
                    if to - from < best.1 - best.0 {
                        best = (from + 1, to + 1, mass);
                    }
                    break;
                }
            }
        }
        Step::Window { first: best.0, last: best.1, mass: best.2 }
    }
}

/// Starts of one level.
struct Group {
    n: f64,
    ss: f64,
}

impl Group {
    fn around_mean(values: impl Iterator<Item = f64>) -> Self {
        let (mut n, mut mean, mut ss) = (0.0, 0.0, 0.0);
        for value in values {
            n += 1.0;
            let before = value - mean;
            mean += before / n;
            ss += before * (value - mean);
        }
        Self { n, ss }
    }
}

/// Two groups of starts (oriented logs).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// Mean of BAD's less that of GOOD's: above zero is worse.
    pub mean: f64,
    /// Start-to-start variance within both and in the history, and its degrees of freedom.
    pub variance: f64,
    pub df: f64,
    /// Of the difference.
    pub se: f64,
}

impl Difference {
    /// None without a start on each side, or where nothing tells the variance.
    pub fn between(good: &[f64], bad: &[f64], past: Variation) -> Option<Self> {
        let mean = mean(bad)? - mean(good)?;
        let noise = Variation::within(good).plus(Variation::within(bad)).plus(past);
        let variance = noise.mean_square()?.max(FLOOR * FLOOR);
        let starts = 1.0 / good.len() as f64 + 1.0 / bad.len() as f64;
        Some(Self { mean, variance, df: noise.df, se: (variance * starts).sqrt() })
    }

    /// How many standard errors it is away from none.
    pub fn t(&self) -> f64 {
        self.mean / self.se
    }
}

/// What the ends of a range came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ends {
    /// BAD is slower.
    Slower,
    /// Whatever BAD is slower by, it is less than this was asked to find.
    Same,
    /// Neither can be said yet.
    Open,
}

/// The gate's rule for one number per start (docs/METHODOLOGY.md#interleaved): after so many pairs
/// of the planned ones, is a slowdown of `detect` there, or excluded?
pub fn ends(good: &[f64], bad: &[f64], planned: usize, detect: f64) -> Ends {
    let pairs = good.len().min(bad.len());
    let Some(found) = Difference::between(good, bad, Variation::default()) else {
        return Ends::Open;
    };
    if found.df < FEWEST_DF {
        return Ends::Open;
    }
    let p = dist::t_upper_tail(found.t(), found.df);
    let level = Line::new(Rule::Primary, planned, 1).level(pairs);
    let relevant = found.mean >= RELEVANT * detect;
    if relevant && p.is_some_and(|p| p <= level) {
        return Ends::Slower;
    }
    let bound =
        dist::t_upper_quantile(pass_tail(planned), found.df).map(|t| found.mean + t * found.se);
    match bound {
        Some(bound) if bound < detect && !relevant => Ends::Same,
        _ => Ends::Open,
    }
}

/// Share of `detect` that a difference must reach to count.
const RELEVANT: f64 = 0.6;
/// Fewer degrees of freedom convict nobody.
const FEWEST_DF: f64 = 4.0;

/// Positions of a first-parent range by their trees, GOOD's first: commits with the tree of the one
/// before them changed nothing. For each position the commits (by place) that it stands for.
pub fn positions<T: PartialEq>(trees: &[T]) -> Vec<Vec<usize>> {
    let mut all: Vec<Vec<usize>> = Vec::new();
    for (at, tree) in trees.iter().enumerate() {
        match all.last_mut() {
            Some(same) if same.last().is_some_and(|last| trees[*last] == *tree) => same.push(at),
            _ => all.push(vec![at]),
        }
    }
    all
}

/// About how many fresh starts it takes to part so many positions, where the ends differ by
/// `difference` and one start varies by `sd` (logs): the information that a start brings is that of
/// one bit sent through normal noise. None where nothing is to be seen.
pub fn expected_starts(positions: usize, difference: f64, sd: f64) -> Option<f64> {
    let bits = bits_per_start((difference / sd).abs())?;
    let sure = -(1.0 - FOUND).log2() * (1.0 - bits);
    (bits > 1e-3).then(|| ((positions as f64).log2() + sure) / bits)
}

/// 1 - E log2(1 + exp(-d^2 / 2 - d z)), by the trapezium rule.
fn bits_per_start(d: f64) -> Option<f64> {
    const STEPS: i32 = 400;
    const WIDTH: f64 = 8.0;
    let step = WIDTH / f64::from(STEPS);
    let lost: f64 = (-STEPS..=STEPS)
        .map(|i| {
            let z = f64::from(i) * step;
            let density = (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt();
            density * (-d * d / 2.0 - d * z).exp().ln_1p() / std::f64::consts::LN_2 * step
        })
        .sum();
    (d.is_finite()).then(|| (1.0 - lost).clamp(0.0, 1.0))
}

/// How much of the whole slowdown one commit explains (differences, logs): 1 is all of it. None
/// where there is no slowdown.
pub fn explained(culprit: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| culprit / whole)
}

#[cfg(test)]
mod tests;
