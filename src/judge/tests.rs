//! Properties that every comparison must have, and the rules for short histories and for joining
//! with limits.

mod looks;
mod policy;

use proptest::prelude::*;

use super::interleaved::{self, Attempt, Interleaved, Rules, Sampling};
use super::other_day::{self, OtherDay};
use super::*;
use crate::config::Bound;
use crate::measure::summary::{Shape, summaries};
use crate::measure::{Round, Row, SloMs};
use crate::metric::{METHOD, Stat, Timing};

const SHAPE: Shape = Shape { streaming: true, output_tokens: 11, has_slo: false };
const TPOT: Metric = Metric::Timing(Timing::Tpot, Stat::Geomean);

/// Three rounds of every start; `speed` multiplies all times of a start.
fn rounds(speeds: &[f64], goes_first: bool) -> Vec<Round> {
    let round = |(start, speed): (usize, &f64), round: u32| {
        let row = |i: u32| {
            let ttft = speed * (10.0 + f64::from((i * 7 + round) % 13));
            Row {
                ttft_ms: Some(ttft),
                e2e_ms: Some(ttft + speed * 100.0),
                output_tokens: Some(11),
                ok: true,
                ..Row::default()
            }
        };
        let start = u32::try_from(start).expect("few starts");
        let first = (start * 3 + round).is_multiple_of(2) == goes_first;
        Round {
            start,
            seed: u64::from(round),
            order: (start * 3 + round) * 2 + u32::from(!first),
            seconds: *speed,
            chunk_gap_p99_ms: Some(speed * 12.0),
            rows: (0..40).map(row).collect(),
            ..Round::default()
        }
    };
    speeds.iter().enumerate().flat_map(|s| (0..3).map(move |r| round(s, r))).collect()
}

fn compare(
    baseline: &[Round],
    candidate: &[Round],
    history: &[PastRun],
    policy: &Policy,
) -> Comparison {
    interleaved::judge(&input(baseline, candidate, history, policy))
}

fn input<'a>(
    baseline: &'a [Round],
    candidate: &'a [Round],
    history: &'a [PastRun],
    policy: &'a Policy,
) -> Interleaved<'a> {
    let (planned, sampling) = (6, Sampling::Pairs);
    Interleaved {
        earlier: &[],
        now: Attempt { baseline, candidate, ..Attempt::default() },
        slo: SloMs::default(),
        differing: &[],
        rules: Rules { history, shape: SHAPE, planned, sampling, unseen: 0, policy },
    }
}

fn starts(speeds: &[f64]) -> Vec<StartSummary> {
    summaries(&rounds(speeds, true), &SloMs::default()).into_values().collect()
}

fn session(speeds: &[f64]) -> Session {
    Session { starts: starts(speeds), ..Session::default() }
}

fn against(history: &[Session], jobs: &[Session]) -> Comparison {
    let policy = Policy::default();
    other_day::judge(&OtherDay {
        history,
        jobs,
        decisions: &[],
        unseen: 0,
        planned: 1,
        shape: SHAPE,
        differing: &[],
        policy: &policy,
    })
}

/// Sessions and a job whose starts have these values of one metric; all else is the same.
fn with(metric: Metric, sessions: &[f64], job: &[f64]) -> Comparison {
    let of = |values: &[f64]| {
        let mut made = session(&vec![1.0; values.len()]);
        for (start, value) in made.starts.iter_mut().zip(values) {
            start.values.insert(metric, *value);
            start.rounds.clear();
        }
        made
    };
    let history: Vec<Session> = sessions.iter().map(|v| of(&[*v; 2])).collect();
    against(&history, &[of(job)])
}

/// What must be found is what it is; one start is enough.
fn one_start() -> Policy {
    Policy { min_starts: 1, ..Policy::default() }
}

fn quiet_history() -> Vec<PastRun> {
    let sides = vec![starts(&[1.0, 1.005, 0.995]), starts(&[1.0, 0.998, 1.002])];
    vec![PastRun { sides, passed: true }; 2]
}

fn row(comparison: &Comparison, metric: Metric) -> &MetricComparison {
    comparison.metrics.iter().find(|m| m.metric == metric).expect("the metric is judged")
}

fn log_change(comparison: &Comparison, metric: Metric) -> f64 {
    row(comparison, metric).change.expect("measured").ln_1p()
}

#[test]
fn equal_sides_pass_at_the_first_look_and_say_what_is_proven() {
    let found = compare(
        &rounds(&[1.0; 3], true),
        &rounds(&[1.0; 3], false),
        &quiet_history(),
        &one_start(),
    );
    assert_eq!((found.decision, found.looks), (Decision::Pass, 1));
    assert!(
        found.proves.is_some_and(|p| p.to_string().contains(
            "TTFT less than 7.5 % worse, TPOT, E2E latency, output token rate less than"
        ))
    );
}

