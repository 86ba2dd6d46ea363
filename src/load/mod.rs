//! Load: sends a round of a plan and brings back its timelines. Not here: what is sent (`plan`),
//! what it means (`measure`).
//!
//! `dispatch` decides when, on a thread of its own; `worker` threads each own an event loop, their
//! connections and their recorder; `exchange` is one request on one connection; `conn` opens
//! connections, `pool` keeps the idle ones. Nothing is shared between workers per token.

mod address;
mod conn;
mod dispatch;
mod exchange;
mod files;
mod flight;
mod pool;
pub mod progress;
mod sessions;
pub mod tally;
#[cfg(test)]
mod tests;
mod worker;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

pub use conn::{Site, SiteSpec};
pub use files::most_connections;

use crate::clock::monotonic_ns;
use crate::plan::{Pace, Plan, RoundPlan};
use crate::protocol::{Dialect as _, Protocol};
use crate::timeline::{self, Timeline};
use tally::Tally;
use worker::{Message, Worker, WorkerHealth};

/// How answers of a workload are read.
#[derive(Clone, Debug)]
pub struct Reading {
    pub protocol: Protocol,
    /// Where requests go, below the base URL.
    pub path: String,
    pub stream: bool,
    pub timeout: Duration,
    pub stall_timeout: Duration,
    /// For a count of its tokens after the round.
    pub keep_text: bool,
}

/// What a round brought back.
#[derive(Debug)]
pub struct RoundResult {
    /// In plan order; every scheduled request is here.
    pub timelines: Vec<Timeline>,
    pub began_ns: u64,
    pub health: Health,
}

/// What the client knows of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Health {
    /// p99 over all workers of how late their event loops came round, nanoseconds.
    pub loop_lag_p99_ns: u64,
    /// Busiest worker thread: CPU time over elapsed time, 0 to 1.
    pub busiest_worker: f64,
    /// CPU time of the whole client during the round, nanoseconds.
    pub cpu_ns: u64,
    pub connections_opened: u64,
    pub retries: u64,
    /// Connections closed since the server had sent more than its answer.
    pub unasked: u64,
    /// Requests that found no descriptor for their connection.
    pub no_room: u64,
}

/// Asks a round to stop: `Drain` sends nothing new and lets what is in flight finish, `Abort`
/// cancels that too.
#[derive(Debug, Default)]
pub struct Control(AtomicU8);

/// Whether a request meets its SLOs.
pub type IsGood = Box<dyn Fn(&Timeline) -> bool + Send + Sync>;

/// Counts for the live line, updated once per request.
pub struct Counters {
    pub sent: AtomicU64,
    pub done: AtomicU64,
    pub failed: AtomicU64,
    pub good: AtomicU64,
    /// Does this request meet its SLOs? None where there are none.
    pub is_good: Option<IsGood>,
    /// For a program that shows how the round goes on.
    pub tally: Option<Tally>,
}

/// A client with its worker threads and connections; lives as long as the server that it measures.
pub struct Client {
    workers: Vec<Worker>,
    site: Arc<Site>,
    /// The server gives finish reasons, as some answer showed.
    gives_reasons: AtomicBool,
}

/// Everything that a worker needs for one round.
struct RoundJob {
    plan: Arc<RoundPlan>,
    reading: Reading,
    control: Arc<Control>,
    counters: Arc<Counters>,
    /// Closed loop: the next index to send (of sessions: the next session to begin), shared by all
    /// lanes.
    next: AtomicU32,
    /// Open loop with `max_in_flight`: one permit per slot.
    slots: Option<tokio::sync::Semaphore>,
    /// Closed loop by duration: no request starts after this.
    stop_at_ns: Option<u64>,
}

impl Reading {
    pub fn from_plan(plan: &Plan) -> Self {
        Self {
            protocol: plan.protocol.clone(),
            path: plan.path.clone(),
            stream: plan.stream,
            timeout: plan.timeout,
            stall_timeout: plan.stall_timeout,
            keep_text: false,
        }
    }
}

impl Control {
    pub fn drain(&self) {
        self.0.fetch_max(1, Ordering::Relaxed);
    }

    pub fn abort(&self) {
        self.0.fetch_max(2, Ordering::Relaxed);
    }

    pub fn stopping(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= 1
    }

    pub fn aborted(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= 2
    }
}

