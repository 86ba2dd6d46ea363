//! METHOD section 2: a round reduced to its twelve oriented values, a start to one value per metric, and the way back to display units.
//!
//! Oriented: natural logs of times (ms), minus logs of rates (per second), minus good shares, error shares; a positive difference
//! is always worse. Absent where it can not be measured, never 0. Not here: comparison (`judge`).

use std::collections::BTreeMap;

use crate::measure::stats::{SHORTEST_MS, mean, mean_log, median, percentile};
use crate::measure::{Round, Row, SloMs};
use crate::metric::{METHOD, Metric, Orientation, Scale, Stat, Timing, Unit};

/// What a workload defines: an undefined metric is not a missing one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub streaming: bool,
    /// Output tokens per request; from two on there is a TPOT.
    pub output_tokens: u32,
    /// Some SLO is set, so that attainment means something.
    pub has_slo: bool,
}

/// One server start: the values that evidence is made of, oriented, and the counts behind the error rate.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StartSummary {
    /// Oriented; only metrics that could be measured.
    pub values: BTreeMap<Metric, f64>,
    /// Requests scheduled.
    pub n: u64,
    /// Of those, failed.
    pub bad: u64,
}

/// Counts behind SLO attainment and goodput, of one round or of several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Good {
    /// Requests after the ramp that meet every SLO.
    pub met: usize,
    /// Requests scheduled after the ramp.
    pub scheduled: usize,
    /// Requests of the ramp that completed.
    pub ramp: usize,
}

/// Multipliers of a request's latencies, for "what if all were slower by".
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factors {
    pub ttft: f64,
    pub tpot: f64,
    pub e2e: f64,
}

impl Shape {
    pub fn defines(self, metric: Metric) -> bool {
        match metric {
            Metric::Timing(Timing::Ttft | Timing::Ttfa, _) => self.streaming,
            Metric::Timing(Timing::Tpot | Timing::ChunkGap, _) => self.streaming && self.output_tokens >= 2,
            Metric::OutputTokenRate => self.output_tokens >= 2,
            Metric::SloAttainment | Metric::Goodput => self.has_slo,
            _ => true,
        }
    }

    /// METHOD's metrics that this workload defines, in its order.
    pub fn defined(self) -> Vec<Metric> {
        METHOD.into_iter().filter(|&m| self.defines(m)).collect()
    }
}

impl Factors {
    pub const ONE: Self = Self { ttft: 1.0, tpot: 1.0, e2e: 1.0 };
}

impl Good {
    pub fn of<'a>(rounds: impl IntoIterator<Item = &'a Round>, meets: impl Fn(&Row) -> bool, streaming: bool) -> Self {
        let mut all = Self::default();
        for round in rounds {
            let (ramp, rest) = round.rows.split_at(round.ramp.min(round.rows.len()));
            all.met += rest.iter().filter(|r| meets(r)).count();
            all.scheduled += rest.len();
            all.ramp += ramp.iter().filter(|r| completed(r, streaming)).count();
        }
        all
    }

    /// SLO attainment, 0 to 1; none where nothing was scheduled after the ramp.
    pub fn share(self) -> Option<f64> {
        (self.scheduled > 0).then(|| self.met as f64 / self.scheduled as f64)
    }

    /// Goodput, requests per second of whole rounds. The ramp tells nothing of SLOs and takes its time: of it as many requests count as of the
    /// others, as far as they completed. So this is the request rate where every request meets the SLOs, and never more.
    pub fn per_second(self, seconds: f64) -> Option<f64> {
        // Multiplied first: exact, so that it is never above the request rate by a rounding.
        let good = || self.met as f64 * (self.scheduled + self.ramp) as f64 / self.scheduled as f64;
        (self.scheduled > 0 && seconds > 0.0).then(|| good() / seconds)
    }
}

