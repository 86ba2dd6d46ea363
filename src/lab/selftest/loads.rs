//! The loads of the self-test, as METHOD's simulations used them, made by `plan::build` and read by
//! the simulated server's own parser.
//!
//! Not here: what is changed under a load (`changes`), or playing it (`plant`).

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, LogNormal};

use super::{Purpose, stream};
use crate::config::sim::{Knobs, Profile};
use crate::config::{Arrival, Corpus, Length, PromptKind, Prompts, TraceFormat, Warmup, Workload};
use crate::measure::SloMs;
use crate::measure::summary::Shape;
use crate::plan::{self, Pace, RoundPlan};
use crate::protocol::{ExtraBody, Extras, Protocol, ProtocolName};
use crate::record::{LoadDetail, LoadFacts};
use crate::sim::{Api, Call, parse};

/// What is sent to the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LoadKind {
    /// Poisson at half of the capacity of an H100-like engine, prompts and outputs of mixed length.
    Chat,
    /// The same requests, 32 in flight.
    Closed,
    /// Long prompts of which all requests share two thirds.
    Prefix,
    /// A small GPU whose KV cache does not hold what is in flight.
    KvBound,
    /// Chat that comes in bursts.
    Bursty,
    /// Chat near what the engine can do: a small change of speed moves TTFT by much.
    Knee,
    /// This repository's own gate: short, for quick looks.
    Demo,
}

/// One round as a plan, and its requests as the server reads them.
#[derive(Clone, Debug)]
pub struct Prepared {
    pub plan: RoundPlan,
    pub calls: Vec<Call>,
}

/// One plan: what both sides of a gate, and its history, are measured with.
#[derive(Clone, Debug)]
pub struct Load {
    pub knobs: Knobs,
    pub warmup: Prepared,
    pub rounds: Vec<Prepared>,
    pub facts: LoadFacts,
    pub slo: SloMs,
    pub shape: Shape,
    /// Machine time between the begins of two rounds, at least, virtual milliseconds.
    pub slot_ms: f64,
}

/// Rounds per start (docs/METHODOLOGY.md#measurement).
pub const ROUNDS: u32 = 3;
/// After the last arrival of a round, virtual milliseconds: enough for the longest answer.
const DRAIN_MS: f64 = 10_000.0;

impl LoadKind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Closed => "closed loop 32",
            Self::Prefix => "shared prefix",
            Self::KvBound => "KV-bound",
            Self::Bursty => "bursty",
            Self::Knee => "saturation knee",
            Self::Demo => "demo",
        }
    }

    /// Requests per round: METHOD asks for 100 or more in 15 to 25 s; a closed loop also loses its
    /// first wave.
    const fn requests(self) -> u32 {
        match self {
            Self::Chat | Self::Bursty => 180,
            Self::Knee => 620,
            Self::Closed => 400,
            Self::Prefix | Self::Demo => 100,
            Self::KvBound => 160,
        }
    }

    /// Requests per second; of a closed loop only for the trace that its lengths come from.
    pub const fn rate(self) -> f64 {
        match self {
            Self::Chat | Self::Bursty | Self::Closed | Self::KvBound => 10.0,
            Self::Knee => 31.0,
            Self::Prefix => 5.0,
            Self::Demo => 20.0,
        }
    }

    fn arrival(self) -> Arrival {
        match self {
            // Gaps vary 1.4 times as much as those of a Poisson process.
            Self::Bursty => Arrival::Gamma { rate: self.rate(), burstiness: 0.5 },
            _ => Arrival::Poisson { rate: self.rate() },
        }
    }

    const fn in_flight(self) -> Option<u32> {
        match self {
            Self::Closed | Self::KvBound => Some(32),
            Self::Chat | Self::Bursty | Self::Knee | Self::Prefix | Self::Demo => None,
        }
    }

    fn knobs(self) -> Knobs {
        let profile = match self {
            Self::Demo => Profile::Demo,
            Self::KvBound => Profile::SmallModel1b,
            Self::Chat | Self::Bursty | Self::Knee | Self::Closed | Self::Prefix => {
                Profile::H100Model8b
            }
        };
        let kv_cap = (self == Self::KvBound).then_some(14_000);
        Knobs { profile, kv_cap, ..Knobs::default() }
    }

    /// Limits that nearly all requests of an unchanged engine keep, so that attainment has room to
    /// fall.
    const fn slo(self) -> SloMs {
        let (ttft, tpot) = match self {
            Self::Chat => (100.0, 11.0),
            Self::Bursty => (150.0, 13.0),
            Self::Knee => (6000.0, 60.0),
            Self::Closed => (150.0, 15.0),
            Self::Prefix => (150.0, 14.0),
            Self::KvBound => (3000.0, 40.0),
            Self::Demo => (300.0, 40.0),
        };
        SloMs { ttft: Some(ttft), tpot: Some(tpot), e2e: None }
    }

    /// Input and output tokens where all requests are alike; none where both are drawn.
    const fn lengths(self) -> Option<(u32, u32)> {
        match self {
            Self::Prefix => Some((2800, 110)),
            Self::Demo => Some((256, 32)),
            Self::Chat | Self::Bursty | Self::Knee | Self::Closed | Self::KvBound => None,
        }
    }
}

