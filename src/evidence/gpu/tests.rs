//! Sums, energy and findings from samples written by hand.

use std::collections::BTreeSet;
use std::time::Duration;

use super::choice::{named, visible};
use super::values::values;
use super::*;
use crate::config::{Gpu, GpuName, GpuWatch, OnUnfit};
use crate::measure::validity::{Finding, Severity};
use crate::metric::Metric;

const WINDOW: Window = Window { begin_ns: 1_000_000_000, end_ns: 11_000_000_000 };
const POLICY: Gpu = Gpu {
    watch: GpuWatch::Auto,
    devices: Vec::new(),
    interval: Duration::from_millis(100),
    on_throttle: OnUnfit::Invalid,
    on_foreign_process: OnUnfit::Invalid,
    on_clock_change: OnUnfit::Warn,
    on_ecc_error: OnUnfit::Invalid,
    on_lost: OnUnfit::Invalid,
};

fn at(ms: u64) -> Sample {
    Sample { at_ns: ms * 1_000_000, ..Sample::default() }
}

/// Ten a second, from before the window to after it.
fn samples(of: impl Fn(f64) -> Sample) -> Vec<Sample> {
    (9..=111).map(|i| Sample { at_ns: i * 100_000_000, ..of(i as f64 / 10.0) }).collect()
}

fn watched(samples: Vec<Sample>) -> Watched {
    let device = Device { uuid: "GPU-1".into(), name: Some("L4".into()), ..Device::default() };
    Watched { device, samples }
}

fn seen(samples: Vec<Sample>) -> RoundGpu {
    round(&[watched(samples)], WINDOW, Sampler::default(), &BTreeSet::new())
}

fn found(samples: Vec<Sample>, tenants: &[u32]) -> Vec<Finding> {
    let (watched, tenants) = ([watched(samples)], tenants.iter().copied().collect());
    let gpu = round(&watched, WINDOW, Sampler::default(), &tenants);
    validity::findings(&watched, WINDOW, &gpu, None, &tenants, &POLICY)
}

fn process(pid: u32, owner: Owner) -> Process {
    Process { pid, name: None, owner, memory_bytes: Some(1 << 20) }
}

#[test]
fn a_counter_is_read_at_both_ends_and_power_is_integrated() {
    // 300 W and a swing of 200 W each two seconds; the integral over ten seconds, which are whole
    // swings, is 3000 J.
    let power = |t: f64| 300.0 + 200.0 * (t * std::f64::consts::PI).sin();
    let counter = |t: f64| {
        300.0 * t + 200.0 / std::f64::consts::PI * (1.0 - (t * std::f64::consts::PI).cos())
    };
    let by_power = seen(samples(|t| Sample { power_w: Some(power(t)), ..Sample::default() }));
    assert_eq!(by_power.devices[0].energy_source, Some(EnergySource::Power));
    assert!((by_power.devices[0].energy_j.expect("energy") / 3000.0 - 1.0).abs() < 0.001);
    let by_counter = seen(samples(|t| Sample {
        power_w: Some(1.0),
        energy_j: Some(counter(t)),
        ..Sample::default()
    }));
    assert_eq!(by_counter.devices[0].energy_source, Some(EnergySource::Counter));
    assert!((by_counter.devices[0].energy_j.expect("energy") / 3000.0 - 1.0).abs() < 0.001);
}

#[test]
fn energy_that_is_not_known_over_the_whole_window_is_absent() {
    let powered = |ms: u64| Sample { power_w: Some(100.0), ..at(ms) };
    assert_eq!(
        seen(vec![powered(1500), powered(11_500)]).devices[0].energy_j,
        None,
        "not from its begin on"
    );
    assert_eq!(
        seen(vec![powered(900), powered(2000), powered(10_500)]).devices[0].energy_j,
        None,
        "not to its end"
    );
    assert_eq!(
        seen(vec![powered(900), powered(11_100)]).devices[0].energy_j,
        None,
        "a hole of ten seconds"
    );
    let reset =
        |t: f64| Sample { energy_j: Some(if t > 5.0 { 0.0 } else { t * 1000.0 }), ..powered(0) };
    let back = seen(samples(reset));
    assert_eq!(
        back.devices[0].energy_source,
        Some(EnergySource::Power),
        "a counter that went back is no counter"
    );
}

#[test]
fn only_samples_inside_the_window_count_and_none_is_never_zero() {
    let busy = |t: f64| if (1.0..=11.0).contains(&t) { 1.0 } else { 0.0 };
    let memory = |t: f64| if t > 11.0 { 9 << 30 } else { 1 << 30 };
    let gpu = seen(samples(|t| Sample {
        utilisation: Some(busy(t)),
        memory_used_bytes: Some(memory(t)),
        sm_clock_mhz: Some(if t < 6.0 { 1000 } else { 2000 }),
        ..Sample::default()
    }));
    let device = &gpu.devices[0];
    assert_eq!(
        (device.samples, device.utilisation_mean_ratio, device.memory_peak_bytes),
        (101, Some(1.0), Some(1 << 30))
    );
    assert_eq!(device.sm_clock.map(|c| (c.min_mhz, c.max_mhz)), Some((1000.0, 2000.0)));
    assert_eq!(device.series.utilisation_ratio, vec![Some(1.0); 10]);
    assert!(
        device.power_mean_w.is_none()
            && device.energy_j.is_none()
            && device.ecc_uncorrected.is_none()
    );
    assert!(
        device.throttle_ratio.is_none()
            && device.processes.is_none()
            && device.series.power_w.is_empty()
    );
}

