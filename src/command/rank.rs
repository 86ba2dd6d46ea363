//! Several records side by side: `run --each`, which measures them, and `compare A B C...`, which only reads. Nothing is judged, no verdict.

use std::path::{Path, PathBuf};

use super::job::Job;
use super::{baseline, drawn, dry_run, evaluate, measure, output, setup};
use crate::cli::{CompareArgs, ReportFormat, RunArgs};
use crate::config::Lang;
use crate::exit::ExitStatus;
use crate::record::Record;
use crate::report::ranking::{self, Entrant, Measured, RankingReport};

/// Measures every target of the config in turn, and ranks them.
pub fn each(args: &RunArgs) -> anyhow::Result<ExitStatus> {
    let config = setup::each(&args.config, &args.workload, args.sweep.clone())?;
    if args.output.dry_run {
        let names: Vec<&str> = config.targets.keys().map(String::as_str).collect();
        let turns = format!("one after the other, start by start: {}", names.join(", "));
        output::print(&format!("{}\n{turns}", dry_run::each(&config)?))?;
        return Ok(ExitStatus::Pass);
    }
    let git = baseline::repo(&config).ok().and_then(|r| baseline::facts(&r).ok());
    let lang = setup::lang(args.lang, &config);
    let Some(mut job) = Job::begin(super::run::VERB, &args.output)? else { return Ok(ExitStatus::Interrupted) };
    if !job.load(&config, config.targets.values()).inspect_err(|e| output::save_failure(&args.output.out, e, None, lang))? {
        return Ok(ExitStatus::Interrupted);
    }
    let measure::Kept { value: measured, unsaved } = measure::each(&config, &args.output, git.as_ref(), &job)
        .inspect_err(|e| output::save_failure(&args.output.out, e, git.clone(), lang))?;
    for (folder, record) in &measured {
        let unwritten = output::save_reports(folder, &evaluate::measured(record)?.0, &drawn::alone(record)?, lang);
        for line in &unwritten {
            output::say(&format!("note: {}: {line}", folder.display()));
        }
    }
    let records: Vec<(String, &Record)> = measured.iter().map(|(_, r)| (r.target.clone().unwrap_or_default(), r)).collect();
    let exit = ranked(&records, &args.output.out, ReportFormat::Terminal, lang)?;
    let interrupted = measured.iter().any(|(_, r)| r.interrupted);
    Ok(match unsaved {
        _ if interrupted => ExitStatus::Interrupted,
        Some(error) => super::ending::failed(&error),
        None => exit,
    })
}

/// Ranks stored records.
pub fn stored(args: &CompareArgs) -> anyhow::Result<ExitStatus> {
    let format = args.format.unwrap_or(ReportFormat::Terminal);
    let paths: Vec<&PathBuf> = [&args.baseline, &args.candidate].into_iter().chain(&args.more).collect();
    let records = paths.iter().map(|p| Ok(Record::parse(&output::read(p)?)?)).collect::<anyhow::Result<Vec<_>>>()?;
    let named: Vec<(String, &Record)> =
        paths.iter().zip(&records).map(|(path, r)| (name(path, r.target.as_deref()), r)).collect();
    for (i, (name, _)) in named.iter().enumerate() {
        if named[..i].iter().any(|(other, _)| other == name) {
            anyhow::bail!(
                "two of the records are called {name}\nhint: a record is called after its target, else after its file: rename one file"
            );
        }
    }
    ranked(&named, &args.out, format, setup::lang_here(args.lang, args.config.config.as_deref()))
}

/// Where a run writes unless it is told otherwise: no name of anything.
const OUT: &str = ".goodput-gate";

/// After its target, else after its file; a `record.json` or `report.json` after its folder, which is not the one that all runs write to.
pub fn name(path: &Path, target: Option<&str>) -> String {
    let stem = |p: &Path| p.file_stem().map(|s| s.to_string_lossy().into_owned());
    // A folder's name has no extension: `llama-3.1` stays whole.
    let whole = |p: &Path| p.file_name().map(|s| s.to_string_lossy().into_owned());
    let own = [measure::RECORD, "report.json"].iter().any(|file| path.ends_with(file));
    let folders = || path.ancestors().skip(1).filter(|folder| !folder.ends_with(OUT)).find_map(whole);
    let of_folder = || folders().or_else(|| path.parent().and_then(whole)).filter(|_| own);
    target.map(str::to_owned).or_else(of_folder).or_else(|| stem(path)).unwrap_or_default()
}

fn ranked<'a>(records: &[(String, &'a Record)], out: &Path, format: ReportFormat, lang: Lang) -> anyhow::Result<ExitStatus> {
    let measured =
        |w| Ok(Measured { workload: w, unfit: evaluate::unfit(w), starts: w.start_values()?, pooled: w.pooled_values()? });
    let entrant = |(name, record): &(String, &'a Record)| {
        let workloads = record.workloads.iter().map(measured).collect::<anyhow::Result<_>>()?;
        Ok(Entrant { name: name.clone(), record, workloads })
    };
    let entrants = records.iter().map(entrant).collect::<anyhow::Result<Vec<Entrant<'a>>>>()?;
    let report = ranking::ranking(&entrants, env!("CARGO_PKG_VERSION"));
    // First of all: what cannot be shown is refused before anything is written.
    let shown = rendered(&report, format, output::width(), lang)?;
    let writable = output::folder(out);
    for (file, format) in FILES.iter().filter(|_| writable.is_ok()) {
        let bytes = rendered(&report, *format, output::width(), lang)?;
        output::told(output::write_atomic(&out.join(file), &bytes));
    }
    output::told(writable);
    output::told(output::print_bytes(&shown));
    Ok(report.exit())
}

const FILES: [(&str, ReportFormat); 4] = [
    ("ranking.json", ReportFormat::Json),
    ("ranking.md", ReportFormat::Md),
    ("ranking.csv", ReportFormat::Csv),
    ("ranking.html", ReportFormat::Html),
];

/// `width`: of the terminal, in columns. Errors: a ranking has no such form.
pub fn rendered(report: &RankingReport, format: ReportFormat, width: u16, lang: Lang) -> anyhow::Result<Vec<u8>> {
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