impl Counters {
    pub fn new(is_good: Option<IsGood>) -> Self {
        let zero = || AtomicU64::new(0);
        Self { sent: zero(), done: zero(), failed: zero(), good: zero(), is_good, tally: None }
    }

    /// The same, and more of each request is kept.
    pub fn with_tally(self) -> Self {
        Self { tally: Some(Tally::default()), ..self }
    }

    fn finished(&self, timeline: &Timeline) {
        self.done.fetch_add(1, Ordering::Relaxed);
        if !timeline.completed() {
            self.failed.fetch_add(1, Ordering::Relaxed);
        } else if self.is_good.as_ref().is_some_and(|is_good| is_good(timeline)) {
            self.good.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(tally) = &self.tally {
            tally.add(timeline);
        }
    }
}

impl Client {
    /// Starts `workers` threads, each with its own event loop. Errors: the system refuses a thread
    /// or an event loop.
    pub fn new(site: &Arc<Site>, workers: usize) -> std::io::Result<Self> {
        let habit = Arc::new(pool::Habit::default());
        let workers =
            (0..workers.max(1)).map(|i| Worker::spawn(i, Arc::clone(site), Arc::clone(&habit)));
        let workers = workers.collect::<Result<_, _>>()?;
        Ok(Self { workers, site: Arc::clone(site), gives_reasons: AtomicBool::new(false) })
    }

    /// Opens the connections that the round will likely need, before any clock starts. Failures
    /// show in the round itself.
    pub fn open_connections(&self, plan: &RoundPlan, control: &Arc<Control>) {
        // Bursts take more than that: half of what the limit of open files leaves is for them, but
        // for a closed loop, which has none.
        let room = if plan.pace.is_closed(0) { most_connections() } else { most_connections() / 2 };
        let wanted = likely_in_flight(plan).min(room);
        // Rounded up: a worker without one would open its first within the round.
        let connections = wanted.div_ceil(self.workers.len());
        let open = |reply| Message::Open { connections, control: Arc::clone(control), reply };
        let pending: Vec<_> = self.workers.iter().map(|w| w.ask(open)).collect();
        for answer in pending {
            // A worker that died shows when the round ends; there is nothing to do about it here.
            let _ = answer.recv();
        }
    }

    /// Gives the workers their job, and each request when it is due.
    fn dispatch(&self, job: &Arc<RoundJob>, began_ns: u64) {
        for worker in &self.workers {
            worker.tell(Message::Begin(Arc::clone(job)));
        }
        match job.plan.pace {
            Pace::Open => dispatch::open_loop(job, began_ns, &self.workers),
            Pace::Closed { concurrency } => {
                dispatch::lanes(concurrency, began_ns, &self.workers, || Message::Lane);
            }
            Pace::Sessions { concurrency: Some(n), .. } => {
                dispatch::lanes(n, began_ns, &self.workers, || Message::SessionLane);
            }
            Pace::Sessions { concurrency: None, turns, .. } => {
                dispatch::sessions(job, turns, began_ns, &self.workers);
            }
        }
    }

    /// Sends one round and waits for its end. Errors: a worker thread died.
    pub fn round(
        &self,
        plan: &Arc<RoundPlan>,
        reading: Reading,
        control: &Arc<Control>,
        counters: &Arc<Counters>,
    ) -> Result<RoundResult, String> {
        self.round_at(plan, reading, control, counters, || Ok(0))
    }

