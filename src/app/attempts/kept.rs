//! Attempts as the output folder keeps them: the rows of all code in `attempts.json`, and the
//! records of the newest ones in `attempts/`, each under the SHA-256 of what it holds.
//!
//! A file whose content is not what its name says is not used. Not here: which attempts belong
//! together.
#![expect(clippy::disallowed_methods, reason = "rim: files")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::app::artefacts;
use crate::attempt::Attempt;
use crate::evaluate::attempts::Kept;
use crate::judge::interleaved::MOST_ATTEMPTS;
use crate::lang::{Explained as _, bilingual};
use crate::plan::digest::hex;
use crate::read;
use crate::record::Record;
use crate::report::notice::Notice;

const ROWS: &str = "attempts.json";
const RECORDS: &str = "attempts";
const SCHEMA: &str = "goodput-gate/attempts";
const VERSION: u32 = 1;
/// Of other code, too: the newest are kept.
const MOST_ROWS: usize = 200;
/// Sequences whose records are kept: the newest. A matrix has one for each of its records.
const MOST_KEYS: usize = 40;

#[derive(Serialize, Deserialize)]
struct Stored {
    schema: String,
    version: u32,
    attempts: Vec<Attempt>,
    /// A file before this one could not be used, and lies beside it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    lost: bool,
}

/// The output folder, as far as attempts are in it.
pub struct Folder {
    out: PathBuf,
    /// Of all code, oldest first, as they were found.
    pub rows: Vec<Attempt>,
    /// Attempts were made that nobody knows of: their file could not be used.
    pub has_lost: bool,
    /// It is this one.
    is_damaged: bool,
    added: Vec<Attempt>,
}

/// Both records of an attempt as a file holds them, and the digest that it is named by.
pub struct Packed {
    bytes: Vec<u8>,
    pub digest: String,
}

impl Packed {
    /// The candidate's record in the first line, the baseline's in the second.
    pub fn new(kept: &Kept) -> Self {
        let lines = [Some(&kept.candidate), kept.baseline.as_ref()];
        let lines: Vec<String> = lines.into_iter().flatten().map(Record::to_json).collect();
        let bytes = (lines.join("\n") + "\n").into_bytes();
        Self { digest: digest(&bytes), bytes }
    }
}

impl Folder {
    /// With what cannot be used of it.
    pub fn open(out: &Path) -> (Self, Option<Notice>) {
        let file = out.join(ROWS);
        let read = stored(&file);
        let (is_damaged, has_lost) = (read.is_err(), read.as_ref().map_or(true, |s| s.1));
        let why = match &read {
            Err(why) => Some((file, why.clone())),
            Ok((_, true)) => Some((aside(out), "delete both files to begin anew".into())),
            Ok(_) => None,
        };
        let notice = why.map(|(file, why)| Notice::AttemptsFileUnusable {
            file: file.display().to_string(),
            why,
        });
        let rows = read.map(|(rows, _)| rows).unwrap_or_default();
        (Self { out: out.to_owned(), rows, has_lost, is_damaged, added: Vec::new() }, notice)
    }

    /// None where they are not there, or are not what they were.
    pub fn records(&self, named: &str) -> Option<Kept> {
        let bytes = read::bytes(&self.path(named), read::DATA).ok()?;
        let text = String::from_utf8(bytes).ok().filter(|text| digest(text.as_bytes()) == named)?;
        let mut records = text.lines().map(|line| Record::parse(line).ok());
        let candidate = records.next()??;
        let baseline = match records.next() {
            Some(record) => Some(record?),
            None => None,
        };
        Some(Kept { baseline, candidate })
    }

    /// Keeps an attempt for those after it. The records come first: a row without them is an
    /// attempt that nothing is known of.
    pub fn keep(&mut self, own: Attempt, packed: &Packed) -> anyhow::Result<()> {
        artefacts::folder(&self.out)?;
        let folder = self.out.join(RECORDS);
        std::fs::create_dir_all(&folder).explained(|| artefacts::uncreatable(&folder))?;
        artefacts::write_atomic(&self.path(&packed.digest), &packed.bytes)?;
        self.added.push(own);
        let all: Vec<Attempt> = self.rows.iter().chain(&self.added).cloned().collect();
        let attempts = all[all.len().saturating_sub(MOST_ROWS)..].to_vec();
        if self.is_damaged {
            std::fs::rename(self.out.join(ROWS), aside(&self.out))
                .explained(|| bilingual!("cannot set {ROWS} aside", "{ROWS}를 옮길 수 없음"))?;
            self.is_damaged = false;
        }
        if !self.has_lost {
            self.prune(&attempts);
        }
        let lost = self.has_lost;
        let stored = Stored { schema: SCHEMA.into(), version: VERSION, attempts, lost };
        let text = serde_json::to_string_pretty(&stored).expect("plain data");
        artefacts::write_atomic(&self.out.join(ROWS), format!("{text}\n").as_bytes())
    }

