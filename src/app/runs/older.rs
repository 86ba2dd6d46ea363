//! Runs of an older tool's database: each row becomes a run of the data directory, with its numbers
//! as that tool measured them. It kept no requests, so nothing of it is judged, compared or made a
//! baseline.
//!
//! Keys of servers that the database holds are left behind. Not here: results of other tools that
//! are measured anew (`app::import`).

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::types::Value as Cell;
use rusqlite::{Connection, OpenFlags, Row};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::file::{Ended, Id, RunFile};
use super::keep;
use super::store::{self, Store};
use crate::app::artefacts;
use crate::clock::date;
use crate::exit::ExitStatus;
use crate::lang::{Explained as _, bilingual};
use crate::read::Parts;
use crate::redact::{self, Secrets};

/// In the folder of such a run: its row.
pub const FILE: &str = "imported.json";
pub const SCHEMA: &str = "goodput-gate/imported";
pub const VERSION: u32 = 1;
const TOOL: &str = "llm-loadtest";
pub const VERB: &str = "import";
/// What a file of `SQLite` begins with.
const MAGIC: &[u8] = b"SQLite format 3\0";
/// Bytes of one cell: a result of a hundred levels has some 100 kB.
const LARGEST: usize = 16 << 20;
const ROWS: &str = "SELECT id, server_url, model, adapter, config_json, status, result_json,
    started_at, completed_at, created_at FROM benchmark_runs ORDER BY created_at, id";

/// What became of the rows.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Imported {
    pub added: usize,
    /// Were runs here before.
    pub present: usize,
    /// Those that cannot be runs, and why.
    pub left_out: Vec<String>,
}

/// A row as it is.
struct Stored {
    id: String,
    server_url: String,
    model: String,
    adapter: String,
    config: String,
    status: String,
    result: String,
    started: String,
    completed: String,
    created: String,
}

pub fn is_database(path: &Path) -> bool {
    let first = Parts::open(path).and_then(|mut file| file.next_part());
    first.is_ok_and(|part| part.is_some_and(|part| part.starts_with(MAGIC)))
}

/// Rows that are runs here already stay as they are. Errors: it is no database of the tool, or a
/// run cannot be written.
pub fn import(store: &Store, database: &Path) -> anyhow::Result<Imported> {
    let name = database.display();
    let rows = rows(database).explained(|| {
        bilingual!(
            "{name} is no database of {TOOL}\nhint: the file that its DATABASE_PATH names, with a table benchmark_runs",
            "{name}은 {TOOL}의 데이터베이스가 아님\n힌트: DATABASE_PATH가 가리키는, benchmark_runs 테이블이 있는 파일"
        )
    })?;
    let mut imported = Imported::default();
    for row in rows {
        match Run::read(&row) {
            Err(why) => imported.left_out.push(format!("{}: {why}", row.id)),
            Ok(run) if store.place(&run.file.id)?.is_some() => imported.present += 1,
            Ok(run) => {
                run.write(store)?;
                imported.added += 1;
            }
        }
    }
    Ok(imported)
}

fn rows(database: &Path) -> rusqlite::Result<Vec<Stored>> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let reader = Connection::open_with_flags(database, flags)?;
    let text = |row: &Row<'_>, at: usize| -> rusqlite::Result<String> {
        Ok(match row.get(at)? {
            Cell::Text(text) => text,
            Cell::Integer(n) => n.to_string(),
            Cell::Real(n) => n.to_string(),
            Cell::Null | Cell::Blob(_) => String::new(),
        })
    };
    let stored = |row: &Row<'_>| {
        Ok(Stored {
            id: text(row, 0)?,
            server_url: text(row, 1)?,
            model: text(row, 2)?,
            adapter: text(row, 3)?,
            config: text(row, 4)?,
            status: text(row, 5)?,
            result: text(row, 6)?,
            started: text(row, 7)?,
            completed: text(row, 8)?,
            created: text(row, 9)?,
        })
    };
    reader.prepare(ROWS)?.query_map([], stored)?.collect()
}

