//! What judging, ranking and drawing see of a workload's record: rounds, values of starts, sums,
//! distributions, findings. Numbers come from the columns, never from those that were stored beside
//! them. Not here: the stored shapes (`record`).

use std::collections::BTreeMap;

use super::note::{Found, Note, Place};
use super::{RecordError, RoundRecord, StartRecord, WorkloadRecord, gpu, idle};
use crate::evidence::server;
use crate::measure::Round;
use crate::measure::collect::{self, RoundView, Values};
use crate::measure::column::Column;
use crate::measure::columns::Columns;
use crate::measure::histogram::Gaps;
use crate::measure::seen::Seen;
use crate::measure::stats;
use crate::measure::summary::{Shape, over_rounds, to_oriented};
use crate::measure::validity::{Finding, PASSING, Severity, mean_tokens};
use crate::metric::{Metric, Timing};

pub const CHUNK_GAP: &str = "chunk_gap";
pub const TIMINGS: [&str; 3] = ["ttft", "tpot", "e2e"];

/// Distributions over the completed requests of all whole rounds, for drawing: `ttft`, `tpot`,
/// `e2e` and `chunk_gap`, where there are any.
pub fn timings(workload: &WorkloadRecord) -> Result<BTreeMap<&'static str, Gaps>, RecordError> {
    let mut all: BTreeMap<&'static str, Gaps> = BTreeMap::new();
    for (_, round) in workload.rounds() {
        all.entry(CHUNK_GAP)
            .or_default()
            .merge(&Gaps::decode(&round.chunk_gaps_hdr).map_err(RecordError::Shape)?);
    }
    for round in workload.method_rounds() {
        for (name, timing) in TIMINGS.into_iter().zip([Timing::Ttft, Timing::Tpot, Timing::E2e]) {
            for ms in round.times(timing) {
                all.entry(name).or_default().record_ms(ms);
            }
        }
    }
    all.retain(|_, values| values.len() > 0);
    Ok(all)
}

impl WorkloadRecord {
    /// METHOD's metrics that it defines.
    pub fn shape(&self) -> Shape {
        let slo = self.slo;
        Shape {
            streaming: self.load.streaming,
            output_tokens: self.load.output_tokens,
            has_slo: slo.ttft_ms.or(slo.tpot_ms).or(slo.e2e_ms).is_some(),
        }
    }

    /// How long it took: all starts, their warm-ups and their rounds.
    pub fn minutes(&self) -> f64 {
        let starts = || self.starts.iter().chain(&self.check_starts);
        let setup: u64 = starts().filter_map(|s| s.setup_ms).sum();
        let rounds: u64 = starts().flat_map(|s| &s.rounds).map(|r| r.duration_us).sum();
        (setup as f64 / 1e3 + rounds as f64 / 1e6) / 60.0
    }

    /// The whole rounds, each with the index of its start.
    pub fn rounds(&self) -> impl Iterator<Item = (u32, &RoundRecord)> {
        self.starts
            .iter()
            .flat_map(|s| s.rounds.iter().map(move |r| (s.index, r)))
            .filter(|(_, r)| !r.cut_short)
    }

    /// Of each start that the gate made of a server, how long it took to be ready, milliseconds.
    pub fn ready_ms(&self) -> impl Iterator<Item = f64> {
        self.starts.iter().filter_map(|s| s.ready_ms).map(|ms| ms as f64)
    }

    /// Mean token count over the completed requests of all rounds; `None` where one of them has
    /// none. A round in which nothing completed has no say.
    pub fn mean_tokens(&self, counts: impl Fn(&Columns) -> &Column<u32>) -> Option<f64> {
        let alive = self.rounds().map(|(_, r)| &r.columns).filter(|c| c.completed() > 0);
        let means: Option<Vec<f64>> = alive.map(|c| mean_tokens(c, |i| counts(c).at(i))).collect();
        stats::mean(&means?)
    }

    /// Token counts of the completed requests of all rounds, of those that have one.
    pub fn completed_tokens(&self, counts: impl Fn(&Columns) -> &Column<u32>) -> Vec<f64> {
        let of = |c: &Columns| -> Vec<f64> {
            (0..c.len())
                .filter(|&i| c.ok(i))
                .filter_map(|i| counts(c).at(i))
                .map(f64::from)
                .collect()
        };
        self.rounds().flat_map(|(_, r)| of(&r.columns)).collect()
    }

