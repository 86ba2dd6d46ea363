//! Questions to NVML, and its answers in our terms. What it refuses or does not know is absent. Not
//! here: when it is asked.

use std::cell::Cell;

use nvml_wrapper::bitmasks::device::ThrottleReasons;
use nvml_wrapper::enum_wrappers::device::{Clock, EccCounter, MemoryError, TemperatureSensor};
use nvml_wrapper::enums::device::UsedGpuMemory;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device as Handle, Nvml, cuda_driver_version_major, cuda_driver_version_minor};

use super::owner::Owners;
use crate::clock::monotonic_ns;
use crate::evidence::gpu::{Device, Process, Sample, Throttle};
use crate::measure::seen::gpu::NvmlTrouble;

/// One GPU that is asked; also one that could not be found again.
pub struct GpuHandle<'a> {
    handle: Result<Handle<'a>, NvmlError>,
    /// Some answer was that the GPU is lost.
    lost: Cell<bool>,
}

/// Errors: why there is no NVML.
pub fn open() -> Result<Nvml, NvmlTrouble> {
    Nvml::init().map_err(|e| match e {
        NvmlError::LibloadingError(_) => NvmlTrouble::NoLibrary,
        NvmlError::DriverNotLoaded => NvmlTrouble::NoDriver,
        NvmlError::NoPermission => NvmlTrouble::NoPermission,
        other => NvmlTrouble::Other(other.to_string()),
    })
}

