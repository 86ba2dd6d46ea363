//! Each rule: it speaks where its evidence says so, is silent where it does not, and silent where
//! there is none.

use super::{Advice, for_workload};
use crate::config::{Axis, Tier};
use crate::report::gpu::{GpuDevice, GpuReport};
use crate::report::server::{ServerFact, ServerReport};
use crate::report::sweep::{SweepLevel, SweepReport};
use crate::report::{Report, WorkloadReport, samples};

/// A report without evidence for anything, then changed.
fn advised(change: impl FnOnce(&mut WorkloadReport)) -> Vec<&'static str> {
    let mut report = bare();
    change(&mut report.workloads[0]);
    rules(&report)
}

fn bare() -> Report {
    let mut report = samples::pass();
    let w = &mut report.workloads[0];
    (w.distributions, w.rates, w.errors) = (Vec::new(), Vec::new(), Vec::new());
    (w.client.busiest_worker_ratio, w.server, w.gpu, w.slo_requests) = (None, None, None, None);
    report
}

fn rules(report: &Report) -> Vec<&'static str> {
    for_workload(report, &report.workloads[0]).iter().map(Advice::rule).collect()
}

fn rates(w: &mut WorkloadReport, values: &[(&str, f64)]) {
    let known = samples::pass().workloads.remove(0).rates;
    w.rates = known
        .into_iter()
        .filter_map(|mut r| {
            r.value = Some(values.iter().find(|(name, _)| *name == r.metric)?.1);
            Some(r)
        })
        .collect();
    assert_eq!(w.rates.len(), values.len(), "the samples know {values:?}");
}

fn timing(
    w: &mut WorkloadReport,
    name: &str,
    median: Option<f64>,
    p99: Option<f64>,
    mean: Option<f64>,
) {
    let mut d = samples::pass().workloads.remove(0).distributions.remove(0);
    (d.timing, d.p50_ms, d.p99_ms, d.mean_ms) = (name.into(), median, p99, mean);
    w.distributions.push(d);
}

fn facts(w: &mut WorkloadReport, values: &[(&str, f64)]) {
    let fact = |(name, value): &(&str, f64)| ServerFact {
        fact: (*name).into(),
        words: (*name).into(),
        unit: "count".into(),
        baseline: None,
        candidate: Some(*value),
    };
    w.server =
        Some(ServerReport { facts: values.iter().map(fact).collect(), ..ServerReport::default() });
}

fn gpus(w: &mut WorkloadReport, busy: &[Option<f64>]) {
    let device =
        |share: &Option<f64>| GpuDevice { utilisation_ratio: *share, ..GpuDevice::default() };
    w.gpu = Some(GpuReport { devices: busy.iter().map(device).collect(), ..GpuReport::default() });
}

#[test]
fn without_evidence_there_is_no_advice() {
    assert_eq!(advised(|_| ()), [""; 0]);
    for (name, report) in samples::all() {
        assert!(
            report
                .workloads
                .iter()
                .all(|w| for_workload(&report, w).iter().all(|a| !a.to_string().contains("NaN"))),
            "{name}"
        );
    }
}

#[test]
fn a_busy_client_is_named() {
    assert_eq!(advised(|w| w.client.busiest_worker_ratio = Some(0.75)), ["client_bound"]);
    assert_eq!(advised(|w| w.client.busiest_worker_ratio = Some(0.5)), [""; 0]);
}

#[test]
fn one_failure_in_twenty_is_too_many() {
    assert_eq!(advised(|w| rates(w, &[("success_rate", 0.949)])), ["failures"]);
    assert_eq!(advised(|w| rates(w, &[("success_rate", 0.95)])), [""; 0]);
    let mut report = samples::pass();
    rates(&mut report.workloads[0], &[("success_rate", 0.5)]);
    let said = for_workload(&report, &report.workloads[0]);
    assert!(
        said[0].to_string().contains("50.00 %")
            && said[0].to_string().contains("mostly timeout (2)"),
        "{said:?}"
    );
}

#[test]
fn a_level_beyond_the_knee_is_named() {
    let mut report = bare();
    report.workloads[0].name = "w-16".into();
    let level = |level: f64| SweepLevel {
        workload: format!("w-{level}"),
        level,
        output_token_rate_tokens_per_s: None,
        request_rate_per_s: None,
        goodput_per_s: None,
        slo_attainment_ratio: None,
        ttft_p50_ms: None,
        ttft_p95_ms: None,
        tpot_p50_ms: None,
        e2e_p95_ms: None,
        error_rate_ratio: None,
        unfit: None,
        saturated: false,
    };
    report.sweeps = vec![SweepReport {
        family: "w".into(),
        axis: Axis::Concurrency,
        curve: "output_token_rate".into(),
        levels: [4.0, 8.0, 16.0].map(level).to_vec(),
        knee: Some(8.0),
        words: String::new(),
        bend: None,
    }];
    assert_eq!(rules(&report), ["knee"]);
    report.workloads[0].name = "w-8".into();
    assert_eq!(rules(&report), [""; 0]);
    report.workloads[0].name = "w-16".into();
    report.sweeps[0].knee = None;
    assert_eq!(rules(&report), [""; 0]);
}

