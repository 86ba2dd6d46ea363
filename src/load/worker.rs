//! A worker thread: one event loop with its own connections and its own recorder. Not here: when
//! requests are due (`dispatch`).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc as std_mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::conn::{Site, Stream};
use super::exchange::{Sending, exchange};
use super::files::no_room;
use super::flight::Flight;
use super::pool::{Habit, Kept, Pool, REST_NS};
use super::{Control, RoundJob, nanos, sessions};
use crate::clock::{monotonic_ns, thread_cpu_ns};
use crate::timeline::Timeline;

/// How often flights are checked for their time limits, and how late the event loop is.
const SWEEP: Duration = Duration::from_millis(20);
/// Connections that a worker opens side by side: fewer than fit in the queue of a server that
/// accepts slowly (128 is usual).
const SIDE_BY_SIDE: usize = 32;
/// So long connections are opened before a round; what is missing then is opened by the requests.
const OPENING: Duration = Duration::from_secs(5);

pub enum Message {
    Open {
        connections: usize,
        control: Arc<Control>,
        reply: std_mpsc::Sender<()>,
    },
    Begin(Arc<RoundJob>),
    Send {
        index: u32,
        intended_ns: u64,
    },
    Lane,
    /// A closed loop's place for sessions.
    SessionLane,
    /// One session that begins now.
    Session {
        first: u32,
        intended_ns: u64,
    },
    End {
        reply: std_mpsc::Sender<(Vec<Timeline>, WorkerHealth)>,
    },
}

#[derive(Debug, Default)]
pub struct WorkerHealth {
    pub loop_lags_ns: Vec<u64>,
    /// CPU time over elapsed time of this thread during the round.
    pub busy: f64,
    pub connections_opened: u64,
    /// Connections closed since the server had sent more than its answer.
    pub unasked: u64,
    /// Requests that found no descriptor for their connection.
    pub no_room: u64,
}

pub struct Worker {
    inbox: mpsc::UnboundedSender<Message>,
}

/// What the tasks of one worker share; all run on its thread.
pub struct Shared {
    pub site: Arc<Site>,
    pool: Pool,
    habit: Arc<Habit>,
    flights: Mutex<BTreeMap<u32, Arc<Flight>>>,
    lags: Mutex<Vec<u64>>,
    opened: AtomicU64,
    unasked: AtomicU64,
    no_room: AtomicU64,
}

impl Worker {
    pub fn spawn(index: usize, site: Arc<Site>, habit: Arc<Habit>) -> std::io::Result<Self> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let (inbox, messages) = mpsc::unbounded_channel();
        std::thread::Builder::new()
            .name(format!("worker-{index}"))
            .spawn(move || runtime.block_on(serve(Arc::new(Shared::new(site, habit)), messages)))?;
        Ok(Self { inbox })
    }

    pub fn tell(&self, message: Message) {
        // A worker that is gone is found out when its answer is asked for.
        let _ = self.inbox.send(message);
    }

    pub fn ask<T>(
        &self,
        message: impl FnOnce(std_mpsc::Sender<T>) -> Message,
    ) -> std_mpsc::Receiver<T> {
        let (reply, answer) = std_mpsc::channel();
        self.tell(message(reply));
        answer
    }
}

impl Shared {
    fn new(site: Arc<Site>, habit: Arc<Habit>) -> Self {
        let zero = || AtomicU64::new(0);
        let (flights, lags) = (Mutex::default(), Mutex::default());
        Self {
            site,
            pool: Pool::default(),
            habit,
            flights,
            lags,
            opened: zero(),
            unasked: zero(),
            no_room: zero(),
        }
    }

    pub fn take_idle(&self) -> Option<Kept> {
        self.pool.take(&self.habit)
    }

    pub fn give_back(&self, stream: Stream) {
        self.pool.give_back(stream, &self.habit);
    }

    /// A request was lost on a connection whose last answer ended then.
    pub fn lost(&self, answered_ns: Option<u64>) {
        self.habit.lost(answered_ns);
    }

    /// Looks at the idle connections, as [`Pool::look`].
    async fn look(&self, all: bool) {
        let unasked = self.pool.look(&self.habit, all).await;
        self.unasked.fetch_add(unasked, Ordering::Relaxed);
    }

    pub fn habit(&self) -> &Habit {
        &self.habit
    }

