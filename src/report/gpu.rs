//! What the GPUs did over the rounds of a workload, chosen for people. Not here: what made a round
//! unfit (that is among the findings).

#[cfg(test)]
pub mod tests;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{say, text};
use crate::config::Lang;
use crate::evidence::gpu::{Clock, DeviceRound, EnergySource, Facts, RoundGpu, Throttle};
use crate::measure::stats::{mean, median};
use crate::record::WorkloadRecord;

/// Over all rounds. Absent is not told by the GPU.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GpuReport {
    pub devices: Vec<GpuDevice>,
    pub interval_ms: f64,
    /// CPU time of the sampler in its dearest round, of one core, 0 to 1.
    pub sampler_cpu_ratio: Option<f64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GpuDevice {
    pub index: u32,
    pub uuid: String,
    pub name: Option<String>,
    pub memory_peak_mib: Option<f64>,
    /// Mean of the rounds' means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mean_mib: Option<f64>,
    pub memory_total_mib: Option<f64>,
    pub utilisation_ratio: Option<f64>,
    /// Least, median of the rounds' medians, most.
    pub sm_clock: Option<Clock>,
    pub power_mean_w: Option<f64>,
    /// Of all rounds together.
    pub energy_j: Option<f64>,
    pub energy_source: Option<EnergySource>,
    pub temperature_max_c: Option<u32>,
    /// Share of the samples with each reason, mean of the rounds; idle is left out.
    pub throttle_ratio: BTreeMap<Throttle, f64>,
    pub ecc_corrected: Option<u64>,
    pub ecc_uncorrected: Option<u64>,
    pub pcie_replays: Option<u64>,
    /// Names of the values that this GPU does not tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsupported: Vec<String>,
}

const MIB: f64 = 1_048_576.0;

/// None where no round was watched.
pub fn report(workload: &WorkloadRecord, facts: Option<&Facts>) -> Option<GpuReport> {
    let rounds: Vec<&RoundGpu> = workload.rounds().filter_map(|(_, r)| r.gpu.as_ref()).collect();
    of_rounds(&rounds, facts)
}

fn of_rounds(rounds: &[&RoundGpu], facts: Option<&Facts>) -> Option<GpuReport> {
    let first = rounds.first()?;
    let of = |uuid: &str| -> Vec<&DeviceRound> {
        rounds.iter().filter_map(|r| r.devices.iter().find(|d| d.uuid == uuid)).collect()
    };
    Some(GpuReport {
        devices: first.devices.iter().map(|d| device(d, &of(&d.uuid), facts)).collect(),
        interval_ms: first.sampler.interval_ms,
        sampler_cpu_ratio: rounds.iter().filter_map(|r| r.sampler.cpu_ratio).reduce(f64::max),
    })
}

fn device(first: &DeviceRound, rounds: &[&DeviceRound], facts: Option<&Facts>) -> GpuDevice {
    let known = facts.and_then(|f| f.devices.iter().find(|d| d.uuid == first.uuid));
    let values = |of: fn(&DeviceRound) -> Option<f64>| {
        rounds.iter().filter_map(|r| of(r)).collect::<Vec<f64>>()
    };
    // Of all rounds, or of none: a sum over some would be too low.
    let sum =
        |of: fn(&DeviceRound) -> Option<u64>| rounds.iter().map(|r| of(r)).sum::<Option<u64>>();
    let sources: Vec<EnergySource> = rounds.iter().filter_map(|r| r.energy_source).collect();
    GpuDevice {
        index: first.index,
        uuid: first.uuid.clone(),
        name: known.and_then(|d| d.name.clone()),
        memory_peak_mib: values(|r| r.memory_peak_bytes.map(|b| b as f64 / MIB))
            .into_iter()
            .reduce(f64::max),
        memory_mean_mib: mean(&values(|r| r.memory_mean_bytes.map(|b| b as f64 / MIB))),
        memory_total_mib: known.and_then(|d| d.memory_total_bytes).map(|b| b as f64 / MIB),
        utilisation_ratio: mean(&values(|r| r.utilisation_mean_ratio)),
        sm_clock: clock(rounds),
        power_mean_w: mean(&values(|r| r.power_mean_w)),
        energy_j: rounds.iter().map(|r| r.energy_j).sum(),
        // One round by power makes the whole as good as that.
        energy_source: sources.into_iter().max(),
        temperature_max_c: rounds.iter().filter_map(|r| r.temperature_max_c).max(),
        throttle_ratio: throttle(rounds),
        ecc_corrected: sum(|r| r.ecc_corrected),
        ecc_uncorrected: sum(|r| r.ecc_uncorrected),
        pcie_replays: sum(|r| r.pcie_replays),
        unsupported: known.map(|d| d.unsupported.clone()).unwrap_or_default(),
    }
}

