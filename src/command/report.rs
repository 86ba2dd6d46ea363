//! `report RECORD`: a stored record, or a stored report, in another format.

use super::{drawn, evaluate, measure, output, setup};
use std::path::Path;

use crate::cli::{ReportArgs, ReportFormat};
use crate::exit::ExitStatus;
use crate::record::Record;
use crate::report::{self, Report};

pub fn run(args: &ReportArgs) -> anyhow::Result<ExitStatus> {
    let text = output::read(&args.record)?;
    let (report, record) = if text.contains(report::SCHEMA) {
        let report = Report::parse(&text).map_err(anyhow::Error::msg)?;
        let record = record_of(&report, &args.record);
        (report, record)
    } else {
        let record = Record::parse(&text)?;
        (evaluate::measured(&record)?.0, Some(record))
    };
    let lang = setup::lang_here(args.lang, None);
    let written: Vec<u8> = match args.format {
        ReportFormat::Terminal => report::terminal::render(&report, 120, false, lang).into(),
        ReportFormat::Md => report::markdown::render(&report, lang).into(),
        ReportFormat::Junit => report::junit::render(&report).map_err(anyhow::Error::msg)?.into(),
        ReportFormat::Json => report.to_json().into(),
        ReportFormat::Html => {
            let charts = record.as_ref().map(drawn::alone).transpose()?.unwrap_or_default();
            report::page::render(&report, &charts, lang).into()
        }
        ReportFormat::Csv => report::csv::render(&report).map_err(anyhow::Error::msg)?.into(),
        ReportFormat::Xlsx => report::xlsx::render(&report, record.as_ref()).map_err(anyhow::Error::msg)?,
        ReportFormat::Prometheus => report::prometheus::render(&report).into(),
        ReportFormat::Badge => report::badge::endpoint(&report).into(),
        ReportFormat::Svg => report::badge::svg(&report).into(),
    };
    match &args.output {
        Some(path) => output::write_atomic(path, &written)?,
        None => output::print_bytes(&written)?,
    }
    Ok(ExitStatus::Pass)
}

/// The record that a stored report is of, where it lies beside it: the charts of a page are drawn from it.
fn record_of(report: &Report, path: &Path) -> Option<Record> {
    let beside = output::read(&path.with_file_name(measure::RECORD)).ok()?;
    Record::parse(&beside).ok().filter(|record| record.session == report.session)
}