    /// METHOD's view of all rounds.
    pub fn method_rounds(&self) -> Vec<Round> {
        self.rounds().map(|(start, r)| r.columns.to_round(&r.context(start, &self.load))).collect()
    }

    /// The whole rounds of the check starts, each with the index of its start.
    fn check_rounds(&self) -> impl Iterator<Item = (u32, &RoundRecord)> {
        let all = self.check_starts.iter().flat_map(|s| s.rounds.iter().map(|r| (s.index, r)));
        all.filter(|(_, r)| !r.cut_short)
    }

    /// METHOD's view of the check starts, in their order.
    pub fn method_checks(&self) -> Vec<Vec<Round>> {
        let rounds = |start: &StartRecord| {
            let whole = start.rounds.iter().filter(|r| !r.cut_short);
            whole.map(|r| r.columns.to_round(&r.context(start.index, &self.load))).collect()
        };
        self.check_starts.iter().map(rounds).collect()
    }

    /// Seeds of the plan's rounds, in their order.
    pub fn plan_seeds(&self) -> Vec<u64> {
        let all = self.starts.iter().flat_map(|s| &s.rounds).map(|r| (r.index, r.seed));
        let by_place: BTreeMap<u32, u64> = all.collect();
        (0..).map_while(|place| by_place.get(&place).copied()).collect()
    }

    /// Every metric's value of each start that has it in all its whole rounds, oriented, as METHOD
    /// makes it of rounds. From the columns.
    pub fn start_values(&self) -> Result<BTreeMap<Metric, Vec<f64>>, RecordError> {
        let mut all: BTreeMap<Metric, Vec<f64>> = BTreeMap::new();
        for start in &self.starts {
            let mut rounds = Vec::new();
            for round in start.rounds.iter().filter(|r| !r.cut_short) {
                let gaps = Gaps::decode(&round.chunk_gaps_hdr).map_err(RecordError::Shape)?;
                let view = RoundView {
                    columns: &round.columns,
                    context: &round.context(start.index, &self.load),
                    gaps: &gaps,
                };
                rounds.push(collect::metrics(&[view], &self.slo.into()));
            }
            for metric in Metric::all() {
                let values: Option<Vec<f64>> =
                    rounds.iter().map(|r| to_oriented(metric, *r.get(&metric)?)).collect();
                all.entry(metric).or_default().extend(values.and_then(|v| over_rounds(metric, &v)));
            }
        }
        Ok(all)
    }

    /// Metrics over all rounds together.
    pub fn pooled_values(&self) -> Result<Values, RecordError> {
        // One histogram of all instead of one for each round: an empty one takes as much memory as
        // a full one.
        let (mut all, none) = (Gaps::default(), Gaps::default());
        let mut parts = Vec::new();
        for (start, round) in self.rounds() {
            all.merge(&Gaps::decode(&round.chunk_gaps_hdr).map_err(RecordError::Shape)?);
            parts.push((round, round.context(start, &self.load)));
        }
        let each = std::iter::once(&all).chain(std::iter::repeat(&none));
        let views: Vec<RoundView<'_>> = parts
            .iter()
            .zip(each)
            .map(|((r, context), gaps)| RoundView { columns: &r.columns, context, gaps })
            .collect();
        let mut values = collect::metrics(&views, &self.slo.into());
        values.extend(gpu::values(self.rounds().map(|(_, round)| round)));
        Ok(values)
    }

    /// What the server's own metrics said, over all whole rounds.
    pub fn server_values(&self) -> server::Values {
        server::pooled(self.rounds().filter_map(|(_, r)| r.server.as_ref()).map(|s| &s.values))
    }

