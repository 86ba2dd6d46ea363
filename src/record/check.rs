//! What a record or session from outside must not claim: names that leave their folder, impossible
//! times, loosened policies.
//!
//! Not here: the shape (serde refuses that), or whether a measurement is fit to be judged
//! (`measure::validity`).

mod agree;

use std::collections::{BTreeMap, BTreeSet};

use super::session::{Session, Start};
use super::shard::{MergedFacts, SHARD_MISSING};
use super::{LoadFacts, Record, RegressionPolicy, RoundRecord, StartRecord, WorkloadRecord};
use crate::config::{UNDER_TEST, is_workload_name};
use crate::evidence::gpu::RoundGpu;
use crate::fingerprint::Fingerprint;
use crate::measure::column::Column;
use crate::measure::columns::Columns;
use crate::measure::histogram::Gaps;
use crate::plan::shard::MAX_SHARDS;
use crate::timeline::Hidden;

/// A year, in microseconds: sums of so many stay far from overflow.
const LONGEST_US: u64 = 365 * 24 * 3_600_000_000;
/// More requests, or events of any kind, than any run has; sums of these stay far from overflow,
/// too.
const MOST: u64 = 1_000_000_000_000;
/// Natural log of a year in milliseconds is 24: no oriented value comes near.
const LARGEST_ORIENTED: f64 = 50.0;

/// Errors: the first claim that no run of this program makes.
pub fn record(record: &Record) -> Result<(), String> {
    word("session", &record.session)?;
    if let Some(git) = &record.git {
        word("git.commit", &git.commit)?;
        word("git.tree", &git.tree)?;
    }
    if let Some(field) = record.policy.under_test.iter().find(|f| !UNDER_TEST.contains(&f.as_str()))
    {
        return Err(format!(
            "policy.under_test names {field:?}, which no change may alter: one of {}",
            UNDER_TEST.join(", ")
        ));
    }
    if let Some(merged) = &record.merged {
        self::merged(merged, record)?;
    }
    let mut names = BTreeSet::new();
    for workload in &record.workloads {
        name(&workload.name)?;
        if !names.insert(&workload.name) {
            return Err(format!("two workloads are called {}", workload.name));
        }
        self::workload(workload).map_err(|why| format!("workload {}: {why}", workload.name))?;
    }
    Ok(())
}

/// A shard that is missing is told in every round.
fn merged(merged: &MergedFacts, record: &Record) -> Result<(), String> {
    let rounds = record.workloads.iter().flat_map(|w| &w.starts).flat_map(|s| &s.rounds);
    let told = |round: &RoundRecord| round.findings.iter().any(|f| f.check == SHARD_MISSING);
    let mut untold = rounds.filter(|round| !told(round));
    if merged.shards == 0 || merged.shards > MAX_SHARDS {
        return Err(format!("it is merged of {} shards", merged.shards));
    }
    if !merged.missing.is_empty() && untold.next().is_some() {
        return Err("shards are missing, and a round of it has no word of that".into());
    }
    Ok(())
}

/// Errors: as [`record`].
pub fn session(session: &Session) -> Result<(), String> {
    word("session", &session.session)?;
    word("commit", &session.commit)?;
    word("tree", &session.tree)?;
    name(&session.workload)?;
    fingerprint(&session.fingerprint)?;
    if session.starts.is_empty() {
        return Err("it has no start".into());
    }
    session.starts.iter().try_for_each(start_of_session)
}

fn start_of_session(start: &Start) -> Result<(), String> {
    let (rounds, seeds) = (start.rounds.len(), start.seeds.len());
    if seeds > 0 && seeds != rounds {
        return Err(format!("a start has {seeds} seeds for {rounds} rounds"));
    }
    start.rounds.iter().try_for_each(values)?;
    summary(start.requests, start.failed, &start.oriented)
}

/// One start's summary.
fn summary(requests: u64, failed: u64, oriented: &BTreeMap<String, f64>) -> Result<(), String> {
    if requests > MOST || failed > requests {
        return Err(format!("{failed} of {requests} requests failed: that cannot be"));
    }
    values(oriented)
}

fn values(oriented: &BTreeMap<String, f64>) -> Result<(), String> {
    match oriented.iter().find(|(_, v)| v.abs() > LARGEST_ORIENTED) {
        Some((metric, value)) => Err(format!(
            "oriented {metric} is {value}: that is no log of milliseconds, and no share"
        )),
        None => Ok(()),
    }
}

