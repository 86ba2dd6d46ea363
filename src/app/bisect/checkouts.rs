//! Commits checked out beside the repository, as long as they may be needed again. Not here: what
//! is built or started in them.

use std::collections::BTreeMap;

use super::range::Range;
use crate::app::gate::{self, Given};
use crate::app::sides::Side;
use crate::app::workspace::Workspace;
use crate::baseline::lineage::Repo;
use crate::config::Config;

/// Checkouts beside those of both ends: builds of model servers are large.
const KEPT: usize = 3;

pub struct Checkouts<'a> {
    pub here: &'a Workspace,
    pub repo: &'a Repo,
    pub config: &'a Config,
    pub given: &'a Given,
    pub range: &'a Range,
    sides: BTreeMap<usize, Side>,
    /// Positions in the order of their last use.
    used: Vec<usize>,
}

impl<'a> Checkouts<'a> {
    pub fn new(
        here: &'a Workspace,
        repo: &'a Repo,
        config: &'a Config,
        given: &'a Given,
        range: &'a Range,
    ) -> Self {
        Self { here, repo, config, given, range, sides: BTreeMap::new(), used: Vec::new() }
    }

    /// Positions that are checked out, and were built unless that failed.
    pub fn built(&self) -> Vec<usize> {
        self.sides.keys().copied().collect()
    }

    /// Takes a position's checkout, made if need be: [`Self::put_back`] keeps it.
    pub fn take(&mut self, at: usize, name: &'static str) -> anyhow::Result<Side> {
        if let Some(mut side) = self.sides.remove(&at) {
            side.name = name;
            return Ok(side);
        }
        let commit = &self.range.commit(at).commit;
        let target = gate::target_of(self.here, self.repo, self.config, self.given, commit)?;
        Side::at_commit(self.repo, self.config, commit, target, name)
    }

    pub fn put_back(&mut self, at: usize, side: Side) {
        self.sides.insert(at, side);
        self.used.retain(|other| *other != at);
        self.used.push(at);
        let ends = [0, self.range.last()];
        let beside: Vec<usize> =
            self.used.iter().copied().filter(|other| !ends.contains(other)).collect();
        for old in beside.iter().rev().skip(KEPT) {
            self.sides.remove(old);
            self.used.retain(|other| other != old);
        }
    }
}
