//! Time to judge and report a run of 100,000 requests; then of an interleaved comparison
//! (`interleaved`).

use std::collections::BTreeMap;

use crate::clock::process_cpu_ns;
use crate::config::Lang;
use crate::evaluate::{self, Baseline};
use crate::fingerprint::Fingerprint;
use crate::lab::print;
use crate::measure::column::Column;
use crate::measure::columns::Columns;
use crate::measure::histogram::Gaps;
use crate::measure::validity::ClientHealth;
use crate::record::session::Session;
use crate::record::{
    GitFacts, LimitRecord, LoadDetail, LoadFacts, Record, RecordedPolicy, RoundRecord, SCHEMA,
    Series, Slo, StartRecord, VERSION, WorkloadRecord,
};
use crate::report;
use crate::timeline::OutcomeKind;

const REQUESTS: u64 = 100_000;
const ROUNDS: u32 = 3;

pub fn run() -> anyhow::Result<()> {
    let text = record().to_json();
    let before = process_cpu_ns();
    let record = Record::parse(&text)?;
    let read = process_cpu_ns();
    let session = Session::from_record(&record, &record.workloads[0]);
    let distinct = |(i, s): (u32, Session)| (Some(0), Session { session: format!("{i:08x}"), ..s });
    let history: Vec<_> =
        (0_u32..).zip(session.into_iter().cycle().take(8)).map(distinct).collect();
    let prepared = process_cpu_ns();
    let (report, _) = evaluate::judged(&record, |_| Baseline {
        sessions: history.clone(),
        ..Baseline::default()
    })?;
    let judged = process_cpu_ns();
    let junit = report::junit::render(&report).map_err(anyhow::Error::msg)?;
    let csv = report::csv::render(&report).map_err(anyhow::Error::msg)?;
    let texts = [
        report.to_json(),
        report::markdown::render(&report, Lang::En),
        report::terminal::render(&report, 120, false, Lang::En),
        junit,
        csv,
    ];
    let written = process_cpu_ns();
    let ms = |from: u64, to: u64| (to - from) as f64 / 1e6;
    print(&format!(
        "{REQUESTS} requests, record of {:.1} MB: reading {:.0} ms, judging {:.0} ms, {} reports {:.0} ms (CPU)",
        text.len() as f64 / 1e6,
        ms(before, read),
        ms(prepared, judged),
        texts.len(),
        ms(judged, written),
    ))?;
    super::interleaved::run()
}

fn record() -> Record {
    record_of(REQUESTS / u64::from(ROUNDS), ROUNDS)
}

/// Of so many rounds of so many requests each.
pub fn record_of(requests: u64, rounds: u32) -> Record {
    let load = LoadFacts {
        protocol: "openai-chat".into(),
        arrival: "Poisson 100/s".into(),
        streaming: true,
        open_loop: true,
        requests_per_round: Some(requests),
        input_tokens: 256,
        output_tokens: 128,
        length_forced: true,
        max_in_flight: None,
        seed: 1,
        detail: LoadDetail::default(),
    };
    let workload = WorkloadRecord {
        name: "bench".into(),
        fingerprint: Fingerprint(BTreeMap::from([("plan".into(), "bench".into())])),
        load,
        slo: Slo { ttft_ms: Some(500.0), tpot_ms: Some(50.0), e2e_ms: None },
        limits: ["ttft_p95", "ttft_p99", "tpot_p95", "e2e_p99"]
            .map(|m| LimitRecord { metric: m.into(), max: Some(5000.0), min: None })
            .into(),
        regressions: BTreeMap::new(),
        starts: vec![StartRecord {
            index: 0,
            sim_seed: None,
            setup_ms: None,
            ready_ms: None,
            connections: BTreeMap::new(),
            rounds: (0..rounds).map(|index| round(index, requests)).collect(),
        }],
        check_starts: Vec::new(),
        pooled: BTreeMap::new(),
        history: Vec::new(),
    };
    Record {
        schema: SCHEMA.into(),
        version: VERSION,
        tool_version: "bench".into(),
        session: "bench".into(),
        created: "2026-01-01T00:00:00Z".into(),
        interrupted: false,
        git: Some(GitFacts {
            commit: "0".into(),
            tree: "0".into(),
            dirty: false,
            commit_date: "2026-01-01T00:00:00Z".into(),
        }),
        host: BTreeMap::new(),
        gpu: None,
        pair: None,
        shard: None,
        merged: None,
        target: None,
        programs: Vec::new(),
        hypotheses: Vec::new(),
        find: None,
        policy: policy(),
        workloads: vec![workload],
    }
}

fn policy() -> RecordedPolicy {
    let word = || "warn".to_owned();
    RecordedPolicy {
        mode: "baseline".into(),
        starts: 1,
        rounds: ROUNDS,
        on_inconclusive: word(),
        on_blind: word(),
        on_missing_baseline: word(),
        on_incomparable: word(),
        on_limit_open: word(),
        on_anchor_drift: None,
        on_attempt: None,
        same_build: "refuse".into(),
        detect_ratio: None,
        min_starts: None,
        on_unstable: None,
        strict: false,
        under_test: vec![],
    }
}

/// Times that vary without being random.
fn round(index: u32, n: u64) -> RoundRecord {
    let count = usize::try_from(n).unwrap_or(usize::MAX);
    let vary = |i: u64, scale: u64| (i * 7919 + u64::from(index) * 104_729) % scale;
    let times = |base: u64, scale: u64| {
        (0..n).map(|i| Some(base + vary(i, scale))).collect::<Column<u64>>()
    };
    let mut gaps = Gaps::default();
    (0..n).for_each(|i| gaps.record_us(15_000 + vary(i, 10_000)));
    RoundRecord {
        index,
        seed: u64::from(index),
        order: index,
        ramp: 0,
        cut_short: false,
        // The last request takes its longest.
        duration_us: n * 10_000 + 3_000_000,
        metrics: BTreeMap::new(),
        chunk_gap_p99_ms: gaps.quantile_ms(0.99),
        chunk_gaps_hdr: gaps.encode(),
        errors: vec![],
        client: ClientHealth::default(),
        findings: vec![],
        token_source: None,
        models: Vec::new(),
        series: Series::default(),
        server: None,
        gpu: None,
        idle_ms: None,
        shard: None,
        spoilt: Vec::new(),
        columns: Columns {
            start_us: (0..n).map(|i| Some(i * 10_000)).collect(),
            queue_us: times(0, 50),
            connect_us: vec![None; count].into(),
            send_lag_us: times(20, 100),
            own_lag_us: times(20, 100),
            ttft_us: times(80_000, 60_000),
            ttfa_us: vec![None; count].into(),
            e2e_us: times(2_600_000, 300_000),
            max_gap_us: times(20_000, 10_000),
            events: vec![128; count],
            input_tokens: vec![Some(256); count].into(),
            output_tokens: vec![Some(128); count].into(),
            cached_tokens: vec![None; count].into(),
            hidden_tokens: Column::default(),
            outcome: vec![OutcomeKind::Completed; count],
        },
    }
}
