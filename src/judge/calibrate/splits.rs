//! False alarms by resampling: starts of unchanged code, split into baseline and candidate in every
//! way and judged.
//!
//! Not here: fitness of rounds; the splits are judged by their start summaries, as the looks are.

use crate::judge::history::MOST_OF_A_SIDE;
use crate::judge::interleaved::{self, Rules, Sampling, Taken};
use crate::judge::look::Pair;
use crate::judge::{Decision, Policy, Session, dist, history};
use crate::measure::summary::{Shape, StartSummary};

/// Above this many splits a subset is judged.
const MOST_SPLITS: u64 = 2000;

/// What the gate says of splits of unchanged code.
#[derive(Clone, Debug, PartialEq)]
pub struct FalseAlarms {
    /// Start pairs of each split: up to 3.
    pub pairs: usize,
    /// Splits judged: ordered choices of baseline and candidate starts, since looks stop early.
    pub splits: u64,
    /// All that there are; else a fixed subset of them, spread evenly.
    pub exhaustive: bool,
    /// Judged REGRESSION, and PASS; the rest is INCONCLUSIVE.
    pub alarms: u64,
    pub passes: u64,
    /// Alarms over splits.
    pub rate: f64,
    /// Clopper-Pearson, 95 %, as if the splits were independent.
    pub interval: (f64, f64),
    /// Splits that share no start: what is truly independent.
    pub disjoint: usize,
    pub words: String,
}

/// None below two starts. Starts that a split does not use are its history, from two on.
pub fn false_alarms(starts: &[StartSummary], shape: Shape, policy: &Policy) -> Option<FalseAlarms> {
    let pairs = (starts.len() / 2).min(3);
    let chosen = 2 * pairs;
    let total = arrangements(starts.len(), chosen).filter(|_| pairs > 0)?;
    let splits = total.min(MOST_SPLITS);
    let stride = stride(total, splits);
    let (mut alarms, mut passes) = (0, 0);
    for i in 0..splits {
        let rank = u128::from(i) * u128::from(stride) % u128::from(total);
        let order = arrangement(u64::try_from(rank).ok()?, starts.len(), chosen);
        match judged(starts, &order, shape, policy) {
            Decision::Regression => alarms += 1,
            Decision::Pass => passes += 1,
            Decision::Inconclusive | Decision::Incomplete => {}
        }
    }
    let interval = clopper_pearson(alarms, splits)?;
    let disjoint = starts.len() / chosen;
    Some(FalseAlarms {
        pairs,
        splits,
        exhaustive: splits == total,
        alarms,
        passes,
        rate: alarms as f64 / splits as f64,
        interval,
        disjoint,
        words: split_words(starts.len(), pairs, splits, total, disjoint),
    })
}

/// A split: even places of the order are the baseline, odd ones the candidate.
fn judged(starts: &[StartSummary], order: &[usize], shape: Shape, policy: &Policy) -> Decision {
    let pair = |both: &[usize]| Pair {
        baseline: starts[both[0]].clone(),
        candidate: starts[both[1]].clone(),
    };
    let pairs: Vec<Pair> = order.chunks_exact(2).map(pair).collect();
    let rest: Vec<usize> = (0..starts.len()).filter(|i| !order.contains(i)).collect();
    let side =
        rest.iter().rev().take(MOST_OF_A_SIDE).map(|&i| starts[i].clone()).collect::<Vec<_>>();
    let known = Session { starts: side, ..Session::default() };
    let history = if known.starts.len() >= 2 { history::centred(&[known]).0 } else { vec![] };
    let (planned, sampling, unseen) = (pairs.len(), Sampling::Pairs, 0);
    let rules = Rules { history: &history, shape, planned, sampling, unseen, policy };
    interleaved::play(&rules, &[], &Taken { pairs, ..Taken::default() }).decision
}

