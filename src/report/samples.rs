//! Hand-made reports for the tests of every format: one per verdict that people meet, with plausible numbers.

mod accepted;
mod swept;
mod watched;

use std::collections::BTreeMap;

pub use watched::watched;

use super::{
    BaselineReport, ClientReport, ComparisonReport, CountedReport, DistributionReport, LimitReport, MetricReport, Report, SCHEMA,
    VERSION, ValueReport, WorkloadReport,
};
use crate::fingerprint::{Difference, Fingerprint};
use crate::metric::{Class, METHOD, Metric, Orientation, Stat, Timing, Unit};
use crate::record::{ErrorCount, GitFacts, LoadDetail, LoadFacts, Slo};
use crate::verdict::Verdict;

const PROVES: &str = "ttft_geomean changed for the worse by less than 10 %, tpot_geomean changed for the worse by less than 10 %, \
    e2e_geomean changed for the worse by less than 10 %, output_token_rate changed for the worse by less than 10 %; worse changes of \
    the others would have been found from: ttft_p50 8.1 %, ttft_p95 14.2 %, ttft_p99 21 %, tpot_p95 8.8 %, chunk_gap_p99 15 %, \
    e2e_p95 8.4 %, slo_attainment 2.9 pp, error_rate 0.6 pp";

/// Every sample with the name of its snapshots.
pub fn all() -> Vec<(&'static str, Report)> {
    vec![
        ("pass", pass()),
        ("regression", regression()),
        ("interleaved", interleaved()),
        ("limit_breach", limit_breach()),
        ("inconclusive", inconclusive()),
        ("incomplete", incomplete()),
        ("blind", blind()),
        ("no_baseline", no_baseline()),
        ("invalid", invalid()),
        ("run_only", run_only()),
        ("two_workloads", two_workloads()),
        ("swept", swept()),
        ("accepted", accepted::accepted()),
    ]
}

pub use swept::swept;

pub fn pass() -> Report {
    let workload = WorkloadReport {
        verdict: Some(Verdict::Passed),
        reasons: vec![PROVES.into()],
        proves: Some(PROVES.into()),
        baseline: Some(history(8, None)),
        comparison: Some(other_day()),
        metrics: compared(|_| (0.004, "unchanged")),
        limits: vec![met()],
        differences: vec![Difference {
            field: "server_version".into(),
            baseline: Some("0.11.0".into()),
            candidate: Some("0.11.1".into()),
        }],
        ..measured("chat")
    };
    report(Some(Verdict::Passed), 0, &format!("PASS: {PROVES}"), vec![workload])
}

pub fn regression() -> Report {
    let reasons = ["tpot_geomean +8.2 % (+7.0 % to +9.4 %), p < 0.0001", "e2e_geomean +7.1 % (+5.9 % to +8.3 %), p = 0.0002"];
    let worse = |m: Metric| match m {
        Metric::Timing(Timing::Tpot, Stat::Geomean) => (0.082, "regressed"),
        Metric::Timing(Timing::E2e, Stat::Geomean) => (0.071, "regressed"),
        Metric::Timing(Timing::Ttft, Stat::Geomean) => (-0.041, "improved"),
        Metric::OutputTokenRate => (-0.022, "inconclusive"),
        _ => (0.006, "unchanged"),
    };
    let workload = WorkloadReport {
        verdict: Some(Verdict::Failed),
        reasons: reasons.map(Into::into).to_vec(),
        warnings: vec!["noisier than usual: e2e_geomean".into()],
        baseline: Some(history(8, None)),
        comparison: Some(other_day()),
        metrics: compared(worse),
        limits: vec![met()],
        ..measured("chat")
    };
    report(Some(Verdict::Failed), 1, &format!("FAIL: {}", reasons[0]), vec![workload])
}

/// Both builds in one job.
pub fn interleaved() -> Report {
    let mut report = regression();
    let workload = &mut report.workloads[0];
    workload.baseline = None;
    workload.comparison = Some(in_this_job());
    report
}

