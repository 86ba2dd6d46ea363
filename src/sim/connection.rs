//! One connection: requests in, one after the other, and the answers that engine, knobs and fate
//! give them.
//!
//! Not here: HTTP's bytes (`http`), the API's (`api`, `stream`), the engine's pace (`driver`).
#![expect(clippy::disallowed_methods, reason = "rim: the date of an answer")]

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use serde_json::json;
use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedReceiver;

use super::api::{self, Call, Fate, Refusal};
use super::driver::Handle;
use super::engine::{Emission, Request};
use super::http::{self, HttpRequest, NoRequest, Socket};
use super::replay::Replay;
use super::stream::{self, Api, Label, Stream, Usage, Write};
use super::truth::{Truth, TruthLog};
use crate::clock::monotonic_ns;
use crate::config::sim::Knobs;

/// What all connections share.
#[derive(Debug)]
pub struct Shared {
    pub knobs: Knobs,
    pub seed: u64,
    pub engine: Handle,
    pub replay: Option<Replay>,
    pub truth: Option<TruthLog>,
    pub requests: AtomicU64,
}

/// Whether the connection can serve another request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Next,
    Close,
}

struct Connection {
    shared: Arc<Shared>,
    socket: Socket,
}

/// One request in the engine; leaving early takes it out.
struct InEngine<'a> {
    engine: &'a Handle,
    id: u64,
    tokens: UnboundedReceiver<Emission>,
    finished: bool,
}

/// Serves a connection until either side closes it.
pub async fn serve(shared: Arc<Shared>, stream: TcpStream) {
    let Ok(socket) = Socket::new(stream) else { return };
    let mut connection = Connection { shared, socket };
    // An error of the socket is the client's leaving: nothing to tell anybody.
    while let Ok(Then::Next) = connection.next().await {}
}

impl Connection {
    async fn next(&mut self) -> io::Result<Then> {
        let idle = Duration::from_millis(self.shared.knobs.keep_alive_ms);
        let request = match self.socket.request(idle).await {
            Ok(request) => request,
            Err(NoRequest::Closed) => return Ok(Then::Close),
            Err(NoRequest::Io(e)) => return Err(e),
            Err(NoRequest::Bad(status)) => {
                self.socket.write(&http::answer(status, "application/json", b"{}", true)).await?;
                return Ok(Then::Close);
            }
        };
        let mut truth =
            Truth { received_ns: monotonic_ns(), id: request.id.clone(), ..Truth::default() };
        let then = self.route(&request, &mut truth).await;
        if let Some(log) = self.shared.truth.as_ref().filter(|_| request.method == "POST") {
            log.put(truth);
        }
        then.map(|then| if request.close { Then::Close } else { then })
    }

    async fn route(&mut self, request: &HttpRequest, truth: &mut Truth) -> io::Result<Then> {
        let api = match request.path.as_str() {
            "/health" if request.method == "GET" => {
                return self.send(200, "application/json", b"", request.close).await;
            }
            "/v1/chat/completions" => Api::Chat,
            "/v1/completions" => Api::Completions,
            path => return self.get(path, request).await,
        };
        if request.method != "POST" {
            return self.refuse(&api::method_not_allowed(), request.close).await;
        }
        if self.shared.knobs.require_key && !request.authorized {
            return self.refuse(&api::unauthorized(), request.close).await;
        }
        let shared = Arc::clone(&self.shared);
        let number = shared.requests.fetch_add(1, Ordering::Relaxed);
        if let Some(replay) = &shared.replay {
            replay
                .answer(
                    &mut self.socket,
                    number,
                    request.close,
                    shared.truth.is_some().then_some(truth),
                )
                .await?;
            return Ok(Then::Next);
        }
        match api::parse(&shared.knobs, shared.seed, number, api, &request.body) {
            Ok(call) => self.call(&shared, call, number, request.close, truth).await,
            Err(refusal) => self.refuse(&refusal, request.close).await,
        }
    }

    async fn get(&mut self, path: &str, request: &HttpRequest) -> io::Result<Then> {
        let shared = Arc::clone(&self.shared);
        if request.method != "GET" {
            return self.refuse(&api::not_found(), request.close).await;
        }
        match path {
            "/metrics" => {
                let text = shared.engine.metrics().render(&shared.knobs.model);
                self.send(
                    200,
                    "text/plain; version=0.0.4; charset=utf-8",
                    text.as_bytes(),
                    request.close,
                )
                .await
            }
            "/version" => {
                let version =
                    json!({"version": concat!("goodput-gate-sim-", env!("CARGO_PKG_VERSION"))});
                self.send(200, "application/json", version.to_string().as_bytes(), request.close)
                    .await
            }
            "/v1/models" if shared.knobs.require_key && !request.authorized => {
                self.refuse(&api::unauthorized(), request.close).await
            }
            "/v1/models" => {
                let models = api::models(&shared.knobs, unix_seconds()).to_string();
                self.send(200, "application/json", models.as_bytes(), request.close).await
            }
            _ => self.refuse(&api::not_found(), request.close).await,
        }
    }

    async fn call(
        &mut self,
        shared: &Shared,
        call: Call,
        number: u64,
        close: bool,
        truth: &mut Truth,
    ) -> io::Result<Then> {
        let fate = match api::fate(&shared.knobs, shared.seed, number, call.output_tokens) {
            Fate::TooMany => return self.refuse(&api::too_many(), close).await,
            Fate::ServerError => return self.refuse(&api::server_error(), close).await,
            fate => fate,
        };
        let label = Label {
            api: call.api,
            number,
            created: unix_seconds(),
            include_usage: call.include_usage,
        };
        let request = Request {
            id: number,
            prompt_tokens: call.prompt_tokens,
            output_tokens: call.output_tokens,
            blocks: call.blocks.clone(),
        };
        let tokens = shared.engine.submit(truth.received_ns, request, call.reason);
        let engine = InEngine { engine: &shared.engine, id: number, tokens, finished: false };
        if call.stream {
            self.socket.write(http::stream_head(close)).await?;
            self.stream(engine, &call, fate, Stream::new(&shared.knobs, label), truth).await
        } else {
            self.whole(engine, &call, fate, &label, close, truth).await
        }
    }

