//! Where the share of good requests falls through the goal: a falling curve over the logarithm of
//! the load, fitted to the rounds so far, with what they leave open.
//!
//! The logit of a round's share falls with the log of the load, and scatters about that line by as
//! much at every load: rounds of one load differ by far more than their requests alone would, since
//! a burst of arrivals spoils many in a row, as if the load were another (a logistic-normal
//! binomial; Aitchison and Shen 1980). What falls through the goal is the mean share, not that of
//! the line. Limit, slope and scatter are summed over a grid (as adaptive psychometric methods do:
//! Kontsevich and Tyler 1999), so there is no randomness. Not here: what to measure next
//! (`search`).

use super::{Limit, Trial};
/// Slopes of the logit over the log of the load: a server's share falls from 99 % to 50 % between
/// 8 % and twice the load. The weight is log-normal about the middle.
const SLOPES: [f64; 9] = [3.5, 5.0, 7.0, 10.0, 14.0, 20.0, 28.0, 40.0, 56.0];
const USUAL_SLOPE: f64 = 14.0;
const SLOPE_SD: f64 = 0.8;
/// Standard deviations of a round's logit about the line; each is as likely beforehand.
const SCATTERS: [f64; 7] = [0.2, 0.35, 0.55, 0.8, 1.1, 1.5, 2.2];
/// Points of the grid over loads, first over all that is thinkable and then over what is left.
const POINTS: usize = 81;
/// Logs of load beyond the measured ones that are thinkable.
const BEYOND: f64 = 0.7;
/// Rounds at loads further than this from the crossing tell nothing of it.
const NEAR: f64 = 0.6;
/// The table of a round's likelihood over the logit.
const FARTHEST: f64 = 12.0;
const CELLS: usize = 320;
const CELL: f64 = 2.0 * FARTHEST / CELLS as f64;
/// Shares of the most likely, and of anything.
const UNLIKELY: f64 = 1e-6;
const IMPOSSIBLE: f64 = 1e-300;
/// Of the credible interval, on each side.
const TAIL: f64 = 0.025;
const CERTAIN: f64 = 1.96;
/// What is so unlikely is off the finer grid, on each side.
const NEGLIGIBLE: f64 = 1e-4;

/// How likely each load is to be the limit.
struct Posterior {
    logs: Vec<f64>,
    weights: Vec<f64>,
    slope: f64,
}

/// The limit with its interval, and the slope of the logit there. `start_sd`: of the log of the
/// limit between starts, of which the rounds saw `starts`. None without rounds.
pub fn fit(trials: &[Trial], goal: f64, start_sd: f64) -> Option<(Limit, f64)> {
    let crossing = crossing(trials, goal)?;
    let near: Vec<&Trial> =
        trials.iter().filter(|t| (t.offered.ln() - crossing).abs() <= NEAR).collect();
    let tables: Vec<Table> = near.iter().map(|t| Table::new(t)).collect();
    let (low, high) = near
        .iter()
        .map(|t| t.offered.ln())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| (l.min(x), h.max(x)));
    let first = Posterior::over(&tables, goal, (low - BEYOND, high + BEYOND))?;
    let room = (first.quantile(NEGLIGIBLE), first.quantile(1.0 - NEGLIGIBLE));
    let step = (high - low + 2.0 * BEYOND) / (POINTS - 1) as f64;
    let fine = Posterior::over(&tables, goal, (room.0 - step, room.1 + step))?;
    let mut starts: Vec<u32> = near.iter().map(|t| t.start).collect();
    starts.sort_unstable();
    starts.dedup();
    let of_starts = CERTAIN * start_sd / (starts.len() as f64).sqrt();
    let at = fine.quantile(0.5);
    let wider = |side: f64| (side.powi(2) + of_starts.powi(2)).sqrt();
    let (low, high) =
        (at - wider(at - fine.quantile(TAIL)), at + wider(fine.quantile(1.0 - TAIL) - at));
    Some((Limit { at: at.exp(), low: low.exp(), high: high.exp() }, fine.slope))
}

/// The log of the load at which the monotone fit (pool adjacent violators) falls through the goal;
/// the outermost load where it never does.
fn crossing(trials: &[Trial], goal: f64) -> Option<f64> {
    let fitted = super::monotone(trials);
    let below = fitted.iter().rev().find(|(_, share)| *share >= goal).map(|(load, _)| load.ln());
    let above = fitted.iter().find(|(_, share)| *share < goal).map(|(load, _)| load.ln());
    match (below, above) {
        (Some(below), Some(above)) => Some(f64::midpoint(below, above)),
        (one, other) => one.or(other),
    }
}

