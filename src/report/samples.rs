//! Hand-made reports for the tests of every format: one per verdict that people meet, with
//! plausible numbers.

mod accepted;
mod beside;
mod parts;
mod swept;
mod watched;

use std::collections::BTreeMap;

pub use watched::watched;

use self::parts::{
    client, compared, history, in_this_job, measured, met, metric, other_day, rate, rates,
};
use super::headline::{Headline, Why};
use super::{
    BaselineReport, BoundSide, ClientReport, Codes, ComparisonReport, CountedReport,
    DistributionReport, LimitReport, MetricReport, Report, SCHEMA, VERSION, ValueReport,
    WorkloadReport,
};
use crate::compare::reason::{NoBaseline, RunReason, Tokens};
use crate::compare::{self, Begin};
use crate::config::Bound;
use crate::fingerprint::{Difference, Fingerprint};
use crate::judge::limits::LimitState;
use crate::judge::reason::{
    self, LimitReason, LimitValue, Margin, Measured, NoiseUnit, Side, SpreadReason,
};
use crate::judge::shift::Moved;
use crate::judge::{self, Judgement, MetricReason, Mode};
use crate::measure::seen::Seen;
use crate::metric::{Class, METHOD, Metric, Stat, Timing, Unit};
use crate::record::note::{Found, Note, Place};
use crate::record::{ErrorCount, GitFacts, LoadDetail, LoadFacts, Slo};
use crate::report::notice::Notice;
use crate::verdict::{Reason, Verdict};

fn metric_named(name: &str) -> Metric {
    Metric::parse(name).expect("a metric")
}

fn margins() -> Vec<Margin> {
    let primary =
        METHOD.into_iter().filter(|m| m.method().is_some_and(|row| row.class == Class::Primary));
    vec![Margin { ratio: 0.1, metrics: primary.collect() }]
}

fn proves() -> Reason {
    let sizes = [0.081, 0.142, 0.21, 0.088, 0.15, 0.084, 0.029, 0.006];
    let guards =
        METHOD.into_iter().filter(|m| m.method().is_some_and(|row| row.class == Class::Guard));
    judge::Reason::Proof {
        margins: margins(),
        detectable: guards.zip(sizes).collect(),
        starts: 2,
        unseen_share: Some(0.7764),
    }
    .into()
}

fn unproven() -> MetricReason {
    MetricReason::MarginNotProven { metric: metric_named("ttft_geomean"), margin: 0.1 }
}

/// A workload with its verdict, and why.
fn ruled(
    verdict: Verdict,
    reasons: &[Reason],
    warnings: &[Reason],
    mut w: WorkloadReport,
) -> WorkloadReport {
    (w.reasons, w.warnings) = (w.codes.texts(reasons), w.codes.texts(warnings));
    if w.metrics.iter().any(|m| m.reason == Some(unproven().to_string())) {
        w.codes.text(&unproven());
    }
    WorkloadReport { verdict: Some(verdict), ..w }
}

/// Of a verdict that its first reason explains.
fn headline(verdict: Verdict, reason: &Reason) -> Headline {
    Headline::Verdict { verdict, workload: None, why: Some(Why::Reason(reason.clone())) }
}

/// Every sample with the name of its snapshots.
pub fn all() -> Vec<(&'static str, Report)> {
    vec![
        ("pass", pass()),
        ("regression", regression()),
        ("interleaved", interleaved()),
        ("limit_breach", limit_breach()),
        ("inconclusive", inconclusive()),
        ("incomplete", incomplete()),
        ("blind", blind()),
        ("no_baseline", no_baseline()),
        ("invalid", invalid()),
        ("run_only", run_only()),
        ("two_workloads", two_workloads()),
        ("swept", swept()),
        ("accepted", accepted::accepted()),
    ]
}

pub use swept::swept;

