//! A raw HTTP client and a server to ask. Not here: any check of what is answered.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{Knobs, Replay, Server, SocketAddr, TruthLog, io};

pub struct Running {
    addr: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

pub struct Client {
    stream: TcpStream,
    ahead: Vec<u8>,
}

pub struct Reply {
    pub status: u16,
    /// Payloads of the HTTP chunks; one where there is none.
    pub chunks: Vec<Vec<u8>>,
    /// Whether the body ended as its head promised.
    pub complete: bool,
}

pub async fn start(knobs: Knobs, truth: Option<TruthLog>) -> Running {
    start_with(knobs, None, truth).await
}

#[expect(clippy::unused_async, reason = "must be called inside the runtime")]
pub async fn start_with(knobs: Knobs, replay: Option<Replay>, truth: Option<TruthLog>) -> Running {
    knobs.check().expect("fit knobs");
    let addr = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = Server::bind(addr, knobs, 1, replay, truth).expect("a port");
    let (stop, stopped) = oneshot::channel();
    let addr = server.addr();
    let task = tokio::spawn(server.run(async {
        let _ = stopped.await;
    }));
    Running { addr, stop, task }
}

pub async fn connect(server: &Running) -> Client {
    Client {
        stream: TcpStream::connect(server.addr).await.expect("a connection"),
        ahead: Vec::new(),
    }
}

pub async fn ask(server: &Running, request: &str) -> Reply {
    connect(server).await.ask(request).await
}

pub fn post(path: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A streaming chat request that asks for usage.
pub fn chat(tokens: u32) -> String {
    let body = json!({
        "model": "sim-8b", "messages": [{"role": "user", "content": "Tell me a story about a fox."}], "max_tokens": tokens,
        "stream": true, "stream_options": {"include_usage": true},
    });
    post("/v1/chat/completions", &body.to_string())
}

/// All JSON events of a stream.
pub fn events(reply: &Reply) -> Vec<Value> {
    let body = String::from_utf8(reply.chunks.concat()).expect("text");
    let data = body.lines().filter_map(|line| line.trim_end().strip_prefix("data: "));
    data.filter(|d| *d != "[DONE]")
        .map(|d| serde_json::from_str(d).expect("an event is JSON"))
        .collect()
}

impl Running {
    pub async fn stop(self) {
        self.stop.send(()).expect("the server runs");
        self.task.await.expect("no panic").expect("no error");
    }
}

impl Client {
    pub async fn send(&mut self, request: &str) {
        self.stream.write_all(request.as_bytes()).await.expect("the server reads");
    }

    pub async fn ask(&mut self, request: &str) -> Reply {
        self.send(request).await;
        let head = self.until(b"\r\n\r\n").await.expect("a head");
        let head = String::from_utf8(head).expect("text").to_ascii_lowercase();
        let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status");
        let (chunks, complete) = if head.contains("transfer-encoding: chunked") {
            self.chunks().await
        } else {
            let length = head
                .split("content-length: ")
                .nth(1)
                .and_then(|l| l.lines().next())
                .expect("a length");
            let body = self.exactly(length.parse().expect("a number")).await;
            let complete = body.is_some();
            (vec![body.unwrap_or_default()], complete)
        };
        Reply { status, chunks, complete }
    }

    pub async fn at_end(&mut self) -> bool {
        self.ahead.is_empty()
            && self.stream.read_buf(&mut self.ahead).await.expect("an end, not an error") == 0
    }

    async fn chunks(&mut self) -> (Vec<Vec<u8>>, bool) {
        let mut chunks = Vec::new();
        while let Some(line) = self.until(b"\r\n").await {
            let size =
                usize::from_str_radix(String::from_utf8_lossy(&line).trim(), 16).expect("a size");
            let Some(mut chunk) = self.exactly(size + 2).await else { break };
            chunk.truncate(size);
            if size == 0 {
                return (chunks, true);
            }
            chunks.push(chunk);
        }
        (chunks, false)
    }

    async fn until(&mut self, end: &[u8]) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = memchr::memmem::find(&self.ahead, end) {
                return self.exactly(at + end.len()).await;
            }
            self.more().await?;
        }
    }

    async fn exactly(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.ahead.len() < length {
            self.more().await?;
        }
        Some(self.ahead.drain(..length).collect())
    }

    async fn more(&mut self) -> Option<()> {
        // A server that drops the connection may reset it: an end like any other.
        matches!(self.stream.read_buf(&mut self.ahead).await, Ok(1..)).then_some(())
    }
}

impl Reply {
    pub fn body(&self) -> Vec<u8> {
        self.chunks.concat()
    }
}
