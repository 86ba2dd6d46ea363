//! Who is signed in: random tokens of browsers, for a while. They stand in for the key and are not
//! made of it; they end with the service. Not here: how a browser gets one (`sign_in`).

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use crate::app::runs::file::Id;
use crate::clock::monotonic_ns;

/// A working day.
pub const SECONDS: u64 = 12 * 60 * 60;
/// Whoever signed in longest ago gives way.
const MOST: usize = 256;

/// By the digest of its token: to look one up takes the same time whatever is given.
#[derive(Default)]
pub struct Sessions(Mutex<BTreeMap<[u8; 32], u64>>);

impl Sessions {
    /// The token of a new one. Errors: the system gives no random numbers.
    pub fn begin(&self) -> anyhow::Result<String> {
        // 244 random bits.
        let token = format!("{}{}", Id::draw()?, Id::draw()?);
        self.add(&token, monotonic_ns());
        Ok(token)
    }

    fn add(&self, token: &str, now_ns: u64) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, ends_ns| *ends_ns > now_ns);
        if all.len() >= MOST
            && let Some(first) =
                all.iter().min_by_key(|(_, ends)| **ends).map(|(digest, _)| *digest)
        {
            all.remove(&first);
        }
        all.insert(digest(token), now_ns + SECONDS * 1_000_000_000);
    }

    pub fn has(&self, token: &str) -> bool {
        self.has_at(token, monotonic_ns())
    }

    fn has_at(&self, token: &str, now_ns: u64) -> bool {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&digest(token)).is_some_and(|ends_ns| *ends_ns > now_ns)
    }

    pub fn end(&self, token: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&digest(token));
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_lasts_a_day_at_most_and_there_are_only_so_many() {
        let all = Sessions::default();
        let token = all.begin().unwrap();
        assert!(all.has(&token) && !all.has("") && !all.has(&token[1..]));
        all.end(&token);
        assert!(!all.has(&token));
        let end = SECONDS * 1_000_000_000;
        all.add("first", 1);
        assert!(all.has_at("first", end) && !all.has_at("first", end + 1));
        for i in 0..1000 {
            all.add(&i.to_string(), 2 + i);
        }
        assert_eq!(all.0.lock().unwrap().len(), MOST);
        assert!(!all.has_at("first", 1000) && all.has_at("999", 1000));
    }
}
