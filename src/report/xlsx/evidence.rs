//! Sheets of what was seen beside the judged numbers: GPUs in each round and over all, the server's
//! own metrics, the anchor, sweeps.
//!
//! Not here: requests, and what was sampled second by second.

use super::sheet::{Cell, Column, Sheet, count, number, whole};
use crate::evidence::gpu::{DeviceRound, Throttle};
use crate::record::{Record, RoundRecord};
use crate::report::Report;

pub const GPU: Sheet<29> = Sheet {
    name: "gpu",
    columns: [
        Column("workload", 22),
        Column("server start", 12),
        Column("round", 8),
        Column("gpu", 6),
        Column("uuid", 16),
        Column("name", 24),
        Column("samples", 10),
        Column("memory peak (MiB)", 18),
        Column("memory mean (MiB)", 18),
        Column("utilisation (ratio)", 18),
        Column("memory utilisation (ratio)", 24),
        Column("SM clock min (MHz)", 18),
        Column("SM clock median (MHz)", 22),
        Column("SM clock max (MHz)", 18),
        Column("memory clock median (MHz)", 26),
        Column("power mean (W)", 16),
        Column("energy (J)", 14),
        Column("energy source", 18),
        Column("temperature max (C)", 20),
        Column("power limit (ratio)", 18),
        Column("thermal slowdown, software (ratio)", 30),
        Column("hardware slowdown (ratio)", 24),
        Column("thermal slowdown, hardware (ratio)", 30),
        Column("power brake (ratio)", 18),
        Column("application clocks (ratio)", 24),
        Column("corrected ECC errors", 20),
        Column("uncorrected ECC errors", 22),
        Column("PCIe replays", 14),
        Column("lost at (s)", 12),
    ],
    frozen_columns: 4,
};

pub const GPU_TOTALS: Sheet<8> = Sheet {
    name: "gpu totals",
    columns: [
        Column("workload", 22),
        Column("gpu", 6),
        Column("uuid", 16),
        Column("name", 24),
        Column("metric", 30),
        Column("unit", 10),
        Column("statistic", 10),
        Column("value", 16),
    ],
    frozen_columns: 2,
};

pub const ANCHOR: Sheet<8> = Sheet {
    name: "anchor",
    columns: [
        Column("workload", 22),
        Column("anchor", 14),
        Column("metric", 20),
        Column("unit", 12),
        Column("change (ratio)", 16),
        Column("interval low (ratio)", 20),
        Column("interval high (ratio)", 20),
        Column("judgement", 14),
    ],
    frozen_columns: 3,
};

pub const SERVER: Sheet<6> = Sheet {
    name: "server",
    columns: [
        Column("workload", 22),
        Column("fact", 24),
        Column("in words", 44),
        Column("unit", 10),
        Column("baseline", 14),
        Column("this change", 14),
    ],
    frozen_columns: 2,
};

pub const SWEEPS: Sheet<13> = Sheet {
    name: "sweeps",
    columns: [
        Column("family", 22),
        Column("workload", 22),
        Column("level", 10),
        Column("knee", 8),
        Column("output tokens (per s)", 20),
        Column("requests (per s)", 16),
        Column("goodput (per s)", 16),
        Column("SLO attainment (ratio)", 18),
        Column("ttft p50 (ms)", 14),
        Column("ttft p95 (ms)", 14),
        Column("tpot p50 (ms)", 14),
        Column("e2e p95 (ms)", 14),
        Column("errors (ratio)", 14),
    ],
    frozen_columns: 3,
};

/// One row per GPU and round that was watched.
pub fn gpu(record: &Record) -> impl Iterator<Item = [Cell; 29]> {
    let name =
        |uuid: &str| record.gpu.as_ref()?.devices.iter().find(|d| d.uuid == uuid)?.name.as_deref();
    super::rounds(record).flat_map(move |(w, s, r)| {
        let devices = r.gpu.iter().flat_map(|g| &g.devices);
        devices.map(move |d| {
            device([Cell::text(&w.name), count(u64::from(s.index) + 1)], r, d, name(&d.uuid))
        })
    })
}

