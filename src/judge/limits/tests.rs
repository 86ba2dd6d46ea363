//! METHOD's vectors and rules for absolute limits, one at a time.

use super::failures::Failures;
use super::location::half_width;
use super::*;
use crate::judge::history::Variation;
use crate::measure::{Row, request_rate};
use crate::metric::Stat;

const SHAPE: Shape = Shape { streaming: true, output_tokens: 11, has_slo: true };
const TTFT_P95: Metric = Metric::Timing(Timing::Ttft, Stat::P95);
const TTFT_P99: Metric = Metric::Timing(Timing::Ttft, Stat::P99);

fn round(start: u32, n: u32, ttft: impl Fn(u32) -> f64) -> Round {
    let row = |i: u32| {
        let ttft = ttft(i);
        Row {
            ttft_ms: Some(ttft),
            e2e_ms: Some(ttft + 100.0),
            output_tokens: Some(11),
            ok: true,
            ..Row::default()
        }
    };
    Round {
        start,
        seconds: 10.0,
        chunk_gap_p99_ms: Some(20.0),
        open_loop: true,
        rows: (0..n).map(row).collect(),
        ..Round::default()
    }
}

/// TTFTs between 10 and 20 ms that do not follow each other.
fn steady(i: u32) -> f64 {
    10.0 + f64::from((i * 37) % 101) / 10.0
}

fn slo() -> SloMs {
    SloMs { ttft: Some(50.0), ..SloMs::default() }
}

fn judged(rounds: &[Round], metric: Metric, bound: Bound) -> LimitFinding {
    let limits = [Limit { metric, bound }];
    let input = LimitInput {
        rounds,
        limits: &limits,
        slo: slo(),
        shape: SHAPE,
        history: &[],
        ready_ms: &[],
        gpu: &[],
        strict: false,
    };
    judge(&input).pop().expect("one limit, one finding")
}

fn state_of(rounds: &[Round], metric: Metric, bound: Bound) -> LimitState {
    judged(rounds, metric, bound).state
}

fn strictly(rounds: &[Round], metric: Metric, bound: Bound) -> LimitState {
    let limits = [Limit { metric, bound }];
    let input = LimitInput {
        rounds,
        limits: &limits,
        slo: slo(),
        shape: SHAPE,
        history: &[],
        ready_ms: &[],
        gpu: &[],
        strict: true,
    };
    judge(&input).pop().expect("one limit, one finding").state
}

fn near(value: f64, expected: f64) {
    assert!((value - expected).abs() < 1e-8, "{value} is not {expected}");
}

fn failing(n: usize, failed: impl Fn(usize) -> bool) -> Vec<Round> {
    let mut round = round(0, u32::try_from(n).expect("few"), steady);
    for (i, row) in round.rows.iter_mut().enumerate() {
        row.ok = !failed(i);
    }
    vec![round]
}

/// The vectors of the method (docs/METHODOLOGY.md#measured).
#[test]
fn methods_vector_of_a_half_width() {
    let s0 = 0.025f64.powi(2) + 0.7f64.powi(2) * 2.5 / 100.0;
    let h =
        half_width(Variation { ss: 4.0 * s0, df: 4.0 }, Variation::default(), 1).expect("defined");
    near(h, 0.315_086_77);
}

/// The vectors of the method (docs/METHODOLOGY.md#measured).
#[test]
fn methods_vectors_of_the_error_interval() {
    let interval = |rounds: &[Round]| Failures::count(rounds).interval().expect("defined");
    near(interval(&failing(300, |_| false)).1, 0.009_936_08);
    near(interval(&failing(300, |i| i % 30 == 0 && i < 240)).0, 0.011_581_57);
    let burst = failing(300, |i| (100..106).contains(&i));
    near(Failures::count(&burst).clustering, 4.0);
    near(interval(&burst).0, 0.001_442_42);
    near(interval(&burst).1, 0.071_844_92);
}

#[test]
fn far_limits_are_met_near_ones_open_and_gross_ones_breached() {
    let rounds = [round(0, 100, steady), round(0, 100, steady)];
    assert_eq!(state_of(&rounds, TTFT_P95, Bound::Max(60.0)), LimitState::Met);
    assert_eq!(state_of(&rounds, TTFT_P95, Bound::Max(8.0)), LimitState::Breached);
    let over = judged(&rounds, TTFT_P95, Bound::Max(19.0));
    assert_eq!((over.state, over.side_ok), (LimitState::Open, Some(false)));
    assert!(over.reason.to_string().contains("not proven"), "{}", over.reason);
    assert_eq!(strictly(&rounds, TTFT_P95, Bound::Max(19.0)), LimitState::Breached);
    assert_eq!(strictly(&rounds, TTFT_P95, Bound::Max(20.0)), LimitState::Met);
    assert_eq!(state_of(&rounds, Metric::OutputTokenRate, Bound::Min(50.0)), LimitState::Met);
    assert_eq!(state_of(&rounds, Metric::OutputTokenRate, Bound::Min(500.0)), LimitState::Breached);
}