impl StartSummary {
    /// Median over the rounds of one start; mean for SLO attainment and error rate.
    pub fn of<'a>(rounds: impl IntoIterator<Item = &'a Round>, slo: &SloMs) -> Self {
        let mut summary = Self::default();
        let mut values: BTreeMap<Metric, Vec<f64>> = BTreeMap::new();
        for round in rounds {
            let (n, bad) = counts(round);
            summary.n += n;
            summary.bad += bad;
            for (metric, value) in oriented(round, slo) {
                values.entry(metric).or_default().push(value);
            }
        }
        summary.values = values.into_iter().filter_map(|(m, v)| Some((m, over_rounds(m, &v)?))).collect();
        summary
    }
}

/// One summary per server start, by start index.
pub fn summaries(rounds: &[Round], slo: &SloMs) -> BTreeMap<u32, StartSummary> {
    let mut by_start: BTreeMap<u32, Vec<&Round>> = BTreeMap::new();
    for round in rounds {
        by_start.entry(round.start).or_default().push(round);
    }
    by_start.into_iter().map(|(start, rounds)| (start, StartSummary::of(rounds, slo))).collect()
}

/// METHOD section 2's twelve values of a round, as far as they can be measured.
pub fn oriented(round: &Round, slo: &SloMs) -> BTreeMap<Metric, f64> {
    let timings = [Timing::Ttft, Timing::Tpot, Timing::E2e].map(|t| (t, times(round, t)));
    METHOD
        .into_iter()
        .filter_map(|metric| {
            let value = match metric {
                Metric::Timing(Timing::ChunkGap, _) => chunk_gap_p99(round).map(log_time),
                Metric::Timing(timing, stat) => {
                    let (_, times) = timings.iter().find(|(t, _)| *t == timing)?;
                    log_stat(times, stat)
                }
                Metric::OutputTokenRate => output_token_rate([round]).and_then(|r| to_oriented(metric, r)),
                Metric::SloAttainment => attainment(round, slo).map(|share| -share),
                Metric::ErrorRate => error_rate(round),
                _ => None,
            };
            Some((metric, value.filter(|v| v.is_finite())?))
        })
        .collect()
}

/// Whether a request counts as completed. An answer without any token is a failure whatever its status; in a round that streams,
/// so is one without a first token.
pub fn completed(row: &Row, streaming: bool) -> bool {
    let timed = row.e2e_ms.is_some_and(f64::is_finite) && (!streaming || row.ttft_ms.is_some_and(f64::is_finite));
    row.ok && timed && row.output_tokens != Some(0)
}

/// Whether any request of the round reported a first token.
pub fn streams(round: &Round) -> bool {
    round.rows.iter().any(|r| r.ttft_ms.is_some())
}

/// Requests scheduled, and failed.
pub fn counts(round: &Round) -> (u64, u64) {
    let streaming = streams(round);
    let bad = round.rows.iter().filter(|r| !completed(r, streaming)).count();
    (round.rows.len() as u64, bad as u64)
}

/// Whether latency tells anything where so many of the scheduled requests completed: what only the lucky ones waited is no latency of the
/// server. The one rule, for judging and for showing.
pub const fn latency_is_measured(completed: usize, scheduled: usize) -> bool {
    completed > 0 && completed * 2 >= scheduled
}

/// Output tokens per completed request; none where one has no count.
pub fn mean_length(rounds: &[&Round]) -> Option<f64> {
    let done = rounds.iter().flat_map(|round| {
        let streaming = streams(round);
        round.rows.iter().filter(move |row| completed(row, streaming))
    });
    let counts: Option<Vec<f64>> = done.map(|row| row.output_tokens.map(f64::from)).collect();
    mean(&counts?)
}

