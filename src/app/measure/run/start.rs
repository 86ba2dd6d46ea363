//! One start of a run: servers opened, every workload planned, warmed up and sent, each round
//! stored. Not here: how many starts there are, or which side goes first (`measure`).

use std::cell::Cell;
use std::io::Write as _;
use std::sync::Arc;

use anyhow::bail;

use super::gpu::Watch;
use super::guard::Guard;
use super::sent::{Sent, Take};
use super::together::add_shard;
use super::{Measuring, Run, StartKind};
use crate::app::artefacts::save_record;
use crate::app::measure::facts::client_health;
use crate::app::measure::raw;
use crate::app::measure::target::Target;
use crate::clock::monotonic_ns;
use crate::config::Tier;
use crate::evidence::server::ServerRound;
use crate::evidence::server::window::{METRICS_PAGE, Window};
use crate::exit::Failure;
use crate::lang::{Explained as _, Text, bilingual};
use crate::load::progress::{Extent, Live, RoundPlace};
use crate::load::{Client, Counters, IsGood, Reading, RoundResult, most_connections};
use crate::measure::SloMs;
use crate::measure::seen::{Seen, ServerSeen};
use crate::measure::validity::{Finding, SERVER_ENDED, Severity};
use crate::plan::{self, RoundPlan};
use crate::protocol::Extras;
use crate::record::build::{Raw, round};
use crate::record::facts::workload_record;
use crate::record::{RoundRecord, StartRecord, WorkloadRecord};
use crate::timeline::{Counted, Outcome, Timeline};
use crate::watch::scrape::Watch as Page;

/// One start of a side: a server that answers, and its load, ready to be sent.
pub struct Open {
    pub(super) side: usize,
    pub target: Target,
    client: Client,
    pub(super) ready: Vec<Ready>,
    gpu: Watch,
    /// When the server was started.
    began_ns: u64,
    /// When its last load ended; none before the first.
    pub(super) ended_ns: Cell<Option<u64>>,
}

/// A workload whose load is known. The requests of a round are made before it begins, and dropped
/// after it.
pub(super) struct Ready {
    pub(super) warmup: Arc<RoundPlan>,
    extras: Extras,
    salt: String,
    session: String,
    reading: Reading,
    slo: SloMs,
    /// Of each whole round, over all shards.
    ramps: Vec<u32>,
    /// Of warm-up and rounds, where the load tells it.
    seconds: Option<(f64, f64)>,
}

impl Open {
    /// Seconds of a start with its warm-ups, and of one round of every workload: as they are planned
    /// and, of the server's start, measured. None where only the server can tell.
    pub(super) fn seconds(&self) -> Option<(f64, f64)> {
        let started = self.target.ready_ns.map_or(0, |at| at.saturating_sub(self.began_ns));
        let each = self.ready.iter().map(|ready| ready.seconds);
        let add = |(a, b): (f64, f64), (c, d): (f64, f64)| (a + c, b + d);
        let all = each.reduce(|a, b| Some(add(a?, b?)))??;
        Some(add(all, (started as f64 / 1e9, 0.0)))
    }
}

impl Ready {
    fn ramp(&self, round: u32) -> u32 {
        self.ramps.get(round as usize).copied().unwrap_or(0)
    }
}

