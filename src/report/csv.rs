//! The report as CSV in long form: one row per number, for spreadsheets and data frames.
//!
//! Numbers are written in full and unrounded; absent ones are empty. Not here: what the report says
//! in words.

use crate::config::Lang;

use super::gpu::{GpuDevice, GpuNumber};
use super::labels::labels;
use super::server::ServerFact;
use super::sweep::{SweepReport, axis_name};
use super::{AnchorMetricReport, LimitReport, MetricReport, Report, WorkloadReport, text};

/// What surrounds the one number of a row.
#[derive(Default)]
struct Row<'a> {
    kind: &'a str,
    metric: &'a str,
    unit: &'a str,
    statistic: &'a str,
    side: &'a str,
    value: Option<f64>,
    change: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    judgement: &'a str,
    gpu: Option<&'a GpuDevice>,
}

const HEADER: [&str; 14] = [
    "workload",
    "verdict",
    "kind",
    "metric",
    "unit",
    "statistic",
    "side",
    "value",
    "change_ratio",
    "interval_low",
    "interval_high",
    "judgement",
    "gpu",
    "uuid",
];

/// Errors where the writer does.
pub fn render(report: &Report) -> Result<String, String> {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADER).map_err(unwritable)?;
    let interrupted = report.interrupted.then(|| labels(Lang::En).interrupted.to_owned());
    for notice in text::notices(report, Lang::En).chain(interrupted) {
        writer.write_record(fields("", "", &note(&notice))).map_err(unwritable)?;
    }
    for w in &report.workloads {
        let verdict = w.verdict.map_or("", |v| v.word());
        // Where nothing is judged no verdict says that the numbers are not to be trusted.
        for reason in w.reasons.iter().filter(|_| w.verdict.is_none()) {
            writer.write_record(fields(&w.name, "", &note(reason))).map_err(unwritable)?;
        }
        for row in rows(w) {
            writer.write_record(fields(&w.name, verdict, &row)).map_err(unwritable)?;
        }
        for d in w.gpu.iter().flat_map(|g| &g.devices) {
            for number in d.numbers() {
                writer
                    .write_record(fields(&w.name, verdict, &of_gpu(d, &number)))
                    .map_err(unwritable)?;
            }
        }
    }
    for (level, row) in report.sweeps.iter().flat_map(levels) {
        writer.write_record(fields(level, "", &row)).map_err(unwritable)?;
    }
    let bytes = writer.into_inner().map_err(unwritable)?;
    String::from_utf8(bytes).map_err(unwritable)
}

/// What a reader should know first.
fn note(text: &str) -> Row<'_> {
    Row { kind: "note", metric: text, ..Row::default() }
}

pub(super) fn unwritable(e: impl std::fmt::Display) -> String {
    format!("the CSV report could not be written: {e}")
}

fn fields(workload: &str, verdict: &str, row: &Row<'_>) -> [String; 14] {
    [
        cell(workload),
        cell(verdict),
        cell(row.kind),
        cell(row.metric),
        cell(row.unit),
        cell(row.statistic),
        cell(row.side),
        number(row.value),
        number(row.change),
        number(row.low),
        number(row.high),
        cell(row.judgement),
        row.gpu.map_or_else(String::new, |d| d.index.to_string()),
        cell(row.gpu.map_or("", |d| &d.uuid)),
    ]
}

/// Which level of what each workload is, by its name, whose rows have its numbers; and where the
/// curve bends.
fn levels(s: &SweepReport) -> impl Iterator<Item = (&str, Row<'_>)> {
    let axis = axis_name(s.axis);
    let level = move |l| Row {
        kind: "level",
        metric: axis,
        statistic: &s.family,
        value: Some(l),
        ..Row::default()
    };
    let knee = s.levels.iter().filter(|l| s.knee == Some(l.level));
    let knee = knee.map(move |l| {
        (l.workload.as_str(), Row { kind: "knee", metric: &s.curve, ..level(l.level) })
    });
    s.levels.iter().map(move |l| (l.workload.as_str(), level(l.level))).chain(knee)
}