/// A timing of the completed requests after the ramp, milliseconds, in send order; empty where most failed.
pub fn times(round: &Round, timing: Timing) -> Vec<f64> {
    let streaming = streams(round);
    let scheduled = round.rows.len().saturating_sub(round.ramp);
    let done: Vec<&Row> = round.rows.iter().skip(round.ramp).filter(|r| completed(r, streaming)).collect();
    let done = if latency_is_measured(done.len(), scheduled) { done } else { Vec::new() };
    done.into_iter()
        .filter_map(|r| match timing {
            Timing::Ttft => r.ttft_ms,
            Timing::Tpot => r.tpot_ms(),
            Timing::E2e => r.e2e_ms,
            _ => None,
        })
        .collect()
}

/// p99 of the round's chunk gaps, milliseconds; none where most requests failed, whatever they left behind.
pub fn chunk_gap_p99(round: &Round) -> Option<f64> {
    let streaming = streams(round);
    let done = round.rows.iter().filter(|r| completed(r, streaming)).count();
    round.chunk_gap_p99_ms.filter(|v| latency_is_measured(done, round.rows.len()) && v.is_finite())
}

/// Output tokens of completed requests per second over the given rounds, ramp included. `None` where a completed request has no
/// count (a sum over the others would be too low), where nothing was produced or where no time passed.
pub fn output_token_rate<'a>(rounds: impl IntoIterator<Item = &'a Round>) -> Option<f64> {
    per_second(rounds, |round, streaming| {
        let done = round.rows.iter().filter(|r| completed(r, streaming));
        done.map(|r| r.output_tokens.map(f64::from)).sum()
    })
}

/// Completed requests per second over the given rounds; none where nothing completed.
pub fn request_rate<'a>(rounds: impl IntoIterator<Item = &'a Round>) -> Option<f64> {
    per_second(rounds, |round, streaming| Some(round.rows.iter().filter(|r| completed(r, streaming)).count() as f64))
}

/// Whether a request is completed and within every SLO.
pub fn meets(row: &Row, slo: &SloMs, streaming: bool) -> bool {
    meets_if(row, slo, streaming, Factors::ONE)
}

/// `meets` with the request's latencies multiplied. A latency that an SLO asks for and that is not known is not met; a one-token
/// answer has no TPOT to be slow with.
pub fn meets_if(row: &Row, slo: &SloMs, streaming: bool, factors: Factors) -> bool {
    let within = |value: Option<f64>, factor: f64, limit: Option<f64>| {
        limit.is_none_or(|limit| value.is_some_and(|v| v * factor <= limit))
    };
    completed(row, streaming)
        && within(row.ttft_ms, factors.ttft, slo.ttft)
        && within(row.e2e_ms, factors.e2e, slo.e2e)
        && (row.sent_tokens() == Some(1) || within(row.tpot_ms(), factors.tpot, slo.tpot))
}

/// From oriented to display units: ms, per second, share.
pub fn to_display(metric: Metric, oriented: f64) -> f64 {
    let signed = oriented * sign(metric);
    match scale(metric) {
        Scale::Log => signed.exp(),
        Scale::Absolute => signed,
    }
}

/// From display units to oriented; none where there is no log.
pub fn to_oriented(metric: Metric, display: f64) -> Option<f64> {
    let value = match (scale(metric), metric.unit()) {
        (Scale::Absolute, _) => display,
        (Scale::Log, Unit::Milliseconds) => log_time(display),
        (Scale::Log, _) => (display > 0.0).then(|| display.ln())?,
    };
    (value * sign(metric)).is_finite().then_some(value * sign(metric))
}

/// An oriented difference as people say it: relative (0.05 = 5 % higher) for times and rates, in shares for shares; in the metric's
/// natural direction.
pub fn to_change(metric: Metric, difference: f64) -> f64 {
    let signed = difference * sign(metric);
    match scale(metric) {
        Scale::Log => signed.exp_m1(),
        Scale::Absolute => signed,
    }
}

pub const fn scale(metric: Metric) -> Scale {
    match metric.unit() {
        Unit::Share => Scale::Absolute,
        _ => Scale::Log,
    }
}

