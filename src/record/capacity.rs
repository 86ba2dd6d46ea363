//! What a search for the highest load looked for, and what its levels came to. Not here: which load
//! came next, or what the limit is (`judge::capacity`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{LevelRecord, Record, RoundRecord, WorkloadRecord};
use crate::config::Axis;
use crate::judge::capacity::{Asked, START_SD, Trial};
use crate::measure::columns::millis;
use crate::measure::validity::Severity;
use crate::measure::{Good, SloMs};

/// What `run --find` looked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FindRecord {
    /// Of its levels.
    pub family: String,
    pub axis: Axis,
    /// Share of the requests that must be within every SLO.
    pub goal_ratio: f64,
    /// How far the ends of the interval may be from the limit.
    pub within_ratio: f64,
    pub most_rounds: u32,
    /// The first load: per second, or in flight.
    pub first: f64,
}

/// The least and the most that is tried: a request in 100 s, and more than any server takes.
const LEAST_RATE: f64 = 0.01;
const MOST_RATE: f64 = 1e5;
const MOST_CONCURRENCY: f64 = 10_000.0;

impl FindRecord {
    pub fn asked(&self) -> Asked {
        let (least, most) = match self.axis {
            Axis::Rate => (LEAST_RATE, MOST_RATE),
            Axis::Concurrency => (1.0, MOST_CONCURRENCY),
        };
        Asked {
            goal: self.goal_ratio,
            within: self.within_ratio,
            most_rounds: self.most_rounds as usize,
            first: self.first,
            least,
            most,
            whole: self.axis == Axis::Concurrency,
            start_sd: START_SD,
        }
    }

    /// Its levels, each with its load.
    pub fn levels<'a>(
        &self,
        record: &'a Record,
    ) -> impl Iterator<Item = (f64, &'a WorkloadRecord)> + use<'a, '_> {
        record.workloads.iter().filter_map(|workload| match &workload.load.detail.level {
            Some(LevelRecord { family, axis, value })
                if *family == self.family && *axis == self.axis =>
            {
                Some((*value, workload))
            }
            _ => None,
        })
    }

    /// Every round that is fit, in the order in which they were measured.
    pub fn trials(&self, record: &Record) -> Vec<Trial> {
        let mut trials: Vec<(u32, Trial)> = Vec::new();
        for (load, workload) in self.levels(record) {
            let fit = workload.rounds().filter(|(_, round)| is_fit(round));
            trials.extend(fit.map(|(start, r)| (r.order, trial(workload, r, start, load))));
        }
        trials.sort_by_key(|(order, _)| *order);
        trials.into_iter().map(|(_, trial)| trial).collect()
    }
}

/// A late client says nothing of the server.
fn is_fit(round: &RoundRecord) -> bool {
    round.findings.iter().all(|finding| finding.severity != Severity::Invalid)
        || round.columns.completed() == 0
}

fn trial(workload: &WorkloadRecord, round: &RoundRecord, start: u32, load: f64) -> Trial {
    let slo: SloMs = workload.slo.into();
    let measured = round.columns.to_round(&round.context(start, &workload.load));
    let good = Good::over([&measured], |row| row.meets(&slo));
    let completed = round.columns.completed() as f64;
    let seconds = round.duration_us as f64 / 1e6;
    Trial {
        start,
        load,
        offered: offered(round).filter(|_| workload.load.open_loop).unwrap_or(load),
        met: good.met as u64,
        scheduled: good.scheduled as u64,
        reached: (seconds > 0.0).then(|| completed / seconds),
    }
}

/// Planned arrivals per second, whether they were sent or not.
fn offered(round: &RoundRecord) -> Option<f64> {
    let starts: Vec<u64> = round.columns.start_us.iter().flatten().collect();
    let (first, last) = (*starts.iter().min()?, *starts.iter().max()?);
    let gaps = starts.len().checked_sub(1)? as f64;
    (last > first).then(|| gaps / (millis(last - first) / 1000.0))
}