#[test]
fn ten_per_cent_slower_is_a_regression_from_the_second_look() {
    let found = compare(
        &rounds(&[1.0; 3], true),
        &rounds(&[1.1; 3], false),
        &quiet_history(),
        &Policy::default(),
    );
    assert_eq!((found.decision, found.looks), (Decision::Regression, 2));
    assert_eq!(row(&found, TPOT).judgement, Judgement::Regressed);
    let obvious = compare(
        &rounds(&[1.0; 3], true),
        &rounds(&[1.4; 3], false),
        &quiet_history(),
        &Policy::default(),
    );
    assert_eq!(
        (obvious.decision, obvious.looks),
        (Decision::Regression, 2),
        "no verdict rests on one start"
    );
}

/// +126 % of a p99, and attainment that falls by 42 points: what one job of two starts may say of a
/// guard.
#[test]
fn a_guard_convicts_in_one_job_of_two_starts_that_agree_and_one_start_says_why_not() {
    let p99 = Metric::parse("ttft_p99").expect("a metric");
    let sessions: Vec<f64> = (0..8).map(|i| 5.0 + 0.05 * f64::from(i % 3)).collect();
    let by = |starts: &[f64]| {
        let found = with(p99, &sessions, &starts.iter().map(|d| 5.05 + d).collect::<Vec<_>>());
        (found.decision, row(&found, p99).reason.clone())
    };
    assert_eq!(by(&[0.815, 0.80]).0, Decision::Regression);
    let open = |starts: &[f64], why: &str| {
        let (decision, reason) = by(starts);
        let reason = reason.expect("one");
        let said = reason.to_string();
        assert!(
            decision == Decision::Inconclusive && reason.looks_worse() && said.contains(why),
            "{said}"
        );
    };
    open(&[0.815], "one start cannot fail by this metric");
    open(&[0.10, 0.70], "not by 15 % in every start");
    let uneven: Vec<f64> = (0..8).map(|i| 5.0 + 0.15 * f64::from(i % 3)).collect();
    let reason = row(&with(p99, &uneven, &[5.7, 5.7]), p99).reason.clone();
    assert!(
        reason.as_ref().is_some_and(|r| *r == MetricReason::SessionsDifferTooMuch),
        "{reason:?}"
    );
    assert_eq!(
        row(&with(p99, &sessions, &[5.05]), p99).detectable,
        None,
        "it could have convicted of nothing"
    );
}

/// Sessions that differ by 1.4 times hid a server that was twice as slow.
#[test]
fn a_gross_change_is_never_excused_by_uneven_sessions() {
    let apart = 1.4_f64.ln();
    for sessions in
        [vec![0.0], vec![0.0, apart], vec![0.0, apart, 0.0, apart, 0.0, apart], vec![apart; 20]]
    {
        let mean = sessions.iter().sum::<f64>() / sessions.len() as f64;
        let slow = with(TPOT, &sessions, &[mean + 2f64.ln(); 2]);
        assert_eq!(
            slow.decision,
            Decision::Regression,
            "{} sessions: {:?}",
            sessions.len(),
            slow.reasons
        );
        assert_eq!(row(&slow, TPOT).judgement, Judgement::Regressed);
    }
}

/// What must be found is 10 %: a run that sees 40 % at best says so, and a young history is not
/// blind.
#[test]
fn an_open_comparison_that_could_see_nothing_is_blind() {
    let uneven = [0.0, 0.2, 0.0, 0.2, 0.0, 0.2];
    let blind = with(TPOT, &uneven, &[0.2; 2]).blind().expect("it is");
    assert!(
        blind.metric == TPOT
            && (blind.wanted - 0.10).abs() < 1e-12
            && blind.detectable.is_some_and(|d| d > 0.4),
        "{blind:?}"
    );
    let said = Reason::from(&blind).to_string();
    assert!(said.starts_with("too noisy: only a change of "), "{said}");
    assert_eq!(with(TPOT, &uneven[..5], &[0.2; 2]).blind(), None, "young");
    assert_eq!(
        with(TPOT, &[0.0, 0.01, 0.0, 0.01, 0.0, 0.01], &[0.06; 2]).blind(),
        None,
        "open, and it saw enough"
    );
    assert_eq!(with(TPOT, &uneven, &[1.2; 2]).blind(), None, "a regression was seen");
}

#[test]
fn ten_per_cent_faster_is_improved_and_passes() {
    let found = compare(
        &rounds(&[1.0; 3], true),
        &rounds(&[0.9; 3], false),
        &quiet_history(),
        &Policy::default(),
    );
    assert_eq!(found.decision, Decision::Pass);
    assert_eq!(row(&found, TPOT).judgement, Judgement::Improved);
    assert!(row(&found, Metric::OutputTokenRate).change.is_some_and(|c| c > 0.1));
}

