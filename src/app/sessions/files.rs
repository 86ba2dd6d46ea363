//! Stored sessions that somebody names: a record, a baseline file or a folder of them. Not here:
//! which of them count (`compare`).

use std::path::Path;

use crate::app::artefacts;
use crate::baseline::store;
use crate::lang::bilingual;
use crate::record::session::{self, Session};
use crate::record::{self, GitFacts, Record};

/// A record is one session; a baseline file or a folder of them is what it says.
pub fn sessions(path: &Path) -> anyhow::Result<Vec<Session>> {
    if path.is_file() {
        return sessions_in_text(path, &artefacts::read(path)?);
    } else if !path.exists() {
        let path = path.display();
        anyhow::bail!(bilingual!(
            "no such file or folder: {path}",
            "그런 파일이나 폴더가 없음: {path}"
        ));
    }
    Ok(store::read_all(path)?)
}

/// Of a file that is at hand already; `path` is for messages only.
pub fn sessions_in_text(path: &Path, text: &str) -> anyhow::Result<Vec<Session>> {
    if is_record(text) {
        return Ok(record_sessions(&Record::parse(text)?));
    }
    Ok(vec![store::parse(path, text)?])
}

fn record_sessions(record: &Record) -> Vec<Session> {
    let unknown = || GitFacts {
        commit: "unknown".into(),
        tree: "unknown".into(),
        dirty: true,
        commit_date: record.created.clone(),
    };
    let record = Record { git: Some(record.git.clone().unwrap_or_else(unknown)), ..record.clone() };
    record.workloads.iter().filter_map(|w| Session::from_record(&record, w)).collect()
}

/// Whether a file says that it is a record.
pub fn is_record(text: &str) -> bool {
    text.contains(record::SCHEMA) && !text.contains(session::SCHEMA)
}
