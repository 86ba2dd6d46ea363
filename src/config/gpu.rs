//! `gpu`: whether and how GPUs are watched while a round runs, and what makes a round unfit. Wire
//! form, defaults and check in one place.
//!
//! Not here: what was seen (`evidence::gpu`), or the library that tells (`watch::gpu`).

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::Checker;
use super::wire::Span;

/// How GPUs are watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpu {
    pub watch: GpuWatch,
    /// Empty: those of `CUDA_VISIBLE_DEVICES`, else all.
    pub devices: Vec<GpuName>,
    /// Between two samples.
    pub interval: Duration,
    pub on_throttle: OnUnfit,
    pub on_foreign_process: OnUnfit,
    pub on_clock_change: OnUnfit,
    pub on_ecc_error: OnUnfit,
    pub on_lost: OnUnfit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GpuWatch {
    /// Where the server is on this machine and NVML can be loaded.
    Auto,
    /// As `auto`; a round without it makes the run INVALID.
    Required,
    Off,
}

/// What a finding on a GPU means for the measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnUnfit {
    /// A note in the report.
    Warn,
    Invalid,
}

/// An index as `nvidia-smi -L` shows it, or a UUID (its beginning is enough).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a GPU is an index such as 0, or a UUID such as GPU-8932f937")]
pub enum GpuName {
    Index(u32),
    Uuid(String),
}

/// Whether and how GPUs are watched while a round runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GpuFile {
    /// `auto` where the server is on this machine and the driver's library can be loaded;
    /// `required`: the run is INVALID without; `off`.
    pub watch: Option<GpuWatch>,
    /// GPUs by index or UUID; without it those of `CUDA_VISIBLE_DEVICES` (of `server.env`, else of
    /// the gate), else all.
    pub devices: Option<Vec<GpuName>>,
    /// Time between two samples, 10ms to 1s.
    pub interval: Option<Span>,
    /// When a GPU slowed itself down: heat, power brake, hardware slowdown. The power limit alone
    /// is normal under load.
    pub on_throttle: Option<OnUnfit>,
    /// When somebody else computed on the GPU.
    pub on_foreign_process: Option<OnUnfit>,
    /// When the median SM clock of a round is not that of the first.
    pub on_clock_change: Option<OnUnfit>,
    /// When an uncorrected ECC error was counted.
    pub on_ecc_error: Option<OnUnfit>,
    /// When a GPU fell off the bus, or its driver did not answer.
    pub on_lost: Option<OnUnfit>,
}

/// Slower than 1 s misses what happens in a round; faster than 10 ms costs a processor and says
/// nothing new, since drivers average longer.
const INTERVALS: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(10)..=Duration::from_secs(1);

impl GpuFile {
    /// This, and what it does not say from `base`.
    pub fn over(self, base: Self) -> Self {
        Self {
            watch: self.watch.or(base.watch),
            devices: self.devices.or(base.devices),
            interval: self.interval.or(base.interval),
            on_throttle: self.on_throttle.or(base.on_throttle),
            on_foreign_process: self.on_foreign_process.or(base.on_foreign_process),
            on_clock_change: self.on_clock_change.or(base.on_clock_change),
            on_ecc_error: self.on_ecc_error.or(base.on_ecc_error),
            on_lost: self.on_lost.or(base.on_lost),
        }
    }
}

impl Checker {
    /// With the defaults under it; `sim`: the target is the simulated server.
    pub fn gpu(&mut self, file: GpuFile, sim: bool) -> Option<Gpu> {
        let interval = file.interval?.0;
        if !INTERVALS.contains(&interval) {
            self.bad("gpu.interval", "must be from 10ms to 1s", "leave it out for 100ms");
        }
        let devices = file.devices.unwrap_or_default();
        for (i, device) in devices.iter().enumerate() {
            if matches!(device, GpuName::Uuid(text) if !text.starts_with("GPU-") && !text.starts_with("MIG-"))
            {
                let hint = "write an index such as 0, or a UUID as `goodput-gate gpu` and `nvidia-smi -L` show it: GPU-... or MIG-...";
                self.bad(&format!("gpu.devices[{i}]"), "is neither an index nor a UUID", hint);
            }
        }
        let watch = file.watch?;
        if sim && watch == GpuWatch::Required {
            self.bad(
                "gpu.watch",
                "the simulated server uses no GPU",
                "leave it out, or measure a real server",
            );
        }
        Some(Gpu {
            watch,
            devices,
            interval,
            on_throttle: file.on_throttle?,
            on_foreign_process: file.on_foreign_process?,
            on_clock_change: file.on_clock_change?,
            on_ecc_error: file.on_ecc_error?,
            on_lost: file.on_lost?,
        })
    }
}
