//! The report and its record as an Excel workbook: numbers as numbers, in full; units in the
//! headers; absent is an empty cell.
//!
//! Text is a text cell, so that nothing is a formula, whatever it begins with. Not here: colours
//! and charts (`page`).

mod evidence;
mod requests;
mod seconds;
mod sheet;
#[cfg(test)]
mod tests;

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Workbook, XlsxError};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::contract::english;
use super::{Report, WorkloadReport, server, text};
use crate::config::Lang;
use crate::record::{Record, RoundRecord, StartRecord, WorkloadRecord};
use crate::verdict::Verdict;
use sheet::{Cell, Column, Sheet, count, number, whole};

const METRICS: Sheet<18> = Sheet {
    name: "metrics",
    columns: [
        Column("workload", 22),
        Column("metric", 20),
        Column("unit", 12),
        Column("class", 10),
        Column("better", 8),
        Column("baseline", 14),
        Column("this change", 14),
        Column("change (ratio)", 16),
        Column("interval low (ratio)", 20),
        Column("interval high (ratio)", 20),
        Column("p", 12),
        Column("minimum relevant change (ratio)", 30),
        Column("pass margin (ratio)", 20),
        Column("noise (ratio)", 16),
        Column("smallest visible change (ratio)", 30),
        Column("judgement", 14),
        Column("reason", 60),
        Column("accepted", 60),
    ],
    frozen_columns: 2,
};

const LIMITS: Sheet<11> = Sheet {
    name: "limits",
    columns: [
        Column("workload", 22),
        Column("metric", 20),
        Column("unit", 12),
        Column("bound", 8),
        Column("limit", 14),
        Column("value", 14),
        Column("interval low", 14),
        Column("interval high", 14),
        Column("state", 14),
        Column("reason", 60),
        Column("accepted", 60),
    ],
    frozen_columns: 2,
};

const DISTRIBUTIONS: Sheet<12> = Sheet {
    name: "distributions",
    columns: [
        Column("workload", 22),
        Column("timing", 14),
        Column("geomean (ms)", 14),
        Column("mean (ms)", 14),
        Column("sd (ms)", 14),
        Column("min (ms)", 14),
        Column("p50 (ms)", 14),
        Column("p90 (ms)", 14),
        Column("p95 (ms)", 14),
        Column("p99 (ms)", 14),
        Column("p99.9 (ms)", 14),
        Column("max (ms)", 14),
    ],
    frozen_columns: 2,
};

const RATES: Sheet<4> = Sheet {
    name: "rates",
    columns: [
        Column("workload", 22),
        Column("metric", 24),
        Column("unit", 14),
        Column("value", 16),
    ],
    frozen_columns: 2,
};

const SUMMARY: Sheet<4> = Sheet {
    name: "summary",
    columns: [Column("workload", 22), Column("what", 28), Column("value", 80), Column("unit", 10)],
    frozen_columns: 2,
};

const MIB: f64 = 1_048_576.0;

/// Without the record the workbook has no sheets of requests and samples, and says so.
///
/// Errors where the writer does.
pub fn render(report: &Report, record: Option<&Record>) -> Result<Vec<u8>, String> {
    workbook(report, record).map_err(|e| format!("the workbook could not be written: {e}"))
}

fn workbook(report: &Report, record: Option<&Record>) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    book.set_properties(&properties(report));
    let each = || report.workloads.iter();
    SUMMARY.write(&mut book, summary(report, record).into_iter())?;
    METRICS.write(&mut book, each().flat_map(metrics))?;
    LIMITS.write(&mut book, each().flat_map(limits))?;
    DISTRIBUTIONS.write(&mut book, each().flat_map(distributions))?;
    RATES.write(&mut book, each().flat_map(rates))?;
    evidence::ANCHOR.write_if_any(&mut book, evidence::anchor(report))?;
    evidence::SERVER.write_if_any(&mut book, evidence::server(report))?;
    evidence::SWEEPS.write_if_any(&mut book, evidence::sweeps(report))?;
    evidence::GPU_TOTALS.write_if_any(&mut book, evidence::gpu_totals(report))?;
    if let Some(record) = record {
        evidence::GPU.write_if_any(&mut book, evidence::gpu(record))?;
        seconds::GPU.write_if_any(&mut book, seconds::gpu(record))?;
        seconds::SERVER.write_if_any(&mut book, seconds::server(record))?;
        requests::SHEET.write(&mut book, requests::rows(record))?;
    }
    book.save_to_buffer()
}

fn rounds(record: &Record) -> impl Iterator<Item = (&WorkloadRecord, &StartRecord, &RoundRecord)> {
    record
        .workloads
        .iter()
        .flat_map(|w| w.starts.iter().flat_map(move |s| s.rounds.iter().map(move |r| (w, s, r))))
}

/// The time of the measurement, not of the writing: the same report gives the same bytes.
fn properties(report: &Report) -> DocProperties {
    let created =
        OffsetDateTime::parse(&report.created, &Rfc3339).map_or(0, OffsetDateTime::unix_timestamp);
    // Excel knows no time before 1900.
    let created = ExcelDateTime::from_timestamp(created).unwrap_or_default();
    DocProperties::new()
        .set_title("goodput-gate")
        .set_comment(text::plain(&report.headline))
        .set_creation_datetime(&created)
}

