//! What a record says twice must be the same both times: the columns are what is judged, and
//! whatever stands beside them in words, counts and rates is held against them.
//!
//! Not here: what no run can have measured (`check`). Metrics of times are not compared: the reader
//! makes them anew (`record::recompute`).

use std::collections::BTreeMap;

use crate::measure::columns::Columns;
use crate::measure::histogram::Gaps;
use crate::record::{LoadFacts, RoundRecord, WorkloadRecord};
use crate::timeline::OutcomeKind;

/// Rates of whole numbers of requests: what is beyond this is another number.
const RATE_TOLERANCE: f64 = 1e-6;
/// A histogram of three digits, and times of whole microseconds.
const DIGITS: f64 = 0.002;
/// Two roundings to whole microseconds.
const ROUNDED_US: u64 = 2;
const OPEN: [&str; 5] = ["poisson", "constant", "gamma", "ramp", "trace"];
const ERROR_RATE: &str = "error_rate_ratio";

/// Errors: the first two parts of a workload that contradict each other.
pub fn workload(workload: &WorkloadRecord) -> Result<(), String> {
    let load = &workload.load;
    let arrival = load.arrival.to_ascii_lowercase();
    let said_open = OPEN.iter().any(|word| arrival.starts_with(word));
    if load.open_loop && arrival.starts_with("closed loop") || !load.open_loop && said_open {
        return Err(format!(
            "its arrivals are {:?}, and open_loop is {}",
            load.arrival, load.open_loop
        ));
    }
    let keyed = workload.fingerprint.0.get("protocol");
    if let Some(protocol) = keyed.filter(|protocol| **protocol != load.protocol) {
        return Err(format!(
            "its fingerprint says protocol {protocol:?}, and its load says {:?}",
            load.protocol
        ));
    }
    let whole = workload.rounds().map(|(_, round)| &round.columns);
    let (failed, all) =
        whole.fold((0, 0), |(failed, all), c| (failed + c.len() - c.completed(), all + c.len()));
    rate("pooled", &workload.pooled, failed, all)
}

/// Errors: the first two parts of a round that contradict each other.
pub fn round(round: &RoundRecord, load: &LoadFacts, gaps: &Gaps) -> Result<(), String> {
    let columns = &round.columns;
    rate("metrics", &round.metrics, columns.len() - columns.completed(), columns.len())?;
    outcomes(round)?;
    // Of a shard's few requests most may be of the first wave.
    let most = if round.shard.is_some() { columns.len() } else { columns.len() / 2 };
    if round.ramp > 0 && (load.open_loop || round.ramp as usize > most) {
        return Err(format!(
            "{} requests are left out as a ramp, which no round of this load leaves out",
            round.ramp
        ));
    }
    (0..columns.len()).try_for_each(|i| {
        row(columns, i, load.streaming).map_err(|why| format!("request {i}: {why}"))
    })?;
    self::gaps(round, load, gaps)?;
    duration(round)
}

fn rate(
    what: &str,
    stored: &BTreeMap<String, f64>,
    failed: usize,
    all: usize,
) -> Result<(), String> {
    let Some(stored) = stored.get(ERROR_RATE).filter(|_| all > 0) else { return Ok(()) };
    let ours = failed as f64 / all as f64;
    if (stored - ours).abs() <= RATE_TOLERANCE {
        return Ok(());
    }
    Err(format!("{what} has {ERROR_RATE} {stored}, and {failed} of {all} requests failed"))
}

/// Each failure is counted where failures are listed, and in its second.
fn outcomes(round: &RoundRecord) -> Result<(), String> {
    let mut listed: BTreeMap<&str, u64> = BTreeMap::new();
    for error in &round.errors {
        *listed.entry(error.kind.split(' ').next().unwrap_or_default()).or_default() += error.count;
    }
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    for outcome in
        round.columns.outcome.iter().filter(|outcome| **outcome != OutcomeKind::Completed)
    {
        *seen.entry(outcome.name()).or_default() += 1;
    }
    if listed != seen {
        return Err(format!("its errors are {listed:?}, and its requests ended {seen:?}"));
    }
    let of = |column: &[u32]| column.iter().map(|n| u64::from(*n)).sum::<u64>();
    let failed = seen.values().sum::<u64>();
    let completed = round.columns.len() as u64 - failed;
    // A series may be cut, and who never began has no second.
    if of(&round.series.completed) > completed || of(&round.series.failed) > failed {
        return Err(format!(
            "its series count more ends than the {completed} completed and {failed} failed requests have"
        ));
    }
    Ok(())
}

fn row(columns: &Columns, i: usize, streaming: bool) -> Result<(), String> {
    let (first, last) = (columns.ttft_us.at(i), columns.e2e_us.at(i));
    if columns.outcome[i] != OutcomeKind::Completed {
        let timed = first.or(last).or(columns.ttfa_us.at(i)).or(columns.max_gap_us.at(i));
        return timed.map_or(Ok(()), |_| {
            Err(format!("it has times of an answer, and ended {}", columns.outcome[i].name()))
        });
    }
    let Some((first, last)) = first.zip(last) else { return Ok(()) };
    let gap = columns.max_gap_us.at(i);
    if !streaming
        && (last > first.saturating_add(ROUNDED_US) || gap.is_some() || columns.events[i] > 1)
    {
        return Err("its output came in parts, and load.streaming is false".into());
    }
    if gap.is_some_and(|gap| gap > (last - first).saturating_add(ROUNDED_US)) {
        return Err("its largest gap is longer than its whole output".into());
    }
    if columns.ttfa_us.at(i).is_some_and(|answer| {
        answer.saturating_add(ROUNDED_US) < first || answer > last + ROUNDED_US
    }) {
        return Err("its first answer token is not between its first output and its last".into());
    }
    Ok(())
}

fn gaps(round: &RoundRecord, load: &LoadFacts, gaps: &Gaps) -> Result<(), String> {
    let columns = &round.columns;
    let events = (0..columns.len())
        .filter(|&i| columns.outcome[i] == OutcomeKind::Completed)
        .map(|i| u64::from(columns.events[i]));
    let most: u64 = events.map(|n| n.saturating_sub(1)).sum();
    if gaps.len() > most || !load.streaming && gaps.len() > 0 {
        return Err(format!("it has {} chunk gaps, and its answers have {most}", gaps.len()));
    }
    let Some(p99) = round.chunk_gap_p99_ms else { return Ok(()) };
    let bounds = gaps.quantile_ms(0.98).zip(gaps.min_max_ms().map(|(_, most)| most));
    if bounds.is_some_and(|(low, high)| {
        p99 >= low * (1.0 - DIGITS) - 0.001 && p99 <= high * (1.0 + DIGITS) + 0.001
    }) {
        return Ok(());
    }
    Err(format!("chunk_gap_p99_ms is {p99}, which its histogram of chunk gaps does not have"))
}

/// A round lasts from its first start to its last end: shorter, and every rate would be too high.
fn duration(round: &RoundRecord) -> Result<(), String> {
    let columns = &round.columns;
    let started = |i: &usize| columns.start_us.at(*i);
    let ends = (0..columns.len())
        .filter_map(|i| Some(columns.start_us.at(i)? + columns.e2e_us.at(i)?))
        .max();
    let first = (0..columns.len()).filter_map(|i| started(&i)).min();
    match first.zip(ends).map(|(first, last)| last.saturating_sub(first)) {
        Some(least) if round.duration_us.saturating_add(ROUNDED_US) < least => {
            Err(format!("duration_us is {}, and its requests took {least}", round.duration_us))
        }
        _ => Ok(()),
    }
}
