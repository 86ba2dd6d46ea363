//! Ports on loopback: a free one for a server, and whether one is taken.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// Loopback answers at once; only a listener whose queue is full does not.
const ANSWER: Duration = Duration::from_secs(1);

/// A port of 127.0.0.1 that nobody listens on. Between this and the server's own bind another
/// process may take it; the kernel hands out such ports in turn or at random, so that this is rare,
/// and the server then says that its address is in use.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Somebody listens on this port of 127.0.0.1 already. By connecting: a bind of our own could be in
/// the way of a server that starts now.
pub fn port_taken(port: u16) -> bool {
    match TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), ANSWER) {
        // Where the kernel gives the connection that same port as its source, it has met itself:
        // nobody listens.
        Ok(stream) => stream.local_addr().ok() != stream.peer_addr().ok(),
        Err(e) => e.kind() == io::ErrorKind::TimedOut,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_taken_while_somebody_listens() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(port_taken(port));
        drop(listener);
        assert!(!port_taken(port));
    }

    #[test]
    fn a_free_port_can_be_listened_on() {
        // Another process may be faster, once; not five times.
        assert!(
            (0..5).any(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, free_port().unwrap())).is_ok())
        );
    }
}
