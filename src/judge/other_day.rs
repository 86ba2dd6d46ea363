//! A candidate against sessions of other days, where the baseline's build can not be run now
//! (docs/METHODOLOGY.md#another-day, with the gross rule and guards).
//!
//! Not here: finding the sessions, or whether they are comparable.

use crate::judge::errors::{self, Counts};
use crate::judge::estimate::{Block, Estimate, Finding, Levels, Sides, Tested, conclude};
use crate::judge::gross::{self, GrossTest};
use crate::judge::reason::PairingReason;
use crate::judge::{
    Check, Comparison, Decision, MetricReason, Mode, Policy, Reason, Session, Thresholds, Working,
};
use crate::judge::{all_hold, detectable, lone_guard};
use crate::measure::stats::{mean, sd};
use crate::measure::summary::Shape;
use crate::metric::{Class, Metric};

/// Sessions below which no history is a history.
pub const FEWEST_SESSIONS: usize = 6;
/// What one metric may spend over both jobs.
const ALPHA_PRIMARY: f64 = 0.003;
const ALPHA_GUARD: f64 = 0.001;
/// The first job's part of it, and the second's; and the tail of the bound that a PASS needs.
const LEVELS: [JobLevels; 2] =
    [JobLevels { part: 0.15, pass_tail: 0.05 }, JobLevels { part: 0.6, pass_tail: 0.025 }];
/// From so many sessions of the candidate's own machine on, the others are left out.
const ENOUGH_OF_ONE_RUNNER: usize = 8;

/// Everything that an other-day comparison looks at.
#[derive(Clone, Copy, Debug)]
pub struct OtherDay<'a> {
    /// Sessions of unchanged code, oldest first.
    pub history: &'a [Session],
    /// The candidate's jobs in the order of their running: one, or two on different machines.
    pub jobs: &'a [Session],
    pub shape: Shape,
    /// Fingerprint fields that must match and do not.
    pub differing: &'a [String],
    pub policy: &'a Policy,
}

/// The numbers of one metric (docs/METHODOLOGY.md#another-day).
#[derive(Clone, Debug, PartialEq)]
pub struct SessionsTest {
    /// Session values h, and those of the candidate's jobs, oriented.
    pub history: Vec<f64>,
    pub jobs: Vec<f64>,
    /// s2; none below six sessions.
    pub variance: Option<f64>,
    pub tested: Option<Tested>,
    /// Each job alone.
    pub alone: Vec<Estimate>,
    pub checks: Vec<Check>,
    /// The gross rule; alone below six sessions.
    pub gross: Option<GrossTest>,
    pub hit: bool,
}

/// How a job's verdict spends.
#[derive(Clone, Copy, Debug)]
struct JobLevels {
    part: f64,
    pass_tail: f64,
}

/// One metric over both sides.
struct Values {
    /// One per session that has the metric.
    history: Vec<f64>,
    /// One per job that has the metric in every start.
    jobs: Vec<f64>,
    /// Of all starts of those jobs.
    starts: Vec<f64>,
    /// Some job lacks the metric.
    gap: bool,
}

/// Judges after the first job, and after the second if there is one and the first left it open.
pub fn judge(input: &OtherDay<'_>) -> Comparison {
    let undecided = |reason| undecided(input, input.history.len(), vec![reason]);
    if !input.differing.is_empty() {
        return undecided(Reason::Pairing(PairingReason::FieldsDiffer {
            fields: input.differing.to_vec(),
        }))
        .incomplete();
    }
    if input.jobs.is_empty() {
        return undecided(Reason::CandidateNotMeasured).incomplete();
    }
    if input.history.is_empty() {
        let none = undecided(Reason::NoSessions);
        return Comparison { sessions_needed: Some(FEWEST_SESSIONS), ..none };
    }
    let mut last = undecided(Reason::CandidateNotMeasured);
    for jobs in 1..=input.jobs.len().min(2) {
        last = judge_jobs(input, &input.jobs[..jobs]);
        if !last.decision.is_open() {
            break;
        }
    }
    last
}

