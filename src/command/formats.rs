//! Reports and rankings in the formats that people ask for by name. Not here: the formats
//! themselves (`report`).

use std::path::Path;

use super::output;
use crate::app::artefacts;
use crate::cli::ReportFormat;
use crate::config::Lang;
use crate::exit::ExitStatus;
use crate::record::Record;
use crate::report::page::charts::Charts;
use crate::report::ranking::{self, RankingReport};
use crate::report::{self, Report};

/// Columns of a terminal that nobody looks at: wide enough for every table.
pub const WIDTH: u16 = 120;

/// `record`, `charts`: what the report is of, where it is known.
pub fn rendered(
    report: &Report,
    record: Option<&Record>,
    charts: &[Charts],
    format: ReportFormat,
    lang: Lang,
) -> anyhow::Result<Vec<u8>> {
    Ok(match format {
        ReportFormat::Terminal => report::terminal::render(report, WIDTH, false, lang).into(),
        ReportFormat::Md => report::markdown::render(report, lang).into(),
        ReportFormat::Junit => report::junit::render(report).map_err(anyhow::Error::msg)?.into(),
        ReportFormat::Json => report.to_json().into(),
        ReportFormat::Html => report::page::render(report, charts, lang).into(),
        ReportFormat::Csv => report::csv::render(report).map_err(anyhow::Error::msg)?.into(),
        ReportFormat::Xlsx => report::xlsx::render(report, record).map_err(anyhow::Error::msg)?,
        ReportFormat::Prometheus => report::prometheus::render(report).into(),
        ReportFormat::Badge => report::badge::endpoint(report).into(),
        ReportFormat::Svg => report::badge::svg(report).into(),
    })
}

const RANKING_FILES: [(&str, ReportFormat); 4] = [
    ("ranking.json", ReportFormat::Json),
    ("ranking.md", ReportFormat::Md),
    ("ranking.csv", ReportFormat::Csv),
    ("ranking.html", ReportFormat::Html),
];

/// `width`: of the terminal, in columns. Errors: a ranking has no such form.
pub fn rendered_ranking(
    report: &RankingReport,
    format: ReportFormat,
    width: u16,
    lang: Lang,
) -> anyhow::Result<Vec<u8>> {
    Ok(match format {
        ReportFormat::Terminal => ranking::terminal(report, width, lang).into(),
        ReportFormat::Md => ranking::markdown(report, lang).into(),
        ReportFormat::Html => ranking::page(report, lang).into(),
        ReportFormat::Csv => ranking::csv(report).map_err(anyhow::Error::msg)?.into(),
        ReportFormat::Json => report.to_json().into(),
        _ => anyhow::bail!(
            "a ranking of several records has no such format\nhint: terminal, md, html, csv or json; each record by itself has the others: goodput-gate report RECORD"
        ),
    })
}

/// A ranking as files and on the terminal.
pub fn deliver_ranking(
    report: &RankingReport,
    out: &Path,
    format: ReportFormat,
    lang: Lang,
) -> anyhow::Result<ExitStatus> {
    // First of all: what cannot be shown is refused before anything is written.
    let shown = rendered_ranking(report, format, output::width(), lang)?;
    let writable = artefacts::folder(out);
    for (file, format) in RANKING_FILES.iter().filter(|_| writable.is_ok()) {
        let bytes = rendered_ranking(report, *format, output::width(), lang)?;
        output::told(artefacts::write_atomic(&out.join(file), &bytes));
    }
    output::told(writable);
    output::told(output::print_bytes(&shown));
    Ok(report.exit())
}
