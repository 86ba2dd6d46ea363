//! What a look may see, and what the first one may say where the noise is not known.

use super::*;

/// Whole starts in the order B C, C B, B C: one server at a time.
fn one_at_a_time(sides: &mut [Vec<Round>; 2]) {
    for (side, rounds) in sides.iter_mut().enumerate() {
        for round in rounds {
            let second = (side == 1) == round.start.is_multiple_of(2);
            round.order = round.start * 100
                + u32::from(second) * 50
                + u32::try_from(round.seed).expect("small");
        }
    }
}

fn sides(base: &[f64], cand: &[f64]) -> [Vec<Round>; 2] {
    [rounds(base, true), rounds(cand, false)]
}

#[test]
fn with_one_server_at_a_time_the_first_look_never_decides() {
    let policy = one_start();
    for speed in [1.0, 3.0] {
        let mut both = sides(&[1.0; 3], &[speed; 3]);
        one_at_a_time(&mut both);
        let first =
            |rounds: &[Round]| rounds.iter().filter(|r| r.start == 0).cloned().collect::<Vec<_>>();
        let (base, cand) = (first(&both[0]), first(&both[1]));
        let alone = compare(&base, &cand, &quiet_history(), &policy);
        assert_eq!(alone.decision, Decision::Incomplete);
        assert!(
            matches!(alone.reasons[0], Reason::Pairing(reason::PairingReason::OneOrder { .. })),
            "{:?}",
            alone.reasons
        );
        let all = compare(&both[0], &both[1], &quiet_history(), &policy);
        assert_eq!(all.looks, 2);
        assert!(!all.decision.is_open());
    }
}

#[test]
fn later_starts_do_not_unmake_a_decision() {
    let policy = one_start();
    let [base, mut cand] = sides(&[1.0; 3], &[1.0; 3]);
    // From the second start on the candidate is measured long after its baseline.
    cand.iter_mut().filter(|r| r.start > 0).for_each(|r| r.order += 1000);
    let found = compare(&base, &cand, &quiet_history(), &policy);
    assert_eq!((found.decision, found.looks), (Decision::Pass, 1));
    let [_, slower] = sides(&[1.0; 3], &[1.04; 3]);
    let late: Vec<Round> =
        slower.into_iter().map(|r| Round { order: r.order + r.start * 1000, ..r }).collect();
    let open = compare(&base, &late, &quiet_history(), &policy);
    assert_eq!(
        (open.decision, open.metrics.len()),
        (Decision::Incomplete, 0),
        "{:?}",
        open.reasons
    );
}

/// No verdict rests on one start: the first look convicts of nothing and, without a history, passes
/// nothing.
#[test]
fn the_first_look_convicts_of_nothing() {
    let policy = one_start();
    let at_one = |speed: f64, history: &[PastRun]| {
        let [base, cand] = sides(&[1.0], &[speed]);
        compare(&base, &cand, history, &policy)
    };
    for history in [vec![], quiet_history()] {
        let tripled = at_one(3.0, &history);
        assert_eq!((tripled.decision, tripled.wants), (Decision::Inconclusive, Some(Wants::Pair)));
    }
    let why = row(&at_one(3.0, &quiet_history()), TPOT).reason.clone();
    assert_eq!(why, Some(MetricReason::TooFewStarts));
    assert_eq!(row(&at_one(0.5, &[]), TPOT).judgement, Judgement::Inconclusive);
    assert_ne!(at_one(1.0, &[]).decision, Decision::Pass);
    assert_eq!(at_one(1.0, &quiet_history()).decision, Decision::Pass);
}

