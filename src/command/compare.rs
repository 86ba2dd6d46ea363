//! `compare A B`: judges a stored record against stored sessions or another record, offline, as `check` would have.

use std::path::Path;

use super::evaluate::{self, Baseline};
use super::{facts, output, setup};
use crate::baseline::store;
use crate::cli::{CompareArgs, WorkloadArgs};
use crate::exit::ExitStatus;
use crate::record::session::Session;
use crate::record::{GitFacts, Record, Role};
use crate::report::Report;

pub fn run(args: &CompareArgs) -> anyhow::Result<ExitStatus> {
    let mut candidate = Record::parse(&output::read(&args.candidate)?)?;
    if args.config.config.is_some() || !args.config.set.is_empty() {
        candidate.policy = facts::policy(&setup::config(&args.config, &WorkloadArgs::default())?);
    }
    if let Some(baseline) = other_side(&args.baseline, &candidate)? {
        return finish(args, evaluate::interleaved(&baseline, &candidate)?);
    }
    let sessions = sessions(&args.baseline)?;
    let first = args.with.as_ref().map(|path| super::check::first_job(path, candidate.git.as_ref())).transpose()?;
    let judged = evaluate::judged(&candidate, first.as_ref(), |workload| {
        let mine = sessions.iter().filter(|s| s.workload == workload.name);
        Baseline {
            sessions: mine.map(|s| (None, s.clone())).collect(),
            missing: Some(format!("{} has none", args.baseline.display())),
            workloads: sessions.iter().map(|s| s.workload.clone()).collect(),
        }
    })?;
    finish(args, judged)
}

fn finish(args: &CompareArgs, (report, exit): (Report, ExitStatus)) -> anyhow::Result<ExitStatus> {
    output::folder(&args.out)?;
    output::save_reports(&args.out, &report)?;
    output::show(&report)?;
    Ok(exit)
}

/// The baseline's record of the run that the candidate is of, where both are of one interleaved run.
fn other_side(path: &Path, candidate: &Record) -> anyhow::Result<Option<Record>> {
    let role = |record: &Record| record.pair.as_ref().map(|p| p.side);
    if role(candidate) == Some(Role::Baseline) {
        anyhow::bail!(
            "the second record is the baseline's side of an interleaved run\nhint: the candidate comes second: goodput-gate compare baseline.json record.json"
        );
    }
    if role(candidate).is_none() || !path.is_file() {
        return Ok(None);
    }
    let text = output::read(path)?;
    if !is_record(&text) {
        return Ok(None);
    }
    let baseline = Record::parse(&text)?;
    Ok(Some(baseline).filter(|b| role(b) == Some(Role::Baseline) && b.session == candidate.session))
}

fn is_record(text: &str) -> bool {
    text.contains(crate::record::SCHEMA) && !text.contains(crate::record::session::SCHEMA)
}

/// A record is one session; a baseline file or a folder of them is what it says.
pub fn sessions(path: &Path) -> anyhow::Result<Vec<Session>> {
    if path.is_file() {
        let text = output::read(path)?;
        if is_record(&text) {
            let record = Record::parse(&text)?;
            return Ok(record_sessions(&record));
        }
    } else if !path.exists() {
        anyhow::bail!("no such file or folder: {}", path.display());
    }
    Ok(store::read_all(path)?)
}

fn record_sessions(record: &Record) -> Vec<Session> {
    let unknown =
        || GitFacts { commit: "unknown".into(), tree: "unknown".into(), dirty: true, commit_date: record.created.clone() };
    let record = Record { git: Some(record.git.clone().unwrap_or_else(unknown)), ..record.clone() };
    record.workloads.iter().filter_map(|w| Session::from_record(&record, w)).collect()
}