#[test]
fn a_change_that_the_team_calls_irrelevant_is_none() {
    let every = METHOD.into_iter().map(|m| (m, 0.2)).collect();
    let policy = Policy { sizes: every, ..Policy::default() };
    let found =
        compare(&rounds(&[1.0; 3], true), &rounds(&[1.1; 3], false), &quiet_history(), &policy);
    assert_eq!(found.decision, Decision::Pass, "{:?}", found.reasons);
}

#[test]
fn a_minimum_change_of_a_metric_that_nothing_judges_is_no_pass() {
    let policy = Policy { sizes: [(Metric::Goodput, 0.05)].into(), ..Policy::default() };
    let found =
        compare(&rounds(&[1.0; 3], true), &rounds(&[1.0; 3], false), &quiet_history(), &policy);
    assert_eq!(found.decision, Decision::Incomplete);
    assert!(found.reasons.iter().any(|r| r.to_string().starts_with("goodput:")));
}

#[test]
fn what_can_not_be_compared_is_incomplete() {
    let (base, cand) = (rounds(&[1.0; 3], true), rounds(&[1.5; 3], false));
    let policy = Policy::default();
    let undecided = |b: &[Round], c: &[Round]| {
        compare(b, c, &quiet_history(), &policy).decision == Decision::Incomplete
    };
    assert!(undecided(&[], &cand) && undecided(&base, &[]));
    let reseeded: Vec<Round> =
        cand.iter().map(|r| Round { seed: r.seed + 100, ..r.clone() }).collect();
    assert!(undecided(&base, &reseeded));
    let later: Vec<Round> =
        cand.iter().map(|r| Round { order: r.order + 1000, ..r.clone() }).collect();
    assert!(undecided(&base, &later));
    let mut shorter = cand.clone();
    shorter.iter_mut().flat_map(|r| &mut r.rows).for_each(|r| r.output_tokens = Some(10));
    assert!(undecided(&base, &shorter));
    let mut dead = base.clone();
    dead.iter_mut().take(3).flat_map(|r| &mut r.rows).for_each(|r| r.ok = false);
    assert!(undecided(&dead, &cand));
}

#[test]
fn a_candidate_that_only_fails_is_a_regression() {
    let mut dead = rounds(&[1.0; 3], false);
    dead.iter_mut().flat_map(|r| &mut r.rows).for_each(|r| r.ok = false);
    let found = compare(&rounds(&[1.0; 3], true), &dead, &[], &Policy::default());
    assert_eq!(found.decision, Decision::Regression);
    assert_eq!(row(&found, TPOT).judgement, Judgement::Unmeasured);
}

#[test]
fn short_histories_name_what_is_missing_and_still_see_the_absurd() {
    let history = vec![session(&[1.0, 1.01]); 3];
    let slower = |by: f64| against(&history, &[session(&[by, by])]);
    let found = slower(1.1);
    assert_eq!((found.decision, found.sessions_needed), (Decision::Inconclusive, Some(3)));
    assert!(
        found.reasons.contains(&Reason::SessionsNeeded { missing: 3, present: 3, needed: 6 }),
        "{:?}",
        found.reasons
    );
    assert!(row(&found, TPOT).detectable.is_some());
    assert_eq!(slower(0.5).decision, Decision::Inconclusive);
    assert_eq!(slower(1.5).decision, Decision::Regression);
    assert_eq!(against(&[], &[session(&[1.0])]).sessions_needed, Some(6));
}

#[test]
fn a_single_earlier_start_convicts_only_what_doubles() {
    let history = [session(&[1.0])];
    assert_eq!(against(&history, &[session(&[1.4])]).decision, Decision::Inconclusive);
    assert_eq!(against(&history, &[session(&[2.0])]).decision, Decision::Regression);
}

#[test]
fn eight_sessions_of_the_own_machine_outweigh_the_others() {
    let on =
        |runner: &str, speed: f64| Session { runner: Some(runner.into()), ..session(&[speed]) };
    let mut history: Vec<Session> =
        (0..8).map(|i| on("own", 1.0 + f64::from(i % 2) * 0.002)).collect();
    history.extend((0..8).map(|i| on("other", 0.7 + f64::from(i) * 0.1)));
    let pinned = against(&history, &[on("own", 1.08)]);
    assert_eq!((pinned.decision, pinned.sessions), (Decision::Regression, 8));
    let elsewhere = against(&history, &[on("third", 1.08)]);
    assert_eq!((elsewhere.decision, elsewhere.sessions), (Decision::Inconclusive, 16));
}