/// What was imported of a run. None: it is no imported one. Errors: it cannot be read.
pub fn row(folder: &Path) -> anyhow::Result<Option<Value>> {
    let path = folder.join(FILE);
    if !path.is_file() {
        return Ok(None);
    }
    Ok(Some(serde_json::from_str(&artefacts::read(&path)?)?))
}

/// What is written of a row.
struct Run {
    file: RunFile,
    row: Value,
}

impl Run {
    /// Errors: it says something that is not clear.
    fn read(row: &Stored) -> Result<Self, String> {
        let id = Id::parse(&row.id).ok_or("its id is no UUID")?;
        let (config, result) =
            (parsed("config_json", &row.config)?, parsed("result_json", &row.result)?);
        let key = config["api_key"].as_str().or_else(|| result["config"]["api_key"].as_str());
        let secrets = redact::keys(key.filter(|key| !key.is_empty()), &[]);
        let (config, result) = (without_keys(config, &secrets), without_keys(result, &secrets));
        let dates = [&row.started, &row.created].map(|text| instant(text));
        let started = dates.into_iter().flatten().next().ok_or("it does not say when it began")?;
        let mut file = RunFile::new(id, VERB, date(started), None);
        file.ended = ended(row, started, &result)?;
        let plain = |text: &str| without_login(&secrets.redact(text.to_owned()));
        let mut fingerprint = json!({"model": plain(&row.model)});
        if let Some(framework) = config["framework"].as_str() {
            fingerprint["server"] = framework.into();
        }
        let row = json!({
            "schema": SCHEMA, "version": VERSION, "tool": TOOL,
            "headline": headline(&result),
            "workloads": [{
                "name": TOOL,
                "fingerprint": fingerprint,
            }],
            "server_url": plain(&row.server_url), "model": plain(&row.model),
            "adapter": plain(&row.adapter), "status": row.status,
            "started_at": row.started, "completed_at": row.completed, "created_at": row.created,
            "config": config, "result": result,
        });
        Ok(Self { file, row })
    }

    fn write(mut self, store: &Store) -> anyhow::Result<()> {
        let row = serde_json::to_vec_pretty(&self.row)?;
        if let Some(ended) = &mut self.file.ended {
            ended.files.insert(FILE.into(), row.len() as u64);
        }
        let write = |folder: &Path| {
            artefacts::write_atomic(&folder.join(FILE), &row)?;
            artefacts::write_atomic(&folder.join(keep::FILE), self.file.to_json().as_bytes())
        };
        let (folder, running) = store.add(&self.file.id, &self.file.started, write)?;
        store::ended(&folder);
        drop(running);
        Ok(())
    }
}

/// None of one that the tool did not see the end of.
fn ended(row: &Stored, started: OffsetDateTime, result: &Value) -> Result<Option<Ended>, String> {
    let has_levels = result["results"].as_array().is_some_and(|all| !all.is_empty());
    let (exit, error) = match &*row.status {
        "completed" if !has_levels => return Err("it was completed and has no results".into()),
        "completed" => (ExitStatus::Pass, None),
        "failed" => {
            let said = result["error"].as_str().unwrap_or("without a word of why");
            (ExitStatus::CouldNotMeasure, Some(format!("{TOOL} failed: {said}")))
        }
        "pending" | "running" => return Ok(None),
        other => return Err(format!("it has a status that is not known: {other:?}")),
    };
    let told = [Some(&*row.completed), result["completed_at"].as_str()];
    let at = match told.into_iter().flatten().find_map(instant) {
        // The tool wrote no end of some that failed.
        None if error.is_some() => started,
        at => at.ok_or("it does not say when it ended")?,
    };
    Ok(Some(Ended { at: date(at), exit_code: exit.code(), error, files: BTreeMap::new() }))
}