impl Load {
    /// Plan number `variant` of this load. Errors: a bug, as the plan is not the user's.
    pub fn build(kind: LoadKind, seed: u64, variant: u32) -> anyhow::Result<Self> {
        let knobs = kind.knobs();
        let mut rng = stream(seed, Purpose::Plan(kind), variant.into());
        let (warmup, plans) = match kind.lengths() {
            Some(lengths) => alike(kind, lengths, draw(&mut rng))?,
            None => mixed(kind, &mut rng)?,
        };
        let longest = plans
            .iter()
            .filter_map(|p| p.requests.last())
            .map(|r| r.offset)
            .max()
            .unwrap_or_default();
        let open = kind.in_flight().is_none();
        let output_tokens = kind.lengths().map_or(110, |l| l.1);
        Ok(Self {
            warmup: Prepared::read(warmup, &knobs)?,
            rounds: plans
                .into_iter()
                .map(|p| Prepared::read(p, &knobs))
                .collect::<Result<_, _>>()?,
            facts: facts(kind, output_tokens),
            slo: kind.slo(),
            shape: Shape { streaming: true, output_tokens, has_slo: true },
            slot_ms: if open { longest.as_secs_f64() * 1000.0 + DRAIN_MS } else { 0.0 },
            knobs,
        })
    }
}

impl Prepared {
    /// Reads the plan's bodies as the simulated server does.
    pub fn read(plan: RoundPlan, knobs: &Knobs) -> anyhow::Result<Self> {
        let call = |body: &[u8]| {
            parse(knobs, 0, 0, Api::Chat, body)
                .map_err(|r| anyhow!("the self-test's own request: {}", r.body))
        };
        let calls = plan.requests.iter().map(|r| call(&r.body)).collect::<Result<_, _>>()?;
        Ok(Self { plan, calls })
    }

    /// Answers as long as they happen to be: log-normal about what was asked, coefficient of
    /// variation 0.5.
    pub fn with_free_lengths(&self, rng: &mut ChaCha8Rng) -> Self {
        let mut free = self.clone();
        for (call, request) in free.calls.iter_mut().zip(&mut free.plan.requests) {
            let (u, v): (f64, f64) =
                (rand::RngExt::random::<f64>(rng).max(1e-300), rand::RngExt::random(rng));
            let normal = (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos();
            let tokens = (f64::from(call.output_tokens) * (0.47 * normal).exp()).clamp(2.0, 4096.0);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "from 2 to 4096, as just clamped"
            )]
            let tokens = tokens.round() as u32;
            // What came is what was asked, so that the length counts as kept.
            (call.output_tokens, request.output_tokens) = (tokens, tokens);
        }
        free
    }
}

type Plans = (RoundPlan, Vec<RoundPlan>);

fn draw(rng: &mut ChaCha8Rng) -> u64 {
    rand::RngExt::random_range(rng, 0..1 << 53)
}

/// All requests of one length: one plan has all rounds.
fn alike(kind: LoadKind, lengths: (u32, u32), seed: u64) -> anyhow::Result<Plans> {
    let plan = build(&workload(kind, kind.arrival(), lengths, seed), ROUNDS, None)?;
    Ok((plan.warmup, plan.rounds))
}

