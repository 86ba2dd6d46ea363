//! A round until it is fit to be judged: its server warmed again where it waited, and measured again
//! where the client's machine spoilt it.
//!
//! Not here: one measurement (`start`), which of them is spoilt (`record::again`).

use std::sync::Arc;

use super::sent::{Sent, Take};
use super::start::Open;
use super::{Run, StartKind};
use crate::clock::monotonic_ns;
use crate::lang::bilingual;
use crate::plan;
use crate::print::note;
use crate::record::again::most_repeats;

/// Starts of each side whose rounds count as planned from the beginning; later ones once they
/// begin, since a run that is decided early has none of them.
const SURE_STARTS: u32 = 3;

impl Run<'_> {
    /// Measures a round, and again at once as long as the client's machine spoils it and the run
    /// may. The last measurement is kept. Nothing once the run is to stop.
    pub(super) fn fit_round(
        &mut self,
        all: &[Open],
        place: usize,
        workload: usize,
        start: u32,
        index: u32,
    ) -> anyhow::Result<()> {
        let idle_ms = self.warm_again(&all[place], workload, start, index)?;
        if self.job.stop.stopping() {
            return self.reason(all);
        }
        let mut take = Take { index, number: 0, idle_ms };
        while !self.job.stop.stopping() && self.round(all, place, workload, start, take)? {
            let what = self.tag(all[place].side, &self.workloads[workload].name);
            note(&bilingual!(
                "{what}: round {round} of start {start} was disturbed by the client's machine and is measured again",
                "{what}: 시작 {start}의 라운드 {round}이(가) 클라이언트 머신의 방해를 받아 다시 측정",
                round = index + 1,
                start = start + 1
            ));
            take = Take { number: take.number + 1, idle_ms: None, ..take };
        }
        Ok(())
    }

    /// Load for two seconds at most where another server had its turn since this one's last. Gives
    /// how long it had nothing to do before, milliseconds; none where it did not wait.
    fn warm_again(
        &mut self,
        open: &Open,
        workload: usize,
        start: u32,
        index: u32,
    ) -> anyhow::Result<Option<u64>> {
        let ended_ns = open.ended_ns.get().filter(|_| self.busy != Some(open.side));
        let Some(ended_ns) = ended_ns.filter(|_| !self.job.stop.stopping()) else {
            return Ok(None);
        };
        let idle_ms = monotonic_ns().saturating_sub(ended_ns) / 1_000_000;
        let ready = &open.ready[workload];
        if !ready.warmup.requests.is_empty() {
            let input = self.input(open, workload);
            let plan = plan::refresh(&self.workloads[workload], &input, index)?;
            let warmup = Sent::Warmup(bilingual!("warm-up after waiting", "대기 뒤 워밍업"));
            self.send(open, workload, &Arc::new(plan), start, &warmup)?;
        }
        Ok(Some(idle_ms))
    }

    /// Whether the round that was stored last is to be measured again; then it counts as a repeat.
    pub(super) fn spend_repeat(&mut self, side: usize, workload: usize, start: u32) -> bool {
        let record = &self.sides[side].record.workloads[workload];
        let starts = match self.kind {
            StartKind::Judged => &record.starts,
            StartKind::Check => &record.check_starts,
        };
        let last = starts.last().and_then(|start| start.rounds.last());
        // The others do not know of it, and would wait.
        let again = self.together.is_none()
            && last.is_some_and(|round| round.is_spoilt_by_client(&record.load))
            && self.repeats < most_repeats(self.planned_rounds(start))
            && !self.job.stop.stopping();
        self.repeats += u32::from(again);
        again
    }

    /// Rounds that the run is sure to have, by what it has come to.
    fn planned_rounds(&self, start: u32) -> u32 {
        let starts = |restarts: bool| {
            if restarts { self.starts.min(SURE_STARTS).max(start + 1) } else { 1 }
        };
        let workloads = u32::try_from(self.workloads.len()).unwrap_or(u32::MAX);
        let starts: u32 = self.sides.iter().map(|m| starts(m.side.restarts())).sum();
        starts.saturating_mul(workloads).saturating_mul(self.config.gate.rounds)
    }
}
