//! What each kind of evidence is ruled.

use super::*;
use crate::accept::Excusable;
use crate::judge::reason::Terms;
use crate::measure::summary::StartSummary;

const WARN: StatusPolicy = StatusPolicy {
    on_inconclusive: OnOpen::Warn,
    on_blind: OnOpen::Fail,
    on_missing_baseline: OnOpen::Warn,
    on_incomparable: OnOpen::Fail,
    on_limit_open: OnOpen::Warn,
    on_unstable: OnOpen::Warn,
};

fn evidence(against: Against) -> Evidence {
    let (invalid, limits, excused, warnings) = (vec![], vec![], vec![], vec![]);
    Evidence { invalid, against, limits, excused, incomplete: vec![], warnings }
}

/// Starts that look slow only sometimes leave it open; the policy may ask for more.
#[test]
fn unstable_starts_fail_where_the_policy_says_so() {
    let tally = |slow, starts| judge::slow::Tally { slow, starts };
    let unstable = Comparison {
        slow: Some(judge::slow::judge(tally(1, 10), tally(0, 34))),
        ..Comparison::undecided(judge::Mode::Interleaved, 3, 3, vec![])
    };
    let e = evidence(Against::Compared(Box::new(unstable)));
    let ruled = |on_unstable| rule(StatusPolicy { on_unstable, ..WARN }, &e);
    assert_eq!(ruled(OnOpen::Warn).exit, ExitStatus::Pass);
    let failing = ruled(OnOpen::Fail);
    assert_eq!((failing.verdict, failing.exit), (Verdict::Inconclusive, ExitStatus::Inconclusive));
}

#[test]
fn an_unfit_measurement_is_never_judged() {
    let e = Evidence {
        invalid: vec![Reason::Text("client late".into())],
        ..evidence(Against::LimitsOnly)
    };
    let ruling = rule(WARN, &e);
    assert_eq!((ruling.verdict, ruling.exit), (Verdict::Invalid, ExitStatus::CouldNotMeasure));
}

#[test]
fn no_baseline_is_said_and_let_through_only_by_policy() {
    let e = evidence(Against::Missing(Reason::Text("none".into())));
    assert_eq!(rule(WARN, &e).exit, ExitStatus::Pass);
    assert_eq!(rule(WARN, &e).verdict, Verdict::NoBaseline);
    let strict = StatusPolicy { on_missing_baseline: OnOpen::Fail, ..WARN };
    assert_eq!(rule(strict, &e).exit, ExitStatus::NoBaseline);
}

#[test]
fn something_else_is_not_a_baseline() {
    let difference = Difference {
        field: "gpu".into(),
        baseline: Some("H100".into()),
        candidate: Some("A100".into()),
    };
    let ruling = rule(WARN, &evidence(Against::Incomparable(vec![difference])));
    assert_eq!((ruling.verdict, ruling.exit), (Verdict::Incomparable, ExitStatus::NoBaseline));
    assert!(ruling.reasons[0].to_string().contains("gpu: H100 -> A100"));
}

