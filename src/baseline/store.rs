//! Baseline files: `DIR/WORKLOAD/FINGERPRINT/COMMIT-SESSION.json`, sorted keys, written once by
//! temporary file and rename.
#![expect(clippy::disallowed_methods, reason = "rim: reads and writes baseline files")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::error::{GitError, other};
use super::reviewed::ACCEPTED;
use crate::read;
use crate::record::session::{ParseError, Session};
use crate::temporary;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("cannot {doing} {path}")]
    Io { doing: &'static str, path: PathBuf, source: std::io::Error },
    #[error("baseline file {path} cannot be used: {why}")]
    Shape { path: PathBuf, why: String },
}

/// Writes one session; never over another. Returns its path.
pub fn write(dir: &Path, session: &Session, under_test: &[String]) -> Result<PathBuf, StoreError> {
    let path = path_of(dir, session, under_test);
    let folder = path.parent().unwrap_or(dir).to_owned();
    fs::create_dir_all(&folder).map_err(|e| io("create", &folder, e))?;
    let mut file = temporary::create(&folder, 0o644).map_err(|e| io("write into", &folder, e))?;
    file.write_all(session.to_text().as_bytes()).map_err(|e| io("write", &path, e))?;
    file.as_file().sync_all().map_err(|e| io("write", &path, e))?;
    file.persist_noclobber(&path).map_err(|e| io("write", &path, e.error))?;
    // For everyone who reads the repository, whatever the process's mask is.
    let everyone = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    fs::set_permissions(&path, everyone).map_err(|e| io("write", &path, e))?;
    Ok(path)
}

/// The file of a session that is there already, byte by byte.
pub fn same(dir: &Path, session: &Session, under_test: &[String]) -> Option<PathBuf> {
    let path = path_of(dir, session, under_test);
    read::text(&path, read::SESSION).is_ok_and(|text| text == session.to_text()).then_some(path)
}

/// Git's name of a text as a blob.
pub fn blob(text: &str) -> Result<String, GitError> {
    git2::Oid::hash_object(git2::ObjectType::Blob, text.as_bytes())
        .map(|id| id.to_string())
        .map_err(|e| other(&e))
}

/// Removes a session's file. Returns its path. Errors: it is not there, since it was measured under
/// other rules of comparison.
pub fn remove(dir: &Path, session: &Session, under_test: &[String]) -> Result<PathBuf, StoreError> {
    let path = path_of(dir, session, under_test);
    fs::remove_file(&path).map_err(|e| io("remove", &path, e))?;
    Ok(path)
}

fn path_of(dir: &Path, session: &Session, under_test: &[String]) -> PathBuf {
    let commit: String = session.commit.chars().take(12).collect();
    dir.join(&session.workload)
        .join(session.fingerprint.key(under_test))
        .join(format!("{commit}-{}.json", session.session))
}

/// Every session below a folder, or the one of a file, ordered by path.
pub fn read_all(path: &Path) -> Result<Vec<Session>, StoreError> {
    Ok(read_files(path)?.into_iter().map(|(_, session)| session).collect())
}

/// As [`read_all`], each with its path.
pub fn read_files(path: &Path) -> Result<Vec<(PathBuf, Session)>, StoreError> {
    if path.is_file() {
        return Ok(vec![(path.to_owned(), read_one(path)?)]);
    }
    let mut sessions = Vec::new();
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(sessions),
        Err(e) => return Err(io("read", path, e)),
    };
    let mut paths: Vec<PathBuf> = entries
        .map(|e| e.map(|e| e.path()))
        .collect::<Result<_, _>>()
        .map_err(|e| io("read", path, e))?;
    paths.sort();
    for path in paths {
        if path.is_dir() || is_session(&path) {
            sessions.extend(read_files(&path)?);
        }
    }
    Ok(sessions)
}

/// By its name.
pub fn is_session(path: &Path) -> bool {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    path.extension().is_some_and(|e| e == "json") && !name.starts_with('.') && name != ACCEPTED
}

fn read_one(path: &Path) -> Result<Session, StoreError> {
    parse(path, &read::text(path, read::SESSION).map_err(|e| io("read", path, e))?)
}

/// `path` is for the message only.
pub fn parse(path: &Path, text: &str) -> Result<Session, StoreError> {
    Session::parse(text)
        .map_err(|e: ParseError| StoreError::Shape { path: path.to_owned(), why: e.to_string() })
}

fn io(doing: &'static str, path: &Path, source: std::io::Error) -> StoreError {
    StoreError::Io { doing, path: path.to_owned(), source }
}
