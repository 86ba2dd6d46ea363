//! Numbers in words for reasons: a value with its unit, a change with its sign.
//!
//! Not here: tables or any layout (`report`).

use crate::metric::{Metric, Unit};

/// `512.3 ms`, `93.10 %`, `12.4/s`.
pub fn value(metric: Metric, value: f64) -> String {
    match metric.unit() {
        Unit::Milliseconds => format!("{} ms", digits(value)),
        Unit::PerSecond => format!("{}/s", digits(value)),
        Unit::TokensPerSecond => format!("{} tok/s", digits(value)),
        Unit::Share => format!("{:.2} %", value * 100.0),
        Unit::JoulesPerToken => format!("{} J/token", digits(value)),
        Unit::TokensPerJoule => format!("{} tok/J", digits(value)),
        Unit::Mebibytes => format!("{value:.0} MiB"),
    }
}

/// `+5.3 %` of times and rates, `-2.10 pp` (percentage points) of shares.
pub fn change(metric: Metric, change: f64) -> String {
    match metric.unit() {
        // The end of an interval that says nothing.
        _ if change > 10.0 => "over +1000 %".into(),
        Unit::Share => format!("{:+.2} pp", change * 100.0),
        _ => format!("{:+.1} %", change * 100.0),
    }
}

/// `5 %` or `0.2 pp`: a threshold, without a sign.
pub fn size(metric: Metric, size: f64) -> String {
    let number = format!("{:.2}", size * 100.0);
    let short = number.trim_end_matches('0').trim_end_matches('.');
    match metric.unit() {
        Unit::Share => format!("{short} pp"),
        _ => format!("{short} %"),
    }
}

/// Each in words, with semicolons between.
pub fn joined<T: ToString>(all: &[T]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Everyday names: `TTFT, p95 TPOT`.
pub fn titles(metrics: &[Metric]) -> String {
    metrics.iter().map(|m| m.title()).collect::<Vec<_>>().join(", ")
}

/// A probability, short.
pub fn probability(p: f64) -> String {
    if p < 0.0001 { "p < 0.0001".into() } else { format!("p = {p:.4}") }
}

/// A level that a probability is held against: `0.00018`.
pub fn level(level: f64) -> String {
    format!("{level:.5}").trim_end_matches('0').to_owned()
}

/// `1 round`, `3 rounds`.
pub fn count(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

fn digits(value: f64) -> String {
    let decimals = if value.abs() >= 100.0 { 1 } else { 2 };
    format!("{value:.decimals$}")
}
