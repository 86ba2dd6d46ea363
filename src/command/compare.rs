//! `compare A B`: a stored record against stored sessions or another record, offline; of several
//! records a ranking.

use std::path::PathBuf;

use super::{args, formats, output};
use crate::app::stored::{Compare, Compared, compare, explanation, judged_metric};
use crate::app::workspace::Workspace;
use crate::app::{artefacts, ranking, sentence};
use crate::cli::{CompareArgs, ReportFormat};
use crate::exit::ExitStatus;
use crate::metric::Metric;
use crate::print;

pub fn run(args: &CompareArgs) -> anyhow::Result<ExitStatus> {
    if args.rank || !args.more.is_empty() {
        return ranked(args);
    }
    let here = Workspace::here();
    let explain = args
        .explain
        .iter()
        .map(|name| judged_metric(name))
        .collect::<anyhow::Result<Vec<Metric>>>()?;
    let what = Compare {
        here: &here,
        baseline: &args.baseline,
        candidate: &args.candidate,
        given: &args::file(&args.config),
    };
    let Compared { candidate, mut report, exit, charts, against } = compare(&what)?;
    let lang = print::language();
    // First of all: what cannot be shown is refused before anything is written.
    let shown = match args.format {
        None | Some(ReportFormat::Terminal) => None,
        Some(format) => Some(formats::rendered(&report, Some(&candidate), format, lang)?),
    };
    match shown {
        None => output::deliver(&args.out, &mut report, &charts, lang, args.view),
        Some(bytes) => {
            let unwritten = artefacts::save_reports(&args.out, &report, &charts, lang);
            for notice in &unwritten {
                print::note(&sentence::notice(notice));
            }
            output::told(output::print_bytes(&bytes));
        }
    }
    for (workload, against) in &against {
        for metric in &explain {
            output::tell(&explanation(workload, against, *metric).into());
        }
    }
    Ok(exit)
}

fn ranked(args: &CompareArgs) -> anyhow::Result<ExitStatus> {
    let format = args.format.unwrap_or(ReportFormat::Terminal);
    let paths: Vec<&PathBuf> =
        [&args.baseline, &args.candidate].into_iter().chain(&args.more).collect();
    let ranking = ranking::stored(&paths)?;
    let lang = print::language();
    formats::deliver_ranking(&ranking, &args.out, format, lang)
}
