//! What a round is, over its shards, beside its columns: the worst of any client, sums, and what each
//! has found. Not here: columns (`columns`), or which records are of one run.

use std::collections::BTreeMap;

use super::MergeError;
use crate::measure::seen::shard::ShardSeen;
use crate::measure::validity::{ClientHealth, Finding, Severity};
use crate::record::build::distinct_models;
use crate::record::shard::ShardRound;
use crate::record::{ErrorCount, RoundRecord, Series};
use crate::timeline::OutcomeKind;

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

/// What a shard found of its round, with its number. Each shard's client proves itself.
pub fn of_shard(shard: u32, part: &RoundRecord) -> impl Iterator<Item = Finding> {
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

/// What the clocks of shards say, and their findings do not.
pub fn untold(
    parts: &BTreeMap<u32, RoundRecord>,
    sent: &BTreeMap<u32, ShardRound>,
) -> Vec<Finding> {
    let mut all = Vec::new();
    for (shard, own) in sent {
        let Some(part) = parts.get(shard) else { continue };
        for found in own.clock.findings(part.duration_us) {
            let told = part.findings.iter().any(|f| f.check == found.check);
            if let Some(what) = found.typed().filter(|_| !told) {
                let seen = ShardSeen::InShard { shard: *shard, what: Box::new(what.clone()) };
                all.push(Finding::new(found.severity, &found.check, seen));
            }
        }
    }
    all
}

/// Errors: it is not the same in all.
pub fn same<P, T: PartialEq + ToString>(
    parts: &BTreeMap<u32, P>,
    what: &'static str,
    value: impl Fn(&P) -> T,
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

/// First start to last end, over all shards: their rounds began at the same instant.
pub fn duration_us(parts: &BTreeMap<u32, RoundRecord>) -> u64 {
    let spans = parts.values().filter_map(|part| {
        let first = part.columns.start_us.iter().flatten().min()?;
        Some((first, first.saturating_add(part.duration_us)))
    });
    let whole = spans.reduce(|(a, b), (c, d)| (a.min(c), b.max(d)));
    whole.map_or(0, |(first, last)| last - first)
}

pub fn errors(parts: &BTreeMap<u32, RoundRecord>, unsent: u64) -> Vec<ErrorCount> {
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
pub fn client(parts: &BTreeMap<u32, RoundRecord>) -> ClientHealth {
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

pub fn models(parts: &BTreeMap<u32, RoundRecord>) -> Vec<String> {
    distinct_models(parts.values().flat_map(|part| &part.models))
}

pub fn series(parts: &BTreeMap<u32, RoundRecord>) -> Series {
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