fn undecided(input: &OtherDay<'_>, sessions: usize, reasons: Vec<Reason>) -> Comparison {
    // The gross rule counts always, and alone with too few sessions.
    let (first, second) = (LEVELS[0].part, if input.jobs.len() > 1 { LEVELS[1].part } else { 0.0 });
    let known = sessions >= FEWEST_SESSIONS;
    let (primary, guard) = if known {
        ((first + second) * ALPHA_PRIMARY, lone_guard::ALPHA + second * ALPHA_GUARD)
    } else {
        (0.0, 0.0)
    };
    let budget = input.policy.budget(input.shape, gross::ALPHA + primary, guard, 0.0);
    Comparison::undecided(Mode::OtherDay, sessions, budget, reasons)
}

fn judge_jobs(input: &OtherDay<'_>, jobs: &[Session]) -> Comparison {
    let history = same_runner(input.history, jobs);
    let missing = FEWEST_SESSIONS.saturating_sub(history.len());
    let row = |metric| input.policy.thresholds(metric, Mode::OtherDay);
    let defined = input.shape.defined().into_iter().filter_map(row);
    let mut findings: Vec<Finding> = defined
        .map(|t| match t.metric {
            Metric::ErrorRate => error_finding(&t, &history, jobs, input.policy),
            _ => finding(&t, &history, jobs, input.policy),
        })
        .collect();
    findings.extend(input.policy.unjudged().into_iter().map(Finding::unjudged));
    let mut comparison =
        conclude(&undecided(input, history.len(), Vec::new()), findings, jobs.len());
    if missing > 0 {
        comparison.sessions_needed = Some(missing);
    }
    // What one side lacks, no second job brings.
    let noise = comparison.decision == Decision::Inconclusive;
    if !noise && (missing == 0 || comparison.decision != Decision::Incomplete) {
        return comparison;
    }
    let advice = match (missing, jobs.len()) {
        (0, 1) => Reason::SecondJobHelps,
        (0, _) => Reason::InterleavingHelps,
        _ => Reason::SessionsNeeded {
            missing: missing as u64,
            present: history.len() as u64,
            needed: FEWEST_SESSIONS as u64,
        },
    };
    if missing > 0 {
        let too_few = |r: &Reason| {
            matches!(r, Reason::NotProvenFine { why: Some(MetricReason::TooFewSessions), .. })
        };
        comparison.reasons.retain(|r| !too_few(r));
        let at = if noise { 0 } else { comparison.reasons.len() };
        comparison.reasons.insert(at, advice);
    } else {
        comparison.reasons.push(advice);
    }
    comparison
}

/// Only the candidate's machine, where there are enough sessions of it and all its jobs ran there.
fn same_runner<'a>(history: &'a [Session], jobs: &[Session]) -> Vec<&'a Session> {
    let runner = jobs
        .first()
        .and_then(|j| j.runner.as_ref())
        .filter(|r| jobs.iter().all(|j| j.runner.as_ref() == Some(r)));
    let own: Vec<&Session> =
        history.iter().filter(|s| runner.is_some() && s.runner.as_ref() == runner).collect();
    if own.len() >= ENOUGH_OF_ONE_RUNNER { own } else { history.iter().collect() }
}

fn error_finding(
    t: &Thresholds,
    history: &[&Session],
    jobs: &[Session],
    policy: &Policy,
) -> Finding {
    let baseline = Counts::sum(history.iter().flat_map(|s| &s.starts));
    let starts = jobs.iter().map(|j| j.starts.len()).sum();
    errors::judge(t, baseline, Counts::sum(jobs.iter().flat_map(|j| &j.starts)), starts, policy)
}

