//! The records of the shards of one run put together: columns in the plan's order, and every number
//! made anew from them by the one engine. No percentile is averaged.
//!
//! A shard whose record is missing has sent nothing: its requests are there as unsent, and the round
//! says so. Not here: reading the records, or judging what came of them.

mod error;

use std::collections::{BTreeMap, BTreeSet};

use super::shard::{MergedFacts, SHARD_ENDED, SHARD_MISSING, ShardClock, ShardRound};
use super::{
    ErrorCount, Record, RecordError, RoundRecord, Series, StartRecord, WorkloadRecord, build,
    check, recompute,
};
use crate::fingerprint::Fingerprint;
use crate::measure::column::{Column, Number};
use crate::measure::columns::Columns;
use crate::measure::gap_counts::GapCounts;
use crate::measure::histogram::Gaps;
use crate::measure::seen::shard::ShardSeen;
use crate::measure::validity::{ClientHealth, Finding, Severity};
use crate::plan::shard::Shard;
use crate::timeline::OutcomeKind;

pub use error::MergeError;

/// Most models that a round names; two make it unfit.
const MOST_MODELS: usize = 4;
/// Notes that `recompute` makes of the whole round's columns: those of a shard would say it again.
const OF_COLUMNS: [&str; 8] = [
    "send_lag",
    "failures",
    "glued_tokens",
    "hidden_tokens",
    "no_usage",
    "retries",
    "unasked",
    "output_tokens",
];

/// One record of all shards of a run. Errors: records that are not of one run, or of one that no
/// run can have made.
pub fn merge(records: Vec<Record>) -> Result<Record, MergeError> {
    let mut shards = ordered(records)?;
    let first = shards.values().next().ok_or(MergeError::Nothing)?;
    let count = first.shard.as_ref().map_or(1, |shard| shard.count);
    for (index, record) in &shards {
        same_run(first, record, *index)?;
    }
    let gave_up: Vec<(u32, String)> = shards
        .iter()
        .filter_map(|(index, r)| Some((*index, r.shard.as_ref()?.gave_up.clone()?)))
        .collect();
    let missing: Vec<u32> = (0..count).filter(|index| !shards.contains_key(index)).collect();
    let mut whole = empty(first);
    whole.created = shards.values().map(|r| &r.created).min().cloned().unwrap_or_default();
    whole.interrupted = shards.values().any(|record| record.interrupted);
    whole.gpu = shards.values().find_map(|record| record.gpu.clone());
    whole.host.insert("shards".into(), hosts(&shards));
    let mut most = Most::default();
    for index in 0..whole.workloads.len() {
        let parts: BTreeMap<u32, WorkloadRecord> = shards
            .iter_mut()
            .filter_map(|(shard, record)| {
                (index < record.workloads.len())
                    .then(|| (*shard, take_workload(&mut record.workloads[index])))
            })
            .collect();
        let merging = Merging { count, load: &whole.workloads[index].load.clone() };
        let merged = merging.workload(parts, &mut most)?;
        let workload = &mut whole.workloads[index];
        (workload.fingerprint, workload.starts) = merged;
    }
    for (shard, why) in &gave_up {
        ended(&mut whole, *shard, why);
    }
    whole.merged = Some(MergedFacts {
        shards: count,
        missing,
        most_late_us: most.late_us,
        most_uncertainty_us: most.uncertainty_us,
        most_drift_us: most.drift_us,
    });
    check::record(&whole).map_err(|why| MergeError::Record(RecordError::Shape(why)))?;
    recompute::findings(&mut whole)?;
    recompute::metrics(&mut whole)?;
    Ok(whole)
}

/// By the number of their shard. Errors: one is no shard's, two are one's, or they count
/// differently.
fn ordered(records: Vec<Record>) -> Result<BTreeMap<u32, Record>, MergeError> {
    let mut shards: BTreeMap<u32, Record> = BTreeMap::new();
    for record in records {
        let facts = record.shard.as_ref().ok_or(MergeError::NoShard)?;
        let shard = facts.shard()?;
        if let Some(first) = shards.values().next().and_then(|r| r.shard.as_ref())
            && first.count != shard.count
        {
            return Err(MergeError::Counts { first: first.count, other: shard.count });
        }
        if shards.insert(shard.index, record).is_some() {
            return Err(MergeError::Twice { shard: shard.index });
        }
    }
    Ok(shards)
}

