//! The self-test over real sockets: each change once, against the simulated server as a process,
//! measured by the gate's own client.
//!
//! Changes are large, since one gate of each must do. Not here: rates (virtual time has them), or a
//! config of the user's.
#![expect(
    clippy::disallowed_methods,
    reason = "rim: starts the server from this program's own file"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;

use super::asked::Asked;
use super::bound::Source;
use super::changes::{Change, Moment};
use super::gate::{Gate, candidate_first, finished, ruled};
use super::loads::{self, LoadKind, ROUNDS};
use super::played::{Outcome, Played};
use super::row::{Play, Row, at_least, at_most};
use super::table::{Line, Table};
use crate::app::measure::client_health;
use crate::config::sim::{Knobs, Noise};
use crate::config::{Arrival, Length, Slo, Warmup, Workload};
use crate::exit::Failure;
use crate::fingerprint::Fingerprint;
use crate::judge::interleaved::{self, Attempt, Interleaved, Rules, Sampling};
use crate::judge::{PastRun, Policy};
use crate::load::{Client, Control, Counters, Reading, Site, SiteSpec};
use crate::measure::SloMs;
use crate::plan::{self, Plan, RoundPlan};
use crate::protocol::{ExtraBody, Extras, Protocol, ProtocolName};
use crate::record::build::{Raw, round};
use crate::record::facts::workload_record;
use crate::record::{StartRecord, WorkloadRecord};
use crate::server::SimServer;

/// Virtual time is a little faster than the wall's, so that all of it takes minutes. TTFT is then
/// near 80 ms: a faster one would ask more of the machine's punctuality than a busy one has.
const TIME_SCALE: f64 = 1.25;
/// Per second of the wall: half of the demo engine's capacity.
const RATE: f64 = 20.0 * TIME_SCALE;
/// Per round: 1.2 seconds. Enough for a p95, not for a p99.
const REQUESTS: u32 = 30;
const WARMUP_REQUESTS: u32 = 20;
/// Input tokens, of which two thirds are common to all.
const INPUT_TOKENS: u32 = 512;
/// Start pairs that may be measured again, in all, where the machine was too busy to measure.
const SPARE_STARTS: u32 = 4;
const LOOKS: u32 = 3;
/// What all requests are asked with: the simulated server takes everything.
const EXTRAS: Extras = Extras {
    ignore_eos: true,
    min_tokens: true,
    stream_usage: true,
    length: crate::protocol::LengthField::MaxTokens,
};

/// What one load is played with.
struct Bench {
    program: PathBuf,
    workload: Workload,
    plan: Plan,
    knobs: Knobs,
    spare: u32,
}

/// A server with its client.
struct Side {
    // Before the server: its connections end first.
    client: Client,
    server: SimServer,
}

/// Both sides of a gate so far.
struct Records {
    baseline: WorkloadRecord,
    candidate: WorkloadRecord,
}

/// One gate of each, so every one must say it.
fn rows() -> Vec<(Change, Row)> {
    use Change as C;
    let asked = Asked { max_pairs: LOOKS as usize, min_starts: 1, ..Asked::default() };
    let row = |name, change, bound| {
        let gate = Gate { asked, ..Gate::new(LoadKind::Prefix, change) };
        (change, Row::new(name, Play::Gate(gate), &[bound]))
    };
    let quiet = |name, change| row(name, change, at_most(Outcome::Regression, 0.0, Source::Goal));
    let found =
        |name, change| row(name, change, at_least(Outcome::Regression, 100.0, Source::Goal));
    vec![
        // First, since its starts are the history of those that follow.
        quiet("nothing (A/A)", C::None),
        found("prefill +50 %", C::Prefill(0.50)),
        found("decode +20 %", C::Decode(0.20)),
        found("stalls 1/s", C::Stalls(1.0)),
        found("errors 10 %", C::Errors(0.10)),
        found("prefix cache broken", C::PrefixCacheOff),
        // About 13 requests of 550 tokens are in flight: half of them fit.
        found("KV capacity down", C::KvCap(3_500)),
        quiet("drift 5 %/min", C::Drift(0.05)),
        quiet("20 % faster", C::Engine(-0.20)),
    ]
}

/// Plays every row once. Errors: exit 3, where the server cannot be started or measured.
pub fn play(seed: u64, progress: impl Fn(&str)) -> anyhow::Result<Table> {
    let mut history: Vec<PastRun> = Vec::new();
    let mut lines = Vec::new();
    let rows = rows();
    let mut bench = Bench::new(seed)?;
    for (number, (change, row)) in rows.iter().enumerate() {
        let (outcome, run) = bench.gate(*change, &history)?;
        if *change == Change::None {
            history.push(run);
        }
        let why = outcome.why.clone().unwrap_or_default();
        let line = Line::new(row, &[outcome]);
        progress(&format!("{}/{} {}\n    {why}", number + 1, rows.len(), line.to_text()));
        lines.push(line);
    }
    Ok(Table { seed, lines })
}

