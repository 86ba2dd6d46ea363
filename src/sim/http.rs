//! The server's side of HTTP/1.1 over one socket: requests in, heads and bodies out. Not here: what
//! a request means (`connection`).

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Heads beyond this are refused; bodies, too.
const MOST_HEAD: usize = 64 * 1024;
const MOST_BODY: usize = 64 * 1024 * 1024;
const MOST_HEADERS: usize = 100;

/// One request, read whole.
#[derive(Debug, Default)]
pub struct HttpRequest {
    pub method: String,
    /// Without the query.
    pub path: String,
    pub authorized: bool,
    pub id: Option<String>,
    /// The client wants the connection closed after the answer.
    pub close: bool,
    pub body: Vec<u8>,
}

/// What came instead of a request.
#[derive(Debug)]
pub enum NoRequest {
    /// The client closed the connection, or was idle for too long.
    Closed,
    /// This is not HTTP as this server speaks it: the status to answer before closing.
    Bad(u16),
    Io(io::Error),
}

/// A socket with what was read ahead.
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
    ahead: Vec<u8>,
}

struct Head {
    request: HttpRequest,
    /// Bytes of the head in the buffer.
    length: usize,
    content_length: usize,
    expects_continue: bool,
}

impl Socket {
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, ahead: Vec::with_capacity(4096) })
    }

    /// Reads the next request; waits for its first byte up to `idle`, zero: for ever.
    pub async fn request(&mut self, idle: Duration) -> Result<HttpRequest, NoRequest> {
        let head = loop {
            if let Some(head) = parse_head(&self.ahead)? {
                break head;
            }
            if self.ahead.len() > MOST_HEAD {
                return Err(NoRequest::Bad(431));
            }
            let limit = if self.ahead.is_empty() && !idle.is_zero() { idle } else { Duration::MAX };
            let read = tokio::time::timeout(limit, self.fill()).await;
            if read.map_err(|_| NoRequest::Closed)?.map_err(NoRequest::Io)? == 0 {
                return Err(NoRequest::Closed);
            }
        };
        if head.content_length > MOST_BODY {
            return Err(NoRequest::Bad(413));
        }
        if head.expects_continue {
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n").await.map_err(NoRequest::Io)?;
        }
        let end = head.length + head.content_length;
        while self.ahead.len() < end {
            if self.fill().await.map_err(NoRequest::Io)? == 0 {
                return Err(NoRequest::Closed);
            }
        }
        let body = self.ahead[head.length..end].to_vec();
        self.ahead.drain(..end);
        Ok(HttpRequest { body, ..head.request })
    }

    /// One write, unless the socket's buffer is full.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Returns when the client has closed; keeps what it sends meanwhile for the next request. Safe
    /// to cancel.
    pub async fn closed(&mut self) {
        loop {
            // A client that floods the connection is not read further, so that memory stays
            // bounded.
            if self.ahead.len() > MOST_HEAD {
                std::future::pending::<()>().await;
            }
            if !matches!(self.fill().await, Ok(1..)) {
                return;
            }
        }
    }

    async fn fill(&mut self) -> io::Result<usize> {
        self.stream.read_buf(&mut self.ahead).await
    }
}

/// A whole answer with a body of known length.
pub fn answer(status: u16, content_type: &str, body: &[u8], close: bool) -> Vec<u8> {
    let connection = if close { "connection: close\r\n" } else { "" };
    let allow = if status == 405 { "allow: POST\r\n" } else { "" };
    let mut bytes = format!(
        "HTTP/1.1 {status} {}\r\nserver: goodput-gate-sim\r\n{allow}content-length: {}\r\ncontent-type: {content_type}\r\n\
         {connection}\r\n",
        reason(status),
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// The head of a stream.
pub const fn stream_head(close: bool) -> &'static [u8] {
    if close {
        b"HTTP/1.1 200 OK\r\nserver: goodput-gate-sim\r\ncontent-type: text/event-stream; charset=utf-8\r\nconnection: close\r\n\
          transfer-encoding: chunked\r\n\r\n"
    } else {
        b"HTTP/1.1 200 OK\r\nserver: goodput-gate-sim\r\ncontent-type: text/event-stream; charset=utf-8\r\n\
          transfer-encoding: chunked\r\n\r\n"
    }
}

const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        404 => "Not Found",
        405 => "Method Not Allowed",
        411 => "Length Required",
        413 => "Content Too Large",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        _ => "Internal Server Error",
    }
}

fn parse_head(bytes: &[u8]) -> Result<Option<Head>, NoRequest> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let length = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err(NoRequest::Bad(400)),
    };
    let path = parsed.path.unwrap_or("/").split('?').next().unwrap_or("/").to_owned();
    let method = parsed.method.unwrap_or("GET").to_owned();
    let mut head = Head {
        request: HttpRequest {
            method,
            path,
            close: parsed.version == Some(0),
            ..HttpRequest::default()
        },
        length,
        content_length: 0,
        expects_continue: false,
    };
    for header in parsed.headers.iter() {
        take_header(&mut head, header)?;
    }
    Ok(Some(head))
}

fn take_header(head: &mut Head, header: &httparse::Header<'_>) -> Result<(), NoRequest> {
    let is = |name: &str| header.name.eq_ignore_ascii_case(name);
    let value = String::from_utf8_lossy(header.value);
    if is("content-length") {
        head.content_length = value.trim().parse().map_err(|_| NoRequest::Bad(400))?;
    } else if is("transfer-encoding") {
        return Err(NoRequest::Bad(411));
    } else if is("authorization") {
        head.request.authorized = true;
    } else if is("x-request-id") {
        head.request.id = Some(value.into_owned());
    } else if is("connection") {
        head.request.close |= value.split(',').any(|v| v.trim().eq_ignore_ascii_case("close"));
    } else if is("expect") {
        head.expects_continue = value.eq_ignore_ascii_case("100-continue");
    }
    Ok(())
}