/// A PASS needs as many starts of the candidate as the team says.
#[test]
fn a_pass_waits_for_the_starts_that_it_needs() {
    let policy = Policy { min_starts: 3, ..Policy::default() };
    let [base, cand] = sides(&[1.0; 3], &[1.0; 3]);
    let of = |sampling| {
        let plain = input(&base, &cand, &[], &policy);
        let history = quiet_history();
        let rules = Rules { sampling, history: &history, ..plain.rules };
        interleaved::judge(&Interleaved { rules, ..plain })
    };
    let paired = of(Sampling::Pairs);
    assert_eq!((paired.decision, paired.looks, paired.starts.seen), (Decision::Pass, 3, 3));
    let checked = of(Sampling::Starts);
    assert_eq!((checked.decision, checked.looks), (Decision::Inconclusive, 1));
    assert_eq!(checked.wants, Some(Wants::CheckStart), "{:?}", checked.reasons);
    assert!(checked.reasons.contains(&Reason::StartsUnseen { seen: 1, needed: 3 }));
}

#[test]
fn servers_that_ran_already_are_one_start_each_and_it_is_said() {
    let policy = one_start();
    let [base, cand] = sides(&[1.0; 3], &[1.1; 3]);
    let judged = |cand: &[Round], history: &[PastRun]| {
        let plain = input(&base, cand, history, &policy);
        let rules = Rules { sampling: Sampling::RunningServers, ..plain.rules };
        interleaved::judge(&Interleaved { rules, ..plain })
    };
    let open = judged(&cand, &quiet_history());
    assert_eq!(
        (open.decision, open.looks),
        (Decision::Inconclusive, 1),
        "two agreeing starts would have convicted"
    );
    assert!(open.warnings[0] == Reason::StartsNotSampled, "{:?}", open.warnings);
    let [_, same] = sides(&[1.0; 3], &[1.0; 3]);
    assert_ne!(judged(&same, &[]).decision, Decision::Pass);
    assert_eq!(judged(&same, &quiet_history()).decision, Decision::Pass);
    let [_, absurd] = sides(&[1.0; 3], &[2.0; 3]);
    assert_eq!(judged(&absurd, &[]).decision, Decision::Regression);
}

/// What may happen to the rounds of a start: nothing, a dead baseline, a dead candidate, one side
/// absent, out of order.
fn mishap(rounds: &mut [Vec<Round>; 2], start: u32, kind: u32) {
    let side = usize::from(kind == 2 || kind == 4);
    match kind {
        1 | 2 => rounds[side]
            .iter_mut()
            .filter(|r| r.start == start)
            .flat_map(|r| &mut r.rows)
            .for_each(|r| r.ok = false),
        3 | 4 => rounds[side].retain(|r| r.start != start),
        5 => rounds[1].iter_mut().filter(|r| r.start == start).for_each(|r| r.order += 10_000),
        6 => {
            rounds[0]
                .iter_mut()
                .filter(|r| r.start == start && r.seed == 1)
                .flat_map(|r| &mut r.rows)
                .for_each(|r| r.ok = false);
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_stored_run_is_judged_as_it_was_live(
        base in prop::collection::vec(0.98..1.02f64, 6),
        slower in prop::sample::select(vec![1.0, 1.03, 1.1, 1.4, 2.0]),
        kinds in prop::collection::vec(0..14u32, 6),
        known in any::<bool>(),
        alone in any::<bool>(),
    ) {
        let policy = one_start();
        let history = if known { quiet_history() } else { vec![] };
        let mut both = sides(&base, &base.iter().rev().map(|b| b * slower).collect::<Vec<_>>());
        if alone {
            one_at_a_time(&mut both);
        }
        for (start, kind) in (0..).zip(kinds) {
            mishap(&mut both, start, kind);
        }
        let all = compare(&both[0], &both[1], &history, &policy);
        let live = (1..=6).map(|n| {
            let seen = |rounds: &[Round]| rounds.iter().filter(|r| r.start < n).cloned().collect::<Vec<_>>();
            compare(&seen(&both[0]), &seen(&both[1]), &history, &policy)
        });
        let first = live.into_iter().find(|c| c.wants.is_none() && !c.decision.is_open());
        prop_assert_eq!(first.is_none(), all.decision.is_open());
        if let Some(first) = first {
            prop_assert_eq!(first, all);
        }
    }
}
