//! A run that several machines send together, each its shard: they begin every round at the same
//! instant, and each records how its clock stood to the others'.
//!
//! Not here: how they meet (`rendezvous`), or how their records become one (`record::merge`).

use std::collections::BTreeMap;

use super::Run;
use crate::app::artefacts::save_record;
use crate::app::job::Job;
use crate::app::measure::target::Stopped;
use crate::config::{Config, Endpoint};
use crate::exit::Failure;
use crate::lang::bilingual;
use crate::load::RoundResult;
use crate::plan::shard::Shard;
use crate::probe::server::is_loopback;
use crate::record::RoundRecord;
use crate::record::build::{Raw, gap_counts};
use crate::record::shard::{ShardClock, ShardFacts, ShardRound};
use crate::rendezvous::{Begin, Member, Membership, Offset, Refusal};

/// Facts of the machine that looked, and not of what is measured.
const OF_MACHINE: [&str; 3] = ["host_cpu", "gpu", "gpu_driver"];

/// A shard that has met the others.
pub(super) struct Together {
    member: Member,
    /// Of the round at hand.
    begin: Option<Begin>,
}

impl Together {
    /// Waits for shard 0. Errors: exit 2, the gate starts this server; exit 3, refused, or nobody
    /// comes.
    pub fn join(who: Membership, config: &Config, job: &Job) -> anyhow::Result<Self> {
        if !matches!(config.target.endpoint, Endpoint::Http(_)) {
            anyhow::bail!(bilingual!(
                "--shard needs a server that runs already: each shard would start one of its own\nhint: start it, and name its URL (target.base_url, --base-url)",
                "--shard에는 이미 실행 중인 서버가 필요함: 샤드마다 서버를 따로 시작하게 됨\n힌트: 서버를 시작하고 주소를 지정하십시오(target.base_url, --base-url)"
            ));
        }
        if config.find.is_some() {
            anyhow::bail!(bilingual!(
                "--shard and a search for the highest load exclude each other: each shard would find a limit of its own\nhint: measure levels (--sweep) with shards, or search with one machine",
                "--shard와 최고 부하 탐색은 함께 쓸 수 없음: 샤드마다 다른 한계를 찾게 됨\n힌트: 샤드로는 단계를 측정하고(--sweep), 탐색은 한 장비에서 하십시오"
            ));
        }
        let member = Member::join(who, &|| job.stop.stopping()).map_err(|r| ended(&r))?;
        Ok(Self { member, begin: None })
    }

    pub fn session(&self) -> (String, u64) {
        let joined = self.member.joined();
        (joined.session.clone(), joined.salt)
    }

    pub const fn shard(&self) -> Shard {
        self.member.shard()
    }

    pub fn facts(&self, place: &'static str) -> ShardFacts {
        let Shard { index, count } = self.shard();
        ShardFacts { index, count, rendezvous: place.into(), gave_up: None }
    }

    /// When the round begins here, once all are ready. Errors: the others do not come.
    pub fn begin(
        &mut self,
        facts: &BTreeMap<String, String>,
        stopped: &dyn Fn() -> bool,
    ) -> Result<u64, Refusal> {
        let begin = self.member.ready(facts, stopped)?;
        let at_ns = begin.at_ns;
        self.begin = Some(begin);
        Ok(at_ns)
    }

    /// How this shard's clock stood in the round that has just ended.
    fn clock(&mut self, measured: &RoundResult, stopped: &dyn Fn() -> bool) -> Option<ShardClock> {
        let begin = self.begin.take()?;
        let us = |ns: u64| ns.div_ceil(1_000);
        let after = self.member.offset(stopped).ok();
        let known_ns = after.as_ref().map_or(0, |after| after.uncertainty_ns);
        Some(ShardClock {
            began: begin.date,
            late_us: us(measured.began_ns.saturating_sub(begin.at_ns)),
            date_ahead_us: begin.offset.date_ahead_us,
            uncertainty_us: us(begin.offset.uncertainty_ns.max(known_ns)),
            drift_us: after.map(|after| drift_us(&begin.offset, &after)),
        })
    }

