//! Connections to the site under test: resolve once, connect, TLS. Not here: what is written to
//! them, or which address is next (`address`).

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use rustls_platform_verifier::Verifier;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::address::Addresses;
use super::files::Descriptor;
use crate::protocol;

/// Where and as whom to send; the parts of a request that never change.
pub struct SiteSpec<'a> {
    /// `http://host:port/v1`
    pub base_url: &'a str,
    pub api_key: Option<&'a str>,
    pub headers: &'a [(String, String)],
    /// PEM text of an authority to trust besides the system's.
    pub ca_pem: Option<&'a [u8]>,
}

/// A resolved site.
pub struct Site {
    addresses: Addresses,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    /// Method and the base URL's own path, which lead every request's.
    prefix: String,
    /// The end of the request line, and headers up to the request's own.
    head: String,
    secrets: protocol::Secrets,
}

#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    #[error("base URL {url:?} is not one to send to: {why}")]
    Url { url: String, why: String },
    #[error("cannot resolve {host}: {source}")]
    Resolve { host: String, source: io::Error },
    #[error("cannot use the certificate authority: {0}")]
    Authority(String),
    #[error("header {0:?} has a character that HTTP does not allow")]
    Header(String),
}

/// What an idle connection has to say before it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idle {
    /// Nothing: it can be used.
    Silent,
    /// The server has closed it.
    Closed,
    /// Bytes that nobody asked for: they would be taken for the next answer.
    Bytes,
}

/// An open connection.
pub struct Stream {
    wire: Wire,
    _descriptor: Descriptor,
}

enum Wire {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Site {
    /// Resolves the host (once, before any clock) and prepares TLS.
    pub fn resolve(spec: &SiteSpec<'_>) -> Result<Self, SiteError> {
        let bad = |why: &str| SiteError::Url { url: spec.base_url.to_owned(), why: why.to_owned() };
        let url = reqwest::Url::parse(spec.base_url).map_err(|e| bad(&e.to_string()))?;
        let host = url.host_str().ok_or_else(|| bad("it has no host"))?;
        let port = url.port_or_known_default().ok_or_else(|| bad("it has no port"))?;
        let tls = match url.scheme() {
            "http" => None,
            "https" => {
                Some((connector(spec.ca_pem)?, server_name(bare(host)).map_err(|e| bad(&e))?))
            }
            _ => return Err(bad("only http and https are served")),
        };
        let found: Vec<SocketAddr> = std::net::ToSocketAddrs::to_socket_addrs(&(bare(host), port))
            .map_err(|source| SiteError::Resolve { host: host.to_owned(), source })?
            .collect();
        let authority = url.port().map_or_else(|| host.to_owned(), |p| format!("{host}:{p}"));
        let prefix = format!("POST {}", url.path().trim_end_matches('/'));
        let addresses = Addresses::new(found);
        Ok(Self {
            addresses,
            tls,
            prefix,
            head: head(&authority, spec)?,
            secrets: protocol::secrets(spec.api_key, spec.headers),
        })
    }

    /// Opens one connection. Errors: no address takes one, TLS fails, or this process may have no
    /// more files open.
    pub async fn connect(&self) -> io::Result<Stream> {
        let descriptor = Descriptor::take()?;
        let tcp = self.addresses.connect().await?;
        tcp.set_nodelay(true)?;
        let wire = match &self.tls {
            None => Wire::Plain(tcp),
            Some((connector, name)) => {
                Wire::Tls(Box::new(connector.connect(name.clone(), tcp).await?))
            }
        };
        Ok(Stream { wire, _descriptor: descriptor })
    }

    pub const fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Some servers repeat the key in their refusal; no output of ours may.
    pub fn redact(&self, text: String) -> String {
        protocol::redact(text, &self.secrets)
    }

    /// The bytes of one request. `path` is below the base URL: `/chat/completions`.
    pub fn request(&self, path: &str, id: &str, body: &[u8]) -> Vec<u8> {
        let own = format!("x-request-id: {id}\r\ncontent-length: {}\r\n\r\n", body.len());
        let mut bytes = Vec::with_capacity(
            self.prefix.len() + path.len() + self.head.len() + own.len() + body.len(),
        );
        bytes.extend_from_slice(self.prefix.as_bytes());
        bytes.extend_from_slice(path.as_bytes());
        bytes.extend_from_slice(self.head.as_bytes());
        bytes.extend_from_slice(own.as_bytes());
        bytes.extend_from_slice(body);
        bytes
    }
}

/// An IPv6 address without the brackets that it has in a URL.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host)
}

