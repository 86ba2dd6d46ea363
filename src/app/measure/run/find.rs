//! A search for the highest load that meets the SLOs: one level after the other, each as a workload
//! of its own, until the limit is known. Not here: which comes next (`judge::capacity`).

use std::sync::Arc;

use super::Run;
use super::start::Open;
use crate::config::{Axis, Find, Workload};
use crate::judge::capacity::{Step, next};
use crate::lang::bilingual;
use crate::print::note;
use crate::record::capacity::FindRecord;

/// A fresh start after so many rounds, where the gate starts the server.
const ROUNDS_PER_START: u32 = 6;

impl Run<'_> {
    /// Errors: as those of a start.
    pub(in crate::app::measure) fn find(&mut self, find: &Find) -> anyhow::Result<()> {
        let base = self.workloads.remove(0);
        let file = self.files.remove(0);
        let asked = FindRecord {
            family: base.name.clone(),
            axis: find.over,
            goal_ratio: find.goal,
            within_ratio: find.within,
            most_rounds: find.rounds,
            first: find.from,
        };
        self.sides[0].record.find = Some(asked.clone());
        say_cost(find);
        let mut search = Search { find: *find, asked, base, rounds: 0, fit: 0 };
        for start in 0..self.starts {
            self.gpus.note_tenants();
            let mut open = vec![self.open(0, start)?];
            let last = start + 1 == self.starts;
            let most = if last { u32::MAX } else { ROUNDS_PER_START };
            let mut rounds = 0;
            while rounds < most && !self.job.stop.stopping() && search.rounds < find.rounds {
                let asked = search.asked.asked();
                let Step::Measure(load) = next(&self.trials(&search), &asked) else { break };
                self.level(&mut open, &mut search, file.clone(), load, start)?;
                rounds += 1;
            }
            let over = rounds < most;
            open.into_iter().try_for_each(|one| one.target.close())?;
            if over || self.job.stop.stopping() {
                break;
            }
        }
        Ok(())
    }

    fn trials(&self, search: &Search) -> Vec<crate::judge::capacity::Trial> {
        search.asked.trials(&self.sides[0].record)
    }

    /// One round at this load.
    fn level(
        &mut self,
        open: &mut [Open],
        search: &mut Search,
        file: Option<Arc<str>>,
        load: f64,
        start: u32,
    ) -> anyhow::Result<()> {
        let workload = search.find.at(&search.base, load, search.rounds);
        let known = self.workloads.iter().position(|w| w.name == workload.name);
        let index = known.unwrap_or(self.workloads.len());
        if known.is_none() {
            self.workloads.push(workload.clone());
            self.files.push(file);
            let ready = self.ready(0, &open[0], index, start)?;
            open[0].ready.push(ready);
        }
        self.begin_level(open, index, start)?;
        // Arrivals and prompts of its own, also at a load that was measured before.
        let first = std::mem::replace(&mut self.workloads[index], workload);
        let measured = self.fit_round(open, 0, index, start, 0);
        self.workloads[index] = first;
        search.rounds += 1;
        measured?;
        self.say_level(search, load);
        Ok(())
    }

    fn say_level(&self, search: &mut Search, load: f64) {
        let trials = self.trials(search);
        let number = search.rounds;
        let Some(last) = trials.last().filter(|_| trials.len() > search.fit) else {
            note(&bilingual!(
                "find {number}: the round at {load} is INVALID, and is measured again",
                "find {number}: {load}의 라운드가 INVALID, 다시 측정"
            ));
            return;
        };
        search.fit = trials.len();
        let share = last.share() * 100.0;
        match search.find.over {
            Axis::Rate => note(&bilingual!(
                "find {number}: {share:.1} % within the SLOs at {load}/s",
                "find {number}: {load}/s에서 SLO 충족 {share:.1} %"
            )),
            Axis::Concurrency => note(&bilingual!(
                "find {number}: {share:.1} % within the SLOs at {load} in flight",
                "find {number}: 동시 요청 {load}개에서 SLO 충족 {share:.1} %"
            )),
        }
    }
}

fn say_cost(find: &Find) {
    let minutes = find.duration.as_secs_f64() * f64::from(find.rounds) / 60.0;
    let (rounds, seconds) = (find.rounds, find.duration.as_secs_f64());
    note(&bilingual!(
        "find: at most {rounds} rounds of {seconds} s, {minutes:.0} minutes of load; it ends as soon as the limit is known",
        "find: 최대 라운드 {rounds}개, 각 {seconds}초, 부하 {minutes:.0}분; 한계가 정해지면 바로 끝남"
    ));
}

/// A search under way.
struct Search {
    find: Find,
    asked: FindRecord,
    base: Workload,
    rounds: u32,
    /// Of them, those that are fit.
    fit: usize,
}
