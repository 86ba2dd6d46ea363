//! `ImportedRound` requests to the workload records of a run: columns, metrics, findings, and what was
//! refused, as notes.
//!
//! Not here: the tools' formats, or the facts of the repository (`command/import.rs`).

use std::collections::BTreeMap;

use super::levels::levels;
use super::request::{Ending, Request, columns};
use super::{ImportError, ImportedRound, Load, Terms};
use crate::fingerprint::Fingerprint;
use crate::measure::collect::{RoundView, metrics};
use crate::measure::columns::micros;
use crate::measure::histogram::Gaps;
use crate::measure::stats;
use crate::measure::validity::{
    AskedLength, ClientHealth, Finding, Severity, findings, own_lag_p99_ms,
};
use crate::record::{
    ErrorCount, LevelRecord, LoadDetail, LoadFacts, RoundRecord, Series, StartRecord,
    WorkloadRecord, keyed,
};

/// From 100 gaps on, as METHOD asks of a p99.
const GAPS_OF_P99: usize = 100;

/// Files to workloads: one start per file, in their order; runs of one load in one file are rounds
/// of its start; runs of other loads (a sweep) are workloads of their own.
///
/// Errors: a load that some of the files lack, since then they are not starts of one measurement.
pub fn workloads(
    files: &[(String, Vec<ImportedRound>)],
    terms: &Terms,
) -> Result<Vec<WorkloadRecord>, ImportError> {
    let mut loads: Vec<&Load> = Vec::new();
    for measured in files.iter().flat_map(|(_, all)| all) {
        if loads.iter().all(|l| l.fingerprint != measured.load.fingerprint) {
            loads.push(&measured.load);
        }
    }
    let several = loads.len() > 1;
    let levels = levels(&loads, &terms.name);
    let one = |(i, (load, level)): (usize, (&&Load, Option<LevelRecord>))| {
        let mut record = workload(files, load, several.then_some(i), terms)?;
        record.load.detail.level = level;
        Ok(record)
    };
    loads.iter().zip(levels).enumerate().map(one).collect()
}

fn workload(
    files: &[(String, Vec<ImportedRound>)],
    load: &Load,
    position: Option<usize>,
    terms: &Terms,
) -> Result<WorkloadRecord, ImportError> {
    let mut starts = Vec::new();
    let mut order = 0;
    let name = position.map_or_else(|| terms.name.clone(), |i| format!("{}-{}", terms.name, i + 1));
    let mut record = empty(name, load, files, terms);
    for (file, all) in files {
        let mine: Vec<&ImportedRound> =
            all.iter().filter(|m| m.load.fingerprint == load.fingerprint).collect();
        if mine.is_empty() {
            return Err(ImportError::Refused(other_load(file, &all[0].load, load)));
        }
        let index = u32::try_from(starts.len()).unwrap_or(u32::MAX);
        let mut start = StartRecord {
            index,
            sim_seed: None,
            setup_ms: None,
            ready_ms: None,
            connections: BTreeMap::new(),
            rounds: Vec::new(),
        };
        for measured in mine {
            let place = Place {
                start: index,
                round: u32::try_from(start.rounds.len()).unwrap_or(u32::MAX),
                order,
            };
            start.rounds.push(round(measured, place, &record.load, terms));
            order += 1;
        }
        starts.push(start);
    }
    record.starts = starts;
    record.pooled =
        record.pooled_values().map(|v| keyed(&v)).map_err(|e| ImportError::Shape(e.to_string()))?;
    Ok(record)
}

fn other_load(file: &str, found: &Load, wanted: &Load) -> String {
    let all = Fingerprint::differences(&wanted.fingerprint, &found.fingerprint);
    let fields: Vec<String> = all.iter().map(ToString::to_string).collect();
    format!(
        "{file} is of another load ({}), so it is no start of the same measurement\nhint: import one load at a time, or the same loads in each file",
        fields.join("; ")
    )
}

/// A workload without its starts.
fn empty(
    name: String,
    load: &Load,
    files: &[(String, Vec<ImportedRound>)],
    terms: &Terms,
) -> WorkloadRecord {
    let mine =
        || files.iter().flat_map(|(_, all)| all).filter(|m| m.load.fingerprint == load.fingerprint);
    let counted = |of: fn(&Request) -> Option<u32>| {
        let all: Vec<f64> = mine()
            .flat_map(|m| &m.requests)
            .filter(|r| r.completed())
            .filter_map(of)
            .map(f64::from)
            .collect();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a mean of counts is within their type"
        )]
        stats::mean(&all).map_or(0, |mean| mean.round() as u32)
    };
    WorkloadRecord {
        name,
        fingerprint: load.fingerprint.clone(),
        load: LoadFacts {
            protocol: load.protocol.clone(),
            arrival: load.arrival.clone(),
            // One answer that was streamed is enough to say that they were asked to be.
            streaming: mine().any(|m| m.load.streaming),
            open_loop: load.open_loop,
            requests_per_round: load.requests,
            input_tokens: load.input_tokens.unwrap_or_else(|| counted(|r| r.input_tokens)),
            output_tokens: load.output_tokens.unwrap_or_else(|| counted(|r| r.output_tokens)),
            length_forced: false,
            max_in_flight: load.max_in_flight.filter(|_| load.open_loop),
            seed: load.seed.unwrap_or(0),
            detail: LoadDetail::default(),
        },
        slo: terms.slo,
        limits: terms.limits.clone(),
        regressions: terms.regressions.clone(),
        starts: Vec::new(),
        check_starts: Vec::new(),
        pooled: BTreeMap::new(),
        history: Vec::new(),
    }
}