fn clock(rounds: &[&DeviceRound]) -> Option<Clock> {
    let all: Vec<Clock> = rounds.iter().filter_map(|r| r.sm_clock).collect();
    let medians: Vec<f64> = all.iter().map(|c| c.median_mhz).collect();
    Some(Clock {
        min_mhz: all.iter().map(|c| c.min_mhz).reduce(f64::min)?,
        median_mhz: median(&medians)?,
        max_mhz: all.iter().map(|c| c.max_mhz).reduce(f64::max)?,
    })
}

fn throttle(rounds: &[&DeviceRound]) -> BTreeMap<Throttle, f64> {
    let told: Vec<&BTreeMap<Throttle, f64>> =
        rounds.iter().filter_map(|r| r.throttle_ratio.as_ref()).collect();
    let mut sums: BTreeMap<Throttle, f64> = BTreeMap::new();
    for (reason, share) in
        told.iter().flat_map(|t| t.iter()).filter(|(reason, _)| **reason != Throttle::Idle)
    {
        *sums.entry(*reason).or_default() += share / told.len() as f64;
    }
    sums
}

/// One number of a GPU, for tables.
#[derive(Clone, Debug, PartialEq)]
pub struct GpuNumber {
    pub metric: String,
    /// `mib`, `ratio`, `mhz`, `w`, `j`, `c` or `count`.
    pub unit: &'static str,
    /// What it is of the samples: `value` of what does not change.
    pub statistic: &'static str,
    pub value: Option<f64>,
}

impl GpuDevice {
    /// All that is known of it in numbers.
    pub fn numbers(&self) -> Vec<GpuNumber> {
        let clock = |of: fn(Clock) -> f64| self.sm_clock.map(of);
        let counted = |n: Option<u64>| n.map(|n| n as f64);
        let fixed = [
            ("memory", "mib", "max", self.memory_peak_mib),
            ("memory", "mib", "mean", self.memory_mean_mib),
            ("memory_total", "mib", "value", self.memory_total_mib),
            ("utilisation", "ratio", "mean", self.utilisation_ratio),
            ("sm_clock", "mhz", "min", clock(|c| c.min_mhz)),
            ("sm_clock", "mhz", "p50", clock(|c| c.median_mhz)),
            ("sm_clock", "mhz", "max", clock(|c| c.max_mhz)),
            ("power", "w", "mean", self.power_mean_w),
            ("energy", "j", "sum", self.energy_j),
            ("temperature", "c", "max", self.temperature_max_c.map(f64::from)),
            ("ecc_corrected", "count", "sum", counted(self.ecc_corrected)),
            ("ecc_uncorrected", "count", "sum", counted(self.ecc_uncorrected)),
            ("pcie_replays", "count", "sum", counted(self.pcie_replays)),
        ];
        let number = |(metric, unit, statistic, value): (&str, _, _, _)| GpuNumber {
            metric: metric.into(),
            unit,
            statistic,
            value,
        };
        let held = |(by, share): (&Throttle, &f64)| {
            number((&format!("throttle_{}", by.key()), "ratio", "mean", Some(*share)))
        };
        fixed.into_iter().map(number).chain(self.throttle_ratio.iter().map(held)).collect()
    }
}

/// One line per GPU, with its number; then what watching cost.
pub fn lines(gpu: &GpuReport, lang: Lang) -> Vec<String> {
    let words = match lang {
        Lang::En => &EN,
        Lang::Ko => &say::ko::gpu::WORDS,
    };
    let cost = gpu.sampler_cpu_ratio.map(|share| {
        let every = text::value("ms", Some(gpu.interval_ms));
        (words.cost)(&every, &format!("{:.2} %", share * 100.0))
    });
    gpu.devices.iter().map(|device| line(device, words)).chain(cost).collect()
}

