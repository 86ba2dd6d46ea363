//! What an acceptance covers and what it does not, and its file.

use super::*;
use crate::judge::{Judgement, Working};
use crate::metric::{Stat, Timing};

const TPOT: Metric = Metric::Timing(Timing::Tpot, Stat::Geomean);

fn acceptance(metric: Metric, most: f64, worst_value: f64) -> Acceptance {
    Acceptance {
        workload: "chat".into(),
        fingerprint: "0123456789ab".into(),
        metric: metric.name(),
        of: AcceptedKind::Regression,
        worse_at_most_ratio: Some(most),
        worst_value,
        unit: metric.unit().suffix().into(),
        until: "2026-12-31".into(),
        reason: "new sampler".into(),
        found: "seen".into(),
        session: "aaaaaaaa".into(),
        commit: None,
        tree: None,
    }
}

fn known_to_base(acceptance: Acceptance) -> KnownAcceptance {
    KnownAcceptance { acceptance, by: Some("Ada".into()), landed: None, contained: true }
}

fn row(metric: Metric, change: f64, candidate: f64, bearing: Bearing) -> MetricComparison {
    let method = metric.method().expect("a metric of the method");
    MetricComparison {
        metric,
        class: method.class,
        baseline: None,
        candidate: Some(candidate),
        change: Some(change),
        interval: None,
        p: None,
        d_min: method.d_min,
        margin: method.margin,
        detectable: None,
        noise: None,
        noisier_than_usual: false,
        gaps: false,
        judgement: Judgement::Regressed,
        bearing,
        reason: None,
        working: Working::Nothing,
    }
}

/// What is excused, and what is said of the rest.
fn tried(a: &Acceptance, on: &str, row: &MetricComparison) -> (usize, Vec<String>) {
    let k = known_to_base(a.clone());
    let (excused, uncovered) = excuse(&[&k], on, |_| None, std::slice::from_ref(row), &[]);
    (excused.len(), uncovered.iter().map(|u| u.why.to_string()).collect())
}

#[test]
fn what_is_worse_than_was_accepted_is_not_covered() {
    let a = acceptance(TPOT, 0.08, 27.0);
    let found =
        |change, value| tried(&a, "2026-12-01", &row(TPOT, change, value, Bearing::Convicts));
    assert_eq!(found(0.06, 26.5), (1, vec![]));
    let (n, said) = found(0.081, 26.5);
    assert!(
        n == 0 && said[0].contains("8.1 % worse is more than the 8 % that was accepted"),
        "{said:?}"
    );
    // A regression on top, once the baseline has the first one in it: small against that, and
    // beyond what was reviewed.
    let (n, said) = found(0.06, 28.1);
    assert!(
        n == 0 && said[0].contains("28.10 ms is worse than the 27.00 ms that was accepted"),
        "{said:?}"
    );
    let rate = acceptance(Metric::OutputTokenRate, 0.08, 460.0);
    let fell = |change, value| {
        tried(&rate, "2026-12-01", &row(Metric::OutputTokenRate, change, value, Bearing::Convicts))
            .0
    };
    assert_eq!((fell(-0.07, 465.0), fell(-0.09, 465.0), fell(-0.07, 459.0)), (1, 0, 0));
}

#[test]
fn an_acceptance_ends_with_its_day() {
    let a = acceptance(TPOT, 0.08, 27.0);
    let worse = row(TPOT, 0.06, 26.5, Bearing::Convicts);
    assert_eq!(tried(&a, "2026-12-31", &worse), (1, vec![]));
    let (n, said) = tried(&a, "2027-01-01", &worse);
    assert!(n == 0 && said[0].contains("has expired"), "{said:?}");
    assert_eq!(tried(&a, "", &worse).0, 0, "no date is no day before its last");
}

#[test]
fn a_day_has_one_form_since_days_are_compared_as_text() {
    assert!(day("2026-12-31").is_ok());
    // ISO 8601 also knows weeks, ordinal days and longer years: `W` is above every digit, so that
    // 2026-W01-1 would never have passed.
    for other in ["2026-W01-1", "+002026001", "2026-2-030", "2026-02-30", "2026-12-31T"] {
        assert!(day(other).is_err(), "{other}");
    }
    let text =
        to_text(&[Acceptance { until: "2026-W01-1".into(), ..acceptance(TPOT, 0.08, 27.0) }]);
    assert!(parse(&text).is_err_and(|why| why.contains("write it as 2026-12-31")));
}

