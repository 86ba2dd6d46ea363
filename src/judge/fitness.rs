//! Is an interleaved measurement fit to compare? The checks (docs/METHODOLOGY.md#fit-to-compare),
//! and the pairing of its rounds.
//!
//! Not here: whether one side's measurement is valid in itself (`measure`), or which fingerprint
//! fields must match.

use std::collections::{BTreeMap, BTreeSet};

use crate::judge::interleaved::Attempt;
use crate::judge::reason::{PairingReason, Side};
use crate::judge::work::Work;
use crate::measure::Round;

/// One start of both sides: rounds that have a partner, in the same order.
#[derive(Clone, Debug, Default)]
pub struct StartPair<'a> {
    pub baseline: Vec<&'a Round>,
    pub candidate: Vec<&'a Round>,
}

/// What is left to judge.
#[derive(Clone, Debug)]
pub struct Fit<'a> {
    /// By start index.
    pub starts: Vec<StartPair<'a>>,
    pub warnings: Vec<PairingReason>,
}

type Pair<'a> = (&'a Round, &'a Round);

/// Starts that have a pair to judge, ascending: rounds of both sides whose baseline did not fail
/// completely.
pub fn usable(input: &Attempt<'_>) -> Vec<u32> {
    let pairs = partners(input.baseline, input.candidate);
    let starts: BTreeSet<u32> =
        pairs.iter().filter(|(b, _)| !failed_completely(b)).map(|(b, _)| b.start).collect();
    starts.into_iter().collect()
}

/// The start pairs whose index is at most `last`, or why there is no comparison of them.
///
/// Nothing of later starts is looked at, so that a stored run is judged as it was while it was
/// measured.
pub fn prepare<'a>(
    input: &Attempt<'a>,
    differing: &[String],
    last: u32,
) -> Result<Fit<'a>, PairingReason> {
    if !differing.is_empty() {
        return Err(PairingReason::FieldsDiffer { fields: differing.to_vec() });
    }
    let within =
        |rounds: &'a [Round]| rounds.iter().filter(|r| r.start <= last).collect::<Vec<&Round>>();
    let (baseline, candidate) = (within(input.baseline), within(input.candidate));
    let pairs = paired(&baseline, &candidate)?;
    same_work(&pairs)?;
    interleaved_in_time(&pairs)?;
    let all_dead = baseline.iter().filter(|b| failed_completely(b)).count();
    if all_dead * 4 > baseline.len() {
        return Err(PairingReason::BaselineFailed {
            rounds: all_dead as u64,
            of: baseline.len() as u64,
        });
    }
    let (dead, alive): (Vec<Pair<'_>>, Vec<Pair<'_>>) =
        pairs.iter().partition(|(b, _)| failed_completely(b));
    let mut warnings = Vec::new();
    if !dead.is_empty() {
        warnings.push(PairingReason::FailedRoundsDropped { rounds: dead.len() as u64 });
    }
    let unpaired = baseline.len().max(candidate.len()) - pairs.len();
    if unpaired > 0 {
        warnings.push(PairingReason::UnpairedRoundsDropped { rounds: unpaired as u64 });
    }
    let mut starts: BTreeMap<u32, StartPair<'_>> = BTreeMap::new();
    for (baseline, candidate) in alive {
        let pair = starts.entry(baseline.start).or_default();
        pair.baseline.push(baseline);
        pair.candidate.push(candidate);
    }
    Ok(Fit { starts: starts.into_values().collect(), warnings })
}

/// Partners by start and seed, in the baseline's order.
fn partners<'a>(
    baseline: impl IntoIterator<Item = &'a Round>,
    candidate: impl IntoIterator<Item = &'a Round>,
) -> Vec<Pair<'a>> {
    let mut partners: BTreeMap<(u32, u64), &Round> =
        candidate.into_iter().map(|r| ((r.start, r.seed), r)).collect();
    baseline
        .into_iter()
        .filter_map(|b| partners.remove(&(b.start, b.seed)).map(|c| (b, c)))
        .collect()
}

/// The partners, if at least half of the rounds have one.
fn paired<'a>(
    baseline: &[&'a Round],
    candidate: &[&'a Round],
) -> Result<Vec<Pair<'a>>, PairingReason> {
    let pairs = partners(baseline.iter().copied(), candidate.iter().copied());
    let rounds = baseline.len().max(candidate.len());
    if pairs.is_empty() || pairs.len() * 2 < rounds {
        return Err(PairingReason::FewPartners {
            pairs: pairs.len() as u64,
            rounds: rounds as u64,
        });
    }
    Ok(pairs)
}

/// Output tokens of requests that completed on both sides.
fn same_work(pairs: &[Pair<'_>]) -> Result<(), PairingReason> {
    let mut counts: Vec<(f64, f64)> = Vec::new();
    for (b, c) in pairs {
        for (rb, rc) in b.rows.iter().zip(&c.rows) {
            if let (true, Some(nb), Some(nc)) = (rb.ok && rc.ok, rb.output_tokens, rc.output_tokens)
            {
                counts.push((f64::from(nb), f64::from(nc)));
            }
        }
    }
    if let Some(work) = Work::paired(&counts).filter(Work::differs) {
        return Err(PairingReason::OtherWork { change: work.change() });
    }
    Ok(())
}

/// Drift of the machine cancels only if each side goes first often enough. With one server at a
/// time, or one round per start, it takes a second start pair, in the other order.
fn interleaved_in_time(pairs: &[Pair<'_>]) -> Result<(), PairingReason> {
    let first = pairs.iter().filter(|(b, c)| c.order < b.order).count();
    let share = first as f64 / pairs.len() as f64;
    if (0.2..=0.8).contains(&share) {
        return Ok(());
    }
    let starts: BTreeSet<u32> = pairs.iter().map(|(b, _)| b.start).collect();
    Err(match starts.len() {
        1 => PairingReason::OneOrder {
            first: if first == 0 { Side::Baseline } else { Side::Candidate },
        },
        _ => PairingReason::UnevenOrder { first: share },
    })
}

fn failed_completely(round: &Round) -> bool {
    let (n, bad) = round.counts();
    n == bad
}
