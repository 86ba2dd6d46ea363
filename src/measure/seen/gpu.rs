//! What is found of the GPUs during a round, and why there is no data of them, with the numbers.
//!
//! `Display` is the English. Not here: when it is found (`evidence::gpu`), other languages
//! (`report::say`).

use std::fmt;
use std::mem::discriminant;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::lang::{Text, bilingual};

/// `gpu` is its index and name, `GPU 0 (NVIDIA L4)`; `at_s` is seconds into the round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "the codes of a record")]
pub enum GpuSeen {
    /// It fell off the bus.
    GpuLost { gpu: String, at_s: f64 },
    /// `errors`: uncorrected.
    GpuEcc { gpu: String, errors: u64, at_s: f64 },
    GpuThrottled {
        gpu: String,
        reasons: Vec<Throttle>,
        /// Of the samples, 0 to 1.
        share: f64,
        at_s: f64,
        /// In the first of them.
        #[serde(flatten)]
        conditions: Conditions,
    },
    /// A process that is not the server's.
    GpuForeignProcess {
        gpu: String,
        pid: u32,
        name: Option<String>,
        memory_mib: Option<u64>,
        presence: Presence,
        at_s: f64,
    },
    /// Medians of the SM clock in this round and in the first.
    GpuClockMoved { gpu: String, mhz: f64, first_mhz: f64 },
    /// The driver did not answer at the end of the round.
    GpuDriverSilent { seconds: u64 },
    /// `gpu.watch` is required.
    GpuUnwatched { why: Unwatched },
}

/// What one sample tells of a throttled GPU.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Conditions {
    pub temperature_c: Option<u32>,
    pub sm_mhz: Option<u32>,
    pub power_w: Option<f64>,
}

/// By what a process is known not to be the server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// It computed there before the server was started.
    Before,
    /// Other processes there descend from the gate, and this one does not.
    NotOurs,
    Came,
    Went,
}

/// Why there is no GPU data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Unwatched {
    ServerElsewhere,
    /// `CUDA_VISIBLE_DEVICES` shows the server none.
    NoGpuVisible,
    NoNvml,
    /// `why`: as people read it; `nvml` is absent in records of earlier versions.
    NvmlFailed {
        why: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        nvml: Option<NvmlTrouble>,
    },
    /// The machine has NVIDIA GPUs all the same.
    GpusInDev {
        gpus: u64,
        why: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        nvml: Option<NvmlTrouble>,
    },
}

/// Why NVML cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NvmlTrouble {
    NoLibrary,
    NoDriver,
    NoPermission,
    /// As the library's error says.
    Other(String),
}

/// Why a GPU's clocks are not as high as they could be.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Throttle {
    Idle,
    ApplicationClocks,
    DisplayClocks,
    SyncBoost,
    /// The power limit: normal under load.
    PowerCap,
    SwThermal,
    HwSlowdown,
    HwThermal,
    PowerBrake,
}

/// What to do about a throttled GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    PowerSupply,
    HeatOrPower,
    Heat,
}

impl GpuSeen {
    /// The same kind of the same GPU, if with other numbers.
    pub fn is_alike(&self, other: &Self) -> bool {
        discriminant(self) == discriminant(other) && self.gpu() == other.gpu()
    }

    fn gpu(&self) -> Option<&str> {
        match self {
            Self::GpuLost { gpu, .. }
            | Self::GpuEcc { gpu, .. }
            | Self::GpuThrottled { gpu, .. }
            | Self::GpuForeignProcess { gpu, .. }
            | Self::GpuClockMoved { gpu, .. } => Some(gpu),
            Self::GpuDriverSilent { .. } | Self::GpuUnwatched { .. } => None,
        }
    }
}

impl NvmlTrouble {
    pub fn text(&self) -> Text {
        match self {
            Self::NoLibrary => bilingual!(
                "NVML (libnvidia-ml.so.1) cannot be loaded",
                "NVML(libnvidia-ml.so.1)을 불러올 수 없음"
            ),
            Self::NoDriver => bilingual!(
                "NVML is there, but the NVIDIA driver is not loaded",
                "NVML은 있으나 NVIDIA 드라이버가 로드되지 않음"
            ),
            Self::NoPermission => bilingual!(
                "NVML may not be used by this user",
                "이 사용자에게 NVML 사용 권한이 없음"
            ),
            Self::Other(why) => {
                bilingual!("NVML cannot be used: {why}", "NVML을 쓸 수 없음: {why}")
            }
        }
    }
}

impl Remedy {
    pub fn new(reasons: &[Throttle]) -> Self {
        match reasons {
            _ if reasons.contains(&Throttle::PowerBrake) => Self::PowerSupply,
            [Throttle::HwSlowdown] => Self::HeatOrPower,
            _ => Self::Heat,
        }
    }
}

