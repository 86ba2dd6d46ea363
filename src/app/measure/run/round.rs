//! One round: sent, watched, added to the record. Not here: the start that it is of (`start`), or which
//! rounds are measured again (`again`).

use std::io::Write as _;
use std::sync::Arc;

use super::guard::Guard;
use super::sent::{Sent, Take};
use super::start::{Open, Ready, died, starts_of};
use super::together::add_shard;
use super::{Measuring, Run, StartKind};
use crate::app::artefacts::save_record;
use crate::app::measure::facts::client_health;
use crate::app::measure::raw;
use crate::clock::monotonic_ns;
use crate::config::Tier;
use crate::evidence::server::ServerRound;
use crate::evidence::server::window::{METRICS_PAGE, Window};
use crate::exit::Failure;
use crate::lang::{Explained as _, Text, bilingual};
use crate::load::progress::{Extent, Live, RoundPlace};
use crate::load::{Counters, IsGood, RoundResult, most_connections};
use crate::measure::SloMs;
use crate::measure::columns::Columns;
use crate::measure::seen::{Seen, ServerSeen};
use crate::measure::validity::{Finding, SERVER_ENDED, Severity};
use crate::plan::{self, RoundPlan};
use crate::record::RoundRecord;
use crate::record::build::{Raw, round};
use crate::timeline::{Counted, Timeline};
use crate::watch::scrape::Watch as Page;

impl Run<'_> {
    /// What this process sends of a round.
    fn planned(&self, open: &Open, workload: usize, take: Take) -> anyhow::Result<Arc<RoundPlan>> {
        let (load, which) = (&self.workloads[workload], (take.index, take.number));
        let plan = plan::round(load, &self.input(open, workload), which, self.shard())?;
        Ok(Arc::new(plan))
    }

    /// What the server's metrics tell is of all shards together, and of no one of them.
    fn page(&self, open: &Open) -> Result<Option<Page>, String> {
        if self.together.is_some() { Ok(None) } else { open.target.watch() }
    }

    /// One measurement of a round. True: it is to be measured again.
    pub(super) fn round(
        &mut self,
        all: &[Open],
        place: usize,
        workload: usize,
        start: u32,
        take: Take,
    ) -> anyhow::Result<bool> {
        let open = &all[place];
        let ready = &open.ready[workload];
        let plan = &self.planned(open, workload, take)?;
        self.cool(open, workload)?;
        let standstills = self.job.before_round();
        let page = self.page(open);
        open.gpu.begin();
        let mut measured = self.send(open, workload, plan, start, &Sent::Round(take))?;
        let gpu_seen = open.gpu.end();
        let (server, server_findings) = server_evidence(page, &measured);
        if let Some(tokenizer) = &open.target.tokenizer {
            tokenizer.count(&mut measured.timelines, plan, &ready.reading.protocol);
        }
        let died = died(all, open, &measured.timelines);
        self.told |= died.is_some();
        let raw = Raw {
            start,
            index: take.index,
            order: self.order,
            plan,
            timelines: &measured.timelines,
            began_ns: measured.began_ns,
            health: client_health(&measured),
            // A round whose server ended counts, and makes the run INVALID.
            cut_short: self.job.stop.stopping() && died.is_none(),
        };
        self.order += 1;
        let clock = self.clock(&measured);
        let record = &self.sides[open.side].record.workloads[workload];
        let mut stored = round(&raw, &record.load, &ready.slo);
        if let Some(clock) = clock {
            add_shard(clock, ready.ramp(take.index), &raw, &mut stored);
        }
        let counted = |t: &Timeline| t.counted != Counted::default();
        stored.token_source = measured.timelines.iter().any(counted).then(|| raw::TOKENIZER.into());
        (stored.server, stored.idle_ms) = (server, take.idle_ms);
        stored.findings.extend(server_findings);
        stored.findings.extend(self.job.findings(standstills));
        let ended = |why: Text| Finding::text(Severity::Invalid, SERVER_ENDED, why.en);
        stored.findings.extend(no_room(&measured).into_iter().chain(died.map(ended)));
        self.gpus.put(&open.gpu, gpu_seen, &measured, record.rounds().map(|(_, r)| r), &mut stored);
        // The record first: a raw file that cannot be written must not take the round with it.
        self.keep_round(open, workload, stored, take);
        let again = self.spend_repeat(open.side, workload, start);
        if !again {
            let workload = &self.tag(open.side, &self.workloads[workload].name);
            let (model, round, wall) = (&open.target.model, take.index, raw::Wall::now());
            let sent = raw::Sent { plan, workload, start, round, model, wall };
            self.keep_raw(&sent, &measured.timelines);
        }
        Ok(again)
    }

    /// Adds a round to the record, in the place of the one that it repeats, and writes the record.
    fn keep_round(&mut self, open: &Open, workload: usize, mut stored: RoundRecord, take: Take) {
        let side = &mut self.sides[open.side];
        let kept = starts_of(&mut side.record.workloads[workload], self.kind);
        if let Some(last) = kept.last_mut() {
            if let Some(spoilt) = last.rounds.pop_if(|_| take.number > 0) {
                stored.replaces(spoilt);
            }
            last.connections = open.target.site.addresses().connections();
            last.rounds.push(stored);
        }
        let saved = save_record(&side.out, side.file, &side.record);
        self.keep(saved);
        self.job.after_round();
    }

    /// What a cold workload's prompts leave in the prefix cache would take the room of the next
    /// round's.
    fn cool(&mut self, open: &Open, workload: usize) -> anyhow::Result<()> {
        let detail = &mut self.sides[open.side].record.workloads[workload].load.detail;
        if detail.tier == Some(Tier::Cold) {
            detail.cache_reset = Some(open.target.reset_cache()?);
        }
        Ok(())
    }

    pub(super) fn send(
        &mut self,
        open: &Open,
        workload: usize,
        plan: &Arc<RoundPlan>,
        start: u32,
        sent: &Sent,
    ) -> anyhow::Result<RoundResult> {
        let ready = &open.ready[workload];
        let counters = self.counters(ready);
        let extent =
            plan.stop_after.map_or(Extent::Requests(plan.requests.len() as u64), Extent::Time);
        let tag = self.tag(open.side, &self.workloads[workload].name);
        let (number, starts) = (start + 1, self.starts);
        let label = match self.kind {
            StartKind::Judged => {
                bilingual!("{tag} start {number}/{starts} ", "{tag} 시작 {number}/{starts} ")
            }
            StartKind::Check => bilingual!("{tag} check start ", "{tag} 확인용 시작 "),
        };
        let rounds = self.config.gate.rounds;
        let label = label.then(&sent.label(rounds));
        let place = RoundPlace {
            workload: tag,
            workload_number: workload + 1,
            workloads: self.workloads.len(),
            sides: self.sides.len(),
            start: number,
            starts,
            round: sent.round(),
            rounds,
        };
        let live = Live::start(label, place, extent, Arc::clone(&counters), self.options.progress);
        let run = &self.job.stop.control;
        let searches = self.sides[open.side].record.find.is_some() && sent.round().is_some();
        let guard = if searches { Guard::watch(run, plan, &counters)? } else { None };
        let control = guard.as_ref().map_or(run, Guard::control);
        let (facts, stop, mut refused) = (self.common_facts(), &self.job.stop, None);
        let together = self.together.as_mut().filter(|_| matches!(sent, Sent::Round(_)));
        let begin = || match together.map(|t| t.begin(&facts, &|| stop.stopping())) {
            None => Ok(0),
            Some(Ok(at_ns)) => Ok(at_ns),
            Some(Err(refusal)) => {
                refused = Some(refusal);
                Err(String::new())
            }
        };
        let reading = ready.reading.clone();
        let measured = open.client.round_at(plan, reading, control, &counters, begin);
        drop((guard, live));
        if let Some(refusal) = refused {
            return Err(self.gave_up(&refusal));
        }
        self.busy = Some(open.side);
        open.ended_ns.set(Some(monotonic_ns()));
        measured.map_err(|e| Failure::measure(e).into())
    }

    fn counters(&self, ready: &Ready) -> Arc<Counters> {
        let slo = ready.slo;
        let is_good = (!slo.is_empty()).then(|| -> IsGood { Box::new(move |t| is_good(t, &slo)) });
        let counters = Counters::new(is_good);
        let shown = self.options.progress.is_json();
        Arc::new(if shown { counters.with_tally() } else { counters })
    }

    /// The workload's name, and the target's or side's where there are several.
    pub(super) fn tag(&self, side: usize, workload: &str) -> String {
        let Measuring { record, side, .. } = &self.sides[side];
        match record.target.as_deref() {
            Some(target) => format!("{workload} {target}"),
            None if self.sides.len() == 1 => workload.to_owned(),
            None => format!("{workload} {}", side.name),
        }
    }

    fn keep_raw(&mut self, sent: &raw::Sent<'_>, timelines: &[Timeline]) {
        let written = self.write_raw(sent, timelines);
        self.raw_lost |= written.is_err();
        self.keep(written);
    }

    fn write_raw(&mut self, of: &raw::Sent<'_>, timelines: &[Timeline]) -> anyhow::Result<()> {
        let (Some(file), Some(path)) = (&mut self.raw, &self.options.raw) else { return Ok(()) };
        let lines = timelines.iter().try_for_each(|t| writeln!(file, "{}", raw::line(of, t)));
        lines.and_then(|()| file.flush()).explained(|| {
            let path = path.display();
            bilingual!(
                "cannot write the raw timelines to {path}",
                "원시 타임라인을 {path}에 쓸 수 없음"
            )
        })
    }
}