fn workload(workload: &WorkloadRecord) -> Result<(), String> {
    fingerprint(&workload.fingerprint)?;
    for (metric, said) in &workload.regressions {
        regression(metric, said.policy())?;
    }
    if let Some(limit) =
        workload.limits.iter().find(|l| l.max.into_iter().chain(l.min).any(|x| x < 0.0))
    {
        return Err(format!("limit on {} is negative", limit.metric));
    }
    for start in workload.history.iter().flat_map(|s| &s.starts) {
        summary(start.requests, start.failed, &start.oriented)
            .map_err(|why| format!("history: {why}"))?;
        start.centred.iter().try_for_each(values).map_err(|why| format!("history: {why}"))?;
    }
    starts(&workload.starts, &workload.load)?;
    starts(&workload.check_starts, &workload.load).map_err(|why| format!("check starts: {why}"))?;
    agree::workload(workload)
}

fn starts(all: &[StartRecord], load: &LoadFacts) -> Result<(), String> {
    let mut starts = BTreeSet::new();
    for start in all {
        if !starts.insert(start.index) {
            return Err(format!("two starts have index {}", start.index));
        }
        for round in &start.rounds {
            self::round(round, load)
                .map_err(|why| format!("start {}, round {}: {why}", start.index, round.index))?;
        }
    }
    Ok(())
}

fn regression(metric: &str, said: RegressionPolicy) -> Result<(), String> {
    for (what, ratio) in
        [("minimum relevant change", said.min_change_ratio), ("margin", said.margin_ratio)]
    {
        if let Some(ratio) = ratio.filter(|r| !(*r > 0.0 && *r < 1.0)) {
            return Err(format!("{what} of {metric} is {ratio}: it must be above 0 and below 1"));
        }
    }
    Ok(())
}

fn round(round: &RoundRecord, load: &LoadFacts) -> Result<(), String> {
    let columns = &round.columns;
    if !columns.is_rectangular() || round.ramp as usize > columns.len() {
        return Err("columns differ in length".into());
    }
    let client = [round.client.connections_opened, round.client.retries, round.client.unasked];
    let counts = round.errors.iter().map(|e| e.count).chain(client.into_iter().flatten());
    if round.duration_us > LONGEST_US
        || columns.times().into_iter().flat_map(Column::iter).flatten().any(|us| us > LONGEST_US)
    {
        return Err("a time is longer than a year".into());
    }
    if counts.into_iter().any(|n| n > MOST) {
        return Err("a count is beyond any run".into());
    }
    if let Some(i) = (0..columns.len()).find(|&i| impossible(columns, i)) {
        return Err(format!("request {i} took no time, or ended before its first output"));
    }
    if (0..columns.len()).any(|i| columns.output_tokens.at(i).is_some() && overdrawn(columns, i)) {
        return Err("a request hides more tokens than it has".into());
    }
    if !round.spoilt.iter().all(|spoilt| spoilt.is_possible(load)) {
        return Err("it was measured again for something else than the client's machine".into());
    }
    round.gpu.iter().try_for_each(RoundGpu::check)?;
    let gaps = Gaps::decode(&round.chunk_gaps_hdr)?;
    agree::round(round, load, &gaps)
}

fn impossible(columns: &Columns, i: usize) -> bool {
    let (first, last) = (columns.ttft_us.at(i), columns.e2e_us.at(i));
    columns.ok(i) && (last == Some(0) || first.zip(last).is_some_and(|(first, last)| first > last))
}

fn overdrawn(columns: &Columns, i: usize) -> bool {
    columns.hidden(i) != Hidden::Unknown && columns.sent_tokens(i).is_none()
}

/// Two without a plan would be comparable whatever was sent.
fn fingerprint(fingerprint: &Fingerprint) -> Result<(), String> {
    if fingerprint.0.contains_key("plan") {
        Ok(())
    } else {
        Err("its fingerprint has no plan".into())
    }
}

/// It becomes a folder of baselines.
fn name(name: &str) -> Result<(), String> {
    if is_workload_name(name) {
        Ok(())
    } else {
        Err(format!("{name:?} cannot be a workload's name"))
    }
}

/// It becomes part of a file's name.
fn word(what: &str, text: &str) -> Result<(), String> {
    let safe = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if (1..=64).contains(&text.len()) && text.chars().all(safe) {
        Ok(())
    } else {
        Err(format!("{what} is {text:?}: letters and digits were expected"))
    }
}
