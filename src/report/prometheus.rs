//! The report in Prometheus' text format, for the node exporter's textfile collector or a push
//! gateway: base units, no timestamps.
//!
//! What is absent has no series. Names that this version does not know are left out: they would be
//! foreign text in a name. Not here: escaping and grouping (`exposition`).

mod exposition;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::gpu::GpuDevice;
use super::server::ServerFact;
use super::{
    AnchorMetricReport, DistributionReport, LimitReport, MetricReport, Report, WorkloadReport, text,
};
use crate::evidence::server::Fact;
use crate::metric::{Metric, SloKind, TIMINGS, Timing};
use crate::verdict::Verdict;
use exposition::Exposition;

const VERDICTS: [&str; 8] = [
    "passed",
    "failed",
    "inconclusive",
    "incomplete",
    "blind",
    "incomparable",
    "no_baseline",
    "invalid",
];
const JUDGEMENTS: [&str; 5] = ["improved", "unchanged", "regressed", "inconclusive", "unmeasured"];
const LIMIT_STATES: [&str; 4] = ["met", "open", "breached", "not_measured"];

pub fn render(report: &Report) -> String {
    let mut out = Exposition::default();
    run(&mut out, report);
    report.workloads.iter().for_each(|w| whole_workload(&mut out, w));
    out.text()
}

fn whole_workload(out: &mut Exposition, w: &WorkloadReport) {
    workload(out, w);
    w.distributions.iter().for_each(|d| distribution(out, w, d));
    rates(out, w);
    w.gpu.iter().flat_map(|g| &g.devices).for_each(|d| gpu(out, w, d));
    w.server.iter().flat_map(|s| &s.facts).for_each(|f| server(out, w, f));
    w.metrics.iter().for_each(|m| metric(out, w, m));
    w.anchor.iter().flat_map(|a| &a.metrics).for_each(|m| anchor(out, w, m));
    w.limits.iter().for_each(|l| limit(out, w, l));
}

/// Of several reports, newest first: each workload as the first of them has it.
pub fn latest(reports: &[&Report]) -> String {
    let (mut out, mut seen) = (Exposition::default(), BTreeSet::new());
    for w in reports.iter().flat_map(|report| &report.workloads) {
        if seen.insert(&w.name) {
            whole_workload(&mut out, w);
        }
    }
    out.text()
}

fn run(out: &mut Exposition, report: &Report) {
    let commit = report.git.as_ref().map_or("", |g| g.commit.as_str());
    let info =
        [("commit", commit), ("session", &report.session), ("tool_version", &report.tool_version)];
    out.gauge("run_info", "Always 1: which run this is.", &info, Some(1.0));
    let created =
        OffsetDateTime::parse(&report.created, &Rfc3339).ok().map(|t| t.unix_timestamp() as f64);
    out.gauge("run_timestamp_seconds", "When the run began, since the epoch.", &[], created);
    out.gauge("run_exit_code", "What the gate ended with.", &[], Some(f64::from(report.exit_code)));
    if let Some(verdict) = report.verdict {
        out.states(
            "run_verdict",
            "1 for the verdict on the run, 0 for the others.",
            &[],
            ("verdict", &VERDICTS),
            label(verdict),
        );
    }
}

fn workload(out: &mut Exposition, w: &WorkloadReport) {
    let mine = [("workload", w.name.as_str())];
    if let Some(verdict) = w.verdict {
        out.states(
            "verdict",
            "1 for the verdict on the workload, 0 for the others.",
            &mine,
            ("verdict", &VERDICTS),
            label(verdict),
        );
    }
    out.gauge(
        "server_starts",
        "Server starts that were measured.",
        &mine,
        Some(f64::from(w.starts)),
    );
    out.gauge("rounds", "Rounds that were measured.", &mine, Some(f64::from(w.rounds)));
    out.gauge("scheduled_requests", "Requests of all rounds.", &mine, Some(w.requests as f64));
    out.gauge("completed_requests", "Requests that completed.", &mine, Some(w.completed as f64));
    out.gauge("duration_seconds", "All rounds together.", &mine, Some(w.duration_s));
    for (start, ms) in (1..).zip(&w.server_start_ms) {
        let labels = [mine[0], ("start", &format!("{start}"))];
        out.gauge(
            "server_start_seconds",
            "Start of the server's process until it was ready.",
            &labels,
            Some(ms / 1000.0),
        );
    }
    for error in &w.errors {
        let labels = [mine[0], ("kind", error.kind.as_str())];
        out.gauge(
            "failed_requests",
            "Requests that failed, by kind of error.",
            &labels,
            Some(error.count as f64),
        );
    }
}

fn distribution(out: &mut Exposition, w: &WorkloadReport, d: &DistributionReport) {
    let Some(timing) = TIMINGS.into_iter().find(|t| t.name() == d.timing) else { return };
    let name = format!("{}_seconds", timing.name());
    for (statistic, ms) in text::statistics(d) {
        out.gauge(
            &name,
            help(timing),
            &[("workload", &w.name), ("statistic", statistic)],
            ms.map(|ms| ms / 1000.0),
        );
    }
}

