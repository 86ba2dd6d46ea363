//! Columns to metrics, for one round or for several pooled. Absent is absent: a metric without enough values is not in the map.
//!
//! Not here: METHOD's oriented summaries (`summary`), whether the round is fit to judge (`validity`).

use std::collections::BTreeMap;

use super::column::Column;
use super::columns::{Columns, Context, millis};
use super::histogram::Gaps;
use super::summary::{Good, latency_is_measured};
use super::{SloMs, stats};
use crate::metric::{Metric, SPEED_STATS, STATS, SloKind, Stat, Timing};

/// Values in each metric's own unit.
pub type Values = BTreeMap<Metric, f64>;

/// A measured round, as metrics need it.
#[derive(Clone, Copy, Debug)]
pub struct RoundView<'a> {
    pub columns: &'a Columns,
    pub context: &'a Context,
    pub gaps: &'a Gaps,
}

/// Every metric that these rounds define. Latency is over completed requests after the ramp, and unmeasured where most failed; SLO
/// attainment is over all scheduled requests after the ramp, the error rate over all scheduled requests (METHOD section 2).
pub fn metrics(rounds: &[RoundView<'_>], slo: &SloMs) -> Values {
    let mut values = Values::new();
    let kept: Vec<(&Columns, usize)> =
        rounds.iter().flat_map(|r| (r.context.ramp..r.columns.len()).map(|i| (r.columns, i))).collect();
    let completed = kept.iter().filter(|(c, i)| c.ok(*i)).count();
    let streaming = rounds.iter().all(|r| r.context.streaming);
    let measured = latency_is_measured(completed, kept.len());
    if measured {
        latencies(&mut values, &kept, streaming);
    }
    distribution(&mut values, Timing::Queue, picked(&kept, |c| &c.queue_us));
    distribution(&mut values, Timing::Connect, picked(&kept, |c| &c.connect_us));
    distribution(&mut values, Timing::SendLag, picked(&kept, |c| &c.send_lag_us));
    if streaming && measured {
        chunk_gaps(&mut values, rounds);
    }
    if !slo.is_empty() {
        values.extend(good(rounds, slo).share().map(|share| (Metric::SloAttainment, share)));
        attainments(&mut values, &kept, slo);
    }
    errors(&mut values, rounds);
    rates(&mut values, rounds, slo);
    values
}

/// The distribution of TTFT over the completed requests that are wanted, of rounds with so many leading requests left out.
pub fn ttft_of(rounds: &[(&Columns, u32)], wanted: impl Fn(usize) -> bool) -> Values {
    let kept: Vec<(&Columns, usize)> =
        rounds.iter().flat_map(|(c, ramp)| (*ramp as usize..c.len()).map(move |i| (*c, i))).collect();
    let done: Vec<(&Columns, usize)> = kept.into_iter().filter(|(c, i)| c.ok(*i) && wanted(*i)).collect();
    let mut values = Values::new();
    distribution(&mut values, Timing::Ttft, picked(&done, |c| &c.ttft_us));
    values
}

/// Does request `i` meet every SLO? A request that did not complete, or lacks a number that an SLO asks for, does not.
pub fn meets(columns: &Columns, i: usize, slo: &SloMs) -> bool {
    columns.ok(i) && SloKind::ALL.into_iter().all(|kind| meets_one(columns, i, slo, kind))
}

fn meets_one(columns: &Columns, i: usize, slo: &SloMs, kind: SloKind) -> bool {
    let (limit, value) = match kind {
        SloKind::Ttft => (slo.ttft, columns.ttft_us.at(i).map(millis)),
        // One token has no TPOT: an SLO on it asks nothing. A missing count is not one token.
        SloKind::Tpot if columns.sent_tokens(i) == Some(1) => return true,
        SloKind::Tpot => (slo.tpot, tpot_ms(columns, i)),
        SloKind::E2e => (slo.e2e, columns.e2e_us.at(i).map(millis)),
    };
    limit.is_none_or(|limit| value.is_some_and(|v| v <= limit))
}

fn tpot_ms(columns: &Columns, i: usize) -> Option<f64> {
    let tokens = columns.sent_tokens(i).filter(|&n| n >= 2)?;
    let decode = columns.e2e_us.at(i)?.saturating_sub(columns.ttft_us.at(i)?);
    Some(millis(decode) / f64::from(tokens - 1))
}

fn latencies(values: &mut Values, kept: &[(&Columns, usize)], streaming: bool) {
    // An answer of no tokens may have times; it is a failure all the same.
    let done: Vec<(&Columns, usize)> = kept.iter().copied().filter(|(c, i)| c.ok(*i)).collect();
    if streaming {
        distribution(values, Timing::Ttft, picked(&done, |c| &c.ttft_us));
        distribution(values, Timing::Ttfa, picked(&done, |c| &c.ttfa_us));
        distribution(values, Timing::Tpot, done.iter().filter_map(|(c, i)| tpot_ms(c, *i)).collect());
    }
    distribution(values, Timing::E2e, picked(&done, |c| &c.e2e_us));
    token_speeds(values, &done);
}

fn picked(kept: &[(&Columns, usize)], column: impl Fn(&Columns) -> &Column<u64>) -> Vec<f64> {
    kept.iter().filter_map(|(c, i)| column(c).at(*i)).map(millis).collect()
}

fn distribution(values: &mut Values, timing: Timing, mut sample: Vec<f64>) {
    sample.sort_unstable_by(f64::total_cmp);
    values.extend(STATS.into_iter().filter_map(|stat| Some((Metric::Timing(timing, stat), statistic(&sample, stat)?))));
}

/// Of ascending values; none where they are too few.
fn statistic(sorted: &[f64], stat: Stat) -> Option<f64> {
    if sorted.len() < stat.min_n() {
        return None;
    }
    match stat {
        Stat::Geomean => stats::geomean(sorted),
        Stat::Mean => stats::mean(sorted),
        Stat::Stddev => stats::sd(sorted),
        Stat::Min => sorted.first().copied(),
        Stat::Max => sorted.last().copied(),
        _ => stat.quantile().and_then(|q| stats::percentile_of_sorted(sorted, q)),
    }
}

/// Of the requests whose tokens are known.
fn token_speeds(values: &mut Values, done: &[(&Columns, usize)]) {
    let speed = |(c, i): &(&Columns, usize)| {
        let e2e_us = c.e2e_us.at(*i).filter(|&us| us > 0)?;
        Some(f64::from(c.output_tokens.at(*i)?) * 1e6 / e2e_us as f64)
    };
    let mut sample: Vec<f64> = done.iter().filter_map(speed).collect();
    sample.sort_unstable_by(f64::total_cmp);
    values.extend(SPEED_STATS.into_iter().filter_map(|stat| Some((Metric::TokenSpeed(stat), statistic(&sample, stat)?))));
}

/// One round has the exact p99 in its context; everything else comes from the histogram (3 significant digits).
fn chunk_gaps(values: &mut Values, rounds: &[RoundView<'_>]) {
    let mut all = Gaps::default();
    for round in rounds {
        all.merge(round.gaps);
    }
    let n = usize::try_from(all.len()).unwrap_or(usize::MAX);
    for stat in STATS.into_iter().filter(|s| n >= s.min_n()) {
        let value = match stat {
            Stat::Geomean => all.geomean_ms(),
            Stat::Mean => all.mean_ms(),
            Stat::Stddev => all.stddev_ms(),
            Stat::Min => all.min_max_ms().map(|m| m.0),
            Stat::Max => all.min_max_ms().map(|m| m.1),
            Stat::P99 if rounds.len() == 1 => rounds[0].context.chunk_gap_p99_ms,
            _ => stat.quantile().and_then(|q| all.quantile_ms(q)),
        };
        if let Some(value) = value {
            values.insert(Metric::Timing(Timing::ChunkGap, stat), value);
        }
    }
}

fn errors(values: &mut Values, rounds: &[RoundView<'_>]) {
    let scheduled: usize = rounds.iter().map(|r| r.columns.len()).sum();
    if scheduled > 0 {
        let completed: usize = rounds.iter().map(|r| r.columns.completed()).sum();
        values.insert(Metric::SuccessRate, completed as f64 / scheduled as f64);
        values.insert(Metric::ErrorRate, (scheduled - completed) as f64 / scheduled as f64);
    }
}

fn attainments(values: &mut Values, kept: &[(&Columns, usize)], slo: &SloMs) {
    if kept.is_empty() {
        return;
    }
    let share = |count: usize| count as f64 / kept.len() as f64;
    for (kind, limit) in [(SloKind::Ttft, slo.ttft), (SloKind::Tpot, slo.tpot), (SloKind::E2e, slo.e2e)] {
        if limit.is_some() {
            let good = kept.iter().filter(|(c, i)| c.ok(*i) && meets_one(c, *i, slo, kind)).count();
            values.insert(Metric::SloAttainmentOf(kind), share(good));
        }
    }
}

/// Of the requests after the ramp, how many meet every SLO; and how many of the ramp completed.
fn good(rounds: &[RoundView<'_>], slo: &SloMs) -> Good {
    let mut all = Good::default();
    for RoundView { columns, context, .. } in rounds {
        all.met += (context.ramp..columns.len()).filter(|&i| meets(columns, i, slo)).count();
        all.scheduled += columns.len().saturating_sub(context.ramp);
        all.ramp += (0..context.ramp.min(columns.len())).filter(|&i| columns.ok(i)).count();
    }
    all
}

/// Over the whole of each round, ramp and drain included: what was served in the time that it took.
fn rates(values: &mut Values, rounds: &[RoundView<'_>], slo: &SloMs) {
    let seconds: f64 = rounds.iter().map(|r| r.context.duration_us as f64 / 1e6).sum();
    if seconds <= 0.0 {
        return;
    }
    let done = || rounds.iter().flat_map(|r| (0..r.columns.len()).filter(|&i| r.columns.ok(i)).map(|i| (r.columns, i)));
    values.insert(Metric::RequestRate, done().count() as f64 / seconds);
    let goodput = good(rounds, slo).per_second(seconds).filter(|_| !slo.is_empty());
    values.extend(goodput.map(|rate| (Metric::Goodput, rate)));
    // One request without a count makes the sum a guess: then there is no rate.
    let sum = |column: fn(&Columns) -> &Column<u32>| -> Option<f64> { done().map(|(c, i)| column(c).at(i).map(f64::from)).sum() };
    let (input, output) = (sum(|c| &c.input_tokens), sum(|c| &c.output_tokens));
    let any = done().next().is_some();
    for (metric, tokens) in [
        (Metric::InputTokenRate, input),
        (Metric::OutputTokenRate, output),
        (Metric::TotalTokenRate, input.zip(output).map(|(i, o)| i + o)),
    ] {
        if let Some(tokens) = tokens.filter(|_| any) {
            values.insert(metric, tokens / seconds);
        }
    }
    if rounds.iter().all(|r| r.context.open_loop) {
        arrivals(values, rounds);
    }
}

/// Gaps per second of the intended and of the actual sends, over all rounds.
fn arrivals(values: &mut Values, rounds: &[RoundView<'_>]) {
    let (mut gaps, mut planned_us, mut sent_us) = (0_usize, 0_u64, 0_u64);
    for round in rounds {
        let c = round.columns;
        let starts: Vec<u64> = c.start_us.iter().flatten().collect();
        let sends: Vec<u64> = (0..c.len()).filter_map(|i| Some(c.start_us.at(i)? + c.send_lag_us.at(i)?)).collect();
        // An unsent request has no send to compare with: the shares tell of it.
        if starts.len() < 2 || sends.len() != starts.len() {
            return;
        }
        let span = |v: &[u64]| v.iter().max().zip(v.iter().min()).map_or(0, |(max, min)| max - min);
        gaps += starts.len() - 1;
        planned_us += span(&starts);
        sent_us += span(&sends);
    }
    if planned_us > 0 && sent_us > 0 {
        values.insert(Metric::OfferedRate, gaps as f64 / (planned_us as f64 / 1e6));
        values.insert(Metric::AchievedRate, gaps as f64 / (sent_us as f64 / 1e6));
    }
}

#[cfg(test)]
mod tests;
