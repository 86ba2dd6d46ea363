//! Takes the run that lies in an output folder up into a data directory: those that were measured
//! before there was one. Not here: runs that are kept while they are measured (`keep`).
#![expect(clippy::disallowed_methods, reason = "rim: compares files")]

use std::collections::BTreeMap;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::file::{Ended, Id, RunFile};
use super::keep;
use super::store::{self, Store};
use crate::app::artefacts::{self, RECORD};
use crate::record::Record;
use crate::report::Report;

const VERB: &str = "import";

/// The run that it has become. None: there is no whole run in the folder, or it is kept already.
/// Errors: what lies there cannot be read, or the data directory cannot be written.
pub fn take_up(store: &Store, folder: &Path) -> anyhow::Result<Option<Id>> {
    let (record, report) = (folder.join(RECORD), folder.join("report.json"));
    // Without a report it may go on, and nobody knows how it ended.
    if !record.is_file() || !report.is_file() || is_kept(store, &record)? {
        return Ok(None);
    }
    let named = |path: &Path, why: String| anyhow::anyhow!("{}: {why}", path.display());
    let measured = Record::parse_part(&artefacts::read(&record)?);
    let measured = measured.map_err(|why| named(&record, why.to_string()))?;
    let told = Report::parse(&artefacts::read(&report)?).map_err(|why| named(&report, why))?;
    let id = id_of_session(&measured.session);
    if told.session != measured.session || store.place(&id)?.is_some() {
        return Ok(None);
    }
    let files = artefacts::files_of_runs(folder);
    let mut file = RunFile::new(id.clone(), VERB, measured.created.clone(), None);
    let write = |draft: &Path| {
        let mut bytes = BTreeMap::new();
        for path in &files {
            keep::put(&folder.join(path), &draft.join(path))?;
            bytes.insert(path.display().to_string(), draft.join(path).metadata()?.len());
        }
        let (at, exit_code) = (measured.created, told.exit_code);
        file.ended = Some(Ended { at, exit_code, error: None, files: bytes });
        artefacts::write_atomic(&draft.join(keep::FILE), file.to_json().as_bytes())
    };
    let (place, running) = store.add(&id, &told.created, write)?;
    store::ended(&place);
    drop(running);
    Ok(Some(id))
}

/// Some run's record is this one.
fn is_kept(store: &Store, record: &Path) -> anyhow::Result<bool> {
    let bytes = record.metadata()?.len();
    let mut alike = store.places()?.into_iter().map(|place| place.file(RECORD));
    Ok(alike.any(|other| {
        other.metadata().is_ok_and(|facts| facts.len() == bytes)
            && std::fs::read(&other).ok() == std::fs::read(record).ok()
    }))
}

/// The same for the same session, so that it is taken up once.
fn id_of_session(session: &str) -> Id {
    let mut bytes: [u8; 16] =
        Sha256::digest(session.as_bytes())[..16].try_into().unwrap_or_default();
    // A UUID of one's own making: version 8.
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    Id::from_bytes(bytes)
}
