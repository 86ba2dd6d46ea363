//! How far upwards anything is looked for: to the root of the repository around a folder, and never
//! beyond a ceiling.
//!
//! Not here: what is looked for there (`app::workspace`), opening the repository (`lineage`).
#![expect(clippy::disallowed_methods, reason = "rim: reads the ceilings from the environment")]

use std::path::{Path, PathBuf};

/// Folders that no search enters on its way upwards, separated by `:`; the second is git's own.
const CEILINGS: [&str; 2] = ["GOODPUT_GATE_CEILING", "GIT_CEILING_DIRECTORIES"];

/// Absolute, through their links.
pub fn ceilings() -> Vec<PathBuf> {
    let lists: Vec<_> = CEILINGS.iter().filter_map(std::env::var_os).collect();
    let paths = lists.iter().flat_map(std::env::split_paths).filter(|path| path.is_absolute());
    paths.map(|path| path.canonicalize().unwrap_or(path)).collect()
}

/// The folder itself and those above it, nearest first, up to the root of the repository around it.
/// Where there is no repository, the folder alone: whoever can write above it is not asked.
pub fn upwards(folder: &Path) -> Vec<&Path> {
    let ceilings = ceilings();
    let allowed = |above: &Path| above == folder || !ceilings.iter().any(|c| c.starts_with(above));
    let reach: Vec<&Path> = folder.ancestors().take_while(|above| allowed(above)).collect();
    let root = reach.iter().position(|above| above.join(".git").symlink_metadata().is_ok());
    reach[..=root.unwrap_or(0)].to_vec()
}
