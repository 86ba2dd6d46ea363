//! A round reduced to its twelve oriented values, a start to one value per metric, and the way back
//! to display units.
//!
//! Oriented: natural logs of times (ms), minus logs of rates (per second), minus good shares, error
//! shares; a positive difference is always worse. Absent where it can not be measured, never 0. Not
//! here: comparison (`judge`).

use std::collections::BTreeMap;

use crate::measure::stats::{SHORTEST_MS, mean, mean_log, median, percentile};
use crate::measure::{Good, Round, SloMs, mean_length, output_token_rate};
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

/// One server start: the values that evidence is made of, oriented, and the counts behind the error
/// rate.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StartSummary {
    /// Oriented; only metrics that could be measured.
    pub values: BTreeMap<Metric, f64>,
    /// Requests scheduled.
    pub n: u64,
    /// Of those, failed.
    pub bad: u64,
    /// Its rounds, as far as they are known one by one: only those can be compared seed by seed.
    pub rounds: Vec<RoundSummary>,
}

/// One round: what is left of it for judging.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RoundSummary {
    /// Rounds with the same seed had the same plan.
    pub seed: u64,
    /// Oriented; only metrics that could be measured.
    pub values: BTreeMap<Metric, f64>,
    /// Requests scheduled, and failed.
    pub n: u64,
    pub bad: u64,
    /// Log of the mean output length, where arrivals are fixed and every count is known: the output
    /// token rate follows it (docs/METHODOLOGY.md#measurement, lengths are no speed).
    pub log_length: Option<f64>,
}

