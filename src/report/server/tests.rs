//! Which regressions are explained, where the time went, and how the page was read.

use std::collections::BTreeMap;

use super::{ServerReport, how, regressed, split};
use crate::config::Lang;
use crate::evidence::server::why::Concern;
use crate::judge::{Bearing, Comparison, Decision, Judgement, MetricComparison, Mode, Working};
use crate::metric::{Metric, Stat, Timing};
use crate::report::sides::{TimeParts, TimeReport};

fn row(metric: Metric, p: f64, judgement: Judgement) -> MetricComparison {
    let method = metric.method().expect("a metric of the method");
    MetricComparison {
        metric,
        class: method.class,
        baseline: Some(1.0),
        candidate: Some(1.2),
        change: Some(0.2),
        interval: Some((0.1, 0.3)),
        p: Some(p),
        d_min: method.d_min,
        margin: method.margin,
        detectable: None,
        noise: None,
        noisier_than_usual: false,
        gaps: false,
        bearing: Bearing::Free,
        judgement,
        reason: None,
        working: Working::Nothing,
    }
}

fn explained(metrics: Vec<MetricComparison>) -> Vec<(String, Concern)> {
    let comparison = Comparison {
        metrics,
        decision: Decision::Regression,
        looks: 1,
        ..Comparison::undecided(Mode::Interleaved, 0, 3, vec![])
    };
    regressed(&comparison).into_iter().map(|(m, concern)| (m.metric.name(), concern)).collect()
}

#[test]
fn each_part_of_a_request_is_explained_once_by_its_most_telling_metric() {
    let of = |timing, stat, p| row(Metric::Timing(timing, stat), p, Judgement::Regressed);
    let all = vec![
        of(Timing::Ttft, Stat::P95, 0.01),
        of(Timing::Ttft, Stat::Geomean, 0.001),
        of(Timing::Tpot, Stat::Geomean, 0.02),
        of(Timing::E2e, Stat::Geomean, 0.0001),
    ];
    let expected = [("ttft_geomean", Concern::FirstToken), ("tpot_geomean", Concern::LaterTokens)];
    assert_eq!(explained(all.clone()), expected.map(|(name, concern)| (name.to_owned(), concern)));
    assert_eq!(explained(all[3..].to_vec()), [("e2e_geomean".to_owned(), Concern::Both)]);
    assert_eq!(
        explained(vec![row(
            Metric::Timing(Timing::Ttft, Stat::Geomean),
            0.5,
            Judgement::Unchanged
        )]),
        []
    );
}

fn means(lag: f64, ttft: f64, e2e: f64) -> BTreeMap<String, f64> {
    [("send_lag_mean_ms", lag), ("ttft_mean_ms", ttft), ("e2e_mean_ms", e2e)]
        .map(|(k, v)| (k.to_owned(), v))
        .into()
}

type Means = BTreeMap<String, f64>;

fn told(now: &Means, was: &Means, open_loop: bool) -> Option<super::Meanwhile> {
    let candidate = TimeParts::of_means(now, open_loop)?;
    Some(split(&TimeReport { baseline: TimeParts::of_means(was, open_loop), candidate }))
}

fn text(split: Option<super::Meanwhile>) -> Option<String> {
    split.map(|all| all.to_string())
}

#[test]
fn the_time_is_split_by_our_own_instants() {
    assert_eq!(
        text(told(&means(0.5, 120.5, 700.5), &means(0.4, 100.4, 680.4), true)).as_deref(),
        Some(
            "mean time per request: unsent 0.500 ms (was 0.400 ms), first token 120.0 ms (was 100.0 ms), decoding 580.0 ms (was 580.0 ms)"
        )
    );
    // A closed loop has no intended arrival, and an old session no means.
    assert_eq!(
        text(told(&means(0.5, 120.0, 700.0), &BTreeMap::new(), false)).as_deref(),
        Some("mean time per request: first token 120.0 ms, decoding 580.0 ms")
    );
    assert_eq!(
        told(&BTreeMap::new(), &means(0.0, 1.0, 2.0), true),
        None,
        "a whole answer at once has no first token"
    );
}

#[test]
fn how_it_was_read_says_what_it_cost() {
    let server = ServerReport {
        names: Some("vllm".into()),
        samples: 12,
        failed: 2,
        cpu_ratio: Some(0.0031),
        facts: vec![],
    };
    assert_eq!(
        how(&server, Lang::En),
        "12 pages, in the names of vllm, 2 could not be read; reading them took 0.31 % of one processor"
    );
    assert_eq!(how(&ServerReport { samples: 1, ..ServerReport::default() }, Lang::En), "1 page");
}