    fn path(&self, digest: &str) -> PathBuf {
        self.out.join(RECORDS).join(format!("{digest}.jsonl"))
    }

    /// Removes the records that no further attempt will ask for. What cannot be removed is in
    /// nobody's way.
    fn prune(&self, rows: &[Attempt]) {
        let wanted = wanted(rows);
        let Ok(entries) = std::fs::read_dir(self.out.join(RECORDS)) else { return };
        for path in entries.flatten().map(|entry| entry.path()) {
            let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
            if is_digest(name) && !wanted.contains(name) {
                let _ = std::fs::remove_file(&path);
            }
        }
    }
}

/// Digests of the newest attempts of the newest sequences.
fn wanted(rows: &[Attempt]) -> BTreeSet<&str> {
    let mut sequences: Vec<(&str, Option<&str>, usize)> = Vec::new();
    let mut digests = BTreeSet::new();
    for row in rows.iter().rev() {
        let own = (row.key.as_str(), row.baseline.as_deref());
        let at = sequences.iter().position(|(key, base, _)| (*key, *base) == own);
        let at = at.unwrap_or_else(|| {
            sequences.push((own.0, own.1, 0));
            sequences.len() - 1
        });
        let (.., attempts) = &mut sequences[at];
        *attempts += 1;
        if at < MOST_KEYS && *attempts <= MOST_ATTEMPTS {
            digests.extend(row.records.as_deref());
        }
    }
    digests
}

fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn is_digest(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Where a file that cannot be used is kept.
fn aside(out: &Path) -> PathBuf {
    out.join(format!("{ROWS}.damaged"))
}

/// The rows, and whether a file before this one was lost.
fn stored(file: &Path) -> Result<(Vec<Attempt>, bool), String> {
    let text = match read::text(file, read::WRITTEN) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok((Vec::new(), false)),
        read => read.map_err(|e| e.to_string())?,
    };
    let stored: Stored = serde_json::from_str(&text).map_err(|e| e.to_string())?;
    if stored.schema != SCHEMA || stored.version > VERSION {
        return Err("it is another program's, or a newer version's".into());
    }
    Ok((stored.attempts, stored.lost))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_damaged_file_held_stays_lost_until_it_is_deleted() {
        let out = tempfile::tempdir().unwrap();
        std::fs::write(out.path().join(ROWS), "{").unwrap();
        let packed = Packed { bytes: b"{}".to_vec(), digest: digest(b"{}") };
        for _ in 0..2 {
            let (mut folder, notice) = Folder::open(out.path());
            assert!(folder.has_lost && notice.is_some());
            folder.keep(Attempt::failed_once("k".into(), "", None), &packed).unwrap();
        }
        assert_eq!(std::fs::read_to_string(aside(out.path())).unwrap(), "{");
        assert_eq!(Folder::open(out.path()).0.rows.len(), 2);
        std::fs::remove_file(out.path().join(ROWS)).unwrap();
        let (folder, notice) = Folder::open(out.path());
        assert!(!folder.has_lost && notice.is_none());
    }

    #[test]
    fn the_newest_attempts_of_the_newest_sequences_keep_their_records() {
        let row = |key: usize, n: usize| Attempt {
            records: Some(format!("{key}-{n}")),
            ..Attempt::failed_once(key.to_string(), "2026-11-20T09:30:00Z", None)
        };
        let rows: Vec<Attempt> = (0..=MOST_KEYS)
            .flat_map(|key| (0..6).map(move |n| (key, n)))
            .map(|(k, n)| row(k, n))
            .collect();
        let wanted = wanted(&rows);
        assert_eq!(wanted.len(), MOST_KEYS * MOST_ATTEMPTS);
        assert!(wanted.contains("40-5") && wanted.contains("1-1"));
        assert!(!wanted.contains("40-0") && !wanted.contains("0-5"));
    }
}
