//! Sessions as units (docs/METHODOLOGY.md#another-day): one rule for a candidate against sessions of other days
//! and for the latest sessions against an anchor.
//!
//! Not here: which sessions those are, and how many units come one after the other (`other_day`,
//! `drift`).

use crate::judge::errors::{self, Counts, Enough};
use crate::judge::estimate::{Block, Estimate, Finding, Levels, Sides, Tested};
use crate::judge::gross::{self, GrossTest};
use crate::judge::level::{Line, Rule as LineRule};
use crate::judge::{
    Check, MetricReason, Mode, Policy, Session, Thresholds, Working, all_hold, lone_guard,
};
use crate::measure::stats::{mean, sd, squared_deviations};
use crate::measure::summary::{Shape, StartSummary};
use crate::metric::Metric;

/// Sessions below which no history is a history.
pub const FEWEST_SESSIONS: usize = 6;
/// Of several units, each alone must be so much of `D_min` beyond the baseline.
const EACH_UNIT: f64 = 0.5;

/// How the rule is applied.
#[derive(Clone, Copy, Debug)]
pub struct Rule<'a> {
    pub mode: Mode,
    /// K.
    pub planned: usize,
    /// beta.
    pub pass_tail: f64,
    pub shape: Shape,
    pub policy: &'a Policy,
}

/// The numbers of one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionsTest {
    /// Session values h, and those of the units, oriented.
    pub history: Vec<f64>,
    pub units: Vec<f64>,
    /// v; none below six sessions.
    pub variance: Option<f64>,
    pub tested: Option<Tested>,
    pub checks: Vec<Check>,
    /// The gross rule; alone below six sessions.
    pub gross: Option<GrossTest>,
    pub hit: bool,
}

/// One metric over both sides.
struct Values {
    /// One per session that has the metric.
    history: Vec<f64>,
    /// One per unit that has the metric in every start.
    units: Vec<f64>,
    /// Of all starts of those units.
    starts: Vec<f64>,
    /// Some unit lacks the metric.
    gap: bool,
}

/// Both sides as one session value per metric and session; `plain` are the values for people, where
/// the others have the plan's part taken off.
#[derive(Clone, Copy, Debug)]
pub struct Compared<'a> {
    pub history: &'a [Session],
    pub units: &'a [Session],
    pub plain: (&'a [Session], &'a [Session]),
}

/// All metrics of the units so far.
pub fn findings(rule: &Rule<'_>, compared: &Compared<'_>) -> Vec<Finding> {
    let row = |metric| rule.policy.thresholds(metric, rule.mode);
    let defined = rule.shape.defined().into_iter().filter_map(row);
    let mut findings: Vec<Finding> = defined
        .map(|t| match t.metric {
            Metric::ErrorRate => error_finding(&t, compared, rule.policy),
            _ => finding(&t, rule, compared),
        })
        .collect();
    findings.extend(rule.policy.unjudged().into_iter().map(Finding::unjudged));
    findings
}

fn error_finding(t: &Thresholds, compared: &Compared<'_>, policy: &Policy) -> Finding {
    let counts = |sessions: &[Session]| Counts::sum(sessions.iter().flat_map(|s| &s.starts));
    let starts = Enough::Starts(compared.units.iter().map(|j| j.starts.len()).sum());
    errors::judge(t, counts(compared.history), counts(compared.units), starts, policy)
}

/// Mean of the start summaries; none where a start lacks the metric, so that no session is judged
/// by its better half.
pub fn session_value(session: &Session, metric: Metric) -> Option<f64> {
    let values: Option<Vec<f64>> =
        session.starts.iter().map(|s| s.values.get(&metric).copied()).collect();
    mean(&values?)
}

fn values_of(sessions: &[Session], metric: Metric) -> Vec<f64> {
    sessions.iter().filter_map(|s| session_value(s, metric)).collect()
}

