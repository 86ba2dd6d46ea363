//! What the GPUs did that makes a round unfit, each with the sample that shows it and what to do.
//! Its weight is the config's (`gpu.on_*`).
//!
//! The power limit (`power_cap`) is no finding: under load it is how a GPU normally runs.

use std::collections::BTreeSet;

use super::{Device, Owner, Process, RoundGpu, Sample, Throttle, Watched, Window};
use crate::config::{Gpu, OnUnfit};
use crate::measure::seen::gpu::{Conditions, GpuSeen, Presence, Unwatched};
use crate::measure::validity::{Finding, GPU_CLOCK, GPU_FOREIGN_PROCESS, GPU_THROTTLE, Severity};

/// Prefill and decode time follow the SM clock about one to one, and 3 % is the method's smallest
/// minimum relevant change: a clock that moved by more can be a regression by itself.
const CLOCK_CHANGE: f64 = 0.03;

const GPU_LOST: &str = "gpu_lost";

/// A process that is not the server's, and the sample that shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign<'a> {
    pub process: &'a Process,
    pub at_ns: u64,
    pub why: Presence,
}

/// Of one round. `first`: the first round of the workload, where this is a later one.
pub fn findings(
    watched: &[Watched],
    window: Window,
    round: &RoundGpu,
    first: Option<&RoundGpu>,
    tenants: &BTreeSet<u32>,
    policy: &Gpu,
) -> Vec<Finding> {
    let mut all = Vec::new();
    for one in watched {
        let name = || one.device.label();
        all.extend(
            lost(one, window).map(|at_s| {
                finding(policy.on_lost, GPU_LOST, GpuSeen::GpuLost { gpu: name(), at_s })
            }),
        );
        all.extend(ecc(one, window).map(|(errors, at_s)| {
            finding(policy.on_ecc_error, "gpu_ecc", GpuSeen::GpuEcc { gpu: name(), errors, at_s })
        }));
        all.extend(
            throttle(one, window).map(|seen| finding(policy.on_throttle, GPU_THROTTLE, seen)),
        );
        all.extend(foreign(&one.samples, tenants).first().map(|f| {
            let seen = stranger(f, name(), window);
            finding(policy.on_foreign_process, GPU_FOREIGN_PROCESS, seen)
        }));
        all.extend(
            clock(&one.device, round, first)
                .map(|seen| finding(policy.on_clock_change, GPU_CLOCK, seen)),
        );
    }
    all
}

/// That the driver did not answer at the end of a round.
pub fn silent(policy: &Gpu, seconds: u64) -> Finding {
    finding(policy.on_lost, GPU_LOST, GpuSeen::GpuDriverSilent { seconds })
}

/// That nothing was watched although the config asks for it.
pub fn unwatched(why: &Unwatched) -> Finding {
    let seen = GpuSeen::GpuUnwatched { why: why.clone() };
    Finding::new(Severity::Invalid, "gpu_unwatched", seen)
}

fn finding(on: OnUnfit, check: &str, seen: GpuSeen) -> Finding {
    let severity = if on == OnUnfit::Invalid { Severity::Invalid } else { Severity::Note };
    Finding::new(severity, check, seen)
}

/// Seconds into the round.
fn lost(watched: &Watched, window: Window) -> Option<f64> {
    watched.samples.iter().find(|s| s.lost).map(|sample| window.seconds(sample.at_ns))
}

/// How many errors, and the second into the round.
fn ecc(watched: &Watched, window: Window) -> Option<(u64, f64)> {
    let told: Vec<(u64, u64)> =
        watched.samples.iter().filter_map(|s| Some((s.at_ns, s.ecc_uncorrected?))).collect();
    let rise = told.windows(2).find(|pair| pair[1].1 > pair[0].1)?;
    Some((rise[1].1 - rise[0].1, window.seconds(rise[1].0)))
}

fn throttle(watched: &Watched, window: Window) -> Option<GpuSeen> {
    let inside = watched.within(window);
    let told: Vec<(&Sample, Vec<Throttle>)> = inside
        .iter()
        .filter_map(|s| {
            Some((*s, s.throttle.as_ref()?.iter().copied().filter(|t| t.is_slowdown()).collect()))
        })
        .collect();
    let slowed: Vec<&(&Sample, Vec<Throttle>)> =
        told.iter().filter(|(_, reasons)| !reasons.is_empty()).collect();
    let (first, _) = slowed.first()?;
    let reasons: BTreeSet<Throttle> =
        slowed.iter().flat_map(|(_, reasons)| reasons.iter().copied()).collect();
    Some(GpuSeen::GpuThrottled {
        gpu: watched.device.label(),
        reasons: reasons.into_iter().collect(),
        share: slowed.len() as f64 / told.len() as f64,
        at_s: window.seconds(first.at_ns),
        conditions: Conditions {
            temperature_c: first.temperature_c,
            sm_mhz: first.sm_clock_mhz,
            power_w: first.power_w,
        },
    })
}

/// Processes that are not the server's, by what is known of each: one that descends from the gate
/// never is. Of the others it is one that was there before the server, one that came or went during
/// the round, and, where the server's own processes are seen, any other that is seen.
pub fn foreign<'a>(samples: &'a [Sample], tenants: &BTreeSet<u32>) -> Vec<Foreign<'a>> {
    let told: Vec<(u64, &Vec<Process>)> =
        samples.iter().filter_map(|s| Some((s.at_ns, s.processes.as_ref()?))).collect();
    let ours_seen = told.iter().flat_map(|(_, list)| list.iter()).any(|p| p.owner == Owner::Ours);
    let mut found: Vec<Foreign<'_>> = Vec::new();
    for (i, (at, list)) in told.iter().enumerate() {
        for process in list.iter().filter(|p| p.owner != Owner::Ours) {
            if found.iter().any(|f| f.process.pid == process.pid) {
                continue;
            }
            let in_list = |list: &[Process]| list.iter().any(|p| p.pid == process.pid);
            let gone = told[i..].iter().find(|(_, later)| !in_list(later)).map(|(at, _)| *at);
            let seen = match gone {
                _ if tenants.contains(&process.pid) => Some((*at, Presence::Before)),
                _ if !in_list(told[0].1) => Some((*at, Presence::Came)),
                Some(gone) => Some((gone, Presence::Went)),
                None if ours_seen && process.owner == Owner::Other => {
                    Some((*at, Presence::NotOurs))
                }
                None => None,
            };
            found.extend(seen.map(|(at_ns, why)| Foreign { process, at_ns, why }));
        }
    }
    found
}

fn stranger(foreign: &Foreign<'_>, gpu: String, window: Window) -> GpuSeen {
    let Process { pid, name, memory_bytes, .. } = foreign.process;
    GpuSeen::GpuForeignProcess {
        gpu,
        pid: *pid,
        name: name.clone(),
        memory_mib: memory_bytes.map(|bytes| bytes >> 20),
        presence: foreign.why,
        at_s: window.seconds(foreign.at_ns),
    }
}

fn clock(device: &Device, round: &RoundGpu, first: Option<&RoundGpu>) -> Option<GpuSeen> {
    let of = |round: &RoundGpu| {
        round.devices.iter().find(|d| d.uuid == device.uuid)?.sm_clock.map(|c| c.median_mhz)
    };
    let (mhz, first_mhz) = (of(round)?, of(first?)?);
    ((mhz / first_mhz - 1.0).abs() > CLOCK_CHANGE).then(|| GpuSeen::GpuClockMoved {
        gpu: device.label(),
        mhz,
        first_mhz,
    })
}