pub fn pass() -> Report {
    let mut workload = WorkloadReport {
        baseline: Some(history(8, None)),
        comparison: Some(other_day()),
        metrics: compared(|_| (0.004, Judgement::Unchanged)),
        limits: vec![met()],
        differences: vec![Difference {
            field: "server_version".into(),
            baseline: Some("0.11.0".into()),
            candidate: Some("0.11.1".into()),
        }],
        ..measured("chat")
    };
    workload = ruled(Verdict::Passed, &[proves()], &[], beside::with_baseline(workload));
    workload.proves = Some(workload.codes.text(&proves()));
    let headline = Headline::Verdict {
        verdict: Verdict::Passed,
        workload: None,
        why: Some(Why::NoSlowdown(margins())),
    };
    report(&headline, 0, vec![workload])
}

fn slower() -> [Measured; 2] {
    let of = |name, change, interval, p| Measured {
        metric: metric_named(name),
        change: Some(change),
        interval: Some(interval),
        p: Some(p),
    };
    [
        of("tpot_geomean", 0.082, (0.07, 0.094), 0.00001),
        of("e2e_geomean", 0.071, (0.059, 0.083), 0.0002),
    ]
}

pub fn regression() -> Report {
    let worse = |m: Metric| match m {
        Metric::Timing(Timing::Tpot, Stat::Geomean) => (0.082, Judgement::Regressed),
        Metric::Timing(Timing::E2e, Stat::Geomean) => (0.071, Judgement::Regressed),
        Metric::Timing(Timing::Ttft, Stat::Geomean) => (-0.041, Judgement::Improved),
        Metric::OutputTokenRate => (-0.022, Judgement::Inconclusive),
        _ => (0.006, Judgement::Unchanged),
    };
    let workload = WorkloadReport {
        baseline: Some(history(8, None)),
        comparison: Some(other_day()),
        metrics: compared(worse),
        limits: vec![met()],
        ..measured("chat")
    };
    let reasons = slower().map(|m| judge::Reason::Worse(m).into());
    let workload = beside::with_baseline(workload);
    let noisier = judge::Reason::NoisierThanUsual { metrics: vec![metric_named("e2e_geomean")] };
    report(&regressed(None), 1, vec![ruled(Verdict::Failed, &reasons, &[noisier.into()], workload)])
}

fn regressed(workload: Option<&str>) -> Headline {
    let [tpot, e2e] = slower();
    let why =
        Why::Slower(tpot, e2e.change.map(|change| (e2e.metric, change)).into_iter().collect());
    Headline::Verdict {
        verdict: Verdict::Failed,
        workload: workload.map(str::to_owned),
        why: Some(why),
    }
}

/// Both builds in one job.
pub fn interleaved() -> Report {
    let mut report = regression();
    let workload = &mut report.workloads[0];
    workload.baseline = None;
    workload.comparison = Some(in_this_job());
    workload.course = Some(beside::course());
    report
}

fn breach() -> LimitReason {
    LimitReason::LimitBreached(LimitValue {
        metric: metric_named("ttft_p95"),
        bound: Bound::Max(500.0),
        value: Some(612.4),
        interval: Some((588.0, 640.1)),
        obstacle: None,
    })
}

pub fn limit_breach() -> Report {
    let mut w = measured("chat");
    let breached = judge::Reason::Limit(breach()).into();
    let open: Reason = judge::Reason::Limit(LimitReason::LimitMetUnproven(LimitValue {
        metric: Metric::SloAttainment,
        bound: Bound::Min(0.95),
        value: Some(0.957),
        interval: Some((0.938, 0.972)),
        obstacle: None,
    }))
    .into();
    w.limits = vec![
        LimitReport {
            value: Some(612.4),
            interval_low: Some(588.0),
            interval_high: Some(640.1),
            state: LimitState::Breached,
            right_side: Some(false),
            reason: w.codes.text(&breached),
            ..met()
        },
        LimitReport {
            metric: "slo_attainment".into(),
            unit: "ratio".into(),
            bound: BoundSide::Min,
            limit: 0.95,
            value: Some(0.957),
            interval_low: Some(0.938),
            interval_high: Some(0.972),
            state: LimitState::Open,
            right_side: Some(true),
            reason: w.codes.text(&open),
            accepted: None,
        },
    ];
    let why = Some(Why::Breached(breach(), Vec::new()));
    let headline = Headline::Verdict { verdict: Verdict::Failed, workload: None, why };
    report(&headline, 1, vec![ruled(Verdict::Failed, &[breached], &[open], w)])
}

