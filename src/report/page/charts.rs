//! What the page draws by its script, from a record and its report: distributions, requests over
//! time, seconds. Values in the units of their names.
//!
//! Bounded in size whatever was measured: what is left out is counted. Not here: drawing
//! (`page.js`), tables (the report has them).

use serde::Serialize;

use super::lanes::{Lanes, lanes};
use crate::measure::columns::Columns;
use crate::measure::histogram::Gaps;
use crate::metric::Timing;
use crate::record::{Record, RecordError, RoundRecord, WorkloadRecord, timings};
use crate::report::{Report, WorkloadReport};

/// All charts of one workload.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Charts {
    pub workload: String,
    /// Leads the ids of its requests.
    pub session: String,
    pub cdfs: Vec<Cdf>,
    pub requests: Requests,
    pub seconds: Seconds,
    /// Rounds one after the other, in the order of their measurement.
    pub rounds: Vec<Span>,
    pub lanes: Lanes,
}

/// Share of values at most `ms`, on one axis for both sides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cdf {
    pub timing: &'static str,
    /// What people call it.
    #[serde(skip)]
    pub title: &'static str,
    pub ms: Vec<f64>,
    pub baseline: Option<Vec<f64>>,
    pub candidate: Vec<f64>,
}

/// Requests by the time of their start.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Requests {
    /// Seconds since the first round began, without the time between rounds.
    pub at_s: Vec<f64>,
    pub ttft_ms: Vec<Option<f64>>,
    pub e2e_ms: Vec<Option<f64>>,
    pub failed: Vec<bool>,
    /// Which it is: index into `rounds`, and its number in that round, from 0.
    pub round: Vec<usize>,
    pub index: Vec<usize>,
    pub outcome: Vec<&'static str>,
    pub input_tokens: Vec<Option<u32>>,
    pub output_tokens: Vec<Option<u32>>,
    pub events: Vec<u32>,
    pub max_gap_ms: Vec<Option<f64>>,
    /// How many there were; those shown keep the smallest and the largest of every stretch of time,
    /// and every failure as long as there is room.
    pub of: usize,
}

/// Counts per second, of all rounds one after the other.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Seconds {
    pub at_s: Vec<f64>,
    pub in_flight: Vec<u32>,
    pub completed: Vec<u32>,
    pub failed: Vec<u32>,
    pub output_events: Vec<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Span {
    /// 1-based.
    pub start: u32,
    pub round: u32,
    pub from_s: f64,
    /// Until then requests are left out of latencies: the load was still building up.
    pub ramp_until_s: f64,
    pub to_s: f64,
}

/// Points along a distribution's axis.
const GRID: usize = 240;
/// Stretches of time of which the extremes are kept: four points each.
const STRETCHES: usize = 900;
/// Failures that are drawn one by one.
const MOST_FAILURES: usize = 1000;
/// Seconds beyond which neighbours are drawn together.
pub(super) const MOST_SECONDS: usize = 2000;

/// Of every workload. Errors: a histogram from outside cannot be read.
pub fn charts(record: &Record, report: &Report) -> Result<Vec<Charts>, RecordError> {
    let told = |w: &WorkloadRecord| report.workloads.iter().find(|told| told.name == w.name);
    let drawn = |w| Ok(Charts { session: record.session.clone(), ..of_workload(w, told(w))? });
    record.workloads.iter().map(drawn).collect()
}

/// `report`: what it was compared with.
pub fn of_workload(
    workload: &WorkloadRecord,
    report: Option<&WorkloadReport>,
) -> Result<Charts, RecordError> {
    let mut rounds: Vec<(u32, &RoundRecord)> = workload.rounds().collect();
    rounds.sort_by_key(|(_, round)| round.order);
    let spans = spans(&rounds);
    Ok(Charts {
        workload: workload.name.clone(),
        session: String::new(),
        cdfs: cdfs(workload, report)?,
        requests: requests(&rounds, &spans),
        seconds: seconds(&rounds, &spans),
        lanes: lanes(&rounds, &spans),
        rounds: spans,
    })
}

impl Charts {
    /// Some distribution is this change's alone.
    pub fn lacks_a_baseline(&self) -> bool {
        self.cdfs.iter().any(|c| c.baseline.is_none())
    }
}

fn spans(rounds: &[(u32, &RoundRecord)]) -> Vec<Span> {
    let mut from_s = 0.0;
    rounds
        .iter()
        .map(|(start, round)| {
            let (began, length) = (from_s, round.duration_us as f64 / 1e6);
            from_s += length;
            let ramped = round.columns.start_us.iter().take(round.ramp as usize).flatten().max();
            Span {
                start: start + 1,
                round: round.index + 1,
                from_s: began,
                ramp_until_s: began + ramped.map_or(0.0, |us| us as f64 / 1e6),
                to_s: from_s,
            }
        })
        .collect()
}

fn cdfs(
    workload: &WorkloadRecord,
    report: Option<&WorkloadReport>,
) -> Result<Vec<Cdf>, RecordError> {
    let candidate = timings(workload)?;
    let stored = |name: &str| report.and_then(|r| r.baseline_timings_hdr.get(name));
    let mut all = Vec::new();
    for timing in [Timing::Ttft, Timing::Tpot, Timing::E2e, Timing::ChunkGap] {
        let name = timing.name();
        let Some(mine) = candidate.get(name) else { continue };
        let baseline = stored(name).map(|text| Gaps::decode(text)).transpose();
        all.extend(cdf(timing, mine, baseline.map_err(RecordError::Shape)?.as_ref()));
    }
    Ok(all)
}