impl Bench {
    fn new(seed: u64) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("cannot tell where this program is")?;
        let knobs = Knobs { noise: Noise::Quiet, time_scale: TIME_SCALE, ..Knobs::default() };
        let ms = std::time::Duration::from_millis;
        let workload = Workload {
            length: Length::Requests(REQUESTS),
            warmup: Warmup::Requests(WARMUP_REQUESTS),
            slo: Slo { ttft: Some(ms(150)), tpot: Some(ms(20)), e2e: None },
            ..loads::workload(
                LoadKind::Prefix,
                Arrival::Poisson { rate: RATE },
                (INPUT_TOKENS, 32),
                seed,
            )
        };
        let salt = plan::salt(seed);
        let (protocol, model, session) =
            (Protocol::from(ProtocolName::OpenAiChat), knobs.model.as_str(), "selftest");
        let input = plan::Input {
            protocol: &protocol,
            model,
            extras: EXTRAS,
            salt: &salt,
            session,
            rounds: ROUNDS,
            shards: 1,
            file: None,
            extra_body: &ExtraBody::new(),
        };
        let plan = plan::build(&workload, &input)?;
        Ok(Self { program, workload, plan, knobs, spare: SPARE_STARTS })
    }

    /// Start pairs until one decides; without a change all of them, since they are to be a history.
    fn gate(&mut self, change: Change, history: &[PastRun]) -> anyhow::Result<(Played, PastRun)> {
        let empty = || workload_record(&self.workload, &self.plan, EXTRAS, Fingerprint::default());
        let mut records = Records { baseline: empty(), candidate: empty() };
        let slo: SloMs = records.baseline.slo.into();
        let mut outcome = None;
        for start in 0..LOOKS {
            self.start(change, start, &mut records)?;
            while self.spare > 0 && !records.unfit().is_empty() {
                self.spare -= 1;
                records.forget_last();
                self.start(change, start, &mut records)?;
            }
            let (baseline, candidate) =
                (records.baseline.method_rounds(), records.candidate.method_rounds());
            let comparison = interleaved::judge(&Interleaved {
                earlier: &[],
                now: Attempt { baseline: &baseline, candidate: &candidate, ..Attempt::default() },
                slo,
                differing: &[],
                rules: Rules {
                    history,
                    shape: records.baseline.shape(),
                    planned: LOOKS as usize,
                    sampling: Sampling::Pairs,
                    unseen: 0,
                    policy: &Policy { min_starts: 1, ..Policy::default() },
                },
            });
            let open = comparison.decision.is_open();
            outcome = Some(ruled(Some(comparison), Vec::new(), records.unfit(), None));
            if !open && change != Change::None {
                break;
            }
        }
        let (baseline, candidate) =
            (records.baseline.method_rounds(), records.candidate.method_rounds());
        let run = finished(&baseline, &candidate, &slo);
        Ok((outcome.context("no start was played; this is a bug")?, run))
    }

    /// One start of both sides: warmed up one after the other, then round by round, one idle while
    /// the other is measured.
    fn start(&self, change: Change, start: u32, records: &mut Records) -> anyhow::Result<()> {
        let mut knobs = self.knobs.clone();
        change.machine(&mut knobs);
        let baseline = Side::start(&self.program, &knobs)?;
        change.candidate(&mut knobs, Moment { start, window: (0.0, 0.0), draw: 1.0 });
        let candidate = Side::start(&self.program, &knobs)?;
        for (side, record) in
            [(&baseline, &mut records.baseline), (&candidate, &mut records.candidate)]
        {
            side.send(&self.plan, &self.plan.warmup)?;
            record.starts.push(StartRecord {
                index: start,
                sim_seed: Some(side.server.seed),
                setup_ms: None,
                ready_ms: None,
                connections: BTreeMap::new(),
                rounds: Vec::new(),
            });
        }
        for (index, plan) in (0..ROUNDS).zip(&self.plan.rounds) {
            let first = candidate_first(start, index);
            for (place, is_candidate) in (0..).zip([first, !first]) {
                let order = (start * ROUNDS + index) * 2 + place;
                let (side, record) = if is_candidate {
                    (&candidate, &mut records.candidate)
                } else {
                    (&baseline, &mut records.baseline)
                };
                side.round(&self.plan, plan, (start, index, order), record)?;
            }
        }
        Ok(())
    }
}

impl Records {
    fn unfit(&self) -> Vec<String> {
        let both = [&self.baseline, &self.candidate].into_iter().flat_map(WorkloadRecord::unfit);
        both.map(|why| why.to_string()).collect()
    }

    fn forget_last(&mut self) {
        self.baseline.starts.pop();
        self.candidate.starts.pop();
    }
}

impl Side {
    fn start(program: &Path, knobs: &Knobs) -> anyhow::Result<Self> {
        let server = SimServer::start(program, &knobs.settings(), None)
            .map_err(|e| Failure::measure(e.to_string()))?;
        let spec =
            SiteSpec { base_url: &server.base_url, api_key: None, headers: &[], ca_pem: None };
        let site = Arc::new(Site::resolve(&spec).map_err(|e| Failure::measure(e.to_string()))?);
        let client = Client::new(&site, 1).context("cannot start the client's threads")?;
        Ok(Self { client, server })
    }

    fn send(&self, plan: &Plan, round: &RoundPlan) -> anyhow::Result<crate::load::RoundResult> {
        let reading = Reading::from_plan(plan);
        let counters = Arc::new(Counters::new(None));
        let measured = self.client.round(
            &Arc::new(round.clone()),
            reading,
            &Arc::new(Control::default()),
            &counters,
        );
        measured.map_err(|e| Failure::measure(e).into())
    }

    fn round(
        &self,
        plan: &Plan,
        round_plan: &RoundPlan,
        (start, index, order): (u32, u32, u32),
        record: &mut WorkloadRecord,
    ) -> anyhow::Result<()> {
        let measured = self.send(plan, round_plan)?;
        let raw = Raw {
            start,
            index,
            order,
            plan: round_plan,
            timelines: &measured.timelines,
            began_ns: measured.began_ns,
            health: client_health(&measured),
            cut_short: false,
        };
        let stored = round(&raw, &record.load, &record.slo.into());
        if let Some(last) = record.starts.last_mut() {
            last.rounds.push(stored);
        }
        Ok(())
    }
}
