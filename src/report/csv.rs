//! The report as CSV in long form: one row per number, for spreadsheets and data frames.
//!
//! Numbers are written in full and unrounded; absent ones are empty. Not here: what the report says in words.

use super::{LimitReport, MetricReport, Report, WorkloadReport, text};

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
}

const HEADER: [&str; 12] = [
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
];

/// Errors where the writer does.
pub fn render(report: &Report) -> Result<String, String> {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADER).map_err(unwritable)?;
    for notice in text::notices(report) {
        writer.write_record(fields("", "", &Row { kind: "note", metric: &notice, ..Row::default() })).map_err(unwritable)?;
    }
    for w in &report.workloads {
        let verdict = w.verdict.map_or("", |v| v.word());
        for row in rows(w) {
            writer.write_record(fields(&w.name, verdict, &row)).map_err(unwritable)?;
        }
    }
    let bytes = writer.into_inner().map_err(unwritable)?;
    String::from_utf8(bytes).map_err(unwritable)
}

pub(super) fn unwritable(e: impl std::fmt::Display) -> String {
    format!("the CSV report could not be written: {e}")
}

fn fields(workload: &str, verdict: &str, row: &Row<'_>) -> [String; 12] {
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
    ]
}

fn rows(w: &WorkloadReport) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = w.metrics.iter().flat_map(|m| metric(w, m)).collect();
    rows.extend(w.limits.iter().flat_map(limit));
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
    rows
}

fn value(r: &super::ValueReport) -> Row<'_> {
    Row { metric: &r.metric, unit: &r.unit, statistic: "value", value: r.value, ..Row::default() }
}

/// The change stands beside the candidate; a baseline's row is there only where something was compared.
fn metric<'a>(w: &'a WorkloadReport, m: &'a MetricReport) -> Vec<Row<'a>> {
    let side =
        |side, value| Row { kind: "metric", metric: &m.metric, unit: &m.unit, statistic: "value", side, value, ..Row::default() };
    let candidate = Row {
        change: m.change_ratio,
        low: m.interval_low_ratio,
        high: m.interval_high_ratio,
        judgement: text::judgement(w, m),
        ..side("candidate", m.candidate)
    };
    let baseline = (m.judgement.is_some() || m.baseline.is_some()).then(|| side("baseline", m.baseline));
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
    let measured = Row { low: l.interval_low, high: l.interval_high, judgement: &l.state, ..row("value", "candidate", l.value) };
    [row(&l.bound, "limit", Some(l.limit)), measured]
}

/// In full; absent and what is no finite number are empty.
pub(super) fn number(x: Option<f64>) -> String {
    x.filter(|x| x.is_finite()).map_or_else(String::new, |x| x.to_string())
}

/// A text that a spreadsheet would run as a formula gets a leading apostrophe, which is how spreadsheets mark text.
pub(super) fn cell(foreign: &str) -> String {
    let line = text::plain(foreign);
    if line.starts_with(['=', '+', '-', '@', '\t', '\r', '|', '%']) { format!("'{line}") } else { line }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::report::samples;

    fn parsed(text: &str) -> Vec<Vec<String>> {
        let mut reader = ::csv::Reader::from_reader(text.as_bytes());
        reader.records().map(|r| r.expect("rectangular").iter().map(str::to_owned).collect()).collect()
    }

    #[test]
    fn one_row_holds_one_number_and_absent_is_empty() {
        let report = samples::inconclusive();
        let rows = parsed(&render(&report).expect("renders"));
        let p99: Vec<_> = rows.iter().filter(|r| r[2] == "metric" && r[3] == "ttft_p99").collect();
        assert_eq!((p99[0][6].as_str(), p99[0][7].is_empty()), ("baseline", false));
        assert_eq!((p99[1][6].as_str(), p99[1][7].as_str(), p99[1][11].as_str()), ("candidate", "", "unmeasured"));
    }

    #[test]
    fn a_run_has_no_baseline_rows() {
        let rows = parsed(&render(&samples::run_only()).expect("renders"));
        assert!(rows.iter().all(|r| r[6] == "candidate" && r[1].is_empty()));
    }

    proptest! {
        #[test]
        fn any_name_reads_back_and_is_no_formula(name in any::<String>(), sign in "[=+@-]?") {
            let name = sign + &name;
            let rows = parsed(&render(&samples::foreign(&name)).expect("renders"));
            prop_assert!(rows.iter().all(|r| !r[0].starts_with(['=', '+', '-', '@'])));
            prop_assert!(rows.iter().all(|r| r[0].trim_start_matches('\'') == text::plain(&name).trim_start_matches('\'')));
        }
    }
}