/// Errors: what differs, of which shard.
fn same_run(first: &Record, other: &Record, shard: u32) -> Result<(), MergeError> {
    let differ = |what: &'static str, a: String, b: String| {
        if a == b { Ok(()) } else { Err(MergeError::Differ { what, shard, first: a, other: b }) }
    };
    let commit = |record: &Record| {
        let git = record.git.as_ref();
        git.map_or_else(String::new, |git| format!("{} dirty={}", git.commit, git.dirty))
    };
    differ("goodput-gate", first.tool_version.clone(), other.tool_version.clone())?;
    differ("session", first.session.clone(), other.session.clone())?;
    differ("commit", commit(first), commit(other))?;
    let policy = |record: &Record| serde_json::to_string(&record.policy).unwrap_or_default();
    differ("policy", policy(first), policy(other))?;
    let names = |record: &Record| {
        record.workloads.iter().map(|w| w.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    differ("workloads", names(first), names(other))?;
    for (a, b) in first.workloads.iter().zip(&other.workloads) {
        for d in Fingerprint::differences(&a.fingerprint, &b.fingerprint) {
            // A fact of one machine is absent where another one looked.
            if let (Some(x), Some(y)) = (d.baseline, d.candidate) {
                return Err(MergeError::Fingerprint { field: d.field, shard, first: x, other: y });
            }
        }
        let rest = |w: &WorkloadRecord| {
            serde_json::to_string(&(&w.load, &w.slo, &w.limits, &w.regressions)).unwrap_or_default()
        };
        differ("load and limits", rest(a), rest(b))?;
    }
    Ok(())
}

/// The record without its rounds.
fn empty(first: &Record) -> Record {
    let workloads = first.workloads.iter().map(|workload| WorkloadRecord {
        name: workload.name.clone(),
        fingerprint: workload.fingerprint.clone(),
        load: workload.load.clone(),
        slo: workload.slo,
        limits: workload.limits.clone(),
        regressions: workload.regressions.clone(),
        starts: Vec::new(),
        check_starts: Vec::new(),
        pooled: BTreeMap::new(),
        history: Vec::new(),
    });
    Record {
        schema: first.schema.clone(),
        version: first.version,
        tool_version: first.tool_version.clone(),
        session: first.session.clone(),
        created: first.created.clone(),
        interrupted: false,
        git: first.git.clone(),
        host: first.host.clone(),
        gpu: None,
        target: first.target.clone(),
        programs: Vec::new(),
        hypotheses: first.hypotheses.clone(),
        find: None,
        policy: first.policy.clone(),
        pair: None,
        shard: None,
        merged: None,
        workloads: workloads.collect(),
    }
}

fn take_workload(workload: &mut WorkloadRecord) -> WorkloadRecord {
    let starts = std::mem::take(&mut workload.starts);
    WorkloadRecord { starts, ..workload.clone() }
}

/// Rounds that were to come are not there: the last one that is says so.
fn ended(whole: &mut Record, shard: u32, why: &str) {
    let rounds = whole.workloads.iter_mut().flat_map(|w| &mut w.starts).flat_map(|s| &mut s.rounds);
    if let Some(last) = rounds.max_by_key(|round| round.order) {
        let seen = ShardSeen::ShardEnded { shard, why: why.to_owned() };
        last.findings.push(Finding::new(Severity::Invalid, SHARD_ENDED, seen));
    }
}

/// `4 (a, b)`: how many, and on which machines.
fn hosts(shards: &BTreeMap<u32, Record>) -> String {
    let names: BTreeSet<&str> =
        shards.values().filter_map(|r| r.host.get("hostname")).map(String::as_str).collect();
    format!("{} ({})", shards.len(), names.into_iter().collect::<Vec<_>>().join(", "))
}

/// Of all shards and rounds.
#[derive(Default)]
#[expect(clippy::struct_field_names, reason = "their unit")]
struct Most {
    late_us: u64,
    uncertainty_us: u64,
    drift_us: u64,
}

impl Most {
    fn add(&mut self, clock: &ShardClock) {
        self.late_us = self.late_us.max(clock.late_us);
        self.uncertainty_us = self.uncertainty_us.max(clock.uncertainty_us);
        self.drift_us = self.drift_us.max(clock.drift_us.map_or(0, i64::unsigned_abs));
    }
}

struct Merging<'a> {
    count: u32,
    load: &'a super::LoadFacts,
}

