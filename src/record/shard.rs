//! What a record says of the machines that sent its load: which shard it is, how its clock stood to
//! the others, and of a merged record which shards it is of.
//!
//! Not here: putting shards together (`merge`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::measure::gap_counts::GapCounts;
use crate::measure::seen::shard::ShardSeen;
use crate::measure::validity::{Finding, Severity};
use crate::plan::shard::Shard;

/// Beyond this a shard's part comes at other instants than planned, as a server sees them: below it
/// are the steps in which engines take requests up (one output token is some 10 to 50 ms).
const BOUND_US: u64 = 5_000;
/// A clock that is this much faster or slower bends the rate by as much, which is nothing: quartz is
/// 10 to 50 millionths off, and so is what corrects it.
const DRIFT: f64 = 1e-4;
/// Dates this far apart, microseconds, are worth knowing.
const DATES_US: u64 = 1_000_000;

pub const SHARD_START: &str = "shard_start";
pub const SHARD_CLOCK: &str = "shard_clock";
pub const SHARD_DATE: &str = "shard_date";
/// A shard ended before its rounds were over.
pub const SHARD_ENDED: &str = "shard_ended";
pub const SHARD_MISSING: &str = "shard_missing";

/// A record with this is of one shard, and judged by nobody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShardFacts {
    /// From 0 on.
    pub index: u32,
    pub count: u32,
    /// `http` or `folder`: where shards met.
    pub rendezvous: String,
    /// Why it ended before its rounds were over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gave_up: Option<String>,
}

/// A record with this was merged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MergedFacts {
    pub shards: u32,
    /// Of which no record was there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<u32>,
    /// The latest start, the least known and the most moved clock over all shards and rounds,
    /// microseconds.
    pub most_late_us: u64,
    pub most_uncertainty_us: u64,
    pub most_drift_us: u64,
}

/// What only the shard knew of a round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShardRound {
    pub clock: ShardClock,
    /// Ramp of the whole round, over all shards.
    pub ramp: u32,
    pub chunk_gaps: GapCounts,
}

/// A shard's clock against that of shard 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShardClock {
    /// When all began, by the date of shard 0: RFC 3339, UTC.
    pub began: String,
    /// How long after that this shard began, microseconds.
    pub late_us: u64,
    /// How far its date is ahead of that of shard 0, microseconds.
    pub date_ahead_us: i64,
    /// How well the difference of the (monotonic) clocks is known, before and after, microseconds.
    pub uncertainty_us: u64,
    /// How far its clock moved ahead in the round, beyond what is not known; absent where it
    /// could not be read after it.
    pub drift_us: Option<i64>,
}

impl MergedFacts {
    pub fn add(&mut self, clock: &ShardClock) {
        self.most_late_us = self.most_late_us.max(clock.late_us);
        self.most_uncertainty_us = self.most_uncertainty_us.max(clock.uncertainty_us);
        let drift_us = clock.drift_us.map_or(0, i64::unsigned_abs);
        self.most_drift_us = self.most_drift_us.max(drift_us);
    }
}

impl ShardFacts {
    pub const fn shard(&self) -> Result<Shard, crate::plan::shard::ShardError> {
        Shard::new(self.index, self.count)
    }
}

impl ShardClock {
    /// What bends the load's shape, or is worth knowing, in a round of so many microseconds.
    pub fn findings(&self, duration_us: u64) -> Vec<Finding> {
        let ms = |us: u64| us as f64 / 1e3;
        let bound_ms = ms(BOUND_US);
        let invalid = |check: &str, seen: ShardSeen| Finding::new(Severity::Invalid, check, seen);
        let late = (self.late_us > BOUND_US).then(|| {
            invalid(SHARD_START, ShardSeen::ShardLate { late_ms: ms(self.late_us), bound_ms })
        });
        let unsure = (self.uncertainty_us > BOUND_US).then(|| {
            let uncertainty_ms = ms(self.uncertainty_us);
            invalid(SHARD_CLOCK, ShardSeen::ShardClockUnsure { uncertainty_ms, bound_ms })
        });
        let most_drift_ms = bound_ms.max(ms(duration_us) * DRIFT);
        let drift_ms = self.drift_us.map(|us| us as f64 / 1e3);
        let drifted = drift_ms.filter(|ms| ms.abs() > most_drift_ms).map(|drift_ms| {
            let seen = ShardSeen::ShardClockDrifted { drift_ms, bound_ms: most_drift_ms };
            invalid(SHARD_CLOCK, seen)
        });
        let apart = (self.date_ahead_us.unsigned_abs() > DATES_US).then(|| {
            let seconds = self.date_ahead_us as f64 / 1e6;
            Finding::new(Severity::Note, SHARD_DATE, ShardSeen::ShardDatesApart { seconds })
        });
        let unread = self.drift_us.is_none();
        let unread = unread.then(|| invalid(SHARD_CLOCK, ShardSeen::ShardClockUnread));
        [late, unsure, drifted, unread, apart].into_iter().flatten().collect()
    }
}
