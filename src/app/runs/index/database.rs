//! The file of the index: made, checked, and made anew where it is damaged. Not here: what is in it
//! (`rows`).

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::bail;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::rows;
use crate::app::artefacts;
use crate::clock::now;
use crate::lang::{Explained as _, bilingual};
use crate::print::note;
use crate::visible::one_line;

/// Of the tables. An older index is made anew.
const VERSION: i64 = 4;
/// Tells ours from other programs' files: `ggix`.
const APPLICATION: i64 = 0x6767_6978;
const PATIENCE: Duration = Duration::from_secs(5);
/// What `SQLite` keeps beside the file.
const BESIDE: [&str; 3] = ["", "-wal", "-shm"];

/// What a file is.
enum Found {
    Nothing,
    Ours,
    Older,
    Newer(i64),
    Foreign,
    Damaged(String),
}

/// For the one that writes. What is damaged is set aside. Errors: the file is of a newer version or
/// of another program, or cannot be written.
pub fn open(path: &Path, anew: bool) -> anyhow::Result<Connection> {
    let name = path.display();
    artefacts::folder(path.parent().unwrap_or(Path::new(".")))?;
    let mut empty = anew;
    match look(path)? {
        Found::Ours => {}
        Found::Nothing | Found::Older => empty = true,
        Found::Newer(version) => bail!(bilingual!(
            "the index {name} has version {version}, this goodput-gate reads up to {VERSION}\nhint: use a newer goodput-gate, or delete the file: it is made anew from the runs, and they stay as they are",
            "색인 {name}의 버전이 {version}이고, 이 goodput-gate는 {VERSION}까지 읽음\n힌트: 더 새로운 goodput-gate를 쓰거나 파일을 지우십시오. 실행 기록에서 다시 만들며, 기록은 그대로입니다"
        )),
        Found::Foreign => bail!(bilingual!(
            "{name} is the database of another program, and stays as it is\nhint: name another file for the index (DATABASE_PATH)",
            "{name}은 다른 프로그램의 데이터베이스이므로 건드리지 않음\n힌트: 색인 파일을 다른 이름으로 지정하십시오 (DATABASE_PATH)"
        )),
        Found::Damaged(why) => {
            let (aside, why) = (set_aside(path)?, one_line(&why));
            let aside = aside.display();
            note(&bilingual!(
                "the index was damaged ({why}) and is made anew from the runs; the old one lies in {aside}",
                "색인이 손상되어({why}) 실행 기록에서 다시 만듦. 이전 파일은 {aside}"
            ));
            empty = true;
        }
    }
    let made = || -> rusqlite::Result<Connection> {
        let writer = Connection::open(path)?;
        writer.busy_timeout(PATIENCE)?;
        writer.pragma_update(None, "journal_mode", "WAL")?;
        writer.pragma_update(None, "synchronous", "NORMAL")?;
        if empty {
            writer.execute_batch(rows::TABLES)?;
            writer.pragma_update(None, "application_id", APPLICATION)?;
            writer.pragma_update(None, "user_version", VERSION)?;
        }
        Ok(writer)
    };
    made().explained(|| bilingual!("cannot write the index {name}", "색인 {name} 쓰기 실패"))
}

/// For those that only ask.
pub fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let reader = Connection::open_with_flags(path, flags)?;
    reader.busy_timeout(PATIENCE)?;
    Ok(reader)
}

fn look(path: &Path) -> anyhow::Result<Found> {
    if !path.exists() {
        return Ok(Found::Nothing);
    }
    match kind(path) {
        Ok(found) => Ok(found),
        Err(e) if is_damage(&e) => Ok(Found::Damaged(e.to_string())),
        Err(e) => {
            let name = path.display();
            Err(e).explained(|| bilingual!("cannot read the index {name}", "색인 {name} 읽기 실패"))
        }
    }
}

fn kind(path: &Path) -> rusqlite::Result<Found> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let file = Connection::open_with_flags(path, flags)?;
    file.busy_timeout(PATIENCE)?;
    let number = |name| file.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (application, version) = (number("application_id")?, number("user_version")?);
    let tables: i64 = file.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application != APPLICATION {
        return Ok(if tables == 0 { Found::Nothing } else { Found::Foreign });
    }
    if version > VERSION {
        return Ok(Found::Newer(version));
    }
    let state: String = file.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok(match &*state {
        "ok" if version == VERSION => Found::Ours,
        "ok" => Found::Older,
        _ => Found::Damaged(state),
    })
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt))
}

/// Renames it, with what `SQLite` keeps beside it. Where it lies now.
fn set_aside(path: &Path) -> anyhow::Result<PathBuf> {
    let with = |end: &str| {
        let mut name = OsString::from(path);
        name.push(end);
        PathBuf::from(name)
    };
    let damaged = format!(".damaged-{}", now().replace(':', ""));
    for beside in BESIDE {
        let from = with(beside);
        if from.exists() {
            std::fs::rename(&from, with(&format!("{damaged}{beside}")))
                .explained(|| artefacts::unremovable(&from))?;
        }
    }
    Ok(with(&damaged))
}
