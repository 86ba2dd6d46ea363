//! How long the server took to be ready, start by start, as every format says it. Not here: which
//! starts count.

use super::value;
use crate::config::Lang;
use crate::report::WorkloadReport;

/// `ready after 41.20 s, 43.00 s (spread 4.3 %)`: the spread is slowest minus quickest, relative to
/// their middle. None where the gate made no start.
pub fn server_start(w: &WorkloadReport, lang: Lang) -> Option<String> {
    let all = &w.server_start_ms;
    let (low, high) =
        all.iter().fold((f64::INFINITY, 0.0_f64), |(low, high), x| (low.min(*x), high.max(*x)));
    let spread = (all.len() > 1 && low + high > 0.0)
        .then(|| 100.0 * (high - low) / f64::midpoint(low, high));
    let each: Vec<String> = all
        .iter()
        .map(|ms| if *ms < 1e3 { value("ms", Some(*ms)) } else { value("s", Some(ms / 1e3)) })
        .collect();
    let (ready, differ) = match lang {
        Lang::En => ("ready after", "spread"),
        Lang::Ko => ("준비까지", "편차"),
    };
    let spread = spread.map(|s| format!(" ({differ} {s:.1} %)")).unwrap_or_default();
    (!all.is_empty()).then(|| format!("{ready} {}{spread}", each.join(", ")))
}
