//! A scripted HTTP server on loopback: plain threads and sockets, so that it can do what no real
//! server would own up to.
//!
//! Answers `/v1/models` and `/version`, and each POST as the test's script says. Keeps what it was
//! sent.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, RwLock};
use std::time::Duration;

use serde_json::{Value, json};

use super::answer::{Act, Answer};
use super::http::{self, Request};

/// Which request of a run it is, as its prompt says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Before anything: which fields does the server take?
    Probe,
    Warmup(u32),
    Round(u32, u32),
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
    pub part: Part,
    /// Which connection, and the how-manyeth request on it, from 0.
    pub connection: usize,
    pub turn: usize,
}

type Script = dyn Fn(&Seen) -> Answer + Send + Sync;

/// How a server differs from the usual one.
pub struct Setup {
    /// Answers `GET /v1/models`.
    pub models: Answer,
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// The loopback address that it listens on.
    pub ip: IpAddr,
    /// Further paths that a GET may ask for.
    pub others: Vec<(&'static str, Answer)>,
}

pub struct Server {
    shared: Arc<Shared>,
}

struct Shared {
    addr: SocketAddr,
    setup: Setup,
    script: Box<Script>,
    seen: Mutex<Vec<Seen>>,
    sockets: Mutex<Vec<TcpStream>>,
    released: AtomicBool,
    gone: AtomicBool,
    closed: AtomicBool,
    /// Taken for reading by each answer, for writing by a stall.
    moving: RwLock<()>,
}

impl Default for Setup {
    fn default() -> Self {
        let models = Answer::json(
            "200 OK",
            &json!({"object": "list", "data": [{"id": "tiny", "owned_by": "scripted"}]}),
        );
        Self { models, tls: None, ip: Ipv4Addr::LOCALHOST.into(), others: Vec::new() }
    }
}

impl Server {
    pub fn start(script: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        Self::with(Setup::default(), script)
    }

    /// Answers every request well, with as many tokens as it asks for.
    pub fn good() -> Self {
        Self::start(Seen::good)
    }

    pub fn with(setup: Setup, script: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        Self::on(0, setup, script)
    }

    /// On a port that somebody else chose.
    pub fn on(
        port: u16,
        setup: Setup,
        script: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((setup.ip, port)).expect("loopback has a free port");
        let addr = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            addr,
            setup,
            script: Box::new(script),
            seen: Mutex::default(),
            sockets: Mutex::default(),
            released: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            moving: RwLock::default(),
        });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || accept(listener, &accepting));
        Self { shared }
    }

    pub fn url(&self) -> String {
        let scheme = if self.shared.setup.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}/v1", self.shared.addr)
    }

    /// All requests so far, `/models` and `/version` too.
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.shared.seen).clone()
    }

    /// All POSTs so far that the plan made: warm-up and rounds.
    pub fn planned(&self) -> Vec<Seen> {
        self.seen().into_iter().filter(|s| s.method == "POST" && s.part != Part::Probe).collect()
    }

    /// Lets all that `Hold` go on.
    pub fn release(&self) {
        self.shared.released.store(true, Ordering::Relaxed);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.release();
        self.shared.leave(None);
    }
}

