//! Config and plan to the parts of a record that are known before the numbers: policy, load,
//! limits, hypotheses.
//!
//! Not here: what only the machine knows (`app::measure`).

use super::{
    HypothesisRecord, LevelRecord, LimitRecord, LoadDetail, LoadFacts, Record, RecordedPolicy, Slo,
    WorkloadRecord,
};
use crate::config::{
    Arrival, Bound, Config, GateMode, Hypothesis, Limit, OnOpen, OnUnstable, PromptKind, SameBuild,
    SessionBegin, Workload,
};
use crate::fingerprint::Fingerprint;
use crate::plan::{Plan, PlannedRequest};
use crate::protocol::Extras;

pub fn policy(config: &Config) -> RecordedPolicy {
    let word = |p: OnOpen| if p == OnOpen::Fail { "fail" } else { "warn" }.to_owned();
    let gate = &config.gate;
    let paired = gate.mode == GateMode::Interleaved;
    RecordedPolicy {
        mode: match gate.mode {
            GateMode::Baseline => "baseline",
            GateMode::Interleaved => "interleaved",
            GateMode::Limits => "limits",
        }
        .into(),
        starts: if paired { gate.max_pairs() } else { gate.starts },
        rounds: gate.rounds,
        on_inconclusive: word(gate.on_inconclusive),
        on_blind: word(gate.on_blind),
        on_missing_baseline: word(gate.on_missing_baseline),
        on_incomparable: word(gate.on_incomparable),
        on_limit_open: word(gate.on_limit_open),
        on_anchor_drift: None,
        on_attempt: None,
        same_build: if gate.same_build == SameBuild::Allow { "allow" } else { "refuse" }.into(),
        detect_ratio: Some(gate.detect),
        min_starts: paired.then(|| gate.min_starts()),
        on_unstable: paired.then(|| match gate.on_unstable() {
            OnUnstable::Fail => "fail".into(),
            OnUnstable::Inconclusive => "inconclusive".into(),
        }),
        strict: gate.strict,
        under_test: gate.under_test.clone(),
    }
}

/// What the trusted config says replaces what the record says of the same: a change must not loosen
/// the gate that judges it.
pub fn under(config: &Config, record: &mut Record) {
    record.policy = policy(config);
    for workload in &mut record.workloads {
        let own = config.workloads.iter().find(|w| w.name == workload.name);
        let (slo, limits, regressions) = own.map_or_else(Default::default, |w| {
            let changes = w.regressions.iter().map(|(m, r)| (m.name(), (*r).into())).collect();
            (Slo::from(w.slo), w.limits.iter().map(limit_record).collect(), changes)
        });
        *workload = WorkloadRecord { slo, limits, regressions, ..workload.clone() };
    }
}

pub fn workload_record(
    workload: &Workload,
    plan: &Plan,
    extras: Extras,
    fingerprint: Fingerprint,
) -> WorkloadRecord {
    let open_loop = plan.rounds.first().is_none_or(|r| r.pace.is_open());
    WorkloadRecord {
        name: workload.name.clone(),
        fingerprint,
        load: LoadFacts {
            protocol: plan.protocol.name().into(),
            arrival: arrival(&workload.arrival),
            streaming: plan.stream,
            open_loop,
            requests_per_round: plan
                .rounds
                .first()
                .filter(|r| r.stop_after.is_none())
                .map(|r| r.requests.len() as u64),
            input_tokens: mean(plan, |r| r.input_tokens).unwrap_or(workload.prompts.input_tokens),
            output_tokens: mean(plan, |r| r.output_tokens).unwrap_or(workload.output_tokens),
            length_forced: extras.ignore_eos || extras.min_tokens,
            max_in_flight: workload.max_in_flight,
            seed: workload.seed,
            detail: LoadDetail { left_out: plan.left_out.clone(), ..detail(workload) },
        },
        slo: workload.slo.into(),
        limits: workload.limits.iter().map(limit_record).collect(),
        regressions: workload.regressions.iter().map(|(m, r)| (m.name(), (*r).into())).collect(),
        starts: Vec::new(),
        check_starts: Vec::new(),
        pooled: std::collections::BTreeMap::new(),
        history: Vec::new(),
    }
}

pub fn hypothesis(said: &Hypothesis) -> HypothesisRecord {
    HypothesisRecord {
        name: said.name.clone(),
        says: said.says.clone(),
        workload: said.workload.clone(),
        metric: said.metric.name(),
        claim: said.text.clone(),
    }
}

/// Over the requests of the first round: lengths differ in traces, datasets and conversations.
fn mean(plan: &Plan, length: impl Fn(&PlannedRequest) -> u32) -> Option<u32> {
    let requests = &plan.rounds.first()?.requests;
    let sum: u64 = requests.iter().map(|r| u64::from(length(r))).sum();
    sum.checked_div(requests.len() as u64).and_then(|mean| u32::try_from(mean).ok())
}

fn detail(workload: &Workload) -> LoadDetail {
    let (prompts, turns) = match &workload.prompts.kind {
        PromptKind::Single => (None, None),
        PromptKind::Conversation { turns } => {
            (Some(format!("conversations of {turns} turns")), Some(*turns))
        }
        PromptKind::Dataset { .. } => (Some("requests of a dataset".to_owned()), None),
    };
    let level = workload.level.as_ref().map(|l| LevelRecord {
        family: l.family.clone(),
        axis: l.axis,
        value: l.value,
    });
    LoadDetail { prompts, turns, tier: workload.tier, level, ..LoadDetail::default() }
}

pub fn limit_record(limit: &Limit) -> LimitRecord {
    let (max, min) = match limit.bound {
        Bound::Max(x) => (Some(x), None),
        Bound::Min(x) => (None, Some(x)),
    };
    LimitRecord { metric: limit.metric.name(), max, min }
}

pub fn arrival(arrival: &Arrival) -> String {
    match arrival {
        Arrival::Closed { concurrency } => format!("closed loop, {concurrency} in flight"),
        Arrival::Constant { rate } => format!("constant {rate}/s"),
        Arrival::Poisson { rate } => format!("Poisson {rate}/s"),
        Arrival::Gamma { rate, burstiness } => format!("gamma {rate}/s, burstiness {burstiness}"),
        Arrival::Ramp { from, to } => format!("ramp {from}/s to {to}/s"),
        Arrival::Trace { speedup: 1.0, .. } => "trace".into(),
        Arrival::Trace { speedup, .. } => format!("trace, {speedup} times as fast"),
        Arrival::Sessions { begin, think_time } => {
            let think = think_time.as_secs_f64();
            match begin {
                SessionBegin::Closed { concurrency } => {
                    format!("{concurrency} sessions at a time, {think} s between turns")
                }
                SessionBegin::Poisson { rate } => {
                    format!("sessions at Poisson {rate}/s, {think} s between turns")
                }
            }
        }
    }
}
