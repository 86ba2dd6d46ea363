//! The highest load that meets the SLOs, as a search found it: the limit with its interval, what
//! breaks above it, or why there is none. Not here: the search (`judge::capacity`).

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::sweep::bend::level_name;
use crate::config::Axis;
use crate::evidence::server::why::{Because, Concern, why};
use crate::judge::capacity::{Limit, Refusal, Step, fit, next};
use crate::measure::SloMs;
use crate::metric::{Metric, SloKind, Stat, Timing};
use crate::record::{Record, WorkloadRecord};

/// What a search came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Capacity {
    /// Name of its levels.
    pub family: String,
    pub axis: Axis,
    /// Share of the requests that must be within every SLO.
    pub goal_ratio: f64,
    pub within_ratio: f64,
    pub rounds: u32,
    /// Per second, or in flight, with its 95 % interval; absent where none can be named.
    pub limit: Option<Limit>,
    /// Why there is none, or why it is not known as well as was asked.
    pub refusal: Option<Refusal>,
    /// What most requests miss at the lowest loads above the limit.
    pub breaks: Option<Breaks>,
}

/// What is missed first.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Breaks {
    pub what: Broken,
    /// Share of the requests there that miss it, and the load.
    pub missed_ratio: f64,
    pub at: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Broken {
    Ttft,
    Tpot,
    E2e,
    /// Requests that failed, or were not sent before the round was stopped.
    Failures,
}

/// Of a record that a search made, with what its server's own metrics say about the break.
pub fn capacity(record: &Record) -> Option<(Capacity, Option<Because>)> {
    let find = record.find.as_ref()?;
    let (trials, asked) = (find.trials(record), find.asked());
    let (limit, refusal) = match next(&trials, &asked) {
        Step::Found(limit) => (Some(limit), None),
        Step::Refused(Refusal::Unresolved { limit }) => {
            (limit, Some(Refusal::Unresolved { limit }))
        }
        Step::Refused(why) => (None, Some(why)),
        // Stopped before its end.
        Step::Measure(_) => {
            let brackets = |limit: &Limit| {
                let (low, high) = (limit.at * 0.9, limit.at * 1.1);
                trials.iter().any(|t| t.load < high && t.share() >= asked.goal)
                    && trials.iter().any(|t| t.load > low && t.share() < asked.goal)
            };
            let fitted = fit(&trials, asked.goal, asked.start_sd).map(|(limit, _)| limit);
            let limit = fitted.filter(brackets);
            (limit, Some(Refusal::Unresolved { limit }))
        }
    };
    let mut levels: Vec<(f64, &WorkloadRecord)> = find.levels(record).collect();
    levels.sort_by(|a, b| a.0.total_cmp(&b.0));
    let at = limit.map(|limit| limit.at);
    // The first that misses the goal: chance may let a load above the limit meet it.
    let misses = |load: f64| {
        let mut here = trials.iter().filter(|t| (t.load - load).abs() <= 0.0);
        here.any(|t| t.share() < asked.goal)
    };
    let above = at.and_then(|at| levels.iter().find(|(load, _)| *load > at && misses(*load)));
    let below = at.and_then(|at| levels.iter().rev().find(|(load, _)| *load <= at));
    let breaks = above.and_then(|(load, workload)| breaks(*load, workload));
    let because = breaks.zip(below).zip(above).and_then(|((breaks, below), above)| {
        let (concern, timing) = match breaks.what {
            Broken::Ttft => (Concern::FirstToken, Timing::Ttft),
            Broken::Tpot => (Concern::LaterTokens, Timing::Tpot),
            Broken::E2e | Broken::Failures => (Concern::Both, Timing::E2e),
        };
        let mean = below.1.pooled_values().ok()?.get(&Metric::Timing(timing, Stat::Mean)).copied();
        why(concern, mean, &below.1.server_values(), &above.1.server_values())
    });
    let rounds = u32::try_from(trials.len()).unwrap_or(u32::MAX);
    let (family, axis) = (find.family.clone(), find.axis);
    let (goal_ratio, within_ratio) = (find.goal_ratio, find.within_ratio);
    let capacity =
        Capacity { family, axis, goal_ratio, within_ratio, rounds, limit, refusal, breaks };
    Some((capacity, because))
}