pub fn limit_breach() -> Report {
    let reason = "ttft_p95 612.4 ms (588.0 ms to 640.1 ms) is beyond the limit of at most 500.0 ms";
    let breached = LimitReport {
        value: Some(612.4),
        interval_low: Some(588.0),
        interval_high: Some(640.1),
        state: "breached".into(),
        right_side: Some(false),
        reason: reason.into(),
        ..met()
    };
    let open = LimitReport {
        metric: "slo_attainment".into(),
        unit: "ratio".into(),
        bound: "min".into(),
        limit: 0.95,
        value: Some(0.957),
        interval_low: Some(0.938),
        interval_high: Some(0.972),
        state: "open".into(),
        right_side: Some(true),
        reason:
            "slo_attainment 95.70 % (93.80 % to 97.20 %) is within, but not proven to be within, the limit of at least 95.00 %"
                .into(),
        accepted: None,
    };
    let workload = WorkloadReport {
        verdict: Some(Verdict::Failed),
        reasons: vec![format!("limit: {reason}")],
        warnings: vec![format!("limit: {}", open.reason)],
        limits: vec![breached, open],
        ..measured("chat")
    };
    report(Some(Verdict::Failed), 1, &format!("FAIL: limit: {reason}"), vec![workload])
}

pub fn inconclusive() -> Report {
    let reason = "4 more baseline sessions are needed: 2 of 6 are there, and until then only changes far beyond any plausible noise are judged";
    let mut metrics = compared(|_| (0.018, "inconclusive"));
    for m in &mut metrics {
        m.reason = Some("2 sessions are too few to know the noise".into());
        (m.interval_low_ratio, m.interval_high_ratio, m.p, m.smallest_visible_change_ratio) = (None, None, None, None);
    }
    let p99 = metrics.iter_mut().find(|m| m.metric == "ttft_p99").expect("METHOD judges ttft_p99");
    (p99.candidate, p99.change_ratio, p99.judgement) = (None, None, Some("unmeasured".into()));
    p99.reason = Some("missing on the candidate's side".into());
    let workload = WorkloadReport {
        verdict: Some(Verdict::Inconclusive),
        reasons: vec![reason.into(), "ttft_p99: missing on the candidate's side".into()],
        baseline: Some(BaselineReport {
            found_from: Some("merge base with origin/main".into()),
            skipped: vec!["0c1d2e3f4a5b (model: sim-8b -> sim-70b)".into()],
            ..history(2, Some(4))
        }),
        metrics,
        ..measured("chat")
    };
    let notices = vec!["this change alters `gate` of goodput-gate.yaml: what the base says is what counts".into()];
    Report { notices, ..report(Some(Verdict::Inconclusive), 0, &format!("INCONCLUSIVE: {reason}"), vec![workload]) }
}

/// The candidate stopped to tell its output tokens.
pub fn incomplete() -> Report {
    let reason = "the baseline tells its output tokens and the candidate does not: whether the work is the same is not known, so \
                  this is no PASS";
    let mut metrics = compared(|_| (0.004, "unchanged"));
    for m in metrics.iter_mut().filter(|m| m.metric.starts_with("tpot") || m.metric == "output_token_rate") {
        (m.candidate, m.change_ratio, m.judgement) = (None, None, Some("unmeasured".into()));
        (m.interval_low_ratio, m.interval_high_ratio, m.p, m.smallest_visible_change_ratio) = (None, None, None, None);
        m.reason = Some("missing on the candidate's side".into());
    }
    let workload = WorkloadReport {
        verdict: Some(Verdict::Incomplete),
        reasons: vec![reason.into(), "tpot_geomean: missing on the candidate's side".into()],
        baseline: Some(history(8, None)),
        comparison: Some(other_day()),
        metrics,
        limits: vec![met()],
        ..measured("chat")
    };
    report(Some(Verdict::Incomplete), 3, &format!("INCOMPLETE: {reason}"), vec![workload])
}

