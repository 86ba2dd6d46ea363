//! A log that grows: each whole line as it comes, over the point where the log begins anew. Not
//! here: its last lines (`log::tail`).

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::log;
use crate::read;
use crate::redact::Secrets;

pub struct Follow {
    path: PathBuf,
    file: File,
    /// Of a line that has no end yet.
    rest: Vec<u8>,
}

impl Follow {
    /// From the end of what is there.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        io::Seek::seek(&mut file, io::SeekFrom::End(0))?;
        Ok(Self { path: path.to_owned(), file, rest: Vec::new() })
    }

    /// What came since the last time, as [`log::tail`] shows it.
    pub fn lines(&mut self, secrets: &Secrets) -> io::Result<Vec<String>> {
        self.file.by_ref().take(read::WRITTEN).read_to_end(&mut self.rest)?;
        if self.began_anew() {
            self.file = File::open(&self.path)?;
            self.file.by_ref().take(read::WRITTEN).read_to_end(&mut self.rest)?;
        }
        let Some(end) = memchr::memrchr(b'\n', &self.rest) else { return Ok(Vec::new()) };
        let rest = self.rest.split_off(end + 1);
        let whole = std::mem::replace(&mut self.rest, rest);
        Ok(log::lines(&whole, true, secrets))
    }

    fn began_anew(&self) -> bool {
        let other = |now: std::fs::Metadata, ours: std::fs::Metadata| {
            (now.dev(), now.ino()) != (ours.dev(), ours.ino())
        };
        std::fs::metadata(&self.path)
            .and_then(|now| Ok(other(now, self.file.metadata()?)))
            .unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::super::rolling::Rolling;
    use super::*;

    #[test]
    fn lines_come_whole_and_across_a_new_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut log = Rolling::open(&path, 24).unwrap();
        log.copy(&b"before\n"[..]);
        let mut follow = Follow::open(&path).unwrap();
        assert!(follow.lines(&Secrets::default()).unwrap().is_empty());
        log.copy(&b"one s3cret-word\nha"[..]);
        assert_eq!(follow.lines(&Secrets::default().with("s3cret-word")).unwrap(), ["one ***"]);
        log.copy(&b"lf\n"[..]);
        log.copy(&b"after\n"[..]);
        assert_eq!(follow.lines(&Secrets::default()).unwrap(), ["half", "after"]);
        File::options().append(true).open(&path).unwrap().write_all(b"last\n").unwrap();
        assert_eq!(follow.lines(&Secrets::default()).unwrap(), ["last"]);
    }
}
