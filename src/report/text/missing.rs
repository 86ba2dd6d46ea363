//! Which numbers are absent, and how many requests a percentile lacks. Not here: why a judgement is
//! open (`not_judged`).

use std::collections::BTreeMap;

use crate::config::Lang;
use crate::metric::{Metric, Timing};
use crate::report::WorkloadReport;

/// What the workload defines and the candidate could not measure; percentiles last, with the
/// requests that they need: `tpot_geomean; ttft_p95, e2e_p95 need 20 completed requests, ttft_p99
/// needs 100`.
pub fn unmeasured(w: &WorkloadReport, lang: Lang) -> Option<String> {
    let metrics = w.metrics.iter().filter(|m| m.candidate.is_none()).map(|m| &m.metric);
    // Speeds are as many as E2E latencies, which are among the metrics.
    let rates =
        w.rates.iter().filter(|r| r.value.is_none() && !super::is_speed(r)).map(|r| &r.metric);
    let mut by_need: BTreeMap<Option<u64>, Vec<&str>> = BTreeMap::new();
    for name in metrics.chain(rates) {
        let names = by_need.entry(needs(w, name)).or_default();
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let others = by_need.remove(&None).map(|names| names.join(", "));
    // A comparison takes each round by itself. The first wave of a closed loop is completed and
    // does not count.
    let per_round = w.comparison.is_some();
    let few = by_need.iter().enumerate().map(|(i, (n, names))| {
        let (names, alone) = (names.join(", "), names.len() == 1);
        let number = n.map_or_else(String::new, |n| n.to_string());
        match lang {
            Lang::En => {
                let verb = if alone { "needs" } else { "need" };
                let unit = match (i, per_round) {
                    (0, true) => " completed requests per round after the ramp",
                    (0, false) => " completed requests after the ramp",
                    _ => "",
                };
                format!("{names} {verb} {number}{unit}")
            }
            Lang::Ko => {
                let unit = match (i, per_round) {
                    (0, true) => "램프 이후 라운드당 완료 요청 ",
                    (0, false) => "램프 이후 완료 요청 ",
                    _ => "",
                };
                format!("{names}: {unit}{number}개 필요")
            }
        }
    });
    let few: Vec<String> = few.collect();
    let all: Vec<String> =
        others.into_iter().chain((!few.is_empty()).then(|| few.join("; "))).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// The fewest values of this statistic, where too few may be why it is absent.
fn needs(w: &WorkloadReport, metric: &str) -> Option<u64> {
    let Some(Metric::Timing(timing, stat)) = Metric::parse(metric) else { return None };
    if timing == Timing::ChunkGap {
        // Of events, not of requests.
        return None;
    }
    let needed = stat.min_n() as u64;
    let had =
        if w.comparison.is_some() { w.completed / u64::from(w.rounds.max(1)) } else { w.completed };
    // The ramp is in what was completed, so that a few more than needed may be too few.
    let few = needed > 1 && had < needed * 2;
    // Where most failed, that is why latency is absent, and not how few there were.
    (few && w.completed * 2 > w.requests).then_some(needed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn a_percentile_says_how_many_requests_it_needs() {
        let mut report = samples::pass();
        let w = &mut report.workloads[0];
        for m in &mut w.metrics {
            m.candidate = ["ttft_p95", "e2e_p95", "ttft_p99", "ttft_geomean"]
                .iter()
                .all(|n| m.metric != *n)
                .then_some(1.0);
        }
        w.rates.clear();
        (w.comparison, w.requests, w.completed) = (None, 15, 15);
        w.rates.extend(
            samples::pass().workloads[0].rates.iter().find(|r| super::super::is_speed(r)).cloned(),
        );
        w.rates[0].value = None;
        let said = unmeasured(w, Lang::En).expect("some are");
        assert_eq!(
            said,
            "ttft_geomean; ttft_p95, e2e_p95 need 20 completed requests after the ramp; ttft_p99 needs 100"
        );
        // Enough of them: something else is the reason.
        (w.requests, w.completed) = (1000, 1000);
        assert_eq!(
            unmeasured(w, Lang::En).expect("some are"),
            "ttft_geomean, ttft_p95, ttft_p99, e2e_p95"
        );
        // Most failed.
        (w.requests, w.completed) = (100, 15);
        assert!(!unmeasured(w, Lang::En).expect("some are").contains("need"));
    }
}