#[test]
fn energy_per_token_is_over_all_rounds_and_gpus_or_absent() {
    let device = |joules: Option<f64>| DeviceRound {
        energy_j: joules,
        memory_peak_bytes: Some(1 << 30),
        utilisation_mean_ratio: Some(0.5),
        ..DeviceRound::default()
    };
    let gpus = |all: &[Option<f64>]| RoundGpu {
        devices: all.iter().map(|j| device(*j)).collect(),
        ..RoundGpu::default()
    };
    let (a, b) = (gpus(&[Some(100.0), Some(200.0)]), gpus(&[Some(50.0), Some(50.0)]));
    let all = values(&[(Some(&a), Some(300)), (Some(&b), Some(100))]);
    assert_eq!(all.get(&Metric::EnergyPerToken), Some(&1.0));
    assert_eq!(all.get(&Metric::TokensPerJoule), Some(&1.0));
    assert_eq!(all.get(&Metric::GpuMemoryPeak), Some(&2048.0));
    assert_eq!(all.get(&Metric::GpuUtilisation), Some(&0.5));
    let mute = gpus(&[Some(100.0), None]);
    assert!(
        !values(&[(Some(&mute), Some(300))]).contains_key(&Metric::EnergyPerToken),
        "a GPU without energy"
    );
    assert!(
        !values(&[(Some(&a), None)]).contains_key(&Metric::EnergyPerToken),
        "a round without token counts"
    );
    assert!(
        values(&[(Some(&a), Some(300)), (None, Some(300))]).is_empty(),
        "a round that was not watched"
    );
    assert!(values(&[]).is_empty() && values(&[(Some(&a), Some(0))]).len() == 2);
}

#[test]
fn slowdowns_are_unfit_and_the_power_limit_is_not() {
    let throttled = |reason: Throttle| {
        samples(move |t| Sample {
            throttle: Some(if t > 6.0 { vec![reason] } else { vec![] }),
            temperature_c: Some(92),
            ..Sample::default()
        })
    };
    for reason in
        [Throttle::Idle, Throttle::PowerCap, Throttle::ApplicationClocks, Throttle::SyncBoost]
    {
        assert_eq!(found(throttled(reason), &[]), []);
    }
    let slow = found(throttled(Throttle::HwThermal), &[]);
    assert_eq!((slow[0].check.as_str(), slow[0].severity), ("gpu_throttle", Severity::Invalid));
    assert!(
        slow[0].message.contains("in 50 % of the samples, first 5.1 s into the round (92 C)"),
        "{}",
        slow[0].message
    );
    let after = samples(|t| Sample {
        throttle: Some(if t > 11.0 { vec![Throttle::HwThermal] } else { vec![] }),
        ..Sample::default()
    });
    assert_eq!(found(after, &[]), [], "after the round");
}

#[test]
fn a_process_is_foreign_by_what_is_known_of_it() {
    let held = |all: Vec<Process>| {
        samples(move |_| Sample { processes: Some(all.clone()), ..Sample::default() })
    };
    let server = process(10, Owner::Ours);
    assert_eq!(found(held(vec![server.clone()]), &[10]), [], "never one of ours");
    assert_eq!(
        found(held(vec![process(7, Owner::Unseen)]), &[]),
        [],
        "it may be the server, in a container"
    );
    assert_eq!(
        found(held(vec![process(7, Owner::Other)]), &[]),
        [],
        "it may be a server that ran already"
    );
    assert_eq!(found(held(vec![server.clone(), process(7, Owner::Unseen)]), &[]), []);
    assert_eq!(found(held(vec![server.clone(), process(7, Owner::Other)]), &[]).len(), 1);
    assert_eq!(found(held(vec![server, process(7, Owner::Unseen)]), &[7]).len(), 1);
    let came = samples(|t| Sample {
        processes: Some(if t > 4.0 { vec![process(7, Owner::Unseen)] } else { vec![] }),
        ..Sample::default()
    });
    assert!(
        found(came, &[])[0]
            .message
            .contains("process 7 with 1 MiB came to it 3.1 s into the round")
    );
}