/// What the server's metrics said of the round that has just ended, and what of it is to be known.
fn server_evidence(
    page: Result<Option<Page>, String>,
    measured: &RoundResult,
) -> (Option<ServerRound>, Vec<Finding>) {
    let ended_ns = monotonic_ns();
    match page {
        Ok(None) => (None, Vec::new()),
        Ok(Some(page)) => {
            let sent = measured.timelines.iter().filter(|t| t.sent_ns.is_some()).count() as u64;
            let (round, findings) =
                page.finish().round(Window { began_ns: measured.began_ns, ended_ns, sent });
            (Some(round), findings)
        }
        Err(why) => {
            (None, vec![Finding::new(Severity::Note, METRICS_PAGE, ServerSeen::NoMetrics { why })])
        }
    }
}

/// Requests that this process had no descriptor for: the client's fault, so that their failure says
/// nothing of the server.
fn no_room(measured: &RoundResult) -> Option<Finding> {
    let n = Some(measured.health.no_room).filter(|n| *n > 0)?;
    let seen = Seen::TooManyConnections { requests: n, most: most_connections() as u64 };
    Some(Finding::new(Severity::Invalid, "open_files", seen))
}

fn is_good(t: &Timeline, slo: &SloMs) -> bool {
    let columns = Columns::from_timelines(std::slice::from_ref(t), t.intended_ns);
    columns.row(0, true).meets(slo)
}
