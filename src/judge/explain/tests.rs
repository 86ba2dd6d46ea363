//! The explanation is read as a person would, and its numbers are the judgement's.

use super::*;
use crate::judge::interleaved::{self, Attempt, Interleaved, Rules, Sampling};
use crate::judge::other_day::{self, OtherDay};
use crate::judge::{Decision, PastRun, Policy, Session};
use crate::measure::summary::{Shape, StartSummary};
use crate::measure::{Round, Row, SloMs};
use crate::metric::{METHOD, Stat, Timing};

const SHAPE: Shape = Shape { streaming: true, output_tokens: 11, has_slo: false };
const TPOT: Metric = Metric::Timing(Timing::Tpot, Stat::Geomean);
const TTFT_P99: Metric = Metric::Timing(Timing::Ttft, Stat::P99);

fn start(offset: f64, bad: u64) -> StartSummary {
    let value = |m: Metric| (m, if m == Metric::OutputTokenRate { -3.0 } else { 2.0 } + offset);
    StartSummary {
        values: METHOD.into_iter().filter(|m| *m != TTFT_P99).map(value).collect(),
        n: 300,
        bad,
        rounds: Vec::new(),
    }
}

fn round(start: u32, candidate: bool, speed: f64, plan: u32) -> Round {
    let row = |i: u32| {
        let ttft = speed * (10.0 + f64::from((i * 7) % 13));
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
        order: start * 8 + plan * 2 + u32::from(plan.is_multiple_of(2) == candidate),
        seconds: speed,
        rows: (0..40).map(row).collect(),
        ..Round::default()
    }
}

fn side(speeds: &[f64], candidate: bool) -> Vec<Round> {
    let all = (0_u32..)
        .zip(speeds)
        .flat_map(|(s, &speed)| (0..3).map(move |r| round(s, candidate, speed, r)));
    all.collect()
}

fn comparison(base: &[f64], cand: &[f64], history: &[PastRun]) -> Comparison {
    let (baseline, candidate, policy) =
        (side(base, false), side(cand, true), Policy { min_starts: 1, ..Policy::default() });
    interleaved::judge(&Interleaved {
        earlier: &[],
        now: Attempt { baseline: &baseline, candidate: &candidate, ..Attempt::default() },
        slo: SloMs::default(),
        differing: &[],
        rules: Rules {
            history,
            shape: SHAPE,
            planned: 3,
            sampling: Sampling::Pairs,
            unseen: 0,
            policy: &policy,
        },
    })
}

fn past() -> Vec<PastRun> {
    let side = vec![start(0.0, 0), start(0.01, 1), start(-0.01, 0)];
    vec![PastRun { sides: vec![side; 2], passed: true }]
}

fn explained(comparison: &Comparison, metric: Metric) -> String {
    render(&steps(comparison, metric).expect("it was judged"))
}

#[test]
fn a_regression_is_explained_to_the_end() {
    let found = comparison(&[1.0, 1.01], &[1.1, 1.12], &past());
    assert_eq!(found.decision, Decision::Regression);
    let text = [TPOT, Metric::OutputTokenRate, Metric::ErrorRate].map(|m| explained(&found, m));
    insta::assert_snapshot!(text.join("\n"));
}

#[test]
fn first_looks_are_explained_with_and_without_noise() {
    let pass = comparison(&[1.0], &[1.0], &past());
    let absurd = comparison(&[1.0], &[1.8], &[]);
    assert_eq!((pass.decision, absurd.decision), (Decision::Pass, Decision::Inconclusive));
    insta::assert_snapshot!(
        [explained(&pass, TPOT), explained(&absurd, TPOT), explained(&absurd, TTFT_P99)].join("\n")
    );
}

#[test]
fn other_days_are_explained() {
    let session = |offset: f64| Session {
        starts: vec![start(offset, 0), start(offset + 0.004, 1)],
        ..Session::default()
    };
    let sessions: Vec<Session> = [0.0, 0.01, -0.01, 0.004, -0.004, 0.002].map(session).into();
    let policy = Policy::default();
    let against = |history: &[Session], jobs: &[Session], metric| {
        let input = OtherDay {
            history,
            jobs,
            decisions: &[],
            unseen: 0,
            planned: 1,
            shape: SHAPE,
            differing: &[],
            policy: &policy,
        };
        explained(&other_day::judge(&input), metric)
    };
    let slower = [session(0.1)];
    let two = [session(0.07), session(0.06)];
    let texts = [
        against(&sessions, &slower, TPOT),
        against(&sessions, &two, TPOT),
        against(&sessions[..3], &slower, TPOT),
        against(
            &sessions,
            &[Session { starts: vec![start(0.0, 30)], ..Session::default() }],
            Metric::ErrorRate,
        ),
    ];
    insta::assert_snapshot!(texts.join("\n"));
}

/// The steps show the row's own numbers: a second computation could differ.
#[test]
fn what_is_shown_is_what_was_judged() {
    let found = comparison(&[1.0, 1.01], &[1.1, 1.12], &past());
    let row = found.metrics.iter().find(|m| m.metric == TPOT).expect("judged");
    let value = |name: &str| {
        let all = steps(&found, TPOT).expect("judged");
        all.into_iter().find(|s| s.name == name).unwrap_or_else(|| panic!("no step {name}")).value
    };
    assert_eq!(value("p"), number(row.p.expect("tested")));
    assert_eq!(value("detectable"), size(TPOT, row.detectable.expect("tested")));
    assert!(value("judgement").starts_with("regressed"));
    assert!(value("D").contains(&text::change(TPOT, row.change.expect("measured"))));
}

#[test]
fn what_was_not_judged_says_why() {
    let found = comparison(&[1.0], &[1.0], &past());
    let wrong = steps(&found, Metric::Goodput).expect_err("not a metric of the method");
    assert!(wrong.contains("judged were: ttft_geomean"), "{wrong}");
    let nothing = steps(&comparison(&[1.0], &[], &past()), TPOT).expect_err("nothing was compared");
    assert!(nothing.contains("nothing was compared"), "{nothing}");
}
