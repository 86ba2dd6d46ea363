//! `judge-case`: one labelled case of METHOD's test suite (JSON on standard input) through the
//! judge.
//!
//! A wire format of the suite only, with METHOD's own metric names; records and baselines have
//! their own. Not here: any rule.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::config::{Bound, Limit};
use crate::judge::drift::{self, Drift};
use crate::judge::interleaved::{self, Attempt, Interleaved, Rules, Sampling};
use crate::judge::limits::{self, LimitFinding, LimitInput, LimitState};
use crate::judge::other_day::{self, OtherDay};
use crate::judge::plan::Plan;
use crate::judge::reason::LimitReason;
use crate::judge::{Comparison, Decision, Joined, PastRun, Policy, Reason, Session, join, text};
use crate::measure::summary::{Shape, StartSummary, summaries};
use crate::measure::{Round, Row, SloMs};
use crate::metric::Metric;

#[derive(Debug, Deserialize)]
struct Case {
    mode: String,
    /// Drift is judged without any.
    #[serde(default)]
    workload: WireWorkload,
    baseline: Option<WireSide>,
    candidate: WireSide,
    history: Option<Vec<WireRun>>,
    /// Of the first version of the method, whose histories are not seed-centred.
    max_starts: Option<usize>,
    detect: Option<f64>,
    max_pairs: Option<usize>,
    min_starts: Option<usize>,
    #[serde(default)]
    attempts: Vec<WireAttempt>,
    limits: Option<Vec<WireLimit>>,
}

#[derive(Debug, Default, Deserialize)]
struct WireWorkload {
    #[serde(default)]
    kind: String,
    ramp: Option<usize>,
    slo_ttft_ms: Option<f64>,
    slo_tpot_ms: Option<f64>,
    slo_e2e_ms: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
struct WireSide {
    #[serde(default)]
    env: BTreeMap<String, Value>,
    #[serde(default)]
    rounds: Vec<WireRound>,
    #[serde(default)]
    sessions: Vec<WireSession>,
    /// Check starts of the candidate.
    #[serde(default)]
    checks: Vec<Vec<WireRound>>,
}

#[derive(Debug, Deserialize)]
struct WireAttempt {
    baseline: WireSide,
    candidate: WireSide,
    verdict: String,
}

#[derive(Debug, Deserialize)]
struct WireRound {
    start: u32,
    seed: u64,
    #[serde(default)]
    order: u32,
    dur_ms: f64,
    ttft_ms: Vec<Option<f64>>,
    e2e_ms: Vec<Option<f64>>,
    tokens: Vec<Option<u32>>,
    ok: Option<Vec<Value>>,
    itl_p99_ms: Option<f64>,
    #[serde(default)]
    job: u32,
}

/// Start summary by METHOD's names, oriented; `_n` and `_bad` are counts.
type WireStart = BTreeMap<String, Option<f64>>;

#[derive(Debug, Deserialize)]
struct WireRun {
    sides: Vec<Vec<WireStart>>,
    #[serde(default)]
    verdict: String,
}

#[derive(Debug, Deserialize)]
struct WireSession {
    #[serde(default)]
    session: String,
    runner: Option<String>,
    starts: Vec<WireStart>,
}

#[derive(Debug, Deserialize)]
struct WireLimit {
    metric: String,
    max: Option<f64>,
    min: Option<f64>,
}

/// Start pairs at most, where the case does not say.
const MOST_PAIRS: usize = 12;

/// Judges one case; the answer is one line of JSON.
pub fn run(input: &str) -> anyhow::Result<String> {
    let case: Case = serde_json::from_str(input)
        .context("the case on standard input is not what cases/README.md describes")?;
    let sessions =
        case.baseline.iter().flat_map(|b| &b.sessions).map(|s| PastRun::from(&session(s)));
    let history: Vec<PastRun> =
        case.history.iter().flatten().map(past_run).chain(sessions).collect();
    let default = Policy::default();
    let policy = Policy {
        detect: case.detect.unwrap_or(default.detect),
        max_pairs: case.max_pairs.or(case.max_starts).unwrap_or(MOST_PAIRS),
        min_starts: case.min_starts.unwrap_or(1),
        ..default
    };
    let (comparison, rounds) = match case.mode.as_str() {
        "interleaved" => compare_interleaved(&case, &policy)?,
        "other_day" => compare_other_day(&case, &policy)?,
        "drift" => (Some(compare_drift(&case, &policy)?), Vec::new()),
        "limits" => (None, rounds(&case, &case.candidate)),
        other => anyhow::bail!(
            "unknown mode {other:?}: expected interleaved, other_day, drift or limits"
        ),
    };
    let limits = judge_limits(&case, &rounds, &history);
    let known: Vec<LimitFinding> = limits.iter().filter_map(|(_, f)| f.clone()).collect();
    let joined = with_unknown(join(comparison.as_ref(), &known), &limits);
    Ok(answer(&joined, comparison.as_ref(), &limits).to_string())
}

/// The comparison, and the candidate's rounds of the looks that it used.
fn compare_interleaved(
    case: &Case,
    policy: &Policy,
) -> anyhow::Result<(Option<Comparison>, Vec<Round>)> {
    let baseline = case.baseline.as_ref().context("an interleaved case needs a baseline")?;
    let (base, cand) = (rounds(case, baseline), rounds(case, &case.candidate));
    let checks: Vec<Vec<Round>> = case.candidate.checks.iter().map(|c| all(case, c)).collect();
    let before: Vec<[Vec<Round>; 2]> = case
        .attempts
        .iter()
        .map(|a| [rounds(case, &a.baseline), rounds(case, &a.candidate)])
        .collect();
    let earlier: Vec<Attempt<'_>> = before.iter().zip(&case.attempts).map(attempt).collect();
    let history: Vec<PastRun> = case.history.iter().flatten().map(past_run).collect();
    let shape = shape(case);
    let comparison = interleaved::judge(&Interleaved {
        earlier: &earlier,
        now: Attempt { baseline: &base, candidate: &cand, checks: &checks, decision: None },
        slo: slo(case),
        differing: &differing(baseline, &case.candidate),
        rules: Rules {
            history: &history,
            shape,
            planned: Plan::new(&history, shape, policy).pairs,
            sampling: Sampling::Starts,
            unseen: 0,
            policy,
        },
    });
    let mut starts: Vec<u32> = cand.iter().map(|r| r.start).collect();
    starts.sort_unstable();
    starts.dedup();
    let used = if comparison.looks == 0 { starts.len() } else { comparison.looks };
    starts.truncate(used);
    let rounds = cand.into_iter().filter(|r| starts.contains(&r.start)).collect();
    Ok((Some(comparison), rounds))
}

fn attempt<'a>((rounds, wire): (&'a [Vec<Round>; 2], &WireAttempt)) -> Attempt<'a> {
    let decision = match wire.verdict.as_str() {
        "PASS" => Decision::Pass,
        "REGRESSION" => Decision::Regression,
        _ => Decision::Inconclusive,
    };
    let [baseline, candidate] = rounds;
    Attempt { baseline, candidate, checks: &[], decision: Some(decision) }
}