/// Log-likelihood of a round over the logit of the line, for each scatter.
struct Table {
    log: f64,
    values: Vec<Vec<f64>>,
}

impl Table {
    fn new(trial: &Trial) -> Self {
        let (met, all) = (trial.met as f64, trial.scheduled as f64);
        // Of the requests alone, from the most likely logit: what is far from it adds nothing.
        let alone = |i: usize| met * share(logit(i)).ln() + (all - met) * share(-logit(i)).ln();
        let most = (0..=CELLS).map(alone).fold(f64::NEG_INFINITY, f64::max);
        let likely: Vec<(f64, f64)> = (0..=CELLS)
            .map(|i| (logit(i), (alone(i) - most).exp()))
            .filter(|(_, weight)| *weight > UNLIKELY)
            .collect();
        let row = |scatter: f64| {
            let at = |i: usize| {
                let density = |x: f64| (-((x - logit(i)) / scatter).powi(2) / 2.0).exp() / scatter;
                likely.iter().map(|(x, weight)| weight * density(*x)).sum::<f64>().max(IMPOSSIBLE)
            };
            (0..=CELLS).map(|i| at(i).ln()).collect()
        };
        Self { log: trial.offered.ln(), values: SCATTERS.iter().map(|s| row(*s)).collect() }
    }

    fn at(&self, scatter: usize, logit: f64) -> f64 {
        let place = (logit.clamp(-FARTHEST, FARTHEST) + FARTHEST) / CELL;
        let cell = super::floor(place).min(CELLS - 1);
        let part = place - cell as f64;
        let row = &self.values[scatter];
        row[cell] * (1.0 - part) + row[cell + 1] * part
    }
}

/// Of a cell.
fn logit(i: usize) -> f64 {
    CELL * i as f64 - FARTHEST
}

fn share(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

/// Of the line where the mean share of rounds that scatter so is `goal`.
fn line_at(goal: f64, scatter: f64) -> f64 {
    let mean = |line: f64| {
        let (mut sum, mut all) = (0.0, 0.0);
        for i in 0..=CELLS {
            let density = (-((logit(i) - line) / scatter).powi(2) / 2.0).exp();
            sum += density * share(logit(i));
            all += density;
        }
        sum / all
    };
    let (mut low, mut high) = (-FARTHEST, FARTHEST);
    for _ in 0..40 {
        let middle = f64::midpoint(low, high);
        if mean(middle) < goal { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

impl Posterior {
    fn over(tables: &[Table], goal: f64, (low, high): (f64, f64)) -> Option<Self> {
        let lines = SCATTERS.map(|scatter| line_at(goal, scatter));
        let step = (high - low) / (POINTS - 1) as f64;
        let logs: Vec<f64> = (0..POINTS).map(|i| low + step * i as f64).collect();
        let mut cells = Vec::with_capacity(POINTS * SLOPES.len() * SCATTERS.len());
        for (point, log) in logs.iter().enumerate() {
            for slope in SLOPES {
                let unusual = (slope / USUAL_SLOPE).ln() / SLOPE_SD;
                for (scatter, line) in lines.iter().enumerate() {
                    let expected = |t: &Table| t.at(scatter, line - slope * (t.log - log));
                    let seen: f64 = tables.iter().map(expected).sum();
                    cells.push((point, slope, seen - unusual * unusual / 2.0));
                }
            }
        }
        let most = cells.iter().map(|c| c.2).fold(f64::NEG_INFINITY, f64::max);
        let (mut weights, mut slopes, mut total) = (vec![0.0; POINTS], 0.0, 0.0);
        for (point, slope, log) in cells {
            let weight = (log - most).exp();
            weights[point] += weight;
            slopes += weight * slope.ln();
            total += weight;
        }
        (total > 0.0 && total.is_finite()).then(|| Self {
            logs,
            weights: weights.iter().map(|w| w / total).collect(),
            slope: (slopes / total).exp(),
        })
    }

    fn quantile(&self, share: f64) -> f64 {
        let mut sum = 0.0;
        for (i, weight) in self.weights.iter().enumerate() {
            if sum + weight >= share {
                let step = self.logs[1] - self.logs[0];
                let part = if *weight > 0.0 { (share - sum) / weight } else { 0.5 };
                return self.logs[i] + step * (part - 0.5);
            }
            sum += weight;
        }
        self.logs[self.logs.len() - 1]
    }
}
