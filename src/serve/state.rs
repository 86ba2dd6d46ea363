//! What all requests share. Not here: anything of one request.

use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;

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
        Self { settings, address, store, index, queue, counts }
    }
}
