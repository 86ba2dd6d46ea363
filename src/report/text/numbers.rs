//! Numbers with their units, and intervals. Not here: which number is shown.

use super::ABSENT;
use crate::config::Lang;
use crate::report::{DistributionReport, MetricReport};

/// An interval that reaches farther (ten times as long) is shown without its end.
const BEYOND: f64 = 10.0;

/// A value in the unit of its metric (`ms`, `per_s`, `tokens_per_s`, `ratio`): `123.4 ms`,
/// `5.02/s`, `622 tok/s`, `95.30 %`.
pub fn value(unit: &str, value: Option<f64>) -> String {
    let Some(value) = value.filter(|v| v.is_finite()) else {
        return ABSENT.into();
    };
    match unit {
        "ms" => format!("{} ms", digits(value)),
        "per_s" => format!("{}/s", digits(value)),
        // No decimals from 100 on: the widest column of the widest table.
        "tokens_per_s" if value.abs() >= 100.0 => format!("{value:.0} tok/s"),
        "tokens_per_s" => format!("{} tok/s", digits(value)),
        "ratio" => format!("{:.2} %", value * 100.0),
        "j_per_token" => format!("{} J/token", digits(value)),
        "tokens_per_j" => format!("{} tok/J", digits(value)),
        "mib" => format!("{value:.0} MiB"),
        other => format!("{} {other}", digits(value)),
    }
}

/// A number without its unit, for tables that name it in their header.
pub fn number(value: Option<f64>) -> String {
    value.filter(|v| v.is_finite()).map_or_else(|| ABSENT.into(), digits)
}

/// Three to four significant digits.
fn digits(value: f64) -> String {
    let size = value.abs();
    let decimals = match size {
        s if s >= 1000.0 => 0,
        s if s >= 100.0 => 1,
        s if s >= 1.0 => 2,
        s if s >= 0.1 => 3,
        s if s >= 0.001 => 4,
        _ => 5,
    };
    if size == 0.0 { "0".into() } else { format!("{value:.decimals$}") }
}

/// A change with its sign: `+5.3 %` of times and rates, `-2.10 pp` (percentage points) of shares.
pub fn change(unit: &str, change: Option<f64>) -> String {
    change
        .and_then(|c| signed(unit, c))
        .map_or_else(|| ABSENT.into(), |number| format!("{number} {}", change_unit(unit)))
}

/// Both ends of a change's interval: `+3.1 to +7.4 %`.
pub fn interval(metric: &MetricReport, lang: Lang) -> String {
    // With two degrees of freedom an interval says nothing, and its end has ten digits.
    let beyond = |x: f64| x > BEYOND;
    let end = |x: f64| if beyond(x) { Some("+1000".into()) } else { signed(&metric.unit, x) };
    let ends = metric.interval_low_ratio.zip(metric.interval_high_ratio);
    let Some((low, high)) = ends else { return ABSENT.into() };
    let (Some(from), Some(to)) = (end(low), end(high)) else { return ABSENT.into() };
    let unit = change_unit(&metric.unit);
    let over = |x, word| if beyond(x) { word } else { "" };
    match lang {
        Lang::En => format!("{}{from} to {}{to} {unit}", over(low, "over "), over(high, "over ")),
        Lang::Ko => format!("{from} ~ {to} {unit}{}", over(high, " 초과")),
    }
}

/// A threshold or a visible size, without a sign: `5 %`, `0.2 pp`.
pub fn size(unit: &str, size: Option<f64>) -> String {
    size.filter(|s| s.is_finite()).map_or_else(
        || ABSENT.into(),
        |s| {
            let number = format!("{:.2}", s * 100.0);
            format!("{} {}", number.trim_end_matches('0').trim_end_matches('.'), change_unit(unit))
        },
    )
}

/// A probability, short.
pub fn probability(p: Option<f64>) -> String {
    match p.filter(|p| p.is_finite()) {
        None => ABSENT.into(),
        Some(p) if p < 0.0001 => "< 0.0001".into(),
        Some(p) => format!("{p:.4}"),
    }
}

/// Seconds as people say them.
pub fn duration(seconds: f64) -> String {
    if seconds >= 120.0 { format!("{:.1} min", seconds / 60.0) } else { format!("{seconds:.1} s") }
}

/// Statistics of a distribution by name, as every table orders them.
pub fn statistics(d: &DistributionReport) -> [(&'static str, Option<f64>); 10] {
    [
        ("geomean", d.geomean_ms),
        ("mean", d.mean_ms),
        ("sd", d.stddev_ms),
        ("min", d.min_ms),
        ("p50", d.p50_ms),
        ("p90", d.p90_ms),
        ("p95", d.p95_ms),
        ("p99", d.p99_ms),
        ("p99.9", d.p999_ms),
        ("max", d.max_ms),
    ]
}

fn signed(unit: &str, ratio: f64) -> Option<String> {
    let decimals = if unit == "ratio" { 2 } else { 1 };
    // Rounded first, so that no -0.0 is shown.
    let scale = 10_f64.powi(decimals);
    let rounded = (ratio * 100.0 * scale).round() / scale + 0.0;
    rounded.is_finite().then(|| format!("{rounded:+.*}", decimals.unsigned_abs() as usize))
}

fn change_unit(unit: &str) -> &'static str {
    if unit == "ratio" { "pp" } else { "%" }
}