/// Ordered choices of `chosen` out of `n`.
fn arrangements(n: usize, chosen: usize) -> Option<u64> {
    (n + 1 - chosen..=n).try_fold(1_u64, |product, factor| product.checked_mul(factor as u64))
}

/// The choice of that rank in lexicographic order.
fn arrangement(rank: u64, n: usize, chosen: usize) -> Vec<usize> {
    let mut left: Vec<usize> = (0..n).collect();
    let (mut order, mut rank) = (Vec::new(), rank);
    for place in 0..chosen {
        let behind = arrangements(n - place - 1, chosen - place - 1).unwrap_or(1).max(1);
        let index = usize::try_from(rank / behind).unwrap_or(0).min(left.len() - 1);
        order.push(left.remove(index));
        rank %= behind;
    }
    order
}

/// Step through the ranks of a subset: the golden section spreads any number of steps evenly, and a
/// step without a common factor visits none twice.
fn stride(total: u64, splits: u64) -> u64 {
    if splits == total {
        return 1;
    }
    let golden = total / 1_000 * 618 + total % 1_000 * 618 / 1_000;
    (golden.max(1)..total).find(|&step| gcd(step, total) == 1).unwrap_or(1)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Two-sided, 95 % (Clopper and Pearson 1934).
fn clopper_pearson(hits: u64, n: u64) -> Option<(f64, f64)> {
    let (x, rest) = (hits as f64, n.checked_sub(hits)? as f64);
    let low = if hits == 0 { 0.0 } else { dist::beta_quantile(0.025, x, rest + 1.0)? };
    let high = if hits == n { 1.0 } else { dist::beta_quantile(0.975, x + 1.0, rest)? };
    Some((low, high))
}

fn split_words(starts: usize, pairs: usize, splits: u64, total: u64, disjoint: usize) -> String {
    let which =
        if splits == total { format!("all {total}") } else { format!("{splits} of {total}") };
    let looks = if pairs == 1 { "; one pair convicts of nothing" } else { "" };
    format!(
        "{which} ordered splits of {starts} starts into {pairs} pair(s): they share starts and are not independent, so the interval is \
         narrower than what is known; {disjoint} of them can be disjoint{looks}"
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_rank_is_another_arrangement() {
        let all: BTreeSet<Vec<usize>> = (0..120).map(|rank| arrangement(rank, 5, 4)).collect();
        assert_eq!(
            (all.len(), arrangements(5, 4), arrangements(8, 6)),
            (120, Some(120), Some(20_160))
        );
        assert!(all.iter().all(|order| order.iter().collect::<BTreeSet<_>>().len() == 4));
        assert_eq!(
            (arrangement(0, 6, 4), arrangement(119, 5, 4)),
            (vec![0, 1, 2, 3], vec![4, 3, 2, 1])
        );
    }

    #[test]
    fn a_subset_visits_no_split_twice_and_every_start_about_as_often() {
        let (total, step) = (20_160, stride(20_160, 2000));
        let ranks: BTreeSet<u64> = (0..2000).map(|i| i * step % total).collect();
        assert_eq!(ranks.len(), 2000);
        let mut seen = [[0; 8]; 6];
        for order in ranks.iter().map(|&rank| arrangement(rank, 8, 6)) {
            order.iter().enumerate().for_each(|(place, &start)| seen[place][start] += 1);
        }
        assert!(seen.iter().flatten().all(|&n| (150..350).contains(&n)), "{seen:?}");
    }

    #[test]
    fn intervals_are_clopper_and_pearsons() {
        let (low, high) = clopper_pearson(0, 20).expect("defined");
        // The closed form: 1 - 0.025^(1/20).
        assert!(low.abs() < 1e-15 && (high - (1.0 - 0.025f64.powf(0.05))).abs() < 1e-9);
        let (low, high) = clopper_pearson(5, 20).expect("defined");
        assert!((low - 0.086_571).abs() < 1e-5 && (high - 0.491_046).abs() < 1e-5, "{low} {high}");
    }
}