#[test]
fn an_accepted_breach_passes_and_is_said_and_no_unfit_run_is_accepted() {
    let breached = LimitFinding {
        metric: crate::metric::Metric::ErrorRate,
        bound: crate::config::Bound::Max(0.01),
        value: Some(0.02),
        interval: None,
        state: LimitState::Breached,
        side_ok: Some(false),
        reason: LimitReason::LimitUnknown { name: "error_rate".into() },
    };
    let found = Excusable::Limit(breached.reason.clone());
    let terms =
        Terms { until: "2026-12-31".into(), reason: "known".into(), by: Some("Ada".into()) };
    let excused = vec![Excused {
        metric: breached.metric,
        of: AcceptedKind::LimitMax,
        found: found.clone(),
        terms: terms.clone(),
    }];
    let e = Evidence { limits: vec![breached.clone()], excused, ..evidence(Against::LimitsOnly) };
    let ruling = rule(WARN, &e);
    assert_eq!((ruling.verdict, ruling.exit), (Verdict::Passed, ExitStatus::Pass));
    assert_eq!(ruling.accepted, [Reason::Accepted { found, terms }]);
    let other = LimitFinding { bound: crate::config::Bound::Min(0.5), ..breached };
    let both = Evidence { limits: vec![e.limits[0].clone(), other], ..e.clone() };
    let ruling = rule(WARN, &both);
    assert_eq!(
        (ruling.verdict, ruling.reasons.len()),
        (Verdict::Failed, 1),
        "only what was accepted"
    );
    let short = Evidence { incomplete: vec![Reason::Text("one start of two".into())], ..e.clone() };
    assert_eq!(rule(WARN, &short).verdict, Verdict::Incomplete);
    let unfit = Evidence { invalid: vec![Reason::Text("client late".into())], ..e };
    assert_eq!(
        (rule(WARN, &unfit).verdict, rule(WARN, &unfit).accepted.len()),
        (Verdict::Invalid, 0)
    );
}

#[test]
fn nothing_judged_is_never_a_pass() {
    let ruling = rule(WARN, &evidence(Against::LimitsOnly));
    assert_eq!((ruling.verdict, ruling.exit), (Verdict::Incomplete, ExitStatus::CouldNotMeasure));
    assert_eq!(overall(&[]).1, ExitStatus::CouldNotMeasure);
}

/// Whoever lets nothing open through lets nothing blind through.
#[test]
fn a_blind_run_fails_unless_both_policies_let_it_through() {
    use OnOpen::{Fail, Warn};
    let all = |value: f64| crate::metric::METHOD.map(|metric| (metric, value)).into();
    let starts = |value: f64| {
        vec![StartSummary { values: all(value), n: 100, ..StartSummary::default() }; 2]
    };
    let session =
        |value: f64| judge::Session { starts: starts(value), ..judge::Session::default() };
    let history: Vec<_> = [0.0, 0.2, 0.0, 0.2, 0.0, 0.2].map(session).into();
    let compared = judge::other_day::judge(&judge::other_day::OtherDay {
        history: &history,
        jobs: &[session(0.1)],
        decisions: &[],
        unseen: 0,
        planned: 1,
        shape: crate::measure::summary::Shape { streaming: true, output_tokens: 8, has_slo: false },
        differing: &[],
        policy: &judge::Policy::default(),
    });
    let e = evidence(Against::Compared(Box::new(compared)));
    let of = |on_inconclusive, on_blind| {
        let ruling = rule(StatusPolicy { on_inconclusive, on_blind, ..WARN }, &e);
        assert!(
            ruling.verdict == Verdict::Blind
                && ruling.reasons[0].to_string().contains("10 % must be"),
            "{ruling:?}"
        );
        ruling.exit
    };
    assert_eq!(of(Warn, Fail), ExitStatus::Inconclusive);
    assert_eq!(of(Warn, Warn), ExitStatus::Pass);
    assert_eq!(of(Fail, Warn), ExitStatus::Inconclusive);
    let short = Evidence { incomplete: vec![Reason::Text("one start of two".into())], ..e };
    assert_ne!(rule(WARN, &short).verdict, Verdict::Blind, "what is missing comes first");
}

#[test]
fn the_worst_workload_wins() {
    let of = |verdict, exit| Ruling::new(verdict, exit, vec![]);
    let pass = of(Verdict::Passed, ExitStatus::Pass);
    let warned = of(Verdict::NoBaseline, ExitStatus::Pass);
    let invalid = of(Verdict::Invalid, ExitStatus::CouldNotMeasure);
    let failed = of(Verdict::Failed, ExitStatus::GateFailed);
    assert_eq!(overall(&[pass.clone(), invalid.clone(), failed.clone()]).0, Verdict::Failed);
    assert_eq!(overall(&[pass.clone(), invalid]).0, Verdict::Invalid);
    assert_eq!(overall(&[pass, warned]).0, Verdict::NoBaseline);
}
