//! The service: what `app` can do, by HTTP. A face beside the verbs: it knows no command line.
//!
//! `settings` is what it is told, `limits` how much a client may ask for, `sessions` who is signed
//! in, `feeds` what many listen to at once, `state` what all requests share, `answer` how it speaks,
//! `guard` who may ask, `log` what it says of each request, `stored` and `live` the answers over runs, `metrics` its own numbers, `v2`
//! those beside runs, `socket` `WebSockets`, `v1` the older tools' addresses, `pages` what people see,
//! `sign_in` how a browser shows that it may ask, `openapi` what programs may ask for, `api` the
//! routes, `stall` connections that nobody reads, `listen` all of them. A module uses only those
//! before it. Every request goes one way: `listen` -> `guard` -> a route -> `answer` -> `log`. Not
//! here: what a run is (`app::runs`).

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::TcpListener;

use crate::app::error_text;
use crate::app::runs::index::Index;
use crate::app::runs::queue::Queue;
use crate::app::runs::store::Store;
use crate::app::runs::take_up::take_up;
use crate::app::stop::Stop;
use crate::lang::{Explained as _, bilingual};
use crate::print::note;

pub mod settings;
mod limits;
mod sessions;
mod feeds;
mod state;
mod answer;
mod guard;
mod log;
mod stored;
mod metrics;
mod live;
mod v2;
mod socket;
mod v1;
mod pages;
mod sign_in;
mod openapi;
mod api;
mod stall;
mod listen;

use settings::Settings;
use state::State;

/// Requests are short, and what is measured runs in other processes: two threads are enough.
const THREADS: usize = 2;
/// Where a run lies that was kept nowhere else.
const OUTPUT: &str = ".goodput-gate";
/// Of those that read files.
const READERS: usize = 8;

/// Serves until it is told to stop. `announce` gets the address, once it is listened on. Errors: it
/// may not listen there, another service has the data directory, or the index cannot be used.
pub fn run(
    settings: Settings,
    stop: &Stop,
    announce: impl FnOnce(std::net::SocketAddr) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    settings.check()?;
    let store = Store::new(&settings.data);
    // Before anything is written: two services would start two loads at once.
    let _alone = store.serve()?;
    if settings.reindex {
        for folder in [&*settings.data, Path::new(OUTPUT)] {
            if let Err(e) = take_up(&store, folder) {
                note(&error_text::text(&e));
            }
        }
    }
    let index = Index::open(&settings.database(), store.clone(), settings.reindex)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .max_blocking_threads(READERS)
        .thread_name("serve")
        .enable_all()
        .build()
        .context("cannot start the service")?;
    runtime.block_on(async {
        let address = settings.listen;
        let listener = TcpListener::bind(address).await.explained(|| {
            bilingual!("cannot listen on {address}", "{address}에서 대기할 수 없음")
        })?;
        let address = listener.local_addr().context("cannot tell the own address")?;
        let queue = Queue::open(store.clone())?;
        let state = Arc::new(State::new(settings, address, store, index, queue));
        announce(address)?;
        listen::serve(listener, state, stop).await;
        Ok(())
    })
}
