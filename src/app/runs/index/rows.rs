//! The tables of the index, and every statement over them. Not here: when they are written.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rusqlite::types::Type;
use rusqlite::{Connection, Row, params};

use super::Page;
use crate::app::runs::file::Id;
use crate::app::runs::found::Run;
use crate::app::runs::select::{Filter, key};
use crate::app::runs::store::Place;

/// `run` is the whole as JSON; the columns beside it are what runs are chosen by. `*` is what a
/// damaged run cannot tell: it fits whatever is asked for.
pub const TABLES: &str = "
DROP TABLE IF EXISTS facts;
DROP TABLE IF EXISTS runs;
CREATE TABLE runs (
  id TEXT PRIMARY KEY,
  folder TEXT NOT NULL,
  name_stamp TEXT NOT NULL,
  stamp INTEGER,
  goes_on INTEGER NOT NULL,
  started TEXT NOT NULL,
  branch TEXT,
  verdict TEXT,
  run TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX runs_started ON runs (started, id);
CREATE INDEX runs_going_on ON runs (goes_on) WHERE goes_on;
CREATE TABLE facts (
  run TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  verdict TEXT
);
CREATE INDEX facts_run ON facts (run);
";

const UNKNOWN: &str = "*";
const WORKLOAD: &str = "workload";

/// How a run was when it was last read.
#[derive(Clone, Copy)]
pub struct LastLook {
    /// None where it may have changed since.
    pub stamp: Option<i64>,
    pub goes_on: bool,
}

pub fn stamps(reader: &Connection) -> rusqlite::Result<BTreeMap<String, LastLook>> {
    let mut all = reader.prepare("SELECT id, stamp, goes_on FROM runs")?;
    let known =
        |row: &Row<'_>| Ok((row.get(0)?, LastLook { stamp: row.get(1)?, goes_on: row.get(2)? }));
    all.query_map([], known)?.collect()
}

pub fn going_on(reader: &Connection) -> rusqlite::Result<Vec<Place>> {
    let mut all = reader.prepare("SELECT id, name_stamp, folder FROM runs WHERE goes_on")?;
    let place = |row: &Row<'_>| {
        let (id, folder): (String, String) = (row.get(0)?, row.get(2)?);
        let id = Id::parse(&id)
            .ok_or_else(|| rusqlite::Error::InvalidColumnType(0, id.clone(), Type::Text))?;
        Ok(Place { id, stamp: row.get(1)?, folder: PathBuf::from(folder) })
    };
    all.query_map([], place)?.collect()
}

pub fn remove(writer: &Connection, id: &str) -> rusqlite::Result<()> {
    writer.execute("DELETE FROM facts WHERE run = ?1", [id])?;
    writer.execute("DELETE FROM runs WHERE id = ?1", [id])?;
    Ok(())
}

/// In the place of what was known of it.
pub fn put(
    writer: &Connection,
    run: &Run,
    name_stamp: &str,
    stamp: Option<i64>,
) -> rusqlite::Result<()> {
    let id = run.id.as_str();
    remove(writer, id)?;
    let unknown = (!run.damage.is_empty()).then_some(UNKNOWN);
    let verdict = run.verdict.map(key);
    let whole = serde_json::to_string(run)
        .map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))?;
    writer.execute(
        "INSERT INTO runs (id, folder, name_stamp, stamp, goes_on, started, branch, verdict, run)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            id,
            run.folder.display().to_string(),
            name_stamp,
            stamp,
            run.goes_on(),
            run.started,
            run.branch.as_deref().or(unknown),
            verdict.as_deref().or(unknown),
            whole,
        ],
    )?;
    let mut fact =
        writer.prepare("INSERT INTO facts (run, kind, name, verdict) VALUES (?1, ?2, ?3, ?4)")?;
    for workload in &run.workloads {
        let verdict = workload.verdict.map(key);
        fact.execute(params![id, WORKLOAD, workload.name, verdict.as_deref().or(unknown)])?;
    }
    if run.workloads.is_empty() && unknown.is_some() {
        fact.execute(params![id, WORKLOAD, UNKNOWN, UNKNOWN])?;
    }
    Ok(())
}

/// As [`Filter::wants`] has it.
const WANTED: &str = "
FROM runs r
WHERE (?1 IS NULL OR r.branch IN (?1, '*'))
  AND (?2 IS NULL OR ?3 IS NOT NULL OR r.verdict IN (?2, '*'))
  AND (?3 IS NULL OR EXISTS (
    SELECT 1 FROM facts f
    WHERE f.run = r.id AND f.kind = 'workload' AND f.name IN (?3, '*')
      AND (?2 IS NULL OR f.verdict IN (?2, '*'))))";

pub fn page(
    reader: &Connection,
    filter: &Filter,
    limit: u32,
    offset: u32,
) -> rusqlite::Result<Page> {
    let verdict = filter.verdict.map(key);
    let total = reader.query_row(
        &format!("SELECT count(*) {WANTED}"),
        params![filter.branch, verdict, filter.workload],
        |row| row.get::<_, i64>(0),
    )?;
    let mut page = reader.prepare(&format!(
        "SELECT r.run {WANTED} ORDER BY r.started DESC, r.id DESC LIMIT ?4 OFFSET ?5"
    ))?;
    let run = |row: &Row<'_>| {
        let text: String = row.get(0)?;
        serde_json::from_str(&text)
            .map_err(|e| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, e.into()))
    };
    let runs = page
        .query_map(params![filter.branch, verdict, filter.workload, limit, offset], run)?
        .collect::<rusqlite::Result<Vec<Run>>>()?;
    Ok(Page { runs, total: u64::try_from(total).unwrap_or(0) })
}
