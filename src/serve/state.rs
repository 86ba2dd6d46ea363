//! What all requests share. Not here: anything of one request.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

use super::feeds::Hub;
use super::limits::Limits;
use super::sessions::Sessions;
use super::settings::Settings;
use crate::app::gpus::Glance;
use crate::app::runs::found::Run;
use crate::app::runs::index::Index;
use crate::app::runs::levels::Levels;
use crate::app::runs::queue::Queue;
use crate::app::runs::store::Store;
use crate::app::servers::Commands;
use crate::clock::monotonic_ns;

pub struct State {
    pub settings: Settings,
    /// Where it listens, with the port that it got.
    pub address: SocketAddr,
    pub store: Store,
    pub index: Index,
    pub queue: Queue,
    pub levels: Levels,
    pub counts: Counts,
    pub last_runs: Mutex<LastRuns>,
    pub limits: Limits,
    pub sessions: Sessions,
    /// What is done with the config's servers.
    pub commands: Commands,
    /// Once somebody has looked at them.
    pub gpus: Mutex<Glance>,
    /// What is told over `WebSockets`.
    pub hub: Hub,
}

/// What `/metrics` told last, and of which runs.
#[derive(Default)]
pub struct LastRuns {
    pub runs: Vec<Run>,
    pub text: String,
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
        let (commands, gpus) = (Commands::default(), Mutex::default());
        let hub = Hub::default();
        Self {
            settings,
            address,
            store,
            index,
            queue,
            counts,
            limits,
            sessions,
            commands,
            gpus,
            hub,
            last_runs: Mutex::default(),
            levels: Levels::default(),
        }
    }

    /// How a page or an answer names what lies at `path`: with what a proxy puts before it. For
    /// every `href`, `action` and `Location`.
    pub fn link(&self, path: &str) -> String {
        self.settings.base.link(path)
    }

    /// A run goes on or waits, here or in a terminal that keeps its runs here. Errors: the index
    /// cannot be read.
    pub fn is_measuring(&self) -> anyhow::Result<bool> {
        Ok(self.queue.is_busy() || self.index.goes_on()?)
    }
}
