//! The meeting over HTTP: shard 0 listens, all others ask, and show the run's secret. Its clock is
//! read by datagrams at the same port, where they come through: they are sooner back.
//!
//! Not here: what is answered (`meeting`).

use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use subtle::ConstantTimeEq as _;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, oneshot};

use super::meeting::Meeting;
use super::{Answer, Ask, Clock, Reading, Refusal};
use crate::clock::monotonic_ns;

const PATH: &str = "/rendezvous";
/// Facts of many workloads are some kilobytes.
const BODY: usize = 256 << 10;
/// Who waits looks again after this, whatever happens: somebody's patience may be over.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// How soon a stop is seen.
const GLANCE: Duration = Duration::from_millis(50);
/// The last answers are on their way.
const GRACE: Duration = Duration::from_millis(200);

/// A datagram that does not come back in this time is lost.
const DATAGRAM: Duration = Duration::from_millis(20);
/// So many lost ones before the first that came back, and datagrams do not come through here.
const MOST_LOST: u32 = 3;
/// What is asked: who asks, and the how-manyeth time. The answer begins with it.
const ASKED: usize = 16;
const ANSWERED: usize = 32;

struct Shared {
    meeting: Mutex<Meeting>,
    changed: Notify,
    token: String,
}

impl Shared {
    fn answer(&self, ask: &Ask) -> Answer {
        let mut meeting = self.meeting.lock().unwrap_or_else(PoisonError::into_inner);
        meeting.answer(ask, monotonic_ns())
    }
}

/// Listens as long as it lives.
pub struct Host {
    shared: Arc<Shared>,
    end: Option<oneshot::Sender<()>>,
    ended: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Host {
    /// Listens at every address of this machine, and only at loopback where that is what `host`
    /// says. Errors: the port is taken.
    pub fn open(
        meeting: Meeting,
        (host, port): (&str, u16),
        token: String,
        clock: Clock,
    ) -> Result<Self, Refusal> {
        let failed = |why: std::io::Error| Refusal::Place {
            what: format!("port {port}"),
            why: why.to_string(),
        };
        let is_loopback =
            host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        let ip = if is_loopback { Ipv4Addr::LOCALHOST } else { Ipv4Addr::UNSPECIFIED };
        let listener = std::net::TcpListener::bind(SocketAddr::from((ip, port))).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let ended = Arc::new(AtomicBool::new(false));
        if let Ok(socket) = UdpSocket::bind(SocketAddr::from((ip, port))) {
            let over = Arc::clone(&ended);
            let tell = move || tell_clock(&socket, clock, &over);
            std::thread::Builder::new().name("clock".into()).spawn(tell).map_err(failed)?;
        }
        let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let shared =
            Arc::new(Shared { meeting: Mutex::new(meeting), changed: Notify::new(), token });
        let (end, told) = oneshot::channel();
        let routes = Router::new()
            .route(PATH, post(asked))
            .layer(DefaultBodyLimit::max(BODY))
            .with_state(Arc::clone(&shared));
        let serve = move || {
            runtime.block_on(async {
                let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
                tokio::select! {
                    _ = axum::serve(listener, routes) => {}
                    _ = told => tokio::time::sleep(GRACE).await,
                }
            });
        };
        let thread =
            std::thread::Builder::new().name("rendezvous".into()).spawn(serve).map_err(failed)?;
        Ok(Self { shared, end: Some(end), ended, thread: Some(thread) })
    }
}

impl Drop for Host {
    /// Stays until all shards have said that it is over, or nobody's patience lasts longer.
    fn drop(&mut self) {
        let began_ns = monotonic_ns();
        let over = |waited| {
            let meeting = self.shared.meeting.lock().unwrap_or_else(PoisonError::into_inner);
            meeting.is_over(waited)
        };
        while !over(Duration::from_nanos(monotonic_ns() - began_ns)) {
            std::thread::sleep(GLANCE);
        }
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.ended.store(true, Ordering::Relaxed);
    }
}

fn tell_clock(socket: &UdpSocket, clock: Clock, ended: &AtomicBool) {
    // So that an end is seen.
    if socket.set_read_timeout(Some(LOOK_AGAIN)).is_err() {
        return;
    }
    let mut asked = [0; ANSWERED];
    while !ended.load(Ordering::Relaxed) {
        let Ok((ASKED, from)) = socket.recv_from(&mut asked) else { continue };
        let Reading { ns, date_us } = clock.reading();
        let mut answer = asked;
        answer[ASKED..ASKED + 8].copy_from_slice(&ns.to_le_bytes());
        answer[ASKED + 8..].copy_from_slice(&date_us.to_le_bytes());
        // One that is lost is asked for again.
        let _ = socket.send_to(&answer, from);
    }
}

async fn asked(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let shown = headers.get(header::AUTHORIZATION).map(axum::http::HeaderValue::as_bytes);
    let wanted = format!("Bearer {}", shared.token);
    if !bool::from(shown.unwrap_or_default().ct_eq(wanted.as_bytes())) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let Ok(ask) = serde_json::from_slice::<Ask>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    loop {
        let changed = shared.changed.notified();
        match shared.answer(&ask) {
            Answer::Wait => {
                let _ = tokio::time::timeout(LOOK_AGAIN, changed).await;
            }
            answer => {
                if !matches!(answer, Answer::Clock(_)) {
                    shared.changed.notify_waiters();
                }
                return serde_json::to_vec(&answer).unwrap_or_default().into_response();
            }
        }
    }
}

pub struct Client {
    runtime: Runtime,
    requests: reqwest::Client,
    url: String,
    token: String,
    /// None where no datagrams can be sent there.
    datagrams: Option<UdpSocket>,
    /// Tells its own from others'.
    member: u64,
    asked: Cell<u64>,
    /// None once one has come back.
    lost: Cell<Option<u32>>,
}

impl Client {
    /// `url` is that of `host` and `port`. Errors: the system has no room for an event loop.
    pub fn new(
        url: &str,
        (host, port): (&str, u16),
        token: String,
        member: u64,
    ) -> Result<Self, Refusal> {
        let system = |why: String| Refusal::System { why };
        let runtime = Builder::new_current_thread().enable_all().build();
        let client = reqwest::Client::builder().no_proxy().connect_timeout(Duration::from_secs(5));
        Ok(Self {
            runtime: runtime.map_err(|e| system(e.to_string()))?,
            requests: client.build().map_err(|e| system(e.to_string()))?,
            url: format!("{url}{PATH}"),
            token,
            datagrams: datagrams(host, port),
            member,
            asked: Cell::new(0),
            lost: Cell::new(Some(0)),
        })
    }

