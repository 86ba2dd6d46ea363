//! `run.json`: which run a folder is of, when it began and how it ended. Not here: what it measured,
//! which its record and its report say.
#![expect(clippy::disallowed_methods, reason = "rim: draws the ids of runs")]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::plan::digest::hex;

pub const SCHEMA: &str = "goodput-gate/run";
pub const VERSION: u32 = 1;

/// Of a run: a UUID in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Id(String);

impl Id {
    /// Characters of an id.
    pub const LENGTH: usize = 36;

    /// One that nobody else has: random, version 4.
    pub fn draw() -> anyhow::Result<Self> {
        let mut bytes = [0_u8; 16];
        getrandom::fill(&mut bytes)
            .map_err(|e| anyhow::anyhow!("the system gives no random numbers: {e}"))?;
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Ok(Self::from_bytes(bytes))
    }

    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        let parts = [&bytes[..4], &bytes[4..6], &bytes[6..8], &bytes[8..10], &bytes[10..]];
        Self(parts.map(hex).join("-"))
    }

    /// None of what is no UUID; of either case.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let lengths = text.split('-').map(str::len).eq([8, 4, 4, 4, 12]);
        let hex = text.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        (lengths && hex).then_some(Self(text))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Enough to tell it from the others on a screen.
    pub fn short(&self) -> &str {
        &self.0[..8]
    }
}

impl TryFrom<String> for Id {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("{text:?} is no UUID"))
    }
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        id.0
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunFile {
    /// Always `goodput-gate/run`.
    pub schema: String,
    pub version: u32,
    pub tool_version: String,
    pub id: Id,
    /// `check`, `run`, `calibrate`...
    pub verb: String,
    /// RFC 3339, UTC.
    pub started: String,
    /// The branch of the code under test; absent where none is checked out.
    pub branch: Option<String>,
    /// Absent while it runs, and of a run that was cut off.
    pub ended: Option<Ended>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ended {
    /// RFC 3339, UTC.
    pub at: String,
    pub exit_code: u8,
    /// Why it came to nothing, in English.
    pub error: Option<String>,
    /// What it left in its folder: path below the folder, and bytes.
    pub files: BTreeMap<String, u64>,
}

impl RunFile {
    pub fn new(id: Id, verb: &str, started: String, branch: Option<String>) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            version: VERSION,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            id,
            verb: verb.to_owned(),
            started,
            branch,
            ended: None,
        }
    }

    /// Errors: it is of another kind, of a newer version, or damaged.
    pub fn parse(text: &str) -> Result<Self, String> {
        let value: serde_json::Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
        if value["schema"].as_str() != Some(SCHEMA) {
            return Err(format!("its schema is not {SCHEMA:?}"));
        }
        match value["version"].as_u64().unwrap_or(0) {
            newer if newer > u64::from(VERSION) => Err(format!(
                "it has version {newer}, this goodput-gate reads up to {VERSION}: use a newer goodput-gate"
            )),
            _ => serde_json::from_value(value).map_err(|e| e.to_string()),
        }
    }

    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a run is plain data");
        text.push('\n');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_uuid_and_no_path() {
        let id = Id::draw().expect("drawn");
        assert_eq!(Id::parse(id.as_str()), Some(id.clone()));
        assert_eq!(Id::parse(&id.as_str().to_uppercase()), Some(id.clone()));
        assert_eq!((id.as_str().len(), id.as_str().as_bytes()[14]), (Id::LENGTH, b'4'));
        assert_ne!(id, Id::draw().expect("drawn"));
        for wrong in ["", "..", "0123", "../../../../../../../../../etc/passwd", &"a".repeat(36)] {
            assert_eq!(Id::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_run_file_reads_as_it_was_written_and_a_newer_one_says_so() {
        let id = Id::draw().expect("drawn");
        let file = RunFile::new(id, "check", "2026-11-30T12:00:00Z".into(), Some("main".into()));
        assert_eq!(RunFile::parse(&file.to_json()), Ok(file.clone()));
        let newer = file.to_json().replace("\"version\": 1", "\"version\": 2");
        assert!(RunFile::parse(&newer).is_err_and(|why| why.contains("use a newer goodput-gate")));
        assert!(RunFile::parse("{").is_err() && RunFile::parse("{}").is_err());
    }
}