fn rows(w: &WorkloadReport) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = w.metrics.iter().flat_map(|m| metric(w, m)).collect();
    rows.extend(w.limits.iter().flat_map(limit));
    rows.extend(w.anchor.iter().flat_map(|a| &a.metrics).map(anchor));
    for d in &w.distributions {
        let of = |(statistic, value)| Row {
            kind: "distribution",
            metric: &d.timing,
            unit: "ms",
            statistic,
            side: "candidate",
            value,
            ..Row::default()
        };
        rows.extend(text::statistics(d).map(of));
    }
    let rate = |r| Row { kind: "rate", side: "candidate", ..value(r) };
    rows.extend(w.rates.iter().map(rate));
    rows.extend(w.server.iter().flat_map(|s| &s.facts).flat_map(fact));
    rows
}

/// A baseline's row is there only where the baseline's side told.
fn fact(f: &ServerFact) -> impl Iterator<Item = Row<'_>> {
    let row = |side, value| Row {
        kind: "server",
        metric: f.name(),
        unit: &f.unit,
        statistic: "value",
        side,
        value,
        ..Row::default()
    };
    let baseline = f.baseline.map(|_| row("baseline", f.baseline));
    baseline.into_iter().chain([row("candidate", f.candidate)])
}

fn of_gpu<'a>(d: &'a GpuDevice, number: &'a GpuNumber) -> Row<'a> {
    Row {
        kind: "gpu",
        metric: &number.metric,
        unit: number.unit,
        statistic: number.statistic,
        side: "candidate",
        value: number.value,
        gpu: Some(d),
        ..Row::default()
    }
}

fn value(r: &super::ValueReport) -> Row<'_> {
    Row { metric: &r.metric, unit: &r.unit, statistic: "value", value: r.value, ..Row::default() }
}

/// The change stands beside the candidate; a baseline's row is there only where something was
/// compared.
fn metric<'a>(w: &'a WorkloadReport, m: &'a MetricReport) -> Vec<Row<'a>> {
    let side = |side, value| Row {
        kind: "metric",
        metric: &m.metric,
        unit: &m.unit,
        statistic: "value",
        side,
        value,
        ..Row::default()
    };
    let candidate = Row {
        change: m.change_ratio,
        low: m.interval_low_ratio,
        high: m.interval_high_ratio,
        judgement: text::judgement(w, m).english(),
        ..side("candidate", m.candidate)
    };
    let baseline =
        (m.judgement.is_some() || m.baseline.is_some()).then(|| side("baseline", m.baseline));
    baseline.into_iter().chain([candidate]).collect()
}

/// The interval of a limit is one of the value itself, in its unit.
fn limit(l: &LimitReport) -> [Row<'_>; 2] {
    let row = |statistic, side, value| Row {
        kind: "limit",
        metric: &l.metric,
        unit: &l.unit,
        statistic,
        side,
        value,
        ..Row::default()
    };
    let measured = Row {
        low: l.interval_low,
        high: l.interval_high,
        judgement: l.state.word(),
        ..row("value", "candidate", l.value)
    };
    [row(l.bound.word(), "limit", Some(l.limit)), measured]
}

/// A report keeps the change since the anchor, and no value of it.
fn anchor(m: &AnchorMetricReport) -> Row<'_> {
    Row {
        kind: "anchor",
        metric: &m.metric,
        unit: &m.unit,
        statistic: "value",
        side: "candidate",
        change: m.change_ratio,
        low: m.interval_low_ratio,
        high: m.interval_high_ratio,
        judgement: m.judgement.word(),
        ..Row::default()
    }
}

/// In full; absent and what is no finite number are empty.
pub(super) fn number(x: Option<f64>) -> String {
    x.filter(|x| x.is_finite()).map_or_else(String::new, |x| x.to_string())
}

/// A text that a spreadsheet would run as a formula gets a leading apostrophe, which is how
/// spreadsheets mark text.
pub(super) fn cell(foreign: &str) -> String {
    let line = text::plain(foreign);
    if line.starts_with(['=', '+', '-', '@', '\t', '\r', '|', '%']) {
        format!("'{line}")
    } else {
        line
    }
}

#[cfg(test)]
mod tests;