fn rates(out: &mut Exposition, w: &WorkloadReport) {
    for rate in &w.rates {
        let Some((metric, unit)) = Metric::parse(&rate.metric).zip(base(&rate.unit)) else {
            continue;
        };
        let name = metric.name();
        // `tokens_per_joule` says its unit itself.
        let name =
            if name.ends_with(unit.suffix) { name } else { format!("{name}_{}", unit.suffix) };
        out.gauge(&name, rate_help(metric), &[("workload", &w.name)], unit.converted(rate.value));
    }
}

fn gpu(out: &mut Exposition, w: &WorkloadReport, d: &GpuDevice) {
    let index = d.index.to_string();
    let mine = [("workload", w.name.as_str()), ("gpu", index.as_str()), ("uuid", d.uuid.as_str())];
    out.gauge(
        "gpu_device_memory_peak_bytes",
        "Largest memory in use.",
        &mine,
        d.memory_peak_mib.map(|m| m * MIB),
    );
    out.gauge(
        "gpu_device_memory_bytes",
        "Memory that the GPU has.",
        &mine,
        d.memory_total_mib.map(|m| m * MIB),
    );
    out.gauge(
        "gpu_device_utilisation_ratio",
        "Mean share of time in which it ran something.",
        &mine,
        d.utilisation_ratio,
    );
    out.gauge("gpu_device_power_watts", "Mean power.", &mine, d.power_mean_w);
    out.gauge("gpu_device_energy_joules", "Energy of all rounds together.", &mine, d.energy_j);
    out.gauge(
        "gpu_device_sm_clock_hertz",
        "Median clock.",
        &mine,
        d.sm_clock.map(|c| c.median_mhz * 1e6),
    );
    out.gauge(
        "gpu_device_temperature_max_celsius",
        "Highest temperature.",
        &mine,
        d.temperature_max_c.map(f64::from),
    );
    for (reason, share) in &d.throttle_ratio {
        let labels = [mine[0], mine[1], mine[2], ("reason", reason.key())];
        out.gauge(
            "gpu_device_throttle_ratio",
            "Share of the samples in which its clocks were held back.",
            &labels,
            Some(*share),
        );
    }
    for (kind, n) in [("corrected", d.ecc_corrected), ("uncorrected", d.ecc_uncorrected)] {
        let labels = [mine[0], mine[1], mine[2], ("kind", kind)];
        out.gauge(
            "gpu_device_ecc_errors",
            "ECC errors during the rounds.",
            &labels,
            n.map(|n| n as f64),
        );
    }
}

fn server(out: &mut Exposition, w: &WorkloadReport, f: &ServerFact) {
    let Some(fact) = Fact::ALL.into_iter().find(|known| known.key() == f.fact) else { return };
    let (name, per) = match (fact, fact.key().strip_suffix("_ms")) {
        (_, Some(name)) => (format!("{name}_seconds"), 1000.0),
        (Fact::RunningMean | Fact::RunningMax | Fact::WaitingMean | Fact::WaitingMax, _) => {
            (format!("{}_requests", fact.key()), 1.0)
        }
        _ => (fact.key().to_owned(), 1.0),
    };
    let help = format!("From the server's own metrics: {}.", fact.title());
    for (side, value) in [("baseline", f.baseline), ("candidate", f.candidate)] {
        let labels = [("workload", w.name.as_str()), ("side", side)];
        out.gauge(&format!("server_{name}"), &help, &labels, value.map(|v| v / per));
    }
}

fn metric(out: &mut Exposition, w: &WorkloadReport, m: &MetricReport) {
    let mine = [("workload", w.name.as_str()), ("metric", m.metric.as_str())];
    if let Some(unit) = base(&m.unit) {
        let name = format!("judged_{}", unit.suffix);
        for (side, value) in [("baseline", m.baseline), ("candidate", m.candidate)] {
            let help = "A metric as it is judged: of server starts, not of requests.";
            out.gauge(&name, help, &[mine[0], mine[1], ("side", side)], unit.converted(value));
        }
    }
    let change = "Candidate against baseline: relative for times and rates, in shares for shares.";
    out.gauge("change_ratio", change, &mine, m.change_ratio);
    out.gauge(
        "change_low_ratio",
        "Lower end of the change's interval.",
        &mine,
        m.interval_low_ratio,
    );
    out.gauge(
        "change_high_ratio",
        "Upper end of the change's interval.",
        &mine,
        m.interval_high_ratio,
    );
    if let Some(judgement) = &m.judgement {
        out.states(
            "judgement",
            "1 for the metric's judgement, 0 for the others.",
            &mine,
            ("judgement", &JUDGEMENTS),
            judgement.word(),
        );
    }
}

