//! `report RECORD`: a stored record, a stored report or a stored ranking, in another format.

use super::{drawn, evaluate, measure, output, rank, setup};
use std::path::Path;

use serde::Deserialize;

use crate::cli::{ReportArgs, ReportFormat};
use crate::config::Lang;
use crate::exit::ExitStatus;
use crate::record::Record;
use crate::report::page::charts::Charts;
use crate::report::ranking::{self, RankingReport};
use crate::report::{self, Report};

/// Columns of a terminal that nobody looks at: wide enough for every table.
const WIDTH: u16 = 120;

pub fn run(args: &ReportArgs) -> anyhow::Result<ExitStatus> {
    let text = output::read(&args.record)?;
    let written = if is_ranking(&text) {
        rank::rendered(&RankingReport::parse(&text).map_err(anyhow::Error::msg)?, args.format, WIDTH)?
    } else {
        of_one(&text, args)?
    };
    match &args.output {
        Some(path) => output::write_atomic(path, &written)?,
        None => output::print_bytes(&written)?,
    }
    Ok(ExitStatus::Pass)
}

/// Of one run: its record, or its report.
fn of_one(text: &str, args: &ReportArgs) -> anyhow::Result<Vec<u8>> {
    let (report, record) = if text.contains(report::SCHEMA) {
        let report = Report::parse(text).map_err(anyhow::Error::msg)?;
        let record = record_of(&report, &args.record);
        (report, record)
    } else {
        let record = Record::parse(text)?;
        (evaluate::measured(&record)?.0, Some(record))
    };
    let drawn = record.as_ref().filter(|_| args.format == ReportFormat::Html);
    let charts = drawn.map(drawn::alone).transpose()?.unwrap_or_default();
    rendered(&report, record.as_ref(), &charts, args.format, setup::lang_here(args.lang, None))
}

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

fn is_ranking(text: &str) -> bool {
    /// All else of a file is none of our business here.
    #[derive(Deserialize)]
    struct Kind {
        schema: String,
    }
    serde_json::from_str::<Kind>(text).is_ok_and(|kind| kind.schema == ranking::SCHEMA)
}

/// The record that a stored report is of, where it lies beside it: the charts of a page are drawn from it.
fn record_of(report: &Report, path: &Path) -> Option<Record> {
    let beside = output::read(&path.with_file_name(measure::RECORD)).ok()?;
    Record::parse(&beside).ok().filter(|record| record.session == report.session)
}