fn compare_drift(case: &Case, policy: &Policy) -> anyhow::Result<Comparison> {
    let baseline = case.baseline.as_ref().context("a drift case needs a baseline")?;
    let sessions = |side: &WireSide| side.sessions.iter().map(session).collect::<Vec<Session>>();
    let (anchor, recent) = (sessions(baseline), sessions(&case.candidate));
    Ok(drift::judge(&Drift { anchor: &anchor, recent: &recent, shape: shape(case), policy }))
}

fn compare_other_day(
    case: &Case,
    policy: &Policy,
) -> anyhow::Result<(Option<Comparison>, Vec<Round>)> {
    let baseline = case.baseline.as_ref().context("an other_day case needs a baseline")?;
    let mut jobs: BTreeMap<u32, Vec<Round>> = BTreeMap::new();
    for wire in &case.candidate.rounds {
        jobs.entry(wire.job).or_default().push(round(case, wire));
    }
    let sessions: Vec<Session> = baseline.sessions.iter().map(session).collect();
    let slo = slo(case);
    let measured: Vec<Session> = jobs
        .iter()
        .map(|(job, rounds)| Session {
            id: format!("job {job}"),
            runner: None,
            // The suite's sessions keep no rounds, and values of two kinds must not be mixed.
            starts: summaries(rounds, &slo).into_values().map(without_rounds).collect(),
        })
        .collect();
    let comparison = other_day::judge(&OtherDay {
        history: &sessions,
        jobs: &measured,
        decisions: &[],
        unseen: 0,
        planned: 1,
        shape: shape(case),
        differing: &differing(baseline, &case.candidate),
        policy,
    });
    let used = if comparison.looks == 0 { jobs.len() } else { comparison.looks };
    // Starts of different jobs are different starts.
    let rounds = jobs.into_iter().take(used).flat_map(|(job, rounds)| {
        rounds.into_iter().map(move |r| Round { start: job * 1000 + r.start, ..r })
    });
    Ok((Some(comparison), rounds.collect()))
}

