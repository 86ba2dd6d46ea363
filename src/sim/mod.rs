//! The simulated LLM server: engine model (pure) and its HTTP face. A test instrument: it predicts
//! no real engine.
//!
//! In: knobs and a seed. Out: an `OpenAI`-compatible server, and the truth about when it wrote
//! what. Not here: the process around it (`command/sim`).

mod api;
mod connection;
mod driver;
mod engine;
mod http;
mod metrics;
mod noise;
mod pacer;
mod prefix;
mod replay;
mod stream;
#[cfg(test)]
mod tests;
mod truth;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinSet;

pub use api::{Call, Fate, fate, parse};
pub use engine::{Engine, Request};
pub use replay::Replay;
pub use stream::Api;
pub use truth::TruthLog;

use crate::config::sim::Knobs;
use connection::Shared;
use driver::Driver;

/// Connections that wait to be accepted: a whole load may connect at once.
const BACKLOG: u32 = 16_384;

/// A server that listens but does not serve yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    addr: SocketAddr,
    driver: Driver,
    shared: Arc<Shared>,
}

impl Server {
    /// Listens on `addr` (port 0: a free one). `knobs` must have passed `Knobs::check`; `seed`
    /// draws this start's noise and fates. Needs a Tokio runtime.
    pub fn bind(
        addr: SocketAddr,
        knobs: Knobs,
        seed: u64,
        replay: Option<Replay>,
        truth: Option<TruthLog>,
    ) -> io::Result<Self> {
        let socket = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        socket.bind(addr)?;
        let listener = socket.listen(BACKLOG)?;
        let addr = listener.local_addr()?;
        let (driver, engine) = Driver::new(&knobs, seed)?;
        let shared = Shared { knobs, seed, engine, replay, truth, requests: AtomicU64::new(0) };
        Ok(Self { listener, addr, driver, shared: Arc::new(shared) })
    }

    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Serves until `stop` is done; then closes all connections.
    pub async fn run(self, stop: impl Future<Output = ()>) -> io::Result<()> {
        let Self { listener, driver, shared, .. } = self;
        let mut connections = JoinSet::new();
        let mut engine = tokio::spawn(driver.run());
        tokio::pin!(stop);
        let result = loop {
            tokio::select! {
                () = &mut stop => break Ok(()),
                ended = &mut engine => {
                    // The engine outlives all requests: its end is a failure.
                    break ended.map_err(io::Error::other).and_then(|r| r).and(Err(io::Error::other("the engine's task ended")));
                }
                Some(_) = connections.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => { connections.spawn(connection::serve(Arc::clone(&shared), stream)); }
                    // Out of file descriptors, or a client that left already: go on, but do not
                    // spin.
                    Err(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
                },
            }
        };
        connections.shutdown().await;
        engine.abort();
        result
    }
}