/// Where a round is among the others.
#[derive(Clone, Copy)]
struct Place {
    start: u32,
    round: u32,
    order: u32,
}

fn round(measured: &ImportedRound, place: Place, load: &LoadFacts, terms: &Terms) -> RoundRecord {
    let requests = &measured.requests;
    let began_ns = requests.iter().filter_map(|r| r.start_ns).min().unwrap_or(0);
    let columns = columns(requests, began_ns);
    let (gaps, p99) = gaps(requests);
    let mut record = RoundRecord {
        index: place.round,
        // Partners of two imports are those of the same place.
        seed: u64::from(place.round),
        order: place.order,
        ramp: 0,
        cut_short: measured.cut_short,
        duration_us: duration_us(measured),
        metrics: BTreeMap::new(),
        chunk_gap_p99_ms: p99,
        chunk_gaps_hdr: gaps.encode(),
        errors: errors(requests),
        client: ClientHealth {
            own_lag_p99_ms: own_lag_p99_ms(&columns),
            ..ClientHealth::default()
        },
        findings: Vec::new(),
        token_source: None,
        models: Vec::new(),
        series: Series::default(),
        gpu: None,
        idle_ms: None,
        shard: None,
        spoilt: Vec::new(),
        columns,
        server: None,
    };
    let context = record.context(place.start, load);
    let values = metrics(
        &[RoundView { columns: &record.columns, context: &context, gaps: &gaps }],
        &terms.slo.into(),
    );
    let asked = AskedLength { output_tokens: None, length_forced: false };
    record.findings = findings(&record.columns, &context, &values, &record.client, asked);
    record.findings.extend(notes(measured, place, record.client.own_lag_p99_ms.is_some()));
    record.metrics = keyed(&values);
    record
}

/// First start to last end, where all are known; else the tool's own.
fn duration_us(measured: &ImportedRound) -> u64 {
    let first = measured.requests.iter().filter_map(|r| r.start_ns).min();
    let ends: Option<Vec<u64>> = measured.requests.iter().map(Request::end).collect();
    let known = first
        .zip(ends.and_then(|e| e.into_iter().max()))
        .map(|(first, last)| last.saturating_sub(first));
    let listed = measured
        .requests
        .iter()
        .filter_map(Request::end)
        .max()
        .zip(first)
        .map(|(last, first)| last.saturating_sub(first));
    known.or(measured.stated_duration_ns).or(listed).map_or(0, micros)
}

fn gaps(requests: &[Request]) -> (Gaps, Option<f64>) {
    let all: Vec<u64> = requests
        .iter()
        .filter(|r| r.completed())
        .filter_map(|r| r.gaps_ns.as_ref())
        .flatten()
        .copied()
        .collect();
    let mut gaps = Gaps::default();
    for ns in &all {
        gaps.record_us(micros(*ns));
    }
    let mut ms: Vec<f64> = all.iter().map(|ns| *ns as f64 / 1e6).collect();
    ms.sort_unstable_by(f64::total_cmp);
    let p99 = if ms.len() < GAPS_OF_P99 { None } else { stats::percentile_of_sorted(&ms, 0.99) };
    (gaps, p99)
}

fn errors(requests: &[Request]) -> Vec<ErrorCount> {
    let mut kinds: BTreeMap<&str, ErrorCount> = BTreeMap::new();
    for request in requests {
        if let Ending::Failed { outcome, example } = &request.outcome {
            let new = || ErrorCount {
                kind: outcome.name().to_owned(),
                count: 0,
                example: Some(example.clone()),
            };
            kinds.entry(outcome.name()).or_insert_with(new).count += 1;
        }
    }
    let mut all: Vec<ErrorCount> = kinds.into_values().collect();
    all.sort_by_key(|e| std::cmp::Reverse(e.count));
    all
}

/// What holds for all files is said with the first.
fn notes(measured: &ImportedRound, place: Place, lag_known: bool) -> Vec<Finding> {
    let lag = if lag_known { "" } else { "its send lag, " };
    let unchecked = format!(
        "imported: whether the client kept up was not checked, since the file does not say {lag}its CPU time and its event loop's lateness"
    );
    let general = || {
        std::iter::once(unchecked).chain(measured.notes.iter().map(|n| format!("imported: {n}")))
    };
    let own = measured.own_notes.iter().map(|n| format!("imported: {n}"));
    let first = place.start == 0 && place.round == 0;
    let all: Vec<String> = if first { general().chain(own).collect() } else { own.collect() };
    all.into_iter().map(|message| Finding::text(Severity::Note, "imported", message)).collect()
}
