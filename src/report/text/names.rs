//! What people call the metrics, of which reports hold the keys. Not here: the keys (`metric`).

use super::plain;
use crate::config::Lang;
use crate::metric::{Metric, TIMINGS};
use crate::report::say;
use crate::timeline::OutcomeKind;

/// `p95 TTFT` for `ttft_p95`; a key that is not known stays as it is.
pub fn title(key: &str) -> String {
    Metric::parse(key).map_or_else(|| plain(key), Metric::title)
}

/// `timeout`, in Korean with what it means: `시간 초과(timeout)`. Of an imported record the name
/// may be another tool's.
pub fn outcome(key: &str, lang: Lang) -> String {
    let known = OutcomeKind::ALL.into_iter().find(|kind| kind.name() == key);
    match (lang, known) {
        (Lang::Ko, Some(kind)) => format!("{}({key})", say::ko::outcome(kind)),
        _ => plain(key),
    }
}

pub fn titles(keys: &[String]) -> String {
    keys.iter().map(|key| title(key)).collect::<Vec<_>>().join(", ")
}

/// `chunk gap` for `chunk_gap`.
pub fn timing_title(key: &str) -> String {
    let known = TIMINGS.into_iter().find(|timing| timing.name() == key);
    known.map_or_else(|| plain(key), |timing| timing.title().to_owned())
}
