//! What a started command has become: its processes and the files that they run, through /proc. Not
//! here: what of it matters.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::processes::of_tree;

/// Of a file that is read to tell it from another; a larger one is told by its path alone.
const MOST_BYTES: u64 = 256 << 20;

/// One process of a command's tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    pub pid: i32,
    /// Links followed.
    pub exe: PathBuf,
    /// SHA-256 of what runs, hexadecimal, also where its file was replaced meanwhile.
    pub sha256: Option<String>,
    /// The first is what it was called by.
    pub args: Vec<String>,
    pub cwd: PathBuf,
}

/// The processes below a supervisor. Empty on a system without /proc; one that ends meanwhile is
/// left out.
pub fn running(supervisor: i32) -> Vec<Running> {
    of_tree(supervisor).into_iter().filter_map(|pid| process(pid).ok()).collect()
}

fn process(pid: i32) -> io::Result<Running> {
    let at = |what: &str| PathBuf::from(format!("/proc/{pid}/{what}"));
    let exe = std::fs::read_link(at("exe"))?;
    // So the kernel says that the file was replaced or removed.
    let exe = exe
        .to_str()
        .and_then(|path| path.strip_suffix(" (deleted)"))
        .map_or(exe.clone(), PathBuf::from);
    let line = std::fs::read(at("cmdline"))?;
    let args = line.split(|byte| *byte == 0).map(|arg| String::from_utf8_lossy(arg).into_owned());
    let mut args: Vec<String> = args.collect();
    args.pop();
    Ok(Running { pid, exe, sha256: sha256(&at("exe")), args, cwd: std::fs::read_link(at("cwd"))? })
}

/// Of a plain file of at most 256 MiB, hexadecimal.
pub fn sha256(path: &Path) -> Option<String> {
    let file = File::open(path).ok()?;
    let facts = file.metadata().ok()?;
    if !facts.is_file() || facts.len() > MOST_BYTES {
        return None;
    }
    let (mut hash, mut file, mut chunk) = (Sha256::new(), file.take(MOST_BYTES), vec![0; 1 << 16]);
    loop {
        match file.read(&mut chunk).ok()? {
            0 => break,
            n => hash.update(&chunk[..n]),
        }
    }
    Some(format!("{:x}", hash.finalize()))
}
