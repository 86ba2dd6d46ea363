//! The tables of the index, and every statement over them. Not here: when they are written.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Params, Row, params, params_from_iter};

use super::{Choices, Page};
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
  commit_id TEXT,
  run TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX runs_chosen ON runs (started, id, branch, verdict, commit_id);
CREATE INDEX runs_branch ON runs (branch);
CREATE INDEX runs_going_on ON runs (goes_on) WHERE goes_on;
CREATE INDEX runs_unsettled ON runs (stamp) WHERE stamp IS NULL;
CREATE TABLE facts (
  run TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  verdict TEXT
);
CREATE INDEX facts_run ON facts (run, kind, name, verdict);
CREATE INDEX facts_kind ON facts (kind, name, run, verdict);
";

const UNKNOWN: &str = "*";
const WORKLOAD: &str = "workload";
const MODEL: &str = "model";
const SERVER: &str = "server";
/// Of one kind, to choose from.
const MOST_CHOICES: u32 = 200;

/// How a run was when it was last read.
#[derive(Clone, Copy)]
pub struct LastLook {
    /// None where it may have changed since.
    pub stamp: Option<i64>,
    pub goes_on: bool,
}

pub fn any_goes_on(reader: &Connection) -> rusqlite::Result<bool> {
    reader.query_row("SELECT EXISTS (SELECT 1 FROM runs WHERE goes_on)", [], |row| row.get(0))
}

pub fn stamps(reader: &Connection) -> rusqlite::Result<BTreeMap<String, LastLook>> {
    let mut all = reader.prepare("SELECT id, stamp, goes_on FROM runs")?;
    let known =
        |row: &Row<'_>| Ok((row.get(0)?, LastLook { stamp: row.get(1)?, goes_on: row.get(2)? }));
    all.query_map([], known)?.collect()
}

/// Those that went on, and those that may have changed since they were looked at; whether each went
/// on.
pub fn unsettled(reader: &Connection) -> rusqlite::Result<Vec<(Place, bool)>> {
    // Two statements, an index each.
    let mut all = reader.prepare(
        "SELECT id, name_stamp, folder, goes_on FROM runs WHERE goes_on
         UNION SELECT id, name_stamp, folder, goes_on FROM runs WHERE stamp IS NULL",
    )?;
    let place = |row: &Row<'_>| {
        let (id, folder): (String, String) = (row.get(0)?, row.get(2)?);
        let id = Id::parse(&id)
            .ok_or_else(|| rusqlite::Error::InvalidColumnType(0, id.clone(), Type::Text))?;
        Ok((Place { id, stamp: row.get(1)?, folder: PathBuf::from(folder) }, row.get(3)?))
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
        "INSERT INTO runs (id, folder, name_stamp, stamp, goes_on, started, branch, verdict,
           commit_id, run) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            id,
            run.folder.display().to_string(),
            name_stamp,
            stamp,
            run.goes_on(),
            run.started,
            run.branch.as_deref().or(unknown),
            verdict.as_deref().or(unknown),
            run.commit.as_deref().or(unknown),
            whole,
        ],
    )?;
    let mut fact =
        writer.prepare("INSERT INTO facts (run, kind, name, verdict) VALUES (?1, ?2, ?3, ?4)")?;
    for workload in &run.workloads {
        let verdict = workload.verdict.map(key);
        fact.execute(params![id, WORKLOAD, workload.name, verdict.as_deref().or(unknown)])?;
    }
    for (kind, names) in [(MODEL, &run.models), (SERVER, &run.servers)] {
        for name in names {
            fact.execute(params![id, kind, name, None::<&str>])?;
        }
    }
    let untold = [
        (WORKLOAD, run.workloads.is_empty()),
        (MODEL, run.models.is_empty()),
        (SERVER, run.servers.is_empty()),
    ];
    for (kind, _) in untold.iter().filter(|(_, is_empty)| *is_empty && unknown.is_some()) {
        fact.execute(params![id, kind, UNKNOWN, UNKNOWN])?;
    }
    Ok(())
}