/// So many of something.
type Counted = fn(u64) -> String;

/// How a language says what a GPU did: parts of one line, each from its numbers.
pub struct GpuText {
    pub peak: fn(&str) -> String,
    pub average: fn(&str) -> String,
    pub busy: fn(&str) -> String,
    pub energy_source: fn(EnergySource) -> &'static str,
    /// Between the ends of a range.
    pub to: &'static str,
    pub hottest: fn(&str) -> String,
    pub held_back: fn(&str) -> String,
    pub throttle: fn(Throttle) -> &'static str,
    pub corrected: Counted,
    pub uncorrected: Counted,
    pub replays: Counted,
    pub not_told: fn(&str) -> String,
    /// The name of a value that a GPU does not tell.
    pub value: fn(&str) -> &str,
    /// The interval, and the share of one core.
    pub cost: fn(&str, &str) -> String,
}

const EN: GpuText = GpuText {
    peak: |mib| format!("{mib} MiB at peak"),
    average: |mib| format!("{mib} on average"),
    busy: |share| format!("{share} busy"),
    energy_source: EnergySource::name,
    to: " to ",
    hottest: |celsius| format!("up to {celsius}"),
    held_back: |by| format!("held back by {by}"),
    throttle: Throttle::name,
    corrected: |n| text::count(n, "corrected ECC error", "corrected ECC errors"),
    uncorrected: |n| text::count(n, "uncorrected ECC error", "uncorrected ECC errors"),
    replays: |n| text::count(n, "PCIe replay", "PCIe replays"),
    not_told: |names| format!("not available: {names}"),
    value: |name| name,
    cost: |every, share| format!("sampled every {every}, with {share} of one core"),
};

fn line(d: &GpuDevice, words: &GpuText) -> String {
    let per_cent = |share: f64| format!("{:.0} %", share * 100.0);
    let total = d.memory_total_mib.map_or_else(String::new, |t| format!("/{t:.0}"));
    let throttle: Vec<String> = d
        .throttle_ratio
        .iter()
        .map(|(reason, share)| format!("{} {}", (words.throttle)(*reason), per_cent(*share)))
        .collect();
    let source = d.energy_source.map_or("", words.energy_source);
    let counts: [(Counted, Option<u64>); 3] = [
        (words.corrected, d.ecc_corrected),
        (words.uncorrected, d.ecc_uncorrected),
        (words.replays, d.pcie_replays),
    ];
    let told = [
        d.memory_peak_mib.map(|peak| (words.peak)(&format!("{peak:.0}{total}"))),
        d.memory_mean_mib.map(|mean| (words.average)(&format!("{mean:.0}"))),
        d.utilisation_ratio.map(|share| (words.busy)(&per_cent(share))),
        d.power_mean_w.map(|w| format!("{w:.0} W")),
        d.energy_j.map(|j| format!("{} J ({source})", text::number(Some(j)))),
        d.sm_clock.map(|c| {
            format!("SM {:.0} MHz ({:.0}{}{:.0})", c.median_mhz, c.min_mhz, words.to, c.max_mhz)
        }),
        d.temperature_max_c.map(|c| (words.hottest)(&format!("{c} C"))),
        (!throttle.is_empty()).then(|| (words.held_back)(&throttle.join(", "))),
    ];
    let counted = counts.into_iter().filter_map(|(said, n)| n.filter(|n| *n > 0).map(said));
    let lacking: Vec<&str> = d.unsupported.iter().map(|name| (words.value)(name)).collect();
    let lacking = (!lacking.is_empty()).then(|| (words.not_told)(&lacking.join(", ")));
    let parts: Vec<String> = told.into_iter().flatten().chain(counted).chain(lacking).collect();
    let name = d.name.as_ref().map_or_else(String::new, |name| format!(" {}", text::plain(name)));
    format!("{}{name}: {}", d.index, parts.join(", "))
}
