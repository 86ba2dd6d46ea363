//! What is found of a round that several machines sent, each its shard, with the numbers.
//!
//! `Display` is the English. Not here: when it is found (`record::shard`, `record::merge`), other
//! languages (`report::say`).

use std::fmt;
use std::mem::discriminant;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Seen;

/// Times in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ShardSeen {
    /// A shard's own finding.
    InShard { shard: u32, what: Box<Seen> },
    /// There is no record of it, or none of this round. Without `requests`: how many it would have
    /// sent only it knew.
    ShardMissing { shard: u32, shards: u32, requests: Option<u64> },
    /// It ended before its rounds were over.
    ShardEnded { shard: u32, why: String },
    /// It began after the instant at which all were to begin.
    ShardLate { late_ms: f64, bound_ms: f64 },
    /// How far its clock is from that of shard 0 is not known better than this.
    ShardClockUnsure { uncertainty_ms: f64, bound_ms: f64 },
    /// Its clock could not be read after the round.
    ShardClockUnread,
    /// Its clock ran faster or slower than that of shard 0 by so much in this round.
    ShardClockDrifted { drift_ms: f64, bound_ms: f64 },
    /// Its date is so many seconds off that of shard 0.
    ShardDatesApart { seconds: f64 },
}

impl ShardSeen {
    pub fn is_alike(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::InShard { shard: a, what: x }, Self::InShard { shard: b, what: y }) => {
                a == b && x.is_alike(y)
            }
            (Self::ShardMissing { shard: a, .. }, Self::ShardMissing { shard: b, .. })
            | (Self::ShardEnded { shard: a, .. }, Self::ShardEnded { shard: b, .. }) => a == b,
            _ => discriminant(self) == discriminant(other),
        }
    }
}

impl From<ShardSeen> for Seen {
    fn from(seen: ShardSeen) -> Self {
        Self::Shard(seen)
    }
}

impl fmt::Display for ShardSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InShard { shard, what } => write!(f, "shard {shard}: {what}"),
            Self::ShardMissing { shard, shards, requests: Some(requests) } => write!(
                f,
                "shard {shard} of {shards} is missing: its {requests} requests were not sent and count as misses, so the load was smaller \
                 than planned; see that shard's log, and measure again"
            ),
            Self::ShardMissing { shard, shards, requests: None } => write!(
                f,
                "shard {shard} of {shards} is missing, so the load was smaller than planned; see that shard's log, and measure again"
            ),
            Self::ShardEnded { shard, why } => {
                let first = why.lines().next().unwrap_or_default();
                write!(f, "shard {shard} ended before its rounds were over: {first}")
            }
            Self::ShardLate { late_ms, bound_ms } => write!(
                f,
                "this shard began {late_ms:.1} ms after the others, bound {bound_ms:.1} ms: its machine is overloaded, or the rendezvous \
                 answered late"
            ),
            Self::ShardClockUnsure { uncertainty_ms, bound_ms } => write!(
                f,
                "the clock of this shard is known to {uncertainty_ms:.1} ms against that of shard 0, bound {bound_ms:.1} ms: the way between \
                 them is slow; meet over HTTP in the same network (--rendezvous http://HOST:PORT)"
            ),
            Self::ShardClockUnread => f.write_str(
                "the clock of shard 0 could not be read after this round, so nobody knows whether this shard's moved against it: see the \
                 log of shard 0",
            ),
            Self::ShardClockDrifted { drift_ms, bound_ms } => write!(
                f,
                "the clock of this shard moved by {drift_ms:+.1} ms against that of shard 0 in this round, bound {bound_ms:.1} ms: see what \
                 sets it (chrony, the hypervisor)"
            ),
            Self::ShardDatesApart { seconds } => write!(
                f,
                "the date of this shard is {seconds:+.0} s off that of shard 0: the load is not bent by it, since starts do not follow dates"
            ),
        }
    }
}