impl Merging<'_> {
    fn workload(
        &self,
        mut parts: BTreeMap<u32, WorkloadRecord>,
        most: &mut Most,
    ) -> Result<(Fingerprint, Vec<StartRecord>), MergeError> {
        let mut fingerprint = Fingerprint::default();
        for part in parts.values() {
            fingerprint.0.extend(part.fingerprint.0.clone());
        }
        let indices: BTreeSet<u32> =
            parts.values().flat_map(|part| &part.starts).map(|start| start.index).collect();
        let starts = indices.into_iter().map(|index| {
            let each = parts.iter_mut().filter_map(|(shard, part)| {
                let at = part.starts.iter().position(|start| start.index == index)?;
                Some((*shard, part.starts.swap_remove(at)))
            });
            self.start(index, each.collect(), most)
        });
        Ok((fingerprint, starts.collect::<Result<_, _>>()?))
    }

    fn start(
        &self,
        index: u32,
        mut parts: BTreeMap<u32, StartRecord>,
        most: &mut Most,
    ) -> Result<StartRecord, MergeError> {
        let rounds: BTreeSet<u32> =
            parts.values().flat_map(|start| &start.rounds).map(|round| round.index).collect();
        let mut connections: BTreeMap<String, u64> = BTreeMap::new();
        for (address, n) in parts.values().flat_map(|start| &start.connections) {
            *connections.entry(address.clone()).or_default() += n;
        }
        let setup_ms = parts.values().filter_map(|start| start.setup_ms).max();
        let rounds = rounds.into_iter().map(|round| {
            let each = parts.iter_mut().filter_map(|(shard, start)| {
                let at = start.rounds.iter().position(|r| r.index == round)?;
                Some((*shard, start.rounds.swap_remove(at)))
            });
            self.round(each.collect(), most)
        });
        let rounds = rounds.collect::<Result<_, _>>()?;
        Ok(StartRecord { index, sim_seed: None, setup_ms, ready_ms: None, connections, rounds })
    }

    fn round(
        &self,
        mut parts: BTreeMap<u32, RoundRecord>,
        most: &mut Most,
    ) -> Result<RoundRecord, MergeError> {
        let mut sent: BTreeMap<u32, ShardRound> = BTreeMap::new();
        for (shard, part) in &mut parts {
            let own = part.shard.take().ok_or(MergeError::NoShard)?;
            if !own.chunk_gaps.is_sound() {
                return Err(MergeError::Gaps { shard: *shard });
            }
            most.add(&own.clock);
            sent.insert(*shard, own);
        }
        let lengths = self.lengths(&parts)?;
        let unsent: u64 =
            (0..).zip(&lengths).filter(|(k, _)| !parts.contains_key(k)).map(|(_, n)| n).sum();
        let gaps = GapCounts::sum(sent.values().map(|own| &own.chunk_gaps));
        let mut histogram = Gaps::default();
        for part in parts.values() {
            let own = Gaps::decode(&part.chunk_gaps_hdr).map_err(RecordError::Shape)?;
            histogram.merge(&own);
        }
        if histogram.len() != gaps.len() {
            return Err(MergeError::GapsDiffer { counted: gaps.len(), stored: histogram.len() });
        }
        let mut findings = self.missing(&lengths, &parts);
        findings.extend(parts.iter().flat_map(|(shard, part)| of_shard(*shard, part)));
        let seed = same(&parts, "seed", |part| part.seed)?;
        let ramp = same_ramp(&sent)?;
        let (index, order) = parts.values().next().map_or((0, 0), |part| (part.index, part.order));
        let (models, duration_us) = (models(&parts), duration_us(&parts));
        let columns = self.columns(&mut parts, &lengths);
        Ok(RoundRecord {
            index,
            seed,
            order,
            ramp: if ramp as usize * 2 <= columns.len() { ramp } else { 0 },
            cut_short: parts.values().any(|part| part.cut_short),
            duration_us,
            metrics: BTreeMap::new(),
            chunk_gap_p99_ms: (gaps.len() >= build::LEAST_GAPS)
                .then(|| gaps.percentile_ms(0.99))
                .flatten(),
            chunk_gaps_hdr: histogram.encode(),
            errors: errors(&parts, unsent),
            client: client(&parts),
            findings,
            token_source: parts.values().find_map(|part| part.token_source.clone()),
            models,
            columns,
            series: series(&parts),
            server: None,
            gpu: parts.values_mut().find_map(|part| part.gpu.take()),
            idle_ms: None,
            shard: None,
            spoilt: Vec::new(),
        })
    }

    /// How many requests each shard sent, or would have. Errors: one has more or fewer than its
    /// part of the plan.
    fn lengths(&self, parts: &BTreeMap<u32, RoundRecord>) -> Result<Vec<u64>, MergeError> {
        let turns = self.turns();
        (0..self.count)
            .map(|index| {
                let planned = self
                    .load
                    .requests_per_round
                    .map(|all| Shard { index, count: self.count }.requests(all, turns));
                let has = parts.get(&index).map(|part| part.columns.len() as u64);
                match (has, planned) {
                    (Some(has), Some(planned)) if has != planned => {
                        Err(MergeError::Requests { shard: index, has, planned })
                    }
                    (has, planned) => Ok(has.or(planned).unwrap_or(0)),
                }
            })
            .collect()
    }

    fn turns(&self) -> u32 {
        self.load.detail.turns.unwrap_or(1).max(1)
    }

    fn missing(&self, lengths: &[u64], parts: &BTreeMap<u32, RoundRecord>) -> Vec<Finding> {
        let shards = self.count;
        let all = (0..).zip(lengths).filter(|(shard, _)| !parts.contains_key(shard));
        let seen = all.map(|(shard, n)| {
            let requests = self.load.requests_per_round.map(|_| *n);
            ShardSeen::ShardMissing { shard, shards, requests }
        });
        seen.map(|seen| Finding::new(Severity::Invalid, SHARD_MISSING, seen)).collect()
    }

    /// In the plan's order: session after session, as they were dealt.
    fn columns(&self, parts: &mut BTreeMap<u32, RoundRecord>, lengths: &[u64]) -> Columns {
        let mut taken: Vec<Option<Columns>> = (0..self.count)
            .map(|shard| parts.get_mut(&shard).map(|part| std::mem::take(&mut part.columns)))
            .collect();
        let all = usize::try_from(lengths.iter().sum::<u64>()).unwrap_or(usize::MAX);
        let deal = Deal { lengths, turns: u64::from(self.turns()), all };
        let hidden: Vec<Column<u32>> = taken
            .iter_mut()
            .map(|c| c.as_mut().map(|c| std::mem::take(&mut c.hidden_tokens)).unwrap_or_default())
            .collect();
        let events = taken.iter_mut().map(|c| c.as_mut().map(|c| std::mem::take(&mut c.events)));
        let events: Vec<Option<Vec<u32>>> = events.collect();
        let outcome = taken.iter_mut().map(|c| c.as_mut().map(|c| std::mem::take(&mut c.outcome)));
        let outcome: Vec<Option<Vec<OutcomeKind>>> = outcome.collect();
        Columns {
            start_us: deal.column(&mut taken, |c| &mut c.start_us),
            queue_us: deal.column(&mut taken, |c| &mut c.queue_us),
            connect_us: deal.column(&mut taken, |c| &mut c.connect_us),
            send_lag_us: deal.column(&mut taken, |c| &mut c.send_lag_us),
            own_lag_us: deal.column(&mut taken, |c| &mut c.own_lag_us),
            ttft_us: deal.column(&mut taken, |c| &mut c.ttft_us),
            ttfa_us: deal.column(&mut taken, |c| &mut c.ttfa_us),
            e2e_us: deal.column(&mut taken, |c| &mut c.e2e_us),
            max_gap_us: deal.column(&mut taken, |c| &mut c.max_gap_us),
            events: deal.plain(&events, 0),
            input_tokens: deal.column(&mut taken, |c| &mut c.input_tokens),
            output_tokens: deal.column(&mut taken, |c| &mut c.output_tokens),
            cached_tokens: deal.column(&mut taken, |c| &mut c.cached_tokens),
            hidden_tokens: if hidden.iter().all(Column::is_empty) {
                Column::default()
            } else {
                // A shard that found nothing hidden says nothing of it.
                deal.order(|shard, own| {
                    let column = &hidden[shard];
                    if column.is_empty() { Some(0) } else { column.at(own) }
                })
            },
            outcome: deal.plain(&outcome, OutcomeKind::Cancelled),
        }
    }
}