#[test]
fn one_bad_round_of_three_is_open() {
    let slow = |i: u32| steady(i) * 3.0;
    let rounds = [round(0, 100, steady), round(0, 100, steady), round(0, 100, slow)];
    assert_eq!(state_of(&rounds, TTFT_P95, Bound::Max(35.0)), LimitState::Open);
    let again: Vec<Round> = rounds
        .iter()
        .chain(&rounds)
        .enumerate()
        .map(|(i, r)| Round { start: u32::from(i >= 3), ..r.clone() })
        .collect();
    assert_eq!(state_of(&again, TTFT_P95, Bound::Max(35.0)), LimitState::Breached);
}

#[test]
fn too_few_requests_are_not_measured_unless_a_lower_percentile_is_over() {
    let rounds = [round(0, 50, steady)];
    assert_eq!(state_of(&rounds, TTFT_P99, Bound::Max(500.0)), LimitState::NotMeasured);
    assert_eq!(state_of(&rounds, TTFT_P99, Bound::Max(4.0)), LimitState::Breached);
}

#[test]
fn failures_forbid_met_but_not_by_hiding() {
    let rounds = failing(200, |i| i % 40 == 0);
    assert_eq!(state_of(&rounds, TTFT_P99, Bound::Max(500.0)), LimitState::Open);
    assert_eq!(state_of(&rounds, TTFT_P95, Bound::Max(500.0)), LimitState::Met);
    assert_eq!(strictly(&rounds, TTFT_P99, Bound::Max(500.0)), LimitState::Open);
    let dead = failing(200, |_| true);
    assert_eq!(state_of(&dead, TTFT_P95, Bound::Max(500.0)), LimitState::NotMeasured);
    assert_eq!(state_of(&dead, Metric::SloAttainment, Bound::Min(0.5)), LimitState::Breached);
    assert_eq!(state_of(&[], Metric::ErrorRate, Bound::Max(0.5)), LimitState::NotMeasured);
}

#[test]
fn error_and_success_rates_are_one_limit() {
    for (bad, expected) in [(0, LimitState::Met), (4, LimitState::Open), (60, LimitState::Breached)]
    {
        let rounds = failing(300, |i| i % 5 == 0 && i / 5 < bad);
        assert_eq!(state_of(&rounds, Metric::ErrorRate, Bound::Max(0.01)), expected);
        assert_eq!(state_of(&rounds, Metric::SuccessRate, Bound::Min(0.99)), expected);
    }
    assert_eq!(
        state_of(&failing(300, |i| i == 9), Metric::ErrorRate, Bound::Max(0.0)),
        LimitState::Breached
    );
    assert_eq!(
        state_of(&failing(300, |i| i == 9), Metric::SuccessRate, Bound::Min(1.0)),
        LimitState::Breached
    );
    assert_eq!(
        state_of(&failing(99, |_| false), Metric::ErrorRate, Bound::Max(0.0)),
        LimitState::Open
    );
    assert_eq!(
        state_of(&failing(100, |_| false), Metric::ErrorRate, Bound::Max(0.0)),
        LimitState::Met
    );
}

#[test]
fn attainment_is_the_dual_of_the_percentile() {
    let rounds = [round(0, 100, steady), round(0, 100, steady)];
    assert_eq!(state_of(&rounds, Metric::SloAttainment, Bound::Min(0.95)), LimitState::Met);
    let slow = [round(0, 100, |i| steady(i) * 12.0), round(0, 100, |i| steady(i) * 12.0)];
    assert_eq!(state_of(&slow, Metric::SloAttainment, Bound::Min(0.95)), LimitState::Breached);
    assert_eq!(state_of(&slow, Metric::Goodput, Bound::Min(5.0)), LimitState::Breached);
    assert_eq!(state_of(&rounds, Metric::Goodput, Bound::Min(5.0)), LimitState::Met);
}

#[test]
fn a_limit_on_goodput_is_judged_by_what_is_shown() {
    let wave = |i: u32| if i < 50 { 400.0 } else { steady(i) };
    let rounds = [Round { ramp: 50, open_loop: false, ..round(0, 100, wave) }];
    let found = judged(&rounds, Metric::Goodput, Bound::Min(7.5));
    assert_eq!(
        (found.value, found.state),
        (Some(10.0), LimitState::Met),
        "100 requests in 10 s, all good after the ramp"
    );
    assert_eq!(found.value, request_rate(&rounds));
}