fn summary(report: &Report, record: Option<&Record>) -> Vec<[Cell; 4]> {
    let run = |what: &str, value: Cell| [Cell::Absent, Cell::text(what), value, Cell::Absent];
    let mut rows = vec![
        run("verdict", report.verdict.map_or(Cell::Absent, |v| Cell::text(v.word()))),
        run("headline", Cell::text(&report.headline)),
        run("exit code", count(u64::from(report.exit_code))),
        run("interrupted", Cell::text(if report.interrupted { "yes" } else { "no" })),
        run("goodput-gate", Cell::text(&report.tool_version)),
    ];
    rows.extend(report.notices.iter().map(|notice| run("notice", Cell::text(notice))));
    rows.extend(report.workloads.iter().flat_map(|w| facts(report, w)));
    rows.extend(
        text::provenance(report, Lang::En).iter().map(|(label, fact)| run(label, Cell::text(fact))),
    );
    if record.is_none() {
        rows.push(run(
            "requests",
            Cell::text("not in this workbook: the report's record was not beside it"),
        ));
    }
    rows
}

/// What is no row of another sheet.
fn facts(report: &Report, w: &WorkloadReport) -> Vec<[Cell; 4]> {
    let fact = |what: &str, value: Cell, unit: &str| {
        [Cell::text(&w.name), Cell::text(what), value, Cell::text(unit)]
    };
    let words = |what: &str, said: &str| fact(what, Cell::text(said), "");
    let mut rows = vec![
        words("verdict", w.verdict.map_or("", Verdict::word)),
        words("load", &text::load(w, Lang::En)),
        fact("server starts", count(u64::from(w.starts)), ""),
        fact("rounds", count(u64::from(w.rounds)), ""),
        fact("requests", count(w.requests), ""),
        fact("completed", count(w.completed), ""),
        fact("duration", number(Some(w.duration_s)), "s"),
        fact("slo ttft", number(w.slo.ttft_ms), "ms"),
        fact("slo tpot", number(w.slo.tpot_ms), "ms"),
        fact("slo e2e", number(w.slo.e2e_ms), "ms"),
        fact("client send lag p99", number(w.client.own_lag_p99_ms), "ms"),
        fact("client event-loop lag p99", number(w.client.loop_lag_p99_ms), "ms"),
        fact("busiest client worker", number(w.client.busiest_worker_ratio), "ratio"),
        fact("client connections opened", whole(w.client.connections_opened), ""),
        fact("client retries", whole(w.client.retries), ""),
    ];
    rows.extend(
        text::why(report, w, Lang::En).map(|(role, line)| words(role.label(Lang::En), &line)),
    );
    rows.extend(
        w.baseline.iter().map(|b| words("baseline", &text::baseline(b, &report.created, Lang::En))),
    );
    rows.extend(w.comparison.iter().map(|c| words("judged", &text::comparison(c, Lang::En))));
    rows.extend(
        w.errors.iter().map(|e| fact(&format!("error {}", e.kind), count(e.count), "requests")),
    );
    rows.extend(w.server_start_ms.iter().map(|ms| fact("server start", number(Some(*ms)), "ms")));
    rows.extend(w.server.iter().map(|s| words("server", &server::how(s, Lang::En))));
    rows.extend(w.why.iter().map(|said| words("meanwhile", said)));
    rows.extend(w.notes.iter().map(|note| words("note", note)));
    if w.gpu.is_none() {
        rows.push(words("gpu", "none was watched"));
    }
    rows
}

fn metrics(w: &WorkloadReport) -> impl Iterator<Item = [Cell; 18]> {
    w.metrics.iter().map(|m| {
        [
            Cell::text(&w.name),
            Cell::text(&m.metric),
            Cell::text(&m.unit),
            Cell::text(m.class.word()),
            Cell::text(m.better.word()),
            number(m.baseline),
            number(m.candidate),
            number(m.change_ratio),
            number(m.interval_low_ratio),
            number(m.interval_high_ratio),
            number(m.p),
            number(Some(m.minimum_relevant_change_ratio)),
            number(m.pass_margin_ratio),
            number(m.noise_ratio),
            number(m.smallest_visible_change_ratio),
            Cell::text(text::judgement(w, m).english()),
            Cell::text(m.reason.as_deref().unwrap_or_default()),
            Cell::text(m.accepted.as_deref().unwrap_or_default()),
        ]
    })
}

fn limits(w: &WorkloadReport) -> impl Iterator<Item = [Cell; 11]> {
    w.limits.iter().map(|l| {
        [
            Cell::text(&w.name),
            Cell::text(&l.metric),
            Cell::text(&l.unit),
            Cell::text(l.bound.word()),
            number(Some(l.limit)),
            number(l.value),
            number(l.interval_low),
            number(l.interval_high),
            Cell::text(&english(&text::state(l))),
            Cell::text(&l.reason),
            Cell::text(l.accepted.as_deref().unwrap_or_default()),
        ]
    })
}

fn distributions(w: &WorkloadReport) -> impl Iterator<Item = [Cell; 12]> {
    w.distributions.iter().map(|d| {
        let [geomean, mean, sd, min, p50, p90, p95, p99, p999, max] =
            text::statistics(d).map(|(_, ms)| number(ms));
        [
            Cell::text(&w.name),
            Cell::text(&d.timing),
            geomean,
            mean,
            sd,
            min,
            p50,
            p90,
            p95,
            p99,
            p999,
            max,
        ]
    })
}

fn rates(w: &WorkloadReport) -> impl Iterator<Item = [Cell; 4]> {
    w.rates
        .iter()
        .map(|r| [Cell::text(&w.name), Cell::text(&r.metric), Cell::text(&r.unit), number(r.value)])
}
