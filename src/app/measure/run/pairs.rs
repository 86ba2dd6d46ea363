//! What an interleaved run measures next, start pair by start pair, and how many it may take. Not
//! here: one start of its servers (`start`), or the judge that is asked (`evaluate`).

use super::start::Open;
use super::{BetweenStarts, Run, StartKind};
use crate::judge::Wants;
use crate::judge::plan::{Costs, Minutes, Plan};
use crate::lang::{Text, bilingual};
use crate::print::speak;

/// Starts of the candidate alone at most, whatever the judge wants.
const MOST_CHECKS: usize = 10;

impl<'a> Run<'a> {
    /// Measures what is wanted next; false where nothing is, or the run is to stop.
    pub fn measure_next(
        &mut self,
        at_once: bool,
        between: &BetweenStarts<'a>,
    ) -> anyhow::Result<bool> {
        let pairs = self.measured_pairs();
        let wanted = if pairs == 0 { Some(Wants::Pair) } else { self.wanted(between)? };
        match wanted {
            Some(Wants::Pair) if pairs < self.starts => self.pair(pairs, at_once, between),
            Some(Wants::CheckStart) if self.checks() < MOST_CHECKS => self.check_start(between),
            // A second round belongs to a server that runs no more.
            Some(Wants::Pair | Wants::CheckStart | Wants::SecondRound) | None => Ok(false),
        }
    }

    fn measured_pairs(&self) -> u32 {
        let starts = |w: &crate::record::WorkloadRecord| w.starts.len();
        let first = self.sides.iter().filter_map(|side| side.record.workloads.first());
        let pairs = first.map(starts).min().unwrap_or(0);
        u32::try_from(pairs).unwrap_or(u32::MAX)
    }

    fn checks(&self) -> usize {
        let candidate = self.sides.last().and_then(|side| side.record.workloads.first());
        candidate.map_or(0, |workload| workload.check_starts.len())
    }

    fn wanted(&self, between: &BetweenStarts<'_>) -> anyhow::Result<Option<Wants>> {
        let [baseline, candidate] = &self.sides[..] else { return Ok(None) };
        (between.wanted)(&baseline.record, &candidate.record)
    }

    fn pair(
        &mut self,
        start: u32,
        at_once: bool,
        between: &BetweenStarts<'_>,
    ) -> anyhow::Result<bool> {
        let groups: [&[usize]; 2] =
            if start.is_multiple_of(2) { [&[0], &[1]] } else { [&[1], &[0]] };
        let goes_on =
            if at_once { self.start(start, &[&[0, 1]])? } else { self.start(start, &groups)? };
        self.set_history(between.history);
        self.compare_builds();
        Ok(goes_on)
    }

    /// One start of the candidate alone: the round of the first seed, and that of the second one
    /// where it looks slow.
    fn check_start(&mut self, between: &BetweenStarts<'_>) -> anyhow::Result<bool> {
        let candidate = self.sides.len() - 1;
        self.kind = StartKind::Check;
        let measured = self.check_rounds(candidate, between);
        self.kind = StartKind::Judged;
        Ok(self.goes_on(candidate, measured)? && !self.job.stop.stopping())
    }

    fn check_rounds(&mut self, side: usize, between: &BetweenStarts<'_>) -> anyhow::Result<()> {
        let start = self.measured_pairs() + u32::try_from(self.checks()).unwrap_or(u32::MAX);
        // Where a plan has one round only, it is sent once more.
        let last = self.config.gate.rounds.saturating_sub(1).min(1);
        self.gpus.note_tenants();
        let open = [self.open(side, start)?];
        for index in [0, last] {
            for workload in 0..self.workloads.len() {
                if self.job.stop.stopping() {
                    return self.reason(&open);
                }
                if self.checked_rounds(workload, start) == 0 {
                    self.warm_up(&open, 0, workload, start)?;
                }
                self.fit_round(&open, 0, workload, start, index)?;
            }
            if self.wanted(between)? != Some(Wants::SecondRound) {
                break;
            }
        }
        let [open] = open;
        open.target.close()
    }

    /// Rounds of this check start so far.
    fn checked_rounds(&self, workload: usize, start: u32) -> usize {
        let record = self.sides.last().and_then(|side| side.record.workloads.get(workload));
        let last = record.and_then(|w| w.check_starts.last()).filter(|s| s.index == start);
        last.map_or(0, |s| s.rounds.len())
    }

    /// How many start pairs it may take, by the noise that the history tells: said before anything
    /// is measured, and kept in the records.
    pub fn plan_pairs(&mut self, open: &[Open]) -> anyhow::Result<()> {
        let (Some(between), Some(last)) = (self.between, open.last()) else { return Ok(()) };
        let mut known = self.sides[last.side].record.clone();
        for workload in &mut known.workloads {
            workload.history = (between.history)(workload);
        }
        let Some(plan) = (between.planned)(&known)? else { return Ok(()) };
        let pairs = u32::try_from(plan.pairs).unwrap_or(u32::MAX);
        for pair in self.sides.iter_mut().filter_map(|side| side.record.pair.as_mut()) {
            (pair.most_starts, pair.planned_pairs) = (pairs, Some(pairs));
            pair.reach_ratio = Some(plan.reach).filter(|reach| reach.is_finite());
        }
        self.starts = pairs;
        let rounds = self.config.gate.rounds as usize;
        let costs = last.seconds().map(|(start_s, round_s)| Costs { start_s, round_s, rounds });
        let minutes =
            costs.map(|costs| plan.minutes(&costs, self.config.gate.min_starts() as usize));
        let said = in_words(&plan, minutes);
        // With one server at a time each side says what it knows; mostly that is the same.
        if self.announced.as_ref() != Some(&said) {
            speak(&said);
            self.announced = Some(said);
        }
        Ok(())
    }
}

/// `5 % needs up to 5 start pairs here: 23 minutes at most, usually 7; history says one start
/// varies by 1.2 %`.
fn in_words(plan: &Plan, minutes: Option<Minutes>) -> Text {
    let share = |x: f64| {
        let number = format!("{:.1}", x * 100.0);
        format!("{} %", number.trim_end_matches(".0"))
    };
    let (pairs, detect, reach) = (plan.pairs, share(plan.detect), share(plan.reach));
    let promise = if plan.is_promised() {
        bilingual!(
            "{detect} needs up to {pairs} start pairs here",
            "여기서 {detect} 저하를 찾는 데 시작 쌍 최대 {pairs}개 필요"
        )
    } else {
        bilingual!(
            "{detect} cannot be promised here: {pairs} start pairs find {reach}",
            "여기서 {detect}는 보장할 수 없음: 시작 쌍 {pairs}개로 {reach} 저하까지 찾음"
        )
    };
    let time = minutes.map(|Minutes { most, usual }| {
        bilingual!(
            ": {most:.0} minutes at most, usually {usual:.0}",
            ": 최대 {most:.0}분, 보통 {usual:.0}분"
        )
    });
    let noise = plan.noisiest().map(|noise| {
        let sd = share(noise.sd);
        if noise.assumed {
            bilingual!(
                "; no history tells the noise: that one start varies by {sd} is assumed",
                "; 노이즈를 알려 주는 이력이 없어 시작 간 편차를 {sd}로 가정"
            )
        } else {
            bilingual!(
                "; history says one start varies by {sd}",
                "; 이력에 따르면 시작 간 편차 {sd}"
            )
        }
    });
    [time, noise].into_iter().flatten().fold(promise, |all, part| all.then(&part))
}