impl Run<'_> {
    pub(super) fn open(&mut self, side: usize, start: u32) -> anyhow::Result<Open> {
        let measuring = &self.sides[side];
        let began_ns = monotonic_ns();
        let log = measuring.log(&format!("start{}", start + 1));
        let target =
            Target::open(measuring.side, measuring.api_key.as_deref(), &log, &self.job.stop)?;
        if self.sides[side].called.is_empty() {
            let called = target.programs(self.sides[side].side);
            self.sides[side].record.programs = called.iter().map(|c| c.program.clone()).collect();
            self.sides[side].called = called;
        }
        let gpu = self.gpus.watch(self.sides[side].side, target.is_here())?;
        gpu.describe(&mut self.sides[side].record);
        let ready = self.prepare(side, &target, &gpu, start)?;
        let workers = self.options.workers.unwrap_or_else(default_workers);
        let client = Client::new(&target.site, workers).map_err(|e| {
            // The server runs already, so it is no usage error any more.
            Failure::measure(format!(
                "cannot start the client's threads: {e}\nhint: see ulimit -u and ulimit -v, or --workers 1"
            ))
        })?;
        Ok(Open { side, target, client, ready, gpu, began_ns, ended_ns: Cell::default() })
    }

    /// Plans every workload; on the first start also adds it to the record.
    fn prepare(
        &mut self,
        side: usize,
        target: &Target,
        gpu: &Watch,
        start: u32,
    ) -> anyhow::Result<Vec<Ready>> {
        let mut all = Vec::new();
        for index in 0..self.workloads.len() {
            all.push(self.ready_for(side, target, gpu, (index, start))?);
        }
        Ok(all)
    }

    /// Of one more workload, on a start that is open.
    pub(super) fn ready(
        &mut self,
        side: usize,
        open: &Open,
        index: usize,
        start: u32,
    ) -> anyhow::Result<Ready> {
        self.ready_for(side, &open.target, &open.gpu, (index, start))
    }

    fn ready_for(
        &mut self,
        side: usize,
        target: &Target,
        gpu: &Watch,
        (index, start): (usize, u32),
    ) -> anyhow::Result<Ready> {
        let workload = &self.workloads[index];
        let extras = target.extras(workload)?;
        let Measuring { salt, record, .. } = &self.sides[side];
        // Workloads of one seed would send the same prompts, and the later ones find them in
        // the server's prefix cache.
        let salt = plan::salt(salt.wrapping_add(index as u64));
        // The same plan in each start, and yet no id twice in a server's log.
        let session = format!("{}{start}", record.session);
        let plan = plan::outline(
            workload,
            &self.input_of_side(side, index, &target.model, (extras, &salt, &session)),
        )?;
        let described = plan::describe(&plan);
        let round = described.rounds.first().and_then(|round| round.seconds);
        let seconds = described.warmup.seconds.zip(round);
        let mut fingerprint = target.fingerprint(&plan.digest);
        gpu.key(&mut fingerprint);
        let shard = self.shard();
        let record = &mut self.sides[side].record;
        match record.workloads.get(index) {
            None => {
                record.workloads.push(workload_record(workload, &plan, extras, fingerprint));
            }
            Some(known) if known.fingerprint != fingerprint => {
                bail!(Failure::measure(bilingual!(
                    "the server changed between two starts of one run: its fingerprint differs",
                    "한 실행의 두 시작 사이에 서버가 바뀜: 지문(fingerprint)이 다름"
                )))
            }
            Some(_) => {}
        }
        Ok(Ready {
            reading: Reading { keep_text: target.tokenizer.is_some(), ..Reading::from_plan(&plan) },
            ramps: plan.rounds.iter().map(|round| round.ramp).collect(),
            warmup: Arc::new(shard.cut(plan.warmup).map_err(plan::PlanError::from)?),
            slo: record.workloads[index].slo.into(),
            seconds,
            extras,
            salt,
            session,
        })
    }

    pub(super) fn input<'b>(&'b self, open: &'b Open, workload: usize) -> plan::Input<'b> {
        let Ready { extras, salt, session, .. } = &open.ready[workload];
        self.input_of_side(open.side, workload, &open.target.model, (*extras, salt, session))
    }

    fn input_of_side<'b>(
        &'b self,
        side: usize,
        workload: usize,
        model: &'b str,
        of_start: (Extras, &'b str, &'b str),
    ) -> plan::Input<'b> {
        let (target, (extras, salt, session)) = (&self.sides[side].side.target, of_start);
        plan::Input {
            protocol: &target.protocol,
            model,
            extras,
            extra_body: &target.extra_body,
            salt,
            session,
            rounds: self.config.gate.rounds,
            shards: self.shard().count,
            file: self.files[workload].as_deref(),
        }
    }

    /// Errors: no warm-up request came through, so that no measured one would.
    pub(super) fn warm_up(
        &mut self,
        all: &[Open],
        place: usize,
        workload: usize,
        start: u32,
    ) -> anyhow::Result<()> {
        if self.job.stop.stopping() {
            return Ok(());
        }
        let open = &all[place];
        // What an earlier workload left in it is no part of this one.
        open.target.reset_cache()?;
        let sim_seed = open.target.sim_seed();
        let began_ns = if workload == 0 { open.began_ns } else { monotonic_ns() };
        if !open.ready[workload].warmup.requests.is_empty() {
            let warmup = Sent::Warmup(bilingual!("warm-up", "워밍업"));
            let measured =
                self.send(open, workload, &open.ready[workload].warmup, start, &warmup)?;
            let failed = measured.timelines.iter().find(|t| !t.completed());
            let all_failed = measured.timelines.iter().all(|t| !t.completed());
            if let Some(why) = died(all, open, &measured.timelines) {
                bail!(Failure::measure(why));
            }
            if let Some(first) = failed.filter(|_| all_failed && !self.job.stop.stopping()) {
                bail!(Failure::measure(bilingual!(
                    "every warm-up request failed ({outcome}{status}): {text}\nhint: try one request by hand; nothing was measured",
                    "워밍업 요청이 모두 실패 ({outcome}{status}): {text}\n힌트: 요청 하나를 직접 보내 보십시오. 측정한 것은 없습니다",
                    outcome = first.outcome.name(),
                    status = status(&first.outcome),
                    text = first.error.as_deref().unwrap_or("no text")
                )));
            }
        }
        let setup_ms = monotonic_ns().saturating_sub(began_ns) / 1_000_000;
        if workload == 0 {
            open.target.look_again()?;
        }
        self.add_start(open, workload, start, (sim_seed, Some(setup_ms)));
        Ok(())
    }

    /// Of a level of a search: the first round of a start is warmed up, and warms up the others.
    pub(super) fn begin_level(
        &mut self,
        all: &[Open],
        workload: usize,
        start: u32,
    ) -> anyhow::Result<()> {
        let record = &self.sides[all[0].side].record;
        let begun = |w: &WorkloadRecord| w.starts.last().is_some_and(|s| s.index == start);
        if !record.workloads.iter().any(begun) {
            return self.warm_up(all, 0, workload, start);
        }
        if !begun(&record.workloads[workload]) {
            self.add_start(&all[0], workload, start, (all[0].target.sim_seed(), None));
        }
        Ok(())
    }

    fn add_start(
        &mut self,
        open: &Open,
        workload: usize,
        start: u32,
        (sim_seed, setup_ms): (Option<u64>, Option<u64>),
    ) {
        let kind = self.kind;
        let record = &mut self.sides[open.side].record.workloads[workload];
        let ready_ms = open.target.ready_ns.map(|at| at.saturating_sub(open.began_ns) / 1_000_000);
        let connections = open.target.site.addresses().connections();
        let rounds = Vec::new();
        starts_of(record, kind).push(StartRecord {
            index: start,
            sim_seed,
            setup_ms,
            ready_ms,
            connections,
            rounds,
        });
    }

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