/// Eight sessions of two levels, and a p99 that looks worse.
pub fn blind() -> Report {
    let why = "this run could see only what is 51.2 % worse or more in ttft_geomean, and 10 % must be found, since sessions of unchanged \
               code differ by 11.8 % (standard deviation)";
    let mut metrics = compared(|_| (0.118, "inconclusive"));
    let p99 = metrics.iter_mut().find(|m| m.metric == "ttft_p99").expect("METHOD judges ttft_p99");
    p99.change_ratio = Some(1.26);
    p99.reason = Some(
        "looks worse, not proven: a job of one start cannot convict by this metric; measure two starts or more (gate.starts)"
            .into(),
    );
    let workload = WorkloadReport {
        verdict: Some(Verdict::Blind),
        reasons: vec![
            why.into(),
            "3 sessions since 0c1d2e3f4a5b (2026-10-30): ttft_geomean +21.7 % against the 5 before".into(),
            "way out: measure both builds in one job (`goodput-gate check --interleaved`), which needs none of these sessions; or measure \
             disturbed sessions again (`goodput-gate baseline history METRIC` shows them, `baseline update` adds others)"
                .into(),
        ],
        warnings: vec![
            "the sessions that count begin at 0b1c2d3e4f5a (2026-10-20), faster than the sessions before it (tpot_geomean -12.0 %): 4 sessions \
             of another level left out"
                .into(),
            "session 1a2b3c4d of 0d1e2f3a4b5c (2026-11-02) left out, since it is slower than the sessions that it would have joined \
             (tpot_geomean +40.1 %) and nobody answers for it; if it is meant: `goodput-gate baseline update --level-shift REASON`"
                .into(),
        ],
        baseline: Some(history(8, None)),
        comparison: Some(other_day()),
        metrics,
        ..measured("chat")
    };
    report(Some(Verdict::Blind), 5, &format!("BLIND: {why}"), vec![workload])
}

pub fn no_baseline() -> Report {
    let reason = "no baseline session within 200 commits: make one with `goodput-gate baseline update` on the target branch";
    let workload = WorkloadReport {
        verdict: Some(Verdict::NoBaseline),
        reasons: vec![reason.into()],
        limits: vec![met()],
        ..measured("chat")
    };
    report(Some(Verdict::NoBaseline), 4, &format!("NO BASELINE: {reason}"), vec![workload])
}

pub fn invalid() -> Report {
    let reason = "start 1, round 1: none of 100 requests completed: see the errors, and try one request by hand";
    let workload = WorkloadReport {
        verdict: Some(Verdict::Invalid),
        reasons: vec![reason.into(), reason.replace("round 1", "round 2")],
        completed: 0,
        metrics: METHOD.iter().map(|m| MetricReport { candidate: None, ..metric(*m) }).collect(),
        distributions: vec![],
        rates: rates().into_iter().map(|r| ValueReport { value: (r.metric == "error_rate").then_some(1.0), ..r }).collect(),
        errors: vec![
            ErrorCount {
                kind: "http_status 503".into(),
                count: 598,
                example: Some("<html>\u{1b}[31mno \"healthy\" upstream & | `x` @admin #12\u{1b}[0m</html>]]>\n".into()),
            },
            ErrorCount { kind: "timeout".into(), count: 2, example: None },
        ],
        client: ClientReport { own_lag_p99_ms: None, ..client() },
        ..measured("chat")
    };
    report(Some(Verdict::Invalid), 3, &format!("INVALID: {reason}"), vec![workload])
}