/// In which order the requests of shards are those of the plan.
struct Deal<'a> {
    lengths: &'a [u64],
    turns: u64,
    all: usize,
}

impl Deal<'_> {
    fn each(&self, mut next: impl FnMut(usize, usize)) {
        let longest = self.lengths.iter().copied().max().unwrap_or(0);
        let mut begin = 0;
        while begin < longest {
            for (shard, length) in self.lengths.iter().enumerate() {
                for own in begin..(begin + self.turns).min(*length) {
                    next(shard, usize::try_from(own).unwrap_or(usize::MAX));
                }
            }
            begin += self.turns;
        }
    }

    fn order<T: Number>(&self, mut value: impl FnMut(usize, usize) -> Option<T>) -> Column<T> {
        let mut column = Column::with_capacity(self.all);
        self.each(|shard, own| column.push(value(shard, own)));
        column
    }

    /// Frees the parts' own as it goes: a long run has millions of requests.
    fn column<T: Number>(
        &self,
        parts: &mut [Option<Columns>],
        which: impl Fn(&mut Columns) -> &mut Column<T>,
    ) -> Column<T> {
        let taken = parts.iter_mut().map(|c| c.as_mut().map(|c| std::mem::take(which(c))));
        let taken: Vec<Option<Column<T>>> = taken.collect();
        self.order(|shard, own| taken[shard].as_ref()?.at(own))
    }

    fn plain<T: Copy>(&self, parts: &[Option<Vec<T>>], absent: T) -> Vec<T> {
        let mut column = Vec::with_capacity(self.all);
        self.each(|shard, own| column.push(parts[shard].as_ref().map_or(absent, |c| c[own])));
        column
    }
}