impl Conditions {
    /// `(92 C, SM 1200 MHz, 300 W)`, after a blank; nothing where the GPU tells none.
    pub fn shown(&self) -> String {
        let parts = [
            self.temperature_c.map(|c| format!("{c} C")),
            self.sm_mhz.map(|mhz| format!("SM {mhz} MHz")),
            self.power_w.map(|w| format!("{w:.0} W")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
    }
}

impl Throttle {
    /// The GPU protects itself, and is slower for it than its clocks promise.
    pub const fn is_slowdown(self) -> bool {
        matches!(self, Self::SwThermal | Self::HwSlowdown | Self::HwThermal | Self::PowerBrake)
    }

    /// As JSON has it.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::ApplicationClocks => "application_clocks",
            Self::DisplayClocks => "display_clocks",
            Self::SyncBoost => "sync_boost",
            Self::PowerCap => "power_cap",
            Self::SwThermal => "sw_thermal",
            Self::HwSlowdown => "hw_slowdown",
            Self::HwThermal => "hw_thermal",
            Self::PowerBrake => "power_brake",
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::ApplicationClocks => "application clocks",
            Self::DisplayClocks => "display clocks",
            Self::SyncBoost => "sync boost",
            Self::PowerCap => "power limit",
            Self::SwThermal => "thermal slowdown (software)",
            Self::HwSlowdown => "hardware slowdown",
            Self::HwThermal => "thermal slowdown (hardware)",
            Self::PowerBrake => "power brake",
        }
    }
}

/// `process 7 (python) with 512 MiB`, in the words of a language for `process` and `with`.
pub fn process(word: &str, with: &str, pid: u32, name: Option<&str>, mib: Option<u64>) -> String {
    let name = name.map_or_else(String::new, |name| format!(" ({name})"));
    let memory = mib.map_or_else(String::new, |mib| format!("{with}{mib} MiB"));
    format!("{word} {pid}{name}{memory}")
}

impl fmt::Display for GpuSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GpuLost { gpu, at_s } => write!(
                f,
                "{gpu}: fell off the bus {at_s:.1} s into the round: see `dmesg | grep -i xid`, then reset it or restart the machine"
            ),
            Self::GpuEcc { gpu, errors, at_s } => write!(
                f,
                "{gpu}: {errors} uncorrected ECC errors {at_s:.1} s into the round: see `nvidia-smi -q -d ECC`, then reset or replace it"
            ),
            Self::GpuThrottled { gpu, reasons, share, at_s, conditions } => {
                let words: Vec<&str> = reasons.iter().map(|r| r.name()).collect();
                write!(
                    f,
                    "{gpu}: {} in {:.0} % of the samples, first {at_s:.1} s into the round{}: {}",
                    words.join(", "),
                    share * 100.0,
                    conditions.shown(),
                    Remedy::new(reasons)
                )
            }
            Self::GpuForeignProcess { gpu, pid, name, memory_mib, presence, at_s } => {
                let process = process("process", " with ", *pid, name.as_deref(), *memory_mib);
                let did = match presence {
                    Presence::Before => "was on it before the server was started".to_owned(),
                    Presence::NotOurs => {
                        format!("is not the server's, and was on it {at_s:.1} s into the round")
                    }
                    Presence::Came => format!("came to it {at_s:.1} s into the round"),
                    Presence::Went => format!("left it {at_s:.1} s into the round"),
                };
                write!(
                    f,
                    "{gpu}: {process} {did}: measure when nobody else uses the GPU, or choose another (gpu.devices)"
                )
            }
            Self::GpuClockMoved { gpu, mhz, first_mhz } => write!(
                f,
                "{gpu}: the median SM clock was {mhz:.0} MHz, and {first_mhz:.0} MHz in the first round ({:+.1} %): lock it \
                 (`sudo nvidia-smi -lgc MHZ`), or warm up longer",
                (mhz / first_mhz - 1.0) * 100.0
            ),
            Self::GpuDriverSilent { seconds } => write!(
                f,
                "the GPU driver did not answer within {seconds} s at the end of the round: see `nvidia-smi` and `dmesg | grep -i xid`"
            ),
            Self::GpuUnwatched { why } => write!(f, "{why}; gpu.watch is required"),
        }
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PowerSupply => {
                "the power supply asked for it: check the machine's power, or lower the GPU's limit (`sudo nvidia-smi -pl WATTS`)"
            }
            Self::HeatOrPower => {
                "heat or power: cool the machine, or lock clocks that it can hold (`sudo nvidia-smi -lgc MHZ`)"
            }
            Self::Heat => {
                "cool the machine, or lock clocks that it can hold (`sudo nvidia-smi -lgc MHZ`)"
            }
        })
    }
}

impl fmt::Display for Unwatched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ServerElsewhere => f.write_str("no GPU data: the server is on another machine"),
            Self::NoGpuVisible => {
                f.write_str("no GPU data: the server sees no GPU (CUDA_VISIBLE_DEVICES)")
            }
            Self::NoNvml => f.write_str("no GPU data: no NVML"),
            Self::NvmlFailed { why, .. } => write!(f, "no GPU data: {why}"),
            Self::GpusInDev { gpus: 1, why, .. } => {
                write!(f, "no GPU data, but /dev has an NVIDIA GPU: {why}")
            }
            Self::GpusInDev { gpus, why, .. } => {
                write!(f, "no GPU data, but /dev has {gpus} NVIDIA GPUs: {why}")
            }
        }
    }
}
