//! The addresses of a name, which share the connections in turn; one that refuses is asked last.
//! Not here: TLS (`conn`).

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::TcpStream;

/// So long one address may take where another is left to try.
const PATIENCE: Duration = Duration::from_secs(3);

pub struct Addresses {
    all: Vec<Address>,
    /// Whether they take turns; else the first that answers gets everything.
    shared: bool,
    turn: AtomicUsize,
}

struct Address {
    at: SocketAddr,
    /// It refused, or did not answer, the last time.
    down: AtomicBool,
    opened: AtomicU64,
    refused: AtomicU64,
}

impl Addresses {
    pub fn new(mut found: Vec<SocketAddr>) -> Self {
        let mut seen = Vec::new();
        found.retain(|at| {
            !seen.contains(at) && {
                seen.push(*at);
                true
            }
        });
        // `localhost` is one machine under two addresses, where another program may hold the port
        // of one of them.
        let has = |ip: IpAddr| found.iter().any(|at| at.ip() == ip);
        let localhost = has(Ipv4Addr::LOCALHOST.into()) && has(Ipv6Addr::LOCALHOST.into());
        let address = |at| Address {
            at,
            down: AtomicBool::new(false),
            opened: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        };
        Self {
            all: found.into_iter().map(address).collect(),
            shared: !localhost,
            turn: AtomicUsize::new(0),
        }
    }

    /// A connection to the next address. Errors: the last one's, where none takes it.
    pub async fn connect(&self) -> io::Result<TcpStream> {
        let mut last = None;
        let order = self.order();
        for (tried, address) in (1..).zip(&order) {
            let connecting = TcpStream::connect(address.at);
            let answer = if tried == order.len() {
                connecting.await
            } else {
                tokio::time::timeout(PATIENCE, connecting)
                    .await
                    .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            };
            address.down.store(answer.is_err(), Ordering::Relaxed);
            match answer {
                Ok(tcp) => {
                    address.opened.fetch_add(1, Ordering::Relaxed);
                    return Ok(tcp);
                }
                Err(e) => {
                    address.refused.fetch_add(1, Ordering::Relaxed);
                    last = Some(e);
                }
            }
        }
        Err(last.unwrap_or_else(|| io::Error::other("the name has no address")))
    }

    /// All of them, the one whose turn it is first, those that refused last.
    fn order(&self) -> Vec<&Address> {
        let first = if self.shared {
            self.turn.fetch_add(1, Ordering::Relaxed) % self.all.len().max(1)
        } else {
            0
        };
        let (before, after) = self.all.split_at(first);
        let turned = || after.iter().chain(before);
        let down = |address: &&Address| address.down.load(Ordering::Relaxed);
        turned().filter(|a| !down(a)).chain(turned().filter(down)).collect()
    }

    /// Connections that each address got so far, where there are several; one that refused has its
    /// count of that beside it.
    pub fn connections(&self) -> BTreeMap<String, u64> {
        if self.all.len() < 2 {
            return BTreeMap::new();
        }
        self.all.iter().map(|a| (a.at.to_string(), a.opened.load(Ordering::Relaxed))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    fn order(addresses: &Addresses) -> Vec<SocketAddr> {
        addresses.order().iter().map(|a| a.at).collect()
    }

    #[test]
    fn addresses_take_turns_and_one_that_refused_is_last() {
        let [a, b, c] = ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"].map(at);
        let addresses = Addresses::new(vec![a, b, a, c]);
        assert_eq!(
            [order(&addresses), order(&addresses), order(&addresses)],
            [[a, b, c], [b, c, a], [c, a, b]]
        );
        addresses.all[0].down.store(true, Ordering::Relaxed);
        assert_eq!([order(&addresses), order(&addresses)], [[b, c, a], [b, c, a]]);
    }

    #[test]
    fn localhost_is_one_machine() {
        let [four, six] = ["127.0.0.1:80", "[::1]:80"].map(at);
        let addresses = Addresses::new(vec![six, four]);
        assert_eq!([order(&addresses), order(&addresses)], [[six, four], [six, four]]);
    }

    #[tokio::test]
    async fn each_address_gets_its_share_and_a_dead_one_none() {
        let (one, two) = (listener("127.0.0.1:0").await, listener("127.0.0.2:0").await);
        let dead = at("127.0.0.3:1");
        let addresses = Addresses::new(vec![one.0, two.0, dead]);
        let mut open = Vec::new();
        for _ in 0..8 {
            open.push(addresses.connect().await.expect("two of three answer"));
        }
        let counts = addresses.connections();
        assert_eq!(
            (counts[&one.0.to_string()] + counts[&two.0.to_string()], counts[&dead.to_string()]),
            (8, 0)
        );
        assert!(counts[&one.0.to_string()] >= 3 && counts[&two.0.to_string()] >= 3, "{counts:?}");
    }

    async fn listener(at: &str) -> (SocketAddr, tokio::net::TcpListener) {
        let listener = tokio::net::TcpListener::bind(at).await.expect("loopback has a free port");
        (listener.local_addr().expect("bound"), listener)
    }
}
