//! Record, comparison and ruling to the view model. Every number that any format shows is chosen
//! here.

use std::collections::BTreeMap;

use crate::accept::{AcceptedKind, Excused};
use crate::evidence::gpu::Facts;
use crate::exit::ExitStatus;
use crate::fingerprint::Difference;
use crate::judge::interleaved::MOST_ATTEMPTS;
use crate::judge::limits::{LimitFinding, LimitState};
use crate::judge::reason::{LimitGap, LimitReason};
use crate::judge::{Comparison, MetricComparison};
use crate::measure::collect::{Values, ttft_values};
use crate::measure::columns::Columns;
use crate::metric::{Class, Metric, Stat, TIMINGS, Timing};
use crate::record::again::Repeats;
use crate::record::note::Note;
use crate::record::{ErrorCount, Record, RoundRecord, WorkloadRecord};
use crate::verdict::{Against, Evidence, Reason, Ruling, Verdict};

use super::course;
use super::notice::Notice;
use super::server;
use super::sides::{self, Before};
use super::{
    BaselineReport, BoundSide, ClientReport, Codes, ComparisonReport, CountedReport,
    DistributionReport, LimitReport, MetricReport, Report, SCHEMA, VERSION, ValueReport,
    WorkloadReport,
};

/// What was found out about one workload of a record.
pub struct Judged<'a> {
    pub workload: &'a WorkloadRecord,
    /// Over all rounds.
    pub pooled: Values,
    /// Oriented, of every server start.
    pub starts: BTreeMap<Metric, Vec<f64>>,
    /// Absent for `run`, which only measures.
    pub ruling: Option<(Evidence, Ruling)>,
    pub baseline: Option<BaselineReport>,
    /// The other side of an interleaved run.
    pub beside: Option<Beside>,
    pub differences: Vec<Difference>,
    /// What else is known of the baseline's side.
    pub before: Before,
}

/// What an interleaved run measured the candidate beside.
pub struct Beside {
    pub words: String,
    pub commit: Option<String>,
    pub starts_sampled: bool,
    /// Of its own starts, warm-ups and rounds.
    pub minutes: f64,
}

