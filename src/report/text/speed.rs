//! How quickly each request got its tokens, on one line. Not here: the tokens of all requests per
//! second (a rate as others).

use super::{ABSENT, number};
use crate::config::Lang;
use crate::metric::{Metric, SPEED_STATS};
use crate::report::ValueReport;
use crate::report::WorkloadReport;

/// `mean 44.31, p50 45.02, p95 51.77, min 22.16, max 54.98 tok/s (output tokens of each request by
/// its E2E)`; none where no tokens are known.
pub fn speed(w: &WorkloadReport, lang: Lang) -> Option<String> {
    let of = |name: &str| number(w.rates.iter().find(|r| r.metric == name).and_then(|r| r.value));
    let all = SPEED_STATS.map(|stat| (stat.name(), of(&Metric::TokenSpeed(stat).name())));
    let known = all.iter().any(|(_, value)| value != ABSENT);
    let words = all.map(|(name, value)| format!("{name} {value}")).join(", ");
    let how = match lang {
        Lang::En => "output tokens of each request by its E2E",
        Lang::Ko => "요청별 출력 토큰 수 / E2E",
    };
    known.then(|| format!("{words} tok/s ({how})"))
}

/// Whether `speed` says it.
pub fn is_speed(rate: &ValueReport) -> bool {
    SPEED_STATS.iter().any(|stat| rate.metric == Metric::TokenSpeed(*stat).name())
}
