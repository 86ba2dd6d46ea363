//! A sample of a run: one load at four levels, and another load beside. Not here: where its curve
//! bends (`sweep`).

use super::{measured, report};
use crate::config::Axis;
use crate::report::headline::{Headline, SweptFamily};
use crate::report::sweep::{SweepLevel, sweep};
use crate::report::{Report, WorkloadReport};

pub fn swept() -> Report {
    let levels = [(1.0, 100.0, 25.0), (2.0, 200.0, 25.0), (4.0, 400.0, 30.0), (8.0, 410.0, 400.0)];
    let of = |level: f64| {
        let mut w = measured(&format!("chat-c{level}"));
        w.load.arrival = format!("closed loop, {level} in flight");
        w
    };
    let others = levels
        .map(|(level, ..)| of(level))
        .into_iter()
        .chain([WorkloadReport { errors: vec![], ..measured("long") }]);
    let at = |(level, tokens, ttft): (f64, f64, f64)| SweepLevel {
        workload: format!("chat-c{level}"),
        level,
        output_token_rate_tokens_per_s: Some(tokens),
        request_rate_per_s: Some(tokens / 128.0),
        goodput_per_s: Some(tokens / 130.0),
        slo_attainment_ratio: Some(0.9846),
        ttft_p50_ms: Some(ttft),
        ttft_p95_ms: Some(ttft * 2.0),
        tpot_p50_ms: Some(10.0),
        e2e_p95_ms: Some(1300.0 + ttft * 2.0),
        error_rate_ratio: Some(level / 400.0),
        unfit: None,
        saturated: false,
    };
    let sweep = sweep("chat", Axis::Concurrency, levels.map(at).to_vec());
    let first = Headline::Swept { requests: 3000, sweeps: vec![SweptFamily::new(&sweep)] };
    let mut all = report(&first, 0, others.collect());
    all.sweeps = vec![sweep];
    all
}
