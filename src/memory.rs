//! What the limit of address space (`ulimit -v`) leaves this process: an allocation beyond it ends
//! the process at once (SIGABRT), so that what will not fit is refused before. Not here: how much
//! something takes, or limits that end a process by SIGKILL (cgroups).
#![expect(clippy::disallowed_methods, reason = "rim: reads its own size")]

use rustix::process::{Resource, getrlimit};

/// Less than this is too little for the smallest command: its threads' stacks and the buffers of
/// one connection.
pub const LEAST: u64 = 64 << 20;

/// Bytes of address space that are left. None where there is no limit, or the system does not tell
/// (no `/proc`).
pub fn room() -> Option<u64> {
    let limit = getrlimit(Resource::As).current?;
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:"))?;
    let kib: u64 = size.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(limit.saturating_sub(kib << 10))
}

/// Errors (exit 2): less than `needed` bytes are left; `what` needs them.
pub fn check(what: &str, needed: u64) -> anyhow::Result<()> {
    match room() {
        Some(room) if room < needed => anyhow::bail!(
            "{what} may need {} MiB of address space, and the limit (ulimit -v) leaves {} MiB\nhint: raise it (`ulimit -v unlimited`), or ask \
             for fewer requests, shorter prompts or fewer workers",
            needed >> 20,
            room >> 20
        ),
        _ => Ok(()),
    }
}
