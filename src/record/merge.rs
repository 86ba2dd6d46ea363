//! The records of the shards of one run put together: columns in the plan's order, and every number
//! made anew from them by the one engine. No percentile is averaged.
//!
//! A shard whose record is missing has sent nothing: its requests are there as unsent, and the round
//! says so. Not here: reading the records, or judging what came of them.

mod columns;
mod error;
mod round;

use std::collections::{BTreeMap, BTreeSet};

use super::shard::{MergedFacts, SHARD_ENDED, SHARD_MISSING, ShardRound};
use super::{
    Record, RecordError, RoundRecord, StartRecord, WorkloadRecord, build, check, recompute,
};
use crate::fingerprint::Fingerprint;
use crate::measure::gap_counts::GapCounts;
use crate::measure::histogram::Gaps;
use crate::measure::seen::shard::ShardSeen;
use crate::measure::validity::{Finding, Severity};
use crate::plan::shard::Shard;

use columns::columns;
use round::{client, duration_us, errors, models, of_shard, same, series, untold};

pub use error::MergeError;

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
    let rounds = |r: &Record| -> usize {
        r.workloads.iter().flat_map(|w| &w.starts).map(|start| start.rounds.len()).sum()
    };
    let most = shards.values().map(rounds).max().unwrap_or(0);
    let fewer: Vec<u32> =
        shards.iter().filter(|(_, r)| rounds(r) < most).map(|(index, _)| *index).collect();
    let missing: Vec<u32> = (0..count).filter(|index| !shards.contains_key(index)).collect();
    let mut whole = empty(first);
    whole.created = shards.values().map(|r| &r.created).min().cloned().unwrap_or_default();
    whole.interrupted = shards.values().any(|record| record.interrupted);
    whole.gpu = shards.values().find_map(|record| record.gpu.clone());
    whole.host.insert("shards".into(), hosts(&shards));
    let mut merged = MergedFacts { shards: count, missing, ..MergedFacts::default() };
    for index in 0..whole.workloads.len() {
        let parts = shards.iter_mut().map(|(shard, record)| {
            let workload = &mut record.workloads[index];
            (*shard, (workload.fingerprint.clone(), std::mem::take(&mut workload.starts)))
        });
        let parts: BTreeMap<u32, Part> = parts.collect();
        let merging = Merging { count, load: &whole.workloads[index].load.clone() };
        let both = merging.workload(parts, &mut merged)?;
        let workload = &mut whole.workloads[index];
        (workload.fingerprint, workload.starts) = both;
    }
    for (shard, why) in &gave_up {
        ended(&mut whole, *shard, why);
    }
    for shard in fewer {
        ended(&mut whole, shard, "it has fewer rounds than the others");
    }
    whole.merged = Some(merged);
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
        // Told of a server at loopback alone: each machine would have reached one of its own.
        if [a, b].iter().all(|w| w.fingerprint.0.contains_key("host_cpu")) {
            let machine = |r: &Record| r.host.get("hostname").cloned().unwrap_or_default();
            differ("machine of the server", machine(first), machine(other))?;
        }
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

/// Rounds that were to come are not there: the last one that is says so.
fn ended(whole: &mut Record, shard: u32, why: &str) {
    let rounds = whole.workloads.iter_mut().flat_map(|w| &mut w.starts).flat_map(|s| &mut s.rounds);
    // A round that was cut short is read by nobody.
    if let Some(last) = rounds.max_by_key(|round| (!round.cut_short, round.order)) {
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

/// What a shard measured of a workload.
type Part = (Fingerprint, Vec<StartRecord>);

struct Merging<'a> {
    count: u32,
    load: &'a super::LoadFacts,
}

impl Merging<'_> {
    fn workload(
        &self,
        mut parts: BTreeMap<u32, Part>,
        most: &mut MergedFacts,
    ) -> Result<(Fingerprint, Vec<StartRecord>), MergeError> {
        let mut fingerprint = Fingerprint::default();
        for (part, _) in parts.values() {
            fingerprint.0.extend(part.0.clone());
        }
        let indices: BTreeSet<u32> =
            parts.values().flat_map(|(_, starts)| starts).map(|start| start.index).collect();
        let starts = indices.into_iter().map(|index| {
            let each = parts.iter_mut().filter_map(|(shard, (_, starts))| {
                let at = starts.iter().position(|start| start.index == index)?;
                Some((*shard, starts.swap_remove(at)))
            });
            self.start(index, each.collect(), most)
        });
        Ok((fingerprint, starts.collect::<Result<_, _>>()?))
    }

    fn start(
        &self,
        index: u32,
        mut parts: BTreeMap<u32, StartRecord>,
        most: &mut MergedFacts,
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
        most: &mut MergedFacts,
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
        findings.extend(untold(&parts, &sent));
        let seed = same(&parts, "seed", |part| part.seed)?;
        let ramp = same(&sent, "ramp", |own| own.ramp)?;
        let (index, order) = parts.values().next().map_or((0, 0), |part| (part.index, part.order));
        let (models, duration_us) = (models(&parts), duration_us(&parts));
        let columns = columns(&mut parts, &lengths, self.turns());
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
}

#[cfg(test)]
mod tests;
