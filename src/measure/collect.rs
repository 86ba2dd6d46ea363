//! Rounds to the metrics that are shown, of one round or of several pooled. Absent is absent: a metric without enough values is not in the map.
//!
//! Not here: METHOD's oriented summaries (`summary`), whether the round is fit to judge (`validity`).

use std::collections::BTreeMap;

use super::column::Column;
use super::columns::{Columns, Context, millis};
use super::histogram::Gaps;
use super::round::{Good, Round, latency_is_measured, request_rate, token_sum};
use super::{Row, SloMs, stats};
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

/// One request with where its further columns are.
#[derive(Clone, Copy)]
struct Seen<'a> {
    row: Row,
    columns: &'a Columns,
    i: usize,
}

/// Every metric that these rounds define. Latency is over completed requests after the ramp, and unmeasured where most failed; SLO
/// attainment is over all scheduled requests after the ramp, the error rate over all scheduled requests (METHOD section 2).
pub fn metrics(views: &[RoundView<'_>], slo: &SloMs) -> Values {
    let mut values = Values::new();
    let rounds: Vec<Round> = views.iter().map(|view| view.columns.to_round(view.context)).collect();
    let kept = after_ramp(views, &rounds);
    let done: Vec<Seen<'_>> = kept.iter().copied().filter(|seen| seen.row.ok).collect();
    let streaming = views.iter().all(|view| view.context.streaming);
    let measured = latency_is_measured(done.len(), kept.len());
    if measured {
        latencies(&mut values, &done, streaming);
    }
    distribution(&mut values, Timing::Queue, column(&kept, |c| &c.queue_us));
    distribution(&mut values, Timing::Connect, column(&kept, |c| &c.connect_us));
    distribution(&mut values, Timing::SendLag, column(&kept, |c| &c.send_lag_us));
    if streaming && measured {
        chunk_gaps(&mut values, views);
    }
    if !slo.is_empty() {
        let good = Good::over(&rounds, |row| row.meets(slo));
        let seconds = rounds.iter().map(|round| round.seconds).sum();
        values.extend(good.share().map(|share| (Metric::SloAttainment, share)));
        values.extend(good.per_second(seconds).map(|rate| (Metric::Goodput, rate)));
        attainments(&mut values, &kept, slo);
    }
    errors(&mut values, &rounds);
    rates(&mut values, views, &rounds);
    values
}

fn after_ramp<'a>(views: &[RoundView<'a>], rounds: &[Round]) -> Vec<Seen<'a>> {
    let each = views.iter().zip(rounds);
    each.flat_map(|(view, round)| {
        let columns = view.columns;
        round.rows.iter().enumerate().skip(round.ramp).map(move |(i, row)| Seen { row: *row, columns, i })
    })
    .collect()
}

/// The distribution of TTFT over the completed requests that are wanted, of rounds with so many leading requests left out.
pub fn ttft_values(rounds: &[(&Columns, u32)], wanted: impl Fn(usize) -> bool) -> Values {
    let all = rounds.iter().flat_map(|(c, ramp)| (*ramp as usize..c.len()).map(move |i| (c.row(i, true), i)));
    let sample = all.filter(|(row, i)| row.ok && wanted(*i)).filter_map(|(row, _)| row.ttft_ms).collect();
    let mut values = Values::new();
    distribution(&mut values, Timing::Ttft, sample);
    values
}

fn latencies(values: &mut Values, done: &[Seen<'_>], streaming: bool) {
    for timing in [Timing::Ttft, Timing::Tpot, Timing::E2e] {
        distribution(values, timing, done.iter().filter_map(|seen| seen.row.timing_ms(timing)).collect());
    }
    if streaming {
        distribution(values, Timing::Ttfa, column(done, |c| &c.ttfa_us));
    }
    token_speeds(values, done);
}

fn column(kept: &[Seen<'_>], column: impl Fn(&Columns) -> &Column<u64>) -> Vec<f64> {
    kept.iter().filter_map(|seen| column(seen.columns).at(seen.i)).map(millis).collect()
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
fn token_speeds(values: &mut Values, done: &[Seen<'_>]) {
    let speed = |seen: &Seen<'_>| {
        let e2e_us = seen.columns.e2e_us.at(seen.i).filter(|&us| us > 0)?;
        Some(f64::from(seen.row.output_tokens?) * 1e6 / e2e_us as f64)
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

fn errors(values: &mut Values, rounds: &[Round]) {
    let (scheduled, failed) = rounds.iter().map(Round::counts).fold((0, 0), |(n, bad), (rn, rbad)| (n + rn, bad + rbad));
    if scheduled > 0 {
        values.insert(Metric::SuccessRate, (scheduled - failed) as f64 / scheduled as f64);
        values.insert(Metric::ErrorRate, failed as f64 / scheduled as f64);
    }
}

fn attainments(values: &mut Values, kept: &[Seen<'_>], slo: &SloMs) {
    if kept.is_empty() {
        return;
    }
    for kind in SloKind::ALL.into_iter().filter(|kind| slo.limit(*kind).is_some()) {
        let good = kept.iter().filter(|seen| seen.row.meets_kind(slo, kind)).count();
        values.insert(Metric::SloAttainmentOf(kind), good as f64 / kept.len() as f64);
    }
}

/// Over the whole of each round, ramp and drain included: what was served in the time that it took.
fn rates(values: &mut Values, views: &[RoundView<'_>], rounds: &[Round]) {
    let seconds: f64 = rounds.iter().map(|round| round.seconds).sum();
    let Some(served) = request_rate(rounds) else { return };
    values.insert(Metric::RequestRate, served);
    let (input, output) = (token_sum(rounds, |row| row.input_tokens), token_sum(rounds, |row| row.output_tokens));
    for (metric, tokens) in [
        (Metric::InputTokenRate, input),
        (Metric::OutputTokenRate, output),
        (Metric::TotalTokenRate, input.zip(output).map(|(i, o)| i + o)),
    ] {
        values.extend(tokens.map(|tokens| (metric, tokens / seconds)));
    }
    if views.iter().all(|view| view.context.open_loop) {
        arrivals(values, views);
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
