//! Files that somebody else may have written: read to a bound, and only where reading ends. Not
//! here: what is in them.
#![expect(clippy::disallowed_methods, reason = "rim: opens files")]

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Bytes of what people write by hand: configs, variables, reviewed files, certificates. Far above
/// any.
pub const WRITTEN: u64 = 4 << 20;
/// Bytes of a baseline session: 60 requests have 20 kB.
pub const SESSION: u64 = 64 << 20;
/// Bytes of what programs write: records, results of other tools, tokenizers.
pub const DATA: u64 = 1 << 30;

/// What a shell hands over by these names is read as it comes.
const HANDED: [&str; 3] = ["/dev/stdin", "/dev/fd", "/proc/self/fd"];

/// The whole text. Errors: it is larger than `most` bytes, no text, a folder, or a pipe or device.
pub fn text(path: &Path, most: u64) -> io::Result<String> {
    let bytes = bytes(path, most)?;
    String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is no text (UTF-8)"))
}

/// As [`text`], of any bytes.
pub fn bytes(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    to_end(open(path)?, most)
}

/// A file that is read part by part, so that it is never held as a whole. It stays the same one
/// where another takes its name meanwhile.
pub struct Parts {
    file: File,
    bytes: u64,
}

/// Bytes of a part.
const PART: u64 = 256 << 10;

impl Parts {
    /// Errors: as [`bytes`], but for the bound.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = open(path)?;
        let bytes = file.metadata()?.len();
        Ok(Self { file, bytes })
    }

    /// Bytes of the whole.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// None at the end.
    pub fn next_part(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut part = Vec::new();
        (&mut self.file).take(PART).read_to_end(&mut part)?;
        Ok(Some(part).filter(|part| !part.is_empty()))
    }
}

/// What is left of a reader. Errors: more than `most` bytes.
pub fn to_end(reader: impl io::Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::other(format!(
            "it is larger than {} MiB, which is more than is read",
            most >> 20
        )));
    }
    Ok(bytes)
}

/// Errors: it is a folder, or a pipe or device, which may never end or never begin.
fn open(path: &Path) -> io::Result<File> {
    if HANDED.iter().any(|handed| path.starts_with(handed)) {
        return File::open(path);
    }
    // A pipe without a writer would hold us here for ever.
    let flags = rustix::fs::OFlags::NONBLOCK.bits();
    let flags = i32::try_from(flags).map_err(io::Error::other)?;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let kind = file.metadata()?.file_type();
    match (kind.is_file(), kind.is_dir()) {
        (true, _) => Ok(file),
        (_, true) => Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder")),
        _ => Err(io::Error::other("it is a pipe or a device, and no file")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_to_its_bound_and_nothing_without_an_end() {
        let folder = tempfile::tempdir().unwrap();
        let (path, pipe) = (folder.path().join("f"), folder.path().join("p"));
        std::fs::write(&path, "1234567").unwrap();
        assert_eq!(text(&path, 7).unwrap(), "1234567");
        assert!(text(&path, 6).unwrap_err().to_string().contains("larger than 0 MiB"));
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RWXU,
            0,
        )
        .unwrap();
        for (odd, why) in [
            (pipe.as_path(), "pipe or a device"),
            (Path::new("/dev/zero"), "pipe or a device"),
            (folder.path(), "folder"),
        ] {
            assert!(text(odd, WRITTEN).unwrap_err().to_string().contains(why), "{}", odd.display());
        }
        assert_eq!(
            text(Path::new("/nowhere/at/all"), 1).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
        assert!(to_end(io::repeat(0), 1 << 20).is_err());
        let mut parts = Parts::open(&path).unwrap();
        assert_eq!((parts.bytes(), parts.next_part().unwrap()), (7, Some(b"1234567".to_vec())));
        assert_eq!(parts.next_part().unwrap(), None);
    }
}