pub const fn sign(metric: Metric) -> f64 {
    match metric.orientation() {
        Orientation::LowerIsBetter => 1.0,
        Orientation::HigherIsBetter => -1.0,
    }
}

pub fn over_rounds(metric: Metric, values: &[f64]) -> Option<f64> {
    match scale(metric) {
        Scale::Log => median(values),
        Scale::Absolute => mean(values),
    }
}

fn log_time(ms: f64) -> f64 {
    ms.max(SHORTEST_MS).ln()
}

fn log_stat(times: &[f64], stat: Stat) -> Option<f64> {
    if times.len() < stat.min_n() {
        return None;
    }
    match stat.quantile() {
        Some(q) => percentile(times, q).map(log_time),
        None => mean_log(times),
    }
}

/// Share of all requests after the ramp that meet every SLO; none without an SLO.
fn attainment(round: &Round, slo: &SloMs) -> Option<f64> {
    if *slo == SloMs::default() {
        return None;
    }
    let streaming = streams(round);
    Good::of([round], |r| meets(r, slo, streaming), streaming).share()
}

fn error_rate(round: &Round) -> Option<f64> {
    let (n, bad) = counts(round);
    (n > 0).then(|| bad as f64 / n as f64)
}

fn per_second<'a>(rounds: impl IntoIterator<Item = &'a Round>, amount: impl Fn(&Round, bool) -> Option<f64>) -> Option<f64> {
    let (mut total, mut ms) = (0.0, 0.0);
    for round in rounds {
        total += amount(round, streams(round))?;
        ms += round.duration_ms;
    }
    (total > 0.0 && ms > 0.0).then(|| total * 1000.0 / ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTFT: Metric = Metric::Timing(Timing::Ttft, Stat::Geomean);

    fn row(ttft: f64, e2e: f64, tokens: u32) -> Row {
        Row { ttft_ms: Some(ttft), e2e_ms: Some(e2e), output_tokens: Some(tokens), ok: true, ..Row::default() }
    }

    fn round(rows: Vec<Row>) -> Round {
        Round { duration_ms: 2000.0, chunk_gap_p99_ms: Some(20.0), open_loop: true, rows, ..Round::default() }
    }

    #[test]
    fn a_round_has_the_methods_values_and_display_units_come_back() {
        let values = oriented(&round(vec![row(10.0, 110.0, 11); 20]), &SloMs { ttft: Some(10.0), ..SloMs::default() });
        let shown = |m| values.get(&m).map(|&v| (to_display(m, v) * 1e9).round() / 1e9);
        assert_eq!(shown(TTFT), Some(10.0));
        assert_eq!(shown(Metric::Timing(Timing::Tpot, Stat::P95)), Some(10.0));
        assert_eq!(shown(Metric::OutputTokenRate), Some(110.0));
        assert_eq!(shown(Metric::SloAttainment), Some(1.0));
        assert_eq!(shown(Metric::ErrorRate), Some(0.0));
        assert_eq!(shown(Metric::Timing(Timing::Ttft, Stat::P99)), None, "20 requests have no p99");
        for (&metric, &value) in &values {
            let back = to_oriented(metric, to_display(metric, value)).expect("displayable");
            assert!((back - value).abs() < 1e-12, "{metric}");
        }
    }

    #[test]
    fn failures_leave_latency_and_count_as_errors_and_not_good() {
        let failed = Row { ok: false, ..row(1.0, 2.0, 9) };
        let silent = Row { ttft_ms: None, ..row(1.0, 2.0, 9) };
        let empty = row(1.0, 2.0, 0);
        let slo = SloMs { e2e: Some(1e9), ..SloMs::default() };
        let good = row(10.0, 110.0, 11);
        let values = oriented(&round(vec![good, good, good, failed, silent, empty]), &slo);
        assert_eq!(values.get(&Metric::ErrorRate), Some(&0.5));
        assert_eq!(values.get(&Metric::SloAttainment), Some(&-0.5));
        assert!((values[&TTFT] - 10f64.ln()).abs() < 1e-12);
        let most = oriented(&round(vec![good, failed, silent, empty]), &slo);
        assert!(!most.contains_key(&TTFT), "the latency of the lucky ones is none");
    }

    #[test]
    fn a_dead_round_has_an_error_rate_and_no_latency() {
        let values = oriented(&round(vec![Row::default(); 30]), &SloMs { ttft: Some(10.0), ..SloMs::default() });
        assert_eq!(values.get(&Metric::ErrorRate), Some(&1.0));
        assert_eq!(values.get(&Metric::SloAttainment), Some(&0.0));
        assert!(!values.contains_key(&TTFT) && !values.contains_key(&Metric::OutputTokenRate));
        assert!(oriented(&Round::default(), &SloMs::default()).is_empty());
    }

    #[test]
    fn the_ramp_leaves_latency_and_goodput_but_not_errors_and_tokens() {
        let mut ramped = round(vec![Row { ok: false, ..row(1.0, 2.0, 9) }, row(10.0, 110.0, 11)]);
        ramped.ramp = 1;
        let values = oriented(&ramped, &SloMs { ttft: Some(10.0), ..SloMs::default() });
        assert_eq!(values.get(&Metric::ErrorRate), Some(&0.5));
        assert_eq!(values.get(&Metric::SloAttainment), Some(&-1.0));
    }

    #[test]
    fn an_unknown_token_count_makes_the_rate_unknown() {
        let uncounted = Row { output_tokens: None, ..row(10.0, 110.0, 11) };
        assert_eq!(output_token_rate([&round(vec![row(10.0, 110.0, 11), uncounted])]), None);
    }

    #[test]
    fn hidden_tokens_make_no_token_faster() {
        use crate::timeline::Hidden;
        let tpot = Metric::Timing(Timing::Tpot, Stat::Geomean);
        let slo = SloMs { tpot: Some(10.0), ..SloMs::default() };
        let of = |hidden| {
            let rows = vec![Row { hidden, output_tokens: Some(71), ..row(10.0, 210.0, 0) }; 20];
            let values = oriented(&round(rows), &slo);
            let shown = values.get(&tpot).map(|&v| to_display(tpot, v).round());
            (shown, values[&Metric::SloAttainment], values.contains_key(&Metric::OutputTokenRate))
        };
        assert_eq!(of(Hidden::Nothing), (Some(3.0), -1.0, true));
        assert_eq!(of(Hidden::Tokens(60)), (Some(20.0), 0.0, true), "ten gaps between eleven tokens");
        assert_eq!(of(Hidden::Unknown), (None, 0.0, true));
        assert_eq!(of(Hidden::Tokens(70)), (None, -1.0, true), "one token has no TPOT to be slow with");
    }

    #[test]
    fn shapes_define_what_they_can() {
        let whole = Shape { streaming: false, output_tokens: 64, has_slo: false }.defined();
        assert!(whole.contains(&Metric::OutputTokenRate) && !whole.contains(&TTFT) && !whole.contains(&Metric::SloAttainment));
        let single = Shape { streaming: true, output_tokens: 1, has_slo: true }.defined();
        assert!(single.contains(&TTFT) && !single.contains(&Metric::OutputTokenRate));
    }

    #[test]
    fn a_start_is_the_median_round_and_the_mean_share() {
        let rounds = [10.0, 20.0, 90.0].map(|t| round(vec![row(t, 200.0, 11); 20]));
        let start = StartSummary::of(&rounds, &SloMs { ttft: Some(15.0), ..SloMs::default() });
        assert!((start.values[&TTFT] - 20f64.ln()).abs() < 1e-12);
        assert!((start.values[&Metric::SloAttainment] + 1.0 / 3.0).abs() < 1e-12);
        assert_eq!((start.n, start.bad), (60, 0));
    }
}