fn breaks(at: f64, workload: &WorkloadRecord) -> Option<Breaks> {
    let slo: SloMs = workload.slo.into();
    let rows: Vec<_> =
        workload.method_rounds().iter().flat_map(|round| round.after_ramp().to_vec()).collect();
    let all = rows.len() as f64;
    let share = |missed: usize| missed as f64 / all;
    let kinds =
        [(Broken::Ttft, SloKind::Ttft), (Broken::Tpot, SloKind::Tpot), (Broken::E2e, SloKind::E2e)];
    let missed = |kind| rows.iter().filter(|r| r.ok && !r.meets_kind(&slo, kind)).count();
    let failed = (Broken::Failures, rows.iter().filter(|r| !r.ok).count());
    let asked = kinds.into_iter().filter(|(_, kind)| slo.limit(*kind).is_some());
    let counted = asked.map(|(broken, kind)| (broken, missed(kind))).chain([failed]);
    // The first of those that are as many.
    let most = counted.fold(None, |best: Option<(Broken, usize)>, next| match best {
        Some(best) if best.1 >= next.1 => Some(best),
        _ => Some(next),
    });
    most.filter(|(_, n)| *n > 0).map(|(what, n)| Breaks { what, missed_ratio: share(n), at })
}

impl Broken {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ttft => "TTFT",
            Self::Tpot => "TPOT",
            Self::E2e => "E2E",
            Self::Failures => "failures",
        }
    }
}

/// Whole requests in flight: what is held, not what is just missed.
pub fn level(axis: Axis, load: f64) -> f64 {
    match axis {
        Axis::Concurrency => load.floor(),
        // Three digits: no interval is narrower than that.
        Axis::Rate => format!("{load:.2e}").parse().unwrap_or(load),
    }
}

/// The same in Korean.
pub fn korean(capacity: &Capacity) -> String {
    super::say::ko::capacity::capacity(capacity)
}

impl fmt::Display for Capacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |load: f64| level_name(self.axis, level(self.axis, load));
        let goal = format!("{} % of the requests within the SLOs", round(self.goal_ratio * 100.0));
        match (&self.limit, &self.refusal) {
            (Some(Limit { at, low, high }), refusal) => {
                let (low, high) = (level(self.axis, *low), level(self.axis, *high));
                write!(f, "holds {} ({low} to {high}) with {goal}", name(*at))?;
                if refusal.is_some() {
                    let within = round(self.within_ratio * 100.0);
                    write!(f, ", not known within {within} % after {} rounds", self.rounds)?;
                }
            }
            (None, Some(Refusal::NoneMeets { lowest, share })) => write!(
                f,
                "no load meets the goal of {goal}: {:.1} % at {}, the lowest that was tried",
                share * 100.0,
                name(*lowest)
            )?,
            (None, Some(Refusal::AllMeet { highest })) => write!(
                f,
                "not bracketed: every load up to {} meets the goal of {goal}",
                name(*highest)
            )?,
            (None, _) => write!(
                f,
                "not bracketed: after {} rounds no limit can be named for {goal}",
                self.rounds
            )?,
        }
        if let Some(Breaks { what, missed_ratio, at }) = &self.breaks {
            let (missed, at) = (missed_ratio * 100.0, name(*at));
            match what {
                Broken::Failures => {
                    write!(f, "; above it requests fail first: {missed:.1} % at {at}")?;
                }
                what => write!(
                    f,
                    "; above it {} breaks first: {missed:.1} % miss it at {at}",
                    what.name()
                )?,
            }
        }
        Ok(())
    }
}

/// Without a fraction where there is none.
pub fn round(percent: f64) -> f64 {
    (percent * 10.0).round() / 10.0
}
