//! What all requests share. Not here: anything of one request.

use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;

use super::limits::Limits;
use super::sessions::Sessions;
use super::settings::Settings;
use crate::app::runs::index::Index;
use crate::app::runs::queue::Queue;
use crate::app::runs::store::Store;
use crate::clock::monotonic_ns;

pub struct State {
    pub settings: Settings,
    /// Where it listens, with the port that it got.
    pub address: SocketAddr,
    pub store: Store,
    pub index: Index,
    pub queue: Queue,
    pub counts: Counts,
    pub limits: Limits,
    pub sessions: Sessions,
}

/// Of the service itself, since it began.
pub struct Counts {
    pub began_ns: u64,
    /// Answers by the first digit of their status.
    pub answers: [AtomicU64; 6],
    /// Nanoseconds of all requests, from their head to their answer's.
    pub busy_ns: AtomicU64,
    pub connections: AtomicU64,
}

impl State {
    pub fn new(
        settings: Settings,
        address: SocketAddr,
        store: Store,
        index: Index,
        queue: Queue,
    ) -> Self {
        let counts = Counts {
            began_ns: monotonic_ns(),
            answers: Default::default(),
            busy_ns: AtomicU64::new(0),
            connections: AtomicU64::new(0),
        };
        let (limits, sessions) = (Limits::new(), Sessions::default());
        Self { settings, address, store, index, queue, counts, limits, sessions }
    }

    /// How a page or an answer names what lies at `path`: with what a proxy puts before it. For
    /// every `href`, `action` and `Location`.
    pub fn link(&self, path: &str) -> String {
        self.settings.base.link(path)
    }
}
