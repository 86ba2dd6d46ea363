//! Several records side by side: measured in turn, or stored ones. Nothing is judged, no verdict.

use std::path::{Path, PathBuf};

use super::artefacts;
use super::job::Job;
use super::measure::{self, Kept};
use super::options::RunOptions;
use super::workspace::Workspace;
use crate::config::{Config, Lang};
use crate::evaluate;
use crate::lang::bilingual;
use crate::print::note;
use crate::record::Record;
use crate::report::page::charts::charts;
use crate::report::ranking::{self, Entrant, EntrantWorkload, RankingReport};

/// What was measured of several targets.
pub struct Each {
    pub ranking: RankingReport,
    pub interrupted: bool,
    /// Why it is in no file, if it is not.
    pub unsaved: Option<anyhow::Error>,
}

/// Measures every target of the config in turn, writes the reports of each, and ranks them. `begin`
/// begins the job. `None`: interrupted while it waited for another gate.
pub fn each(
    here: &Workspace,
    config: &Config,
    options: &RunOptions,
    lang: Lang,
    begin: impl FnOnce() -> anyhow::Result<Option<Job>>,
) -> anyhow::Result<Option<Each>> {
    let git = here.head_facts_if_any(config);
    let Some(mut job) = begin()? else { return Ok(None) };
    if !job
        .load(here, config, config.targets.values())
        .inspect_err(|e| artefacts::save_failure(&options.out, e, None, lang))?
    {
        return Ok(None);
    }
    let Kept { value: measured, unsaved } =
        measure::each(here, config, options, git.as_ref(), &job)
            .inspect_err(|e| artefacts::save_failure(&options.out, e, git.clone(), lang))?;
    for (folder, record) in &measured {
        let (report, _) = evaluate::measured(record)?;
        let unwritten = artefacts::save_reports(folder, &report, &charts(record, &report)?, lang);
        for line in &unwritten {
            note(&format!("{}: {line}", folder.display()).into());
        }
    }
    let records: Vec<(String, &Record)> =
        measured.iter().map(|(_, r)| (r.target.clone().unwrap_or_default(), r)).collect();
    let interrupted = measured.iter().any(|(_, r)| r.interrupted);
    Ok(Some(Each { ranking: ranked(&records)?, interrupted, unsaved }))
}

/// Ranks stored records.
pub fn stored(paths: &[&PathBuf]) -> anyhow::Result<RankingReport> {
    let records = paths
        .iter()
        .map(|p| Ok(Record::parse(&artefacts::read(p)?)?))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let named: Vec<(String, &Record)> =
        paths.iter().zip(&records).map(|(path, r)| (name(path, r.target.as_deref()), r)).collect();
    for (i, (name, _)) in named.iter().enumerate() {
        if named[..i].iter().any(|(other, _)| other == name) {
            anyhow::bail!(bilingual!(
                "two of the records are called {name}\nhint: a record is called after its target, else after its file: rename one file",
                "레코드 두 개의 이름이 {name}으로 같음\n힌트: 레코드 이름은 target, 없으면 파일 이름입니다. 파일 하나의 이름을 바꾸십시오"
            ));
        }
    }
    ranked(&named)
}

/// Where a run writes unless it is told otherwise: no name of anything.
const OUT: &str = ".goodput-gate";

/// After its target, else after its file; a `record.json` or `report.json` after its folder, which
/// is not the one that all runs write to.
pub fn name(path: &Path, target: Option<&str>) -> String {
    let stem = |p: &Path| p.file_stem().map(|s| s.to_string_lossy().into_owned());
    // A folder's name has no extension: `llama-3.1` stays whole.
    let whole = |p: &Path| p.file_name().map(|s| s.to_string_lossy().into_owned());
    let own = [measure::RECORD, "report.json"].iter().any(|file| path.ends_with(file));
    let folders =
        || path.ancestors().skip(1).filter(|folder| !folder.ends_with(OUT)).find_map(whole);
    let of_folder = || folders().or_else(|| path.parent().and_then(whole)).filter(|_| own);
    target.map(str::to_owned).or_else(of_folder).or_else(|| stem(path)).unwrap_or_default()
}

/// What each of these records has, side by side. Errors: a record holds values that cannot be.
pub fn ranked<'a>(records: &[(String, &'a Record)]) -> anyhow::Result<RankingReport> {
    let measured = |w| {
        Ok(EntrantWorkload {
            workload: w,
            unfit: [w.unfit(), w.saturated()].concat(),
            starts: w.start_values()?,
            pooled: w.pooled_values()?,
        })
    };
    let entrant = |(name, record): &(String, &'a Record)| {
        let workloads = record.workloads.iter().map(measured).collect::<anyhow::Result<_>>()?;
        Ok(Entrant { name: name.clone(), record, workloads })
    };
    let entrants = records.iter().map(entrant).collect::<anyhow::Result<Vec<Entrant<'a>>>>()?;
    Ok(ranking::ranking(&entrants, env!("CARGO_PKG_VERSION")))
}
