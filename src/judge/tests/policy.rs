//! What a team may set about each metric, and what the levels add up to.

use super::*;

const TTFT_P95: Metric = Metric::Timing(Timing::Ttft, Stat::P95);

fn classed(classes: &[(Metric, Class)]) -> Policy {
    Policy { classes: classes.iter().copied().collect(), ..one_start() }
}

/// Twelve of sixteen tails are slow, nothing else.
fn slow_tails(factor: f64) -> [Vec<Round>; 2] {
    let mut sides = [rounds(&[1.0; 3], true), rounds(&[1.0; 3], false)];
    for row in sides[1].iter_mut().flat_map(|r| r.rows.iter_mut().take(6)) {
        row.ttft_ms = row.ttft_ms.map(|t| t.max(21.0) * factor);
        row.e2e_ms = row.ttft_ms.map(|t| t + 100.0);
    }
    sides
}

#[test]
fn what_is_only_shown_never_decides() {
    let sides = [rounds(&[1.0; 3], true), rounds(&[1.1; 3], false)];
    let info = classed(&METHOD.map(|m| (m, Class::Info)).into_iter().skip(1).collect::<Vec<_>>());
    let found = compare(&sides[0], &sides[1], &quiet_history(), &info);
    assert_eq!(found.decision, Decision::Regression);
    assert_eq!(row(&found, TPOT).judgement, Judgement::Inconclusive);
    assert!(row(&found, TPOT).reason.as_ref().is_some_and(|r| *r == MetricReason::OnlyShown));
    assert!(
        found.reasons.iter().all(|r| r.to_string().starts_with("TTFT ")),
        "{:?}",
        found.reasons
    );
    let all = classed(&METHOD.map(|m| (m, Class::Info)));
    let nothing = compare(&sides[0], &sides[0].clone(), &quiet_history(), &all);
    assert_eq!(nothing.decision, Decision::Incomplete, "a PASS would prove nothing");
}

#[test]
fn a_guard_that_is_only_shown_fails_nothing() {
    let [base, cand] = slow_tails(1.6);
    let ttft_p50 = Metric::Timing(Timing::Ttft, Stat::P50);
    let irrelevant: Vec<(Metric, f64)> =
        METHOD.into_iter().filter(|m| *m != TTFT_P95).map(|m| (m, 0.9)).collect();
    let policy = Policy { sizes: irrelevant.into_iter().collect(), ..one_start() };
    let found = compare(&base, &cand, &quiet_history(), &policy);
    assert_eq!(
        (found.decision, row(&found, TTFT_P95).judgement),
        (Decision::Regression, Judgement::Regressed)
    );
    let policy =
        Policy { classes: [(TTFT_P95, Class::Info), (ttft_p50, Class::Guard)].into(), ..policy };
    assert_eq!(compare(&base, &cand, &quiet_history(), &policy).decision, Decision::Pass);
}

#[test]
fn a_primary_metric_is_proven_within_its_margin() {
    let policy = |class, margin: Option<f64>| Policy {
        sizes: margin.map(|m| (TTFT_P95, m)).into_iter().collect(),
        ..classed(&[(TTFT_P95, class)])
    };
    let of = |policy: &Policy, mode| policy.thresholds(TTFT_P95, mode).and_then(|t| t.margin);
    assert_eq!(of(&policy(Class::Guard, Some(0.3)), Mode::Interleaved), None);
    assert_eq!(of(&policy(Class::Primary, Some(0.3)), Mode::OtherDay), Some(0.3));
    let promoted = of(&policy(Class::Primary, None), Mode::Interleaved).expect("primary");
    assert!((promoted - 0.1 / 0.6).abs() < 1e-12);
    let share = classed(&[(Metric::SloAttainment, Class::Primary)])
        .thresholds(Metric::SloAttainment, Mode::OtherDay);
    assert!(share.and_then(|t| t.margin).is_some_and(|m| (m - 0.04 / 0.6).abs() < 1e-12));
    let errors = classed(&[(Metric::ErrorRate, Class::Primary)])
        .thresholds(Metric::ErrorRate, Mode::OtherDay);
    assert_eq!(errors.map(|t| (t.class, t.margin)), Some((Class::Guard, None)));
}

#[test]
fn a_missing_promoted_guard_forbids_a_pass() {
    // Forty requests have no p99: no PASS for lack of it, once it is primary.
    let p99 = Metric::Timing(Timing::Ttft, Stat::P99);
    let same = || {
        compare(
            &rounds(&[1.0; 3], true),
            &rounds(&[1.0; 3], false),
            &quiet_history(),
            &classed(&[(p99, Class::Primary)]),
        )
    };
    assert_eq!(same().decision, Decision::Incomplete);
    let narrow = Policy { sizes: [(TPOT, 0.0001)].into(), ..Policy::default() };
    let found =
        compare(&rounds(&[1.0; 3], true), &rounds(&[1.0; 3], false), &quiet_history(), &narrow);
    assert_eq!(found.decision, Decision::Inconclusive, "0.01 % is not proven by three starts");
}

#[test]
fn what_is_accepted_is_out_of_the_way_and_all_else_counts() {
    let sides = [rounds(&[1.0; 3], true), rounds(&[1.1; 3], false)];
    let found = compare(&sides[0], &sides[1], &quiet_history(), &Policy::default());
    let hits = |c: &Comparison| {
        c.metrics.iter().filter(|m| m.bearing == Bearing::Convicts).map(|m| m.metric).collect()
    };
    let all: BTreeSet<Metric> = hits(&found);
    assert!(all.len() > 3 && found.decision == Decision::Regression);
    let rest = found.without(&all);
    assert_eq!(rest.decision, Decision::Pass, "{:?}", rest.reasons);
    assert!(
        rest.proves.as_ref().is_some_and(
            |p| !p.to_string().contains("TPOT") && p.to_string().starts_with("nothing")
        ),
        "{:?}",
        rest.proves
    );
    let most: BTreeSet<Metric> = all.iter().copied().filter(|m| *m != TPOT).collect();
    let rest = found.without(&most);
    assert_eq!(rest.decision, Decision::Regression);
    assert!(
        rest.reasons.len() == 1 && rest.reasons[0].to_string().starts_with("TPOT "),
        "{:?}",
        rest.reasons
    );
    assert_eq!(found.without(&BTreeSet::new()), found);
}
