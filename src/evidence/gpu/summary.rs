//! Samples of a round to what is stored of it. Absent is absent: a value that no sample has is
//! none. Not here: what makes it unfit (`validity`).

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Clock, Device, DeviceRound, ProcessSeen, RoundGpu, Sample, Sampler, Throttle, energy, series,
    validity,
};
use crate::measure::stats::{mean, median};

/// From the first send to the last end, on the monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub begin_ns: u64,
    pub end_ns: u64,
}

/// A GPU and its samples from just before the window to just after it, in the order of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Watched {
    pub device: Device,
    pub samples: Vec<Sample>,
}

impl Window {
    /// Into the round, in seconds; what came just before it is at 0.
    pub fn seconds(self, at_ns: u64) -> f64 {
        at_ns.saturating_sub(self.begin_ns) as f64 / 1e9
    }
}

impl Watched {
    /// The samples inside of a window, in which the load ran. A window that is shorter than the
    /// interval has those beside it.
    pub fn within(&self, window: Window) -> Vec<&Sample> {
        let here = |s: &&Sample| !s.lost && (window.begin_ns..=window.end_ns).contains(&s.at_ns);
        let inside: Vec<&Sample> = self.samples.iter().filter(here).collect();
        if inside.is_empty() { self.samples.iter().filter(|s| !s.lost).collect() } else { inside }
    }
}

/// `tenants`: processes that computed on some GPU before the server was started; none are known of
/// a server that ran already.
pub fn round(
    watched: &[Watched],
    window: Window,
    sampler: Sampler,
    tenants: &BTreeSet<u32>,
) -> RoundGpu {
    RoundGpu { devices: watched.iter().map(|w| device(w, window, tenants)).collect(), sampler }
}

fn device(watched: &Watched, window: Window, tenants: &BTreeSet<u32>) -> DeviceRound {
    let (all, inside) = (&watched.samples, watched.within(window));
    let values = |of: fn(&Sample) -> Option<f64>| -> Vec<f64> {
        inside.iter().filter_map(|s| of(s)).collect()
    };
    let memory: Vec<u64> = inside.iter().filter_map(|s| s.memory_used_bytes).collect();
    let energy = energy::joules(all, window);
    DeviceRound {
        index: watched.device.index,
        uuid: watched.device.uuid.clone(),
        samples: inside.len() as u64,
        memory_peak_bytes: memory.iter().max().copied(),
        memory_mean_bytes: whole_mean(&memory),
        utilisation_mean_ratio: mean(&values(|s| s.utilisation)),
        memory_utilisation_mean_ratio: mean(&values(|s| s.memory_utilisation)),
        sm_clock: clock(&values(|s| s.sm_clock_mhz.map(f64::from))),
        memory_clock: clock(&values(|s| s.memory_clock_mhz.map(f64::from))),
        power_mean_w: mean(&values(|s| s.power_w)),
        energy_j: energy.map(|(j, _)| j),
        energy_source: energy.map(|(_, source)| source),
        temperature_max_c: inside.iter().filter_map(|s| s.temperature_c).max(),
        throttle_ratio: throttle(&inside),
        ecc_uncorrected: counted(all, |s| s.ecc_uncorrected),
        ecc_corrected: counted(all, |s| s.ecc_corrected),
        pcie_replays: counted(all, |s| s.pcie_replays),
        processes: processes(all, tenants),
        lost_at_s: all.iter().find(|s| s.lost).map(|s| window.seconds(s.at_ns)),
        series: series::by_second(&inside, window),
    }
}

fn whole_mean(values: &[u64]) -> Option<u64> {
    let sum: u128 = values.iter().map(|v| u128::from(*v)).sum();
    u64::try_from(sum.checked_div(values.len() as u128)?).ok()
}

fn clock(mhz: &[f64]) -> Option<Clock> {
    let extreme = |of: fn(f64, f64) -> f64| mhz.iter().copied().reduce(of);
    Some(Clock {
        min_mhz: extreme(f64::min)?,
        median_mhz: median(mhz)?,
        max_mhz: extreme(f64::max)?,
    })
}

fn throttle(inside: &[&Sample]) -> Option<BTreeMap<Throttle, f64>> {
    let told: Vec<&Vec<Throttle>> = inside.iter().filter_map(|s| s.throttle.as_ref()).collect();
    let mut counts: BTreeMap<Throttle, usize> = BTreeMap::new();
    told.iter()
        .flat_map(|reasons| reasons.iter())
        .for_each(|reason| *counts.entry(*reason).or_default() += 1);
    (!told.is_empty()).then(|| {
        counts.into_iter().map(|(reason, n)| (reason, n as f64 / told.len() as f64)).collect()
    })
}

/// From the first to the last sample that has the counter; none of one reading, or where it went
/// back.
fn counted(all: &[Sample], of: fn(&Sample) -> Option<u64>) -> Option<u64> {
    let told: Vec<u64> = all.iter().filter_map(of).collect();
    let (first, last) = (told.first()?, told.last()?);
    if told.len() < 2 { None } else { last.checked_sub(*first) }
}

fn processes(all: &[Sample], tenants: &BTreeSet<u32>) -> Option<Vec<ProcessSeen>> {
    let told: Vec<_> = all.iter().filter_map(|s| s.processes.as_ref()).collect();
    let foreign = validity::foreign(all, tenants);
    let mut seen: BTreeMap<u32, ProcessSeen> = BTreeMap::new();
    for process in told.iter().flat_map(|list| list.iter()) {
        let is_foreign = foreign.iter().any(|f| f.process.pid == process.pid);
        let entry = seen.entry(process.pid).or_insert_with(|| ProcessSeen {
            pid: process.pid,
            name: process.name.clone(),
            memory_peak_bytes: None,
            foreign: is_foreign,
        });
        entry.memory_peak_bytes = entry.memory_peak_bytes.max(process.memory_bytes);
    }
    (!told.is_empty()).then(|| seen.into_values().collect())
}