pub fn report(
    record: &Record,
    judged: &[Judged<'_>],
    verdict: Option<Verdict>,
    exit: ExitStatus,
) -> Report {
    let mut codes = Codes::default();
    let sweeps = super::sweep::sweeps(judged);
    let found = super::capacity::capacity(record);
    let capacity = found.as_ref().map(|(capacity, _)| capacity.clone());
    let headline = match found {
        Some((capacity, because)) if verdict.is_none() => {
            super::headline::Headline::Found { capacity: Box::new(capacity), because }
        }
        _ => super::headline::headline(judged, verdict, &sweeps),
    };
    Report {
        schema: SCHEMA.into(),
        version: VERSION,
        tool_version: record.tool_version.clone(),
        session: record.session.clone(),
        created: record.created.clone(),
        verdict,
        exit_code: exit.code(),
        headline: codes.text(&headline),
        interrupted: record.interrupted,
        notices: repeated(judged, &mut codes)
            .into_iter()
            .chain(record.gpu.iter().filter_map(|g| unwatched(g, &mut codes)))
            .collect(),
        git: record.git.clone(),
        host: record.host.clone(),
        workloads: judged.iter().map(|j| workload(j, record.gpu.as_ref())).collect(),
        attempts: Vec::new(),
        sweeps,
        capacity,
        codes,
    }
}

/// Of both sides, where any round was.
fn repeated(judged: &[Judged<'_>], codes: &mut Codes) -> Option<String> {
    let mut all = Repeats::new(judged.iter().map(|j| j.workload));
    for one in judged {
        all.add(one.before.repeats.clone());
    }
    let Repeats { repeated, rounds, checks } = all;
    (repeated > 0).then(|| codes.text(&Notice::Repeated { repeated, rounds, checks }))
}

fn workload(judged: &Judged<'_>, gpus: Option<&Facts>) -> WorkloadReport {
    let w = judged.workload;
    let ruling = judged.ruling.as_ref().map(|(_, r)| r);
    // What an unfit measurement would have been judged is no judgement, and nobody shall read one.
    let fit = judged.ruling.as_ref().filter(|(_, r)| r.verdict != Verdict::Invalid);
    let comparison = fit.and_then(|(e, _)| match &e.against {
        Against::Compared(c) => Some(&**c),
        _ => None,
    });
    let limits = judged.ruling.iter().flat_map(|(e, _)| &e.limits);
    let excused = judged.ruling.as_ref().map_or(&[][..], |(e, _)| &e.excused);
    let mut codes = Codes::default();
    let texts = |codes: &mut Codes, reasons: fn(&Ruling) -> &Vec<Reason>| {
        ruling.map_or_else(Vec::new, |r| codes.texts(reasons(r)))
    };
    WorkloadReport {
        name: w.name.clone(),
        verdict: ruling.map(|r| r.verdict),
        // `run` judges nothing, and still says why its numbers are not to be trusted.
        reasons: match ruling {
            Some(_) => texts(&mut codes, |r| &r.reasons),
            None => noted(&mut codes, w.unfit()),
        },
        warnings: texts(&mut codes, |r| &r.warnings),
        accepted: texts(&mut codes, |r| &r.accepted),
        proves: judged
            .ruling
            .as_ref()
            .filter(|(_, r)| r.verdict == Verdict::Passed)
            .and_then(|(e, _)| Some(codes.text(&Reason::from(e.decisive()?.proves.clone()?)))),
        load: w.load.clone(),
        counted: counted(w),
        slo: w.slo,
        slo_requests: w.shape().has_slo.then(|| after_ramp(w)),
        starts: u32::try_from(w.starts.len()).unwrap_or(u32::MAX),
        rounds: u32::try_from(w.rounds().count()).unwrap_or(u32::MAX),
        requests: requests(w) as u64,
        completed: w.rounds().map(|(_, r)| r.columns.completed() as u64).sum(),
        // An empty sum of floats is -0.
        duration_s: w.rounds().map(|(_, r)| r.duration_us as f64 / 1e6).fold(0.0, |sum, s| sum + s),
        baseline: judged.baseline.clone(),
        comparison: comparison.map(|c| how(c, w, judged.beside.as_ref())),
        course: comparison.and_then(course::course),
        anchor: None,
        fingerprint: w.fingerprint.clone(),
        differences: judged.differences.clone(),
        metrics: metrics(w, &judged.pooled, comparison, excused, &mut codes),
        limits: limits
            .map(|l| {
                if fit.is_some() { limit(l, excused, &mut codes) } else { unjudged(l, &mut codes) }
            })
            .collect(),
        distributions: distributions(&judged.pooled).into_iter().chain(turns(w)).collect(),
        rates: rates(&judged.pooled, w),
        errors: errors(w),
        server_start_ms: w.ready_ms().collect(),
        connections: connections(w),
        notes: noted(&mut codes, w.notes()),
        client: client(w),
        server: server::report(w, &judged.before),
        why: codes.texts(&server::meanwhile(judged, comparison)),
        gpu: super::gpu::report(w, gpus),
        time: sides::time(judged),
        start_values: sides::starts(judged),
        baseline_timings_hdr: judged.before.encoded_timings(),
        codes,
    }
}

/// Why there is no GPU data: of an older record, in its words.
fn unwatched(facts: &Facts, codes: &mut Codes) -> Option<String> {
    let typed = facts.typed_unwatched().cloned().map(Note::Unwatched).map(Reason::from);
    typed.map(|why| codes.text(&why)).or_else(|| facts.unwatched.clone())
}

fn noted(codes: &mut Codes, notes: Vec<Note>) -> Vec<String> {
    notes.into_iter().map(|note| codes.text(&Reason::from(note))).collect()
}

fn after_ramp(w: &WorkloadRecord) -> u64 {
    w.rounds().map(|(_, r)| r.columns.len().saturating_sub(r.ramp as usize) as u64).sum()
}

/// Whose counts these are: what the tool says, what the tokenizer counted here, or what the server
/// told.
fn counted(w: &WorkloadRecord) -> Option<CountedReport> {
    let here = w.rounds().any(|(_, r)| r.token_source.is_some());
    let by = match () {
        // Some tools take the server's counts and some make their own.
        () if w.fingerprint.0.contains_key("tool") => "tool",
        () if here => "tokenizer",
        () => "server",
    };
    Some(CountedReport { input_tokens_mean: w.mean_tokens(|c| &c.input_tokens)?, by: by.into() })
}

fn how(c: &Comparison, w: &WorkloadRecord, beside: Option<&Beside>) -> ComparisonReport {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    ComparisonReport {
        mode: c.mode,
        beside: beside.map(|b| b.words.clone()),
        beside_commit: beside.and_then(|b| b.commit.clone()),
        looks: count(c.looks),
        earlier_looks: count(c.pairs_before),
        most_looks: if beside.is_some() { count(c.planned) } else { count(MOST_ATTEMPTS) },
        history_sessions: count(c.sessions),
        starts_sampled: beside.map(|b| b.starts_sampled),
        false_alarm_budget_ratio: None,
        minutes: w.minutes() + beside.map_or(0.0, |b| b.minutes),
    }
}

fn requests(w: &WorkloadRecord) -> usize {
    w.rounds().map(|(_, r)| r.columns.len()).sum()
}

fn metrics(
    w: &WorkloadRecord,
    pooled: &Values,
    comparison: Option<&Comparison>,
    excused: &[Excused],
    codes: &mut Codes,
) -> Vec<MetricReport> {
    let accepted = |metric| {
        excused
            .iter()
            .find(|e| e.metric == metric && e.of == AcceptedKind::Regression)
            .map(|e| e.terms.to_string())
    };
    let judged = |metric| comparison.and_then(|c| c.metrics.iter().find(|m| m.metric == metric));
    w.shape()
        .defined()
        .into_iter()
        .map(|m| MetricReport {
            accepted: accepted(m),
            ..metric(m, pooled.get(&m).copied(), judged(m), codes)
        })
        .collect()
}

pub(super) fn metric(
    metric: Metric,
    pooled: Option<f64>,
    judged: Option<&MetricComparison>,
    codes: &mut Codes,
) -> MetricReport {
    let row = metric.method();
    MetricReport {
        metric: metric.name(),
        unit: metric.unit().suffix().into(),
        class: judged.map(|j| j.class).or(row.map(|r| r.class)).unwrap_or(Class::Info),
        better: metric.orientation(),
        baseline: judged.and_then(|j| j.baseline),
        candidate: judged.map_or(pooled, |j| j.candidate),
        change_ratio: judged.and_then(|j| j.change),
        interval_low_ratio: judged.and_then(|j| j.interval).map(|i| i.0),
        interval_high_ratio: judged.and_then(|j| j.interval).map(|i| i.1),
        p: judged.and_then(|j| j.p),
        minimum_relevant_change_ratio: judged.map_or(row.map_or(0.0, |r| r.d_min), |j| j.d_min),
        pass_margin_ratio: judged.and_then(|j| j.margin),
        noise_ratio: judged.and_then(|j| j.noise),
        smallest_visible_change_ratio: judged.and_then(|j| j.detectable),
        judgement: judged.map(|j| j.judgement),
        reason: judged.and_then(|j| j.reason.as_ref()).map(|reason| codes.text(reason)),
        accepted: None,
    }
}

fn limit(l: &LimitFinding, excused: &[Excused], codes: &mut Codes) -> LimitReport {
    let (bound, limit) = match l.bound {
        crate::config::Bound::Max(x) => (BoundSide::Max, x),
        crate::config::Bound::Min(x) => (BoundSide::Min, x),
    };
    LimitReport {
        metric: l.metric.name(),
        unit: l.metric.unit().suffix().into(),
        bound,
        limit,
        value: l.value,
        interval_low: l.interval.map(|i| i.0),
        interval_high: l.interval.map(|i| i.1),
        state: l.state,
        right_side: l.side_ok,
        reason: codes.text(&Reason::from(l)),
        accepted: excused.iter().find(|e| e.concerns(l)).map(|e| e.terms.to_string()),
    }
}

/// Of a measurement that is not fit: the limit and what was seen, and no state that could pass.
fn unjudged(l: &LimitFinding, codes: &mut Codes) -> LimitReport {
    let reason =
        LimitReason::LimitNotMeasured { metric: l.metric, why: LimitGap::InvalidMeasurement };
    let unjudged = LimitFinding { reason, ..l.clone() };
    LimitReport { state: LimitState::NotMeasured, ..limit(&unjudged, &[], codes) }
}

fn distributions(pooled: &Values) -> Vec<DistributionReport> {
    TIMINGS.into_iter().filter_map(|t| distribution(pooled, t)).collect()
}

fn distribution(pooled: &Values, timing: Timing) -> Option<DistributionReport> {
    let of = |stat| pooled.get(&Metric::Timing(timing, stat)).copied();
    of(Stat::Mean)?;
    Some(DistributionReport {
        timing: timing.name().into(),
        geomean_ms: of(Stat::Geomean),
        mean_ms: of(Stat::Mean),
        stddev_ms: of(Stat::Stddev),
        min_ms: of(Stat::Min),
        p50_ms: of(Stat::P50),
        p90_ms: of(Stat::P90),
        p95_ms: of(Stat::P95),
        p99_ms: of(Stat::P99),
        p999_ms: of(Stat::P999),
        max_ms: of(Stat::Max),
    })
}

/// TTFT of the first turns of sessions, whose history is new to the server, and of the later ones,
/// which bring what it has seen.
fn turns(w: &WorkloadRecord) -> Vec<DistributionReport> {
    let Some(turns) =
        w.load.detail.turns.filter(|&n| n > 0 && w.load.streaming).map(|n| n as usize)
    else {
        return Vec::new();
    };
    // A closed loop by duration stores no row for what it did not send, so that a row does not tell
    // its turn.
    let whole = |r: &&RoundRecord| w.load.requests_per_round == Some(r.columns.len() as u64);
    let rounds: Vec<(&Columns, u32)> =
        w.rounds().map(|(_, r)| r).filter(whole).map(|r| (&r.columns, r.ramp)).collect();
    let part = |name: &str, wanted: &dyn Fn(usize) -> bool| {
        let found = distribution(&ttft_values(&rounds, wanted), Timing::Ttft);
        found.map(|d| DistributionReport { timing: name.to_owned(), ..d })
    };
    let first = part("ttft_first_turn", &|i| i % turns == 0);
    first.into_iter().chain(part("ttft_later_turns", &|i| i % turns != 0)).collect()
}

/// Absent ones too, where the workload defines them: what could not be measured is listed, not
/// dropped. Speeds are there as distributions are: all or, where no tokens are known, none.
fn rates(pooled: &Values, w: &WorkloadRecord) -> Vec<ValueReport> {
    let slo = w.slo;
    let wanted = |m: &Metric| match m {
        // Of starts, not of rounds.
        Metric::Timing(..) | Metric::ServerStart => false,
        Metric::TokenSpeed(_) => pooled.contains_key(&Metric::TokenSpeed(Stat::Mean)),
        Metric::Goodput | Metric::SloAttainment => w.shape().has_slo,
        Metric::SloAttainmentOf(crate::metric::SloKind::Ttft) => slo.ttft_ms.is_some(),
        Metric::SloAttainmentOf(crate::metric::SloKind::Tpot) => slo.tpot_ms.is_some(),
        Metric::SloAttainmentOf(crate::metric::SloKind::E2e) => slo.e2e_ms.is_some(),
        Metric::OfferedRate | Metric::AchievedRate => w.load.open_loop,
        gpu if Metric::GPU.contains(gpu) => w.rounds().any(|(_, r)| r.gpu.is_some()),
        _ => true,
    };
    Metric::all()
        .filter(wanted)
        .map(|m| ValueReport {
            metric: m.name(),
            unit: m.unit().suffix().into(),
            value: pooled.get(&m).copied(),
        })
        .collect()
}

/// Over all starts, by address.
fn connections(w: &WorkloadRecord) -> BTreeMap<String, u64> {
    let mut all = BTreeMap::new();
    for (address, n) in w.starts.iter().flat_map(|s| &s.connections) {
        let sum: &mut u64 = all.entry(address.clone()).or_default();
        *sum = sum.saturating_add(*n);
    }
    all
}

fn errors(w: &WorkloadRecord) -> Vec<ErrorCount> {
    let mut all: Vec<ErrorCount> = Vec::new();
    for error in w.rounds().flat_map(|(_, r)| &r.errors) {
        match all.iter_mut().find(|e| e.kind == error.kind) {
            Some(seen) => seen.count += error.count,
            None => all.push(error.clone()),
        }
    }
    all
}

fn client(w: &WorkloadRecord) -> ClientReport {
    let worst = |of: fn(&crate::measure::validity::ClientHealth) -> Option<f64>| {
        w.rounds().filter_map(|(_, r)| of(&r.client)).max_by(f64::total_cmp)
    };
    // Of all rounds, or of none: a sum over some would be too low.
    let sum = |of: fn(&crate::measure::validity::ClientHealth) -> Option<u64>| {
        w.rounds().map(|(_, r)| of(&r.client)).sum()
    };
    ClientReport {
        own_lag_p99_ms: worst(|c| c.own_lag_p99_ms),
        loop_lag_p99_ms: worst(|c| c.loop_lag_p99_ms),
        busiest_worker_ratio: worst(|c| c.busiest_worker_ratio),
        connections_opened: sum(|c| c.connections_opened),
        retries: sum(|c| c.retries),
    }
}
