//! Rounds to the metrics that are shown, of one round or of several pooled. Absent is absent: a
//! metric without enough values is not in the map.
//!
//! Not here: METHOD's oriented summaries (`summary`), whether the round is fit to judge
//! (`validity`).

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::column::Column;
use super::columns::{Columns, Context, millis};
use super::histogram::Gaps;
use super::round::{Good, latency_is_measured, per_second, token_sum};
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

/// One request: its round and its place there. What is needed of it is made when it is: a long run
/// has millions.
#[derive(Clone, Copy)]
struct Seen<'a>(&'a RoundView<'a>, usize);

impl RoundView<'_> {
    fn row(&self, i: usize) -> Row {
        self.columns.row(i, self.context.streaming)
    }

    fn rows(&self) -> impl Iterator<Item = Row> + '_ {
        (0..self.columns.len()).map(|i| self.row(i))
    }
}

impl Seen<'_> {
    fn row(&self) -> Row {
        self.0.row(self.1)
    }
}

/// Every metric that these rounds define. Latency is over completed requests after the ramp, and
/// unmeasured where most failed; SLO attainment is over all scheduled requests after the ramp, the
/// error rate over all scheduled requests (docs/METHODOLOGY.md#metrics).
pub fn metrics(rounds: &[RoundView<'_>], slo: &SloMs) -> Values {
    let mut values = Values::new();
    let kept: Vec<Seen<'_>> = rounds
        .iter()
        .flat_map(|r| (r.context.ramp..r.columns.len()).map(move |i| Seen(r, i)))
        .collect();
    let done: Vec<Seen<'_>> = kept.iter().copied().filter(|seen| seen.row().ok).collect();
    let streaming = rounds.iter().all(|r| r.context.streaming);
    let measured = latency_is_measured(done.len(), kept.len());
    if measured {
        latencies(&mut values, &done, streaming);
    }
    distribution(&mut values, Timing::Queue, column(&kept, |c| &c.queue_us));
    distribution(&mut values, Timing::Connect, column(&kept, |c| &c.connect_us));
    distribution(&mut values, Timing::SendLag, column(&kept, |c| &c.send_lag_us));
    if streaming && measured {
        chunk_gaps(&mut values, rounds);
    }
    if !slo.is_empty() {
        attainments(&mut values, &kept, slo);
        let good =
            rounds.iter().map(|r| Good::count(r.rows(), r.context.ramp, |row| row.meets(slo)));
        let good = good.fold(Good::default(), Good::plus);
        values.extend(good.share().map(|share| (Metric::SloAttainment, share)));
        values.extend(good.per_second(seconds(rounds)).map(|rate| (Metric::Goodput, rate)));
    }
    errors(&mut values, rounds);
    rates(&mut values, rounds);
    values
}

fn seconds(rounds: &[RoundView<'_>]) -> f64 {
    rounds.iter().map(|r| r.context.seconds()).sum()
}

/// The distribution of TTFT over the completed requests that are wanted, of rounds with so many
/// leading requests left out.
pub fn ttft_values(rounds: &[(&Columns, u32)], wanted: impl Fn(usize) -> bool) -> Values {
    let all = rounds
        .iter()
        .flat_map(|(c, ramp)| (*ramp as usize..c.len()).map(move |i| (c.row(i, true), i)));
    let sample =
        all.filter(|(row, i)| row.ok && wanted(*i)).filter_map(|(row, _)| row.ttft_ms).collect();
    let mut values = Values::new();
    distribution(&mut values, Timing::Ttft, sample);
    values
}

fn latencies(values: &mut Values, done: &[Seen<'_>], streaming: bool) {
    for timing in [Timing::Ttft, Timing::Tpot, Timing::E2e] {
        distribution(
            values,
            timing,
            done.iter().filter_map(|seen| seen.row().timing_ms(timing)).collect(),
        );
    }
    if streaming {
        distribution(values, Timing::Ttfa, column(done, |c| &c.ttfa_us));
    }
    token_speeds(values, done);
}

fn column(kept: &[Seen<'_>], column: impl Fn(&Columns) -> &Column<u64>) -> Vec<f64> {
    kept.iter().filter_map(|seen| column(seen.0.columns).at(seen.1)).map(millis).collect()
}

fn distribution(values: &mut Values, timing: Timing, mut sample: Vec<f64>) {
    sample.sort_unstable_by(f64::total_cmp);
    values.extend(
        STATS
            .into_iter()
            .filter_map(|stat| Some((Metric::Timing(timing, stat), statistic(&sample, stat)?))),
    );
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
    let speed = |Seen(round, i): &Seen<'_>| {
        let e2e_us = round.columns.e2e_us.at(*i).filter(|&us| us > 0)?;
        Some(f64::from(round.columns.output_tokens.at(*i)?) * 1e6 / e2e_us as f64)
    };
    let mut sample: Vec<f64> = done.iter().filter_map(speed).collect();
    sample.sort_unstable_by(f64::total_cmp);
    values.extend(
        SPEED_STATS
            .into_iter()
            .filter_map(|stat| Some((Metric::TokenSpeed(stat), statistic(&sample, stat)?))),
    );
}

/// One round has the exact p99 in its context; everything else comes from the histogram (3
/// significant digits).
fn chunk_gaps(values: &mut Values, rounds: &[RoundView<'_>]) {
    let all = match rounds {
        [only] => Cow::Borrowed(only.gaps),
        _ => Cow::Owned(rounds.iter().fold(Gaps::default(), |mut all, round| {
            all.merge(round.gaps);
            all
        })),
    };
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

fn attainments(values: &mut Values, kept: &[Seen<'_>], slo: &SloMs) {
    if kept.is_empty() {
        return;
    }
    for kind in SloKind::ALL.into_iter().filter(|kind| slo.limit(*kind).is_some()) {
        let good = kept.iter().filter(|seen| seen.row().meets_kind(slo, kind)).count();
        values.insert(Metric::SloAttainmentOf(kind), good as f64 / kept.len() as f64);
    }
}

/// Over the whole of each round, ramp and drain included: what was served in the time that it took.
fn rates(values: &mut Values, rounds: &[RoundView<'_>]) {
    let seconds = seconds(rounds);
    let done = || {
        rounds
            .iter()
            .flat_map(|r| (0..r.columns.len()).filter(|&i| r.columns.ok(i)).map(|i| (r.columns, i)))
    };
    let input = token_sum(done().map(|(c, i)| c.input_tokens.at(i)));
    let output = token_sum(done().map(|(c, i)| c.output_tokens.at(i)));
    for (metric, amount) in [
        (Metric::RequestRate, Some(done().count() as f64)),
        (Metric::InputTokenRate, input),
        (Metric::OutputTokenRate, output),
        (Metric::TotalTokenRate, input.zip(output).map(|(i, o)| i + o)),
    ] {
        values.extend(amount.and_then(|amount| Some((metric, per_second(amount, seconds)?))));
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
        let sends: Vec<u64> =
            (0..c.len()).filter_map(|i| Some(c.start_us.at(i)? + c.send_lag_us.at(i)?)).collect();
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
