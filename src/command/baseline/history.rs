//! `baseline history METRIC`: the sessions of a branch in order, where the level moved, and limits that have become slack.
//!
//! Says what was; judges nothing.

use anyhow::bail;

use super::{Found, base, on_lineage, output, repo, setup};
use crate::cli::{BaselineHistoryArgs, WorkloadArgs};
use crate::config::{Bound, Workload, did_you_mean};
use crate::exit::ExitStatus;
use crate::measure::change_points::{ChangePoint, change_points};
use crate::metric::Metric;
use crate::record::session::Session;
use crate::report::text;

/// Fewer sessions are no reason to tighten a limit.
const MANY: usize = 10;
/// A limit of which the worst session takes less than this is slack.
const SLACK: f64 = 0.7;
/// Room above the worst session that a proposed limit leaves.
const ROOM: f64 = 1.2;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

pub fn run(args: &BaselineHistoryArgs) -> anyhow::Result<ExitStatus> {
    let names: Vec<String> = Metric::all().map(Metric::name).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let Some(metric) = Metric::parse(&args.metric) else {
        bail!("no metric is called {:?}\nhint: {}", args.metric, did_you_mean(&args.metric, &names));
    };
    let config = setup::config(&args.config, &WorkloadArgs::default())?;
    let repo = repo(&config)?;
    let found = Found::at(&repo, &config, &base::wanted(args.base.as_deref()))?;
    let sessions = on_lineage(found.files.into_values().collect(), &found.links);
    let mut workloads: Vec<&str> = sessions.iter().map(|(_, s)| s.workload.as_str()).collect();
    workloads.sort_unstable();
    workloads.dedup();
    if let Some(wanted) = &args.workload {
        if !workloads.contains(&wanted.as_str()) {
            bail!("no session of workload {wanted:?} on this lineage\nhint: {}", did_you_mean(wanted, &workloads));
        }
        workloads.retain(|w| w == wanted);
    }
    if workloads.is_empty() {
        output::print("no baseline sessions on this lineage yet: `goodput-gate baseline update` adds one")?;
    }
    for name in workloads {
        let mine: Vec<&Session> = sessions.iter().map(|(_, s)| s).filter(|s| s.workload == name).collect();
        output::print(&shown(name, &alike(&mine, &config.gate.under_test), metric))?;
        if let Some(line) = config.workloads.iter().find(|w| w.name == name).and_then(|w| slack(w, &mine, metric)) {
            output::print(&line)?;
        }
    }
    Ok(ExitStatus::Pass)
}

/// Those that may be compared with the newest.
fn alike<'a>(sessions: &[&'a Session], under_test: &[String]) -> Vec<&'a Session> {
    let key = sessions.last().map(|s| s.fingerprint.key(under_test));
    sessions.iter().filter(|s| Some(s.fingerprint.key(under_test)) == key).copied().collect()
}

fn shown(name: &str, sessions: &[&Session], metric: Metric) -> String {
    let unit = metric.unit().suffix();
    let points: Vec<(&Session, f64)> = sessions.iter().filter_map(|s| Some((*s, *s.pooled.get(&metric.key())?))).collect();
    let values: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
    let unmeasured = sessions.len() - points.len();
    let without = if unmeasured > 0 { format!(", {unmeasured} more without it") } else { String::new() };
    let count = text::count(points.len() as u64, "session", "sessions");
    let mut out = vec![format!("{}: {metric} over {count}{without}  {}", text::plain(name), sparkline(&values))];
    let moved = change_points(&scaled(&values));
    for (i, (session, value)) in points.iter().enumerate() {
        let here = moved.iter().filter(|c| c.at == i);
        out.extend(here.map(|change| format!("  -- {}", step(&values, &moved, change, unit))));
        let day = text::plain(&session.commit_date).split('T').next().unwrap_or_default().to_owned();
        let (commit, id) = (text::short(&session.commit), text::plain(&session.session));
        out.push(format!("  {commit}  {day}  {id}  {}", text::value(unit, Some(*value))));
    }
    let said = |change: &ChangePoint| {
        format!("moved at {}: {}", text::short(&points[change.at].0.commit), step(&values, &moved, change, unit))
    };
    out.extend(moved.iter().map(said));
    if moved.is_empty() {
        out.push("no change point (E-divisive, permutation test, p <= 0.01)".into());
    }
    out.join("\n")
}

/// From the mean of the level before to that of the level that begins.
fn step(values: &[f64], moved: &[ChangePoint], change: &ChangePoint, unit: &str) -> String {
    let from = moved.iter().map(|c| c.at).filter(|at| *at < change.at).max().unwrap_or(0);
    let to = moved.iter().map(|c| c.at).filter(|at| *at > change.at).min().unwrap_or(values.len());
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    let (before, after) = (mean(&values[from..change.at]), mean(&values[change.at..to]));
    let by = if before > 0.0 { format!(", {:+.1} %", (after / before - 1.0) * 100.0) } else { String::new() };
    format!("{} -> {}{by} (p {:.3})", text::value(unit, Some(before)), text::value(unit, Some(after)), change.p)
}

/// Logs where all are above 0: a step of 5 % is as large at 10 ms as at 1 s.
fn scaled(values: &[f64]) -> Vec<f64> {
    let positive = values.iter().all(|x| *x > 0.0);
    values.iter().map(|x| if positive { x.ln() } else { *x }).collect()
}

fn sparkline(values: &[f64]) -> String {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let steps = BARS.len() as f64 - 1.0;
    let rank = |x: f64| if high > low { (x - low) / (high - low) * steps } else { steps / 2.0 };
    // The bar whose rank is nearest; a rank is never outside of the bars.
    let bar =
        |x: f64| BARS.iter().enumerate().min_by(|a, b| (a.0 as f64 - rank(x)).abs().total_cmp(&(b.0 as f64 - rank(x)).abs()));
    values.iter().filter_map(|x| bar(*x).map(|(_, c)| *c)).collect()
}

/// A tighter limit, where many sessions stayed far within it.
fn slack(workload: &Workload, sessions: &[&Session], metric: Metric) -> Option<String> {
    let limit = workload.limits.iter().find_map(|l| match l.bound {
        Bound::Max(max) if l.metric == metric => Some(max),
        _ => None,
    })?;
    let values: Vec<f64> = sessions.iter().filter_map(|s| s.pooled.get(&metric.key()).copied()).collect();
    let worst = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let unit = metric.unit().suffix();
    (values.len() >= MANY && worst < limit * SLACK).then(|| {
        format!(
            "limit {metric} max {} is slack: the worst of {} sessions is {}; {} would leave {:.0} % of room",
            text::value(unit, Some(limit)),
            values.len(),
            text::value(unit, Some(worst)),
            text::value(unit, Some(worst * ROOM)),
            (ROOM - 1.0) * 100.0
        )
    })
}
