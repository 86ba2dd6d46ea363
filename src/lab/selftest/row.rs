//! One line of the table: what is played, how often, and what it must say. Not here: the lines
//! (`rows`), or playing them.

use super::attempts::Attempts;
use super::bound::{Bound, Limit, Source, What};
use super::capacity::Capacity;
use super::day::Day;
use super::drift::Drifting;
use super::gate::Gate;
use super::played::Outcome;
use super::search::Search;
use super::values::Values;

#[derive(Clone, Debug)]
pub struct Row {
    /// What is injected.
    pub name: &'static str,
    pub play: Play,
    pub bounds: Vec<Bound>,
    /// Gates of this row for each thousand that were asked for.
    pub per_thousand: u32,
    /// Why a bound is what it is, where that needs words; empty elsewhere.
    pub note: &'static str,
}

#[derive(Clone, Debug)]
pub enum Play {
    /// The engine, interleaved.
    Gate(Gate),
    /// The engine, against sessions of other days.
    Day(Day),
    /// Start values drawn at random, interleaved.
    Values(Values),
    /// The same, run again.
    Attempts(Attempts),
    Drift(Drifting),
    Search(Search),
    Capacity(Capacity),
}

impl Row {
    pub fn new(name: &'static str, play: Play, bounds: &[Bound]) -> Self {
        Self { name, play, bounds: bounds.to_vec(), per_thousand: 100, note: "" }
    }

    pub fn often(self, per_thousand: u32) -> Self {
        Self { per_thousand, ..self }
    }

    pub fn noted(self, note: &'static str) -> Self {
        Self { note, ..self }
    }

    pub fn mentions(&self, text: &str) -> bool {
        [self.name, &self.play.load(), &self.play.mode()].iter().any(|words| words.contains(text))
    }
}

impl Play {
    /// Under what load, or with which noise of start values.
    pub fn load(&self) -> String {
        match self {
            Self::Gate(gate) => named(gate.load.name(), gate.noise_words()),
            Self::Day(day) => named(day.load.name(), day.noise_words()),
            Self::Values(values) => values.load(),
            Self::Attempts(attempts) => attempts.values.load(),
            Self::Drift(drifting) => drifting.load(),
            Self::Search(search) => search.load(),
            Self::Capacity(capacity) => capacity.load(),
        }
    }

    pub fn mode(&self) -> String {
        match self {
            Self::Gate(gate) => format!("interleaved, {}", gate.asked.text()),
            Self::Day(day) => day.mode(),
            Self::Values(values) => match values.asked.min_starts {
                2 => format!("interleaved, {}", values.asked.text()),
                starts => format!("interleaved, {}, {starts} starts", values.asked.text()),
            },
            Self::Attempts(attempts) => attempts.mode(),
            Self::Drift(_) => "drift, weekly".into(),
            Self::Search(search) => search.mode(),
            Self::Capacity(capacity) => capacity.mode(),
        }
    }

    /// Unit of the cost.
    pub const fn unit(&self) -> &'static str {
        match self {
            Self::Gate(_) | Self::Day(_) | Self::Values(_) | Self::Attempts(_) => "min",
            Self::Drift(_) => "% when caught",
            Self::Search(_) => "starts",
            Self::Capacity(_) => "rounds",
        }
    }
}

fn named(load: &str, noise: Option<&str>) -> String {
    noise.map_or_else(|| load.to_owned(), |noise| format!("{load}, {noise}"))
}

/// So many of a hundred gates at most; `percent` as people write it.
pub const fn at_most(outcome: Outcome, percent: f64, source: Source) -> Bound {
    Bound { what: What::Share(outcome), limit: Limit::AtMost(percent / 100.0), source }
}

pub const fn at_least(outcome: Outcome, percent: f64, source: Source) -> Bound {
    Bound { what: What::Share(outcome), limit: Limit::AtLeast(percent / 100.0), source }
}

/// The mean cost, in the row's own unit.
pub const fn costs_at_most(cost: f64, source: Source) -> Bound {
    Bound { what: What::Cost, limit: Limit::AtMost(cost), source }
}