    async fn stream(
        &mut self,
        mut engine: InEngine<'_>,
        call: &Call,
        fate: Fate,
        mut stream: Stream<'_>,
        truth: &mut Truth,
    ) -> io::Result<Then> {
        let writes = stream.accepted();
        self.put(writes, truth).await?;
        loop {
            // With 0 tokens to go it is the first one that does not come.
            let Some(emission) = self.token(&mut engine).await else { return Ok(Then::Close) };
            if fate.ends_before(emission.number) {
                drop(engine);
                return self.meet(fate, stream, truth).await;
            }
            if emission.last {
                let writes = stream.last_token(call.reason, call.usage(emission));
                self.put(writes, truth).await?;
                return Ok(Then::Next);
            }
            let writes = stream.token();
            self.put(writes, truth).await?;
        }
    }

    /// Ends a stream as its fate says.
    async fn meet(
        &mut self,
        fate: Fate,
        mut stream: Stream<'_>,
        truth: &mut Truth,
    ) -> io::Result<Then> {
        let writes = match fate {
            Fate::Event { .. } => stream.fail(),
            Fate::Truncated { .. } => stream.truncate(),
            _ => stream.abandon(),
        };
        self.put(writes, truth).await?;
        match fate {
            Fate::Event { .. } | Fate::Truncated { .. } => Ok(Then::Next),
            Fate::Hang { .. } => {
                self.socket.closed().await;
                Ok(Then::Close)
            }
            _ => Ok(Then::Close),
        }
    }

    async fn whole(
        &mut self,
        mut engine: InEngine<'_>,
        call: &Call,
        fate: Fate,
        label: &Label,
        close: bool,
        truth: &mut Truth,
    ) -> io::Result<Then> {
        loop {
            let Some(emission) = self.token(&mut engine).await else { return Ok(Then::Close) };
            if fate.ends_before(emission.number) {
                drop(engine);
                return self.end_whole(fate, close).await;
            }
            if emission.last {
                let body =
                    stream::whole(&self.shared.knobs, label, call.reason, call.usage(emission));
                let bytes = http::answer(200, "application/json", body.as_bytes(), close);
                self.put(vec![Write { bytes, tokens: call.output_tokens }], truth).await?;
                return Ok(Then::Next);
            }
        }
    }

    async fn end_whole(&mut self, fate: Fate, close: bool) -> io::Result<Then> {
        match fate {
            Fate::Event { .. } => return self.refuse(&api::server_error(), close).await,
            Fate::Hang { .. } => self.socket.closed().await,
            Fate::Truncated { .. } => {
                // The head promises more than comes.
                let mut bytes = http::answer(200, "application/json", b"{\"id\":\"cut", close);
                bytes.truncate(bytes.len() - 4);
                self.socket.write(&bytes).await?;
            }
            _ => {}
        }
        Ok(Then::Close)
    }

    /// The next token; none if the client has gone.
    async fn token(&mut self, engine: &mut InEngine<'_>) -> Option<Emission> {
        let emission = tokio::select! {
            biased;
            emission = engine.tokens.recv() => emission,
            () = self.socket.closed() => None,
        };
        engine.finished = emission.is_some_and(|e| e.last);
        emission
    }

    /// Sends writes, each in one piece or in as many as the knobs say; notes the instant before the
    /// last piece, which completes it.
    async fn put(&mut self, writes: Vec<Write>, truth: &mut Truth) -> io::Result<()> {
        let knobs = &self.shared.knobs;
        for write in writes {
            let pieces = stream::split(&write.bytes, knobs.split_writes);
            let Some((last, before)) = pieces.split_last() else { continue };
            for piece in before {
                self.socket.write(piece).await?;
                tokio::time::sleep(Duration::from_millis(u64::from(knobs.split_pause_ms))).await;
            }
            if write.tokens > 0 {
                truth.writes_ns.push(monotonic_ns());
                truth.tokens.push(write.tokens);
            }
            self.socket.write(last).await?;
        }
        Ok(())
    }

    async fn refuse(&mut self, refusal: &Refusal, close: bool) -> io::Result<Then> {
        self.send(refusal.status, "application/json", refusal.body.to_string().as_bytes(), close)
            .await
    }

    async fn send(
        &mut self,
        status: u16,
        content_type: &str,
        body: &[u8],
        close: bool,
    ) -> io::Result<Then> {
        self.socket.write(&http::answer(status, content_type, body, close)).await?;
        Ok(Then::Next)
    }
}

impl Drop for InEngine<'_> {
    fn drop(&mut self) {
        if !self.finished {
            self.engine.abort(self.id);
        }
    }
}

impl Fate {
    /// Whether token `number` (from 1) no longer comes.
    const fn ends_before(self, number: u32) -> bool {
        match self {
            Self::Event { after }
            | Self::Disconnect { after }
            | Self::Hang { after }
            | Self::Truncated { after } => number > after,
            Self::Served | Self::TooMany | Self::ServerError => false,
        }
    }
}

impl Call {
    const fn usage(&self, last: Emission) -> Usage {
        Usage { prompt: self.prompt_tokens, output: self.output_tokens, cached: last.cached_tokens }
    }
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_secs())
}