fn headline(result: &Value) -> Option<String> {
    let number = |name: &str| result["summary"][name].as_f64();
    let mut parts = Vec::new();
    parts.extend(number("best_throughput").map(|n| format!("best throughput {n:.1} tok/s")));
    parts.extend(number("best_ttft_p50").map(|n| format!("best TTFT p50 {n:.1} ms")));
    (!parts.is_empty()).then(|| format!("as {TOOL} measured it: {}", parts.join(", ")))
}

fn parsed(name: &str, text: &str) -> Result<Value, String> {
    match text.len() {
        0 => Ok(Value::Null),
        LARGEST.. => Err(format!("its {name} is larger than {} MiB", LARGEST >> 20)),
        _ => serde_json::from_str(text).map_err(|e| format!("its {name} is no JSON: {e}")),
    }
}

/// Without fields that hold a key, and without the key of the server wherever it stands.
fn without_keys(value: Value, secrets: &Secrets) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter().filter(|(name, _)| !is_secret(name));
            let rest = fields.map(|(name, value)| (name, without_keys(value, secrets)));
            Value::Object(rest.collect::<Map<_, _>>())
        }
        Value::Array(all) => all.into_iter().map(|value| without_keys(value, secrets)).collect(),
        Value::String(text) => Value::String(without_login(&secrets.redact(text))),
        other => other,
    }
}

fn is_secret(name: &str) -> bool {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let ends = ["apikey", "password", "passwd", "secret", "authorization", "bearer"];
    let tokens = ["token", "accesstoken", "authtoken", "hftoken"];
    ends.iter().any(|end| plain.ends_with(end)) || tokens.contains(&&*plain)
}

/// Each address of a text without the name and the password that stand before its host, and without
/// its query.
fn without_login(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
    let address = rest[..end].split(['?', '#']).next().unwrap_or_default();
    let host = address.find('/').unwrap_or(address.len());
    let from = address[..host].rfind('@').map_or(0, |at| at + 1);
    format!("{scheme}://{}{}", &address[from..], without_login(&rest[end..]))
}

/// As Python and `SQLite` write it; without an offset it is UTC.
fn instant(text: &str) -> Option<OffsetDateTime> {
    let text = text.trim().replacen(' ', "T", 1);
    let has_offset = text.ends_with('Z') || text.get(11..).is_some_and(|t| t.contains(['+', '-']));
    let whole = if has_offset { text } else { text + "Z" };
    let at = OffsetDateTime::parse(&whole, &Rfc3339).ok()?;
    Some(at.to_offset(time::UtcOffset::UTC))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_the_tool_are_read_as_it_writes_them() {
        for (text, read) in [
            ("2026-01-15T12:00:00.123456", Some("2026-01-15T12:00:00Z")),
            ("2026-01-15 12:00:00", Some("2026-01-15T12:00:00Z")),
            ("2026-01-15T21:00:00+09:00", Some("2026-01-15T12:00:00Z")),
            ("2026-01-15T12:00:00Z", Some("2026-01-15T12:00:00Z")),
            ("yesterday", None),
            ("", None),
        ] {
            assert_eq!(instant(text).map(date).as_deref(), read, "{text}");
        }
    }

    #[test]
    fn no_key_is_taken_along() {
        let secrets = redact::keys(Some("sk-very-secret-key"), &[]);
        let value = json!({
            "api_key": "sk-very-secret-key", "X-API-Key": "b", "max_tokens": 3, "input_tokens": 4,
            "nested": [{"hf_token": "c", "error": "refused: sk-very-secret-key"}],
            "server_url": "http://user:pass@host:8000/v1?api_key=query",
            "error": "http://host:8000/v1 then http://user:pass@other/",
        });
        let rest = without_keys(value, &secrets).to_string();
        for secret in ["sk-very", "pass", "user", "hf_token", "api", "API", "query"] {
            assert!(!rest.contains(secret), "{secret}: {rest}");
        }
        assert!(rest.contains("max_tokens") && rest.contains("http://host:8000/v1"), "{rest}");
    }
}