pub fn inconclusive() -> Report {
    let reason = judge::Reason::SessionsNeeded { missing: 4, present: 2, needed: 6 }.into();
    let mut w = measured("chat");
    w.metrics = compared(|_| (0.018, Judgement::Inconclusive));
    for m in &mut w.metrics {
        m.reason = Some(w.codes.text(&MetricReason::TooFewSessions));
        (m.interval_low_ratio, m.interval_high_ratio, m.p, m.smallest_visible_change_ratio) =
            (None, None, None, None);
    }
    let p99 =
        w.metrics.iter_mut().find(|m| m.metric == "ttft_p99").expect("METHOD judges ttft_p99");
    (p99.candidate, p99.change_ratio, p99.judgement) = (None, None, Some(Judgement::Unmeasured));
    p99.reason = Some(w.codes.text(&MetricReason::NoCandidateValue));
    w.baseline = Some(BaselineReport {
        found_from: Some("merge base with origin/main".into()),
        skipped: vec!["0c1d2e3f4a5b (model: sim-8b -> sim-70b)".into()],
        ..history(2, Some(4))
    });
    let head = headline(Verdict::Inconclusive, &reason);
    let altered = Notice::PolicyAltered {
        keys: vec!["`gate`".into()],
        file: "goodput-gate.yaml".into(),
        base: "origin/main (0c1d2e3f4a5b)".into(),
    };
    let w = ruled(Verdict::Inconclusive, &[reason, missing("ttft_p99")], &[], w);
    let mut report = report(&head, 0, vec![w]);
    report.notice(&[altered]);
    report
}

fn missing(metric: &str) -> Reason {
    let why = Some(MetricReason::NoCandidateValue);
    judge::Reason::NotProvenFine { metric: metric_named(metric), change: None, interval: None, why }
        .into()
}

/// The candidate stopped to tell its output tokens.
pub fn incomplete() -> Report {
    let reason =
        RunReason::TokensUntold { silent: Side::Candidate, tokens: vec![Tokens::Output] }.into();
    let mut w = measured("chat");
    w.metrics = compared(|_| (0.004, Judgement::Unchanged));
    for m in w
        .metrics
        .iter_mut()
        .filter(|m| m.metric.starts_with("tpot") || m.metric == "output_token_rate")
    {
        (m.candidate, m.change_ratio, m.judgement) = (None, None, Some(Judgement::Unmeasured));
        (m.interval_low_ratio, m.interval_high_ratio, m.p, m.smallest_visible_change_ratio) =
            (None, None, None, None);
        m.reason = Some(w.codes.text(&MetricReason::NoCandidateValue));
    }
    let w = WorkloadReport {
        baseline: Some(history(8, None)),
        comparison: Some(other_day()),
        limits: vec![met()],
        ..w
    };
    let head = headline(Verdict::Incomplete, &reason);
    report(&head, 3, vec![ruled(Verdict::Incomplete, &[reason, missing("tpot_geomean")], &[], w)])
}