    /// As [`Self::round`], not before the instant that `begin` gives once the connections are open.
    /// Errors: those of `begin`, too.
    pub fn round_at(
        &self,
        plan: &Arc<RoundPlan>,
        reading: Reading,
        control: &Arc<Control>,
        counters: &Arc<Counters>,
        begin: impl FnOnce() -> Result<u64, String>,
    ) -> Result<RoundResult, String> {
        self.open_connections(plan, control);
        let wanted_ns = begin()?;
        let cpu_before = crate::clock::process_cpu_ns();
        // Far enough ahead that every worker has its job before the first request is due.
        let began_ns = wanted_ns.max(monotonic_ns() + 2_000_000);
        let job = Arc::new(RoundJob {
            plan: Arc::clone(plan),
            reading,
            control: Arc::clone(control),
            counters: Arc::clone(counters),
            next: AtomicU32::new(0),
            slots: plan.max_in_flight.map(|n| tokio::sync::Semaphore::new(n as usize)),
            stop_at_ns: plan.stop_after.map(|d| began_ns + nanos(d)),
        });
        self.dispatch(&job, began_ns);
        let pending: Vec<_> =
            self.workers.iter().map(|w| w.ask(|reply| Message::End { reply })).collect();
        let mut timelines = Vec::with_capacity(plan.requests.len());
        let mut health = Health::default();
        let mut lags = Vec::new();
        for answer in pending {
            let (mine, worker) =
                answer.recv().map_err(|_| "a worker thread of the client died".to_owned())?;
            timelines.extend(mine);
            health.absorb(&worker);
            lags.extend(worker.loop_lags_ns);
        }
        health.cpu_ns = crate::clock::process_cpu_ns().saturating_sub(cpu_before);
        health.loop_lag_p99_ns = p99(lags);
        health.retries = timelines.iter().filter(|t| t.retried).count() as u64;
        if job.reading.protocol.needs_finish_reason() {
            let given = timeline::fail_without_reason(
                &mut timelines,
                self.gives_reasons.load(Ordering::Relaxed),
            );
            self.gives_reasons.store(given, Ordering::Relaxed);
        }
        complete(&mut timelines, plan, began_ns);
        redact(&mut timelines, &self.site);
        Ok(RoundResult { timelines, began_ns, health })
    }
}

impl Health {
    fn absorb(&mut self, worker: &WorkerHealth) {
        self.connections_opened += worker.connections_opened;
        self.unasked += worker.unasked;
        self.no_room += worker.no_room;
        self.busiest_worker = self.busiest_worker.max(worker.busy);
    }
}

/// After the round, since it costs: the key in a server's words. Most of them are the same.
fn redact(timelines: &mut [Timeline], site: &Site) {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for text in timelines.iter_mut().flat_map(|t| [&mut t.error, &mut t.finish_reason]).flatten() {
        let clean = seen.entry(text.clone()).or_insert_with_key(|said| site.redact(said.clone()));
        text.clone_from(clean);
    }
}

/// Adds what was scheduled and never sent, and puts all in plan order.
fn complete(timelines: &mut Vec<Timeline>, plan: &RoundPlan, began_ns: u64) {
    let mut seen = vec![false; plan.requests.len()];
    for t in timelines.iter() {
        seen[t.index as usize] = true;
    }
    // A closed loop by duration plans more than it will need: what it did not start was not
    // scheduled.
    if plan.stop_after.is_none() {
        let missing = plan.requests.iter().filter(|r| !seen[r.index as usize]);
        timelines.extend(missing.map(|r| unsent(r, plan, began_ns)));
    }
    timelines.sort_unstable_by_key(|t| t.index);
}

fn unsent(request: &crate::plan::PlannedRequest, plan: &RoundPlan, began_ns: u64) -> Timeline {
    let intended_ns = began_ns.saturating_add(nanos(request.offset));
    Timeline {
        error: Some("never sent: the run was stopped before its turn".into()),
        ..Timeline::planned(request.index, intended_ns, plan.pace.is_closed(request.index))
    }
}

/// Requests in flight that a round will likely have: the closed loop's number, or what arrives in a
/// second. Not more: a server that gives each idle connection a thread (llama.cpp's does) would
/// starve the ones in use. Warm-up opens what is missing.
pub fn likely_in_flight(plan: &RoundPlan) -> usize {
    let planned = plan.requests.len();
    let wanted = match plan.pace {
        Pace::Closed { concurrency } | Pace::Sessions { concurrency: Some(concurrency), .. } => {
            concurrency as usize
        }
        // One request of a session at a time.
        Pace::Sessions { concurrency: None, turns, .. } => {
            let begun =
                plan.requests.iter().take_while(|r| r.offset < Duration::from_secs(1)).count();
            begun.div_ceil(turns as usize)
        }
        Pace::Open => {
            plan.requests.iter().take_while(|r| r.offset < Duration::from_secs(1)).count()
        }
    };
    let cap = plan.max_in_flight.map_or(usize::MAX, |n| n as usize);
    wanted.min(planned).min(cap)
}

fn p99(mut lags: Vec<u64>) -> u64 {
    lags.sort_unstable();
    // Nearest rank: a lag is a fact, not to be averaged with its neighbour.
    lags.get((lags.len() * 99).div_ceil(100).saturating_sub(1)).copied().unwrap_or(0)
}

fn nanos(d: Duration) -> u64 {
    u64::try_from(d.as_nanos()).unwrap_or(u64::MAX)
}