#[test]
fn answers_that_came_too_late_are_named() {
    let of = |in_time: f64, answered: f64| {
        advised(|w| rates(w, &[("slo_attainment", in_time), ("success_rate", answered)]))
    };
    assert_eq!(of(0.89, 1.0), ["goodput"]);
    assert_eq!(of(0.90, 1.0), [""; 0]);
    // Failures are another rule's.
    assert_eq!(of(0.80, 0.80), ["failures"]);
    assert_eq!(of(0.0, 0.0), ["failures"]);
    assert_eq!(advised(|w| rates(w, &[("slo_attainment", 0.0)])), [""; 0]);
    // The ramp of a closed loop is in the throughput alone.
    let ramp =
        [("goodput", 6.7), ("request_rate", 10.0), ("slo_attainment", 1.0), ("success_rate", 1.0)];
    assert_eq!(advised(|w| rates(w, &ramp)), [""; 0]);
    // Half of what came after a ramp of eight failed, and nothing was late.
    let after_the_ramp = |w: &mut WorkloadReport| {
        (w.requests, w.slo_requests, w.completed) = (40, Some(32), 24);
        rates(w, &[("slo_attainment", 0.5), ("success_rate", 0.6)]);
    };
    assert_eq!(advised(after_the_ramp), ["failures"]);
}

#[test]
fn waiting_that_outweighs_work_is_named() {
    assert_eq!(advised(|w| facts(w, &[("queue_ms", 76.0), ("ttft_ms", 100.0)])), ["queueing"]);
    assert_eq!(advised(|w| facts(w, &[("queue_ms", 74.0), ("ttft_ms", 100.0)])), [""; 0]);
    assert_eq!(
        advised(|w| facts(w, &[("queue_ms", 0.9), ("ttft_ms", 1.0)])),
        [""; 0],
        "nobody minds"
    );
    assert_eq!(advised(|w| facts(w, &[("queue_ms", 60.0)])), [""; 0]);
    let client = |queue: f64| {
        advised(|w| {
            timing(w, "queue", None, None, Some(queue));
            timing(w, "ttft", None, None, Some(100.0));
        })
    };
    assert_eq!((client(76.0), client(74.0)), (vec!["queueing"], vec![]));
}

#[test]
fn bursts_that_a_reader_notices_are_named() {
    let gaps =
        |median: f64, p99: f64| advised(|w| timing(w, "chunk_gap", Some(median), Some(p99), None));
    assert_eq!(gaps(20.0, 260.0), ["bursty"]);
    assert_eq!((gaps(60.0, 260.0), gaps(14.0, 140.0)), (vec![], vec![]));
    assert_eq!(advised(|w| timing(w, "chunk_gap", Some(20.0), None, None)), [""; 0]);
}

#[test]
fn an_idle_gpu_is_named_only_while_requests_wait() {
    let both = |busy: &[Option<f64>], waiting: f64| {
        advised(|w| {
            gpus(w, busy);
            facts(w, &[("waiting_mean", waiting)]);
        })
    };
    assert_eq!(both(&[Some(0.3), Some(0.1)], 4.0), ["idle_gpu"]);
    assert_eq!(both(&[Some(0.3), Some(0.9)], 4.0), [""; 0]);
    assert_eq!(both(&[Some(0.3)], 0.2), [""; 0]);
    assert_eq!(both(&[Some(0.3), None], 4.0), [""; 0]);
    assert_eq!(both(&[], 4.0), [""; 0]);
    assert_eq!(advised(|w| gpus(w, &[Some(0.3)])), [""; 0]);
}

#[test]
fn the_warm_tier_is_told_beside_its_cold_one() {
    let tier = |name: &str, tier, p50| {
        let mut w = bare().workloads.remove(0);
        (w.name, w.load.detail.tier) = (name.into(), Some(tier));
        timing(&mut w, "ttft", p50, None, None);
        w
    };
    let said = |cold: (&str, Option<f64>), warm: (&str, Option<f64>)| {
        let mut report = bare();
        report.workloads = vec![tier(warm.0, Tier::Warm, warm.1), tier(cold.0, Tier::Cold, cold.1)];
        assert_eq!(for_workload(&report, &report.workloads[1]), [], "nothing at the cold one");
        let all = for_workload(&report, &report.workloads[0]);
        assert!(all.iter().all(|a| a.rule() == "prefix_cache"));
        all.iter().map(ToString::to_string).collect::<String>()
    };
    let (cold, warm) = (("pc-cold", Some(351.6)), ("pc-warm", Some(114.7)));
    assert_eq!(said(cold, warm), "warm TTFT p50 is 0.33 of cold's: 114.7 ms of 351.6 ms");
    assert_eq!(
        said(("pc-cold-4", cold.1), ("pc-warm-4", warm.1)),
        said(cold, warm),
        "levels of a sweep"
    );
    assert!(
        said(cold, ("pc-warm", Some(360.0)))
            .ends_with("; look whether the server's prefix cache is on and has room")
    );
    assert_eq!(said(("other-cold", cold.1), warm), "");
    assert_eq!(said(("pc-cold-8", cold.1), ("pc-warm-4", warm.1)), "");
    assert_eq!(
        (said(("pc-cold", None), warm), said(cold, ("pc-warm", None))),
        (String::new(), String::new())
    );
}
