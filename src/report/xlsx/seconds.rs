//! What was sampled while a round ran, second by second: a row per GPU, and one of the server, as
//! the page's lanes show it. Not here: what a whole round adds up to (`evidence`).

use super::sheet::{Cell, Column, Sheet, count, number};
use crate::record::{Record, RoundRecord, StartRecord, WorkloadRecord};

pub const GPU: Sheet<12> = Sheet {
    name: "gpu samples",
    columns: [
        Column("workload", 22),
        Column("server start", 12),
        Column("round", 8),
        Column("since the round began (s)", 24),
        Column("gpu", 6),
        Column("uuid", 16),
        Column("memory (MiB)", 14),
        Column("utilisation (ratio)", 18),
        Column("SM clock (MHz)", 16),
        Column("memory clock (MHz)", 20),
        Column("power (W)", 12),
        Column("temperature (C)", 16),
    ],
    frozen_columns: 6,
};

pub const SERVER: Sheet<7> = Sheet {
    name: "server samples",
    columns: [
        Column("workload", 22),
        Column("server start", 12),
        Column("round", 8),
        Column("since the round began (s)", 24),
        Column("running (requests)", 18),
        Column("waiting (requests)", 18),
        Column("KV-cache use (ratio)", 20),
    ],
    frozen_columns: 4,
};

/// A quantity over the seconds of a round, and how many of its stored units make one of the
/// sheet's.
struct Lane<'a>(&'a [Option<f64>], f64);

/// Means over each second of a round. A second in which a GPU told nothing has no row.
pub fn gpu(record: &Record) -> impl Iterator<Item = [Cell; 12]> {
    super::rounds(record).flat_map(|(w, s, r)| {
        r.gpu.iter().flat_map(|g| &g.devices).flat_map(move |d| {
            let of = &d.series;
            let lanes = [
                Lane(&of.memory_bytes, super::MIB),
                Lane(&of.utilisation_ratio, 1.0),
                Lane(&of.sm_clock_mhz, 1.0),
                Lane(&of.memory_clock_mhz, 1.0),
                Lane(&of.power_w, 1.0),
                Lane(&of.temperature_c, 1.0),
            ];
            seconds(lanes).map(
                move |(
                    second,
                    [memory, utilisation, sm_clock, memory_clock, power, temperature],
                )| {
                    let [workload, start, round, second] = place(w, s, r, second);
                    let (index, uuid) = (count(u64::from(d.index)), Cell::text(&d.uuid));
                    [
                        workload,
                        start,
                        round,
                        second,
                        index,
                        uuid,
                        memory,
                        utilisation,
                        sm_clock,
                        memory_clock,
                        power,
                        temperature,
                    ]
                },
            )
        })
    })
}

/// The last reading in each second of a round. A second without a reading has no row.
pub fn server(record: &Record) -> impl Iterator<Item = [Cell; 7]> {
    super::rounds(record).flat_map(|(w, s, r)| {
        r.server.iter().flat_map(move |told| {
            let of = &told.series;
            let lanes =
                [Lane(&of.running, 1.0), Lane(&of.waiting, 1.0), Lane(&of.kv_use_ratio, 1.0)];
            seconds(lanes).map(move |(second, [running, waiting, kv_use])| {
                let [workload, start, round, second] = place(w, s, r, second);
                [workload, start, round, second, running, waiting, kv_use]
            })
        })
    })
}

/// Starts and rounds count from 1, seconds from 0.
fn place(w: &WorkloadRecord, s: &StartRecord, r: &RoundRecord, second: usize) -> [Cell; 4] {
    [
        Cell::text(&w.name),
        count(u64::from(s.index) + 1),
        count(u64::from(r.index) + 1),
        count(second as u64),
    ]
}

/// Those that some lane has a value of.
fn seconds<const N: usize>(lanes: [Lane<'_>; N]) -> impl Iterator<Item = (usize, [Cell; N])> {
    let longest = lanes.iter().map(|Lane(values, _)| values.len()).max().unwrap_or(0);
    (0..longest).filter_map(move |second| {
        let cells = lanes.each_ref().map(|Lane(values, per)| {
            number(values.get(second).copied().flatten().map(|v| v / per))
        });
        cells.iter().any(|cell| *cell != Cell::Absent).then_some((second, cells))
    })
}
