//! Who wins a ranking, from its proven ranks. Not here: the ranks (`judge::ranking`).

use super::build::Entrant;
use super::note::{RankingNote, Win, WinOutcome};
use super::{MetricRanking, WorkloadRanking};
use crate::metric::{Class, Metric};

/// Of every workload; the headline.
pub fn winners(workloads: &[WorkloadRanking], entrants: &[Entrant<'_>]) -> RankingNote {
    let names: Vec<&str> = entrants.iter().map(|e| e.name.as_str()).collect();
    RankingNote::Winners { workloads: workloads.iter().map(|w| win(w, &names)).collect() }
}

fn win(w: &WorkloadRanking, names: &[&str]) -> Win {
    let unfit = names.iter().zip(&w.unfit).filter(|(_, why)| why.is_some());
    Win {
        workload: w.name.clone(),
        not_ranked: unfit.map(|(name, _)| (*name).to_owned()).collect(),
        outcome: outcome(w, names),
    }
}

/// A winner is proven better than every other in a primary metric, and proven worse than nobody in
/// any.
fn outcome(w: &WorkloadRanking, names: &[&str]) -> WinOutcome {
    let primary = |m: &&MetricRanking| {
        let method = Metric::parse(&m.metric).and_then(Metric::method);
        method.is_some_and(|row| row.class == Class::Primary)
    };
    let ranked: Vec<&MetricRanking> = w.metrics.iter().filter(primary).collect();
    let leads = |m: &MetricRanking, me: usize| {
        m.places[me].best_rank == Some(1) && m.places[me].worst_rank == Some(1)
    };
    let never_worse =
        |me: usize| ranked.iter().all(|m| m.places[me].best_rank.is_none_or(|r| r == 1));
    for metric in &ranked {
        // Alone, nobody is first.
        let others = metric.places.iter().filter(|p| p.best_rank.is_some()).count() > 1;
        let first = (0..names.len()).find(|me| others && leads(metric, *me) && never_worse(*me));
        if let Some((first, (next, ratio))) = first.and_then(|me| Some((me, lead(metric, me)?))) {
            return WinOutcome::Winner {
                entrant: names[first].to_owned(),
                metric: Metric::parse(&metric.metric).map_or_else(String::new, Metric::title),
                next: names[next].to_owned(),
                ratio,
            };
        }
    }
    let differs =
        ranked.iter().any(|m| m.places.iter().any(|p| p.best_rank.is_some_and(|r| r > 1)));
    if differs { WinOutcome::Mixed } else { WinOutcome::NothingProven }
}

/// The next best, and how much better this one is, relative to that.
fn lead(m: &MetricRanking, me: usize) -> Option<(usize, f64)> {
    let mine = m.places[me].value?;
    let gap = |other: f64| (mine / other - 1.0).abs();
    let others = (0..m.places.len()).filter(|other| *other != me);
    let known = others.filter_map(|other| {
        m.places[other].best_rank?;
        Some((other, gap(m.places[other].value?)))
    });
    known.filter(|(_, ratio)| ratio.is_finite()).min_by(|a, b| a.1.total_cmp(&b.1))
}