fn judge_limits(
    case: &Case,
    rounds: &[Round],
    history: &[PastRun],
) -> Vec<(String, Option<LimitFinding>)> {
    let judged = |wire: &WireLimit| {
        let bound = wire.max.map(Bound::Max).or(wire.min.map(Bound::Min))?;
        let limit = Limit { metric: metric(&wire.metric)?, bound };
        let input = LimitInput {
            rounds,
            limits: &[limit],
            slo: slo(case),
            shape: shape(case),
            history,
            ready_ms: &[],
            gpu: &[],
            strict: false,
        };
        limits::judge(&input).pop()
    };
    case.limits.iter().flatten().map(|wire| (wire.metric.clone(), judged(wire))).collect()
}

/// A limit that names nothing we know is not measured, so it forbids a PASS.
fn with_unknown(joined: Joined, limits: &[(String, Option<LimitFinding>)]) -> Joined {
    let unknown = limits.iter().filter(|(_, finding)| finding.is_none());
    let unknown: Vec<Reason> = unknown
        .map(|(name, _)| Reason::Limit(LimitReason::LimitUnknown { name: name.clone() }))
        .collect();
    if unknown.is_empty() {
        return joined;
    }
    let none_known = limits.len() == unknown.len();
    let open = joined.decision == Decision::Pass
        || (none_known && joined.decision == Decision::Inconclusive);
    let decision = if open { Decision::Inconclusive } else { joined.decision };
    let reasons = if open { unknown } else { joined.reasons.into_iter().chain(unknown).collect() };
    Joined { decision, reasons, ..joined }
}

fn answer(
    joined: &Joined,
    comparison: Option<&Comparison>,
    limits: &[(String, Option<LimitFinding>)],
) -> Value {
    let verdict = match joined.decision {
        Decision::Pass => "PASS",
        Decision::Regression => "REGRESSION",
        // METHOD has one word for noise and for evidence that is missing.
        Decision::Inconclusive | Decision::Incomplete => "INCONCLUSIVE",
    };
    let metrics: Vec<Value> = comparison
        .iter()
        .flat_map(|c| &c.metrics)
        .map(|m| {
            json!({
                "metric": m.metric.name(), "baseline": m.baseline, "candidate": m.candidate, "change": m.change,
                "interval": m.interval.map(|(low, high)| [low, high]), "p": m.p,
                "detectable": m.detectable,
                "judgement": format!("{:?}", m.judgement).to_lowercase(), "reason": m.reason.as_ref().map(ToString::to_string),
            })
        })
        .collect();
    json!({
        "verdict": verdict,
        "reason": text::joined(&joined.reasons),
        "warnings": joined.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "looks": comparison.map(|c| c.looks),
        "planned": comparison.map(|c| c.planned),
        "starts": comparison.map(|c| c.starts.seen),
        "limits": limits.iter().map(limit_answer).collect::<Vec<_>>(),
        "metrics": metrics,
    })
}

fn limit_answer((name, finding): &(String, Option<LimitFinding>)) -> Value {
    let Some(finding) = finding else {
        return json!({"metric": name, "state": "OPEN", "reason": "no such metric"});
    };
    let state = match finding.state {
        LimitState::Breached => "BREACHED",
        LimitState::Met => "MET",
        LimitState::Open | LimitState::NotMeasured => "OPEN",
    };
    let (low, high) = finding.interval.unzip();
    json!({"metric": name, "state": state, "value": finding.value, "lo": low, "hi": high, "reason": finding.reason.to_string()})
}

fn rounds(case: &Case, side: &WireSide) -> Vec<Round> {
    all(case, &side.rounds)
}

fn all(case: &Case, rounds: &[WireRound]) -> Vec<Round> {
    rounds.iter().map(|wire| round(case, wire)).collect()
}

fn without_rounds(start: StartSummary) -> StartSummary {
    StartSummary { rounds: Vec::new(), ..start }
}

