//! Timelines of a round to its record: columns, metrics, histogram, errors, series, findings. Pure.

use std::collections::BTreeMap;

use super::{ErrorCount, LoadFacts, RoundRecord, Series, keyed};
use crate::measure::SloMs;
use crate::measure::collect::{RoundView, metrics};
use crate::measure::columns::{Columns, micros};
use crate::measure::gap_counts::GapCounts;
use crate::measure::histogram::Gaps;
use crate::measure::stats;
use crate::measure::validity::{AskedLength, ClientHealth, count_doubts, findings, own_lag_p99_ms};
use crate::plan::RoundPlan;
use crate::timeline::{CountDoubt, Outcome, Timeline};

/// A round as the rim brings it back.
pub struct Raw<'a> {
    pub start: u32,
    pub index: u32,
    /// Position in time over the whole run.
    pub order: u32,
    pub plan: &'a RoundPlan,
    pub timelines: &'a [Timeline],
    pub began_ns: u64,
    pub health: ClientHealth,
    pub cut_short: bool,
}

const SECOND_NS: u64 = 1_000_000_000;
/// A series longer than this (a clock gone wrong) is cut.
const MAX_SECONDS: usize = 24 * 3600;

pub fn round(raw: &Raw<'_>, load: &LoadFacts, slo: &SloMs) -> RoundRecord {
    // Before anything that stays: it is large, and what stays would take the place that the last
    // round's has left, so that memory grew with each round.
    let gaps = gaps(raw);
    let columns = Columns::from_timelines(raw.timelines, raw.began_ns);
    let mut record = RoundRecord {
        index: raw.index,
        seed: raw.plan.seed,
        order: raw.order,
        ramp: ramp(raw.plan, columns.len()),
        cut_short: raw.cut_short,
        duration_us: duration_us(raw.timelines),
        metrics: BTreeMap::new(),
        chunk_gap_p99_ms: exact_gap_p99_ms(raw),
        chunk_gaps_hdr: gaps.encode(),
        errors: errors(raw.timelines),
        client: ClientHealth { own_lag_p99_ms: own_lag_p99_ms(&columns), ..raw.health },
        findings: Vec::new(),
        token_source: None,
        models: models(raw.timelines),
        series: series(raw.timelines, raw.began_ns),
        server: None,
        columns,
        gpu: None,
        idle_ms: None,
        shard: None,
        spoilt: Vec::new(),
    };
    let context = record.context(raw.start, load);
    let values =
        metrics(&[RoundView { columns: &record.columns, context: &context, gaps: &gaps }], slo);
    let asked = AskedLength { output_tokens: asked_tokens(raw), length_forced: load.length_forced };
    record.findings = findings(&record.columns, &context, &values, &record.client, asked);
    let doubts: Vec<CountDoubt> =
        raw.timelines.iter().filter(|t| t.completed()).filter_map(|t| t.counted.doubt).collect();
    record.findings.extend(count_doubts(&doubts));
    record.metrics = keyed(&values);
    record
}

fn asked_tokens(raw: &Raw<'_>) -> Option<f64> {
    let planned =
        |t: &Timeline| raw.plan.requests.get(t.index as usize).map(|r| f64::from(r.output_tokens));
    let asked: Vec<f64> =
        raw.timelines.iter().filter(|t| t.completed()).filter_map(planned).collect();
    stats::mean(&asked)
}

/// Two make the round unfit; more are not needed to say so.
const MOST_MODELS: usize = 4;

fn models(timelines: &[Timeline]) -> Vec<String> {
    distinct_models(timelines.iter().filter(|t| t.completed()).flat_map(|t| &t.models))
}

pub(super) fn distinct_models<'a>(all: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut models: Vec<String> = Vec::new();
    for name in all {
        if models.len() < MOST_MODELS && !models.contains(name) {
            models.push(name.clone());
        }
    }
    models
}