/// Eight sessions of two levels, and a p99 that looks worse.
pub fn blind() -> Report {
    let ttft = metric_named("ttft_geomean");
    let (detectable, noise, unit) = (Some(0.512), Some(0.118), NoiseUnit::Sessions);
    let why = judge::Reason::Blind { metric: ttft, detectable, wanted: 0.1, noise, unit }.into();
    let mut w = measured("chat");
    w.metrics = compared(|_| (0.118, Judgement::Inconclusive));
    let p99 =
        w.metrics.iter_mut().find(|m| m.metric == "ttft_p99").expect("METHOD judges ttft_p99");
    (p99.change_ratio, p99.reason) = (Some(1.26), Some(w.codes.text(&MetricReason::OneStart)));
    let (commit, day) = ("0c1d2e3f4a5b".into(), "2026-10-30".into());
    let step = SpreadReason::SessionsMoved {
        metric: ttft,
        newer: 3,
        commit,
        day,
        change: 0.217,
        older: 5,
    };
    let spread =
        [step, SpreadReason::NoSessionsHelp].map(|reason| judge::Reason::Spread(reason).into());
    let at = |commit: &str, day: &str| reason::Place { commit: commit.into(), day: day.into() };
    let moved =
        |change| vec![Moved { metric: metric_named("tpot_geomean"), change, slower: change > 0.0 }];
    let warnings = [
        compare::Reason::SessionsBegin {
            at: at("0b1c2d3e4f5a", "2026-10-20"),
            begin: Begin::Faster(moved(-0.12)),
            left_out: 4,
        },
        compare::Reason::SlowerSessionLeftOut {
            session: "1a2b3c4d".into(),
            at: at("0d1e2f3a4b5c", "2026-11-02"),
            moved: moved(0.401),
        },
    ];
    let w = WorkloadReport { baseline: Some(history(8, None)), comparison: Some(other_day()), ..w };
    let head = headline(Verdict::Blind, &why);
    let reasons: Vec<Reason> = [why].into_iter().chain(spread).collect();
    report(&head, 5, vec![ruled(Verdict::Blind, &reasons, &warnings.map(Reason::from), w)])
}

pub fn no_baseline() -> Report {
    let reason =
        compare::Reason::NoBaseline { workload: "chat".into(), why: NoBaseline::History }.into();
    let w = WorkloadReport { limits: vec![met()], ..measured("chat") };
    let head = headline(Verdict::NoBaseline, &reason);
    report(&head, 4, vec![ruled(Verdict::NoBaseline, &[reason], &[], w)])
}

pub fn invalid() -> Report {
    let place = Place { start: 1, round: 1, rounds: 6, of: 6 };
    let reason =
        Note::Found(Found { place, seen: Seen::NoneCompleted { requests: 100, empty: 0 } }).into();
    let workload = WorkloadReport {
        completed: 0,
        metrics: METHOD.iter().map(|m| MetricReport { candidate: None, ..metric(*m) }).collect(),
        distributions: vec![],
        rates: rates().into_iter().map(|r| ValueReport { value: (r.metric == "error_rate").then_some(1.0), ..r }).collect(),
        errors: vec![
            ErrorCount {
                kind: "http_status 503".into(),
                count: 598,
                example: Some("<html>\u{1b}[31mno \"healthy\" upstream & | `x` @admin #12\u{1b}[0m</html>]]>\n".into()),
            },
            ErrorCount { kind: "timeout".into(), count: 2, example: None },
        ],
        client: ClientReport { own_lag_p99_ms: None, ..client() },
        ..measured("chat")
    };
    report(
        &headline(Verdict::Invalid, &reason),
        3,
        vec![ruled(Verdict::Invalid, &[reason], &[], workload)],
    )
}

pub fn run_only() -> Report {
    let mut workload = WorkloadReport {
        server_start_ms: Vec::new(),
        connections: BTreeMap::new(),
        gpu: Some(super::gpu::tests::sample()),
        ..measured("chat")
    };
    let place = Place { start: 1, round: 2, rounds: 1, of: 6 };
    let late = Note::Found(Found { place, seen: Seen::ClientNearlyLate { p99_ms: 1.4 } });
    workload.notes = vec![workload.codes.text(&Reason::from(late))];
    let of_gpu = [Some(0.842), Some(1.1876), Some(61746.0), None];
    workload.rates.extend(Metric::GPU.into_iter().zip(of_gpu).map(rate));
    workload.metrics.retain(|m| m.metric != "slo_attainment");
    for m in workload
        .metrics
        .iter_mut()
        .filter(|m| m.metric == "output_token_rate" || m.metric == "ttft_p99")
    {
        m.candidate = None;
    }
    report(&Headline::Measured { requests: 600 }, 0, vec![workload])
}

