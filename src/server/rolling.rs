//! A log of bounded size: at its cap it becomes its own predecessor, and only one of those is kept.
//! Not here: reading it (`log`).

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Hours of an engine's usual words; with its predecessor too little to fill a disk.
pub const MOST: u64 = 16 * 1024 * 1024;

/// Of the file that a log was before it began anew.
pub fn predecessor(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".1");
    name.into()
}

pub struct Rolling {
    path: PathBuf,
    file: File,
    size: u64,
    /// Bytes.
    most: u64,
}

impl Rolling {
    /// Goes on where the file ends; its folders are made.
    pub fn open(path: &Path, most: u64) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let file = append(path)?;
        let size = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), file, size, most })
    }

    /// Until `source` ends. What cannot be written, on a full disk say, is lost: who writes into
    /// `source` must not wait for it.
    pub fn copy(&mut self, mut source: impl Read) {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match source.read(&mut buffer) {
                Ok(0) => return,
                Ok(n) => {
                    let _ = self.write(&buffer[..n]);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let more = bytes.len() as u64;
        if self.size > 0 && self.size + more > self.most {
            std::fs::rename(&self.path, predecessor(&self.path))?;
            (self.file, self.size) = (append(&self.path)?, 0);
        }
        self.file.write_all(bytes)?;
        self.size += more;
        Ok(())
    }
}

/// For its owner alone, also where an older one was for all: a server may print prompts and keys.
fn append(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().create(true).append(true).mode(OWNERS).open(path)?;
    if file.metadata()?.is_file() {
        // What somebody else has made is theirs to close.
        let _ = file.set_permissions(Permissions::from_mode(OWNERS));
    }
    Ok(file)
}

const OWNERS: u32 = 0o600;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_keeps_one_predecessor_and_the_last_words() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logs").join("server.log");
        let text = (0..1000).map(|i| format!("line {i:04}\n")).collect::<Vec<_>>().concat();
        let mut log = Rolling::open(&path, 1000).unwrap();
        // In reads of one line each, as from a pipe.
        text.split_inclusive('\n').for_each(|line| log.copy(line.as_bytes()));
        let of = |path: &Path| std::fs::read_to_string(path).unwrap();
        let both = of(&predecessor(&path)) + &of(&path);
        assert!(
            of(&path).len() <= 1000 && of(&predecessor(&path)).len() == 1000,
            "{} bytes",
            both.len()
        );
        assert!(text.ends_with(&both), "nothing is missing in between");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 2);
    }

    #[test]
    fn a_log_is_its_owners_alone_from_its_beginning_and_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        std::fs::write(&path, "of an older program").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        Rolling::open(&path, 25).unwrap().copy(&b"12345678"[..]);
        for path in [&path, &predecessor(&path)] {
            assert_eq!(
                std::fs::metadata(path).unwrap().permissions().mode() & 0o777,
                OWNERS,
                "{}",
                path.display()
            );
        }
    }

    #[test]
    fn a_log_goes_on_where_it_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        for _ in 0..2 {
            Rolling::open(&path, 10).unwrap().copy(&b"12345678"[..]);
        }
        assert_eq!(std::fs::read(predecessor(&path)).unwrap(), b"12345678");
        assert_eq!(std::fs::read(&path).unwrap(), b"12345678");
    }
}
