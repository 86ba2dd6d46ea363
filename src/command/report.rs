//! `report RECORD`: a stored record, or a stored report, in another format.

use std::path::Path;

use anyhow::{anyhow, bail};

use super::{drawn, evaluate, measure, output, setup};
use crate::cli::{ReportArgs, ReportFormat};
use crate::exit::ExitStatus;
use crate::record::{self, Record, session};
use crate::report::{self, Report};

const WHICH: &str = "hint: name the report.json (with the verdict) or the record.json of a run: both are in its .goodput-gate";

pub fn run(args: &ReportArgs) -> anyhow::Result<ExitStatus> {
    let (report, record) = read(&args.record)?;
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

/// Errors: what the file is instead, and which files are meant.
fn read(path: &Path) -> anyhow::Result<(Report, Option<Record>)> {
    if path.is_dir() {
        bail!("cannot read {}: it is a folder\n{WHICH}", path.display());
    }
    let text = output::read(path)?;
    let named = |why: String| anyhow!("{}: {why}", path.display());
    match kind(&text).as_deref() {
        Some(report::SCHEMA) => {
            let report = Report::parse(&text).map_err(named)?;
            let record = record_of(&report, path);
            Ok((report, record))
        }
        Some(session::SCHEMA) => {
            bail!("{}: it is a baseline session, which has no single requests to show\n{WHICH}", path.display())
        }
        other => {
            let hint = if other == Some(record::SCHEMA) { String::new() } else { format!("\n{WHICH}") };
            let record = Record::parse(&text).map_err(|why| named(format!("{why}{hint}")))?;
            Ok((evaluate::measured(&record)?.0, Some(record)))
        }
    }
}

fn kind(text: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Kind {
        schema: String,
    }
    serde_json::from_str::<Kind>(text).ok().map(|kind| kind.schema)
}

/// The record that a stored report is of, where it lies beside it: the charts of a page are drawn from it.
fn record_of(report: &Report, path: &Path) -> Option<Record> {
    let beside = output::read(&path.with_file_name(measure::RECORD)).ok()?;
    Record::parse(&beside).ok().filter(|record| record.session == report.session)
}
