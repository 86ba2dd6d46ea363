//! Reports and rankings in the formats that people ask for by name. Not here: the formats
//! themselves (`report`, `app::format`).

use std::path::Path;

use super::output;
use crate::app::artefacts;
use crate::app::format::{self, Format};
use crate::cli::ReportFormat;
use crate::config::Lang;
use crate::exit::ExitStatus;
use crate::lang::bilingual;
use crate::record::Record;
use crate::report::Report;
use crate::report::ranking::{self, RankingReport};

/// `record`: what the report is of, where it is known.
pub fn rendered(
    report: &Report,
    record: Option<&Record>,
    format: ReportFormat,
    lang: Lang,
) -> anyhow::Result<Vec<u8>> {
    let format = match format {
        ReportFormat::Terminal => Format::Terminal,
        ReportFormat::Md => Format::Md,
        ReportFormat::Junit => Format::Junit,
        ReportFormat::Json => Format::Json,
        ReportFormat::Html => Format::Html,
        ReportFormat::Csv => Format::Csv,
        ReportFormat::Xlsx => Format::Xlsx,
        ReportFormat::Prometheus => Format::Prometheus,
        ReportFormat::Badge => Format::Badge,
        ReportFormat::Svg => Format::Svg,
    };
    format::rendered(report, record, format, lang)
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
        _ => anyhow::bail!(bilingual!(
            "a ranking of several records has no such format\nhint: terminal, md, html, csv or json; each record by itself has the others: goodput-gate report RECORD",
            "여러 레코드의 순위표에는 없는 형식\n힌트: terminal, md, html, csv, json만 있습니다. 나머지 형식은 레코드마다: goodput-gate report RECORD"
        )),
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
