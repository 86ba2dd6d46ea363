//! A stored record whose requests a test has changed, with all that stands beside them made to say
//! the same again.
//!
//! A record that contradicts itself is refused when it is read. Not here: tests of just that
//! (`gate_hostile`).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};
use serde_json::{Value, json};

/// The record with its errors, series, durations, rates and chunk gaps as its columns have them.
pub fn agreed(record: &Value) -> Value {
    let mut record = record.clone();
    for workload in record["workloads"].as_array_mut().into_iter().flatten() {
        forget_error_rate(&mut workload["pooled"]);
        let starts = workload["starts"].as_array_mut().into_iter().flatten();
        starts.flat_map(|s| s["rounds"].as_array_mut().into_iter().flatten()).for_each(agree);
    }
    record
}

fn agree(round: &mut Value) {
    let columns = &mut round["columns"];
    let ends: Vec<String> = texts(&columns["outcome"]);
    for name in ["ttft_us", "ttfa_us", "e2e_us", "max_gap_us"] {
        let cells = columns[name].as_array_mut().into_iter().flatten();
        cells
            .zip(&ends)
            .filter(|(_, end)| *end != "completed")
            .for_each(|(cell, _)| *cell = Value::Null);
    }
    let span = span(columns);
    let mut failed: BTreeMap<&str, u64> = BTreeMap::new();
    for end in ends.iter().filter(|end| *end != "completed") {
        *failed.entry(end).or_default() += 1;
    }
    if !failed.is_empty() {
        let listed =
            failed.iter().map(|(kind, n)| json!({"kind": kind, "count": n, "example": null}));
        round["errors"] = listed.collect();
        for name in ["completed", "failed"] {
            round["series"][name].as_array_mut().into_iter().flatten().for_each(|n| *n = json!(0));
        }
    }
    forget_error_rate(&mut round["metrics"]);
    round["duration_us"] = json!(round["duration_us"].as_u64().unwrap_or(0).max(span));
    let events =
        round["columns"]["events"].as_array().into_iter().flatten().filter_map(Value::as_u64);
    let gaps = events
        .zip(&ends)
        .filter(|(_, end)| *end == "completed")
        .map(|(n, _)| n.saturating_sub(1))
        .sum();
    if let Some(stored) = round["chunk_gaps_hdr"].as_str() {
        round["chunk_gaps_hdr"] =
            json!(gaps_as_told(stored, gaps, round["chunk_gap_p99_ms"].as_f64()));
    }
    if gaps == 0 {
        round["chunk_gap_p99_ms"] = Value::Null;
    }
}

/// From the first start to the last end.
fn span(columns: &Value) -> u64 {
    let times = |name: &str| {
        columns[name].as_array().into_iter().flatten().map(Value::as_u64).collect::<Vec<_>>()
    };
    let (starts, lengths) = (times("start_us"), times("e2e_us"));
    let end = starts
        .iter()
        .zip(&lengths)
        .filter_map(|(start, length)| Some((*start)? + (*length)?))
        .max();
    let first = starts.iter().flatten().min();
    end.zip(first).map_or(0, |(end, first)| end - first)
}

/// The reader makes it anew.
fn forget_error_rate(metrics: &mut Value) {
    if let Some(map) = metrics.as_object_mut() {
        map.remove("error_rate_ratio");
    }
}

fn texts(column: &Value) -> Vec<String> {
    column.as_array().into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect()
}

/// The first so many of the same gaps, all of them longer or shorter, so that their p99 is this.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "microseconds of a short round"
)]
fn gaps_as_told(stored: &str, most: u64, p99_ms: Option<f64>) -> String {
    let bytes = STANDARD.decode(stored).expect("base64");
    let gaps: Histogram<u64> =
        Deserializer::new().deserialize(&mut bytes.as_slice()).expect("a histogram");
    let factor =
        p99_ms.map_or(1.0, |p99| p99 * 1000.0 / gaps.value_at_quantile(0.99).max(1) as f64);
    if gaps.len() <= most && (factor - 1.0).abs() < 0.01 {
        return stored.to_owned();
    }
    let mut told = Histogram::<u64>::new_with_bounds(gaps.low(), gaps.high(), gaps.sigfig())
        .expect("its bounds");
    // The longest stay, so that the p99 does.
    let mut longest: Vec<(u64, u64)> =
        gaps.iter_recorded().map(|g| (g.value_iterated_to(), g.count_at_value())).collect();
    longest.reverse();
    for (us, count) in longest {
        let left = most - told.len();
        told.record_n(((us as f64 * factor).round() as u64).max(1), count.min(left))
            .expect("within its bounds");
    }
    let mut bytes = Vec::new();
    V2DeflateSerializer::new().serialize(&told, &mut bytes).expect("writing to memory");
    STANDARD.encode(bytes)
}