impl Shared {
    /// Closes the port and every connection but that of `last`, and returns when they are closed.
    fn leave(&self, last: Option<SocketAddr>) {
        self.gone.store(true, Ordering::Relaxed);
        // Wakes the accepting thread, which then drops the listener.
        let _ = TcpStream::connect(self.addr);
        for socket in
            lock(&self.sockets).iter().filter(|s| last.is_none() || s.peer_addr().ok() != last)
        {
            let _ = socket.shutdown(Shutdown::Both);
        }
        while !self.closed.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Seen {
    /// A whole answer to it.
    pub fn good(&self) -> Answer {
        Answer::stream(self.max_tokens())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a request body is JSON")
    }

    pub fn prompt(&self) -> String {
        self.find_prompt().expect("a request has a prompt")
    }

    /// None of a request that asks for facts.
    fn find_prompt(&self) -> Option<String> {
        let body = self.json();
        let places = [&body["messages"][0]["content"], &body["prompt"], &body["text_input"]];
        places.iter().find_map(|text| text.as_str().map(str::to_owned))
    }

    pub fn has(&self, field: &str) -> bool {
        self.json().get(field).is_some()
    }

    fn max_tokens(&self) -> u32 {
        let body = self.json();
        let said = body.get("max_tokens").or_else(|| body.get("max_completion_tokens"));
        said.and_then(Value::as_u64)
            .and_then(|n| u32::try_from(n).ok())
            .expect("a request has max_tokens")
    }
}

fn accept(listener: TcpListener, shared: &Arc<Shared>) {
    for (connection, socket) in listener.incoming().enumerate() {
        if shared.gone.load(Ordering::Relaxed) {
            break;
        }
        let Ok(socket) = socket else { continue };
        let _ = socket.set_nodelay(true);
        lock(&shared.sockets).extend(socket.try_clone());
        let shared = Arc::clone(shared);
        std::thread::spawn(move || serve(&shared, connection, socket));
    }
    drop(listener);
    shared.closed.store(true, Ordering::Relaxed);
}

trait Wire: Read + Write {}
impl<T: Read + Write> Wire for T {}

fn serve(shared: &Shared, connection: usize, socket: TcpStream) {
    let closer = socket.try_clone();
    let Ok(client) = socket.peer_addr() else { return };
    let mut wire: Box<dyn Wire> = match &shared.setup.tls {
        None => Box::new(socket),
        Some(config) => {
            let tls = rustls::ServerConnection::new(Arc::clone(config))
                .expect("the test's TLS config is sound");
            Box::new(rustls::StreamOwned::new(tls, socket))
        }
    };
    let mut turn = 0;
    // Whatever ends the talk, the client sees the socket close: that is all that a test needs.
    while let Ok(Some(seen)) = request(&mut wire, connection, turn) {
        lock(&shared.seen).push(seen.clone());
        let answer = match (seen.method.as_str(), seen.path.as_str()) {
            ("POST", _) => (shared.script)(&seen),
            (_, "/v1/models") => shared.setup.models.clone(),
            (_, "/version") => Answer::json("200 OK", &json!({"version": "1.2.3"})),
            (_, path) => {
                let other = shared.setup.others.iter().find(|(known, _)| *known == path);
                other.map_or_else(
                    || Answer::error("404 Not Found", "no such path"),
                    |(_, answer)| answer.clone(),
                )
            }
        };
        let reset = matches!(answer.0.last(), Some(Act::Reset));
        if !matches!(act(shared, &mut wire, client, answer), Ok(true)) {
            if reset && let Ok(closer) = &closer {
                let _ = rustix::net::sockopt::set_socket_linger(closer, Some(Duration::ZERO));
                lock(&shared.sockets).retain(|s| s.peer_addr().ok() != closer.peer_addr().ok());
                return;
            }
            break;
        }
        turn += 1;
    }
    if let Ok(closer) = closer {
        let _ = closer.shutdown(Shutdown::Both);
    }
}

/// False where the connection is to be closed.
fn act(
    shared: &Shared,
    wire: &mut Box<dyn Wire>,
    client: SocketAddr,
    answer: Answer,
) -> io::Result<bool> {
    for act in answer.0 {
        if let Act::Stall(ms) = act {
            let _still = shared.moving.write();
            std::thread::sleep(Duration::from_millis(ms));
            continue;
        }
        drop(shared.moving.read());
        match act {
            Act::Write(bytes) => {
                wire.write_all(&bytes)?;
                wire.flush()?;
            }
            Act::Pause(ms) => std::thread::sleep(Duration::from_millis(ms)),
            Act::Hold => {
                while !shared.released.load(Ordering::Relaxed) {
                    std::thread::sleep(Duration::from_millis(2));
                }
            }
            Act::Hang => {
                while wire.read(&mut [0; 64])? > 0 {}
                return Ok(false);
            }
            Act::Gone => shared.leave(Some(client)),
            // Without a word of its own: `serve` shuts the connection down, or resets it.
            Act::Close | Act::Reset => return Ok(false),
            Act::Stall(_) => {}
        }
    }
    Ok(!shared.gone.load(Ordering::Relaxed))
}

fn request(wire: &mut Box<dyn Wire>, connection: usize, turn: usize) -> io::Result<Option<Seen>> {
    let Some(Request { method, path, headers, body }) = http::request(wire)? else {
        return Ok(None);
    };
    let mut seen = Seen { method, path, headers, body, part: Part::Probe, connection, turn };
    if seen.method == "POST" {
        seen.part = seen.find_prompt().map_or(Part::Probe, |prompt| part(&prompt));
    }
    Ok(Some(seen))
}

/// Prompts begin with `[SALT-MARKER]`; the marker is `w-000003`, `w1-000003` of the warm-up before a
/// round, or `0-000017`.
fn part(prompt: &str) -> Part {
    let marker = prompt
        .strip_prefix('[')
        .and_then(|p| p.split(']').next())
        .and_then(|p| p.split_once('-'))
        .map(|(_, m)| m);
    let Some((round, index)) = marker.and_then(|m| m.split_once('-')) else { return Part::Probe };
    let index = index.parse().expect("a marker ends with an index");
    match round {
        warmup if warmup.starts_with('w') => Part::Warmup(index),
        round => Part::Round(round.parse().expect("a marker begins with a round"), index),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no test panics while it holds this")
}