fn head(authority: &str, spec: &SiteSpec<'_>) -> Result<String, SiteError> {
    let mut head = format!(
        " HTTP/1.1\r\nhost: {authority}\r\ncontent-type: application/json\r\naccept: text/event-stream, application/json\r\n"
    );
    let key = spec.api_key.map(|k| ("authorization".to_owned(), format!("Bearer {k}")));
    for (name, value) in key.iter().chain(spec.headers) {
        let parsed = (
            name.parse::<reqwest::header::HeaderName>(),
            value.parse::<reqwest::header::HeaderValue>(),
        );
        let (Ok(name), Ok(_)) = parsed else { return Err(SiteError::Header(name.clone())) };
        head.push_str(name.as_str());
        head.push_str(": ");
        head.push_str(value);
        head.push_str("\r\n");
    }
    Ok(head)
}

fn connector(ca_pem: Option<&[u8]>) -> Result<TlsConnector, SiteError> {
    let extra =
        CertificateDer::pem_slice_iter(ca_pem.unwrap_or_default()).collect::<Result<Vec<_>, _>>();
    let extra = extra.map_err(|e| SiteError::Authority(e.to_string()))?;
    let why = |e: rustls::Error| SiteError::Authority(e.to_string());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Verifier::new_with_extra_roots(extra, Arc::clone(&provider)).map_err(why)?;
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(why)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn server_name(host: &str) -> Result<ServerName<'static>, String> {
    ServerName::try_from(host.to_owned()).map_err(|e| e.to_string())
}

impl Stream {
    /// Looks whether an idle connection is silent. It asks the system: the runtime may not have
    /// heard yet of what has arrived.
    pub async fn look(&mut self) -> Idle {
        let tcp = match &self.wire {
            Wire::Plain(tcp) => tcp,
            Wire::Tls(tls) => tls.get_ref().0,
        };
        let seen = match recv(tcp, &mut [0_u8; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT) {
            Err(Errno::WOULDBLOCK | Errno::INTR) => Idle::Silent,
            Err(_) | Ok((_, 0)) => Idle::Closed,
            Ok(_) => Idle::Bytes,
        };
        if seen != Idle::Bytes || matches!(self.wire, Wire::Plain(_)) {
            return seen;
        }
        // Within TLS the bytes may be a ticket and no answer: reading takes them in. The runtime
        // has to hear of them first.
        tokio::task::yield_now().await;
        let mut byte = [0; 1];
        poll_fn(|cx| {
            let mut read = ReadBuf::new(&mut byte);
            Poll::Ready(match Pin::new(&mut *self).poll_read(cx, &mut read) {
                Poll::Pending => Idle::Silent,
                Poll::Ready(Ok(())) if !read.filled().is_empty() => Idle::Bytes,
                Poll::Ready(_) => Idle::Closed,
            })
        })
        .await
    }

    /// Whether a failed first write has left nothing on the wire. TLS writes in pieces of its own.
    pub const fn writes_whole(&self) -> bool {
        matches!(self.wire, Wire::Plain(_))
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.get_mut().wire {
            Wire::Plain(s) => Pin::new(s).poll_read(cx, buf),
            Wire::Tls(s) => Pin::new(s).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().wire {
            Wire::Plain(s) => Pin::new(s).poll_write(cx, buf),
            Wire::Tls(s) => Pin::new(s).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().wire {
            Wire::Plain(s) => Pin::new(s).poll_flush(cx),
            Wire::Tls(s) => Pin::new(s).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().wire {
            Wire::Plain(s) => Pin::new(s).poll_shutdown(cx),
            Wire::Tls(s) => Pin::new(s).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// The runtime is not given a turn between the server's write and the look.
    #[tokio::test]
    async fn a_look_sees_what_the_runtime_has_not_heard_of() {
        let listener =
            std::net::TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let addr = listener.local_addr().expect("a bound socket has an address");
        let connected = async || Stream {
            wire: Wire::Plain(TcpStream::connect(addr).await.expect("it listens")),
            _descriptor: Descriptor::take().expect("there is room"),
        };
        let mut stream = connected().await;
        let (mut server, _) = listener.accept().expect("it was connected to");
        assert_eq!(stream.look().await, Idle::Silent);
        server.write_all(b"HTTP/1.1 200 OK\r\n").expect("it is open");
        assert_eq!(stream.look().await, Idle::Bytes);
        assert_eq!(stream.look().await, Idle::Bytes, "a look takes nothing");
        let mut stream = connected().await;
        let (server, _) = listener.accept().expect("it was connected to");
        drop(server);
        assert_eq!(stream.look().await, Idle::Closed);
    }
}