fn round(case: &Case, wire: &WireRound) -> Round {
    let ok = |i: usize| {
        let flag = wire
            .ok
            .as_ref()
            .map(|flags| flags.get(i).is_some_and(|f| f == 1 || f.as_bool() == Some(true)));
        flag.unwrap_or(true)
    };
    let row = |i: usize| {
        let ttft_ms = wire.ttft_ms.get(i).copied().flatten();
        let output_tokens = wire.tokens.get(i).copied().flatten();
        let e2e_ms = wire.e2e_ms.get(i).copied().flatten();
        // The suite's rule: a success without a first token, an end or tokens is a failure.
        let ok =
            ok(i) && ttft_ms.is_some() && e2e_ms.is_some() && output_tokens.is_some_and(|n| n > 0);
        Row { ttft_ms, e2e_ms, output_tokens, ok, ..Row::default() }
    };
    Round {
        start: wire.start,
        seed: wire.seed,
        order: wire.order,
        seconds: wire.dur_ms / 1e3,
        ramp: case.workload.ramp.unwrap_or(0),
        chunk_gap_p99_ms: wire.itl_p99_ms,
        open_loop: case.workload.kind != "closed",
        rows: (0..wire.ttft_ms.len()).map(row).collect(),
    }
}

fn slo(case: &Case) -> SloMs {
    SloMs {
        ttft: case.workload.slo_ttft_ms,
        tpot: case.workload.slo_tpot_ms,
        e2e: case.workload.slo_e2e_ms,
    }
}

/// All cases stream; what they ask for is not said, so one token means that no answer had more.
fn shape(case: &Case) -> Shape {
    let sides = case.baseline.iter().chain([&case.candidate]);
    let longest = sides.flat_map(|s| &s.rounds).flat_map(|r| &r.tokens).flatten().max();
    let output_tokens = if longest == Some(&1) { 1 } else { 2 };
    Shape { streaming: true, output_tokens, has_slo: slo(case) != SloMs::default() }
}

fn differing(baseline: &WireSide, candidate: &WireSide) -> Vec<String> {
    ["gpu", "model", "workload_sha", "engine_args_sha"]
        .into_iter()
        .filter(|key| baseline.env.get(*key) != candidate.env.get(*key))
        .map(str::to_owned)
        .collect()
}

fn past_run(wire: &WireRun) -> PastRun {
    let sides = wire.sides.iter().map(|side| side.iter().map(start).collect());
    PastRun { sides: sides.collect(), passed: wire.verdict == "PASS" }
}

fn session(wire: &WireSession) -> Session {
    Session {
        id: wire.session.clone(),
        runner: wire.runner.clone(),
        starts: wire.starts.iter().map(start).collect(),
    }
}

fn start(wire: &WireStart) -> StartSummary {
    let value = |(name, value): (&String, &Option<f64>)| {
        let metric = metric(name)?;
        // The suite counts tokens per millisecond, we count them per second.
        let shift = if metric == Metric::OutputTokenRate { 1000f64.ln() } else { 0.0 };
        Some((metric, (*value)? - shift))
    };
    StartSummary {
        values: wire.iter().filter_map(value).collect(),
        n: count(wire, "_n"),
        bad: count(wire, "_bad"),
        rounds: Vec::new(),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count of requests, rounded and not negative"
)]
fn count(wire: &WireStart, key: &str) -> u64 {
    wire.get(key).copied().flatten().unwrap_or(0.0).max(0.0).round() as u64
}

/// METHOD's names to ours.
fn metric(name: &str) -> Option<Metric> {
    match name {
        "ttft_gm" => Metric::parse("ttft_geomean"),
        "tpot_gm" => Metric::parse("tpot_geomean"),
        "e2e_gm" => Metric::parse("e2e_geomean"),
        "itl_p99" => Metric::parse("chunk_gap_p99"),
        "out_tps" => Some(Metric::OutputTokenRate),
        "req_tps" => Some(Metric::RequestRate),
        "goodput" => Some(Metric::SloAttainment),
        "goodput_rps" => Some(Metric::Goodput),
        "err" => Some(Metric::ErrorRate),
        "ttft_p50" | "ttft_p90" | "ttft_p95" | "ttft_p99" | "ttft_mean" | "tpot_p50"
        | "tpot_p90" | "tpot_p95" | "tpot_p99" | "tpot_mean" | "e2e_p50" | "e2e_p90"
        | "e2e_p95" | "e2e_p99" | "e2e_mean" => Metric::parse(name),
        _ => None,
    }
}