pub fn run_only() -> Report {
    let mut workload = WorkloadReport {
        server_start_ms: Vec::new(),
        connections: BTreeMap::new(),
        notes: vec!["start 1, round 2: p99 send lag 1.40 ms is over 1 % of the median TTFT".into()],
        gpu: Some(super::gpu::tests::sample()),
        ..measured("chat")
    };
    let of_gpu = [Some(0.842), Some(1.1876), Some(61746.0), None];
    workload.rates.extend(Metric::GPU.into_iter().zip(of_gpu).map(rate));
    workload.metrics.retain(|m| m.metric != "slo_attainment");
    for m in workload.metrics.iter_mut().filter(|m| m.metric == "output_token_rate" || m.metric == "ttft_p99") {
        m.candidate = None;
    }
    report(None, 0, "measured 600 requests, nothing judged", vec![workload])
}

pub fn two_workloads() -> Report {
    let (good, bad) = (pass().workloads, regression().workloads);
    let rename = |mut w: WorkloadReport, name: &str| {
        w.name = name.into();
        w
    };
    let workloads: Vec<WorkloadReport> = good
        .into_iter()
        .map(|w| rename(w, "chat | 8 in flight"))
        .chain(bad.into_iter().map(|w| rename(w, "long-context")))
        .collect();
    report(Some(Verdict::Failed), 1, "FAIL: long-context: tpot_geomean +8.2 % (+7.0 % to +9.4 %), p < 0.0001", workloads)
}

/// A report whose every foreign text is `nasty`.
pub fn foreign(nasty: &str) -> Report {
    let mut all = regression();
    all.headline = format!("FAIL: {nasty}");
    all.session = nasty.into();
    all.created = nasty.into();
    all.git = all.git.map(|g| GitFacts { commit: nasty.into(), tree: nasty.into(), commit_date: nasty.into(), ..g });
    all.host = BTreeMap::from([(nasty.to_owned(), nasty.to_owned())]);
    for w in &mut all.workloads {
        w.name = nasty.into();
        w.reasons = vec![nasty.into(), nasty.into()];
        w.warnings = vec![nasty.into()];
        w.notes = vec![nasty.into()];
        w.proves = Some(format!("proven: {nasty}"));
        (w.load.protocol, w.load.arrival) = (nasty.into(), nasty.into());
        w.fingerprint.set("model", nasty);
        w.fingerprint.set(nasty, nasty);
        w.differences = vec![Difference { field: nasty.into(), baseline: None, candidate: Some(nasty.into()) }];
        w.errors = vec![ErrorCount { kind: nasty.into(), count: 3, example: Some(nasty.into()) }];
        w.limits[0].reason = nasty.into();
        w.metrics[3].reason = Some(nasty.into());
        w.baseline = Some(BaselineReport { commit: Some(nasty.into()), commit_date: Some(nasty.into()), ..history(8, None) });
    }
    all
}

fn report(verdict: Option<Verdict>, exit_code: u8, headline: &str, workloads: Vec<WorkloadReport>) -> Report {
    Report {
        schema: SCHEMA.into(),
        version: VERSION,
        tool_version: "0.1.0".into(),
        session: "5f3a9c1e".into(),
        created: "2026-11-20T09:30:00.25Z".into(),
        verdict,
        exit_code,
        headline: headline.into(),
        interrupted: false,
        notices: Vec::new(),
        attempts: Vec::new(),
        sweeps: Vec::new(),
        git: Some(GitFacts {
            commit: "9d2f1a7c3b5e4f60718293a4b5c6d7e8f9012345".into(),
            tree: "1b2c3d4e5f60718293a4b5c6d7e8f90123456789".into(),
            dirty: verdict.is_none(),
            commit_date: "2026-11-20T09:00:00Z".into(),
        }),
        host: [("kernel", "6.1.0"), ("runner", "gpu-7")].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        workloads,
    }
}