fn finding(t: &Thresholds, rule: &Rule<'_>, compared: &Compared<'_>) -> Finding {
    let lacks = |s: &Session| session_value(s, t.metric).is_none();
    let value = |s: &StartSummary| s.values.get(&t.metric).copied();
    let whole = compared.units.iter().filter(|s| !lacks(s));
    let values = Values {
        history: values_of(compared.history, t.metric),
        units: values_of(compared.units, t.metric),
        starts: whole.flat_map(|s| &s.starts).filter_map(value).collect(),
        gap: compared.units.iter().any(lacks),
    };
    let shown = |sessions: &[Session]| mean(&values_of(sessions, t.metric));
    let sides = Sides { baseline: shown(compared.plain.0), candidate: shown(compared.plain.1) };
    let (Some(base), Some(cand)) = (mean(&values.history), mean(&values.units)) else {
        let known = |has: bool, side: Option<f64>| side.filter(|_| has);
        let sides = Sides {
            baseline: known(!values.history.is_empty(), sides.baseline),
            candidate: known(!values.units.is_empty(), sides.candidate),
        };
        let missing = Finding::missing(t, sides);
        // A guard that no session has yet is one of none of six sessions, and becomes known with
        // them.
        let unknown = !values.units.is_empty() && !t.is_primary();
        return if unknown {
            Finding { blocks: Some(Block::Unproven), ..missing }
        } else {
            missing
        };
    };
    let gap = values.gap;
    let found = if values.history.len() >= FEWEST_SESSIONS {
        test(t, rule, values, sides, cand - base)
    } else {
        test_unknown(t, rule, values, sides, cand - base)
    };
    if gap { found.with_gap() } else { found }
}

/// The rule from six sessions on; or gross.
fn test(t: &Thresholds, rule: &Rule<'_>, values: Values, sides: Sides, difference: f64) -> Finding {
    let Some(precision) = precision(t, rule.mode, &values.history, &values.units) else {
        return Finding::missing(t, sides);
    };
    let estimate = precision.at(difference);
    let units = values.units.len();
    let tested = Tested::test(t, &estimate, levels(t, rule, units));
    let base = mean(&values.history).unwrap_or(f64::NAN);
    let beyond = |all: &[f64]| all.iter().map(|x| x - base).collect::<Vec<f64>>();
    let (each, starts) = (beyond(&values.units), beyond(&values.starts));
    let checks = checks(&tested, rule.mode, &each, &starts);
    let gross = gross_of(t, &values, rule.policy);
    let is_gross = gross.as_ref().is_some_and(|found| found.hit);
    let mut found = Finding::tested(sides, &tested, all_hold(&checks) || is_gross);
    let variance = estimate.se.powi(2) / (1.0 / units as f64 + 1.0 / values.history.len() as f64);
    found.row.noise = Some(variance.sqrt());
    found.row.detectable = smallest(t, rule, &precision, &values.history, units, starts.len());
    if found.worry && !found.hit && convicts_alone(t, rule.mode, units) {
        found.row.reason = lone_guard::unconvicted(&tested, &starts);
    }
    let working = SessionsTest {
        history: values.history,
        units: values.units,
        variance: Some(variance),
        tested: Some(tested),
        checks,
        gross,
        hit: found.hit,
    };
    found.worked(Working::Sessions(Box::new(working)))
}

/// Below six sessions the noise is not known; only what is gross is a hit.
fn test_unknown(
    t: &Thresholds,
    rule: &Rule<'_>,
    values: Values,
    sides: Sides,
    difference: f64,
) -> Finding {
    let mut found = Finding::open(t, sides, difference, MetricReason::TooFewSessions);
    let gross = gross_of(t, &values, rule.policy);
    if let Some(gross) = &gross {
        // Nothing is proven against an assumed noise: no bound has a tail of 0.
        let level = rule.policy.level(gross::ALPHA);
        let levels = Levels { level, last: level, pass_tail: 0.0 };
        let known = Finding::tested(sides, &Tested::test(t, &gross.estimate, levels), gross.hit);
        let open = (found.row.judgement, found.row.reason);
        found = Finding { worry: false, ..known };
        found.row.detectable = gross::reach(t, &values.history, rule.policy);
        found.row.noise = Some(gross.variance.sqrt());
        if !gross.hit {
            (found.row.judgement, found.row.reason) = open;
        }
    }
    let working = SessionsTest {
        history: values.history,
        units: values.units,
        variance: None,
        tested: None,
        checks: Vec::new(),
        gross,
        hit: found.hit,
    };
    found.worked(Working::Sessions(Box::new(working)))
}

fn gross_of(t: &Thresholds, values: &Values, policy: &Policy) -> Option<GrossTest> {
    gross::test(t, &values.history, &values.starts, &values.units, policy)
        .filter(|_| t.is_primary())
}

/// A guard in one job convicts by a rule of its own.
fn convicts_alone(t: &Thresholds, mode: Mode, units: usize) -> bool {
    mode == Mode::OtherDay && units == 1 && !t.is_primary()
}

