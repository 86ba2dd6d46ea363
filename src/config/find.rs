//! `find`: the highest load that meets the SLOs, which `run --find` looks for. Wire form, layers,
//! check.
//!
//! Not here: which load is measured next (`judge::capacity`).

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::Checker;
use super::units::parse_percent;
use super::wire::{Number, Span};
use super::{Arrival, Axis, Length, Level, SessionBegin, Workload};

/// How `run --find` looks for the highest load that meets the SLOs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FindFile {
    /// What is raised: `rate`, requests per second, or `concurrency`, requests in flight.
    pub over: Option<Axis>,
    /// What the load must meet.
    pub goal: Option<GoalFile>,
    /// How far the ends of the limit's 95 % interval may be from it: `5%`.
    pub within: Option<String>,
    /// Rounds at most.
    #[schemars(range(min = 8, max = 200))]
    pub rounds: Option<u32>,
    /// Length of a round, where the workload has no `duration` of its own.
    pub duration: Option<Span>,
    /// The first load; the workload's own where it is left out.
    pub from: Option<Number>,
}

/// What a load must meet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GoalFile {
    /// Share of the requests that are within every SLO: `95%`.
    pub slo_attainment: Option<String>,
}

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Find {
    pub over: Axis,
    /// Shares, 0 to 1.
    pub goal: f64,
    pub within: f64,
    /// At most.
    pub rounds: u32,
    /// Of a round.
    pub duration: Duration,
    /// The first load.
    pub from: f64,
}

/// Shares between which a limit can be told from another: beyond, a round has too few requests that
/// miss, or that are good.
const GOALS: (f64, f64) = (0.5, 0.999);
const WITHIN: (f64, f64) = (0.01, 0.5);
const ROUNDS: (u32, u32) = (8, 200);
/// Where neither config nor workload says where to begin.
const FIRST_RATE: f64 = 1.0;
const FIRST_CONCURRENCY: f64 = 4.0;

impl FindFile {
    #[must_use]
    pub fn over(self, base: Self) -> Self {
        Self {
            over: self.over.or(base.over),
            goal: self.goal.or(base.goal),
            within: self.within.or(base.within),
            rounds: self.rounds.or(base.rounds),
            duration: self.duration.or(base.duration),
            from: self.from.or(base.from),
        }
    }
}

impl Checker {
    /// None where something is wrong with it.
    pub fn find(&mut self, file: &FindFile, workloads: &[&Workload]) -> Option<Find> {
        let goal = file.goal.as_ref().and_then(|goal| goal.slo_attainment.as_deref());
        let goal = self.share("find.goal.slo_attainment", goal?, GOALS);
        let within = self.share("find.within", file.within.as_deref()?, WITHIN);
        let rounds = self.at_least_one("find.rounds", file.rounds)?;
        if !(ROUNDS.0..=ROUNDS.1).contains(&rounds) {
            let what = format!("must be from {} to {}, not {rounds}", ROUNDS.0, ROUNDS.1);
            self.bad("find.rounds", what, "30 are enough for most servers");
            return None;
        }
        let duration = self.positive_span("find.duration", file.duration)?;
        let from = match file.from {
            Some(Number(from)) => Some(self.positive("find.from", from)?),
            None => None,
        };
        let over = file.over?;
        let (goal, within) = (goal?, within?);
        let workload = self.one_workload(workloads)?;
        let own = match over {
            Axis::Rate => workload.arrival.rate().unwrap_or(FIRST_RATE),
            Axis::Concurrency => {
                workload.arrival.concurrency().map_or(FIRST_CONCURRENCY, f64::from)
            }
        };
        let duration = match workload.length {
            Length::Duration(own) => own,
            Length::Requests(_) => duration,
        };
        Some(Find { over, goal, within, rounds, duration, from: from.unwrap_or(own) })
    }

    fn share(&mut self, at: &str, text: &str, (least, most): (f64, f64)) -> Option<f64> {
        match parse_percent(text) {
            Ok(share) if (least..=most).contains(&share) => Some(share),
            Ok(_) => {
                let what = format!("is not within {} % and {} %", least * 100.0, most * 100.0);
                self.bad(at, what, "95 % of the requests, within 5 % of the load, is usual");
                None
            }
            Err(error) => {
                self.unit(at, error);
                None
            }
        }
    }

    /// The workload whose load is raised.
    fn one_workload<'a>(&mut self, workloads: &[&'a Workload]) -> Option<&'a Workload> {
        let [one] = workloads else {
            let what =
                format!("looks for the limit of one workload, and there are {}", workloads.len());
            self.bad("find", what, "say which: --workload NAME, without a list of levels");
            return None;
        };
        if one.slo == super::Slo::default() {
            self.bad(
                "find",
                "needs SLOs to meet",
                "say them: --slo ttft=500ms,tpot=50ms, or `slo` of the workload",
            );
            return None;
        }
        if matches!(one.arrival, Arrival::Trace { .. } | Arrival::Ramp { .. }) {
            self.bad(
                "find",
                "cannot raise the load of a trace or a ramp",
                "use poisson, constant, gamma, closed or sessions arrivals",
            );
            return None;
        }
        Some(one)
    }
}

impl Find {
    /// The workload at this load, as one of a family's levels. `number`: how many went before;
    /// each has arrivals and prompts of its own.
    pub fn at(&self, workload: &Workload, load: f64, number: u32) -> Workload {
        let (family, axis) = (workload.name.clone(), self.over);
        let suffix = match axis {
            Axis::Rate => 'r',
            Axis::Concurrency => 'c',
        };
        Workload {
            name: format!("{family}-{suffix}{load}"),
            arrival: at(&workload.arrival, axis, load),
            length: Length::Duration(self.duration),
            max_in_flight: workload.max_in_flight.filter(|_| axis == Axis::Rate),
            seed: workload.seed.wrapping_add(u64::from(number)),
            level: Some(Level { family, axis, value: load }),
            ..workload.clone()
        }
    }
}

/// The same process at another load.
fn at(arrival: &Arrival, axis: Axis, load: f64) -> Arrival {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole and above 0; what is too large for a u32 saturates"
    )]
    let concurrency = load.round().max(1.0) as u32;
    match (arrival, axis) {
        (Arrival::Sessions { think_time, .. }, axis) => Arrival::Sessions {
            begin: match axis {
                Axis::Rate => SessionBegin::Poisson { rate: load },
                Axis::Concurrency => SessionBegin::Closed { concurrency },
            },
            think_time: *think_time,
        },
        (_, Axis::Concurrency) => Arrival::Closed { concurrency },
        (Arrival::Constant { .. }, Axis::Rate) => Arrival::Constant { rate: load },
        (Arrival::Gamma { burstiness, .. }, Axis::Rate) => {
            Arrival::Gamma { rate: load, burstiness: *burstiness }
        }
        (_, Axis::Rate) => Arrival::Poisson { rate: load },
    }
}
