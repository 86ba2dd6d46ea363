//! `report RECORD`: a stored record, a stored report or a stored ranking, in another format.

use std::path::Path;

use anyhow::{anyhow, bail};

use super::{drawn, evaluate, measure, output, rank, setup};
use crate::cli::{ReportArgs, ReportFormat};
use crate::config::Lang;
use crate::exit::ExitStatus;
use crate::record::{self, Record, session};
use crate::report::page::charts::Charts;
use crate::report::ranking::{self, RankingReport};
use crate::report::{self, Report};

/// Columns of a terminal that nobody looks at: wide enough for every table.
const WIDTH: u16 = 120;
const WHICH: &str = "hint: name the report.json (with the verdict) or the record.json of a run: both are in its .goodput-gate";

pub fn run(args: &ReportArgs) -> anyhow::Result<ExitStatus> {
    let path = &args.record;
    if path.is_dir() {
        bail!("cannot read {}: it is a folder\n{WHICH}", path.display());
    }
    let (text, lang) = (output::read(path)?, setup::lang_here(args.lang, None));
    let written = match kind(&text).as_deref() {
        Some(ranking::SCHEMA) => {
            let ranking = RankingReport::parse(&text).map_err(|why| anyhow!("{}: {why}", path.display()))?;
            rank::rendered(&ranking, args.format, WIDTH, lang)?
        }
        kind => of_one(&text, kind, path, args.format, lang)?,
    };
    match &args.output {
        Some(path) => output::write_atomic(path, &written)?,
        None => output::print_bytes(&written)?,
    }
    Ok(ExitStatus::Pass)
}

/// Of one run: its record, or its report. Errors: what the file is instead, and which files are meant.
fn of_one(text: &str, kind: Option<&str>, path: &Path, format: ReportFormat, lang: Lang) -> anyhow::Result<Vec<u8>> {
    let (report, record) = read(text, kind, path)?;
    let drawn = record.as_ref().filter(|_| format == ReportFormat::Html);
    let charts = drawn.map(drawn::alone).transpose()?.unwrap_or_default();
    rendered(&report, record.as_ref(), &charts, format, lang)
}

fn read(text: &str, kind: Option<&str>, path: &Path) -> anyhow::Result<(Report, Option<Record>)> {
    let named = |why: String| anyhow!("{}: {why}", path.display());
    match kind {
        Some(report::SCHEMA) => {
            let report = Report::parse(text).map_err(named)?;
            let record = record_of(&report, path);
            Ok((report, record))
        }
        Some(session::SCHEMA) => {
            bail!("{}: it is a baseline session, which has no single requests to show\n{WHICH}", path.display())
        }
        other => {
            let hint = if other == Some(record::SCHEMA) { String::new() } else { format!("\n{WHICH}") };
            let record = Record::parse(text).map_err(|why| named(format!("{why}{hint}")))?;
            Ok((evaluate::measured(&record)?.0, Some(record)))
        }
    }
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

/// What the file says it is; all else of it is none of our business here.
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
