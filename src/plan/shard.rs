//! A shard: one machine's part of a plan. Which requests are its own, and how many it keeps in
//! flight.
//!
//! Request i of an open loop belongs to shard i mod N, at its own instant; in a closed loop the
//! places are divided and requests dealt in the same way; sessions are dealt whole. Not here: how
//! shards meet (`rendezvous`), or how their records become one (`record::merge`).

use std::fmt;

use super::{Pace, RoundPlan};
use crate::lang::{Text, bilingual};

/// Most shards of a run.
pub const MAX_SHARDS: u32 = 10_000;

/// Where a job's number and the count of its jobs stand: Slurm's, and what a Kubernetes Job with
/// `completionMode: Indexed` has (its count is no variable of its own, so that the job sets ours).
pub const SLURM: [&str; 2] = ["SLURM_PROCID", "SLURM_NTASKS"];
pub const KUBERNETES: [&str; 2] = ["JOB_COMPLETION_INDEX", "GOODPUT_GATE_SHARDS"];

/// Number `index` (from 0 on) of `count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shard {
    pub index: u32,
    pub count: u32,
}

/// Why there is no such shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShardError {
    Form(String),
    Range {
        index: u32,
        count: u32,
    },
    /// Of these variables.
    NoVariables,
    Variable {
        name: String,
        value: String,
    },
    /// A closed loop, or a bound on requests in flight, that does not give each shard one.
    Places {
        what: &'static str,
        places: u32,
        count: u32,
    },
}

impl Shard {
    /// All of a plan.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// `k/N`, k from 0 to N-1. Errors: another form, or out of range.
    pub fn parse(text: &str) -> Result<Self, ShardError> {
        let parts = text.split_once('/').and_then(|(index, count)| {
            Some((index.trim().parse().ok()?, count.trim().parse().ok()?))
        });
        let (index, count) = parts.ok_or_else(|| ShardError::Form(text.to_owned()))?;
        Self::new(index, count)
    }

    /// Errors: out of range.
    pub const fn new(index: u32, count: u32) -> Result<Self, ShardError> {
        if index < count && count <= MAX_SHARDS {
            Ok(Self { index, count })
        } else {
            Err(ShardError::Range { index, count })
        }
    }

    /// What Slurm or Kubernetes say of this process; `variable` looks one up. Errors: neither says
    /// anything, or no numbers.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ShardError> {
        // A pod may run within a Slurm job, and never the other way round.
        for [index, count] in [KUBERNETES, SLURM] {
            let Some((i, n)) = variable(index).zip(variable(count)) else { continue };
            let number = |name: &str, value: &str| {
                let wrong =
                    || ShardError::Variable { name: name.to_owned(), value: value.to_owned() };
                value.trim().parse().map_err(|_| wrong())
            };
            return Self::new(number(index, &i)?, number(count, &n)?);
        }
        Err(ShardError::NoVariables)
    }

    pub const fn is_whole(self) -> bool {
        self.count == 1
    }

    /// Whether request `index` of the plan is this shard's.
    pub const fn has(self, index: u32, turns: u32) -> bool {
        index / turns % self.count == self.index
    }

    /// How many of `all` requests are this shard's.
    pub const fn requests(self, all: u64, turns: u32) -> u64 {
        let turns = turns as u64;
        let (whole, rest) = (all / turns, all % turns);
        let own = self.share(whole) * turns;
        // The last session may be shorter; it is dealt as the others.
        if rest > 0 && whole % self.count as u64 == self.index as u64 { own + rest } else { own }
    }

    /// This shard's part of `all` places: the first shards have what remains.
    pub const fn share(self, all: u64) -> u64 {
        let count = self.count as u64;
        all / count + ((self.index as u64) < all % count) as u64
    }

    fn places(self, what: &'static str, places: u32) -> Result<u32, ShardError> {
        match u32::try_from(self.share(u64::from(places))) {
            Ok(own @ 1..) => Ok(own),
            _ => Err(ShardError::Places { what, places, count: self.count }),
        }
    }

    /// This shard's part of a round. Its requests keep their instants and ids; their `index` is
    /// their place in the part. Errors: it would have no place of a closed loop.
    pub fn cut(self, round: RoundPlan) -> Result<RoundPlan, ShardError> {
        if self.is_whole() {
            return Ok(round);
        }
        let (pace, turns) = match round.pace {
            Pace::Open => (Pace::Open, 1),
            Pace::Closed { concurrency } => {
                (Pace::Closed { concurrency: self.places("concurrency", concurrency)? }, 1)
            }
            Pace::Sessions { concurrency, turns, think } => {
                let own = concurrency.map(|n| self.places("concurrency", n)).transpose()?;
                (Pace::Sessions { concurrency: own, turns, think }, turns)
            }
        };
        let most = round.max_in_flight.map(|n| self.places("max_in_flight", n)).transpose()?;
        let mut requests = round.requests;
        requests.retain(|request| self.has(request.index, turns));
        for (place, request) in (0..).zip(&mut requests) {
            request.index = place;
        }
        let ramp = u32::try_from(self.requests(u64::from(round.ramp), turns)).unwrap_or(u32::MAX);
        Ok(RoundPlan { pace, max_in_flight: most, ramp, requests, ..round })
    }
}

impl Pace {
    /// Consecutive requests that one shard sends: those of a session.
    pub const fn turns(self) -> u32 {
        match self {
            Self::Open | Self::Closed { .. } => 1,
            Self::Sessions { turns, .. } => turns,
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl ShardError {
    pub fn text(&self) -> Text {
        match self {
            Self::Form(text) => bilingual!(
                "{text:?} is no shard\nhint: write k/N, such as 0/4 for the first of four",
                "{text:?}: 샤드가 아님\n힌트: k/N으로 쓰십시오. 넷 중 첫째는 0/4입니다"
            ),
            Self::Range { index, count } => bilingual!(
                "there is no shard {index} of {count}: they are numbered from 0 to N-1, and {MAX_SHARDS} are allowed",
                "샤드 {index}/{count}는 없음: 번호는 0부터 N-1까지, 최대 {MAX_SHARDS}개"
            ),
            Self::NoVariables => bilingual!(
                "neither Slurm ({slurm}) nor a Kubernetes Job ({kubernetes}) says which shard this is\nhint: say it: --shard k/N",
                "이 프로세스가 어느 샤드인지 Slurm({slurm})도 Kubernetes Job({kubernetes})도 알려 주지 않음\n힌트: 직접 쓰십시오: --shard k/N",
                slurm = SLURM.join(", "),
                kubernetes = KUBERNETES.join(", ")
            ),
            Self::Variable { name, value } => bilingual!(
                "{name} is {value:?}, and a whole number was expected",
                "{name} 값이 {value:?}: 정수여야 함"
            ),
            Self::Places { what, places, count } => bilingual!(
                "{what} is {places}, which cannot be divided among {count} shards: each needs at least one\nhint: raise it, or take fewer shards",
                "{what} 값이 {places}: 샤드 {count}개로 나눌 수 없음. 샤드마다 하나 이상 필요\n힌트: 값을 올리거나 샤드 수를 줄이십시오"
            ),
        }
    }
}

impl fmt::Display for ShardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text().fmt(f)
    }
}

impl std::error::Error for ShardError {}

#[cfg(test)]
mod tests;