fn anchor(out: &mut Exposition, w: &WorkloadReport, m: &AnchorMetricReport) {
    let mine = [("workload", w.name.as_str()), ("metric", m.metric.as_str())];
    out.gauge(
        "anchor_change_ratio",
        "Candidate against the anchor: as the change against the baseline.",
        &mine,
        m.change_ratio,
    );
    out.gauge(
        "anchor_change_low_ratio",
        "Lower end of that change's interval.",
        &mine,
        m.interval_low_ratio,
    );
    out.gauge(
        "anchor_change_high_ratio",
        "Upper end of that change's interval.",
        &mine,
        m.interval_high_ratio,
    );
}

fn limit(out: &mut Exposition, w: &WorkloadReport, l: &LimitReport) {
    let mine =
        [("workload", w.name.as_str()), ("metric", l.metric.as_str()), ("bound", l.bound.word())];
    if let Some(unit) = base(&l.unit) {
        out.gauge(
            &format!("limit_{}", unit.suffix),
            "What the config allows.",
            &mine,
            unit.converted(Some(l.limit)),
        );
        out.gauge(
            &format!("limited_{}", unit.suffix),
            "What was measured of it.",
            &mine,
            unit.converted(l.value),
        );
    }
    out.states(
        "limit_state",
        "1 for what became of the limit, 0 for the others.",
        &mine,
        ("state", &LIMIT_STATES),
        l.state.word(),
    );
}

const MIB: f64 = 1_048_576.0;

/// A base unit, and how many of the report's units it is.
struct Base {
    suffix: &'static str,
    per: f64,
}

impl Base {
    fn converted(&self, value: Option<f64>) -> Option<f64> {
        value.map(|v| v / self.per)
    }
}

fn base(unit: &str) -> Option<Base> {
    let (suffix, per) = match unit {
        "ms" => ("seconds", 1000.0),
        "per_s" => ("per_second", 1.0),
        "tokens_per_s" => ("tokens_per_second", 1.0),
        "ratio" => ("ratio", 1.0),
        "j_per_token" => ("joules", 1.0),
        "tokens_per_j" => ("tokens_per_joule", 1.0),
        "mib" => ("bytes", 1.0 / MIB),
        _ => return None,
    };
    Some(Base { suffix, per })
}

/// As JSON has it.
const fn label(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "failed",
        Verdict::Inconclusive => "inconclusive",
        Verdict::Incomplete => "incomplete",
        Verdict::Blind => "blind",
        Verdict::Incomparable => "incomparable",
        Verdict::NoBaseline => "no_baseline",
        Verdict::Invalid => "invalid",
    }
}

const fn help(timing: Timing) -> &'static str {
    match timing {
        Timing::Ttft => "Start to first output of any kind.",
        Timing::Ttfa => "Start to first answer that is no reasoning.",
        Timing::Tpot => "Time per output token after the first.",
        Timing::ChunkGap => "Between two consecutive outputs of one response.",
        Timing::E2e => "Start to last output.",
        Timing::Queue => "Intended send time to a free slot of the client.",
        Timing::Connect => "Opening a connection, where one had to be opened.",
        Timing::SendLag => "Actual minus intended send time.",
    }
}

const fn rate_help(metric: Metric) -> &'static str {
    match metric {
        Metric::TokenSpeed(_) => "Output tokens of a request by its E2E latency.",
        Metric::OutputTokenRate => "Output tokens per second.",
        Metric::InputTokenRate => "Input tokens per second.",
        Metric::TotalTokenRate => "Input and output tokens per second.",
        Metric::RequestRate => "Completed requests per second.",
        Metric::Goodput => "Requests per second that meet all SLOs.",
        Metric::SloAttainment => "Share of scheduled requests that meet all SLOs.",
        Metric::SloAttainmentOf(SloKind::Ttft) => {
            "Share of scheduled requests that meet the SLO on TTFT."
        }
        Metric::SloAttainmentOf(SloKind::Tpot) => {
            "Share of scheduled requests that meet the SLO on TPOT."
        }
        Metric::SloAttainmentOf(SloKind::E2e) => {
            "Share of scheduled requests that meet the SLO on E2E latency."
        }
        Metric::SuccessRate => "Share of scheduled requests that completed.",
        Metric::ErrorRate => "Share of scheduled requests that failed.",
        Metric::OfferedRate => "Requests per second that the schedule asked for.",
        Metric::AchievedRate => "Requests per second that were sent.",
        Metric::EnergyPerToken => "Energy of the GPUs by output tokens.",
        Metric::TokensPerJoule => "Output tokens by energy of the GPUs.",
        Metric::GpuMemoryPeak => "Largest memory in use, summed over the GPUs.",
        Metric::GpuUtilisation => "Mean share of time in which the GPUs ran something.",
        Metric::ServerStart | Metric::Timing(..) => "A timing.",
    }
}