    pub fn count_no_room(&self, error: &std::io::Error) {
        if no_room(error) {
            self.no_room.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub fn count_open(&self) {
        self.opened.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection is closed since bytes were left on it.
    pub fn count_unasked(&self) {
        self.unasked.fetch_add(1, Ordering::Relaxed);
    }

    pub fn take_off(&self, index: u32, flight: &Arc<Flight>) {
        lock(&self.flights).insert(index, Arc::clone(flight));
    }

    pub fn land(&self, index: u32) {
        lock(&self.flights).remove(&index);
    }
}

async fn serve(shared: Arc<Shared>, mut messages: mpsc::UnboundedReceiver<Message>) {
    let mut round: Option<Round> = None;
    while let Some(message) = messages.recv().await {
        match (message, &mut round) {
            (Message::Open { connections, control, reply }, _) => {
                open(&shared, connections, &control).await;
                let _ = reply.send(());
            }
            (Message::Begin(job), _) => round = Some(Round::begin(&shared, job)),
            (Message::Send { index, intended_ns }, Some(round)) => {
                round.send(&shared, index, intended_ns);
            }
            (Message::Lane, Some(round)) => {
                round.spawn(lane(Arc::clone(&shared), Arc::clone(&round.job)));
            }
            (Message::SessionLane, Some(round)) => {
                round.spawn(sessions::lane(Arc::clone(&shared), Arc::clone(&round.job)));
            }
            (Message::Session { first, intended_ns }, Some(round)) => {
                round.spawn(sessions::session(
                    Arc::clone(&shared),
                    Arc::clone(&round.job),
                    first,
                    intended_ns,
                ));
            }
            (Message::End { reply }, open_round) => {
                if let Some(round) = open_round.take() {
                    let _ = reply.send(round.end(&shared).await);
                }
            }
            (
                Message::Send { .. }
                | Message::Lane
                | Message::SessionLane
                | Message::Session { .. },
                None,
            ) => {}
        }
    }
}

/// Opens until there are `connections` idle ones; the first refusal ends it, since the requests
/// will tell. So does a stop of the run.
async fn open(shared: &Shared, connections: usize, control: &Control) {
    shared.look(true).await;
    let opening = tokio::time::timeout(OPENING, open_side_by_side(shared, connections));
    tokio::select! {
        _ = opening => {}
        () = stopped(control) => {}
    }
}

async fn open_side_by_side(shared: &Shared, connections: usize) {
    let mut missing = connections.saturating_sub(shared.pool.len());
    let mut opening = JoinSet::new();
    loop {
        while missing > 0 && opening.len() < SIDE_BY_SIDE {
            let site = Arc::clone(&shared.site);
            opening.spawn(async move { site.connect().await });
            missing -= 1;
        }
        let Some(Ok(Ok(stream))) = opening.join_next().await else { return };
        shared.count_open();
        shared.pool.add(stream);
    }
}

async fn stopped(control: &Control) {
    while !control.stopping() {
        tokio::time::sleep(SWEEP).await;
    }
}

/// A round on this worker.
struct Round {
    job: Arc<RoundJob>,
    tasks: JoinSet<Vec<Timeline>>,
    done: Vec<Timeline>,
    sweeper: tokio::task::JoinHandle<()>,
    began_ns: u64,
    cpu_ns: u64,
    opened: u64,
    unasked: u64,
    no_room: u64,
}

impl Round {
    fn begin(shared: &Arc<Shared>, job: Arc<RoundJob>) -> Self {
        lock(&shared.lags).clear();
        let sweeper = tokio::spawn(sweep(Arc::clone(shared), Arc::clone(&job)));
        Self {
            job,
            tasks: JoinSet::new(),
            done: Vec::new(),
            sweeper,
            began_ns: monotonic_ns(),
            cpu_ns: thread_cpu_ns(),
            opened: shared.opened.load(Ordering::Relaxed),
            unasked: shared.unasked.load(Ordering::Relaxed),
            no_room: shared.no_room.load(Ordering::Relaxed),
        }
    }

    fn send(&mut self, shared: &Arc<Shared>, index: u32, intended_ns: u64) {
        while let Some(finished) = self.tasks.try_join_next() {
            self.done.extend(whole(finished));
        }
        let (shared, job) = (Arc::clone(shared), Arc::clone(&self.job));
        self.tasks
            .spawn(async move { vec![send_request(&shared, &job, index, intended_ns).await] });
    }

    fn spawn(&mut self, requests: impl Future<Output = Vec<Timeline>> + Send + 'static) {
        self.tasks.spawn(requests);
    }

    async fn end(mut self, shared: &Shared) -> (Vec<Timeline>, WorkerHealth) {
        while let Some(finished) = self.tasks.join_next().await {
            self.done.extend(whole(finished));
        }
        self.sweeper.abort();
        let elapsed = monotonic_ns().saturating_sub(self.began_ns).max(1);
        let health = WorkerHealth {
            loop_lags_ns: std::mem::take(&mut *lock(&shared.lags)),
            busy: thread_cpu_ns().saturating_sub(self.cpu_ns) as f64 / elapsed as f64,
            connections_opened: shared.opened.load(Ordering::Relaxed) - self.opened,
            unasked: shared.unasked.load(Ordering::Relaxed) - self.unasked,
            no_room: shared.no_room.load(Ordering::Relaxed) - self.no_room,
        };
        if shared.pool.would_tell(&shared.habit) {
            // What the server does with its connections is known before the next round.
            tokio::time::sleep(Duration::from_nanos(REST_NS)).await;
            shared.look(false).await;
        }
        (self.done, health)
    }
}

/// A task that panicked takes its requests with it. They must not vanish: the thread ends too, and
/// the round with it (exit 3).
fn whole(finished: Result<Vec<Timeline>, tokio::task::JoinError>) -> Vec<Timeline> {
    finished.unwrap_or_else(|e| std::panic::resume_unwind(e.into_panic()))
}

/// One place of a closed loop: sends the next request whenever its last one has ended.
async fn lane(shared: Arc<Shared>, job: Arc<RoundJob>) -> Vec<Timeline> {
    let mut done = Vec::new();
    loop {
        let free_ns = monotonic_ns();
        let over = job.control.stopping() || job.stop_at_ns.is_some_and(|t| free_ns >= t);
        let index = job.next.fetch_add(1, Ordering::Relaxed);
        if over || index as usize >= job.plan.requests.len() {
            return done;
        }
        done.push(send_request(&shared, &job, index, free_ns).await);
    }
}

pub async fn send_request(
    shared: &Shared,
    job: &RoundJob,
    index: u32,
    intended_ns: u64,
) -> Timeline {
    let request = &job.plan.requests[index as usize];
    let closed_loop = job.plan.pace.is_closed(index);
    let flight = Arc::new(Flight::new(
        intended_ns.saturating_add(nanos(job.reading.timeout)),
        nanos(job.reading.stall_timeout),
    ));
    shared.take_off(index, &flight);
    let sending = Sending {
        request,
        reading: &job.reading,
        intended_ns,
        closed_loop,
        slots: job.slots.as_ref(),
        sent: &job.counters.sent,
    };
    let timeline = exchange(shared, &sending, &flight).await;
    shared.land(index);
    job.counters.finished(&timeline);
    timeline
}

/// Watches time limits and the stop, and how late this loop comes round.
async fn sweep(shared: Arc<Shared>, job: Arc<RoundJob>) {
    let mut due = monotonic_ns() + nanos(SWEEP);
    loop {
        tokio::time::sleep(SWEEP).await;
        let now = monotonic_ns();
        lock(&shared.lags).push(now.saturating_sub(due));
        due = now + nanos(SWEEP);
        shared.look(false).await;
        let abort = job.control.aborted();
        for flight in lock(&shared.flights).values() {
            flight.sweep(now, abort);
        }
    }
}

/// The mutexes are never held across a panic that matters: all users are tasks of one thread.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::SiteSpec;

    /// The clock is Tokio's own, which moves when nothing else is to be done.
    #[tokio::test(start_paused = true)]
    async fn opening_ends_with_the_run_and_in_any_case() {
        // The third connection waits for a place in the listener's queue, for ever.
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket can be made");
        socket.bind("127.0.0.1:0".parse().expect("an address")).expect("loopback has a free port");
        let listener = socket.listen(1).expect("it listens");
        let url =
            format!("http://{}/v1", listener.local_addr().expect("a bound socket has an address"));
        let spec = SiteSpec { base_url: &url, api_key: None, headers: &[], ca_pem: None };
        let site = Arc::new(Site::resolve(&spec).expect("an address needs no name"));
        let shared = Shared::new(site, Arc::default());
        let control = Control::default();
        let began = tokio::time::Instant::now();
        open(&shared, 30_000, &control).await;
        assert!(began.elapsed() <= OPENING, "{:?}", began.elapsed());
        control.drain();
        let began = tokio::time::Instant::now();
        open(&shared, 30_000, &control).await;
        assert!(began.elapsed() <= SWEEP, "{:?}", began.elapsed());
    }
}