#[test]
fn errors_and_a_lost_gpu_are_unfit() {
    let ecc = samples(|t| Sample {
        ecc_uncorrected: Some(if t > 8.0 { 3 } else { 1 }),
        ..Sample::default()
    });
    assert!(found(ecc, &[])[0].message.contains("2 uncorrected ECC errors 7.1 s into the round"));
    let lost = samples(|t| Sample {
        lost: t > 8.0,
        power_w: (t <= 8.0).then_some(100.0),
        ..Sample::default()
    });
    let gpu = seen(lost.clone());
    assert!(
        gpu.devices[0].lost_at_s.is_some_and(|s| (s - 7.1).abs() < 0.01)
            && gpu.devices[0].energy_j.is_none()
    );
    assert_eq!(found(lost, &[])[0].check, "gpu_lost");
}

#[test]
fn a_moved_clock_is_found_against_the_first_round() {
    let at_mhz = |mhz| seen(samples(|_| Sample { sm_clock_mhz: Some(mhz), ..Sample::default() }));
    let findings = |now: u32, then: u32| {
        let one = [watched(Vec::new())];
        validity::findings(
            &one,
            WINDOW,
            &at_mhz(now),
            Some(&at_mhz(then)),
            &BTreeSet::new(),
            &POLICY,
        )
    };
    assert_eq!(findings(1950, 2000), []);
    assert_eq!((findings(1900, 2000)[0].severity, findings(2100, 2000).len()), (Severity::Note, 1));
}

#[test]
fn gpus_are_chosen_as_cuda_chooses() {
    let known: Vec<(u32, String)> =
        [(0, "GPU-aa1"), (1, "GPU-aa2"), (2, "GPU-b")].map(|(i, u)| (i, u.to_owned())).into();
    assert_eq!(visible(&known, "2,0"), [2, 0]);
    assert_eq!(visible(&known, "1, 9, 0"), [1], "up to the first that is none");
    assert_eq!(visible(&known, "GPU-b,GPU-aa1"), [2, 0]);
    assert_eq!(visible(&known, "GPU-aa"), Vec::<usize>::new(), "two have this beginning");
    assert!(visible(&known, "").is_empty() && visible(&known, "-1").is_empty());
    assert_eq!(named(&known, &[GpuName::Index(1), GpuName::Uuid("GPU-b".into())]), Ok(vec![1, 2]));
    assert!(
        named(&known, &[GpuName::Uuid("GPU-aa".into())]).is_err()
            && named(&known, &[GpuName::Index(3)]).is_err()
    );
}

#[test]
fn gpus_are_named_by_model_and_number_and_drivers_by_their_major() {
    let device = |name: &str| Device { name: Some(name.into()), ..Device::default() };
    let facts = Facts {
        driver: Some("550.54.15".into()),
        devices: vec![device("L4"), device("A10"), device("L4")],
        ..Facts::default()
    };
    assert_eq!((facts.model().as_deref(), facts.driver_major()), (Some("A10, 2x L4"), Some("550")));
    assert_eq!((Facts::default().model(), Facts::default().driver_major()), (None, None));
}

#[test]
fn why_nothing_was_watched_is_kept_in_words_and_typed() {
    let why = |gpus| Unwatched::GpusInDev { gpus, why: "no library".into(), nvml: None };
    let facts = Facts::unwatched(Some(why(1)));
    assert_eq!(
        facts.unwatched.as_deref(),
        Some("no GPU data, but /dev has an NVIDIA GPU: no library")
    );
    assert_eq!(facts.typed_unwatched(), Some(&why(1)));
    assert!(why(8).to_string().contains("8 NVIDIA GPUs"));
    // Words of an older version are no words of this one.
    let older = Facts { unwatched: Some("no GPU was watched".into()), ..facts };
    assert_eq!((older.typed_unwatched(), Facts::unwatched(None)), (None, Facts::default()));
}

#[test]
fn what_no_gpu_can_have_done_is_refused() {
    let with =
        |device: DeviceRound| RoundGpu { devices: vec![device], ..RoundGpu::default() }.check();
    assert!(with(DeviceRound::default()).is_ok());
    assert!(
        with(DeviceRound { utilisation_mean_ratio: Some(1.2), ..DeviceRound::default() }).is_err()
    );
    assert!(with(DeviceRound { energy_j: Some(-1.0), ..DeviceRound::default() }).is_err());
    assert!(
        with(DeviceRound { memory_peak_bytes: Some(u64::MAX), ..DeviceRound::default() }).is_err()
    );
    assert!(
        with(DeviceRound {
            throttle_ratio: Some([(Throttle::Idle, 2.0)].into()),
            ..DeviceRound::default()
        })
        .is_err()
    );
}

#[test]
fn a_throttles_key_is_that_of_the_json() {
    for reason in [
        Throttle::Idle,
        Throttle::ApplicationClocks,
        Throttle::DisplayClocks,
        Throttle::SyncBoost,
        Throttle::PowerCap,
        Throttle::SwThermal,
        Throttle::HwSlowdown,
        Throttle::HwThermal,
        Throttle::PowerBrake,
    ] {
        assert_eq!(serde_json::to_value(reason).expect("a word"), reason.key());
    }
}
