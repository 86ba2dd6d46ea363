//! Headlines never reassure over trouble, and name the number that matters.

use super::*;
use crate::judge::Judgement;
use crate::metric::{Stat, Timing};

fn worse(metrics: Vec<MetricComparison>) -> Option<String> {
    slower(&comparison(metrics)).map(|why| why.to_string())
}

fn fine(metrics: &[MetricComparison]) -> String {
    Why::NoSlowdown(margins(metrics)).to_string()
}

fn row(
    metric: Metric,
    change: f64,
    interval: (f64, f64),
    judgement: Judgement,
) -> MetricComparison {
    let method = metric.method().expect("a metric of the method");
    MetricComparison {
        metric,
        class: method.class,
        baseline: Some(1.0),
        candidate: Some(1.0),
        change: Some(change),
        interval: Some(interval),
        p: Some(0.001 * change.abs()),
        d_min: method.d_min,
        margin: method.margin,
        detectable: None,
        noise: None,
        noisier_than_usual: false,
        gaps: false,
        judgement,
        bearing: if judgement == Judgement::Regressed { Bearing::Convicts } else { Bearing::Free },
        reason: None,
        working: crate::judge::Working::Nothing,
    }
}

fn comparison(metrics: Vec<MetricComparison>) -> Comparison {
    Comparison {
        metrics,
        decision: Decision::Regression,
        looks: 2,
        ..Comparison::undecided(crate::judge::Mode::Interleaved, 0, 3, vec![])
    }
}

const TPOT: Metric = Metric::Timing(Timing::Tpot, Stat::Geomean);

#[test]
fn a_regression_is_told_with_its_size_and_interval() {
    let tpot = row(TPOT, 0.0823, (0.0701, 0.0938), Judgement::Regressed);
    assert_eq!(
        worse(vec![tpot.clone()]).as_deref(),
        Some("TPOT is 8.2 % longer than the baseline's (7.0 to 9.4 %, p < 0.0001)")
    );
    let rate = row(Metric::OutputTokenRate, -0.12, (-0.2, -0.04), Judgement::Regressed);
    let gap =
        row(Metric::Timing(Timing::ChunkGap, Stat::P99), 0.3, (-0.01, 0.7), Judgement::Regressed);
    assert_eq!(
        worse(vec![gap, rate, tpot]).as_deref(),
        Some(
            "output token rate is 12.0 % lower than the baseline's (4.0 to 20.0 %, p = 0.0001); also worse: TPOT by 8.2 % and p99 chunk gap by 30.0 %"
        )
    );
    let share = row(Metric::SloAttainment, -0.05, (-0.07, 0.01), Judgement::Regressed);
    assert_eq!(
        worse(vec![share]).as_deref(),
        Some(
            "SLO attainment is 5.00 pp lower than the baseline's (-7.00 pp to +1.00 pp, p < 0.0001)"
        )
    );
}

#[test]
fn a_sweep_names_its_invalid_levels_and_the_load_that_meets_the_slo() {
    let mut sweep = super::super::samples::swept().sweeps.remove(0);
    for (level, share) in sweep.levels.iter_mut().zip([1.0, 0.995, 0.4, 0.2]) {
        level.slo_attainment_ratio = Some(share);
    }
    let told = |sweep: &SweepReport| {
        let sweeps = vec![SweptFamily::new(sweep)];
        Headline::Swept { requests: 60, sweeps }.to_string()
    };
    assert_eq!(
        told(&sweep),
        "chat: highest load that meets the SLO: 2 in flight (99.50 % of the requests; 40.00 % at 4 in flight); measured 60 requests, \
         nothing judged"
    );
    sweep.levels[3].unfit = Some("late".into());
    assert!(told(&sweep).starts_with("INVALID: chat: INVALID at 8 in flight, highest load"));
    for level in &mut sweep.levels {
        (level.slo_attainment_ratio, level.unfit) = (None, None);
    }
    assert_eq!(told(&sweep), "measured 60 requests, nothing judged");
}

#[test]
fn a_pass_names_what_it_proves() {
    let ttft =
        row(Metric::Timing(Timing::Ttft, Stat::Geomean), 0.0, (0.0, 0.0), Judgement::Unchanged);
    let tpot = row(TPOT, 0.0, (0.0, 0.0), Judgement::Unchanged);
    let e2e =
        row(Metric::Timing(Timing::E2e, Stat::Geomean), 0.0, (0.0, 0.0), Judgement::Unchanged);
    assert_eq!(
        fine(&[ttft, tpot.clone(), e2e.clone()]),
        "no slowdown found (proven: TTFT below 7.5 %; TPOT, E2E latency below 5 %)"
    );
    assert_eq!(fine(&[tpot, e2e]), "no slowdown found (proven: below 5 %)");
}
