//! Rounds that are measured again, since the client's machine spoilt them: which ones, and how many
//! of a run. Pure.
//!
//! Not here: measuring them (`app::measure`). The client's own findings decide, and never what the
//! server did: a round in which anything of the server's went wrong stays, however late the client
//! was.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{LoadFacts, RoundRecord, WorkloadRecord};
use crate::measure::validity::{CLIENT, Finding, OFFERED_RATE, Severity};

/// A measurement of a round that a later one has replaced. It is in no number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spoilt {
    /// Position in time over the whole run.
    pub order: u32,
    /// What was found then.
    pub findings: Vec<Finding>,
}

/// What was measured again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repeats {
    /// Rounds that were measured more than once.
    pub repeated: u64,
    /// All rounds.
    pub rounds: u64,
    /// Checks that found it, each once, sorted.
    pub checks: Vec<String>,
}

/// How many measurements of a run may be repeats, by the number of its rounds.
pub fn most_repeats(rounds: u32) -> u32 {
    (rounds / 3).max(1)
}

impl RoundRecord {
    /// The client's machine spoilt it, and the server did nothing wrong in it.
    pub fn is_spoilt_by_client(&self, load: &LoadFacts) -> bool {
        let mut invalid =
            self.findings.iter().filter(|f| f.severity == Severity::Invalid).peekable();
        !self.cut_short
            && self.columns.completed() == self.columns.len()
            && invalid.peek().is_some()
            && invalid.all(|finding| is_of_client(finding, load))
    }

    /// Takes the place of a measurement that was spoilt, and keeps what had spoilt it.
    pub fn replaces(&mut self, spoilt: Self) {
        self.spoilt = spoilt.spoilt;
        self.spoilt.push(Spoilt { order: spoilt.order, findings: spoilt.findings });
    }
}

/// Under a cap of requests in flight it is the server's slowness that keeps the client from
/// sending.
fn is_of_client(finding: &Finding, load: &LoadFacts) -> bool {
    let check = finding.check.as_str();
    CLIENT.contains(&check) && (check != OFFERED_RATE || load.max_in_flight.is_none())
}

impl Spoilt {
    /// Whether a run can have measured again after it.
    pub fn is_possible(&self, load: &LoadFacts) -> bool {
        let mut invalid = self.findings.iter().filter(|f| f.severity == Severity::Invalid);
        invalid.next().is_some_and(|first| is_of_client(first, load))
            && invalid.all(|finding| is_of_client(finding, load))
    }
}

impl Repeats {
    pub fn new<'a>(workloads: impl IntoIterator<Item = &'a WorkloadRecord>) -> Self {
        let mut all = Self::default();
        let starts =
            workloads.into_iter().flat_map(|w| w.starts.iter().chain(w.check_starts.iter()));
        for round in starts.flat_map(|start| &start.rounds) {
            let spoilt = round.spoilt.iter().flat_map(|spoilt| &spoilt.findings);
            let checks = spoilt.filter(|f| f.severity == Severity::Invalid);
            all.add(Self {
                repeated: u64::from(!round.spoilt.is_empty()),
                rounds: 1,
                checks: checks.map(|finding| finding.check.clone()).collect(),
            });
        }
        all
    }

    pub fn add(&mut self, other: Self) {
        self.repeated += other.repeated;
        self.rounds += other.rounds;
        self.checks.extend(other.checks);
        self.checks.sort();
        self.checks.dedup();
    }
}

#[cfg(test)]
mod tests;
