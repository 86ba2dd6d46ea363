//! How much one client may ask for: changes and wrong keys per address, and open sockets in all.
//!
//! Not here: limits of size and time (`listen`, `stall`), or who may ask (`guard`).

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::clock::monotonic_ns;

/// Requests that change something: people click more slowly, and a script that deletes goes on at
/// the rate.
const CHANGES: Allowance = Allowance { most: 120.0, per_second: 5.0 };
/// A key that is guessed is found by trying.
const WRONG_KEYS: Allowance = Allowance { most: 20.0, per_second: 0.2 };
/// Followers of runs, by WebSocket and by server-sent events.
const SOCKETS: usize = 256;
/// Addresses that are remembered; those that asked for nothing lately are forgotten first.
const ADDRESSES: usize = 4096;

pub struct Limits {
    changes: Buckets,
    wrong_keys: Buckets,
    sockets: Arc<Semaphore>,
}

/// What a client has at once, and how fast it comes back.
#[derive(Clone, Copy)]
struct Allowance {
    most: f64,
    per_second: f64,
}

/// For each address what is left to it.
struct Buckets {
    allowance: Allowance,
    all: Mutex<BTreeMap<IpAddr, Bucket>>,
}

#[derive(Clone, Copy)]
struct Bucket {
    left: f64,
    at_ns: u64,
}

impl Limits {
    pub fn new() -> Self {
        Self {
            changes: Buckets::new(CHANGES),
            wrong_keys: Buckets::new(WRONG_KEYS),
            sockets: Arc::new(Semaphore::new(SOCKETS)),
        }
    }

    /// Whether this client may change something now; it counts.
    pub fn may_change(&self, client: IpAddr) -> bool {
        self.changes.take(client, 1.0, monotonic_ns())
    }

    /// Whether this client may try a key now; only a wrong one counts.
    pub fn may_try_key(&self, client: IpAddr) -> bool {
        self.wrong_keys.take(client, 0.0, monotonic_ns())
    }

    pub fn count_wrong_key(&self, client: IpAddr) {
        self.wrong_keys.take(client, 1.0, monotonic_ns());
    }

    /// A place for one that follows a run, for as long as it is held. None: all are taken.
    pub fn socket(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.sockets).try_acquire_owned().ok()
    }
}

impl Buckets {
    fn new(allowance: Allowance) -> Self {
        Self { allowance, all: Mutex::default() }
    }

    /// False where less than one is left; then nothing is taken.
    fn take(&self, client: IpAddr, cost: f64, now_ns: u64) -> bool {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let network = network(client);
        if all.len() >= ADDRESSES && !all.contains_key(&network) {
            self.forget(&mut all, now_ns);
        }
        let full = Bucket { left: self.allowance.most, at_ns: now_ns };
        let bucket = all.entry(network).or_insert(full);
        *bucket = Bucket { left: self.refilled(*bucket, now_ns), at_ns: now_ns };
        let enough = bucket.left >= 1.0;
        if enough {
            bucket.left -= cost;
        }
        enough
    }

    fn refilled(&self, bucket: Bucket, now_ns: u64) -> f64 {
        let seconds = now_ns.saturating_sub(bucket.at_ns) as f64 / 1e9;
        (bucket.left + seconds * self.allowance.per_second).min(self.allowance.most)
    }

    /// Those that have all again; where there are none, the one that asked longest ago.
    fn forget(&self, all: &mut BTreeMap<IpAddr, Bucket>, now_ns: u64) {
        all.retain(|_, bucket| self.refilled(*bucket, now_ns) < self.allowance.most);
        if all.len() >= ADDRESSES
            && let Some(oldest) = all.iter().min_by_key(|(_, b)| b.at_ns).map(|(ip, _)| *ip)
        {
            all.remove(&oldest);
        }
    }
}

/// Whoever has one IPv6 address has the whole of its /64.
fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_client_has_its_allowance_and_gets_it_back_slowly() {
        let buckets = Buckets::new(Allowance { most: 3.0, per_second: 2.0 });
        let (one, other) = (ip("192.0.2.1"), ip("192.0.2.2"));
        let taken = |ip, at| buckets.take(ip, 1.0, at);
        assert_eq!([0, 0, 0, 0].map(|at| taken(one, at)), [true, true, true, false]);
        assert!(taken(other, 0), "another has its own");
        assert!(!taken(one, SECOND / 4));
        assert!(taken(one, SECOND / 2) && !taken(one, SECOND / 2));
        assert_eq!(
            [100, 100, 100, 100].map(|at| taken(one, at * SECOND)),
            [true, true, true, false],
            "no more than all of it comes back"
        );
    }

    #[test]
    fn what_costs_nothing_is_refused_only_where_nothing_is_left() {
        let buckets = Buckets::new(Allowance { most: 1.0, per_second: 1.0 });
        let one = ip("192.0.2.1");
        assert!(buckets.take(one, 0.0, 0) && buckets.take(one, 0.0, 0));
        assert!(buckets.take(one, 1.0, 0) && !buckets.take(one, 0.0, 0));
    }

    #[test]
    fn neighbours_of_one_network_share_and_many_addresses_take_no_room() {
        let buckets = Buckets::new(Allowance { most: 1.0, per_second: 1.0 });
        assert!(buckets.take(ip("2001:db8::1"), 1.0, 0));
        assert!(!buckets.take(ip("2001:db8::ffff:2"), 1.0, 0));
        assert!(buckets.take(ip("2001:db8:0:1::1"), 1.0, 0));
        assert!(buckets.take(ip("::ffff:192.0.2.1"), 1.0, 0));
        assert!(!buckets.take(ip("192.0.2.1"), 1.0, 0), "one address in two spellings");
        for i in 0..10_000_u32 {
            buckets.take(IpAddr::from(i.to_be_bytes()), 1.0, 1);
        }
        assert!(buckets.all.lock().unwrap().len() <= ADDRESSES);
    }
}