/// Significant and relevant. Of several jobs each must be beyond the baseline.
fn checks(tested: &Tested, mode: Mode, each: &[f64], starts: &[f64]) -> Vec<Check> {
    let t = &tested.thresholds;
    if convicts_alone(t, mode, each.len()) {
        return lone_guard::checks(tested, starts);
    }
    let mut checks = vec![
        Check { formula: "p <= Phi(-C max(1, K/q)^(1/4))", holds: tested.significant() },
        Check { formula: "D >= D_min", holds: tested.relevant() },
    ];
    if mode == Mode::OtherDay && each.len() > 1 {
        let holds = each.iter().all(|d| *d >= EACH_UNIT * t.d_min);
        checks.push(Check { formula: "each job alone: c_q - mean h >= D_min / 2", holds });
    }
    checks
}

fn levels(t: &Thresholds, rule: &Rule<'_>, units: usize) -> Levels {
    let line = if convicts_alone(t, rule.mode, units) {
        Line::new(LineRule::LoneGuard, 1, rule.policy.workloads)
    } else {
        rule.policy.line(t.class, rule.planned)
    };
    Levels::at(line, units, rule.pass_tail)
}

/// se = sqrt(v (1/q + 1/k)). Another day: v of the history, df k - 1. Drift: both groups are of the
/// same kind, so v pools them, df k + n - 2. None below two sessions.
fn precision(t: &Thresholds, mode: Mode, history: &[f64], units: &[f64]) -> Option<Estimate> {
    if mode != Mode::Drift {
        return spread(t, history, units.len());
    }
    let (k, n) = (history.len() as f64, units.len() as f64);
    let df = k + n - 2.0;
    let ss = squared_deviations(history)? + squared_deviations(units)?;
    let variance = (df > 0.0).then(|| ss / df + t.floor().powi(2))?;
    Some(Estimate::unknown((variance * (1.0 / n + 1.0 / k)).sqrt(), df))
}

/// Of so many sessions more against these, with nothing known of the difference; none below two
/// sessions.
pub fn spread(t: &Thresholds, history: &[f64], units: usize) -> Option<Estimate> {
    let variance = sd(history)?.powi(2) + t.floor().powi(2);
    let (k, q) = (history.len() as f64, units as f64);
    Some(Estimate::unknown((variance * (1.0 / q + 1.0 / k)).sqrt(), k - 1.0))
}

/// The smallest change that would have been found in 95 %, by what convicts soonest; none of a
/// guard in a job of one start, which convicts by nothing.
fn smallest(
    t: &Thresholds,
    rule: &Rule<'_>,
    precision: &Estimate,
    history: &[f64],
    units: usize,
    starts: usize,
) -> Option<f64> {
    let last = levels(t, rule, units).last;
    let own = match (convicts_alone(t, rule.mode, units), starts) {
        (false, _) => precision.detectable(last, t.d_min),
        (true, lone_guard::FEWEST_STARTS..) => {
            precision.detectable(last, lone_guard::TIMES * t.alone)
        }
        (true, _) => None,
    };
    [own, gross::reach(t, history, rule.policy)].into_iter().flatten().reduce(f64::min)
}

/// What one job of so many starts finds in 95 % against these sessions, by metric; a metric without
/// a number is absent.
pub fn reach(rule: &Rule<'_>, history: &[Session], starts: usize) -> Vec<(Metric, f64)> {
    let measured = history.iter().flat_map(|s| &s.starts);
    let found = |t: Thresholds| {
        if t.metric == Metric::ErrorRate {
            let found = errors::reach(&t, measured.clone(), starts, rule.policy);
            return Some((t.metric, found?));
        }
        let values = values_of(history, t.metric);
        let found = match spread(&t, &values, 1).filter(|_| values.len() >= FEWEST_SESSIONS) {
            Some(precision) => smallest(&t, rule, &precision, &values, 1, starts),
            None => gross::reach(&t, &values, rule.policy),
        };
        Some((t.metric, found?))
    };
    let metrics = rule.shape.defined().into_iter();
    metrics.filter_map(|m| found(rule.policy.thresholds(m, rule.mode)?)).collect()
}

/// What one job finds in 95 % against so many sessions that vary by `sd`; a fraction.
pub fn reach_with(sd: f64, sessions: usize, d_min: f64) -> Option<f64> {
    let k = sessions as f64;
    let last = Line::new(LineRule::Primary, 1, 1).last();
    Estimate::unknown(sd * (1.0 + 1.0 / k).sqrt(), k - 1.0).detectable(last, d_min)
}
