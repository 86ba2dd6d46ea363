//! What every request must hold, and how many held it. Not here: whether that is judged (`limits`).

use super::{WorkloadReport, value};

/// The limits that each request must hold: `ttft at most 500 ms, tpot at most 50 ms`.
pub fn slo(w: &WorkloadReport) -> Option<String> {
    let all: Vec<String> = limits(w).map(|(name, limit)| format!("{name} {limit}")).collect();
    (!all.is_empty()).then(|| format!("{} (every request, all of them)", all.join(", ")))
}

/// Rows of a table: the SLO, its limit, the share of the scheduled requests that met it; then all of them together, and the goodput.
pub fn slos(w: &WorkloadReport) -> Vec<[String; 3]> {
    let rate =
        |name: &str| w.rates.iter().find(|r| r.metric == name).map_or_else(|| value("", None), |r| value(&r.unit, r.value));
    let mut rows: Vec<[String; 3]> =
        limits(w).map(|(name, limit)| [name.to_owned(), limit, rate(&format!("slo_attainment_{name}"))]).collect();
    if !rows.is_empty() {
        rows.push(["every request, all of them".into(), String::new(), rate("slo_attainment")]);
        rows.push(["goodput".into(), String::new(), rate("goodput")]);
    }
    rows
}

fn limits(w: &WorkloadReport) -> impl Iterator<Item = (&'static str, String)> {
    let all = [("ttft", w.slo.ttft_ms), ("tpot", w.slo.tpot_ms), ("e2e", w.slo.e2e_ms)];
    all.into_iter().filter(|(_, ms)| ms.is_some()).map(|(name, ms)| (name, format!("at most {}", value("ms", ms))))
}