    /// Why the measurement is not fit to be judged.
    pub fn unfit(&self) -> Vec<Note> {
        let mut why = self.invalid();
        let dead = |r: &RoundRecord| {
            r.columns.completed() == 0 && r.findings.iter().all(|f| f.severity != Severity::Invalid)
        };
        // Found while measuring; looked at again, since a stored record may have lost its findings.
        let mut dead = self
            .rounds()
            .filter(|(_, r)| dead(r))
            .map(|(start, r)| (start + 1, r.index + 1, r.columns.len()));
        if let Some((start, round, requests)) = dead.next() {
            let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            let place = Place {
                start,
                round,
                rounds: count(1 + dead.count()),
                of: count(self.rounds().count()),
            };
            why.push(Note::Found(Found {
                place,
                seen: Seen::NoneCompleted { requests: requests as u64, empty: 0 },
            }));
        }
        if self.rounds().next().is_none() {
            why.push(Note::NoRound);
        }
        why
    }

    /// Every finding that makes the measurement unfit, with where it was seen.
    pub fn invalid(&self) -> Vec<Note> {
        let mut why = Self::findings(self.rounds(), |start, f| {
            f.severity == Severity::Invalid && !self.survived(start, f)
        });
        // A check start has no other rounds to outvote a disturbed one.
        why.extend(Self::findings(self.check_rounds(), |_, f| f.severity == Severity::Invalid));
        why.extend(self.another_model());
        why
    }

    /// Where not all answers are of one model: what was measured is neither.
    fn another_model(&self) -> Option<Note> {
        let mut names = self
            .rounds()
            .flat_map(|(start, r)| r.models.iter().map(move |name| (start, r.index, name)));
        let (_, _, first) = names.next()?;
        let (start, round, other) = names.find(|(_, _, name)| *name != first)?;
        let (before, after) = (first.clone(), other.clone());
        Some(Note::ModelChanged { start: start + 1, round: round + 1, before, after })
    }

    /// Where the server could not take the load, and the client was not the reason: what was
    /// measured is right, and never passes.
    pub fn saturated(&self) -> Vec<Note> {
        let all = self.rounds().chain(self.check_rounds());
        Self::findings(all, |_, f| f.severity == Severity::Saturated)
    }

    /// Everything else that is worth knowing, disturbed rounds that the median survives among it.
    pub fn notes(&self) -> Vec<Note> {
        let left_out = self.load.detail.left_out.iter().cloned().map(Note::EntriesLeftOut);
        left_out
            .chain(Self::findings(self.rounds(), |start, f| {
                f.severity != Severity::Invalid || self.survived(start, f)
            }))
            .chain(idle::note(self))
            .collect()
    }

    /// Each kind of finding once: its first, with the number of rounds that have one.
    fn findings<'a>(
        rounds: impl Iterator<Item = (u32, &'a RoundRecord)>,
        wanted: impl Fn(u32, &Finding) -> bool,
    ) -> Vec<Note> {
        let rounds: Vec<(u32, &RoundRecord)> = rounds.collect();
        let all = rounds.iter().flat_map(|(s, r)| r.findings.iter().map(move |f| (*s, r.index, f)));
        let of = u32::try_from(rounds.len()).unwrap_or(u32::MAX);
        let mut kinds: Vec<(Place, &Finding)> = Vec::new();
        for (start, round, finding) in all.filter(|(s, _, f)| wanted(*s, f)) {
            match kinds.iter_mut().find(|(_, first)| first.is_alike(finding)) {
                Some((place, _)) => place.rounds += 1,
                None => kinds
                    .push((Place { start: start + 1, round: round + 1, rounds: 1, of }, finding)),
            }
        }
        let note = |(place, finding): (Place, &Finding)| match finding.typed() {
            Some(seen) => Note::Found(Found { place, seen: seen.clone() }),
            None => Note::FoundInWords { place, message: finding.message.clone() },
        };
        kinds.into_iter().map(note).collect()
    }

    /// A passing disturbance in fewer than half of a start's rounds.
    fn survived(&self, start: u32, finding: &Finding) -> bool {
        let disturbed = |r: &RoundRecord| {
            r.findings
                .iter()
                .any(|f| f.severity == Severity::Invalid && PASSING.contains(&&*f.check))
        };
        let mine: Vec<&RoundRecord> =
            self.rounds().filter(|(s, _)| *s == start).map(|(_, r)| r).collect();
        let count = mine.iter().filter(|r| disturbed(r)).count();
        finding.severity == Severity::Invalid
            && PASSING.contains(&&*finding.check)
            && count * 2 < mine.len()
    }
}