/// What a shard found of its round, with its number. Each shard's client proves itself.
fn of_shard(shard: u32, part: &RoundRecord) -> impl Iterator<Item = Finding> {
    let told = part.findings.iter().filter(|found| {
        found.severity == Severity::Invalid || !OF_COLUMNS.contains(&found.check.as_str())
    });
    told.map(move |found| match found.typed() {
        Some(seen) => {
            let seen = ShardSeen::InShard { shard, what: Box::new(seen.clone()) };
            Finding::new(found.severity, &found.check, seen)
        }
        None => {
            Finding::text(found.severity, &found.check, format!("shard {shard}: {}", found.message))
        }
    })
}

fn same<T: PartialEq + Copy + ToString>(
    parts: &BTreeMap<u32, RoundRecord>,
    what: &'static str,
    value: impl Fn(&RoundRecord) -> T,
) -> Result<T, MergeError> {
    let mut all = parts.iter().map(|(shard, part)| (*shard, value(part)));
    let (_, first) = all.next().ok_or(MergeError::Nothing)?;
    match all.find(|(_, other)| *other != first) {
        Some((shard, other)) => Err(MergeError::Differ {
            what,
            shard,
            first: first.to_string(),
            other: other.to_string(),
        }),
        None => Ok(first),
    }
}

