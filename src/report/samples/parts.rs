//! What the samples are made of: a measured workload, its comparison, its numbers. Not here: the
//! samples.

use super::*;

/// A workload as `run` leaves it: nothing judged.
pub fn measured(name: &str) -> WorkloadReport {
    let mut fingerprint = Fingerprint::default();
    for (field, value) in [
        ("model", "Qwen/Qwen3-4B"),
        ("plan", "c0ffee123456"),
        ("protocol", "openai-chat"),
        ("server_version", "0.11.1"),
    ] {
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
        course: None,
        anchor: None,
        fingerprint,
        differences: vec![],
        metrics: METHOD.iter().map(|m| metric(*m)).collect(),
        limits: vec![],
        distributions: distributions(),
        rates: rates(),
        errors: vec![ErrorCount {
            kind: "timeout".into(),
            count: 2,
            example: Some("no byte for 30 s".into()),
        }],
        server_start_ms: Vec::new(),
        connections: BTreeMap::new(),
        notes: vec![],
        client: client(),
        server: None,
        time: Some(beside::time(false)),
        start_values: vec![],
        baseline_timings_hdr: BTreeMap::new(),
        why: vec![],
        gpu: None,
        codes: Codes::default(),
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

pub fn history(sessions: u32, needed: Option<u32>) -> BaselineReport {
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

pub fn other_day() -> ComparisonReport {
    ComparisonReport {
        mode: Mode::OtherDay,
        beside: None,
        beside_commit: None,
        looks: 1,
        earlier_looks: 0,
        most_looks: 2,
        history_sessions: 8,
        starts_sampled: None,
        false_alarm_budget_ratio: None,
        minutes: 4.6,
    }
}

pub fn in_this_job() -> ComparisonReport {
    ComparisonReport {
        mode: Mode::Interleaved,
        beside: Some("3f2a91c0b1d2 (merge base with origin/main)".into()),
        beside_commit: Some("3f2a91c0b1d20123456789abcdef0123456789ab".into()),
        looks: 2,
        earlier_looks: 0,
        most_looks: 6,
        history_sessions: 0,
        starts_sampled: Some(true),
        false_alarm_budget_ratio: None,
        minutes: 9.2,
    }
}

pub fn client() -> ClientReport {
    ClientReport {
        own_lag_p99_ms: Some(0.21),
        loop_lag_p99_ms: Some(0.6),
        busiest_worker_ratio: Some(0.07),
        connections_opened: Some(384),
        retries: Some(0),
    }
}

pub fn compared(change: impl Fn(Metric) -> (f64, Judgement)) -> Vec<MetricReport> {
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
                p: Some(if judgement == Judgement::Regressed { 0.000_04 } else { 0.31 }),
                smallest_visible_change_ratio: Some(half * 4.0),
                judgement: Some(judgement),
                reason: (judgement == Judgement::Inconclusive).then(|| unproven().to_string()),
                ..base
            }
        })
        .collect()
}

pub fn metric(metric: Metric) -> MetricReport {
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
        class: row.class,
        better: metric.orientation(),
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

pub fn met() -> LimitReport {
    LimitReport {
        metric: "ttft_p95".into(),
        unit: "ms".into(),
        bound: BoundSide::Max,
        limit: 500.0,
        value: Some(312.4),
        interval_low: Some(290.2),
        interval_high: Some(337.8),
        state: LimitState::Met,
        right_side: Some(true),
        reason: "ttft_p95 312.4 ms (290.2 ms to 337.8 ms) is within the limit of at most 500.0 ms"
            .into(),
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
    vec![
        of("ttft", 100.0),
        of("tpot", 15.0),
        of("chunk_gap", 14.0),
        of("e2e", 2000.0),
        of("queue", 0.01),
        of("send_lag", 0.05),
    ]
}

pub fn rates() -> Vec<ValueReport> {
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

pub fn rate((m, value): (Metric, Option<f64>)) -> ValueReport {
    ValueReport { metric: m.name(), unit: m.unit().suffix().into(), value }
}
