//! The formats of a report by name, with what programs must know of each. Not here: the formats
//! themselves (`report`).

use crate::lang::Lang;
use crate::record::Record;
use crate::report::page::charts::charts;
use crate::report::{self, Report};

/// Columns of a terminal that nobody looks at: wide enough for every table.
pub const WIDTH: u16 = 120;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Terminal,
    Md,
    Junit,
    Json,
    Html,
    Csv,
    Xlsx,
    Prometheus,
    Badge,
    Svg,
}

impl Format {
    pub const ALL: [Self; 10] = [
        Self::Terminal,
        Self::Md,
        Self::Junit,
        Self::Json,
        Self::Html,
        Self::Csv,
        Self::Xlsx,
        Self::Prometheus,
        Self::Badge,
        Self::Svg,
    ];

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Terminal => "terminal",
            Self::Md => "md",
            Self::Junit => "junit",
            Self::Json => "json",
            Self::Html => "html",
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::Prometheus => "prometheus",
            Self::Badge => "badge",
            Self::Svg => "svg",
        }
    }

    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Terminal | Self::Prometheus => "text/plain; charset=utf-8",
            Self::Md => "text/markdown; charset=utf-8",
            Self::Junit => "application/xml",
            Self::Json | Self::Badge => "application/json",
            Self::Html => "text/html; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Svg => "image/svg+xml",
        }
    }

    /// Of a file's name.
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Terminal => "txt",
            Self::Junit => "xml",
            Self::Prometheus => "prom",
            Self::Badge => "json",
            other => other.name(),
        }
    }

    /// A browser shows it; the others are for other programs.
    pub const fn is_shown(self) -> bool {
        matches!(
            self,
            Self::Terminal | Self::Json | Self::Html | Self::Prometheus | Self::Badge | Self::Svg
        )
    }
}

/// `record`: what the report is of, where it is there; charts and single requests are of it.
/// Errors: the report has something that the format cannot say.
pub fn rendered(
    report: &Report,
    record: Option<&Record>,
    format: Format,
    lang: Lang,
) -> anyhow::Result<Vec<u8>> {
    Ok(match format {
        Format::Terminal => report::terminal::render(report, WIDTH, false, lang).into(),
        Format::Md => report::markdown::render(report, lang).into(),
        Format::Junit => report::junit::render(report).map_err(anyhow::Error::msg)?.into(),
        Format::Json => report.to_json().into(),
        Format::Html => {
            let charts = record.map(|record| charts(record, report)).transpose()?;
            report::page::render(report, &charts.unwrap_or_default(), lang).into()
        }
        Format::Csv => report::csv::render(report).map_err(anyhow::Error::msg)?.into(),
        Format::Xlsx => report::xlsx::render(report, record).map_err(anyhow::Error::msg)?,
        Format::Prometheus => report::prometheus::render(report).into(),
        Format::Badge => report::badge::endpoint(report).into(),
        Format::Svg => report::badge::svg(report).into(),
    })
}
