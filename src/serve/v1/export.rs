//! A result as a file of llm-loadtest's: CSV, or a workbook with one sheet. Both have the same rows.
//! What was not measured is `N/A`.
//!
//! Text is text: neither form lets a name become a formula. Not here: the result (`result`).

use std::borrow::Cow;

use rust_xlsxwriter::{Format, Workbook, XlsxError};
use serde_json::Value;

const COLUMNS: [&str; 17] = [
    "Concurrency",
    "Throughput (tok/s)",
    "Request Rate (req/s)",
    "TTFT p50 (ms)",
    "TTFT p95 (ms)",
    "TTFT p99 (ms)",
    "TPOT p50 (ms)",
    "TPOT p95 (ms)",
    "TPOT p99 (ms)",
    "E2E p50 (ms)",
    "E2E p95 (ms)",
    "E2E p99 (ms)",
    "Total Requests",
    "Successful",
    "Failed",
    "Error Rate (%)",
    "Goodput (%)",
];
const NOTHING: &str = "N/A";

enum Cell {
    Heading(&'static str),
    Text(String),
    Whole(u64),
    /// Two digits after the point.
    Number(f64),
    Nothing,
}

fn cell(value: &Value) -> Cell {
    match value {
        Value::String(text) => Cell::Text(text.clone()),
        Value::Number(number) => number
            .as_u64()
            .map(Cell::Whole)
            .or_else(|| number.as_f64().map(Cell::Number))
            .unwrap_or(Cell::Nothing),
        _ => Cell::Nothing,
    }
}

fn rows(result: &Value) -> Vec<Vec<Cell>> {
    let pair = |label: &'static str, value: &Value| vec![Cell::Heading(label), cell(value)];
    let mut rows = vec![vec![Cell::Heading("# Benchmark Result Export")]];
    let facts = [
        ("Run ID", "run_id"),
        ("Model", "model"),
        ("Server URL", "server_url"),
        ("Adapter", "adapter"),
        ("Started At", "started_at"),
        ("Completed At", "completed_at"),
        ("Duration (s)", "duration_seconds"),
    ];
    rows.extend(facts.map(|(label, name)| pair(label, &result[name])));
    let warnings = result["warnings"].as_array().into_iter().flatten();
    rows.extend(warnings.map(|warning| pair("Warning", warning)));
    rows.extend([Vec::new(), vec![Cell::Heading("# Summary")]]);
    let sums = [
        ("Best Throughput (tok/s)", "best_throughput"),
        ("Best TTFT p50 (ms)", "best_ttft_p50"),
        ("Best Concurrency", "best_concurrency"),
        ("Total Requests", "total_requests"),
        ("Overall Error Rate (%)", "overall_error_rate"),
        ("Avg Goodput (%)", "avg_goodput_percent"),
    ];
    let summary = &result["summary"];
    rows.extend(sums.map(|(label, name)| pair(label, &summary[name])));
    rows.extend([Vec::new(), vec![Cell::Heading("# Detailed Results by Concurrency")]]);
    rows.push(COLUMNS.map(Cell::Heading).into());
    rows.extend(result["results"].as_array().into_iter().flatten().map(level));
    rows
}

fn level(level: &Value) -> Vec<Cell> {
    let times = ["ttft", "tpot", "e2e_latency"]
        .into_iter()
        .flat_map(|kind| ["p50", "p95", "p99"].map(|p| &level[kind][p]));
    let rates = [
        &level["concurrency"],
        &level["throughput_tokens_per_sec"],
        &level["request_rate_per_sec"],
    ];
    let counts = ["total_requests", "successful_requests", "failed_requests", "error_rate_percent"];
    let all = rates.into_iter().chain(times).chain(counts.map(|name| &level[name]));
    all.chain([&level["goodput"]["goodput_percent"]]).map(cell).collect()
}

/// Errors where the writer does.
pub fn csv(result: &Value) -> anyhow::Result<Vec<u8>> {
    let mut writer = ::csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    for row in rows(result) {
        let cells: Vec<Cow<'_, str>> = row.iter().map(plain).collect();
        // A row without cells is a line that is empty.
        let empty = [Cow::Borrowed("")];
        writer.write_record(
            if cells.is_empty() { &empty[..] } else { &cells }.iter().map(|c| c.as_bytes()),
        )?;
    }
    writer.into_inner().map_err(|e| anyhow::anyhow!("cannot write the table: {e}"))
}

/// A spreadsheet takes what begins with these for a formula.
fn plain(cell: &Cell) -> Cow<'_, str> {
    match cell {
        Cell::Heading(text) => (*text).into(),
        Cell::Text(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r']) => {
            format!("'{text}").into()
        }
        Cell::Text(text) => text.into(),
        Cell::Whole(number) => number.to_string().into(),
        Cell::Number(number) => format!("{number:.2}").into(),
        Cell::Nothing => NOTHING.into(),
    }
}

/// Errors where the writer does.
pub fn xlsx(result: &Value) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let bold = Format::new().set_bold();
    let two = Format::new().set_num_format("0.00");
    let sheet = workbook.add_worksheet().set_name("Benchmark Results")?;
    sheet.set_column_width(0, 24)?;
    for (row, cells) in (0_u32..).zip(rows(result)) {
        for (column, cell) in (0_u16..).zip(cells) {
            match cell {
                Cell::Heading(text) => sheet.write_string_with_format(row, column, text, &bold)?,
                Cell::Text(text) => sheet.write_string(row, column, text)?,
                Cell::Whole(number) => sheet.write_number(row, column, number as f64)?,
                Cell::Number(number) => {
                    sheet.write_number_with_format(row, column, number, &two)?
                }
                Cell::Nothing => sheet.write_string(row, column, NOTHING)?,
            };
        }
    }
    workbook.save_to_buffer()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_table_has_their_rows_and_no_formula() {
        let result = json!({
            "run_id": "r", "model": "=cmd()", "server_url": "http://h", "adapter": "openai",
            "started_at": "2026-11-30T12:00:00Z", "completed_at": null, "duration_seconds": 1.5,
            "warnings": ["adhoc: late"],
            "summary": {"best_throughput": 10.126, "total_requests": 3},
            "results": [{"concurrency": 8, "throughput_tokens_per_sec": 10.126,
                "ttft": {"p50": 1.0}, "tpot": null, "total_requests": 3, "failed_requests": 0}],
        });
        let text = String::from_utf8(csv(&result).expect("it can be written")).expect("text");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "# Benchmark Result Export");
        for line in
            ["Model,'=cmd()", "Completed At,N/A", "Duration (s),1.50", "Warning,adhoc: late"]
        {
            assert!(lines.contains(&line), "{line}: {text}");
        }
        let head = lines.iter().position(|l| l.starts_with("Concurrency,")).expect("a head");
        assert_eq!(lines[head].split(',').count(), 17);
        assert_eq!(
            lines[head + 1],
            "8,10.13,N/A,1.00,N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A,3,N/A,0,N/A,N/A"
        );
        assert!(xlsx(&result).expect("it can be written").starts_with(b"PK"));
    }
}