    pub fn leave(&mut self, job: &Job) {
        let why = job.stop.stopping().then(|| "it was stopped".to_owned());
        self.member.leave(why, &|| false);
    }
}

/// How far the clock has moved ahead between two readings, beyond what neither knows.
fn drift_us(before: &Offset, after: &Offset) -> i64 {
    let moved = before.ns - after.ns;
    let unknown = i128::from(before.uncertainty_ns) + i128::from(after.uncertainty_ns);
    let beyond = (moved.abs() - unknown).max(0) * moved.signum() / 1_000;
    i64::try_from(beyond).unwrap_or(i64::MAX)
}

fn ended(refusal: &Refusal) -> anyhow::Error {
    match refusal {
        Refusal::Stopped => Stopped.into(),
        other => Failure::measure(other.text()).into(),
    }
}

impl Run<'_> {
    /// What this process sends of the plan.
    pub(super) fn shard(&self) -> Shard {
        self.together.as_ref().map_or(Shard::WHOLE, Together::shard)
    }

    /// What all shards must agree on.
    pub(super) fn common_facts(&self) -> BTreeMap<String, String> {
        let workloads = self.sides.iter().flat_map(|side| &side.record.workloads);
        let facts = workloads.flat_map(|workload| {
            let fields = workload.fingerprint.0.iter();
            let fields = fields.filter(|(field, _)| !OF_MACHINE.contains(&field.as_str()));
            fields.map(|(field, value)| (format!("{field} of {}", workload.name), value.clone()))
        });
        let rounds = ("rounds".to_owned(), self.config.gate.rounds.to_string());
        // At loopback each machine would reach a server of its own.
        let at_loopback = match &self.config.target.endpoint {
            Endpoint::Http(url) if is_loopback(url) => self.sides[0].record.host.get("hostname"),
            _ => None,
        };
        let machine = at_loopback.map(|host| ("machine of the server".to_owned(), host.clone()));
        facts.chain([rounds]).chain(machine).collect()
    }

    /// Waits until every shard's server answers and all are to measure the same. Errors: they are
    /// not, or do not come.
    pub(super) fn meet(&mut self) -> anyhow::Result<()> {
        let facts = self.common_facts();
        let stop = &self.job.stop;
        let Some(together) = &mut self.together else { return Ok(()) };
        let met = together.begin(&facts, &|| stop.stopping());
        together.begin = None;
        met.map(drop).map_err(|refusal| self.gave_up(&refusal))
    }

    /// What was measured so far is kept, and says why there is no more.
    pub(super) fn gave_up(&mut self, refusal: &Refusal) -> anyhow::Error {
        for side in &mut self.sides {
            if let Some(shard) = side.record.shard.as_mut().filter(|_| *refusal != Refusal::Stopped)
            {
                shard.gave_up = Some(refusal.text().en);
                // It is the reason that counts.
                let _ = save_record(&side.out, side.file, &side.record);
            }
        }
        ended(refusal)
    }

    /// Of a shard: how its clock stood in the round that has just ended.
    pub(super) fn clock(&mut self, measured: &RoundResult) -> Option<ShardClock> {
        let stop = &self.job.stop;
        self.together.as_mut().and_then(|t| t.clock(measured, &|| stop.stopping()))
    }
}

/// Adds to a round what only a shard knows of it. `ramp`: of the whole round.
pub(super) fn add_shard(clock: ShardClock, ramp: u32, raw: &Raw<'_>, stored: &mut RoundRecord) {
    stored.findings.extend(clock.findings(stored.duration_us));
    stored.shard = Some(ShardRound { clock, ramp, chunk_gaps: gap_counts(raw) });
}
