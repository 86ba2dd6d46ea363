//! `report RECORD`: a stored record, a stored report or a stored ranking, in another format; of
//! several, one table of all their workloads.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};

use super::formats::{rendered, rendered_ranking};
use super::output;
use crate::app::format::WIDTH;
use crate::app::{artefacts, measure, ranking as side_by_side};
use crate::cli::{ReportArgs, ReportFormat};
use crate::config::Lang;
use crate::evaluate;
use crate::exit::ExitStatus;
use crate::lang::{Text, bilingual};
use crate::print;
use crate::record::{self, Record, session};
use crate::report::ranking::{self, RankingReport};
use crate::report::{self, Report};

fn which() -> Text {
    bilingual!(
        "\nhint: name the report.json (with the verdict) or the record.json of a run: both are in its .goodput-gate",
        "\n힌트: 실행의 report.json(판정 포함) 또는 record.json을 지정하십시오. 둘 다 .goodput-gate에 있습니다"
    )
}

pub fn run(args: &ReportArgs) -> anyhow::Result<ExitStatus> {
    let lang = print::language();
    let written = if args.more.is_empty() {
        let (path, text) = (&args.record, text_of(&args.record)?);
        match kind(&text).as_deref() {
            Some(ranking::SCHEMA) => {
                let ranking = RankingReport::parse(&text)
                    .map_err(|why| anyhow!("{}: {why}", path.display()))?;
                rendered_ranking(&ranking, args.format, WIDTH, lang)?
            }
            kind => of_one(&text, kind, path, args.format, lang)?,
        }
    } else {
        of_several(args, lang)?
    };
    match &args.output {
        Some(path) => artefacts::write_atomic(path, &written)?,
        None => output::print_bytes(&written)?,
    }
    Ok(ExitStatus::Pass)
}

/// Errors: it cannot be read, or is a folder.
fn text_of(path: &Path) -> anyhow::Result<String> {
    if path.is_dir() {
        let path = path.display();
        bail!(
            bilingual!("cannot read {path}: it is a folder", "{path} 읽기 실패: 폴더임")
                .then(&which())
        );
    }
    artefacts::read(path)
}

/// All workloads of several runs in one table, whatever their loads. Errors: one is no run's, or
/// the format has no such table.
fn of_several(args: &ReportArgs, lang: Lang) -> anyhow::Result<Vec<u8>> {
    let paths: Vec<&PathBuf> = std::iter::once(&args.record).chain(&args.more).collect();
    let read = |path: &&PathBuf| -> anyhow::Result<(String, Report)> {
        let text = text_of(path)?;
        let (report, record) = read(&text, kind(&text).as_deref(), path)?;
        Ok((side_by_side::name(path, record.and_then(|r| r.target).as_deref()), report))
    };
    let mut all = paths.iter().map(read).collect::<anyhow::Result<Vec<_>>>()?;
    let names: BTreeSet<&String> = all.iter().map(|(name, _)| name).collect();
    // What is called the same is told apart by where it lies.
    if names.len() < all.len() {
        for ((name, _), path) in all.iter_mut().zip(&paths) {
            *name = path.display().to_string();
        }
    }
    let reports: Vec<(&str, &Report)> =
        all.iter().map(|(name, report)| (name.as_str(), report)).collect();
    Ok(match args.format {
        ReportFormat::Terminal => report::terminal::several(&reports, WIDTH, lang).into(),
        ReportFormat::Md => report::markdown::several(&reports, lang).into(),
        _ => bail!(bilingual!(
            "several records have no such format\nhint: terminal or md; goodput-gate compare --rank A B writes html, csv and json; each record by itself has all of them",
            "여러 레코드에는 없는 형식\n힌트: terminal 또는 md. html, csv, json은 goodput-gate compare --rank A B로 만들고, 레코드 하나에는 모든 형식이 있습니다"
        )),
    })
}

/// Of one run: its record, or its report. Errors: what the file is instead, and which files are
/// meant.
fn of_one(
    text: &str,
    kind: Option<&str>,
    path: &Path,
    format: ReportFormat,
    lang: Lang,
) -> anyhow::Result<Vec<u8>> {
    let (report, record) = read(text, kind, path)?;
    rendered(&report, record.as_ref(), format, lang)
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
            let path = path.display();
            bail!(
                bilingual!(
                    "{path}: it is a baseline session, which has no single requests to show",
                    "{path}: 기준선 세션이라 표시할 개별 요청이 없음"
                )
                .then(&which())
            )
        }
        other => {
            let hint = if other == Some(record::SCHEMA) { Text::default() } else { which() };
            let record = Record::parse_part(text).map_err(|why| {
                anyhow!(Text::from(format!("{}: ", path.display())).then(&why.text()).then(&hint))
            })?;
            Ok((evaluate::measured(&record)?.0, Some(record)))
        }
    }
}

/// What the file says it is; all else of it is none of our business here.
fn kind(text: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Kind {
        schema: String,
    }
    serde_json::from_str::<Kind>(text).ok().map(|kind| kind.schema)
}

/// The record that a stored report is of, where it lies beside it: the charts of a page are drawn
/// from it.
fn record_of(report: &Report, path: &Path) -> Option<Record> {
    let beside = artefacts::read(&path.with_file_name(measure::RECORD)).ok()?;
    Record::parse_part(&beside).ok().filter(|record| record.session == report.session)
}