fn finding(t: &Thresholds, history: &[&Session], jobs: &[Session], policy: &Policy) -> Finding {
    let whole = || jobs.iter().filter(|s| session_value(s, t.metric).is_some());
    let values = Values {
        history: history.iter().filter_map(|s| session_value(s, t.metric)).collect(),
        jobs: whole().filter_map(|s| session_value(s, t.metric)).collect(),
        starts: whole()
            .flat_map(|s| &s.starts)
            .filter_map(|s| s.values.get(&t.metric).copied())
            .collect(),
        gap: jobs.iter().any(|s| session_value(s, t.metric).is_none()),
    };
    let sides = Sides { baseline: mean(&values.history), candidate: mean(&values.jobs) };
    let (Some(base), Some(cand)) = (sides.baseline, sides.candidate) else {
        let missing = Finding::missing(t, sides);
        // A guard that no session has yet is one of none of six sessions, and becomes known with
        // them.
        let unknown = sides.candidate.is_some() && !t.is_primary();
        return if unknown {
            Finding { blocks: Some(Block::Unproven), ..missing }
        } else {
            missing
        };
    };
    let gap = values.gap;
    let found = if values.history.len() >= FEWEST_SESSIONS {
        test(t, values, sides, cand - base, policy)
    } else {
        test_unknown(t, values, sides, cand - base, policy)
    };
    if gap { found.with_gap() } else { found }
}

/// Mean of the start summaries; none where a start lacks the metric, so that no session is judged
/// by its better half.
pub(crate) fn session_value(session: &Session, metric: Metric) -> Option<f64> {
    let values: Option<Vec<f64>> =
        session.starts.iter().map(|s| s.values.get(&metric).copied()).collect();
    mean(&values?)
}

/// The rule of another day with q jobs and k >= 6 sessions (docs/METHODOLOGY.md#another-day); or
/// gross.
fn test(t: &Thresholds, values: Values, sides: Sides, difference: f64, policy: &Policy) -> Finding {
    let Some(variance) = variance(t, &values.history) else { return Finding::missing(t, sides) };
    let (k, jobs) = (values.history.len(), values.jobs.len());
    let precision = estimate(difference, variance, k, jobs);
    let mut tested = Tested::test(t, &precision, levels(t, jobs, policy));
    let base = sides.baseline.unwrap_or(f64::NAN);
    let starts: Vec<f64> = values.starts.iter().map(|start| start - base).collect();
    tested.mde = smallest(t, &precision, &values.history, starts.len(), jobs, policy);
    let alone: Vec<Estimate> =
        values.jobs.iter().map(|job| estimate(job - base, variance, k, 1)).collect();
    let checks = checks(&tested, &alone, &starts);
    let gross = gross::test(t, &values.history, &values.starts, &values.jobs, policy)
        .filter(|_| t.is_primary());
    let is_gross = gross.as_ref().is_some_and(|found| found.hit);
    let mut found = Finding::tested(sides, &tested, all_hold(&checks) || is_gross);
    found.row.noise = Some(variance.sqrt());
    found.row.detectable = t.margin.and_then(|_| detectable::at_last(t, &precision, policy));
    if found.worry && !found.hit && jobs == 1 && !t.is_primary() {
        found.row.reason = lone_guard::unconvicted(&tested, &starts);
    }
    let working = SessionsTest {
        history: values.history,
        jobs: values.jobs,
        variance: Some(variance),
        tested: Some(tested),
        alone,
        checks,
        gross,
        hit: found.hit,
    };
    found.worked(Working::Sessions(Box::new(working)))
}

/// Significant and relevant. A guard convicts alone where it is far beyond both in every start; two
/// jobs must agree.
fn checks(tested: &Tested, alone: &[Estimate], starts: &[f64]) -> Vec<Check> {
    let t = &tested.thresholds;
    if alone.len() == 1 && !t.is_primary() {
        return lone_guard::checks(tested, starts);
    }
    let agrees =
        |job: &Estimate| job.difference >= t.d_min && job.p_beyond(0.0).is_some_and(|p0| p0 < 0.10);
    let mut checks = vec![
        Check { formula: "p <= alpha", holds: tested.significant() },
        Check { formula: "D >= D_min", holds: tested.relevant() },
    ];
    if alone.len() > 1 {
        let formula = "each job alone: c_q - mean h >= D_min and its own p0 < 0.10";
        checks.push(Check { formula, holds: alone.iter().all(agrees) });
    }
    checks
}

