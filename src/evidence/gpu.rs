//! The GPU during a round: energy, memory, clocks, throttling; what makes the round unfit. Not
//! here: NVML (`watch::gpu`).

pub mod choice;
pub mod energy;
mod series;
mod summary;
#[cfg(test)]
mod tests;
pub mod validity;
pub mod values;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::measure::seen::gpu::Unwatched;

pub use crate::measure::seen::gpu::Throttle;
pub use series::Series;
pub use summary::{Watched, Window, round};

/// What one GPU said at one instant: the seam to a vendor's library. A value that the GPU does not
/// tell, or was not asked for this time, is absent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// Of the monotonic clock, before the first question.
    pub at_ns: u64,
    pub memory_used_bytes: Option<u64>,
    /// Share of the driver's last averaging period in which some kernel ran; 0 to 1. It says
    /// nothing of how much of the GPU that used.
    pub utilisation: Option<f64>,
    /// Share of that period in which memory was read or written.
    pub memory_utilisation: Option<f64>,
    pub sm_clock_mhz: Option<u32>,
    pub memory_clock_mhz: Option<u32>,
    pub power_w: Option<f64>,
    /// Counted by the GPU since its driver was loaded.
    pub energy_j: Option<f64>,
    pub temperature_c: Option<u32>,
    pub throttle: Option<Vec<Throttle>>,
    /// Volatile counts: since the driver was loaded.
    pub ecc_uncorrected: Option<u64>,
    pub ecc_corrected: Option<u64>,
    pub pcie_replays: Option<u64>,
    /// That compute; asked for less often than the rest.
    pub processes: Option<Vec<Process>>,
    /// The GPU fell off the bus.
    pub lost: bool,
}

/// A process that computes on a GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    pub pid: u32,
    pub name: Option<String>,
    pub owner: Owner,
    pub memory_bytes: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Started by the gate, or by what it started.
    Ours,
    Other,
    /// There is no such process here: it is in another container, or numbered otherwise outside.
    Unseen,
}

/// What is watched, and why not, where something is not. Recorded and not keyed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    pub driver: Option<String>,
    pub cuda: Option<String>,
    pub devices: Vec<Device>,
    /// Why no GPU was watched although there seems to be one, or the config asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unwatched: Option<String>,
    /// The same, typed; absent in older records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unwatched_why: Option<Unwatched>,
}

/// One GPU. Absent is not told by its driver.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Device {
    pub index: u32,
    pub uuid: String,
    pub name: Option<String>,
    pub memory_total_bytes: Option<u64>,
    pub persistence: Option<bool>,
    pub mig: Option<bool>,
    /// Of a MIG device, such as `3g.40gb`.
    pub mig_profile: Option<String>,
    /// Clients of the Multi-Process Service are on it.
    pub mps: Option<bool>,
    pub ecc: Option<bool>,
    pub power_limit_w: Option<f64>,
    pub application_sm_clock_mhz: Option<u32>,
    pub application_memory_clock_mhz: Option<u32>,
    pub max_sm_clock_mhz: Option<u32>,
    /// Names of the values that this GPU does not tell.
    pub unsupported: Vec<String>,
}

/// What the GPUs did in one round.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoundGpu {
    pub devices: Vec<DeviceRound>,
    pub sampler: Sampler,
}

/// What watching cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sampler {
    pub interval_ms: f64,
    /// CPU time of its thread.
    pub cpu_ms: f64,
    /// Of one core, 0 to 1; absent where no time passed.
    pub cpu_ratio: Option<f64>,
}

/// One GPU in one round. Only samples between the first send and the last end count, but for
/// counters, which are read on both sides.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceRound {
    pub index: u32,
    pub uuid: String,
    pub samples: u64,
    pub memory_peak_bytes: Option<u64>,
    pub memory_mean_bytes: Option<u64>,
    pub utilisation_mean_ratio: Option<f64>,
    pub memory_utilisation_mean_ratio: Option<f64>,
    pub sm_clock: Option<Clock>,
    pub memory_clock: Option<Clock>,
    pub power_mean_w: Option<f64>,
    pub energy_j: Option<f64>,
    pub energy_source: Option<EnergySource>,
    pub temperature_max_c: Option<u32>,
    /// Share of the samples with each reason; absent where the GPU does not tell.
    pub throttle_ratio: Option<BTreeMap<Throttle, f64>>,
    /// Counted during the round.
    pub ecc_uncorrected: Option<u64>,
    pub ecc_corrected: Option<u64>,
    pub pcie_replays: Option<u64>,
    pub processes: Option<Vec<ProcessSeen>>,
    /// Seconds into the round at which it had fallen off the bus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_at_s: Option<f64>,
    pub series: Series,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "stored fields carry their unit")]