/// A workload as `run` leaves it: nothing judged.
fn measured(name: &str) -> WorkloadReport {
    let mut fingerprint = Fingerprint::default();
    for (field, value) in
        [("model", "Qwen/Qwen3-4B"), ("plan", "c0ffee123456"), ("protocol", "openai-chat"), ("server_version", "0.11.1")]
    {
        fingerprint.set(field, value);
    }
    WorkloadReport {
        name: name.into(),
        verdict: None,
        reasons: vec![],
        warnings: vec![],
        accepted: vec![],
        proves: None,
        load: load(),
        counted: Some(CountedReport { input_tokens_mean: 238.4, by: "server".into() }),
        slo: Slo { ttft_ms: Some(500.0), tpot_ms: Some(50.0), e2e_ms: None },
        slo_requests: Some(600),
        starts: 2,
        rounds: 6,
        requests: 600,
        completed: 598,
        duration_s: 123.4,
        baseline: None,
        comparison: None,
        anchor: None,
        fingerprint,
        differences: vec![],
        metrics: METHOD.iter().map(|m| metric(*m)).collect(),
        limits: vec![],
        distributions: distributions(),
        rates: rates(),
        errors: vec![ErrorCount { kind: "timeout".into(), count: 2, example: Some("no byte for 30 s".into()) }],
        server_start_ms: Vec::new(),
        connections: BTreeMap::new(),
        notes: vec![],
        client: client(),
        server: None,
        why: vec![],
        gpu: None,
    }
}

fn load() -> LoadFacts {
    LoadFacts {
        protocol: "openai-chat".into(),
        arrival: "poisson 5/s".into(),
        streaming: true,
        open_loop: true,
        requests_per_round: Some(100),
        input_tokens: 256,
        output_tokens: 128,
        length_forced: true,
        max_in_flight: Some(64),
        seed: 7,
        detail: LoadDetail::default(),
    }
}

fn history(sessions: u32, needed: Option<u32>) -> BaselineReport {
    BaselineReport {
        sessions,
        commit: Some("0a1b2c3d4e5f60718293a4b5c6d7e8f901234567".into()),
        distance_commits: Some(3),
        commit_date: Some("2026-11-17T18:12:00Z".into()),
        found_from: None,
        skipped: Vec::new(),
        sessions_needed: needed,
    }
}

fn other_day() -> ComparisonReport {
    ComparisonReport {
        mode: "baseline".into(),
        beside: None,
        beside_commit: None,
        looks: 1,
        most_looks: 2,
        history_sessions: 8,
        starts_sampled: None,
        false_alarm_budget_ratio: 0.0123,
        minutes: 4.6,
    }
}

fn in_this_job() -> ComparisonReport {
    ComparisonReport {
        mode: "interleaved".into(),
        beside: Some("3f2a91c0b1d2 (merge base with origin/main)".into()),
        beside_commit: Some("3f2a91c0b1d20123456789abcdef0123456789ab".into()),
        looks: 2,
        most_looks: 6,
        history_sessions: 0,
        starts_sampled: Some(true),
        false_alarm_budget_ratio: 0.0195,
        minutes: 9.2,
    }
}

fn client() -> ClientReport {
    ClientReport {
        own_lag_p99_ms: Some(0.21),
        loop_lag_p99_ms: Some(0.6),
        busiest_worker_ratio: Some(0.07),
        connections_opened: Some(384),
        retries: Some(0),
    }
}

