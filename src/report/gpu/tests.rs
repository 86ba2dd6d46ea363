//! A GPU report as the samples show it, and how rounds become one.

use super::*;
use crate::evidence::gpu::{Device, Sampler};

/// Two GPUs, of which one tells little.
pub fn sample() -> GpuReport {
    let first = GpuDevice {
        index: 0,
        uuid: "GPU-1".into(),
        name: Some("NVIDIA H100 80GB HBM3".into()),
        memory_peak_mib: Some(61234.0),
        memory_mean_mib: Some(60980.4),
        memory_total_mib: Some(81559.0),
        utilisation_ratio: Some(0.87),
        sm_clock: Some(Clock { min_mhz: 1410.0, median_mhz: 1755.0, max_mhz: 1980.0 }),
        power_mean_w: Some(512.4),
        energy_j: Some(63_210.0),
        energy_source: Some(EnergySource::Counter),
        temperature_max_c: Some(71),
        throttle_ratio: [(Throttle::PowerCap, 0.8)].into(),
        ecc_corrected: Some(2),
        ecc_uncorrected: Some(0),
        pcie_replays: Some(0),
        unsupported: Vec::new(),
    };
    let unsupported = ["energy counter", "ECC errors"].map(str::to_owned).to_vec();
    let second = GpuDevice {
        index: 1,
        uuid: "GPU-2".into(),
        memory_peak_mib: Some(512.0),
        unsupported,
        ..GpuDevice::default()
    };
    GpuReport { devices: vec![first, second], interval_ms: 100.0, sampler_cpu_ratio: Some(0.0021) }
}

#[test]
fn what_one_round_lacks_is_no_sum_and_a_mean_is_over_those_that_have_it() {
    let round = |joules: Option<f64>, clock: f64| DeviceRound {
        uuid: "GPU-1".into(),
        energy_j: joules,
        energy_source: joules.map(|_| EnergySource::Counter),
        memory_mean_bytes: joules.map(|j| if j < 200.0 { 100 << 20 } else { 300 << 20 }),
        power_mean_w: joules.map(|j| j / 10.0),
        sm_clock: Some(Clock { min_mhz: clock - 1.0, median_mhz: clock, max_mhz: clock + 1.0 }),
        throttle_ratio: Some([(Throttle::PowerCap, 0.5), (Throttle::Idle, 1.0)].into()),
        ecc_corrected: joules.map(|_| 1),
        ..DeviceRound::default()
    };
    let facts = Facts {
        devices: vec![Device {
            uuid: "GPU-1".into(),
            name: Some("L4".into()),
            ..Device::default()
        }],
        ..Facts::default()
    };
    let (a, b, c) = (round(Some(100.0), 1000.0), round(Some(300.0), 1200.0), round(None, 1400.0));
    let both = device(&a, &[&a, &b], Some(&facts));
    assert_eq!(
        (both.energy_j, both.power_mean_w, both.ecc_corrected),
        (Some(400.0), Some(20.0), Some(2))
    );
    assert_eq!((both.memory_mean_mib, both.memory_peak_mib), (Some(200.0), None));
    assert_eq!(both.sm_clock, Some(Clock { min_mhz: 999.0, median_mhz: 1100.0, max_mhz: 1201.0 }));
    assert_eq!(
        (both.name.as_deref(), both.throttle_ratio),
        (Some("L4"), [(Throttle::PowerCap, 0.5)].into())
    );
    let with_hole = device(&a, &[&a, &c], None);
    assert_eq!(
        (with_hole.energy_j, with_hole.ecc_corrected, with_hole.power_mean_w),
        (None, None, Some(10.0))
    );
}

#[test]
fn the_cost_is_that_of_the_dearest_round() {
    let cost = |share| RoundGpu {
        sampler: Sampler { cpu_ratio: Some(share), ..Sampler::default() },
        ..RoundGpu::default()
    };
    let gpu = of_rounds(&[&cost(0.001), &cost(0.003)], None);
    assert_eq!(gpu.and_then(|g| g.sampler_cpu_ratio), Some(0.003));
    assert_eq!(of_rounds(&[], None), None);
}