#[test]
fn what_is_not_judged_is_said_and_never_met() {
    let rounds = [round(0, 2000, steady)];
    let p999 = judged(&rounds, Metric::Timing(Timing::Ttft, Stat::P999), Bound::Max(1e9));
    assert_eq!((p999.state, p999.side_ok), (LimitState::NotMeasured, None));
    assert!(p999.reason.to_string().contains("not judged in this version"));
    assert_eq!(state_of(&rounds, Metric::ErrorRate, Bound::Min(0.0)), LimitState::NotMeasured);
    let whole = Shape { streaming: false, ..SHAPE };
    let limits = [Limit { metric: TTFT_P95, bound: Bound::Max(1e9) }];
    let input = LimitInput {
        rounds: &rounds,
        limits: &limits,
        slo: slo(),
        shape: whole,
        history: &[],
        ready_ms: &[],
        gpu: &[],
        strict: true,
    };
    assert_eq!(judge(&input)[0].state, LimitState::NotMeasured);
}

#[test]
fn near_saturation_a_tail_within_a_factor_of_two_is_not_proven() {
    let queue = |i: u32| 10.0 + f64::from(if i < 50 { i } else { 100 - i }) / 10.0;
    let rounds = [round(0, 100, queue), round(0, 100, queue)];
    assert!(near_saturation(&rounds) && !near_saturation(&[round(0, 100, steady)]));
    let closed = rounds.clone().map(|r| Round { open_loop: false, ..r });
    assert!(!near_saturation(&closed));
}

#[test]
fn a_limit_on_starts_wants_several_that_agree() {
    let rounds = [round(0, 10, steady)];
    let state = |ready_ms: &[f64], strict| {
        let limits = [Limit { metric: Metric::ServerStart, bound: Bound::Max(100.0) }];
        let input = LimitInput {
            rounds: &rounds,
            limits: &limits,
            slo: slo(),
            shape: SHAPE,
            history: &[],
            ready_ms,
            gpu: &[],
            strict,
        };
        judge(&input).pop().expect("one limit, one finding")
    };
    assert_eq!(state(&[90.0, 100.0], false).state, LimitState::Met);
    assert_eq!(state(&[101.0, 130.0], false).state, LimitState::Breached);
    assert_eq!(state(&[90.0, 130.0], false).state, LimitState::Open);
    assert_eq!(
        (state(&[90.0], false).state, state(&[90.0], true).state),
        (LimitState::Open, LimitState::Met)
    );
    assert_eq!(
        (state(&[130.0], false).state, state(&[130.0], true).state),
        (LimitState::Open, LimitState::Breached)
    );
    let none = state(&[], true);
    assert_eq!(none.state, LimitState::NotMeasured);
    assert!(none.reason.to_string().contains("did not start the server"), "{}", none.reason);
    let finding = state(&[110.0, 130.0, 120.0], false);
    assert_eq!((finding.value, finding.interval), (Some(120.0), Some((110.0, 130.0))));
}

#[test]
fn a_limit_on_gpus_is_judged_by_starts_that_agree_and_an_absent_value_is_never_met() {
    let rounds = [round(0, 10, steady)];
    let judged = |metric, bound, starts: &[Option<f64>], strict| {
        let gpu: Vec<Values> =
            starts.iter().map(|v| v.map(|v| (metric, v)).into_iter().collect()).collect();
        let limits = [Limit { metric, bound }];
        let input = LimitInput {
            rounds: &rounds,
            limits: &limits,
            slo: slo(),
            shape: SHAPE,
            history: &[],
            ready_ms: &[],
            gpu: &gpu,
            strict,
        };
        judge(&input).pop().expect("one limit, one finding")
    };
    let (memory, most) = (Metric::GpuMemoryPeak, Bound::Max(70_000.0));
    for (starts, state) in [
        (&[Some(69_000.0), Some(69_500.0)][..], LimitState::Met),
        (&[Some(71_000.0), Some(72_000.0)], LimitState::Breached),
        (&[Some(69_000.0), Some(72_000.0)], LimitState::Open),
        (&[Some(69_000.0)], LimitState::Open),
        (&[Some(69_000.0), None], LimitState::NotMeasured),
        (&[], LimitState::NotMeasured),
    ] {
        assert_eq!(judged(memory, most, starts, false).state, state, "{starts:?}");
    }
    assert_eq!(judged(memory, most, &[Some(69_000.0), None], true).state, LimitState::NotMeasured);
    assert_eq!(judged(memory, most, &[Some(69_000.0)], true).state, LimitState::Met);
    let one = judged(memory, most, &[Some(71_000.0)], false).reason.to_string();
    assert!(one.ends_with(": one start proves nothing, two that agree do"), "{one}");
    let least = Bound::Min(2.0);
    assert_eq!(
        judged(Metric::TokensPerJoule, least, &[Some(1.0), Some(1.5)], false).state,
        LimitState::Breached
    );
    assert_eq!(
        judged(Metric::EnergyPerToken, Bound::Max(0.5), &[Some(0.4), Some(0.3)], false).state,
        LimitState::Met
    );
}