fn compared(change: impl Fn(Metric) -> (f64, &'static str)) -> Vec<MetricReport> {
    METHOD
        .iter()
        .map(|m| {
            let (ratio, judgement) = change(*m);
            let share = m.unit() == Unit::Share;
            let ratio = if share { ratio / 10.0 } else { ratio };
            let base = metric(*m);
            let baseline = base.candidate.map(|c| if share { c } else { c / (1.0 + ratio) });
            let half = if share { 0.004 } else { 0.012 };
            MetricReport {
                baseline,
                change_ratio: Some(ratio),
                interval_low_ratio: Some(ratio - half),
                interval_high_ratio: Some(ratio + half),
                p: Some(if judgement == "regressed" { 0.000_04 } else { 0.31 }),
                smallest_visible_change_ratio: Some(half * 4.0),
                judgement: Some(judgement.into()),
                reason: (judgement == "inconclusive").then(|| "neither proven to be within 10 % nor proven worse".into()),
                ..base
            }
        })
        .collect()
}

fn metric(metric: Metric) -> MetricReport {
    let row = metric.method().expect("METHOD judges it");
    let value = match metric {
        Metric::Timing(Timing::Ttft, Stat::P95) => 312.4,
        Metric::Timing(Timing::Ttft, Stat::P99) => 401.9,
        Metric::Timing(Timing::Ttft, _) => 142.31,
        Metric::Timing(Timing::E2e, _) => 2913.0,
        Metric::Timing(..) => 21.73,
        Metric::OutputTokenRate => 622.1,
        Metric::SloAttainment => 0.9767,
        _ => 0.0033,
    };
    MetricReport {
        metric: metric.name(),
        unit: metric.unit().suffix().into(),
        class: if row.class == Class::Primary { "primary" } else { "guard" }.into(),
        better: if metric.orientation() == Orientation::LowerIsBetter { "lower" } else { "higher" }.into(),
        baseline: None,
        candidate: Some(value),
        change_ratio: None,
        interval_low_ratio: None,
        interval_high_ratio: None,
        p: None,
        minimum_relevant_change_ratio: row.d_min,
        pass_margin_ratio: None,
        noise_ratio: None,
        smallest_visible_change_ratio: None,
        judgement: None,
        reason: None,
        accepted: None,
    }
}

fn met() -> LimitReport {
    LimitReport {
        metric: "ttft_p95".into(),
        unit: "ms".into(),
        bound: "max".into(),
        limit: 500.0,
        value: Some(312.4),
        interval_low: Some(290.2),
        interval_high: Some(337.8),
        state: "met".into(),
        right_side: Some(true),
        reason: "ttft_p95 312.4 ms (290.2 ms to 337.8 ms) is within the limit of at most 500.0 ms".into(),
        accepted: None,
    }
}

fn distributions() -> Vec<DistributionReport> {
    let of = |timing: &str, scale: f64| DistributionReport {
        timing: timing.into(),
        geomean_ms: Some(1.4231 * scale),
        mean_ms: Some(1.6012 * scale),
        stddev_ms: Some(0.7733 * scale),
        min_ms: Some(0.9121 * scale),
        p50_ms: Some(1.3894 * scale),
        p90_ms: Some(2.5511 * scale),
        p95_ms: Some(3.1242 * scale),
        p99_ms: Some(4.0193 * scale),
        p999_ms: None,
        max_ms: Some(5.1177 * scale),
    };
    vec![of("ttft", 100.0), of("tpot", 15.0), of("chunk_gap", 14.0), of("e2e", 2000.0), of("queue", 0.01), of("send_lag", 0.05)]
}

fn rates() -> Vec<ValueReport> {
    [
        (Metric::TokenSpeed(Stat::Mean), Some(44.31)),
        (Metric::TokenSpeed(Stat::P50), Some(45.02)),
        (Metric::TokenSpeed(Stat::P95), Some(51.77)),
        (Metric::TokenSpeed(Stat::Min), Some(22.16)),
        (Metric::TokenSpeed(Stat::Max), Some(54.98)),
        (Metric::OutputTokenRate, Some(622.1)),
        (Metric::InputTokenRate, Some(1244.0)),
        (Metric::TotalTokenRate, Some(1866.1)),
        (Metric::RequestRate, Some(4.86)),
        (Metric::Goodput, Some(4.75)),
        (Metric::SloAttainment, Some(0.9767)),
        (Metric::SuccessRate, Some(0.9967)),
        (Metric::ErrorRate, Some(0.0033)),
        (Metric::OfferedRate, Some(5.02)),
        (Metric::AchievedRate, Some(5.02)),
    ]
    .into_iter()
    .map(rate)
    .collect()
}

fn rate((m, value): (Metric, Option<f64>)) -> ValueReport {
    ValueReport { metric: m.name(), unit: m.unit().suffix().into(), value }
}