/// Lengths as METHOD's chat: prompts log-normal with median 350 and sigma 0.8 (16 to 4096), outputs
/// 110 and 0.5 (8 to 512). Each round is a plan of its own, from a trace of its own, since a
/// trace's arrivals are the same in all rounds.
fn mixed(kind: LoadKind, rng: &mut ChaCha8Rng) -> anyhow::Result<Plans> {
    let mut warmup = None;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let seed = draw(rng);
        let arrivals = build(&workload(kind, kind.arrival(), (16, 8), seed), 1, None)?;
        let trace = trace(&arrivals.rounds[0], rng)?;
        let workload = workload(
            kind,
            Arrival::Trace { file: PathBuf::new(), speedup: 1.0, format: TraceFormat::default() },
            (350, 110),
            seed,
        );
        let mut plan = build(&workload, 1, Some(&trace))?;
        rounds.extend(plan.rounds.drain(..).map(|r| paced(kind, r)));
        warmup.get_or_insert_with(|| paced(kind, RoundPlan { ramp: 0, ..plan.warmup }));
    }
    Ok((warmup.ok_or_else(|| anyhow!("a plan without rounds"))?, rounds))
}

/// A trace is sent in open loop; here its lengths may also be those of a closed one.
fn paced(kind: LoadKind, plan: RoundPlan) -> RoundPlan {
    match kind.in_flight() {
        Some(concurrency) => {
            RoundPlan { pace: Pace::Closed { concurrency }, ramp: concurrency, ..plan }
        }
        None => plan,
    }
}

fn trace(arrivals: &RoundPlan, rng: &mut ChaCha8Rng) -> anyhow::Result<String> {
    let (prompts, outputs) =
        (LogNormal::new(350_f64.ln(), 0.8)?, LogNormal::new(110_f64.ln(), 0.5)?);
    let mut text = String::new();
    for request in &arrivals.requests {
        let (input, output) =
            (prompts.sample(rng).clamp(16.0, 4096.0), outputs.sample(rng).clamp(8.0, 512.0));
        let offset_ms = request.offset.as_secs_f64() * 1000.0;
        writeln!(
            text,
            "{{\"offset_ms\":{offset_ms:.3},\"input_tokens\":{input:.0},\"output_tokens\":{output:.0}}}"
        )?;
    }
    Ok(text)
}

pub fn workload(
    kind: LoadKind,
    arrival: Arrival,
    (input_tokens, output_tokens): (u32, u32),
    seed: u64,
) -> Workload {
    Workload {
        name: "selftest".into(),
        arrival,
        length: Length::Requests(kind.requests()),
        max_in_flight: None,
        prompts: Prompts {
            corpus: Corpus::En,
            input_tokens,
            shared_prefix: if kind == LoadKind::Prefix { 2.0 / 3.0 } else { 0.0 },
            kind: PromptKind::Single,
        },
        output_tokens,
        stream: true,
        temperature: 0.0,
        ignore_eos: true,
        extra_body: ExtraBody::new(),
        seed,
        // Ten seconds of load before anything counts (docs/METHODOLOGY.md#measurement).
        warmup: Warmup::Duration(Duration::from_secs(10)),
        timeout: Duration::from_secs(120),
        stall_timeout: Duration::from_secs(60),
        slo: crate::config::Slo::default(),
        limits: Vec::new(),
        regressions: std::collections::BTreeMap::new(),
        tier: None,
        level: None,
        text: None,
    }
}

fn build(workload: &Workload, rounds: u32, trace: Option<&str>) -> anyhow::Result<plan::Plan> {
    let salt = plan::salt(0);
    let extras = Extras {
        ignore_eos: true,
        min_tokens: true,
        stream_usage: true,
        length: crate::protocol::LengthField::MaxTokens,
    };
    let (protocol, model, session) =
        (Protocol::from(ProtocolName::OpenAiChat), "sim-8b", "selftest");
    Ok(plan::build(
        workload,
        &plan::Input {
            protocol: &protocol,
            model,
            extras,
            salt: &salt,
            session,
            rounds,
            shards: 1,
            file: trace,
            extra_body: &ExtraBody::new(),
        },
    )?)
}

fn facts(kind: LoadKind, output_tokens: u32) -> LoadFacts {
    LoadFacts {
        protocol: ProtocolName::OpenAiChat.name().into(),
        arrival: kind.name().into(),
        streaming: true,
        open_loop: kind.in_flight().is_none(),
        requests_per_round: Some(kind.requests().into()),
        input_tokens: kind.lengths().map_or(350, |l| l.0),
        output_tokens,
        length_forced: true,
        max_in_flight: None,
        seed: 0,
        detail: LoadDetail::default(),
    }
}