fn cdf(timing: Timing, candidate: &Gaps, baseline: Option<&Gaps>) -> Option<Cdf> {
    let ends = [Some(candidate), baseline].into_iter().flatten().filter_map(Gaps::min_max_ms);
    let (low, high) = ends.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
    // Even steps on a log axis, from just below the least to the greatest.
    let (low, high) = ((low * 0.98).max(0.001).ln(), high.max(0.002).ln());
    let ms: Vec<f64> =
        (0..=GRID).map(|i| (low + (high - low) * i as f64 / GRID as f64).exp()).collect();
    let shares =
        |values: &Gaps| ms.iter().map(|x| thousandths(values.share_up_to_ms(*x))).collect();
    Some(Cdf {
        timing: timing.name(),
        title: timing.title(),
        baseline: baseline.filter(|b| b.len() > 0).map(shares),
        candidate: shares(candidate),
        ms: ms.iter().map(|x| thousandths(*x)).collect(),
    })
}

fn requests(rounds: &[(u32, &RoundRecord)], spans: &[Span]) -> Requests {
    let of: usize = rounds.iter().map(|(_, r)| r.columns.len()).sum();
    let per_stretch = (of / STRETCHES).max(1);
    let mut shown = Requests { of, ..Requests::default() };
    let mut failures = 0;
    for (n, ((_, round), span)) in rounds.iter().zip(spans).enumerate() {
        let columns = &round.columns;
        let mut order: Vec<usize> =
            (0..columns.len()).filter(|i| columns.start_us.at(*i).is_some()).collect();
        order.sort_by_key(|i| columns.start_us.at(*i));
        for stretch in order.chunks(per_stretch) {
            for i in kept(columns, stretch, &mut failures) {
                shown.push(columns, i, (n, span.from_s));
            }
        }
    }
    shown
}

/// First of a stretch, its extremes, and its failures while there is room for them; in order of
/// time.
fn kept(columns: &Columns, stretch: &[usize], failures: &mut usize) -> Vec<usize> {
    let good = || stretch.iter().copied().filter(|i| columns.ok(*i));
    let mut keep: Vec<usize> = [
        good().next(),
        good().min_by_key(|i| columns.ttft_us.at(*i)),
        good().max_by_key(|i| columns.ttft_us.at(*i)),
        good().max_by_key(|i| columns.e2e_us.at(*i)),
    ]
    .into_iter()
    .flatten()
    .collect();
    let bad: Vec<usize> = stretch.iter().copied().filter(|i| !columns.ok(*i)).collect();
    let room = MOST_FAILURES.saturating_sub(*failures);
    *failures += bad.len().min(room);
    keep.extend(bad.into_iter().take(room));
    keep.sort_by_key(|i| (columns.start_us.at(*i), *i));
    keep.dedup();
    keep
}

impl Requests {
    /// `round`: its index, and when it began.
    fn push(&mut self, columns: &Columns, i: usize, (round, from_s): (usize, f64)) {
        let ok = columns.ok(i);
        let ms = |us: Option<u64>| us.filter(|_| ok).map(|us| us as f64 / 1000.0);
        self.at_s.push(thousandths(from_s + columns.start_us.at(i).unwrap_or(0) as f64 / 1e6));
        self.ttft_ms.push(ms(columns.ttft_us.at(i)));
        self.e2e_ms.push(ms(columns.e2e_us.at(i)));
        self.failed.push(!ok);
        self.round.push(round);
        self.index.push(i);
        self.outcome.push(columns.outcome[i].name());
        self.input_tokens.push(columns.input_tokens.at(i));
        self.output_tokens.push(columns.output_tokens.at(i));
        self.events.push(columns.events.get(i).copied().unwrap_or(0));
        self.max_gap_ms.push(ms(columns.max_gap_us.at(i)));
    }
}

fn seconds(rounds: &[(u32, &RoundRecord)], spans: &[Span]) -> Seconds {
    let mut all = Seconds::default();
    for ((_, round), span) in rounds.iter().zip(spans) {
        let series = &round.series;
        // The last second of a round is a part of one: its counts would look like a drop.
        let whole = usize::try_from(round.duration_us / 1_000_000).unwrap_or(usize::MAX);
        for second in 0..series.in_flight.len().min(whole.max(1)) {
            let at = |values: &Vec<u32>| values.get(second).copied().unwrap_or(0);
            all.at_s.push(thousandths(span.from_s + second as f64));
            all.in_flight.push(at(&series.in_flight));
            all.completed.push(at(&series.completed));
            all.failed.push(at(&series.failed));
            all.output_events.push(at(&series.output_events));
        }
    }
    let every = all.at_s.len().div_ceil(MOST_SECONDS);
    all.thinned(every)
}

impl Seconds {
    /// Of every so many neighbours the greatest.
    fn thinned(self, every: usize) -> Self {
        if every <= 1 {
            return self;
        }
        let greatest =
            |values: &[u32]| values.chunks(every).filter_map(|c| c.iter().max().copied()).collect();
        Self {
            at_s: self.at_s.iter().step_by(every).copied().collect(),
            in_flight: greatest(&self.in_flight),
            completed: greatest(&self.completed),
            failed: greatest(&self.failed),
            output_events: greatest(&self.output_events),
        }
    }
}

/// Three decimals: microseconds, where it is milliseconds, and a tenth of a percent of a share.
pub(super) fn thousandths(x: f64) -> f64 {
    (x * 1000.0).round() / 1000.0
}
