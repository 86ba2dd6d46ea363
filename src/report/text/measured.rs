//! What stands first where nothing was judged: the latencies that people look for, and the main
//! rates. Not here: every other number.

use super::{number, title, value};
use crate::metric::{Metric, Stat};
use crate::report::WorkloadReport;

/// Columns of `latencies`.
pub const HEADER: [&str; 5] = ["ms", "mean", "p50", "p95", "p99"];

const RATES: [Metric; 6] = [
    Metric::TokenSpeed(Stat::Mean),
    Metric::OutputTokenRate,
    Metric::RequestRate,
    Metric::Goodput,
    Metric::SloAttainment,
    Metric::ErrorRate,
];

/// A row for each of TTFT, TPOT and E2E that the workload defines, a dash where it was not
/// measured; none where something was judged.
pub fn latencies(w: &WorkloadReport) -> Vec<[String; 5]> {
    if w.verdict.is_none() { rows(w) } else { Vec::new() }
}

/// The same, whatever was judged.
pub fn rows(w: &WorkloadReport) -> Vec<[String; 5]> {
    let defined = |timing: &&str| w.metrics.iter().any(|m| m.metric == format!("{timing}_geomean"));
    let timings = ["ttft", "tpot", "e2e"].into_iter().filter(defined);
    let row = |timing: &str| {
        let measured = w.distributions.iter().find(|d| d.timing == timing);
        let of = |d: &crate::report::DistributionReport| [d.mean_ms, d.p50_ms, d.p95_ms, d.p99_ms];
        let [mean, p50, p95, p99] = measured.map_or([None; 4], of).map(number);
        [timing.to_uppercase(), mean, p50, p95, p99]
    };
    timings.map(row).collect()
}

/// Name and value; none where something was judged.
pub fn main_rates(w: &WorkloadReport) -> Vec<(String, String)> {
    let known =
        |metric: &Metric| w.rates.iter().find(|r| w.verdict.is_none() && r.metric == metric.name());
    RATES.iter().filter_map(known).map(|r| (title(&r.metric), value(&r.unit, r.value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn what_was_not_measured_is_a_dash_and_what_was_judged_is_elsewhere() {
        let judged = samples::pass();
        assert!(
            latencies(&judged.workloads[0]).is_empty()
                && main_rates(&judged.workloads[0]).is_empty()
        );
        let mut w = samples::run_only().workloads.remove(0);
        assert_eq!(latencies(&w)[0], ["TTFT", "160.1", "138.9", "312.4", "401.9"]);
        assert_eq!(main_rates(&w)[0], ("mean token speed".to_owned(), "44.31 tok/s".to_owned()));
        w.distributions.retain(|d| d.timing != "e2e");
        assert_eq!(latencies(&w)[2], ["E2E", "-", "-", "-", "-"]);
        w.metrics.retain(|m| !m.metric.starts_with("ttft"));
        assert_eq!(
            latencies(&w).iter().map(|row| row[0].as_str()).collect::<Vec<_>>(),
            ["TPOT", "E2E"],
            "not streaming"
        );
    }
}