#[test]
fn a_breach_wins_and_an_open_limit_on_the_wrong_side_stops_a_pass() {
    let mut pass = compare(
        &rounds(&[1.0; 3], true),
        &rounds(&[1.0; 3], false),
        &quiet_history(),
        &Policy::default(),
    );
    let limit = |state, side_ok| LimitFinding {
        metric: TPOT,
        bound: Bound::Max(1.0),
        value: None,
        interval: None,
        state,
        side_ok,
        reason: reason::LimitReason::LimitUnknown { name: "words".into() },
    };
    let decide = |c: Option<&Comparison>, l: LimitFinding| join(c, &[l]).decision;
    assert_eq!(decide(Some(&pass), limit(LimitState::Met, Some(true))), Decision::Pass);
    assert_eq!(decide(Some(&pass), limit(LimitState::Open, Some(true))), Decision::Pass);
    assert_eq!(decide(Some(&pass), limit(LimitState::Open, Some(false))), Decision::Inconclusive);
    assert_eq!(decide(Some(&pass), limit(LimitState::NotMeasured, None)), Decision::Incomplete);
    assert_eq!(decide(Some(&pass), limit(LimitState::Breached, Some(false))), Decision::Regression);
    pass.decision = Decision::Inconclusive;
    assert_eq!(
        decide(Some(&pass), limit(LimitState::NotMeasured, None)),
        Decision::Incomplete,
        "it is no noise"
    );
    assert_eq!(decide(Some(&pass), limit(LimitState::Breached, Some(false))), Decision::Regression);
    assert_eq!(decide(None, limit(LimitState::Met, Some(true))), Decision::Pass);
    assert_eq!(decide(None, limit(LimitState::Open, Some(true))), Decision::Inconclusive);
    assert_eq!(decide(None, limit(LimitState::NotMeasured, None)), Decision::Incomplete);
    assert_eq!(join(None, &[]).decision, Decision::Incomplete);
}

fn speeds(n: usize) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(0.8..1.25f64, n)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn swapping_the_sides_flips_the_difference(base in speeds(3), cand in speeds(3)) {
        let policy = Policy { sizes: METHOD.into_iter().map(|m| (m, 9.0)).collect(), ..Policy::default() };
        let (b, c) = (rounds(&base, true), rounds(&cand, false));
        let (there, back) = (compare(&b, &c, &[], &policy), compare(&c, &b, &[], &policy));
        if there.looks == back.looks {
            for metric in [TPOT, Metric::OutputTokenRate, Metric::Timing(Timing::Ttft, Stat::P95)] {
                prop_assert!((log_change(&there, metric) + log_change(&back, metric)).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn the_same_data_gives_the_same_comparison(base in speeds(3), cand in speeds(3)) {
        let (b, c) = (rounds(&base, true), rounds(&cand, false));
        let once = compare(&b, &c, &quiet_history(), &Policy::default());
        prop_assert_eq!(once, compare(&b, &c, &quiet_history(), &Policy::default()));
    }

    #[test]
    fn the_clocks_unit_does_not_matter(history in speeds(8), cand in speeds(2), unit in 0.1..10.0f64) {
        let scaled = |speeds: &[f64], by: f64| -> Vec<Session> { speeds.iter().map(|s| session(&[s * by])).collect() };
        let judged = |by: f64| against(&scaled(&history, by), &scaled(&cand, by));
        let (one, other) = (judged(1.0), judged(unit));
        prop_assert_eq!(one.decision, other.decision);
        // An earlier attempt that passed leaves nothing to compare.
        prop_assert!(one.metrics.is_empty() || (log_change(&one, TPOT) - log_change(&other, TPOT)).abs() < 1e-9);
    }

    #[test]
    fn a_missing_primary_metric_never_passes(which in 0..4usize, by in 0..2usize, other_day in any::<bool>()) {
        let strip = |starts: &mut Vec<StartSummary>| {
            for start in starts {
                start.forget(METHOD[which]);
            }
        };
        if other_day {
            let (mut history, mut job) = (vec![session(&[1.0, 1.001]); 8], session(&[1.0, 1.001]));
            let stripped = if by == 0 { std::slice::from_mut(&mut job) } else { &mut history[..] };
            for session in stripped {
                strip(&mut session.starts);
            }
            prop_assert_ne!(against(&history, &[job]).decision, Decision::Pass);
        } else {
            let mut sides = [rounds(&[1.0; 3], true), rounds(&[1.0; 3], false)];
            for row in sides[by].iter_mut().flat_map(|r| &mut r.rows) {
                match which {
                    0 => row.ttft_ms = None,
                    2 => row.e2e_ms = None,
                    _ => row.output_tokens = None,
                }
            }
            let found = compare(&sides[0], &sides[1], &quiet_history(), &Policy::default());
            prop_assert_ne!(found.decision, Decision::Pass);
        }
    }
}

#[test]
fn every_significance_level_is_shared_among_the_workloads() {
    let policy = Policy { workloads: 3, ..Policy::default() };
    assert!((policy.level(0.003) - 0.001).abs() < 1e-15);
}
