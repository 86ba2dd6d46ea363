//! How many connections the limit of open files leaves; some descriptors are kept for our own
//! files. Not here: what opens them (`conn`).
#![expect(clippy::disallowed_methods, reason = "rim: counts its open files")]

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::process::{Resource, getrlimit};

/// Kept for records, logs, metrics pages and questions to the server. Seen in a run: 14.
const OURS: usize = 20;

/// Connections of this process, whatever server they are to: files are counted by process.
static OPEN: AtomicUsize = AtomicUsize::new(0);

/// One connection's descriptor; given back when dropped.
pub struct Descriptor(());

impl Descriptor {
    /// Errors: the limit of open files leaves no room for another connection.
    pub fn take() -> io::Result<Self> {
        let most = most_connections();
        let room = |open: usize| (open < most).then_some(open + 1);
        match OPEN.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room) {
            Ok(_) => Ok(Self(())),
            Err(_) => Err(io::Error::other(NoRoom(most))),
        }
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The client's own fault, and no server's.
#[derive(Debug, thiserror::Error)]
#[error("this process may have only {0} connections open (ulimit -n)")]
pub struct NoRoom(usize);

/// Whether a connection failed for want of descriptors.
pub fn no_room(error: &io::Error) -> bool {
    let own = error.get_ref().and_then(|e| e.downcast_ref::<NoRoom>());
    let system = rustix::io::Errno::from_io_error(error);
    own.is_some() || matches!(system, Some(rustix::io::Errno::MFILE | rustix::io::Errno::NFILE))
}

/// Connections that may be open at once, counted when the first is asked for.
pub fn most_connections() -> usize {
    static MOST: OnceLock<usize> = OnceLock::new();
    *MOST.get_or_init(|| {
        let Some(limit) = getrlimit(Resource::Nofile).current else { return usize::MAX };
        // Where the system does not tell (no /proc), twice of what is kept is a safe guess.
        let open = std::fs::read_dir("/proc/self/fd").map_or(OURS, Iterator::count);
        usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(open + OURS)
    })
}