fn device(
    [workload, start]: [Cell; 2],
    round: &RoundRecord,
    d: &DeviceRound,
    name: Option<&str>,
) -> [Cell; 29] {
    let mib = |bytes: Option<u64>| number(bytes.map(|b| b as f64 / super::MIB));
    // A reason that the GPU did not give is a share of 0, unless it tells of none at all.
    let held = |by: Throttle| {
        number(d.throttle_ratio.as_ref().map(|t| t.get(&by).copied().unwrap_or(0.0)))
    };
    [
        workload,
        start,
        count(u64::from(round.index) + 1),
        count(u64::from(d.index)),
        Cell::text(&d.uuid),
        Cell::text(name.unwrap_or_default()),
        count(d.samples),
        mib(d.memory_peak_bytes),
        mib(d.memory_mean_bytes),
        number(d.utilisation_mean_ratio),
        number(d.memory_utilisation_mean_ratio),
        number(d.sm_clock.map(|c| c.min_mhz)),
        number(d.sm_clock.map(|c| c.median_mhz)),
        number(d.sm_clock.map(|c| c.max_mhz)),
        number(d.memory_clock.map(|c| c.median_mhz)),
        number(d.power_mean_w),
        number(d.energy_j),
        Cell::text(d.energy_source.map_or("", |s| s.name())),
        number(d.temperature_max_c.map(f64::from)),
        held(Throttle::PowerCap),
        held(Throttle::SwThermal),
        held(Throttle::HwSlowdown),
        held(Throttle::HwThermal),
        held(Throttle::PowerBrake),
        held(Throttle::ApplicationClocks),
        whole(d.ecc_corrected),
        whole(d.ecc_uncorrected),
        whole(d.pcie_replays),
        number(d.lost_at_s),
    ]
}

/// All rounds together: in long form, since a GPU may tell little.
pub fn gpu_totals(report: &Report) -> impl Iterator<Item = [Cell; 8]> {
    let devices = report
        .workloads
        .iter()
        .flat_map(|w| w.gpu.iter().flat_map(|g| &g.devices).map(move |d| (w, d)));
    devices.flat_map(|(w, d)| {
        d.numbers().into_iter().map(move |n| {
            let (index, name) =
                (count(u64::from(d.index)), Cell::text(d.name.as_deref().unwrap_or_default()));
            let [metric, unit, statistic] = [&n.metric, n.unit, n.statistic].map(Cell::text);
            [
                Cell::text(&w.name),
                index,
                Cell::text(&d.uuid),
                name,
                metric,
                unit,
                statistic,
                number(n.value),
            ]
        })
    })
}

/// The second comparison: with a pinned point of the past.
pub fn anchor(report: &Report) -> impl Iterator<Item = [Cell; 8]> {
    let metrics = report
        .workloads
        .iter()
        .flat_map(|w| w.anchor.iter().flat_map(move |a| a.metrics.iter().map(move |m| (w, a, m))));
    metrics.map(|(w, a, m)| {
        let [workload, name, metric, unit] =
            [&w.name, &a.name, &m.metric, &m.unit].map(|text| Cell::text(text));
        let [change, low, high] =
            [m.change_ratio, m.interval_low_ratio, m.interval_high_ratio].map(number);
        [workload, name, metric, unit, change, low, high, Cell::text(m.judgement.word())]
    })
}

/// What the server's own metrics said.
pub fn server(report: &Report) -> impl Iterator<Item = [Cell; 6]> {
    let facts = report
        .workloads
        .iter()
        .flat_map(|w| w.server.iter().flat_map(|s| &s.facts).map(move |f| (w, f)));
    facts.map(|(w, f)| {
        let (fact, words, unit) = (Cell::text(&f.fact), Cell::text(&f.words), Cell::text(&f.unit));
        [Cell::text(&w.name), fact, words, unit, number(f.baseline), number(f.candidate)]
    })
}

pub fn sweeps(report: &Report) -> impl Iterator<Item = [Cell; 13]> {
    report.sweeps.iter().flat_map(|s| {
        s.levels.iter().map(move |l| {
            [
                Cell::text(&s.family),
                Cell::text(&l.workload),
                number(Some(l.level)),
                Cell::text(match (s.knee == Some(l.level), &l.unfit) {
                    (true, _) => "knee",
                    (false, Some(_)) => "INVALID",
                    (false, None) => "",
                }),
                number(l.output_token_rate_tokens_per_s),
                number(l.request_rate_per_s),
                number(l.goodput_per_s),
                number(l.slo_attainment_ratio),
                number(l.ttft_p50_ms),
                number(l.ttft_p95_ms),
                number(l.tpot_p50_ms),
                number(l.e2e_p95_ms),
                number(l.error_rate_ratio),
            ]
        })
    })
}
