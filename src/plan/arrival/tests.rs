//! Arrival processes held against their theory, over many seeds. Not here: a plan as a whole.

use proptest::prelude::*;

use super::*;
use crate::plan::{MAX_REQUESTS, seed};

const SEEDS: u64 = 40;

fn offsets(arrival: &Arrival, length: Length, seed: u64) -> Vec<u64> {
    open(arrival, length, &mut seed::stream(seed, "arrival", &[]), MAX_REQUESTS).expect("arrivals")
}

fn seconds(s: u64) -> Length {
    Length::Duration(Duration::from_secs(s))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn variance(values: &[f64]) -> f64 {
    let m = mean(values);
    values.iter().map(|v| (v - m).powi(2)).sum::<f64>() / (values.len() - 1) as f64
}

fn per_second(offsets: &[u64], seconds: usize) -> Vec<f64> {
    let mut counts = vec![0.0; seconds];
    for at in offsets {
        counts[usize::try_from(at / 1_000_000).expect("small")] += 1.0;
    }
    counts
}

fn gap_cv(offsets: &[u64]) -> f64 {
    let gaps: Vec<f64> = offsets.windows(2).map(|w| (w[1] - w[0]) as f64).collect();
    variance(&gaps).sqrt() / mean(&gaps)
}

#[test]
fn constant_is_exactly_constant() {
    let offsets = offsets(&Arrival::Constant { rate: 3.0 }, Length::Requests(300_001), 1);
    assert_eq!(&offsets[..4], [0, 333_333, 666_667, 1_000_000]);
    assert!((0..=100_000).all(|k| offsets[3 * k] == 1_000_000 * k as u64));
}

#[test]
fn constant_by_duration_stops_before_the_end() {
    let offsets = offsets(&Arrival::Constant { rate: 10.0 }, seconds(2), 1);
    assert_eq!((offsets.len(), offsets.last()), (20, Some(&1_900_000)));
}

#[test]
fn poisson_has_its_rate_and_the_dispersion_of_a_poisson_process() {
    let (mut rates, mut dispersions) = (Vec::new(), Vec::new());
    for seed in 0..SEEDS {
        let counts =
            per_second(&offsets(&Arrival::Poisson { rate: 50.0 }, seconds(100), seed), 100);
        rates.push(mean(&counts));
        dispersions.push(variance(&counts) / mean(&counts));
    }
    // Standard errors: 0.11 per second, and sqrt(2 / 99 / 40) = 0.022.
    assert!((mean(&rates) - 50.0).abs() < 0.5, "{}", mean(&rates));
    assert!((mean(&dispersions) - 1.0).abs() < 0.1, "{}", mean(&dispersions));
}

#[test]
fn gamma_gaps_vary_as_burstiness_says() {
    for burstiness in [0.25, 1.0, 4.0] {
        let arrival = Arrival::Gamma { rate: 20.0, burstiness };
        let runs: Vec<Vec<u64>> =
            (0..SEEDS).map(|seed| offsets(&arrival, Length::Requests(2000), seed)).collect();
        let cv = mean(&runs.iter().map(|run| gap_cv(run)).collect::<Vec<_>>());
        let time = mean(
            &runs.iter().map(|run| *run.last().expect("some") as f64 / 1e6).collect::<Vec<_>>(),
        );
        assert!(
            (cv * f64::sqrt(burstiness) - 1.0).abs() < 0.03,
            "burstiness {burstiness}: CV {cv}"
        );
        assert!((time / 100.0 - 1.0).abs() < 0.04, "burstiness {burstiness}: {time} s");
    }
}

#[test]
fn random_gaps_scale_with_the_rate_alone() {
    let slow = offsets(&Arrival::Poisson { rate: 1.0 }, Length::Requests(500), 7);
    let fast = offsets(&Arrival::Poisson { rate: 4.0 }, Length::Requests(200), 7);
    assert!(fast.iter().zip(&slow).all(|(f, s)| (4 * f).abs_diff(*s) <= 4));
}

#[test]
fn a_ramps_local_rate_is_linear() {
    for (from, to) in [(10.0, 30.0), (30.0, 10.0), (0.0, 40.0), (40.0, 0.0)] {
        let by_time = offsets(&Arrival::Ramp { from, to }, seconds(20), 1);
        assert_eq!(by_time.len(), 400);
        for (second, count) in per_second(&by_time, 20).into_iter().enumerate() {
            let expected = from + (to - from) * (second as f64 + 0.5) / 20.0;
            assert!(
                (count - expected).abs() <= 1.0,
                "{from} to {to}, second {second}: {count} instead of {expected}"
            );
        }
        assert_eq!(offsets(&Arrival::Ramp { from, to }, Length::Requests(400), 1), by_time);
    }
}

#[test]
fn a_flat_ramp_is_a_constant_rate() {
    let ramp = offsets(&Arrival::Ramp { from: 7.0, to: 7.0 }, Length::Requests(100), 1);
    assert_eq!(ramp, offsets(&Arrival::Constant { rate: 7.0 }, Length::Requests(100), 1));
}

#[test]
fn zero_requests_are_zero_arrivals() {
    for arrival in [Arrival::Poisson { rate: 1.0 }, Arrival::Ramp { from: 1.0, to: 2.0 }] {
        assert!(offsets(&arrival, Length::Requests(0), 1).is_empty());
        assert!(offsets(&arrival, Length::Duration(Duration::ZERO), 1).is_empty());
    }
}

#[test]
fn impossible_rates_are_refused_and_endless_plans_stopped() {
    let refused = |arrival: &Arrival, length| {
        open(arrival, length, &mut seed::stream(1, "arrival", &[]), MAX_REQUESTS)
            .expect_err("refused")
    };
    for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(
            refused(&Arrival::Poisson { rate }, seconds(1)),
            PlanError::Rate { what: "rate", .. }
        ));
    }
    let shapeless = Arrival::Gamma { rate: 1.0, burstiness: 0.0 };
    assert!(matches!(refused(&shapeless, seconds(1)), PlanError::Rate { what: "burstiness", .. }));
    assert!(matches!(
        refused(&Arrival::Ramp { from: 0.0, to: 0.0 }, seconds(1)),
        PlanError::Rate { .. }
    ));
    assert_eq!(
        refused(&Arrival::Constant { rate: 1e9 }, seconds(3600)),
        PlanError::TooManyRequests
    );
    assert_eq!(
        refused(&Arrival::Constant { rate: 1.0 }, Length::Requests(u32::MAX)),
        PlanError::TooManyRequests
    );
}