#[test]
fn an_acceptance_is_of_its_metric_and_of_what_was_measured() {
    let a = acceptance(TPOT, 0.08, 27.0);
    let e2e = Metric::Timing(Timing::E2e, Stat::Geomean);
    assert_eq!(tried(&a, "2026-12-01", &row(e2e, 0.06, 26.5, Bearing::Convicts)), (0, vec![]));
    let absent =
        MetricComparison { change: None, candidate: None, ..row(TPOT, 0.0, 0.0, Bearing::Worries) };
    assert_eq!(tried(&a, "2026-12-01", &absent), (0, vec![]), "an absent number is never covered");
    let in_part = MetricComparison { gaps: true, ..row(TPOT, 0.06, 26.5, Bearing::Convicts) };
    let (n, said) = tried(&a, "2026-12-01", &in_part);
    assert!(n == 0 && said[0].contains("some starts of one side have no value"), "{said:?}");
    assert_eq!(
        tried(&a, "2026-12-01", &row(TPOT, 0.06, 26.5, Bearing::Blocks)),
        (0, vec![]),
        "what is unproven needs proof"
    );
    assert_eq!(tried(&a, "2026-12-01", &row(TPOT, 0.06, 26.5, Bearing::Worries)).0, 1);
    assert_eq!(
        tried(&a, "2026-12-01", &row(TPOT, 0.06, 26.5, Bearing::Free)),
        (0, vec![]),
        "nothing to excuse"
    );
    let k = known_to_base(a);
    let (excused, said) = excuse(
        &[&k],
        "2026-12-01",
        |_| Some(NotCovered::InBaseline),
        &[row(TPOT, 0.06, 26.5, Bearing::Convicts)],
        &[],
    );
    assert!(excused.is_empty() && said[0].why == NotCovered::InBaseline, "{said:?}");
}

fn limit(value: f64, bound: Bound) -> LimitFinding {
    LimitFinding {
        metric: TPOT,
        bound,
        value: Some(value),
        interval: None,
        state: LimitState::Breached,
        side_ok: Some(false),
        reason: LimitReason::LimitUnknown { name: "tpot_geomean".into() },
    }
}

#[test]
fn a_breach_is_covered_up_to_its_value_and_no_farther() {
    let breach = Acceptance {
        of: AcceptedKind::LimitMax,
        worse_at_most_ratio: None,
        ..acceptance(TPOT, 0.0, 60.0)
    };
    let k = known_to_base(breach);
    let look = |l: LimitFinding| excuse(&[&k], "2026-12-01", |_| None, &[], &[l]).0;
    let covered = look(limit(55.0, Bound::Max(50.0)));
    assert_eq!(covered[0].terms.to_string(), "until 2026-12-31: new sampler (by Ada)");
    assert!(
        matches!(covered[0].found, Excusable::Limit(_))
            && covered[0].concerns(&limit(1.0, Bound::Max(50.0)))
    );
    assert!(look(limit(61.0, Bound::Max(50.0))).is_empty());
    assert!(look(limit(55.0, Bound::Min(70.0))).is_empty(), "another limit");
}

#[test]
fn the_file_is_stable_to_the_byte_and_sorted() {
    let (a, b) = (acceptance(TPOT, 0.08, 27.0), acceptance(Metric::OutputTokenRate, 0.1, 400.0));
    let text = to_text(&[a.clone(), b.clone()]);
    assert_eq!(text, to_text(&[b.clone(), a.clone()]));
    let read = parse(&text).expect("it reads back");
    assert_eq!(read, [b, a]);
    assert_eq!(to_text(&read), text);
    let entry = text.split("    {\n").nth(1).expect("an entry");
    let keys: Vec<&str> =
        entry.lines().filter_map(|l| l.trim().strip_prefix('"')?.split('"').next()).collect();
    assert!(keys.is_sorted() && keys.len() > 8, "{keys:?}");
}

#[test]
fn a_file_that_says_nothing_usable_is_refused() {
    let good = to_text(&[acceptance(TPOT, 0.08, 27.0)]);
    for (from, to, why) in [
        ("goodput-gate/accepted", "goodput-gate/record", "schema"),
        ("\"version\": 1", "\"version\": 2", "newer goodput-gate"),
        ("\"version\": 1", "\"version\": 0", "no version"),
        ("2026-12-31", "2026-02-30", "no day"),
        ("2026-12-31", "20261231", "no day"),
        ("\"tpot_geomean\"", "\"tpot_gm\"", "no metric"),
        ("\"unit\": \"ms\"", "\"unit\": \"s\"", "unit"),
        ("\"new sampler\"", "\" \"", "no reason"),
        ("0.08", "-0.08", "worse_at_most_ratio"),
        ("0.08", "null", "worse_at_most_ratio"),
        ("27.0", "-1.0", "worst_value"),
        ("\"workload\"", "\"wokload\"", "unknown field"),
        ("\"of\": \"regression\"", "\"of\": \"limit_max\"", "worse_at_most_ratio"),
    ] {
        let changed = good.replace(from, to);
        assert_ne!(changed, good, "{from}");
        let error = parse(&changed).expect_err(to);
        assert!(error.contains(why), "{to}: {error}");
    }
}

#[test]
fn worse_and_worsened_agree_with_the_metrics_direction() {
    let near = |a: f64, b: f64| (a - b).abs() < 1e-12;
    assert!(near(worse(TPOT, 0.1), 0.1) && near(worse(Metric::OutputTokenRate, 0.1), -0.1));
    assert!(
        near(worsened(TPOT, 20.0, 0.1), 22.0)
            && near(worsened(Metric::OutputTokenRate, 500.0, 0.1), 450.0)
    );
    assert!(
        near(worsened(Metric::SloAttainment, 0.98, 0.03), 0.95)
            && near(worsened(Metric::ErrorRate, 0.01, 0.02), 0.03)
    );
}