/// Where starts of this kind are kept.
const fn starts_of(record: &mut WorkloadRecord, kind: StartKind) -> &mut Vec<StartRecord> {
    match kind {
        StartKind::Judged => &mut record.starts,
        StartKind::Check => &mut record.check_starts,
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

/// Why a server that was started is not there any more. Also of the side that waits: the run is
/// over, and this is the last round that can say why. What the measured one answered may be the
/// first sign of its end.
fn died(all: &[Open], measured: &Open, answers: &[Timeline]) -> Option<Text> {
    let ominous = |t: &Timeline| {
        matches!(
            t.outcome,
            Outcome::Connect
                | Outcome::Dropped
                | Outcome::Truncated
                | Outcome::Malformed
                | Outcome::HttpStatus(500..)
        )
    };
    dead(all).or_else(|| answers.iter().any(ominous).then(|| measured.target.dying()).flatten())
}

pub fn dead(open: &[Open]) -> Option<Text> {
    open.iter().find_map(|o| o.target.died())
}

/// Half of the processors, at most four: the other half is for the server, where it runs here too.
fn default_workers() -> usize {
    std::thread::available_parallelism().map_or(1, |n| (n.get() / 2).clamp(1, 4))
}

fn is_good(t: &Timeline, slo: &SloMs) -> bool {
    let columns =
        crate::measure::columns::Columns::from_timelines(std::slice::from_ref(t), t.intended_ns);
    columns.row(0, true).meets(slo)
}

/// ` 503` of a refused request, nothing of others.
fn status(outcome: &Outcome) -> String {
    match outcome {
        Outcome::HttpStatus(code) => format!(" {code}"),
        _ => String::new(),
    }
}