fn same_ramp(sent: &BTreeMap<u32, ShardRound>) -> Result<u32, MergeError> {
    let mut all = sent.iter().map(|(shard, own)| (*shard, own.ramp));
    let (_, first) = all.next().ok_or(MergeError::Nothing)?;
    match all.find(|(_, ramp)| *ramp != first) {
        Some((shard, ramp)) => Err(MergeError::Differ {
            what: "ramp",
            shard,
            first: first.to_string(),
            other: ramp.to_string(),
        }),
        None => Ok(first),
    }
}

/// First start to last end, over all shards: their rounds began at the same instant.
fn duration_us(parts: &BTreeMap<u32, RoundRecord>) -> u64 {
    let spans = parts.values().filter_map(|part| {
        let first = part.columns.start_us.iter().flatten().min()?;
        Some((first, first.saturating_add(part.duration_us)))
    });
    let whole = spans.reduce(|(a, b), (c, d)| (a.min(c), b.max(d)));
    whole.map_or(0, |(first, last)| last - first)
}

fn errors(parts: &BTreeMap<u32, RoundRecord>, unsent: u64) -> Vec<ErrorCount> {
    let mut kinds: BTreeMap<String, ErrorCount> = BTreeMap::new();
    let missing = (unsent > 0).then(|| ErrorCount {
        kind: OutcomeKind::Cancelled.name().into(),
        count: unsent,
        example: Some("never sent: the shard is missing".into()),
    });
    let all = parts.values().flat_map(|part| part.errors.iter().cloned()).chain(missing);
    for error in all {
        match kinds.get_mut(&error.kind) {
            Some(known) => known.count = known.count.saturating_add(error.count),
            None => drop(kinds.insert(error.kind.clone(), error)),
        }
    }
    let mut all: Vec<ErrorCount> = kinds.into_values().collect();
    all.sort_by_key(|e| std::cmp::Reverse(e.count));
    all
}

/// The worst of any, and the sums over all.
fn client(parts: &BTreeMap<u32, RoundRecord>) -> ClientHealth {
    let worst = |value: fn(&ClientHealth) -> Option<f64>| {
        parts.values().filter_map(|part| value(&part.client)).max_by(f64::total_cmp)
    };
    let sum = |value: fn(&ClientHealth) -> Option<u64>| {
        parts.values().filter_map(|part| value(&part.client)).reduce(u64::saturating_add)
    };
    ClientHealth {
        loop_lag_p99_ms: worst(|c| c.loop_lag_p99_ms),
        busiest_worker_ratio: worst(|c| c.busiest_worker_ratio),
        cpu_ms: parts.values().filter_map(|part| part.client.cpu_ms).reduce(|a, b| a + b),
        own_lag_p99_ms: None,
        connections_opened: sum(|c| c.connections_opened),
        retries: sum(|c| c.retries),
        unasked: sum(|c| c.unasked),
    }
}

fn models(parts: &BTreeMap<u32, RoundRecord>) -> Vec<String> {
    let mut models: Vec<String> = Vec::new();
    for name in parts.values().flat_map(|part| &part.models) {
        if models.len() < MOST_MODELS && !models.contains(name) {
            models.push(name.clone());
        }
    }
    models
}

fn series(parts: &BTreeMap<u32, RoundRecord>) -> Series {
    let sum = |column: fn(&Series) -> &Vec<u32>| {
        let mut all: Vec<u32> = Vec::new();
        for one in parts.values().map(|part| column(&part.series)) {
            all.resize(all.len().max(one.len()), 0);
            all.iter_mut().zip(one).for_each(|(sum, n)| *sum = sum.saturating_add(*n));
        }
        all
    };
    Series {
        sent: sum(|s| &s.sent),
        completed: sum(|s| &s.completed),
        failed: sum(|s| &s.failed),
        output_events: sum(|s| &s.output_events),
        in_flight: sum(|s| &s.in_flight),
    }
}

#[cfg(test)]
mod tests;
