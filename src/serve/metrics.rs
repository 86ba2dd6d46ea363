//! `/metrics`: the last judged or measured run of each workload, and the service's own numbers, in
//! Prometheus' text format. Not here: the numbers of a report (`report::prometheus`).

use std::fmt::Write as _;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::state::{LastRuns, State};
use super::stored;
use crate::app::runs::found::{self, Run};
use crate::app::runs::select::Filter;
use crate::clock::monotonic_ns;
use crate::report::{Report, prometheus};

/// Of the newest runs; a workload that none of them has is not shown.
const NEWEST: u32 = 50;

/// Errors: the index cannot be read.
pub fn text(state: &State) -> anyhow::Result<String> {
    let page = state.index.page(&Filter::default(), NEWEST, 0)?;
    let whole = |run: &Run| run.damage.is_empty() && !run.goes_on();
    let runs: Vec<Run> = page.runs.into_iter().filter(whole).collect();
    let mut last = state.last_runs.lock().unwrap_or_else(PoisonError::into_inner);
    // Somebody asks every few seconds, and reports are large: those of the same runs are as before.
    if last.runs != runs {
        *last = LastRuns { text: latest(state, &runs), runs };
    }
    let mut out = last.text.clone();
    drop(last);
    own(&mut out, state, page.total);
    Ok(out)
}

fn latest(state: &State, runs: &[Run]) -> String {
    let mut seen: Vec<&str> = Vec::new();
    let mut reports: Vec<Report> = Vec::new();
    for run in runs {
        let new: Vec<&str> =
            run.workloads.iter().map(|w| &*w.name).filter(|name| !seen.contains(name)).collect();
        if new.is_empty() {
            continue;
        }
        // As its folder tells it now. What cannot be read has no numbers.
        let whole = stored::run(state, run.id.as_str()).is_ok_and(|run| run.damage.is_empty());
        if whole && let Ok(Some(report)) = found::report(run) {
            reports.push(report);
            seen.extend(new);
        }
    }
    prometheus::latest(&reports.iter().collect::<Vec<_>>())
}

fn own(out: &mut String, state: &State, runs: u64) {
    let counts = &state.counts;
    let up_s = monotonic_ns().saturating_sub(counts.began_ns) as f64 / 1e9;
    let busy_s = counts.busy_ns.load(Ordering::Relaxed) as f64 / 1e9;
    let answers: Vec<u64> = counts.answers.iter().map(|n| n.load(Ordering::Relaxed)).collect();
    let connections = counts.connections.load(Ordering::Relaxed);
    let mut family = |name: &str, kind: &str, help: &str, series: &[(String, f64)]| {
        let _ =
            writeln!(out, "# HELP goodput_gate_{name} {help}\n# TYPE goodput_gate_{name} {kind}");
        for (labels, value) in series {
            let _ = writeln!(out, "goodput_gate_{name}{labels} {value}");
        }
    };
    let plain = |value: f64| [(String::new(), value)];
    family("service_runs", "gauge", "Runs that are kept.", &plain(runs as f64));
    family("service_up_seconds", "gauge", "Since the service began.", &plain(up_s));
    family("service_connections", "gauge", "Open connections.", &plain(connections as f64));
    let by_status: Vec<(String, f64)> = answers
        .iter()
        .enumerate()
        .skip(1)
        .map(|(digit, n)| (format!("{{status=\"{digit}xx\"}}"), *n as f64))
        .collect();
    family("service_requests_total", "counter", "Answers, by status.", &by_status);
    family("service_request_seconds_total", "counter", "Time of all answers.", &plain(busy_s));
}
