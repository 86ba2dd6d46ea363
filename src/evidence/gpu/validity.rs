//! What the GPUs did that makes a round unfit, each with the sample that shows it and what to do.
//! Its weight is the config's (`gpu.on_*`).
//!
//! The power limit (`power_cap`) is no finding: under load it is how a GPU normally runs.

use std::collections::BTreeSet;

use super::{Device, Owner, Process, RoundGpu, Sample, Throttle, Watched, Window};
use crate::config::{Gpu, OnUnfit};
use crate::measure::validity::{Finding, GPU_CLOCK, GPU_FOREIGN_PROCESS, GPU_THROTTLE, Severity};

/// Prefill and decode time follow the SM clock about one to one, and 3 % is the method's smallest
/// minimum relevant change: a clock that moved by more can be a regression by itself.
const CLOCK_CHANGE: f64 = 0.03;

/// A process that is not the server's, and the sample that shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign<'a> {
    pub process: &'a Process,
    pub at_ns: u64,
    pub why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It computed there before the server was started.
    Before,
    /// Other processes there descend from the gate, and this one does not.
    NotOurs,
    Came,
    Went,
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
        let name = one.device.words();
        all.extend(lost(one, window).map(|seen| finding(policy.on_lost, "gpu_lost", &name, &seen)));
        all.extend(
            ecc(one, window).map(|seen| finding(policy.on_ecc_error, "gpu_ecc", &name, &seen)),
        );
        all.extend(
            throttle(one, window)
                .map(|seen| finding(policy.on_throttle, GPU_THROTTLE, &name, &seen)),
        );
        all.extend(foreign(&one.samples, tenants).first().map(|f| {
            finding(policy.on_foreign_process, GPU_FOREIGN_PROCESS, &name, &stranger(f, window))
        }));
        all.extend(
            clock(&one.device, round, first)
                .map(|seen| finding(policy.on_clock_change, GPU_CLOCK, &name, &seen)),
        );
    }
    all
}

/// That the driver did not answer at the end of a round.
pub fn silent(policy: &Gpu, seconds: u64) -> Finding {
    let seen = format!(
        "did not answer within {seconds} s at the end of the round: see `nvidia-smi` and `dmesg | grep -i xid`"
    );
    finding(policy.on_lost, "gpu_lost", "the GPU driver", &seen)
}

/// That nothing was watched although the config asks for it.
pub fn unwatched(why: &str) -> Finding {
    let message = format!("no GPU was watched, and gpu.watch is required: {why}");
    Finding::text(Severity::Invalid, "gpu_unwatched", message)
}

fn finding(on: OnUnfit, check: &str, who: &str, seen: &str) -> Finding {
    let severity = if on == OnUnfit::Invalid { Severity::Invalid } else { Severity::Note };
    Finding::text(severity, check, format!("{who}: {seen}"))
}

fn lost(watched: &Watched, window: Window) -> Option<String> {
    let sample = watched.samples.iter().find(|s| s.lost)?;
    let at = window.seconds(sample.at_ns);
    Some(format!(
        "fell off the bus {at:.1} s into the round: see `dmesg | grep -i xid`, then reset it or restart the machine"
    ))
}

fn ecc(watched: &Watched, window: Window) -> Option<String> {
    let told: Vec<(u64, u64)> =
        watched.samples.iter().filter_map(|s| Some((s.at_ns, s.ecc_uncorrected?))).collect();
    let rise = told.windows(2).find(|pair| pair[1].1 > pair[0].1)?;
    let at = window.seconds(rise[1].0);
    let count = rise[1].1 - rise[0].1;
    Some(format!(
        "{count} uncorrected ECC errors {at:.1} s into the round: `nvidia-smi -q -d ECC`, then reset or replace it"
    ))
}

fn throttle(watched: &Watched, window: Window) -> Option<String> {
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
    let words: Vec<&str> = reasons.iter().map(|r| r.words()).collect();
    let share = slowed.len() as f64 / told.len() as f64 * 100.0;
    let at = window.seconds(first.at_ns);
    Some(format!(
        "{} in {share:.0} % of the samples, first {at:.1} s into the round{}: {}",
        words.join(", "),
        conditions(first),
        remedy(&reasons)
    ))
}

fn conditions(sample: &Sample) -> String {
    let parts = [
        sample.temperature_c.map(|c| format!("{c} C")),
        sample.sm_clock_mhz.map(|mhz| format!("SM {mhz} MHz")),
        sample.power_w.map(|w| format!("{w:.0} W")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

fn remedy(reasons: &BTreeSet<Throttle>) -> &'static str {
    if reasons.contains(&Throttle::PowerBrake) {
        "the power supply asked for it: see to the machine's power, or lower the GPU's limit (`sudo nvidia-smi -pl WATTS`)"
    } else if reasons.contains(&Throttle::HwSlowdown) && reasons.len() == 1 {
        "heat or power: cool the machine, or lock clocks that it can hold (`sudo nvidia-smi -lgc MHZ`)"
    } else {
        "cool the machine, or lock clocks that it can hold (`sudo nvidia-smi -lgc MHZ`)"
    }
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
                _ if tenants.contains(&process.pid) => Some((*at, Why::Before)),
                _ if !in_list(told[0].1) => Some((*at, Why::Came)),
                Some(gone) => Some((gone, Why::Went)),
                None if ours_seen && process.owner == Owner::Other => Some((*at, Why::NotOurs)),
                None => None,
            };
            found.extend(seen.map(|(at_ns, why)| Foreign { process, at_ns, why }));
        }
    }
    found
}

fn stranger(foreign: &Foreign<'_>, window: Window) -> String {
    let Process { pid, name, memory_bytes, .. } = foreign.process;
    let name = name.as_ref().map_or_else(String::new, |name| format!(" ({name})"));
    let memory =
        memory_bytes.map_or_else(String::new, |bytes| format!(" with {} MiB", bytes >> 20));
    let at = window.seconds(foreign.at_ns);
    let why = match foreign.why {
        Why::Before => "computed on it before the server was started".to_owned(),
        Why::NotOurs => format!("which is not the server's, was on it {at:.1} s into the round"),
        Why::Came => format!("came to it {at:.1} s into the round"),
        Why::Went => format!("left it {at:.1} s into the round"),
    };
    format!(
        "process {pid}{name}{memory} {why}: measure when nobody else uses the GPU, or choose another (gpu.devices)"
    )
}

fn clock(device: &Device, round: &RoundGpu, first: Option<&RoundGpu>) -> Option<String> {
    let of = |round: &RoundGpu| {
        round.devices.iter().find(|d| d.uuid == device.uuid)?.sm_clock.map(|c| c.median_mhz)
    };
    let (now, then) = (of(round)?, of(first?)?);
    ((now / then - 1.0).abs() > CLOCK_CHANGE).then(|| {
        format!(
            "the median SM clock was {now:.0} MHz, and {then:.0} MHz in the first round ({:+.1} %): lock it (`sudo nvidia-smi -lgc MHZ`), or warm up longer",
            (now / then - 1.0) * 100.0
        )
    })
}