/// Index and UUID of each GPU, then of the MIG devices; and how many of them are GPUs. One without
/// a UUID cannot be found again.
pub fn devices(nvml: &Nvml) -> (Vec<(u32, String)>, usize) {
    let handles: Vec<(u32, Handle<'_>)> = (0..nvml.device_count().unwrap_or(0))
        .filter_map(|i| Some((i, nvml.device_by_index(i).ok()?)))
        .collect();
    let mut all: Vec<(u32, String)> =
        handles.iter().filter_map(|(i, handle)| Some((*i, handle.uuid().ok()?))).collect();
    let whole = all.len();
    for (index, handle) in
        handles.iter().filter(|(_, h)| h.mig_mode().is_ok_and(|mode| mode.current == 1))
    {
        let parts = (0..handle.mig_device_count().unwrap_or(0))
            .filter_map(|i| handle.mig_device_by_index(i).ok());
        all.extend(parts.filter_map(|part| Some((*index, part.uuid().ok()?))));
    }
    (all, whole)
}

/// Of the driver and of the CUDA that it brings.
pub fn versions(nvml: &Nvml) -> (Option<String>, Option<String>) {
    let cuda =
        |v: i32| format!("{}.{}", cuda_driver_version_major(v), cuda_driver_version_minor(v));
    (nvml.sys_driver_version().ok(), nvml.sys_cuda_driver_version().ok().map(cuda))
}

impl<'a> GpuHandle<'a> {
    pub fn new(nvml: &'a Nvml, uuid: &str) -> Self {
        Self { handle: nvml.device_by_uuid(uuid), lost: Cell::new(false) }
    }

    /// `slow`: also processes and counters of faults.
    pub fn sample(&self, slow: bool, owners: &mut Owners) -> Sample {
        self.lost.set(matches!(self.handle, Err(NvmlError::GpuLost)));
        let mut sample = Sample {
            at_ns: monotonic_ns(),
            // These first: they are what is integrated over time.
            power_w: self.ask(Handle::power_usage).map(|mw| f64::from(mw) / 1000.0),
            energy_j: self.ask(Handle::total_energy_consumption).map(|mj| mj as f64 / 1000.0),
            memory_used_bytes: self.ask(Handle::memory_info).map(|m| m.used),
            sm_clock_mhz: self.ask(|h| h.clock_info(Clock::SM)),
            memory_clock_mhz: self.ask(|h| h.clock_info(Clock::Memory)),
            temperature_c: self.ask(|h| h.temperature(TemperatureSensor::Gpu)),
            throttle: self.ask(Handle::current_throttle_reasons).map(reasons),
            ..Sample::default()
        };
        if let Some(utilisation) = self.ask(Handle::utilization_rates) {
            sample.utilisation = share(utilisation.gpu);
            sample.memory_utilisation = share(utilisation.memory);
        }
        if slow {
            sample.ecc_uncorrected =
                self.ask(|h| h.total_ecc_errors(MemoryError::Uncorrected, EccCounter::Volatile));
            sample.ecc_corrected =
                self.ask(|h| h.total_ecc_errors(MemoryError::Corrected, EccCounter::Volatile));
            sample.pcie_replays = self.ask(Handle::pcie_replay_counter).map(u64::from);
            sample.processes =
                self.ask(Handle::running_compute_processes).map(|all| named(&all, owners));
        }
        sample.lost = self.lost.get();
        sample
    }

    pub fn processes(&self, owners: &mut Owners) -> Vec<Process> {
        self.ask(Handle::running_compute_processes)
            .map(|all| named(&all, owners))
            .unwrap_or_default()
    }

    /// What it is; `sample` is one with everything, and says what this GPU does not tell.
    pub fn device(&self, index: u32, uuid: &str, sample: &Sample) -> Device {
        let name = self.ask(Handle::name);
        let (name, mig_profile) = match name.as_deref().and_then(|n| n.split_once(" MIG ")) {
            Some((model, profile)) => (Some(model.to_owned()), Some(profile.to_owned())),
            None => (name, None),
        };
        Device {
            index,
            uuid: uuid.to_owned(),
            name,
            memory_total_bytes: self.ask(Handle::memory_info).map(|m| m.total),
            persistence: self.ask(Handle::is_in_persistent_mode),
            mig: self.ask(Handle::mig_mode).map(|mode| mode.current == 1),
            mig_profile,
            mps: self.ask(Handle::mps_running_compute_processes).map(|clients| !clients.is_empty()),
            ecc: self.ask(Handle::is_ecc_enabled).map(|state| state.currently_enabled),
            power_limit_w: self.ask(Handle::enforced_power_limit).map(|mw| f64::from(mw) / 1000.0),
            application_sm_clock_mhz: self.ask(|h| h.applications_clock(Clock::SM)),
            application_memory_clock_mhz: self.ask(|h| h.applications_clock(Clock::Memory)),
            max_sm_clock_mhz: self.ask(|h| h.max_clock_info(Clock::SM)),
            unsupported: unsupported(sample),
        }
    }

    fn ask<T>(&self, question: impl FnOnce(&Handle<'a>) -> Result<T, NvmlError>) -> Option<T> {
        let answer = question(self.handle.as_ref().ok()?);
        if matches!(answer, Err(NvmlError::GpuLost)) {
            self.lost.set(true);
        }
        answer.ok()
    }
}

/// Said once, of a GPU that answers.
fn unsupported(sample: &Sample) -> Vec<String> {
    let all = [
        ("memory", sample.memory_used_bytes.is_none()),
        ("utilisation", sample.utilisation.is_none()),
        ("SM clock", sample.sm_clock_mhz.is_none()),
        ("memory clock", sample.memory_clock_mhz.is_none()),
        ("power", sample.power_w.is_none()),
        ("energy counter", sample.energy_j.is_none()),
        ("temperature", sample.temperature_c.is_none()),
        ("throttle reasons", sample.throttle.is_none()),
        ("ECC errors", sample.ecc_uncorrected.is_none()),
        ("PCIe replays", sample.pcie_replays.is_none()),
        ("processes", sample.processes.is_none()),
    ];
    all.into_iter()
        .filter(|(_, absent)| *absent && !sample.lost)
        .map(|(name, _)| name.to_owned())
        .collect()
}

fn named(
    all: &[nvml_wrapper::struct_wrappers::device::ProcessInfo],
    owners: &mut Owners,
) -> Vec<Process> {
    let process = |p: &nvml_wrapper::struct_wrappers::device::ProcessInfo| {
        let (name, owner) = owners.owner_of_pid(p.pid);
        let memory_bytes = match p.used_gpu_memory {
            UsedGpuMemory::Used(bytes) => Some(bytes),
            UsedGpuMemory::Unavailable => None,
        };
        Process { pid: p.pid, name, owner, memory_bytes }
    };
    all.iter().map(process).collect()
}

/// More than 100 % is no share: some drivers say so of a GPU that they cannot read.
fn share(percent: u32) -> Option<f64> {
    (percent <= 100).then(|| f64::from(percent) / 100.0)
}

fn reasons(bits: ThrottleReasons) -> Vec<Throttle> {
    let all = [
        (ThrottleReasons::GPU_IDLE, Throttle::Idle),
        (ThrottleReasons::APPLICATIONS_CLOCKS_SETTING, Throttle::ApplicationClocks),
        (ThrottleReasons::DISPLAY_CLOCK_SETTING, Throttle::DisplayClocks),
        (ThrottleReasons::SYNC_BOOST, Throttle::SyncBoost),
        (ThrottleReasons::SW_POWER_CAP, Throttle::PowerCap),
        (ThrottleReasons::SW_THERMAL_SLOWDOWN, Throttle::SwThermal),
        (ThrottleReasons::HW_SLOWDOWN, Throttle::HwSlowdown),
        (ThrottleReasons::HW_THERMAL_SLOWDOWN, Throttle::HwThermal),
        (ThrottleReasons::HW_POWER_BRAKE_SLOWDOWN, Throttle::PowerBrake),
    ];
    all.into_iter().filter(|(bit, _)| bits.contains(*bit)).map(|(_, reason)| reason).collect()
}
