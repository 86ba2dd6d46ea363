//! Every request of a record, as a row. Times in milliseconds, of the stored microseconds. Not
//! here: statistics.

use super::sheet::{Cell, Column, Sheet, count, number, whole};
use crate::measure::columns::millis;
use crate::record::{Record, RoundRecord, StartRecord, WorkloadRecord};

pub const SHEET: Sheet<20> = Sheet {
    name: "requests",
    columns: [
        Column("workload", 22),
        Column("server start", 12),
        Column("round", 8),
        Column("request", 10),
        Column("counted", 10),
        Column("outcome", 14),
        Column("start (ms)", 14),
        Column("ttft (ms)", 12),
        Column("ttfa (ms)", 12),
        Column("tpot (ms)", 12),
        Column("e2e (ms)", 12),
        Column("largest chunk gap (ms)", 22),
        Column("queue (ms)", 12),
        Column("connect (ms)", 14),
        Column("send lag (ms)", 14),
        Column("own send lag (ms)", 18),
        Column("output events", 14),
        Column("input tokens", 14),
        Column("output tokens", 14),
        Column("cached tokens", 14),
    ],
    frozen_columns: 4,
};

/// In the order of the record; starts, rounds and requests count from 1.
pub fn rows(record: &Record) -> impl Iterator<Item = [Cell; 20]> {
    super::rounds(record).flat_map(|(w, s, r)| round(w, s, r))
}

fn round<'a>(
    w: &'a WorkloadRecord,
    start: &'a StartRecord,
    r: &'a RoundRecord,
) -> impl Iterator<Item = [Cell; 20]> {
    let seen = r.columns.to_round(&r.context(start.index, &w.load));
    let c = &r.columns;
    seen.rows.into_iter().enumerate().map(move |(i, row)| {
        [
            Cell::text(&w.name),
            count(u64::from(start.index) + 1),
            count(u64::from(r.index) + 1),
            count(i as u64 + 1),
            Cell::text(counted(r, i)),
            Cell::text(c.outcome[i].name()),
            ms(c.start_us.at(i)),
            number(row.ttft_ms),
            ms(c.ttfa_us.at(i).filter(|_| w.load.streaming)),
            number(row.tpot_ms()),
            number(row.e2e_ms),
            ms(c.max_gap_us.at(i).filter(|_| w.load.streaming)),
            ms(c.queue_us.at(i)),
            ms(c.connect_us.at(i)),
            ms(c.send_lag_us.at(i)),
            ms(c.own_lag_us.at(i)),
            count(u64::from(c.events[i])),
            tokens(c.input_tokens.at(i)),
            tokens(c.output_tokens.at(i)),
            tokens(c.cached_tokens.at(i)),
        ]
    })
}

/// A round that was cut short is in no number, and the ramp in no latency.
fn counted(r: &RoundRecord, request: usize) -> &'static str {
    if r.cut_short {
        "cut short"
    } else if request < r.ramp as usize {
        "ramp"
    } else {
        "yes"
    }
}

fn ms(us: Option<u64>) -> Cell {
    number(us.map(millis))
}

fn tokens(n: Option<u32>) -> Cell {
    whole(n.map(u64::from))
}