pub struct Clock {
    pub min_mhz: f64,
    pub median_mhz: f64,
    pub max_mhz: f64,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum EnergySource {
    /// The GPU's own counter.
    Counter,
    /// Power over time, by trapezoids.
    Power,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProcessSeen {
    pub pid: u32,
    pub name: Option<String>,
    pub memory_peak_bytes: Option<u64>,
    /// Not the server's.
    pub foreign: bool,
}

impl EnergySource {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "energy counter",
            Self::Power => "integrated power",
        }
    }
}

impl Device {
    /// `GPU 0 (NVIDIA H100 80GB HBM3)`.
    pub fn label(&self) -> String {
        let name = self.name.as_ref().map_or_else(String::new, |name| format!(" ({name})"));
        format!("GPU {}{name}", self.index)
    }
}

impl Facts {
    /// Of no GPU, for a reason that every report says.
    pub fn unwatched(why: Option<Unwatched>) -> Self {
        let unwatched = why.as_ref().map(ToString::to_string);
        Self { unwatched, unwatched_why: why, ..Self::default() }
    }

    /// Why there is no GPU data, where the text says that.
    pub fn typed_unwatched(&self) -> Option<&Unwatched> {
        self.unwatched_why.as_ref().filter(|why| self.unwatched == Some(why.to_string()))
    }

    /// `2x NVIDIA H100 80GB HBM3`, in the order of the names; absent where nothing is watched, or
    /// some GPU has no name.
    pub fn model(&self) -> Option<String> {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for device in &self.devices {
            let profile = device
                .mig_profile
                .as_ref()
                .map_or_else(String::new, |profile| format!(" MIG {profile}"));
            *counts.entry(format!("{}{profile}", device.name.as_ref()?)).or_default() += 1;
        }
        let each: Vec<String> = counts
            .into_iter()
            .map(|(name, n)| if n == 1 { name } else { format!("{n}x {name}") })
            .collect();
        (!each.is_empty()).then(|| each.join(", "))
    }

    /// `550` of `550.54.15`: what a security update does not change.
    pub fn driver_major(&self) -> Option<&str> {
        self.driver.as_deref()?.split('.').next().filter(|_| !self.devices.is_empty())
    }

    /// What is recorded of the host: `NVIDIA L4, driver 550.54.15, CUDA 12.4`. None where some GPU
    /// has no name.
    pub fn summary(&self) -> Option<String> {
        let model = self.model()?;
        let driver = self.driver.as_ref().map_or_else(String::new, |v| format!(", driver {v}"));
        let cuda = self.cuda.as_ref().map_or_else(String::new, |v| format!(", CUDA {v}"));
        Some(format!("{model}{driver}{cuda}"))
    }
}

impl RoundGpu {
    /// What no run measures. Errors: the first such claim.
    pub fn check(&self) -> Result<(), String> {
        /// Joules: a year of a megawatt.
        const MOST_J: f64 = 3.2e13;
        let shares = |d: &DeviceRound| {
            let throttle =
                d.throttle_ratio.iter().flat_map(|t| t.values().copied().collect::<Vec<_>>());
            [d.utilisation_mean_ratio, d.memory_utilisation_mean_ratio]
                .into_iter()
                .flatten()
                .chain(throttle)
                .collect::<Vec<_>>()
        };
        for device in &self.devices {
            if shares(device).into_iter().any(|share| !(0.0..=1.0).contains(&share)) {
                return Err(format!("a share of GPU {} is not from 0 to 1", device.index));
            }
            if device.energy_j.is_some_and(|j| !(0.0..=MOST_J).contains(&j)) {
                return Err(format!("the energy of GPU {} is beyond any run", device.index));
            }
            // Sums over devices and rounds stay far from overflow.
            if device.memory_peak_bytes.is_some_and(|bytes| bytes > 1 << 50) {
                return Err(format!("the memory of GPU {} is beyond any GPU", device.index));
            }
        }
        Ok(())
    }
}