/// What is wanted of the runs `r`, as [`Filter::wants`] has it, and its values. Only what is asked
/// for is in it, so that as little as can be is read of each run.
fn wanted(filter: &Filter) -> (String, Vec<String>) {
    let (mut text, mut values) = ("FROM runs r WHERE 1".to_owned(), Vec::new());
    let mut add = |condition: &str, value: Option<&String>| {
        if let Some(value) = value {
            text += condition;
            values.push(value.clone());
        }
    };
    let verdict = filter.verdict.map(key);
    add(" AND r.branch IN (?, '*')", filter.branch.as_ref());
    add(" AND (r.commit_id = '*' OR instr(r.commit_id, ?) = 1)", filter.commit.as_ref());
    let named = |kind: &str| {
        format!(" AND r.id IN (SELECT run FROM facts WHERE kind = '{kind}' AND name IN (?, '*')")
    };
    add(&(named(MODEL) + ")"), filter.model.as_ref());
    add(&(named(SERVER) + ")"), filter.server.as_ref());
    match &filter.workload {
        None => add(" AND r.verdict IN (?, '*')", verdict.as_ref()),
        Some(workload) => {
            add(&named(WORKLOAD), Some(workload));
            add(" AND verdict IN (?, '*')", verdict.as_ref());
            text += ")";
        }
    }
    (text, values)
}

pub fn page(
    reader: &Connection,
    filter: &Filter,
    limit: u32,
    offset: u32,
) -> rusqlite::Result<Page> {
    let (wanted, values) = wanted(filter);
    let with = || params_from_iter(&values);
    let count = format!("SELECT count(*) {wanted}");
    let total = reader.query_row(&count, with(), |row| row.get::<_, i64>(0))?;
    // Those that are passed over are not read.
    let mut page = reader.prepare(&format!(
        "SELECT r.run FROM (
           SELECT r.id, r.started {wanted} ORDER BY r.started DESC, r.id DESC
           LIMIT {limit} OFFSET {offset}) p
         JOIN runs r ON r.id = p.id ORDER BY p.started DESC, p.id DESC"
    ))?;
    let runs = page.query_map(with(), run)?.collect::<rusqlite::Result<Vec<Run>>>()?;
    Ok(Page { runs, total: u64::try_from(total).unwrap_or(0) })
}

/// The newest before this one that has measured this workload.
pub fn previous(
    reader: &Connection,
    before: &Run,
    workload: &str,
) -> rusqlite::Result<Option<Run>> {
    let mut newest = reader.prepare(
        "SELECT r.run FROM runs r
         WHERE (r.started, r.id) < (?1, ?2) AND EXISTS (
           SELECT 1 FROM facts f WHERE f.run = r.id AND f.kind = 'workload' AND f.name = ?3)
         ORDER BY r.started DESC, r.id DESC LIMIT 1",
    )?;
    newest.query_row(params![before.started, before.id.as_str(), workload], run).optional()
}

/// What there is to choose runs by.
pub fn choices(reader: &Connection) -> rusqlite::Result<Choices> {
    let named = |kind: &str| {
        let query = "SELECT DISTINCT name FROM facts WHERE kind = ?1 AND name <> '*'
                     ORDER BY name LIMIT ?2";
        texts(reader, query, params![kind, MOST_CHOICES])
    };
    let branches = "SELECT DISTINCT branch FROM runs WHERE branch <> '*' ORDER BY branch LIMIT ?1";
    Ok(Choices {
        workloads: named(WORKLOAD)?,
        models: named(MODEL)?,
        servers: named(SERVER)?,
        branches: texts(reader, branches, params![MOST_CHOICES])?,
    })
}

fn texts(reader: &Connection, query: &str, with: impl Params) -> rusqlite::Result<Vec<String>> {
    reader.prepare(query)?.query_map(with, |row| row.get(0))?.collect()
}

fn run(row: &Row<'_>) -> rusqlite::Result<Run> {
    let text: String = row.get(0)?;
    serde_json::from_str(&text)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, e.into()))
}
