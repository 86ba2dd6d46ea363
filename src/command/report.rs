//! `report RECORD`: a stored record, or a stored report, in another format.

use super::{evaluate, output};
use crate::cli::{ReportArgs, ReportFormat};
use crate::exit::ExitStatus;
use crate::record::Record;
use crate::report::{self, Report};

pub fn run(args: &ReportArgs) -> anyhow::Result<ExitStatus> {
    let text = output::read(&args.record)?;
    let report = if text.contains(report::SCHEMA) {
        Report::parse(&text).map_err(anyhow::Error::msg)?
    } else {
        evaluate::measured(&Record::parse(&text)?)?.0
    };
    let written = match args.format {
        ReportFormat::Terminal => report::terminal::render(&report, 120, false),
        ReportFormat::Md => report::markdown::render(&report),
        ReportFormat::Junit => report::junit::render(&report).map_err(anyhow::Error::msg)?,
        ReportFormat::Json => report.to_json(),
        ReportFormat::Csv => report::csv::render(&report).map_err(anyhow::Error::msg)?,
    };
    match &args.output {
        Some(path) => output::write_atomic(path, written.as_bytes())?,
        None => output::print(written.trim_end())?,
    }
    Ok(ExitStatus::Pass)
}
