//! One start of a run: servers opened, every workload planned and warmed up. Not here: its rounds
//! (`round`), how many starts there are, or which side goes first (`measure`).

use std::cell::Cell;
use std::sync::Arc;

use anyhow::bail;

use super::gpu::Watch;
use super::sent::Sent;
use super::{Measuring, Run, StartKind};
use crate::app::measure::target::Target;
use crate::clock::monotonic_ns;
use crate::exit::Failure;
use crate::lang::{Text, bilingual};
use crate::load::{Client, Reading};
use crate::measure::SloMs;
use crate::plan::{self, RoundPlan};
use crate::protocol::Extras;
use crate::record::facts::workload_record;
use crate::record::{StartRecord, WorkloadRecord};
use crate::timeline::{Outcome, Timeline};

/// One start of a side: a server that answers, and its load, ready to be sent.
pub struct Open {
    pub(super) side: usize,
    pub target: Target,
    pub(super) client: Client,
    pub(super) ready: Vec<Ready>,
    pub(super) gpu: Watch,
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
    pub(super) reading: Reading,
    pub(super) slo: SloMs,
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
    pub(super) fn ramp(&self, round: u32) -> u32 {
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
}

/// Where starts of this kind are kept.
pub const fn starts_of(record: &mut WorkloadRecord, kind: StartKind) -> &mut Vec<StartRecord> {
    match kind {
        StartKind::Judged => &mut record.starts,
        StartKind::Check => &mut record.check_starts,
    }
}

/// Why a server that was started is not there any more. Also of the side that waits: the run is
/// over, and this is the last round that can say why. What the measured one answered may be the
/// first sign of its end.
pub fn died(all: &[Open], measured: &Open, answers: &[Timeline]) -> Option<Text> {
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

/// ` 503` of a refused request, nothing of others.
fn status(outcome: &Outcome) -> String {
    match outcome {
        Outcome::HttpStatus(code) => format!(" {code}"),
        _ => String::new(),
    }
}