    /// Whether shard 0's clock can be read by datagrams, as far as is known.
    pub const fn has_datagrams(&self) -> bool {
        let too_many = matches!(self.lost.get(), Some(lost) if lost >= MOST_LOST);
        self.datagrams.is_some() && !too_many
    }

    /// Of shard 0's clock. None where no datagram comes back.
    pub fn reading(&self) -> Option<Reading> {
        let socket = self.datagrams.as_ref()?;
        self.asked.set(self.asked.get() + 1);
        let mut ask = [0; ASKED];
        ask[..8].copy_from_slice(&self.member.to_le_bytes());
        ask[8..].copy_from_slice(&self.asked.get().to_le_bytes());
        let mut answer = [0; ANSWERED];
        let sent = socket.send(&ask).is_ok();
        while sent && socket.recv(&mut answer).is_ok_and(|n| n == ANSWERED) {
            // One that was late is of an earlier asking.
            if answer[..ASKED] == ask {
                let bytes = |at: usize| answer.get(at..at + 8)?.try_into().ok();
                let ns = u64::from_le_bytes(bytes(ASKED)?);
                let date_us = i64::from_le_bytes(bytes(ASKED + 8)?);
                self.lost.set(None);
                return Some(Reading { ns, date_us });
            }
        }
        self.lost.set(self.lost.get().map(|lost| lost + 1));
        None
    }

    /// Errors: nobody answers, or refuses the secret.
    pub fn ask(
        &self,
        ask: &Ask,
        patience: Duration,
        stopped: &dyn Fn() -> bool,
    ) -> Result<Answer, Refusal> {
        let body = serde_json::to_vec(ask).map_err(|e| Refusal::System { why: e.to_string() })?;
        let request = self.requests.post(&self.url).bearer_auth(&self.token).body(body);
        let answer = async {
            let response = request.timeout(patience).send().await.map_err(|e| away(&e))?;
            match response.status() {
                StatusCode::OK => {
                    let bytes = response.bytes().await.map_err(|e| away(&e))?;
                    serde_json::from_slice(&bytes).map_err(|_| Refusal::Nonsense)
                }
                StatusCode::UNAUTHORIZED => Err(Refusal::WrongToken),
                _ => Err(Refusal::Nonsense),
            }
        };
        self.runtime.block_on(async {
            tokio::select! {
                answer = answer => answer,
                () = until(stopped) => Err(Refusal::Stopped),
            }
        })
    }
}

fn datagrams(host: &str, port: u16) -> Option<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((host, port)).ok()?;
    socket.set_read_timeout(Some(DATAGRAM)).ok()?;
    Some(socket)
}

async fn until(stopped: &dyn Fn() -> bool) {
    while !stopped() {
        tokio::time::sleep(GLANCE).await;
    }
}

/// The innermost reason: the others only say that a request failed.
fn away(error: &reqwest::Error) -> Refusal {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    Refusal::Away { why: cause.to_string() }
}