pub fn two_workloads() -> Report {
    let (good, bad) = (pass().workloads, regression().workloads);
    let rename = |mut w: WorkloadReport, name: &str| {
        w.name = name.into();
        w
    };
    let workloads: Vec<WorkloadReport> = good
        .into_iter()
        .map(|w| rename(w, "chat | 8 in flight"))
        .chain(bad.into_iter().map(|w| rename(w, "long-context")))
        .collect();
    report(&regressed(Some("long-context")), 1, workloads)
}

/// A report whose every foreign text is `nasty`.
pub fn foreign(nasty: &str) -> Report {
    let mut all = regression();
    all.headline = format!("FAIL: {nasty}");
    all.session = nasty.into();
    all.created = nasty.into();
    all.git = all.git.map(|g| GitFacts {
        commit: nasty.into(),
        tree: nasty.into(),
        commit_date: nasty.into(),
        ..g
    });
    all.host = BTreeMap::from([(nasty.to_owned(), nasty.to_owned())]);
    for w in &mut all.workloads {
        w.name = nasty.into();
        w.reasons = vec![nasty.into(), nasty.into()];
        w.warnings = vec![nasty.into()];
        w.notes = vec![nasty.into()];
        w.proves = Some(format!("proven: {nasty}"));
        (w.load.protocol, w.load.arrival) = (nasty.into(), nasty.into());
        w.fingerprint.set("model", nasty);
        w.fingerprint.set(nasty, nasty);
        w.differences =
            vec![Difference { field: nasty.into(), baseline: None, candidate: Some(nasty.into()) }];
        w.errors = vec![ErrorCount { kind: nasty.into(), count: 3, example: Some(nasty.into()) }];
        w.limits[0].reason = nasty.into();
        w.metrics[3].reason = Some(nasty.into());
        w.baseline = Some(BaselineReport {
            commit: Some(nasty.into()),
            commit_date: Some(nasty.into()),
            ..history(8, None)
        });
    }
    all
}

fn report(headline: &Headline, exit_code: u8, workloads: Vec<WorkloadReport>) -> Report {
    let verdict = match headline {
        Headline::Verdict { verdict, .. } => Some(*verdict),
        Headline::PassedWithAccepted { .. } => Some(Verdict::Passed),
        Headline::Measured { .. }
        | Headline::Unfit { .. }
        | Headline::Saturated { .. }
        | Headline::Found { .. }
        | Headline::CouldNotMeasure { .. }
        | Headline::Swept { .. } => None,
    };
    let mut codes = Codes::default();
    Report {
        schema: SCHEMA.into(),
        version: VERSION,
        tool_version: "0.1.0".into(),
        session: "5f3a9c1e".into(),
        created: "2026-11-20T09:30:00.25Z".into(),
        verdict,
        exit_code,
        headline: codes.text(headline),
        interrupted: false,
        notices: Vec::new(),
        attempts: Vec::new(),
        sweeps: Vec::new(),
        capacity: None,
        git: Some(GitFacts {
            commit: "9d2f1a7c3b5e4f60718293a4b5c6d7e8f9012345".into(),
            tree: "1b2c3d4e5f60718293a4b5c6d7e8f90123456789".into(),
            dirty: verdict.is_none(),
            commit_date: "2026-11-20T09:00:00Z".into(),
        }),
        host: [("kernel", "6.1.0"), ("runner", "gpu-7")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into(),
        workloads,
        codes,
    }
}
