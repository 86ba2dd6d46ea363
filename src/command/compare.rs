//! `compare A B`: judges a stored record against stored sessions or another record, offline, as `check` would have.

use std::path::Path;

use super::evaluate::{self, Baseline};
use super::{facts, output, setup};
use crate::baseline::store;
use crate::cli::{CompareArgs, WorkloadArgs};
use crate::exit::ExitStatus;
use crate::record::session::Session;
use crate::record::{GitFacts, Record};

pub fn run(args: &CompareArgs) -> anyhow::Result<ExitStatus> {
    let mut candidate = Record::parse(&output::read(&args.candidate)?)?;
    if args.config.config.is_some() || !args.config.set.is_empty() {
        candidate.policy = facts::policy(&setup::config(&args.config, &WorkloadArgs::default())?);
    }
    let sessions = sessions(&args.baseline)?;
    let (report, exit) = evaluate::judged(&candidate, |workload| {
        let mine = sessions.iter().filter(|s| s.workload == workload.name);
        Baseline {
            sessions: mine.map(|s| (None, s.clone())).collect(),
            missing: Some(format!("{} has none", args.baseline.display())),
            workloads: sessions.iter().map(|s| s.workload.clone()).collect(),
        }
    })?;
    output::folder(&args.out)?;
    output::save_reports(&args.out, &report)?;
    output::show(&report)?;
    Ok(exit)
}

/// A record is one session; a baseline file or a folder of them is what it says.
pub fn sessions(path: &Path) -> anyhow::Result<Vec<Session>> {
    if path.is_file() {
        let text = output::read(path)?;
        if text.contains(crate::record::SCHEMA) && !text.contains(crate::record::session::SCHEMA) {
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