#[test]
fn a_closed_loop_plans_enough_within_its_bounds() {
    assert_eq!(closed_count(4, Length::Requests(10), 5), 10);
    assert_eq!(closed_count(4, seconds(10), u32::MAX), 2000);
    assert_eq!(closed_count(64, seconds(600), u32::MAX), 100_000);
    assert_eq!(closed_count(4, seconds(10), 300), 300);
    assert_eq!(closed_count(400, seconds(10), 300), 800);
}

fn any_arrival() -> impl Strategy<Value = Arrival> {
    let rate = || 0.01..1000.0;
    prop_oneof![
        rate().prop_map(|rate| Arrival::Constant { rate }),
        rate().prop_map(|rate| Arrival::Poisson { rate }),
        (rate(), 0.05..20.0).prop_map(|(rate, burstiness)| Arrival::Gamma { rate, burstiness }),
        (0.0..500.0, 0.01..500.0).prop_map(|(from, to)| Arrival::Ramp { from, to }),
    ]
}

proptest! {
    #[test]
    fn offsets_ascend_and_keep_to_their_length(arrival in any_arrival(), seed: u64, n in 0_u32..500, millis in 0_u64..3000) {
        let by_count = offsets(&arrival, Length::Requests(n), seed);
        prop_assert_eq!(by_count.len(), n as usize);
        prop_assert!(by_count.is_sorted());
        let by_time = offsets(&arrival, Length::Duration(Duration::from_millis(millis)), seed);
        prop_assert!(by_time.is_sorted());
        prop_assert!(by_time.last().is_none_or(|&last| last < millis * 1000));
    }
}

#[test]
fn no_arrival_is_later_than_a_year_or_at_no_instant() {
    let refused = |arrival: &Arrival, length| {
        open(arrival, length, &mut seed::stream(1, "arrival", &[]), MAX_REQUESTS)
            .expect_err("refused")
    };
    for rate in [1e-300, 1e-12] {
        for arrival in [
            Arrival::Constant { rate },
            Arrival::Poisson { rate },
            Arrival::Gamma { rate, burstiness: 1.0 },
        ] {
            assert_eq!(refused(&arrival, Length::Requests(10)), PlanError::TooLong, "{arrival:?}");
        }
    }
    assert_eq!(
        refused(&Arrival::Ramp { from: 0.0, to: 1e-300 }, Length::Requests(10)),
        PlanError::TooLong
    );
    // By duration the first that is too late ends the round, as any other that is after its end.
    assert_eq!(offsets(&Arrival::Constant { rate: 1e-300 }, seconds(60), 1), [0]);
}
