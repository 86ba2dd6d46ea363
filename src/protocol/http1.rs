//! One HTTP/1.1 response, read incrementally: bytes of socket reads in, head and decoded body
//! slices out.
//!
//! Not here: sockets, requests, what a body means. Body bytes are handed out as slices of the
//! input, never copied; only a head that arrives in several reads is buffered. Framing follows RFC
//! 9112 section 6.3.

mod chunked;
mod trailers;
#[cfg(test)]
mod tests;

use httparse::{EMPTY_HEADER, Header, Status};
use thiserror::Error;

use chunked::Chunked;

/// Far above any real head (a gateway's are 2 KiB); a server that exceeds it is not speaking HTTP
/// to us.
const MAX_HEAD: usize = 64 * 1024;
const MAX_HEADERS: usize = 128;

/// The parts of a response head that reading its body and judging its outcome need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub status: u16,
    /// Media type in lower case, without parameters: `text/event-stream`.
    pub content_type: Option<String>,
    /// The server says that the connection can carry another request after this response.
    pub keep_alive: bool,
    /// The body says itself where it ends; else only the connection's end does, whatever the reason
    /// for it.
    pub delimited: bool,
}

/// How far the response is after a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    More,
    /// The whole response was read. `reusable`: the connection is at a clean boundary and the
    /// server keeps it open.
    Complete {
        reusable: bool,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HttpError {
    #[error("response is not HTTP/1.1 ({0}); check scheme and port of base_url")]
    Head(String),
    #[error("response head exceeds 64 KiB; check that base_url is the model server's API")]
    HeadTooLarge,
    #[error("unexpected protocol switch (status 101); check for a proxy in front of the server")]
    Switched,
    #[error("invalid content-length {0:?}; check the server or the proxy in front of it")]
    Length(String),
    #[error(
        "unsupported {0} {1:?}; turn off compression in the server or the proxy in front of it"
    )]
    Coding(&'static str, String),
    #[error(
        "transfer-encoding {0:?} is none that can be read: chunked alone is; check the proxy in front of the server"
    )]
    Framing(String),
    #[error("invalid chunked body ({0}); check the server or the proxy in front of it")]
    Chunk(&'static str),
    #[error("connection closed within the response {0}")]
    Truncated(&'static str),
}

/// Reads one response. Make a new one for each request.
#[derive(Debug, Default)]
pub struct ResponseReader {
    /// Bytes of a head that has not arrived whole.
    pending: Vec<u8>,
    head: Option<Head>,
    body: Body,
    /// What came after the last chunk.
    trailers: Vec<u8>,
    /// Bytes came after the end, so the connection is not at a boundary between responses.
    excess: bool,
}

/// How the body is framed, and how far it is.
#[derive(Debug, Default, PartialEq)]
enum Body {
    /// Bytes that are left.
    Sized(u64),
    Chunked(Chunked),
    UntilClose,
    #[default]
    Complete,
}

impl ResponseReader {
    pub fn new() -> Self {
        Self::default()
    }

    /// The head of the final response, once it has arrived whole.
    pub fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// Bytes have come beyond the end of the response.
    pub const fn excess(&self) -> bool {
        self.excess
    }

    /// What the server says after the last chunk, where that is a failure.
    pub fn failure_at_end(&self) -> Option<String> {
        trailers::failure(&self.trailers)
    }

    /// Takes the bytes of one read. `body` gets each decoded piece of the body together with the
    /// head, which is always complete by then. After an error the response cannot be read further.
    pub fn feed(
        &mut self,
        bytes: &[u8],
        body: &mut impl FnMut(&Head, &[u8]),
    ) -> Result<Progress, HttpError> {
        let mut rest = bytes;
        if self.head.is_none() {
            let Some(used) = self.read_head(bytes)? else { return Ok(Progress::More) };
            rest = &bytes[used..];
        }
        self.read_body(rest, body)?;
        Ok(self.progress())
    }

    /// The server closed the connection: fine where the response was complete or its body lasts
    /// until close.
    pub fn finish_on_close(&mut self) -> Result<(), HttpError> {
        match (&self.head, &self.body) {
            (None, _) => Err(HttpError::Truncated("head")),
            (Some(_), Body::Complete) => Ok(()),
            (Some(_), Body::UntilClose) => {
                self.body = Body::Complete;
                Ok(())
            }
            (Some(_), Body::Sized(_) | Body::Chunked(_)) => Err(HttpError::Truncated("body")),
        }
    }

    fn progress(&self) -> Progress {
        match (&self.head, &self.body) {
            (Some(head), Body::Complete) => {
                Progress::Complete { reusable: head.keep_alive && !self.excess }
            }
            _ => Progress::More,
        }
    }

    /// Returns how many of `bytes` belong to the head, once it is whole. Interim (1xx) heads are
    /// skipped.
    fn read_head(&mut self, bytes: &[u8]) -> Result<Option<usize>, HttpError> {
        let mut pending = std::mem::take(&mut self.pending);
        let before = pending.len();
        if before > 0 {
            pending.extend_from_slice(bytes);
        }
        let buffer = if before > 0 { &pending[..] } else { bytes };
        let mut start = 0;
        loop {
            match parse_head(&buffer[start..])? {
                None => {
                    self.pending = buffer[start..].to_vec();
                    return Ok(None);
                }
                Some((used, None)) => start += used,
                Some((used, Some((head, body)))) => {
                    self.head = Some(head);
                    self.body = body;
                    return Ok(Some(start + used - before));
                }
            }
        }
    }

    fn read_body(
        &mut self,
        bytes: &[u8],
        body: &mut impl FnMut(&Head, &[u8]),
    ) -> Result<(), HttpError> {
        let Some(head) = &self.head else { return Ok(()) };
        let mut rest = bytes;
        while !rest.is_empty() {
            match &mut self.body {
                Body::Complete => {
                    self.excess = true;
                    return Ok(());
                }
                Body::UntilClose => {
                    body(head, rest);
                    return Ok(());
                }
                Body::Sized(left) => {
                    let piece;
                    (piece, rest) = rest
                        .split_at(usize::try_from(*left).map_or(rest.len(), |n| n.min(rest.len())));
                    *left -= piece.len() as u64;
                    let ended = *left == 0;
                    body(head, piece);
                    if ended {
                        self.body = Body::Complete;
                    }
                }
                Body::Chunked(chunked) => {
                    let Some(after) =
                        chunked.feed(rest, &mut |piece| body(head, piece), &mut self.trailers)?
                    else {
                        return Ok(());
                    };
                    rest = after;
                    self.body = Body::Complete;
                }
            }
        }
        Ok(())
    }
}

/// `None`: not whole yet. The inner `None`: an interim head.
type ParsedHead = Option<(usize, Option<(Head, Body)>)>;

fn parse_head(bytes: &[u8]) -> Result<ParsedHead, HttpError> {
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response.parse(bytes).map_err(|e| HttpError::Head(e.to_string()))?;
    let used = match parsed {
        Status::Partial if bytes.len() > MAX_HEAD => return Err(HttpError::HeadTooLarge),
        Status::Partial => return Ok(None),
        Status::Complete(used) if used > MAX_HEAD => return Err(HttpError::HeadTooLarge),
        Status::Complete(used) => used,
    };
    let status = response.code.unwrap_or(0);
    match status {
        101 => Err(HttpError::Switched),
        100..=199 => Ok(Some((used, None))),
        _ => Ok(Some((used, Some(final_head(status, response.version, response.headers)?)))),
    }
}

fn final_head(
    status: u16,
    version: Option<u8>,
    headers: &[Header<'_>],
) -> Result<(Head, Body), HttpError> {
    let chunked = transfer_coding(headers)?;
    let length = content_length(headers)?;
    if let Some(coding) = tokens(headers, "content-encoding").find(|c| c != "identity") {
        return Err(HttpError::Coding("content-encoding", coding));
    }
    let body = match (status, chunked, length) {
        (204 | 304, ..) | (_, false, Some(0)) => Body::Complete,
        (_, true, _) => Body::Chunked(Chunked::default()),
        (_, false, Some(n)) => Body::Sized(n),
        (_, false, None) => Body::UntilClose,
    };
    let connection = |word| tokens(headers, "connection").any(|t| t == word);
    // Both framings at once: the chunks count, and what follows on the connection cannot be trusted
    // (RFC 9112 section 6.3).
    let ambiguous = chunked && length.is_some();
    let persistent =
        if version == Some(1) { !connection("close") } else { connection("keep-alive") };
    let content_type =
        headers.iter().find(|h| h.name.eq_ignore_ascii_case("content-type")).map(media_type);
    let delimited = body != Body::UntilClose;
    Ok((
        Head { status, content_type, keep_alive: persistent && !ambiguous && delimited, delimited },
        body,
    ))
}

fn transfer_coding(headers: &[Header<'_>]) -> Result<bool, HttpError> {
    let mut chunked = false;
    for coding in tokens(headers, "transfer-encoding") {
        match coding.as_str() {
            // A gateway that passes the server's header on and adds its own says it twice; the body
            // is chunked once.
            "chunked" => chunked = true,
            "identity" => {}
            "gzip" | "x-gzip" | "deflate" | "compress" | "x-compress" | "br" | "zstd" => {
                return Err(HttpError::Coding("transfer-encoding", coding));
            }
            _ => return Err(HttpError::Framing(coding)),
        }
    }
    Ok(chunked)
}

fn content_length(headers: &[Header<'_>]) -> Result<Option<u64>, HttpError> {
    let mut length = None;
    for value in tokens(headers, "content-length") {
        // `parse` alone would take a leading plus sign.
        let number =
            value.bytes().all(|b| b.is_ascii_digit()).then(|| value.parse::<u64>().ok()).flatten();
        match (number, length) {
            (Some(n), None) => length = Some(n),
            (Some(n), Some(seen)) if n == seen => {}
            _ => return Err(HttpError::Length(value)),
        }
    }
    Ok(length)
}

/// The comma-separated members of all headers of that name, trimmed, in lower case.
fn tokens<'a>(headers: &'a [Header<'_>], name: &'a str) -> impl Iterator<Item = String> + 'a {
    headers
        .iter()
        .filter(move |h| h.name.eq_ignore_ascii_case(name))
        .flat_map(|h| h.value.split(|&b| b == b','))
        .map(|t| String::from_utf8_lossy(t).trim().to_ascii_lowercase())
        .filter(|t| !t.is_empty())
}

fn media_type(header: &Header<'_>) -> String {
    let value = String::from_utf8_lossy(header.value);
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
