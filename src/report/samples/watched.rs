//! A regression whose GPUs and whose server were watched: every number that tables can hold.

use super::{interleaved, run_only};
use crate::evidence::server::Fact;
use crate::report::server::{ServerFact, ServerReport};
use crate::report::{Report, samples};

pub fn watched() -> Report {
    let mut report = interleaved();
    let of_gpus = run_only().workloads.remove(0);
    let w = &mut report.workloads[0];
    (w.gpu, w.rates) = (of_gpus.gpu, of_gpus.rates);
    w.anchor = samples::accepted::accepted().workloads.remove(0).anchor;
    w.server = Some(ServerReport {
        names: Some("vllm".into()),
        samples: 12,
        failed: 1,
        cpu_ratio: Some(0.0031),
        facts: (1..).zip(Fact::ALL).map(|(n, known)| fact(n, known)).collect(),
    });
    report
}

/// What the first of them was before is not known.
fn fact(n: u32, fact: Fact) -> ServerFact {
    let value = f64::from(n) * 0.047;
    let (unit, baseline) = (fact.unit().into(), (n > 1).then_some(value * 0.9));
    ServerFact {
        fact: fact.key().into(),
        words: fact.title().into(),
        unit,
        baseline,
        candidate: Some(value),
    }
}