/// Never so much that nothing is left (a round cut short by the time limit). A plan sees to that
/// itself, for all shards of it together.
fn ramp(plan: &RoundPlan, requests: usize) -> u32 {
    let as_planned = requests == plan.requests.len() || plan.ramp as usize * 2 <= requests;
    if as_planned { plan.ramp } else { 0 }
}

/// First intended send (closed loop: first actual send) to last end.
fn duration_us(timelines: &[Timeline]) -> u64 {
    let first = timelines.iter().filter_map(Timeline::start_ns).min();
    let last = timelines.iter().filter_map(|t| t.end_ns).max();
    first.zip(last).map_or(0, |(first, last)| micros(last.saturating_sub(first)))
}

fn counted_gaps<'a>(raw: &'a Raw<'_>) -> impl Iterator<Item = u64> + 'a {
    raw.timelines
        .iter()
        .skip(ramp(raw.plan, raw.timelines.len()) as usize)
        .filter(|t| t.completed() && t.output_tokens != Some(0))
        .flat_map(Timeline::chunk_gaps_ns)
}

fn gaps(raw: &Raw<'_>) -> Gaps {
    let mut gaps = Gaps::default();
    for ns in counted_gaps(raw) {
        gaps.record_us(micros(ns));
    }
    gaps
}

/// Every chunk gap that counts, in whole microseconds.
pub fn gap_counts(raw: &Raw<'_>) -> GapCounts {
    counted_gaps(raw).map(micros).collect()
}

/// As METHOD asks of a p99.
pub(super) const LEAST_GAPS: u64 = 100;

fn exact_gap_p99_ms(raw: &Raw<'_>) -> Option<f64> {
    let mut gaps: Vec<f64> = counted_gaps(raw).map(|ns| ns as f64 / 1e6).collect();
    gaps.sort_unstable_by(f64::total_cmp);
    if (gaps.len() as u64) < LEAST_GAPS {
        return None;
    }
    stats::percentile_of_sorted(&gaps, 0.99)
}

fn errors(timelines: &[Timeline]) -> Vec<ErrorCount> {
    let mut kinds: BTreeMap<String, ErrorCount> = BTreeMap::new();
    for t in timelines.iter().filter(|t| !t.completed()) {
        let kind = match &t.outcome {
            Outcome::HttpStatus(code) => format!("http_status {code}"),
            other => other.name().to_owned(),
        };
        let entry = kinds.entry(kind.clone()).or_insert_with(|| ErrorCount {
            kind,
            count: 0,
            example: t.error.clone(),
        });
        entry.count += 1;
    }
    let mut all: Vec<ErrorCount> = kinds.into_values().collect();
    all.sort_by_key(|e| std::cmp::Reverse(e.count));
    all
}

fn series(timelines: &[Timeline], began_ns: u64) -> Series {
    let second =
        |ns: u64| usize::try_from(ns.saturating_sub(began_ns) / SECOND_NS).unwrap_or(usize::MAX);
    let length = timelines
        .iter()
        .filter_map(|t| t.end_ns)
        .map(second)
        .max()
        .map_or(0, |s| (s + 1).min(MAX_SECONDS));
    let zeros = || vec![0_u32; length];
    let mut s = Series {
        sent: zeros(),
        completed: zeros(),
        failed: zeros(),
        output_events: zeros(),
        in_flight: zeros(),
    };
    let count = |column: &mut Vec<u32>, at: Option<u64>| {
        if let Some(slot) = at.and_then(|ns| column.get_mut(second(ns))) {
            *slot += 1;
        }
    };
    for t in timelines {
        count(&mut s.sent, t.sent_ns);
        count(if t.completed() { &mut s.completed } else { &mut s.failed }, t.end_ns);
        for event in &t.outputs {
            count(&mut s.output_events, Some(event.at_ns));
        }
        if let Some((sent, end)) = t.sent_ns.zip(t.end_ns) {
            let span = second(sent).min(length)..second(end).min(length);
            s.in_flight[span].iter_mut().for_each(|n| *n += 1);
        }
    }
    s
}