/// MDE95 of what convicts soonest; none of a guard in a job of one start, which convicts by
/// nothing.
fn smallest(
    t: &Thresholds,
    precision: &Estimate,
    history: &[f64],
    starts: usize,
    jobs: usize,
    policy: &Policy,
) -> Option<f64> {
    let alpha = levels(t, jobs, policy).alpha;
    let own = match (t.is_primary() || jobs > 1, starts) {
        (true, _) => precision.mde(alpha, t.d_min, t.d_neg),
        (false, lone_guard::FEWEST_STARTS..) => {
            precision.mde(alpha, lone_guard::TIMES * t.d_min, t.d_neg)
        }
        (false, _) => None,
    };
    [own, gross::reach(t, history, policy)].into_iter().flatten().reduce(f64::min)
}

/// Below six sessions the noise is not known; only what is gross is a hit.
fn test_unknown(
    t: &Thresholds,
    values: Values,
    sides: Sides,
    difference: f64,
    policy: &Policy,
) -> Finding {
    let mut found = Finding::open(t, sides, difference, MetricReason::TooFewSessions);
    let gross = gross::test(t, &values.history, &values.starts, &values.jobs, policy)
        .filter(|_| t.is_primary());
    if let Some(gross) = &gross {
        // Nothing is proven against an assumed noise: no bound has a tail of 0.
        let tested = Tested::test(
            t,
            &gross.estimate,
            Levels { alpha: policy.level(gross::ALPHA), pass_tail: 0.0 },
        );
        let known = Finding::tested(sides, &tested, gross.hit);
        let open = (found.row.judgement, found.row.reason);
        found = Finding { worry: false, ..known };
        found.row.mde = gross::reach(t, &values.history, policy);
        found.row.noise = Some(gross.variance.sqrt());
        if !gross.hit {
            (found.row.judgement, found.row.reason) = open;
        }
    }
    let working = SessionsTest {
        history: values.history,
        jobs: values.jobs,
        variance: None,
        tested: None,
        alone: Vec::new(),
        checks: Vec::new(),
        gross,
        hit: found.hit,
    };
    found.worked(Working::Sessions(Box::new(working)))
}

/// s2: what sessions vary by.
fn variance(t: &Thresholds, history: &[f64]) -> Option<f64> {
    Some(sd(history)?.powi(2) + t.floor().powi(2))
}

/// se = sqrt(s2 (1/q + 1/k)).
fn estimate(difference: f64, variance: f64, sessions: usize, jobs: usize) -> Estimate {
    let (k, q) = (sessions as f64, jobs as f64);
    Estimate { difference, se: (variance * (1.0 / q + 1.0 / k)).sqrt(), df: k - 1.0 }
}

/// Of one session more against these, with nothing known of the difference; none below two
/// sessions.
pub fn spread(t: &Thresholds, history: &[f64]) -> Option<Estimate> {
    Some(estimate(0.0, variance(t, history)?, history.len(), 1))
}

fn levels(t: &Thresholds, jobs: usize, policy: &Policy) -> Levels {
    let JobLevels { part, pass_tail } = LEVELS[usize::from(jobs > 1)];
    let alpha = match (t.class, jobs) {
        (Class::Primary, _) => part * ALPHA_PRIMARY,
        (_, 1) => lone_guard::ALPHA,
        _ => part * ALPHA_GUARD,
    };
    Levels { alpha: policy.level(alpha), pass_tail }
}

/// MDE95 of one job of so many starts against this history.
pub(super) fn reach(
    t: &Thresholds,
    history: &[&Session],
    starts: usize,
    policy: &Policy,
) -> Option<f64> {
    let values: Vec<f64> = history.iter().filter_map(|s| session_value(s, t.metric)).collect();
    match spread(t, &values).filter(|_| values.len() >= FEWEST_SESSIONS) {
        Some(precision) => smallest(t, &precision, &values, starts, 1, policy),
        None => gross::reach(t, &values, policy),
    }
}