impl Shape {
    pub fn defines(self, metric: Metric) -> bool {
        match metric {
            Metric::Timing(Timing::Ttft | Timing::Ttfa, _) => self.streaming,
            Metric::Timing(Timing::Tpot | Timing::ChunkGap, _) => {
                self.streaming && self.output_tokens >= 2
            }
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

impl RoundSummary {
    pub fn new(round: &Round, slo: &SloMs) -> Self {
        let (n, bad) = round.counts();
        let length = mean_length(&[round]).filter(|_| round.open_loop);
        let log_length = length.map(f64::ln).filter(|log| log.is_finite());
        Self { seed: round.seed, values: oriented(round, slo), n, bad, log_length }
    }
}

impl StartSummary {
    /// Median over the rounds of one start; mean for SLO attainment and error rate.
    pub fn over<'a>(rounds: impl IntoIterator<Item = &'a Round>, slo: &SloMs) -> Self {
        Self::from_rounds(rounds.into_iter().map(|round| RoundSummary::new(round, slo)).collect())
    }

    /// Without this metric, as if no round had it.
    pub fn forget(&mut self, metric: Metric) {
        self.values.remove(&metric);
        for round in &mut self.rounds {
            round.values.remove(&metric);
        }
    }

    pub fn from_rounds(rounds: Vec<RoundSummary>) -> Self {
        let mut values: BTreeMap<Metric, Vec<f64>> = BTreeMap::new();
        for (metric, value) in rounds.iter().flat_map(|round| &round.values) {
            values.entry(*metric).or_default().push(*value);
        }
        let values = values.into_iter().filter_map(|(m, v)| Some((m, over_rounds(m, &v)?)));
        Self {
            values: values.collect(),
            n: rounds.iter().map(|round| round.n).sum(),
            bad: rounds.iter().map(|round| round.bad).sum(),
            rounds,
        }
    }
}

/// One summary per server start, by start index.
pub fn summaries(rounds: &[Round], slo: &SloMs) -> BTreeMap<u32, StartSummary> {
    let mut by_start: BTreeMap<u32, Vec<&Round>> = BTreeMap::new();
    for round in rounds {
        by_start.entry(round.start).or_default().push(round);
    }
    by_start.into_iter().map(|(start, rounds)| (start, StartSummary::over(rounds, slo))).collect()
}

/// The twelve values of a round (docs/METHODOLOGY.md#metrics), as far as they can be measured.
pub fn oriented(round: &Round, slo: &SloMs) -> BTreeMap<Metric, f64> {
    let timings = [Timing::Ttft, Timing::Tpot, Timing::E2e].map(|t| (t, round.times(t)));
    METHOD
        .into_iter()
        .filter_map(|metric| {
            let value = match metric {
                Metric::Timing(Timing::ChunkGap, _) => round.chunk_gap_p99().map(log_time),
                Metric::Timing(timing, stat) => {
                    let (_, times) = timings.iter().find(|(t, _)| *t == timing)?;
                    log_stat(times, stat)
                }
                Metric::OutputTokenRate => {
                    output_token_rate(&[round]).and_then(|r| to_oriented(metric, r))
                }
                Metric::SloAttainment => attainment(round, slo).map(|share| -share),
                Metric::ErrorRate => error_rate(round),
                _ => None,
            };
            Some((metric, value.filter(|v| v.is_finite())?))
        })
        .collect()
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

/// An oriented difference as people say it: relative (0.05 = 5 % higher) for times and rates, in
/// shares for shares; in the metric's natural direction.
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
    Good::over([round], |row| row.meets(slo)).share().filter(|_| !slo.is_empty())
}

fn error_rate(round: &Round) -> Option<f64> {
    let (n, bad) = round.counts();
    (n > 0).then(|| bad as f64 / n as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Row;

    const TTFT: Metric = Metric::Timing(Timing::Ttft, Stat::Geomean);

    fn row(ttft: f64, e2e: f64, tokens: u32) -> Row {
        Row {
            ttft_ms: Some(ttft),
            e2e_ms: Some(e2e),
            output_tokens: Some(tokens),
            ok: true,
            ..Row::default()
        }
    }

    fn round(rows: Vec<Row>) -> Round {
        Round {
            seconds: 2.0,
            chunk_gap_p99_ms: Some(20.0),
            open_loop: true,
            rows,
            ..Round::default()
        }
    }

    #[test]
    fn a_round_has_the_methods_values_and_display_units_come_back() {
        let values = oriented(
            &round(vec![row(10.0, 110.0, 11); 20]),
            &SloMs { ttft: Some(10.0), ..SloMs::default() },
        );
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
        let slo = SloMs { e2e: Some(1e9), ..SloMs::default() };
        let good = row(10.0, 110.0, 11);
        let values = oriented(&round(vec![good, good, good, failed, failed, failed]), &slo);
        assert_eq!(values.get(&Metric::ErrorRate), Some(&0.5));
        assert_eq!(values.get(&Metric::SloAttainment), Some(&-0.5));
        assert!((values[&TTFT] - 10f64.ln()).abs() < 1e-12);
        let most = oriented(&round(vec![good, failed, failed, failed]), &slo);
        assert!(!most.contains_key(&TTFT), "the latency of the lucky ones is none");
    }

    #[test]
    fn a_dead_round_has_an_error_rate_and_no_latency() {
        let values = oriented(
            &round(vec![Row::default(); 30]),
            &SloMs { ttft: Some(10.0), ..SloMs::default() },
        );
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
        assert_eq!(output_token_rate(&[round(vec![row(10.0, 110.0, 11), uncounted])]), None);
    }

    #[test]
    fn hidden_tokens_make_no_token_faster() {
        use crate::timeline::Hidden;
        let tpot = Metric::Timing(Timing::Tpot, Stat::Geomean);
        let slo = SloMs { tpot: Some(10.0), ..SloMs::default() };
        let judged = |hidden| {
            let rows = vec![Row { hidden, output_tokens: Some(71), ..row(10.0, 210.0, 0) }; 20];
            let values = oriented(&round(rows), &slo);
            let shown = values.get(&tpot).map(|&v| to_display(tpot, v).round());
            (shown, values[&Metric::SloAttainment], values.contains_key(&Metric::OutputTokenRate))
        };
        assert_eq!(judged(Hidden::Nothing), (Some(3.0), -1.0, true));
        assert_eq!(
            judged(Hidden::Tokens(60)),
            (Some(20.0), 0.0, true),
            "ten gaps between eleven tokens"
        );
        assert_eq!(judged(Hidden::Unknown), (None, 0.0, true));
        assert_eq!(
            judged(Hidden::Tokens(70)),
            (None, -1.0, true),
            "one token has no TPOT to be slow with"
        );
    }

    #[test]
    fn shapes_define_what_they_can() {
        let whole = Shape { streaming: false, output_tokens: 64, has_slo: false }.defined();
        assert!(
            whole.contains(&Metric::OutputTokenRate)
                && !whole.contains(&TTFT)
                && !whole.contains(&Metric::SloAttainment)
        );
        let single = Shape { streaming: true, output_tokens: 1, has_slo: true }.defined();
        assert!(single.contains(&TTFT) && !single.contains(&Metric::OutputTokenRate));
    }

    #[test]
    fn a_start_is_the_median_round_and_the_mean_share() {
        let rounds = [10.0, 20.0, 90.0].map(|t| round(vec![row(t, 200.0, 11); 20]));
        let start = StartSummary::over(&rounds, &SloMs { ttft: Some(15.0), ..SloMs::default() });
        assert!((start.values[&TTFT] - 20f64.ln()).abs() < 1e-12);
        assert!((start.values[&Metric::SloAttainment] + 1.0 / 3.0).abs() < 1e-12);
        assert_eq!((start.n, start.bad), (60, 0));
    }
}
