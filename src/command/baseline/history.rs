//! `baseline history METRIC`: the sessions of a branch in order, where the level moved, and limits that have become slack.
//!
//! Says what was; judges nothing.

use std::path::Path;

use anyhow::bail;

use super::{Found, Reviewed, base, on_lineage, output, repo, setup};
use crate::baseline::lineage::Repo;
use crate::cli::{BaselineHistoryArgs, WorkloadArgs};
use crate::compare::{History, Placed, Selection, Why};
use crate::config::{Bound, Lang, Workload, did_you_mean};
use crate::exit::ExitStatus;
use crate::metric::{METHOD, Metric};
use crate::record::session::Session;
use crate::report::history::{self, Branch};
use crate::report::text;

/// Fewer sessions are no reason to tighten a limit.
const MANY: usize = 10;
/// A limit of which the worst session takes less than this is slack.
const SLACK: f64 = 0.7;
/// Room above the worst session that a proposed limit leaves.
const ROOM: f64 = 1.2;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

pub fn run(args: &BaselineHistoryArgs) -> anyhow::Result<ExitStatus> {
    let metrics = metrics(args.metric.as_deref())?;
    let config = setup::config(&args.config, &WorkloadArgs::default())?;
    let repo = repo(&config)?;
    let found = Found::at(&repo, &config, &base::wanted(args.base.as_deref()))?;
    let branch = found.base.name.clone();
    let reviewed = Reviewed::of(&repo, &config, &base::wanted(args.base.as_deref()), &found.links);
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
    let shown = |name: &&str| {
        let mine: Vec<&Session> = sessions.iter().map(|(_, s)| s).filter(|s| s.workload == *name).collect();
        let history = History { sessions: &sessions, accepted: &reviewed.accepted };
        let selection = history.select_newest(name, &config.gate.under_test).unwrap_or_default();
        let alike = alike(&selection, &sessions);
        let segment = std::iter::once(selection.segment()).chain(selection.levels()).collect();
        let histories = metrics.iter().map(|m| history::History::of(&alike, *m)).collect();
        (
            history::Workload {
                name: (*name).to_owned(),
                left_out: mine.len() - alike.len(),
                sessions: alike,
                segment,
                histories,
            },
            mine,
        )
    };
    let shown: Vec<_> = workloads.iter().map(shown).collect();
    if let Some(path) = &args.html {
        let shown: Vec<_> = shown.into_iter().map(|(workload, _)| workload).collect();
        write(path, &repo, branch, &shown, setup::lang(args.lang, &config))?;
        return Ok(ExitStatus::Pass);
    }
    if shown.is_empty() {
        output::print("no baseline sessions on this lineage yet: `goodput-gate baseline update` adds one")?;
    }
    for (workload, all) in &shown {
        workload
            .segment
            .iter()
            .try_for_each(|line| output::print(&format!("{}: {}", text::plain(&workload.name), text::plain(line))))?;
        for history in &workload.histories {
            output::print(&told(&workload.name, history))?;
            let planned = config.workloads.iter().find(|w| w.name == workload.name);
            if let Some(line) = planned.and_then(|w| slack(w, all, history.metric)) {
                output::print(&line)?;
            }
        }
    }
    Ok(ExitStatus::Pass)
}

/// The one that was named, or all whose changes are judged.
fn metrics(asked: Option<&str>) -> anyhow::Result<Vec<Metric>> {
    let Some(asked) = asked else { return Ok(METHOD.to_vec()) };
    let names: Vec<String> = Metric::all().map(Metric::name).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    match Metric::parse(asked) {
        Some(metric) => Ok(vec![metric]),
        None => bail!("no metric is called {asked:?}\nhint: {}", did_you_mean(asked, &names)),
    }
}

fn write(path: &Path, repo: &Repo, name: String, workloads: &[history::Workload<'_>], lang: Lang) -> anyhow::Result<()> {
    let commits = workloads.iter().flat_map(|w| &w.sessions).map(|s| &s.commit);
    let branch = Branch {
        name,
        url: repo.remote().map(|remote| format!("https://{remote}")),
        authored: commits.filter_map(|c| Some((c.clone(), repo.authored(c)?))).collect(),
    };
    output::write_atomic(path, history::page(&branch, workloads, env!("CARGO_PKG_VERSION"), lang).as_bytes())?;
    output::say(&format!("history of {} written to {}", text::plain(&branch.name), path.display()));
    Ok(())
}

/// Those that may be compared with the newest, each once, oldest first.
fn alike<'a>(selection: &Selection<'a>, sessions: &'a [Placed]) -> Vec<&'a Session> {
    let other = |s: &Session| matches!(selection.why_not(s), Some(Why::Copy | Why::Incomparable { .. }));
    let known = |s: &Session| selection.sessions().any(|used| std::ptr::eq(used, s)) || selection.why_not(s).is_some();
    sessions.iter().map(|(_, s)| s).filter(|s| known(s) && !other(s)).collect()
}

fn told(name: &str, history: &history::History<'_>) -> String {
    let (metric, count) = (history.metric, history.count());
    let mut out = vec![format!("{}: {metric} over {count}  {}", text::plain(name), sparkline(&history.values()))];
    for (i, (session, value)) in history.points.iter().enumerate() {
        let here = history.moved.iter().filter(|c| c.at == i);
        out.extend(here.map(|change| format!("  -- {}", history.step(change))));
        let day = text::plain(&session.commit_date).split('T').next().unwrap_or_default().to_owned();
        let (commit, id) = (text::short(&session.commit), text::plain(&session.session));
        out.push(format!("  {commit}  {day}  {id}  {}", history.value(*value)));
    }
    out.extend(history.moves());
    if history.moved.is_empty() {
        out.push("no change point (E-divisive, permutation test, p <= 0.01)".into());
    }
    out.join("\n")
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
