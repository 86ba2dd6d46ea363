//! Made-up starts with known noise: what the calibration says of them.

use super::*;
use crate::measure::Row;

const SHAPE: Shape = Shape { streaming: true, output_tokens: 11, has_slo: false };

/// Numbers between -1 and 1 that follow no pattern (the finisher of `SplitMix64`).
fn jitter(i: u32) -> f64 {
    let mut z = u64::from(i).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

/// `starts` starts of three plans: each plan 30 % slower than the one before, a start's offset, a
/// round's jitter.
fn rounds(starts: u32, start_noise: f64, round_noise: f64) -> Vec<Round> {
    let one = |start: u32, plan: u32| {
        let offset =
            start_noise * jitter(start + 1) + round_noise * jitter(1000 + start * 3 + plan);
        let speed = 1.3f64.powi(i32::try_from(plan).expect("few")) * offset.exp();
        let row = |i: u32| {
            let ttft = speed * (10.0 + f64::from((i * 37) % 29));
            Row {
                ttft_ms: Some(ttft),
                e2e_ms: Some(ttft + speed * 100.0),
                output_tokens: Some(11),
                ok: true,
                ..Row::default()
            }
        };
        Round {
            start,
            seed: u64::from(plan),
            seconds: speed,
            chunk_gap_p99_ms: Some(speed * 12.0),
            open_loop: true,
            rows: (0..40).map(row).collect(),
            ..Round::default()
        }
    };
    (0..starts).flat_map(|start| (0..3).map(move |plan| one(start, plan))).collect()
}

fn calibrated(rounds: &[Round]) -> Calibration {
    let costs = Costs { start_s: 72.0, round_s: 22.0 };
    calibrate(&Input {
        rounds,
        slo: SloMs::default(),
        shape: SHAPE,
        costs,
        policy: &Policy::default(),
    })
}

fn noise_of(calibration: &Calibration, metric: Metric) -> &MetricNoise {
    calibration.metrics.iter().find(|m| m.metric == metric).expect("defined")
}

fn near(value: Option<f64>, expected: f64, tolerance: f64) {
    assert!(value.is_some_and(|v| (v - expected).abs() < tolerance), "{value:?} is not {expected}");
}

#[test]
fn the_plans_effect_is_no_noise_and_the_sources_come_apart() {
    let found = calibrated(&rounds(300, 0.02, 0.01));
    // Uniform between -1 and 1 has sd 1/sqrt(3).
    near(noise_of(&found, TPOT).between_starts, 0.02 / 3f64.sqrt(), 0.001);
    near(noise_of(&found, TPOT).between_rounds, 0.01 / 3f64.sqrt(), 0.0005);
    assert!(!noise_of(&found, TPOT).clamped && noise_of(&found, TPOT).visible.is_some());
    assert_eq!((found.starts, found.rounds_per_start), (300, 3));
}

/// By hand: two starts, two plans, x = [[1, 3], [2, 6]]. Start means 2 and 4, plan means 1.5 and
/// 4.5, rest +-0.5.
#[test]
fn the_two_way_layout_by_hand() {
    let row = |a: f64, b: f64| BTreeMap::from([(0, a), (1, b)]);
    let found = components(&BTreeMap::from([(0, row(1.0, 3.0)), (1, row(2.0, 6.0))]));
    near(found.round, 1.0, 1e-12);
    near(found.start, 1.5, 1e-12);
    let ragged = components(&BTreeMap::from([(0, row(1.0, 3.0)), (1, BTreeMap::from([(0, 2.0)]))]));
    assert!(ragged.start.is_none(), "one shared plan can not tell start from round");
}

#[test]
fn starts_that_differ_less_than_their_rounds_explain_are_clamped_and_said() {
    let row = |a: f64, b: f64| BTreeMap::from([(0, a), (1, b)]);
    let found = components(&BTreeMap::from([(0, row(1.0, 2.0)), (1, row(2.0, 1.0))]));
    assert!(found.clamped);
    near(found.start, 0.0, 1e-15);
    let noise = MetricNoise {
        metric: TPOT,
        start_sd: None,
        between_starts: Some(0.0),
        between_rounds: Some(1.0),
        clamped: true,
        visible: None,
    };
    let best = best_rounds(&noise, Costs { start_s: 72.0, round_s: 22.0 }).expect("words");
    assert!(best.rounds == 10 && best.words.contains("no more than their rounds explain"));
}

#[test]
fn the_best_number_of_rounds_follows_the_costs() {
    let noise = |start, round| MetricNoise {
        metric: TPOT,
        start_sd: None,
        between_starts: Some(start),
        between_rounds: Some(round),
        clamped: false,
        visible: None,
    };
    let best = |start, round| {
        best_rounds(&noise(start, round), Costs { start_s: 72.0, round_s: 18.0 })
            .expect("defined")
            .rounds
    };
    assert_eq!(
        (best(0.01, 0.01), best(0.01, 0.015), best(0.05, 0.01), best(0.001, 0.01)),
        (2, 3, 1, 10)
    );
}

/// An example of the method: 60 s start, 12 s warm-up, 3 rounds of 22 s are 4.6 minutes per look,
/// 13.8 at most.
#[test]
fn minutes_are_methods() {
    let found = calibrated(&rounds(4, 0.01, 0.01)).minutes;
    near(Some(found.first_look), 4.6, 1e-9);
    near(Some(found.third_look), 13.8, 1e-9);
}

#[test]
fn quiet_starts_give_no_alarm_and_loud_ones_are_seen_in_the_visible_change() {
    let (quiet, loud) = (calibrated(&rounds(6, 0.005, 0.002)), calibrated(&rounds(6, 0.05, 0.002)));
    let alarms = quiet.false_alarms.expect("enough starts");
    assert_eq!(
        (alarms.splits, alarms.exhaustive, alarms.pairs, alarms.disjoint),
        (720, true, 3, 1)
    );
    assert_eq!(alarms.alarms, 0);
    assert!(alarms.words.contains("not independent"), "{}", alarms.words);
    let visible = |c: &[MetricNoise]| {
        c.iter().find(|m| m.metric == TPOT).and_then(|m| m.visible).expect("known")
    };
    assert!(visible(&loud.metrics) > 3.0 * visible(&quiet.metrics));
    assert!(calibrated(&rounds(1, 0.01, 0.01)).false_alarms.is_none());
    assert_eq!(calibrated(&rounds(2, 0.01, 0.01)).false_alarms.expect("a pair").splits, 2);
}

/// Every fifth start is a third slower: a machine on which nobody should trust a gate.
#[test]
fn a_machine_of_two_minds_raises_alarms() {
    let mut mixed = rounds(15, 0.002, 0.001);
    for row in mixed.iter_mut().filter(|r| r.start % 5 == 1).flat_map(|r| &mut r.rows) {
        row.e2e_ms = row.e2e_ms.map(|t| t * 1.35);
    }
    let whole = Shape { streaming: false, ..SHAPE };
    let starts: Vec<StartSummary> = summaries(&mixed, &SloMs::default()).into_values().collect();
    let found = splits::false_alarms(&starts, whole, &Policy::default()).expect("enough starts");
    assert_eq!((found.splits, found.exhaustive, found.disjoint), (2000, false, 2));
    assert!(found.alarms > 10 && found.alarms + found.passes <= 2000, "{found:?}");
    assert!(found.interval.0 < found.rate && found.rate < found.interval.1);
}

#[test]
fn a_queue_is_the_knee_and_a_varying_ttft_a_hint() {
    let calm = calibrated(&rounds(4, 0.01, 0.001));
    assert!(
        !calm.knee.near && calm.knee.autocorrelation.is_some_and(|a| a < 0.7),
        "{:?}",
        calm.knee
    );
    let mut queue = rounds(4, 0.01, 0.001);
    for round in &mut queue {
        for (i, row) in (0_u32..).zip(&mut round.rows) {
            row.ttft_ms = Some(10.0 * f64::from(i + 1));
            row.e2e_ms = Some(10.0 * f64::from(i + 1) + 100.0);
        }
    }
    let found = calibrated(&queue).knee;
    assert!(found.near && found.words.contains("lower the rate"));
    let mut closed = queue.clone();
    for round in &mut closed {
        round.open_loop = false;
    }
    assert!(!calibrated(&closed).knee.near);
    let mut spread = rounds(4, 0.01, 0.001);
    for round in &mut spread {
        for row in &mut round.rows {
            let wait = row.ttft_ms.expect("set") * f64::from(round.start);
            row.ttft_ms = row.ttft_ms.map(|t| t + wait);
            row.e2e_ms = row.e2e_ms.map(|t| t + wait);
        }
    }
    let hint = calibrated(&spread).knee;
    assert!(
        !hint.near
            && hint.ttft_over_tpot.is_some_and(|r| r > 3.0)
            && hint.words.contains("close to the knee"),
        "{hint:?}"
    );
}

#[test]
fn nothing_measured_is_nothing_said() {
    let found = calibrated(&[]);
    assert!(found.metrics.iter().all(|m| m.start_sd.is_none() && m.visible.is_none()));
    assert!(
        found.best_rounds.is_empty()
            && found.false_alarms.is_none()
            && found.knee.autocorrelation.is_none()
    );
}
